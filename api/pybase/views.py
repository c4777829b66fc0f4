"""Views: kept ways to look at a table, and the records that they show."""

from functools import partial
from hashlib import sha256
from typing import TypeVar

import orjson

from api.http import Reply, Request, read_id, read_shape
from api.pybase import present, shapes
from api.pybase.mirror import native_filters
from api.pybase.parse import (
    MAX_CHARACTERS,
    fields_from,
    filter_from,
    filters_to_keep,
    read_by,
    read_page,
    sort_from,
    sorts_to_keep,
)
from api.pybase.tables import see
from api.pybase.workspaces import listed, no_nulls
from api.shapes import Shape
from api.writing import committed, etag, given, write
from commands.system import System, new_id
from commands.unit import Outcome
from commands.write import Prepared, Render
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import Invalid, NotFound
from domain.events import Command
from domain.ids import TableId, ViewId, WorkspaceId
from domain.view import (
    CreateView,
    DeleteView,
    ExpectView,
    ReorderViews,
    UpdateView,
    default_view,
    readable_view,
)
from projections.lists import Asked, Listed, Wanted
from projections.query import Page, Query
from projections.views import view_query

M = TypeVar("M", bound=Shape)

COPY = " (copy)"


def optional(request: Request, model: type[M]) -> M:
    """The body as a model; no body is an empty one."""
    return read_shape(request.object if request.body.strip() else {}, model)


def _shown(catalog: Catalog, view_id: str) -> tuple[bytes, int]:
    """A view's JSON, and its version."""
    one = readable_view(catalog, view_id)
    shown = present.view(catalog.live_table(one.table_id), one)
    return orjson.dumps(shown), one.version


def _rendered(view_id: ViewId, status: int) -> Render:
    def render(outcome: Outcome) -> Reply:
        return committed(outcome, status, *_shown(outcome.catalog, view_id))

    return render


def _table_id(request: Request) -> str:
    table_id = request.query_id("table_id", "table")
    if table_id is None:
        raise Invalid(
            errors=[{"loc": ["table_id"], "msg": "Field required", "type": "missing"}]
        )
    return table_id


# ---------------------------------------------------------------- looking


async def list_views(system: System, request: Request) -> Reply:
    table_id = _table_id(request)
    catalog = await see(system, request, "table", table_id)
    table = catalog.live_table(table_id)
    return listed(request, [present.view(table, one) for one in table.views])


async def get_default_view(system: System, request: Request) -> Reply:
    table_id = _table_id(request)
    catalog = await see(system, request, "table", table_id)
    view = default_view(catalog.live_table(table_id))
    return _reply(catalog, view.id)


async def get_view(system: System, request: Request) -> Reply:
    view_id = request.id("id", "view")
    return _reply(await see(system, request, "view", view_id), view_id)


def _reply(catalog: Catalog, view_id: str) -> Reply:
    shown, version = _shown(catalog, view_id)
    return Reply(200, shown, {"etag": etag(version)})


# ---------------------------------------------------------------- changing


async def create_view(system: System, request: Request) -> Reply:
    wanted = request.shape(shapes.CreateView)
    table_id = TableId(read_id(wanted.table_id, "table"))
    workspace_id = await system.reader.find(request.who, "table", table_id)
    view_id = ViewId(new_id())

    def prepare(catalog: Catalog) -> Prepared:
        table = catalog.live_table(table_id)
        command = CreateView(
            view_id,
            table_id,
            wanted.name,
            wanted.type,
            wanted.config or {},
            filters_to_keep(native_filters(wanted.filters), table),
            sorts_to_keep(wanted.sorts, table),
            table.schema_seq,
        )
        return Prepared([command], _rendered(view_id, 201))

    return await write(system, request, workspace_id, Role.editor, prepare)


async def update_view(system: System, request: Request) -> Reply:
    view_id = ViewId(request.id("id", "view"))
    wanted = request.shape(shapes.UpdateView)
    changes = given(wanted.model_dump(), wanted.model_fields_set)
    no_nulls(changes, "name", "type")
    workspace_id = await system.reader.find(request.who, "view", view_id)

    def prepare(catalog: Catalog) -> Prepared:
        table = catalog.live_table(catalog.live_view(view_id).table_id)
        after = dict(changes)
        if "config" in after:
            after["config"] = after["config"] or {}
        if "filters" in after:
            native = native_filters(after["filters"])
            after["filters"] = filters_to_keep(native, table)
        if "sorts" in after:
            after["sorts"] = sorts_to_keep(after["sorts"], table)
        command = UpdateView(
            view_id, table.id, after, request.if_match, table.schema_seq
        )
        return Prepared([command], _rendered(view_id, 200))

    return await write(system, request, workspace_id, Role.editor, prepare)


async def delete_view(system: System, request: Request) -> Reply:
    view_id = ViewId(request.id("id", "view"))
    workspace_id = await system.reader.find(request.who, "view", view_id)
    command = DeleteView(view_id, request.if_match)
    prepared = Prepared([command], lambda outcome: committed(outcome, 204, b""))
    return await write(system, request, workspace_id, Role.editor, lambda _: prepared)


async def duplicate_view(system: System, request: Request) -> Reply:
    """A copy at the end, of what the view keeps: also of what it does without today."""
    view_id = ViewId(request.id("id", "view"))
    wanted = optional(request, shapes.DuplicateView)
    workspace_id = await system.reader.find(request.who, "view", view_id)
    copy_id = ViewId(new_id())

    def prepare(catalog: Catalog) -> Prepared:
        one = readable_view(catalog, view_id)
        name = wanted.name or one.name[: 255 - len(COPY)] + COPY
        copy = CreateView(
            copy_id, one.table_id, name, one.type, one.config, one.filters, one.sorts
        )
        kept = one.id != ViewId(one.table_id)
        commands: list[Command] = [ExpectView(one.id, one.version)] if kept else []
        return Prepared([*commands, copy], _rendered(copy_id, 201))

    return await write(system, request, workspace_id, Role.editor, prepare)


async def reorder_views(system: System, request: Request) -> Reply:
    """The table's views in their new order, a bare array."""
    wanted = request.shape(shapes.ReorderViews)
    table_id = TableId(read_id(wanted.table_id, "table"))
    view_ids = [ViewId(read_id(one, "view")) for one in wanted.view_ids]
    workspace_id = await system.reader.find(request.who, "table", table_id)

    def render(outcome: Outcome) -> Reply:
        table = outcome.catalog.live_table(table_id)
        shown = [present.view(table, one) for one in table.views]
        return committed(outcome, 200, orjson.dumps(shown))

    prepared = Prepared([ReorderViews(table_id, view_ids)], render)
    return await write(system, request, workspace_id, Role.editor, lambda _: prepared)


# ---------------------------------------------------------------- records


async def get_data(system: System, request: Request) -> Reply:
    """The view's records: a filter or a sort of the body takes the place of its own."""
    view_id = request.id("id", "view")
    wanted = optional(request, shapes.ViewData)
    workspace_id = await system.reader.find(request.who, "view", view_id)
    page = read_page(
        *(
            None if one is None else str(one)
            for one in (wanted.limit, wanted.offset, wanted.page, wanted.page_size)
        )
    )
    found = await _page(system, request, workspace_id, view_id, wanted, page)
    items = b",".join(found.items)
    more = page.offset + len(found.items) < found.total
    return Reply(200, present.view_page(view_id, items, found.total, page, more=more))


async def _page(
    system: System,
    request: Request,
    workspace_id: WorkspaceId,
    view_id: str,
    wanted: shapes.ViewData,
    page: Page,
) -> Listed:
    def query(catalog: Catalog) -> Query:
        view = readable_view(catalog, view_id)
        table = catalog.live_table(view.table_id)
        filters, sorts = native_filters(wanted.filters), wanted.sorts
        return view_query(
            view,
            table,
            where=None if filters is None else filter_from(filters, table),
            sorts=None if sorts is None else sort_from(sorts, table),
            text=wanted.search or "",
            fields=fields_from(wanted.fields or None, table),
        )

    spelled = repr((wanted.filters, wanted.sorts, wanted.search))
    if len(spelled) > 2 * MAX_CHARACTERS:
        raise Invalid(f"A filter and a sort have at most {MAX_CHARACTERS} characters")
    spelling = ("view", view_id, sha256(spelled.encode()).hexdigest())
    rendition = read_by(request.query.get("by"))

    def want(catalog: Catalog) -> Wanted:
        table_id = readable_view(catalog, view_id).table_id
        asked = Asked(workspace_id, table_id, spelling)
        return Wanted(asked, partial(query, catalog), page, rendition)

    ask = partial(
        system.reader.ask, request.who, workspace_id, min_position=request.min_position
    )
    try:
        if wanted.fields:
            return await system.lists.of_some_fields(ask, query, page, rendition)
        return await system.lists.page(ask, want)
    except NotFound as error:
        raise NotFound("View not found") from error
