"""The CMS as an application: its door and its documents."""

import time

from api.auth import Tokens
from api.browsers import for_browsers
from api.cms import errors
from api.cms.accounts import Accounts
from api.cms.callers import Cms
from api.cms.public import Public
from api.cms.routes import cms_routes
from api.door import Door, Receive, Scope, Send
from api.guesses import Guesses
from api.http import Reply
from api.limits import ADDRESS, HOUR, USER, Limits, Rate, Rates
from api.routes import Routes
from api.telling import Telling
from commands.api_keys import KeyRing
from commands.system import System
from domain.errors import DomainError

# the document's
RATES = Rates(
    user=(USER, Rate("user-hour", 10_000, HOUR)),
    address=(ADDRESS, Rate("address-hour", 1000, HOUR)),
)


class CmsApplication:
    """The ASGI application of the CMS's port."""

    def __init__(
        self, system: System, telling: Telling, guesses: Guesses | None
    ) -> None:
        settings = system.settings
        tokens = Tokens(settings.secret_key.get_secret_value(), "cms")
        self._limits = Limits.of(settings, "cms", RATES)
        accounts = Accounts(tokens, guesses)
        self.routes = Routes(cms_routes(accounts, Public.of(system)))
        self.max_header_bytes = settings.max_header_bytes
        self._door = Door(
            system,
            surface="cms",
            prefix="",
            routes=self.routes,
            language=Cms(tokens, KeyRing(system.reader, time.monotonic)),
            finished=telling.of("cms"),
            limits=self._limits,
        )
        self._application = for_browsers(settings, self._door, self._exists)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401})
            return
        await self._application(scope, receive, send)

    def refusal(self, error: DomainError) -> Reply:
        """For what never becomes a request (`api/protocol.py`)."""
        return errors.refusal(error)

    def _exists(self, path: str) -> bool:
        methods, _ = self.routes.find(path)
        return bool(methods)

    def drain(self) -> None:
        """Nothing here waits for something to happen."""

    async def close(self) -> None:
        """Lets go of what the door holds beside the system."""
        if self._limits is not None:
            await self._limits.close()
