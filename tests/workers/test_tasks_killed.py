"""Processes that do the same tasks: each thing is done by one of them, and what one was
at when it was killed is done by another."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands.embedded import DatabaseUrls
from commands.system import new_id
from tests.ports import free_port
from tests.redis_server import needs_redis, running_redis
from tests.workers.errands import Errands, errands_table
from workers.tasks import Engine, InProcess, Tasks
from workers.tasks.on_redis import OnRedis

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[2]
Carrier = tuple[str, ...]  # the arguments of OnRedis; none: in the process


@pytest.fixture(scope="module", autouse=True)
def table(database: DatabaseUrls) -> Iterator[None]:
    with errands_table(database):
        yield


@pytest.fixture(params=["in process", pytest.param("on redis", marks=needs_redis)])
def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Carrier]:
    if request.param == "in process":
        yield ()
        return
    with running_redis(tmp_path, free_port()) as url:
        yield (url, f"test-{new_id()}")


@contextmanager
def a_process(
    errands: Errands, told: float, carrier: Carrier
) -> Iterator["subprocess.Popen[str]"]:
    """One that works; killed in the end."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.workers.errand_process"),
            *(errands.name, str(told), *carrier),
        ],
        cwd=ROOT,
        env={**os.environ, "URL": errands.url},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "works\n"
            yield process
        finally:
            process.kill()


def engine(carrier: Carrier) -> Engine:
    return OnRedis(*carrier, most=8) if carrier else InProcess(8)


async def test_two_processes_share_and_each_errand_is_done_once(
    database: DatabaseUrls, carrier: Carrier
):
    one = Errands(database.follower, seconds=0.01, who="here")
    async with one.open():
        with a_process(one, 60, carrier):
            tasks = Tasks(one.url, [one], engine(carrier))
            tasks.start()
            ids = one.add(200)
            assert await one.done(ids) == [1] * 200
            await tasks.stop()
    shares = one.shares(ids)
    assert set(shares) == {"here", "process"}
    assert sum(shares.values()) == 200


async def test_what_a_killed_process_was_at_another_does_again(
    database: DatabaseUrls, carrier: Carrier
):
    """Its effect is there once if it was killed before, twice if after it: it may be
    had more than once, and never not at all."""
    one = Errands(database.follower, told=1.0, leased=1.0, who="here")
    async with one.open():
        with a_process(one, 1.0, carrier) as process:
            ids = one.add(2, endings=["before", "after"])
            assert process.stdout is not None
            stays = [await asyncio.to_thread(process.stdout.readline) for _ in ids]
            assert sorted(line.strip() for line in stays) == sorted(ids)
            process.kill()
            process.wait()
        tasks = Tasks(one.url, [one], engine(carrier))
        tasks.start()
        assert await one.done(ids, seconds=6) == [1, 2]
        await tasks.stop()
