"""Whether values from before a change of type still fit their field.  Pure.

What an inverse writes was right when it was written.  A field that is of another type
since takes it only where it is in the form that the field keeps.
"""

import re
from collections.abc import Iterable, Mapping

from domain.catalog import Field, Table
from domain.errors import Conflict
from domain.ids import FieldId
from domain.values import Value, is_kept_json

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z", re.ASCII)
_FORMS = {
    "numeric": _NUMBER,
    "integer": _WHOLE,
    "date": _DATE,
    "timestamptz": _MOMENT,
}


def still_fit(
    table: Table, values: Mapping[str, Value], linked: Iterable[str] = ()
) -> None:
    """Raises Conflict.  `linked`: the fields that were links when it was written."""
    fields: Mapping[str, Field] = table.all_fields  # type: ignore[assignment]
    for name, value in values.items():
        field = fields.get(name)
        if field is None or not _fits(field, value):
            raise _of_another_type(field)
    for name in linked:
        field = table.all_fields.get(FieldId(name))
        if field is None or field.type != "linked_record":
            raise _of_another_type(field)


def _of_another_type(field: Field | None) -> Conflict:
    name = "" if field is None else field.name
    refusal = Conflict("The field is of another type since", field=name)
    return refusal if field is None else refusal.because_of(field.id, "type")


def _fits(field: Field, value: Value) -> bool:
    if value is None:
        return True
    if isinstance(value, str):  # most are, so it is asked first
        return _text_fits(field, value)
    if field.type == "linked_record":
        return isinstance(value, list)
    match field.column:
        case "text[]":
            return isinstance(value, list) and field.choice_names.keys() >= set(value)
        case "uuid[]":
            return isinstance(value, list)
        case "jsonb" if field.type == "attachment":
            return isinstance(value, list)
        case "jsonb" if field.type != "json":
            return isinstance(value, dict) and field.kind.part in value
        case "boolean":
            return isinstance(value, bool)
        case _:
            return False


def _text_fits(field: Field, value: str) -> bool:
    column = field.column
    if column == "text":
        return field.type != "single_select" or value in field.choice_names
    form = _FORMS.get(column or "")
    if form is not None:
        return form.fullmatch(value) is not None
    if column == "jsonb":
        return field.type == "json" and is_kept_json(value)
    return column == "uuid"
