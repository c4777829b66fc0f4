"""What follows the commit in one process, started and stopped as one.

Any number of processes may do so side by side: each thing is done by one of them.
"""

import asyncio
from collections.abc import Sequence

from commands.system import System
from workers.following import Follower, Following
from workers.tasks import Job, Tasks, engine_for
from workers.uniqueness import Filler, settling


class Running:
    """Followers, tasks, and the filling of unique constraints, of a system that runs.

    `drain` may come before `stop`: from then on no task begins, while others that stop
    first take their time."""

    def __init__(
        self, system: System, followers: Sequence[Follower], jobs: Sequence[Job]
    ) -> None:
        urls, engine = system.urls, engine_for(system.settings)
        self.followers = [one.name for one in followers]
        self.jobs = [one.name for one in jobs]
        self.engine = engine.told
        self._following = Following(urls.follower, followers)
        self._tasks = Tasks(urls.follower, jobs, engine)
        self._filler = Filler(urls.app, settling(system))

    def start(self) -> None:
        self._following.start()
        self._tasks.start()
        self._filler.start()

    def drain(self) -> None:
        self._tasks.drain()

    async def stop(self) -> None:
        await asyncio.gather(
            self._following.stop(), self._tasks.stop(), self._filler.stop()
        )
