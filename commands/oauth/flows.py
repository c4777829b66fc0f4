"""Sign-ins that are under way: states, the browser's cookie, one-time codes.

All three are random, and kept as digests alone.  A state is good for one callback of
the browser that began, a code for one trade.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

from commands.oauth.provider import Identity
from domain.errors import Malformed
from projections.reader import Reader

STATE_SECONDS = 600  # to sign in at the provider
CODE_SECONDS = 60  # to trade a code
LINK_SECONDS = 600  # to trade one that takes a password as well
CHALLENGE = r"^[A-Za-z0-9_-]{43}$"
VERIFIER = r"^[A-Za-z0-9._~-]{43,128}$"

NO_STATE = "The sign-in is not known here, or took too long: begin again"
NO_CODE = "The code is not valid"


@dataclass(frozen=True, slots=True)
class Begun:
    """What a browser takes along: `state` in the address, `cookie` by itself.
    `challenge` is of the verifier that goes with the provider's code."""

    state: str
    cookie: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What was asked for when it began, and the verifier."""

    redirect_uri: str | None
    challenge: str | None
    verifier: str


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Whom a code is for; `identity` is to be linked with the account first."""

    user_id: str
    identity: Identity | None


class Flows:
    def __init__(self, reader: Reader, secret: str) -> None:
        self._reader = reader
        self._key = sha256(f"oauth\0{secret}".encode()).digest()

    async def begin(self, redirect_uri: str | None, challenge: str | None) -> Begun:
        """Keeps a sign-in; `challenge` is of a verifier of the client's own."""
        state, cookie = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        values = [_digest(state), _digest(cookie), redirect_uri, challenge]
        await self._reader.run(
            [(_FORGET_STATES, []), (_KEEP_STATE, [*values, STATE_SECONDS])]
        )
        return Begun(state, cookie, challenge_of(self._verifier(state)))

    async def end(self, state: str, cookie: str | None) -> Returned:
        """Uses a state up.  Raises Malformed for one that is none, was used, is late,
        or was given to another browser."""
        (rows,) = await self._reader.run([(_TAKE_STATE, [_digest(state)])])
        if not rows or cookie is None:
            raise Malformed(NO_STATE)
        browser, redirect_uri, challenge = rows[0]
        if not hmac.compare_digest(bytes(browser), _digest(cookie)):
            raise Malformed(NO_STATE)
        return Returned(redirect_uri, challenge, self._verifier(state))

    async def hand_over(
        self, user_id: str, challenge: str | None, identity: Identity | None = None
    ) -> str:
        """A code for a user; with an identity it also takes the user's password."""
        code = secrets.token_urlsafe(32)
        linked = (identity.provider, identity.subject) if identity else (None, None)
        seconds = LINK_SECONDS if identity else CODE_SECONDS
        values = [_digest(code), user_id, challenge, *linked, seconds]
        await self._reader.run([(_FORGET_CODES, []), (_KEEP_CODE, values)])
        return code

    async def redeem(
        self, code: str, verifier: str | None, *, with_password: bool
    ) -> Redeemed:
        """Uses a code up.  Raises Malformed for one that is none, was used, is late, is
        another client's, or needs a password."""
        (rows,) = await self._reader.run([(_TAKE_CODE, [_digest(code), with_password])])
        if not rows:
            raise Malformed(NO_CODE)
        user_id, challenge, provider, subject = rows[0]
        if challenge is not None and not _fits(verifier, challenge):
            raise Malformed(NO_CODE)
        identity = Identity(provider, subject) if subject is not None else None
        return Redeemed(user_id, identity)

    def _verifier(self, state: str) -> str:
        """Made of the state and our key, so that it need not be kept."""
        return _encoded(hmac.digest(self._key, state.encode(), sha256))


def challenge_of(verifier: str) -> str:
    """S256 of RFC 7636."""
    return _encoded(sha256(verifier.encode()).digest())


def _fits(verifier: str | None, challenge: str) -> bool:
    if verifier is None or not re.fullmatch(VERIFIER, verifier):
        return False
    return hmac.compare_digest(challenge_of(verifier), challenge)


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


_FORGET_STATES = b"DELETE FROM vault.oauth_states WHERE expires_at < clock_timestamp()"
_KEEP_STATE = (
    b"INSERT INTO vault.oauth_states"
    b" (digest, browser, redirect_uri, challenge, expires_at) VALUES"
    b" (%s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s::int))"
)
_TAKE_STATE = (
    b"DELETE FROM vault.oauth_states WHERE digest = %s"
    b" AND expires_at > clock_timestamp()"
    b" RETURNING browser, redirect_uri, challenge"
)
_FORGET_CODES = b"DELETE FROM vault.oauth_codes WHERE expires_at < clock_timestamp()"
_KEEP_CODE = (
    b"INSERT INTO vault.oauth_codes"
    b" (digest, user_id, challenge, provider, subject, expires_at) VALUES"
    b" (%s, %s::uuid, %s, %s, %s, clock_timestamp() + make_interval(secs => %s::int))"
)
_TAKE_CODE = (
    b"DELETE FROM vault.oauth_codes WHERE digest = %s"
    b" AND expires_at > clock_timestamp() AND (subject IS NULL OR %s)"
    b" RETURNING user_id, challenge, provider, subject"
)
