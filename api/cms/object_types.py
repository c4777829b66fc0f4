"""Object types: tables by another name."""

from collections.abc import Sequence

import orjson
from psycopg import sql

from api.cms import definitions, present, shapes
from api.cms.seeing import body, looking_for
from api.http import Reply, Request, json_reply, read_id
from api.writing import committed, etag, write
from commands.schema import next_table_number
from commands.system import System, new_id
from commands.unit import Outcome
from commands.write import Prepared, Render
from domain.access import Role
from domain.base import MakeContentBase
from domain.catalog import Catalog, Table
from domain.errors import Invalid
from domain.events import Command
from domain.ids import BaseId, TableId, WorkspaceId
from domain.naming import SLUG
from domain.table import CreateTable, DeleteTable, UpdateTable
from projections.reader import Statement
from projections.target import live

NOUN = "Object type"


def _shown(table_id: TableId, status: int) -> Render:
    def render(outcome: Outcome) -> Reply:
        one = outcome.catalog.live_table(table_id)
        shown = orjson.dumps(present.object_type(outcome.catalog, one))
        return committed(outcome, status, shown, one.version)

    return render


def _check_slug(slug: str | None) -> None:
    if slug is not None and not SLUG.fullmatch(slug):
        raise Invalid(
            "slug: has lower-case letters, digits and single hyphens or underscores",
            errors=[{"loc": ["slug"], "msg": "not a slug", "type": "value_error"}],
        )


async def create_type(system: System, request: Request) -> Reply:
    """The base where it takes one, the table and its fields: one unit."""
    wanted = body(request, shapes.CreateObjectType)
    workspace_id = WorkspaceId(read_id(wanted.workspace_id, "workspace"))
    _check_slug(wanted.slug)
    new = definitions.check_new(wanted.field_definitions)
    table_id, content_id = TableId(new_id()), BaseId(new_id())
    with looking_for("Workspace"):
        await system.reader.enter(request.who, workspace_id, Role.admin)
        number = await next_table_number(system.reader)

        def prepare(catalog: Catalog) -> Prepared:
            base_id = definitions.base_of(new, catalog)
            first: list[Command] = [] if base_id else [MakeContentBase(content_id)]
            table = CreateTable(
                table_id,
                base_id,
                number,
                wanted.name,
                slug=wanted.slug,
                public=wanted.public,
            )
            fields = [definitions.creation(one, table_id, catalog) for one in new]
            return Prepared([*first, table, *fields], _shown(table_id, 201))

        return await write(system, request, workspace_id, Role.admin, prepare)


async def list_types(system: System, request: Request) -> Reply:
    """Every table of the workspace, by whichever door it was made, newest first."""
    workspace_id = request.query_id("workspace_id", "workspace")
    if workspace_id is None:
        raise Invalid(
            "workspace_id: is required",
            errors=[{"loc": ["workspace_id"], "msg": "required", "type": "missing"}],
        )
    with looking_for("Workspace"):
        found = await system.reader.ask(
            request.who,
            WorkspaceId(workspace_id),
            lambda catalog: _counts(catalog, present.newest_first(catalog)),
            min_position=request.min_position,
        )
    counts: dict[str, int] = dict(found.results[0]) if found.results else {}
    return json_reply(
        [
            present.listed_type(found.catalog, one, counts[one.id])
            for one in present.newest_first(found.catalog)
        ]
    )


def _counts(catalog: Catalog, tables: Sequence[Table]) -> list[Statement]:
    """One statement: (table, how many entries it has)."""
    if not tables:
        return []
    target = live(catalog.id)
    each = [
        sql.SQL("SELECT {}, count(*) FROM {}").format(
            sql.Literal(str(one.id)), target.of_records(one.id)
        )
        for one in tables
    ]
    return [(sql.SQL(" UNION ALL ").join(each), ())]


async def get_type(system: System, request: Request) -> Reply:
    table_id = TableId(request.id("id", "object type"))
    with looking_for(NOUN):
        workspace_id = await system.reader.find(request.who, "table", table_id)
        found = await system.reader.ask(
            request.who,
            workspace_id,
            lambda catalog: _counts(catalog, [catalog.live_table(table_id)]),
            min_position=request.min_position,
        )
    one = found.catalog.live_table(table_id)
    shown = present.whole_type(found.catalog, one, found.results[0][0][1])
    return json_reply(shown, headers={"etag": etag(one.version)})


async def update_type(system: System, request: Request) -> Reply:
    table_id = TableId(request.id("id", "object type"))
    wanted = body(request, shapes.UpdateObjectType)
    _check_slug(wanted.slug)
    named = wanted.model_dump(include={"name", "slug", "public"}, exclude_none=True)

    def prepare(catalog: Catalog) -> Prepared:
        table = catalog.live_table(table_id)
        # first, also where nothing of it changes: it checks the version
        first = UpdateTable(table_id, named, request.if_match)
        fields = definitions.changes(table, wanted, catalog)
        return Prepared([first, *fields], _shown(table_id, 200))

    with looking_for(NOUN):
        workspace_id = await system.reader.find(request.who, "table", table_id)
        return await write(system, request, workspace_id, Role.admin, prepare)


async def delete_type(system: System, request: Request) -> Reply:
    table_id = TableId(request.id("id", "object type"))

    def render(outcome: Outcome) -> Reply:
        gone = outcome.catalog.tables[table_id]
        shown = present.deleted_type(outcome.catalog, gone)
        return committed(outcome, 200, orjson.dumps(shown))

    prepared = Prepared([DeleteTable(table_id, request.if_match)], render)
    with looking_for(NOUN):
        workspace_id = await system.reader.find(request.who, "table", table_id)
        return await write(
            system, request, workspace_id, Role.admin, lambda _: prepared
        )
