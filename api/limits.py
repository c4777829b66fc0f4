"""How often anybody may ask: the documented rates of each surface.

A caller who is known is counted by user, everybody else by address; of IPv6 an address
is its network of 64 bits.  Nothing that a request's body says chooses the counter.
Guesses at passwords are counted beside it (`api/guesses.py`).
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import ceil
from time import monotonic
from typing import Self

from api.windows import Clock, InProcess, InRedis, Window, Windows
from commands.settings import Settings
from commands.system import now
from domain.errors import Code, DomainError


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds."""

    name: str
    amount: int
    seconds: int

    @property
    def policy(self) -> str:
        return f'"{self.name}";q={self.amount};w={self.seconds}'


MINUTE, HOUR = 60, 3600  # seconds
USER = Rate("user", 1000, MINUTE)
ADDRESS = Rate("address", 100, MINUTE)


@dataclass(frozen=True, slots=True)
class Rates:
    """What a surface documents: all of them hold, the shortest comes first."""

    user: tuple[Rate, ...] = (USER,)
    address: tuple[Rate, ...] = (ADDRESS,)


class RateLimited(DomainError):
    """Rate limit exceeded"""

    code = Code.RATE_LIMITED

    def __init__(self, allowance: "Allowance") -> None:
        super().__init__()
        self.allowance = allowance


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a rate; `reset` is when its window ends, in epoch seconds."""

    rate: Rate
    allowed: bool
    remaining: int
    left: int  # seconds of the window
    reset: int
    wait: int  # seconds until the next one is allowed; 0 where one is

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        remaining = b"%d" % self.remaining
        return [
            (b"x-ratelimit-limit", b"%d" % self.rate.amount),
            (b"x-ratelimit-remaining", remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset),
            (b"ratelimit-policy", self.rate.policy.encode()),
            (
                b"ratelimit",
                b'"%b";r=%b;t=%d' % (self.rate.name.encode(), remaining, self.left),
            ),
        ]


class Limits:
    """The rates of one surface.  None of it is made where limits are off."""

    def __init__(
        self, windows: Windows, clock: Clock, surface: str, rates: Rates | None = None
    ) -> None:
        self._windows, self._clock, self._surface = windows, clock, surface
        self._rates = rates or Rates()

    @classmethod
    def of(
        cls, settings: Settings, surface: str, rates: Rates | None = None
    ) -> Self | None:
        """As the settings say; None where limits are off."""
        if not settings.rate_limits:
            return None
        return cls(windows_of(settings), now, surface, rates)

    async def close(self) -> None:
        await close_windows(self._windows)

    async def take(self, user_id: str | None, address: str) -> Allowance:
        """Counts a request of a user, or of an address where nobody is known.

        Of several rates the one that is nearest to its end; one that refuses keeps the
        request from the counters of the longer ones.
        """
        if user_id is not None:
            rates, who = self._rates.user, user_id
        else:
            rates, who = self._rates.address, network_of(address)
        tightest = await self._take(rates[0], who)
        for rate in rates[1:]:
            if not tightest.allowed:
                break
            one = await self._take(rate, who)
            if not one.allowed or one.remaining < tightest.remaining:
                tightest = one
        return tightest

    async def take_one(self, rate: Rate, who: str) -> Allowance:
        """Counts a hit of a rate that is no user's and no address's."""
        return await self._take(rate, who)

    async def _take(self, rate: Rate, who: str) -> Allowance:
        key = f"{self._surface}/{rate.name}/{who}"
        return await take(self._windows, self._clock, rate, key)


def windows_of(settings: Settings) -> Windows:
    """In Redis where there is one, else in this process."""
    url = settings.redis_url
    # steady: a clock that is set back locks nobody out
    return InProcess(monotonic) if url is None else InRedis(url, monotonic)


async def close_windows(windows: Windows) -> None:
    if isinstance(windows, InRedis):
        await windows.close()


async def take(windows: Windows, clock: Clock, rate: Rate, key: str) -> Allowance:
    """Counts a hit of a rate under a key, unless the rate is used up."""
    allowed = await windows.acquire_sliding_window_entry(key, rate.amount, rate.seconds)
    window = await windows.get_sliding_window(key, rate.seconds)
    return allowance_of(rate, window, allowed, clock())


def allowance_of(rate: Rate, window: Window, allowed: bool, at: float) -> Allowance:
    previous, counts_on, current, until_nothing = window
    used = int(previous * counts_on / rate.seconds) + current
    left = max(0.0, until_nothing - rate.seconds)
    wait = 0 if allowed else _wait(rate, window, left)
    return Allowance(
        rate,
        allowed,
        max(0, rate.amount - used),
        ceil(left),
        ceil(at + left),
        wait,
    )


def _wait(rate: Rate, window: Window, left: float) -> int:
    """Whole seconds after which one more is allowed, if nobody asks meanwhile."""
    previous, counts_on, current, _ = window
    free = rate.amount - current
    if free > 0 and previous > 0:  # as the window before moves out
        seconds = counts_on - free * rate.seconds / previous
    else:  # as this one does, once it is the window before
        seconds = left + rate.seconds * (1 - rate.amount / max(current, 1))
    return int(seconds) + 1


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """Who is counted as one: an IPv4 address, an IPv6 network of 64 bits."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found)
