"""What the figures were measured on, and what a process uses.  Reads `/proc`."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Machine:
    """The facts beside the figures.  Durable: a reply waits for the disk."""

    cores: int
    processor: str
    memory_gb: float
    system: str
    file_system: str
    python: str
    postgres: str
    durable: bool


def machine(url: str, data_dir: Path) -> Machine:
    with psycopg.connect(url) as connection:
        version, durable = connection.execute(
            """
            SELECT current_setting('server_version'),
                   bool_and(current_setting(name) = 'on')
            FROM unnest(ARRAY['fsync', 'synchronous_commit', 'full_page_writes'])
                AS name
            """
        ).fetchone() or ("unknown", False)
    kind = _file_system(data_dir)
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_processor(),
        memory_gb=round(_meminfo_kb("MemTotal") / 2**20, 1),
        system=f"{platform.system()} {platform.release()}",
        file_system=kind,
        python=platform.python_version(),
        postgres=version,
        durable=durable and kind not in ("tmpfs", "ramfs"),
    )


def memory_mb(pid: int) -> float:
    """The resident memory of a process, in MB of 2**20 bytes."""
    return _status_kb(pid, "VmRSS") / 1024


def peak_memory_mb(pid: int) -> float:
    return _status_kb(pid, "VmHWM") / 1024


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used so far, user and system."""
    # the name stands in brackets and may have blanks
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def busy_cores(seconds: float = 2.0) -> float:
    """How many cores are at work, by whomever, in the next `seconds`."""
    before = _busy_ticks()
    time.sleep(seconds)
    return (_busy_ticks() - before) / TICKS / seconds


class Stolen:
    """How much of what this machine wanted to do its host gave to other machines."""

    def __init__(self) -> None:
        self._before = _ticks()

    def share(self) -> float:
        """Since this was made: 0 is what a machine of one's own has."""
        busy, stolen = map(int.__sub__, _ticks(), self._before)
        return stolen / busy if busy else 0.0


def _busy_ticks() -> int:
    return _ticks()[0]


def _ticks() -> tuple[int, int]:
    """Since the machine started: user, nice, system, interrupts and stolen; and those
    that were stolen."""
    user, nice, system, _idle, _waiting, *more = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    return user + nice + system + sum(more), more[-1]


def _status_kb(pid: int, name: str) -> int:
    return _kb(Path(f"/proc/{pid}/status"), name)


def _meminfo_kb(name: str) -> int:
    return _kb(Path("/proc/meminfo"), name)


def _kb(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """The kind of the file system that `folder` lies on."""
    resolved = folder.resolve()
    found = ("", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if resolved.is_relative_to(place) and len(place) >= len(found[0]):
            found = (place, kind)
    return found[1]
