"""`tabellion audit`, the real command against the real server."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.client import ABSENT, Client, Json, made
from tests.killing.server import Server, serving


@dataclass
class Desk:
    """A running server, somebody's account there, and what they wrote."""

    server: Server
    client: Client
    account: Path
    table: Json
    record: Json

    def run(self, *options: str) -> "CompletedProcess[str]":
        return self.server.run(
            "audit",
            f"--account={self.account}",
            f"--url={self.server.url}",
            *options,
        )

    def rows(self, *options: str) -> list[Any]:
        done = self.run(*options, "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    @property
    def workspace(self) -> str:
        return f"--workspace={self.table['workspace_id']}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("audit")
    with serving(folder / "data") as server, Client(server.url) as client:
        email = f"{secrets.token_hex(6)}@example.org"
        client.register("Ada Lovelace", email)
        account = folder / "account.json"
        account.write_text(json.dumps({"email": email, "password": "securepassword"}))
        table = client.table("Name", {"name": "Price", "type": "number"}, name="Parts")
        record = client.record(table["id"], Name="Bolt", Price=2.5)
        path, headers = f"/records/{record['id']}", {"x-request-id": "the-script"}
        body = {"fields": {"Price": 3, "Name": "[red]Nut[/]\x1b[31m"}}
        made(client.patch(path, json=body, headers=headers))
        yield Desk(server, client, account, table, record)


def test_a_records_history_is_a_table_with_what_was_and_is(desk: Desk):
    done = desk.run("--record", desk.record["id"])

    assert done.returncode == 0, done.stderr
    header, updated, *lines = [one.rstrip() for one in done.stdout.splitlines()]
    assert header.split() == ["position", "when", "who", "what"]
    assert updated.split()[3:] == ["Ada", "Lovelace", "record.updated", "pybase"]
    assert sorted(one.strip() for one in lines[:2]) == [
        "Name  Bolt → [red]Nut[/] [31m",
        "Price  2.5 → 3",
    ]
    assert lines[2].endswith("record.created  pybase")
    assert sorted(one.strip() for one in lines[3:]) == ["Name  Bolt", "Price  2.5"]
    assert "\x1b" not in done.stdout


def test_as_json_it_is_what_the_api_gives(desk: Desk):
    path = f"/records/{desk.record['id']}/history"

    assert (
        desk.rows("--record", desk.record["id"])
        == (made(desk.client.get(path))["items"])
    )


def test_what_an_actor_a_batch_and_a_request_did(desk: Desk):
    everything = desk.rows(desk.workspace)
    newest = everything[0]

    assert [one["type"] for one in everything][:2] == [
        "record.updated",
        "record.created",
    ]
    assert desk.rows(desk.workspace, "--actor", desk.client.user["id"]) == everything
    assert desk.rows(desk.workspace, "--actor", ABSENT) == []
    assert desk.rows(desk.workspace, "--batch", newest["batch_id"]) == [newest]
    assert desk.rows(desk.workspace, "--request", "the-script") == [newest]


def test_of_a_workspace_it_is_a_table_with_what_it_was_done_to(desk: Desk):
    done = desk.run(desk.workspace, "--limit", "4")

    assert done.returncode == 0, done.stderr
    assert desk.record["id"] in done.stdout
    assert f"Price  {desk.table['ids']['Price']}" in done.stdout
    assert "and more" in done.stderr


def test_nothing_is_told_as_nothing(desk: Desk):
    done = desk.run(desk.workspace, "--actor", ABSENT)

    assert (done.returncode, done.stdout) == (0, "nothing happened\n")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "give a record, or a workspace"),
        (["--actor", ABSENT], "give a record, or a workspace"),
        (["--record", ABSENT, "--batch", ABSENT], "is asked for alone"),
        (["--record", ABSENT, "--email", "ada@example.org"], "give one of them"),
    ],
)
def test_a_command_line_without_sense_exits_2(
    desk: Desk, options: list[str], told: str
):
    done = desk.run(*options)

    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--record", ABSENT], "Record not found"),
        (["--record", "7"], "Invalid record ID format"),
        (["--workspace", ABSENT], "ot found"),
        (["--record", ABSENT, "--url=http://127.0.0.1:1"], "does not answer"),
    ],
)
def test_a_refusal_exits_1_and_says_why(desk: Desk, options: list[str], told: str):
    done = desk.run(*options)

    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
