"""What a webhook sent, and how that went; and a message to try it out.  For admins."""

from typing import Any

from api.http import PayloadTooLarge, Reply, Request, json_reply
from api.pybase import present, shapes
from api.pybase.webhooks.showing import MASK, address_of, may_see_urls, url_of
from api.pybase.workspaces import page_of
from commands.sealing import Unreadable
from commands.system import System
from commands.webhooks import Sending
from domain.access import Role
from domain.catalog import Catalog, Webhook
from domain.errors import Conflict, Invalid, Malformed
from domain.webhook import OUTGOING
from projections import delivered
from projections.delivered import Delivery
from projections.reader import Found, Statement
from workers.deliveries.registry import UNREADABLE, Registry
from workers.deliveries.retries import reason_of
from workers.deliveries.sending import Message
from workers.deliveries.trying import try_out
from workers.deliveries.webhooks import Ready

MOST = 100  # of a page: each has its body
PAUSED = "the webhook is paused"
LARGEST_PAYLOAD = 64 * 1024  # bytes


async def list_deliveries(system: System, request: Request) -> Reply:
    """Newest first."""
    webhook_id = request.id("id", "webhook")
    page, states = page_of(request, MOST), _states(request)
    limit = page.limit
    workspace_id = await system.reader.find(request.who, "webhook", webhook_id)

    def plan(catalog: Catalog) -> list[Statement]:
        catalog.live_webhook(webhook_id)
        return [*delivered.listed(workspace_id, webhook_id, states, limit, page.offset)]

    found = await system.reader.ask(
        request.who,
        workspace_id,
        plan,
        role=Role.admin,
        min_position=request.min_position,
    )
    rows, ((total,),) = found.results
    sent_to = await _request_of(system, request, found, webhook_id)
    paused = found.catalog.live_webhook(webhook_id).paused
    items = [_shown(delivered.delivery(row), sent_to, paused=paused) for row in rows]
    return json_reply(present.page(items, total, limit, page.offset))


def _states(request: Request) -> tuple[str, ...]:
    wanted = request.query.get("state")
    if wanted is None:
        return delivered.STATES
    if wanted not in delivered.STATES:
        raise Invalid(f"state is one of {', '.join(delivered.STATES)}", field="state")
    return (wanted,)


async def _request_of(
    system: System, request: Request, found: Found, webhook_id: str
) -> dict[str, Any]:
    """Where its webhook sends to, as it is shown to the caller."""
    webhook = found.catalog.live_webhook(webhook_id)
    address = await address_of(system, webhook)
    whole = may_see_urls(request.who, found.catalog)
    headers = {} if address is None else dict.fromkeys(address.headers, MASK)
    return {"url": url_of(system, webhook, address, whole=whole), "headers": headers}


def _shown(one: Delivery, sent_to: dict[str, Any], *, paused: bool) -> dict[str, Any]:
    held = paused and one.state == "waiting"
    message = Message(one.event_id, one.body)  # type: ignore[arg-type]
    headers = {**sent_to["headers"], "webhook-id": message.id}
    body = one.body.decode("utf-8", "replace")
    return {
        "id": one.id,
        "event": one.event,
        "event_id": None if one.seq is None else one.event_id,
        "position": one.seq,
        "replayed_by": None if one.by_seq == one.seq else one.by_seq,
        "state": one.state,
        "reason": PAUSED if held else one.reason,
        "created_at": one.created_at,
        "finished_at": one.finished_at,
        "next_attempt_at": None if held else one.due_at,
        "request": {
            "url": sent_to["url"],
            "headers": headers,
            "body": body,
            "body_bytes": one.body_bytes,
        },
        "attempts": [
            {
                "number": each.number,
                "at": each.at,
                "seconds": round(each.seconds, 3),
                "status": each.status,
                "error": each.error,
                "reply": _text(bytes.fromhex(each.reply)),
            }
            for each in one.tried
        ],
    }


def _text(reply: bytes) -> str:
    return reply.decode("utf-8", "replace")


# ------------------------------------------------------------------------ trying out


async def test_webhook(system: System, request: Request) -> Reply:
    """Sends one message now, also for a webhook that is turned off or paused."""
    webhook_id = request.id("id", "webhook")
    payload = _payload(request)
    workspace_id = await system.reader.find(request.who, "webhook", webhook_id)
    found = await system.reader.ask(
        request.who, workspace_id, lambda _: (), role=Role.admin
    )
    webhook = found.catalog.live_webhook(webhook_id)
    if webhook.kind != OUTGOING:
        raise Malformed("Only an outgoing webhook can be tried out")
    sending = await _sending(system, webhook)
    to = Ready(sending.address.url, sending.address.headers, sending.secrets)
    data = {
        "webhook_id": webhook.id,
        "workspace_id": workspace_id,
        "table_id": webhook.table_id,
        "payload": payload,
    }
    attempt = await try_out(system, workspace_id, webhook, to, data)
    request.waited += attempt.seconds
    return json_reply(
        {
            "success": attempt.delivered,
            "status_code": attempt.status,
            "response_body": _text(attempt.reply) if attempt.status else None,
            "error": None if attempt.delivered else reason_of(attempt),
            "duration_ms": round(attempt.seconds * 1000),
        }
    )


def _payload(request: Request) -> Any:
    if not request.body.strip():
        return None
    if len(request.body) > LARGEST_PAYLOAD:
        raise PayloadTooLarge(f"A test has at most {LARGEST_PAYLOAD // 1024} KiB")
    return request.shape(shapes.TestWebhook).payload


async def _sending(system: System, webhook: Webhook) -> Sending:
    """Raises Conflict where nothing could be signed or sent."""
    try:
        found = await Registry(system).sending(webhook)
    except Unreadable as error:
        raise Conflict(UNREADABLE) from error
    if found is None:
        raise Conflict("The webhook needs a new secret: rotate it")
    return found
