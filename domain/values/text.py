"""Text, short and long: kept as it is given."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from domain.errors import Json
from domain.values.options import flag, kept, whole
from domain.values.value import BadValue, Value, well_formed

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_TEXT = 10_000
MAX_LONG_TEXT = 1_000_000


def checked_text(value: Any, limit: int) -> str | None:
    """A storable string of at most `limit` characters; None for the empty one."""
    if type(value) is not str:
        raise BadValue("Value must be a string", "type_error.string")
    if len(value) > limit:
        raise BadValue(f"Value must have at most {limit} characters")
    if not well_formed(value):
        raise BadValue("Value has a character that cannot be stored")
    return value or None


def read_text(value: Any, field: "Field") -> Value:
    return checked_text(value, field.options.get("max_length", MAX_TEXT))  # type: ignore[arg-type]


def read_long_text(value: Any, _field: "Field") -> Value:
    return checked_text(value, MAX_LONG_TEXT)


def text_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(max_length=whole(options, "max_length", 1, MAX_TEXT))


def long_text_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(enable_rich_text=flag(options, "enable_rich_text"))
