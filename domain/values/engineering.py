"""What drawings say: GD&T symbols, threads, materials.

Each is kept as an object of what is known, its main part always there:

    gdt       {"symbol": "position", "tolerance": "0.1", "datums": ["A", "B"],
               "modifier": "MMC"}
    thread    {"designation": "M8x1.25", "standard": "ISO 261", "class": "6g"}
    material  {"name": "Steel", "standard": "EN 10088", "grade": "1.4301"}
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.errors import Json
from domain.values.numbers import decimal_text
from domain.values.options import kept, word
from domain.values.text import checked_text
from domain.values.value import BadValue, Shown, Value

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_NAME = 200
MAX_PART = 100
MAX_DATUMS = 3

# ASME Y14.5 and ISO 1101, with the signs they are drawn by
SYMBOLS: Mapping[str, str] = {
    "straightness": "⏤",
    "flatness": "⏥",
    "circularity": "○",
    "cylindricity": "⌭",
    "profile_of_a_line": "⌒",
    "profile_of_a_surface": "⌓",
    "angularity": "∠",
    "perpendicularity": "⟂",
    "parallelism": "∥",
    "position": "⌖",
    "concentricity": "◎",
    "symmetry": "⌯",
    "circular_runout": "↗",
    "total_runout": "⌰",
}
_OTHER_NAMES = {
    "roundness": "circularity",
    "line_profile": "profile_of_a_line",
    "surface_profile": "profile_of_a_surface",
    "true_position": "position",
    "coaxiality": "concentricity",
    "runout": "circular_runout",
}
_BY_NAME = (
    {name: name for name in SYMBOLS}
    | {sign: name for name, sign in SYMBOLS.items()}
    | _OTHER_NAMES
)


def _object(value: Any, main: str, others: Sequence[str]) -> dict[str, Any]:
    """An object with its main part, also where that alone was given."""
    given = {main: value} if isinstance(value, str) else value
    if not isinstance(given, dict) or set(given) - {main, *others}:
        allowed = ", ".join([main, *others])
        raise BadValue(f"Value must be a string or an object of {allowed}")
    if given.get(main) is None or given[main] == "":
        raise BadValue(f"Value must have a {main}")
    return given


def _part(given: Mapping[str, Any], name: str, limit: int = MAX_PART) -> str | None:
    """A text of the object; None where it is not there or empty."""
    value = given.get(name)
    try:
        return None if value is None else checked_text(value, limit)
    except BadValue as error:
        raise BadValue(f"{name}: {error}", error.kind) from error


def read_gdt(value: Any, _field: "Field") -> Value:
    if value == "":
        return None
    given = _object(value, "symbol", ("tolerance", "datums", "modifier"))
    found = _symbol(_part(given, "symbol"))
    if found not in SYMBOLS:
        raise BadValue("symbol: must be one of " + ", ".join(SYMBOLS))
    return kept(
        symbol=found,
        tolerance=_tolerance(given.get("tolerance")),
        datums=_datums(given.get("datums")),
        modifier=_part(given, "modifier"),
    )


def _symbol(text: str | None) -> str:
    """A symbol by its name in any case, or by its sign; what is none as it is."""
    name = "_".join(re.split(r"[\s_-]+", (text or "").strip().casefold()))
    return _BY_NAME.get(name, text or "")


def _tolerance(number: Any) -> str | None:
    if number is None:
        return None
    text = decimal_text(number)
    if text.startswith("-"):
        raise BadValue("tolerance: must not be negative")
    return text


def _datums(datums: Any) -> list[Json] | None:
    if datums is None:
        return None
    if not isinstance(datums, list) or len(datums) > MAX_DATUMS:
        raise BadValue(f"datums: must be an array of at most {MAX_DATUMS}")
    found = [checked_text(one, 20) for one in datums]
    if None in found or len(set(found)) < len(found):
        raise BadValue("datums: each must have a name of its own")
    return list(found) or None


def show_gdt(value: Any, _field: "Field") -> Shown:
    return {
        name: Decimal(one) if name == "tolerance" else one
        for name, one in value.items()
    }


def compared_gdt(value: Any, _field: "Field") -> str:
    """What eq compares a symbol with."""
    return _symbol(checked_text(value, MAX_PART))


_SIZE = r"(?:#?\d+|\d*\.\d+|(?:\d+[ -])?\d+/\d+)"
_TAIL = r"(?:[ -][0-9A-Za-z]+)*"  # class, left hand
_METRIC = rf"MJ?\d+(?:\.\d+)?(?:x\d+(?:\.\d+)?)?{_TAIL}"
_UNIFIED = rf"{_SIZE}-\d+ UN[A-Z]*{_TAIL}"
_PARALLEL = rf"(?:G ?{_SIZE}|{_SIZE}(?:-\d+)? BSPP){_TAIL}"
_TAPERED = rf"(?:R[pcs1-9]? ?{_SIZE}|{_SIZE}(?:-\d+)? BSPT){_TAIL}"
_TRAPEZOIDAL = rf"Tr ?\d+(?:\.\d+)?x\d+(?:\.\d+)?{_TAIL}"

# standards by their letters and digits alone
STANDARDS: Mapping[str, str] = {
    **dict.fromkeys(
        ["iso", "metric", "isometric", "m", "iso68", "iso681", "iso261", "iso262"],
        _METRIC,
    ),
    **dict.fromkeys(["iso724", "iso965", "iso9651", "din13", "asmeb113m"], _METRIC),
    **dict.fromkeys(
        ["unified", "un", "uts", "asmeb11", "ansib11", "iso5864"], _UNIFIED
    ),
    "unc": rf"{_SIZE}-\d+ UNR?C{_TAIL}",
    "unf": rf"{_SIZE}-\d+ UNR?F{_TAIL}",
    "unef": rf"{_SIZE}-\d+ UNR?EF{_TAIL}",
    **dict.fromkeys(
        ["npt", "nptf", "asmeb1201", "ansib1201"],
        rf"{_SIZE}-\d+(?:\.\d+)? NPTF?{_TAIL}",
    ),
    **dict.fromkeys(["bspp", "g", "iso228", "iso2281"], _PARALLEL),
    **dict.fromkeys(["bspt", "r", "iso7", "iso71"], _TAPERED),
    "bsp": rf"{_PARALLEL}|{_TAPERED}",
    **dict.fromkeys(["tr", "trapezoidal", "iso2904", "din103"], _TRAPEZOIDAL),
    **dict.fromkeys(["acme", "asmeb15"], rf"{_SIZE}-\d+ (?:STUB )?ACME{_TAIL}"),
}


def thread_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(standard=word(options, "standard", MAX_PART))


def read_thread(value: Any, field: "Field") -> Value:
    """Checked against the standards given, where they are known here."""
    if value == "":
        return None
    given = _object(value, "designation", ("standard", "class"))
    found = _designation(_part(given, "designation"))
    standard = _part(given, "standard")
    for one in (field.option("standard", None), standard):
        if one and not _follows(found, one):
            raise BadValue(f"designation: is none of {one}")
    thread = kept(designation=found, standard=standard)
    return thread | kept(**{"class": _part(given, "class")})


def _designation(text: str | None) -> str:
    """With single blanks, and an x between sizes."""
    plain = " ".join((text or "").split())
    if not plain:
        raise BadValue("Value must have a designation")
    return re.sub(r"(?<=\d) ?[xX\u00d7] ?(?=\d)", "x", plain)


def _follows(designation: str, standard: str) -> bool:
    name = "".join(filter(str.isalnum, standard.casefold()))
    form = STANDARDS.get(name)
    return form is None or re.fullmatch(form, designation, re.ASCII) is not None


def compared_thread(value: Any, _field: "Field") -> str:
    """What eq compares a designation with."""
    return _designation(checked_text(value, MAX_PART))


def read_material(value: Any, _field: "Field") -> Value:
    if value == "":
        return None
    given = _object(value, "name", ("standard", "grade"))
    name = _part(given, "name", MAX_NAME)
    if name is None or not name.strip():
        raise BadValue("Value must have a name")
    return kept(
        name=name,
        standard=_part(given, "standard"),
        grade=_part(given, "grade"),
    )
