-- What a user's profile has beside the name, and sessions without refresh tokens.
-- All of it is personal, and so in the vault: events only name what changed.

ALTER TABLE vault.accounts ADD COLUMN username text;
ALTER TABLE vault.accounts ADD COLUMN avatar text;
ALTER TABLE vault.accounts ADD COLUMN email_verified boolean NOT NULL DEFAULT false;
ALTER TABLE vault.accounts ADD COLUMN updated_at timestamptz;

-- as `commands/usernames.py` derives them: the part before the @, with the end of the
-- user's id where somebody has it already
WITH wanted AS (
    SELECT user_id, created_at, coalesce(nullif(btrim(left(regexp_replace(
        lower(split_part(email, '@', 1)), '[^a-z0-9._-]+', '-', 'g'), 50), '._-'), ''),
        'user') AS username
    FROM vault.accounts
), numbered AS (
    SELECT user_id, username, row_number() OVER (
        PARTITION BY username ORDER BY created_at, user_id) AS number
    FROM wanted
)
UPDATE vault.accounts AS a
SET username = CASE WHEN n.number = 1 THEN n.username
        ELSE n.username || '-' || right(a.user_id::text, 12) END,
    updated_at = a.created_at
FROM numbered AS n WHERE n.user_id = a.user_id;

ALTER TABLE vault.accounts ALTER COLUMN username SET NOT NULL;
ALTER TABLE vault.accounts ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE vault.accounts ALTER COLUMN updated_at SET NOT NULL;
-- ASCII alone, so that lower case is one thing everywhere
CREATE UNIQUE INDEX accounts_by_username ON vault.accounts (lower(username COLLATE "C"));

-- Who comes from another provider of accounts has no password here.
ALTER TABLE vault.accounts ALTER COLUMN password_hash DROP NOT NULL;

CREATE TABLE vault.identities (
    provider text NOT NULL,  -- the origin that tells who somebody is
    subject text NOT NULL,   -- the provider's own id of a user
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, subject)
);

-- Sign-ins under way at the provider: each is used once, by the browser that began it.
CREATE TABLE vault.oauth_states (
    digest bytea PRIMARY KEY,  -- SHA-256 of the state
    browser bytea NOT NULL,    -- the same of the cookie
    redirect_uri text,
    challenge text,            -- of the client's own code verifier
    expires_at timestamptz NOT NULL
);

-- What a client trades for a token, once and soon.
CREATE TABLE vault.oauth_codes (
    digest bytea PRIMARY KEY,  -- SHA-256 of the code
    user_id uuid NOT NULL,
    challenge text,
    provider text,             -- to be linked once the account's password was said
    subject text,
    expires_at timestamptz NOT NULL
);

GRANT SELECT, INSERT ON vault.identities TO {app};
GRANT SELECT, INSERT, DELETE ON vault.oauth_states, vault.oauth_codes TO {app};
