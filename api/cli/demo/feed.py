"""The workspace's own feed, read from its start and held against what was done."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from rich.table import Table

from api.cli.demo.visit import Visit

PAGE = 1000
PATIENCE = 10.0  # seconds that the feed may be behind the writes

# the fields of an envelope in the order in which they are hashed
HEADER = (
    "id",
    "type",
    "schema",
    "workspace_id",
    "seq",
    "stream",
    "version",
    "batch_id",
    "batch_index",
    "batch_size",
    "actor",
    "surface",
    "request_id",
    "causation_id",
    "correlation_id",
    "recorded_at",
)


def feed(visit: Visit) -> Counter[str]:
    """How many events of each type there are."""
    visit.chapter("The feed of the workspace, from position 1")
    started = time.perf_counter()
    events = list(_walk(visit))
    seconds = time.perf_counter() - started
    types = Counter(event["type"] for event in events)
    _show(visit, types)
    visit.say(f"{len(events):,} events read at {len(events) / seconds:,.0f} a second")
    last = len(events)
    visit.holds(
        f"positions are 1 to {last:,} without a gap",
        list(range(1, last + 1)),
        [event["seq"] for event in events],
    )
    visit.holds(
        f"{len(visit.positions)} X-Position headers were given; the feed has them all",
        (set(), last),
        (visit.positions - {event["seq"] for event in events}, max(visit.positions)),
    )
    visit.holds(
        f"{len(visit.batches)} batches were promised; each is there, and whole",
        {},
        _broken(visit, events),
    )
    visit.holds(
        f"{visit.created:,} records created, {visit.updated} updated,"
        f" {visit.deleted} deleted: an event for each",
        (visit.created, visit.updated, visit.deleted),
        tuple(types[f"record.{what}"] for what in ("created", "updated", "deleted")),
    )
    visit.holds(
        "each event's hash follows from its content and the hash before it",
        None,
        broken_link(events),
    )
    return types


def _walk(visit: Visit) -> Iterator[Any]:
    """Every event to the newest write's, page by page."""
    after, newest = 0, max(visit.positions)
    deadline = time.monotonic() + PATIENCE
    while after < newest:
        page = visit.read(
            "/events", workspace_id=visit.workspace_id, after=after, limit=PAGE
        )
        yield from page["items"]
        if page["next"] == after:
            visit.check(
                "the feed has the newest write", True, time.monotonic() < deadline
            )
            time.sleep(0.05)
        after = page["next"]


def _broken(visit: Visit, events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The batches that were promised and are not there whole."""
    sizes = {event["batch_id"]: event["batch_size"] for event in events}
    found = Counter(event["batch_id"] for event in events)
    return {
        one: f"{found[one]} of {sizes.get(one, 'unknown')}"
        for one in visit.batches
        if found[one] != sizes.get(one)
    }


def broken_link(events: Sequence[Mapping[str, Any]]) -> int | None:
    """The first position whose hash does not follow; None where all do."""
    previous = bytes(32)
    for event in events:
        header = [event[name] for name in HEADER]
        previous = sha256(
            previous + _canonical(header) + _canonical(event["data"])
        ).digest()
        if previous.hex() != event["hash"]:
            position: int = event["seq"]
            return position
    return None


def _canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _show(visit: Visit, types: Counter[str]) -> None:
    table = Table(box=None, padding=(0, 2), show_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    for name, count in types.most_common():
        table.add_row(f"{count:,}", name)
    visit.console.print(table)
