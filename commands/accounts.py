"""Accounts: signing up, signing in, sessions.

Names, e-mail addresses, pictures, password hashes and the digests of refresh tokens are
in the vault.  A sign-up is an event; sign-ins are rows of the access log.
"""

import asyncio
import unicodedata
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import psycopg
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from psycopg import sql

from commands import usernames
from commands.unit import VaultWrite
from domain.errors import Busy, Invalid, Malformed, NotFound, Unauthenticated
from domain.values.formats import is_url
from projections.reader import Caller, Reader

MIN_PASSWORD = 8  # characters
MAX_PASSWORD = 1024
REUSE_GRACE = timedelta(seconds=10)  # a double click is no theft
LONGEST_PICTURE = 2000  # characters of its URL
NO_ENTRY = "Incorrect email or password"
_WAITING = 64  # sign-ins that may wait for a hash

# 19 MiB and about 40 ms each: two at a time bound what sign-ins may use
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")
_waiting = 0


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the user itself may see it.

    `avatar` is the URL of a picture.  `email_verified`: somebody whom this server
    believes has seen that the address is the user's.
    """

    user_id: str
    email: str
    name: str
    created_at: str
    username: str = ""
    avatar: str | None = None
    email_verified: bool = False
    updated_at: str = ""


def email_key(email: str) -> str:
    """What equal addresses share: NFKC, casefolded, without a dot at the end."""
    return unicodedata.normalize("NFKC", email.strip()).casefold().removesuffix(".")


def check_password(password: str, name: str = "password") -> None:
    """Raises Invalid for one that is too short, too long or cannot be typed."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(
            f"The password must have {MIN_PASSWORD} to {MAX_PASSWORD} characters",
            errors=[{"loc": [name], "msg": "wrong length", "type": "value_error"}],
        )
    if "\x00" in password or not password.isprintable():
        raise Invalid(
            "The password has a character that cannot be used",
            errors=[{"loc": [name], "msg": "bad character", "type": "value_error"}],
        )


async def _hashing(function: Any, *values: Any) -> Any:
    """Runs a hash off the loop.  Raises Busy where too many wait."""
    global _waiting
    if _waiting >= _WAITING:
        raise Busy("Too many sign-ins are waiting; try again")
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(
            _threads, function, *values
        )
    finally:
        _waiting -= 1


async def hash_password(password: str) -> str:
    made: str = await _hashing(_hasher.hash, password)
    return made


@cache
def _dummy_hash() -> str:
    return _hasher.hash("a password that nobody has")


def _verify(stored: str | None, password: str) -> bool:
    """As long for an unknown account as for a known one."""
    try:
        _hasher.verify(stored or _dummy_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


async def sign_in(reader: Reader, email: str, password: str) -> tuple[Account, str]:
    """The account of these credentials, and the hash that they agreed with.

    Raises Unauthenticated, without saying which of the two is wrong."""
    (rows,) = await reader.run([(_ACCOUNT_BY_EMAIL, [email_key(email)])])
    stored = rows[0][_COLUMN_COUNT] if rows else None
    good: bool = await _hashing(_verify, stored, password[: MAX_PASSWORD + 1])
    if not good:
        raise Unauthenticated(NO_ENTRY)
    return Account(*rows[0][:_COLUMN_COUNT]), str(stored)


async def confirm_password(reader: Reader, caller: Caller, password: str) -> None:
    """Checks the caller's own password.  Raises Malformed for another one."""
    rows, sessions = await reader.run(
        [
            (_PASSWORD_HASH, [caller.user_id]),
            (_SESSION_ALIVE, [caller.session_id, caller.user_id]),
        ]
    )
    if not rows or not sessions:
        raise Unauthenticated()
    good: bool = await _hashing(_verify, rows[0][0], password[: MAX_PASSWORD + 1])
    if not good:
        raise Malformed("The current password is not right")


async def account(reader: Reader, user_id: str, session_id: str) -> Account:
    """The caller's own account.  Raises Unauthenticated for a dead session."""
    rows, sessions = await reader.run(
        [(_ACCOUNT, [user_id]), (_SESSION_ALIVE, [session_id, user_id])]
    )
    if not rows or not sessions:
        raise Unauthenticated()
    return Account(*rows[0])


async def user_by_email(reader: Reader, email: str) -> str | None:
    found = await find_by_email(reader, email)
    return found.user_id if found is not None else None


async def find(reader: Reader, user_id: str) -> Account:
    """An account by its id.  Raises NotFound."""
    (rows,) = await reader.run([(_ACCOUNT, [user_id])])
    if not rows:
        raise NotFound("User not found")
    return Account(*rows[0])


async def find_by_email(reader: Reader, email: str) -> Account | None:
    (rows,) = await reader.run([(_ACCOUNT_BY_EMAIL, [email_key(email)])])
    return Account(*rows[0][:_COLUMN_COUNT]) if rows else None


def is_picture(url: str) -> bool:
    """Whether it may be shown as an account's picture."""
    return (
        len(url) <= LONGEST_PICTURE
        and url.lower().startswith(("http://", "https://"))
        and is_url(url)
    )


async def usual_username(reader: Reader, email: str, user_id: str) -> str:
    """What somebody is called who chose no username: from the address, and so that
    nobody else has it."""
    username = usernames.derived(email)
    (rows,) = await reader.run([(_USERNAME_TAKEN, [usernames.username_key(username)])])
    return usernames.derived_apart(email, user_id) if rows else username


async def people(reader: Reader, user_ids: list[str]) -> dict[str, tuple[str, str]]:
    """(e-mail, name) by user id."""
    (rows,) = await reader.run([(_PEOPLE, [user_ids])])
    return {row[0]: (row[1], row[2]) for row in rows}


def new_account(account: Account, password_hash: str | None) -> VaultWrite:
    """Without a password where another provider of accounts says who it is."""
    username = account.username or usernames.derived_apart(
        account.email, account.user_id
    )
    return VaultWrite(
        _NEW_ACCOUNT,
        [
            account.user_id,
            account.email,
            email_key(account.email),
            account.name,
            password_hash,
            account.created_at,
            username,
            account.avatar,
            account.email_verified,
            account.created_at,
        ],
    )


def renamed(user_id: str, name: str) -> VaultWrite:
    return VaultWrite(_RENAME, [name, user_id])


def profile(account: Account, changed: Collection[str]) -> VaultWrite:
    """The account as it is from its `updated_at` on, as far as it changed: `name`,
    `username`, `avatar`, `email_verified`."""
    columns = [name for name in _OF_PROFILE if name in changed]
    statement = sql.SQL(
        "UPDATE vault.accounts SET {}, updated_at = %s::timestamptz"
        " WHERE user_id = %s::uuid"
    ).format(
        sql.SQL(", ").join(
            sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns
        )
    )
    values = [getattr(account, name) for name in columns]
    return VaultWrite(statement, [*values, account.updated_at, account.user_id])


def new_password(user_id: str, password_hash: str, session_id: str) -> list[VaultWrite]:
    """A new password, as part of the unit that records it: every other session ends.

    The account's row comes first: a sign-in with the old password that is under way
    waits for it, and opens no session (`open_session`).
    """
    return [
        VaultWrite(_SET_PASSWORD, [password_hash, user_id]),
        VaultWrite(_END_OTHERS, [user_id, session_id]),
    ]


def token_digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


async def open_session(
    reader: Reader,
    signed_in: tuple[Account, str],
    session_id: str,
    token: str,
    days: int,
) -> None:
    """Stores a session with its first refresh token, as its digest.

    Raises Unauthenticated where the password was changed since it was checked.
    """
    me, password_hash = signed_in
    opened, _ = await reader.run(
        [
            (_OPEN_SESSION, [session_id, days * 24, me.user_id, password_hash]),
            (_FIRST_TOKEN, [token_digest(token), days, session_id]),
        ]
    )
    if not opened:
        raise Unauthenticated(NO_ENTRY)


async def open_short_session(
    reader: Reader, signed_in: tuple[Account, str], session_id: str, hours: int
) -> None:
    """The same without a refresh token: it ends, and is not prolonged."""
    me, password_hash = signed_in
    (opened,) = await reader.run(
        [(_OPEN_SESSION, [session_id, hours, me.user_id, password_hash])]
    )
    if not opened:
        raise Unauthenticated(NO_ENTRY)


def new_session(
    user_id: str, session_id: str, refresh_token: str, days: int
) -> list[VaultWrite]:
    """The same as part of a unit: a sign-up signs in."""
    return [
        new_short_session(user_id, session_id, days * 24),
        VaultWrite(
            sql.SQL(_NEW_TOKEN.decode()),
            [token_digest(refresh_token), session_id, days],
        ),
    ]


def new_short_session(user_id: str, session_id: str, hours: int) -> VaultWrite:
    """The same without a refresh token."""
    return VaultWrite(sql.SQL(_NEW_SESSION.decode()), [session_id, user_id, hours])


async def start_session(
    reader: Reader, user_id: str, session_id: str, hours: int
) -> None:
    """The same for somebody whom another provider of accounts vouches for."""
    await reader.run([(_NEW_SESSION, [session_id, user_id, hours])])


async def rotate(
    reader: Reader, session_id: str, old: str, new: str, days: int
) -> None:
    """Uses a refresh token up and stores the next one: of many, one succeeds.

    A token that was used before, outside the grace of a double click, is stolen or
    its thief's: the whole session ends.  Raises Unauthenticated.
    """
    try:
        async with reader.pool.connection(timeout=5) as connection:
            async with connection.transaction():
                used = await connection.execute(
                    _USE_TOKEN, [token_digest(old), session_id]
                )
                if used.rowcount == 1:
                    await connection.execute(_PROLONG, [days, session_id])
                    await connection.execute(
                        _NEW_TOKEN, [token_digest(new), session_id, days]
                    )
                    return
            found = await connection.execute(
                _TOKEN_AGE, [token_digest(old), session_id]
            )
            row = await found.fetchone()
            if row is not None and row[0] is not None and row[0] > REUSE_GRACE:
                await connection.execute(_REVOKE, [session_id])
    except psycopg.OperationalError as error:
        raise Busy("The database does not answer; try again") from error
    raise Unauthenticated("The refresh token is not valid")


async def end_session(reader: Reader, session_id: str) -> None:
    """Both tokens of a session die at once."""
    await reader.run([(_REVOKE, [session_id])])


_COLUMNS = (
    b"user_id, email, name, ledger.rfc3339(created_at), username, avatar,"
    b" email_verified, ledger.rfc3339(updated_at)"
)
_COLUMN_COUNT = 8
_OF_PROFILE = ("name", "username", "avatar", "email_verified")
_ACCOUNT = b"SELECT " + _COLUMNS + b" FROM vault.accounts WHERE user_id = %s::uuid"
_ACCOUNT_BY_EMAIL = (
    b"SELECT " + _COLUMNS + b", password_hash FROM vault.accounts WHERE email_key = %s"
)
_PEOPLE = (
    b"SELECT user_id, email, name FROM vault.accounts WHERE user_id = ANY (%s::uuid[])"
)
_SESSION_ALIVE = (
    b"SELECT 1 FROM vault.sessions WHERE id = %s::uuid AND user_id = %s::uuid"
    b" AND revoked_at IS NULL AND expires_at > clock_timestamp()"
)
_NEW_ACCOUNT = sql.SQL(
    "INSERT INTO vault.accounts"
    " (user_id, email, email_key, name, password_hash, created_at, username, avatar,"
    " email_verified, updated_at)"
    " VALUES (%s, %s, %s, %s, %s, %s::timestamptz, %s, %s, %s, %s::timestamptz)"
)
_RENAME = sql.SQL(
    "UPDATE vault.accounts SET name = %s, updated_at = now() WHERE user_id = %s"
)
# by accounts_by_username
_USERNAME_TAKEN = b'SELECT 1 FROM vault.accounts WHERE lower(username COLLATE "C") = %s'
_NEW_SESSION = (
    b"INSERT INTO vault.sessions (id, user_id, created_at, expires_at)"
    b" VALUES (%s::uuid, %s::uuid, now(), now() + make_interval(hours => %s::int))"
)
# of a password that is being changed it waits for the outcome
_OPEN_SESSION = (
    b"INSERT INTO vault.sessions (id, user_id, created_at, expires_at)"
    b" SELECT %s::uuid, user_id, now(), now() + make_interval(hours => %s::int)"
    b" FROM vault.accounts WHERE user_id = %s::uuid AND password_hash = %s FOR SHARE"
    b" RETURNING id"
)
_FIRST_TOKEN = (
    b"INSERT INTO vault.refresh_tokens (digest, session_id, issued_at, expires_at)"
    b" SELECT %s, id, now(), now() + make_interval(days => %s::int)"
    b" FROM vault.sessions WHERE id = %s::uuid"
)
_PASSWORD_HASH = b"SELECT password_hash FROM vault.accounts WHERE user_id = %s::uuid"
_SET_PASSWORD = sql.SQL(
    "UPDATE vault.accounts SET password_hash = %s WHERE user_id = %s::uuid"
)
# API keys are not opened by a password, and stay
_END_OTHERS = sql.SQL(
    "UPDATE vault.sessions AS s SET revoked_at = clock_timestamp()"
    " WHERE user_id = %s::uuid AND id <> %s::uuid AND revoked_at IS NULL"
    " AND NOT EXISTS (SELECT FROM vault.api_keys AS k WHERE k.id = s.id)"
)
_NEW_TOKEN = (
    b"INSERT INTO vault.refresh_tokens (digest, session_id, issued_at, expires_at)"
    b" VALUES (%s, %s::uuid, now(), now() + make_interval(days => %s::int))"
)
_USE_TOKEN = (
    b"UPDATE vault.refresh_tokens AS r SET used_at = clock_timestamp()"
    b" FROM vault.sessions AS s WHERE r.digest = %s AND r.session_id = %s::uuid"
    b" AND s.id = r.session_id AND s.revoked_at IS NULL AND r.used_at IS NULL"
    b" AND r.expires_at > clock_timestamp() AND s.expires_at > clock_timestamp()"
)
_PROLONG = (
    b"UPDATE vault.sessions SET expires_at = now() + make_interval(days => %s::int)"
    b" WHERE id = %s::uuid"
)
_TOKEN_AGE = (
    b"SELECT clock_timestamp() - used_at FROM vault.refresh_tokens"
    b" WHERE digest = %s AND session_id = %s::uuid"
)
_REVOKE = (
    b"UPDATE vault.sessions SET revoked_at = clock_timestamp()"
    b" WHERE id = %s::uuid AND revoked_at IS NULL"
)
