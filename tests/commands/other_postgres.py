"""A Postgres of the machine, older than the embedded one, while a test runs."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
READY_SECONDS = 20.0


def is_installed() -> bool:
    return (PROGRAMS / "postgres").exists()


@contextmanager
def postgres_15() -> Iterator[str]:
    """A superuser's URL; the server runs as another user where we are root."""
    folder = Path(tempfile.mkdtemp(prefix="pg15-"))
    try:
        account = _account(folder)
        data = folder / "data"
        subprocess.run(
            [
                PROGRAMS / "initdb",
                f"--pgdata={data}",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
            stdout=subprocess.DEVNULL,
            check=True,
            **account,
        )
        server = subprocess.Popen(
            [
                PROGRAMS / "postgres",
                "-D",
                data,
                "-k",
                folder,
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
            ],
            stderr=subprocess.DEVNULL,
            **account,
        )
        try:
            yield _answering(
                f"postgresql://postgres@/postgres?host={quote(str(folder), safe='')}"
            )
        finally:
            server.terminate()
            server.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account(folder: Path) -> dict[str, Any]:
    place: dict[str, Any] = {"cwd": folder, "env": {"LC_ALL": "C", "PATH": os.defpath}}
    if os.geteuid() != 0:
        return place
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    ids = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    return place | ids


def _answering(url: str) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return url
