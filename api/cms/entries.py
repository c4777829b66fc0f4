"""Entries: records, as the CMS's members write and read them one by one."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from api.cms import data, present, shapes
from api.cms.fields import definitions
from api.cms.seeing import body, looking_for
from api.http import Reply, Request, read_id
from api.writing import committed, etag, write
from commands import accounts
from commands import entries as writing
from commands.system import System
from commands.unit import Outcome
from commands.write import Prepared
from domain.access import Role
from domain.catalog import Catalog, Table
from domain.errors import DomainError, NotFound
from domain.ids import RecordId, WorkspaceId, table_number_of
from domain.record import Change, DeleteRecords, RecordCreated
from domain.values import BadValue
from projections import entries
from projections.reader import Statement

NO_ENTRY = "Entry not found"
# what is said of a place in a batch, which a single write has none of
_OF_BATCHES = ("index", "record_id")


# ------------------------------------------------------------------------- reading


async def show_entry(system: System, request: Request) -> Reply:
    record_id = request.id("id", "entry")

    def plan(catalog: Catalog) -> list[Statement]:
        table = _table_of(catalog, record_id)
        beside = {"field_definitions": definitions(catalog, table)}
        return [entries.one(catalog, table, record_id, beside)]

    with looking_for("Entry"):
        workspace_id = await system.reader.find(request.who, "record", record_id)
        found = await system.reader.ask(
            request.who, workspace_id, plan, min_position=request.min_position
        )
    if not found.results[0]:
        raise NotFound(NO_ENTRY)
    version, text = found.results[0][0]
    return Reply(200, text.encode(), {"etag": etag(version)})


def _table_of(catalog: Catalog, record_id: str) -> Table:
    table = catalog.table_by_number.get(table_number_of(record_id) or 0)
    if table is None or table.deleted:
        raise NotFound(NO_ENTRY)
    return table


# ------------------------------------------------------------------------- writing


async def create_entry(system: System, request: Request) -> Reply:
    wanted = body(request, shapes.CreateEntry)
    table_id = read_id(wanted.object_type_id, "object type")
    with looking_for("Object type"):
        workspace_id = await system.reader.find(request.who, "table", table_id)
    creator = await _caller(system, request)

    def prepare(catalog: Catalog) -> Prepared:
        table = catalog.live_table(table_id)
        read = data.read_new(table, wanted.data)
        try:
            made = writing.create(
                catalog, request.origin().actor, table, read.values, read.other
            )
        except BadValue as error:
            raise data.bad_other(error) from error
        return made(lambda outcome: _created(outcome, table_id, creator))

    with looking_for("Object type"):
        return await _told(
            system,
            workspace_id,
            lambda catalog: catalog.live_table(table_id),
            write(system, request, workspace_id, Role.editor, prepare),
        )


async def _caller(system: System, request: Request) -> dict[str, Any]:
    user_id = request.who.user_id
    people = await accounts.people(system.reader, [user_id])
    return present.creator(user_id, people)


def _created(outcome: Outcome, table_id: str, creator: dict[str, Any]) -> Reply:
    (recorded,) = (
        one for one in outcome.events if isinstance(one.event, RecordCreated)
    )
    event: Any = recorded.event
    table = outcome.catalog.live_table(table_id)
    shown = {
        "id": event.record_id,
        "object_type_id": table.id,
        "data": orjson.Fragment(data.shown(table, event.values.get, event.number)),
        "created_at": recorded.at,
        "updated_at": recorded.at,
        "object_type": present.named(table),
        "creator": creator,
    }
    return committed(outcome, 201, orjson.dumps(shown), recorded.version)


async def update_entry(system: System, request: Request) -> Reply:
    """What is named changes, null empties, all else stays; an array is put whole."""
    record_id = RecordId(request.id("id", "entry"))
    wanted = body(request, shapes.UpdateEntry)
    with looking_for("Entry"):
        workspace_id = await system.reader.find(request.who, "record", record_id)
        creator = await _creator(system, request, workspace_id, record_id)

    def prepare(catalog: Catalog) -> Prepared:
        table = _table_of(catalog, record_id)
        read = data.read_changes(table, wanted.data)
        change = Change(record_id, read.values, request.if_match)
        try:
            made = writing.update(
                catalog, request.origin().actor, table, change, read.other
            )
        except BadValue as error:
            raise data.bad_other(error) from error
        return made(lambda outcome: _updated(outcome, record_id, creator))

    with looking_for("Entry"):
        return await _told(
            system,
            workspace_id,
            lambda catalog: _table_of(catalog, record_id),
            write(system, request, workspace_id, Role.editor, prepare),
        )


async def _creator(
    system: System, request: Request, workspace_id: WorkspaceId, record_id: str
) -> bytes:
    """Who made the entry, as JSON: that never changes, so it is asked before.  What is
    not there is refused by the write, which may have been made before with its key."""

    def plan(catalog: Catalog) -> list[Statement]:
        table = catalog.table_by_number.get(table_number_of(record_id) or 0)
        return [] if table is None else [entries.creator(catalog, table, record_id)]

    found = await system.reader.ask(request.who, workspace_id, plan)
    rows = found.results[0] if found.results else []
    return rows[0][0].encode() if rows else b"null"


def _updated(outcome: Outcome, record_id: str, creator: bytes) -> Reply:
    row = outcome.rows[record_id]
    if row is None:
        raise LookupError(f"record {record_id} is gone from its own reply")
    table = outcome.catalog.live_table(row.table_id)
    kind = {
        **entries.type_of(outcome.catalog, table),
        "field_definitions": definitions(outcome.catalog, table),
    }
    shown = {
        "id": row.id,
        "object_type_id": table.id,
        "data": orjson.Fragment(data.shown(table, row.value, row.number)),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "object_type": kind,
        "creator": orjson.Fragment(creator),
    }
    return committed(outcome, 200, orjson.dumps(shown), row.version)


async def delete_entry(system: System, request: Request) -> Reply:
    record_id = RecordId(request.id("id", "entry"))

    def prepare(catalog: Catalog) -> Prepared:
        table = _table_of(catalog, record_id)
        command = DeleteRecords(table.id, [record_id], request.if_match)
        return Prepared([command], lambda outcome: _deleted(outcome, record_id))

    with looking_for("Entry"):
        workspace_id = await system.reader.find(request.who, "record", record_id)
        return await _told(
            system,
            workspace_id,
            lambda catalog: _table_of(catalog, record_id),
            write(system, request, workspace_id, Role.editor, prepare),
        )


def _deleted(outcome: Outcome, record_id: str) -> Reply:
    shown = {"id": record_id, "is_deleted": True, "updated_at": outcome.at}
    return committed(outcome, 200, orjson.dumps(shown))


async def _told(
    system: System,
    workspace_id: WorkspaceId,
    table_of: Callable[[Catalog], Table],
    writing: Awaitable[Reply],
) -> Reply:
    """A write, with its refusal in the words of entries."""
    try:
        return await writing
    except DomainError as error:
        error.extra = {
            name: one for name, one in error.extra.items() if name not in _OF_BATCHES
        }
        table = table_of(await system.reader.catalog(workspace_id))
        told = data.refused(table, error)
        if told is error:
            raise
        raise told from error
