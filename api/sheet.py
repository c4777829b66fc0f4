"""Records as CSV: RFC 4180, and nothing in it that a spreadsheet would run.

Pure.  A cell shows what JSON shows of the value:

    empty     nothing             list of texts   one CSV line of its own: a,"b, c"
    number    as it is, exact     other lists, objects   JSON
    checkbox  true or false       a field of any JSON    JSON

A text that a spreadsheet could take for a formula gets an apostrophe where the formula
would begin: at the text's start, and behind a semicolon, a tab or a line's end, which
begin a new cell for readers of another dialect.  Numbers are not touched.  JSON has
every value as it is.  Source: OWASP ASVS 1.2.10.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import orjson

LINE_END = "\r\n"
# = + - @ and their full-width forms, behind what spreadsheets pass over; what may stand
# between begins no cell itself, so that a long run of it is looked at once
_BEGUN = r'(?:[^\S\t\r\n]|["\x00\u200b\ufeff])*[=+\-@\uff1d\uff0b\uff0d\uff20]'
_AT_START = re.compile(rf"[\t\r\n\x00]|{_BEGUN}")
_BEHIND = re.compile(rf"([;\t\r\n])({_BEGUN})")


class Number(str):
    """A JSON number as it was spelled."""

    __slots__ = ()


_NONE: AbstractSet[str] = frozenset()
_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number)


def csv_lines(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=LINE_END).writerows(rows)
    return text.getvalue().encode()


def header(names: Sequence[str]) -> list[str]:
    return [harmless(name) for name in names]


def row(
    text: str, names: Sequence[str], as_json: AbstractSet[str] = _NONE
) -> list[str]:
    """A record's JSON as the cells of these fields; `as_json` are those of any JSON."""
    values = _DECODER.decode(text)["fields"]
    return [
        json_cell(values[name]) if name in as_json else _cell(values[name])
        for name in names
    ]


def flat_row(text: str, as_json: AbstractSet[str] = _NONE) -> list[str]:
    """A flat object's values as cells, in its order."""
    return [
        json_cell(value) if name in as_json else _cell(value)
        for name, value in _DECODER.decode(text).items()
    ]


def json_cell(value: Any) -> str:
    """JSON itself, also of what has a cell's form of its own."""
    if value is None:
        return ""
    return value if isinstance(value, Number) else harmless(_json(value))


def cell(text: str) -> str:
    """A value's JSON as its cell."""
    return _cell(_DECODER.decode(text))


def harmless(text: str) -> str:
    """The text, or what shows it without being run."""
    found = _BEHIND.sub(r"\1'\2", text) if _BEHIND.search(text) else text
    return f"'{found}" if _AT_START.match(text) else found


def _cell(value: Any) -> str:
    if type(value) is str:
        return harmless(value)
    if value is None:
        return ""
    if isinstance(value, Number):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(type(item) is str for item in value):
        return harmless(csv_lines([value]).decode().removesuffix(LINE_END))
    return harmless(_json(value))


def _json(value: Any) -> str:
    if isinstance(value, Number):
        return value
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, dict):
        pairs = [f"{_json(key)}:{_json(item)}" for key, item in value.items()]
        return "{" + ",".join(pairs) + "}"
    return orjson.dumps(value).decode()
