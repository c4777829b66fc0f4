"""What each figure has to reach, and whether it does.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.workloads import MEMORY, WARM_START

TIMES = "\N{MULTIPLICATION SIGN}"
SHORT = {
    "pgbench": "pgbench",
    "copy": "COPY",
    "bare_create64": "bare",
    "bare_get16": "bare",
    "create64": "create",
    "sql_list": "SQL",
    "sql_deep": "SQL",
}


@dataclass(frozen=True)
class AtLeast:
    """A rate, absolute or in multiples of another figure."""

    amount: float
    of: str | None = None

    def __str__(self) -> str:
        if self.of is None:
            return f"≥ {self.amount:,.0f}/s"
        return f"≥ {self.amount:g} {TIMES} {SHORT[self.of]}"

    def reached(self, figure: float, figures: Mapping[str, float]) -> bool | None:
        """None where what it is compared with was not measured."""
        if self.of is None:
            return figure >= self.amount
        if self.of not in figures:
            return None
        return figure >= self.amount * figures[self.of]


@dataclass(frozen=True)
class AtMost:
    """A cost, in the figure's unit."""

    amount: float
    unit: str

    def __str__(self) -> str:
        return f"≤ {self.amount:g} {self.unit}"

    def reached(self, figure: float, figures: Mapping[str, float]) -> bool | None:
        return figure <= self.amount


Goal = AtLeast | AtMost

GOALS: Mapping[str, tuple[Goal, ...]] = {
    "create64": (AtLeast(0.4, "pgbench"), AtLeast(2, "bare_create64")),
    "update64": (AtLeast(1, "create64"),),
    "batch1000": (AtLeast(30_000), AtLeast(0.2, "copy")),
    "get16": (AtLeast(8_000),),
    "list_anew": (AtLeast(0.9, "sql_list"),),
    "list_again": (AtLeast(500),),
    "list_indexed": (AtLeast(400),),
    "list_sought": (AtLeast(400),),
    "list_deep": (AtLeast(5, "sql_deep"),),
    MEMORY: (AtMost(250, "MB"),),
    WARM_START: (AtMost(2.5, "s"),),
}


def reached(name: str, figures: Mapping[str, float]) -> bool | None:
    """None where there is no goal, or where a yardstick of it is missing."""
    if name not in GOALS or name not in figures:
        return None
    told = [goal.reached(figures[name], figures) for goal in GOALS[name]]
    if False in told:
        return False
    return None if None in told else True
