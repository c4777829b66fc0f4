"""Tokens: what a client carries, and who it is.

Access and refresh tokens are JWTs, HS256, with an audience a surface and a `typ` of
their own, so that neither passes for the other.  The session that both name can end
at any moment; whoever uses a token asks for it (`projections.reader`, the committer).
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import jwt
from jwt.utils import base64url_decode

from commands.system import new_id, now
from domain.errors import Unauthenticated
from domain.ids import canonical
from projections.reader import Caller

ISSUER = "tabellion"
ALGORITHM = "HS256"
LEEWAY = 60  # seconds; clocks differ
_CACHED = 20_000  # tokens
MAX_TOKEN = 4096  # characters

Kind = Literal["access", "refresh"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine token says."""

    user_id: str
    session_id: str
    expires_at: float


class Tokens:
    """Makes and reads the tokens of one surface."""

    def __init__(self, secret: str, audience: str) -> None:
        # a key of its own for each audience
        self._key = sha256(f"{audience}\0{secret}".encode()).digest()
        self._audience = audience
        self._known: dict[str, Claims] = {}

    def make(self, kind: Kind, user_id: str, session_id: str, seconds: int) -> str:
        at = int(now())
        return jwt.encode(
            {
                "iss": ISSUER,
                "aud": self._audience,
                "sub": user_id,
                "sid": session_id,
                "typ": kind,
                "jti": new_id(),
                "iat": at,
                "exp": at + seconds,
            },
            self._key,
            algorithm=ALGORITHM,
        )

    def caller(self, token: str) -> Caller:
        """Whom an access token names.  Raises Unauthenticated."""
        claims = self._known.get(token)
        if claims is None:
            claims = self.read("access", token)
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[token] = claims
        if claims.expires_at + LEEWAY < now():
            self._known.pop(token, None)
            raise Unauthenticated()
        return Caller(claims.user_id, claims.session_id)

    def read(self, kind: Kind, token: str) -> Claims:
        """The claims of a token of this kind.  Raises Unauthenticated."""
        if len(token) > MAX_TOKEN:
            raise Unauthenticated()
        try:
            found: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=ISSUER,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "sub", "sid", "typ", "aud", "iss"]},
            )
            json.loads(
                base64url_decode(token.split(".")[1]), object_pairs_hook=_each_once
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise Unauthenticated() from error
        user_id = canonical(str(found["sub"]))
        session_id = canonical(str(found["sid"]))
        if found["typ"] != kind or user_id is None or session_id is None:
            raise Unauthenticated()
        if type(found["exp"]) is not int or type(found["iat"]) is not int:
            raise Unauthenticated()  # the library takes a string for a number
        return Claims(user_id, session_id, float(found["exp"]))


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a claim stands twice")
