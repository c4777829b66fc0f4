"""`tabellion import`, the real command against the real server: what it writes, what
it refuses, what a kill leaves."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.client import Client, made
from tests.killing.server import Server, serving

ROWS = 12_000


@dataclass
class Desk:
    """A running server, somebody's account there, and a table."""

    server: Server
    client: Client
    account: Path
    table: str
    workspace: str

    def run(self, file: Path | str, *options: str) -> "CompletedProcess[str]":
        return self.server.run(
            "import",
            str(file),
            f"--table={self.table}",
            f"--account={self.account}",
            f"--url={self.server.url}",
            *options,
        )

    @property
    def count(self) -> int:
        path = f"/records?table_id={self.table}&limit=1"
        total: int = made(self.client.get(path))["total"]
        return total


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("import") / "data") as server:
        yield server


@pytest.fixture
def desk(server: Server, tmp_path: Path) -> Iterator[Desk]:
    with Client(server.url) as client:
        email = f"{secrets.token_hex(6)}@example.org"
        client.register("Ada", email)
        account = tmp_path / "account.json"
        account.write_text(json.dumps({"email": email, "password": "securepassword"}))
        table = client.table("Name", {"name": "Price", "type": "number"})
        yield Desk(server, client, account, table["id"], table["workspace_id"])


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    file = tmp_path / "parts.csv"
    lines = "".join(f"Part {number},{number}.5,red\n" for number in range(ROWS))
    file.write_text(f"Name,Price,Colour\n{lines}")
    return file


def test_a_preview_shows_the_columns_and_writes_nothing(desk: Desk, parts: Path):
    done = desk.run(parts, "--preview")

    assert done.returncode == 0, done.stderr
    assert "utf-8, parted by ,, with a header" in done.stdout
    assert "single_select" in done.stdout
    assert "none: say --map" in done.stdout
    assert desk.count == 0


def test_a_file_is_imported_with_the_field_that_it_needs(desk: Desk, parts: Path):
    done = desk.run(parts, "--map", "Colour=new:single_select")

    assert done.returncode == 0, done.stderr
    assert "12,000 records in" in done.stdout
    assert "fields made: Colour" in done.stdout
    assert desk.count == ROWS
    checked = desk.server.run("replay", "--check", f"--workspace={desk.workspace}")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_is_wrong_is_told_and_nothing_is_written(desk: Desk, tmp_path: Path):
    file = tmp_path / "bad.csv"
    file.write_text("Name,Price\n" + "Gear,x\n" * 25)

    done = desk.run(file)

    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == "tabellion: 25 values cannot be imported"
    assert lines[1] == "  row 2, Price: Value must be a number"
    assert lines[-1] == "  and 5 more"
    assert desk.count == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--map", "Colour"], "is not COLUMN=FIELD"),
        (["--map", "Name=Name", "--map", "Name=Price"], "is there twice"),
        (["--email", "ada@example.org"], "give one of them"),
    ],
)
def test_a_command_line_without_sense_exits_2(
    desk: Desk, parts: Path, options: list[str], told: str
):
    done = desk.run(parts, *options)

    assert done.returncode == 2
    assert told in done.stderr


def test_a_file_that_is_not_there_exits_2(desk: Desk, tmp_path: Path):
    assert desk.run(tmp_path / "none.csv").returncode == 2


def test_a_server_that_is_not_there_and_a_wrong_password_exit_1(
    desk: Desk, parts: Path
):
    nobody = desk.run(parts, "--url=http://127.0.0.1:1")
    desk.account.write_text('{"email": "a@example.org", "password": "wrongwrong"}')
    wrong = desk.run(parts)

    assert (nobody.returncode, wrong.returncode) == (1, 1)
    assert "does not answer" in nobody.stderr
    assert "logging in failed" in wrong.stderr


def test_a_server_killed_in_the_middle_has_all_of_it_or_nothing(
    desk: Desk, parts: Path
):
    """With a new field, whose column is made before the rest."""
    done: list[CompletedProcess[str]] = []
    options = ("--map", "Colour=new:single_select")
    importing = threading.Thread(target=lambda: done.append(desk.run(parts, *options)))
    before = _uploads(desk.server)
    importing.start()
    while _uploads(desk.server) == before and importing.is_alive():
        time.sleep(0.01)
    time.sleep(0.6)
    desk.server.kill_server()
    importing.join(60)
    desk.server.wait(60)

    assert desk.count in (0, ROWS)
    if done[0].returncode == 0:
        assert desk.count == ROWS
    one = f"--workspace={desk.workspace}"
    assert desk.server.run("replay", "--check", one).returncode == 0
    again = desk.run(parts, "--map", "Colour=")
    assert again.returncode == 0, again.stderr


def _uploads(server: Server) -> int:
    """How many files the server has open that nobody else sees."""
    if server.process is None:
        return 0
    folder = Path(f"/proc/{server.process.pid}/fd")
    found = 0
    for one in list(folder.iterdir()):
        try:
            found += "/uploads/" in str(one.readlink())
        except OSError:
            continue
    return found
