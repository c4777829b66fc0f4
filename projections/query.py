"""What a reader asks of a table's records: one tree for the filters of all surfaces.

Pure.  A surface reads its own spelling, finds fields with `find_field`, and makes the
leaves with `compare` and `sort_by`; `projections/sql.py` turns the tree into SQL.

    Where = Condition | And | Or | Not      And(()) is everything, Or(()) is nothing

**Empty values.**  A condition is true or false, never unknown.  An empty value is left
out by every operator but is_empty, neq and not_contains; `Not` takes all the rest, so
an item and its Not make up the whole table.  eq null is is_empty and neq null is
is_not_empty; so are eq "" and neq "" where "" is no value, and 0 of a rating.  An
empty checkbox counts as false in eq and neq; is_empty finds those that were never set.

**Case.**  contains, not_contains, starts_with and ends_with ignore it; eq and neq do
not.  **Whole days.**  A datetime compared with a date alone means that whole day in the
field's time zone: lte takes the day in, gt starts after it.  **Selects** compare by the
name of the choice; eq and neq also take its id, where no choice has that for a name.
**Several choices or users** are sets in eq and neq; contains takes one or an array and
finds what has them all.  **Objects** compare by their main part: a dimension by its
value in the field's unit, a gdt by its symbol, a thread by its designation, a material
by its name.  **What the server computes** is empty until it does.  **Attachments** and
**any JSON** are there or not.
Source: pybase-values, the operators of each type.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, TypeAlias

from domain.catalog import Field, Table
from domain.errors import Invalid
from domain.ids import FieldId, TableId, canonical
from domain.values import (
    BadValue,
    datetime_text,
    decimal_text,
    parse_datetime,
    read_date,
    read_users,
    well_formed,
    zone,
)

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000
MAX_OFFSET = 2**31
MAX_SORTS = 10
MAX_DEPTH = 32  # groups within groups
MAX_NODES = 500  # groups and conditions

Operand: TypeAlias = "str | bool | tuple[str, ...] | None"


@dataclass(frozen=True, slots=True)
class Condition:
    """A field compared with a value that is checked and in its kept form.

    text "Ada" · number "29.99" · checkbox True · date "2024-01-31" · datetime
    "2024-01-31T10:00:00Z" · select a choice's name · link, id: a record's id · choices,
    user: ids of choices, of users · None for is_empty and is_not_empty.  Made by
    `compare`, or by `projections.plainly`.  `exact`: case counts in what looks into
    texts, and texts have an order, that of their code points.  `part`: of what is
    sought, folded, what an index is asked for (`projections/trigrams.py`).
    """

    field: Field
    operator: str
    value: Operand
    exact: bool = False
    part: str = ""


@dataclass(frozen=True, slots=True)
class And:
    items: tuple["Where", ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple["Where", ...]


@dataclass(frozen=True, slots=True)
class Not:
    item: "Where"


Where: TypeAlias = "Condition | And | Or | Not"

EVERYTHING: Final = And(())


@dataclass(frozen=True, slots=True)
class Sort:
    """Empty values come last in both directions, unless told.  Made by `sort_by`."""

    field: Field
    descending: bool = False
    empty_first: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """limit: 1..1000.  offset: 0..2³¹."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0

    @property
    def number(self) -> int:
        """Which page it is, from 1; the one it starts in where it lies across two."""
        return self.offset // self.limit + 1


@dataclass(frozen=True, slots=True)
class Query:
    """Records of `table` in the order of `sorts`, then in the order they were made."""

    table: Table
    fields: tuple[Field, ...]
    where: Where = EVERYTHING
    sorts: tuple[Sort, ...] = ()
    page: Page = Page()

    @property
    def chosen(self) -> tuple[Field, ...] | None:
        """The fields, where they are not all that the table has."""
        return None if self.fields == self.table.fields else self.fields


def _system_field(name: str) -> Field:
    return Field(
        id=FieldId(name),
        table_id=TableId(""),
        name=name,
        type="text" if name == "id" else "datetime",
        options={},
        required=True,
        description=None,
        position=0,
        primary=False,
        created_at="",
        updated_at="",
    )


# the row's number, which every record has too
NUMBER: Final = replace(_system_field("number"), type="autonumber")

# what every record has, by a name that a field of the table may take over
SYSTEM_FIELDS: Final[Mapping[str, Field]] = {
    name: _system_field(name) for name in ("id", "created_at", "updated_at")
}

_EQUALITY = ("eq", "neq")
_TEXT = (*_EQUALITY, "contains", "not_contains", "starts_with", "ends_with")
_ORDERED = (*_EQUALITY, "gt", "gte", "lt", "lte")
_EMPTINESS = ("is_empty", "is_not_empty")
OPERATORS: Final = (*_ORDERED, *_TEXT[2:], *_EMPTINESS)
_OF_FAMILY: Final[Mapping[str, tuple[str, ...]]] = {
    "text": _TEXT,
    "number": _ORDERED,
    "date": _ORDERED,
    "datetime": _ORDERED,
    "checkbox": _EQUALITY,
    "select": _TEXT,
    "choices": (*_EQUALITY, "contains", "not_contains"),
    "user": (*_EQUALITY, "contains", "not_contains"),
    "link": ("contains", "not_contains"),
    "file": (),
    "json": (),
    "computed": (),
    "id": _EQUALITY,
}
_UNORDERED = frozenset(["link", "user", "file", "json", "computed"])
_SETS = frozenset(["choices", "user"])
_READS_BLANK_AS_EMPTY = frozenset(["text", "select", "date", "datetime", "user"])


def shown(text: str) -> str:
    """What a message may echo of a client's text: its start, quoted."""
    return repr(text[:80])


def family(field: Field) -> str:
    """How a field compares: a key of the operators' table."""
    if field.id == "id":
        return "id"
    return "datetime" if field.column == "timestamptz" else field.kind.family


def find_field(table: Table, name: str) -> Field:
    """A live field by name, else by id, else what every record has.

    Raises Invalid: a deleted field answers as one that never was.
    """
    found = table.find_field(name) or SYSTEM_FIELDS.get(name)
    if found is None:
        raise Invalid(f"Unknown field {shown(name)}")
    return found


def sort_by(field: Field, *, descending: bool = False) -> Sort:
    """Raises Invalid for a field that has no order."""
    if not has_order(field):
        raise Invalid(f"Field {shown(field.name)} cannot be sorted by")
    return Sort(field, descending)


def has_order(field: Field) -> bool:
    return family(field) not in _UNORDERED


def compare(field: Field, operator: str, value: Any) -> Where:
    """`field` `operator` `value`, as the head of this file tells.

    `value` is a JSON value, numbers as int, float or Decimal.  Raises Invalid for an
    operator that is unknown or not for this type, and for a value of another type.
    """
    if operator not in OPERATORS:
        raise Invalid(f"Unknown operator {shown(operator)}")
    kind = family(field)
    if operator in _EMPTINESS:
        return Condition(field, operator, None)
    if operator in _EQUALITY and _means_empty(field, kind, value):
        return Condition(
            field, "is_empty" if operator == "eq" else "is_not_empty", None
        )
    if operator not in _OF_FAMILY[kind]:
        takes = ", ".join((*_OF_FAMILY[kind], *_EMPTINESS))
        raise Invalid(
            f"Field {shown(field.name)} does not take the operator {operator};"
            f" it takes {takes}"
        )
    if value is None:
        raise Invalid(f"Field {shown(field.name)}: {operator} needs a value")
    try:
        if kind == "datetime" and (day := read_day(value)) is not None:
            return _on_day(field, operator, day)
        return Condition(field, operator, read_operand(field, operator, value))
    except BadValue as error:
        raise Invalid(f"Field {shown(field.name)}: {error}") from error


def read_operand(field: Field, operator: str, value: Any) -> Operand:
    """What a field is compared with, in its kept form.  Raises BadValue."""
    read = _READERS[family(field)]
    if operator in _ORDERED and field.kind.operand is not None:
        read = field.kind.operand
    return read(value, field)


def _means_empty(field: Field, kind: str, value: Any) -> bool:
    if field.type == "rating" and value == 0:
        return not isinstance(value, bool)
    if kind in _SETS and value == []:
        return True
    blank = kind in _READS_BLANK_AS_EMPTY or field.type == "duration"
    return value is None or (value == "" and blank)


def _read_text(value: Any, _field: Field) -> str:
    if not isinstance(value, str):
        raise BadValue("Value must be a string")
    if not well_formed(value):
        raise BadValue("Value has a character that cannot be stored")
    return value


def _read_number(value: Any, _field: Field) -> str:
    return decimal_text(value)


def _read_checkbox(value: Any, _field: Field) -> bool:
    if not isinstance(value, bool):
        raise BadValue("Value must be true or false")
    return value


def _read_choices(value: Any, field: Field) -> tuple[str, ...]:
    """The ids of choices; a name that is none stays, and no record has it."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given:
        raise BadValue("Value must be a choice or an array of choices")
    names = [_read_text(item, field) for item in given]
    return tuple(sorted({field.choice_ids.get(name, name) for name in names}))


def _read_users(value: Any, _field: Field) -> tuple[str, ...]:
    found = read_users(value)
    if not found:
        raise BadValue("Value must be a member's id or an array of them")
    return tuple(sorted(found))


def _read_date(value: Any, field: Field) -> str:
    found = read_date(value, field)
    if not isinstance(found, str):
        raise BadValue("Value must be a date such as 2024-01-31")
    return found


def _zone_name(field: Field) -> str:
    return str(field.option("timezone", "UTC") or "UTC")


def _read_datetime(value: Any, field: Field) -> str:
    return datetime_text(parse_datetime(value, _zone_name(field)))


def _read_record_id(value: Any, _field: Field) -> str:
    found = canonical(value) if isinstance(value, str) else None
    if found is None:
        raise BadValue("Value must be the id of a record")
    return found


_READERS: Final[Mapping[str, Callable[[Any, Field], Operand]]] = {
    "text": _read_text,
    "number": _read_number,
    "choices": _read_choices,
    "user": _read_users,
    "date": _read_date,
    "datetime": _read_datetime,
    "checkbox": _read_checkbox,
    "select": _read_text,
    "link": _read_record_id,
    "id": _read_record_id,
}


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read_day(value: Any) -> date | None:
    """The day that a value of ten characters names; None for what has a time."""
    if not isinstance(value, str) or len(value) != 10:
        return None
    if not _DAY.fullmatch(value):
        raise BadValue("Value must be a date, with or without a time")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise BadValue("Value is not a real day") from error


def _on_day(field: Field, operator: str, day: date) -> Where:
    start, end = midnight(field, day), midnight(field, day, 1)
    within = And((Condition(field, "gte", start), Condition(field, "lt", end)))
    match operator:
        case "eq":
            return within
        case "neq":
            return Not(within)
        case "gt":
            return Condition(field, "gte", end)
        case "lte":
            return Condition(field, "lt", end)
        case _:
            return Condition(field, operator, start)


def midnight(field: Field, day: date, later: int = 0) -> str:
    """The moment a day starts, or the one so many days later.

    Where the clock skips midnight, the moment it does; beyond the calendar's ends,
    where nothing is stored, its first or last moment.
    """
    try:
        start = datetime.combine(
            day + timedelta(days=later), time.min, zone(_zone_name(field))
        )
        return datetime_text(start.astimezone(UTC))
    except OverflowError:
        return "9999-12-31T23:59:59.999999Z" if day.year > 1 else "0001-01-01T00:00:00Z"
