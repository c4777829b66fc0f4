"""Who calls, where a door takes bearer tokens and API keys."""

from collections.abc import Callable

from api.auth import Tokens
from api.http import Reply, Request
from commands.api_keys import PREFIX as PREFIX_OF_KEYS
from commands.api_keys import KeyRing
from domain.errors import DomainError, Unauthenticated
from projections.reader import Caller


class TokenOrKey:
    """A surface's language: its own errors, and callers by a token of its own or a key
    of the user's."""

    def __init__(
        self,
        tokens: Tokens,
        keys: KeyRing,
        refusal: Callable[[DomainError], Reply],
    ) -> None:
        self._tokens, self._keys, self.refusal = tokens, keys, refusal

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
