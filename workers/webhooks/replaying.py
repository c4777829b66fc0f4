"""What has happened, told to a webhook again.

`webhook.replayed` is the truth of a replay: the follower that meets it in the feed adds
what is to be sent, in the transaction of its position.  So a replay is whole or not
there, whoever is killed, and comes behind all that was told before it.

    failed   what failed or was cancelled in the range, in the very bytes that were not
             delivered
    all      every event of the range, told anew to the webhook as it is: also what
             happened before it was made, and what was cleaned away since; what still
             waits is left to its own turn

The message's id is the event's, whoever has it sent.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from domain.catalog import Webhook
from domain.ids import EventId, WorkspaceId
from projections.as_of.catalogs import Ask
from projections.log import PAGE, Envelope
from projections.reader import Statement
from workers.deliveries import NewDelivery
from workers.webhooks.catalogs import Courses, along
from workers.webhooks.names import types_for
from workers.webhooks.records import stretches
from workers.webhooks.telling import Again, Stretch, Teller

FAILED = "failed"
MOST = 10_000  # events of one replay
SLICE = 250


@dataclass(frozen=True, slots=True)
class Replay:
    """From one position to another, both in it; `by_seq`: where it was asked for."""

    workspace_id: WorkspaceId
    webhook: Webhook
    first: int
    last: int
    by_seq: int
    only: str | None


def again(replay: Replay) -> Statement:
    """Asks how many events it is to tell, as things stand: of all of them at most, as
    what shows no change is not told."""
    if replay.only == FAILED:
        return _HOW_MANY_FAILED, {**_values(replay), "after": replay.first - 1}
    table_id = replay.webhook.table_id
    values = {"types": types_for(replay.webhook), "table": table_id}
    return _HOW_MANY, {**_values(replay), **values}


async def replayed(
    ask: Ask, teller: Teller, courses: Courses, replay: Replay
) -> AsyncIterator[list[NewDelivery]]:
    """Some at a time, in the events' order."""
    slices = (
        _failed(ask, replay)
        if replay.only == FAILED
        else _all(ask, teller, courses, replay)
    )
    async for some in slices:
        yield some


async def _failed(ask: Ask, replay: Replay) -> AsyncIterator[list[NewDelivery]]:
    after = replay.first - 1
    while True:
        (rows,) = await ask([(_FAILED, {**_values(replay), "after": after})])
        if rows:
            yield [_again(replay, row) for row in rows]
        if len(rows) < SLICE:
            return
        after = rows[-1][0]


def _again(replay: Replay, row: Sequence[object]) -> NewDelivery:
    seq, event_id, event, stream, body = row
    return NewDelivery(
        replay.workspace_id,
        replay.webhook.id,
        int(str(seq)),
        EventId(str(event_id)),
        str(event),
        replay.webhook.origin or "",
        str(stream),
        bytes(body),  # type: ignore[call-overload]
        replay.by_seq,
    )


async def _all(
    ask: Ask, teller: Teller, courses: Courses, replay: Replay
) -> AsyncIterator[list[NewDelivery]]:
    (rows,) = await ask([(_WAITING, _values(replay))])
    again = Again(replay.webhook, replay.by_seq, frozenset(row[0] for row in rows))
    last = min(replay.last, replay.by_seq - 1)
    catalog = await courses.at(ask, replay.workspace_id, replay.first - 1)
    after = replay.first - 1
    while after < last:
        events = await _events(ask, replay.workspace_id, after, last)
        if not events:
            return
        course = along(catalog, events)
        for some in stretches(events):
            stretch = Stretch(replay.workspace_id, some, course)
            yield await teller.tell(ask, stretch, again)
        catalog, after = course.last, events[-1].seq


async def _events(
    ask: Ask, workspace_id: WorkspaceId, after: int, upto: int
) -> list[Envelope]:
    values = {
        "workspace_id": workspace_id,
        "after": after,
        "look_at": min(SLICE, upto - after),
        "limit": SLICE,
        "types": None,
        "table_id": None,
    }
    (rows,) = await ask([(_EVENTS, values)])
    return [Envelope(*row) for row in rows]


def _values(replay: Replay) -> dict[str, object]:
    return {
        "workspace": replay.workspace_id,
        "webhook": replay.webhook.id,
        "first": replay.first,
        "last": replay.last,
        "by_seq": replay.by_seq,
        "slice": SLICE,
    }


_EVENTS = PAGE.as_bytes()
# by the unique key of deliveries: of each event what became of it last
_LAST_OF_EACH = b"""
    (
        SELECT DISTINCT ON (seq) * FROM hooks.deliveries
        WHERE workspace_id = %(workspace)s::uuid AND webhook_id = %(webhook)s::uuid
          AND seq > %(after)s::bigint AND seq <= %(last)s::bigint
          AND by_seq < %(by_seq)s::bigint
        ORDER BY seq, by_seq DESC
    ) AS d
"""
_FAILED = b"""
    SELECT d.seq, d.event_id::text, d.event, d.stream::text, c.body
    FROM %b JOIN hooks.contents AS c ON c.delivery_id = d.id
    WHERE d.state IN ('failed', 'cancelled')
    ORDER BY d.seq LIMIT %%(slice)s
""".replace(b"%b", _LAST_OF_EACH).replace(b"%%", b"%")
_HOW_MANY_FAILED = b"""
    SELECT count(*) FROM %b WHERE d.state IN ('failed', 'cancelled')
""".replace(b"%b", _LAST_OF_EACH)
_HOW_MANY = b"""
    SELECT count(*) FROM ledger.events AS e
    WHERE e.workspace_id = %(workspace)s::uuid
      AND e.seq BETWEEN %(first)s::bigint AND %(last)s::bigint
      AND e.type = ANY (%(types)s::text[])
      AND (%(table)s::uuid IS NULL OR e.stream_id = %(table)s::uuid
           OR convert_from(e.data, 'UTF8')::json ->> 'table_id' = %(table)s::text)
      AND NOT EXISTS (
          SELECT FROM hooks.deliveries AS d
          WHERE d.workspace_id = e.workspace_id AND d.webhook_id = %(webhook)s::uuid
            AND d.seq = e.seq AND d.state = 'waiting')
"""
_WAITING = b"""
    SELECT DISTINCT seq FROM hooks.deliveries
    WHERE workspace_id = %(workspace)s::uuid AND webhook_id = %(webhook)s::uuid
      AND seq BETWEEN %(first)s AND %(last)s AND state = 'waiting'
"""
