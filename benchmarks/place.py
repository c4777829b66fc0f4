"""Where a run works: an empty folder on a disk, ports of its own, nobody's settings."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import CannotMeasure

# where /tmp may be memory, /var/tmp is on a disk
FOLDER = "/var/tmp"
FIRST_PORT = 29_000


def forget_settings() -> None:
    """Nothing of the caller's own installation reaches the measured servers."""
    for name in [name for name in os.environ if name.startswith("TABELLION_")]:
        del os.environ[name]


@contextmanager
def empty_folder(wanted: Path | None) -> Iterator[Path]:
    """An empty folder, removed at the end.  Raises CannotMeasure."""
    if wanted is None:
        made = Path(tempfile.mkdtemp(prefix="tabellion-bench-", dir=FOLDER))
    else:
        made = wanted.absolute()
        if made.exists() and any(made.iterdir()):
            raise CannotMeasure(f"{made} is not empty")
        made.mkdir(parents=True, exist_ok=True)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
