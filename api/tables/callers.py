"""Who calls: by an access token, a PyBase token, an API key or a browser's session."""

from api.auth import Tokens
from api.http import Reply, Request
from api.sessions import SessionCookies
from api.tables import errors
from api.tables.errors import BAD_HEADER, BAD_TOKEN, NO_CREDENTIALS
from commands.api_keys import PREFIX, TOKEN_PREFIX, KeyRing
from domain.errors import DomainError, Unauthenticated
from projections.reader import Caller


class TableRest:
    """Table REST's language: its errors, and who calls."""

    def __init__(self, tokens: Tokens, keys: KeyRing, sessions: SessionCookies) -> None:
        self._tokens, self._keys, self._sessions = tokens, keys, sessions

    def refusal(self, error: DomainError) -> Reply:
        return errors.refusal(error)

    async def caller(self, request: Request) -> Caller:
        """What a header shows comes before a cookie, also where it is no good."""
        token = _shown(request)
        try:
            if token is not None:
                if token.startswith((PREFIX, TOKEN_PREFIX)):
                    return await self._keys.caller(token)
                return self._tokens.caller(token)
            found = self._sessions.caller(request.headers.get(b"cookie", b""))
        except Unauthenticated as error:
            raise Unauthenticated(BAD_TOKEN) from error
        if found is None:
            raise Unauthenticated(NO_CREDENTIALS)
        return found


def _shown(request: Request) -> str | None:
    """The token or key of a header.  Raises Unauthenticated for no bearer token."""
    header = request.header("authorization")
    if header is None:
        key = (request.header("x-api-key") or "").strip()
        return key if key.startswith(PREFIX) else None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(BAD_HEADER)
    return token.strip()
