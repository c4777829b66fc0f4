"""Any JSON value, kept as its text: "{\\"a\\": [1, 2.50]}" is "{\\"a\\": [1, 2.5]}".

The text is the one that the store has of it: keys by their length and then by their
bytes, no exponents, a blank behind each comma and colon.  So equal values are equal
texts, no number loses a digit, and what is read back needs no second look.  "", [] and
{} are no value.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.errors import Json
from domain.values import choices, formats, moments, numbers, text
from domain.values.options import flag, kept, word
from domain.values.value import BadValue, Shown, Value, well_formed

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_BYTES = 1_000_000
MAX_DEPTH = 50  # arrays and objects within one another
_NO_JSON = "Value must be JSON"
_WHOLE_DIGITS = 18  # of an integer that every reader holds

# what an array may be made of: types whose values stand for themselves
ITEMS = {
    "text": text.read_text,
    "long_text": text.read_long_text,
    "url": formats.read_url,
    "email": formats.read_email,
    "phone": formats.read_phone,
    "barcode": formats.read_barcode,
    "number": numbers.read_number,
    "currency": numbers.read_currency,
    "percent": numbers.read_percent,
    "rating": numbers.read_rating,
    "duration": numbers.read_duration,
    "checkbox": choices.read_checkbox,
    "date": moments.read_date,
    "datetime": moments.read_datetime,
}
_NUMBERS = frozenset({"number", "currency", "percent", "rating", "duration"})


class NotJson(str):
    """A text where JSON was to be: refused as a value."""

    __slots__ = ()


def json_options(options: Mapping[str, Any]) -> dict[str, Json]:
    """`items`: the value is an array of that type's values.  `other`: it is an object
    with whatever the table has no field for."""
    items = word(options, "items", 40)
    if items is not None and items not in ITEMS:
        raise BadValue("Option items must be one of " + ", ".join(ITEMS))
    other = flag(options, "other") or None
    if items is not None and other:
        raise BadValue("Option other does not go with items")
    rich = flag(options, "enable_rich_text")
    return kept(items=items, other=other, enable_rich_text=rich)


def read_json(value: Any, field: "Field") -> Value:
    if isinstance(value, NotJson):
        raise BadValue(_NO_JSON, "value_error.json")
    items = field.options.get("items")
    if items is not None:
        value = _items(value, str(items), field)
    elif field.options.get("other") and not isinstance(value, dict):
        raise BadValue("Value must be an object", "type_error.dict")
    return None if value in ("", [], {}) else json_text(value)


def _items(value: Any, type_: str, field: "Field") -> list[Any]:
    """An array's values as clients read them; what is empty is left out."""
    if value == "":
        return []
    if not isinstance(value, list):
        raise BadValue("Value must be an array", "type_error.list")
    read, one_of = ITEMS[type_], replace(field, type=type_, options={})
    found = [None if one is None else read(one, one_of) for one in value]
    there = [one for one in found if one is not None]
    return [Decimal(one) for one in there] if type_ in _NUMBERS else there  # type: ignore[arg-type]


def json_text(value: Any) -> str:
    """A JSON value as it is kept.  Raises BadValue where it cannot be."""
    pieces: list[str] = []
    size = 0
    for piece in _pieces(value, 0):
        size += len(piece.encode())
        if size > MAX_BYTES:
            raise BadValue(f"Value must have at most {MAX_BYTES} bytes as JSON")
        pieces.append(piece)
    return "".join(pieces)


def _pieces(value: Any, depth: int) -> Iterator[str]:
    match value:
        case None:
            yield "null"
        case bool():
            yield "true" if value else "false"
        case str():
            yield _quoted(value)
        case int() | float() | Decimal():
            yield numbers.decimal_text(value)
        case list() | dict() if depth >= MAX_DEPTH:
            raise BadValue("Value is nested too deeply")
        case list():
            yield "["
            for place, item in enumerate(value):
                if place:
                    yield ", "
                yield from _pieces(item, depth + 1)
            yield "]"
        case dict():
            yield "{"
            for place, key in enumerate(sorted(value, key=_in_order)):
                yield f"{', ' if place else ''}{_quoted(key)}: "
                yield from _pieces(value[key], depth + 1)
            yield "}"
        case _:
            raise BadValue(_NO_JSON, "value_error.json")


def _in_order(key: str) -> tuple[int, bytes]:
    encoded = key.encode(errors="surrogatepass")
    return len(encoded), encoded


def _quoted(one: str) -> str:
    if not well_formed(one):
        raise BadValue("Value has a character that cannot be stored")
    return json.dumps(one, ensure_ascii=False)


def show_json(value: Any, _field: "Field") -> Shown:
    return json_of(value)


def json_of(kept_text: str) -> Any:
    """A kept text's JSON, with exact numbers."""
    return json.loads(kept_text, parse_int=_whole, parse_float=Decimal)


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _WHOLE_DIGITS else Decimal(digits)


def json_from(given: str) -> Any:
    """A text's JSON, or the text as something that no field takes."""
    try:
        return json.loads(
            given, parse_int=_whole, parse_float=Decimal, parse_constant=_constant
        )
    except (ValueError, ArithmeticError, RecursionError):
        return NotJson(given)


def _constant(name: str) -> Any:
    raise ValueError(name)


def is_kept_json(value: str) -> bool:
    """Whether a text is one that a field of any JSON keeps."""
    try:
        return json_text(json_of(value)) == value
    except (ValueError, ArithmeticError, RecursionError):
        return False  # BadValue is a ValueError


def merged(before: Value, keys: Value) -> Value:
    """An object with some keys of another one put over its own; null takes a key away.

    Raises BadValue where it becomes too large.
    """
    whole = json_of(before) if isinstance(before, str) else {}
    over = json_of(keys) if isinstance(keys, str) else {}
    both = {**(whole if isinstance(whole, dict) else {}), **over}
    left = {key: value for key, value in both.items() if value is not None}
    return json_text(left) if left else None
