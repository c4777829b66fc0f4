-- The ledger, the vault beside it, and the catalogue that is built from it.
-- {app} and {follower} stand for the roles' names.

CREATE SCHEMA ledger;
CREATE SCHEMA vault;
CREATE SCHEMA catalog;

GRANT USAGE ON SCHEMA ledger, catalog TO {app}, {follower};
GRANT USAGE ON SCHEMA vault TO {app};

-- The workspaces that this transaction may see or write, and the users it reads for.
CREATE FUNCTION ledger.visible() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('app.workspaces', true), ''), '{{}}')::uuid[] $$;
CREATE FUNCTION ledger.callers() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('app.users', true), ''), '{{}}')::uuid[] $$;

-- A time as events and replies spell it: UTC, six decimals.
CREATE FUNCTION ledger.rfc3339(timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT to_char($1 AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- ------------------------------------------------------------------ ledger

CREATE TABLE ledger.heads (
    workspace_id uuid PRIMARY KEY,
    seq bigint NOT NULL,
    catalog_seq bigint NOT NULL,  -- of the last event that changed the catalogue
    hash bytea NOT NULL,
    recorded_at timestamptz NOT NULL  -- of the last event: it never falls
) WITH (fillfactor = 50);

CREATE TABLE ledger.events (
    workspace_id uuid NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    schema smallint NOT NULL,
    data bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (workspace_id, seq),
    UNIQUE (workspace_id, stream_id, version)
);

CREATE TABLE ledger.batches (
    workspace_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,  -- first_seq - 1 where nothing changed
    actor_kind text NOT NULL,
    actor uuid NOT NULL,
    surface text NOT NULL,
    request_id text NOT NULL,
    causation_id uuid,
    correlation_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    key text,
    fingerprint bytea,
    reply bytea,
    undone_by uuid,
    PRIMARY KEY (workspace_id, batch_id),
    UNIQUE (workspace_id, actor, key)
);
CREATE INDEX batches_by_seq ON ledger.batches (workspace_id, last_seq);

CREATE TABLE ledger.outbox (
    workspace_id uuid NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE ledger.feed (
    last_global bigint PRIMARY KEY,
    workspace_id uuid NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL
);
CREATE INDEX feed_by_seq ON ledger.feed (workspace_id, last_seq);

CREATE TABLE ledger.positions (
    follower text PRIMARY KEY,
    global_seq bigint NOT NULL
);

CREATE TABLE ledger.anchors (
    workspace_id uuid NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    anchored_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, seq)
);

-- Refused attempts and sign-ins: what happened and changed nothing.
CREATE TABLE ledger.access_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    workspace_id uuid,
    actor uuid,
    action text NOT NULL,
    status smallint NOT NULL,
    code text,
    surface text NOT NULL,
    request_id text NOT NULL,
    address text
);
CREATE INDEX access_log_by_workspace ON ledger.access_log (workspace_id, at);

CREATE SEQUENCE ledger.table_numbers AS bigint MAXVALUE 4294967295;

CREATE FUNCTION ledger.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % of %.% refused',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.events
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON ledger.batches
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.anchors
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse();

-- The bytes of an event for people; the bytes themselves are the truth.
CREATE VIEW ledger.readable WITH (security_invoker = true) AS
SELECT workspace_id, seq, id, stream_id, version, type, schema, recorded_at,
       convert_from(data, 'UTF8')::json AS data
FROM ledger.events;

GRANT SELECT, INSERT, UPDATE ON ledger.heads TO {app};
GRANT SELECT, INSERT ON ledger.events, ledger.anchors, ledger.access_log TO {app};
GRANT SELECT, INSERT, UPDATE (key, fingerprint, reply, undone_by) ON ledger.batches TO {app};
GRANT SELECT, INSERT, DELETE ON ledger.outbox TO {app};
GRANT SELECT, INSERT ON ledger.feed TO {app};
GRANT SELECT, INSERT, UPDATE ON ledger.positions TO {app}, {follower};
GRANT SELECT ON ledger.heads, ledger.events, ledger.batches, ledger.feed, ledger.outbox TO {follower};
GRANT SELECT ON ledger.readable TO {app}, {follower};
GRANT USAGE ON SEQUENCE ledger.table_numbers TO {app};

-- ------------------------------------------------------------------- vault

CREATE TABLE vault.accounts (
    user_id uuid PRIMARY KEY,
    email text NOT NULL,
    email_key text NOT NULL UNIQUE,  -- NFKC, casefolded: equal for equal addresses
    name text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE vault.sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX sessions_by_user ON vault.sessions (user_id);

CREATE TABLE vault.refresh_tokens (
    digest bytea PRIMARY KEY,  -- SHA-256 of the token
    session_id uuid NOT NULL REFERENCES vault.sessions (id) ON DELETE CASCADE,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_by_session ON vault.refresh_tokens (session_id);

GRANT SELECT, INSERT, UPDATE ON vault.accounts TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.sessions, vault.refresh_tokens TO {app};

-- ----------------------------------------------------------------- catalog

CREATE TABLE catalog.users (
    id uuid PRIMARY KEY,
    administrator boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    version integer NOT NULL
);

CREATE TABLE catalog.slugs (
    slug text PRIMARY KEY,
    workspace_id uuid NOT NULL
);

CREATE TABLE catalog.workspaces (
    workspace_id uuid PRIMARY KEY,
    name text NOT NULL,
    slug text NOT NULL,
    description text,
    owner_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL
);

CREATE TABLE catalog.members (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamptz NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);
CREATE INDEX members_by_user ON catalog.members (user_id) WHERE NOT deleted;

CREATE TABLE catalog.bases (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    description text,
    icon text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX bases_by_id ON catalog.bases (id);

CREATE TABLE catalog.tables (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    base_id uuid NOT NULL,
    number bigint NOT NULL,
    name text NOT NULL,
    description text,
    position integer NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    schema_seq bigint NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX tables_by_id ON catalog.tables (id);
CREATE INDEX tables_by_number ON catalog.tables (number);

CREATE TABLE catalog.fields (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    table_id uuid NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    options json NOT NULL,
    required boolean NOT NULL,
    description text,
    position integer NOT NULL,
    is_primary boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX fields_by_id ON catalog.fields (id);

CREATE TABLE catalog.constraints (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    field_id uuid NOT NULL,
    table_id uuid NOT NULL,
    case_sensitive boolean NOT NULL,
    status text NOT NULL,
    error_message text,
    folding text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX constraints_by_id ON catalog.constraints (id);

-- The last row number that a table gave; numbers are never given twice.
CREATE TABLE catalog.counters (
    workspace_id uuid NOT NULL,
    table_id uuid NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (workspace_id, table_id)
) WITH (fillfactor = 50);

CREATE TABLE catalog.unique_keys (
    workspace_id uuid NOT NULL,
    constraint_id uuid NOT NULL,
    digest bytea NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, constraint_id, digest)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA catalog TO {app};
GRANT SELECT ON ALL TABLES IN SCHEMA catalog TO {follower};

-- ---------------------------------------------------------- row-level security
-- A transaction that names no workspace sees nothing.  outbox, feed, positions, slugs,
-- users and the vault hold nothing of a tenant's content, or are asked before the
-- workspace is known, and stay outside.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'ledger.heads', 'ledger.events', 'ledger.batches', 'ledger.anchors',
        'catalog.workspaces', 'catalog.members', 'catalog.bases', 'catalog.tables',
        'catalog.fields', 'catalog.constraints', 'catalog.counters', 'catalog.unique_keys'
    ] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY by_workspace ON %s '
            'USING (workspace_id = ANY ((SELECT ledger.visible())::uuid[])) '
            'WITH CHECK (workspace_id = ANY ((SELECT ledger.visible())::uuid[]))', name);
    END LOOP;
END $$;
CREATE POLICY by_user ON catalog.members FOR SELECT
    USING (user_id = ANY ((SELECT ledger.callers())::uuid[]));

-- The instance's own ledger: sign-ups and administrators.  A transaction that names it
-- may write it, like any other workspace.
SELECT set_config('app.workspaces', '{{00000000-0000-0000-0000-000000000000}}', true);
INSERT INTO ledger.heads (workspace_id, seq, catalog_seq, hash, recorded_at)
VALUES ('00000000-0000-0000-0000-000000000000', 0, 0, decode(repeat('00', 32), 'hex'), 'epoch');
