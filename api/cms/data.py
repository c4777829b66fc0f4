"""An entry's `data`: from what a client sends to the values of a record, and back.

Keys are the `api_name` of fields.  A key that no field has is kept as it is, in the
table's field for other data; null, "" and [] are no value and take such a key away.
A relation is an entry's id or an array of them, a medium a file's id or an array: so
`projections/records/content.py` shows them, and so does `shown` right after a write.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from api.cms.errors import BadData
from domain.catalog import Field, Table
from domain.errors import DomainError, ForeignKeyViolation, Invalid, Json
from domain.values import BadValue, Value, json_of
from projections.records.content import content_fields, is_single

Given = Mapping[str, Any]
_IN_OUR_WORDS = {
    "value_error.email": "must be a valid email",
    "value_error.url": "must be a valid URL",
    "type_error.bool": "must be a boolean",
    "value_error.read_only": "is read-only",
    "value_error.attachment": "names a file that does not exist",
}
# where values are ids: what several of them have to be, and what one
_NAMES_OTHERS = {
    "linked_record": (
        "must be an array of ids of entries",
        "must be the id of an entry",
    ),
    "attachment": ("must be an array of ids of files", "must be the id of a file"),
}
# what is wrong with one that is there
_OF_ONE = ("value_error.entry", "value_error.file_type", "value_error.file_size")
_NO_VALUE: tuple[Any, ...] = ("", [])
_NOT_THERE = ForeignKeyViolation().detail  # said of what a relation leads to


@dataclass(frozen=True, slots=True)
class Read:
    """Values by field id, and the keys that no field has."""

    values: Mapping[str, Value]
    other: Mapping[str, Any]


# ------------------------------------------------------------------------- reading


def read_new(table: Table, data: Given) -> Read:
    """The values of a new entry, defaults among them.  Raises BadData."""
    given = {**_defaults(table, data), **data}
    found, errors = _read(table, given)
    values = {name: one for name, one in found.values.items() if one is not None}
    missing = [
        one
        for one in table.required
        if one.id not in values and not (one is table.other and found.other)
    ]
    _require(missing, errors)
    other = {name: one for name, one in found.other.items() if one is not None}
    return Read(values, other)


def read_changes(table: Table, data: Given) -> Read:
    """What becomes of an entry: what is not named stays.  Raises BadData."""
    found, errors = _read(table, data)
    values = found.values
    emptied = [
        one for one in table.required if one.id in values and values[one.id] is None
    ]
    _require(emptied, errors)
    return found


def _defaults(table: Table, data: Given) -> dict[str, Any]:
    """Those that their fields still take: a choice, for one, may be gone."""
    found: dict[str, Any] = {}
    for one in content_fields(table):
        default = one.options.get("default_value")
        if default is None or one.api_name in data:
            continue
        try:
            one.kind.read(default, one)
        except BadValue:
            continue
        found[one.api_name] = default
    return found


def _read(table: Table, data: Given) -> tuple[Read, list[dict[str, Json]]]:
    fields = {one.api_name: one for one in content_fields(table)}
    values: dict[str, Value] = {}
    other: dict[str, Any] = {}
    errors: list[dict[str, Json]] = []
    for name, given in data.items():
        field = fields.get(name)
        if field is None:
            other[name] = None if given in _NO_VALUE else given
            continue
        try:
            values[field.id] = None if given is None else _value(field, given)
        except BadValue as error:
            errors.append(problem(field, str(error), error.kind))
    return Read(values, other), errors


def _value(field: Field, given: Any) -> Value:
    if field.type == "attachment":
        given = _files(given)
    return field.kind.read(given, field)


def _files(given: Any) -> Any:
    """A file is its id, or the address of what lies elsewhere."""
    if given == "":
        return []
    items = given if isinstance(given, list) else [given]
    return [_file(one) if isinstance(one, str) else one for one in items]


def _file(text: str) -> dict[str, str]:
    return {"url": text} if ":" in text else {"id": text}


def _require(missing: list[Field], errors: list[dict[str, Json]]) -> None:
    """Raises BadData where anything is wrong."""
    for one in missing:
        told = {"field": one.api_name, "message": f"Field '{one.name}' is required"}
        if all(item["field"] != one.api_name for item in errors):
            errors.append({**told})
    if errors:
        raise refusal(errors)


def problem(field: Field, message: str, kind: str) -> dict[str, Json]:
    """What is wrong with a value: `Field 'Age' must be a number`."""
    said = _IN_OUR_WORDS.get(kind)
    if said is None and field.type in _NAMES_OTHERS and kind not in _OF_ONE:
        said = _NAMES_OTHERS[field.type][is_single(field)]
    elif said is None and message.startswith("Value "):
        said = message.removeprefix("Value ")
    text = f"Field '{field.name}'" + (f": {message}" if said is None else f" {said}")
    return {"field": field.api_name, "message": text}


def refusal(errors: list[dict[str, Json]]) -> BadData:
    """The first thing that is wrong, and all of them beside it."""
    return BadData(str(errors[0]["message"]), errors=list(errors))


def bad_other(error: BadValue) -> BadData:
    """Of keys that no field has."""
    return refusal([{"field": "data", "message": str(error)}])


def refused(table: Table, error: DomainError) -> DomainError:
    """What was refused under the lock, in the words of an entry's data."""
    if isinstance(error, ForeignKeyViolation) and error.detail == _NOT_THERE:
        field = table.by_name.get(str(error.extra.get("field")))
        if field is not None:
            told = "Value names an entry that does not exist"
            return refusal([problem(field, told, "value_error.entry")])
    told_of = error.extra.get("errors")
    if type(error) is Invalid and isinstance(told_of, list):
        found = [_refused(table, one) for one in told_of if isinstance(one, dict)]
        return refusal(found) if found else error
    return error


def _refused(table: Table, item: Mapping[str, Any]) -> dict[str, Json]:
    kind, message = str(item.get("type")), str(item.get("msg"))
    name = str(item["loc"][0])
    field = table.by_name.get(name)
    if field is None:
        return {"field": name, "message": message}
    return problem(field, message, kind)


# ------------------------------------------------------------------------- showing


def shown(table: Table, value_of: Callable[[str], Value], number: int) -> bytes:
    """A record's content as JSON, from its kept values by field id."""
    found: dict[str, Any] = {}
    fields = content_fields(table)
    for one in fields:
        value = _shown(one, value_of(one.id), number)
        if value is not None:
            found[one.api_name] = value
    rest = value_of(table.other.id) if table.other is not None else None
    keys = json_of(rest) if isinstance(rest, str) else None
    if isinstance(keys, dict):
        named = {one.api_name for one in fields}
        found |= {name: one for name, one in keys.items() if name not in named}
    return orjson.dumps(found, default=exact)


def _shown(field: Field, value: Value, number: int) -> Any:
    if field.type == "autonumber":
        prefix = str(field.option("prefix", ""))
        return f"{prefix}{number}" if prefix else number
    if value is None or field.kind.computed:
        return None
    if field.type == "attachment" and isinstance(value, list):
        value = [one["id"] if "id" in one else one["url"] for one in value]
    elif field.type != "linked_record":
        return field.kind.show(value, field)
    return value[0] if is_single(field) and isinstance(value, list) else value


def exact(number: Any) -> orjson.Fragment:
    """A Decimal as JSON, with all its digits."""
    if not isinstance(number, Decimal):
        raise TypeError(f"no JSON: {number!r}")
    return orjson.Fragment(format(number, "f").encode())
