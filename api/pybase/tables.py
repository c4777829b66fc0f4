"""Tables, fields and unique constraints."""

from typing import Any

import orjson

from api.http import Reply, Request, json_reply, read_id
from api.pybase import moments, present, shapes
from api.pybase.workspaces import listed, no_nulls
from api.writing import committed, etag, given, write
from commands.schema import (
    NewField,
    Wish,
    change_field,
    create_field,
    next_table_number,
    self_links,
)
from commands.system import System, new_id
from commands.unit import Outcome
from commands.write import Prepared, Render
from domain import constraint as constraints
from domain import field as fields
from domain import field_order
from domain import table as tables
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import Invalid, NotFound
from domain.ids import BaseId, ConstraintId, FieldId, TableId, WorkspaceId


async def see(system: System, request: Request, kind: str, some_id: str) -> Catalog:
    """The present catalogue of the workspace that a thing is in."""
    workspace_id = await system.reader.find(request.who, kind, some_id)
    try:
        found = await system.reader.ask(
            request.who, workspace_id, lambda _: (), min_position=request.min_position
        )
    except NotFound as error:
        raise NotFound(f"{kind.capitalize()} not found") from error
    return found.catalog


async def _deleted(
    system: System, request: Request, workspace_id: WorkspaceId, command: Any
) -> Reply:
    prepared = Prepared([command], lambda outcome: committed(outcome, 204, b""))
    return await write(system, request, workspace_id, Role.admin, lambda _: prepared)


# ----------------------------------------------------------------- tables


def _table(table_id: TableId, status: int) -> Render:
    def render(outcome: Outcome) -> Reply:
        one = outcome.catalog.live_table(table_id)
        shown = orjson.dumps(present.table(one, with_fields=True))
        return committed(outcome, status, shown, one.version)

    return render


async def list_tables(system: System, request: Request) -> Reply:
    base_id = request.query_id("base_id", "base")
    if base_id is None:
        raise _missing("base_id")
    catalog = await see(system, request, "base", base_id)
    catalog.live_base(base_id)
    shown = [
        present.table(one, with_fields=False) for one in catalog.tables_of(base_id)
    ]
    return listed(request, shown)


def _missing(name: str) -> Invalid:
    return Invalid(errors=[{"loc": [name], "msg": "Field required", "type": "missing"}])


async def create_table(system: System, request: Request) -> Reply:
    wanted = request.shape(shapes.CreateTable)
    base_id = BaseId(read_id(wanted.base_id, "base"))
    workspace_id = await system.reader.find(request.who, "base", base_id)
    await system.reader.enter(request.who, workspace_id, Role.admin)
    table_id = TableId(new_id())
    new = [
        NewField(one.name, one.type, one.options or {}, one.required, one.description)
        for one in wanted.fields
    ]
    columns = [create_field(table_id, one) for one in self_links(new, table_id)]
    number = await next_table_number(system.reader)
    command = tables.CreateTable(
        table_id, base_id, number, wanted.name, wanted.description
    )
    prepared = Prepared([command, *columns], _table(table_id, 201))
    return await write(system, request, workspace_id, Role.admin, lambda _: prepared)


async def get_table(system: System, request: Request) -> Reply:
    table_id = request.id("id", "table")
    if moments.asks_for_past(request):
        return await moments.table(system, request, table_id)
    catalog = await see(system, request, "table", table_id)
    one = catalog.live_table(table_id)
    headers = {"etag": etag(one.version)}
    return json_reply(present.table(one, with_fields=True), headers=headers)


async def update_table(system: System, request: Request) -> Reply:
    table_id = TableId(request.id("id", "table"))
    wanted = request.shape(shapes.UpdateTable)
    changes = given(wanted.model_dump(), wanted.model_fields_set)
    no_nulls(changes, "name")
    workspace_id = await system.reader.find(request.who, "table", table_id)
    command = tables.UpdateTable(table_id, changes, request.if_match)
    prepared = Prepared([command], _table(table_id, 200))
    return await write(system, request, workspace_id, Role.admin, lambda _: prepared)


async def delete_table(system: System, request: Request) -> Reply:
    table_id = TableId(request.id("id", "table"))
    workspace_id = await system.reader.find(request.who, "table", table_id)
    command = tables.DeleteTable(table_id, request.if_match)
    return await _deleted(system, request, workspace_id, command)


# ----------------------------------------------------------------- fields


def _field(field_id: FieldId, status: int) -> Render:
    def render(outcome: Outcome) -> Reply:
        one = outcome.catalog.live_field(field_id)
        owner = outcome.catalog.live_table(one.table_id)
        shown = orjson.dumps(present.field(owner, one))
        return committed(outcome, status, shown, one.version)

    return render


async def list_fields(system: System, request: Request) -> Reply:
    table_id = request.query_id("table_id", "table")
    if table_id is None:
        raise _missing("table_id")
    if moments.asks_for_past(request):
        return await moments.fields(system, request, table_id)
    catalog = await see(system, request, "table", table_id)
    owner = catalog.live_table(table_id)
    return listed(request, [present.field(owner, one) for one in owner.fields])


async def make_field(system: System, request: Request) -> Reply:
    wanted = request.shape(shapes.CreateField)
    table_id = TableId(read_id(wanted.table_id, "table"))
    workspace_id = await system.reader.find(request.who, "table", table_id)
    await system.reader.enter(request.who, workspace_id, Role.admin)
    new = NewField(
        wanted.name,
        wanted.type,
        wanted.options or {},
        wanted.required,
        wanted.description,
    )
    command = create_field(table_id, self_links([new], table_id)[0])
    prepared = Prepared([command], _field(command.field_id, 201))
    return await write(system, request, workspace_id, Role.admin, lambda _: prepared)


async def get_field(system: System, request: Request) -> Reply:
    field_id = request.id("id", "field")
    catalog = await see(system, request, "field", field_id)
    one = catalog.live_field(field_id)
    owner = catalog.live_table(one.table_id)
    headers = {"etag": etag(one.version)}
    return json_reply(present.field(owner, one), headers=headers)


async def update_field(system: System, request: Request) -> Reply:
    field_id = FieldId(request.id("id", "field"))
    wanted = request.shape(shapes.UpdateField)
    changes = given(wanted.model_dump(), wanted.model_fields_set)
    no_nulls(changes, "name", "required", "options", "type")
    wish = Wish(changes.pop("type", None), changes.pop("options", None), wanted.force)
    changes.pop("force", None)
    workspace_id = await system.reader.find(request.who, "field", field_id)

    def prepare(catalog: Catalog) -> Prepared:
        known = catalog.live_field(field_id)
        commands = change_field(known, changes, wish, request.if_match)
        return Prepared(commands, _field(field_id, 200))

    return await write(system, request, workspace_id, Role.admin, prepare)


async def delete_field(system: System, request: Request) -> Reply:
    field_id = FieldId(request.id("id", "field"))
    workspace_id = await system.reader.find(request.who, "field", field_id)
    command = fields.DeleteField(field_id, request.if_match)
    return await _deleted(system, request, workspace_id, command)


async def reorder_fields(system: System, request: Request) -> Reply:
    """Those named come first, the rest follow as they were; all in their order."""
    wanted = request.shape(shapes.ReorderFields)
    table_id = TableId(read_id(wanted.table_id, "table"))
    named = [FieldId(read_id(one, "field")) for one in wanted.field_ids]
    workspace_id = await system.reader.find(request.who, "table", table_id)

    def render(outcome: Outcome) -> Reply:
        owner = outcome.catalog.live_table(table_id)
        shown = [present.field(owner, one) for one in owner.fields]
        return committed(outcome, 200, orjson.dumps(shown))

    prepared = Prepared([field_order.ReorderFields(table_id, named)], render)
    return await write(system, request, workspace_id, Role.admin, lambda _: prepared)


# ------------------------------------------------------------ constraints


def _constraint(constraint_id: ConstraintId, status: int) -> Render:
    def render(outcome: Outcome) -> Reply:
        one = outcome.catalog.live_constraint(constraint_id)
        owner = outcome.catalog.tables[one.table_id]
        shown = orjson.dumps(present.constraint(owner, one))
        return committed(outcome, status, shown, one.version)

    return render


async def list_constraints(system: System, request: Request) -> Reply:
    """By table, by field, or by both."""
    table_id = request.query_id("table_id", "table")
    field_id = request.query_id("field_id", "field")
    if table_id is not None:
        catalog = await see(system, request, "table", table_id)
        catalog.live_table(table_id)
    elif field_id is not None:
        catalog = await see(system, request, "field", field_id)
    else:
        raise _missing("table_id")
    if field_id is not None:
        catalog.live_field(field_id)
    found = [
        (table, one)
        for table in catalog.tables.values()
        for one in table.constraints
        if not table.deleted
        and table_id in (None, one.table_id)
        and field_id in (None, one.field_id)
    ]
    found.sort(key=lambda both: (both[1].created_at, both[1].id))
    return listed(request, [present.constraint(*both) for both in found])


async def create_constraint(system: System, request: Request) -> Reply:
    wanted = request.shape(shapes.CreateConstraint)
    field_id = FieldId(read_id(wanted.field_id, "field"))
    workspace_id = await system.reader.find(request.who, "field", field_id)
    constraint_id = ConstraintId(new_id())

    def prepare(catalog: Catalog) -> Prepared:
        command = constraints.CreateConstraint(
            constraint_id,
            catalog.live_field(field_id).table_id,
            field_id,
            wanted.case_sensitive,
            wanted.error_message or None,
        )
        return Prepared([command], _constraint(constraint_id, 201))

    return await write(system, request, workspace_id, Role.admin, prepare)


async def get_constraint(system: System, request: Request) -> Reply:
    constraint_id = request.id("id", "constraint")
    catalog = await see(system, request, "constraint", constraint_id)
    one = catalog.live_constraint(constraint_id)
    headers = {"etag": etag(one.version)}
    shown = present.constraint(catalog.tables[one.table_id], one)
    return json_reply(shown, headers=headers)


async def constraint_of_field(system: System, request: Request) -> Reply:
    field_id = request.id("id", "field")
    catalog = await see(system, request, "field", field_id)
    owner = catalog.live_table(catalog.live_field(field_id).table_id)
    one = owner.constraint_of(field_id)
    if one is None:
        raise NotFound("The field has no constraint")
    headers = {"etag": etag(one.version)}
    return json_reply(present.constraint(owner, one), headers=headers)


async def update_constraint(system: System, request: Request) -> Reply:
    constraint_id = ConstraintId(request.id("id", "constraint"))
    wanted = request.shape(shapes.UpdateConstraint)
    changes = given(wanted.model_dump(), wanted.model_fields_set)
    no_nulls(changes, "status", "case_sensitive")
    workspace_id = await system.reader.find(request.who, "constraint", constraint_id)

    def prepare(catalog: Catalog) -> Prepared:
        known = catalog.live_constraint(constraint_id)
        command = constraints.UpdateConstraint(
            constraint_id, known.table_id, known.field_id, changes, request.if_match
        )
        return Prepared([command], _constraint(constraint_id, 200))

    return await write(system, request, workspace_id, Role.admin, prepare)


async def delete_constraint(system: System, request: Request) -> Reply:
    constraint_id = ConstraintId(request.id("id", "constraint"))
    workspace_id = await system.reader.find(request.who, "constraint", constraint_id)
    command = constraints.DeleteConstraint(constraint_id, request.if_match)
    return await _deleted(system, request, workspace_id, command)
