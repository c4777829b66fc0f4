"""How long it takes to undo 10,000 records, and what other writers feel of it.

    python -m benchmarks.undo [--records 10000] [--rounds 5]

A server of its own.  Undone are an import (10,000 creations in one batch), that undo
(10,000 deletions in one batch) and updates of all records, by range.  Then others write
and read meanwhile: somebody else's workspace, and the very table.  A writer of the same
workspace waits for the undo's commit, as for any: `longest` shows it.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.errors import CannotMeasure
from benchmarks.importing import (
    FOLDER,
    PORT,
    QUIET_SECONDS,
    Caller,
    felt_during,
    sign_up,
    tell,
    write_rows,
)
from benchmarks.machine import Stolen, busy_cores, cpu_seconds, peak_memory_mb
from benchmarks.processes import serving
from benchmarks.rows import FIELDS

AT_ONCE = 1_000  # records of a batch endpoint
PAUSE = 2.0  # seconds between two undos while others are measured


def main() -> int:
    options = _options()
    try:
        with (
            tempfile.TemporaryDirectory(dir=FOLDER, prefix="tabellion-undo-") as at,
            serving(PORT) as (_, process),
        ):
            file = Path(at) / "rows.csv"
            write_rows(file, options.records)
            _measure(process.pid, file, options)
    except CannotMeasure as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.undo")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def _measure(pid: int, file: Path, options: argparse.Namespace) -> None:
    print(f"busy cores before: {busy_cores():.1f}")
    mine, theirs = sign_up(FIELDS), sign_up()
    tell("nobody undoes", felt_during(mine, theirs, lambda: time.sleep(QUIET_SECONDS)))
    used, stolen = cpu_seconds(pid), Stolen()
    for _ in range(options.rounds):
        undone = _timed("creations", mine, "/undo", _batch(_imported(mine, file)))
        _timed("deletions", mine, "/redo", {"batch_id": undone})
        before, after = _updated(mine)
        updates = {"scope": "range", "from": before + 1, "to": after}
        updates["workspace_id"] = _workspace(mine)
        undone = _timed("updates", mine, "/undo", updates)
        _timed("updates again", mine, "/redo", {"batch_id": undone})
        mine = sign_up(FIELDS)
    print(f"{cpu_seconds(pid) - used:.1f} s of CPU, peak {peak_memory_mb(pid):.0f} MB")
    batch = _imported(mine, file)

    def turns() -> None:
        undone = _timed("creations, others write", mine, "/undo", _batch(batch))
        time.sleep(PAUSE)
        _timed("deletions, others write", mine, "/redo", {"batch_id": undone})
        time.sleep(PAUSE)

    tell("while it is undone and redone", felt_during(mine, theirs, turns))
    print(f"{stolen.share():.0%} stolen by other machines")


def _batch(batch: str) -> dict[str, str]:
    return {"scope": "batch", "id": batch}


def _timed(name: str, caller: Caller, path: str, body: object) -> str:
    """The batch of an undo or a redo."""
    began = time.perf_counter()
    came = caller.made(path, body)
    took = time.perf_counter() - began
    print(f"{name:28} {len(came['undone']):6,} in {took:.2f} s")
    return str(came["batch_id"])


def _imported(caller: Caller, file: Path) -> str:
    with file.open("rb") as content:
        path = f"/tables/{caller.table}/import"
        reply = caller.client.post(path, files={"file": content})
    if reply.status_code != 201:
        raise CannotMeasure(f"import: {reply.status_code} {reply.text[:300]}")
    return str(reply.json()["batch_id"])


def _workspace(caller: Caller) -> str:
    base = caller.client.get(f"/tables/{caller.table}").json()["base_id"]
    return str(caller.client.get(f"/bases/{base}").json()["workspace_id"])


def _updated(caller: Caller) -> tuple[int, int]:
    """Updates every record; the positions before and after."""
    position: Callable[[Any], int] = lambda reply: int(reply.headers["x-position"])  # noqa: E731
    items: list[Any] = []
    while True:
        query = f"table_id={caller.table}&limit={AT_ONCE}&offset={len(items)}"
        page = caller.client.get(f"/records?{query}").json()["items"]
        items += page
        if len(page) < AT_ONCE:
            break
    before = after = 0
    for start in range(0, len(items), AT_ONCE):
        changes = [
            {"record_id": one["id"], "fields": {"Name": "changed"}}
            for one in items[start : start + AT_ONCE]
        ]
        body = {"table_id": caller.table, "updates": changes}
        after = position(caller.client.patch("/records/batch", json=body))
        before = before or after - len(changes)
    return before, after


if __name__ == "__main__":
    sys.exit(main())
