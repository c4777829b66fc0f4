"""One broker for all tests; each has topics of its own."""

from collections.abc import Iterator

import pytest

from commands.embedded import DatabaseUrls
from commands.settings import Settings
from commands.system import new_id
from domain.catalog import Table
from tests.commands.conftest import committer, tenant
from tests.commands.tenant import Tenant
from tests.kafka.broker import LACKING, MISSING
from tests.kafka.relaying import begin_anew
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


@pytest.fixture
def kafka_settings(
    settings: Settings, broker: Broker, database: DatabaseUrls
) -> Settings:
    """Settings with a topic of this test alone, and a relay that begins anew."""
    begin_anew(database)
    return settings.model_copy(
        update={
            "kafka_bootstrap_servers": (broker.address,),
            "kafka_topic": f"test.{new_id()}",
            "kafka_partitions": 3,
        }
    )


@pytest.fixture
def table(tenant: Tenant) -> Table:
    return tenant.table("Name")
