"""Reading what a client sends as the values of a record."""

from collections.abc import Mapping
from typing import Any

from domain.catalog import Table
from domain.errors import Invalid
from domain.values import BadValue, Value

REQUIRED = "value_error.required"


def read_values(
    table: Table, given: Mapping[str, Any], *, creating: bool
) -> dict[str, Value]:
    """The values of a write by field id, checked; `given` is by name or id.

    Empty values are None when updating and left out when creating.  Raises Invalid
    with every problem in `errors`: [{loc: [name], msg, type}].
    """
    values: dict[str, Value] = {}
    errors: list[dict[str, Any]] = []
    readers = table.readers
    for name, value in given.items():
        reader = readers.get(name)
        if reader is None:
            errors.append(_item(name[:255], "Unknown field", "value_error.unknown"))
            continue
        target, read = reader
        try:
            kept = None if value is None else read(value, target)
        except BadValue as error:
            errors.append(_item(target.name, str(error), error.kind))
            continue
        if kept is not None:
            values[target.id] = kept
        elif not target.kind.writable:
            errors.append(_item(target.name, "Field is read-only", "value_error"))
        elif not creating:
            values[target.id] = None
    if table.required:
        _require(table, values, errors, creating=creating)
    if errors:
        raise Invalid(errors=list(errors))
    return values


def _require(
    table: Table,
    values: Mapping[str, Value],
    errors: list[dict[str, Any]],
    *,
    creating: bool,
) -> None:
    told = {str(item["loc"][0]) for item in errors}
    for one in table.required:
        given_empty = one.id in values and values[one.id] is None
        missing = given_empty or (creating and one.id not in values)
        if missing and one.name not in told:
            errors.append(_item(one.name, "Field is required", REQUIRED))


def _item(name: str, message: str, kind: str) -> dict[str, Any]:
    return {"loc": [name], "msg": message, "type": kind}
