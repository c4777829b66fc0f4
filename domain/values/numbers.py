"""Numbers: kept as exact decimals, "29.99"; an autonumber is its row's.

A currency, a percent and a rating are numbers with bounds; a duration is its seconds.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.errors import Json
from domain.values.options import flag, kept, whole, word
from domain.values.value import BadValue, Shown, Value

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_DIGITS = 400
MAX_RATING = 5
CURRENCY_PRECISION = 2
PERCENT, FRACTION = "percent", "fraction"  # 0-100, 0-1


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


def show_number(value: Any, _field: "Field") -> Shown:
    return Decimal(value)


def _precise(text: str, precision: Any) -> str:
    if isinstance(precision, int) and len(text.partition(".")[2]) > precision:
        raise BadValue(f"Value must have at most {precision} decimals")
    return text


def read_number(value: Any, field: "Field") -> Value:
    text = decimal_text(value)
    options = field.options
    if options:
        _precise(text, options.get("precision"))
        if options.get("allow_negative") is False and text.startswith("-"):
            raise BadValue("Value must not be negative")
    return text


def read_currency(value: Any, field: "Field") -> Value:
    return _precise(decimal_text(value), field.option("precision", CURRENCY_PRECISION))


def read_percent(value: Any, field: "Field") -> Value:
    text = decimal_text(value)
    most = 1 if field.option("format", None) == FRACTION else 100
    if not 0 <= Decimal(text) <= most:
        raise BadValue(f"Value must be from 0 to {most}")
    return _precise(text, field.option("precision", None))


def read_rating(value: Any, field: "Field") -> Value:
    """0 is empty."""
    text = decimal_text(value)
    most = field.option("max", MAX_RATING)
    if "." in text:
        raise BadValue("Value must be a whole number", "type_error.integer")
    if not 0 <= int(text) <= most:
        raise BadValue(f"Value must be from 1 to {most}")
    return None if text == "0" else text


_CLOCK = re.compile(r"(\d{1,9}):([0-5]\d)(?::([0-5]\d(?:\.\d{1,6})?))?", re.ASCII)


def read_duration(value: Any, _field: "Field") -> Value:
    """Seconds, from a number of them or from `h:mm` and `h:mm:ss`."""
    if value == "":
        return None
    if isinstance(value, str):
        return _seconds(value)
    text = decimal_text(value)
    if text.startswith("-"):
        raise BadValue("Value must not be negative")
    return text


def _seconds(text: str) -> str:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise BadValue("Value must be seconds, or a time such as 1:30 or 1:30:00")
    hours, minutes, seconds = found.groups()
    whole_minutes = int(hours) * 60 + int(minutes)
    return decimal_text(whole_minutes * 60 + Decimal(seconds or 0))


def number_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(
        precision=whole(options, "precision", 0, 20),
        allow_negative=flag(options, "allow_negative"),
    )


def compared_duration(value: Any, field: "Field") -> str:
    """What a filter compares seconds with."""
    found = read_duration(value, field)
    if not isinstance(found, str):
        raise BadValue("Value must be seconds, or a time such as 1:30 or 1:30:00")
    return found


def currency_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(
        currency_symbol=word(options, "currency_symbol", 10),
        precision=whole(options, "precision", 0, 20),
    )


def percent_options(options: Mapping[str, Any]) -> dict[str, Json]:
    form = word(options, "format", 20)
    if form not in (None, FRACTION, PERCENT):
        raise BadValue(f"Option format must be {PERCENT} or {FRACTION}")
    return kept(precision=whole(options, "precision", 0, 20), format=form)


def rating_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(max=whole(options, "max", 1, 100), icon=word(options, "icon", 40))


def duration_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(duration_format=word(options, "duration_format", 40))


def autonumber_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(prefix=word(options, "prefix", 40))
