"""Nothing acknowledged is lost, whatever is killed and whenever.

The short run is part of the suite; `make nothing-lost` runs it for longer:

    TABELLION_KILLS   how many kills (12 unless told)
    TABELLION_SEED    the seed of a run that is to be repeated
"""

import os
import random
import sys
import time
from pathlib import Path

import httpx2
import pytest

from tests.killing import promises
from tests.killing.clients import Load, things
from tests.killing.server import Server
from tests.ports import free_port

KILLS = int(os.environ.get("TABELLION_KILLS", "12"))
SEED = int(os.environ.get("TABELLION_SEED") or random.SystemRandom().getrandbits(32))
CLIENTS = 12


def tell(line: str) -> None:
    """Shown by pytest when the test fails, or with -s."""
    sys.stdout.write(line + "\n")


@pytest.mark.timeout(120 + KILLS * 30)
def test_kills_at_random_instants_lose_nothing(tmp_path: Path) -> None:
    tell(f"seed {SEED}, {KILLS} kills")
    choose = random.Random(SEED)
    server = Server(tmp_path / "data", free_port())
    server.start()
    try:
        server.wait()
        with httpx2.Client(
            base_url=f"{server.url}/api/v1", trust_env=False, timeout=30
        ) as client:
            workspace_id, table_id, mark, token = things(client)
            load = Load(
                server.url, token, table_id, tmp_path / "intents", CLIENTS, SEED
            )
            load.start()
            try:
                _kill(server, choose)
            finally:
                load.stop()
            server.wait()
            events = promises.feed(client, workspace_id)
            assert list(promises.broken(events, load.intents, mark)) == []
            assert load.bad == []
            assert load.slowest < 30
            acknowledged = [one for one in load.intents if one.acknowledged]
            sample = choose.sample(acknowledged, min(60, len(acknowledged)))
            assert list(promises.replays(client, sample)) == []
            assert promises.feed(client, workspace_id) == events
            total = client.get("/records", params={"table_id": table_id}).json()
        kinds = [event["type"] for event in events]
        left = kinds.count("record.created") - kinds.count("record.deleted")
        assert total["total"] == left
        assert list(promises.checks(server)) == []
        tell(f"{len(acknowledged)} of {len(load.intents)} writes acknowledged")
        assert len(acknowledged) > 10 * KILLS
    finally:
        server.stop()


def _kill(server: Server, choose: random.Random) -> None:
    ways = [
        server.kill_server,
        server.kill_backend,
        server.terminate_backends,
        server.kill_cluster,
    ]
    for number in range(KILLS):
        time.sleep(choose.uniform(0.3, 2.0))
        way = ways[number % len(ways)] if number < 8 else choose.choice(ways)
        tell(f"{number + 1}: {way.__name__}")
        way()
        if choose.random() < 0.5:  # now and then the next blow comes before it stands
            server.wait()
