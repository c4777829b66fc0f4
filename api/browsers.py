"""What browsers are told: whose pages may call, and what may be done with a reply.

Who calls is known by a header that a page sets itself, never by a cookie, so there is
nothing that another page could make a browser send along.
"""

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, TypeAlias

from starlette.middleware.cors import CORSMiddleware

from commands.settings import Settings

Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
TAKEN = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
    "X-API-Key",
    "X-Min-Position",
    "X-Request-Id",
)
EXPOSED = (
    "Accept-Ranges",
    "Allow",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Batch-Id",
    "X-Position",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
)
PREFLIGHT_SECONDS = 600  # how long a browser need not ask again
HTTPS_SECONDS = 31_536_000  # a year; how long a browser keeps to https

# a reply is data: nothing in it runs, loads or is shown within another page
REPLY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def page_policy(page: bytes) -> str:
    """The Content-Security-Policy of a page that runs its own scripts and no others."""
    hashes = "".join(
        f" 'sha256-{b64encode(sha256(script).digest()).decode()}'"
        for script in _SCRIPT.findall(page)
    )
    return (
        f"default-src 'none'; script-src 'self'{hashes};"
        " style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " font-src 'self' data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def for_browsers(
    settings: Settings, application: Application, exists: Callable[[str], bool]
) -> Application:
    """The application with what the settings say to browsers.

    `exists` tells whether there is anything at a path: where there is not, a preflight
    gets the same 404 as any other request.
    """
    if settings.cors_origins:
        application = _CrossOrigin(application, settings.cors_origins, exists)
    if settings.base_url.startswith("https://"):
        application = _OnlyByHttps(application)
    return application


class _CrossOrigin:
    """Answers preflights, and tells a browser whether a page may see a reply."""

    def __init__(
        self,
        application: Application,
        origins: tuple[str, ...],
        exists: Callable[[str], bool],
    ) -> None:
        self._application, self._exists = application, exists
        self._allowed = CORSMiddleware(
            application,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=TAKEN,
            # there are no cookies; but a page that sends what there is may read too
            allow_credentials="*" not in origins,
            expose_headers=EXPOSED,
            max_age=PREFLIGHT_SECONDS,
        )

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "OPTIONS":
            await self._allowed(scope, receive, send)
        elif self._exists(scope["path"]):
            await self._allowed(scope, receive, adding(REPLY, send))
        else:
            await self._application(scope, receive, send)


class _OnlyByHttps:
    """Tells browsers that this host is never to be called without TLS."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        await self._application(scope, receive, adding(_HTTPS, send))


_HTTPS: Headers = [(b"strict-transport-security", f"max-age={HTTPS_SECONDS}".encode())]


def adding(headers: Headers, send: Send) -> Send:
    """Sends a reply with these headers, but for those that it has."""

    async def more(message: Any) -> None:
        if message["type"] == "http.response.start":
            given = message.get("headers", [])
            names = {name.lower() for name, _ in given}
            added = [one for one in headers if one[0] not in names]
            message = {**message, "headers": [*given, *added]}
        await send(message)

    return more
