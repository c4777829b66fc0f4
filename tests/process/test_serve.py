"""The server as a person starts and stops it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest

from commands.embedded.cluster import Cluster
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("tabellion")


@contextmanager
def started(
    data_dir: Path, port: int, *command: str
) -> Iterator[subprocess.Popen[str]]:
    """A server that answers, in a process group of its own."""
    process = subprocess.Popen(
        command or (str(COMMAND), "serve"),
        cwd=ROOT,
        env={
            **without_make(os.environ),
            "TABELLION_DATA_DIR": str(data_dir),
            "TABELLION_PORT_PYBASE": str(port),
            "TABELLION_PORT_CMS": str(free_port()),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        until_healthy(port)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)


def without_make(environment: Mapping[str, str]) -> dict[str, str]:
    """What a make that runs the tests tells the makes below it is left out."""
    return {
        name: value
        for name, value in environment.items()
        if name not in ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL", "ARGS")
    }


def until_healthy(port: int) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/api/v1/health").status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.05)
    raise TimeoutError("the server is not healthy")


def left_behind(data_dir: Path) -> list[str]:
    """Command lines of processes that still work on a data directory."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            said = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            place = os.readlink(entry / "cwd")
        except OSError:
            continue
        if str(data_dir) in said or place.startswith(str(data_dir)):
            found.append(said)
    return found


def test_it_prints_where_it_listens_and_nothing_of_what_is_asked(
    tmp_path: Path,
) -> None:
    port = free_port()
    with started(tmp_path / "data", port) as process:
        secret = "tbk_" + "x" * 43
        url = f"http://127.0.0.1:{port}/api/v1/users/{secret}"
        headers = {"X-API-Key": secret}
        asked = httpx2.get(url, params={"api_key": secret}, headers=headers)
        assert asked.status_code == 404
        os.killpg(process.pid, signal.SIGTERM)
        said, _ = process.communicate(timeout=20)
    assert f"http://127.0.0.1:{port}/api/v1" in said
    assert f"http://127.0.0.1:{port}/docs" in said
    assert secret not in said
    assert process.returncode == 0


@pytest.mark.parametrize("group", [True, False])
def test_a_term_stops_it_through_make_within_ten_seconds(
    group: bool, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    with started(data_dir, free_port(), "make", "serve") as process:
        began = time.monotonic()
        if group:
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.terminate()
        process.communicate(timeout=20)
        assert time.monotonic() - began < 10
    deadline = time.monotonic() + 10
    while left_behind(data_dir) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_behind(data_dir) == []


def test_requests_under_way_are_answered_before_it_stops(tmp_path: Path) -> None:
    port = free_port()
    with started(tmp_path / "data", port) as process:
        sent = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(20)]
        for number, one in enumerate(sent):
            who = {"email": f"u{number}@example.org", "password": "securepassword"}
            kind = {"content-type": "application/json"}
            one.request("POST", "/api/v1/auth/register", json.dumps(who), kind)
        # hashing makes each wait for its turn: most are under way at the TERM
        time.sleep(0.3)
        process.terminate()
        statuses = [one.getresponse().status for one in sent]
        for one in sent:
            one.close()
        process.communicate(timeout=20)
    assert statuses == [201] * 20


def test_two_servers_share_one_ledger(tmp_path: Path) -> None:
    one, other = free_port(), free_port()
    who = {"email": "ada@example.org", "password": "securepassword"}
    with started(tmp_path / "data", one), started(tmp_path / "data", other):
        first = f"http://127.0.0.1:{one}/api/v1"
        second = f"http://127.0.0.1:{other}/api/v1"
        token = httpx2.post(f"{first}/auth/register", json=who).json()["access_token"]
        auth = {"authorization": f"Bearer {token}"}
        made = httpx2.post(f"{first}/workspaces", json={"name": "Shared"}, headers=auth)
        seen = httpx2.get(f"{second}/workspaces/{made.json()['id']}", headers=auth)
        assert seen.json() == made.json()
        assert httpx2.post(f"{second}/auth/logout", headers=auth).status_code == 204
        assert httpx2.get(f"{first}/users/me", headers=auth).status_code == 401


@pytest.mark.parametrize(
    ("trusted", "address"), [(None, "127.0.0.1"), ("127.0.0.1", "203.0.113.7")]
)
def test_a_forwarded_address_is_believed_from_a_trusted_proxy_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str | None, address: str
) -> None:
    if trusted is not None:
        monkeypatch.setenv("TABELLION_TRUSTED_PROXIES", trusted)
    port = free_port()
    with started(tmp_path / "data", port):
        refused = httpx2.get(
            f"http://127.0.0.1:{port}/api/v1/users/me",
            headers={"X-Forwarded-For": "203.0.113.7"},
        )
        assert refused.status_code == 401
        url = Cluster(tmp_path / "data").url("tabellion_owner")
        deadline = time.monotonic() + 10
        with psycopg.connect(url) as connection:
            while time.monotonic() < deadline:
                seen = connection.execute("SELECT address FROM ledger.access_log")
                if found := {row[0] for row in seen.fetchall()}:
                    break
                connection.rollback()
                time.sleep(0.1)
        assert found == {address}


def test_a_term_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    for wait in (0.2, 0.6, 1.0):
        process = subprocess.Popen(
            [COMMAND, "serve"],
            env={
                **os.environ,
                "TABELLION_DATA_DIR": str(data_dir),
                "TABELLION_PORT_PYBASE": str(free_port()),
                "TABELLION_PORT_CMS": str(free_port()),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(wait)
        process.terminate()
        process.wait(20)
    deadline = time.monotonic() + 10
    while left_behind(data_dir) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_behind(data_dir) == []


@pytest.mark.parametrize("door", ["PYBASE", "CMS"])
def test_a_taken_port_is_said_in_a_line(tmp_path: Path, door: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [COMMAND, "serve"],
            env={
                **os.environ,
                "TABELLION_DATA_DIR": str(tmp_path / "data"),
                "TABELLION_PORT_PYBASE": str(free_port()),
                "TABELLION_PORT_CMS": str(free_port()),
                f"TABELLION_PORT_{door}": str(taken.getsockname()[1]),
            },
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
    assert done.returncode != 0
    assert "address already in use" in (done.stdout + done.stderr).lower()
    assert "Traceback" not in done.stdout + done.stderr
