-- Unique constraints over large tables: why one failed, and how far a worker is.
-- {app} and {follower} stand for the roles' names.

ALTER TABLE catalog.constraints ADD COLUMN failure json;

-- What a worker still has to do for a constraint: `projections/records/keys.py`.  Ids
-- and nothing of a tenant's content; outside row-level security, because the worker
-- asks before it knows the workspaces.
CREATE TABLE catalog.fills (
    workspace_id uuid NOT NULL,
    constraint_id uuid NOT NULL,
    since bigint NOT NULL,
    phase text NOT NULL,
    upto bigint NOT NULL DEFAULT 0,
    pairs jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (workspace_id, constraint_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON catalog.fills TO {app};
GRANT SELECT ON catalog.fills TO {follower};
