"""Entries as members read them: one, a page of one type's, a page of many types'.

An entry is the text of its JSON, made by the database.  A list of many types is made in
two steps: which records are on the page, then those, each type's by its own statement.
What is looked at is bounded by the page's depth, but for an order by `updated_at`,
which no index serves, and for counting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg import sql

from domain.catalog import Catalog, Table
from domain.errors import Malformed
from domain.ids import TableId, WorkspaceId
from projections.arrays import text_array
from projections.query import NUMBER, SYSTEM_FIELDS, Page, Query, Sort, has_order, shown
from projections.reader import Reader, Rows, Statement, see
from projections.records.content import content_fields, content_json
from projections.records.output import literal
from projections.sql import page_with_total
from projections.target import Target, live

TYPES_AT_ONCE = 200  # tables of one statement
DEEPEST = 10_000  # entries that a page may lie behind where there are more tables
_SYSTEM = ("created_at", "updated_at")
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """A type of entries: a table of a workspace."""

    workspace_id: WorkspaceId
    table_id: TableId


def sort_of(table: Table, name: str, *, descending: bool) -> Sort:
    """By what every record has, or by a field with an order, by its name.

    Numbers are given in the order of creation, so they stand for `created_at`, and part
    what was created at once.  Raises Malformed.
    """
    if name == "created_at":
        return Sort(NUMBER, descending)
    if name in _SYSTEM:
        return Sort(SYSTEM_FIELDS[name], descending)
    found = next((one for one in content_fields(table) if one.api_name == name), None)
    if found is None or not has_order(found):
        raise not_an_order(name)
    return Sort(found, descending)


def not_an_order(name: str) -> Malformed:
    return Malformed(f"Entries cannot be sorted by {shown(name)}")


def one(
    catalog: Catalog, table: Table, record_id: str, beside: Mapping[str, Any]
) -> Statement:
    """(version, JSON) of an entry, where it is there; `beside` goes with its type."""
    target = live(catalog.id)
    text = sql.SQL("SELECT t.version, {} FROM {} AS t WHERE t.id = %s::uuid").format(
        entry_json(target, catalog, table, beside), target.of_records(table.id)
    )
    return text, [record_id]


def some(catalog: Catalog, table: Table, record_ids: Sequence[str]) -> Statement:
    """(id, JSON) of entries of one type."""
    target = live(catalog.id)
    text = sql.SQL("SELECT t.id, {} FROM {} AS t WHERE t.id = ANY (%s::uuid[])").format(
        entry_json(target, catalog, table), target.of_records(table.id)
    )
    return text, [text_array(list(record_ids))]


def creator(catalog: Catalog, table: Table, record_id: str) -> Statement:
    """(JSON) of who made an entry, where it is there."""
    text = sql.SQL("SELECT {} FROM {} AS t WHERE t.id = %s::uuid").format(
        _CREATOR, live(catalog.id).of_records(table.id)
    )
    return text, [record_id]


def page_of_type(catalog: Catalog, table: Table, sort: Sort, page: Page) -> Statement:
    """(how many there are, JSON), a row an entry."""
    target = live(catalog.id)
    query = Query(table, table.fields, sorts=(sort,), page=page)
    made = page_with_total(query, target, page, entry_json(target, catalog, table))
    return made.text, made.values


def type_of(catalog: Catalog, table: Table) -> dict[str, Any]:
    """An entry's type with its workspace."""
    workspace = catalog.live_workspace()
    return {
        "id": table.id,
        "name": table.name,
        "slug": table.slug,
        "workspace": {
            "id": workspace.id,
            "name": workspace.name,
            "slug": workspace.slug,
        },
    }


def entry_json(
    target: Target, catalog: Catalog, table: Table, beside: Mapping[str, Any] = _NOTHING
) -> sql.Composed:
    """The expression of one entry; the table's alias is `t`."""
    kind = {**type_of(catalog, table), **beside}
    parts: list[sql.Composable] = [
        literal('{"id":"'),
        sql.SQL("t.id"),
        literal(f'","object_type_id":"{table.id}","data":'),
        content_json(target, table),
        literal(',"created_at":"'),
        sql.SQL("ledger.rfc3339(t.created_at)"),
        literal('","updated_at":"'),
        sql.SQL("ledger.rfc3339(t.updated_at)"),
        literal(f'","object_type":{orjson.dumps(kind).decode()},"creator":'),
        _CREATOR,
        literal("}"),
    ]
    return sql.SQL("concat({})").format(sql.SQL(", ").join(parts))


# by the accounts' primary key; what made a record need not be a user
_CREATOR = sql.SQL(
    "coalesce((SELECT json_build_object('id', a.user_id, 'email', a.email,"
    " 'full_name', a.name)::text FROM vault.accounts AS a WHERE a.user_id ="
    " CASE WHEN t.created_by ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'"
    " THEN t.created_by::uuid END),"
    " json_build_object('id', t.created_by, 'email', '', 'full_name', '')::text)"
).format()


# ------------------------------------------------------------------ of many types


async def page_of_many(
    reader: Reader, places: Sequence[Place], by: str, page: Page, *, descending: bool
) -> tuple[list[tuple[Place, str]], int]:
    """The records on a page over these tables, and how many there are.

    Raises Malformed where the page lies too deep in too many tables.
    """
    if len(places) <= TYPES_AT_ONCE:
        rows, total = await _page(reader, places, by, page, descending=descending)
        return [(places[row[1]], row[0]) for row in rows], total
    depth = page.offset + page.limit
    if depth > DEEPEST:
        raise Malformed("The page lies too deep: name an object_type_id")
    found: Rows = []
    total = 0
    for start in range(0, len(places), TYPES_AT_ONCE):
        some = places[start : start + TYPES_AT_ONCE]
        rows, count = await _page(reader, some, by, Page(depth), descending=descending)
        found += [(row[0], start + row[1], *row[2:]) for row in rows]
        total += count
    found.sort(key=lambda row: (*row[2:], row[0]), reverse=descending)
    on_page = found[page.offset : depth]
    return [(places[row[1]], row[0]) for row in on_page], total


async def _page(
    reader: Reader, places: Sequence[Place], by: str, page: Page, *, descending: bool
) -> tuple[Rows, int]:
    """Rows of (id, which place, moment, number), and how many there are."""
    if not places:
        return [], 0
    statement = _many(places, by, page, descending=descending)
    seeing = see(*dict.fromkeys(one.workspace_id for one in places))
    _, rows = await reader.run([seeing, statement])
    return [row[1:] for row in rows if row[1] is not None], int(rows[0][0])


def _many(
    places: Sequence[Place], by: str, page: Page, *, descending: bool
) -> Statement:
    """Of each table as many as may be on the page: by `created_at` by the index on the
    number, which rises with it."""
    way = sql.SQL("DESC" if descending else "ASC")
    first = "t.number {way}" if by == "created_at" else "t.{by} {way}, t.number {way}"
    branch = (
        "(SELECT t.id, {place}::integer AS place, t.{by} AS at, t.number"
        " FROM {table} AS t ORDER BY " + first + " LIMIT {depth})"
    )
    depth = sql.Literal(page.offset + page.limit)
    tables = [live(one.workspace_id).of_records(one.table_id) for one in places]
    union = sql.SQL(" UNION ALL ")
    named = {"by": sql.Identifier(by), "way": way, "depth": depth}
    return sql.SQL(
        """
        SELECT n.total, p.id, p.place,
               (extract(epoch FROM p.at) * 1000000)::bigint, p.number
        FROM (SELECT sum(c.n)::bigint AS total FROM ({counts}) AS c (n)) AS n
        LEFT JOIN (
            SELECT u.* FROM ({rows}) AS u
            ORDER BY u.at {way}, u.number {way}, u.id {way}
            LIMIT %s::bigint OFFSET %s::bigint
        ) AS p ON TRUE
        ORDER BY p.at {way}, p.number {way}, p.id {way}
        """
    ).format(
        counts=union.join(
            sql.SQL("SELECT count(*) FROM {}").format(one) for one in tables
        ),
        rows=union.join(
            sql.SQL(branch).format(table=one, place=sql.Literal(place), **named)
            for place, one in enumerate(tables)
        ),
        way=way,
    ), [page.limit, page.offset]
