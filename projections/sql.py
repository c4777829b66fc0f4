"""The compiler: a `Query` as SQL over its table, which is aliased `t`.

Names come from the catalogue alone, as identifiers; what a client sent is only ever a
parameter, cast to its type, so that a statement can be prepared.  Every condition is
TRUE or FALSE, never NULL, and so NOT means *all the rest*.

Answers do not depend on the database's locale or version.  Text is matched without
regard to case by folding A-Z in SQL (`lower` of COLLATE "C") and, only where the search
text has other letters with case, those letters with `translate`; K and the Kelvin sign
stay apart, and ß is not ss.  What is searched for is taken literally, whatever its
characters.  Text is sorted by `lower(… COLLATE "C")`: A-Z without regard to
case, all else by code point, and an index on that expression serves it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple, assert_never

from psycopg import sql

from domain.catalog import Field
from projections.query import (
    EVERYTHING,
    SYSTEM_FIELDS,
    And,
    Condition,
    Not,
    Or,
    Page,
    Query,
    Sort,
    Where,
    family,
)
from projections.target import Target, column_name


class Clause(NamedTuple):
    """A piece of SQL and the values of its `%s`, in their order."""

    text: sql.Composed
    values: list[Any]


def where(query: Query, target: Target) -> Clause:
    """A boolean expression over `t`, never NULL; TRUE where nothing is asked."""
    return _compiled(query.where, target)


def order_by(query: Query) -> Clause:
    """What stands after ORDER BY.  It ends in `t.number`, unique in a table, whose
    index alone serves a list without a sort."""
    sorts = [_sorted(sort) for sort in query.sorts]
    return _joined([*sorts, _clause("t.number")], ", ")


def page_with_total(
    query: Query, target: Target, page: Page, shown: sql.Composable
) -> Clause:
    """A whole SELECT of (total, `shown`): how many records match beside each row of the
    page, in order; one row without the second where the page is empty.

    `shown` is an expression over `t`.  What a filter finds is looked for once, and both
    counted and sorted; where there is none, an index may give the page by itself.
    """
    table = target.of_records(query.table.id)
    keys = [sort_key(sort) for sort in query.sorts]
    named = _joined(
        [
            _clause(f"{{}} AS k{n}", key.text, values=key.values)
            for n, key in enumerate(keys)
        ],
        ", ",
    )
    comma = sql.SQL(", ") if keys else sql.SQL("")
    again = sql.SQL(
        ", ".join(
            [f"t.k{n}{_direction(sort)}" for n, sort in enumerate(query.sorts)]
            + ["t.number"]
        )
    )
    bounds = [page.limit, page.offset]
    if query.where == EVERYTHING:
        order = order_by(query)
        return Clause(
            _PAGE_OF_ALL.format(
                table=table,
                keys=comma + named.text,
                order=order.text,
                again=again,
                shown=shown,
            ),
            [*named.values, *order.values, *bounds],
        )
    condition = where(query, target)
    return Clause(
        _PAGE_OF_HITS.format(
            table=table,
            keys=comma + named.text,
            where=condition.text,
            again=again,
            names=comma + sql.SQL(", ".join(f"h.k{n}" for n in range(len(keys)))),
            shown=shown,
        ),
        [*named.values, *condition.values, *bounds],
    )


_PAGE_OF_HITS = sql.SQL(
    """
    WITH hits AS MATERIALIZED (
        SELECT t.id, t.number{keys} FROM {table} AS t WHERE {where}
    )
    SELECT n.total, CASE WHEN t.id IS NOT NULL THEN {shown} END
    FROM (SELECT count(*) AS total FROM hits) AS n
    LEFT JOIN (
        SELECT t.*{names}
        FROM (
            SELECT t.* FROM hits AS t ORDER BY {again}
            LIMIT %s::bigint OFFSET %s::bigint
        ) AS h
        JOIN {table} AS t ON t.id = h.id
    ) AS t ON TRUE
    ORDER BY {again}
    """
)
_PAGE_OF_ALL = sql.SQL(
    """
    SELECT n.total, CASE WHEN t.id IS NOT NULL THEN {shown} END
    FROM (SELECT count(*) AS total FROM {table}) AS n
    LEFT JOIN (
        SELECT t.*{keys} FROM {table} AS t ORDER BY {order}
        LIMIT %s::bigint OFFSET %s::bigint
    ) AS t ON TRUE
    ORDER BY {again}
    """
)


def count(query: Query, target: Target) -> Clause:
    """A whole SELECT: how many records match, pages aside."""
    condition = where(query, target)
    return Clause(
        sql.SQL("SELECT count(*) FROM {} AS t WHERE {}").format(
            target.of_records(query.table.id), condition.text
        ),
        condition.values,
    )


def _clause(text: str, *parts: sql.Composable, values: Sequence[Any] = ()) -> Clause:
    return Clause(sql.SQL(text).format(*parts), list(values))


def _joined(clauses: Iterable[Clause], word: str) -> Clause:
    found = list(clauses)
    return Clause(
        sql.SQL(word).join(clause.text for clause in found),
        [value for clause in found for value in clause.values],
    )


def _compiled(item: Where, target: Target) -> Clause:
    match item:
        case Condition():
            return _condition(item, target)
        case And(items) | Or(items) if not items:
            return _clause("TRUE" if isinstance(item, And) else "FALSE")
        case And(items) | Or(items):
            word = " AND " if isinstance(item, And) else " OR "
            inner = _joined((_compiled(each, target) for each in items), word)
            return _clause("({})", inner.text, values=inner.values)
        case Not(inside):
            inner = _compiled(inside, target)
            return _clause("NOT {}", inner.text, values=inner.values)
    assert_never(item)


def _condition(condition: Condition, target: Target) -> Clause:
    kind = family(condition.field)
    if kind == "link":
        return _linked(condition, target)
    if kind == "computed":
        return _clause("TRUE" if condition.operator == "is_empty" else "FALSE")
    column = column_of(condition.field)
    if condition.operator == "is_empty":
        return _clause("({} IS NULL)", column)
    if condition.operator == "is_not_empty":
        return _clause("({} IS NOT NULL)", column)
    if kind == "checkbox":
        return _ticked(condition, column)
    if kind == "select":
        return _chosen(condition, column)
    if kind in ("choices", "user"):
        return _having(condition, column)
    if condition.operator in _COMPARISONS:
        return _compared(condition, column, _cast(condition))
    return _matched(condition, column)


def column_of(field: Field, alias: str | None = "t") -> sql.Composable:
    """What a field is compared by, in `t` unless told: its column, or the main part of
    its object.  Links and what is computed have none."""
    if field.type == "autonumber":
        name = "number"
    elif field.id in SYSTEM_FIELDS:
        name = field.id
    else:
        name = column_name(field.id, field.slot)
    column = sql.Identifier(name) if alias is None else sql.Identifier(alias, name)
    if field.kind.part is None:
        return column
    part = sql.SQL("({} ->> {})").format(column, sql.Literal(field.kind.part))
    if field.kind.family == "number":
        return sql.SQL("{}::numeric").format(part)
    return part


_EQUALITY: Final = ("eq", "neq")
# IS NOT NULL makes them FALSE where they were NULL, and leaves an index usable
_COMPARISONS: Final[Mapping[str, str]] = {
    "eq": "({0} IS NOT NULL AND {0} = %s::{1})",
    "neq": "({0} IS DISTINCT FROM %s::{1})",
    "gt": "({0} IS NOT NULL AND {0} > %s::{1})",
    "gte": "({0} IS NOT NULL AND {0} >= %s::{1})",
    "lt": "({0} IS NOT NULL AND {0} < %s::{1})",
    "lte": "({0} IS NOT NULL AND {0} <= %s::{1})",
}


def _cast(condition: Condition) -> str:
    """The Postgres type that a comparison's value is cast to."""
    kind = family(condition.field)
    if kind == "id":
        return "uuid"
    if kind == "number" and condition.field.column in ("integer", "jsonb"):
        return "numeric"
    if condition.field.column == "jsonb":
        return "text"
    if condition.field.type != "autonumber":
        return condition.field.column or "text"
    text = str(condition.value)
    # only a bigint can be looked up in the index on the row's number
    return "bigint" if text.isdecimal() and len(text) <= 18 else "numeric"


def _compared(condition: Condition, column: sql.Composable, cast: str) -> Clause:
    if cast == "text" and condition.operator not in _EQUALITY:
        column = sql.SQL('{} COLLATE "C"').format(column)
    return _clause(
        _COMPARISONS[condition.operator],
        column,
        sql.SQL(cast),
        values=[condition.value],
    )


def _ticked(condition: Condition, column: sql.Composable) -> Clause:
    wants = condition.value is (condition.operator == "eq")
    return _clause(
        "coalesce({}, FALSE)" if wants else "NOT coalesce({}, FALSE)", column
    )


def _having(condition: Condition, column: sql.Composable) -> Clause:
    """Sets of ids: the same ones, or all of these among others."""
    kind = condition.field.column or ""
    if not kind.endswith("[]"):
        # one id alone, which is both
        kind, same = f"{kind}[]", "{0} = ALL (%s::{1})"
    elif condition.operator in _EQUALITY:
        same = "{0} @> %s::{1} AND {0} <@ %s::{1}"
    else:
        same = "{0} @> %s::{1}"
    text = f"({{0}} IS NOT NULL AND {same})"
    if condition.operator in ("neq", "not_contains"):
        text = "NOT " + text
    values = [list(condition.value or ())] * same.count("%s")  # type: ignore[arg-type]
    return _clause(text, column, sql.SQL(kind), values=values)


def _linked(condition: Condition, target: Target) -> Clause:
    """By the links' primary key, or links (field_id, target_id) for a reverse field."""
    field = condition.field
    own, far = (
        ("target_id", "record_id") if field.is_reverse else ("record_id", "target_id")
    )
    text = "EXISTS (SELECT FROM {} AS l WHERE l.field_id = %s::uuid AND l.{} = t.id"
    values: list[Any] = [field.link_key]
    if condition.value is not None:
        text += " AND l.{} = %s::uuid"
        values.append(condition.value)
    if condition.operator in ("is_empty", "not_contains"):
        text = "NOT " + text
    names = (sql.Identifier(own), sql.Identifier(far))
    return _clause(text + ")", target.links, *names, values=values)


# Text without regard to case


def fold(character: str) -> str:
    """The one letter that stands for a letter in any case."""
    if character.isascii():
        return character.lower()
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1 and not folded.isascii():
            return folded
    return character


def folded(text: str) -> str:
    return "".join(map(fold, text))


@lru_cache(maxsize=1)
def _other_cases() -> Mapping[str, str]:
    """For a folded letter outside ASCII, all that fold to it but itself."""
    found: dict[str, str] = {}
    for character in map(chr, range(0x80, 0x1E944)):  # the last letter with case
        letter = fold(character)
        if letter != character:
            found[letter] = found.get(letter, "") + character
    return found


def _haystack(column: sql.Composable, needle: str) -> Clause:
    """A column's text in the folding of `needle`, which is folded already."""
    lowered = sql.SQL('lower({} COLLATE "C")').format(column)
    if needle.isascii():
        return Clause(lowered, [])
    cases = {letter: _other_cases().get(letter, "") for letter in sorted(set(needle))}
    before = "".join(cases.values())
    after = "".join(letter * len(others) for letter, others in cases.items())
    if not before:
        return Clause(lowered, [])
    # what is shorter than the needle is not worth the work
    return _clause(
        "CASE WHEN octet_length({}) >= %s::integer"
        " THEN translate({}, %s::text, %s::text) ELSE '' END",
        column,
        lowered,
        values=[len(needle), before, after],
    )


_LITERALLY: Final = str.maketrans({one: "\\" + one for one in "\\%_"})


def _matched(condition: Condition, column: sql.Composable) -> Clause:
    if condition.exact:
        return _matched_exactly(condition, column)
    needle = folded(str(condition.value))
    haystack = _haystack(column, needle)
    values = [*haystack.values, needle]
    match condition.operator:
        case "contains" if condition.part not in ("", needle):
            # strpos, for an index on trigrams cannot be asked for it
            text = (
                "({0} IS NOT NULL AND {1} LIKE %s::text AND strpos({1}, %s::text) > 0)"
            )
            values = [f"%{condition.part}%", needle]
        case "contains":  # LIKE, for an index on trigrams serves it
            text = "({} IS NOT NULL AND {} LIKE %s::text)"
            values = [*haystack.values, f"%{needle.translate(_LITERALLY)}%"]
        case "not_contains":
            text = "({} IS NULL OR strpos({}, %s::text) = 0)"
        case "starts_with":
            text = "({} IS NOT NULL AND starts_with({}, %s::text))"
        case _:  # ends_with
            text = "({} IS NOT NULL AND right({}, %s::integer) = %s::text)"
            values = [*haystack.values, len(needle), needle]
    return _clause(text, column, haystack.text, values=values)


def _matched_exactly(condition: Condition, column: sql.Composable) -> Clause:
    needle = str(condition.value)
    match condition.operator:
        case "contains":  # without regard to case first: an index serves that
            loose = _matched(replace(condition, exact=False), column)
            text, values = "({} AND strpos({}, %s::text) > 0)", [*loose.values, needle]
            return _clause(text, loose.text, column, values=values)
        case "starts_with":
            text, values = "({0} IS NOT NULL AND starts_with({0}, %s::text))", [needle]
        case _:  # ends_with
            text = "({0} IS NOT NULL AND right({0}, %s::integer) = %s::text)"
            values = [len(needle), needle]
    return _clause(text, column, values=values)


# Choices: what is compared is a name, what is stored an id


_MATCHES: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "contains": lambda name, needle: needle in name,
    "starts_with": lambda name, needle: name.startswith(needle),
    "ends_with": lambda name, needle: name.endswith(needle),
}


def _chosen(condition: Condition, column: sql.Composable) -> Clause:
    ids = _choices(condition)
    if condition.operator in ("neq", "not_contains"):
        return _clause("({0} IS NULL OR {0} <> ALL (%s::text[]))", column, values=[ids])
    return _clause("({0} IS NOT NULL AND {0} = ANY (%s::text[]))", column, values=[ids])


def _choices(condition: Condition) -> list[str]:
    """The ids of the choices that the condition, or its opposite, is about."""
    field, value = condition.field, str(condition.value)
    if condition.operator in ("eq", "neq"):
        found = field.choice_ids.get(value)
        return [] if found is None else [found]
    matches = _MATCHES[condition.operator.removeprefix("not_")]
    spelled = str if condition.exact else folded
    return [
        choice_id
        for choice_id, name in field.choice_names.items()
        if matches(spelled(name), spelled(value))
    ]


def never_empty(field: Field) -> bool:
    """Whether every record has a value of it."""
    return field.type == "autonumber" or field.id in SYSTEM_FIELDS


def sort_key(sort: Sort) -> Clause:
    """What a sort compares: an expression over `t`, NULL where the value is empty."""
    field, column = sort.field, column_of(sort.field)
    if never_empty(field):
        return _clause("{}", column)
    values: list[Any] = []
    if family(field) in ("select", "choices"):
        values.append(list(field.choice_names))
    return Clause(key_of(field, column), values)


def key_of(field: Field, column: sql.Composable) -> sql.Composed:
    """The expression that a field is sorted by; a select's takes its choices."""
    match family(field):
        case "text":
            key = 'lower({} COLLATE "C")'
        case "checkbox":
            key = "coalesce({}, FALSE)"
        case "choices":
            # by its first choice, then the next, in the order of the field's choices
            key = (
                "CASE WHEN {0} IS NOT NULL THEN ARRAY(SELECT array_position("
                "%s::text[], c.id) FROM unnest({0}) WITH ORDINALITY AS c (id, place)"
                " ORDER BY c.place) END"
            )
        case "select":
            key = "array_position(%s::text[], {})"
        case _:
            key = "{}"
    return sql.SQL(key).format(column)


def _sorted(sort: Sort) -> Clause:
    key = sort_key(sort)
    return _clause("{}" + _direction(sort), key.text, values=key.values)


def _direction(sort: Sort) -> str:
    # where never NULL: to say where NULLs go would put the index out of use
    last = "FIRST" if sort.empty_first else "LAST"
    nulls = "" if never_empty(sort.field) else f" NULLS {last}"
    return (" DESC" if sort.descending else "") + nulls
