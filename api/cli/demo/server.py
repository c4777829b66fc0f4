"""The server that the demo talks to: one that listens, else one that it starts."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.cli.http import Client, Unreachable

if TYPE_CHECKING:
    from commands.settings import Settings

START_SECONDS = 120  # the first start makes a database
STOP_SECONDS = 20
LOG = "demo-server.log"


@dataclass(frozen=True)
class Server:
    """`pid` where the demo started it, `log` then being what it prints."""

    url: str
    pid: int | None = None
    log: Path | None = None


@contextmanager
def server(
    settings: "Settings", url: str | None, say: Callable[[str], None], *, keep: bool
) -> Iterator[Server]:
    """A server that answers; with `keep` one started here outlives the block.

    Raises Unreachable: nobody at `url`, a stranger, or one that does not start.
    """
    local = _local(settings)
    for address in [url] if url else dict.fromkeys((settings.pybase_url, local)):
        if answers(address):
            say(f"Using the server at {address}")
            yield Server(address)
            return
    if url:
        raise Unreachable(f"nobody listens at {url}")
    log = settings.data_dir / LOG
    say(
        f"Nobody listens at {local}: starting a server with data in {settings.data_dir}"
    )
    child = _start(log)
    signal.signal(signal.SIGTERM, _leave)
    try:
        _wait(child, local, log)
        yield Server(local, child.pid, log)
    except BaseException:
        _stop(child)
        raise
    if not keep:
        _stop(child)


def _local(settings: "Settings") -> str:
    """Where a server with these settings is reached on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    place = f"{f'[{host}]' if ':' in host else host}:{settings.port_pybase}"
    return f"http://{place}{settings.mount('pybase')}"


def on_port(url: str, port: int) -> str:
    """The same host at another port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def answers(url: str) -> bool:
    """Whether a Tabellion listens there.  Raises Unreachable for anything else."""
    client = Client(url, timeout=10)
    try:
        reply = client.call("GET", "/health")
    except Unreachable as error:
        if isinstance(error.__cause__, OSError):
            return False
        raise
    finally:
        client.close()
    with contextlib.suppress(ValueError, AttributeError):
        if reply.status == 200 and reply.json.get("status") == "healthy":
            return True
    raise Unreachable(f"what listens at {url} is not Tabellion")


def _start(log: Path) -> "subprocess.Popen[bytes]":
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as output:
        # a session of its own: Ctrl-C stops the demo, which then stops the server
        return subprocess.Popen(
            [Path(sys.executable).with_name("tabellion"), "serve"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(child: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        if answers(url):
            return
        time.sleep(0.1)
    told = "\n".join(log.read_text("utf-8", "replace").splitlines()[-12:])
    raise Unreachable(f"the server does not start; it says:\n{told}")


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def _stop(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
