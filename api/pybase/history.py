"""History: what happened to a record, a table or a field, newest first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.http import Reply, Request, json_reply
from api.pybase.feed import read_number
from api.pybase.schema_told import (
    Resource,
    resource_of,
    schema_changes,
    streams_of,
    streams_of_field,
    streams_of_webhooks,
)
from api.pybase.told import Telling
from commands.accounts import people
from commands.system import System
from domain.catalog import Catalog, Table
from domain.errors import NotFound
from domain.ids import FieldId, TableId, WorkspaceId, table_number_of
from projections import history
from projections.log import Envelope
from projections.query import DEFAULT_LIMIT, MAX_LIMIT
from projections.reader import Found, Statement

LOOK_AT = 2_000  # events a page goes through at the most when a field is asked for


@dataclass(frozen=True, slots=True)
class Asked:
    """A page: before which position, how many, of which field."""

    before: int
    limit: int
    field: str | None = None

    @property
    def look_at(self) -> int:
        return self.limit if self.field is None else LOOK_AT


def read_page(request: Request) -> Asked:
    """Raises Invalid."""
    field = request.query.get("field")
    return Asked(
        read_number(request, "after", history.FIRST, 0, 10**18 - 1),
        read_number(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
        field or None,
    )


async def record_history(system: System, request: Request) -> Reply:
    """Also of a record that is deleted, and of one whose table is."""
    record_id = request.id("id", "record")
    workspace_id = await system.reader.find(request.who, "record", record_id)
    asked = read_page(request)

    def plan(catalog: Catalog) -> Sequence[Statement]:
        table = table_of(catalog, record_id)
        if asked.field is not None:
            Telling(table, {}).field_of(asked.field)
        return [
            history.has_been(workspace_id, record_id),
            history.field_changes(workspace_id, table),
            history.of_record(
                workspace_id, table, record_id, asked.before, asked.look_at + 1
            ),
        ]

    found = await _ask(system, request, workspace_id, plan, "Record not found")
    been, changes, rows = found.results
    if not been[0][0]:
        raise NotFound("Record not found")
    table = table_of(found.catalog, record_id)
    telling = Telling(table, history.timelines(table, workspace_id, changes))
    chosen = None if asked.field is None else telling.field_of(asked.field).id
    looked_at = history.envelopes(rows)
    items = _of_record(telling, record_id, looked_at[: asked.look_at], chosen)
    return await _page(system, asked, looked_at, items)


def _of_record(
    telling: Telling,
    record_id: str,
    envelopes: Iterable[Envelope],
    chosen: FieldId | None,
) -> "list[Item]":
    resource = Resource("record", record_id, None)
    items = []
    for one in envelopes:
        changes = telling.changes(one.recorded, record_id)
        if chosen is not None:
            if chosen not in changes:
                continue
            changes = {chosen: changes[chosen]}
        named = {telling.names[key]: each for key, each in changes.items()}
        items.append(Item(one, resource, named))
    return items


async def table_history(system: System, request: Request) -> Reply:
    """Of a table's schema: the table, its fields, constraints, views and webhooks."""
    table_id = request.id("id", "table")
    return await _schema(system, request, "table", table_id)


async def field_history(system: System, request: Request) -> Reply:
    """Of a field and its constraints."""
    field_id = request.id("id", "field")
    return await _schema(system, request, "field", field_id)


async def _schema(system: System, request: Request, kind: str, some_id: str) -> Reply:
    workspace_id = await system.reader.find(request.who, kind, some_id)
    asked = read_page(request)
    missing = f"{kind.capitalize()} not found"

    def table_in(catalog: Catalog) -> Table:
        found = (
            catalog.tables.get(TableId(some_id))
            if kind == "table"
            else catalog.table_of_field.get(some_id)
        )
        if found is None:
            raise NotFound(missing)
        return found

    def plan(catalog: Catalog) -> Sequence[Statement]:
        table = table_in(catalog)
        streams = (
            [*streams_of(table), *streams_of_webhooks(catalog, table)]
            if kind == "table"
            else streams_of_field(table, some_id)
        )
        look_at = asked.look_at + 1
        return [history.of_streams(workspace_id, streams, asked.before, look_at)]

    found = await _ask(system, request, workspace_id, plan, missing)
    table = table_in(found.catalog)
    looked_at = history.envelopes(found.results[0])
    items = schema_items(looked_at[: asked.look_at], table, found.catalog)
    return await _page(system, asked, looked_at, items)


def schema_items(
    envelopes: Iterable[Envelope], table: Table, catalog: Catalog
) -> "list[Item]":
    items = []
    for one in envelopes:
        event = one.recorded.event
        changes = schema_changes(event, table)
        items.append(Item(one, resource_of(event, table, catalog), changes))
    return items


# ------------------------------------------------------------------------ items


@dataclass(frozen=True, slots=True)
class Item:
    """One event of a history."""

    envelope: Envelope
    resource: Resource
    changes: Mapping[str, Any]

    def json(self, names: Mapping[str, str]) -> dict[str, Any]:
        one = self.envelope
        return {
            **who_did_it(one, names),
            "batch_id": one.batch_id,
            "version": one.version,
            "resource": self.resource.json(),
            "changes": self.changes,
        }


def who_did_it(one: Envelope, names: Mapping[str, str]) -> dict[str, Any]:
    """What every list of events begins a row with."""
    return {
        "position": one.seq,
        "event_id": one.id,
        "type": one.type,
        "at": one.recorded_at,
        "actor": {
            "kind": one.actor_kind,
            "id": one.actor_id,
            "name": names.get(one.actor_id),
        },
        "surface": one.surface,
    }


async def names_of_actors(
    system: System, envelopes: Iterable[Envelope]
) -> Mapping[str, str]:
    """Names of today, from the accounts; nobody's where there is no such account."""
    actors = sorted({one.actor_id for one in envelopes})
    if not actors:
        return {}
    found = await people(system.reader, actors)
    return {user_id: name for user_id, (_, name) in found.items()}


async def _page(
    system: System, asked: Asked, looked_at: Sequence[Envelope], items: Sequence[Item]
) -> Reply:
    """`looked_at` has one more than the page goes through, where there is one more."""
    shown = items[: asked.limit]
    further = None
    if len(items) > asked.limit:
        further = shown[-1].envelope.seq
    elif len(looked_at) > asked.look_at:
        further = looked_at[-2].seq
    names = await names_of_actors(system, [one.envelope for one in shown])
    return json_reply({"items": [one.json(names) for one in shown], "next": further})


def table_of(catalog: Catalog, record_id: str) -> Table:
    """The table of a record, deleted ones too.  Raises NotFound."""
    table = catalog.table_by_number.get(table_number_of(record_id) or 0)
    if table is None:
        raise NotFound("Record not found")
    return table


async def _ask(
    system: System,
    request: Request,
    workspace_id: WorkspaceId,
    plan: Any,
    missing: str,
) -> Found:
    try:
        return await system.reader.ask(
            request.who, workspace_id, plan, min_position=request.min_position
        )
    except NotFound as error:
        raise NotFound(missing) from error
