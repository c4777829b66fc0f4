"""How later commands see a field that has become another.  Pure."""

from dataclasses import replace
from typing import Any

from domain.catalog import Catalog
from domain.decider import folds, grows
from domain.events import Recorded
from domain.facts import Facts, Link, Row
from domain.ids import FieldId, RecordId, TableId
from domain.record.needs import keys_of
from domain.retype.events import FieldConverted, FieldRetyped
from domain.values import Value


@grows(FieldRetyped)
def _grow(catalog: Catalog, recorded: Recorded, event: FieldRetyped) -> Catalog:
    known = catalog.tables[TableId(event.table_id)].all_fields[FieldId(event.field_id)]
    after: dict[str, Any] = {
        name: change["to"] for name, change in event.changes.items()
    }
    changed = replace(known, **after, updated_at=recorded.at, version=recorded.version)
    return replace(catalog.with_field(changed, recorded.seq), seq=recorded.seq)


@folds(FieldRetyped)
def _fold_retyped(facts: Facts, _recorded: Recorded, event: FieldRetyped) -> None:
    """In a new place there is no value yet, and no key of one."""
    if event.changes["slot"]["from"] != event.changes["slot"]["to"]:
        for row in list(facts.rows.values()):
            if row is not None and row.table_id == event.table_id:
                _put(facts, row, event.field_id, None, ())
    constraint = facts.catalog.tables[TableId(event.table_id)].constraint_of(
        event.field_id
    )
    for key in [one for one in facts.taken if constraint and one[0] == constraint.id]:
        facts.drop(facts.taken, key)


@folds(FieldConverted)
def _fold_converted(facts: Facts, recorded: Recorded, event: FieldConverted) -> None:
    facts.put(facts.versions, event.conversion_id, recorded.version)
    table = facts.catalog.tables[TableId(event.table_id)]
    for record_id, change in event.values.items():
        row = facts.rows.get(record_id)
        if row is None:
            continue
        value = change["to"]
        links: tuple[Link, ...] = ()
        if "added" in change:
            there, own = change["added"], change["own_places"]["to"]
            links = tuple(
                Link(RecordId(one), there[one], here)
                for one, here in zip(value or (), own, strict=True)
            )
            value = None
        _put(facts, row, event.field_id, value, links)
        for key in keys_of(table, {event.field_id: value}):
            facts.put(facts.taken, key, record_id)


def _put(
    facts: Facts, row: Row, field_id: str, value: Value, links: tuple[Link, ...]
) -> None:
    """A row's value of the field, or its links; its version stays: it is the field that
    has changed."""
    kept = {name: one for name, one in row.links.items() if name != field_id}
    if links:
        kept[field_id] = links
    facts.put(
        facts.rows,
        row.id,
        replace(row, values={**row.values, field_id: value}, links=kept),
    )
