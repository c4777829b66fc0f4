"""The content of files in the data directory, under its own hash.

    files/<ab>/<sha256>    a content, once, however often it was uploaded
    files/incoming/<name>  one on its way in

A content is whole and on the disk before an event names it: it is written beside,
synced, renamed.  What is there never changes and is never taken away here, so every
undo finds its files.  A process that dies on the way leaves a file in `incoming`, which
is swept when it is a day old, or a content that nothing names, which `tabellion doctor`
counts.
"""

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from domain.errors import Busy

PART = 256 * 1024  # bytes read at once
FORGOTTEN_SECONDS = 24 * 3600.0  # after which nobody is sending a file any more
_HASH = re.compile(r"[0-9a-f]{64}")


class ContentMissing(Exception):
    """A file's content is not in the data directory"""


def _folder(data_dir: Path) -> Path:
    return data_dir / "files"


def place_of(data_dir: Path, sha256: str) -> Path:
    """Where a content lies.  Raises ValueError for what is no hash."""
    if not _HASH.fullmatch(sha256):
        raise ValueError("no SHA-256 in hexadecimal")
    return _folder(data_dir) / sha256[:2] / sha256


@contextmanager
def incoming(data_dir: Path) -> Iterator[BinaryIO]:
    """A file for a content on its way in; gone at the end, unless `keep` moved it.

    Raises Busy where there is no room for it.
    """
    folder = _folder(data_dir) / "incoming"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder)
    except OSError as error:
        raise Busy("The server has no room for the file") from error
    os.close(descriptor)
    try:
        with open(name, "r+b") as file:
            yield file
    finally:
        Path(name).unlink(missing_ok=True)


async def keep(data_dir: Path, file: BinaryIO, sha256: str) -> None:
    """Puts what came in into its place, on the disk for good.

    Raises Busy where there is no room for it.
    """
    try:
        await asyncio.to_thread(_keep, place_of(data_dir, sha256), file)
    except OSError as error:
        raise Busy("The server has no room for the file") from error


def _keep(place: Path, file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    place.parent.mkdir(mode=0o700, exist_ok=True)
    # the same content may be there: it is replaced by itself
    os.rename(file.name, place)
    for folder in (place.parent, place.parent.parent):
        _sync(folder)


def _sync(folder: Path) -> None:
    """Makes what was renamed in a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_content(data_dir: Path, sha256: str, size: int) -> BinaryIO:
    """A content, to be read.  Raises ContentMissing; also where it is cut short."""
    try:
        file = place_of(data_dir, sha256).open("rb")
    except OSError as error:
        raise ContentMissing from error
    if os.fstat(file.fileno()).st_size != size:
        file.close()
        raise ContentMissing
    return file


async def parts(file: BinaryIO, start: int, length: int) -> AsyncGenerator[bytes, None]:
    """`length` bytes of a file from `start` on, part by part; closes it."""
    with file:
        file.seek(start)
        while length > 0:
            part = await asyncio.to_thread(file.read, min(PART, length))
            if not part:
                raise ContentMissing
            length -= len(part)
            yield part


def sweep(data_dir: Path, now: float) -> int:
    """Takes away what dead processes left on its way in; gives how many.

    `now`: seconds since the epoch.
    """
    swept = 0
    for one in (_folder(data_dir) / "incoming").glob("*"):
        with suppress(FileNotFoundError):  # another process is at it too
            if now - one.stat().st_mtime > FORGOTTEN_SECONDS:
                one.unlink()
                swept += 1
    return swept


def problems(data_dir: Path, kept: Mapping[str, int]) -> Iterator[str]:
    """What is wrong with contents that rows name; `kept`: sizes by hash."""
    for sha256, size in kept.items():
        try:
            found = place_of(data_dir, sha256).stat().st_size
        except ValueError as error:
            yield f"the content {sha256!r} cannot be found: {error}"
            continue
        except OSError:
            yield f"the content {sha256} is missing"
            continue
        if found != size:
            yield f"the content {sha256} has {found} bytes instead of {size}"


def contents(data_dir: Path) -> Sequence[Path]:
    """Every content that is there, whether or not anything names it."""
    return [
        one
        for one in _folder(data_dir).glob("??/*")
        if _HASH.fullmatch(one.name) and one.is_file()
    ]
