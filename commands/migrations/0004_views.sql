-- Views: how the records of a table are looked at.  {app} and {follower} stand for the
-- roles' names.

CREATE TABLE catalog.views (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    table_id uuid NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    config json NOT NULL,
    filters json NOT NULL,
    sorts json NOT NULL,
    position integer NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX views_by_id ON catalog.views (id);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalog.views TO {app};
GRANT SELECT ON catalog.views TO {follower};

ALTER TABLE catalog.views ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_workspace ON catalog.views
    USING (workspace_id = ANY ((SELECT ledger.visible())::uuid[]))
    WITH CHECK (workspace_id = ANY ((SELECT ledger.visible())::uuid[]));
