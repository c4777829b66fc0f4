"""A surface's pages for developers: its OpenAPI document, and one that shows it.

What is at no path is refused in the surface's own words.
"""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from api.browsers import REPLY, adding, page_policy
from api.door import MethodNotAllowed, Receive, Scope, Send
from api.http import Reply, read_request_id
from api.versions import VERSION
from commands.system import new_id
from domain.errors import DomainError, NotFound

DOCUMENT, PAGE = "/openapi.json", "/docs"
# what of the addresses of a port is not its door's
_PATHS = (DOCUMENT, PAGE, f"{PAGE}/static/")


class Pages:
    """An ASGI application.  `mount` is what comes before every path of the surface."""

    def __init__(
        self,
        document: Mapping[str, Any],
        refusal: Callable[[DomainError], Reply],
        mount: str,
    ) -> None:
        self._refusal = refusal
        title = document["info"]["title"]
        app = FastAPI(title=title, version=VERSION, docs_url=None, redoc_url=None)
        app.openapi = lambda: dict(document)  # type: ignore[method-assign]
        static = _swagger_files()
        if static is not None:
            app.mount(f"{PAGE}/static", StaticFiles(directory=static), name="swagger")
        page = _page(title, mount)

        async def docs() -> HTMLResponse:
            return page

        async def home() -> RedirectResponse:
            return RedirectResponse(f"{mount}{PAGE}")

        app.add_api_route(PAGE, docs, include_in_schema=False)
        app.add_api_route("/", home, include_in_schema=False)
        app.add_exception_handler(HTTPException, self._refused)
        self._app = app

    @staticmethod
    def has(path: str) -> bool:
        """Whether the path is one of the pages'."""
        return path in _PATHS or path.startswith(_PATHS[-1])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with a request id and what browsers are told, as the door does."""
        given = dict(scope["headers"]).get(b"x-request-id")
        header = (b"x-request-id", (read_request_id(given) or new_id()).encode())
        await self._app(scope, receive, adding([header, *REPLY], send))

    async def _refused(self, _request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        reply = self._refusal(
            MethodNotAllowed() if status == 405 else NotFound("There is no such path")
        )
        headers = error.headers if isinstance(error, HTTPException) else None
        return Response(reply.body, reply.status, headers, "application/json")


def _page(title: str, mount: str) -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url=f"{mount}{DOCUMENT}",
        title=title,
        swagger_js_url=f"{mount}{PAGE}/static/swagger-ui-bundle.js",
        swagger_css_url=f"{mount}{PAGE}/static/swagger-ui.css",
        swagger_favicon_url=f"{mount}{PAGE}/static/favicon-32x32.png",
    )
    page.headers["content-security-policy"] = page_policy(bytes(page.body))
    return page


def _swagger_files() -> Path | None:
    """The page's script and style, from a package: no other host is asked."""
    found = find_spec("fastapi_swagger")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "resources"
