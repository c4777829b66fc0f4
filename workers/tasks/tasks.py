"""The tasks of one process: the sweep, what wakes it, and the engine."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Sequence

from commands.settings import Settings
from workers.loops import listen
from workers.tasks.engine import Engine
from workers.tasks.in_process import InProcess
from workers.tasks.job import CHANNEL, Job
from workers.tasks.sweep import Sweep

DRAIN_SECONDS = 5.0  # for what is under way when it has to stop
SWEEP_SECONDS = 1.0  # for a look that is under way then


def engine_for(settings: Settings) -> Engine:
    """As the settings say."""
    if settings.redis_url is None:
        return InProcess()
    # dramatiq is imported by those who want it
    from workers.tasks.on_redis import OnRedis

    return OnRedis(settings.redis_url, _namespace(settings))


def _namespace(settings: Settings) -> str:
    """Whoever shares a database has one key; others may share the Redis."""
    key = settings.secret_key.get_secret_value().encode()
    digest = hmac.new(key, b"namespace of tasks", hashlib.sha256).hexdigest()
    return f"tabellion-tasks-{digest[:16]}"


class Tasks:
    """`start`, `drain` where others have to stop first, `stop`."""

    def __init__(self, url: str, jobs: Sequence[Job], engine: Engine) -> None:
        self._url, self._jobs, self._engine = url, jobs, engine
        self._sweep = Sweep(url, jobs, engine)
        self._loops: list[asyncio.Task[None]] = []
        self._drained_at: float | None = None

    def start(self) -> None:
        if not self._jobs:
            return
        wake = self._sweep.wake
        self._engine.start({one.name: one for one in self._jobs}, wake)
        self._loops = [
            asyncio.create_task(self._sweep.run()),
            asyncio.create_task(listen(self._url, CHANNEL, wake)),
        ]

    def drain(self) -> None:
        """Nothing more is looked for; what was told or is under way goes on."""
        if self._drained_at is None:
            self._drained_at = time.monotonic()
            self._sweep.stop()
            self._engine.drain()

    async def stop(self) -> None:
        """Lets what is under way finish, for a while since it was told to drain."""
        self.drain()
        if not self._loops:
            return
        sweeping, listening = self._loops
        listening.cancel()
        await asyncio.wait([sweeping], timeout=SWEEP_SECONDS)
        sweeping.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        left = DRAIN_SECONDS - (time.monotonic() - (self._drained_at or 0.0))
        await self._engine.stop(max(left, 0.0))
