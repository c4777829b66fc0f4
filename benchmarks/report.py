"""A run's results for people: a table for the terminal, one for the README.

Pure: results in, text or a rich table out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table

from benchmarks.goals import GOALS, SHORT, TIMES, reached
from benchmarks.results import Figure, Results
from benchmarks.workloads import BY_NAME, MEMORY, WARM_START, WORKLOADS, Side

TITLES = {
    MEMORY: "memory of the API process after the run",
    WARM_START: "`make serve` warm, to the first 200",
}
BUSY_CORES = 0.15  # a quiet machine has less going on
STOLEN = 0.03  # share of the work; a machine of one's own has none
HEADINGS = ("workload", "reach", "measured", "beside it", "p50 / p99, ms", "reached")


@dataclass(frozen=True)
class Line:
    """One row of either table; the cells are in the order of HEADINGS."""

    name: str
    cells: tuple[str, ...]
    reached: bool | None


def lines(results: Results) -> Iterator[Line]:
    """The server's figures, then the two costs, then the yardsticks."""
    own = [one.name for one in WORKLOADS if one.side is Side.SERVER]
    others = [one.name for one in WORKLOADS if one.side is not Side.SERVER]
    for name in (*own, MEMORY, WARM_START, *others):
        if name in results.figures:
            yield _line(name, results)


def _line(name: str, results: Results) -> Line:
    figure, hit = results.figures[name], reached(name, results.medians)
    title = BY_NAME[name].title if name in BY_NAME else TITLES[name]
    return Line(
        name,
        (
            title,
            " and ".join(str(goal) for goal in GOALS.get(name, ())),
            _amount(name, figure),
            _ratios(name, results),
            _latencies(figure),
            {True: "yes", False: "no", None: ""}[hit],
        ),
        hit,
    )


def _amount(name: str, figure: Figure) -> str:
    if name == MEMORY:
        return f"{figure.median:.0f} MB"
    if name == WARM_START:
        return f"{figure.median:.2f} s"
    return f"{figure.median:,.0f}/s"


def _ratios(name: str, results: Results) -> str:
    others = BY_NAME[name].yardsticks if name in BY_NAME else ()
    medians = results.medians
    return ", ".join(
        f"{medians[name] / medians[other]:.2f} {TIMES} {SHORT[other]}"
        for other in others
        if other in medians
    )


def _latencies(figure: Figure) -> str:
    if figure.p50 is None or figure.p99 is None:
        return ""
    return f"{figure.p50:.1f} / {figure.p99:.1f}"


def table(results: Results) -> Table:
    """For the terminal; also each round's figure, to show how steady it was."""
    made = Table(*HEADINGS, "rounds", "API cores", title=_title(results))
    for line in lines(results):
        figure = results.figures[line.name]
        style = {True: "green", False: "red", None: ""}[line.reached]
        cpu = "" if figure.cpu is None else f"{figure.cpu:.2f}"
        # the short name: it is what --only and --profile take
        made.add_row(
            line.name, *line.cells[1:], _rounds(line.name, figure), cpu, style=style
        )
    return made


def markdown(results: Results) -> str:
    """The table of the README, and below it what it was measured on."""
    rows = [HEADINGS, ("---",) * len(HEADINGS)]
    rows += [line.cells for line in lines(results)]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{text}\n\n{_title(results)}."


def _rounds(name: str, figure: Figure) -> str:
    if name == WARM_START:
        return " ".join(f"{one:.2f}" for one in figure.rounds)
    return " ".join(f"{one:,.0f}" for one in figure.rounds)


def _title(results: Results) -> str:
    on = results.machine
    return (
        f"{on.cores} cores ({on.processor}), Python {on.python},"
        f" Postgres {on.postgres} on {on.file_system},"
        f" {'durable' if on.durable else 'NOT DURABLE'} commits,"
        f" medians of {results.rounds} {TIMES} {results.seconds} s, {results.when}"
    )


def remarks(results: Results) -> Iterator[str]:
    """What a reader of the figures has to know, problems first."""
    for problem in results.problems:
        yield f"INVALID: {problem}"
    if results.others_cores > BUSY_CORES:
        yield (
            f"others used {results.others_cores:.2f} cores beside this run:"
            " only its ratios mean something, and those little"
        )
    if results.stolen > STOLEN:
        yield (
            f"the host of this machine gave {results.stolen:.0%} of its time to others:"
            " on one's own the figures are higher"
        )
