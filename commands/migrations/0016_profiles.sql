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
