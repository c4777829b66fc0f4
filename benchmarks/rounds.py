"""One run: interleaved rounds on a stage, then what is measured once."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import Progress

from benchmarks.machine import (
    Stolen,
    busy_cores,
    machine,
    memory_mb,
    peak_memory_mb,
)
from benchmarks.results import Figure, Results, figure
from benchmarks.stage import Measured, Stage, staged
from benchmarks.warm_start import Start, warm_starts
from benchmarks.workloads import BY_NAME, MEMORY, WARM_START, Workload, chosen

NOT_DURABLE = "commits do not wait for a disk here: the figures mean nothing"


@dataclass(frozen=True)
class Plan:
    """How long and how often: seconds, rounds, rows, starts."""

    seconds: int
    warm_up: int
    rounds: int
    copy_rows: int
    starts: int


FULL = Plan(seconds=8, warm_up=2, rounds=3, copy_rows=200_000, starts=5)
QUICK = Plan(seconds=2, warm_up=1, rounds=1, copy_rows=50_000, starts=2)


def run(
    plan: Plan, names: Sequence[str], folder: Path, port: int, console: Console
) -> Results:
    """The figures of the named workloads, all where none is named.

    Raises CannotMeasure; what makes the run invalid is in `problems`.
    """
    workloads = chosen(names)
    figures: dict[str, Figure] = {}
    problems: list[str] = []
    stopped = None
    others, stolen = busy_cores(), Stolen()
    with staged(folder, port, copy_rows=plan.copy_rows) as stage:
        on = machine(stage.url, folder)
        if not on.durable:
            problems.append(NOT_DURABLE)
        figures |= _interleaved(stage, plan, workloads, console)
        memory, peak = memory_mb(stage.pid), peak_memory_mb(stage.pid)
        if not names or MEMORY in names:
            figures[MEMORY] = Figure(memory, (memory,))
        stage.check_totals()
        problems += stage.problems
    if not names or WARM_START in names:
        console.print(f"make serve, {plan.starts} times")
        starts = warm_starts(folder, port + 5, times=plan.starts)
        figures[WARM_START] = _ready(starts)
        stopped = max(one.stopped for one in starts)
    return Results(
        when=time.strftime("%Y-%m-%d"),
        rounds=plan.rounds,
        seconds=plan.seconds,
        machine=on,
        problems=tuple(problems),
        figures=figures,
        others_cores=max(others, busy_cores()),
        stolen=stolen.share(),
        peak_memory_mb=peak,
        stop_seconds=stopped,
    )


def _interleaved(
    stage: Stage, plan: Plan, workloads: Sequence[Workload], console: Console
) -> dict[str, Figure]:
    """Each round takes every workload once; pgbench comes before the first as well."""
    before = [one for one in workloads if one is BY_NAME["pgbench"]]
    order = [*before, *(list(workloads) * plan.rounds)]
    found: dict[str, list[Measured]] = defaultdict(list)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=len(order))
        for workload in order:
            progress.update(task, description=workload.name)
            stage.measure(workload, plan.warm_up)
            stolen = Stolen()
            measured = stage.measure(workload, plan.seconds)
            found[workload.name].append(measured)
            console.print(
                f"{workload.name:14}{measured.rate:>12,.0f}/s"
                f"{stolen.share():>8.0%} stolen"
            )
            progress.advance(task)
    return {name: figure(rounds) for name, rounds in found.items()}


def _ready(starts: Sequence[Start]) -> Figure:
    seconds = tuple(one.ready for one in starts)
    return Figure(median(seconds), seconds)
