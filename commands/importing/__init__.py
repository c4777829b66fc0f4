"""Importing a file of rows: looked at first, or written in one batch.

    sheet     the file: encoding, dialect, columns, rows
    mapping   which column goes into which field
    reading   rows as records, kept beside until the committer takes them

Everything that needs no lock is done before it: a file is read whole, each cell as a
write would read it, before the committer hears of it.  It then takes the records slice
by slice (`commands.streaming`), in one unit: all of them or none.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from commands.importing.mapping import Mapped, plan, proposed
from commands.importing.reading import Kept, read
from commands.importing.sheet import (
    DELIMITERS,
    ENCODINGS,
    MAX_COLUMNS,
    MAX_ROWS,
    Sheet,
    open_sheet,
)
from commands.schema import NewField
from commands.system import System, now, random_bits
from commands.unit import Done, Once, Origin, Outcome, Reply, Stream
from commands.write import Prepared, write_slowly
from domain.access import Role
from domain.catalog import Catalog, Field, Table
from domain.errors import Busy, DomainError
from domain.ids import WorkspaceId
from domain.record.guessing import Guess, guess
from projections.reader import Caller

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "MAX_COLUMNS",
    "MAX_ROWS",
    "Column",
    "Mapped",
    "Sheet",
    "import_sheet",
    "look_at",
    "open_sheet",
    "temporary_file",
]


@dataclass(frozen=True)
class Column:
    """A column as it looks: its name, the type that would take it, and the field of
    the table that has its name."""

    name: str
    guess: Guess
    field: Field | None


async def look_at(
    sheet: Sheet, table: Table, shown: int
) -> tuple[list[Column], list[list[str]]]:
    """The columns of a file, and its first rows."""
    rows = await sheet.sample()
    by_name = proposed(sheet, table)
    columns = []
    for place, name in enumerate(sheet.columns):
        texts = [row.cells[place] for row in rows if place < len(row.cells)]
        columns.append(Column(name, guess(texts), by_name[name]))
    return columns, [row.cells[: len(columns)] for row in rows[:shown]]


async def import_sheet(
    system: System,
    caller: Caller,
    origin: Origin,
    workspace_id: WorkspaceId,
    table_id: str,
    sheet: Sheet,
    mapped: Mapped | None,
    render: Callable[[Outcome, int], Reply],
    once: Once | None,
) -> Done:
    """Writes a file's rows as records of a table, with the fields that it needs.

    `render` gets how many records there are.  Raises DomainError: what is wrong with
    rows tells their numbers.
    """
    kept: list[Kept] = []
    new = any(isinstance(one, NewField) for one in (mapped or {}).values())
    role = Role.admin if new else Role.editor
    with temporary_file(system.settings.data_dir) as beside:

        async def prepare(catalog: Catalog) -> Prepared:
            kept.clear()
            async with system.reading_files:
                planned = await plan(sheet, catalog, table_id, mapped)
                one = await read(sheet, planned, beside, system.reader, caller)
            kept.append(one)
            milliseconds, counter = int(now() * 1000), random_bits(41)
            count = len(one.numbers)
            return Prepared(
                planned.new,
                lambda outcome: render(outcome, count),
                count,
                stream=Stream(
                    catalog.seq,
                    one.needs,
                    one.events,
                    lambda: one.slices(milliseconds, counter),
                    [planned.table.by_id[new.field_id] for new in planned.new],
                ),
            )

        try:
            return await write_slowly(
                system, caller, origin, workspace_id, role, prepare, once
            )
        except DomainError as error:
            raise _with_row(error, kept) from None
        except OSError as error:
            raise Busy("The server has no room for the file") from error


def _with_row(error: DomainError, kept: list[Kept]) -> DomainError:
    """A refusal of the committer's, speaking of the row in place of the record."""
    index = error.extra.get("index")
    if not kept or not isinstance(index, int):
        return error
    rest = {name: value for name, value in error.extra.items() if name != "index"}
    error.extra = {**rest, "row": kept[0].numbers[index]}
    return error


def temporary_file(data_dir: Path) -> BinaryIO:
    """A file that nobody else sees and that is gone with this process.

    Raises Busy where there is no room for it.
    """
    folder = data_dir / "uploads"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        raise Busy("The server has no room for the file") from error
