"""The options that a field of any type takes beside its type's own.

placeholder    a text for who fills it in
default_value  what a new entry has where nothing is said of the field
private        true: the value never leaves by a public API
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.errors import Invalid, Json
from domain.ids import FieldId, TableId
from domain.values.options import flag, kept, word
from domain.values.registry import FIELD_TYPES
from domain.values.value import BadValue, Shown

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_PLACEHOLDER = 1_000  # characters
COMMON_OPTIONS = ("placeholder", "default_value", "private")


def read_options(type_name: str, options: Mapping[str, Any]) -> dict[str, Json]:
    """The options of a field, checked: its type's own, and those of every type.

    Raises Invalid with the reason.
    """
    try:
        own = FIELD_TYPES[type_name].options(options)
        return {**own, **_common(type_name, own, options)}
    except BadValue as error:
        raise Invalid(
            str(error),
            errors=[{"loc": ["options"], "msg": str(error), "type": error.kind}],
        ) from error


def _common(
    type_name: str, own: Mapping[str, Json], options: Mapping[str, Any]
) -> dict[str, Json]:
    return kept(
        placeholder=word(options, "placeholder", MAX_PLACEHOLDER) or None,
        default_value=_default(type_name, own, options.get("default_value")),
        private=flag(options, "private") or None,
    )


def _default(type_name: str, own: Mapping[str, Json], given: Any) -> Json:
    """A value that the field would take, as it would take it again: choices by their
    ids, everything else as clients read it."""
    if given is None:
        return None
    field = _sample(type_name, own)
    try:
        value = field.kind.read(given, field)
    except BadValue as error:
        raise BadValue(f"Option default_value: {error}", error.kind) from error
    if value is None:
        return None
    if field.choices or type_name == "attachment":
        return value
    return _plain(field.kind.show(value, field))


def shown_default(field: "Field") -> Shown:
    """A field's default as a client sends it: choices by their present names."""
    value = field.options.get("default_value")
    if value is None or not field.choices:
        return value
    return field.kind.show(value, field)


def _sample(type_name: str, options: Mapping[str, Json]) -> "Field":
    """A field of a type, as far as values look at it."""
    from domain.catalog import Field  # which is made of values

    return Field(
        id=FieldId(""),
        table_id=TableId(""),
        name="",
        type=type_name,
        options=options,
        required=False,
        description=None,
        position=0,
        primary=False,
        created_at="",
        updated_at="",
    )


def _plain(shown: Shown) -> Json:
    """JSON without Decimals: options are no place for numbers that need them."""
    match shown:
        case Decimal():
            number = int(shown) if shown == shown.to_integral_value() else float(shown)
            if abs(number) > _MOST or Decimal(repr(number)) != shown:
                raise BadValue("Option default_value has a number with too many digits")
            return number
        case dict():
            return {name: _plain(one) for name, one in shown.items()}
        case list():
            return [_plain(one) for one in shown]
        case _:
            return shown  # type: ignore[no-any-return]


_MOST = 2**53  # up to here every reader of JSON has the same number
