"""One try: a message is signed and sent, and what came of it told in a few words."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from commands.outbound import Outbound, Refused, Unreachable
from commands.outbound.signing import signed
from commands.system import now
from domain.ids import EventId
from workers.deliveries.retries import Attempt
from workers.deliveries.webhooks import Ready

REPLY_BYTES = 1024  # of a reply are kept
ERROR_CHARACTERS = 300
BUG = "it could not be sent; the server's log says why"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, at every try the same bytes."""

    event_id: EventId
    body: bytes

    @property
    def id(self) -> str:
        """One of an event, however often it is sent: so a receiver knows it again."""
        return f"msg_{self.event_id}"


Send: TypeAlias = Callable[[Ready, Message], Awaitable[Attempt]]


def sending(out: Outbound) -> Send:
    """Sends by the one way out."""

    async def send(to: Ready, message: Message) -> Attempt:
        at, began = now(), time.monotonic()
        try:
            headers = {
                **_typed(to.headers),
                **signed(message.id, int(at), message.body, to.secrets),
            }
            answer = await out.post(to.url, headers, message.body)
        except (Refused, Unreachable) as error:
            return Attempt(at, time.monotonic() - began, error=_told(str(error)))
        except Exception:  # a bug of ours: an attempt too, or it would never end
            log.exception("%s was not sent", message.id)
            return Attempt(at, time.monotonic() - began, error=BUG)
        return Attempt(
            at,
            answer.seconds,
            answer.status,
            reply=answer.body[:REPLY_BYTES],
            retry_after=answer.head.get("retry-after"),
        )

    return send


def _told(reason: str) -> str:
    """Fit to be kept: a text of the database holds no NUL, and of UTF-8 no half."""
    short = reason[:ERROR_CHARACTERS]
    return "".join(one if one.isprintable() else "?" for one in short)


def _typed(headers: Mapping[str, str]) -> Mapping[str, str]:
    """With the type of the body, where its webhook has no other word for it."""
    if any(name.lower() == "content-type" for name in headers):
        return headers
    return {"content-type": "application/json", **headers}
