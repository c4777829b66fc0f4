"""Tasks performed in this process, so many at a time."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

import psycopg

from workers.loops import Failures, Unavailable
from workers.tasks.job import Job

log = logging.getLogger(__name__)

UNDER_WAY = 256  # of one process
CLOSE_SECONDS = 1.0  # for letting go of what was not finished when it had to stop


class InProcess:
    """An engine without anything between the sweep and the task."""

    told = "in this process"

    def __init__(self, most: int = UNDER_WAY) -> None:
        self._most = most
        self._jobs: Mapping[str, Job] = {}
        self._failures: Mapping[str, Failures] = {}
        self._performed: Callable[[], None] = lambda: None
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._freed = asyncio.Event()
        self._draining = False

    def start(self, jobs: Mapping[str, Job], performed: Callable[[], None]) -> None:
        self._jobs, self._performed = jobs, performed
        self._failures = {name: Failures(name) for name in jobs}

    async def room(self) -> int:
        return self._room()

    def _room(self) -> int:
        return 0 if self._draining else self._most - len(self._under_way)

    async def hand(self, name: str, ids: Sequence[str]) -> None:
        for id in ids:
            self._begin(name, id)

    async def take(self, name: str, ids: Sequence[str]) -> Sequence[str]:
        """Begins each as soon as there is room; gives those that were left when it had
        to stop."""
        for place, id in enumerate(ids):
            while self._room() <= 0 and not self._draining:
                self._freed.clear()
                await self._freed.wait()
            if self._draining:
                return ids[place:]
            self._begin(name, id)
        return []

    def drain(self) -> None:
        self._draining = True
        self._freed.set()

    async def stop(self, seconds: float) -> None:
        self.drain()
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way.values(), timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            log.warning("%d tasks were given up and are done again later", len(late))
            await asyncio.wait(late, timeout=CLOSE_SECONDS)

    def _begin(self, name: str, id: str) -> None:
        if (name, id) in self._under_way:
            return
        task = asyncio.create_task(self._perform(name, id))
        self._under_way[name, id] = task
        task.add_done_callback(lambda _: self._ended(name, id))

    def _ended(self, name: str, id: str) -> None:
        del self._under_way[name, id]
        self._freed.set()
        self._performed()

    async def _perform(self, name: str, id: str) -> None:
        try:
            await self._jobs[name].perform(id)
        except (Unavailable, psycopg.Error) as error:
            self._failures[name].say(error)
        except Exception:  # a bug of ours; the others want to be performed
            log.exception("%s failed", name)
        else:
            self._failures[name].over()
