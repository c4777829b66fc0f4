"""The task of deliveries: what is due, and one try of one of them."""

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from commands.settings import Settings
from commands.system import now
from domain.errors import Busy, DomainError
from projections.postgres import Pool
from workers.deliveries.outcomes import (
    Claimed,
    body_of,
    claim,
    close,
    count_turned_off,
    put_off,
    settle,
)
from workers.deliveries.retries import Again, Attempt, Dead, Verdict, verdict
from workers.deliveries.rows import NAME
from workers.deliveries.sending import Message, Send
from workers.deliveries.tidying import tidy
from workers.deliveries.turns import due
from workers.deliveries.webhooks import (
    Gone,
    Last,
    Off,
    Paused,
    Ready,
    Standing,
    Unreadable,
    Webhooks,
)
from workers.loops import Unavailable

log = logging.getLogger(__name__)

PAUSED_SECONDS = 15  # until a paused webhook is looked at again
JITTER = 0.1
TIDY_SECONDS = 60.0  # between two looks for what is old


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is tried.  `schedule`: seconds after each attempt that failed;
    `gives_up`: of nothing but failures, after which a webhook is turned off;
    `keeps`: for which what is finished is kept."""

    schedule: Sequence[float]
    gives_up: float
    keeps: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            [float(one) for one in settings.webhook_retries],
            gives_up=settings.webhook_give_up_hours * 3600.0,
            keeps=settings.deliveries_days * 86400.0,
        )

    @property
    def forgets(self) -> float:
        """After so long a silence failures count anew."""
        return self.gives_up + max(self.schedule, default=0.0)


class Deliveries:
    """A job (`workers/tasks`)."""

    name = NAME

    def __init__(
        self, pool: Pool, webhooks: Webhooks, send: Send, patience: Patience
    ) -> None:
        self._pool, self._webhooks, self._send = pool, webhooks, send
        self._patience = patience
        self._tidy_at = 0.0

    async def overdue(self, most: int) -> Sequence[str]:
        async with self._pool.connection() as connection:
            if time.monotonic() >= self._tidy_at:
                done = await tidy(connection, self._patience.keeps)
                self._tidy_at = time.monotonic() + (TIDY_SECONDS if done else 0.0)
            return await due(connection, most)

    async def perform(self, id: str) -> None:
        """Raises Unavailable, psycopg.Error."""
        claimed = await claim(self._pool, id)
        if claimed is None:
            return
        match await self._standing(claimed):
            case Ready() as to:
                await self._settle(claimed, await self._sent(claimed, to))
            case Last(to, reason):
                await self._end(claimed, Gone(reason, sparing=claimed.event))
                await self._settle(claimed, await self._sent(claimed, to))
            case Unreadable(reason):
                await self._settle(claimed, Attempt(now(), 0.0, error=reason))
            case Paused():
                await put_off(self._pool, claimed, PAUSED_SECONDS)
            case Off() | Gone() as over:
                await self._end(claimed, over)

    async def _end(self, claimed: Claimed, over: Off | Gone) -> None:
        """Closes what waits of a webhook that is over."""
        if isinstance(over, Off):
            await close(self._pool, claimed, "failed", over.reason)
        else:
            await close(self._pool, claimed, "cancelled", over.reason, over.sparing)

    async def _standing(self, claimed: Claimed) -> Standing:
        try:
            return await self._webhooks.standing(
                claimed.workspace_id, claimed.webhook_id, claimed.event
            )
        except Busy as error:
            raise Unavailable(error.detail) from error

    async def _sent(self, claimed: Claimed, to: Ready) -> Attempt:
        message = Message(claimed.event_id, await body_of(self._pool, claimed))
        return await self._send(to, message)

    async def _settle(self, claimed: Claimed, attempt: Attempt) -> None:
        spread = random.uniform(1 - JITTER, 1 + JITTER)
        found = verdict(attempt, claimed.number, self._patience.schedule, spread)
        failing = await settle(
            self._pool, claimed, attempt, found, self._patience.forgets
        )
        if failing is None:
            log.warning("delivery %s took longer than its lease", claimed.id)
            return
        reason = self._gives_up(found, failing)
        if reason is not None:
            await self._turn_off(claimed, reason)
        if reason is not None or isinstance(found, Again):
            await self._look_again(claimed)

    async def _look_again(self, claimed: Claimed) -> None:
        """Whether the webhook was over before this attempt was: who stirred then passed
        by what was under way."""
        standing = await self._standing(claimed)
        if isinstance(standing, Off | Gone):
            await self._end(claimed, standing)

    def _gives_up(self, found: Verdict, failing: float) -> str | None:
        """Why its webhook is turned off, if it is."""
        if isinstance(found, Dead) and found.gone:
            return found.reason
        hours = self._patience.gives_up / 3600
        if failing >= self._patience.gives_up:
            return f"nothing but failures for {hours:g} hours"
        return None

    async def _turn_off(self, claimed: Claimed, reason: str) -> None:
        """What cannot be turned off now is after its next failure."""
        try:
            changed = await self._webhooks.turn_off(
                claimed.workspace_id, claimed.webhook_id, reason
            )
        except DomainError as error:
            log.info("webhook %s was not turned off: %s", claimed.webhook_id, error)
            return
        if changed:
            log.warning(
                "webhook %s of workspace %s is turned off: %s",
                claimed.webhook_id,
                claimed.workspace_id,
                reason,
            )
            await count_turned_off(self._pool, claimed.webhook_id)
