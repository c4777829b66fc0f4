"""Every delivery of a webhook is made, whatever is killed and whenever.

A server and a worker share the tasks by Valkey; who is told refuses now and then, and
now and then says nothing of what it took.  The short run is part of the suite, the long
one of `make nothing-lost`:

    TABELLION_KILLS   how many kills (6 unless told)
    TABELLION_SEED    the seed of a run that is to be repeated

In the short run who was told of a task, or has its lease, is given up sooner.
"""

import os
import random
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
from tests.process.killing.told import (
    a_webhook,
    deliveries,
    told_processes,
    until_quiet,
    untold,
)
from tests.process.test_nothing_lost import tell
from tests.redis_server import RedisServer, needs_redis

LONG = "TABELLION_KILLS" in os.environ
KILLS = int(os.environ.get("TABELLION_KILLS", "6"))
SEED = int(os.environ.get("TABELLION_SEED") or random.SystemRandom().getrandbits(32))
QUIET_SECONDS = 180.0  # at the most, after the last kill


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
    server, worker = told_processes(data_dir, valkey, recipient, impatient=not LONG)
    superuser = Cluster(data_dir).url("postgres")
    for one in (server, worker):
        one.start()
    try:
        server.wait(60)
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
            seconds = until_quiet(superuser, QUIET_SECONDS)
            tell(f"{seconds:.1f} s until all was told")
            events = promises.feed(client, workspace_id)
        assert list(promises.broken(events, load.intents, mark)) == []
        wanted = [one for one in events if one["type"].startswith("record.")]
        rows = deliveries(superuser, webhook_id)
        assert list(untold(wanted, rows, recipient)) == []
        tell(f"{len(wanted)} events, {len(recipient.arrivals)} arrivals")
        assert len(wanted) > 10 * KILLS
        if LONG:
            assert list(promises.checks(server)) == []
    finally:
        assert [server.stop(), worker.stop()] == [0, 0]
        recipient.stop()
        valkey.stop()
