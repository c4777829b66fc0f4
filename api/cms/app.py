"""The CMS as an application: its door and its documents."""

import time

from api.auth import Tokens
from api.browsers import for_browsers
from api.callers import TokenOrKey
from api.cms import errors, schemas
from api.cms.accounts import Accounts
from api.cms.oauth import OAuth
from api.cms.public.handlers import Public
from api.cms.routes import cms_routes
from api.door import Door, Receive, Scope, Send
from api.guesses import Guesses
from api.http import Reply
from api.limits import ADDRESS, HOUR, USER, Limits, Rate, Rates
from api.openapi import document
from api.pages import Pages
from api.routes import Routes
from api.telling import Telling
from api.versions import VERSION
from commands.api_keys import KeyRing
from commands.oauth.provider import Provider
from commands.system import System
from domain.errors import DomainError

# the document's
RATES = Rates(
    user=(USER, Rate("user-hour", 10_000, HOUR)),
    address=(ADDRESS, Rate("address-hour", 1000, HOUR)),
)
_DESCRIPTION = """Content as object types and entries; every change is a provable event.

An object type is a table of PyBase and an entry one of its records: what is written
here is read, undone and audited through every other surface, and the other way round.

A body that is not one of the operation is 400 `VALIDATION_ERROR`, an entry's data that
do not fit its object type 422 `UNPROCESSABLE_ENTITY`.  Every operation may also be
refused for the size of a request: 414, 431, 413, 400 (JSON that is nested too deeply),
408.  `code` is the document's, `error` the status in words."""


class CmsApplication:
    """The ASGI application of the CMS's port."""

    def __init__(
        self, system: System, telling: Telling, guesses: Guesses | None, mount: str
    ) -> None:
        settings = system.settings
        tokens = Tokens(settings.secret_key.get_secret_value(), "cms")
        self._limits = Limits.of(settings, "cms", RATES)
        accounts = Accounts(tokens, guesses)
        self._provider = Provider.of(settings)
        oauth = OAuth(system, self._provider, accounts, guesses)
        self.routes = Routes(cms_routes(accounts, oauth, Public.of(system)))
        self.max_header_bytes = settings.max_header_bytes
        self._door = Door(
            system,
            surface="cms",
            prefix="",
            routes=self.routes,
            language=TokenOrKey(
                tokens, KeyRing(system.reader, time.monotonic), errors.refusal
            ),
            finished=telling.of("cms"),
            limits=self._limits,
        )
        made = document(
            self.routes.rows,
            title="Tabellion: headless CMS",
            version=VERSION,
            description=_DESCRIPTION,
            prefix="",
            error=schemas.ERROR,
            mount=mount,
        )
        self._pages = Pages(made, errors.refusal, mount)
        self._application = for_browsers(settings, self._answer, self._exists)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401})
            return
        await self._application(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        application = self._pages if Pages.has(scope["path"]) else self._door
        await application(scope, receive, send)

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
        if self._provider is not None:
            await self._provider.close()
