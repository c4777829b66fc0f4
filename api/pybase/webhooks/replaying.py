"""What has happened, sent to a webhook again."""

from collections.abc import Sequence
from dataclasses import replace

import orjson

from api.http import Reply, Request
from api.pybase import shapes
from api.writing import committed, write
from commands.system import System
from commands.unit import Outcome
from commands.write import Prepared
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import Invalid
from domain.ids import WebhookId, WorkspaceId
from domain.webhook import ReplayWebhook
from projections.reader import Statement
from workers.webhooks import FAILED, MOST, again
from workers.webhooks.replaying import Replay

_AHEAD = 2**62  # of every position


async def replay_webhook(system: System, request: Request) -> Reply:
    """Records the wish: the follower of webhooks adds what is to be sent."""
    webhook_id = WebhookId(request.id("id", "webhook"))
    wanted = request.shape(shapes.ReplayWebhook)
    workspace_id = await system.reader.find(request.who, "webhook", webhook_id)
    replay, queued = await _counted(system, request, workspace_id, webhook_id, wanted)
    command = ReplayWebhook(webhook_id, replay.first, replay.last, replay.only)

    def render(outcome: Outcome) -> Reply:
        return committed(outcome, 202, orjson.dumps({"queued": queued}))

    prepared = Prepared([command], render)
    return await write(system, request, workspace_id, Role.admin, lambda _: prepared)


async def _counted(
    system: System,
    request: Request,
    workspace_id: WorkspaceId,
    webhook_id: WebhookId,
    wanted: shapes.ReplayWebhook,
) -> tuple[Replay, int]:
    """The replay, and how many events it is to tell.  Raises Invalid for too many."""
    found = await system.reader.ask(
        request.who, workspace_id, lambda _: (), role=Role.admin
    )
    webhook = found.catalog.live_webhook(webhook_id)
    last = found.position if wanted.to_position is None else wanted.to_position
    only = FAILED if wanted.only == FAILED else None
    first = wanted.from_position
    if first > found.position:
        raise _ahead("from_position", found.position)
    if first > last:
        raise Invalid("from_position is above to_position", field="from_position")
    if only is None and last - first >= MOST:
        raise _too_many(f"A replay tells {MOST} events at the most")
    if last > found.position:
        raise _ahead("to_position", found.position)
    replay = Replay(workspace_id, webhook, first, last, _AHEAD, only)

    def plan(catalog: Catalog) -> Sequence[Statement]:
        return [again(replace(replay, webhook=catalog.live_webhook(webhook_id)))]

    counted = await system.reader.ask(request.who, workspace_id, plan, role=Role.admin)
    queued = int(counted.results[0][0][0])
    if queued > MOST:
        raise _too_many(f"{queued} deliveries failed in it: more than {MOST}")
    return replay, queued


def _ahead(name: str, position: int) -> Invalid:
    detail = f"{name} is ahead of the workspace, which is at {position}"
    return Invalid(detail, field=name)


def _too_many(what: str) -> Invalid:
    return Invalid(f"{what}: name a smaller range", field="to_position", limit=MOST)
