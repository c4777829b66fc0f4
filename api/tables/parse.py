"""What a query string asks: paging, format, sort, and a filter for every other key.

Pure.  Of a parameter given twice the last counts.  A filter is `column` or
`column__operator`, parted at the last two underscores; all of them have to hold.  Names
of columns have no two underscores in a row, so the first is never in doubt.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from api.tables.errors import BadParameter
from domain.catalog import Field, Table
from domain.errors import Invalid, Json, Malformed
from projections.plainly import OPERATORS, NotOfThisColumn, condition, sort
from projections.query import (
    EVERYTHING,
    NUMBER,
    SYSTEM_FIELDS,
    And,
    Page,
    Query,
    Sort,
    Where,
)

DEFAULT_LIMIT = 10
MAX_PAGE = 1_000_000_000
RESERVED: Final = (
    "page",
    "limit",
    "sort",
    "direction",
    "format",
    "include",
    "as_of",
)
FORMATS = ("json", "csv")
_Say: TypeAlias = Callable[[str, str], None]
ALL = "all"  # instead of a limit: every row, as CSV

_NAME = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,4000}", re.ASCII)
_ODD = re.compile(r"[^A-Za-z0-9_]", re.ASCII)
_SHOWN = 64  # characters of a name that a message repeats


@dataclass(frozen=True, slots=True)
class Asked:
    """A query string whose own parameters are good; `limit` None is everything."""

    page: int
    limit: int | None
    format: str
    sort: str | None
    descending: bool
    with_record_id: bool
    filters: tuple[tuple[str, str], ...]

    @property
    def rows(self) -> Page:
        limit = self.limit or 1
        return Page(limit, (self.page - 1) * limit)


def wants_everything(given: Mapping[str, str]) -> bool:
    return given.get("format") == "csv" and given.get("limit") == ALL


def read(given: Mapping[str, str], most: int) -> Asked:
    """Raises BadParameter with a list of problems under each parameter's name."""
    problems: dict[str, list[Json]] = {}

    def said(name: str, message: str) -> None:
        problems.setdefault(name, []).append(message)

    kind = given.get("format") or "json"
    if kind not in FORMATS:
        said("format", _no_choice(kind))
    everything = wants_everything(given)
    page = _number(given, "page", 1, MAX_PAGE, said)
    limit = DEFAULT_LIMIT
    if not everything:
        limit = _number(given, "limit", DEFAULT_LIMIT, most, said)
    direction = given.get("direction") or "asc"
    if direction not in ("asc", "desc"):
        said("direction", _no_choice(direction))
    column = given.get("sort") or None
    if column is not None and not _NAME.fullmatch(column):
        said("sort", "Sort column name must be alphanumeric with underscores")
    include = given.get("include") or ""
    if include not in ("", "record_id"):
        said("include", _no_choice(include))
    if problems:
        raise BadParameter(**problems)
    filters = tuple((key, text) for key, text in given.items() if key not in RESERVED)
    return Asked(
        page,
        None if everything else limit,
        kind,
        column,
        direction == "desc",
        include == "record_id",
        filters,
    )


def _no_choice(text: str) -> str:
    return f'"{text[:_SHOWN]}" is not a valid choice.'


def _number(
    given: Mapping[str, str], name: str, default: int, most: int, said: _Say
) -> int:
    text = given.get(name, "").strip()
    if not text:
        return default
    if not _INTEGER.fullmatch(text):
        said(name, "A valid integer is required.")
        return default
    number = int(text)
    if number < 1:
        said(name, "Ensure this value is greater than or equal to 1.")
    elif number > most:
        said(name, f"Ensure this value is less than or equal to {most}.")
    return number


def columns_of(table: Table, *, with_record_id: bool) -> list[str]:
    """The names of a row's columns, in their order."""
    first = ["id", "record_id"] if with_record_id else ["id"]
    return [*first, *(one.api_name for one in table.fields)]


def query_of(asked: Asked, table: Table) -> Query:
    """The filters, then the sort.  Raises Invalid: the first that cannot be."""
    found = [_filter(table, key, text) for key, text in asked.filters]
    where: Where = And(tuple(found)) if found else EVERYTHING
    sorts: tuple[Sort, ...] = ()
    if asked.sort is not None:
        column = _column(table, asked.sort)
        if column is None:
            raise Invalid(
                f"Sort column '{asked.sort[:_SHOWN]}' does not exist in table"
            )
        try:
            sorts = (sort(column, descending=asked.descending),)
        except NotOfThisColumn as error:
            raise Invalid(f"Column '{asked.sort}' cannot be sorted by") from error
    return Query(table, table.fields, where, sorts, asked.rows)


def _column(table: Table, name: str) -> Field | None:
    """A field by its name in URLs, else what every row has."""
    if name == "id":
        return NUMBER
    if name == "record_id":
        return SYSTEM_FIELDS["id"]
    return table.by_api_name.get(name) or SYSTEM_FIELDS.get(name)


def _filter(table: Table, key: str, text: str) -> Where:
    name, _, operator = key.rpartition("__")
    if not name:
        name, operator = key, "eq"
    column = _column(table, name)
    if column is None:
        raise Invalid(
            f"Column '{_ODD.sub('?', name[:_SHOWN])}' does not exist in table"
        )
    if operator not in OPERATORS:
        raise Invalid(
            f"Invalid operator '{_ODD.sub('?', operator[:_SHOWN])}'."
            f" Supported: {', '.join(OPERATORS)}"
        )
    try:
        return condition(column, operator, text)
    except NotOfThisColumn as error:
        raise Invalid(
            f"Operator '{operator}' is not for column '{name}' of type {column.type}"
        ) from error
    except Invalid as error:
        raise Malformed(f"Invalid value for column '{name}': {error.detail}") from error
