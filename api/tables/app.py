"""Table REST as an application: its door and its document, below one prefix."""

import time

import orjson

from api.auth import Tokens
from api.browsers import for_browsers
from api.door import Door, Receive, Scope, Send
from api.http import Reply, Request
from api.limits import Limits
from api.openapi import document
from api.routes import Route, Routes
from api.sessions import SessionCookies
from api.tables.callers import TableRest
from api.tables.routes import ERROR, table_routes
from api.tables.rows import Tables
from api.telling import Telling
from api.versions import VERSION
from commands.api_keys import KeyRing
from commands.system import System
from projections.slugs import Slugs

PREFIX = "/api/workspace"
_DESCRIPTION = """The tables of PyBase, read by names in a URL.

A workspace goes by its `slug`, a base by its `db_name`, a table by its `slug`, a column
by its field's `api_name`; PyBase shows them.  Every query parameter that is not named
below is a filter, `column=value` or `column__operator=value`, with one of `eq`, `neq`,
`gt`, `gte`, `lt`, `lte`, `contains`, `icontains`, `startswith`, `endswith`.

In CSV a text that a spreadsheet could take for a formula begins with an apostrophe;
JSON has every value as it is."""
DOCUMENT = "/openapi.json"


class TablesApplication:
    """The ASGI application of everything below the prefix."""

    def __init__(self, system: System, telling: Telling, mount: str) -> None:
        settings = system.settings
        self._limits = Limits.of(settings, "tables")
        most = settings.tables_page_limit
        self.routes = Routes(table_routes(Tables(Slugs(system.reader)), most))
        tokens = Tokens(settings.secret_key.get_secret_value(), "pybase")
        keys = KeyRing(system.reader, time.monotonic)
        self._door = Door(
            system,
            surface="tables",
            prefix=PREFIX,
            routes=Routes([*self.routes.rows, _document(self.routes, mount)]),
            language=TableRest(tokens, keys, SessionCookies(settings)),
            finished=telling.of("tables"),
            limits=self._limits,
        )
        self._application = for_browsers(settings, self._door, self._exists)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)

    def _exists(self, path: str) -> bool:
        methods, _ = self.routes.find(path.removeprefix(PREFIX))
        return path.startswith(f"{PREFIX}/") and bool(methods)

    async def close(self) -> None:
        """Lets go of what the door holds beside the system."""
        if self._limits is not None:
            await self._limits.close()


def _document(routes: Routes, mount: str) -> Route:
    """The route of the surface's own OpenAPI document."""
    made = document(
        routes.rows,
        title="Tabellion: Table REST",
        version=VERSION,
        description=_DESCRIPTION,
        prefix=PREFIX,
        error=ERROR,
        unknown_caller=403,
        mount=mount,
    )
    body = orjson.dumps(made)

    async def show(_system: System, _request: Request) -> Reply:
        return Reply(200, body)

    return Route("GET", DOCUMENT, "This document", show, "operations", public=True)
