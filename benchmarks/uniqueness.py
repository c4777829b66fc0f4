"""How long a unique constraint over a large table is pending, and what it costs others.

    .venv/bin/python -m benchmarks.uniqueness [ROWS] [PORT]

A server of its own with a data directory that goes with it and a table of ROWS records
(1,000,000 by default).  Updates of other fields by 16 connections are counted before,
while the constraint is pending, and after; then the constraint is made again while
nobody writes.  At the end, how long one takes that is looked through at once.
"""

import statistics
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

from benchmarks import scripts
from benchmarks.processes import serving
from benchmarks.subject import BATCH, RECORDS, Subject
from benchmarks.wrk import Load, put_load, require_wrk

CONNECTIONS, THREADS = 16, 2
ROUND = 5  # seconds
BEFORE = 4  # rounds
WRITTEN = 10_000  # records that the updates go through
AT_ONCE = 5_000  # domain.constraint's, which a fast client need not import
TRIES = 5


class Rules:
    """The constraints of one table, over HTTP."""

    def __init__(self, subject: Subject, table_id: str) -> None:
        self._client = httpx2.Client(
            base_url=f"http://127.0.0.1:{subject.port}/api/v1",
            headers={"authorization": f"Bearer {subject.token}"},
            timeout=120,
            trust_env=False,
        )
        table = self._client.get(f"/tables/{table_id}").json()
        self._field = {one["name"]: one["id"] for one in table["fields"]}["Name"]

    def make(self) -> tuple[str, float]:
        """The status of a new one, and the milliseconds of the request."""
        began = time.perf_counter()
        reply = self._client.post("/constraints", json={"field_id": self._field})
        reply.raise_for_status()
        return reply.json()["status"], 1000 * (time.perf_counter() - began)

    def now(self) -> dict[str, Any]:
        reply = self._client.get(f"/fields/{self._field}/constraint")
        reply.raise_for_status()
        shown: dict[str, Any] = reply.json()
        return shown

    def wait(self) -> None:
        while (shown := self.now())["status"] == "pending":
            time.sleep(0.05)
        if shown["status"] != "active":
            raise RuntimeError(f"the constraint is {shown}")

    def drop(self) -> float:
        """Milliseconds of the request."""
        began = time.perf_counter()
        self._client.delete(f"/constraints/{self.now()['id']}").raise_for_status()
        return 1000 * (time.perf_counter() - began)


def main(rows: int, port: int) -> None:
    require_wrk()
    with serving(port) as (folder, _):
        subject = Subject(port)
        measure(subject, folder, rows)
        subject.close()


def measure(subject: Subject, folder: Path, rows: int) -> None:
    ids = subject.fill(rows)
    said = folder / "ids"
    said.write_text("\n".join(ids[:: max(1, rows // WRITTEN)]) + "\n")
    target = scripts.Target(subject.port, RECORDS, subject.token)
    runs = 0

    def load() -> Load:
        nonlocal runs
        runs += 1
        script = folder / "updates.lua"
        script.write_text(scripts.updates(target, runs, THREADS, said))
        return put_load(
            subject.port,
            script,
            connections=CONNECTIONS,
            threads=THREADS,
            seconds=ROUND,
        )

    load()
    _tell("before", [load() for _ in range(BEFORE)])
    rules = Rules(subject, subject.table_id)
    began = time.perf_counter()
    status, milliseconds = rules.make()
    print(f"a constraint over {rows} records is {status} in {milliseconds:.0f} ms")
    meanwhile: list[Load] = []
    while rules.now()["status"] == "pending":
        meanwhile.append(load())
    rules.wait()
    print(f"active after {time.perf_counter() - began:.0f} s of writes")
    _tell("while it was pending", meanwhile)
    _tell("after", [load() for _ in range(BEFORE)])
    print(f"deleted in {rules.drop():.0f} ms")
    began = time.perf_counter()
    rules.make()
    rules.wait()
    print(f"active after {time.perf_counter() - began:.0f} s alone")
    _at_once(subject)


def _at_once(subject: Subject) -> None:
    for records in (1000, AT_ONCE):
        table_id = subject.make_table(f"Of {records}")
        subject.fill(records - records % BATCH, table_id)
        rules, taken = Rules(subject, table_id), []
        for _ in range(TRIES):
            taken.append(rules.make()[1])
            rules.drop()
        print(f"over {records} records, at once: {statistics.median(taken):.0f} ms")


def _tell(when: str, loads: list[Load]) -> None:
    rates = [one.requests / one.seconds for one in loads]
    print(
        f"{when}: {statistics.median(rates):.0f} updates/s"
        f" ({', '.join(f'{one:.0f}' for one in rates)}),"
        f" p99 {statistics.median(one.p99 for one in loads):.0f} ms,"
        f" refused or broken {sum(one.failed + one.broken for one in loads)}"
    )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 19351,
    )
