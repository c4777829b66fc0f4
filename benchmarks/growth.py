"""What the number of a table's records costs: 10,000, 100,000 and 1,000,000 of them.

    make growth                    # measures and draws docs/growth.svg: 10 minutes
    make growth ARGS="--draw"      # draws the last run anew

One server with a table of each size, their rounds interleaved: gets, lists that
indexes on demand serve, lists that nothing serves and nobody asked for before, and
creates last, for they make the tables grow.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import lists, scripts, yardsticks
from benchmarks.errors import CannotMeasure
from benchmarks.growth_plot import draw
from benchmarks.machine import Machine, busy_cores, machine
from benchmarks.place import FIRST_PORT, empty_folder, forget_settings
from benchmarks.results import FOLDER
from benchmarks.stage import Stage, staged
from benchmarks.subject import RECORDS
from benchmarks.wrk import put_load, require_wrk
from domain.ids import WorkspaceId

SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 3
FILE = FOLDER / "growth.json"
THREADS = 2


@dataclass(frozen=True)
class Series:
    """What is measured at each size."""

    name: str
    title: str
    connections: int
    seconds: int


SERIES = (
    Series("get", "get one, 16 connections", 16, 5),
    Series("indexed", "list by a selective filter, indexed on demand, 16", 16, 5),
    Series("anew", "list of 100 with total, nothing indexed, 4", 4, 10),
    Series("create", "create one, 64 connections", 64, 3),
)


@dataclass(frozen=True)
class Grown:
    """One run: the rates of every round, by series and size."""

    when: str
    machine: Machine
    others_cores: float
    rates: dict[str, dict[str, list[float]]]
    problems: list[str]

    def medians(self, name: str) -> list[float]:
        return [median(self.rates[name][str(size)]) for size in SIZES]


class Tables:
    """A table of each size on one stage, and the scripts that go for them."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._runs = stage, 0
        self._tables: dict[int, str] = {}

    def fill(self, size: int) -> float:
        """Makes the table and its indexes; records a second that it took."""
        subject = self._stage.subject
        table_id = self._tables[size] = subject.make_table(f"Of {size}")
        began = time.monotonic()
        ids = subject.fill(size, table_id)
        rate = size / (time.monotonic() - began)
        scripts.write_ids(self._ids(size), ids[:: max(1, size // 10_000)])
        yardsticks.make_indexes(
            self._stage.url, WorkspaceId(subject.workspace_id), table_id
        )
        return rate

    def measure(self, series: Series, size: int, seconds: int) -> float:
        self._runs += 1
        file = self._stage.folder / f"{series.name}.lua"
        file.write_text(self._script(series, size))
        load = put_load(
            self._stage.subject.port,
            file,
            connections=series.connections,
            threads=THREADS,
            seconds=seconds,
        )
        if load.failed or load.broken:
            failed = f"{load.failed} not 2xx, {load.broken} socket errors"
            self._stage.problems.append(f"{series.name} at {size}: {failed}")
        return (load.requests - load.failed) / load.seconds

    def _script(self, series: Series, size: int) -> str:
        subject, table_id = self._stage.subject, self._tables[size]
        target = scripts.Target(subject.port, RECORDS, subject.token)
        put_lists = partial(scripts.lists, target, self._runs, THREADS)
        match series.name:
            case "get":
                return scripts.gets(target, self._runs, THREADS, self._ids(size))
            case "indexed":
                paths = list(lists.sought_paths(RECORDS, table_id))
                return put_lists(paths, offset=0, numbers=size)
            case "anew":
                paths = list(lists.paths(RECORDS, table_id, anew=True))
                return put_lists(paths, offset=None)
            case _:
                return scripts.creates(target, self._runs, THREADS, table_id)

    def _ids(self, size: int) -> Path:
        return self._stage.folder / f"{size}.ids"


def run(folder: Path, port: int, rounds: int) -> Grown:
    """Raises CannotMeasure; what makes the run invalid is in `problems`."""
    others = busy_cores()
    rates: dict[str, dict[str, list[float]]] = {
        series.name: {str(size): [] for size in SIZES} for series in SERIES
    }
    with staged(folder, port, copy_rows=0) as stage:
        on, tables = machine(stage.url, folder), Tables(stage)
        for size in SIZES:
            print(f"{size:>9,} records made, {tables.fill(size):,.0f}/s", flush=True)
        yardsticks.analyze(stage.url)
        for _ in range(rounds):
            for series in SERIES:
                for size in SIZES:
                    tables.measure(series, size, 1)
                    rate = tables.measure(series, size, series.seconds)
                    rates[series.name][str(size)].append(rate)
                    print(f"{size:>9,} {series.name:8}{rate:>10,.1f}/s", flush=True)
        problems = list(stage.problems)
    when = time.strftime("%Y-%m-%d")
    return Grown(when, on, max(others, busy_cores()), rates, problems)


def save(grown: Grown) -> None:
    FOLDER.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(asdict(grown), indent=1))


def latest() -> Grown:
    """Raises CannotMeasure where nothing has been measured."""
    try:
        found = json.loads(FILE.read_text())
    except FileNotFoundError:
        raise CannotMeasure("nothing has been measured yet: make growth") from None
    return Grown(**{**found, "machine": Machine(**found["machine"])})


def table(grown: Grown) -> str:
    """Markdown for docs/performance.md."""
    heads = " | ".join(f"{size:,}" for size in SIZES)
    rows = [f"| requests a second | {heads} |", "|---" * (len(SIZES) + 1) + "|"]
    for series in SERIES:
        found = grown.medians(series.name)
        cells = " | ".join(
            f"{one:,.0f}" if one >= 10 else f"{one:.1f}" for one in found
        )
        rows.append(f"| {series.title} | {cells} |")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--draw", action="store_true", help="draw the last run anew")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--port", type=int, default=FIRST_PORT)
    options = parser.parse_args()
    try:
        if not options.draw:
            forget_settings()
            require_wrk()
            with empty_folder(None) as folder:
                save(run(folder, options.port, options.rounds))
        grown = latest()
    except CannotMeasure as error:
        print(f"growth: {error}", file=sys.stderr)
        return 2
    draw(SIZES, {one.title: grown.medians(one.name) for one in SERIES})
    print(table(grown))
    for problem in grown.problems:
        print(f"INVALID: {problem}", file=sys.stderr)
    return 1 if grown.problems else 0


if __name__ == "__main__":
    sys.exit(main())
