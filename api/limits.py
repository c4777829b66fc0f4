"""How often anybody may ask: the documented rates, and guesses at passwords.

A caller who is known is counted by user, everybody else by address; of IPv6 an address
is its network of 64 bits.  Nothing that a request's body says chooses the counter, but
for the account that a log-in is for.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
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


USER = Rate("user", 1000, 60)
ADDRESS = Rate("address", 100, 60)

# guesses at the password of one account, from wherever it was not signed in lately
OF_ACCOUNT = (Rate("account-minute", 10, 60), Rate("account-hour", 50, 3600))
# from one address at whichever accounts; from where an account is known, at that one
OF_ADDRESS = (Rate("login-minute", 30, 60), Rate("login-hour", 300, 3600))
KNOWN_SECONDS = 30 * 86_400  # how long an address stays known to an account


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

    def __init__(self, windows: Windows, clock: Clock, surface: str) -> None:
        self._windows, self._clock, self._surface = windows, clock, surface

    @classmethod
    def of(cls, settings: Settings, surface: str) -> Self | None:
        """As the settings say; None where limits are off."""
        if not settings.rate_limits:
            return None
        url = settings.redis_url
        # steady: a clock that is set back locks nobody out
        windows = InProcess(monotonic) if url is None else InRedis(url, monotonic)
        return cls(windows, now, surface)

    async def close(self) -> None:
        if isinstance(self._windows, InRedis):
            await self._windows.close()

    async def take(self, user_id: str | None, address: str) -> Allowance:
        """Counts a request of a user, or of an address where nobody is known."""
        if user_id is not None:
            return await self._take(USER, user_id)
        return await self._take(ADDRESS, network_of(address))

    async def guess(self, account: str, address: str) -> None:
        """Counts a guess at an account's password.  Raises RateLimited.

        `account` is whatever equal accounts share.  An address that the account was
        signed in from has counters of its own, so strangers who guess do not lock the
        owner out.
        """
        network = network_of(address)
        for rate in OF_ADDRESS:
            await self._insist(rate, network)
        name = _digest(account)
        if await self._is_known(name, network):
            for rate in OF_ADDRESS:
                await self._insist(rate, f"{name}/{network}")
        else:
            for rate in OF_ACCOUNT:
                await self._insist(rate, name)

    async def right(self, account: str, address: str) -> None:
        """The guess was right: the address is known to the account from now on."""
        known = self._known(_digest(account), network_of(address))
        await self._windows.acquire_sliding_window_entry(known, 2**31, KNOWN_SECONDS)

    async def _is_known(self, name: str, network: str) -> bool:
        found = await self._windows.get_sliding_window(
            self._known(name, network), KNOWN_SECONDS
        )
        return found[0] + found[2] > 0

    def _known(self, name: str, network: str) -> str:
        return f"{self._surface}/known/{name}/{network}"

    async def _insist(self, rate: Rate, who: str) -> None:
        allowance = await self._take(rate, who)
        if not allowance.allowed:
            raise RateLimited(allowance)

    async def _take(self, rate: Rate, who: str) -> Allowance:
        key = f"{self._surface}/{rate.name}/{who}"
        windows = self._windows
        allowed = await windows.acquire_sliding_window_entry(
            key, rate.amount, rate.seconds
        )
        window = await windows.get_sliding_window(key, rate.seconds)
        return allowance_of(rate, window, allowed, self._clock())


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


def _digest(account: str) -> str:
    """No e-mail address in a counter's name."""
    return sha256(account.encode()).hexdigest()[:32]
