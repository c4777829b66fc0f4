"""Clients that are closed when their test ends."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from commands.outbound import Guard, Outbound
from tests.commands.outbound.places import LOCAL, OPEN, Names


@pytest.fixture
async def out() -> AsyncIterator[Callable[..., Outbound]]:
    """Makes a client that may call this machine, at `hook.example`."""
    made = []

    def make(guard: Guard = OPEN, **more: Any) -> Outbound:
        said: dict[str, Any] = {"look_up": Names(**LOCAL), "seconds": 5.0, **more}
        made.append(Outbound(guard, **said))
        return made[-1]

    yield make
    for client in made:
        await client.close()
