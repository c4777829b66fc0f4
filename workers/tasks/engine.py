"""What carries ids to whoever performs them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from workers.tasks.job import Job


class Engine(Protocol):
    """One of a process.  `drain` comes before `stop`, and both once."""

    @property
    def told(self) -> str:
        """What it is, for people."""

    def start(self, jobs: Mapping[str, Job], performed: Callable[[], None]) -> None:
        """`performed` is called after each task: there may be room, or one more due."""

    async def room(self) -> int:
        """How many ids can be handed over now."""

    async def hand(self, name: str, ids: Sequence[str]) -> None:
        """Carries the ids of a job; what is lost on the way is told again later."""

    def drain(self) -> None:
        """There is no room from here on."""

    async def stop(self, seconds: float) -> None:
        """Lets what is under way finish for so long, then gives it up."""
