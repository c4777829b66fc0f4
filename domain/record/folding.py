"""How events of records change the facts that later commands are decided on."""

from collections.abc import Mapping
from typing import Any

from domain.catalog import Table
from domain.decider import folds
from domain.events import Recorded
from domain.facts import Facts, Link, Row
from domain.ids import RecordId, TableId
from domain.record.events import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
)
from domain.record.needs import keys_of
from domain.values import Value


def _put_keys(
    facts: Facts, record_id: str, values: Mapping[str, Value], table: Table
) -> None:
    for key in keys_of(table, values):
        facts.put(facts.taken, key, record_id)


def _drop_keys(facts: Facts, values: Mapping[str, Value], table: Table) -> None:
    for key in keys_of(table, values):
        facts.drop(facts.taken, key)


def _row_links(
    values: Mapping[str, Any], links: Mapping[str, Mapping[str, int]]
) -> dict[str, tuple[Link, ...]]:
    return {
        name: tuple(Link(RecordId(one), places[one]) for one in values[name])
        for name, places in links.items()
    }


def tally(facts: Facts, recorded: Recorded, event: RecordCreated) -> None:
    """What later creations in the same unit look at, and no more: the counter, the
    unique keys, the position.  For tables without links."""
    facts.position = recorded.seq
    facts.put(facts.counters, event.table_id, event.number)
    table = facts.catalog.tables[TableId(event.table_id)]
    if table.enforced:
        _put_keys(facts, event.record_id, event.values, table)


@folds(RecordCreated, RecordRestored)
def _fold_created(
    facts: Facts, recorded: Recorded, event: RecordCreated | RecordRestored
) -> None:
    if event.number > facts.counters.get(event.table_id, 0):
        facts.put(facts.counters, event.table_id, event.number)
    created = (recorded.at, recorded.actor.id)
    if isinstance(event, RecordRestored):
        created = (event.created_at, event.created_by)
    row = Row(
        RecordId(event.record_id),
        event.table_id,
        event.number,
        recorded.version,
        {name: one for name, one in event.values.items() if name not in event.links}
        if event.links
        else event.values,
        _row_links(event.values, event.links) if event.links else {},
        *created,
        recorded.at,
        recorded.actor.id,
    )
    facts.put(facts.rows, row.id, row)
    facts.put(facts.versions, row.id, recorded.version)
    facts.put(facts.live, row.id, True)
    table = facts.catalog.tables[TableId(event.table_id)]
    if table.enforced:
        _put_keys(facts, row.id, event.values, table)


@folds(RecordUpdated)
def _fold_updated(facts: Facts, recorded: Recorded, event: RecordUpdated) -> None:
    row = facts.rows[event.record_id]
    if row is None:
        raise LookupError(f"record {event.record_id} is not among the facts")
    values, links = dict(row.values), dict(row.links)
    for name, change in event.changes.items():
        if "added" in change:
            had = {link.target: link.there for link in links.get(name, ())}
            places = had | change["added"]
            links[name] = tuple(Link(one, places[one]) for one in change["to"] or ())
        else:
            values[name] = change["to"]
    facts.put(facts.rows, row.id, _moved(row, recorded, values, links))
    facts.put(facts.versions, row.id, recorded.version)
    table = facts.catalog.tables[TableId(event.table_id)]
    if table.enforced:
        before = {name: one["from"] for name, one in event.changes.items()}
        after = {name: one["to"] for name, one in event.changes.items()}
        for key in keys_of(table, before):
            if facts.taken.get(key) == row.id:
                facts.drop(facts.taken, key)
        _put_keys(facts, row.id, after, table)


def _moved(
    row: Row,
    recorded: Recorded,
    values: Mapping[str, Value],
    links: Mapping[str, tuple[Link, ...]],
) -> Row:
    return Row(
        row.id,
        row.table_id,
        row.number,
        recorded.version,
        values,
        links,
        row.created_at,
        row.created_by,
        recorded.at,
        recorded.actor.id,
    )


@folds(RecordLinksChanged)
def _fold_links(facts: Facts, recorded: Recorded, event: RecordLinksChanged) -> None:
    facts.put(facts.versions, event.record_id, recorded.version)
    row = facts.rows.get(event.record_id)
    if row is None:
        return
    gone = {one for one, _ in event.removed}
    kept = [
        link for link in row.links.get(event.field_id, ()) if link.target not in gone
    ]
    there = {link.target for link in kept}
    # places are read again before they are needed: a unit that links ends its group
    kept += [Link(RecordId(one), 0) for one, _ in event.added if one not in there]
    links = {**row.links, event.field_id: tuple(kept)}
    facts.put(facts.rows, row.id, _moved(row, recorded, row.values, links))


@folds(RecordDeleted)
def _fold_deleted(facts: Facts, recorded: Recorded, event: RecordDeleted) -> None:
    facts.put(facts.rows, event.record_id, None)
    facts.put(facts.live, event.record_id, False)
    facts.put(facts.versions, event.record_id, recorded.version)
    table = facts.catalog.tables[TableId(event.table_id)]
    if table.enforced:
        _drop_keys(facts, event.values, table)
