"""A file of rows: its encoding, its dialect, its columns, its rows.

    encoding   UTF-8, with or without a mark; UTF-16 with one; else Windows-1252
    dialect    what parts cells: , ; tab |   what quotes them: " or '
    header     whether the first row names the columns

The file is looked through once before anything else, so what is read of it later can
be decoded and holds no character that cannot be stored.  Reading gives turns to whoever
else waits, and never holds more than a row or a megabyte.
"""

import asyncio
import codecs
import csv
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from typing import BinaryIO, NamedTuple

from domain.errors import Invalid, Json
from domain.record.guessing import looks_typed

MAX_ROWS = 200_000
MAX_COLUMNS = 400
MAX_ROW = 2_000_000  # characters of one row
SAMPLE_ROWS = 1_000  # that types are guessed from
DELIMITERS = ",;\t|"
ENCODINGS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "windows-1252": "cp1252"}

_PART = 1 << 20
_HEAD = 1 << 16  # characters that the dialect is told from
_TURN = 0.004  # seconds until others have theirs

# a process has one such limit; a row's own is below it
csv.field_size_limit(MAX_ROW)


class Turns:
    """Gives the event loop away every few milliseconds."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether it is time for the others."""
        return time.monotonic() - self._since > _TURN

    async def take(self) -> None:
        await asyncio.sleep(0)
        self._since = time.monotonic()


class Row(NamedTuple):
    """`number` as a spreadsheet counts: from 1, the header's row and empty ones too."""

    number: int
    cells: list[str]
    characters: int


@dataclass(frozen=True)
class Sheet:
    """A file that has been looked through.  `columns` have names of their own each."""

    file: BinaryIO
    encoding: str
    delimiter: str
    quote: str
    header: bool
    columns: Sequence[str]

    def rows(self) -> Generator[Row, None, None]:
        """The rows below the header, but for those without a cell.

        Raises Invalid for what is no row, with its number.
        """
        width, first = len(self.columns), self.header
        for row in _rows(self.file, self.encoding, self.delimiter, self.quote):
            if first:
                first = False
                continue
            if len(row.cells) > width and any(row.cells[width:]):
                raise not_a_row(
                    row.number,
                    f"The row has {len(row.cells)} cells for {width} columns",
                )
            yield row

    async def sample(self, count: int = SAMPLE_ROWS) -> list[Row]:
        """The first rows."""
        found: list[Row] = []
        turns = Turns()
        with closing(self.rows()) as rows:
            for row in rows:
                found.append(row)
                if len(found) >= count:
                    break
                if turns.over:
                    await turns.take()
        return found

    async def different(self, column: int, most: int) -> list[str]:
        """The different texts of a column, in the order of their first rows; those
        beyond `most` are not looked for.  An empty one is none."""
        found: dict[str, None] = {}
        turns = Turns()
        with closing(self.rows()) as rows:
            for row in rows:
                if column < len(row.cells) and row.cells[column]:
                    found[row.cells[column]] = None
                    if len(found) > most:
                        break
                if turns.over:
                    await turns.take()
        return list(found)


async def open_sheet(
    file: BinaryIO,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Sheet:
    """Looks a file through; what is given is not guessed.  Raises Invalid."""
    found = await _encoding(file, encoding)
    head = _head(file, found)
    if not head.strip():
        raise Invalid("The file is empty")
    parted, quote = _dialect(head, delimiter)
    with closing(_rows(file, found, parted, quote)) as rows:
        first = next(rows, None)
    if first is None:
        raise Invalid("The file is empty")
    if len(first.cells) > MAX_COLUMNS:
        raise Invalid(
            f"The file has {len(first.cells)} columns; {MAX_COLUMNS} are taken at most"
        )
    named = _is_header(first.cells) if header is None else header
    columns = _names(first.cells if named else [""] * len(first.cells))
    return Sheet(file, found, parted, quote, named, columns)


def not_a_row(number: int, message: str) -> Invalid:
    item: dict[str, Json] = {
        "loc": [number],
        "row": number,
        "msg": message,
        "type": "value_error.row",
    }
    return Invalid(f"Row {number}: {message}", errors=[item], total=1)


# ---------------------------------------------------------------- encoding


async def _encoding(file: BinaryIO, told: str | None) -> str:
    """The name that Python knows the encoding by.  Raises Invalid where the file is
    not in it throughout, or holds what no field can store."""
    file.seek(0)
    mark = file.read(3)
    if told is not None:
        found: str | None = ENCODINGS[told]
        if found == "utf-16" and mark[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            raise Invalid("The file is not UTF-16 with a byte order mark")
    elif mark == codecs.BOM_UTF8:
        found = "utf-8-sig"
    elif mark[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        found = "utf-16"
    else:
        found = None
    if found is not None:
        if not await _decodes(file, found):
            raise Invalid(f"The file is not {_SPELLED[found]} throughout")
        return found
    if await _decodes(file, "utf-8-sig"):
        return "utf-8-sig"
    if await _decodes(file, "utf-8-sig", "surrogatepass"):
        raise Invalid("The file has a lone surrogate, which cannot be stored")
    if await _decodes(file, "cp1252"):
        return "cp1252"
    raise Invalid("The file is in no encoding that is known: use UTF-8")


_SPELLED = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}


async def _decodes(file: BinaryIO, encoding: str, errors: str = "strict") -> bool:
    """Whether the whole file can be decoded.  Raises Invalid for a NUL."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    file.seek(0)
    while True:
        part = file.read(_PART)
        try:
            text = decoder.decode(part, not part)
        except UnicodeDecodeError:
            return False
        if "\0" in text:
            raise Invalid("The file has a NUL, which cannot be stored")
        if not part:
            return True
        await asyncio.sleep(0)


# ----------------------------------------------------------------- dialect


def _head(file: BinaryIO, encoding: str) -> str:
    """The beginning, in whole lines where there are some."""
    file.seek(0)
    text = TextIOWrapper(file, encoding, newline="")
    try:
        head = text.read(_HEAD)
    finally:
        text.detach()
    if len(head) < _HEAD:
        return head
    whole = head[: max(head.rfind("\n"), head.rfind("\r")) + 1]
    return whole or head


def _dialect(head: str, delimiter: str | None) -> tuple[str, str]:
    """What parts and what quotes cells: the pair by which the rows come out widest and
    most alike."""
    quotes = '"' if '"' in head or "'" not in head else "\"'"
    best, found = (0.0, 0), (delimiter or ",", '"')
    for quote in quotes:
        for one in delimiter or DELIMITERS:
            widths = _widths(head, one, quote)
            if not widths:
                continue
            width, count = Counter(widths).most_common(1)[0]
            cleaner = quote == "'" and _quoted(head, one)
            score = (
                count / len(widths) if width > 1 else 0.0,
                width + (1 if cleaner else 0),
            )
            if score > best:
                best, found = score, (one, quote)
    return found


def _widths(head: str, delimiter: str, quote: str) -> list[int]:
    widths = []
    try:
        for cells in csv.reader(
            StringIO(head, newline=""), delimiter=delimiter, quotechar=quote
        ):
            if cells:
                widths.append(len(cells))
    except csv.Error:
        pass  # the last row may be cut off in the middle
    return widths


def _quoted(head: str, delimiter: str) -> bool:
    """Whether cells stand in single quotes."""
    cells = [cell for line in head.splitlines() for cell in line.split(delimiter)]
    quoted = sum(cell[:1] == cell[-1:] == "'" and len(cell) > 1 for cell in cells)
    return quoted > len(cells) / 4


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a first row names columns: all different, none empty, none a value."""
    names = [cell.strip() for cell in cells]
    return (
        all(names)
        and len({name.casefold() for name in names}) == len(names)
        and not any(map(looks_typed, names))
    )


def _names(cells: Sequence[str]) -> list[str]:
    """Names for the columns: where one is missing its place, where it was there
    before a number behind it."""
    names: list[str] = []
    taken: set[str] = set()
    for place, cell in enumerate(cells, 1):
        wanted = name = cell.strip()[:255] or f"Column {place}"
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted[:240]} {number}"
        taken.add(name.casefold())
        names.append(name)
    return names


# -------------------------------------------------------------------- rows


class _Lines:
    """The lines of a text; counts the characters since a row was taken."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self.characters = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(MAX_ROW + 1):
            self.characters += len(line)
            if self.characters > MAX_ROW:
                raise csv.Error(f"the row has more than {MAX_ROW:,} characters")
            yield line


def _rows(
    file: BinaryIO, encoding: str, delimiter: str, quote: str
) -> Generator[Row, None, None]:
    """Every row with a cell."""
    file.seek(0)
    text = TextIOWrapper(file, encoding, newline="")
    lines = _Lines(text)
    reader: Iterable[list[str]] = csv.reader(
        lines, delimiter=delimiter, quotechar=quote, strict=True
    )
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if number > MAX_ROWS + 1:
                raise not_a_row(number, f"There are more than {MAX_ROWS:,} rows")
            characters, lines.characters = lines.characters, 0
            if cells:
                yield Row(number, cells, characters)
    except csv.Error as error:
        raise not_a_row(number + 1, f"This is no row: {error}") from error
    finally:
        text.detach()  # the file stays open
