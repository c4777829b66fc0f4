"""PyBase as an application: its door, its documents, its pages for developers."""

import time
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from api.auth import Tokens
from api.browsers import REPLY, adding, for_browsers, page_policy
from api.door import Door, MethodNotAllowed, Receive, Scope, Send
from api.guesses import Guesses
from api.http import Reply, read_request_id
from api.http import Request as DoorRequest
from api.limits import Limits
from api.metrics import Metrics
from api.openapi import document
from api.pybase import errors, schemas
from api.pybase.accounts import Accounts
from api.pybase.routes import pybase_routes
from api.routes import Routes
from api.sessions import SessionCookies
from api.telling import Telling
from api.versions import VERSION
from commands.api_keys import PREFIX as PREFIX_OF_KEYS
from commands.api_keys import KeyRing
from commands.system import System, new_id
from domain.errors import DomainError, NotFound, Unauthenticated
from projections.reader import Caller
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


class PyBase:
    """PyBase's language: its errors, and who calls."""

    def __init__(self, tokens: Tokens, keys: KeyRing) -> None:
        self._tokens, self._keys = tokens, keys

    def refusal(self, error: DomainError) -> Reply:
        return errors.refusal(error)

    async def caller(self, request: DoorRequest) -> Caller:
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


class PyBaseApplication:
    """The ASGI application: the prefix goes to the door, the rest to FastAPI."""

    def __init__(
        self,
        system: System,
        metrics: Metrics,
        telling: Telling,
        guesses: Guesses | None,
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
            language=PyBase(tokens, KeyRing(system.reader, time.monotonic)),
            finished=telling.of("pybase"),
            limits=self._limits,
        )
        self.pages = _pages(self.routes)
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
        await self.pages(scope, receive, _as_the_door_does(scope, send))

    def drain(self) -> None:
        """Lets go of who waits for something to happen: the server stops."""
        self.feed.drain()

    async def close(self) -> None:
        """Lets go of what the door holds beside the system."""
        await self.feed.close()
        if self._limits is not None:
            await self._limits.close()


def _as_the_door_does(scope: Scope, send: Send) -> Send:
    """Sends a page's reply with a request id and what browsers are told."""
    given = dict(scope["headers"]).get(b"x-request-id")
    header = (b"x-request-id", (read_request_id(given) or new_id()).encode())
    return adding([header, *REPLY], send)


def _pages(routes: Routes) -> FastAPI:
    """OpenAPI, its page, and an answer for every other path."""
    app = FastAPI(
        title="Tabellion: PyBase", version=VERSION, docs_url=None, redoc_url=None
    )
    made = document(
        routes.rows,
        title="Tabellion: PyBase",
        version=VERSION,
        description=_DESCRIPTION,
        prefix=PREFIX,
        error=schemas.ERROR,
    )
    app.openapi = lambda: made  # type: ignore[method-assign]
    static = _swagger_files()
    if static is not None:
        app.mount("/docs/static", StaticFiles(directory=static), name="swagger")

    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Tabellion: PyBase",
        swagger_js_url="/docs/static/swagger-ui-bundle.js",
        swagger_css_url="/docs/static/swagger-ui.css",
        swagger_favicon_url="/docs/static/favicon-32x32.png",
    )
    page.headers["content-security-policy"] = page_policy(bytes(page.body))

    async def docs() -> HTMLResponse:
        return page

    async def home() -> RedirectResponse:
        return RedirectResponse("/docs")

    async def refused(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        reply = errors.refusal(
            MethodNotAllowed() if status == 405 else NotFound("There is no such path")
        )
        headers = error.headers if isinstance(error, HTTPException) else None
        return Response(reply.body, reply.status, headers, "application/json")

    app.add_api_route("/docs", docs, include_in_schema=False)
    app.add_api_route("/", home, include_in_schema=False)
    app.add_exception_handler(HTTPException, refused)
    return app


def _swagger_files() -> Path | None:
    """The page's script and style, from a package: no other host is asked."""
    found = find_spec("fastapi_swagger")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "resources"
