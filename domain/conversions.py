"""What a value becomes where its field gets another type.

Pure.  Each conversion has a name with a version in it, and the event of the change says
which one was used; what became of each value is in the events too, so that neither a
later version nor another list of time zones changes what happened.  Once published, a
conversion stays as it is: a better one has a higher number.

    text-like -> text-like, numbers, date, datetime, checkbox, selects, links
    text, long_text -> json
    number, currency, percent, rating, duration    each into each
    date <-> datetime, single_select <-> multi_select
    one user <-> several, a day <-> a day with a time (options of one type)
    anything -> text, long_text

A conversion gives a value that the new field would take from a client, or raises
BadValue; an empty value stays empty.  Source: pybase-values, Change of type.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeAlias

from domain.catalog import Field
from domain.errors import Invalid
from domain.ids import canonical
from domain.record import cells
from domain.values import (
    FIELD_TYPES,
    BadValue,
    Value,
    datetime_text,
    json_from,
    parse_datetime,
    user_ids,
    zone,
)

TEXTS = frozenset({"text", "long_text", "url", "email", "phone", "barcode"})
NUMBERS = frozenset({"number", "currency", "percent", "rating", "duration"})
MOMENTS = frozenset({"date", "datetime"})
SELECTS = frozenset({"single_select", "multi_select"})
OBJECTS = frozenset({"dimension", "gdt", "thread", "material", "attachment"})
PLAIN_TEXTS = frozenset({"text", "long_text"})
_SHOWN = 80  # characters of a name in a message


@dataclass(frozen=True)
class Turn:
    """A field as it is and as it becomes.

    `names`: where one of them is a link, what the records at the other end are called;
    None for one without a name.
    """

    source: Field
    target: Field
    names: Mapping[str, str | None] = field(default_factory=dict)

    @cached_property
    def called(self) -> Mapping[str, list[str]]:
        """The records at the other end by what they are called."""
        found: dict[str, list[str]] = {}
        for one, name in self.names.items():
            if name is not None:
                found.setdefault(name, []).append(one)
        return found


Convert: TypeAlias = Callable[[Any, Turn], Value]


def _emptied(_value: Any, _turn: Turn) -> Value:
    return None


@dataclass(frozen=True, slots=True)
class Conversion:
    """`forced`: what is left of a value that does not convert."""

    name: str
    convert: Convert
    forced: Convert = _emptied


def find(source: str, target: str) -> Conversion | None:
    """The conversion from one type into another, or into itself with other options;
    None where there is none."""
    for sources, targets, conversion in _ALL:
        if source in sources and target in targets:
            return conversion
    return None


def conversion_of(source: str, target: str) -> Conversion:
    """The same.  Raises Invalid, naming what the type can become."""
    found = find(source, target)
    if found is not None:
        return found
    into = [one for one in FIELD_TYPES if one != source and find(source, one)]
    message = f"A field of type {source} cannot become one of type {target}"
    told = f"{message}; it can become one of {', '.join(into)}"
    raise Invalid(message, errors=[{"loc": ["type"], "msg": told, "type": "enum"}])


def out_form(value: Value, field: Field) -> str | None:
    """A kept value as text: what clients read of it.  None where that is nothing, and
    for links, whose names are others' values."""
    spelled = _SPELLED.get(field.type)
    if value is None or spelled is None:
        return None
    return spelled(value, field) or None


# ------------------------------------------------------------------- from text


def _text_to_text(value: Any, turn: Turn) -> Value:
    return turn.target.kind.read(value, turn.target)


def _text_to_number(value: Any, turn: Turn) -> Value:
    found = cells.number_of(value)
    return None if found is None else turn.target.kind.read(found, turn.target)


def _text_to_date(value: Any, turn: Turn) -> Value:
    text, target = value.strip(), turn.target
    if text == "":
        return None
    try:
        return target.kind.read(text, target)
    except BadValue:
        if target.column != "timestamptz":
            raise
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or len(text) != len("2024-01-31"):
            raise
    return _midnight(day, target)


def _text_to_checkbox(value: Any, turn: Turn) -> Value:
    found = cells.flag_of(value)
    return None if found is None else turn.target.kind.read(found, turn.target)


def _text_to_single(value: Any, turn: Turn) -> Value:
    known = turn.target.choice_ids
    if value in known:
        return known[value]
    return turn.target.kind.read(value.strip(), turn.target)


def _text_to_multi(value: Any, turn: Turn) -> Value:
    known = turn.target.choice_ids
    for whole in (value, value.strip()):
        if whole in known:
            return [known[whole]]
    return turn.target.kind.read(list(dict.fromkeys(items_of(value))), turn.target)


def _text_to_links(value: Any, turn: Turn) -> Value:
    whole = _record_called(value, turn) or _record_called(value.strip(), turn)
    if whole is not None:
        return [whole]
    found: list[str] = []
    for item in items_of(value):
        one = _record_called(item, turn)
        if one is None:
            raise BadValue(f"No record is called {item[:_SHOWN]!r}")
        found.append(one)
    return turn.target.kind.read(found, turn.target)


def _record_called(name: str, turn: Turn) -> str | None:
    found = turn.called.get(name, ())
    if len(found) > 1:
        raise BadValue(f"Several records are called {name[:_SHOWN]!r}")
    if found:
        return found[0]
    by_id = canonical(name)
    return by_id if by_id in turn.names else None


def _text_to_json(value: Any, turn: Turn) -> Value:
    if value.strip() == "":
        return None
    return turn.target.kind.read(json_from(value), turn.target)


def items_of(text: str) -> list[str]:
    """The items of a list that is one line of CSV: a, "b, c"."""
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True))
    except csv.Error as error:
        raise BadValue("Value is not a list with commas") from error
    found = [item.strip() for line in lines for item in line]
    return [item for item in found if item]


# --------------------------------------------------------------------- to text


def _to_text(value: Any, turn: Turn) -> Value:
    text = _SPELLED[turn.source.type](value, turn.source)
    return turn.target.kind.read(text, turn.target)


def _links_to_text(value: Any, turn: Turn) -> Value:
    """By name; a record without one, and one that is gone, by its id."""
    names = [turn.names.get(one) or one for one in value]
    if len(names) == 1:  # what is read back whole needs no quotes
        return turn.target.kind.read(names[0], turn.target)
    return turn.target.kind.read(line_of(names), turn.target)


def line_of(items: Iterable[str]) -> str:
    """A list of texts as one line of CSV."""
    return ", ".join(map(_quoted, items))


def _quoted(item: str) -> str:
    if item == item.strip() and not any(one in item for one in ',"\r\n'):
        return item
    doubled = item.replace('"', '""')
    return f'"{doubled}"'


def _as_it_is(value: Any, _field: Field) -> str:
    return str(value)


def _spelled_checkbox(value: Any, _field: Field) -> str:
    return "true" if value else "false"


def _spelled_choices(value: Any, field: Field) -> str:
    names = field.choice_names
    if isinstance(value, str):
        return names.get(value, "")
    known = [names[one] for one in value if one in names]
    return known[0] if len(known) == 1 else line_of(known)


def _spelled_users(value: Any, _field: Field) -> str:
    return line_of(user_ids(value))


def _spelled_number(value: Any, field: Field) -> str:
    return f"{field.option('prefix', '')}{value}"


def _spelled_object(value: Any, field: Field) -> str:
    return _json(field.kind.show(value, field))


def _json(shown: Any) -> str:
    """JSON with its keys in order and the digits of its numbers as they are."""
    match shown:
        case None:
            return "null"
        case Decimal():
            return format(shown, "f")
        case dict():
            pairs = (f"{_json(key)}:{_json(shown[key])}" for key in sorted(shown))
            return "{" + ",".join(pairs) + "}"
        case list():
            return "[" + ",".join(map(_json, shown)) + "]"
        case _:
            return json.dumps(shown, ensure_ascii=False)


def _computed(_value: Any, _field: Field) -> str:
    return ""  # nothing is computed yet


# ----------------------------------------------------------------- among others


def _number_to_number(value: Any, turn: Turn) -> Value:
    return turn.target.kind.read(Decimal(value), turn.target)


def _date_to_date(value: Any, turn: Turn) -> Value:
    source, target = turn.source, turn.target
    if source.column == target.column:
        return target.kind.read(value, target)
    if target.column == "timestamptz":
        return _midnight(date.fromisoformat(value), target)
    try:
        local = parse_datetime(value).astimezone(zone(_zone_name(source)))
    except OverflowError as error:
        raise BadValue("Value is beyond the calendar") from error
    return local.date().isoformat()


def _midnight(day: date, target: Field) -> str:
    """The moment a day begins where the field is."""
    try:
        begins = datetime.combine(day, time.min, zone(_zone_name(target)))
        return datetime_text(begins.astimezone(UTC))
    except OverflowError as error:
        raise BadValue("Value is beyond the calendar") from error


def _zone_name(field: Field) -> str:
    return str(field.option("timezone", "UTC") or "UTC")


def _select_to_select(value: Any, turn: Turn) -> Value:
    found, lost = _chosen(value, turn)
    if lost:
        raise BadValue(f"The choice {lost[0][:_SHOWN]!r} is not there")
    if turn.target.type == "multi_select":
        return found
    if len(found) > 1:
        raise BadValue("Value has several choices")
    return found[0]


def _choices_left(value: Any, turn: Turn) -> Value:
    """The choices that are still there; of several none becomes the only one."""
    found, _ = _chosen(value, turn)
    if turn.target.type == "multi_select":
        return found or None
    return found[0] if len(found) == 1 and isinstance(value, str) else None


def _chosen(value: Any, turn: Turn) -> tuple[list[str], list[str]]:
    """The new field's choices, and the names of those that it does not have."""
    before, now = turn.source.choice_names, turn.target
    found: dict[str, None] = {}
    lost = []
    for one in [value] if isinstance(value, str) else value:
        name = before.get(one, one)
        kept = one if one in now.choice_names else now.choice_ids.get(name)
        if kept is None:
            lost.append(name)
        else:
            found[kept] = None
    return list(found), lost


def _user_to_user(value: Any, turn: Turn) -> Value:
    named = user_ids(value)
    if turn.target.option("allow_multiple", False):
        return named
    if len(named) > 1:
        raise BadValue("Value has several users")
    return named[0]


_SPELLED: Mapping[str, Callable[[Any, Field], str]] = {
    **dict.fromkeys([*TEXTS, *NUMBERS, *MOMENTS, "json"], _as_it_is),
    **dict.fromkeys(OBJECTS, _spelled_object),
    **dict.fromkeys(SELECTS, _spelled_choices),
    **dict.fromkeys(["lookup", "rollup", "formula"], _computed),
    "checkbox": _spelled_checkbox,
    "user": _spelled_users,
    "autonumber": _spelled_number,
}

_TO_TEXT = {
    "number-to-text-1": NUMBERS,
    "checkbox-to-text-1": {"checkbox"},
    "date-to-text-1": MOMENTS,
    "select-to-text-1": SELECTS,
    "user-to-text-1": {"user"},
    "autonumber-to-text-1": {"autonumber"},
    "object-to-text-1": OBJECTS,
    "json-to-text-1": {"json"},
    "computed-to-text-1": {"lookup", "rollup", "formula"},
}
_ALL: Sequence[tuple[AbstractSet[str], AbstractSet[str], Conversion]] = (
    (TEXTS, TEXTS, Conversion("text-to-text-1", _text_to_text)),
    (TEXTS, NUMBERS, Conversion("text-to-number-1", _text_to_number)),
    (TEXTS, MOMENTS, Conversion("text-to-date-1", _text_to_date)),
    (TEXTS, {"checkbox"}, Conversion("text-to-checkbox-1", _text_to_checkbox)),
    (TEXTS, {"single_select"}, Conversion("text-to-select-1", _text_to_single)),
    (TEXTS, {"multi_select"}, Conversion("text-to-select-1", _text_to_multi)),
    (TEXTS, {"linked_record"}, Conversion("text-to-links-1", _text_to_links)),
    (PLAIN_TEXTS, {"json"}, Conversion("text-to-json-1", _text_to_json)),
    (NUMBERS, NUMBERS, Conversion("number-to-number-1", _number_to_number)),
    (MOMENTS, MOMENTS, Conversion("date-to-date-1", _date_to_date)),
    (
        SELECTS,
        SELECTS,
        Conversion("select-to-select-1", _select_to_select, _choices_left),
    ),
    ({"user"}, {"user"}, Conversion("user-to-user-1", _user_to_user)),
    ({"linked_record"}, PLAIN_TEXTS, Conversion("links-to-text-1", _links_to_text)),
    *(
        (sources, PLAIN_TEXTS, Conversion(name, _to_text))
        for name, sources in _TO_TEXT.items()
    ),
)
