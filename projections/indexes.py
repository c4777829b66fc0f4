"""Indexes that would have helped a list: which they are, and how they are made.  Pure.

    order    btree  the key that a list is sorted by, then the record's number
    compare  btree  numbers, days, moments, choices: eq, gt, gte, lt, lte
    equal    hash   texts: eq; a btree does not take values of any length
    search   gin    the trigrams of texts: contains, from three characters on

Their names tell the field and the kind, so that no list of them has to be kept.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from domain.catalog import Field
from domain.ids import WorkspaceId
from projections.query import SYSTEM_FIELDS, And, Condition, Query, Sort, Where, family
from projections.sql import column_of, key_of
from projections.target import live

SEARCH_SCHEMA = "search"  # where the extension with the trigrams is
MOST_SORTED = 600  # characters: a btree's row has 2,704 bytes, a character at most 4
_LEAST_SOUGHT = 3  # characters that a trigram has
_COMPARED = frozenset(["number", "date", "datetime", "select"])
_NAME = re.compile(r"demand_[0-9a-f]{32}(_[a-z]+){1,4}")


@dataclass(frozen=True, order=True, slots=True)
class Index:
    """`kind`: order_asc, order_desc, compare, equal, search."""

    workspace_id: WorkspaceId
    table_id: str
    field_id: str
    kind: str
    slot: str = ""  # of the field: another type, another column

    @property
    def name(self) -> str:
        words = (self.field_id.replace("-", ""), self.slot, self.kind)
        return "_".join(["demand", *filter(None, words)])


def is_ours(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def helpful(workspace_id: WorkspaceId, query: Query) -> list[Index]:
    """The indexes that could have served a query; none for what no index serves."""
    found = [
        *_of_conditions(query.where),
        *(_of_sort(sort) for sort in query.sorts[:1]),
    ]
    return [
        Index(workspace_id, query.table.id, field.id, kind, field.slot)
        for field, kind in found
        if kind and _has_column(field)
    ]


def _has_column(field: Field) -> bool:
    return field.column is not None and field.id not in SYSTEM_FIELDS


def _of_conditions(where: Where) -> Iterator[tuple[Field, str]]:
    """Of those that all have to be true: one index is enough to find the records."""
    if isinstance(where, And):
        for item in where.items:
            yield from _of_conditions(item)
    elif isinstance(where, Condition):
        yield where.field, _of_condition(where)


def searches(where: Where) -> Iterator[Condition]:
    """The conditions that all have to be true and that an index on trigrams serves."""
    if isinstance(where, And):
        for item in where.items:
            yield from searches(item)
    elif (
        isinstance(where, Condition)
        and _has_column(where.field)
        and _of_condition(where) == "search"
    ):
        yield where


def _of_condition(condition: Condition) -> str:
    kind = family(condition.field)
    match condition.operator:
        case "eq" | "gt" | "gte" | "lt" | "lte" if kind in _COMPARED:
            return "compare"
        case "eq" if kind == "text":
            return "equal"
        case "contains" if kind == "text":
            sought = str(condition.value)
            long_enough = len(sought) >= _LEAST_SOUGHT and sought.isascii()
            return "search" if long_enough else ""
        case _:
            return ""


def _of_sort(sort: Sort) -> tuple[Field, str]:
    kind = family(sort.field)
    if kind == "text":
        fits = int(str(sort.field.option("max_length", 0) or 0)) in range(
            1, MOST_SORTED + 1
        )
    else:
        fits = kind in ("number", "date", "datetime")
    return sort.field, f"order_{'desc' if sort.descending else 'asc'}" if fits else ""


def create(index: Index, field: Field) -> sql.Composed:
    """The statement that makes it while writes go on."""
    column = column_of(field, alias=None)
    match index.kind:
        case "compare":
            method, keys = "btree", sql.SQL("({})").format(column)
        case "equal":
            method, keys = "hash", sql.SQL("({})").format(column)
        case "search":
            method = "gin"
            keys = sql.SQL('lower({} COLLATE "C") {}').format(
                column, sql.Identifier(SEARCH_SCHEMA, "gin_trgm_ops")
            )
        case _:
            direction = "DESC" if index.kind == "order_desc" else "ASC"
            method = "btree"
            keys = sql.SQL("({}) {} NULLS LAST, number").format(
                key_of(field, column), sql.SQL(direction)
            )
    return sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} USING {} ({})").format(
        sql.Identifier(index.name),
        live(index.workspace_id).of_records(index.table_id),
        sql.SQL(method),
        keys,
    )


def drop(schema: str, name: str) -> sql.Composed:
    return sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(
        sql.Identifier(schema, name)
    )
