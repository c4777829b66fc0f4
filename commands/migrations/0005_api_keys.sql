-- API keys.  A key is a session too: its row in vault.sessions has the key's id and end,
-- so that whatever asks whether a session is alive asks the same of a key.

CREATE TABLE vault.api_keys (
    id uuid PRIMARY KEY,  -- its session's
    user_id uuid NOT NULL,
    name text,
    key_prefix text NOT NULL,  -- the first 12 characters: shown, and what finds it
    digest bytea NOT NULL,  -- SHA-256 of the whole key
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX api_keys_by_prefix ON vault.api_keys (key_prefix);
CREATE INDEX api_keys_by_user ON vault.api_keys (user_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.api_keys TO {app};

-- By which sign-in or key a batch came; beside the chain, like the rest of the vault's ids.
ALTER TABLE ledger.batches ADD COLUMN session_id uuid;
