"""The feed of a workspace: pages and long polls of a cursor that never skips."""

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass

import orjson

from api.http import Reply, Request
from commands.system import System
from domain.errors import Invalid
from domain.ids import WorkspaceId
from projections.feed import Wanted
from projections.log import PAGE, Envelope
from workers.feed import Ended, Feed

MOST = 1000
USUAL = 500
LONGEST_WAIT = 60  # seconds
LAST = 10**18 - 1  # position
NUMBER = "^[0-9]{1,18}$"
LOOK_AT = 5000  # events a page walks over at the most when a filter leaves few
_TYPE = r"([a-z_]+(\.([a-z_]+|\*))?|\*)"
TYPES = rf"^({_TYPE}(,{_TYPE}){{0,49}})?$"  # at most 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What a walk is of."""

    workspace_id: WorkspaceId
    wanted: Wanted

    @classmethod
    def by(cls, request: Request) -> "Asked":
        """Raises Malformed, Invalid."""
        found_id = request.query_id("workspace_id", "workspace")
        if found_id is None:
            raise Invalid(
                errors=[
                    {
                        "loc": ["workspace_id"],
                        "msg": "Field required",
                        "type": "missing",
                    }
                ]
            )
        types = request.query.get("types") or ""
        if not re.fullmatch(TYPES.removesuffix("$"), types):
            raise Invalid("types must be names such as record.*", field="types")
        names = tuple(types.split(",")) if types else ()
        wanted = Wanted(names, request.query_id("table_id", "table"))
        return cls(WorkspaceId(found_id), wanted)


def read_number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number of the query.  Raises Invalid."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid(f"{name} must be a whole number", field=name)
    number = int(text)
    if not low <= number <= high:
        raise Invalid(f"{name} must be from {low} to {high}", field=name)
    return number


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the position to ask after: the last one that was looked at."""

    items: list[Envelope]
    next: int
    head: int


class Pages:
    """Pages of the feed; where there is nothing yet, it may be waited for."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def list_events(self, system: System, request: Request) -> Reply:
        asked = Asked.by(request)
        after = read_number(request, "after", 0, 0, LAST)
        limit = read_number(request, "limit", USUAL, 1, MOST)
        wait = read_number(request, "wait", 0, 0, LONGEST_WAIT)
        page = await _page(system, request, asked, after, limit)
        if wait and not page.items:
            position = await self._wait(request, asked, page, wait)
            page = await _page(system, request, asked, position, limit)
        items = [one.json() for one in page.items]
        body = {"items": items, "next": page.next, "head": page.head}
        return Reply(200, orjson.dumps(body))

    async def _wait(
        self, request: Request, asked: Asked, page: Page, seconds: int
    ) -> int:
        """The position before the first event that matches; else the last one looked
        at when the time was over, or the server stopped.

        Raises Busy, TooManyReaders.
        """
        began = time.monotonic()
        with self._feed.reading(
            request.who, asked.workspace_id, asked.wanted, page.next, page.head
        ) as reader:
            with contextlib.suppress(TimeoutError, Ended):
                async with asyncio.timeout(seconds):
                    await reader.moves()
            request.waited += time.monotonic() - began
            return reader.position


async def _page(
    system: System, request: Request, asked: Asked, after: int, limit: int
) -> Page:
    look_at = limit if asked.wanted.everything else LOOK_AT
    values = {
        "workspace_id": asked.workspace_id,
        "after": after,
        "look_at": look_at,
        "limit": limit,
        **asked.wanted.values,
    }
    found = await system.reader.ask(
        request.who,
        asked.workspace_id,
        lambda _: [(PAGE, values)],
        min_position=request.min_position,
    )
    items = [Envelope(*row) for row in found.results[0]]
    # the head was read before the page, so everything to it was looked at
    head = found.position
    if len(items) == limit:
        looked_at = items[-1].seq
    else:
        looked_at = max(after, min(after + look_at, head), *(e.seq for e in items[-1:]))
    return Page(items, looked_at, max(head, looked_at if items else 0))
