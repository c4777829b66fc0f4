"""Access tokens of a workspace: kept like API keys, and good for reading it alone.

A token is `wat_` and 43 characters.  It is its user's, who has to be a member for as
long as it is used, and may no more than its user.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from commands.api_keys import SHOWN, TOKEN_PREFIX, ApiKey, make_secret, new_key
from commands.unit import VaultWrite
from projections.reader import Reader

SCOPES = ("read",)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """As lists show it."""

    user_id: str
    key: ApiKey


def new_token(
    token_id: str, name: str | None, created_at: str, expires_at: str | None
) -> tuple[ApiKey, str]:
    """A token and its secret."""
    secret = make_secret(TOKEN_PREFIX)
    shown = secret[:SHOWN]
    return (
        ApiKey(token_id, name, shown, SCOPES, created_at, expires_at, None, True),
        secret,
    )


def stored(
    key: ApiKey, user_id: str, secret: str, workspace_id: str
) -> list[VaultWrite]:
    """The token's rows, as part of the unit that records it."""
    return new_key(key, user_id, secret, workspace_id)


def forget(token_id: str, workspace_id: str) -> list[VaultWrite]:
    """Ends a token, as part of the unit that records it."""
    values = [token_id, workspace_id]
    return [VaultWrite(_END_SESSION, values), VaultWrite(_FORGET, values)]


async def tokens_of(
    reader: Reader, workspace_id: str, user_id: str | None
) -> Sequence[AccessToken]:
    """A workspace's tokens, oldest first: of one user where one is named."""
    (rows,) = await reader.run([(_TOKENS_OF, [workspace_id, user_id, user_id])])
    return [AccessToken(row[0], ApiKey(*row[1:])) for row in rows]


_END_SESSION = sql.SQL(
    "UPDATE vault.sessions SET revoked_at = clock_timestamp() WHERE id = ("
    "SELECT id FROM vault.api_keys WHERE id = %s::uuid AND workspace_id = %s::uuid)"
)
_FORGET = sql.SQL(
    "DELETE FROM vault.api_keys WHERE id = %s::uuid AND workspace_id = %s::uuid"
)
# by api_keys_by_workspace
_TOKENS_OF = b"""
    SELECT k.user_id, k.id, k.name, k.key_prefix, k.scopes,
           ledger.rfc3339(k.created_at), ledger.rfc3339(k.expires_at),
           ledger.rfc3339(k.last_used_at),
           s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
    FROM vault.api_keys AS k JOIN vault.sessions AS s ON s.id = k.id
    WHERE k.workspace_id = %s::uuid AND (%s::uuid IS NULL OR k.user_id = %s::uuid)
    ORDER BY k.created_at, k.id
"""
