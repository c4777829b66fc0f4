"""The one loop of all followers: in order, once, together with its position.

The followers here are the tests' own: they write down what they were given, in the
transaction that they are handed.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from commands.embedded import DatabaseUrls
from commands.system import new_id
from domain.catalog import Table
from domain.ids import WorkspaceId
from projections.followed import Parked, parked, resume, standings
from projections.postgres import connect
from tests.commands.tenant import LoopedCommitter, Tenant
from tests.sealing import seal_all
from workers import following
from workers.following import (
    Connection,
    Follower,
    Following,
    Loop,
    Page,
    Poison,
    Reached,
    Unavailable,
)
from workers.loops import Failures

pytestmark = pytest.mark.anyio
Place = tuple[str, int]


class Noting:
    """Writes down each event that it was given, in a table of its own."""

    def __init__(self, *, from_the_first: bool = False) -> None:
        self.name = f"noting-{new_id()}"
        self.from_the_first = from_the_first
        self.available = True
        self.refuses: Mapping[Place, Exception] = {}
        self.notes: list[str | None] = []
        self.largest = 0
        self.takes = 1_000_000  # events of a page, at the most
        self.pause = 0.0
        self.pausing = asyncio.Event()
        self.closed = False

    async def prepare(self) -> None:
        if not self.available:
            raise Unavailable("the other side does not answer")

    async def follow(
        self, connection: Connection, pages: Sequence[Page]
    ) -> Mapping[WorkspaceId, Reached]:
        reached = {}
        for page in pages:
            self.notes.append(page.note)
            self.largest = max(self.largest, len(page.events))
            seqs = [one.seq for one in page.events[: self.takes]]
            await connection.execute(
                "INSERT INTO projected.noted (follower, workspace_id, seq)"
                " SELECT %s, %s, unnest(%s::bigint[])",
                [self.name, page.workspace_id, seqs],
            )
            for seq in seqs:
                if (page.workspace_id, seq) in self.refuses:
                    raise self.refuses[page.workspace_id, seq]
            reached[page.workspace_id] = Reached(seqs[-1], f"to {seqs[-1]}")
        if self.pause:
            self.pausing.set()
        await asyncio.sleep(self.pause)
        return reached

    async def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module", autouse=True)
def noted(database: DatabaseUrls) -> Iterator[None]:
    with psycopg.connect(database.follower, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE projected.noted"
            " (at bigserial, follower text, workspace_id uuid, seq bigint)"
        )
        yield
        connection.execute("DROP TABLE projected.noted")
    with psycopg.connect(database.owner, autocommit=True) as owner:
        for name in ("followed", "positions"):
            owner.execute(f"DELETE FROM ledger.{name} WHERE follower LIKE 'noting-%'")


def seen(tenant: Tenant, follower: Noting) -> list[int]:
    """The positions of a workspace that a follower was given, in that order."""
    with connect(tenant.database.follower) as connection:
        rows = connection.execute(
            "SELECT seq FROM projected.noted WHERE follower = %s AND workspace_id = %s"
            " ORDER BY at",
            [follower.name, tenant.workspace_id],
        )
        return [row[0] for row in rows]


async def drained(loop: Loop) -> None:
    while await loop.round():
        pass


@asynccontextmanager
async def a_loop(database: DatabaseUrls, follower: Follower, **more: Any) -> Any:
    """A loop that stands where the feed is now; its rounds are made by hand."""
    seal_all(database)
    loop = Loop(database.follower, follower, **more)
    try:
        if not follower.from_the_first:
            await loop.round()
        yield loop
    finally:
        await loop._let_go()


@pytest.fixture
def table(tenant: Tenant) -> Table:
    return tenant.table("Name")


@pytest.fixture
def write(tenant: Tenant, table: Table) -> Callable[[int], None]:
    """`write(n)`: so many commits, sealed."""

    def write(commits: int) -> None:
        for number in range(commits):
            tenant.create(table, {"Name": f"{number}"})
        seal_all(tenant.database)

    return write


async def test_a_follower_is_given_each_event_once_and_in_order(
    database: DatabaseUrls, tenant: Tenant, write: Callable[[int], None]
):
    follower = Noting()
    async with a_loop(database, follower) as loop:
        before = tenant.position()
        write(5)
        await drained(loop)
        write(2)
        await drained(loop)
    assert seen(tenant, follower) == list(range(before + 1, before + 8))


async def test_one_that_begins_with_the_first_event_is_given_all_there_is(
    database: DatabaseUrls, tenant: Tenant, write: Callable[[int], None]
):
    write(1)
    follower = Noting(from_the_first=True)
    async with a_loop(database, follower) as loop:
        await drained(loop)
    assert seen(tenant, follower) == list(range(1, tenant.position() + 1))


async def test_a_page_may_be_followed_in_part_and_the_note_comes_back(
    database: DatabaseUrls, tenant: Tenant, write: Callable[[int], None]
):
    follower = Noting()
    follower.takes = 2
    async with a_loop(database, follower) as loop:
        before = tenant.position()
        write(4)
        await drained(loop)
    assert seen(tenant, follower) == list(range(before + 1, before + 5))
    assert follower.notes == [None, f"to {before + 2}"]


async def test_an_effect_that_fails_leaves_no_trace_and_others_go_on(
    database: DatabaseUrls,
    tenant: Tenant,
    committer: LoopedCommitter,
    write: Callable[[int], None],
    caplog: pytest.LogCaptureFixture,
):
    other = Tenant(database, committer).settle()
    follower = Noting()
    async with a_loop(database, follower, tries=1) as loop:
        before = tenant.position()
        other_before = other.position()
        bad = before + 3
        follower.refuses = {(tenant.workspace_id, bad): ValueError("cannot be read")}
        write(5)
        other.create(other.table("Name"), {"Name": "x"})
        seal_all(database)
        with caplog.at_level(logging.ERROR, following.__name__):
            await drained(loop)
        everything = list(range(other_before + 1, other.position() + 1))
        assert seen(other, follower) == everything
        assert seen(tenant, follower) == [before + 1, before + 2]
        with connect(database.app) as connection:
            found = [one for one in parked(connection) if one.follower == follower.name]
            (standing,) = [
                one for one in standings(connection) if one.follower == follower.name
            ]
        assert found == [
            Parked(
                follower.name,
                tenant.workspace_id,
                bad - 1,
                before + 5,
                f"position {bad}: ValueError: cannot be read",
            )
        ]
        assert (standing.backlog, standing.lag, standing.parked) == (3, 0.0, 1)
        assert f"is parked in workspace {tenant.workspace_id}" in caplog.text

        write(1)
        await drained(loop)
        assert seen(tenant, follower) == [before + 1, before + 2]  # order is kept

        follower.refuses = {}
        with connect(database.app, autocommit=True) as connection:
            assert resume(connection, follower.name, tenant.workspace_id) == 1
        await drained(loop)
    assert seen(tenant, follower) == list(range(before + 1, before + 7))


async def test_an_event_that_failed_is_tried_again_before_its_workspace_is_parked(
    database: DatabaseUrls,
    tenant: Tenant,
    write: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(following, "LONGEST_REST", 0.0)
    follower = Noting()
    async with a_loop(database, follower, tries=3) as loop:
        bad = tenant.position() + 1
        follower.refuses = {(tenant.workspace_id, bad): ValueError("not yet")}
        write(1)
        await loop.round()
        await loop.round()
        follower.refuses = {}
        await drained(loop)
    assert seen(tenant, follower) == [bad]
    rows = tenant.rows(
        "SELECT failures, error, parked FROM ledger.followed"
        " WHERE follower = %s AND workspace_id = %s",
        follower.name,
        tenant.workspace_id,
    )
    assert rows == [(0, None, False)]


async def test_what_is_poison_is_parked_at_once(
    database: DatabaseUrls, tenant: Tenant, write: Callable[[int], None]
):
    follower = Noting()
    async with a_loop(database, follower) as loop:
        bad = tenant.position() + 1
        follower.refuses = {(tenant.workspace_id, bad): Poison("of a newer schema")}
        write(1)
        await drained(loop)
    with connect(database.app) as connection:
        assert [one.seq for one in parked(connection) if one.follower == follower.name]


async def test_what_is_not_available_parks_nobody(
    database: DatabaseUrls, tenant: Tenant, write: Callable[[int], None]
):
    follower = Noting()
    async with a_loop(database, follower) as loop:
        before = tenant.position()
        write(3)
        follower.available = False
        with pytest.raises(Unavailable):
            await loop.round()
        with connect(database.app) as connection:
            (standing,) = [
                one for one in standings(connection) if one.follower == follower.name
            ]
            assert standing.backlog >= 3
            assert standing.lag > 0
            assert standing.parked == 0
        follower.available = True
        await drained(loop)
    assert seen(tenant, follower) == list(range(before + 1, before + 4))


async def test_processes_share_the_work_and_no_event_is_followed_twice(
    database: DatabaseUrls,
    tenant: Tenant,
    committer: LoopedCommitter,
    write: Callable[[int], None],
):
    follower = Noting()
    follower.takes, follower.pause = 3, 0.005
    seal_all(database)
    loops = [Loop(database.follower, follower) for _ in range(3)]
    await loops[0]._connected()  # from here on: what is there already may be much
    others = [Tenant(database, committer).settle() for _ in range(3)]
    before = tenant.position()
    write(5)
    seal_all(database)
    await asyncio.gather(*(drained(loop) for loop in loops))
    await drained(loops[0])  # what another had claimed while it was looked for
    for loop in loops:
        await loop._let_go()
    assert seen(tenant, follower) == list(range(before + 1, before + 6))
    for one in others:
        assert seen(one, follower) == list(range(1, one.position() + 1))


async def test_a_process_that_stands_still_loses_its_place_to_another(
    database: DatabaseUrls, tenant: Tenant, write: Callable[[int], None]
):
    """As after SIGSTOP: its session ends, and what it had begun with it."""
    follower = Noting()
    async with (
        a_loop(database, follower) as stopped,
        a_loop(database, follower) as other,
    ):
        bad = tenant.position() + 1
        write(1)
        connection = await stopped._connected()
        await connection.execute("SET idle_in_transaction_session_timeout = '100ms'")
        follower.pause = 0.4
        turn = asyncio.create_task(stopped.round())
        await follower.pausing.wait()
        follower.pause = 0.0
        await stopped_cannot(other)
        with pytest.raises(psycopg.Error):
            await turn
        await drained(other)
    assert seen(tenant, follower) == [bad]


async def stopped_cannot(other: Loop) -> None:
    """While another holds the workspace there is nothing to do."""
    assert not await other.round()


async def test_a_connection_that_is_lost_is_made_anew(
    database: DatabaseUrls, tenant: Tenant, write: Callable[[int], None]
):
    follower = Noting()
    async with a_loop(database, follower) as loop:
        before = tenant.position()
        write(1)
        connection = await loop._connected()
        with psycopg.connect(database.follower, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(%s)", [connection.info.backend_pid]
            )
        with pytest.raises(psycopg.Error):
            await loop.round()
        await drained(loop)
    assert seen(tenant, follower) == [before + 1]


async def test_it_is_woken_by_the_seal_and_stops_when_told(
    database: DatabaseUrls,
    tenant: Tenant,
    write: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(following, "POLL_SECONDS", 60.0)
    seal_all(database)
    follower = Noting()
    running = Following(database.follower, [follower])
    running.start()
    await asyncio.sleep(0.3)  # it listens, and has begun
    before = tenant.position()
    await asyncio.to_thread(write, 2)
    async with asyncio.timeout(5):
        while len(seen(tenant, follower)) < 2:
            await asyncio.sleep(0.01)
    async with asyncio.timeout(2):
        await running.stop()
    assert follower.closed
    assert seen(tenant, follower) == [before + 1, before + 2]


async def test_an_effect_under_way_is_finished_when_it_has_to_stop(
    database: DatabaseUrls, tenant: Tenant, write: Callable[[int], None]
):
    seal_all(database)
    follower = Noting()
    running = Following(database.follower, [follower])
    running.start()
    await asyncio.sleep(0.2)
    follower.pause = 0.4
    before = tenant.position()
    await asyncio.to_thread(write, 1)
    async with asyncio.timeout(5):
        while not follower.notes:
            await asyncio.sleep(0.01)
    await running.stop()
    assert seen(tenant, follower) == [before + 1]


async def test_it_goes_on_trying_for_days():
    failures = Failures("one")
    for _ in range(2_000):
        failures.count()
    stopped = asyncio.Event()
    stopped.set()  # so that nothing is waited for
    await failures.pause(stopped)
