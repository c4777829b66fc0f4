"""Which tasks a process performs, as the settings have it: wired once."""

from collections.abc import Sequence

from commands.system import System
from workers.tasks import Job


def jobs(system: System) -> Sequence[Job]:
    return []
