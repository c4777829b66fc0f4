"""Links to other records: kept as a list of ids."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from domain.errors import Json
from domain.ids import canonical
from domain.values.options import flag, kept, word
from domain.values.value import BadValue, Value

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_LINKS = 10_000


def read_links(value: Any, field: "Field") -> Value:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise BadValue("Value must be an array of record ids", "type_error.list")
    if len(given) > MAX_LINKS:
        raise BadValue(f"Value must have at most {MAX_LINKS} links")
    ids = [canonical(item) for item in given]
    if None in ids:
        raise BadValue("Value has a malformed record id")
    distinct = [item for item in dict.fromkeys(ids) if item is not None]
    if len(distinct) > 1 and field.option("allow_multiple", True) is False:
        raise BadValue("This field links to at most one record")
    return distinct or None


def link_options(options: Mapping[str, Any]) -> dict[str, Json]:
    target = options.get("linked_table_id")
    if not isinstance(target, str) or (found := canonical(target)) is None:
        raise BadValue("Option linked_table_id must be the id of a table")
    return kept(
        linked_table_id=found,
        allow_multiple=flag(options, "allow_multiple"),
        reverse_name=word(options, "reverse_name", 255),
    )
