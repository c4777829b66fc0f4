"""The access log: sign-ins and refused attempts, which are not events.

Rows gather in memory and are written every second, so that an attempt costs the
attacker more than us.  When more come than can be written, the newest are counted and
left out, and the count is logged.
"""

import asyncio
import logging
from dataclasses import dataclass

from api.http import Request
from api.routes import Route
from commands.system import System
from domain.errors import Busy, DomainError
from domain.ids import canonical
from projections.arrays import text_array

log = logging.getLogger(__name__)

_MOST = 10_000  # rows that wait
_SECONDS = 1.0
_SIGN_INS = frozenset(
    {
        "/auth/register",
        "/auth/login",
        "/auth/refresh",
        "/auth/logout",
        "/auth/oauth/callback",
        "/auth/exchange",
    }
)


@dataclass(frozen=True, slots=True)
class _Row:
    actor: str | None
    action: str
    status: int
    code: str | None
    surface: str
    request_id: str
    address: str


class AccessLog:
    """Takes notes of requests and writes them behind."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._rows: list[_Row] = []
        self._left_out = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._write_on())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._write()

    def note(
        self,
        request: Request,
        route: Route | None,
        status: int,
        refusal: DomainError | None,
    ) -> None:
        """Keeps a sign-in of any outcome, and a refusal for want of rights."""
        signing_in = route is not None and route.path in _SIGN_INS
        if not signing_in and status not in (401, 403):
            return
        if len(self._rows) >= _MOST:
            self._left_out += 1
            return
        caller = request.caller
        path = route.path if route is not None else "unknown"
        self._rows.append(
            _Row(
                canonical(caller.user_id) if caller is not None else None,
                f"{request.method} {path}",
                status,
                refusal.code if refusal is not None else None,
                request.surface,
                request.request_id,
                request.address,
            )
        )

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            await self._write()

    async def _write(self) -> None:
        rows, self._rows = self._rows, []
        if self._left_out:
            log.warning("%s rows of the access log were left out", self._left_out)
            self._left_out = 0
        if not rows:
            return
        columns = [
            text_array([row.actor for row in rows]),
            text_array([row.action for row in rows]),
            text_array([row.status for row in rows]),
            text_array([row.code for row in rows]),
            text_array([row.surface for row in rows]),
            text_array([row.request_id for row in rows]),
            text_array([row.address for row in rows]),
        ]
        try:
            await self._system.reader.run([(_INSERT, columns)])
        except Busy:
            log.warning("the access log could not be written; %s rows wait", len(rows))
            self._rows = (rows + self._rows)[:_MOST]


_INSERT = b"""
    INSERT INTO ledger.access_log
        (actor, action, status, code, surface, request_id, address)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::smallint[], %s::text[],
                         %s::text[], %s::text[], %s::text[])
"""
