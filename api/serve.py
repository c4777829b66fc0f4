"""What `tabellion serve` runs: the doors of one process, one loop, one shutdown."""

import asyncio
import gc
import logging
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from api.access import AccessLog
from api.metrics import Metrics
from api.ports import Doors
from api.protocol import LimitedProtocol
from api.working import loop_factory, working
from commands.embedded import database
from commands.first_administrator import make_first_administrator
from commands.settings import Settings
from commands.system import System, build, now
from workers.indexes import Indexer
from workers.running import Running

log = logging.getLogger(__name__)

# longer than clients keep an idle connection: who asks on one that is just being closed
# cannot know whether it was heard
KEEP_ALIVE_SECONDS = 30
DRAIN_SECONDS = 6  # for requests under way, within the ten that stopping may take


class DoorServer(uvicorn.Server):
    """A uvicorn server that leaves the signals to the process, and tells its door
    before it waits for the requests under way."""

    @contextmanager
    def capture_signals(self) -> Any:
        yield

    async def shutdown(self, sockets: Any = None) -> None:
        self.config.app.drain()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serves every finished door until SIGTERM or SIGINT; `say` prints a line."""
    _take_descriptors()
    # until the loop takes the signals over: what has been started is stopped
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with database(settings) as urls:
        system = build(settings, urls)
        uvicorn.config.LOGGING_CONFIG["disable_existing_loggers"] = False
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(system, say))


def _take_descriptors() -> None:
    """As many files and connections as this process is allowed: a stream is one each,
    and the usual limit of 1,024 is there for programs that cannot have more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(system: System, say: Callable[[str], None]) -> None:
    settings = system.settings
    metrics = Metrics()
    metrics.watch(system)
    access = AccessLog(system)
    doors = Doors.of(system, metrics, access)
    servers = [
        DoorServer(server_config(app, settings, port))
        for port, app in doors.by_port(settings).items()
    ]
    running = working(system) if settings.serve_works else None
    _stop_on_signal(servers, running)
    await system.start()
    await make_first_administrator(system)
    access.start()
    indexer = Indexer(system.urls.app, most=settings.demanded_indexes, clock=now)
    system.observed.listed = indexer.demand
    indexer.start()
    if running is not None:
        running.start()
    gc.collect()
    gc.freeze()
    # a large unit makes what stays by the thousand: at 700 the collector looks through
    # young objects that are nearly all in use
    gc.set_threshold(10_000, 10, 10)
    try:
        serving = [asyncio.create_task(server.serve()) for server in servers]
        announcing = asyncio.create_task(_announce(servers, settings, say))
        await asyncio.gather(*serving)
        announcing.cancel()
    finally:
        if running is not None:
            await running.stop()
        await indexer.stop()
        await doors.close()
        await access.stop()
        await system.stop()


def server_config(
    application: Any, settings: Settings, port: int, *, drain: int = DRAIN_SECONDS
) -> uvicorn.Config:
    """How an application is served, in `tabellion serve` and in tests."""
    return uvicorn.Config(
        application,
        host=settings.host,
        port=port,
        http=LimitedProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        # without a list uvicorn believes whoever is on this machine
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=drain,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        backlog=2048,
    )


def _stop_on_signal(servers: list[DoorServer], running: Running | None) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server in servers:
            server.should_exit = True
        if running is not None:
            running.drain()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


async def _announce(
    servers: list[DoorServer], settings: Settings, say: Callable[[str], None]
) -> None:
    while not all(server.started for server in servers):
        await asyncio.sleep(0.01)
    host = f"http://{settings.host}:{settings.port_pybase}"
    pybase, tables = (host + settings.mount(one) for one in ("pybase", "tables"))
    cms = f"http://{settings.host}:{settings.port_cms}"
    if settings.single_port:
        cms = host + settings.mount("cms")
    say(f"PyBase     {pybase}/api/v1")
    say(f"Table REST {tables}/api/workspace")
    say(f"CMS        {cms}")
    documents = "   ".join(
        f"{one}{path}" for one in (pybase, cms) for path in ("/docs", "/openapi.json")
    )
    say(f"documents  {documents}")
    say(f"metrics    {host}/metrics")
