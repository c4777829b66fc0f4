"""`tabellion relay verify` and `republish`: the topic against the ledger."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition
from typer.testing import CliRunner, Result

from api.cli import app
from commands.embedded import DatabaseUrls
from commands.settings import Settings
from domain.catalog import Table
from tests.commands.tenant import Tenant
from tests.kafka.broker import needs_kafka
from tests.kafka.relaying import messages, of, positions, relay_all
from tests.kafka.test_relay import administrate
from tests.sealing import seal_all
from workers.relay.kafka import Kafka
from workers.relay.parity import Difference, Report, compare, republish

pytestmark = [pytest.mark.anyio, needs_kafka]


async def compared(settings: Settings, database: DatabaseUrls) -> Report:
    return await compare(settings, database.follower)


async def send(settings: Settings, record: Any, **other: Any) -> None:
    """A message such as another, or not quite."""
    producer = AIOKafkaProducer(**Kafka(settings).options())
    await producer.start()
    message = {
        "topic": record.topic,
        "key": record.key,
        "value": record.value,
        "headers": list(record.headers),
        "partition": record.partition,
    }
    await producer.send_and_wait(**message | other)
    await producer.stop()


def renamed(record: Any, name: str, value: str) -> list[tuple[str, bytes]]:
    return [
        (one, value.encode() if one == name else was) for one, was in record.headers
    ]


def whats(differences: Sequence[Difference]) -> list[tuple[str, str]]:
    return [(one.what, one.told) for one in differences]


async def test_what_was_relayed_is_what_the_ledger_has(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    settings = kafka_settings.model_copy(update={"kafka_max_message_bytes": 8192})
    tenant.create(table, {"Name": "Ada"}, {"Name": "x" * 10_000})
    await relay_all(settings, database)
    report = await compared(settings, database)
    assert report.differences == []
    assert report.messages == report.events > tenant.position()
    assert (report.duplicates, report.gone) == (0, 0)
    assert report.addresses >= 1  # other tests write large events too


async def test_the_same_where_each_kind_has_a_topic_and_each_thing_a_key(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    tenant.create(table, {"Name": "Ada"}, {"Name": "Grace"})
    settings = kafka_settings.model_copy(
        update={"kafka_topic_per_kind": True, "kafka_key": "stream"}
    )
    await relay_all(settings, database)
    report = await compared(settings, database)
    assert report.differences == []
    assert report.events > tenant.position()


async def test_each_kind_of_difference_is_told(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    await relay_all(kafka_settings, database)
    mine = of(tenant.workspace_id, await messages(kafka_settings))
    last = mine[-1]
    changed = last.value.replace(b'"pybase"', b'"system"')
    await send(kafka_settings, last, value=changed)
    await send(kafka_settings, last, headers=renamed(last, "ce_seq", "999"))
    await send(kafka_settings, last, headers=[])
    await send(kafka_settings, last, key=b"another")
    await send(kafka_settings, last)
    report = await compared(kafka_settings, database)
    told = f"position {tenant.position()} of workspace {tenant.workspace_id}"
    assert whats(report.differences) == [
        ("changed", f"{told}: another value"),
        ("unknown", "of no event of the ledger"),
        ("unknown", "of no event of the ledger"),
        ("changed", f"{told}: another key"),
    ]
    assert report.duplicates == 1
    (where,) = {one.where.rpartition("@")[0] for one in report.differences}
    assert where == f"{last.topic}[{last.partition}]"


async def test_an_event_that_is_missing_is_told_and_republishing_brings_it(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    """As where a topic was deleted: what was there is gone, what comes is not."""
    await relay_all(kafka_settings, database)
    position = tenant.position()
    admin = await administrate(kafka_settings)
    await admin.delete_topics([kafka_settings.kafka_topic])
    await admin.close()
    tenant.create(table, {"Name": "later"})
    await relay_all(kafka_settings, database)
    report = await compared(kafka_settings, database)
    assert (
        "missing",
        f"1 to {position} of workspace {tenant.workspace_id}",
    ) in whats(report.differences)

    sent = await republish(
        kafka_settings,
        database.follower,
        workspace_id=tenant.workspace_id,
        begin="1",
        end=str(position),
    )
    assert sent == position
    found = positions(tenant.workspace_id, await messages(kafka_settings))
    assert sorted(found) == list(range(1, position + 2))
    after = await compared(kafka_settings, database)
    # all are there; the later one was there before
    mine = [one for one in after.differences if tenant.workspace_id in one.told]
    assert {one.what for one in mine} == {"order"}


async def test_what_is_sent_again_is_known_as_a_duplicate(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    settings = kafka_settings.model_copy(update={"kafka_topic_per_kind": True})
    tenant.create(table, {"Name": "Ada"})
    moment = tenant.envelopes()[-1].recorded_at
    await relay_all(settings, database)
    sent = await republish(
        settings,
        database.follower,
        workspace_id=tenant.workspace_id,
        begin=moment,
        end=moment,
    )
    assert sent == 1
    report = await compared(settings, database)
    assert (report.duplicates, report.differences) == (1, [])


async def test_what_was_not_relayed_yet_is_not_sent_before_its_turn(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    await relay_all(kafka_settings, database)
    position = tenant.position()
    tenant.create(table, {"Name": "waits"})
    seal_all(database)
    sent = await republish(
        kafka_settings,
        database.follower,
        workspace_id=tenant.workspace_id,
        begin=str(position),
        end=str(position + 1),
    )
    assert sent == 1


async def test_what_retention_has_dropped_is_no_difference(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    await relay_all(kafka_settings, database)
    third = of(tenant.workspace_id, await messages(kafka_settings))[2]
    lane = TopicPartition(third.topic, third.partition)
    admin = await administrate(kafka_settings)
    await admin.delete_records({lane: RecordsToDelete(third.offset)})
    await admin.close()
    report = await compared(kafka_settings, database)
    assert report.differences == []
    assert report.gone >= 2


# ------------------------------------------------------------ the command line


async def tabellion(
    settings: Settings, database: DatabaseUrls, *arguments: str
) -> Result:
    """A verb of the command line, in a thread: it brings a loop of its own."""
    environment = {
        "TABELLION_DATABASE_URL": database.app,
        "TABELLION_OWNER_DATABASE_URL": database.owner,
        "TABELLION_FOLLOWER_DATABASE_URL": database.follower,
        "TABELLION_SECRET_KEY": settings.secret_key.get_secret_value(),
        "TABELLION_DATA_DIR": str(settings.data_dir),
        "TABELLION_KAFKA_BOOTSTRAP_SERVERS": ",".join(settings.kafka_bootstrap_servers),
        "TABELLION_KAFKA_TOPIC": settings.kafka_topic,
    }
    runner = CliRunner()
    return await asyncio.to_thread(
        lambda: runner.invoke(app, arguments, env=environment)
    )


async def test_the_command_exits_1_on_a_difference_and_0_on_none(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    await relay_all(kafka_settings, database)
    well = await tabellion(kafka_settings, database, "relay", "verify")
    assert (well.exit_code, well.stderr.strip()) == (0, "")
    assert well.stdout.endswith(
        "0 duplicates, 0 with the data's address; 0 events gone"
        " by retention; 0 differences\n"
    )

    first = of(tenant.workspace_id, await messages(kafka_settings))[0]
    value = json.dumps({"forged": True}).encode()
    await send(kafka_settings, first, value=value)
    forged = await tabellion(kafka_settings, database, "relay", "verify")
    assert forged.exit_code == 1
    line = f"changed  position 1 of workspace {tenant.workspace_id}: another value "
    assert forged.stdout.startswith(line)


async def test_the_command_exits_2_where_kafka_does_not_answer(
    kafka_settings: Settings, database: DatabaseUrls
):
    nowhere = kafka_settings.model_copy(
        update={"kafka_bootstrap_servers": ("127.0.0.1:1",)}
    )
    for arguments in (["verify"], ["republish", "--from", "2026-01-01T00:00:00Z"]):
        to = ["--to", "2026-01-02T00:00:00Z"] if len(arguments) > 1 else []
        answer = await tabellion(nowhere, database, "relay", *arguments, *to)
        assert answer.exit_code == 2
        assert "tabellion: Kafka: KafkaConnectionError" in answer.stderr


async def test_a_position_needs_its_workspace(
    kafka_settings: Settings, database: DatabaseUrls
):
    answer = await tabellion(
        kafka_settings, database, "relay", "republish", "--from", "1", "--to", "2"
    )
    assert answer.exit_code == 2
    assert "a position is one of a workspace" in answer.stderr


async def test_doctor_and_followers_tell_how_far_the_relay_is(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant
):
    await relay_all(kafka_settings, database)
    told = await tabellion(kafka_settings, database, "doctor")
    assert "follower kafka: 0 events behind, 0.0 s" in told.stdout
    assert f"Kafka topic {kafka_settings.kafka_topic}: 3 partitions" in told.stdout
    followers = await tabellion(kafka_settings, database, "followers")
    assert (followers.exit_code, followers.stdout) == (
        0,
        "kafka: 0 events behind, 0.0 s\n",
    )
