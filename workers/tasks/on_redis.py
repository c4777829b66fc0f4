"""Tasks carried by dramatiq over Redis or Valkey, to whichever process has room.

Redis is a hint: a message has a job's name and a few ids, and is acknowledged as soon
as somebody has begun them.  Who dies then, and whatever Redis loses, is found by the
sweep.

While Redis does not answer, whoever finds a task does it: nothing waits for Redis.

dramatiq's threads only carry.  They hand ids to the loop of the process, wait until
there is room, and never run our code.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from math import ceil
from typing import Any, TypeVar

from dramatiq import Actor, Worker
from dramatiq.brokers.redis import RedisBroker
from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.retry import Retry

from workers.outages import redis_at
from workers.tasks.in_process import UNDER_WAY, InProcess
from workers.tasks.job import Job

log = logging.getLogger(__name__)

QUEUE = "tasks"
WAITING = 64  # messages at the most: what waits for long is told twice
IDS = 16  # of one message at the most: a message costs a millisecond
PARTS = 16  # that a handful of ids is parted into, so that others have some of them
TIMEOUT = 1.0  # seconds, of a connection and of an answer
REST_SECONDS = 5.0  # how long a Redis that failed is not told anything
IDLE_SECONDS = 0.25  # how late a message is seen at the most
THREADS = 2  # that hand over; what is under way is on the loop
CLOSE_SECONDS = 3.0

T = TypeVar("T")


class OnRedis:
    """`namespace`: what all keys begin with, one of those who share a database."""

    told = "carried by Redis"

    def __init__(self, url: str, namespace: str, *, most: int = UNDER_WAY) -> None:
        self._here = InProcess(most)
        self._state = _State(url)
        self._broker = _Broker(url, namespace, self._state)
        self._actor: Actor[[str, list[str]], None] = Actor(
            self._taken,
            broker=self._broker,
            actor_name="perform",
            queue_name=QUEUE,
            priority=0,
            options={},
        )
        self._worker = Worker(
            self._broker,
            worker_threads=THREADS,
            worker_timeout=int(IDLE_SECONDS * 1000),
        )
        self._names: set[str] = set()
        self._unknown: set[str] = set()
        # Redis is spoken to beside the loop, by one at a time
        self._thread = ThreadPoolExecutor(1, "tasks-redis")
        self._closing: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, jobs: Mapping[str, Job], performed: Callable[[], None]) -> None:
        self._here.start(jobs, performed)
        self._names = set(jobs)
        self._loop = asyncio.get_running_loop()
        _quiet()
        self._worker.start()

    async def room(self) -> int:
        if self._closing is not None:
            return 0
        waiting = await self._ask(self._broker.waiting)
        return await self._here.room() if waiting is None else IDS * (WAITING - waiting)

    async def hand(self, name: str, ids: Sequence[str]) -> None:
        if await self._ask(lambda: self._send(name, ids)) is None:
            # what there is no room for is told again
            await self._here.hand(name, ids[: await self._here.room()])

    def drain(self) -> None:
        self._here.drain()
        if self._loop is not None:
            self._closing = self._loop.run_in_executor(self._thread, self._close)

    async def stop(self, seconds: float) -> None:
        await self._here.stop(seconds)
        if self._closing is not None:
            await asyncio.wait([self._closing], timeout=CLOSE_SECONDS)
        self._thread.shutdown(wait=False)

    async def _ask(self, question: Callable[[], T]) -> T | None:
        """What Redis answers; None where it does not."""
        if self._state.resting or self._loop is None:
            return None
        try:
            answer = await self._loop.run_in_executor(self._thread, question)
        except (RedisError, OSError) as error:
            self._state.failed(error)
            return None
        self._state.answered()
        return answer

    # ------------------------------------------------------- in other threads

    def _send(self, name: str, ids: Sequence[str]) -> bool:
        size = min(ceil(len(ids) / PARTS), IDS)
        for place in range(0, len(ids), size):
            message = self._actor.message(name, list(ids[place : place + size]))
            self._broker.enqueue(message)
        return True

    def _taken(self, name: str, ids: list[str]) -> None:
        """What dramatiq calls with a message."""
        if name not in self._names:
            if name not in self._unknown:
                self._unknown.add(name)
                log.warning("a task of %r is nothing that is known here", name)
            return
        assert self._loop is not None
        taking = self._here.take(name, ids)
        taken = asyncio.run_coroutine_threadsafe(taking, self._loop)
        try:
            left = taken.result()
        except CancelledError:  # the loop is gone
            return
        if left:
            with suppress(RedisError, OSError):
                self._send(name, left)  # to another process

    def _close(self) -> None:
        """Gives back what was fetched and not begun."""
        self._worker.stop(timeout=int(TIMEOUT * 1000))
        with suppress(RedisError, OSError):
            self._broker.client.close()


class _State:
    """Whether Redis answers: where it does not, tasks go without it for a while."""

    def __init__(self, url: str) -> None:
        self._outage = redis_at(url)
        self._rest_until = 0.0

    @property
    def resting(self) -> bool:
        return time.monotonic() < self._rest_until

    def failed(self, error: BaseException) -> None:
        self._rest_until = time.monotonic() + REST_SECONDS
        self._outage.failed(error)

    def answered(self) -> None:
        self._rest_until = 0.0
        self._outage.answered()


class _Broker(RedisBroker):
    """dramatiq's, that neither waits long nor for a Redis that is gone."""

    def __init__(self, url: str, namespace: str, state: _State) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=THREADS + 2,
            timeout=TIMEOUT,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),  # it is tried again anyway
        )
        client = Redis(connection_pool=pool)
        # without middleware: nothing is retried, delayed, timed or called back
        super().__init__(  # type: ignore[no-untyped-call]
            client=client, middleware=[], namespace=namespace
        )
        self._state = state

    def get_declared_delay_queues(self) -> set[str]:
        return set()  # nothing is delayed, so nobody need look

    def waiting(self) -> int:
        """How many messages nobody has fetched.  Raises RedisError."""
        return int(self.client.llen(f"{self.namespace}:{QUEUE}"))

    def do_fetch(self, queue: str, most: int) -> list[bytes]:
        try:
            found: list[bytes] = self._do("fetch")(queue, most)
        except (RedisError, OSError) as error:
            self._state.failed(error)
            raise ConnectionError from error  # the one that dramatiq knows
        self._state.answered()
        return found

    def do_ack(self, queue: str, id: str) -> None:
        # of one that is not acknowledged it will be found that it is done
        with suppress(RedisError, OSError):
            self._do("ack")(queue, id)

    def _do(self, command: str) -> Callable[..., Any]:
        done: Callable[..., Any] = self._dispatch(command)  # type: ignore[no-untyped-call]
        return done


def _quiet() -> None:
    """What dramatiq says of a Redis that is gone is said by us, and not every time."""
    logging.getLogger("dramatiq").setLevel("ERROR")
    consumer = logging.getLogger(f"dramatiq.worker.ConsumerThread({QUEUE})")
    if _is_a_bug not in consumer.filters:
        consumer.addFilter(_is_a_bug)


def _is_a_bug(record: logging.LogRecord) -> bool:
    return record.exc_info is not None
