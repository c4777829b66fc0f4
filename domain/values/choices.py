"""What is chosen: ticks, and choices of a list, which are kept by their ids."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from domain.errors import Json
from domain.values.options import kept, word
from domain.values.value import BadValue, Shown, Value

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_CHOICES = 1_000


def read_checkbox(value: Any, _field: "Field") -> Value:
    if not isinstance(value, bool):
        raise BadValue("Value must be true or false", "type_error.bool")
    return value


def read_single_select(value: Any, field: "Field") -> Value:
    if not isinstance(value, str):
        raise BadValue("Value must be the name of a choice", "type_error.string")
    if value == "":
        return None
    found = field.choice_ids.get(value)
    if found is None:
        raise BadValue("Value must match one of the defined choices")
    return found


def read_multi_select(value: Any, field: "Field") -> Value:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadValue("Value must be an array of names of choices", "type_error.list")
    found = [field.choice_ids.get(item) for item in value]
    if None in found:
        raise BadValue("Value must be of the defined choices")
    if len(set(found)) < len(found):
        raise BadValue("Value has a choice twice")
    return [item for item in found if item is not None] or None


def show_single_select(value: Any, field: "Field") -> Shown:
    return field.choice_names.get(value)


def show_multi_select(value: Any, field: "Field") -> Shown:
    names = field.choice_names
    return [names[item] for item in value if item in names] or None


def select_options(options: Mapping[str, Any]) -> dict[str, Json]:
    choices = options.get("choices", [])
    if not isinstance(choices, list) or len(choices) > MAX_CHOICES:
        raise BadValue(f"Option choices must be an array of at most {MAX_CHOICES}")
    found: list[Json] = [_choice(choice) for choice in choices]
    for key in ("id", "name"):
        said = [choice[key] for choice in found if isinstance(choice, dict)]
        if len(set(said)) != len(said):
            raise BadValue(f"Option choices has a {key} twice")
    return {"choices": found}


def _choice(choice: Any) -> dict[str, Json]:
    given = {"name": choice} if isinstance(choice, str) else choice
    if not isinstance(given, dict):
        raise BadValue("A choice must be an object with a name")
    name = word(given, "name", 255)
    if not name:
        raise BadValue("A choice must have a name")
    key = word(given, "id", 64)
    if not key:
        raise BadValue("A choice must have an id")
    return kept(id=key, name=name, color=word(given, "color", 40))
