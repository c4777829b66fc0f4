"""The types of fields, by name: the one list of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.errors import Json
from domain.values import (
    attachments,
    choices,
    computed,
    dimension,
    engineering,
    formats,
    freeform,
    links,
    moments,
    numbers,
    text,
    users,
)
from domain.values.options import no_options
from domain.values.value import BadValue, Shown, Value

if TYPE_CHECKING:
    from domain.catalog import Field

Read = Callable[[Any, "Field"], Value]
Options = Callable[[Mapping[str, Any]], dict[str, Json]]


def read_only(_value: Any, _field: "Field") -> Value:
    raise BadValue("Field is read-only", "value_error.read_only")


def as_kept(value: Any, _field: "Field") -> Shown:
    return value


@dataclass(frozen=True)
class FieldType:
    """How one type of field reads, keeps and compares its values.

    `column` is the Postgres type of its column, None where there is none: links are
    rows, an autonumber is its row's number.  `family` names its filter operators.
    `show` gives what a client reads of a kept value, and `read` takes that back.
    `part`: of a kept object, what is compared and sorted by.  `operand` reads what eq
    and the ordered operators compare with, where that is not as the family does.
    `as_text`: what a jsonb column holds is kept as the text that the store has of it.
    `unique`: whether its values can be told to be different.
    """

    name: str
    read: Read
    options: Options
    column: str | None
    family: str
    writable: bool = True
    show: Callable[[Any, "Field"], Shown] = as_kept
    part: str | None = None
    operand: Callable[[Any, "Field"], str] | None = None
    as_text: bool = False
    unique: bool = True

    @property
    def computed(self) -> bool:
        """Whether its values follow from other fields'."""
        return self.family == "computed"


def _text(name: str, read: Read, options: Options = no_options) -> FieldType:
    return FieldType(name, read, options, "text", "text")


def _number(
    name: str, read: Read, options: Options, column: str = "numeric", **more: Any
) -> FieldType:
    show = numbers.show_number
    return FieldType(name, read, options, column, "number", show=show, **more)


def _computed(name: str, options: Options) -> FieldType:
    return FieldType(name, read_only, options, None, "computed", writable=False)


_ALL: Sequence[FieldType] = (
    _text("text", text.read_text, text.text_options),
    _text("long_text", text.read_long_text, text.long_text_options),
    _text("url", formats.read_url),
    _text("email", formats.read_email),
    _text("phone", formats.read_phone),
    _text("barcode", formats.read_barcode, formats.barcode_options),
    _number("number", numbers.read_number, numbers.number_options),
    _number("currency", numbers.read_currency, numbers.currency_options),
    _number("percent", numbers.read_percent, numbers.percent_options),
    _number("rating", numbers.read_rating, numbers.rating_options, "integer"),
    _number(
        "duration",
        numbers.read_duration,
        numbers.duration_options,
        operand=numbers.compared_duration,
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
        show=choices.show_single_select,
    ),
    FieldType(
        "multi_select",
        choices.read_multi_select,
        choices.select_options,
        "text[]",
        "choices",
        show=choices.show_multi_select,
    ),
    FieldType("user", users.read_user, users.user_options, "uuid", "user"),
    FieldType("linked_record", links.read_links, links.link_options, None, "link"),
    FieldType(
        "autonumber", read_only, numbers.autonumber_options, None, "number", False
    ),
    FieldType(
        "dimension",
        dimension.read_dimension,
        dimension.dimension_options,
        "jsonb",
        "number",
        show=dimension.show_dimension,
        part="value",
        operand=dimension.compared_dimension,
    ),
    FieldType(
        "gdt",
        engineering.read_gdt,
        no_options,
        "jsonb",
        "text",
        show=engineering.show_gdt,
        part="symbol",
        operand=engineering.compared_gdt,
    ),
    FieldType(
        "thread",
        engineering.read_thread,
        engineering.thread_options,
        "jsonb",
        "text",
        part="designation",
        operand=engineering.compared_thread,
    ),
    FieldType(
        "material", engineering.read_material, no_options, "jsonb", "text", part="name"
    ),
    FieldType(
        "attachment",
        attachments.read_attachments,
        attachments.attachment_options,
        "jsonb",
        "file",
        show=attachments.show_attachments,
        unique=False,
    ),
    FieldType(
        "json",
        freeform.read_json,
        freeform.json_options,
        "jsonb",
        "json",
        show=freeform.show_json,
        as_text=True,
        unique=False,
    ),
    _computed("lookup", computed.lookup_options),
    _computed("rollup", computed.rollup_options),
    _computed("formula", computed.formula_options),
)
FIELD_TYPES: Mapping[str, FieldType] = {one.name: one for one in _ALL}
