"""Guesses at passwords: how many, whichever door they come to.

An account is guessed at as rarely through two doors as through one.  The only thing of
a request's body that chooses a counter is the account that a log-in is for.
"""

from hashlib import sha256
from typing import Self

from api.limits import (
    HOUR,
    MINUTE,
    Rate,
    RateLimited,
    close_windows,
    network_of,
    take,
    windows_of,
)
from api.windows import Clock, Windows
from commands.settings import Settings
from commands.system import now

# guesses at the password of one account, from wherever it was not signed in lately
OF_ACCOUNT = (Rate("account-minute", 10, MINUTE), Rate("account-hour", 50, HOUR))
# from one address at whichever accounts; from where an account is known, at that one
OF_ADDRESS = (Rate("login-minute", 30, MINUTE), Rate("login-hour", 300, HOUR))
KNOWN_SECONDS = 30 * 86_400  # how long an address stays known to an account


class Guesses:
    """Counts them.  None of it is made where limits are off."""

    def __init__(self, windows: Windows, clock: Clock) -> None:
        self._windows, self._clock = windows, clock

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """As the settings say; None where limits are off."""
        return cls(windows_of(settings), now) if settings.rate_limits else None

    async def close(self) -> None:
        await close_windows(self._windows)

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
        known = _known(_digest(account), network_of(address))
        await self._windows.acquire_sliding_window_entry(known, 2**31, KNOWN_SECONDS)

    async def _is_known(self, name: str, network: str) -> bool:
        found = await self._windows.get_sliding_window(
            _known(name, network), KNOWN_SECONDS
        )
        return found[0] + found[2] > 0

    async def _insist(self, rate: Rate, who: str) -> None:
        key = f"guesses/{rate.name}/{who}"
        allowance = await take(self._windows, self._clock, rate, key)
        if not allowance.allowed:
            raise RateLimited(allowance)


def _known(name: str, network: str) -> str:
    return f"guesses/known/{name}/{network}"


def _digest(account: str) -> str:
    """No e-mail address in a counter's name."""
    return sha256(account.encode()).hexdigest()[:32]
