"""What every loop of the workers does beside its work: to connect, to listen, to wait,
and to tell that something is not there once, and then ever more rarely."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

import psycopg

from projections.postgres import CONNECT, adapt

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0  # between two looks, if nobody wakes
LONGEST_PAUSE = 10.0  # seconds, before what is not available is tried again

Connection: TypeAlias = psycopg.AsyncConnection[Any]


class Unavailable(Exception):
    """What the effect needs is not there now"""


class Failures:
    """The failures in a row of one loop."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0

    def say(self, error: BaseException) -> None:
        """Counts one.  Told are the first, the second, the fourth, the eighth, …"""
        self._count += 1
        if self._count & (self._count - 1) == 0:
            told = first_line(error)
            log.warning("%s waits and tries again: %s", self._name, told)

    def count(self) -> None:
        """Counts one that was told otherwise."""
        self._count += 1

    def over(self) -> bool:
        """It went well; whether it had not before."""
        failed, self._count = self._count > 0, 0
        return failed

    async def pause(self, stopping: asyncio.Event) -> None:
        """The longer, the more there were; not woken by news: it is not that which is
        missing."""
        longest = min(0.1 * 2 ** min(self._count, 10), LONGEST_PAUSE)
        await wait(stopping, longest * random.uniform(0.5, 1))


class Rounds:
    """Round after round of one loop, until it is stopped.  What is not there, and a bug
    of ours, have it wait; nothing ends it."""

    def __init__(self, name: str) -> None:
        self._name, self._failures = name, Failures(name)
        self._awake, self._stopping = asyncio.Event(), asyncio.Event()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def wake(self) -> None:
        self._awake.set()

    def stop(self) -> None:
        self._stopping.set()
        self.wake()

    async def run(
        self, round: Callable[[], Awaitable[float]], pause: float = 0.0
    ) -> None:
        """`round` gives after how many seconds there may be more, if nobody wakes;
        `pause`: seconds between two of them in any case."""
        failures = self._failures
        while not self.stopping:
            self._awake.clear()
            try:
                rest = await round()
                failures.over()
            except (Unavailable, psycopg.Error) as error:
                failures.say(error)
                await failures.pause(self._stopping)
                continue
            except Exception:  # a bug of ours; the others want to go on
                failures.count()
                log.exception("%s failed", self._name)
                await failures.pause(self._stopping)
                continue
            if pause:
                await wait(self._stopping, pause)
            if rest:
                await wait(self._awake, rest)


async def connect(url: str) -> Connection:
    """A connection of a loop's own.  Raises psycopg.Error."""
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, **CONNECT)
    adapt(connection)
    connection.prepare_threshold = 0
    return connection


async def listen(url: str, channel: str, heard: Callable[[], None]) -> None:
    """Calls `heard` at each notice, until it is cancelled.

    What was notified while nobody could listen is missed: who is woken asks now and
    then anyway.
    """
    while True:
        with suppress(psycopg.Error):
            async with await connect(url) as connection:
                await connection.execute(f"LISTEN {channel}")
                heard()  # of what came before somebody listened
                async for _ in connection.notifies():
                    heard()
        await asyncio.sleep(POLL_SECONDS)


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Until it is set, and no longer than so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def first_line(error: BaseException) -> str:
    """What went wrong, without the details below it, which may be somebody's data."""
    told = str(error).strip().partition("\n")[0][:300]
    return f"{type(error).__name__}: {told}" if told else type(error).__name__
