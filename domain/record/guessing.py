"""Which type of field would take a column of texts.  Pure; a guess and no promise."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from domain.errors import Json
from domain.record.cells import number_of
from domain.values import BadValue, parse_datetime

MOST_CHOICES = 20  # different values of what is taken for a choice
REPEATED = 3  # times that each of them occurs, at least and on average
LONGEST_CHOICE = 60
LONGEST_LINE = 255  # characters of a text that is not long

_WORDS = frozenset({"true", "false", "yes", "no"})
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Guess:
    """A type, and the options that a field of it would need."""

    type: str
    options: dict[str, Json] = field(default_factory=dict)


def guess(texts: Sequence[str]) -> Guess:
    """The narrowest type that takes them all; text where there is nothing to go by."""
    values = [text.strip() for text in texts if text.strip()]
    if not values:
        return Guess("text")
    for name, fits in _NARROW:
        if all(map(fits, values)):
            return Guess(name)
    found = dict.fromkeys(texts)
    found.pop("", None)
    if _chosen(list(found), len(values)):
        return Guess("single_select", {"choices": [{"name": one} for one in found]})
    lengthy = any(len(one) > LONGEST_LINE or "\n" in one for one in texts)
    return Guess("long_text" if lengthy else "text")


def looks_typed(text: str) -> bool:
    """Whether a cell holds a number, a day, a moment: what no column is called.  A
    yes or no is no sign, for many a column is called No."""
    value = text.strip()
    return _number(value) or _date(value) or _moment(value)


def _chosen(found: Sequence[str], count: int) -> bool:
    return (
        len(found) <= MOST_CHOICES
        and count >= REPEATED * len(found)
        and all(len(one) <= LONGEST_CHOICE and "\n" not in one for one in found)
        and all(one == one.strip() for one in found)
    )


def _number(text: str) -> bool:
    return bool(text) and not isinstance(number_of(text), str)


def _date(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _moment(text: str) -> bool:
    try:
        parse_datetime(text)
    except BadValue:
        return False
    return True


_NARROW = (
    ("checkbox", lambda text: text.lower() in _WORDS),
    ("number", _number),
    ("date", _date),
    ("datetime", _moment),
)
