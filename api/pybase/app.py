"""PyBase as an application: its door, its documents, its pages for developers."""

import time

from api.auth import Tokens
from api.browsers import for_browsers
from api.callers import TokenOrKey
from api.door import Door, Receive, Scope, Send
from api.guesses import Guesses
from api.http import Reply
from api.limits import Limits
from api.metrics import Metrics
from api.openapi import document
from api.pages import Pages
from api.pybase import errors, schemas
from api.pybase.accounts import Accounts
from api.pybase.messages import messages
from api.pybase.routes import pybase_routes
from api.routes import Routes
from api.sessions import SessionCookies
from api.telling import Telling
from api.versions import VERSION
from commands.api_keys import KeyRing
from commands.system import System
from domain.errors import DomainError
from workers.feed import Feed

PREFIX = "/api/v1"
_DESCRIPTION = """Tables whose every change is a provable event.

Every operation may also be refused for the size of a request: 414 `URI_TOO_LONG` (a
path with its query over 65,535 bytes), 431 `HEADERS_TOO_LARGE` (over
`TABELLION_MAX_HEADER_BYTES` or 200 headers), 413 `PAYLOAD_TOO_LARGE` (a body over
`TABELLION_MAX_BODY_BYTES`), 400 `BAD_REQUEST` (JSON deeper than
`TABELLION_MAX_JSON_DEPTH`, a number of more than 1,000 digits or beyond 1e1000), 408
`REQUEST_TIMEOUT` (a head that takes more than 30 s, a body that brings less than 16 KiB
in 30 s). Of a key that stands twice in one object the last counts."""


class PyBaseApplication:
    """The ASGI application: the prefix goes to the door, the rest to FastAPI."""

    def __init__(
        self,
        system: System,
        metrics: Metrics,
        telling: Telling,
        guesses: Guesses | None,
        mount: str,
    ) -> None:
        secret = system.settings.secret_key.get_secret_value()
        tokens = Tokens(secret, "pybase")
        self._limits = Limits.of(system.settings, "pybase")
        accounts = Accounts(tokens, SessionCookies(system.settings), guesses)
        self.feed = Feed(
            system.reader,
            system.urls.app,
            most=system.settings.streams_limit,
            most_of_user=system.settings.streams_per_user,
        )
        system.observed.moved = self.feed.moved
        self.routes = Routes(pybase_routes(accounts, metrics, self.feed))
        self.max_header_bytes = system.settings.max_header_bytes
        self._door = Door(
            system,
            surface="pybase",
            prefix=PREFIX,
            routes=self.routes,
            language=TokenOrKey(
                tokens, KeyRing(system.reader, time.monotonic), errors.refusal
            ),
            finished=telling.of("pybase"),
            limits=self._limits,
        )
        made = document(
            self.routes.rows,
            title="Tabellion: PyBase",
            version=VERSION,
            description=_DESCRIPTION,
            prefix=PREFIX,
            error=schemas.ERROR,
            batches=True,
            messages=messages(),
            mount=mount,
        )
        self.pages = Pages(made, errors.refusal, mount)
        self._application = for_browsers(system.settings, self._answer, self._exists)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)

    def refusal(self, error: DomainError) -> Reply:
        """For what never becomes a request (`api/protocol.py`)."""
        return errors.refusal(error)

    def _exists(self, path: str) -> bool:
        methods, _ = self.routes.find(path.removeprefix(PREFIX))
        return path.startswith(f"{PREFIX}/") and bool(methods)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path.startswith(PREFIX + "/"):
                await self._door(scope, receive, send)
                return
            if path == "/metrics":
                scope = {**scope, "path": f"{PREFIX}/metrics"}
                await self._door(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401})
            return
        await self.pages(scope, receive, send)

    def drain(self) -> None:
        """Lets go of who waits for something to happen: the server stops."""
        self.feed.drain()

    async def close(self) -> None:
        """Lets go of what the door holds beside the system."""
        await self.feed.close()
        if self._limits is not None:
            await self._limits.close()
