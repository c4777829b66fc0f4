"""HTTP/1.1 with limits: what never becomes a request is refused here, in JSON.

The server underneath reads heads of any size for any time.  Here a target, the headers
and the time that a client may take have an end; a refusal has the shape of the surface
whose port it is.  A client that sends is never cut off by a clock alone: only one that
sends next to nothing, and one that takes nothing of what it is sent.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)

from api.browsers import REPLY
from api.http import Reply
from commands.system import new_id
from domain.errors import Code, DomainError, Malformed

MAX_TARGET = 65_535  # bytes of a path with its query; the parser takes no more
MAX_HEADERS = 200  # header fields
PATIENCE = 30.0  # seconds for a head, for each LEAST bytes of a body, to read something
LEAST = 16_384
LINGER = 2.0  # seconds in which a client that still sends may read the refusal


class UriTooLong(DomainError):
    """The path with its query is too long"""

    code = Code.URI_TOO_LONG


class HeadersTooLarge(DomainError):
    """The headers are too large"""

    code = Code.HEADERS_TOO_LARGE


class TooSlow(DomainError):
    """The request did not come in time"""

    code = Code.REQUEST_TIMEOUT


class Refusing(Protocol):
    """An application that says no in its own words."""

    max_header_bytes: int

    def refusal(self, error: DomainError) -> Reply:
        """A refusal in the surface's shape."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection.  The application is a `Refusing`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._surface: Refusing = self.config.app  # type: ignore[assignment]
        self._refusal: DomainError | None = None
        self._refused = False
        self._in_head = False
        self._untold = 0  # bytes since a head was whole, or a part of a body came
        self._received = 0  # bytes since the clock was set
        self._clock: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None  # runs while it should read
        self._unread = 0  # bytes that were to be read when that was set

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        self._stop_waiting_for_reader()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._refused:
            self._received += len(data)
            self._untold += len(data)
            super().data_received(data)
            self._check_untold()
            self._watch()

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The latest request; None before there was one."""
        return self.cycle

    # what the parser finds

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._untold = 0
        self._check_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._untold = 0
        super().on_body(body)

    def _check_head(self) -> None:
        if len(self.url) > MAX_TARGET:
            self._fail(UriTooLong(limit=MAX_TARGET))
        limit = self._surface.max_header_bytes
        size = 0
        for name, value in self.headers:
            size += len(name) + len(value)
        if size > limit or len(self.headers) > MAX_HEADERS:
            self._fail(HeadersTooLarge(limit=limit, max_headers=MAX_HEADERS))

    def _check_untold(self) -> None:
        """The parser keeps what it has not told yet: a head, a trailer without end."""
        limit = self._surface.max_header_bytes
        if self._refused or self._untold <= MAX_TARGET + 2 * limit:
            return
        long = self._in_head and len(self.url) > MAX_TARGET
        self._refusal = (
            UriTooLong(limit=MAX_TARGET)
            if long
            else HeadersTooLarge(limit=limit, max_headers=MAX_HEADERS)
        )
        self.send_400_response("")

    def _fail(self, error: DomainError) -> None:
        """Makes the parser stop, which makes `send_400_response` be called."""
        self._refusal = error
        raise error

    # a client that is slow

    def _watch(self) -> None:
        """Lets the clock run while the client has something to send."""
        if self._refused or self.transport.is_closing():
            return
        if not self._is_awaited():
            self._stop_clock()
        elif self._clock is None:
            self._set_clock()

    def _is_awaited(self) -> bool:
        """Whether the client has still to send something: a head, or a body."""
        cycle = self._cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def _set_clock(self) -> None:
        self._received = 0
        self._clock = self.loop.call_later(PATIENCE, self._time_is_up)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _time_is_up(self) -> None:
        self._clock = None
        if self._refused or self.transport.is_closing() or not self._is_awaited():
            return
        in_body = self._cycle is not None and not self._cycle.response_complete
        if in_body and (self.flow.read_paused or self._received >= LEAST):
            self._set_clock()  # it sends, or we have not taken what it sent
        elif in_body or self._in_head:
            self._refusal = TooSlow()
            self.send_400_response("")
        else:
            self.transport.close()

    # a client that does not read

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        self._stop_waiting_for_reader()
        super().resume_writing()

    def _wait_for_reader(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(PATIENCE, self._look_at_reader)

    def _stop_waiting_for_reader(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _look_at_reader(self) -> None:
        if self.transport.get_write_buffer_size() < self._unread:
            self._wait_for_reader()
        else:
            self.transport.abort()  # to close it would wait for the reader

    # the refusal

    def send_400_response(self, msg: str) -> None:
        """Sends the refusal, unless a reply is under way; then the connection ends."""
        self._stop_clock()
        self._refused = True
        cycle = self._cycle
        half = cycle is not None and cycle.response_started != cycle.response_complete
        if self.pipeline or half:
            self.transport.close()
            return
        error = self._refusal or Malformed("This is not a request of HTTP/1.1")
        self.transport.write(_written(self._surface.refusal(error)))
        # what is still on its way is read and dropped: an end with data unread would
        # take the refusal away from the client
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._clock = self.loop.call_later(LINGER, self.transport.close)


def _written(reply: Reply) -> bytes:
    """A reply as it goes over the wire, the last one of its connection."""
    headers = [
        *REPLY,
        (b"cache-control", b"no-store"),
        (b"x-request-id", new_id().encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(reply.body)),
        (b"connection", b"close"),
    ]
    status = HTTPStatus(reply.status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", reply.body])
