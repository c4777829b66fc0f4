"""How long a large import takes, and what others feel of it.

    python -m benchmarks.importing [--rows 100000] [--new-fields] [--rounds 3]

A server of its own gets a file of eight columns.  Meanwhile one caller a row of the
table asks again and again, with 20 ms between: somebody else's writes and reads, and
reads and writes of the very table.
"""

import argparse
import csv
import json
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.errors import CannotMeasure
from benchmarks.machine import busy_cores, cpu_seconds, peak_memory_mb
from benchmarks.processes import (
    require_free,
    running,
    server_environment,
    tabellion,
    wait_until_ready,
)
from benchmarks.rows import FIELDS, row

FOLDER = "/var/tmp"
PORT = 29_300
BETWEEN = 0.02  # seconds from a reply to the next request
QUIET_SECONDS = 5.0


@dataclass
class Caller:
    """Somebody with a workspace, a base, a table and a record in it."""

    client: httpx2.Client
    table: str = ""
    record: str = ""

    def made(self, path: str, body: object) -> Any:
        reply = self.client.post(path, json=body)
        if not reply.is_success:
            raise CannotMeasure(f"{path}: {reply.status_code} {reply.text[:300]}")
        return reply.json()


@dataclass
class Felt:
    """What one kind of request took, in seconds, and those that failed."""

    name: str
    ask: Callable[[httpx2.Client], httpx2.Response]
    owner: Caller
    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def main() -> int:
    options = _options()
    try:
        require_free(PORT)
        with tempfile.TemporaryDirectory(dir=FOLDER, prefix="tabellion-import-") as at:
            folder = Path(at)
            file = folder / "rows.csv"
            write_rows(file, options.rows)
            environment = server_environment(folder / "data", PORT)
            with running(
                [tabellion(), "serve"],
                log=folder / "server.log",
                environment={**environment, "TABELLION_LOG_LEVEL": "warning"},
            ) as process:
                wait_until_ready(process, PORT, "/api/v1/ready")
                _measure(process.pid, file, options)
    except CannotMeasure as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.importing")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--new-fields", action="store_true")
    return parser.parse_args()


def write_rows(file: Path, rows: int) -> None:
    with file.open("w", newline="") as output:
        writer = csv.DictWriter(output, [one["name"] for one in FIELDS])
        writer.writeheader()
        writer.writerows(map(row, range(rows)))


def _measure(pid: int, file: Path, options: argparse.Namespace) -> None:
    print(f"busy cores before: {busy_cores():.1f}")
    for _ in range(options.rounds):
        mine = sign_up(FIELDS[:1] if options.new_fields else FIELDS)
        used, began = cpu_seconds(pid), time.monotonic()
        _import(mine, file, options.new_fields)
        took, used = time.monotonic() - began, cpu_seconds(pid) - used
        print(
            f"{options.rows:,} rows alone: {took:.2f} s, {options.rows / took:,.0f}"
            f" rows/s, {used:.2f} s of CPU, peak {peak_memory_mb(pid):.0f} MB"
        )
    mine, theirs = sign_up(FIELDS[:1] if options.new_fields else FIELDS), sign_up()
    tell("nobody imports", felt_during(mine, theirs, lambda: time.sleep(QUIET_SECONDS)))
    began = time.monotonic()
    felt = felt_during(mine, theirs, lambda: _import(mine, file, options.new_fields))
    tell(f"during an import, {time.monotonic() - began:.2f} s", felt)
    print(f"peak {peak_memory_mb(pid):.0f} MB")


def sign_up(fields: list[dict[str, Any]] | None = None) -> Caller:
    client = httpx2.Client(
        base_url=f"http://127.0.0.1:{PORT}/api/v1", timeout=120, trust_env=False
    )
    caller = Caller(client)
    account = {
        "email": f"bench-{secrets.token_hex(6)}@example.org",
        "password": secrets.token_urlsafe(18),
        "name": "Bench",
    }
    token = caller.made("/auth/register", account)["access_token"]
    client.headers["authorization"] = f"Bearer {token}"
    workspace = caller.made("/workspaces", {"name": "Bench"})["id"]
    base = caller.made("/bases", {"workspace_id": workspace, "name": "Bench"})["id"]
    table = {"base_id": base, "name": "Rows", "fields": fields or FIELDS}
    caller.table = caller.made("/tables", table)["id"]
    record = {"table_id": caller.table, "fields": {"Name": "first"}}
    caller.record = caller.made("/records", record)["id"]
    return caller


def _import(caller: Caller, file: Path, new_fields: bool) -> None:
    mapping = {one["name"]: {"new": one} for one in FIELDS[1:]} if new_fields else {}
    with file.open("rb") as content:
        reply = caller.client.post(
            f"/tables/{caller.table}/import",
            files={"file": content},
            data={"mapping": json.dumps(mapping)},
        )
    if reply.status_code != 201:
        raise CannotMeasure(f"import: {reply.status_code} {reply.text[:300]}")


def felt_during(mine: Caller, theirs: Caller, work: Callable[[], None]) -> list[Felt]:
    """What others feel while something is done."""

    def creates(one: Caller) -> Callable[[httpx2.Client], httpx2.Response]:
        body = {"table_id": one.table, "fields": {"Name": "x"}}
        return lambda client: client.post("/records", json=body)

    def gets(one: Caller) -> Callable[[httpx2.Client], httpx2.Response]:
        return lambda client: client.get(f"/records/{one.record}")

    felt = [
        Felt("another tenant creates", creates(theirs), theirs),
        Felt("another tenant reads", gets(theirs), theirs),
        Felt("the table is read", gets(mine), mine),
        Felt("the table is written", creates(mine), mine),
    ]
    over = threading.Event()
    threads = [threading.Thread(target=_ask_on, args=(one, over)) for one in felt]
    for thread in threads:
        thread.start()
    try:
        work()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return felt


def _ask_on(felt: Felt, over: threading.Event) -> None:
    owner = felt.owner.client
    with httpx2.Client(
        base_url=owner.base_url, headers=owner.headers, timeout=120, trust_env=False
    ) as client:
        while not over.is_set():
            began = time.perf_counter()
            reply = felt.ask(client)
            felt.seconds.append(time.perf_counter() - began)
            felt.failed += not reply.is_success
            time.sleep(BETWEEN)


def tell(title: str, felt: list[Felt]) -> None:
    print(title)
    for one in felt:
        print(
            f"  {one.name:24} {len(one.seconds):5} p50 {one.percentile(0.5):6.1f} ms"
            f"  p99 {one.percentile(0.99):7.1f} ms  longest"
            f" {max(one.seconds) * 1000:7.1f} ms  {one.failed} failed"
        )


if __name__ == "__main__":
    sys.exit(main())
