"""`tabellion tail` as a process: what it prints, how it ends."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.client import ABSENT, PASSWORD, Client, new_email

COMMAND = Path(sys.executable).with_name("tabellion")


@pytest.fixture(scope="module")
def ada(server):
    with Client(server.url) as client:
        yield client.register("Ada", email=new_email("ada"))


@pytest.fixture
def account(ada, tmp_path):
    path = tmp_path / "account.json"
    path.write_text(json.dumps({"email": ada.user["email"], "password": PASSWORD}))
    return path


@contextmanager
def tailing(server, account, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [COMMAND, "tail", *arguments, "--account", account, "--url", server.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=account.parent,
        # whoever runs the tests in the background has told them to ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def test_events_come_as_lines_of_json_until_it_is_interrupted(server, ada, account):
    table = ada.table("Name")
    head = ada.position(table["workspace_id"])
    with tailing(
        server,
        account,
        table["workspace_id"],
        *("--json", "--after", str(head), "--types", "record.*"),
        *("--table", table["id"]),
    ) as process:
        first = ada.record(table["id"], Name="ä")
        ada.view(table["id"])
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline())]
        later = ada.record(table["id"], Name="b")
        lines.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)

    assert [one["stream"] for one in lines] == [first["id"], later["id"]]
    assert list(lines[0]["data"]["values"].values()) == ["ä"]
    assert (rest, errors, process.returncode) == ("", "", 0)


def test_events_come_as_rows_of_a_table(server, ada, account):
    table = ada.table("Name")
    with tailing(server, account, table["workspace_id"], "--after", "3") as process:
        assert process.stdout is not None
        heading, row, field = (process.stdout.readline() for _ in range(3))
        deadline = time.monotonic() + 20
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert heading.split() == ["position", "at", "type", "by", "what", "details"]
    assert row.split()[0::2] == ["4", "table.created", table["id"]]
    assert row.split()[-1] == "Things"
    assert field.split()[2] == "field.created"
    assert time.monotonic() < deadline


def test_what_the_server_refuses_ends_it(server, account):
    with tailing(server, account, ABSENT) as process:
        said, errors = process.communicate(timeout=30)

    assert (process.returncode, said) == (1, "")
    assert errors == "tabellion: Not found\n"
