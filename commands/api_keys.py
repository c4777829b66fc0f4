"""API keys: made, found again by what a client shows, listed, deleted.

A key is `tbk_` and 43 characters; an access token, which is a key of one workspace
(`commands/access_tokens.py`), `wat_` and as many.  The vault keeps its first 12
characters, which find it, and the SHA-256 of all of it, which is compared; the key
itself is in the reply of its creation and nowhere else.  A key has a session of its own
id, so it ends where sessions end: at once, in every process.
"""

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from psycopg import sql

from commands.unit import VaultWrite
from domain.errors import Unauthenticated
from projections.arrays import text_array
from projections.reader import Caller, Reader

PREFIX = "tbk_"
TOKEN_PREFIX = "wat_"
SHOWN = 12  # characters of a key that lists show
LENGTH = 47  # characters of a key
SCOPES = ("read", "write", "admin")
FRESH_SECONDS = 60.0  # how long a key is not looked up again
_CACHED = 20_000  # keys


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its owner sees it; times are RFC 3339."""

    id: str
    name: str | None
    key_prefix: str
    scopes: Sequence[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    alive: bool


def make_secret(prefix: str = PREFIX) -> str:
    return prefix + secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def new_key(
    key: ApiKey, user_id: str, secret: str, workspace_id: str | None = None
) -> list[VaultWrite]:
    """The key's rows, as part of the unit that records it."""
    end = key.expires_at or "infinity"
    return [
        VaultWrite(_NEW_SESSION, [key.id, user_id, key.created_at, end]),
        VaultWrite(
            _NEW_KEY,
            [
                key.id,
                user_id,
                key.name,
                key.key_prefix,
                digest_of(secret),
                text_array(list(key.scopes)),
                key.created_at,
                key.expires_at,
                workspace_id,
            ],
        ),
    ]


def forget_key(key_id: str, user_id: str) -> list[VaultWrite]:
    """Ends a key, as part of the unit that records it."""
    return [
        VaultWrite(_END_SESSION, [key_id, user_id]),
        VaultWrite(_FORGET, [key_id, user_id]),
    ]


async def keys_of(reader: Reader, caller: Caller) -> list[ApiKey]:
    """The caller's keys, oldest first.  Raises Unauthenticated for a dead session."""
    sessions, rows = await reader.run(
        [(_SESSION_ALIVE, [caller.session_id]), (_KEYS_OF, [caller.user_id])]
    )
    if not sessions:
        raise Unauthenticated()
    return [ApiKey(*row) for row in rows]


class KeyRing:
    """Who the keys are that clients show.

    A key that was found stays known for a minute: that it is still alive is asked, as
    of a session, by whatever it is used for.  Its last use is written when it is looked
    up, so at most once a minute.  `clock` gives seconds that only rise.
    """

    def __init__(self, reader: Reader, clock: Callable[[], float]) -> None:
        self._reader, self._clock = reader, clock
        self._known: dict[bytes, tuple[Caller, float]] = {}

    async def caller(self, secret: str) -> Caller:
        """Whom a key stands for.  Raises Unauthenticated."""
        if len(secret) != LENGTH or not secret.isascii():
            raise Unauthenticated()
        digest = digest_of(secret)
        known = self._known.get(digest)
        if known is not None and known[1] > self._clock():
            return known[0]
        self._known.pop(digest, None)
        caller = await self._find(secret[:SHOWN], digest)
        if len(self._known) >= _CACHED:
            self._known.clear()
        self._known[digest] = (caller, self._clock() + FRESH_SECONDS)
        return caller

    async def _find(self, prefix: str, digest: bytes) -> Caller:
        (rows,) = await self._reader.run([(_BY_PREFIX, [prefix])])
        found = [row for row in rows if hmac.compare_digest(bytes(row[2]), digest)]
        if not found:
            raise Unauthenticated()
        key_id, user_id, _, scopes, workspace_id, made_at = found[0]
        await self._reader.run([(_USED, [key_id])])
        since = made_at if workspace_id is not None else None
        return Caller(user_id, key_id, frozenset(scopes), workspace_id, since)


_NEW_SESSION = sql.SQL(
    "INSERT INTO vault.sessions (id, user_id, created_at, expires_at)"
    " VALUES (%s::uuid, %s::uuid, %s::timestamptz, %s::timestamptz)"
)
_NEW_KEY = sql.SQL(
    "INSERT INTO vault.api_keys (id, user_id, name, key_prefix, digest, scopes,"
    " created_at, expires_at, workspace_id) VALUES (%s::uuid, %s::uuid, %s, %s, %s,"
    " %s::text[], %s::timestamptz, %s::timestamptz, %s::uuid)"
)
_END_SESSION = sql.SQL(
    "UPDATE vault.sessions SET revoked_at = clock_timestamp()"
    " WHERE id = %s::uuid AND user_id = %s::uuid"
)
_FORGET = sql.SQL(
    "DELETE FROM vault.api_keys WHERE id = %s::uuid AND user_id = %s::uuid"
)
_SESSION_ALIVE = (
    b"SELECT 1 FROM vault.sessions WHERE id = %s::uuid AND revoked_at IS NULL"
    b" AND expires_at > clock_timestamp()"
)
# by api_keys_by_user
_KEYS_OF = b"""
    SELECT k.id, k.name, k.key_prefix, k.scopes, ledger.rfc3339(k.created_at),
           ledger.rfc3339(k.expires_at), ledger.rfc3339(k.last_used_at),
           s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
    FROM vault.api_keys AS k JOIN vault.sessions AS s ON s.id = k.id
    WHERE k.user_id = %s::uuid AND k.workspace_id IS NULL ORDER BY k.created_at, k.id
"""
# by api_keys_by_prefix
_BY_PREFIX = b"""
    SELECT k.id, k.user_id, k.digest, k.scopes, k.workspace_id,
           ledger.rfc3339(k.created_at)
    FROM vault.api_keys AS k JOIN vault.sessions AS s ON s.id = k.id
    WHERE k.key_prefix = %s AND s.revoked_at IS NULL
      AND s.expires_at > clock_timestamp()
"""
_USED = b"""
    UPDATE vault.api_keys SET last_used_at = clock_timestamp()
    WHERE id = %s::uuid AND (
        last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute'
    )
"""
