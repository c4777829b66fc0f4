-- Which events are undone: what each history.undone covers, and whether it is not undone
-- itself.  {app} and {follower} stand for the roles' names.

CREATE TABLE catalog.undone (
    workspace_id uuid NOT NULL,
    by_seq bigint NOT NULL,  -- position of the history.undone
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    holds boolean NOT NULL,
    PRIMARY KEY (workspace_id, by_seq, first_seq)
);
CREATE INDEX undone_by_seq ON catalog.undone (workspace_id, last_seq);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalog.undone TO {app};
GRANT SELECT ON catalog.undone TO {follower};

ALTER TABLE catalog.undone ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_workspace ON catalog.undone
    USING (workspace_id = ANY ((SELECT ledger.visible())::uuid[]))
    WITH CHECK (workspace_id = ANY ((SELECT ledger.visible())::uuid[]));
