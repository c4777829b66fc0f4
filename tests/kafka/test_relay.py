"""Every event is in Kafka, in order and as it is in the ledger, whatever happens."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from commands.embedded import DatabaseUrls
from commands.settings import Settings
from domain.catalog import Table
from tests.client import PASSWORD as PASSWORD_OF_CLIENTS
from tests.client import Client, Server, made
from tests.commands.tenant import LoopedCommitter, Tenant
from tests.kafka.broker import needs_kafka
from tests.kafka.relaying import (
    begin_anew,
    caught_up,
    envelope,
    header,
    messages,
    of,
    positions,
    relay_all,
    relaying,
    standing,
    until,
)
from tests.sealing import seal_all
from tools.kafka import PASSWORD, USER, Broker
from workers.relay.kafka import Kafka

DOCS = Path(__file__).parents[2] / "docs"
pytestmark = [pytest.mark.anyio, needs_kafka]


def everything(tenant: Tenant) -> list[int]:
    return list(range(1, tenant.position() + 1))


async def administrate(settings: Settings) -> Any:
    admin = AIOKafkaAdminClient(**Kafka(settings).options())
    await admin.start()
    return admin


async def test_a_workspaces_events_are_in_one_partition_in_order_without_a_gap(
    kafka_settings: Settings,
    database: DatabaseUrls,
    tenant: Tenant,
    table: Table,
    committer: LoopedCommitter,
):
    other = Tenant(database, committer).settle()
    tenant.create(table, {"Name": "Ada"}, {"Name": "Grace"})
    async with relaying(kafka_settings, database):
        await caught_up(database)
        tenant.create(table, {"Name": "Edsger"})
        await caught_up(database)
    found = await messages(kafka_settings)
    for one in (tenant, other):
        assert positions(one.workspace_id, found) == everything(one)
        assert len({each.partition for each in of(one.workspace_id, found)}) == 1


async def test_a_message_is_a_cloud_event_whose_value_is_the_envelope(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    tenant.create(table, {"Name": "Ada"})
    await relay_all(kafka_settings, database)
    record = of(tenant.workspace_id, await messages(kafka_settings))[-1]
    event = tenant.envelopes()[-1]
    assert record.key == tenant.workspace_id.encode()
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": event.id.encode(),
        "ce_source": f"/workspaces/{tenant.workspace_id}".encode(),
        "ce_type": b"record.created",
        "ce_subject": event.stream.encode(),
        "ce_time": event.recorded_at.encode(),
        "ce_dataschema": b"urn:tabellion:record.created:1",
        "content-type": b"application/json",
        "ce_workspaceid": tenant.workspace_id.encode(),
        "ce_seq": str(event.seq).encode(),
    }
    assert b'"data":' + event.data in record.value  # the very bytes
    told = envelope(record)
    assert told["hash"] == event.hash.hex()
    assert (told["seq"], told["surface"], told["batch_size"]) == (
        event.seq,
        "pybase",
        1,
    )


async def test_topics_are_made_with_the_partitions_and_retention_of_the_settings(
    kafka_settings: Settings, database: DatabaseUrls
):
    settings = kafka_settings.model_copy(
        update={"kafka_partitions": 5, "kafka_retention_hours": 2}
    )
    await relay_all(settings, database)
    admin = await administrate(settings)
    try:
        (topic,) = await admin.describe_topics([settings.kafka_topic])
        resource = ConfigResource(ConfigResourceType.TOPIC, settings.kafka_topic)
        (described,) = await admin.describe_configs([resource])
    finally:
        await admin.close()
    assert len(topic["partitions"]) == 5
    configuration = {one[0]: one[1] for one in described.resources[0][4]}
    assert configuration["retention.ms"] == "7200000"


async def test_each_kind_may_have_a_topic_whose_messages_name_the_one_before(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    settings = kafka_settings.model_copy(update={"kafka_topic_per_kind": True})
    tenant.create(table, {"Name": "Ada"})
    async with relaying(settings, database):
        await caught_up(database)
        tenant.table("Code")
        tenant.create(table, {"Name": "Grace"})
        await caught_up(database)
    for kind in ("record", "table", "field"):
        found = await messages(settings, f"{settings.kafka_topic}.{kind}")
        mine = of(tenant.workspace_id, found)
        wanted = [
            one.seq for one in tenant.envelopes() if one.type.startswith(f"{kind}.")
        ]
        assert positions(tenant.workspace_id, found) == wanted
        previous = [int(header(one, "ce_prevseq") or -1) for one in mine]
        assert previous == [0 if n == 0 else wanted[n - 1] for n in range(len(wanted))]


async def test_the_key_may_be_the_thing_that_changed(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    settings = kafka_settings.model_copy(update={"kafka_key": "stream"})
    ids = tenant.create(table, *({"Name": f"{n}"} for n in range(20)))
    tenant.do(tenant.updating(table, {one: {"Name": "new"} for one in ids}))
    await relay_all(settings, database)
    found = of(tenant.workspace_id, await messages(settings))
    assert sorted(positions(tenant.workspace_id, found)) == everything(tenant)
    assert len({one.partition for one in found}) == 3
    for one in ids:
        versions = [envelope(m)["version"] for m in found if m.key == one.encode()]
        assert versions == [1, 2]


# ----------------------------------------------------------------- what breaks


async def test_while_the_broker_is_gone_writes_go_on_and_nothing_is_skipped(
    kafka_settings: Settings,
    database: DatabaseUrls,
    tenant: Tenant,
    table: Table,
    broker: Broker,
):
    async with relaying(kafka_settings, database):
        await caught_up(database)
        await asyncio.to_thread(broker.kill)
        for n in range(10):
            tenant.create(table, {"Name": f"{n}"})
        seal_all(database)
        await until(lambda: standing(database).backlog == 10)
        assert standing(database).parked == 0
        await asyncio.to_thread(broker.up)
        await caught_up(database)
    found = positions(tenant.workspace_id, await messages(kafka_settings))
    assert sorted(set(found)) == everything(tenant)
    firsts = list(dict.fromkeys(found))  # a duplicate may be there, and comes later
    assert firsts == everything(tenant)


async def test_a_topic_that_is_gone_is_made_again_and_the_relay_goes_on(
    kafka_settings: Settings,
    database: DatabaseUrls,
    tenant: Tenant,
    table: Table,
    caplog: pytest.LogCaptureFixture,
):
    async with relaying(kafka_settings, database):
        await caught_up(database)
        before = tenant.position()
        admin = await administrate(kafka_settings)
        await admin.delete_topics([kafka_settings.kafka_topic])
        await admin.close()
        tenant.create(table, {"Name": "x"})
        await caught_up(database)
    found = await messages(kafka_settings)
    assert positions(tenant.workspace_id, found) == [before + 1]
    assert "what was relayed earlier is not in it" in caplog.text


async def test_of_an_event_that_is_too_large_the_message_carries_the_address(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    settings = kafka_settings.model_copy(update={"kafka_max_message_bytes": 8192})
    tenant.create(table, {"Name": "small"})
    tenant.create(table, {"Name": "x" * 10_000})
    tenant.create(table, {"Name": "small again"})
    await relay_all(settings, database)
    found = of(tenant.workspace_id, await messages(settings))
    assert positions(tenant.workspace_id, found) == everything(tenant)
    assert [header(one, "ce_dataref") is not None for one in found[-3:]] == [
        False,
        True,
        False,
    ]
    told = envelope(found[-2])
    assert told["data"] is None
    assert told["dataref"] == f"/api/v1/events/{told['id']}"
    assert header(found[-2], "ce_dataref") == told["dataref"]


async def test_what_the_broker_refuses_for_its_size_stops_nothing_behind_it(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    admin = await administrate(kafka_settings)
    limit = {"max.message.bytes": "8000"}
    name = kafka_settings.kafka_topic
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs=limit)])
    await admin.close()
    tenant.create(table, *({"Name": "y" * 1_000} for _ in range(10)))
    tenant.create(table, {"Name": "x" * 10_000})
    tenant.create(table, {"Name": "small"})
    await relay_all(kafka_settings, database)
    found = of(tenant.workspace_id, await messages(kafka_settings))
    assert list(dict.fromkeys(positions(tenant.workspace_id, found))) == everything(
        tenant
    )
    assert [one for one in found if header(one, "ce_dataref")] == [found[-2]]


async def test_who_is_not_let_in_waits_and_tells_no_secret(
    kafka_settings: Settings,
    database: DatabaseUrls,
    tenant: Tenant,
    table: Table,
    broker: Broker,
    caplog: pytest.LogCaptureFixture,
):
    def signing_in_with(password: str) -> Settings:
        return kafka_settings.model_copy(
            update={
                "kafka_bootstrap_servers": (broker.signing_in,),
                "kafka_security_protocol": "sasl_plaintext",
                "kafka_username": USER,
                "kafka_password": SecretStr(password),
            }
        )

    caplog.set_level(logging.DEBUG)
    seal_all(database)
    async with relaying(signing_in_with("a-wrong-password"), database):
        await until(lambda: "waits and tries again" in caplog.text)
        tenant.create(table, {"Name": "goes on"})
    assert "a-wrong-password" not in caplog.text
    await relay_all(signing_in_with(PASSWORD), database)
    assert PASSWORD not in caplog.text
    found = positions(tenant.workspace_id, await messages(kafka_settings))
    assert found == everything(tenant)


async def test_two_relays_send_each_event_once(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    begin_anew(database)
    async with relaying(kafka_settings, database), relaying(kafka_settings, database):
        for n in range(30):
            await asyncio.to_thread(tenant.create, table, {"Name": f"{n}"})
            await asyncio.to_thread(seal_all, database)
        await caught_up(database)
    found = positions(tenant.workspace_id, await messages(kafka_settings))
    assert found == everything(tenant)


async def test_messages_are_what_the_asyncapi_document_says(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant, table: Table
):
    settings = kafka_settings.model_copy(update={"kafka_max_message_bytes": 8192})
    tenant.create(table, {"Name": "x" * 10_000}, {"Name": "small"})
    await relay_all(settings, database)
    document = orjson.loads((DOCS / "asyncapi.json").read_bytes())
    check_envelope = fits(document["components"]["schemas"]["envelope"])
    check_headers = fits(
        document["components"]["messageTraits"]["cloudEvent"]["headers"]
    )
    for record in of(tenant.workspace_id, await messages(settings)):
        told = envelope(record)
        check_envelope(told)
        check_headers({name: value.decode() for name, value in record.headers})
        name = f"{told['type']}.{told['schema']}.json"
        schema = orjson.loads((DOCS / "schemas" / name).read_bytes())
        if told["data"] is not None:
            fits(schema)(told["data"])
        assert header(record, "ce_dataschema") == schema["$id"]


def fits(schema: Any) -> Callable[[Any], None]:
    check: Callable[[Any], None] = Draft202012Validator(schema).validate
    return check


async def test_it_stops_soon_also_where_kafka_does_not_answer(
    kafka_settings: Settings, database: DatabaseUrls, tenant: Tenant
):
    """Somebody listens there and says nothing."""
    seal_all(database)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = kafka_settings.model_copy(
            update={"kafka_bootstrap_servers": (address,)}
        )
        async with relaying(settings, database):
            await asyncio.sleep(0.3)
            began = time.monotonic()
        assert time.monotonic() - began < 4


async def test_threat_111_nothing_of_an_account_is_in_a_message(
    kafka_settings: Settings, database: DatabaseUrls, server: Server
):
    with Client(server.url) as client:
        client.register("Rumpelstiltskin", email="rumpelstiltskin@example.org")
        key = made(client.post("/users/me/api-keys", json={"name": "of straw"}))
        client.workspace("Mill")
        secrets = [
            PASSWORD_OF_CLIENTS,
            client.headers["authorization"].removeprefix("Bearer "),
            client.refresh_token,
            key["key"],
        ]
        user_id = client.user["id"]
    await relay_all(kafka_settings, database)
    found = await messages(kafka_settings)
    assert any(user_id.encode() in one.value for one in found)
    whole = b"".join(
        one.value + one.key + b"".join(value for _, value in one.headers)
        for one in found
    ).lower()
    for secret in [*secrets, "rumpelstiltskin"]:
        assert secret.lower().encode() not in whole
