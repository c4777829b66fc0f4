"""Members of the workspace: kept as an id, or as a list of ids.

Whether they are members is decided under the head's lock, in `domain/record`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from domain.errors import Json
from domain.ids import canonical
from domain.values.options import flag, kept
from domain.values.value import BadValue, Value

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_USERS = 1_000


def user_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(allow_multiple=flag(options, "allow_multiple"))


def read_user(value: Any, field: "Field") -> Value:
    if value == "":
        return None
    if field.option("allow_multiple", False):
        return read_users(value) or None
    if not isinstance(value, str):
        raise BadValue("Value must be a member's id", "type_error.string")
    return read_users(value)[0]


def user_ids(value: Value) -> list[str]:
    """The users that a kept value names."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str) else []


def read_users(value: Any) -> list[str]:
    """One id or several, each once."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise BadValue("Value must be an array of members' ids", "type_error.list")
    if len(given) > MAX_USERS:
        raise BadValue(f"Value must have at most {MAX_USERS} members")
    ids = [canonical(item) for item in given]
    if None in ids:
        raise BadValue("Value has a malformed user id")
    return [item for item in dict.fromkeys(ids) if item is not None]
