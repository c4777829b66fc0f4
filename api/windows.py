"""Counting within windows of time: in this process, or in Redis for all processes.

Both count as the `limits` package does: a window starts with a key's first hit, and of
the window before counts the part that still lies within the period.
"""

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Protocol, TypeAlias, TypeVar

from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from workers.outages import redis_at

T = TypeVar("T")
Clock: TypeAlias = Callable[[], float]
# hits of the window before, seconds that it counts on, hits of this one, and seconds
# until nothing of this one counts
Window: TypeAlias = tuple[int, float, int, float]

MOST_KEYS = 100_000  # of one length of window
REDIS_TIMEOUT = 0.5  # seconds, of a connection and of an answer
REDIS_CONNECTIONS = 32
REDIS_REST_SECONDS = 5.0  # how long a Redis that failed is not asked again
PREFIX = "tabellion-limits"


class Windows(Protocol):
    """What limits are counted in: a part of the `limits` package's storages."""

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Counts a hit, unless the limit is reached."""

    async def get_sliding_window(self, key: str, expiry: int) -> Window:
        """What has been counted."""


class _Counter:
    __slots__ = ("current", "end", "previous")

    def __init__(self, end: float) -> None:
        self.end = end
        self.previous = self.current = 0


class InProcess:
    """Windows in this process.  The package's own cost five times as much a hit.

    Keeps `MOST_KEYS` of each length at the most, the oldest go first: many addresses
    that ask once do not drive out who guessed at a password, whose windows are longer.
    `clock` gives seconds that only rise.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # by length and key; those of one length about in the order of their ends
        self._counters: dict[int, dict[str, _Counter]] = {}

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        now = self._clock()
        one = self._counter(key, expiry, now)
        weight = (one.end - now) / expiry
        if int(one.previous * weight) + one.current + amount > limit:
            return False
        one.current += amount
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> Window:
        now = self._clock()
        one = self._counter(key, expiry, now)
        left = one.end - now
        return one.previous, left, one.current, left + expiry

    def _counter(self, key: str, expiry: int, now: float) -> _Counter:
        counters = self._counters.get(expiry)
        if counters is None:
            counters = self._counters[expiry] = {}
        one = counters.get(key)
        if one is not None and now < one.end:
            return one
        if one is None:
            _make_room(counters, now - expiry)
            one = _Counter(now + expiry)
        else:
            del counters[key]
            gone = one.end + expiry <= now
            one.previous, one.current = 0 if gone else one.current, 0
            one.end = now + expiry if gone else one.end + expiry
        counters[key] = one
        return one


def _make_room(counters: dict[str, _Counter], ended: float) -> None:
    """For one more.  Lets go of what counts no longer, two at a time."""
    for key in list(islice(counters, 2)):
        if counters[key].end <= ended or len(counters) >= MOST_KEYS:
            del counters[key]


class InRedis:
    """Windows in Redis or Valkey; while it does not answer, in this process.

    Neither open nor closed then: each process counts by itself, and the log says so.
    """

    def __init__(
        self, url: str, clock: Clock, *, timeout: float = REDIS_TIMEOUT
    ) -> None:
        self._clock = clock
        # who finds all connections taken waits for one, no longer than for an answer
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=REDIS_CONNECTIONS,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),  # whoever asks is waiting
        )
        self._storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]
        )
        self._own = InProcess(clock)
        self._rest_until = 0.0
        self._outage = redis_at(url)

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        return await self._ask(
            lambda of: of.acquire_sliding_window_entry(key, limit, expiry, amount)
        )

    async def get_sliding_window(self, key: str, expiry: int) -> Window:
        return await self._ask(lambda of: of.get_sliding_window(key, expiry))

    async def close(self) -> None:
        await self._pool.aclose()

    async def _ask(self, question: Callable[[Windows], Awaitable[T]]) -> T:
        if self._clock() < self._rest_until:
            return await question(self._own)
        try:
            answer = await question(self._storage)
        except (RedisError, OSError) as error:
            self._rest_until = self._clock() + REDIS_REST_SECONDS
            self._outage.failed(error)
            return await question(self._own)
        self._outage.answered()
        return answer
