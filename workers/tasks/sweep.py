"""The sweep: finds what is due and has the engine carry it.

One process at a time, by an advisory lock of a short transaction: so nothing is held
by who was killed, and several processes have their turns.  That it is one is thrift
alone: `overdue` tells nobody the same id twice.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress

import psycopg

from workers.loops import (
    POLL_SECONDS,
    Connection,
    Failures,
    Rounds,
    Unavailable,
    connect,
)
from workers.tasks.engine import Engine
from workers.tasks.job import Job

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.02  # between two rounds: what is due gathers meanwhile
TURN_SECONDS = 0.2  # after which it is tried again where another was at it
_LOCK = 0x7AB_D0E

Found = list[tuple[str, Sequence[str]]]


class Sweep:
    def __init__(self, url: str, jobs: Sequence[Job], engine: Engine) -> None:
        self._url, self._engine = url, engine
        self._jobs = list(jobs)
        self._failures = {one.name: Failures(one.name) for one in jobs}
        self._rounds = Rounds("the sweep")
        self._connection: Connection | None = None

    def wake(self) -> None:
        self._rounds.wake()

    def stop(self) -> None:
        self._rounds.stop()

    async def run(self) -> None:
        try:
            await self._rounds.run(self.round, PAUSE_SECONDS)
        finally:
            await self._let_go()

    async def round(self) -> float:
        """Tells what is due, as far as there is room for it; gives after how many
        seconds there may be more, if nobody wakes.

        Raises Unavailable, psycopg.Error.
        """
        room = await self._engine.room()
        if room <= 0:
            return POLL_SECONDS
        connection = await self._connected()
        found: Found = []
        try:
            async with connection.transaction():
                row = await (await connection.execute(_TRY, [_LOCK])).fetchone()
                if not row or not row[0]:
                    return TURN_SECONDS
                found = await self._look(room)
        finally:
            # after the lock, as what carries them may be slow; and also where that is
            # lost, as they are marked as told
            for name, ids in found:
                await self._engine.hand(name, ids)
        return 0.0 if sum(len(ids) for _, ids in found) >= room else POLL_SECONDS

    async def _look(self, room: int) -> Found:
        """What is due of each job, in turns: what one leaves the next may have."""
        self._jobs.append(self._jobs.pop(0))
        found: Found = []
        for place, job in enumerate(self._jobs):
            most = room // (len(self._jobs) - place)
            if most <= 0:
                continue
            try:
                ids = await job.overdue(most)
            except (Unavailable, psycopg.Error) as error:
                self._failures[job.name].say(error)
            except Exception:  # a bug; the other jobs have something due too
                log.exception("what is due of %s was not found", job.name)
            else:
                self._failures[job.name].over()
                if ids:
                    found.append((job.name, ids))
                    room -= len(ids)
        return found

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            await self._let_go()
            self._connection = await connect(self._url)
        return self._connection

    async def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                await self._connection.close()


_TRY = "SELECT pg_try_advisory_xact_lock(%s)"
