"""Options of a field, read one by one: what is absent stays absent.

Each gives the option to keep, or raises BadValue.
"""

from collections.abc import Mapping
from typing import Any

from domain.errors import Json
from domain.values.value import BadValue, well_formed


def whole(options: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = options.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(f"Option {name} must be a whole number")
    if not low <= value <= high:
        raise BadValue(f"Option {name} must be from {low} to {high}")
    return value


def flag(options: Mapping[str, Any], name: str) -> bool | None:
    value = options.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadValue(f"Option {name} must be true or false")
    return value


def word(options: Mapping[str, Any], name: str, limit: int = 200) -> str | None:
    value = options.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > limit or not well_formed(value):
        raise BadValue(f"Option {name} must be a string of at most {limit} characters")
    return value


def kept(**options: Json) -> dict[str, Json]:
    return {name: value for name, value in options.items() if value is not None}


def no_options(_options: Mapping[str, Any]) -> dict[str, Json]:
    return {}
