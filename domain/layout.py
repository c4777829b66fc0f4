"""The seven types of views, and what each is configured with.  Pure.

A configuration names fields by id and its every key may be left out.  What it names may
be deleted or get another type later: then the view stays, does without, and says so.
Source: PyBase, View Types.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from domain.catalog import MAX_FIELDS, Field, Table, View
from domain.errors import Invalid, Json
from domain.ids import canonical
from domain.values import BadValue, well_formed

MAX_WORDS = 255  # characters of a text that a view shows

Fits: TypeAlias = Callable[[Field], bool]


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of a configuration.  `read` gives what is kept of a value, or raises
    BadValue; where `many`, the key holds an array of such values."""

    read: Callable[[Any, Table], Json]
    many: bool = False


@dataclass(frozen=True, slots=True)
class Unusable:
    """A part of a view that it does without: what is kept of it, and why."""

    place: str  # filters, sorts, config.group_field_id, …
    value: Json
    reason: str


@dataclass(frozen=True, slots=True)
class FormField:
    """A field that a form asks for.  `required` by the table or by the form."""

    field: Field
    required: bool
    label: str | None


def _of_types(*types: str) -> Fits:
    return lambda field: field.type in types


def _any_field(_field: Field) -> bool:
    return True


def _writable(field: Field) -> bool:
    return field.kind.writable


def _find(value: Any, table: Table, fits: Fits) -> Field:
    if not isinstance(value, str):
        raise BadValue("must be the id of a field")
    found = table.by_id.get(canonical(value) or value) or table.by_name.get(value)
    if found is None:
        raise BadValue("is no field of the table")
    if not fits(found):
        raise BadValue(f"cannot be a field of type {found.type}")
    return found


def _field(fits: Fits, *, many: bool = False) -> Setting:
    return Setting(lambda value, table: _find(value, table, fits).id, many)


def _words(value: Any, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit or not well_formed(value):
        raise BadValue(f"must be a string of at most {limit} characters")
    return value


def _is_whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _row_height(value: Any, _table: Table) -> Json:
    """Pixels, or a word such as `tall`."""
    if isinstance(value, str):
        return _words(value, 40)
    if not _is_whole(value, 1, 1_000):
        raise BadValue("must be a word or a whole number from 1 to 1000")
    return value  # type: ignore[no-any-return]


def _frozen_columns(value: Any, _table: Table) -> Json:
    if not _is_whole(value, 0, MAX_FIELDS):
        raise BadValue(f"must be a whole number from 0 to {MAX_FIELDS}")
    return value  # type: ignore[no-any-return]


def _submit_text(value: Any, _table: Table) -> Json:
    return _words(value, MAX_WORDS)


def _form_field(value: Any, table: Table) -> Json:
    """A field's id, or {field_id, required, label}."""
    if not isinstance(value, dict):
        return _find(value, table, _writable).id
    for key in value:
        if key not in ("field_id", "required", "label"):
            raise BadValue("has an unknown key: it takes field_id, required, label")
    kept: dict[str, Json] = {
        "field_id": _find(value.get("field_id"), table, _writable).id
    }
    if value.get("required") is not None:
        if not isinstance(value["required"], bool):
            raise BadValue("has a required that is neither true nor false")
        kept["required"] = value["required"]
    if value.get("label") is not None:
        kept["label"] = _words(value["label"], MAX_WORDS)
    return kept


_DATE = _field(_of_types("date", "datetime"))
_GROUP = _field(
    _of_types(
        "single_select", "multi_select", "checkbox", "rating", "user", "linked_record"
    )
)

LAYOUTS: Mapping[str, Mapping[str, Setting]] = {
    "grid": {
        "row_height": Setting(_row_height),
        "frozen_columns": Setting(_frozen_columns),
    },
    "kanban": {"group_field_id": _GROUP, "stack_field_id": _GROUP},
    "calendar": {"date_field_id": _DATE, "end_date_field_id": _DATE},
    "gallery": {
        "cover_field_id": _field(_of_types("attachment", "url")),
        "card_fields": _field(_any_field, many=True),
    },
    "form": {
        "fields": Setting(_form_field, many=True),
        "submit_text": Setting(_submit_text),
    },
    "gantt": {
        "start_field_id": _DATE,
        "end_field_id": _DATE,
        "dependency_field_id": _field(_of_types("linked_record")),
    },
    "timeline": {"date_field_id": _DATE, "group_field_id": _GROUP},
}


def read_config(type_: str, config: Mapping[str, Any], table: Table) -> dict[str, Json]:
    """What is kept of a configuration; null leaves a key out.

    Raises Invalid with every problem in `errors`.
    """
    settings = LAYOUTS[type_]
    kept: dict[str, Json] = {}
    errors: list[Json] = []
    for key, value in config.items():
        try:
            if key not in settings:
                takes = ", ".join(settings)
                raise BadValue(f"is unknown: a {type_} view takes {takes}")
            if value is not None:
                kept[key] = _read(settings[key], value, table)
        except BadValue as error:
            place: list[Json] = ["config", key[:100]]
            told: dict[str, Json] = {"loc": place, "type": "value_error"}
            errors.append(told | {"msg": f"{key[:100]} {error}"})
    if errors:
        raise Invalid("The view's config is not right", errors=errors)
    return kept


def _read(setting: Setting, value: Any, table: Table) -> Json:
    if not setting.many:
        return setting.read(value, table)
    if not isinstance(value, list):
        raise BadValue("must be an array")
    if len(value) > MAX_FIELDS:
        raise BadValue(f"must have at most {MAX_FIELDS} items")
    found = [setting.read(item, table) for item in value]
    ids = [field_id_of(item) for item in found]
    if len(set(ids)) != len(ids):
        raise BadValue("has a field twice")
    return found


def field_id_of(kept: Json) -> str:
    """The field that an item of a kept array names."""
    return str(kept["field_id"] if isinstance(kept, dict) else kept)


def working_config(view: View, table: Table) -> tuple[dict[str, Json], list[Unusable]]:
    """A view's configuration as far as it works today, and what does not."""
    works: dict[str, Json] = {}
    unusable: list[Unusable] = []
    for key, value in view.config.items():
        setting = LAYOUTS[view.type].get(key)
        if setting is None:  # taken back while the type was changed
            continue
        if setting.many and isinstance(value, list):
            works[key] = [
                item for item in value if _works(setting, key, item, table, unusable)
            ]
        elif _works(setting, key, value, table, unusable):
            works[key] = value
    return works, unusable


def _works(
    setting: Setting, key: str, value: Json, table: Table, unusable: list[Unusable]
) -> bool:
    try:
        setting.read(value, table)
    except BadValue as error:
        unusable.append(Unusable(f"config.{key}", value, str(error)))
        return False
    return True


def form_fields(view: View, table: Table) -> tuple[FormField, ...]:
    """What a form asks for: the fields it names, or all that can be written where it
    names none."""
    config, _ = working_config(view, table)
    listed = config.get("fields")
    if not isinstance(listed, list):
        listed = [one.id for one in table.fields if one.kind.writable]
    return tuple(_asked(item, table) for item in listed)


def _asked(item: Json, table: Table) -> FormField:
    field = table.by_id[field_id_of(item)]
    more: Mapping[str, Json] = item if isinstance(item, dict) else {}
    label = more.get("label")
    return FormField(
        field,
        field.required or more.get("required") is True,
        label if isinstance(label, str) else None,
    )
