-- Names for URLs, and access tokens of workspaces.

ALTER TABLE catalog.bases ADD COLUMN db_name text NOT NULL DEFAULT '';
ALTER TABLE catalog.tables ADD COLUMN slug text NOT NULL DEFAULT '';
ALTER TABLE catalog.fields ADD COLUMN api_name text NOT NULL DEFAULT '';

-- `commands/url_names.py` names what is there, from the events of its creation.  Forced
-- where owner and app are one role, row-level security would hide that; every start
-- settles it again.
ALTER TABLE catalog.bases NO FORCE ROW LEVEL SECURITY;
ALTER TABLE catalog.tables NO FORCE ROW LEVEL SECURITY;
ALTER TABLE catalog.fields NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger.events NO FORCE ROW LEVEL SECURITY;

-- An access token (wat_…) is kept like an API key (tbk_…), and is good for one workspace.
ALTER TABLE vault.api_keys ADD COLUMN workspace_id uuid;
CREATE INDEX api_keys_by_workspace ON vault.api_keys (workspace_id)
    WHERE workspace_id IS NOT NULL;
