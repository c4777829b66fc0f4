"""Views of a table: commands, events, and the one that stands in where there is none.

Pure.  A view changes nothing in its table and lives as long as it: deleted with the
table, brought back with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.access import Role
from domain.catalog import Catalog, Table, View
from domain.decider import decides, grows
from domain.errors import Conflict, Invalid, Json, NotFound, StaleSchema
from domain.events import Command, Event, Inverse, Recorded, event
from domain.facts import Facts
from domain.ids import TableId, ViewId
from domain.layout import LAYOUTS, read_config
from domain.workspace import differences, expect_schema, expect_version

MAX_VIEWS = 1_000  # live ones of a table


@dataclass(frozen=True, slots=True)
class CreateView(Command):
    """`filters` and `sorts` are checked against the schema at `schema_seq`; None takes
    everything as it is, the configuration too: a copy, or what was there before."""

    view_id: ViewId
    table_id: TableId
    name: str
    type: str
    config: Mapping[str, Any]
    filters: Sequence[Json] = ()
    sorts: Sequence[Json] = ()
    schema_seq: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateView(Command):
    """`changes` by name: name, type, config, filters, sorts (each whole), position.

    A new type starts with an empty configuration, unless it comes with one.
    `schema_seq` as in CreateView.
    """

    view_id: ViewId
    table_id: TableId
    changes: Mapping[str, Any]
    if_match: int | None = None
    schema_seq: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteView(Command):
    view_id: ViewId
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class RestoreView(Command):
    view_id: ViewId
    table_id: TableId


@dataclass(frozen=True, slots=True)
class ReorderViews(Command):
    """Those named come first, the rest follow as they were."""

    table_id: TableId
    view_ids: Sequence[ViewId]


@dataclass(frozen=True, slots=True)
class ExpectView(Command):
    """What follows in the unit was read by this version of a view: changes nothing,
    and is refused as stale where the view is another by now."""

    view_id: ViewId
    version: int


@event("view.created")
class ViewCreated(Event):
    view_id: str
    table_id: str
    name: str
    type: str
    config: dict[str, Json]
    filters: list[Json]
    sorts: list[Json]
    position: int

    def inverse(self) -> Inverse:
        return DeleteView(ViewId(self.view_id))


@event("view.updated")
class ViewUpdated(Event):
    view_id: str
    table_id: str
    changes: dict[str, Json]  # name -> {"from", "to"}

    def inverse(self) -> Inverse:
        before: dict[str, Any] = {
            name: change["from"]
            for name, change in self.changes.items()
            if isinstance(change, dict)
        }
        return UpdateView(ViewId(self.view_id), TableId(self.table_id), before)


@event("view.deleted")
class ViewDeleted(Event):
    view_id: str
    table_id: str
    name: str

    def inverse(self) -> Inverse:
        return RestoreView(ViewId(self.view_id), TableId(self.table_id))


@event("view.restored")
class ViewRestored(Event):
    view_id: str
    table_id: str
    name: str

    def inverse(self) -> Inverse:
        return DeleteView(ViewId(self.view_id))


def default_view(table: Table) -> View:
    """The first view of a table.  A table without any has a grid of everything, kept
    nowhere, whose id is the table's own."""
    if table.views:
        return table.views[0]
    return View(
        id=ViewId(table.id),
        table_id=table.id,
        name="Grid view",
        type="grid",
        config={},
        filters=[],
        sorts=[],
        position=0,
        created_by=table.created_by,
        created_at=table.created_at,
        updated_at=table.created_at,
    )


def readable_view(catalog: Catalog, view_id: str) -> View:
    """A live view, or the one that stands in for a table's.  Raises NotFound."""
    table = catalog.tables.get(TableId(view_id))
    if table is not None and not table.deleted and not table.views:
        return default_view(table)
    return catalog.live_view(view_id)


def _room_for_one(table: Table) -> None:
    if len(table.views) >= MAX_VIEWS:
        raise Invalid(f"A table has at most {MAX_VIEWS} views")


def _known_type(name: str) -> None:
    if name not in LAYOUTS:
        raise Invalid(f"A view's type is one of {', '.join(LAYOUTS)}")


@decides(CreateView, role=Role.editor)
def _create(command: CreateView, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.live_table(command.table_id)
    if command.view_id in table.all_views:
        raise Conflict("The view exists already")
    expect_schema(table, command.schema_seq)
    _room_for_one(table)
    _known_type(command.type)
    config = dict(command.config)
    if command.schema_seq is not None:
        config = read_config(command.type, config, table)
    positions = [one.position for one in table.all_views.values()]
    return [
        ViewCreated(
            command.view_id,
            table.id,
            command.name,
            command.type,
            config,
            list(command.filters),
            list(command.sorts),
            max(positions, default=-1) + 1,
        )
    ]


@decides(UpdateView, role=Role.editor)
def _update(command: UpdateView, facts: Facts) -> Sequence[Event]:
    view = facts.catalog.live_view(command.view_id)
    table = facts.catalog.live_table(view.table_id)
    expect_version(view.version, command.if_match)
    expect_schema(table, command.schema_seq)
    wanted = dict(command.changes)
    if command.schema_seq is not None:
        wanted = _settled(wanted, view, table)
    now: dict[str, Json] = {
        "name": view.name,
        "type": view.type,
        "config": dict(view.config),
        "filters": list(view.filters),
        "sorts": list(view.sorts),
        "position": view.position,
    }
    changes = differences(now, wanted)
    return [ViewUpdated(view.id, table.id, changes)] if changes else []


def _settled(wanted: dict[str, Any], view: View, table: Table) -> dict[str, Any]:
    """Changes with their configuration read as the type takes it."""
    type_ = wanted.get("type", view.type)
    _known_type(type_)
    if type_ != view.type:
        wanted.setdefault("config", {})
    if "config" in wanted:
        wanted["config"] = read_config(type_, wanted["config"], table)
    return wanted


@decides(DeleteView, role=Role.editor)
def _delete(command: DeleteView, facts: Facts) -> Sequence[Event]:
    view = facts.catalog.live_view(command.view_id)
    expect_version(view.version, command.if_match)
    return [ViewDeleted(view.id, view.table_id, view.name)]


@decides(RestoreView, role=Role.editor)
def _restore(command: RestoreView, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.live_table(command.table_id)
    known = table.all_views.get(command.view_id)
    if known is None:
        raise NotFound("View not found")
    if not known.deleted:
        return []
    _room_for_one(table)
    return [ViewRestored(known.id, table.id, known.name)]


@decides(ReorderViews, role=Role.editor)
def _reorder(command: ReorderViews, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.live_table(command.table_id)
    live = {one.id: one for one in table.views}
    if len(set(command.view_ids)) != len(command.view_ids):
        raise Invalid("A view is named twice")
    if not live.keys() >= set(command.view_ids):
        raise NotFound("View not found")
    order = [*command.view_ids, *(one for one in live if one not in command.view_ids)]
    return [
        ViewUpdated(
            one,
            table.id,
            differences({"position": live[one].position}, {"position": place}),
        )
        for place, one in enumerate(order)
        if live[one].position != place
    ]


@decides(ExpectView, role=Role.editor)
def _expect(command: ExpectView, facts: Facts) -> Sequence[Event]:
    if facts.catalog.version_of(command.view_id) != command.version:
        raise StaleSchema()
    facts.catalog.live_view(command.view_id)
    return []


@grows(ViewCreated)
def _grow_created(catalog: Catalog, recorded: Recorded, event: ViewCreated) -> Catalog:
    view = View(
        id=ViewId(event.view_id),
        table_id=TableId(event.table_id),
        name=event.name,
        type=event.type,
        config=event.config,
        filters=event.filters,
        sorts=event.sorts,
        position=event.position,
        created_by=recorded.actor.id,
        created_at=recorded.at,
        updated_at=recorded.at,
    )
    return _with_view(catalog, recorded, view)


@grows(ViewUpdated)
def _grow_updated(catalog: Catalog, recorded: Recorded, event: ViewUpdated) -> Catalog:
    after = {name: change["to"] for name, change in event.changes.items()}  # type: ignore[call-overload, index]
    view = _known(catalog, event)
    changed = replace(view, **after, updated_at=recorded.at)  # type: ignore[arg-type]
    return _with_view(catalog, recorded, changed)


@grows(ViewDeleted, ViewRestored)
def _grow_gone(
    catalog: Catalog, recorded: Recorded, event: ViewDeleted | ViewRestored
) -> Catalog:
    deleted = isinstance(event, ViewDeleted)
    return _with_view(
        catalog, recorded, replace(_known(catalog, event), deleted=deleted)
    )


def _known(catalog: Catalog, event: ViewUpdated | ViewDeleted | ViewRestored) -> View:
    return catalog.tables[TableId(event.table_id)].all_views[ViewId(event.view_id)]


def _with_view(catalog: Catalog, recorded: Recorded, view: View) -> Catalog:
    changed = replace(view, version=recorded.version)
    return replace(catalog.with_view(changed), seq=recorded.seq)
