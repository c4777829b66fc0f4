"""What equal values share, and how a refusal tells a value.  Pure."""

import hashlib
import json
import unicodedata
from decimal import Decimal
from typing import Any

from domain.catalog import Constraint, Field
from domain.errors import DuplicateValue, Json
from domain.values import Value

FOLDING = "nfc-casefold-1"


def unique_digest(value: Value, *, case_sensitive: bool) -> bytes | None:
    """32 bytes that equal values share; None for an empty value."""
    if value is None:
        return None
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, list | dict):
        folded = _folded(value, case_sensitive)
        # choices and users are sets; the arrays within an object are not
        same = sorted(folded) if isinstance(folded, list) else folded
        text = json.dumps(same, sort_keys=True, separators=(",", ":"))
    else:
        text = _folded_text(value, case_sensitive)
    return hashlib.sha256(text.encode()).digest()


def _folded_text(text: str, case_sensitive: bool) -> str:
    text = unicodedata.normalize("NFC", text)
    return text if case_sensitive else unicodedata.normalize("NFC", text.casefold())


def _folded(value: Any, case_sensitive: bool) -> Any:
    """Of an object the parts that have a value."""
    if isinstance(value, list):
        return [_folded(item, case_sensitive) for item in value]
    if isinstance(value, dict):
        return {
            name: _folded(item, case_sensitive)
            for name, item in value.items()
            if item is not None
        }
    return _folded_text(str(value), case_sensitive)


def told(field: Field, value: Value) -> Json:
    """A value as a refusal tells it: as clients read it, in plain numbers."""
    return None if value is None else _in_numbers(field.kind.show(value, field))


def _in_numbers(shown: Any) -> Any:
    if isinstance(shown, Decimal):
        return int(shown) if shown == shown.to_integral_value() else float(shown)
    if isinstance(shown, dict):
        return {name: _in_numbers(one) for name, one in shown.items()}
    if isinstance(shown, list):
        return [_in_numbers(one) for one in shown]
    return shown


def duplicate_of(
    constraint: Constraint, field_name: str, shown: Json
) -> DuplicateValue:
    """The refusal of a value that is there already, in the constraint's own words."""
    message = constraint.error_message
    if message:
        message = message.replace("{value}", _plain(shown))
        message = message.replace("{field_name}", field_name)
    return DuplicateValue(message, field=field_name, value=shown)


def _plain(value: Json) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(_plain, value))
        case dict():
            return " ".join(_plain(one) for one in value.values() if one is not None)
        case _:
            return str(value)
