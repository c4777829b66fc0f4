"""Lists of webhooks, and one of them."""

from api.http import Reply, Request, json_reply
from api.pybase import present
from api.pybase.tables import see
from api.pybase.webhooks.showing import all_shown, may_see_urls
from api.pybase.workspaces import page_of
from api.writing import etag
from commands.system import System
from domain.errors import Invalid
from domain.ids import WorkspaceId


async def list_webhooks(system: System, request: Request) -> Reply:
    """Of a table, or with `workspace_id` of the workspace and all its tables."""
    table_id = request.query_id("table_id", "table")
    workspace_id = request.query_id("workspace_id", "workspace")
    one_place(table_id, workspace_id)
    page = page_of(request)
    if table_id is not None:
        catalog = await see(system, request, "table", table_id)
        catalog.live_table(table_id)
    else:
        found = await system.reader.ask(
            request.who,
            WorkspaceId(workspace_id or ""),
            lambda _: (),
            min_position=request.min_position,
        )
        catalog = found.catalog
    live = [one for one in catalog.live_webhooks if table_id in (None, one.table_id)]
    shown = live[page.offset : page.offset + page.limit]
    whole = may_see_urls(request.who, catalog)
    items = await all_shown(system, catalog, shown, whole=whole)
    return json_reply(present.page(items, len(live), page.limit, page.offset))


def one_place(table_id: str | None, workspace_id: str | None) -> None:
    if (table_id is None) == (workspace_id is None):
        raise Invalid("Name either a table_id or a workspace_id", field="table_id")


async def get_webhook(system: System, request: Request) -> Reply:
    webhook_id = request.id("id", "webhook")
    catalog = await see(system, request, "webhook", webhook_id)
    one = catalog.live_webhook(webhook_id)
    whole = may_see_urls(request.who, catalog)
    (shown,) = await all_shown(system, catalog, [one], whole=whole)
    return json_reply(shown, headers={"etag": etag(one.version)})
