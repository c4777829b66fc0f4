"""Tables: commands, events, and what goes with a table when it goes.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.access import Role
from domain.catalog import Base, Catalog, Table
from domain.decider import decides, grows
from domain.errors import Conflict, Json, NameTaken, NotFound
from domain.events import (
    UPCASTERS,
    Command,
    Event,
    Inverse,
    Recorded,
    event,
)
from domain.facts import Facts
from domain.field import FieldDeleted
from domain.ids import BaseId, TableId
from domain.naming import RESERVED_TYPES, url_name
from domain.workspace import before_of, differences, expect_version


@dataclass(frozen=True, slots=True)
class CreateTable(Command):
    """`number` comes from the instance's sequence; its fields are later commands.
    `base_id` None: the workspace's base of content.  `slug`: as chosen."""

    table_id: TableId
    base_id: BaseId | None
    number: int
    name: str
    description: str | None = None
    slug: str | None = None
    public: bool = False


@dataclass(frozen=True, slots=True)
class UpdateTable(Command):
    """`changes` by name: name, description, slug, public.  `back`, of an inverse: the
    slug is the one it had, which tables of other bases may have too."""

    table_id: TableId
    changes: Mapping[str, Any]
    if_match: int | None = None
    back: bool = False


@dataclass(frozen=True, slots=True)
class DeleteTable(Command):
    table_id: TableId
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class RestoreTable(Command):
    table_id: TableId


@event("table.created", schema=3)
class TableCreated(Event):
    """`slug` None, as in schema 1: by url-name-1.  Before schema 3 none is public."""

    table_id: str
    base_id: str
    number: int
    name: str
    description: str | None
    position: int
    slug: str | None = None
    public: bool = False

    def inverse(self) -> Inverse:
        return DeleteTable(TableId(self.table_id))


UPCASTERS["table.created", 1] = lambda payload: {**payload, "slug": None}
UPCASTERS["table.created", 2] = lambda payload: {**payload, "public": False}


@event("table.updated")
class TableUpdated(Event):
    table_id: str
    changes: dict[str, Json]

    def inverse(self) -> Inverse:
        before = before_of(self.changes)
        return UpdateTable(TableId(self.table_id), before, back=True)


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


def _slug_is_free(facts: Facts, slug: str, wanted: "_Address") -> None:
    """A slug is a live table's in its base, and a public one's in its workspace."""
    if wanted.public and slug in RESERVED_TYPES:
        raise NameTaken("The slug is a word of public paths", field="slug")
    for table in facts.catalog.tables.values():
        if table.slug != slug or table.deleted or table.id == wanted.table_id:
            continue
        field = None
        if wanted.chosen or table.base_id == wanted.base_id:
            field = "slug"
        elif wanted.public and table.public:
            field = "public"
        if field is not None:
            taken = NameTaken("The slug is already in use", field="slug")
            raise taken.because_of(table.id, field)


@dataclass(frozen=True, slots=True)
class _Address:
    """Whose a slug is to be.  `chosen`: so that no other table of the workspace has
    it, wherever it is."""

    table_id: str
    base_id: str
    public: bool
    chosen: bool = False


@decides(CreateTable, role=Role.admin)
def _create(command: CreateTable, facts: Facts) -> Sequence[Event]:
    base = _base_of(command, facts.catalog)
    if command.table_id in facts.catalog.tables:
        raise Conflict("The table exists already")
    _name_is_free(facts, base.id, command.name)
    if command.slug is not None:
        wanted = _Address(command.table_id, base.id, command.public, chosen=True)
        _slug_is_free(facts, command.slug, wanted)
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
            command.slug
            or slug_of(command.name, base.id, facts.catalog, public=command.public),
            command.public,
        )
    ]


def _base_of(command: CreateTable, catalog: Catalog) -> Base:
    if command.base_id is not None:
        return catalog.live_base(command.base_id)
    if catalog.content_base is None:
        raise NotFound("Base not found")
    return catalog.content_base


def slug_of(name: str, base_id: str, catalog: Catalog, *, public: bool = False) -> str:
    """What a new table is called in URLs."""
    beside = [
        one.slug for one in catalog.tables.values() if public or one.base_id == base_id
    ]
    taken = {*beside, *(RESERVED_TYPES if public else ())}
    return url_name("t", name, taken, len(beside), "-" if public else "_")


@decides(UpdateTable, role=Role.admin)
def _update(command: UpdateTable, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.live_table(command.table_id)
    expect_version(table.version, command.if_match)
    now: dict[str, Json] = {
        "name": table.name,
        "description": table.description,
        "slug": table.slug,
        "public": table.public,
    }
    changes = differences(now, command.changes)
    if "name" in changes:
        _name_is_free(facts, table.base_id, command.changes["name"], table.id)
    if "slug" in changes or "public" in changes:
        after = {**now, **command.changes}
        chosen = "slug" in changes and not command.back
        wanted = _Address(table.id, table.base_id, after["public"], chosen)
        _slug_is_free(facts, after["slug"], wanted)
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
    wanted = _Address(table.id, table.base_id, table.public)
    _slug_is_free(facts, table.slug, wanted)
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
        slug=event.slug or slug_of(event.name, event.base_id, catalog),
        public=event.public,
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
