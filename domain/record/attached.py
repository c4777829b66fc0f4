"""Files in records: of the same workspace, and such as their fields take."""

from collections.abc import Mapping
from typing import Any

from domain.catalog import Field, Table
from domain.errors import Invalid, Json
from domain.facts import Facts
from domain.values import BadValue, Value, attachment_fits

_NOTHING: Mapping[str, Value] = {}


def with_files(
    table: Table,
    values: Mapping[str, Value],
    facts: Facts,
    before: Mapping[str, Value] = _NOTHING,
) -> Mapping[str, Value]:
    """The values with what is known of each file beside its id.

    A file that was there `before` may stay.  Raises Invalid with every problem: another
    workspace's file answers as one that never was.
    """
    found: dict[str, Value] = dict(values)
    errors: list[Json] = []
    for one in table.attachments:
        items = values.get(one.id)
        if not isinstance(items, list):
            continue
        known = {item["id"]: item for item in _items(before.get(one.id))}
        try:
            found[one.id] = [_known(item, known, one, facts) for item in items]
        except BadValue as error:
            errors.append({"loc": [one.name], "msg": str(error), "type": error.kind})
    if errors:
        raise Invalid(errors=errors)
    return found


def _items(value: Value) -> list[Any]:
    items = value if isinstance(value, list) else []
    return [one for one in items if "id" in one]


def _known(
    item: Mapping[str, Any],
    known: Mapping[str, Mapping[str, Any]],
    field: Field,
    facts: Facts,
) -> Mapping[str, Any]:
    if item.keys() != {"id"}:
        return item  # an address, or a value that was kept before
    if item["id"] in known:
        return known[item["id"]]
    file = facts.files.get(item["id"])
    if file is None:
        raise BadValue(
            "Value must have attachments of the workspace", "value_error.attachment"
        )
    found = {"id": file.id, "name": file.name, "size": file.size, "type": file.type}
    attachment_fits(found, field)
    return found
