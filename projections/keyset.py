"""Going on by key: where a row stands in an order, and what comes after it or before.

A list that goes on at a number of rows passed over repeats and misses rows while others
write.  One that goes on behind a row's own keys does neither: the order of `order_by`
is total, because it ends in the row's number.

A key travels as text: `=` and the value where it is short, `~` and the value's digest
where it is long.  A long one is looked up in its record, which has to be as it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from projections.query import Query, Sort
from projections.sql import Clause, never_empty, order_by, sort_key, where
from projections.target import Target

LONGEST = 600  # bytes of a key that travels as it is


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in a query's order: a key a sort, None where empty."""

    record_id: str
    number: int
    keys: tuple[str | None, ...] = ()

    @property
    def leans_on_its_record(self) -> bool:
        return any(key is not None and key.startswith("~") for key in self.keys)


def page(
    query: Query,
    target: Target,
    shown: sql.Composable,
    place: Place | None = None,
    *,
    backwards: bool = False,
) -> Clause:
    """A whole SELECT: `shown`, then `columns`, of one row more than the page after a
    place, or before it.  Rows are chosen before they are shown."""
    condition = where(query, target)
    if place is not None:
        past = beyond(query, place, target, backwards=backwards)
        condition = _said("{} AND {}", condition, past)
    return _said(
        "SELECT {}, {} FROM"
        " (SELECT t.* FROM {} AS t WHERE {} ORDER BY {} LIMIT {}::bigint) AS t",
        shown,
        columns(query),
        target.of_records(query.table.id),
        condition,
        order(query, backwards=backwards),
        _given(query.page.limit + 1),
    )


def any_left_behind(
    query: Query, target: Target, place: Place, *, backwards: bool
) -> Clause:
    """A whole SELECT: whether a row matches that a page beyond the place leaves out at
    its start."""
    return _said(
        "SELECT EXISTS (SELECT FROM {} AS t WHERE {} AND ({}) IS NOT TRUE)",
        target.of_records(query.table.id),
        where(query, target),
        beyond(query, place, target, backwards=backwards),
    )


def still_stands(query: Query, target: Target, place: Place) -> Clause:
    """A whole SELECT: whether the record at a place still has the keys it had."""
    same = [
        _said("{} IS NOT DISTINCT FROM {}::text", _travelling(sort), _given(key))
        for sort, key in zip(query.sorts, place.keys, strict=True)
    ]
    return _said(
        "SELECT EXISTS (SELECT FROM {} AS t WHERE t.id = {}::uuid AND {})",
        target.of_records(query.table.id),
        _given(place.record_id),
        _joined(same, " AND "),
    )


def columns(query: Query) -> Clause:
    """The columns of a row's place: id, number, an array of keys."""
    keys = _joined([_travelling(sort) for sort in query.sorts], ", ")
    return _said("t.id, t.number, ARRAY[{}]::text[]", keys)


def place_of(row: Sequence[Any]) -> Place:
    """Of a row of `columns`."""
    record_id, number, keys = row
    return Place(record_id, number, tuple(keys))


def order(query: Query, *, backwards: bool) -> Clause:
    """What stands after ORDER BY: the query's order, or exactly its opposite."""
    if not backwards:
        return order_by(query)
    parts = []
    for sort in query.sorts:
        direction = "" if sort.descending else " DESC"
        first = "LAST" if sort.empty_first else "FIRST"
        nulls = "" if never_empty(sort.field) else f" NULLS {first}"
        parts.append(_said("{}" + direction + nulls, sort_key(sort)))
    return _joined([*parts, _said("t.number DESC")], ", ")


def beyond(
    query: Query, place: Place, target: Target, *, backwards: bool = False
) -> Clause:
    """A condition on `t`: TRUE for the rows after a place, or before it; FALSE or NULL
    for all others and the one at the place."""
    number = _given(place.number)
    found = _said("t.number < {}" if backwards else "t.number > {}", number)
    for sort, key in reversed(list(zip(query.sorts, place.keys, strict=True))):
        value = None if key is None else _value(query, sort, place, key, target)
        found = _said(
            "({} OR ({} AND {}))",
            _past(sort, value, backwards=backwards),
            _same(sort, value),
            found,
        )
    return found


def _past(sort: Sort, value: Clause | None, *, backwards: bool) -> Clause:
    """That a row's key alone puts it past the place."""
    key = sort_key(sort)
    empty_at_end = sort.empty_first is backwards
    if value is None:
        return _said("FALSE") if empty_at_end else _said("{} IS NOT NULL", key)
    grows = sort.descending is backwards
    compared = _said("{} > {}" if grows else "{} < {}", key, value)
    if not empty_at_end or never_empty(sort.field):
        return compared
    return _said("({} OR {} IS NULL)", compared, key)


def _same(sort: Sort, value: Clause | None) -> Clause:
    if value is None:
        return _said("{} IS NULL", sort_key(sort))
    return _said("{} = {}", sort_key(sort), value)


def _value(query: Query, sort: Sort, place: Place, key: str, target: Target) -> Clause:
    """What a key is compared with.  A parameter without a cast takes the type of what
    it is compared with, which is the type that its text came from."""
    if key.startswith("="):
        return _given(key[1:])
    return _said(
        "(SELECT {} FROM {} AS t WHERE t.id = {}::uuid)",
        sort_key(sort),
        target.of_records(query.table.id),
        _given(place.record_id),
    )


def _travelling(sort: Sort) -> Clause:
    key = _said("({})::text", sort_key(sort))
    return _said(
        "CASE WHEN octet_length({}) > {}::integer"
        " THEN '~' || md5({}) ELSE '=' || {} END",
        key,
        _given(LONGEST),
        key,
        key,
    )


def _said(text: str, *parts: Clause | sql.Composable) -> Clause:
    """A piece of SQL with pieces in its braces, and all their values in order."""
    clauses = [
        one if isinstance(one, Clause) else Clause(sql.Composed([one]), [])
        for one in parts
    ]
    return Clause(
        sql.SQL(text).format(*(one.text for one in clauses)),
        [value for one in clauses for value in one.values],
    )


def _given(value: str | int | None) -> Clause:
    return Clause(sql.Composed([sql.SQL("%s")]), [value])


def _joined(clauses: Iterable[Clause], word: str) -> Clause:
    found = list(clauses)
    return Clause(
        sql.SQL(word).join(clause.text for clause in found),
        [value for clause in found for value in clause.values],
    )
