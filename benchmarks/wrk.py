"""The client: `wrk`, and what it says about a load.

A load's script ends by printing one JSON object (see `benchmarks/scripts.py`), which
is read here.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import CannotMeasure


@dataclass(frozen=True)
class Load:
    """What came back.  Latencies in milliseconds; `failed` are the non-2xx replies
    and `broken` the connections that could not be made, read or written in time."""

    requests: int
    seconds: float
    failed: int
    broken: int
    p50: float
    p99: float


def require_wrk() -> None:
    """Installs wrk where root may.  Raises CannotMeasure where it stays absent."""
    if shutil.which("wrk"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise CannotMeasure("wrk is needed: install it (on Debian: apt install wrk)")
    for command in (["update", "-qq"], ["install", "-y", "-qq", "wrk"]):
        done = subprocess.run(
            ["apt-get", *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if not shutil.which("wrk"):
        raise CannotMeasure(f"apt-get did not install wrk:\n{done.stderr.strip()}")


def put_load(
    port: int, script: Path, *, connections: int, threads: int, seconds: int
) -> Load:
    """Raises CannotMeasure when wrk itself fails."""
    done = subprocess.run(
        [
            "wrk",
            f"--connections={connections}",
            f"--threads={threads}",
            f"--duration={seconds}s",
            "--timeout=10s",
            f"--script={script}",
            f"http://127.0.0.1:{port}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise CannotMeasure(f"wrk failed:\n{done.stdout}{done.stderr}")
    told = json.loads(lines[-1])
    return Load(
        requests=told["requests"],
        seconds=told["duration"] / 1e6,
        failed=told["status"],
        broken=told["connect"] + told["read"] + told["write"] + told["timeout"],
        p50=told["p50"] / 1000,
        p99=told["p99"] / 1000,
    )
