"""The real server as a process of its own, and the ways to kill what it runs on."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg

from commands.embedded.cluster import Cluster
from tests.ports import free_port

COMMAND = Path(sys.executable).with_name("tabellion")


class Server:
    """`tabellion serve` on its own data directory and port, started again at will."""

    verb = "serve"
    program: tuple[str, ...] = (str(COMMAND),)

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir, self.port = data_dir, port
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "TABELLION_DATA_DIR": str(data_dir),
            "TABELLION_PORT_PYBASE": str(port),
            "TABELLION_PORT_CMS": str(free_port()),
            "TABELLION_RATE_LIMITS": "off",
            "TABELLION_ACCESS_TOKEN_MINUTES": "600",
        }
        self.log = (data_dir.parent / "server.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*self.program, self.verb],
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
            cwd=self.data_dir.parent,
        )

    def wait(self, seconds: float = 30) -> None:
        """Until it can serve.  Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx2.HTTPError):
                if httpx2.get(f"{self.url}/api/v1/ready").status_code == 200:
                    return
            time.sleep(0.05)
        raise TimeoutError("the server does not serve")

    def stop(self) -> int:
        self.log.close()
        if self.process is None:
            return 0
        self.process.terminate()
        return self.process.wait(20)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A verb of the command line on the same data."""
        return subprocess.run(
            [COMMAND, *arguments],
            env=self.environment,
            cwd=self.data_dir.parent,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    # --------------------------------------------------------- ways to die

    def kill_server(self) -> None:
        """SIGKILL to the API process, and a new one."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
        self.start()

    def _postmaster(self) -> int | None:
        return Cluster(self.data_dir).running()

    def _backends(self) -> list[int]:
        parent = self._postmaster()
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent:
                    found.append(int(entry.name))
        return found

    def kill_backend(self) -> None:
        """SIGKILL to a backend of the app: Postgres restarts all the others."""
        for pid in random.sample(backends := self._backends(), len(backends)):
            with contextlib.suppress(OSError):
                if b"tabellion_app" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
                    return

    def terminate_backends(self) -> None:
        """An orderly end of every connection of the app and of who follows."""
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(
                Cluster(self.data_dir).url("postgres"), autocommit=True
            ) as superuser,
        ):
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename IN ('tabellion_app', 'tabellion_follower')"
            )

    def kill_cluster(self) -> None:
        """SIGKILL to the postmaster and everything it started."""
        postmaster = self._postmaster()
        for pid in [*([postmaster] if postmaster else []), *self._backends()]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


class Worker(Server):
    """`tabellion work` beside a server, on its data directory."""

    verb = "work"

    def wait(self, seconds: float = 30) -> None:
        """Nobody can ask it whether it works."""


@contextlib.contextmanager
def serving(data_dir: Path) -> Iterator[Server]:
    """A server on a port that was free, ready, for as long as the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    server = Server(data_dir, port)
    server.start()
    try:
        server.wait(60)
        yield server
    finally:
        server.stop()
