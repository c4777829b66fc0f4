"""Where the API process spends its time under one workload, by `py-spy`.

A function's own time is that of the samples in which it is the innermost.  Two kinds
of samples are taken: what held the interpreter, which is exact, and what was running in
any way, with code of libraries that lets go of the interpreter; py-spy sometimes takes
a waiting thread for a running one, so the known waits are left out of the second.
"""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from benchmarks.errors import CannotMeasure
from benchmarks.stage import Stage
from benchmarks.workloads import Workload

SAMPLES_A_SECOND = 200
WARM_UP_SECONDS = 2
SPARE_SECONDS = 3  # py-spy takes a moment to begin
TOP = 25
WAITS = ("Condition.wait ", "_worker (concurrent")  # begin the innermost frame


@dataclass(frozen=True)
class Profile:
    """Samples by function: its own, and those with what it called; by thread too."""

    name: str
    own: Counter[str]
    total: Counter[str]
    threads: Counter[str]

    @property
    def samples(self) -> int:
        return sum(self.own.values())


def profile(
    stage: Stage, workload: Workload, seconds: int, folder: Path
) -> tuple[list[Profile], Path]:
    """Three loads: what held the interpreter, what ran at all, and a flame graph of
    the first kind, whose file is the second value.  Raises CannotMeasure."""
    stage.measure(workload, WARM_UP_SECONDS)
    folder.mkdir(exist_ok=True)
    profiles = []
    for name, options in (("interpreter", ["--gil"]), ("running", [])):
        file = folder / f"profile-{workload.name}-{name}.txt"
        _record(stage, workload, seconds, file, ["--format=raw", *options])
        profiles.append(read(name, file.read_text()))
    graph = folder / f"profile-{workload.name}.svg"
    _record(stage, workload, seconds, graph, ["--format=flamegraph", "--gil"])
    return profiles, graph


def _record(
    stage: Stage, workload: Workload, seconds: int, file: Path, options: list[str]
) -> None:
    spy = subprocess.Popen(
        [
            Path(sys.executable).parent / "py-spy",
            "record",
            f"--pid={stage.pid}",
            f"--duration={seconds}",
            f"--rate={SAMPLES_A_SECOND}",
            f"--output={file}",
            "--function",
            "--threads",
            *options,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        stage.measure(workload, seconds + SPARE_SECONDS)
        words, _ = spy.communicate(timeout=60)
    finally:
        spy.kill()
        spy.wait()
    if spy.returncode:
        raise CannotMeasure(f"py-spy failed (it may need root):\n{words}")


def read(name: str, raw: str) -> Profile:
    """Of py-spy's raw lines: `thread;frame;…;frame count`, the innermost last."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    threads: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        if not frames or frames[-1].startswith(WAITS):
            continue
        threads[thread] += int(count)
        own[frames[-1]] += int(count)
        for frame in set(frames):
            total[frame] += int(count)
    return Profile(name, own, total, threads)


def tables(found: Profile) -> list[Table]:
    """The functions with the most time of their own, and the threads."""
    functions = Table(title=f"{found.name}: {found.samples} samples")
    for heading in ("own %", "with callees %", "function"):
        functions.add_column(heading, justify="left" if "f" in heading else "right")
    for function, count in found.own.most_common(TOP):
        functions.add_row(
            _share(count, found), _share(found.total[function], found), function
        )
    threads = Table("%", f"{found.name}: thread")
    for thread, count in found.threads.most_common(10):
        threads.add_row(_share(count, found), thread)
    return [functions, threads]


def _share(count: int, found: Profile) -> str:
    return f"{100 * count / max(found.samples, 1):.1f}"
