"""A wish for every command: what somebody may ask of a small workspace as it is now.

Drawn against what is there, so most wishes are allowed; those that are not are part of
the test.  A command that no wish is for stands in `BESIDE`, with the reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from hypothesis import strategies as st

from commands.schema import NewField
from commands.schema import create_field as creating_field
from commands.system import new_id
from domain.base import (
    CreateBase,
    DeleteBase,
    MakeContentBase,
    RestoreBase,
    UpdateBase,
)
from domain.catalog import Base, Catalog, Field, Table
from domain.constraint import (
    CreateConstraint,
    DeleteConstraint,
    RestoreConstraint,
    SettleConstraint,
    UpdateConstraint,
)
from domain.conversions import find
from domain.copy import CopyBase, CopyLinks, CopyRecords
from domain.events import Command, Recorded
from domain.facts import Row
from domain.field import (
    CreateField,
    DeleteField,
    DropOther,
    KeepOther,
    RestoreField,
    UpdateField,
)
from domain.field_order import ReorderFields
from domain.file import UploadFile
from domain.foreign import AppendForeign
from domain.history import ExpectUnchanged, TellUndone
from domain.ids import (
    BaseId,
    ConstraintId,
    FieldId,
    RecordId,
    TableId,
    UserId,
    ViewId,
    WebhookId,
    record_id,
)
from domain.key import CreateKey, DeleteKey
from domain.layout import LAYOUTS
from domain.record import (
    Change,
    CreateRecords,
    DeleteRecords,
    RecordDeleted,
    RestoreRecord,
    RestoreRecords,
    UpdateRecords,
)
from domain.retype import RetypeField
from domain.table import CreateTable, DeleteTable, RestoreTable, UpdateTable
from domain.token import CreateToken, RevokeToken
from domain.user import (
    ChangePassword,
    ChangeProfile,
    GrantAdministration,
    RegisterUser,
)
from domain.values import BadValue, Value, read_options
from domain.view import (
    CreateView,
    DeleteView,
    ExpectView,
    ReorderViews,
    RestoreView,
    UpdateView,
)
from domain.webhook import (
    INCOMING,
    OF_CONTENT,
    OF_TABLES,
    OUTGOING,
    CreateWebhook,
    DeleteWebhook,
    ExpectWebhook,
    RenewWebhook,
    ReplayWebhook,
    RestoreWebhook,
    Target,
    UpdateWebhook,
)
from domain.workspace import (
    STATUSES,
    AddMember,
    CreateWorkspace,
    DeleteWorkspace,
    LeaveWorkspace,
    RemoveMember,
    RestoreWorkspace,
    UpdateMember,
    UpdateWorkspace,
)
from tests.commands.observed import Observed
from tests.domain.histories import Draw, pick, some

Values: TypeAlias = dict[str, Value]

NAMES = ["Ada", "ada", "Bob", "Cat", "Dan", "Eve", "Straße", "STRASSE", "Zoë", "7"]
CHOICES = {"choices": [{"id": "one", "name": "One"}, {"id": "two", "name": "Two"}]}
# what clients write in a field of each type; a link and a user are what is there
RAW: Mapping[str, Sequence[Any]] = {
    "text": [*NAMES, "7.5"],
    "long_text": ["one\ntwo", "7"],
    "url": ["https://example.org/a", "https://example.org/b"],
    "email": ["ada@example.org", "Ada@Example.org"],
    "phone": ["+49 30 1", "12345"],
    "barcode": ["4006381333931", "7"],
    "number": [1, -2, 0.5, 7],
    "currency": [1, 19.12],
    "percent": [10, 50],
    "rating": [1, 5],
    "duration": ["1:30:00", 7],
    "checkbox": [True, False],
    "date": ["2024-01-31", "2024-02-29"],
    "datetime": ["2024-01-31T10:00:00Z"],
    "single_select": ["One", "Two"],
    "multi_select": [["One"], ["Two", "One"]],
    "dimension": [1, {"value": 1, "unit": "in", "plus": 0.01}],
    "gdt": [{"symbol": "position", "tolerance": 0.1, "datums": ["A"]}],
    "thread": ["M8x1.25"],
    "material": [{"name": "Steel", "grade": "1.4301"}, "Oak"],
    "attachment": [[{"url": "https://example.org/a.pdf", "name": "Zoë.pdf"}]],
    "json": [{"a": [1, 2.5]}, "7", {"b": None}],
}
# a field of every type that needs nothing else; links, and what is computed of them,
# are made with the tables
KINDS: Mapping[str, Mapping[str, Any]] = {
    **{name: {} for name in RAW},
    "single_select": CHOICES,
    "multi_select": CHOICES,
    "user": {},
    "autonumber": {},
}
RETYPED = [
    "text",
    "linked_record",
    "number",
    "single_select",
    "multi_select",
    "checkbox",
    "date",
    "json",
]


@dataclass
class World:
    """A workspace as it is now, and what is left of its past."""

    now: Observed
    users: Sequence[str]
    number: Callable[[], int]  # the next table's
    past: list[Recorded]
    counter: Iterator[int]

    @property
    def catalog(self) -> Catalog:
        return self.now.catalog

    def fields(self) -> list[Field]:
        return [one for table in self.now.tables() for one in table.fields]

    def bases(self, *, deleted: bool = False) -> list[Base]:
        found = [one for one in self.catalog.bases.values() if one.deleted == deleted]
        return sorted(found, key=lambda one: one.created_at)


Wish: TypeAlias = Callable[[Draw, World], Command | None]


def _one(draw: Draw, items: Sequence[Any]) -> Any:
    return pick(draw, items) if items else None


# --------------------------------------------------------------------- records


def _value(draw: Draw, world: World, one: Field) -> Value:
    if draw(st.integers(0, 4)) == 0:
        return None
    if one.type == "linked_record":
        there = [row.id for row in world.now.of(str(one.options["linked_table_id"]))]
        most = 3 if one.option("allow_multiple", True) else 1
        return some(draw, there, most=most) or None
    raw: Any = _one(draw, RAW.get(one.type, []))
    if one.type == "user":
        several = one.option("allow_multiple", False)
        raw = [*some(draw, world.users)] if several else pick(draw, world.users)
    try:
        return one.kind.read(raw, one)
    except BadValue:
        return None


def _values(draw: Draw, world: World, table: Table, *, new: bool) -> Values:
    writable = [one for one in table.fields if one.kind.writable]
    # names are what is unique, and links what is hard to put back
    links = [one for one in writable if one.type == "linked_record"]
    chosen = some(draw, writable) + some(draw, links, most=2)
    if table.primary in writable and draw(st.booleans()):
        chosen.append(table.primary)
    if new:
        chosen += [one for one in table.required if one not in chosen]
    found = {one.id: _value(draw, world, one) for one in chosen}
    return {
        name: value
        for name, value in found.items()
        if value is not None or not (new or table.by_id[name].required)
    }


def create_records(draw: Draw, world: World) -> Command | None:
    table = _one(draw, world.now.tables())
    if table is None:
        return None
    new: list[tuple[RecordId, Values]] = [
        (_new_record(world, table, nth), _values(draw, world, table, new=True))
        for nth in range(draw(st.integers(1, 3)))
    ]
    if any(one.id not in values for one in table.required for _, values in new):
        return None
    return CreateRecords(table.id, _known(draw, table), new)


def _known(draw: Draw, table: Table) -> int | None:
    """What values are read against; None: a unit that may change it before."""
    return table.schema_seq if draw(st.booleans()) else None


def _new_record(world: World, table: Table, nth: int) -> RecordId:
    counter = 4 * next(world.counter) + nth
    return record_id(1_700_000_000_000, table.number, counter)


def update_records(draw: Draw, world: World) -> Command | None:
    table = _one(draw, world.now.tables())
    rows = world.now.of(table.id) if table else []
    changes = [
        _change(draw, table, row.id, _values(draw, world, table, new=False))
        for row in some(draw, rows, least=1)
    ]
    known = _known(draw, table) if table else None
    return UpdateRecords(table.id, known, changes) if changes else None


def _change(draw: Draw, table: Table, record_id: RecordId, values: Values) -> Change:
    """Now and then what goes into an object is merged with what is there."""
    objects = [
        name
        for name, value in values.items()
        if table.by_id[name].type == "json" and str(value).startswith("{")
    ]
    return Change(record_id, values, merged=frozenset(some(draw, objects)))


def delete_records(draw: Draw, world: World) -> Command | None:
    table = _one(draw, world.now.tables())
    rows: list[Row] = world.now.of(table.id) if table else []
    ids = [row.id for row in some(draw, rows, least=1)]
    return DeleteRecords(table.id, ids) if ids else None


def restore_record(draw: Draw, world: World) -> Command | None:
    gone = [one.event for one in world.past if isinstance(one.event, RecordDeleted)]
    event = _one(draw, gone)
    return event.inverse() if event is not None else None


def restore_records(draw: Draw, world: World) -> Command | None:
    first = restore_record(draw, world)
    if not isinstance(first, RestoreRecord):
        return None
    found = {first.record_id: first}
    for _ in range(draw(st.integers(0, 2))):
        one = restore_record(draw, world)
        if isinstance(one, RestoreRecord) and one.table_id == first.table_id:
            found.setdefault(one.record_id, one)
    return RestoreRecords(first.table_id, list(found.values()))


# ---------------------------------------------------------------------- fields


def create_field(draw: Draw, world: World) -> Command | None:
    table = _one(draw, world.now.tables())
    if table is None:
        return None
    kind = pick(draw, [*KINDS, "linked_record", "linked_record", "formula"])
    options: Mapping[str, Any] = KINDS.get(kind, {})
    if kind == "linked_record":
        other = pick(draw, world.now.tables())
        options = {"linked_table_id": other.id, "allow_multiple": draw(st.booleans())}
    elif kind == "formula":
        options = {"formula": "{Name}"}
    wanted = NewField(pick(draw, ["Extra", "More", "name"]), kind, options)
    chosen = pick(draw, [None, None, "extra", "chosen"])
    return replace(creating_field(table.id, wanted), api_name=chosen)


def update_field(draw: Draw, world: World) -> Command | None:
    one = _one(draw, world.fields())
    if one is None:
        return None
    changes: dict[str, Any] = {}
    if draw(st.booleans()):
        changes["name"] = pick(draw, ["Extra", "Other", one.name])
    if draw(st.booleans()):
        changes["required"] = draw(st.booleans())
    if draw(st.booleans()):
        changes["description"] = pick(draw, [None, *NAMES])
    if draw(st.integers(0, 3)) == 0:
        changes["api_name"] = pick(draw, ["extra", "chosen", one.api_name])
    if one.choices:
        changes["options"] = {"choices": some(draw, CHOICES["choices"])}
    elif one.type == "linked_record" and draw(st.booleans()):
        changes["options"] = {**one.options, "allow_multiple": draw(st.booleans())}
    return UpdateField(one.id, one.table_id, changes)


def delete_field(draw: Draw, world: World) -> Command | None:
    one = _one(draw, world.fields())
    return DeleteField(one.id) if one else None


def keep_other(draw: Draw, world: World) -> Command | None:
    table = _one(draw, world.now.tables())
    return KeepOther(table.id, FieldId(new_id())) if table else None


def drop_other(draw: Draw, world: World) -> Command | None:
    one = _one(draw, [one for one in world.fields() if one.options.get("other")])
    return DropOther(one.table_id, one.id) if one else None


def restore_field(draw: Draw, world: World) -> Command | None:
    gone = [
        one
        for table in world.now.tables()
        for one in table.all_fields.values()
        if one.deleted
    ]
    one = _one(draw, gone)
    return RestoreField(one.id) if one else None


def reorder_fields(draw: Draw, world: World) -> Command | None:
    table = _one(draw, world.now.tables())
    if table is None:
        return None
    return ReorderFields(table.id, [one.id for one in some(draw, table.fields)])


def retype_field(draw: Draw, world: World) -> Command | None:
    """Another type, often with a value that does not convert."""
    one = _one(draw, [one for one in world.fields() if one.type in RETYPED])
    if one is None:
        return None
    kinds = [kind for kind in RETYPED if find(one.type, kind) is not None]
    kind = pick(draw, kinds)
    options: Mapping[str, Any] = KINDS.get(kind, {})
    makes = "select" in kind and one.type in ("text", "long_text")
    if makes:
        options = {"choices": []}
    if kind == "linked_record":
        options = {"linked_table_id": pick(draw, world.now.tables()).id}
    return RetypeField(
        one.id,
        one.table_id,
        kind,
        read_options(kind, options),
        force=draw(st.integers(0, 3)) > 0,
        makes_choices=makes,
        reverse_id=FieldId(new_id()),
    )


# -------------------------------------------------------------- tables and bases


def create_table(draw: Draw, world: World) -> Command | None:
    base = _one(draw, world.bases())
    if base is None:
        return None
    name = pick(draw, ["Third", "Fourth", "authors"])
    slug = pick(draw, [None, None, "third", "chosen-one"])
    new = TableId(new_id())
    public = draw(st.booleans())
    place = pick(draw, [base.id, base.id, None])
    return CreateTable(new, place, world.number(), name, None, slug, public)


def update_table(draw: Draw, world: World) -> Command | None:
    table = _one(draw, world.now.tables())
    if table is None:
        return None
    name = pick(draw, ["Third", "Fifth", "AUTHORS"])
    changes: dict[str, Any] = {"name": name, "description": name}
    if draw(st.booleans()):
        changes["slug"] = pick(draw, ["authors", "chosen-one", table.slug])
    if draw(st.booleans()):
        changes["public"] = draw(st.booleans())
    return UpdateTable(table.id, changes)


def delete_table(draw: Draw, world: World) -> Command | None:
    table = _one(draw, world.now.tables())
    return DeleteTable(table.id) if table else None


def restore_table(draw: Draw, world: World) -> Command | None:
    gone = [
        table
        for table in world.catalog.tables.values()
        if table.deleted and not world.catalog.bases[table.base_id].deleted
    ]
    table = _one(draw, gone)
    return RestoreTable(table.id) if table else None


def create_base(draw: Draw, _world: World) -> Command:
    return CreateBase(BaseId(new_id()), pick(draw, NAMES), None, "📚")


def make_content_base(_draw: Draw, _world: World) -> Command:
    return MakeContentBase(BaseId(new_id()))


def update_base(draw: Draw, world: World) -> Command | None:
    base = _one(draw, world.bases())
    changes = {"name": pick(draw, NAMES), "icon": pick(draw, [None, "📚"])}
    return UpdateBase(base.id, changes) if base else None


def delete_base(draw: Draw, world: World) -> Command | None:
    base = _one(draw, world.bases())
    return DeleteBase(base.id) if base else None


def restore_base(draw: Draw, world: World) -> Command | None:
    base = _one(draw, world.bases(deleted=True))
    return RestoreBase(base.id) if base else None


def copy_base(draw: Draw, world: World) -> Command | None:
    base = _one(draw, world.bases())
    if base is None:
        return None
    tables = world.catalog.tables_of(base.id)
    parts: list[str] = []
    for table in tables:
        parts.append(table.id)
        parts += [one.id for one in table.fields]
        parts += [one.id for one in table.views]
        parts += [one.id for one in table.constraints]
    return CopyBase(
        BaseId(new_id()),
        base.name,
        base.description,
        base.icon,
        tables,
        {one: new_id() for one in parts},
        {table.id: world.number() for table in tables},
    )


# ------------------------------------------------------------------- constraints


def create_constraint(draw: Draw, world: World) -> Command | None:
    one = _one(draw, [one for one in world.fields() if one.column])
    if one is None:
        return None
    new = ConstraintId(new_id())
    return CreateConstraint(new, one.table_id, one.id, draw(st.booleans()))


def _constraint(draw: Draw, world: World, *, deleted: bool = False) -> Any:
    there = [
        one
        for table in world.now.tables()
        for one in table.all_constraints.values()
        if one.deleted == deleted
    ]
    return _one(draw, there)


def update_constraint(draw: Draw, world: World) -> Command | None:
    one = _constraint(draw, world)
    if one is None:
        return None
    changes: dict[str, Any] = {"status": pick(draw, ["active", "disabled"])}
    if draw(st.booleans()):
        changes["case_sensitive"] = draw(st.booleans())
    if draw(st.booleans()):
        changes["error_message"] = pick(draw, [None, "{value} is there"])
    return UpdateConstraint(one.id, one.table_id, one.field_id, changes)


def delete_constraint(draw: Draw, world: World) -> Command | None:
    one = _constraint(draw, world)
    return DeleteConstraint(one.id) if one else None


def restore_constraint(draw: Draw, world: World) -> Command | None:
    one = _constraint(draw, world, deleted=True)
    return RestoreConstraint(one.id, one.table_id, one.field_id) if one else None


# ------------------------------------------------------------------------- views


def create_view(draw: Draw, world: World) -> Command | None:
    table = _one(draw, world.now.tables())
    if table is None:
        return None
    return CreateView(
        ViewId(new_id()),
        table.id,
        pick(draw, NAMES),
        pick(draw, [*LAYOUTS]),
        {},
        [],
        [{"field": one.id, "direction": "asc"} for one in some(draw, table.fields)],
        schema_seq=table.schema_seq if draw(st.booleans()) else None,
    )


def _view(draw: Draw, world: World, *, deleted: bool = False) -> Any:
    there = [
        one
        for table in world.now.tables()
        for one in table.all_views.values()
        if one.deleted == deleted
    ]
    return _one(draw, there)


def update_view(draw: Draw, world: World) -> Command | None:
    one = _view(draw, world)
    if one is None:
        return None
    changes: dict[str, Any] = {"name": pick(draw, NAMES)}
    if draw(st.booleans()):
        changes |= {"type": pick(draw, [*LAYOUTS]), "config": {}}
    if draw(st.booleans()):
        changes["sorts"] = []
    return UpdateView(one.id, one.table_id, changes)


def delete_view(draw: Draw, world: World) -> Command | None:
    one = _view(draw, world)
    return DeleteView(one.id) if one else None


def restore_view(draw: Draw, world: World) -> Command | None:
    one = _view(draw, world, deleted=True)
    return RestoreView(one.id, one.table_id) if one else None


def reorder_views(draw: Draw, world: World) -> Command | None:
    table = _one(draw, [one for one in world.now.tables() if one.views])
    if table is None:
        return None
    return ReorderViews(table.id, [one.id for one in some(draw, table.views)])


def expect_view(draw: Draw, world: World) -> Command | None:
    """A form: what follows in the unit was read by this version of the view."""
    one = _view(draw, world)
    return ExpectView(one.id, one.version) if one else None


# ---------------------------------------------------------------------- webhooks


def create_webhook(draw: Draw, world: World) -> Command | None:
    table = _one(draw, world.now.tables())
    new, name = WebhookId(new_id()), pick(draw, NAMES)
    if table is None:
        return None
    if draw(st.booleans()):
        return CreateWebhook(
            new,
            table.id,
            name,
            INCOMING,
            mappings=_mapped(draw, table),
            schema_seq=_known(draw, table),
        )
    place, events = (table.id, OF_TABLES)
    if draw(st.booleans()):
        place, events = (None, pick(draw, [OF_TABLES, OF_CONTENT]))
    chosen = some(draw, events, least=1)
    return CreateWebhook(new, place, name, OUTGOING, chosen, target=_target(draw))


def _mapped(draw: Draw, table: Table) -> dict[str, str]:
    writable = [one for one in table.fields if one.kind.writable]
    return {f"their {one.name}": one.id for one in some(draw, writable)}


def _target(draw: Draw) -> Target:
    origin = pick(draw, ["https://example.org", "http://example.net:8080"])
    return Target(new_id(), origin)


def _webhook(draw: Draw, world: World) -> Any:
    return _one(draw, world.catalog.live_webhooks)


def expect_webhook(draw: Draw, world: World) -> Command | None:
    """A message: what follows in the unit was read by this version of the webhook."""
    one = _webhook(draw, world)
    return ExpectWebhook(one.id, one.version) if one else None


def update_webhook(draw: Draw, world: World) -> Command | None:
    one = _webhook(draw, world)
    if one is None:
        return None
    changes: dict[str, Any] = {"name": pick(draw, NAMES)}
    if draw(st.booleans()):
        changes["paused"] = draw(st.booleans())
    if draw(st.booleans()):
        changes["enabled"] = draw(st.booleans())
        changes["reason"] = pick(draw, [None, "The receiver is gone"])
    if one.kind == OUTGOING and draw(st.booleans()):
        changes["target"] = _target(draw).json()
    if one.kind == INCOMING and draw(st.booleans()):
        table = world.catalog.tables[one.table_id]
        changes["mappings"] = _mapped(draw, table)
    return UpdateWebhook(one.id, changes)


def delete_webhook(draw: Draw, world: World) -> Command | None:
    one = _webhook(draw, world)
    return DeleteWebhook(one.id) if one else None


def restore_webhook(draw: Draw, world: World) -> Command | None:
    gone = [one for one in world.catalog.webhooks.values() if one.deleted]
    one = _one(draw, sorted(gone, key=lambda one: (one.created_at, one.id)))
    return RestoreWebhook(one.id) if one else None


# --------------------------------------------------------- workspace and members


def update_workspace(draw: Draw, world: World) -> Command:
    workspace = world.catalog.id
    changes: dict[str, str | None] = {"name": pick(draw, NAMES)}
    if draw(st.booleans()):
        changes["slug"] = f"{pick(draw, ['a', 'b'])}-{workspace}"
    if draw(st.booleans()):
        changes["description"] = pick(draw, [None, *NAMES])
    if draw(st.booleans()):
        changes["status"] = pick(draw, STATUSES)
    return UpdateWorkspace(workspace, changes)


def delete_workspace(_draw: Draw, world: World) -> Command:
    return DeleteWorkspace(world.catalog.id)


def restore_workspace(_draw: Draw, world: World) -> Command:
    return RestoreWorkspace(world.catalog.id)


def add_member(draw: Draw, world: World) -> Command:
    role = pick(draw, ["viewer", "editor", "admin", "owner"])
    return AddMember(new_id(), UserId(pick(draw, world.users)), role)


def update_member(draw: Draw, world: World) -> Command:
    role = pick(draw, ["viewer", "editor", "admin", "owner"])
    return UpdateMember(UserId(pick(draw, world.users)), role)


def remove_member(draw: Draw, world: World) -> Command:
    return RemoveMember(UserId(pick(draw, world.users)))


def leave_workspace(_draw: Draw, _world: World) -> Command:
    return LeaveWorkspace()


WISHES: Mapping[type[Command], Wish] = {
    CreateRecords: create_records,
    UpdateRecords: update_records,
    DeleteRecords: delete_records,
    RestoreRecord: restore_record,
    RestoreRecords: restore_records,
    CreateField: create_field,
    UpdateField: update_field,
    DeleteField: delete_field,
    RestoreField: restore_field,
    ReorderFields: reorder_fields,
    RetypeField: retype_field,
    KeepOther: keep_other,
    DropOther: drop_other,
    CreateTable: create_table,
    UpdateTable: update_table,
    DeleteTable: delete_table,
    RestoreTable: restore_table,
    CreateBase: create_base,
    MakeContentBase: make_content_base,
    UpdateBase: update_base,
    DeleteBase: delete_base,
    RestoreBase: restore_base,
    CopyBase: copy_base,
    CreateConstraint: create_constraint,
    UpdateConstraint: update_constraint,
    DeleteConstraint: delete_constraint,
    RestoreConstraint: restore_constraint,
    CreateView: create_view,
    UpdateView: update_view,
    DeleteView: delete_view,
    RestoreView: restore_view,
    ReorderViews: reorder_views,
    ExpectView: expect_view,
    CreateWebhook: create_webhook,
    UpdateWebhook: update_webhook,
    DeleteWebhook: delete_webhook,
    RestoreWebhook: restore_webhook,
    ExpectWebhook: expect_webhook,
    UpdateWorkspace: update_workspace,
    DeleteWorkspace: delete_workspace,
    RestoreWorkspace: restore_workspace,
    AddMember: add_member,
    UpdateMember: update_member,
    RemoveMember: remove_member,
    LeaveWorkspace: leave_workspace,
}

# commands that no law of undo is about, and why
BESIDE: Mapping[type[Command], str] = {
    CreateWorkspace: "a workspace is deleted by its owner, not undone",
    TellUndone: "tells of an undo, and is undone with it",
    ExpectUnchanged: "changes nothing",
    AppendForeign: "only the program that wrote it knows what would take it back",
    SettleConstraint: "follows from what made the constraint pending",
    CopyRecords: "into a base that nobody sees; undo takes back what shows the copy",
    CopyLinks: "into a base that nobody sees; undo takes back what shows the copy",
    UploadFile: "nobody sees a file until a record names it, and that can be undone",
    CreateKey: "its secret was shown",
    DeleteKey: "a key that is dead stays so",
    CreateToken: "its secret was shown",
    RevokeToken: "a token that is dead stays so",
    RenewWebhook: "its new secret was shown, and what it had before is gone",
    ReplayWebhook: "what was sent again was sent",
    RegisterUser: "a sign-up is irreversible",
    ChangeProfile: "names no values: they are personal",
    GrantAdministration: "rights over the instance are given and taken by hand",
    ChangePassword: "nobody has the old one",
}
