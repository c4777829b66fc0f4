"""Every delivery of a webhook is made, whatever is killed and whenever.

A server and a worker share the tasks by Valkey; who is told refuses now and then, and
now and then says nothing of what it took.  The short run is part of the suite, the long
one of `make nothing-lost`:

    TABELLION_KILLS   how many kills (8 unless told)
    TABELLION_SEED    the seed of a run that is to be repeated

In the short run who was told of a task, or has its lease, is given up sooner.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from commands.embedded.cluster import Cluster
from tests.ports import free_port
from tests.process.killing import promises
from tests.process.killing.clients import Load, things
from tests.process.killing.recipient import Recipient
from tests.process.killing.server import Server, Worker
from tests.process.killing.told import deliveries, is_quiet, untold
from tests.process.test_nothing_lost import tell
from tests.redis_server import RedisServer, needs_redis

LONG = "TABELLION_KILLS" in os.environ
KILLS = int(os.environ.get("TABELLION_KILLS", "8"))
SEED = int(os.environ.get("TABELLION_SEED") or random.SystemRandom().getrandbits(32))
QUIET_SECONDS = 180.0  # at the most, after the last kill
IMPATIENT = """
from workers.deliveries import outcomes, turns
outcomes.LEASE_SECONDS = turns.TOLD_SECONDS = 4
from api.cli import main
main()
"""


def processes(
    data_dir: Path, valkey: RedisServer, recipient: Recipient
) -> tuple[Server, Worker]:
    server, worker = Server(data_dir, free_port()), Worker(data_dir, free_port())
    for one in (server, worker):
        one.environment |= {
            "TABELLION_REDIS_URL": valkey.url,
            "TABELLION_OUTBOUND_ALLOW": "127.0.0.0/8",
            "TABELLION_OUTBOUND_PORTS": str(recipient.port),
            "TABELLION_WEBHOOK_RETRIES": "1,1,1,1,2,2,2,4,4,8,8,8",
        }
        if not LONG:
            one.program = (sys.executable, "-c", IMPATIENT)
        one.start()
    return server, worker


def a_webhook(client: httpx2.Client, table_id: str, recipient: Recipient) -> str:
    body = {
        "name": "Told",
        "table_id": table_id,
        "type": "outgoing",
        "url": f"{recipient.url}/records",
        "events": ["record.*"],
    }
    reply = client.post("/webhooks", json=body)
    assert reply.status_code == 201, reply.text
    made = reply.json()
    recipient.secrets["/records"] = made["secret"]
    webhook_id: str = made["id"]
    return webhook_id


def kill(
    server: Server, worker: Worker, valkey: RedisServer, choose: random.Random
) -> None:
    def bounce() -> None:
        valkey.kill()
        time.sleep(choose.uniform(0.0, 2.0))
        valkey.start()

    ways: list[tuple[str, Callable[[], None]]] = [
        ("worker", worker.kill_server),
        ("valkey", bounce),
        ("server", server.kill_server),
        ("connections", server.terminate_backends),
        ("backend", server.kill_backend),
        ("cluster", server.kill_cluster),
    ]
    for number in range(KILLS):
        time.sleep(choose.uniform(0.3, 2.0))
        name, way = ways[number] if number < len(ways) else choose.choice(ways)
        tell(f"{number + 1}: {name}")
        way()
        if choose.random() < 0.5:  # now and then the next blow comes before it stands
            server.wait()


@needs_redis
@pytest.mark.timeout(QUIET_SECONDS + 120 + KILLS * 30)
def test_every_delivery_is_made_once_and_in_order(tmp_path: Path):
    tell(f"seed {SEED}, {KILLS} kills")
    choose = random.Random(SEED)
    recipient = Recipient(SEED)
    valkey = RedisServer(tmp_path, free_port())
    valkey.start()
    data_dir = tmp_path / "data"
    server, worker = processes(data_dir, valkey, recipient)
    superuser = Cluster(data_dir).url("postgres")
    try:
        server.wait()
        with httpx2.Client(
            base_url=f"{server.url}/api/v1", trust_env=False, timeout=30
        ) as client:
            workspace_id, table_id, mark, token = things(client)
            webhook_id = a_webhook(client, table_id, recipient)
            load = Load(
                server.url,
                token,
                table_id,
                tmp_path / "intents",
                3,
                SEED,
                batch=5,
                pause=0.05,
            )
            load.start()
            try:
                kill(server, worker, valkey, choose)
            finally:
                load.stop()
            server.wait()
            until_quiet(superuser)
            events = promises.feed(client, workspace_id)
        assert list(promises.broken(events, load.intents, mark)) == []
        wanted = [one for one in events if one["type"].startswith("record.")]
        rows = deliveries(superuser, webhook_id)
        assert recipient.forged == []
        assert list(untold(wanted, rows, recipient.arrivals)) == []
        tell(f"{len(wanted)} events, {len(recipient.arrivals)} arrivals")
        assert len(wanted) > 10 * KILLS
        assert list(promises.checks(server)) == []
    finally:
        assert [server.stop(), worker.stop()] == [0, 0]
        recipient.stop()
        valkey.stop()


def until_quiet(superuser: str) -> None:
    deadline = time.monotonic() + QUIET_SECONDS
    while not is_quiet(superuser):
        assert time.monotonic() < deadline, "something is still to be told"
        time.sleep(0.2)
