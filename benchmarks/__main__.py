"""The command line of the benchmarks; exit code 1 when a run is invalid."""

import argparse
import signal
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import __doc__ as purpose
from benchmarks import report, results, rounds
from benchmarks.errors import CannotMeasure
from benchmarks.place import FIRST_PORT, FOLDER, empty_folder, forget_settings
from benchmarks.profiling import profile, tables
from benchmarks.stage import staged
from benchmarks.workloads import BY_NAME, MEMORY, WARM_START, Side
from benchmarks.wrk import require_wrk

WIDTH = 150  # of what goes into a file


def main() -> int:
    options = _parser().parse_args()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if options.latest:
            return _show(results.latest(), console, as_markdown=options.markdown)
        forget_settings()
        require_wrk()
        with empty_folder(options.data_dir) as folder:
            if options.profile:
                return _profile(options, folder, console)
            plan = rounds.QUICK if options.quick else rounds.FULL
            found = rounds.run(plan, options.only, folder, options.port, console)
        if not options.only:
            file = results.QUICK if options.quick else results.LATEST
            results.save(found, file)
            console.print(f"written to {file}")
        return _show(found, console, as_markdown=options.markdown)
    except CannotMeasure as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    names = [*BY_NAME, MEMORY, WARM_START]
    profiled = [one.name for one in BY_NAME.values() if one.side is Side.SERVER]
    parser = argparse.ArgumentParser("python -m benchmarks", description=purpose)
    add = parser.add_argument
    add("--quick", action="store_true", help="one round of 2 s, to see that it works")
    add(
        "--only",
        action="append",
        default=[],
        choices=names,
        help="this one and its yardsticks; may be given again",
    )
    add("--profile", choices=profiled, help="look with py-spy where the time goes")
    add("--seconds", type=int, default=10, help="how long to profile (10)")
    add("--markdown", action="store_true", help="print the README's table")
    add("--latest", action="store_true", help="show the last full run, measure nothing")
    add("--data-dir", type=Path, help=f"a new folder on a disk (one in {FOLDER})")
    add("--port", type=int, default=FIRST_PORT, help="the first of ten ports (29000)")
    return parser


def _show(found: results.Results, console: Console, *, as_markdown: bool) -> int:
    if as_markdown:
        print(report.markdown(found))
    else:
        console.print(report.table(found))
    for remark in report.remarks(found):
        print(remark, file=sys.stderr)
    return 1 if found.problems else 0


def _profile(options: argparse.Namespace, folder: Path, console: Console) -> int:
    with staged(folder, options.port, copy_rows=0) as stage:
        workload = BY_NAME[options.profile]
        found, graph = profile(stage, workload, options.seconds, results.FOLDER)
        problems = stage.problems
    for one in found:
        for table in tables(one):
            console.print(table)
    console.print(f"flame graph: {graph}")
    for problem in problems:
        print(f"INVALID: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
