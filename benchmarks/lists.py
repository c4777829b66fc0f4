"""The lists that are read: a filter on a number and one on a text, sorted by a date.

Pure, but for the SQL of the yardstick, which asks the compiler of the server for the
very statements that it would send.
"""

import json
from collections.abc import Iterator
from urllib.parse import quote

import psycopg
from psycopg import sql

from domain.catalog import Catalog, Table
from domain.ids import TableId
from projections.indexes import Index, helpful
from projections.query import And, Page, Query, compare, find_field, sort_by
from projections.records.output import record_json
from projections.sql import Clause, count, order_by, where
from projections.target import live

RECORDS = 100_000
LIMIT = 100
PAGES = 100
SELECTIVE_PAGES = 60  # that each selective list has at least
DEEP_OFFSET = 50_000
DIGITS = "12345"  # a filter each: the names that hold the digit
_LEAST_PRICE = 100  # of 0 to 1,000; the deep list takes all prices

_SORT = quote(json.dumps([{"field": "Day", "direction": "asc"}]))


def _filter(digit: str, price: str) -> str:
    parts = [f'{{"field":"Price","operator":"gt","value":{price}}}']
    if digit:
        parts.append(f'{{"field":"Name","operator":"contains","value":"{digit}"}}')
    return quote(f'{{"AND":[{",".join(parts)}]}}')


def paths(records: str, table_id: str, *, anew: bool) -> Iterator[str]:
    """Paths of the five lists up to their offset; `anew` leaves a place, "@", for
    digits that make a list unlike any that was asked for before."""
    price = f"{_LEAST_PRICE}.{'@' if anew else 0}"
    for digit in DIGITS:
        yield _path(records, table_id, _filter(digit, price))


def deep_path(records: str, table_id: str) -> str:
    return _path(records, table_id, _filter("", "-1"))


def selective_paths(records: str, table_id: str) -> Iterator[str]:
    """Paths of the five lists up to their offset, each of the records of a fifth of the
    numbers whose name has a digit: 7 to 13 of a hundred, which an index finds."""
    for n, digit in enumerate(DIGITS):
        least, most = n * RECORDS // 5, (n + 1) * RECORDS // 5
        parts = (
            f'{{"field":"Qty","operator":"gte","value":{least}}}',
            f'{{"field":"Qty","operator":"lt","value":{most}}}',
            f'{{"field":"Name","operator":"contains","value":"{digit}"}}',
        )
        yield _path(records, table_id, quote(f'{{"AND":[{",".join(parts)}]}}'))


def sought_paths(records: str, table_id: str) -> Iterator[str]:
    """Lists of at most a hundred records, "#" being the request's own number, "~" its
    five digits and "+" a hundred more: an index on demand serves each."""
    day = '[{"field":"Day","direction":"asc"}]'
    for filtered, sort in (
        ('{"Qty":{"$eq":#}}', "[]"),
        ('{"Name":{"$eq":"Widget 0000~"}}', "[]"),
        ('{"Name":{"$contains":"T 0000~"}}', "[]"),
        ('{"AND":[{"Qty":{"$gte":#}},{"Qty":{"$lt":+}}]}', day),
        ('{"AND":[{"Qty":{"$eq":#}},{"Done":false}]}', day),
    ):
        yield _path(records, table_id, _quoted(filtered), _quoted(sort))


def _quoted(text: str) -> str:
    return quote(text).replace("%2B", "+").replace("%23", "#")


def selective_indexes(catalog: Catalog, table_id: str) -> list[Index]:
    """What a server would make for them, had it been slow without."""
    table = catalog.tables[TableId(table_id)]
    wanted = (("Qty", "eq", 1), ("Name", "eq", "a"), ("Name", "contains", "abc"))
    where = And(
        tuple(compare(find_field(table, name), word, one) for name, word, one in wanted)
    )
    return helpful(catalog.id, Query(table, table.fields, where))


def _path(records: str, table_id: str, where: str, sort: str = _SORT) -> str:
    return (
        f"{records}?table_id={table_id}&filter={where.replace('%40', '@')}"
        f"&sort={sort}&limit={LIMIT}&offset="
    )


def pgbench_scripts(
    connection: psycopg.Connection, catalog: Catalog, table_id: str, *, deep: bool
) -> Iterator[str]:
    """The same lists as the statements alone, one script each."""
    table = catalog.tables[TableId(table_id)]
    for digit in [""] if deep else DIGITS:
        query = _query(table, digit, -1 if deep else _LEAST_PRICE)
        offset = DEEP_OFFSET if deep else 0
        lines = [] if deep else [f"\\set page random(0, {PAGES - 1})"]
        for statement, values in _plain(catalog, query, Page(LIMIT, offset)):
            text = psycopg.ClientCursor(connection).mogrify(statement, values)
            if not deep:
                text = text.replace("OFFSET 0::", f"OFFSET :page * {LIMIT}::")
            lines.append(" ".join(text.split()) + ";")
        yield "\n".join(lines) + "\n"


def _plain(catalog: Catalog, query: Query, page: Page) -> list[Clause]:
    """How many match, and the JSON of a page: what one would write by hand."""
    target = live(catalog.id)
    condition, order = where(query, target), order_by(query)
    rows = sql.SQL(
        "SELECT {json} FROM (SELECT t.* FROM {table} AS t WHERE {where}"
        " ORDER BY {order} LIMIT %s::bigint OFFSET %s::bigint) AS t"
    ).format(
        json=record_json(target, query.table),
        table=target.of_records(query.table.id),
        where=condition.text,
        order=order.text,
    )
    values = [*condition.values, *order.values, page.limit, page.offset]
    return [count(query, target), Clause(rows, values)]


def _query(table: Table, digit: str, price: int) -> Query:
    parts = [compare(find_field(table, "Price"), "gt", price)]
    if digit:
        parts.append(compare(find_field(table, "Name"), "contains", digit))
    sorts = (sort_by(find_field(table, "Day")),)
    return Query(table, table.fields, And(tuple(parts)), sorts)
