"""How events of records change the facts that later commands are decided on."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from domain.catalog import Field, Table
from domain.decider import folds
from domain.events import Recorded
from domain.facts import Facts, Link, Row, in_order
from domain.ids import FieldId, RecordId, TableId
from domain.record.events import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
    links_of,
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


def tally(facts: Facts, recorded: Recorded, event: RecordCreated) -> None:
    """What later creations in the same unit look at, and no more: the counter, the
    unique keys, the position.  For tables without links."""
    facts.position = recorded.seq
    facts.put(facts.counters, event.table_id, event.number)
    table = facts.catalog.tables[TableId(event.table_id)]
    if table.enforced:
        _put_keys(facts, event.record_id, event.values, table)


def _fill(facts: Facts, table: Table, record_id: str) -> None:
    """Brings what is known of whole columns along with a record."""
    row = facts.rows.get(record_id)
    for known in (facts.columns, facts.few):
        for field_id, column in known.items():
            field = table.all_fields.get(FieldId(field_id))
            if field is None or column is None:
                continue
            if row is None:
                facts.drop(column, record_id)
            else:
                facts.put(column, record_id, _in_column(row, field))


def _in_column(row: Row, field: Field) -> Value:
    """A value as a whole column has it: of links only whether there are some."""
    if field.type == "linked_record":
        return "linked" if row.links.get(field.id) else None
    return str(row.number) if field.type == "autonumber" else row.values.get(field.id)


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
        links_of(event) if event.links else {},
        *created,
        recorded.at,
        recorded.actor.id,
    )
    facts.put(facts.rows, row.id, row)
    facts.put(facts.versions, row.id, recorded.version)
    facts.put(facts.live, row.id, True)
    table = facts.catalog.tables[TableId(event.table_id)]
    for name, made in row.links.items():
        _mirror(facts, table, row.id, name, made)
    _fill(facts, table, row.id)
    if table.enforced:
        _put_keys(facts, row.id, event.values, table)


def _mirror(
    facts: Facts,
    table: Table,
    record_id: RecordId,
    field_id: str,
    links: Iterable[Link],
) -> None:
    """The same links in the lists of those records at their other ends that are among
    the facts."""
    far = table.all_fields[FieldId(field_id)].reverse_id
    for link in links if far is not None else ():
        other = facts.rows.get(link.target)
        if other is None or far is None:
            continue
        known = {one.target: one for one in other.links.get(far, ())}
        here = known[record_id].here if record_id in known else link.there
        mirrored = Link(record_id, there=link.here, here=here)
        if known.get(record_id) != mirrored:
            known[record_id] = mirrored
            found = {**other.links, far: tuple(in_order(known.values()))}
            facts.put(facts.rows, other.id, replace(other, links=found))


@folds(RecordUpdated)
def _fold_updated(facts: Facts, recorded: Recorded, event: RecordUpdated) -> None:
    row = facts.rows[event.record_id]
    if row is None:
        raise LookupError(f"record {event.record_id} is not among the facts")
    values = {
        name: change["to"]
        for name, change in event.changes.items()
        if "added" not in change
    }
    changed = _moved(row, recorded, {**row.values, **values}, row.links)
    facts.put(facts.rows, row.id, changed)
    facts.put(facts.versions, row.id, recorded.version)
    table = facts.catalog.tables[TableId(event.table_id)]
    for name, change in event.changes.items():
        if "added" in change:
            _relink(facts, table, row.id, name, change)
    _fill(facts, table, row.id)
    if table.enforced:
        before = {name: one["from"] for name, one in event.changes.items()}
        after = {name: one["to"] for name, one in event.changes.items()}
        for key in keys_of(table, before):
            if facts.taken.get(key) == row.id:
                facts.drop(facts.taken, key)
        _put_keys(facts, row.id, after, table)


def _relink(
    facts: Facts,
    table: Table,
    record_id: RecordId,
    field_id: str,
    change: Mapping[str, Any],
) -> None:
    row = facts.rows[record_id]
    if row is None:
        raise LookupError(f"record {record_id} is not among the facts")
    there = {
        **change["added"],
        **{link.target: link.there for link in row.links.get(field_id, ())},
    }
    made = tuple(
        Link(RecordId(one), there[one], here)
        for one, here in zip(
            change["to"] or (), change["own_places"]["to"], strict=True
        )
    )
    links = {**row.links, field_id: made}
    facts.put(facts.rows, record_id, replace(row, links=links))
    _mirror(facts, table, record_id, field_id, made)


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
    """What is added is there already: `_mirror`."""
    facts.put(facts.versions, event.record_id, recorded.version)
    row = facts.rows.get(event.record_id)
    if row is None:
        _count(facts, event)
        return
    gone = {one for one, _ in event.removed}
    had = row.links.get(event.field_id, ())
    links = {
        **row.links,
        event.field_id: tuple(link for link in had if link.target not in gone),
    }
    facts.put(facts.rows, row.id, _moved(row, recorded, row.values, links))
    _fill(facts, facts.catalog.tables[TableId(event.table_id)], row.id)


def _count(facts: Facts, event: RecordLinksChanged) -> None:
    key = (event.field_id, event.record_id)
    if key in facts.held:
        change = len(event.added) - len(event.removed)
        facts.put(facts.held, key, facts.held[key] + change)
    column = facts.columns.get(event.field_id)
    if column is not None and event.added:
        facts.put(column, event.record_id, "linked")
    elif column is not None and facts.held.get(key, 1) == 0:
        facts.put(column, event.record_id, None)


@folds(RecordDeleted)
def _fold_deleted(facts: Facts, recorded: Recorded, event: RecordDeleted) -> None:
    facts.put(facts.rows, event.record_id, None)
    facts.put(facts.live, event.record_id, False)
    facts.put(facts.versions, event.record_id, recorded.version)
    table = facts.catalog.tables[TableId(event.table_id)]
    _fill(facts, table, event.record_id)
    if table.enforced:
        _drop_keys(facts, event.values, table)
