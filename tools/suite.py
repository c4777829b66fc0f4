"""Runs the tests in parts, fastest first, and tells how long each took.

    python tools/suite.py [--budgets] [pytest arguments]

Parts of one step run side by side: they wait more than they compute.  A part that fails
ends the run after its step: what comes later rests on it.  With --budgets all parts
together may not take longer than all may; a part that takes longer than its own
minutes is told, as one machine's hour is not another's.  Every folder of tests belongs
to a part: those that are not named here run with the last.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

NO_TESTS = 5  # pytest's exit code
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Part:
    """Some folders of tests and how long they may take."""

    name: str
    folders: tuple[str, ...]
    minutes: int
    processes: int = 1  # pytest's, each with a database of its own


STEPS = (
    (Part("pure", ("domain",), minutes=2, processes=2),),
    (Part("store", ("projections", "commands", "workers"), minutes=5, processes=2),),
    (Part("surfaces", ("api", "contract"), minutes=8, processes=2),),
    (
        Part("documents", ("api/conformance",), minutes=4),
        Part("kafka", ("kafka",), minutes=4),
    ),
    (
        Part("process", ("process",), minutes=8),
        Part("killing", ("killing",), minutes=4),
    ),
)
PARTS = tuple(part for step in STEPS for part in step)


def main(arguments: list[str]) -> int:
    """0 when all passed; otherwise the exit code of the part that did not."""
    budgets = "--budgets" in arguments
    options = [argument for argument in arguments if argument != "--budgets"]
    began = time.monotonic()
    taken: list[tuple[Part, float]] = []
    code = NO_TESTS
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the parts import the same tests
    for step in STEPS:
        for part, outcome, seconds in _side_by_side(step, options):
            taken.append((part, seconds))
            if outcome != NO_TESTS and code in (0, NO_TESTS):
                code = outcome  # of one part: `-k` may choose none of it
        if code not in (0, NO_TESTS):
            break
    for part, seconds in taken:
        slow = " LONGER THAN IT MAY" if seconds > part.minutes * 60 else ""
        print(f"{part.name:10} {seconds:6.1f} s of {part.minutes} min{slow}")
    whole, most = time.monotonic() - began, _minutes()
    print(f"all parts  {whole:6.1f} s of {most} min")
    if budgets and whole > most * 60:
        code = code or 1
    return code


def _minutes() -> int:
    """What the whole suite may take: of each step its longest part."""
    return sum(max(part.minutes for part in step) for step in STEPS)


def _side_by_side(
    step: tuple[Part, ...], options: list[str]
) -> Iterator[tuple[Part, int, float]]:
    """Each part with its exit code and its seconds.  What the first prints is seen at
    once, what the others do after it."""
    began = time.monotonic()
    parts = [part for part in step if _paths(part)]
    with ExitStack() as stack:
        outputs: list[IO[bytes] | None] = [
            stack.enter_context(tempfile.TemporaryFile()) if place else None
            for place in range(len(parts))
        ]
        print(f"== {', '.join(part.name for part in parts)}", flush=True)
        running = [
            stack.enter_context(
                subprocess.Popen(
                    _command(part, options),
                    cwd=ROOT,
                    stdout=output,
                    stderr=None if output is None else subprocess.STDOUT,
                )
            )
            for part, output in zip(parts, outputs, strict=True)
        ]
        ended = [0.0] * len(running)
        while not all(ended):
            for place, one in enumerate(running):
                if not ended[place] and one.poll() is not None:
                    ended[place] = time.monotonic() - began
            time.sleep(0.1)
        for part, output in zip(parts, outputs, strict=True):
            if output is not None:
                output.seek(0)
                print(f"== {part.name}\n{output.read().decode(errors='replace')}")
        yield from (
            (part, one.returncode, seconds)
            for part, one, seconds in zip(parts, running, ended, strict=True)
        )


def _command(part: Part, options: list[str]) -> list[str]:
    spread = [f"--numprocesses={part.processes}"] if part.processes > 1 else []
    pytest = [sys.executable, "-m", "pytest", *spread]
    return [*pytest, *_elsewhere(part), *options, *_paths(part)]


def _elsewhere(part: Part) -> list[str]:
    """The folders within this part's that are another part's."""
    return [
        f"--ignore=tests/{folder}"
        for each in PARTS
        for folder in each.folders
        if each is not part
        and folder.startswith(tuple(f"{one}/" for one in part.folders))
    ]


def _paths(part: Part) -> list[str]:
    """The part's folders and files that hold tests."""
    named = {folder for each in PARTS for folder in each.folders}
    chosen = {folder for folder in part.folders if (ROOT / "tests" / folder).is_dir()}
    if part is PARTS[-1]:
        chosen |= {
            path.relative_to(ROOT / "tests").parts[0]
            for path in (ROOT / "tests").rglob("test_*.py")
        } - named
    return sorted(
        f"tests/{name}"
        for name in chosen
        if name.endswith(".py") or any((ROOT / "tests" / name).rglob("test_*.py"))
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
