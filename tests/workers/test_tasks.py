"""Tasks in the process: each is done, by one, and soon; whoever goes loses nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest

from commands.embedded import DatabaseUrls
from tests.workers.errands import Errands, errands_table
from workers.tasks import InProcess, Job, Tasks
from workers.tasks.sweep import _LOCK

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", autouse=True)
def table(database: DatabaseUrls) -> Iterator[None]:
    with errands_table(database):
        yield


@pytest.fixture
async def errands(database: DatabaseUrls) -> AsyncIterator[Errands]:
    async with Errands(database.follower).open() as one:
        yield one


@asynccontextmanager
async def working(
    url: str, jobs: Sequence[Job], engine: InProcess | None = None
) -> AsyncIterator[Tasks]:
    tasks = Tasks(url, jobs, engine or InProcess())
    tasks.start()
    try:
        yield tasks
    finally:
        await tasks.stop()


async def test_what_is_due_when_it_starts_is_done(errands: Errands):
    ids = errands.add(3)
    async with working(errands.url, [errands]):
        assert await errands.done(ids) == [1, 1, 1]


async def test_a_notice_is_answered_sooner_than_it_is_looked_for(errands: Errands):
    async with working(errands.url, [errands]):
        await asyncio.sleep(0.3)
        began = time.monotonic()
        assert await errands.done(errands.add(1)) == [1]
        assert time.monotonic() - began < 0.7


async def test_more_than_there_is_room_for_is_done_as_room_comes(errands: Errands):
    async with working(errands.url, [errands], InProcess(most=4)):
        ids = errands.add(40)
        assert await errands.done(ids) == [1] * 40
    assert errands.most_under_way <= 4


async def test_jobs_share_the_room(database: DatabaseUrls, errands: Errands):
    async with Errands(database.follower, seconds=0.05).open() as slow:
        many = slow.add(60)
        few = errands.add(3)
        async with working(errands.url, [slow, errands], InProcess(most=4)):
            assert await errands.done(few) == [1] * 3
            assert 0 in slow.effects(many)
            await slow.done(many)


async def test_a_job_that_fails_hinders_no_other_and_is_told_ever_more_rarely(
    database: DatabaseUrls, errands: Errands, caplog: pytest.LogCaptureFixture
):
    class Broken:
        name = "broken"
        asked = 0

        async def overdue(self, most: int) -> Sequence[str]:
            self.asked += 1
            if self.asked == 1:
                raise ValueError("a bug")
            raise psycopg.OperationalError("it is away\nDETAIL: of somebody")

        async def perform(self, id: str) -> None: ...

    broken = Broken()
    async with working(errands.url, [broken, errands]):
        for _ in range(5):
            assert await errands.done(errands.add(1)) == [1]
    told = [one.getMessage() for one in caplog.records]
    assert "what is due of broken was not found" in told
    waits = [one for one in told if one.startswith("broken waits")]
    assert len(waits) < broken.asked
    assert "broken waits and tries again: OperationalError: it is away" in waits


async def test_a_task_that_fails_is_done_again_when_its_lease_is_over(
    database: DatabaseUrls, caplog: pytest.LogCaptureFixture
):
    failing = {"yet": True}

    async def once(_id: str) -> None:
        if failing.pop("yet", False):
            raise ValueError("a bug")

    async with Errands(database.follower, told=0.3, leased=0.3).open() as errands:
        errands.before = once
        async with working(errands.url, [errands]):
            assert await errands.done(errands.add(1)) == [1]
    assert f"{errands.name} failed" in [one.getMessage() for one in caplog.records]


async def test_what_is_under_way_ends_before_it_stops(database: DatabaseUrls):
    async with Errands(database.follower, seconds=0.4).open() as errands:
        begun = asyncio.Event()

        async def beginning(_id: str) -> None:
            begun.set()

        errands.before = beginning
        ids = errands.add(1)
        async with working(errands.url, [errands]) as tasks:
            await begun.wait()
            tasks.drain()
            later = errands.add(1)
        assert errands.effects(ids) == [1]
        assert errands.effects(later) == [0]


async def test_what_takes_too_long_is_given_up_and_done_later(
    database: DatabaseUrls,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.setattr("workers.tasks.tasks.DRAIN_SECONDS", 0.1)
    async with Errands(database.follower, told=0.2, leased=0.2).open() as errands:
        begun = asyncio.Event()

        async def for_ever(_id: str) -> None:
            begun.set()
            await asyncio.sleep(60)

        errands.before = for_ever
        ids = errands.add(1)
        async with working(errands.url, [errands]):
            await begun.wait()
            began = time.monotonic()
        assert time.monotonic() - began < 2
        assert "1 tasks were given up" in caplog.text
        async with errands.twin().open() as other, working(errands.url, [other]):
            assert await errands.done(ids) == [1]


async def test_a_terminated_backend_ends_no_sweep(database: DatabaseUrls):
    async with (
        Errands(database.follower, told=0.5, leased=0.5).open() as errands,
        working(errands.url, [errands]),
    ):
        await errands.done(errands.add(1))
        ids = errands.add(20)
        with psycopg.connect(database.follower, autocommit=True) as connection:
            assert connection.execute(_TERMINATE).fetchall()
        ids += errands.add(20)
        assert all(one >= 1 for one in await errands.done(ids))


async def test_what_was_found_is_done_though_the_sweep_lost_its_lock(errands: Errands):
    """Nobody else is told of it within a minute."""

    class Unlucky:
        name = errands.name
        ended: Sequence[object] = ()

        async def overdue(self, most: int) -> Sequence[str]:
            found = await errands.overdue(most)
            if found and not self.ended:
                with psycopg.connect(errands.url) as connection:
                    self.ended = connection.execute(_END_SWEEP, [_LOCK]).fetchall()
            return found

        async def perform(self, id: str) -> None:
            await errands.perform(id)

    job = Unlucky()
    async with working(errands.url, [job]):
        assert await errands.done(errands.add(3)) == [1, 1, 1]
    assert job.ended


_END_SWEEP = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND objid = %s
"""
_TERMINATE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = 'tabellion_follower' AND pid <> pg_backend_pid()
"""
