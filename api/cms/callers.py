"""Who calls the CMS: by its own token, or by an API key."""

from api.auth import Tokens
from api.cms import errors
from api.http import Reply, Request
from commands.api_keys import PREFIX as PREFIX_OF_KEYS
from commands.api_keys import KeyRing
from domain.errors import DomainError, Unauthenticated
from projections.reader import Caller


class Cms:
    """The CMS's language: its errors, and who calls."""

    def __init__(self, tokens: Tokens, keys: KeyRing) -> None:
        self._tokens, self._keys = tokens, keys

    def refusal(self, error: DomainError) -> Reply:
        return errors.refusal(error)

    async def caller(self, request: Request) -> Caller:
        """By a bearer token, else by an API key: a token beside a key wins."""
        value = request.headers.get(b"authorization", b"").decode("latin-1")
        scheme, _, rest = value.partition(" ")
        token = rest.strip() if scheme.lower() == "bearer" else ""
        if not token:
            token = request.headers.get(b"x-api-key", b"").decode("latin-1").strip()
            if not token.startswith(PREFIX_OF_KEYS):
                raise Unauthenticated()
        if token.startswith(PREFIX_OF_KEYS):
            return await self._keys.caller(token)
        return self._tokens.caller(token)
