"""What exports and copies cost the server's memory: before, and its peak meanwhile.

    .venv/bin/python -m benchmarks.export_memory [ROWS] [PORT]

A server of its own with a data directory that goes with it, a table of ROWS records
(200,000 by default), exported as CSV, as JSON and as CSV in the order of a text, and
duplicated with its base.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx2

from benchmarks.machine import memory_mb, peak_memory_mb
from benchmarks.processes import serving
from benchmarks.subject import Subject

SORTED = '[{"field": "Notes", "direction": "desc"}]'
EXPORTS = {
    "csv": {"format": "csv"},
    "json": {"format": "json"},
    "csv, sorted": {"format": "csv", "sort": SORTED},
}


def forget_the_peak(process_id: int) -> None:
    """Has VmHWM start anew from what is held now."""
    Path(f"/proc/{process_id}/clear_refs").write_text("5")


def export(subject: Subject, query: dict[str, str]) -> tuple[int, float]:
    """Bytes and seconds of one export, read as fast as it comes."""
    started, size = time.perf_counter(), 0
    with httpx2.stream(
        "GET",
        f"http://127.0.0.1:{subject.port}/api/v1/records/export",
        params={"table_id": subject.table_id, **query},
        headers={"authorization": f"Bearer {subject.token}"},
        timeout=120,
        trust_env=False,
    ) as reply:
        reply.raise_for_status()
        for part in reply.iter_raw():
            size += len(part)
    return size, time.perf_counter() - started


def duplicate(subject: Subject) -> tuple[int, float]:
    """Bytes of the reply, and seconds, of a copy of the table's base."""
    with httpx2.Client(
        base_url=f"http://127.0.0.1:{subject.port}/api/v1",
        headers={"authorization": f"Bearer {subject.token}"},
        timeout=600,
        trust_env=False,
    ) as client:
        base_id = client.get(f"/tables/{subject.table_id}").json()["base_id"]
        started = time.perf_counter()
        reply = client.post(f"/bases/{base_id}/duplicate", json={})
        reply.raise_for_status()
        return len(reply.content), time.perf_counter() - started


def main(rows: int, port: int) -> None:
    with serving(port) as (_, process):
        subject = Subject(port)
        subject.fill(rows)
        subject.count()
        works: dict[str, Callable[[], tuple[int, float]]] = {
            said: partial(export, subject, query) for said, query in EXPORTS.items()
        }
        works["duplicate"] = partial(duplicate, subject)
        for said, work in works.items():
            forget_the_peak(process.pid)
            before = memory_mb(process.pid)
            size, seconds = work()
            print(
                f"{said}: {rows} rows, {size / 1e6:.0f} MB in {seconds:.1f} s;"
                f" the server held {before:.0f} MB before"
                f" and {peak_memory_mb(process.pid):.0f} MB at most"
            )
        subject.close()


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 200_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 19347,
    )
