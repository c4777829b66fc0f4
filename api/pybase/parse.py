"""How PyBase spells a query: its two dialects of filters, its sort, its pages.

Pure functions of what a client sent; every refusal is Invalid, with `errors` saying
which parameter it is about.  Source: PyBase, Query Records, Filtering, Pagination.

    {"Name": {"$contains": "Widget", "$neq": "Widget X"}, "Price": 5}      by field
    {"AND": [{"field": "Price", "operator": "gt", "value": 100}, …]}      by condition

Both may stand in one filter, at any level:

    filter     = object | [filter, …]                  an array means all of them
    object     = condition | {entry, …}                several entries mean all of them
    condition  = {"field": name, "operator": word, "value": value}
    entry      = "AND": [filter, …] | "OR": [filter, …] | "NOT": filter | name: test
    test       = value | {"$" word: value, "$not": test, …}    a value alone means eq

AND, OR and NOT may be written in lower case, or as $and, $or, $not.  AND of nothing is
everything, OR of nothing is nothing; `filter=` and `filter={}` ask for everything.  A
name is a field's name, else its id, else id, created_at or updated_at.  In a condition
or a sort, `field_id` may stand in place of `field`, or beside it: then it counts.

Which reading wins: the words of groups are always groups, and an object with `field`
or `field_id` and `operator` is always a condition.  Fields with such names are reached
by a condition (`{"field": "AND", "operator": "eq", "value": 1}`) or by their id; one
called `field` also by name, where there is no `operator` beside it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

import orjson

from domain.catalog import Field, Table
from domain.errors import Invalid, Json
from projections.query import (
    DEFAULT_LIMIT,
    EVERYTHING,
    MAX_DEPTH,
    MAX_LIMIT,
    MAX_NODES,
    MAX_OFFSET,
    MAX_SORTS,
    SYSTEM_FIELDS,
    And,
    Not,
    Or,
    Page,
    Sort,
    Where,
    compare,
    find_field,
    shown,
    sort_by,
)
from projections.records.output import Rendition
from projections.views import kept_condition, kept_sorts

T = TypeVar("T")

MAX_CHARACTERS = 65_536  # of a filter or a sort
MAX_NESTING = 3 * MAX_DEPTH  # of JSON: a group is an object and an array

_GROUPS: Final = {
    spelling: word.upper()
    for word in ("and", "or", "not")
    for spelling in (word, word.upper(), f"${word}")
}


def read_filter(text: str | None, table: Table) -> Where:
    """The filter of a query string; none, or a blank one, is everything."""
    if text is None or not text.strip():
        return EVERYTHING
    with _about("filter"):
        return _Filter(table, _TREE).read(_read_json(text), 0)


def filter_from(value: Any, table: Table) -> Where:
    """The same from a body's JSON; null is everything."""
    if value is None:
        return EVERYTHING
    with _about("filter"):
        return _Filter(table, _TREE).read(value, 0)


def filters_to_keep(value: Any, table: Table) -> list[Json]:
    """The same as a view keeps it (`projections/views.py`), checked no less."""
    if value is None:
        return []
    with _about("filters"):
        node = _Filter(table, _KEPT).read(value, 0)
        if len(orjson.dumps(node)) > MAX_CHARACTERS:
            raise Invalid(f"More than {MAX_CHARACTERS} characters")
    if isinstance(node, dict) and isinstance(items := node.get("AND"), list):
        return items
    return [node]


def sorts_to_keep(value: Any, table: Table) -> list[Json]:
    """The sort of a body as a view keeps it."""
    if value is None:
        return []
    with _about("sorts"):
        return kept_sorts(_sorts(value, table))


def read_sort(text: str | None, table: Table) -> tuple[Sort, ...]:
    """The sort of a query string: `[{"field": name, "direction": "asc" | "desc"}]`.

    At most 10; asc where no direction is given; in any case of letters.
    """
    if text is None or not text.strip():
        return ()
    with _about("sort"):
        return _sorts(_read_json(text), table)


def sort_from(value: Any, table: Table) -> tuple[Sort, ...]:
    """The same from a body's JSON; null is no sort."""
    if value is None:
        return ()
    with _about("sort"):
        return _sorts(value, table)


def read_fields(text: str | None, table: Table) -> tuple[Field, ...] | None:
    """The fields of a query string, `Name,Price`: by name, else by id, which reaches a
    field whose name has a comma.  None, for all of them, where nothing is named."""
    if text is None or not text.strip():
        return None
    return fields_from([one.strip() for one in text.split(",") if one.strip()], table)


def fields_from(names: Sequence[str] | None, table: Table) -> tuple[Field, ...] | None:
    """The same from names or ids: in the order given, each once."""
    if names is None:
        return None
    found: dict[str, Field] = {}
    for name in names:
        field = table.find_field(name)
        if field is None:
            raise _refusal("fields", f"Unknown field {shown(name)}")
        found[field.id] = field
    return tuple(found.values())


def read_by(text: str | None) -> Rendition:
    """`by=id` has the values by their fields' ids too."""
    return Rendition.RECORD_BY_ID if text == "id" else Rendition.RECORD


def read_page(
    limit: str | None = None,
    offset: str | None = None,
    page: str | None = None,
    page_size: str | None = None,
    *,
    most: int = MAX_LIMIT,
) -> Page:
    """The page of a query string, counted either way; 100 from the start by default.

    `page_size` is another word for `limit`, and `page` (from 1) for `offset`: where
    both words of a pair are given, they have to agree.
    """
    size = _agreed(
        ("limit", _whole("limit", limit, 1, most)),
        ("page_size", _whole("page_size", page_size, 1, most)),
    )
    size = DEFAULT_LIMIT if size is None else size
    number = _whole("page", page, 1, MAX_OFFSET // size + 1)
    start = _agreed(
        ("offset", _whole("offset", offset, 0, MAX_OFFSET)),
        ("page", None if number is None else (number - 1) * size),
    )
    return Page(size, start or 0)


@contextmanager
def _about(parameter: str) -> Iterator[None]:
    """Has a refusal say which parameter it is about."""
    try:
        yield
    except Invalid as refusal:
        refusal.with_extra(errors=_problem(parameter, refusal.detail))
        raise


def _problem(parameter: str, message: str) -> list[Json]:
    return [{"loc": [parameter], "msg": message, "type": "value_error"}]


def _refusal(parameter: str, message: str) -> Invalid:
    return Invalid(message, errors=_problem(parameter, message))


def _read_json(text: str) -> Any:
    """JSON with exact decimals.  Raises Invalid, also for a key given twice."""
    if len(text) > MAX_CHARACTERS:
        raise Invalid(f"More than {MAX_CHARACTERS} characters")
    if _nesting(text) > MAX_NESTING:
        raise Invalid("The JSON is nested too deeply")
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_object,
        )
    except (ValueError, ArithmeticError) as error:
        # ArithmeticError: an exponent beyond what Decimal holds
        raise Invalid("Not valid JSON") from error


def _nesting(text: str) -> int:
    """How deep brackets go, counted before the parser recurses into them."""
    deepest = depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> Any:
    raise Invalid(f"{name} is not a JSON number")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(f"The key {shown(twice)} stands twice in one object")
    return found


@dataclass(frozen=True, slots=True)
class _Making(Generic[T]):
    """What a filter is read into: a condition, all of, any of, the opposite."""

    compare: Callable[[Field, str, Any], T]
    all_of: Callable[[tuple[T, ...]], T]
    any_of: Callable[[tuple[T, ...]], T]
    opposite: Callable[[T], T]


_TREE: Final[_Making[Where]] = _Making(compare, And, Or, Not)
_KEPT: Final[_Making[Json]] = _Making(
    kept_condition,
    lambda items: {"AND": list(items)},
    lambda items: {"OR": list(items)},
    lambda item: {"NOT": item},
)


@dataclass
class _Filter(Generic[T]):
    """Reads one filter of one table; `nodes` counts what the tree has so far."""

    table: Table
    making: _Making[T]
    nodes: int = 0

    def read(self, value: Any, depth: int) -> T:
        _check_depth(depth)
        if isinstance(value, list):
            return self._kept(self.making.all_of(self._each(value, depth)))
        if not isinstance(value, dict):
            raise Invalid("A filter must be an object or an array")
        if "field_id" in value and "operator" in value:
            return self._condition(value)
        if "field" in value and ("operator" in value or not self._has("field")):
            return self._condition(value)
        return self._all(self._entry(key, item, depth) for key, item in value.items())

    def _has(self, name: str) -> bool:
        return self.table.find_field(name) is not None

    def _kept(self, item: T) -> T:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Invalid(
                f"A filter may have at most {MAX_NODES} conditions and groups"
            )
        return item

    def _all(self, parts: Iterable[T]) -> T:
        items = tuple(parts)
        if len(items) == 1:
            return items[0]
        return self._kept(self.making.all_of(items))

    def _each(self, values: Sequence[Any], depth: int) -> tuple[T, ...]:
        return tuple(self.read(value, depth + 1) for value in values)

    def _compare(self, field: Field, operator: str, value: Any) -> T:
        return self._kept(self.making.compare(field, operator, value))

    def _entry(self, key: str, value: Any, depth: int) -> T:
        group = _GROUPS.get(key)
        if group is None:
            return self._test(find_field(self.table, key), value, depth)
        if group == "NOT":
            return self._kept(self.making.opposite(self.read(value, depth + 1)))
        if not isinstance(value, list):
            raise Invalid(f"{group} must be an array of filters")
        items = self._each(value, depth)
        making = self.making.all_of if group == "AND" else self.making.any_of
        return self._kept(making(items))

    def _condition(self, value: dict[str, Any]) -> T:
        for key in value:
            if key not in ("field", "field_id", "operator", "value"):
                raise Invalid(f"Unknown key {shown(key)} in a condition")
        operator = value.get("operator")
        field = _named(value, self.table, "The field of a condition must be a string")
        if not isinstance(operator, str):
            raise Invalid("The operator of a condition must be a string")
        if "value" not in value and operator not in ("is_empty", "is_not_empty"):
            # null would mean empty, and JavaScript leaves out what is undefined
            raise Invalid(f"The condition on {shown(field.name)} has no value")
        return self._compare(field, operator, value.get("value"))

    def _test(self, field: Field, value: Any, depth: int) -> T:
        _check_depth(depth)
        if not isinstance(value, dict):
            return self._compare(field, "eq", value)
        if not value:
            raise Invalid(f"Field {shown(field.name)} has no operator")
        return self._all(
            self._operation(field, key, item, depth) for key, item in value.items()
        )

    def _operation(self, field: Field, key: str, value: Any, depth: int) -> T:
        if key == "$not":
            return self._kept(self.making.opposite(self._test(field, value, depth + 1)))
        if not key.startswith("$"):
            raise Invalid(f"Unknown operator {shown(key)}: operators start with $")
        return self._compare(field, key[1:], value)


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Invalid(f"A filter may be nested at most {MAX_DEPTH} deep")


def _named(item: dict[str, Any], table: Table, refused: str) -> Field:
    """The field of a condition or a sort.  A `field_id` that came from us means that
    field, whatever others are called by now."""
    name = item.get("field_id", item.get("field"))
    if not isinstance(name, str):
        raise Invalid(refused)
    if "field_id" in item:
        found = table.by_id.get(name) or SYSTEM_FIELDS.get(name)
        if found is not None:
            return found
    return find_field(table, name)


def _sorts(value: Any, table: Table) -> tuple[Sort, ...]:
    if not isinstance(value, list):
        raise Invalid("A sort must be an array")
    if len(value) > MAX_SORTS:
        raise Invalid(f"A sort may have at most {MAX_SORTS} fields")
    return tuple(_sort(item, table) for item in value)


def _sort(item: Any, table: Table) -> Sort:
    if not isinstance(item, dict):
        raise Invalid("A sort must name a field")
    field = _named(item, table, "A sort must name a field")
    for key in item:
        if key not in ("field", "field_id", "direction"):
            raise Invalid(f"Unknown key {shown(key)} in a sort")
    direction = item.get("direction", "asc")
    word = direction.lower() if isinstance(direction, str) else None
    if word not in ("asc", "desc"):
        raise Invalid("The direction of a sort must be asc or desc")
    return sort_by(field, descending=word == "desc")


def _whole(name: str, text: str | None, low: int, high: int) -> int | None:
    if text is None:
        return None
    # twelve digits are more than any bound; int() would read other alphabets' too
    if text.isascii() and text.isdigit() and len(text) <= 12:
        number = int(text)
        if low <= number <= high:
            return number
    raise _refusal(name, f"{name} must be a whole number from {low} to {high}")


def _agreed(one: tuple[str, int | None], other: tuple[str, int | None]) -> int | None:
    """The value of two words for one thing.  Raises Invalid where they differ."""
    if one[1] is not None and other[1] is not None and one[1] != other[1]:
        raise _refusal(other[0], f"{one[0]} and {other[0]} do not agree")
    return one[1] if one[1] is not None else other[1]
