"""The wiring: every part of the system, made once and joined here.

Where the clock and the random bits come from.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from commands.committer import Committer
from commands.deciding import Group
from commands.embedded import DatabaseUrls
from commands.files import sweep
from commands.migrate import Roles, migrate
from commands.outbound import Outbound
from commands.seal import Sealer
from commands.sealing import Sealing
from commands.settings import Settings
from commands.transaction import Transaction
from domain.ids import WorkspaceId, uuid7
from projections.as_of import AsOf
from projections.gets import Gets
from projections.indexes import Index
from projections.lists import Lists
from projections.postgres import CONNECT, Pool, adapt
from projections.reader import Catalogs, Reader

LONG_READS = 4  # at a time in one process
MET_BEFORE = 3  # times that a connection meets a statement before it prepares it


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def time_text(seconds: float) -> str:
    """RFC 3339 in UTC with six decimals: the form of every `recorded_at`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# ids have to differ, not to be secret: a generator in the process costs no system call,
# and each of those gives the interpreter away
_random = random.Random(random.SystemRandom().getrandbits(256))
random_bits = _random.getrandbits


def new_id() -> str:
    """A UUIDv7 of this moment."""
    return uuid7(int(now() * 1000), random_bits(74))


@dataclass
class Observed:
    """What the parts tell about themselves, for metrics: replaced by who measures."""

    committed: Callable[[Group, float], None] = lambda group, seconds: None
    sealed: Callable[[int], None] = lambda moved: None
    moved: Callable[[WorkspaceId, int], None] = lambda workspace_id, position: None
    listed: Callable[[float, Sequence[Index]], None] = lambda seconds, indexes: None


@dataclass
class System:
    """The running parts.  `start` and `stop` are the life of a process."""

    settings: Settings
    urls: DatabaseUrls
    roles: Roles
    catalogs: Catalogs
    committer: Committer
    sealer: Sealer
    pool: Pool
    reader: Reader
    gets: Gets
    lists: Lists
    as_of: AsOf
    sealing: Sealing
    outbound: Outbound
    observed: Observed = field(default_factory=Observed)
    # files are read on the loop, a few milliseconds a turn: two at a time are enough
    reading_files: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(2)
    )
    # reads that hold a connection and a snapshot of their own for long
    long_reads: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(LONG_READS)
    )

    async def start(self) -> None:
        sweep(self.settings.data_dir, now())
        self.committer.start()
        self.sealer.start()
        await self.pool.open()
        self.as_of.shadows.start()

    async def stop(self) -> None:
        """Lets accepted writes finish, then lets go of everything."""
        await self.committer.stop()
        await self.as_of.shadows.stop()
        self.sealer.stop()
        await self.outbound.close()
        await self.pool.close(timeout=2)


def build(settings: Settings, urls: DatabaseUrls) -> System:
    """Migrates the database and wires the system; nothing runs yet."""
    roles = migrate(urls)
    observed = Observed()
    catalogs = Catalogs()
    sealer = Sealer(urls.app, sealed=lambda moved: observed.sealed(moved))

    def committed(group: Group, seconds: float) -> None:
        if group.accepted:
            sealer.wake()
            observed.moved(group.workspace_id, group.accepted[-1].last_seq)
        observed.committed(group, seconds)

    committer = Committer(
        lambda: Transaction(
            urls.app,
            clock=now,
            bits=random_bits,
            time_text=time_text,
            catalogs=catalogs,
        ),
        connections=settings.committer_connections,
        queue_limit=settings.queue_limit,
        committed=committed,
    )
    pool = Pool(
        urls.app,
        kwargs={"autocommit": True, "prepare_threshold": MET_BEFORE, **CONNECT},
        configure=_configure,
        min_size=2,
        max_size=8,
        open=False,
        reconnect_timeout=30,
    )
    reader = Reader(pool, catalogs)
    return System(
        settings,
        urls,
        roles,
        catalogs,
        committer,
        sealer,
        pool,
        reader,
        Gets(reader),
        Lists(lambda seconds, indexes: observed.listed(seconds, indexes)),
        AsOf(reader, urls.app),
        Sealing([settings.secret_key.get_secret_value()]),
        Outbound.of(settings),
        observed,
    )


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    adapt(connection)
