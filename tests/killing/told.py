"""A server and a worker that tell somebody by a webhook, and what has to hold when all
is quiet again: asked of the feed, of the rows of deliveries, and of who was told."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import orjson
import psycopg

from projections.followed import standings
from tests.killing.recipient import Arrival, Recipient
from tests.killing.server import Server, Worker
from tests.ports import free_port
from tests.redis_server import RedisServer

FOLLOWER = "webhooks"
IMPATIENT = """
from workers.deliveries import outcomes, turns
outcomes.LEASE_SECONDS = turns.TOLD_SECONDS = 4
from api.cli import main
main()
"""


@dataclass(frozen=True)
class Delivery:
    """A row, as it ended or not."""

    event_id: str
    state: str
    reason: str | None


def told_processes(
    data_dir: Path, valkey: RedisServer, recipient: Recipient, *, impatient: bool
) -> tuple[Server, Worker]:
    """A server and a worker that may tell the recipient.  `impatient`: who was told of
    a task, or has its lease, is given up sooner than within a minute."""
    server, worker = Server(data_dir, free_port()), Worker(data_dir, free_port())
    for one in (server, worker):
        one.environment |= {
            "TABELLION_REDIS_URL": valkey.url,
            "TABELLION_OUTBOUND_ALLOW": "127.0.0.0/8",
            "TABELLION_OUTBOUND_PORTS": str(recipient.port),
            "TABELLION_WEBHOOK_RETRIES": "1,1,1,1,2,2,2,4,4,8,8,8",
        }
        if impatient:
            one.program = (sys.executable, "-c", IMPATIENT)
    return server, worker


def a_webhook(client: httpx2.Client, table_id: str, recipient: Recipient) -> str:
    body = {
        "name": "Told",
        "table_id": table_id,
        "type": "outgoing",
        "url": f"{recipient.url}/records",
        "events": ["record.*"],
    }
    reply = client.post("/webhooks", json=body)
    assert reply.status_code == 201, reply.text
    made = reply.json()
    recipient.secrets["/records"] = made["secret"]
    webhook_id: str = made["id"]
    return webhook_id


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


def until_quiet(superuser: str, seconds: float) -> float:
    """Waits so long at the most; gives how long it took."""
    began = time.monotonic()
    while not is_quiet(superuser):
        assert time.monotonic() < began + seconds, "something is still to be told"
        time.sleep(0.2)
    return time.monotonic() - began


def untold(
    wanted: Sequence[Mapping[str, Any]],
    rows: Sequence[Delivery],
    recipient: Recipient,
) -> Iterator[str]:
    """The promises that were not kept; `wanted` are the events of the feed that a
    webhook was to be told of."""
    yield from recipient.forged
    arrivals = recipient.arrivals
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
