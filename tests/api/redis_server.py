"""A Redis or Valkey of the tests' own, where this machine has a server of one."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = shutil.which("valkey-server") or shutil.which("redis-server")
MISSING = "no valkey-server and no redis-server here: limits in Redis are NOT tested"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def running_redis(folder: Path, port: int) -> Iterator[str]:
    """Its URL, for as long as it runs; it keeps nothing."""
    assert PROGRAM is not None
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
