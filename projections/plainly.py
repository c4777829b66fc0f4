"""Conditions as SQL says them, from texts: what a query string asks of a column.

Pure.  They are nodes of the one tree (`projections.query`).  An empty value is left
out by every operator, `neq` too.  `eq` and what looks into texts tell upper from lower
case, but for `icontains`; `gt`, `gte`, `lt` and `lte` compare texts by code point,
numbers as numbers, dates and moments in time: a day alone is its midnight in the
field's zone.  A choice goes by its name, several choices and users by one of them, a
link by a record's id.  A text that is none of the column's type is refused.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from domain.catalog import Field
from domain.errors import Invalid
from domain.values import BadValue
from projections.query import (
    And,
    Condition,
    Or,
    Sort,
    Where,
    family,
    has_order,
    midnight,
    read_day,
    read_operand,
)

OPERATORS: Final = (
    *("eq", "neq", "gt", "gte", "lt", "lte"),
    *("contains", "icontains", "startswith", "endswith"),
)
_ORDERED = OPERATORS[:6]
_LIKE = OPERATORS[6:]
_OF_FAMILY: Final[Mapping[str, tuple[str, ...]]] = {
    "text": OPERATORS,
    "number": _ORDERED,
    "date": _ORDERED,
    "datetime": _ORDERED,
    "checkbox": ("eq", "neq"),
    "select": ("eq", "neq", *_LIKE),
    "choices": ("eq", "neq", "contains"),
    "user": ("eq", "neq", "contains"),
    "link": ("contains",),
    "id": ("eq", "neq"),
}
# an operator in the tree's words
_IN_THE_TREE = {
    "icontains": "contains",
    "startswith": "starts_with",
    "endswith": "ends_with",
}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_TRUE, _FALSE = ("true", "t", "1", "yes", "on"), ("false", "f", "0", "no", "off")

NOTHING: Final = Or(())


class NotOfThisColumn(Invalid):
    """The column does not take the operator"""


def condition(field: Field, operator: str, text: str) -> Where:
    """`field` `operator` `text`; `operator` is one of `OPERATORS`.

    Raises NotOfThisColumn for an operator that is not for this type, Invalid for a text
    that is not of it.
    """
    if operator not in _OF_FAMILY.get(family(field), ()):
        raise NotOfThisColumn()
    if text == "" and operator in ("eq", "neq") and _keeps_no_blank(field):
        there = Condition(field, "is_not_empty", None)
        return there if operator == "neq" else NOTHING
    word = _IN_THE_TREE.get(operator, operator)
    try:
        value = _operand(field, word, text)
    except BadValue as error:
        raise Invalid(str(error)) from error
    found = Condition(field, word, value, exact=operator != "icontains")
    if operator == "neq" and family(field) != "checkbox":
        return And((found, Condition(field, "is_not_empty", None)))
    return found


def sort(field: Field, *, descending: bool) -> Sort:
    """As SQL does it unless told: empty values last, and first where it descends.

    Raises NotOfThisColumn for a field that has no order.
    """
    if not has_order(field):
        raise NotOfThisColumn()
    return Sort(field, descending, empty_first=descending)


def _keeps_no_blank(field: Field) -> bool:
    return family(field) in ("text", "select", "choices", "user")


def _operand(field: Field, operator: str, text: str) -> Any:
    match family(field):
        case "number":
            return read_operand(field, operator, _number(text))
        case "checkbox":
            return _truth(text)
        case "datetime":
            day = read_day(text)
            if day is not None:
                return midnight(field, day)
        case _:
            pass
    return read_operand(field, operator, text)


def _number(text: str) -> Decimal | str:
    """A number; what is none stays as it is, for types that read texts too."""
    if len(text) > 200 or not _NUMBER.fullmatch(text):
        return text
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _truth(text: str) -> bool:
    word = text.lower()
    if word not in (*_TRUE, *_FALSE):
        raise BadValue("Value must be true or false")
    return word in _TRUE
