"""Numbers: kept as exact decimals, "29.99"; an autonumber is its row's."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.errors import Json
from domain.values.options import flag, kept, whole, word
from domain.values.value import BadValue, Value

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_DIGITS = 400


def decimal_text(value: Any) -> str:
    """A JSON number as an exact decimal without exponent: "-0.50" is "-0.5"."""
    kind = type(value)
    if kind is int:
        if value.bit_length() > MAX_DIGITS * 3:
            raise BadValue("Value has too many digits")
        return str(value)
    if kind is not float and kind is not Decimal:
        raise BadValue("Value must be a number", "type_error.number")
    if kind is float:
        shortest = repr(value)
        if "e" not in shortest and "n" not in shortest:
            return shortest.removesuffix(".0") if value else "0"
        value = Decimal(shortest)
    if not value.is_finite():
        raise BadValue("Value must be a finite number", "type_error.number")
    if abs(value.adjusted()) > MAX_DIGITS or len(value.as_tuple().digits) > MAX_DIGITS:
        raise BadValue("Value has too many digits")
    plain = format(value, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("-0", "") else plain


def read_number(value: Any, field: "Field") -> Value:
    text = decimal_text(value)
    options = field.options
    if options:
        precision = options.get("precision")
        if isinstance(precision, int) and len(text.partition(".")[2]) > precision:
            raise BadValue(f"Value must have at most {precision} decimals")
        if options.get("allow_negative") is False and text.startswith("-"):
            raise BadValue("Value must not be negative")
    return text


def number_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(
        precision=whole(options, "precision", 0, 20),
        allow_negative=flag(options, "allow_negative"),
    )


def autonumber_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(prefix=word(options, "prefix", 40))
