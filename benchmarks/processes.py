"""Processes that a run starts, waits for and stops; each writes to its own log."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.errors import CannotMeasure

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 15.0
LAST_LINES = 20


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process for as long as the block runs; a TERM ends it."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us, who stop it in order
        )
    try:
        yield process
    except CannotMeasure as error:
        raise CannotMeasure(f"{error}\n{_last_words(log)}") from error
    finally:
        stop(process)


@contextlib.contextmanager
def serving(port: int) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A measured server, healthy, in a folder that goes with it.

    Raises CannotMeasure.
    """
    require_free(port)  # another server would be filled and measured instead
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running(
            [tabellion(), "serve"],
            log=folder / "server.log",
            environment=server_environment(folder / "data", port),
        ) as process:
            wait_until_ready(process, port, "/api/v1/health")
            yield folder, process


def stop(process: subprocess.Popen[bytes]) -> float:
    """Ends a process with a TERM; how many seconds that took."""
    began = time.monotonic()
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return time.monotonic() - began


def wait_until_ready(
    process: subprocess.Popen[bytes],
    port: int,
    path: str,
    *,
    seconds: float = 120,
    poll: float = 0.01,
) -> None:
    """Returns at the first 200.  Raises CannotMeasure."""
    deadline = time.monotonic() + seconds
    while not answers(port, path):
        if process.poll() is not None:
            raise CannotMeasure(f"the server ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise CannotMeasure(f"no 200 from {path} within {seconds:.0f} s")
        time.sleep(poll)


def answers(port: int, path: str) -> bool:
    """Whether a GET gives a 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def require_free(port: int) -> None:
    """Raises CannotMeasure when somebody listens: it would be measured instead."""
    with socket.socket() as asking:
        if asking.connect_ex(("127.0.0.1", port)) == 0:
            raise CannotMeasure(f"port {port} is taken; choose others with --port")


def server_environment(data_dir: Path, port: int) -> dict[str, str]:
    """The settings of a measured server: no limits, its own folder and ports."""
    ports = ("PYBASE", "QUERYBASE", "MODELLING", "CMS")
    return {
        "TABELLION_DATA_DIR": str(data_dir),
        "TABELLION_RATE_LIMITS": "off",
        # those that a workload is about are made by it, and the others have none
        "TABELLION_DEMANDED_INDEXES": "0",
        # a run may take longer than a token is good by default
        "TABELLION_ACCESS_TOKEN_MINUTES": "600",
        **{f"TABELLION_PORT_{name}": str(port + n) for n, name in enumerate(ports)},
    }


def tabellion() -> Path:
    """The installed command, beside the interpreter that runs us."""
    found = Path(sys.executable).parent / "tabellion"
    if not found.exists():
        raise CannotMeasure(f"{found} is missing: run `make setup`")
    return found


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(lines[-LAST_LINES:])
