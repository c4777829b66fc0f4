-- Webhooks.  What they are is in the catalogue; where they send to, with what headers,
-- and the secrets and tokens are in the vault.  {app} and {follower} stand for the
-- roles' names.

CREATE TABLE catalog.webhooks (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    table_id uuid,  -- null: of the workspace as a whole
    name text NOT NULL,
    kind text NOT NULL,
    events json NOT NULL,
    mappings json NOT NULL,
    target_id uuid,
    origin text,
    enabled boolean NOT NULL,
    paused boolean NOT NULL,
    reason text,
    renewed boolean NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX webhooks_by_id ON catalog.webhooks (id);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalog.webhooks TO {app};
GRANT SELECT ON catalog.webhooks TO {follower};

ALTER TABLE catalog.webhooks ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_workspace ON catalog.webhooks
    USING (workspace_id = ANY ((SELECT ledger.visible())::uuid[]))
    WITH CHECK (workspace_id = ANY ((SELECT ledger.visible())::uuid[]));

-- An address with its headers, sealed (commands/sealing.py).  Never changed: a webhook
-- gets another one, and an undo goes back to the one before.
CREATE TABLE vault.webhook_targets (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    sealed bytea NOT NULL
);

-- What messages are signed with, sealed: the newest one, and those before it until
-- they end.
CREATE TABLE vault.webhook_secrets (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    sealed bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ends_at timestamptz
);
CREATE INDEX webhook_secrets_by_webhook ON vault.webhook_secrets (webhook_id, made_at);

CREATE TABLE vault.webhook_tokens (
    webhook_id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    digest bytea NOT NULL UNIQUE  -- SHA-256 of the token
);

GRANT SELECT, INSERT ON vault.webhook_targets TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.webhook_secrets, vault.webhook_tokens
    TO {app};

-- Whichever way a webhook is deleted, by its route or by an undo of what made it: its
-- secrets go in the same transaction.
CREATE FUNCTION catalog.forget_webhook() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM vault.webhook_secrets WHERE webhook_id = NEW.id;
    DELETE FROM vault.webhook_tokens WHERE webhook_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER forgotten AFTER UPDATE ON catalog.webhooks
    FOR EACH ROW WHEN (NEW.deleted AND NOT OLD.deleted)
    EXECUTE FUNCTION catalog.forget_webhook();
