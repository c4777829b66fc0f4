"""Tasks carried by Redis: several processes share them, and nothing hangs on it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from commands.embedded import DatabaseUrls
from commands.settings import Settings
from commands.system import new_id
from tests.ports import free_port
from tests.redis_server import RedisServer, needs_redis
from tests.workers.errands import Errands, errands_table
from workers.outages import redis_at
from workers.tasks import Engine, InProcess, Tasks, engine_for
from workers.tasks.on_redis import OnRedis
from workers.tasks.tasks import _namespace

pytestmark = [pytest.mark.anyio, needs_redis]


@pytest.fixture(scope="module", autouse=True)
def table(database: DatabaseUrls) -> Iterator[None]:
    with errands_table(database):
        yield


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests; who kills it starts it again."""
    server = RedisServer(tmp_path_factory.mktemp("valkey"), free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Redis is asked again sooner than where somebody has to run it."""
    monkeypatch.setattr("workers.tasks.on_redis.REST_SECONDS", 0.3)
    redis_at.cache_clear()  # each test has its own outages, and also what ends them
    caplog.set_level(logging.INFO, logger="workers.outages")
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.1)


@pytest.fixture
def namespace() -> str:
    return f"test-{new_id()}"


@pytest.fixture
async def errands(database: DatabaseUrls) -> AsyncIterator[Errands]:
    async with Errands(database.follower, told=2.0, leased=5.0).open() as one:
        yield one


@asynccontextmanager
async def working(engine: Engine, *jobs: Errands) -> AsyncIterator[Tasks]:
    tasks = Tasks(jobs[0].url, jobs, engine)
    tasks.start()
    try:
        yield tasks
    finally:
        await tasks.stop()


async def test_what_is_due_goes_through_redis_and_is_done(
    errands: Errands, valkey: RedisServer, namespace: str
):
    async with working(OnRedis(valkey.url, namespace), errands):
        assert await errands.done(errands.add(3)) == [1, 1, 1]
        with redis.Redis.from_url(valkey.url) as client:
            assert client.keys(f"{namespace}:*")
            assert client.llen(f"{namespace}:tasks") == 0


async def test_who_has_no_redis_does_nothing_twice_beside_who_has(
    database: DatabaseUrls, valkey: RedisServer, namespace: str
):
    async with (
        Errands(database.follower).open() as one,
        one.twin().open() as other,
    ):
        ids = one.add(120)
        async with (
            working(OnRedis(valkey.url, namespace, most=8), one),
            working(InProcess(most=8), other),
        ):
            assert await one.done(ids) == [1] * 120
    assert max(one.most_under_way, other.most_under_way) <= 8


async def test_a_redis_that_dies_delays_nothing_and_is_told_once(
    errands: Errands,
    valkey: RedisServer,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
):
    async with working(OnRedis(valkey.url, namespace), errands):
        assert await errands.done(errands.add(1)) == [1]
        valkey.kill()
        try:
            ids = [id for _ in range(5) for id in errands.add(4)]
            began = time.monotonic()
            assert await errands.done(ids) == [1] * 20
            assert time.monotonic() - began < 5
        finally:
            valkey.start()
        told = [one.getMessage() for one in caplog.records if "Redis" in one.message]
        assert told[0].startswith("Redis does not answer: ")
        assert len([one for one in told if "does not answer" in one]) == 1
        async with asyncio.timeout(15):
            while "Redis answers again" not in caplog.text:
                await asyncio.sleep(0.05)
        assert await errands.done(errands.add(3)) == [1, 1, 1]
    assert [one for one in caplog.records if one.name.startswith("dramatiq")] == []


async def test_a_redis_that_is_not_there_at_first_is_used_when_it_comes(
    errands: Errands, tmp_path: Path, namespace: str, caplog: pytest.LogCaptureFixture
):
    server = RedisServer(tmp_path, free_port())
    async with working(OnRedis(server.url, namespace), errands):
        assert await errands.done(errands.add(2)) == [1, 1]
        server.start()
        try:
            async with asyncio.timeout(15):
                while "Redis answers again" not in caplog.text:
                    await asyncio.sleep(0.05)
            assert await errands.done(errands.add(2)) == [1, 1]
        finally:
            server.stop()


async def test_it_stops_soon_without_redis_and_tells_no_password(
    errands: Errands, namespace: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    url = f"redis://:hunter2hunter2@127.0.0.1:{free_port()}/0"
    async with working(OnRedis(url, namespace), errands):
        assert await errands.done(errands.add(1)) == [1]
        await asyncio.sleep(0.5)
        began = time.monotonic()
    assert time.monotonic() - began < 4
    assert "Redis does not answer" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_redis_that_says_nothing_holds_nothing_up(
    errands: Errands, namespace: str
):
    async def silent(reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        to.close()
        await to.wait_closed()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        began = time.monotonic()
        async with working(OnRedis(f"redis://127.0.0.1:{port}/0", namespace), errands):
            assert await errands.done(errands.add(2)) == [1, 1]
            assert time.monotonic() - began < 4
            began = time.monotonic()
        assert time.monotonic() - began < 6


async def test_messages_of_a_job_that_is_unknown_here_are_left_out(
    errands: Errands,
    valkey: RedisServer,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
):
    engine = OnRedis(valkey.url, namespace)
    async with working(engine, errands):
        await engine.hand("of a later version", ["1", "2"])
        assert await errands.done(errands.add(2)) == [1, 1]
        with redis.Redis.from_url(valkey.url) as client:
            client.rpush(f"{namespace}:tasks", "no message")
            client.hset(f"{namespace}:tasks.msgs", "no message", b"\xff{")
        await asyncio.sleep(0.4)
        assert await errands.done(errands.add(2)) == [1, 1]
    told = [one for one in caplog.messages if "of a later version" in one]
    assert told == ["a task of 'of a later version' is nothing that is known here"]


async def test_what_had_been_fetched_when_it_stops_another_does_at_once(
    database: DatabaseUrls,
    valkey: RedisServer,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
):
    begun = asyncio.Event()

    async def beginning(_id: str) -> None:
        begun.set()

    async with (
        Errands(database.follower, seconds=0.5).open() as one,
        one.twin().open() as other,
    ):
        one.before = beginning
        other._seconds = 0
        for _ in range(3):
            begun.clear()
            caplog.clear()
            ids = one.add(12)
            async with working(OnRedis(valkey.url, namespace, most=1), one):
                await begun.wait()
            async with working(OnRedis(valkey.url, namespace), other):
                with suppress(TimeoutError):
                    await other.done(ids)
            if "Redis does not answer" not in caplog.text:
                break  # where the machine stood still for a second, it is tried again
        # nobody is told anew within a minute: it came out of Redis
        assert other.effects(ids) == [1] * 12, caplog.text


async def test_a_socket_is_an_address_too(
    errands: Errands, tmp_path: Path, namespace: str, caplog: pytest.LogCaptureFixture
):
    server = RedisServer(tmp_path, free_port(), socket=True)
    server.start()
    try:
        async with working(OnRedis(server.socket_url, namespace), errands):
            assert await errands.done(errands.add(2)) == [1, 1]
            with redis.Redis.from_url(server.url) as client:
                assert client.keys(f"{namespace}:*")
    finally:
        server.stop()
    assert "does not answer" not in caplog.text


def test_the_settings_choose_the_engine(settings: Settings, valkey: RedisServer):
    assert isinstance(engine_for(settings), InProcess)
    on_redis = settings.model_copy(update={"redis_url": valkey.url})
    assert isinstance(engine_for(on_redis), OnRedis)


def test_others_may_use_the_same_redis(settings: Settings):
    other = settings.model_copy(update={"secret_key": SecretStr("another key")})
    assert _namespace(settings) != _namespace(other)
    assert settings.secret_key.get_secret_value()[:8] not in _namespace(settings)
