"""Reads as of a moment: `as_of=`, a position or an RFC 3339 time."""

from collections.abc import Callable

from api.http import Reply, Request, json_reply
from api.pybase import present
from api.pybase.parse import read_by, read_fields
from api.pybase.workspaces import listed
from api.writing import etag
from commands.system import System
from domain.catalog import Catalog
from domain.errors import NotFound
from domain.ids import WorkspaceId
from projections.as_of import Then
from projections.query import Page, Query


def asks_for_past(request: Request) -> bool:
    return bool(request.query_string) and "as_of" in request.query


async def then(
    system: System, request: Request, workspace_id: WorkspaceId, noun: str
) -> Then:
    """The workspace at the moment that the request names."""
    try:
        return await system.as_of.at(
            request.who,
            workspace_id,
            request.query["as_of"],
            min_position=request.min_position,
        )
    except NotFound as error:
        raise NotFound(f"{noun} not found") from error


def of(moment: Then, reply: Reply) -> Reply:
    """The reply with the position that it is of."""
    headers = {**reply.headers, "x-position": str(moment.position)}
    return Reply(reply.status, reply.body, headers)


async def record(
    system: System, request: Request, workspace_id: WorkspaceId, record_id: str
) -> Reply:
    moment = await then(system, request, workspace_id, "Record")
    fields = read_fields(request.query.get("fields"), moment.table_of(record_id))
    got = await system.as_of.record(
        request.who,
        moment,
        record_id,
        read_by(request.query.get("by")),
        fields,
    )
    return of(moment, Reply(200, got.body, {"etag": etag(got.version)}))


async def records(
    system: System,
    request: Request,
    workspace_id: WorkspaceId,
    spelled: tuple[str | None, ...],
    query: Callable[[Catalog], Query],
    page: Page,
) -> Reply:
    moment = await then(system, request, workspace_id, "Table")
    found = await system.as_of.page(
        request.who,
        moment,
        spelled,
        query(moment.catalog),
        page,
        read_by(request.query.get("by")),
    )
    items = b",".join(found.items)
    shown = present.page_bytes(items, found.total, page.limit, page.offset)
    return of(moment, Reply(200, shown))


async def table(system: System, request: Request, table_id: str) -> Reply:
    workspace_id = await system.reader.find(request.who, "table", table_id)
    moment = await then(system, request, workspace_id, "Table")
    one = moment.catalog.live_table(table_id)
    headers = {"etag": etag(one.version)}
    return of(moment, json_reply(present.table(one, with_fields=True), headers=headers))


async def fields(system: System, request: Request, table_id: str) -> Reply:
    workspace_id = await system.reader.find(request.who, "table", table_id)
    moment = await then(system, request, workspace_id, "Table")
    owner = moment.catalog.live_table(table_id)
    return of(
        moment, listed(request, [present.field(owner, one) for one in owner.fields])
    )
