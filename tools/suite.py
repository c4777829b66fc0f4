"""Runs the tests in parts, fastest first, and tells how long each took.

    python tools/suite.py [--budgets] [pytest arguments]

A part that fails ends the run: what comes later rests on it.  With --budgets a part
that takes longer than it may fails as well.  Every folder of tests belongs to a part:
those that are not named here run with the last.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

NO_TESTS = 5  # pytest's exit code
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Part:
    """Some folders of tests and how long they may take."""

    name: str
    folders: tuple[str, ...]
    minutes: int
    processes: int = 1  # pytest's, each with a database of its own


PARTS = (
    Part("pure", ("domain",), minutes=2, processes=2),
    Part("store", ("projections", "commands", "workers"), minutes=5, processes=2),
    Part("surfaces", ("api", "contract"), minutes=8, processes=2),
    Part("documents", ("api/conformance",), minutes=3),
    Part("kafka", ("kafka",), minutes=3),
    Part("process", ("process",), minutes=8),
)


def main(arguments: list[str]) -> int:
    """0 when all passed; otherwise the exit code of the part that did not."""
    budgets = "--budgets" in arguments
    options = [argument for argument in arguments if argument != "--budgets"]
    taken: list[tuple[Part, float]] = []
    code = NO_TESTS
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the parts import the same tests
    for part in PARTS:
        paths = _paths(part)
        if not paths:
            continue
        print(f"== {part.name}", flush=True)
        began = time.monotonic()
        spread = [f"--numprocesses={part.processes}"] if part.processes > 1 else []
        outcome = subprocess.call(
            [
                sys.executable,
                "-m",
                "pytest",
                *spread,
                *_elsewhere(part),
                *options,
                *paths,
            ],
            cwd=ROOT,
        )
        taken.append((part, time.monotonic() - began))
        if outcome != NO_TESTS:  # of one part: `-k` may choose none of it
            code = outcome
        if code not in (0, NO_TESTS):
            break
    for part, seconds in taken:
        slow = seconds > part.minutes * 60
        print(
            f"{part.name:10} {seconds:6.1f} s of {part.minutes} min"
            + (" TOO SLOW" if slow else "")
        )
        if slow and budgets:
            code = code or 1
    return code


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
