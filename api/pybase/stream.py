"""The feed as Server-Sent Events: every event once, in order, as it is committed.

    retry: 1000                     how soon a client asks again when it was cut off

    id: 7                           the position: what Last-Event-ID goes on after
    event: record.created           the type
    data: {"id":"…","seq":7,…}      the envelope, on one line

    :                               every 15 s where nothing else is sent,
    id: 12                          with the last position looked at, where it moved on

A stream ends when its reader may read no longer, and when the server stops.
"""

from collections.abc import AsyncGenerator

import orjson

from api.http import Request, Streamed
from api.pybase.feed import LAST, Asked, read_number
from commands.system import System
from domain.errors import Malformed
from projections.log import Envelope
from projections.reader import Caller
from workers.feed import Ended, Feed, Shared

BEAT_SECONDS = 15
SLICE = 32 * 1024  # bytes that a slow socket is given at a time
MEDIA = "text/event-stream"
_RETRY = b"retry: 1000\n\n"
# a proxy that gathers replies is asked to let each event through
_HEADERS = {"content-type": MEDIA, "x-accel-buffering": "no"}


class Streams:
    """Streams of the feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def stream_events(self, system: System, request: Request) -> Streamed:
        asked = Asked.by(request)
        after = read_number(request, "after", 0, 0, LAST)
        after = _last_event_id(request, after)
        found = await system.reader.ask(
            request.who,
            asked.workspace_id,
            lambda _: (),
            min_position=request.min_position,
        )
        parts = self._parts(request.who, asked, after, found.position)
        return Streamed(parts, headers=_HEADERS)

    async def _parts(
        self, caller: Caller, asked: Asked, after: int, head: int
    ) -> AsyncGenerator[bytes, None]:
        """Raises Busy, TooManyReaders before the first part."""
        with self._feed.reading(
            caller, asked.workspace_id, asked.wanted, after, head
        ) as reader:
            yield _RETRY
            told = after
            while True:
                try:
                    shared = await reader.read(BEAT_SECONDS)
                except Ended:
                    return
                if shared is None:
                    yield _beat(told, reader.position)
                    told = reader.position
                    continue
                told = shared.chosen(asked.wanted)[-1].seq
                text = _text(shared, asked)
                del shared  # a reader that is slow keeps no page
                for start in range(0, len(text), SLICE):
                    yield text[start : start + SLICE]
                text = b""


def _last_event_id(request: Request, after: int) -> int:
    """The position that a client goes on after.  Raises Malformed."""
    told = request.header("last-event-id")
    if told is None:
        return after
    if not (told.isascii() and told.isdigit() and len(told) <= 18):
        raise Malformed("Last-Event-ID must be a position")
    return int(told)


def _beat(told: int, position: int) -> bytes:
    return b":\nid: %d\n\n" % position if position > told else b":\n\n"


def _text(shared: Shared, asked: Asked) -> bytes:
    """What is sent of a page, made once for all who want the same of it."""
    text = shared.texts.get(asked.wanted)
    if text is None:
        events = shared.chosen(asked.wanted)
        text = shared.texts[asked.wanted] = b"".join(map(_event, events))
    return text


def _event(event: Envelope) -> bytes:
    data = orjson.dumps(event.json())
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.seq, event.type.encode(), data)
