"""Every delivery of a webhook is made, whatever is killed and whenever.

A server and a worker share the tasks by Valkey; who is told refuses now and then, and
now and then says nothing of what it took.  The short run is part of the suite, the long
one of `make nothing-lost`:

    TABELLION_KILLS   how many kills (6 unless told)
    TABELLION_SEED    the seed of a run that is to be repeated

In the short run who was told of a task, or has its lease, is given up sooner.
"""

import random
from pathlib import Path

import httpx2
import pytest

from commands.embedded.cluster import Cluster
from tests.killing import promises
from tests.killing.clients import Load, things
from tests.killing.deaths import LONG, SEED, bounce, kills, strike, tell
from tests.killing.recipient import Recipient
from tests.killing.told import (
    a_webhook,
    deliveries,
    told_processes,
    until_quiet,
    untold,
)
from tests.ports import free_port
from tests.redis_server import RedisServer, needs_redis

KILLS = kills(6)
QUIET_SECONDS = 180.0  # at the most, after the last kill


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
    ways = {
        "worker": worker.kill_server,
        "server": server.kill_server,
        "valkey": lambda: bounce(valkey, choose),
        "connections": server.terminate_backends,
        "backend": server.kill_backend,
        "cluster": server.kill_cluster,
    }
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
                strike(ways, KILLS, choose, server.wait)
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
