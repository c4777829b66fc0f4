"""How long `make serve` takes to its first 200, on a data directory that it knows."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import CannotMeasure
from benchmarks.processes import (
    ROOT,
    require_free,
    running,
    server_environment,
    stop,
    wait_until_ready,
)

HEALTH = "/api/v1/health"
POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Start:
    """Seconds from the command to the first 200, and from the TERM to the end."""

    ready: float
    stopped: float


def warm_starts(folder: Path, port: int, *, times: int) -> list[Start]:
    """Starts once to make the data directory, then `times` times for the figure.

    Raises CannotMeasure.
    """
    if not shutil.which("make"):
        raise CannotMeasure("make is needed for the warm start")
    _refuse_foreign_database()
    return [_start(folder, port) for _ in range(times + 1)][1:]


def _start(folder: Path, port: int) -> Start:
    require_free(port)
    began = time.monotonic()
    with running(
        ["make", "serve"],
        log=folder / "warm_start.log",
        environment=server_environment(folder / "warm-data", port),
    ) as process:
        wait_until_ready(process, port, HEALTH, poll=POLL_SECONDS)
        ready = time.monotonic() - began
        return Start(ready, stop(process))


def _refuse_foreign_database() -> None:
    """`make serve` reads the `.env` of its user, who would not want it measured."""
    file = ROOT / ".env"
    lines = file.read_text().splitlines() if file.exists() else []
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() == "TABELLION_DATABASE_URL" and value.strip():
            raise CannotMeasure(f"{file} names a database: move it away for the run")
