"""Measures with a unit and tolerances, kept in the unit of their field.

    {"value": "12.5", "unit": "mm", "plus": "0.1", "minus": null}

`plus` and `minus` are how far above and below the value is still good, never negative.
Another unit of length is converted: exactly where the result has an end, else to 15
digits, which a double keeps.
"""

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from domain.errors import Json
from domain.values.numbers import decimal_text
from domain.values.options import kept, word
from domain.values.value import BadValue, Shown, Value, well_formed

if TYPE_CHECKING:
    from domain.catalog import Field

UNIT = "mm"  # where a field says nothing
_EXACT, _DIGITS = 1_000, 15
_INCH = Fraction(254, 10_000)
METRES: Mapping[str, Fraction] = {
    "nm": Fraction(1, 10**9),
    "µm": Fraction(1, 10**6),
    "mm": Fraction(1, 1_000),
    "cm": Fraction(1, 100),
    "dm": Fraction(1, 10),
    "m": Fraction(1),
    "km": Fraction(1_000),
    "mil": _INCH / 1_000,
    "in": _INCH,
    "ft": _INCH * 12,
    "yd": _INCH * 36,
    "mi": _INCH * 63_360,
}
_OTHER_NAMES: Mapping[str, str] = {
    "um": "µm",
    "\u03bcm": "µm",  # the Greek letter, not the sign
    "micron": "µm",
    "thou": "mil",
    '"': "in",
    "inch": "in",
    "inches": "in",
    "'": "ft",
    "foot": "ft",
    "feet": "ft",
}


def _metres(unit: str) -> Fraction | None:
    return METRES.get(_OTHER_NAMES.get(unit, unit))


def dimension_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(
        unit=word(options, "unit", 20) or UNIT,
        tolerance_type=word(options, "tolerance_type", 40),
    )


def read_dimension(value: Any, field: "Field") -> Value:
    """A number in the field's unit, or {value, unit?, plus?, minus?}."""
    given = value if isinstance(value, dict) else {"value": value}
    unknown = set(given) - {"value", "unit", "plus", "minus"}
    if unknown or given.get("value") is None:
        raise BadValue("Value must be a number or {value, unit, plus, minus}")
    unit = str(field.option("unit", UNIT))
    ratio = _ratio(given.get("unit"), unit)
    return {
        "value": _converted(given["value"], ratio),
        "unit": unit,
        "plus": _tolerance(given, "plus", ratio),
        "minus": _tolerance(given, "minus", ratio),
    }


def _ratio(given: Any, unit: str) -> Fraction:
    """By what a measure in the unit given is multiplied."""
    if given is None or given in ("", unit):
        return Fraction(1)
    if not isinstance(given, str) or not well_formed(given):
        raise BadValue("The unit must be a string", "type_error.string")
    own, other = _metres(unit), _metres(given)
    if own is None or other is None:
        raise BadValue(f"The unit {given[:20]!r} cannot be converted to {unit!r}")
    return other / own


def _converted(number: Any, ratio: Fraction) -> str:
    text = decimal_text(number)
    if ratio == 1:
        return text
    found = Fraction(text) * ratio
    exact = Context(prec=_EXACT, traps=[])
    quotient = exact.divide(Decimal(found.numerator), Decimal(found.denominator))
    if exact.flags[Inexact]:
        quotient = Context(prec=_DIGITS, traps=[]).plus(quotient)
    return decimal_text(quotient)


def _tolerance(given: Mapping[str, Any], name: str, ratio: Fraction) -> str | None:
    if given.get(name) is None:
        return None
    text = _converted(given[name], ratio)
    if text.startswith("-"):
        raise BadValue(f"The tolerance {name} must not be negative")
    return text


def show_dimension(value: Any, _field: "Field") -> Shown:
    return {
        name: one if one is None or name == "unit" else Decimal(one)
        for name, one in value.items()
    }


def compared_dimension(value: Any, field: "Field") -> str:
    """What a filter compares `value` with: in the field's unit."""
    read = read_dimension(value, field)
    assert isinstance(read, dict)
    return str(read["value"])
