"""`tabellion undo`, the real command against a running server."""

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client import PASSWORD, Client, made


@pytest.fixture
def desk(server, tmp_path):
    """Somebody with a table, and the command in their name."""
    email = f"{secrets.token_hex(6)}@example.org"
    account = tmp_path / "account.json"
    account.write_text(json.dumps({"email": email, "password": PASSWORD}))
    with Client(server.url) as client:
        client.register("Ada", email)
        table = client.table("Name", {"name": "Price", "type": "number"})

        def run(*options, answer=""):
            return subprocess.run(
                [
                    Path(sys.executable).parent / "tabellion",
                    "undo",
                    *options,
                    f"--account={account}",
                    f"--url={server.url}",
                ],
                input=answer,
                capture_output=True,
                text=True,
                timeout=60,
                env={"COLUMNS": "160", "PYTHONPATH": ":".join(sys.path)},
                check=False,
            )

        yield client, table, run


def changed(client, table):
    """A record that is Eve and was Ada, and the batch that changed it."""
    record = client.record(table["id"], Name="Ada", Price=1)
    reply = client.patch(f"/records/{record['id']}", json={"fields": {"Name": "Eve"}})
    return record, reply.headers["x-batch-id"]


def name_of(client, record):
    return made(client.get(f"/records/{record['id']}"))["fields"]["Name"]


def test_it_shows_what_goes_back_asks_and_does_it(desk):
    client, table, run = desk
    record, batch = changed(client, table)

    declined = run("--batch", batch, answer="n\n")
    assert declined.returncode == 1
    assert "Eve → Ada" in declined.stdout
    assert name_of(client, record) == "Eve"

    done = run("--batch", batch, answer="y\n")
    assert done.returncode == 0, done.stderr
    assert "record.updated" in done.stdout
    assert "1 event taken back" in done.stdout
    assert name_of(client, record) == "Ada"


def test_it_goes_forth_again(desk):
    client, table, run = desk
    record, batch = changed(client, table)

    undone = json.loads(run("--batch", batch, "--json", "--yes").stdout)
    run("--redo", undone["batch_id"], "--yes")

    assert name_of(client, record) == "Eve"


def test_in_json_it_does_nothing_without_a_yes(desk):
    client, table, run = desk
    record, batch = changed(client, table)

    answer = json.loads(run("--batch", batch, "--json").stdout)

    assert answer["batch_id"] is None
    assert len(answer["undone"]) == 1
    assert name_of(client, record) == "Eve"


def test_it_tells_what_stands_in_the_way(desk):
    client, table, run = desk
    record, batch = changed(client, table)
    client.patch(f"/records/{record['id']}", json={"fields": {"Name": "Zoe"}})

    refused = run("--batch", batch, "--yes")

    assert refused.returncode == 1
    assert "in the way of" in refused.stdout
    assert "Name" in refused.stdout
    assert "--mode skip_conflicts" in refused.stderr
    assert run("--batch", batch, "--yes", "--mode", "force").returncode == 0
    assert name_of(client, record) == "Ada"


def test_the_latest_and_a_range_need_a_workspace(desk):
    client, table, run = desk
    record, _ = changed(client, table)

    assert run("--latest").returncode == 2
    assert run("--batch", "x", "--latest").returncode == 2
    assert run("--from", "1").returncode == 2
    position = client.position(table["workspace_id"])
    of = f"--workspace={table['workspace_id']}"
    done = run("--from", str(position), "--to", str(position), of, "--yes")
    assert done.returncode == 0, done.stderr
    assert name_of(client, record) == "Ada"


def test_what_is_undone_already_is_no_failure(desk):
    client, table, run = desk
    _, batch = changed(client, table)
    run("--batch", batch, "--yes")

    again = run("--batch", batch, "--yes")

    assert again.returncode == 0
    assert "nothing to take back" in again.stdout
