-- Files that were uploaded: what they are called and the hash that their content lies
-- under in the data directory.  {app} and {follower} stand for the roles' names.

CREATE TABLE catalog.files (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX files_by_id ON catalog.files (id);
CREATE INDEX files_by_content ON catalog.files (sha256);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalog.files TO {app};
GRANT SELECT ON catalog.files TO {follower};

ALTER TABLE catalog.files ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_workspace ON catalog.files
    USING (workspace_id = ANY ((SELECT ledger.visible())::uuid[]))
    WITH CHECK (workspace_id = ANY ((SELECT ledger.visible())::uuid[]));
