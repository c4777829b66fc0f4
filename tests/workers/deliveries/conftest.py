"""Fixtures of deliveries; what they consist of is in `desk.py`."""

from collections.abc import AsyncIterator

import pytest

from commands.embedded import DatabaseUrls
from tests.workers.deliveries.desk import Desk, a_desk
from tests.workers.receiver import Receiver, receiving


@pytest.fixture
async def desk(database: DatabaseUrls) -> AsyncIterator[Desk]:
    """Afterwards nothing is left waiting, for other tests of the same database."""
    async with a_desk(database) as desk:
        yield desk


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver
