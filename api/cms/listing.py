"""Pages of entries: of one type, of a workspace's types, or of all the caller's."""

import asyncio
from collections.abc import Mapping, Sequence

import orjson

from api.cms import asked
from api.cms.asked import Asked
from api.cms.seeing import looking_for
from api.http import Reply, Request
from commands.system import System
from domain.catalog import Catalog
from domain.errors import NotFound
from domain.ids import TableId, WorkspaceId
from projections import entries, mine
from projections.entries import Place
from projections.query import Page
from projections.reader import Statement


async def list_entries(system: System, request: Request) -> Reply:
    wanted = asked.read(request.query)
    table_id = request.query_id("object_type_id", "object type")
    workspace_id = request.query_id("workspace_id", "workspace")
    if table_id is not None:
        items, total = await _of_type(system, request, table_id, workspace_id, wanted)
    else:
        items, total = await _of_many(system, request, workspace_id, wanted)
    pagination = orjson.dumps(wanted.pagination(total))
    listed = ",".join(items).encode()
    return Reply(200, b'{"entries":[%b],"pagination":%b}' % (listed, pagination))


async def _of_type(
    system: System,
    request: Request,
    table_id: str,
    workspace_id: str | None,
    wanted: Asked,
) -> tuple[list[str], int]:
    def plan(catalog: Catalog) -> Sequence[Statement]:
        table = catalog.live_table(table_id)
        sort = entries.sort_of(table, wanted.sort, descending=wanted.descending)
        return [entries.page_of_type(catalog, table, sort, _page(wanted))]

    with looking_for("Object type"):
        its = await system.reader.find(request.who, "table", table_id)
        if workspace_id not in (None, its):
            raise NotFound("Object type not found")
        found = await system.reader.ask(
            request.who, its, plan, min_position=request.min_position
        )
    rows = found.results[0]
    return [row[1] for row in rows if row[1] is not None], rows[0][0]


def _page(wanted: Asked) -> Page:
    return Page(wanted.limit, wanted.offset)


async def _of_many(
    system: System, request: Request, workspace_id: str | None, wanted: Asked
) -> tuple[list[str], int]:
    """An order by a field is one of a type: fields of one name in several types need
    not be of one kind."""
    if wanted.sort not in ("created_at", "updated_at"):
        raise entries.not_an_order(wanted.sort)
    found, total = await entries.page_of_many(
        system.reader,
        await _places(system, request, workspace_id),
        wanted.sort,
        _page(wanted),
        descending=wanted.descending,
    )
    texts = await _texts(system, request, found)
    return [texts[one] for _, one in found if one in texts], total


async def _places(
    system: System, request: Request, workspace_id: str | None
) -> list[Place]:
    if workspace_id is None:
        mine_ = await mine.tables(system.reader, request.who)
        return [Place(WorkspaceId(one), TableId(table)) for one, table in mine_]
    with looking_for("Workspace"):
        seen = await system.reader.ask(
            request.who,
            WorkspaceId(workspace_id),
            lambda _: (),
            min_position=request.min_position,
        )
    tables = seen.catalog.tables.values()
    return [Place(seen.catalog.id, one.id) for one in tables if not one.deleted]


async def _texts(
    system: System, request: Request, found: Sequence[tuple[Place, str]]
) -> Mapping[str, str]:
    """The entries' JSON by id; what went away in between is missing."""
    by_workspace: dict[WorkspaceId, dict[TableId, list[str]]] = {}
    for place, record_id in found:
        tables = by_workspace.setdefault(place.workspace_id, {})
        tables.setdefault(place.table_id, []).append(record_id)

    async def of(
        workspace_id: WorkspaceId, ids: Mapping[TableId, Sequence[str]]
    ) -> dict[str, str]:
        def plan(catalog: Catalog) -> Sequence[Statement]:
            return [
                entries.some(catalog, catalog.tables[table_id], some)
                for table_id, some in ids.items()
                if not catalog.tables[table_id].deleted
            ]

        try:
            seen = await system.reader.ask(request.who, workspace_id, plan)
        except NotFound:
            return {}
        return {row[0]: row[1] for rows in seen.results for row in rows}

    parts = await asyncio.gather(*(of(*one) for one in by_workspace.items()))
    return {key: text for part in parts for key, text in part.items()}
