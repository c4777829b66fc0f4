"""The consumer in `examples/`: every event counts once, and none that is not ours."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from commands.embedded import DatabaseUrls
from commands.settings import Settings
from domain.catalog import Table
from domain.record import DeleteRecords
from examples.consuming import Forged, Missing, Server, View
from tests.client import Client
from tests.client import Server as Running
from tests.commands.tenant import Tenant
from tests.kafka.broker import needs_kafka
from tests.kafka.relaying import messages, of, relay_all
from workers.relay.parity import republish

pytestmark = [pytest.mark.anyio, needs_kafka]
ROOT = Path(__file__).resolve().parents[2]
NOWHERE = Server(None, None)


def consuming(settings: Settings, file: Path, *options: str) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        "TABELLION_KAFKA_BOOTSTRAP_SERVERS": ",".join(settings.kafka_bootstrap_servers),
        "TABELLION_KAFKA_TOPIC": settings.kafka_topic,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "examples.consuming", str(file), *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def consumed_once(settings: Settings, file: Path) -> str:
    process = consuming(settings, file, "--once")
    told, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return told


def counts(file: Path) -> dict[str, int]:
    database = sqlite3.connect(file)
    rows = database.execute("SELECT id, records FROM tables").fetchall()
    database.close()
    return dict(rows)


def truth(tenant: Tenant) -> dict[str, int]:
    """Records by table, from the ledger."""
    found: Counter[str] = Counter()
    for one in tenant.envelopes():
        data = orjson.loads(one.data)
        if one.type == "table.created":
            found[one.stream] += 0
        elif one.type.startswith("record."):
            found[data["table_id"]] += {"record.created": 1, "record.deleted": -1}[
                one.type
            ]
    return dict(found)


async def test_it_counts_what_is_there_and_what_comes_again_counts_once(
    kafka_settings: Settings,
    database: DatabaseUrls,
    tenant: Tenant,
    table: Table,
    tmp_path: Path,
):
    first, *_ = tenant.create(table, *({"Name": f"{n}"} for n in range(5)))
    tenant.do(DeleteRecords(table.id, [first]))
    await relay_all(kafka_settings, database)
    file = tmp_path / "view"
    told = consumed_once(kafka_settings, file)
    assert f"      4  {tenant.envelopes()[-1].recorded_at}  {table.name}\n" in told
    assert truth(tenant) == {table.id: 4}
    assert counts(file)[table.id] == 4

    await republish(
        kafka_settings,
        database.follower,
        workspace_id=tenant.workspace_id,
        begin="1",
        end=str(tenant.position()),
    )
    assert consumed_once(kafka_settings, file) == told


async def test_killed_in_the_midst_it_goes_on_and_counts_nothing_twice(
    kafka_settings: Settings,
    database: DatabaseUrls,
    tenant: Tenant,
    table: Table,
    tmp_path: Path,
):
    tenant.create(table, *({"Name": f"{n}"} for n in range(500)))
    tenant.create(table, *({"Name": f"{n}"} for n in range(500)))
    await relay_all(kafka_settings, database)
    file = tmp_path / "view"
    process = consuming(kafka_settings, file)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (file.exists() and _some(file, table)):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    consumed_once(kafka_settings, file)
    assert counts(file)[table.id] == 1000


def _some(file: Path, table: Table) -> bool:
    try:
        return counts(file).get(table.id, 0) > 0
    except sqlite3.OperationalError:  # it makes its tables just now
        return False


# ------------------------------------------------------- message by message


def taken(view: View, server: Server, record: Any) -> int:
    return view.take([record], server)


async def test_what_is_missing_is_told_and_fetched_where_there_is_a_server(
    kafka_settings: Settings,
    database: DatabaseUrls,
    server: Running,
    client: Client,
    tmp_path: Path,
):
    table = client.table("Name")
    client.records(table["id"], {"Name": "Ada"}, {"Name": "x" * 10_000})
    settings = kafka_settings.model_copy(update={"kafka_max_message_bytes": 8192})
    await relay_all(settings, database)
    mine = of(table["workspace_id"], await messages(settings))
    view = View(str(tmp_path / "view"))
    assert taken(view, NOWHERE, mine[0]) == 1
    with pytest.raises(Missing, match=f"/events.workspace_id={table['workspace_id']}"):
        taken(view, NOWHERE, mine[2])
    with pytest.raises(Missing, match="--api"):  # the data of the last are not in it
        view.take(mine, NOWHERE)

    token = client.headers["authorization"].removeprefix("Bearer ")
    there = Server(server.url, token)
    other = View(str(tmp_path / "other"))
    assert taken(other, there, mine[0]) == 1
    assert taken(other, there, mine[-1]) == len(mine) - 1
    assert taken(other, there, mine[3]) == 0
    assert other.position(table["workspace_id"])[0] == len(mine)
    for one in (view, other):
        one.close()
    assert counts(tmp_path / "other") == {table["id"]: 2}


async def test_what_the_ledger_did_not_write_does_not_count(
    kafka_settings: Settings,
    database: DatabaseUrls,
    tenant: Tenant,
    table: Table,
    tmp_path: Path,
):
    tenant.create(table, {"Name": "Ada"})
    await relay_all(kafka_settings, database)
    *before, last = of(tenant.workspace_id, await messages(kafka_settings))
    view = View(str(tmp_path / "view"))
    for record in before:
        taken(view, NOWHERE, record)
    forged = last.value.replace(b'"Ada"', b'"Eve"')
    assert forged != last.value
    with pytest.raises(Forged, match=f"position {tenant.position()} of workspace"):
        taken(view, NOWHERE, replace(last, value=forged))
    assert taken(view, NOWHERE, last) == 1
    view.close()
