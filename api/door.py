"""A door: the ASGI side of a surface, from a connection's messages to a handler.

Everything that comes in at a surface's prefix goes through `Door`; a refusal of any
kind leaves in the surface's own shape, and what is not a refusal is a bug: 500 with
the request's id, the reason in the log alone.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, Protocol, TypeAlias

from api.browsers import REPLY
from api.http import PayloadTooLarge, Reply, Request, Streamed, read_request_id
from api.limits import Limits, RateLimited
from api.routes import Route, Routes
from api.scopes import check_scope
from commands.system import System, new_id
from domain.errors import (
    Code,
    DomainError,
    Invalid,
    Malformed,
    NotFound,
    NotImplementedYet,
    Unauthenticated,
)
from domain.events import Surface
from projections.reader import Caller

log = logging.getLogger(__name__)

Scope: TypeAlias = Any
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]

_STILL_SECONDS = 30  # without a byte, after which nobody is there any more
GONE = 499  # in metrics and logs: who asked did not wait for the answer

_FIXED_HEADERS = [(b"cache-control", b"no-store"), *REPLY]
_FIXED_NAMES = frozenset(name.decode() for name, _ in _FIXED_HEADERS)


class MethodNotAllowed(DomainError):
    """The path does not take this method"""

    code = Code.METHOD_NOT_ALLOWED

    def __init__(self, method: str = "") -> None:
        super().__init__()
        self.method = method


class InternalError(DomainError):
    """Internal error"""

    code = Code.INTERNAL_ERROR


class Gone(Exception):
    """The client has gone"""


class Language(Protocol):
    """What makes a surface's replies its own."""

    def refusal(self, error: DomainError) -> Reply:
        """A refusal in the surface's shape."""

    async def caller(self, request: Request) -> Caller:
        """Who calls.  Raises Unauthenticated."""


Finished: TypeAlias = Callable[
    [Request, Route | None, int, float, DomainError | None], None
]


class Door:
    """Serves a table of routes below a prefix."""

    def __init__(
        self,
        system: System,
        *,
        surface: Surface,
        prefix: str,
        routes: Routes,
        language: Language,
        finished: Finished,
        limits: Limits | None = None,
    ) -> None:
        self.system = system
        self.surface: Surface = surface
        self.prefix = prefix
        self.routes = routes
        self.language = language
        self.finished = finished
        self.limits = limits
        self._limit = system.settings.max_body_bytes
        self._max_depth = system.settings.max_json_depth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request = Request(
            method=scope["method"],
            target=scope["path"],
            path={},
            query_string=scope["query_string"],
            headers=headers,
            body=b"",
            request_id=read_request_id(headers.get(b"x-request-id")) or new_id(),
            surface=self.surface,
            address=scope["client"][0] if scope.get("client") else "",
            max_depth=self._max_depth,
        )
        route: Route | None = None
        refusal: DomainError | None = None
        reply: Reply | Streamed
        first = b""
        try:
            route = self._route(request)
            await self._admit(route, request)
            if route.form is not None:
                request.parts = _parts(headers, receive)
            elif request.method not in ("GET", "HEAD"):
                limit = min(self._limit, route.largest or self._limit)
                request.body = await _read_body(headers, receive, limit)
            if route.waits:
                async with while_there(receive):
                    reply = await self._handle(route, request)
            else:
                reply = await self._handle(route, request)
            if isinstance(reply, Streamed):
                first = await anext(reply.parts, b"")
        except Gone:
            reply = Reply(GONE, b"")  # which nobody reads
        except DomainError as error:
            refusal, reply = error, self.language.refusal(error)
            if isinstance(error, RateLimited):
                request.allowance = error.allowance  # of the rate that refused
        except Exception:
            log.exception(
                "a bug answered 500", extra={"request_id": request.request_id}
            )
            refusal = InternalError(request_id=request.request_id)
            reply = self.language.refusal(refusal)
        try:
            if not isinstance(reply, Streamed):
                await _send(send, reply, request)
            elif route is not None and route.waits:
                streaming = time.perf_counter()
                try:
                    await _send_as_it_happens(send, receive, reply, first, request)
                finally:
                    request.waited += time.perf_counter() - streaming
            else:
                await _send_parts(send, receive, reply, first, request)
        finally:
            seconds = time.perf_counter() - started - request.waited
            self.finished(request, route, reply.status, seconds, refusal)

    def _route(self, request: Request) -> Route:
        path = request.target.removeprefix(self.prefix)
        methods, request.path = self.routes.find(path)
        method = "GET" if request.method == "HEAD" else request.method
        route = methods.get(method)
        if route is not None:
            return route
        if methods:
            request.notes["allow"] = ", ".join(sorted(methods))
            raise MethodNotAllowed(request.method)
        raise NotFound("There is no such path")

    async def _admit(self, route: Route, request: Request) -> None:
        """Who calls, whether by a key that may, and not too often.

        What operators look at is not counted.
        """
        if route.admits is not None:
            await route.admits(self.system, request, self.limits)
            return
        refusal: DomainError | None = None
        if not route.public:
            try:
                request.caller = await self.language.caller(request)
            except Unauthenticated as error:
                refusal = error
        if self.limits is not None and route.tag != "operations":
            user_id = None if request.caller is None else request.caller.user_id
            allowance = await self.limits.take(user_id, request.address)
            request.allowance = allowance
            if not allowance.allowed:
                raise RateLimited(allowance)
        if refusal is not None:
            raise refusal
        if request.caller is not None:
            check_scope(route, request.caller)

    async def _handle(self, route: Route, request: Request) -> Reply | Streamed:
        if route.planned or route.handler is None:
            raise NotImplementedYet()
        _check_headers(request)
        return await route.handler(self.system, request)


def _check_headers(request: Request) -> None:
    """Reads the headers that a handler may look at.  Raises Malformed, also where
    this one would not have looked."""
    if request.method not in ("GET", "HEAD"):
        _ = request.idempotency_key, request.if_match
        return
    minimum = request.header("x-min-position")
    if minimum is not None:
        if not minimum.isascii() or not minimum.isdigit() or len(minimum) > 18:
            raise Malformed("X-Min-Position must be a position")
        request.min_position = int(minimum)


def _check_encoding(headers: Mapping[bytes, bytes]) -> None:
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Invalid("A compressed body is not taken")


async def _read_body(
    headers: Mapping[bytes, bytes], receive: Receive, limit: int
) -> bytes:
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > limit:
        raise PayloadTooLarge(limit=limit)
    _check_encoding(headers)
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The connection was closed before the body's end")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise PayloadTooLarge(limit=limit)
    return b"".join(parts)


async def _parts(
    headers: Mapping[bytes, bytes], receive: Receive
) -> AsyncIterator[bytes]:
    """A body as it comes in.  Raises Malformed where it ends early or stands still."""
    _check_encoding(headers)
    more = True
    while more:
        try:
            async with asyncio.timeout(_STILL_SECONDS):
                message = await receive()
        except TimeoutError as error:
            raise Malformed("The body came to a stop") from error
        if message["type"] == "http.disconnect":
            raise Malformed("The connection was closed before the body's end")
        more = message.get("more_body", False)
        yield message.get("body", b"")


async def _send(send: Send, reply: Reply, request: Request) -> None:
    body = reply.body
    bare = reply.status in (204, 304)
    headers = _headers(reply.headers, request, typed=not bare)
    if not bare:
        headers.append((b"content-length", str(len(body)).encode()))
    await send(
        {"type": "http.response.start", "status": reply.status, "headers": headers}
    )
    if request.method == "HEAD" or bare:
        body = b""
    await send({"type": "http.response.body", "body": body})


def _headers(
    given: Mapping[str, str], request: Request, *, typed: bool
) -> list[tuple[bytes, bytes]]:
    headers = [(b"x-request-id", request.request_id.encode()), *_FIXED_HEADERS]
    if not _FIXED_NAMES.isdisjoint(given):  # a handler knows better
        headers = [one for one in headers if one[0].decode() not in given]
    if typed and "content-type" not in given:
        headers.append((b"content-type", b"application/json"))
    for name, value in given.items():
        headers.append((name.encode(), value.encode("latin-1")))
    if request.allowance is not None:
        headers += request.allowance.headers
    if "allow" in request.notes:
        headers.append((b"allow", request.notes["allow"].encode()))
    return headers


async def _send_parts(
    send: Send, receive: Receive, reply: Streamed, first: bytes, request: Request
) -> None:
    """Sends what is being made, until it ends or nobody is there to read it.

    An error leaves the reply without its end: the server drops the connection.
    """
    start = {
        "type": "http.response.start",
        "status": reply.status,
        "headers": _headers(reply.headers, request, typed=True),
    }
    gone = asyncio.create_task(_left(receive))
    try:
        async with aclosing(reply.parts):
            await send(start)
            if request.method != "HEAD":
                await send(_part(first))
                async for part in reply.parts:
                    if gone.done():
                        return
                    await send(_part(part))
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def _send_as_it_happens(
    send: Send, receive: Receive, reply: Streamed, first: bytes, request: Request
) -> None:
    """Sends a stream without an end, to a client that is there and reads."""
    start = {
        "type": "http.response.start",
        "status": reply.status,
        "headers": _headers(reply.headers, request, typed=True),
    }
    with contextlib.suppress(Gone):
        async with while_there(receive), aclosing(reply.parts):
            await send(start)
            if request.method != "HEAD":
                await send(_part(first))
                async for part in reply.parts:
                    await send(_part(part))
            await send({"type": "http.response.body", "body": b""})


def _part(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


@contextlib.asynccontextmanager
async def while_there(receive: Receive) -> AsyncIterator[None]:
    """Cancels the block once the client has gone.  Raises Gone then."""
    task = asyncio.current_task()
    assert task is not None
    left = asyncio.create_task(_left(receive))
    gone = False

    def stop(done: "asyncio.Task[None]") -> None:
        nonlocal gone
        if not done.cancelled():
            gone = True
            task.cancel()

    left.add_done_callback(stop)
    try:
        yield
    except asyncio.CancelledError as error:
        if gone and task.uncancel() == 0:
            raise Gone from error
        raise
    finally:
        left.remove_done_callback(stop)
        left.cancel()


async def _left(receive: Receive) -> None:
    """Returns once the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
