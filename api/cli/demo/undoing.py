"""A thousand rows deleted by a script: looked at, taken back, compared."""

import time
from collections.abc import Mapping
from typing import Any

from api.cli.demo.visit import Loaded, Visit

Tables = Mapping[str, Loaded]
DELETED = 1000
PAGE = 1000
# what moves on when a record comes back
_MOVES_ON = ("version", "updated_at", "last_modified_by_id")


def undoing(visit: Visit, tables: Tables) -> None:
    visit.chapter(f"{DELETED:,} rows deleted by a script, and taken back")
    airports, states = tables["Airports"], tables["States"]
    before = max(visit.positions)
    batch_id = _delete(visit, airports)
    _diff(visit, airports, before)
    _as_of(visit, airports, before)
    _undo(visit, batch_id)
    for table in (airports, states):
        _equals_itself(visit, table, before)
    _history(visit, airports.records[0])


def _delete(visit: Visit, airports: Loaded) -> str:
    victims = airports.records[:DELETED]
    body = {"table_id": airports.id, "record_ids": victims}
    reply = visit.write("DELETE", "/records/batch", body, status=204)
    visit.deleted += DELETED
    visit.holds(
        f"{DELETED:,} of {len(airports.records):,} airports are gone",
        len(airports.records) - DELETED,
        visit.count(airports),
    )
    return reply.headers["x-batch-id"]


def _diff(visit: Visit, airports: Loaded, before: int) -> None:
    now = max(visit.positions)
    diff = visit.read(f"/tables/{airports.id}/diff", **{"from": before, "to": now})
    visit.holds(
        f"the difference between positions {before:,} and {now:,}: {DELETED:,} removed,"
        " with every value that they had",
        (DELETED, 0, 0, airports.prepared.rows[0]["IATA"]),
        (
            len(diff["removed"]),
            len(diff["added"]),
            len(diff["changed"]),
            _by_id(diff["removed"])[airports.records[0]]["fields"]["IATA"],
        ),
    )


def _as_of(visit: Visit, airports: Loaded, before: int) -> None:
    victim = airports.records[0]
    visit.refused(404, "GET", f"/records/{victim}")
    then = visit.read(f"/records/{victim}", as_of=before)
    visit.holds(
        f"{then['fields']['Name']} is not found now, and is as of {before:,}",
        victim,
        then["id"],
    )


def _undo(visit: Visit, batch_id: str) -> None:
    wish = {"scope": "batch", "id": batch_id}
    dry = visit.look("/undo", **wish, dry_run=True)
    visit.holds(
        "a dry run of the undo: no conflict, nothing written",
        (0, max(visit.positions)),
        (len(dry["conflicts"]), _head(visit)),
    )
    started = time.perf_counter()
    done = visit.write("POST", "/undo", wish, status=200).json
    took = time.perf_counter() - started
    visit.holds(
        f"the batch is undone in {took:.2f} s: {len(done['undone']):,} events, one"
        " new batch",
        (len(dry["undone"]), True),
        (len(done["undone"]), done["batch_id"] != batch_id),
    )


def _equals_itself(visit: Visit, table: Loaded, before: int) -> None:
    then = _everything(visit, table, as_of=before)
    now = _everything(visit, table)
    visit.holds(
        f"{table.name}: {len(now):,} records equal those of position {before:,}, with"
        " their ids, values, links and order",
        then,
        now,
    )


def _history(visit: Visit, record: str) -> None:
    items = visit.read(f"/records/{record}/history")["items"]
    visit.holds(
        "what became of one of them stands in its history",
        ["record.restored", "record.deleted"],
        [item["type"] for item in items[:2]],
    )


def _everything(visit: Visit, table: Loaded, **moment: object) -> list[Any]:
    """Every record in the table's order, without what moves on."""
    found: list[Any] = []
    while True:
        page = visit.read(
            "/records", table_id=table.id, limit=PAGE, offset=len(found), **moment
        )
        found += [
            {name: one for name, one in record.items() if name not in _MOVES_ON}
            for record in page["items"]
        ]
        if len(page["items"]) < PAGE:
            return found


def _by_id(records: list[Any]) -> dict[str, Any]:
    return {record["id"]: record for record in records}


def _head(visit: Visit) -> int:
    page = visit.read("/events", workspace_id=visit.workspace_id, limit=1)
    head: int = page["head"]
    return head
