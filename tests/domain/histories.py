"""Random histories of a small workspace, and taking them back.

Commands are drawn against the store as it is, so most of them are allowed; those that
are not are part of the test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from hypothesis import strategies as st

from domain.base import DeleteBase, UpdateBase
from domain.catalog import Field, Table
from domain.constraint import CreateConstraint, DeleteConstraint, UpdateConstraint
from domain.errors import DomainError
from domain.events import Command, Recorded
from domain.field import CreateField, DeleteField, UpdateField
from domain.field_order import ReorderFields
from domain.ids import (
    BaseId,
    ConstraintId,
    FieldId,
    RecordId,
    TableId,
    UserId,
    ViewId,
)
from domain.layout import LAYOUTS
from domain.record import Change, CreateRecords, DeleteRecords, UpdateRecords
from domain.retype import RetypeField
from domain.table import CreateTable, DeleteTable, UpdateTable
from domain.values import Value
from domain.view import CreateView, DeleteView, ReorderViews, UpdateView
from domain.workspace import (
    AddMember,
    DeleteWorkspace,
    RemoveMember,
    UpdateMember,
    UpdateWorkspace,
)
from tests.domain.library import BOOKS, GENRES, link, unique, view
from tests.scenario import WORKSPACE, Store, record

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]
Wish: TypeAlias = Callable[[Draw, "World"], Command]

SCHEMA = [
    *BOOKS,
    # a link of a table to itself, which holds one record at one end
    link(
        "sequel",
        "books",
        "Sequel",
        to="books",
        reverse="prequel",
        position=3,
        allow_multiple=False,
    ),
    link(
        "prequel",
        "books",
        "Prequel",
        to="books",
        reverse="sequel",
        position=4,
        is_reverse=True,
    ),
    unique("name", "authors", case_sensitive=False),
    unique("born", "authors"),
]
VIEWS = [
    view("all", "authors"),
    view("board", "authors", "kanban", position=1, group_field_id="genre"),
]

TEXTS = ["a", "A", "b", "ß", "SS", "é", "e\u0301"]
USERS = ["owner", "viewer", "eve", "flo"]
NUMBERS = ["1", "2", "-3", "0.5"]


@dataclass
class World:
    """A store, and how many ids were given."""

    store: Store = field(default_factory=lambda: Store([*SCHEMA, *VIEWS], users=USERS))
    given: int = 100

    def new(self, kind: str) -> str:
        self.given += 1
        return f"{kind}-{self.given}"

    def tables(self) -> list[Table]:
        return [one for one in self.store.catalog.tables.values() if not one.deleted]

    def fields(self) -> list[Field]:
        return [one for table in self.tables() for one in table.fields]

    def try_(self, *commands: Command) -> list[Recorded] | DomainError:
        try:
            return self.store.do(*commands)
        except DomainError as error:
            return error


T = TypeVar("T")


def pick(draw: Draw, items: Sequence[T]) -> T:
    """One of them, drawn by its place: what is printed on a failure stays short."""
    return items[draw(st.integers(0, len(items) - 1))]


def some(draw: Draw, items: Sequence[T], *, least: int = 0, most: int = 3) -> list[T]:
    """Some of them, in any order, none twice."""
    if not items:
        return []
    places = st.integers(0, len(items) - 1)
    chosen = draw(st.lists(places, unique=True, min_size=least, max_size=most))
    return [items[place] for place in chosen]


def value_of(draw: Draw, world: World, one: Field) -> Value:
    match one.type:
        case "text":
            return pick(draw, [None, *TEXTS])
        case "number":
            return pick(draw, [None, *NUMBERS])
        case "checkbox":
            return pick(draw, [None, True, False])
        case "single_select":
            return pick(draw, [None, *one.choice_names])
        case _:
            there = [
                row.id for row in world.store.rows(str(one.options["linked_table_id"]))
            ]
            most = 3 if one.option("allow_multiple", True) else 1
            return some(draw, there, most=most) or None


def values_of(draw: Draw, world: World, table: Table) -> dict[str, Value]:
    """What `read_values` could give of an update: a required field is not emptied."""
    writable = [one for one in table.fields if one.kind.writable]
    chosen = some(draw, writable)
    found = {one.id: value_of(draw, world, one) for one in chosen}
    return {
        name: value
        for name, value in found.items()
        if value is not None or not table.by_id[name].required
    }


def some_table(draw: Draw, world: World) -> Table | None:
    tables = world.tables()
    return pick(draw, tables) if tables else None


def some_rows(draw: Draw, world: World, table: Table) -> list[RecordId]:
    there = [row.id for row in world.store.rows(table.id)]
    return some(draw, there, least=1)


def create_records(draw: Draw, world: World) -> Command | None:
    table = some_table(draw, world)
    if table is None:
        return None
    new = []
    for _ in range(draw(st.integers(1, 3))):
        world.given += 1
        values = values_of(draw, world, table)
        for one in table.required:
            if one.id not in values:
                values[one.id] = value_of(draw, world, one)
        new.append((record(world.given, table=table.number), _filled(values)))
    if any(one.id not in values for one in table.required for _, values in new):
        return None
    return CreateRecords(table.id, table.schema_seq, new)


def _filled(values: dict[str, Value]) -> dict[str, Value]:
    """What `read_values` gives for a new record: empty values are left out."""
    return {name: value for name, value in values.items() if value is not None}


def update_records(draw: Draw, world: World) -> Command | None:
    table = some_table(draw, world)
    if table is None:
        return None
    changes = [
        Change(one, values_of(draw, world, table))
        for one in some_rows(draw, world, table)
    ]
    return UpdateRecords(table.id, table.schema_seq, changes) if changes else None


def delete_records(draw: Draw, world: World) -> Command | None:
    table = some_table(draw, world)
    ids = some_rows(draw, world, table) if table else []
    return DeleteRecords(table.id, ids) if table and ids else None


def create_field(draw: Draw, world: World) -> Command | None:
    table = some_table(draw, world)
    if table is None:
        return None
    kind = pick(draw, ["text", "number", "checkbox", "linked_record"])
    options: dict[str, Any] = {}
    if kind == "linked_record":
        other = pick(draw, world.tables())
        options = {"linked_table_id": other.id}
        if draw(st.booleans()):
            options["allow_multiple"] = False
    return CreateField(
        FieldId(world.new("field")),
        table.id,
        pick(draw, ["Extra", "More", "name"]),
        kind,
        options,
        reverse_id=FieldId(world.new("reverse")) if options else None,
    )


def update_field(draw: Draw, world: World) -> Command | None:
    fields = world.fields()
    if not fields:
        return None
    one = pick(draw, fields)
    changes: dict[str, Any] = {}
    if draw(st.booleans()):
        changes["name"] = pick(draw, ["Extra", "Other", one.name])
    if draw(st.booleans()):
        changes["required"] = draw(st.booleans())
    if one.type == "single_select":
        changes["options"] = {"choices": some(draw, GENRES)}
    return UpdateField(one.id, one.table_id, changes)


def retype_field(draw: Draw, world: World) -> Command | None:
    """Another type, often with a value that does not convert."""
    fields = world.fields()
    if not fields:
        return None
    one = pick(draw, fields)
    kind = pick(draw, ["text", "number", "checkbox", "single_select", "linked_record"])
    options: dict[str, Any] = {}
    choices = draw(st.booleans())
    if kind == "single_select":
        options = {"choices": some(draw, GENRES) if choices else []}
    if kind == "linked_record":
        options = {"linked_table_id": pick(draw, world.tables()).id}
    return RetypeField(
        one.id,
        one.table_id,
        kind,
        options,
        force=draw(st.integers(0, 3)) > 0,
        makes_choices=kind == "single_select" and one.type == "text" and not choices,
        reverse_id=FieldId(world.new("reverse")),
    )


def delete_field(draw: Draw, world: World) -> Command | None:
    fields = world.fields()
    return DeleteField(pick(draw, fields).id) if fields else None


def reorder_fields(draw: Draw, world: World) -> Command | None:
    table = some_table(draw, world)
    if table is None or not table.fields:
        return None
    return ReorderFields(table.id, [one.id for one in some(draw, table.fields)])


def create_table(draw: Draw, world: World) -> Command:
    name = pick(draw, ["Third", "Fourth", "authors"])
    world.given += 1
    number = 10 + world.given
    return CreateTable(TableId(f"table-{number}"), BaseId("base"), number, name)


def update_table(draw: Draw, world: World) -> Command | None:
    table = some_table(draw, world)
    if table is None:
        return None
    name = pick(draw, ["Third", "Fifth", "AUTHORS"])
    return UpdateTable(table.id, {"name": name, "description": name})


def delete_table(draw: Draw, world: World) -> Command | None:
    table = some_table(draw, world)
    return DeleteTable(table.id) if table else None


def change_base(draw: Draw, _world: World) -> Command:
    base = BaseId("base")
    if draw(st.integers(0, 3)):
        return UpdateBase(base, {"name": pick(draw, TEXTS)})
    return DeleteBase(base)


def create_constraint(draw: Draw, world: World) -> Command | None:
    fields = world.fields()
    if not fields:
        return None
    one = pick(draw, fields)
    new = ConstraintId(world.new("constraint"))
    return CreateConstraint(new, one.table_id, one.id, draw(st.booleans()))


def change_constraint(draw: Draw, world: World) -> Command | None:
    there = [one for table in world.tables() for one in table.constraints]
    if not there:
        return None
    one = pick(draw, there)
    if draw(st.booleans()):
        return DeleteConstraint(one.id)
    changes: dict[str, Any] = {
        "status": pick(draw, ["active", "disabled"]),
        "case_sensitive": draw(st.booleans()),
    }
    return UpdateConstraint(one.id, one.table_id, one.field_id, changes)


def create_view(draw: Draw, world: World) -> Command | None:
    table = some_table(draw, world)
    if table is None:
        return None
    new = ViewId(world.new("view"))
    return CreateView(
        new,
        table.id,
        pick(draw, TEXTS),
        pick(draw, [*LAYOUTS]),
        config_of(draw, table),
        schema_seq=table.schema_seq,
    )


def config_of(draw: Draw, table: Table) -> dict[str, Any]:
    key = pick(draw, ["group_field_id", "date_field_id", "frozen_columns", "fields"])
    if key == "frozen_columns":
        return draw(st.sampled_from([{}, {key: 1}]))
    ids = [one.id for one in some(draw, table.fields)]
    if key == "fields":
        return {key: ids}
    return {key: ids[0]} if ids else {}


def update_view(draw: Draw, world: World) -> Command | None:
    table = some_table(draw, world)
    if table is None or not table.views:
        return None
    changes: dict[str, Any] = {"name": pick(draw, TEXTS)}
    if draw(st.booleans()):
        changes["type"] = pick(draw, [*LAYOUTS])
    if draw(st.booleans()):
        changes["config"] = config_of(draw, table)
    one = pick(draw, table.views)
    return UpdateView(one.id, table.id, changes, schema_seq=table.schema_seq)


def move_view(draw: Draw, world: World) -> Command | None:
    table = some_table(draw, world)
    if table is None or not table.views:
        return None
    if draw(st.booleans()):
        return DeleteView(pick(draw, table.views).id)
    return ReorderViews(table.id, [one.id for one in some(draw, table.views)])


def change_workspace(draw: Draw, world: World) -> Command:
    who = UserId(pick(draw, USERS))
    match pick(draw, ["rename", "add", "remove", "rename", "role", "delete"]):
        case "rename":
            slug = pick(draw, ["library", "other", "v1"])
            return UpdateWorkspace(WORKSPACE, {"name": slug.title(), "slug": slug})
        case "add":
            return AddMember(world.new("member"), who, "editor")
        case "role":
            return UpdateMember(who, pick(draw, ["viewer", "admin", "owner"]))
        case "delete":
            return DeleteWorkspace(WORKSPACE)
        case _:
            return RemoveMember(who)


RECORDS = [
    create_records,
    create_records,
    update_records,
    update_records,
    update_records,
    delete_records,
]
STRUCTURE = [
    create_field,
    update_field,
    retype_field,
    retype_field,
    delete_field,
    reorder_fields,
    create_table,
    update_table,
    delete_table,
    change_base,
    create_constraint,
    change_constraint,
    change_workspace,
    create_view,
    update_view,
    move_view,
]


def populate(draw: Draw, world: World) -> None:
    """A few authors and books, with links, so that there is something to change."""
    for wish in (create_records, create_records, create_records, update_records):
        command = wish(draw, world)
        if command is not None:
            world.try_(command)


def some_command(
    draw: Draw, world: World, wishes: Sequence[Callable[..., Command | None]]
) -> Command | None:
    return pick(draw, wishes)(draw, world)


def taking_back(unit: Sequence[Recorded]) -> list[Command]:
    """The commands that undo a unit, last event first.

    Updates that follow each other are one command, as they were: two records that
    exchange a unique value cannot do so one after the other.
    """
    commands: list[Command] = []
    for one in reversed(unit):
        command = one.event.inverse()
        if command is None:
            continue
        before = commands[-1] if commands else None
        if (
            isinstance(command, UpdateRecords)
            and isinstance(before, UpdateRecords)
            and before.table_id == command.table_id
            and not _records_of(before) & _records_of(command)
        ):
            commands[-1] = replace(before, changes=[*before.changes, *command.changes])
        else:
            commands.append(command)
    return commands


def _records_of(command: UpdateRecords) -> set[RecordId]:
    return {change.record_id for change in command.changes}


def picture(store: Store, *, ordered: bool = True) -> dict[str, Any]:
    """Everything that undo restores: all but versions, times of change, last editors
    and counters; the order of links where it is asked for."""
    catalog = store.catalog
    seen: dict[str, Any] = {"workspace": _bare(catalog.workspace)}
    for member in catalog.members.values():
        seen[member.id] = (member.user_id, member.role, member.deleted)
    for base in catalog.bases.values():
        seen[base.id] = _bare(base)
    for table in catalog.tables.values():
        seen[table.id] = _bare(table) | {
            "all_fields": 0,
            "all_constraints": 0,
            "all_views": 0,
        }
        for column in table.all_fields.values():
            seen[column.id] = _bare(column)
        for constraint in table.all_constraints.values():
            seen[constraint.id] = _bare(constraint)
        for one in table.all_views.values():
            seen[one.id] = _bare(one)
    for hook in catalog.webhooks.values():
        seen[hook.id] = _bare(hook)
    for row in store.rows():
        values = {one: value for one, value in row.values.items() if value is not None}
        links = {name: [link.target for link in row.links[name]] for name in row.links}
        if not ordered:
            links = {name: sorted(found) for name, found in links.items()}
        seen[row.id] = (row.number, values, links, row.created_at, row.created_by)
    return seen


def _bare(thing: Any) -> dict[str, Any]:
    # a webhook's secrets are gone with it, and do not come back
    moves_on = {"version", "updated_at", "schema_seq", "renewed"}
    return {
        name: value
        for name, value in vars(thing).items()
        if name in thing.__dataclass_fields__ and name not in moves_on
    }


def differs(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """{id: (before, after)} of what is not as it was; what was made since and is
    deleted again counts as gone."""
    found = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old is None and _is_deleted(new):
            continue
        if old != new:
            found[name] = (old, new)
    return found


def _is_deleted(thing: Any) -> bool:
    if isinstance(thing, dict):
        return bool(thing["deleted"])
    return thing[-1] is True
