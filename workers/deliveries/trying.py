"""Trying a webhook out: one message at once, by the same way as all others, written
down as a delivery that is never sent again."""

from collections.abc import Mapping
from typing import Any

import orjson

from commands.system import System, new_id, now, time_text
from domain.catalog import Webhook
from domain.ids import EventId, WorkspaceId
from projections.reader import see
from workers.deliveries.outcomes import WRITE_ATTEMPT, attempt_values
from workers.deliveries.retries import Attempt, reason_of
from workers.deliveries.sending import Message, sending
from workers.deliveries.webhooks import Ready

EVENT = "webhook.test"


async def try_out(
    system: System,
    workspace_id: WorkspaceId,
    webhook: Webhook,
    to: Ready,
    data: Mapping[str, Any],
) -> Attempt:
    """Sends a message of no event, with an id of its own, and tells how that went."""
    body = {"type": EVENT, "timestamp": time_text(now()), "data": data}
    message = Message(EventId(new_id()), orjson.dumps(body))
    attempt = await sending(system.outbound)(to, message)
    delivery_id = new_id()
    values = {
        **attempt_values(delivery_id, workspace_id, 1, attempt),
        "webhook": webhook.id,
        "event_id": message.event_id,
        "event": EVENT,
        "receiver": webhook.origin,
        "state": "delivered" if attempt.delivered else "failed",
        "reason": None if attempt.delivered else reason_of(attempt),
        "body": message.body,
    }
    statements = (_ADD, WRITE_ATTEMPT.encode())
    await system.reader.run([see(workspace_id), *((one, values) for one in statements)])
    return attempt


# its stream is itself: nothing waits for it
_ADD = b"""
    WITH added AS (
        INSERT INTO hooks.deliveries
            (id, workspace_id, webhook_id, event_id, event, receiver, stream, head,
             state, attempts, finished_at, status, reason)
        VALUES (%(id)s::uuid, %(workspace)s::uuid, %(webhook)s::uuid,
                %(event_id)s::uuid, %(event)s, %(receiver)s, %(id)s::uuid, true,
                %(state)s, 1, clock_timestamp(), %(status)s::smallint, %(reason)s)
    )
    INSERT INTO hooks.contents (delivery_id, workspace_id, body)
    VALUES (%(id)s::uuid, %(workspace)s::uuid, %(body)s)
"""
