"""The workspace's events: in pages, as they happen, one by one."""

from dataclasses import replace

from api.pybase import events, feed, schemas
from api.pybase.feed import Pages
from api.pybase.routes.rows import ID, SIZE, read
from api.pybase.stream import MEDIA, Streams
from api.routes import Parameter, Route
from api.schemas import ANY
from workers.feed import Feed

POSITION = {"type": "integer", "minimum": 0, "maximum": feed.LAST}
WAIT = {"type": "integer", "minimum": 0, "maximum": feed.LONGEST_WAIT}

_WORKSPACE: Parameter = ("workspace_id", ID, "The workspace")
_AFTER: Parameter = ("after", POSITION, "The position to go on from; 0 unless told")
_FILTERS: tuple[Parameter, ...] = (
    (
        "types",
        {"type": "string", "pattern": feed.TYPES},
        "Names such as record.*, by commas",
    ),
    ("table_id", ID, "Only what concerns this table"),
)


def feed_rows(watched: Feed) -> list[Route]:
    return [_pages(Pages(watched)), _stream(Streams(watched)), *_one_by_one()]


def _pages(pages: Pages) -> Route:
    page = read(
        "/events",
        "The workspace's events",
        pages.list_events,
        "events",
        schemas.EVENTS,
        query=(
            _WORKSPACE,
            _AFTER,
            ("limit", SIZE, "Events on a page, 1 to 1,000; 500 unless told"),
            *_FILTERS,
            ("wait", WAIT, "Seconds to wait for an event where there is none yet"),
        ),
        needs=("workspace_id",),
    )
    return replace(page, waits=True)


def _stream(streams: Streams) -> Route:
    stream = read(
        "/events/stream",
        "The workspace's events as they happen: Server-Sent Events without an end",
        streams.stream_events,
        "events",
        schemas.STREAMED,
        query=(_WORKSPACE, _AFTER, *_FILTERS),
        needs=("workspace_id",),
    )
    return replace(
        stream,
        waits=True,
        media=(MEDIA,),
        headers=(
            ("Last-Event-ID", feed.NUMBER, "The position to go on from: before after"),
        ),
    )


def _one_by_one() -> list[Route]:
    size: Parameter = ("limit", SIZE, "Events on a page, 1 to 1,000; 100 unless told")
    return [
        read("/events/{id}", "One event", events.get_event, "events", ANY),
        read(
            "/events/{id}/causes",
            "What an event was caused by, nearest first",
            events.list_causes,
            "events",
            schemas.CHAIN,
            query=(("after", POSITION, "The position to go on below"), size),
        ),
        read(
            "/events/{id}/effects",
            "What an event led to, in its order",
            events.list_effects,
            "events",
            schemas.CHAIN,
            query=(("after", POSITION, "The position to go on from"), size),
        ),
    ]
