"""Bases: what groups the tables of a workspace.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.access import Role
from domain.catalog import CONTENT, Base, Catalog
from domain.decider import decides, grows
from domain.errors import Conflict, Json, NotFound
from domain.events import (
    UPCASTERS,
    Command,
    Event,
    Inverse,
    Recorded,
    event,
)
from domain.facts import Facts
from domain.ids import BaseId
from domain.naming import url_name
from domain.table import removal_of_table
from domain.workspace import before_of, differences, expect_version


@dataclass(frozen=True, slots=True)
class CreateBase(Command):
    base_id: BaseId
    name: str
    description: str | None = None
    icon: str | None = None


@dataclass(frozen=True, slots=True)
class MakeContentBase(Command):
    """The base of the tables that are made as object types, where there is none."""

    base_id: BaseId


@dataclass(frozen=True, slots=True)
class UpdateBase(Command):
    """`changes` by name: name, description, icon."""

    base_id: BaseId
    changes: Mapping[str, str | None]
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteBase(Command):
    base_id: BaseId
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class RestoreBase(Command):
    base_id: BaseId


@event("base.created", schema=2)
class BaseCreated(Event):
    """`db_name` None, as in schema 1: by url-name-1."""

    base_id: str
    name: str
    description: str | None
    icon: str | None
    db_name: str | None = None

    def inverse(self) -> Inverse:
        return DeleteBase(BaseId(self.base_id))


UPCASTERS["base.created", 1] = lambda payload: {**payload, "db_name": None}


@event("base.updated")
class BaseUpdated(Event):
    base_id: str
    changes: dict[str, Json]

    def inverse(self) -> Inverse:
        return UpdateBase(BaseId(self.base_id), before_of(self.changes))


@event("base.deleted")
class BaseDeleted(Event):
    """Comes after the deletion of each of its tables."""

    base_id: str
    name: str

    def inverse(self) -> Inverse:
        return RestoreBase(BaseId(self.base_id))


@event("base.restored")
class BaseRestored(Event):
    base_id: str

    def inverse(self) -> Inverse:
        return DeleteBase(BaseId(self.base_id))


@decides(CreateBase, role=Role.admin)
def _create(command: CreateBase, facts: Facts) -> Sequence[Event]:
    facts.catalog.live_workspace()
    if command.base_id in facts.catalog.bases:
        raise Conflict("The base exists already")
    return [
        BaseCreated(
            command.base_id,
            command.name,
            command.description,
            command.icon,
            db_name_of(command.name, facts.catalog),
        )
    ]


def db_name_of(name: str, catalog: Catalog) -> str:
    """What a new base is called in URLs."""
    taken = {one.db_name for one in catalog.bases.values()}
    return url_name("base", name, taken, len(catalog.bases))


@decides(MakeContentBase, role=Role.admin)
def _make_content(command: MakeContentBase, facts: Facts) -> Sequence[Event]:
    facts.catalog.live_workspace()
    if facts.catalog.content_base is not None:
        return []
    return _create(CreateBase(command.base_id, CONTENT), facts)


@decides(UpdateBase, role=Role.admin)
def _update(command: UpdateBase, facts: Facts) -> Sequence[Event]:
    base = facts.catalog.live_base(command.base_id)
    expect_version(base.version, command.if_match)
    now = {"name": base.name, "description": base.description, "icon": base.icon}
    changes = differences(now, command.changes)
    return [BaseUpdated(base.id, changes)] if changes else []


@decides(DeleteBase, role=Role.admin)
def _delete(command: DeleteBase, facts: Facts) -> Sequence[Event]:
    base = facts.catalog.live_base(command.base_id)
    expect_version(base.version, command.if_match)
    removed: list[Event] = []
    for table in facts.catalog.tables_of(base.id):
        removed += removal_of_table(table, facts.catalog, removed)
    return [*removed, BaseDeleted(base.id, base.name)]


@decides(RestoreBase, role=Role.admin)
def _restore(command: RestoreBase, facts: Facts) -> Sequence[Event]:
    base = facts.catalog.bases.get(command.base_id)
    if base is None:
        raise NotFound("Base not found")
    return [BaseRestored(base.id)] if base.deleted else []


@grows(BaseCreated)
def _grow_created(catalog: Catalog, recorded: Recorded, event: BaseCreated) -> Catalog:
    base = Base(
        BaseId(event.base_id),
        event.name,
        event.description,
        event.icon,
        recorded.actor.id,
        recorded.at,
        recorded.at,
        recorded.version,
        db_name=event.db_name or db_name_of(event.name, catalog),
    )
    return _with_base(catalog, recorded, base)


@grows(BaseUpdated)
def _grow_updated(catalog: Catalog, recorded: Recorded, event: BaseUpdated) -> Catalog:
    after = {name: change["to"] for name, change in event.changes.items()}  # type: ignore[call-overload, index]
    base = replace(catalog.bases[BaseId(event.base_id)], **after)  # type: ignore[arg-type]
    return _with_base(catalog, recorded, replace(base, updated_at=recorded.at))


@grows(BaseDeleted, BaseRestored)
def _grow_gone(
    catalog: Catalog, recorded: Recorded, event: BaseDeleted | BaseRestored
) -> Catalog:
    base = catalog.bases[BaseId(event.base_id)]
    deleted = isinstance(event, BaseDeleted)
    return _with_base(catalog, recorded, replace(base, deleted=deleted))


def _with_base(catalog: Catalog, recorded: Recorded, base: Base) -> Catalog:
    base = replace(base, version=recorded.version)
    return replace(catalog, seq=recorded.seq, bases={**catalog.bases, base.id: base})
