"""A process that does the tests' errands until it is told to stop, or killed.

    python -m tests.workers.errand_process JOB TOLD [REDIS NAMESPACE]

The database comes by the environment variable `URL`.  Where
an errand's id ends in "before" or "after" it says so and stays there: at its effect.
"""

import asyncio
import os
import signal
import sys

from tests.workers.errands import Errands
from workers.tasks import Engine, InProcess, Tasks

MOST = 8  # under way


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def stay(place: str, id: str) -> None:
    if id.endswith(place):
        tell(id)
        await asyncio.sleep(3600)


async def main(job: str, told: str, *redis: str) -> None:
    engine: Engine = InProcess(MOST)
    if redis:
        from workers.tasks.on_redis import OnRedis

        url, namespace = redis
        engine = OnRedis(url, namespace, most=MOST)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    errands = Errands(
        os.environ["URL"], job, told=float(told), leased=float(told), who="process"
    )
    async with errands.open():
        errands.before = lambda id: stay("before", id)
        errands.after = lambda id: stay("after", id)
        tasks = Tasks(errands.url, [errands], engine)
        tasks.start()
        tell("works")
        await stopping.wait()
        await tasks.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
