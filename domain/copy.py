"""Copying a base: its structure, then its records, then the links between them.  Pure.

    CopyBase      the new base with its tables, fields, constraints and views, deleted
                  at once
    CopyRecords   records into such a table, with the numbers they had
    CopyLinks     the links of a field, with their places in the lists of both ends

What is deleted nobody sees, so a copy that is not finished is as if it were not there;
restoring the base and its tables is what finishes it.  The copied values were checked
when they were written, and are all of one moment: nothing is checked again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.access import Role
from domain.base import BaseCreated, BaseDeleted, db_name_of
from domain.catalog import Catalog, Constraint, Field, Table, View
from domain.constraint import ConstraintCreated
from domain.decider import asks, decides
from domain.errors import Conflict, Json, NotFound
from domain.events import Command, Event
from domain.facts import Facts, Needs
from domain.field import FieldCreated
from domain.ids import BaseId, FieldId, RecordId, TableId, moved_to, table_number_of
from domain.record import RecordCreated, RecordLinksChanged, RecordUpdated
from domain.table import TableCreated, TableDeleted
from domain.values import COMMON_OPTIONS, Value
from domain.view import ViewCreated

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CopyBase(Command):
    """`tables` as they were at one moment; `ids` and `numbers` are the new ones by the
    old ones: of each table, field, constraint and view, and of each table."""

    base_id: BaseId
    name: str
    description: str | None
    icon: str | None
    tables: Sequence[Table]
    ids: Mapping[str, str]
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CopyRecords(Command):
    """`records` are (id, number, values without links)."""

    table_id: TableId
    records: Sequence[tuple[RecordId, int, Mapping[str, Value]]]


@dataclass(frozen=True, slots=True)
class CopyLinks(Command):
    """`links` are (record, [(other record, this one's place in its list), …]) in the
    order of the record's own list; each record stands once."""

    table_id: TableId
    field_id: FieldId
    links: Sequence[tuple[RecordId, Sequence[tuple[RecordId, int]]]]


@decides(CopyBase, role=Role.admin)
def _copy_base(command: CopyBase, facts: Facts) -> Sequence[Event]:
    facts.catalog.live_workspace()
    if command.base_id in facts.catalog.bases:
        raise Conflict("The base exists already")
    base_id, ids = command.base_id, command.ids
    events: list[Event] = [
        BaseCreated(
            base_id,
            command.name,
            command.description,
            command.icon,
            db_name_of(command.name, facts.catalog),
        )
    ]
    for table in command.tables:
        events.append(
            TableCreated(
                ids[table.id],
                base_id,
                command.numbers[table.id],
                table.name,
                table.description,
                table.position,
                table.slug,
            )
        )
    for table in command.tables:
        events += [_field(one, command) for one in table.fields]
        events += [_constraint(one, ids) for one in table.constraints]
        events += [_view(one, table, command) for one in table.views]
    for table in command.tables:
        events.append(TableDeleted(ids[table.id], base_id, table.name))
    return [*events, BaseDeleted(base_id, command.name)]


def _field(one: Field, command: CopyBase) -> FieldCreated:
    ids = command.ids
    said: dict[str, Json] = {
        name: one.options[name] for name in COMMON_OPTIONS if name in one.options
    }
    if one.type == "linked_record" and "default_value" in said:
        said["default_value"] = _same_record(said["default_value"], command)
    options = {name: _renamed(value, ids) for name, value in one.options.items()} | said
    return FieldCreated(
        ids[one.id],
        ids[one.table_id],
        one.name,
        one.type,
        options,
        one.required,
        one.description,
        one.position,
        one.primary,
        one.api_name,
    )


def _renamed(value: Json, ids: Mapping[str, str]) -> Json:
    """An option with the ids of the copy, also within a formula; what is not copied
    keeps its own."""
    if isinstance(value, str):
        if value in ids:
            return ids[value]
        return _UUID.sub(lambda found: ids.get(found[0], found[0]), value)
    if isinstance(value, list):
        return [_renamed(item, ids) for item in value]
    if isinstance(value, dict):
        return {name: _renamed(item, ids) for name, item in value.items()}
    return value


def _constraint(one: Constraint, ids: Mapping[str, str]) -> ConstraintCreated:
    """A constraint that nobody has looked through yet might not hold in the copy."""
    return ConstraintCreated(
        ids[one.id],
        ids[one.table_id],
        ids[one.field_id],
        one.case_sensitive,
        "disabled" if one.status == "pending" else one.status,
        one.error_message,
        one.folding,
    )


def _view(one: View, table: Table, command: CopyBase) -> ViewCreated:
    """What a view names is the copy's; what is deleted it does without, as before."""
    ids = command.ids
    return ViewCreated(
        ids[one.id],
        ids[one.table_id],
        one.name,
        one.type,
        {key: _same_field(value, ids) for key, value in one.config.items()},
        [_filter(node, table, command) for node in one.filters],
        [_same_field(sort, ids) for sort in one.sorts],
        one.position,
    )


def _same_field(value: Json, ids: Mapping[str, str]) -> Json:
    """Ids where they stand alone: a label that reads like one stays."""
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, list):
        return [_same_field(item, ids) for item in value]
    if isinstance(value, dict):
        return {
            key: item if key == "label" else _same_field(item, ids)
            for key, item in value.items()
        }
    return value


def _filter(node: Any, table: Table, command: CopyBase) -> Json:
    """A condition, or a group of them.  What it compares with stays, but for the ids of
    records, which are others in the copy."""
    if "field" not in node:
        return {
            word: _filter(inside, table, command)
            if isinstance(inside, dict)
            else [_filter(one, table, command) for one in inside]
            for word, inside in node.items()
        }
    field = table.all_fields.get(node["field"])
    value = node["value"]
    if node["field"] == "id" or (field is not None and field.type == "linked_record"):
        value = _same_record(value, command)
    return {
        **node,
        "field": command.ids.get(node["field"], node["field"]),
        "value": value,
    }


def _same_record(value: Json, command: CopyBase) -> Json:
    if isinstance(value, list):
        return [_same_record(item, command) for item in value]
    if not isinstance(value, str):
        return value
    numbers = {one.number: command.numbers[one.id] for one in command.tables}
    found = numbers.get(table_number_of(value) or 0)
    return value if found is None else moved_to(value, found)


def _copied_table(facts: Facts, table_id: str) -> Table:
    """A table of a copy that is not finished."""
    table = facts.catalog.tables.get(TableId(table_id))
    if table is None:
        raise NotFound("Table not found")
    if not table.deleted or not facts.catalog.bases[table.base_id].deleted:
        raise Conflict("The copy is finished")
    return table


@decides(CopyRecords, role=Role.admin)
def _copy_records(command: CopyRecords, facts: Facts) -> Sequence[Event]:
    table = _copied_table(facts, command.table_id)
    return [
        RecordCreated(record_id, table.id, number, dict(values), {})
        for record_id, number, values in command.records
    ]


@asks(CopyLinks)
def _links_needs(command: CopyLinks, catalog: Catalog, needs: Needs) -> None:
    needs.whole(command.table_id, [record_id for record_id, _ in command.links])
    for _, others in command.links:
        for one, _ in others:
            table = catalog.table_by_number.get(table_number_of(one) or 0)
            if table is not None:
                needs.target(table.id, [one])


@decides(CopyLinks, role=Role.admin)
def _copy_links(command: CopyLinks, facts: Facts) -> Sequence[Event]:
    table = _copied_table(facts, command.table_id)
    field = table.by_id[command.field_id]
    other_id = str(field.options["linked_table_id"])
    events: list[Event] = []
    for record_id, others in command.links:
        places = dict(others)
        change = {
            "from": None,
            "to": list(places),
            "added": places,
            "removed": {},
            "own_places": {"from": [], "to": list(range(len(places)))},
        }
        events.append(RecordUpdated(record_id, table.id, {field.id: change}))
        events += [
            RecordLinksChanged(
                one, other_id, str(field.reverse_id), [[record_id, place]], []
            )
            for one, place in others
        ]
    return events
