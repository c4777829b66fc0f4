"""What a view shows of its table: its filters and sorts, kept by field id, as a query.

A filter is kept as JSON, so that a view outlives changes of names, types and choices:

    filters    [node, …]                           all of them hold
    node       {"AND": [node, …]} | {"OR": [node, …]} | {"NOT": node} | condition
    condition  {"field": id, "operator": word, "value": value}
    sorts      [{"field": id, "direction": "asc" | "desc"}, …]

A number is kept as {"number": "29.99"}, a choice that is compared whole by its id.

What no longer fits its table (the field is deleted, or its type takes no such operator
or value) is left out as if it had not been written, and told as `Unusable`.  A group
of which nothing is left is left out too; so is a Not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from domain.catalog import Field, Table, View
from domain.errors import Invalid, Json
from domain.layout import Unusable, working_config
from domain.values import decimal_text
from projections.query import (
    SYSTEM_FIELDS,
    And,
    Not,
    Or,
    Query,
    Sort,
    Where,
    compare,
    family,
    sort_by,
)

_SEARCHED = frozenset({"text", "select"})  # families that contain text
# operators that compare whole choices
_WHOLE = {
    "single_select": ("eq", "neq"),
    "multi_select": ("eq", "neq", "contains", "not_contains"),
}
_GROUPS: Mapping[str, Callable[[tuple[Where, ...]], Where]] = {"AND": And, "OR": Or}


# ---------------------------------------------------------------- keeping


def kept_condition(of: Field, operator: str, value: Any) -> Json:
    """A condition as it is kept.  Raises Invalid where `compare` would."""
    compare(of, operator, value)
    if operator in ("is_empty", "is_not_empty"):
        value = None  # nobody looked at it
    return {
        "field": of.id,
        "operator": operator,
        "value": _kept(_by_choice(of, operator, value, of.choice_ids)),
    }


def kept_sorts(sorts: Sequence[Sort]) -> list[Json]:
    return [
        {"field": one.field.id, "direction": "desc" if one.descending else "asc"}
        for one in sorts
    ]


def _by_choice(of: Field, operator: str, value: Any, words: Mapping[str, str]) -> Any:
    """A choice in the other word for it, where whole choices are compared."""
    if operator not in _WHOLE.get(of.type, ()):
        return value
    if isinstance(value, list):
        return [_by_choice(of, operator, one, words) for one in value]
    return words.get(value, value) if isinstance(value, str) else value


def _kept(value: Any) -> Json:
    if isinstance(value, list):
        return [_kept(item) for item in value]
    if isinstance(value, dict):
        return {key: _kept(item) for key, item in value.items()}
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return {"number": decimal_text(value)}
    return value  # type: ignore[no-any-return]


def _said(value: Any, number: Callable[[str], Any]) -> Any:
    """The opposite of `_kept`; `number` makes one of its digits."""
    if isinstance(value, list):
        return [_said(item, number) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"number"} and isinstance(value["number"], str):
        return number(value["number"])
    return {key: _said(item, number) for key, item in value.items()}


def _digits(text: str) -> Any:
    """The number in the reply's JSON, digit by digit."""
    return orjson.Fragment(text)


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Working:
    """A view as far as it works with its table today.

    `filters` and `sorts` in words of today, ready to be shown; `unusable`, what is left
    out of them and of the configuration.
    """

    where: Where
    sorts: tuple[Sort, ...]
    shown_filters: list[Any]
    shown_sorts: list[Any]
    config: dict[str, Json]
    unusable: Sequence[Unusable]


def working(view: View, table: Table) -> Working:
    """Never raises: what does not fit is told."""
    config, unusable = working_config(view, table)
    reading = _Reading(table)
    nodes = [found for node in view.filters if (found := reading.node(node))]
    sorts = [order for one in view.sorts if (order := reading.sort(one))]
    items = tuple(where for where, _ in nodes)
    return Working(
        items[0] if len(items) == 1 else And(items),
        tuple(sort for sort, _ in sorts),
        [shown for _, shown in nodes],
        [shown for _, shown in sorts],
        config,
        [*unusable, *reading.unusable],
    )


@dataclass
class _Reading:
    """Reads what a view keeps: each part as (the tree's, what is shown), or None."""

    table: Table
    unusable: list[Unusable] = field(default_factory=list)

    def node(self, kept: Any) -> tuple[Where, Any] | None:
        for word, group in _GROUPS.items():
            if word in kept:
                return self._group(word, group, kept[word])
        if "NOT" in kept:
            inside = self.node(kept["NOT"])
            return inside and (Not(inside[0]), {"NOT": inside[1]})
        return self._condition(kept)

    def _group(
        self,
        word: str,
        group: Callable[[tuple[Where, ...]], Where],
        kept: Sequence[Any],
    ) -> tuple[Where, Any] | None:
        items = [found for node in kept if (found := self.node(node))]
        if kept and not items:
            return None
        return group(tuple(one for one, _ in items)), {word: [one for _, one in items]}

    def _condition(self, kept: Any) -> tuple[Where, Any] | None:
        operator, value = kept["operator"], _said(kept["value"], Decimal)
        try:
            of = self._field(kept["field"])
            where = compare(of, operator, value)
        except Invalid as error:
            self._leave_out("filters", kept, error.detail)
            return None
        value = _by_choice(of, operator, _said(kept["value"], _digits), of.choice_names)
        return where, {**_named(of), "operator": operator, "value": value}

    def sort(self, kept: Any) -> tuple[Sort, Any] | None:
        try:
            of = self._field(kept["field"])
            found = sort_by(of, descending=kept["direction"] == "desc")
        except Invalid as error:
            self._leave_out("sorts", kept, error.detail)
            return None
        return found, {**_named(of), "direction": kept["direction"]}

    def _field(self, field_id: str) -> Field:
        found = self.table.by_id.get(field_id) or SYSTEM_FIELDS.get(field_id)
        if found is None:
            raise Invalid("The field is deleted")
        return found

    def _leave_out(self, place: str, kept: Any, reason: str) -> None:
        shown = (
            {**kept, "value": _said(kept["value"], _digits)}
            if "value" in kept
            else kept
        )
        self.unusable.append(Unusable(place, shown, reason))


def _named(of: Field) -> dict[str, Json]:
    return {"field": of.name, "field_id": of.id}


# ---------------------------------------------------------------- asking


def search(table: Table, text: str) -> Where:
    """Records that have the text in a field that holds text, in any case of letters."""
    return Or(
        tuple(
            compare(one, "contains", text)
            for one in table.fields
            if family(one) in _SEARCHED
        )
    )


def view_query(
    view: View,
    table: Table,
    *,
    where: "Where | None" = None,
    sorts: tuple[Sort, ...] | None = None,
    text: str = "",
    fields: tuple[Field, ...] | None = None,
) -> Query:
    """A view's records: `where` and `sorts` take the place of its own, `text` is looked
    for among what is left."""
    own = working(view, table)
    found = own.where if where is None else where
    if text:
        found = And((found, search(table, text)))
    return Query(
        table,
        table.fields if fields is None else fields,
        found,
        own.sorts if sorts is None else sorts,
    )
