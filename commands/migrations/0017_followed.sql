-- How far each follower is in each workspace (workers/following.py), so that one
-- workspace may stand still and the others go on.  {app} and {follower} stand for the
-- roles' names.

CREATE TABLE ledger.followed (
    follower text NOT NULL,
    workspace_id uuid NOT NULL,
    seq bigint NOT NULL,  -- everything up to it has had its effect
    upto bigint NOT NULL,  -- the last position that is sealed, as far as was looked
    note text,  -- what the follower keeps beside its position
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),  -- whose turn is next
    failures integer NOT NULL DEFAULT 0,  -- of the event after seq, in a row
    error text,
    parked boolean NOT NULL DEFAULT false,  -- until somebody says to go on
    PRIMARY KEY (follower, workspace_id)
);
CREATE INDEX followed_waiting ON ledger.followed (follower, due_at)
    WHERE seq < upto AND NOT parked;

-- Outside row-level security, like feed and positions: nothing of a tenant's content.
GRANT SELECT, INSERT, UPDATE ON ledger.followed TO {app}, {follower};

-- How long something has waited for its followers; unknown of what was sealed before.
ALTER TABLE ledger.feed ADD COLUMN sealed_at timestamptz;
ALTER TABLE ledger.feed ALTER COLUMN sealed_at SET DEFAULT clock_timestamp();
