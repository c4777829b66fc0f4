"""What must hold of webhooks when all is quiet again: asked of the feed, of the rows of
deliveries, and of who was told."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg

from projections.followed import standings
from tests.process.killing.recipient import Arrival

FOLLOWER = "webhooks"


@dataclass(frozen=True)
class Delivery:
    """A row, as it ended or not."""

    event_id: str
    state: str
    reason: str | None


def deliveries(url: str, webhook_id: str) -> list[Delivery]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(_DELIVERIES, [webhook_id]).fetchall()
    return [Delivery(*row) for row in rows]


def is_quiet(url: str) -> bool:
    """Whether nothing is left to be told, or to be made a delivery of."""
    try:
        with psycopg.connect(url) as connection:
            left = connection.execute(_WAITING).fetchone()
            behind = [
                one.backlog for one in standings(connection) if one.follower == FOLLOWER
            ]
            unsealed = connection.execute("SELECT count(*) FROM ledger.outbox")
            return [left, behind, unsealed.fetchone()] == [(0,), [0], (0,)]
    except psycopg.OperationalError:  # it has been killed a moment ago
        return False


def untold(
    wanted: Sequence[Mapping[str, Any]],
    rows: Sequence[Delivery],
    arrivals: Sequence[Arrival],
) -> Iterator[str]:
    """The promises that were not kept; `wanted` are the events of the feed that a
    webhook was to be told of."""
    by_event = {one.event_id: one for one in rows}
    if len(by_event) != len(rows):
        yield f"{len(rows) - len(by_event)} deliveries are there twice"
    arrived = Counter(one.id for one in arrivals)
    for event in wanted:
        row = by_event.pop(event["id"], None)
        if row is None:
            yield f"position {event['seq']}: nobody was to be told of it"
        elif row.state == "delivered" and not arrived[f"msg_{row.event_id}"]:
            yield f"position {event['seq']}: delivered, and never arrived"
        elif row.state != "delivered" and not (row.state == "failed" and row.reason):
            yield f"position {event['seq']}: {row.state}, {row.reason}"
    yield from (f"{one}: a delivery of no event" for one in by_event)
    known = {f"msg_{event['id']}" for event in wanted}
    yield from (f"{one} arrived and is of no event" for one in set(arrived) - known)
    yield from _out_of_order(wanted, arrivals)


def _out_of_order(
    wanted: Sequence[Mapping[str, Any]], arrivals: Sequence[Arrival]
) -> Iterator[str]:
    """As it is to a receiver that leaves out what it has had."""
    events = {f"msg_{event['id']}": event for event in wanted}
    bodies: dict[str, bytes] = {}
    last: dict[str, int] = {}
    for one in arrivals:
        if one.id in bodies:
            if bodies[one.id] != one.body:
                yield f"{one.id} is not what it was at first"
            continue
        bodies[one.id] = one.body
        event = events.get(one.id)
        told = orjson.loads(one.body)["data"]
        if event is None:
            continue
        if (told["event_id"], told["position"]) != (event["id"], event["seq"]):
            yield f"{one.id} tells of {told['event_id']}"
        if last.get(event["stream"], 0) > event["seq"]:
            yield f"position {event['seq']} came behind a later one of its record"
        last[event["stream"]] = event["seq"]


_WAITING = "SELECT count(*) FROM hooks.deliveries WHERE state = 'waiting'"
_DELIVERIES = """
    SELECT event_id::text, state, reason FROM hooks.deliveries
    WHERE webhook_id = %s ORDER BY seq
"""
