"""Pages and single records as anybody may see them, each one SELECT.

A record comes as the text of its JSON, relations opened one level deep, those of the
records there as ids.  What nobody may see is left out: of an array, and null where it
would be the only one; so a relation that is empty looks like one to what is hidden.

HTML leaves as it is stored, between two marks that no JSON text can have: whoever shows
it cleans what is between them (`split`).
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Generic, TypeVar

import orjson
from psycopg import sql

from domain.catalog import Catalog, Field, Table
from domain.errors import Malformed
from domain.ids import WorkspaceId
from projections.published import rules
from projections.query import NUMBER, SYSTEM_FIELDS, Sort, has_order, shown
from projections.reader import Statement
from projections.records.content import (
    content_object,
    is_private,
    is_single,
    public_fields,
    shown_json,
)
from projections.records.output import literal
from projections.sql import Clause, sort_key
from projections.target import Target, column_name, live

MARK = "\x02"  # around HTML: a control character is always escaped within JSON
MOST_RELATED = 1_000  # records that one relation of one record is opened to
_SYSTEM = ("created_at", "updated_at", "id")

T = TypeVar("T")


class _Carried(Generic[T]):
    """Takes a catalogue past a cache whose key says all that matters of it."""

    __slots__ = ("it",)

    def __init__(self, it: T) -> None:
        self.it = it

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Carried)


def is_html(field: Field) -> bool:
    """Whether its texts are HTML; of a `json` field those in its array."""
    return field.type in ("long_text", "json") and bool(
        field.option("enable_rich_text", False)
    )


def sort_of(
    table: Table,
    name: str,
    *,
    descending: bool,
    fields: Sequence[Field] | None = None,
) -> Sort:
    """By what every record has, or by a public field (of `fields`, where they are told)
    with an order, by its name.

    Raises Malformed for any other.  Numbers are given in the order of creation, so
    they stand for `created_at`, and part what was created at once.
    """
    if name == "created_at":
        return Sort(NUMBER, descending)
    known = public_fields(table) if fields is None else fields
    found = next((one for one in known if one.api_name == name), None)
    if found is None and name in _SYSTEM:
        return Sort(SYSTEM_FIELDS[name], descending)
    if found is None or found.type == "json" or not has_order(found):
        raise Malformed(f"Entries cannot be sorted by {shown(name)}")
    return Sort(found, descending)


def page(
    catalog: Catalog, table: Table, sort: Sort, at: str, limit: int, offset: int
) -> Statement:
    """(how many there are, the JSON of those on the page with commas between)."""
    text, values = _page(
        catalog.id, catalog.seq, table.id, sort.field.id, sort.descending,
        _Carried((catalog, table, sort)),
    )  # fmt: skip
    return text, [at, *values, limit, offset]


def one(catalog: Catalog, table: Table, record_id: str, at: str) -> Statement:
    """The JSON of one record, where it is there."""
    text = _one(catalog.id, catalog.seq, table.id, _Carried((catalog, table)))
    return text, [at, record_id]


def medium(catalog: Catalog, file_id: str, at: str) -> Statement:
    """(id, name, type, size, SHA-256) of a file that a public record names in a public
    field.  A file that is not there is found out by the primary key of files; for one
    that is, the tables are looked through."""
    text = _medium(catalog.id, catalog.seq, _Carried(catalog))
    named = orjson.dumps([{"id": file_id}]).decode()
    return text, [at, named, catalog.id, file_id]


def turns(catalog: Catalog, tables: Sequence[Table], at: str) -> "Statement | None":
    """(the last moment by `at` at which time alone made something public, the next one
    after it), in microseconds since the epoch; None where time makes nothing public."""
    dated = [one for one in tables if rules.publish_date(one) is not None]
    if not dated:
        return None
    target = live(catalog.id)
    dates = sql.SQL(" UNION ALL ").join(_dates(target, one) for one in dated)
    text = sql.SQL(
        "SELECT max(d.at) FILTER (WHERE d.at <= {now}),"
        " min(d.at) FILTER (WHERE d.at > {now})"
        " FROM (SELECT (extract(epoch FROM d.at) * 1000000)::bigint AS at"
        " FROM ({dates}) AS d (at)) AS d"
    ).format(
        now=sql.SQL("(extract(epoch FROM %s::timestamptz) * 1000000)::bigint"),
        dates=dates,
    )
    return text.as_bytes(), [at, at]


def _dates(target: Target, table: Table) -> sql.Composed:
    """When published records become public, those that say so."""
    date, flag = rules.publish_date(table), rules.published(table)
    assert date is not None
    assert flag is not None
    return sql.SQL(
        "SELECT t.{date}::timestamp AT TIME ZONE 'UTC' FROM {table} AS t"
        " WHERE t.{flag} AND t.{date} IS NOT NULL"
        if date.column == "date"
        else "SELECT t.{date} FROM {table} AS t WHERE t.{flag} AND t.{date} IS NOT NULL"
    ).format(
        date=sql.Identifier(column_name(date.id, date.slot)),
        flag=sql.Identifier(column_name(flag.id, flag.slot)),
        table=target.of_records(table.id),
    )


_AT = sql.SQL("WITH moment AS (SELECT %s::timestamptz AS at) ")
_PAGE = sql.SQL(
    """
    SELECT (SELECT count(*) FROM {table} AS t WHERE {visible}),
           (SELECT string_agg({shown}, ',' ORDER BY {again}) FROM (
               SELECT t.*, {key} AS k FROM {table} AS t WHERE {visible}
               ORDER BY {order} LIMIT %s::bigint OFFSET %s::bigint) AS t)
    """
)


@lru_cache(maxsize=512)
def _page(
    workspace_id: WorkspaceId,
    _catalog_seq: int,
    _table_id: str,
    _sort: str,
    _descending: bool,
    carried: "_Carried[tuple[Catalog, Table, Sort]]",
) -> tuple[bytes, list[object]]:
    catalog, table, sort = carried.it
    target = live(workspace_id)
    found = page_of(
        target,
        table,
        sort,
        record_json(target, catalog, table),
        visible(target, table),
    )
    text = _AT + found.text
    return text.as_bytes(), found.values


def page_of(
    target: Target,
    table: Table,
    sort: Sort,
    shown: sql.Composable,
    public: sql.Composable,
) -> Clause:
    """A SELECT of (how many records are public, what is shown of those on a page with
    commas between); after its values come the page's limit and offset."""
    key = sort_key(sort)
    word = " DESC" if sort.descending else ""
    nulls = "" if sort.field.id in (NUMBER.id, *SYSTEM_FIELDS) else " NULLS LAST"
    order = sql.SQL("k" + word + nulls + ", t.number" + word)
    if sort.field is NUMBER:
        order = sql.SQL("t.number" + word)  # by its index
    text = _PAGE.format(
        table=target.of_records(table.id),
        visible=public,
        shown=shown,
        key=key.text,
        order=order,
        again=sql.SQL("t.k" + word + nulls + ", t.number" + word),
    )
    return Clause(text, key.values)


@lru_cache(maxsize=512)
def _one(
    workspace_id: WorkspaceId,
    _catalog_seq: int,
    _table_id: str,
    carried: "_Carried[tuple[Catalog, Table]]",
) -> bytes:
    catalog, table = carried.it
    target = live(workspace_id)
    text = _AT + sql.SQL(
        "SELECT {shown} FROM {table} AS t WHERE t.id = %s::uuid AND {visible}"
    ).format(
        shown=record_json(target, catalog, table),
        table=target.of_records(table.id),
        visible=visible(target, table),
    )
    return text.as_bytes()


@lru_cache(maxsize=128)
def _medium(
    workspace_id: WorkspaceId, _catalog_seq: int, carried: "_Carried[Catalog]"
) -> bytes:
    catalog, target = carried.it, live(workspace_id)
    named = [
        sql.SQL(
            "EXISTS (SELECT FROM {table} AS t WHERE {visible}"
            " AND {column} @> (SELECT file FROM moment))"
        ).format(
            table=target.of_records(table.id),
            visible=visible(target, table),
            column=sql.Identifier("t", column_name(field.id, field.slot)),
        )
        for table in rules.showing_media(catalog)
        for field in rules.media(table)
    ]
    text = sql.SQL(
        "WITH moment AS (SELECT %s::timestamptz AS at, %s::jsonb AS file)"
        " SELECT f.id, f.name, f.type, f.size, f.sha256 FROM catalog.files AS f"
        " WHERE f.workspace_id = %s::uuid AND f.id = %s::uuid AND ({named})"
    ).format(named=sql.SQL(" OR ").join([sql.SQL("FALSE"), *named]))
    return text.as_bytes()


def visible(target: Target, table: Table, time: str = "at") -> sql.Composable:
    """Whether the record `t` is public at a time of `moment`; never NULL."""
    flag, date = rules.published(table), rules.publish_date(table)
    if flag is None:
        return sql.SQL("TRUE")
    column = sql.Identifier("t", column_name(flag.id, flag.slot))
    if date is None:
        return sql.SQL("({} IS TRUE)").format(column)
    now = f"(SELECT {time} FROM moment)"
    if date.column == "date":
        now = f"({now} AT TIME ZONE 'UTC')::date"
    return sql.SQL(
        "({flag} IS TRUE AND ({date} IS NULL OR {date} <= " + now + "))"
    ).format(flag=column, date=sql.Identifier("t", column_name(date.id, date.slot)))


def record_json(target: Target, catalog: Catalog, table: Table) -> sql.Composable:
    """The JSON of the record `t` of a public table, its relations opened."""
    return entry(
        table, content_object(target, table, partial(_opened, catalog), leaves)
    )


def entry(table: Table, data: sql.Composable) -> sql.SQL:
    """The JSON of the record `t`, of which `data` is the content."""
    text = sql.SQL(
        "concat({id}, t.id, {type}, {data}, {created}, ledger.rfc3339(t.created_at),"
        " {updated}, ledger.rfc3339(t.updated_at), {end})"
    ).format(
        id=literal('{"id":"'),
        type=literal(f'","object_type_id":"{table.id}","data":'),
        data=data,
        created=literal(',"created_at":"'),
        updated=literal('","updated_at":"'),
        end=literal('"}'),
    )
    return sql.SQL(text.as_string())


def leaves(field: Field) -> bool:
    return not is_private(field)


def _opened(catalog: Catalog, target: Target, field: Field) -> sql.Composable:
    """A value of the record that was asked for: relations are the records there."""
    if field.type != "linked_record":
        return plain_json(target, field)
    other = rules.related(catalog, field)
    if other is None:
        return literal("null" if is_single(field) else "[]")
    text = (
        "coalesce((SELECT {shown} FROM {rows} WHERE {visible}), 'null')"
        if is_single(field)
        else "'[' || (SELECT coalesce(string_agg({shown}, ',' ORDER BY l.place, l.id),"
        " '') FROM {rows} WHERE {visible}) || ']'"
    )
    return sql.SQL(text).format(
        shown=entry(
            other, content_object(target, other, partial(_closed, catalog), leaves)
        ),
        rows=_linked(target, field, other),
        visible=visible(target, other),
    )


def _closed(catalog: Catalog, target: Target, field: Field) -> sql.Composable:
    """A value of a record that a relation leads to: its own relations are ids."""
    if field.type != "linked_record":
        return plain_json(target, field)
    other = rules.related(catalog, field)
    if other is None:
        return sql.SQL("NULL")
    if not rules.holds_back(other):
        return shown_json(target, field)
    text = (
        "(SELECT to_json(t.id)::text FROM {rows} WHERE {visible})"
        if is_single(field)
        else "(SELECT json_agg(t.id ORDER BY l.place, l.id)::text"
        " FROM {rows} WHERE {visible})"
    )
    return sql.SQL(text).format(
        rows=_linked(target, field, other), visible=visible(target, other)
    )


def _linked(target: Target, field: Field, other: Table) -> sql.Composed:
    """The records `t` that the record `t` outside is linked to, by the primary keys of
    links and of the table; `l` has their places."""
    return sql.SQL(
        "(SELECT l.target_id AS id, l.position AS place FROM {links} AS l"
        " WHERE l.field_id = {field}::uuid AND l.record_id = t.id"
        " ORDER BY l.position, l.target_id LIMIT {most}) AS l"
        " JOIN {other} AS t ON t.id = l.id"
    ).format(
        links=target.links,
        field=sql.Literal(field.id),
        most=sql.Literal(1 if is_single(field) else MOST_RELATED),
        other=target.of_records(other.id),
    )


def plain_json(target: Target, field: Field) -> sql.Composable:
    value = shown_json(target, field)
    if not is_html(field):
        return value
    return sql.SQL("{0} || {1} || {0}").format(sql.Literal(MARK), value)


def split(text: str) -> list[str]:
    """JSON in pieces: every second one, from the second on, is a JSON value with HTML
    in its strings."""
    return text.split(MARK)
