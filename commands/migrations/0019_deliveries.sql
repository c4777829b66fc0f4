-- What is to be sent to webhooks, and how that went (workers/deliveries).
-- {app} and {follower} stand for the roles' names.

CREATE SCHEMA hooks;
GRANT USAGE ON SCHEMA hooks TO {app}, {follower};

-- A row an event and a webhook that wants it.  Outside row-level security: nothing of a
-- tenant's content, and looked through for what is due before any workspace is known.
CREATE TABLE hooks.deliveries (
    id uuid PRIMARY KEY,  -- UUIDv7: in the order in which they were made
    workspace_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    seq bigint,  -- the event's position; NULL: a test, of no event
    by_seq bigint,  -- of the event that has it sent: itself, or webhook.replayed
    event_id uuid NOT NULL,
    event text NOT NULL,
    receiver text NOT NULL,  -- the origin of the webhook's URL
    stream uuid NOT NULL,  -- what is told in order: a record, a field, a table
    -- the earliest of its webhook and stream that waits: the others are not due
    head boolean NOT NULL,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'delivered', 'failed', 'cancelled')),
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    told_until timestamptz,  -- somebody was told of it, or has it, until then
    lease uuid,
    leased_until timestamptz,
    finished_at timestamptz,
    status smallint,  -- of the last reply
    reason text,  -- why the last attempt failed, or why it was closed
    UNIQUE (workspace_id, webhook_id, seq, by_seq),
    CHECK ((state = 'waiting') = (finished_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX deliveries_due ON hooks.deliveries (webhook_id, due_at, id)
    WHERE state = 'waiting' AND head;
CREATE INDEX deliveries_of_stream ON hooks.deliveries (webhook_id, stream, by_seq, seq)
    WHERE state = 'waiting';
CREATE INDEX deliveries_under_way ON hooks.deliveries (told_until)
    WHERE state = 'waiting' AND told_until IS NOT NULL;
CREATE INDEX deliveries_waiting ON hooks.deliveries (created_at)
    WHERE state = 'waiting';
CREATE INDEX deliveries_of_webhook ON hooks.deliveries (webhook_id, state, id);
CREATE INDEX deliveries_finished ON hooks.deliveries (finished_at)
    WHERE state <> 'waiting';

-- What is sent: the same bytes at every try.
CREATE TABLE hooks.contents (
    delivery_id uuid PRIMARY KEY REFERENCES hooks.deliveries (id) ON DELETE CASCADE,
    workspace_id uuid NOT NULL,
    body bytea NOT NULL
);

CREATE TABLE hooks.attempts (
    delivery_id uuid NOT NULL REFERENCES hooks.deliveries (id) ON DELETE CASCADE,
    workspace_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    seconds double precision NOT NULL,
    status smallint,  -- NULL: there was no reply
    error text,
    reply bytea,  -- how it began
    PRIMARY KEY (delivery_id, number)
);

-- How it goes with each webhook.
CREATE TABLE hooks.receivers (
    webhook_id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    failing_since timestamptz,  -- nothing but failures since then
    failed_at timestamptz,  -- the last one
    rests_until timestamptz,  -- nothing is sent before: paused, or asked to wait
    told_at timestamptz,  -- when it had its last turn
    -- attempts by their end, and how often it was turned off for failing
    delivered bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    turned_off integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hooks TO {app};
-- it adds, and has what waits for a webhook that is over looked at now; to lock what it
-- adds behind, it has to be allowed to update something
GRANT SELECT, INSERT, UPDATE (head, due_at) ON hooks.deliveries TO {follower};
GRANT SELECT, INSERT, UPDATE (rests_until) ON hooks.receivers TO {follower};
GRANT SELECT, INSERT ON hooks.contents TO {follower};
GRANT SELECT ON hooks.attempts TO {follower};

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['hooks.contents', 'hooks.attempts'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY by_workspace ON %s '
            'USING (workspace_id = ANY ((SELECT ledger.visible())::uuid[])) '
            'WITH CHECK (workspace_id = ANY ((SELECT ledger.visible())::uuid[]))', name);
    END LOOP;
END $$;
