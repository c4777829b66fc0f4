"""The outcome of a run, and its file: `benchmarks/results/latest.json`.

    {"when", "rounds", "seconds", "machine": {...}, "problems": [...],
     "others_cores", "stolen",
     "figures": {NAME: {"median", "rounds": [...], "p50", "p99", "cpu"}},
     "peak_memory_mb", "stop_seconds"}

`others_cores` is what other processes used before or after, the larger of the two;
`stolen` the share of its work that the machine's host left undone for other machines.
Rates are records a second, `memory` MB, `warm_start` seconds; latencies are ms.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.errors import CannotMeasure
from benchmarks.machine import Machine
from benchmarks.stage import Measured

FOLDER = Path(__file__).resolve().parent / "results"
LATEST = FOLDER / "latest.json"
QUICK = FOLDER / "quick.json"  # so that a glance does not replace figures


@dataclass(frozen=True)
class Figure:
    """The median of some rounds, and each of them in the order they were measured."""

    median: float
    rounds: tuple[float, ...]
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None


@dataclass(frozen=True)
class Results:
    """What one run found.  With `problems` its figures are not to be believed."""

    when: str
    rounds: int
    seconds: int
    machine: Machine
    problems: tuple[str, ...]
    figures: dict[str, Figure]
    others_cores: float
    stolen: float = 0.0
    peak_memory_mb: float | None = None
    stop_seconds: float | None = None

    @property
    def medians(self) -> dict[str, float]:
        return {name: figure.median for name, figure in self.figures.items()}


def figure(rounds: Sequence[Measured]) -> Figure:
    """The medians of the rounds, each column for itself."""
    return Figure(
        median([one.rate for one in rounds]),
        tuple(one.rate for one in rounds),
        _median([one.p50 for one in rounds]),
        _median([one.p99 for one in rounds]),
        _median([one.cpu for one in rounds]),
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def save(results: Results, file: Path) -> None:
    FOLDER.mkdir(exist_ok=True)
    file.write_text(json.dumps(asdict(results), indent=2) + "\n")


def latest() -> Results:
    """The results of the last run.  Raises CannotMeasure when there are none."""
    if not LATEST.exists():
        raise CannotMeasure("no run has been made yet")
    told = json.loads(LATEST.read_text())
    machine = Machine(**told.pop("machine"))
    figures = {
        name: Figure(**{**one, "rounds": tuple(one["rounds"])})
        for name, one in told.pop("figures").items()
    }
    problems = tuple(told.pop("problems"))
    return Results(machine=machine, figures=figures, problems=problems, **told)
