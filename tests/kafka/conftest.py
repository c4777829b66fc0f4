"""One broker for all tests; each has topics of its own."""

from collections.abc import Iterator

import pytest

from tests.commands.conftest import committer, tenant
from tests.kafka.broker import LACKING, MISSING
from tests.ports import free_ports
from tools.kafka import Broker

__all__ = ["committer", "tenant"]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """It runs; a test that stops it starts it again."""
    assert LACKING is None, MISSING
    broker = Broker(free_ports(3), room=tmp_path_factory.mktemp("kafka"))
    broker.up()
    yield broker
    broker.down(wipe=True)
