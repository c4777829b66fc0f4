"""Server, worker, Postgres, Valkey and Kafka die under load: every event is in Kafka,
and in order, and every delivery of a webhook was made.

What a topic then has is compared with the ledger by `tabellion relay verify`.  The long
run (`make nothing-lost`) takes TABELLION_KILLS and TABELLION_SEED.
"""

import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from commands.embedded.cluster import Cluster
from tests.kafka.broker import needs_kafka
from tests.kafka.relaying import messages, positions
from tests.killing import promises
from tests.killing.clients import Load
from tests.killing.deaths import LONG, SEED, bounce, kills, strike, tell
from tests.killing.recipient import Recipient
from tests.killing.server import Server
from tests.killing.told import (
    a_webhook,
    deliveries,
    told_processes,
    until_quiet,
    untold,
)
from tests.ports import free_port
from tests.redis_server import RedisServer, needs_redis
from tools.kafka import Broker

pytestmark = [pytest.mark.anyio, needs_kafka]
CLIENTS = 4
KILLS = kills(5)
PATIENCE = 180.0 if LONG else 60.0  # seconds
TOPIC = "test.nothing-lost"


def metric(server: Server, name: str) -> float | None:
    try:
        text = httpx2.get(f"{server.url}/metrics", timeout=10).text
    except httpx2.HTTPError:
        return None
    found = re.search(rf'^tabellion_{name}{{follower="kafka"}} (.+)$', text, re.M)
    return float(found[1]) if found else None


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def settled(url: str, recipient: Recipient) -> tuple[str, str, str, str]:
    """A token, a workspace, a table in it, and a webhook of that."""
    with httpx2.Client(base_url=f"{url}/api/v1", trust_env=False) as client:

        def made(path: str, **body: Any) -> Any:
            reply = client.post(path, json=body)
            assert reply.status_code == 201, reply.text
            return reply.json()

        signed_in = made(
            "/auth/register",
            email="load@example.org",
            password="securepassword",
            name="Load",
        )
        token: str = signed_in["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        workspace = made("/workspaces", name="Load")
        base = made("/bases", workspace_id=workspace["id"], name="Load")
        names = {"Mark": "text", "Nr": "number", "Note": "text"}
        fields = [{"name": name, "type": kind} for name, kind in names.items()]
        table = made("/tables", base_id=base["id"], name="Load", fields=fields)
        webhook_id = a_webhook(client, table["id"], recipient)
        return token, workspace["id"], table["id"], webhook_id


@needs_redis
@pytest.mark.timeout(2 * PATIENCE + 60 + KILLS * 30)
async def test_every_event_is_in_kafka_and_told_whatever_is_killed(
    broker: Broker, tmp_path: Path, settings: Any
):
    tell(f"seed {SEED}, {KILLS} kills")
    choose = random.Random(SEED)
    data_dir = tmp_path / "data"
    tmp_path.chmod(0o755)
    recipient, valkey = Recipient(SEED), RedisServer(tmp_path, free_port())
    valkey.start()
    server, worker = told_processes(data_dir, valkey, recipient, impatient=not LONG)
    for one in (server, worker):
        one.environment |= {
            "TABELLION_KAFKA_BOOTSTRAP_SERVERS": broker.address,
            "TABELLION_KAFKA_TOPIC": TOPIC,
        }
        one.start()
    superuser = Cluster(data_dir).url("postgres")

    def bounce_kafka() -> None:
        broker.kill()
        time.sleep(choose.uniform(0.0, 2.0))
        broker.up()

    ways = {
        "worker": worker.kill_server,
        "server": server.kill_server,
        "valkey": lambda: bounce(valkey, choose),
        "cluster": server.kill_cluster,
        "kafka": bounce_kafka,
    }
    try:
        server.wait(90)
        token, workspace_id, table_id, webhook_id = settled(server.url, recipient)
        load = Load(
            server.url,
            token,
            table_id,
            tmp_path / "intents",
            CLIENTS,
            SEED,
            batch=5,
            pause=0.05,
        )
        load.start()
        try:
            strike(ways, KILLS, choose, server.wait)
        finally:
            load.stop()
        server.wait(90)
        until(lambda: metric(server, "follower_backlog") == 0)
        assert metric(server, "follower_parked") == 0
        assert (metric(server, "follower_lag_seconds") or 0) < 5
        verified = server.run("relay", "verify")
        assert (verified.returncode, "0 differences" in verified.stdout) == (0, True)
        told = settings.model_copy(
            update={
                "kafka_bootstrap_servers": (broker.address,),
                "kafka_topic": TOPIC,
            }
        )
        found = positions(workspace_id, await messages(told))
        firsts = list(dict.fromkeys(found))
        assert firsts == list(range(1, len(firsts) + 1))
        acknowledged = [one for one in load.intents if one.acknowledged]
        assert len(acknowledged) > 20
        assert max(one.position or 0 for one in acknowledged) <= len(firsts)
        until_quiet(superuser, PATIENCE)
        with httpx2.Client(base_url=f"{server.url}/api/v1", trust_env=False) as client:
            client.headers["authorization"] = f"Bearer {token}"
            events = promises.feed(client, workspace_id)
        wanted = [one for one in events if one["type"].startswith("record.")]
        rows = deliveries(superuser, webhook_id)
        assert list(untold(wanted, rows, recipient)) == []
    finally:
        assert [server.stop(), worker.stop()] == [0, 0]
        recipient.stop()
        valkey.stop()
