"""The plot of `benchmarks/growth.py`: rates by the size of a table, both logarithmic.

matplotlib is in the dependency group `plot` and is fetched when a plot is drawn.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

FILE = Path(__file__).resolve().parent.parent / "docs" / "growth.svg"
MARKS = "os^D"


def draw(sizes: Sequence[int], rates: Mapping[str, Sequence[float]]) -> None:
    """Writes docs/growth.svg."""
    mpl.rcParams["svg.hashsalt"] = "growth"  # the same figures give the same file
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    places = cycle((7, -14))  # points: two lines may run close to each other
    for mark, place, (title, found) in zip(MARKS, places, rates.items(), strict=False):
        axes.loglog(sizes, found, marker=mark, label=title)
        for size, rate in zip(sizes, found, strict=True):
            axes.annotate(
                f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}",
                (size, rate),
                textcoords="offset points",
                xytext=(0, place),
                ha="center",
                fontsize=8,
            )
    axes.set_xticks(sizes, labels=[f"{size:,}" for size in sizes])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:,g}"))
    axes.set_xlabel("records in the table")
    axes.set_ylabel("requests a second")
    axes.margins(x=0.08, y=0.12)
    axes.grid(visible=True, which="major", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.savefig(FILE, metadata={"Date": None})
