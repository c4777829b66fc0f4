"""Tables: commands, events, and what goes with a table when it goes.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.access import Role
from domain.catalog import Catalog, Table
from domain.decider import decides, grows
from domain.errors import Conflict, Json, NameTaken, NotFound
from domain.events import Command, Event, Inverse, Recorded, event
from domain.facts import Facts
from domain.field import FieldDeleted
from domain.ids import BaseId, TableId
from domain.workspace import before_of, differences, expect_version


@dataclass(frozen=True, slots=True)
class CreateTable(Command):
    """`number` comes from the instance's sequence; its fields are later commands."""

    table_id: TableId
    base_id: BaseId
    number: int
    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateTable(Command):
    """`changes` by name: name, description."""

    table_id: TableId
    changes: Mapping[str, str | None]
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteTable(Command):
    table_id: TableId
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class RestoreTable(Command):
    table_id: TableId


@event("table.created")
class TableCreated(Event):
    table_id: str
    base_id: str
    number: int
    name: str
    description: str | None
    position: int

    def inverse(self) -> Inverse:
        return DeleteTable(TableId(self.table_id))


@event("table.updated")
class TableUpdated(Event):
    table_id: str
    changes: dict[str, Json]

    def inverse(self) -> Inverse:
        return UpdateTable(TableId(self.table_id), before_of(self.changes))


@event("table.deleted")
class TableDeleted(Event):
    """The table with its fields, constraints and records is hidden, not erased."""

    table_id: str
    base_id: str
    name: str

    def inverse(self) -> Inverse:
        return RestoreTable(TableId(self.table_id))


@event("table.restored")
class TableRestored(Event):
    table_id: str
    base_id: str
    name: str

    def inverse(self) -> Inverse:
        return DeleteTable(TableId(self.table_id))


def removal_of_table(
    table: Table, catalog: Catalog, already: Sequence[Event] = ()
) -> list[Event]:
    """The events by which a table goes, and first the link fields that other tables
    have to it, but for what `already` removes."""
    gone = {one.stream_id for one in already}
    events: list[Event] = []
    for field in table.fields:
        other = catalog.table_of_field.get(field.reverse_id or "")
        if other is None or other.id == table.id or other.deleted or other.id in gone:
            continue
        reverse = other.by_id.get(field.reverse_id or "")
        if reverse is not None and reverse.id not in gone:
            events.append(FieldDeleted(reverse.id, other.id, reverse.name))
    return [*events, TableDeleted(table.id, table.base_id, table.name)]


def _name_is_free(facts: Facts, base_id: str, name: str, but: str = "") -> None:
    for table in facts.catalog.tables_of(base_id):
        if table.id != but and table.name.casefold() == name.casefold():
            taken = NameTaken("A table of this name exists already", field="name")
            raise taken.because_of(table.id, "name")


@decides(CreateTable, role=Role.admin)
def _create(command: CreateTable, facts: Facts) -> Sequence[Event]:
    base = facts.catalog.live_base(command.base_id)
    if command.table_id in facts.catalog.tables:
        raise Conflict("The table exists already")
    _name_is_free(facts, base.id, command.name)
    positions = [
        table.position
        for table in facts.catalog.tables.values()
        if table.base_id == base.id
    ]
    return [
        TableCreated(
            command.table_id,
            base.id,
            command.number,
            command.name,
            command.description,
            max(positions, default=-1) + 1,
        )
    ]


@decides(UpdateTable, role=Role.admin)
def _update(command: UpdateTable, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.live_table(command.table_id)
    expect_version(table.version, command.if_match)
    now = {"name": table.name, "description": table.description}
    changes = differences(now, command.changes)
    name = command.changes.get("name")
    if "name" in changes and name is not None:
        _name_is_free(facts, table.base_id, name, table.id)
    return [TableUpdated(table.id, changes)] if changes else []


@decides(DeleteTable, role=Role.admin)
def _delete(command: DeleteTable, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.live_table(command.table_id)
    expect_version(table.version, command.if_match)
    return removal_of_table(table, facts.catalog)


@decides(RestoreTable, role=Role.admin)
def _restore(command: RestoreTable, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.tables.get(command.table_id)
    if table is None:
        raise NotFound("Table not found")
    if not table.deleted:
        return []
    facts.catalog.live_base(table.base_id)
    _name_is_free(facts, table.base_id, table.name, table.id)
    return [TableRestored(table.id, table.base_id, table.name)]


@grows(TableCreated)
def _grow_created(catalog: Catalog, recorded: Recorded, event: TableCreated) -> Catalog:
    table = Table(
        id=TableId(event.table_id),
        base_id=BaseId(event.base_id),
        number=event.number,
        name=event.name,
        description=event.description,
        position=event.position,
        created_by=recorded.actor.id,
        created_at=recorded.at,
        updated_at=recorded.at,
        schema_seq=recorded.seq,
    )
    return _with_table(catalog, recorded, table)


@grows(TableUpdated)
def _grow_updated(catalog: Catalog, recorded: Recorded, event: TableUpdated) -> Catalog:
    after = {name: change["to"] for name, change in event.changes.items()}  # type: ignore[call-overload, index]
    table = replace(catalog.tables[TableId(event.table_id)], **after)  # type: ignore[arg-type]
    return _with_table(catalog, recorded, replace(table, updated_at=recorded.at))


@grows(TableDeleted, TableRestored)
def _grow_gone(
    catalog: Catalog, recorded: Recorded, event: TableDeleted | TableRestored
) -> Catalog:
    table = catalog.tables[TableId(event.table_id)]
    deleted = isinstance(event, TableDeleted)
    return _with_table(catalog, recorded, replace(table, deleted=deleted))


def _with_table(catalog: Catalog, recorded: Recorded, table: Table) -> Catalog:
    changed = replace(table, version=recorded.version, schema_seq=recorded.seq)
    return replace(catalog.with_table(changed), seq=recorded.seq)
