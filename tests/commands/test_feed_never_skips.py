"""The argument for the feed: what a tail by a sequence loses, and the feed does not."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import sql

from commands.embedded import DatabaseUrls
from commands.seal import Sealer, seal
from projections.postgres import connect
from tests.commands import writing
from tests.commands.tenant import LoopedCommitter, Tenant, field_id
from tests.sealing import seal_all

SECONDS = 3.0  # of load
WRITERS = 8
LEAST = 64  # records that a writer writes, however long it takes
WORKSPACES = 3


@contextmanager
def running(work: Callable[[threading.Event], None], times: int = 1) -> Iterator[None]:
    """Runs threads beside the block; what they raise is raised at its end."""
    stopping = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work(stopping)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(10)
    for error in errors:
        raise error


@pytest.fixture
def idle_transaction(database: DatabaseUrls) -> Iterator[None]:
    """A transaction with an id and a snapshot that sits open meanwhile."""
    with psycopg.connect(database.owner) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT pg_current_xact_id(), count(*) FROM ledger.feed")
        yield
        connection.rollback()


# -------------------------------------------------------------- the naive way


@dataclass
class Naive:
    """A table with a sequence, as an event log is usually begun."""

    url: str
    table: sql.Identifier

    def write(self, stopping: threading.Event) -> None:
        insert = sql.SQL("INSERT INTO {} DEFAULT VALUES").format(self.table)
        with connect(self.url, autocommit=True) as connection:
            while not stopping.is_set():
                with connection.transaction():
                    connection.execute(insert)
                    time.sleep(random.uniform(0, writing.LONGEST))

    def tail(self, stopping: threading.Event, seen: list[int]) -> None:
        """`WHERE pos > last ORDER BY pos`, until nothing comes any more."""
        page = sql.SQL("SELECT pos FROM {} WHERE pos > %s ORDER BY pos").format(
            self.table
        )
        last = 0
        with connect(self.url, autocommit=True) as connection:
            while True:
                ending = stopping.is_set()
                for (pos,) in connection.execute(page, [last]).fetchall():
                    seen.append(pos)
                    last = pos
                if ending:
                    return
                time.sleep(0.002)

    def all(self) -> list[int]:
        with connect(self.url, autocommit=True) as connection:
            rows = connection.execute(sql.SQL("SELECT pos FROM {}").format(self.table))
            return [row[0] for row in rows]


@pytest.fixture
def naive(database: DatabaseUrls) -> Iterator[Naive]:
    with psycopg.connect(database.app, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA naive")
        connection.execute("CREATE TABLE naive.events (pos bigserial PRIMARY KEY)")
        yield Naive(database.app, sql.Identifier("naive", "events"))
        connection.execute("SET client_min_messages = warning")
        connection.execute("DROP SCHEMA naive CASCADE")


def test_a_tail_by_a_sequence_loses_events_under_load(naive: Naive):
    seen: list[int] = []
    with running(lambda stopping: naive.tail(stopping, seen)):
        with running(naive.write, times=WRITERS):
            time.sleep(SECONDS)
        time.sleep(0.1)

    written = naive.all()
    lost = set(written) - set(seen)
    assert len(written) > 500
    assert len(lost) > len(written) // 100  # in fact a tenth and more


# -------------------------------------------------------------- our way


@dataclass
class Tail:
    """What followers saw, in the order in which they saw it."""

    feed: list[tuple[int, str, int]] = field(
        default_factory=list
    )  # global, workspace, seq
    cursors: dict[str, list[int]] = field(default_factory=dict)

    def follow_the_feed(self, url: str, stopping: threading.Event) -> None:
        """By the global number, from where the feed is now until it is drained."""
        with connect(url, autocommit=True) as connection:
            start = connection.execute("SELECT max(last_global) FROM ledger.feed")
            last = start.fetchall()[0][0] or 0
            while True:
                ending = stopping.is_set()
                for last_global, workspace, first, end in connection.execute(
                    "SELECT last_global, workspace_id, first_seq, last_seq"
                    " FROM ledger.feed WHERE last_global > %s ORDER BY last_global",
                    [last],
                ).fetchall():
                    for seq in range(first, end + 1):
                        self.feed.append((last_global - (end - seq), workspace, seq))
                    last = last_global
                if ending:
                    return
                time.sleep(0.002)

    def follow_a_workspace(self, tenant: Tenant, stopping: threading.Event) -> None:
        """By the workspace's own position, which needs no sealing."""
        seen = self.cursors[tenant.workspace_id] = []
        with tenant.seeing() as connection:
            last = 0
            while True:
                ending = stopping.is_set()
                for (seq,) in connection.execute(
                    "SELECT seq FROM ledger.events WHERE seq > %s ORDER BY seq", [last]
                ).fetchall():
                    seen.append(seq)
                    last = seq
                if ending:
                    return
                time.sleep(0.005)


@contextmanager
def sealing(database: DatabaseUrls) -> Iterator[None]:
    """A sealer beside the block; it seals once more at the end."""
    sealer = Sealer(database.app)
    sealer.start()
    try:
        yield
    finally:
        sealer.stop()


@pytest.fixture
def tenants(database: DatabaseUrls, committer: LoopedCommitter) -> list[Tenant]:
    return [Tenant(database, committer).settle() for _ in range(WORKSPACES)]


def _place(tenant: Tenant) -> str:
    table = tenant.table("name")
    ids = (tenant.workspace_id, tenant.user_id, table.id, field_id(table, "name"))
    return f"{':'.join(ids)}/{table.schema_seq}/{table.number}"


def _written_by_processes(
    url: str, places: list[str], processes: int
) -> set[tuple[str, int]]:
    """Runs the load; gives (workspace, position) of every acknowledged unit."""
    command = [sys.executable, "-m", "tests.commands.writing"]
    command += [url, str(SECONDS), str(LEAST)]
    running = [
        subprocess.Popen(
            [*command, str(WRITERS // processes), *places],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    acknowledged = set()
    for process in running:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        for line in output.splitlines():
            workspace, position = line.split()
            acknowledged.add((workspace, int(position)))
    return acknowledged


@pytest.mark.usefixtures("idle_transaction")
def test_the_feed_loses_none_under_the_same_load(
    database: DatabaseUrls, tenants: list[Tenant]
):
    places = [_place(tenant) for tenant in tenants]
    seal_all(database)
    before = {tenant.workspace_id: tenant.position() for tenant in tenants}
    tail = Tail()
    with ExitStack() as following:
        following.enter_context(
            running(lambda stopping: tail.follow_the_feed(database.app, stopping))
        )
        for tenant in tenants:
            follow = partial(tail.follow_a_workspace, tenant)
            following.enter_context(running(follow))
        with sealing(database), sealing(database):  # beside one in each process
            acknowledged = _written_by_processes(database.app, places, processes=2)
        time.sleep(0.1)

    written = {
        (tenant.workspace_id, seq)
        for tenant in tenants
        for seq in range(before[tenant.workspace_id] + 1, tenant.position() + 1)
    }
    assert len(written) > 500
    assert acknowledged <= written

    mine = {tenant.workspace_id for tenant in tenants}
    followed = [
        (workspace, seq) for _, workspace, seq in tail.feed if workspace in mine
    ]
    assert len(followed) == len(written)  # none twice
    assert set(followed) == written  # none lost
    for workspace in mine:
        in_order = [seq for one, seq in followed if one == workspace]
        assert in_order == sorted(in_order)
    numbers = [number for number, _, _ in tail.feed]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))  # no gap

    for tenant in tenants:
        assert tail.cursors[tenant.workspace_id] == list(
            range(1, tenant.position() + 1)
        )


# -------------------------------------------------------------- sealing


def _unsealed(tenant: Tenant) -> int:
    (row,) = tenant.rows(
        "SELECT count(*) FROM ledger.outbox WHERE workspace_id = %s",
        tenant.workspace_id,
    )
    return int(row[0])


def _sealed(tenant: Tenant) -> list[tuple[int, int]]:
    rows = tenant.rows(
        "SELECT first_seq, last_seq FROM ledger.feed WHERE workspace_id = %s"
        " ORDER BY last_global",
        tenant.workspace_id,
    )
    return [(first, last) for first, last in rows]


def test_two_sealers_race_and_each_event_is_numbered_once(
    database: DatabaseUrls, tenant: Tenant
):
    table = tenant.table("name")

    def seal_all_the_time(stopping: threading.Event) -> None:
        with connect(database.app, autocommit=True) as connection:
            while not stopping.is_set():
                seal(connection)

    with running(seal_all_the_time, times=2):
        for _ in range(150):
            tenant.create(table, {"name": "x"}, {"name": "y"})
    with connect(database.app, autocommit=True) as connection:
        seal(connection)

    assert _unsealed(tenant) == 0
    ranges = _sealed(tenant)
    seqs = [seq for first, last in ranges for seq in range(first, last + 1)]
    assert seqs == list(range(1, tenant.position() + 1))


def test_a_stopped_sealer_loses_its_lock_and_another_goes_on(
    database: DatabaseUrls, tenant: Tenant
):
    """As after SIGSTOP in the midst of a sealing: its session ends by itself."""
    with connect(database.app, autocommit=True) as stopped:
        stopped.execute("SET idle_in_transaction_session_timeout = '300ms'")
        stopped.execute("BEGIN")
        held = stopped.execute("SELECT pg_try_advisory_xact_lock(%s)", [_lock_number()])
        assert held.fetchall() == [(True,)]
        stopped.execute("DELETE FROM ledger.outbox")
        with connect(database.app, autocommit=True) as other:
            assert seal(other) == 0
            assert _unsealed(tenant) > 0  # nothing is lost with it
            time.sleep(0.6)
            assert seal(other) > 0
        assert _unsealed(tenant) == 0
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            stopped.execute("COMMIT")


def _lock_number() -> int:
    from commands import seal as module

    return module._LOCK


def test_every_writing_connection_has_the_timer_that_ends_a_stopped_one(
    database: DatabaseUrls,
):
    with connect(database.app) as connection:
        row: Any = connection.execute(
            "SHOW idle_in_transaction_session_timeout"
        ).fetchone()
    assert row == ("5s",)


def test_without_the_lock_the_feeds_key_refuses_the_second_sealing(
    database: DatabaseUrls, tenant: Tenant
):
    from commands.seal import _MOVE

    table = tenant.table("name")
    with (
        connect(database.app) as first,
        connect(database.app) as second,
    ):
        first.execute(_MOVE)
        tenant.create(table, {"name": "later"})
        refusals = []

        def move() -> None:
            try:
                second.execute(_MOVE)
            except psycopg.errors.UniqueViolation as error:
                refusals.append(error)

        moving = threading.Thread(target=move)
        moving.start()
        time.sleep(0.2)  # it waits for the rows that the first one takes
        first.commit()
        moving.join(5)
        second.rollback()

    assert len(refusals) == 1
    assert _unsealed(tenant) == 1
    with connect(database.app, autocommit=True) as connection:
        assert seal(connection) >= 1
