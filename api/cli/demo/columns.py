"""From a source's raw values to what a field takes, telling whatever is left out.

Pure.  A raw value is what a csv or JSON file holds: a string, a number or nothing.
Nothing is dropped silently: an empty or unreadable value is a `LeftOut` with its
reason, and so is a row that lacks what its table requires.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timezone
from typing import TypeAlias

Raw: TypeAlias = "str | int | float | bool | None"
Value: TypeAlias = "str | int | float | bool | None"
RawRow: TypeAlias = Mapping[str, Raw]
Row: TypeAlias = Mapping[str, Value]

EMPTY = "empty in the source"

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)


class Unreadable(ValueError):
    """A raw value that its field does not take; the message is the reason."""


@dataclass(frozen=True)
class Column:
    """One field and where its values come from; without `source` the server fills it.

    `links_to` names a table whose primary field has the values that `read` gives.
    """

    name: str
    type: str
    source: str | None = None
    read: Callable[[str], Value] = str
    options: Mapping[str, object] = field(default_factory=dict)
    required: bool = False
    blanks: Collection[str] = ()  # what the source writes where it has nothing
    links_to: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """`count` values of a column (rows, where `column` is empty) with one reason."""

    column: str
    reason: str
    count: int


@dataclass(frozen=True)
class Prepared:
    """A table's rows as they will be sent; a link holds its target's primary value."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    left_out: Sequence[LeftOut]

    def choices(self, column: Column) -> list[Value]:
        """The choices that occur, in the order of their first rows."""
        found = dict.fromkeys(row.get(column.name) for row in self.rows)
        return [one for one in found if one is not None]


def prepare(name: str, columns: Sequence[Column], raw: Iterable[RawRow]) -> Prepared:
    """The rows that can be sent, and what of `raw` is not among them."""
    rows: list[Row] = []
    left_out: Counter[tuple[str, str]] = Counter()
    for one in raw:
        row, missing = _row(columns, one)
        left_out.update(missing.items())
        lacking = [c.name for c in columns if c.required and c.name in missing]
        if lacking:
            left_out["", f"a row needs {' and '.join(lacking)}"] += 1
        else:
            rows.append(row)
    told = [LeftOut(*key, count) for key, count in left_out.items()]
    return Prepared(name, columns, rows, told)


def _row(columns: Sequence[Column], raw: RawRow) -> tuple[Row, Mapping[str, str]]:
    """The values of one row, and the reasons by column of those that it lacks."""
    row: dict[str, Value] = {}
    missing: dict[str, str] = {}
    for column in columns:
        if column.source is None:
            continue
        try:
            row[column.name] = _value(column, raw.get(column.source))
        except Unreadable as error:
            missing[column.name] = str(error)
    return row, missing


def _value(column: Column, raw: Raw) -> Value:
    text = "" if raw is None else str(raw).strip()
    if not text:
        raise Unreadable(EMPTY)
    if text in column.blanks:
        raise Unreadable(f'the source writes "{text}"')
    return column.read(text)


def unused(columns: Sequence[Column], raw: Sequence[RawRow]) -> list[str]:
    """The source's own columns that no field takes."""
    taken = {column.source for column in columns}
    return [
        key for key in dict.fromkeys(k for row in raw for k in row) if key not in taken
    ]


def keys(name: str, column: str, of: Prepared, linking: str) -> Prepared:
    """A table with a row for each value that column `linking` of another one has."""
    found = dict.fromkeys(row[linking] for row in of.rows if linking in row)
    return prepare(
        name, [text(column, "key", required=True)], [{"key": k} for k in found]
    )


# The kinds of columns: the field's name, the source's key, then what differs.


def text(
    name: str, source: str, *, required: bool = False, blanks: Collection[str] = ()
) -> Column:
    return Column(name, "text", source, required=required, blanks=blanks)


def long_text(name: str, source: str) -> Column:
    return Column(name, "long_text", source)


def number(name: str, source: str, **options: object) -> Column:
    return Column(name, "number", source, read_number, options)


def whole(name: str, source: str) -> Column:
    return Column(name, "number", source, read_number, {"precision": 0})


def choice(name: str, source: str, *, blanks: Collection[str] = ()) -> Column:
    return Column(name, "single_select", source, blanks=blanks)


def checkbox(name: str, source: str, *, yes: str, no: str) -> Column:
    def read(given: str) -> Value:
        if given not in (yes, no):
            raise Unreadable(f'neither "{yes}" nor "{no}"')
        return given == yes

    return Column(name, "checkbox", source, read)


def day(
    name: str, source: str, form: str = "%Y-%m-%d", *, required: bool = False
) -> Column:
    def read(given: str) -> Value:
        return _moment(given, [form], UTC).date().isoformat()

    return Column(name, "date", source, read, required=required)


def moment(name: str, source: str, forms: Sequence[str], zone: timezone) -> Column:
    def read(given: str) -> Value:
        at = _moment(given, forms, zone).astimezone(UTC)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    return Column(name, "datetime", source, read)


def link(
    name: str,
    source: str,
    to: str,
    *,
    read: Callable[[str], Value] = str,
    blanks: Collection[str] = (),
) -> Column:
    return Column(name, "linked_record", source, read, {}, False, blanks, to)


def autonumber(name: str) -> Column:
    return Column(name, "autonumber")


def read_number(given: str) -> Value:
    if not _NUMBER.fullmatch(given):
        raise Unreadable("not a number")
    return float(given) if "." in given else int(given)


def _moment(given: str, forms: Sequence[str], zone: timezone) -> datetime:
    for form in forms:
        try:
            return datetime.strptime(given, form).replace(tzinfo=zone)
        except ValueError:
            continue
    raise Unreadable("not a date that the calendar has")
