"""Which tasks a process performs, as the settings have it: wired once."""

from collections.abc import Sequence

from commands.system import System
from workers.deliveries.job import Deliveries, Patience
from workers.deliveries.registry import Registry
from workers.deliveries.sending import sending
from workers.tasks import Job


def jobs(system: System) -> Sequence[Job]:
    patience = Patience.of(system.settings)
    send = sending(system.outbound)
    return [Deliveries(system.pool, Registry(system), send, patience)]
