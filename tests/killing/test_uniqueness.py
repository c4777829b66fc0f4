"""A unique constraint over a large table, filled by a server that is killed."""

import socket
import time
from pathlib import Path

import pytest

from tests.client import Client, made
from tests.killing.server import Server

ROWS = 7_000


@pytest.mark.timeout(240)
def test_a_server_that_is_killed_goes_on_filling(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    server = Server(tmp_path / "data", port)
    server.start()
    try:
        server.wait(60)
        with Client(server.url) as client:
            client.register()
            table = client.table("Code")
            for first in range(0, ROWS, 1000):
                rows = [{"Code": f"C{n}"} for n in range(first, first + 1000)]
                client.records(table["id"], *rows)
            constraint = client.constraint(table["ids"]["Code"])
            assert constraint["status"] == "pending"

            server.kill_server()
            server.wait(60)
            assert filled(client, constraint["id"]) == "active"

            row = {"table_id": table["id"], "fields": {"Code": "C17"}}
            assert client.post("/records", json=row).status_code == 409
        assert "pending: 0" in server.run("doctor").stdout
        assert server.run("verify").returncode == 0
        assert server.run("replay", "--check").returncode == 0
    finally:
        server.stop()


def filled(client: Client, constraint_id: str) -> str:
    """The status after a while."""
    for _ in range(600):
        status: str = made(client.get(f"/constraints/{constraint_id}"))["status"]
        if status != "pending":
            return status
        time.sleep(0.1)
    return "pending"
