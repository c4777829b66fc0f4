"""The types of fields, by name: the one list of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.errors import Invalid, Json
from domain.values import choices, links, moments, numbers, text
from domain.values.options import no_options
from domain.values.value import BadValue, Value

if TYPE_CHECKING:
    from domain.catalog import Field


def read_only(_value: Any, _field: "Field") -> Value:
    raise BadValue("Field is read-only", "value_error.read_only")


@dataclass(frozen=True)
class FieldType:
    """How one type of field reads, keeps and compares its values.

    `column` is the Postgres type of its column, None where there is none: links are
    rows, an autonumber is its row's number.  `family` names its filter operators.
    """

    name: str
    read: Callable[[Any, "Field"], Value]
    options: Callable[[Mapping[str, Any]], dict[str, Json]]
    column: str | None
    family: str
    writable: bool = True


_ALL: Sequence[FieldType] = (
    FieldType("text", text.read_text, text.text_options, "text", "text"),
    FieldType("long_text", text.read_long_text, text.long_text_options, "text", "text"),
    FieldType(
        "number", numbers.read_number, numbers.number_options, "numeric", "number"
    ),
    FieldType("checkbox", choices.read_checkbox, no_options, "boolean", "checkbox"),
    FieldType("date", moments.read_date, moments.date_options, "date", "date"),
    FieldType(
        "datetime",
        moments.read_datetime,
        moments.datetime_options,
        "timestamptz",
        "datetime",
    ),
    FieldType(
        "single_select",
        choices.read_single_select,
        choices.select_options,
        "text",
        "select",
    ),
    FieldType("linked_record", links.read_links, links.link_options, None, "link"),
    FieldType(
        "autonumber", read_only, numbers.autonumber_options, None, "number", False
    ),
)
FIELD_TYPES: Mapping[str, FieldType] = {one.name: one for one in _ALL}

# documented types that are not there yet: their use answers 501
PLANNED_TYPES = frozenset(
    {
        "currency",
        "percent",
        "duration",
        "multi_select",
        "lookup",
        "rollup",
        "formula",
        "attachment",
        "url",
        "email",
        "phone",
        "user",
        "rating",
        "barcode",
        "dimension",
        "gdt",
        "thread",
        "material",
    }
)


def read_options(type_name: str, options: Mapping[str, Any]) -> dict[str, Json]:
    """The options of a field, checked.  Raises Invalid with the reason."""
    try:
        return FIELD_TYPES[type_name].options(options)
    except BadValue as error:
        raise Invalid(
            str(error),
            errors=[{"loc": ["options"], "msg": str(error), "type": error.kind}],
        ) from error
