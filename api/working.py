"""What follows the commit, wired with what the surfaces have a say in: the same in
`tabellion serve` and in `tabellion work`, which has no door."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator

from api.hooks import surfaces
from commands.embedded import database
from commands.settings import Settings
from commands.system import System, build
from workers.followers import followers
from workers.jobs import jobs
from workers.running import Running


def working(system: System) -> Running:
    return Running(system, followers(system.settings, surfaces()), jobs(system))


def work(settings: Settings, say: Callable[[str], None]) -> None:
    """Works until SIGTERM or SIGINT; `say` prints a line."""
    # until the loop takes the signals over: what has been started is stopped
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with database(settings) as urls:
        system = build(settings, urls)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_work(system, say))


async def _work(system: System, say: Callable[[str], None]) -> None:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    await system.start()
    running = working(system)
    running.start()
    try:
        for line in _told(system, running):
            say(line)
        await told_to_stop.wait()
        say("stops as soon as what is under way has ended")
    finally:
        await running.stop()
        await system.stop()


def _told(system: System, running: Running) -> Iterator[str]:
    settings = system.settings
    if system.urls.embedded:
        yield (
            f"database   embedded, in {settings.data_dir.absolute()}: shared with every"
            " tabellion of this machine that has this TABELLION_DATA_DIR; who leaves"
            " last stops it"
        )
    else:
        yield "database   TABELLION_DATABASE_URL"
    yield f"calls      {_callable(settings)}"
    yield f"followers  {', '.join(running.followers) or 'none'}"
    yield f"tasks      {', '.join(running.jobs) or 'none'}, {running.engine}"


def _callable(settings: Settings) -> str:
    """What webhooks may reach: another process with other settings tells other ones."""
    ports = ", ".join(settings.outbound_ports)
    networks = ", ".join(settings.outbound_allow)
    return (
        f"{'any port' if ports == '*' else f'ports {ports}'} of public addresses"
        + (f" and of {networks}" if networks else "")
        + "; to be the same wherever webhooks are sent"
    )


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
