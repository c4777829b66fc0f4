"""What senders post to an incoming webhook.

The token is looked at before anything else of a request, and the body is read only
where it is good.
"""

import re
from hashlib import sha256

import orjson

from api.http import Reply, Request, read_json
from api.limits import MINUTE, Limits, Rate, RateLimited
from api.writing import reply_of
from commands import incoming
from commands.incoming import Message, Sender
from commands.system import System
from commands.unit import Once
from domain.errors import Invalid, Malformed, NotFound
from domain.ids import RecordId, WebhookId, WorkspaceId

LARGEST = 1_000_000  # bytes of a body
RATE = Rate("webhook", 1000, MINUTE)
_LONGEST_ID = 200  # characters of a message's id
_ID = re.compile(rf"[\x21-\x7e]{{1,{_LONGEST_ID}}}")


async def admit(system: System, request: Request, limits: Limits | None) -> None:
    """Counts a message as its webhook's, and a token that is none as the address's.

    Raises NotFound, RateLimited.
    """
    try:
        sender = await incoming.sender_of(system, request.path["token"])
    except NotFound:
        if limits is not None:
            request.allowance = await limits.take(None, request.address)
            if not request.allowance.allowed:
                raise RateLimited(request.allowance) from None
        raise
    request.notes["workspace"] = sender.workspace_id
    request.notes["webhook"] = sender.webhook_id
    if limits is not None:
        request.allowance = await limits.take_one(RATE, sender.webhook_id)
        if not request.allowance.allowed:
            raise RateLimited(request.allowance)


async def receive(system: System, request: Request) -> Reply:
    notes = request.notes
    webhook_id = WebhookId(notes["webhook"])
    sender = Sender(WorkspaceId(notes["workspace"]), webhook_id)
    # whatever type its sender says that it has
    body = read_json(request.body, request.max_depth)
    if not isinstance(body, dict):
        raise Invalid("The body must be an object")
    message = Message(sender, request.request_id, body, _once(request))

    def render(record_id: RecordId) -> Reply:
        told = {
            "success": True,
            "webhook_id": webhook_id,
            "record_id": record_id,
            "message": "Record created",
        }
        return Reply(200, orjson.dumps(told))

    return reply_of(await incoming.receive(system, message, render))


def _once(request: Request) -> Once | None:
    """By the id that senders after Standard Webhooks give a message: that is the same
    message, however it is written and sent this time; else by `Idempotency-Key`.

    No fingerprint of the path: the token is in it.
    """
    id = request.header("webhook-id")
    if id is None:
        if request.idempotency_key is None:
            return None
        return Once(f"key:{request.idempotency_key}", sha256(request.body).digest())
    if not _ID.fullmatch(id):
        raise Malformed(f"webhook-id must be 1 to {_LONGEST_ID} printable characters")
    return Once(f"id:{id}", sha256(b"a message").digest())
