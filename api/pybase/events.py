"""One event by its id, what it was caused by, and what it led to."""

from typing import Any

import orjson

from api.http import Reply, Request
from api.pybase.feed import LAST, MOST, read_number
from commands.system import System
from domain.errors import NotFound
from projections.arrays import text_array
from projections.feed import AT, BATCH, CAUSES, EFFECTS, place_of
from projections.log import Envelope
from projections.reader import see

USUAL = 100
DEPTH = 32  # causes of causes that are followed, either way


async def get_event(system: System, request: Request) -> Reply:
    event = await _event(system, request)
    return Reply(200, orjson.dumps(event.json()))


async def list_causes(system: System, request: Request) -> Reply:
    """Nearest first: `after` is the position that a page goes on below."""
    below = read_number(request, "after", LAST, 0, LAST)
    limit = read_number(request, "limit", USUAL, 1, MOST)
    event = await _event(system, request)
    ranges = await _ranges_up(system, event)
    values = {
        "workspace_id": event.workspace_id,
        "lows": text_array([low for low, _ in ranges]),
        "highs": text_array([high for _, high in ranges]),
        "below": below,
        "limit": limit + 1,
    }
    return await _chain(system, event, CAUSES, values, limit)


async def list_effects(system: System, request: Request) -> Reply:
    """In their order: `after` is the position that a page goes on after."""
    after = read_number(request, "after", 0, 0, LAST)
    limit = read_number(request, "limit", USUAL, 1, MOST)
    event = await _event(system, request)
    values = {
        "workspace_id": event.workspace_id,
        "causes": text_array([event.id, event.batch_id]),
        "seq": event.seq,
        "depth": DEPTH,
        "after": after,
        "limit": limit + 1,
    }
    return await _chain(system, event, EFFECTS, values, limit)


async def _chain(
    system: System, event: Envelope, statement: bytes, values: Any, limit: int
) -> Reply:
    """A page; one more was asked for, to know whether another follows."""
    _, rows = await system.reader.run([see(event.workspace_id), (statement, values)])
    items = [Envelope(*row) for row in rows[:limit]]
    body = {
        "items": [one.json() for one in items],
        "next": items[-1].seq if len(rows) > limit else None,
    }
    return Reply(200, orjson.dumps(body))


async def _event(system: System, request: Request) -> Envelope:
    """The event that the path names, among the caller's own.  Raises NotFound."""
    event_id = request.id("id", "event")
    mine = await system.reader.workspaces(request.who)
    place = await place_of(system.reader, event_id, mine)
    if place is None:
        raise NotFound("Event not found")
    workspace_id, seq = place
    values = {"workspace_id": workspace_id, "seq": seq}
    try:
        found = await system.reader.ask(
            request.who,
            workspace_id,
            lambda _: [(AT, values)],
            min_position=request.min_position,
        )
    except NotFound as error:  # let go meanwhile
        raise NotFound("Event not found") from error
    return Envelope(*found.results[0][0])


async def _ranges_up(system: System, event: Envelope) -> list[tuple[int, int]]:
    """The positions of what caused an event, of what caused that, and so on.

    A cause comes before what it causes: whatever does not is no cause.
    """
    ranges: list[tuple[int, int]] = []
    workspace_id = event.workspace_id
    visible = see(workspace_id)
    cause, below = event.causation_id, event.seq
    while cause is not None and len(ranges) < DEPTH:
        _, batches = await system.reader.run([visible, (BATCH, [workspace_id, cause])])
        if batches:
            low, high, cause = batches[0]
        else:
            place = await place_of(system.reader, cause, [workspace_id])
            if place is None:
                break
            values = {"workspace_id": workspace_id, "seq": place[1]}
            _, rows = await system.reader.run([visible, (AT, values)])
            low = high = place[1]
            cause = Envelope(*rows[0]).causation_id
        if high >= below:
            break
        if low <= high:
            ranges.append((low, high))
            below = low
    return ranges
