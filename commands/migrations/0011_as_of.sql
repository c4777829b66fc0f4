-- Reading as of a moment: the events that are not of a record, found without the others,
-- and the tables as they were, kept for a while.
-- {app} and {follower} stand for the roles' names.

CREATE INDEX events_beside_records ON ledger.events (workspace_id, seq)
WHERE left(type, 7) <> 'record.';

-- Objects put together: of a key that several have, the last one counts.
CREATE AGGREGATE ledger.together(jsonb) (
    SFUNC = jsonb_concat, STYPE = jsonb, PARALLEL = SAFE
);

CREATE SCHEMA shadows;
GRANT USAGE ON SCHEMA shadows TO {app}, {follower};
GRANT CREATE ON SCHEMA shadows TO {app};

-- A shadow is a table as it was: `projections/as_of/shadows.py`.  Ids and nothing of a
-- tenant's content; outside row-level security, because who drops the unused ones looks
-- at all of them.  After a crash unlogged tables are empty: this one is then too, so no
-- empty shadow is ever taken for a table without records.
CREATE UNLOGGED TABLE shadows.kept (
    name text PRIMARY KEY,
    workspace_id uuid NOT NULL,
    table_id uuid NOT NULL,
    position bigint NOT NULL,
    bytes bigint NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (workspace_id, table_id, position)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON shadows.kept TO {app};
GRANT SELECT ON shadows.kept TO {follower};
