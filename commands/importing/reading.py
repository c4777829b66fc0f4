"""From a file's rows to records: every cell read as a write would read it.

What was read is kept beside, in a file of its own, a slice a line, so that a thousand
rows and a hundred thousand take the same memory:

    [[value of the first column, ...], ...]      as JSON; null where a cell is empty

Whatever is wrong with the rows is gathered and told at once, the first hundred.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

import orjson

from commands.gather import TAKEN, key_values
from commands.importing.mapping import Plan
from commands.importing.sheet import MAX_ROWS, Row, Sheet, Turns, not_a_row
from domain.catalog import Constraint, Field
from domain.constraint import duplicate_of, told, unique_digest
from domain.decider import needs
from domain.errors import DuplicateValue, Invalid
from domain.facts import Needs
from domain.ids import RecordId, WorkspaceId, record_ids
from domain.record import CreateRecords, read_values
from domain.record.cells import from_cell
from domain.values import BadValue, Value
from projections.reader import Caller, Reader

TOLD = 100  # of the problems with rows
SLICE = 100  # records that are decided and written together: what others wait for
SLICE_CHARACTERS = 1_000_000  # of their rows
ASK = 2_000  # unique keys that are looked for together
KNOWN = 2_000  # texts of a column whose values are remembered

DUPLICATE = "value_error.duplicate"


class _Taking(NamedTuple):
    """A value of a row that has to be the only one of its field."""

    row: int
    column: str
    constraint: Constraint
    field: Field
    value: Value


@dataclass
class Problems:
    """What is wrong with rows: the first hundred, and how many in all."""

    items: list[Any] = field(default_factory=list)
    total: int = 0
    duplicates: int = 0
    first_duplicate: DuplicateValue | None = None

    def add(self, row: int, column: str, message: str, kind: str) -> None:
        self.total += 1
        if len(self.items) < TOLD:
            self.items.append(
                {
                    "loc": [row, column],
                    "row": row,
                    "column": column,
                    "msg": message,
                    "type": kind,
                }
            )

    def add_duplicate(self, taking: "_Taking") -> None:
        self.duplicates += 1
        if self.total >= TOLD and self.first_duplicate is not None:
            self.total += 1
            return
        value = told(taking.field, taking.value)
        error = duplicate_of(taking.constraint, taking.field.name, value)
        if self.first_duplicate is None:
            self.first_duplicate = error
            error.extra = {**error.extra, "row": taking.row}
        self.add(taking.row, taking.column, error.detail, DUPLICATE)

    def raise_any(self) -> None:
        """Raises DuplicateValue where nothing else is wrong, else Invalid."""
        if not self.total:
            return
        if self.duplicates == self.total and self.first_duplicate is not None:
            raise self.first_duplicate.with_extra(errors=self.items, total=self.total)
        one = self.total == 1
        raise Invalid(
            f"{self.total:,} value{'' if one else 's'} cannot be imported",
            errors=self.items,
            total=self.total,
        )


@dataclass
class Kept:
    """What a file came to.  `numbers` are the rows' own, in the order of the records;
    `events` is how many events creating them will be."""

    file: BinaryIO
    plan: Plan
    numbers: "array[int]" = field(default_factory=lambda: array("L"))
    needs: Needs = field(default_factory=Needs)
    events: int = 0

    def slices(self, milliseconds: int, counter: int) -> Iterator[CreateRecords]:
        """The records in their order, from the beginning; their ids count up."""
        table = self.plan.table
        names = [one.id for _, _, one in self.plan.columns]
        self.file.seek(0)
        at = 0
        for line in self.file:
            rows = orjson.loads(line)
            ids = record_ids(milliseconds, table.number, counter + at, len(rows))
            yield CreateRecords(
                table.id,
                None,
                [
                    (one, _without_empty(names, row))
                    for one, row in zip(ids, rows, strict=True)
                ],
            )
            at += len(rows)


def _without_empty(names: Sequence[str], row: Sequence[Value]) -> dict[str, Value]:
    return {
        name: value for name, value in zip(names, row, strict=True) if value is not None
    }


async def read(
    sheet: Sheet,
    plan: Plan,
    beside: BinaryIO,
    reader: Reader,
    caller: Caller,
) -> Kept:
    """Reads all rows into the file `beside`.

    Raises Invalid and DuplicateValue: {errors: [{row, column, msg, type}], total}.
    """
    beside.seek(0)
    beside.truncate()
    kept = Kept(beside, plan)
    reading = _Reading(kept, reader, caller)
    turns = Turns()
    with closing(sheet.rows()) as rows:
        for row in rows:
            if len(kept.numbers) >= MAX_ROWS:
                raise not_a_row(row.number, f"There are more than {MAX_ROWS:,} rows")
            if reading.add(row):
                await reading.look_up()
            if turns.over:
                await turns.take()
    await reading.end()
    if not kept.numbers:
        raise Invalid("The file has no rows")
    return kept


class _Column:
    """A column's way into its field, and what was read of it before: days, choices and
    the like come again and again."""

    __slots__ = ("_from_cell", "_read", "field", "known", "place")

    def __init__(self, place: int, field: Field) -> None:
        self.place, self.field = place, field
        self.known: dict[str, Value] = {}
        self._from_cell = from_cell(field)
        self._read = field.kind.read

    def json(self, text: str) -> Any:
        return text if self._from_cell is None else self._from_cell(text)

    def read(self, text: str) -> Value:
        """Raises BadValue."""
        given = self.json(text)
        value = None if given is None else self._read(given, self.field)
        if self._from_cell is not None and len(self.known) < KNOWN:
            self.known[text] = value
        return value


class _Reading:
    """Rows on their way, up to a slice of them."""

    def __init__(self, kept: Kept, reader: Reader, caller: Caller) -> None:
        self._kept, self._plan = kept, kept.plan
        self._problems = Problems()
        self._unique = _Unique(kept.plan, self._problems, reader, caller)
        table = kept.plan.table
        self._table = table
        self._names_others = bool(table.links or table.attachments)
        self._columns = [_Column(place, one) for place, _, one in kept.plan.columns]
        self._required = [
            at for at, (_, _, one) in enumerate(kept.plan.columns) if one.required
        ]
        self._names = [one.id for _, _, one in kept.plan.columns]
        self._called = {one.name: column for _, column, one in kept.plan.columns}
        self._slice: list[list[Value]] = []
        self._characters = 0

    def add(self, row: Row) -> bool:
        """Reads a row; whether unique keys wait to be looked up."""
        self._kept.numbers.append(row.number)
        values = self._values(row.cells)
        if values is None:
            self._tell(row)
            return False
        if self._unique.watched:
            self._unique.note(row.number, dict(zip(self._names, values, strict=True)))
        if not self._problems.total:
            self._slice.append(values)
            self._characters += row.characters
            if len(self._slice) >= SLICE or self._characters > SLICE_CHARACTERS:
                self._keep()
        return self._unique.waiting >= ASK

    def _values(self, cells: Sequence[str]) -> list[Value] | None:
        """What a row's cells hold, column by column; None where one is wrong."""
        values: list[Value] = []
        width = len(cells)
        try:
            for column in self._columns:
                text = cells[column.place] if column.place < width else ""
                if not text:
                    values.append(None)
                elif text in column.known:
                    values.append(column.known[text])
                else:
                    values.append(column.read(text))
        except BadValue:
            return None
        if self._required and any(values[at] is None for at in self._required):
            return None
        return values

    def _tell(self, row: Row) -> None:
        """Reads a row again, as a write would, for all that is wrong with it."""
        given: dict[str, Any] = {
            column.field.id: column.json(row.cells[column.place])
            for column in self._columns
            if column.place < len(row.cells) and row.cells[column.place]
        }
        try:
            read_values(self._table, given, creating=True)
        except Invalid as error:
            items: Any = error.extra["errors"]
            for item in items:
                name = item["loc"][0]
                column = self._called.get(name, name)
                self._problems.add(row.number, column, item["msg"], item["type"])
        else:
            raise RuntimeError("a row that was refused is right")

    def _keep(self) -> None:
        kept = self._kept
        kept.file.write(orjson.dumps(self._slice))
        kept.file.write(b"\n")
        kept.events += len(self._slice)
        if self._names_others:
            self._note_others()
        self._slice, self._characters = [], 0

    def _note_others(self) -> None:
        """What links and files need to be decided, and the event at the other end of
        each link."""
        records = [
            (RecordId(""), _without_empty(self._names, row)) for row in self._slice
        ]
        command = CreateRecords(self._table.id, None, records)
        needs(command, self._plan.catalog, self._kept.needs)
        for one in self._table.links:
            for _, values in records:
                value = values.get(one.id)
                if isinstance(value, list) and one.reverse_id is not None:
                    self._kept.events += len(value)

    async def look_up(self) -> None:
        await self._unique.look_up()

    async def end(self) -> None:
        """Raises what is wrong with the rows, all of them having been added."""
        await self._unique.look_up()
        self._problems.raise_any()
        if self._slice:
            self._keep()
        self._kept.file.flush()
        self._kept.needs.counters.add(self._table.id)
        self._kept.needs.keys.update(self._unique.keys)


class _Unique:
    """The unique keys of a file: each once in it, and none of them in the table.

    The committer has the last word, under the lock; here all of them are told.
    """

    def __init__(
        self, plan: Plan, problems: Problems, reader: Reader, caller: Caller
    ) -> None:
        self._problems, self._reader, self._caller = problems, reader, caller
        self._workspace_id: WorkspaceId = plan.catalog.id
        by_field = {one.id: (column, one) for _, column, one in plan.columns}
        self.watched = [
            (constraint, *by_field[constraint.field_id])
            for constraint in plan.table.enforced
            if constraint.field_id in by_field
        ]
        self.keys: set[tuple[str, bytes]] = set()
        # those to be looked up
        self._waiting: dict[tuple[str, bytes], _Taking] = {}

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def note(self, row: int, values: Mapping[str, Value]) -> None:
        for constraint, column, target in self.watched:
            value = values.get(constraint.field_id)
            digest = unique_digest(value, case_sensitive=constraint.case_sensitive)
            if digest is None:
                continue
            key = (constraint.id, digest)
            taking = _Taking(row, column, constraint, target, value)
            if key in self.keys:
                self._problems.add_duplicate(taking)
            else:
                self.keys.add(key)
                self._waiting[key] = taking

    async def look_up(self) -> None:
        if not self._waiting:
            return
        values = key_values(list(self._waiting), self._workspace_id)
        found = await self._reader.ask(
            self._caller, self._workspace_id, lambda _: [(TAKEN, values)]
        )
        for constraint_id, digest, _ in found.results[0]:
            self._problems.add_duplicate(self._waiting[constraint_id, bytes(digest)])
        self._waiting = {}
