"""What the text of a cell says, type by type: the one place that knows.

Pure.  A cell's text becomes the JSON value that a client would send, and is read from
there on as any write is (`domain.values`).  Text that is not in the form of its type is
handed on as it is, and refused there in the words of any other write.

    text, long_text, single_select  the text itself; a choice is its name
    number         as JSON writes it: 12, -0.5, 1e5; no thousands, no +, no leading 0
    checkbox       true or false, yes or no, 1 or 0, in any case of letters
    date, datetime as a write spells them: 2024-01-31, 2024-01-31T10:00:00Z
    linked_record  ids of records, parted by commas
    attachment     JSON as an export writes it, or ids of files, parted by commas
    json           JSON
    every other    its text

An empty cell is no value.  Blanks around it are passed over, but for the first line's
types: there they belong to the text.
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from domain.catalog import Field
from domain.values import json_from

FromText: TypeAlias = Callable[[str], Any]

_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_EXACT = 15  # digits that a float holds
_FLAGS = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}
_AS_IT_IS = frozenset({"text", "long_text", "single_select"})


def from_cell(field: Field) -> FromText | None:
    """What makes a field's JSON value of a cell's text; None: the text is the value."""
    if field.type in _AS_IT_IS:
        return None
    found: FromText = _BY_FAMILY.get(field.kind.family, _trimmed)
    return found


def number_of(text: str) -> Any:
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        return text or None
    if len(text) <= _EXACT and "e" not in text and "E" not in text:
        return float(text)
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond all counting
        return text


def flag_of(text: str) -> Any:
    text = text.strip()
    return _FLAGS.get(text.lower(), text or None)


def _listed(text: str) -> Any:
    return [one.strip() for one in text.split(",") if one.strip()]


def _files(text: str) -> Any:
    text = text.strip()
    if not text.startswith("["):
        return [{"id": one} for one in _listed(text)]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _any_json(text: str) -> Any:
    return json_from(text) if text.strip() else None


def _trimmed(text: str) -> Any:
    return text.strip() or None


_BY_FAMILY: Mapping[str, FromText] = {
    "number": number_of,
    "checkbox": flag_of,
    "link": _listed,
    "file": _files,
    "json": _any_json,
}
