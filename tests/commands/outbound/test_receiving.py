"""The receiver in `examples/`, as a user runs it: a process of its own."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from commands.outbound import Guard, Outbound
from commands.outbound.signing import new_secret, signed

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[3]
BODY = json.dumps(
    {"type": "record.created", "timestamp": "2026-01-01T00:00:00Z", "data": {"n": 1}}
).encode()


@contextmanager
def receiving(file: Path, secrets: str) -> Iterator[str]:
    """The address of a receiver, which is killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "examples.receiving", str(file), "--port", "0"],
        env={"WEBHOOK_SECRET": secrets, "PATH": os.environ["PATH"]},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def kept(file: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute("SELECT id, type FROM messages ORDER BY id").fetchall()


async def test_a_message_counts_once_whatever_is_killed_and_sent_again(tmp_path):
    file, secret, client = tmp_path / "inbox", new_secret(), client_of_this_machine()
    headers = signed("msg_1", int(time.time()), BODY, [secret])
    with receiving(file, secret) as url:
        assert [(await client.post(url, headers, BODY)).status for _ in range(3)] == [
            204,
            204,
            204,
        ]
    await client.close()
    with receiving(file, secret) as url:
        assert (await client.post(url, headers, BODY)).status == 204
        other = signed("msg_2", int(time.time()), BODY, [secret])
        assert (await client.post(url, other, BODY)).status == 204
    await client.close()
    assert kept(file) == [("msg_1", "record.created"), ("msg_2", "record.created")]


async def test_what_is_not_genuine_leaves_nothing(tmp_path):
    file, old, new, client = (
        tmp_path / "inbox",
        new_secret(),
        new_secret(),
        client_of_this_machine(),
    )
    now = int(time.time())
    good = signed("msg_1", now, BODY, [new])
    with receiving(file, f"{old} {new}") as url:
        for headers, body in (
            ({}, BODY),
            (good, BODY + b" "),
            ({**good, "webhook-id": "msg_2"}, BODY),
            ({**good, "webhook-timestamp": "x"}, BODY),
            (signed("msg_1", now - 400, BODY, [new]), BODY),
            (signed("msg_1", now + 400, BODY, [new]), BODY),
            (signed("msg_1", now, BODY, [new_secret()]), BODY),
        ):
            assert (await client.post(url, headers, body)).status == 401
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=5)) as asking:
            asking.request("POST", "/", headers={"Content-Length": "3000000"})
            assert asking.getresponse().status == 413
        assert kept(file) == []
        for id, secrets in (("msg_3", [new, old]), ("msg_4", [old]), ("msg_5", [new])):
            taken = signed(id, now, BODY, secrets)
            assert (await client.post(url, taken, BODY)).status == 204
    await client.close()
    assert [id for id, _ in kept(file)] == ["msg_3", "msg_4", "msg_5"]


@pytest.mark.parametrize(
    "secret",
    ["", "hello", "whsec_", "whsec_YWJj", "whsec_???", "whk_" + "a" * 43, "grün"],
)
async def test_without_a_secret_it_does_not_start(tmp_path, secret):
    file = tmp_path / "inbox"
    ended = subprocess.run(
        [sys.executable, "-m", "examples.receiving", str(file), "--port", "0"],
        env={"WEBHOOK_SECRET": secret, "PATH": os.environ["PATH"]},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("WEBHOOK_SECRET is no")
    assert "Traceback" not in ended.stderr
    assert not file.exists()


def client_of_this_machine() -> Outbound:
    return Outbound(Guard(["127.0.0.0/8"], ports=None), seconds=5)
