"""A table's rows as facts: whole rows with their links, versions, kept values.

Kept values come as the database's own text, which is their canonical form: a numeric
keeps the decimals it was given, a date is ISO 8601, a moment is spelled in UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import psycopg
from psycopg import sql

from domain.catalog import Catalog, Field, Table
from domain.facts import Link, Row
from domain.ids import RecordId, TableId
from domain.values import Value
from projections.records.ddl import stored_columns
from projections.target import Target, column_name

_CHUNK = 90  # arguments of one json_build_array; a function takes a hundred

# a moment as it is kept and shown: a fraction only where there is one
MOMENT = sql.SQL(
    "rtrim(ltrim(to_json({} AT TIME ZONE 'UTC')::text, '\"'), '\"') || 'Z'"
)


def kept(column: sql.Composable, field: Field) -> sql.Composable:
    """A field's column as the kept value's JSON-able form."""
    if field.column == "timestamptz":
        return MOMENT.format(column)
    if field.column in ("numeric", "integer", "date") or field.kind.as_text:
        return sql.SQL("{}::text").format(column)
    return column


def _kept_values(table: Table) -> sql.Composable:
    """All columns as JSON arrays, `[…][…]`, one a chunk, in `table.columns`' order."""
    parts = [
        kept(sql.Identifier("t", name), field)
        for field, name, _ in stored_columns(table)
    ]
    chunks = [
        sql.SQL("json_build_array({})::text").format(
            sql.SQL(", ").join(parts[start : start + _CHUNK])
        )
        for start in range(0, len(parts), _CHUNK)
    ]
    return sql.SQL(" || ',' || ").join(chunks) if chunks else sql.SQL("''")


def select_rows(target: Target, table: Table) -> sql.Composed:
    """Whole rows by `%s::uuid[]`: served by the primary key."""
    return sql.SQL(
        """
        SELECT t.id, t.number, t.version, ledger.rfc3339(t.created_at), t.created_by,
               ledger.rfc3339(t.updated_at), t.updated_by, {values}
        FROM {table} AS t
        WHERE t.id = ANY (%s::uuid[])
        """
    ).format(values=_kept_values(table), table=target.of_records(table.id))


def select_next_rows(target: Target, table: Table) -> sql.Composed:
    """Whole rows after a number, so many, by number: for `row_from` too."""
    return sql.SQL(
        """
        SELECT t.id, t.number, t.version, ledger.rfc3339(t.created_at), t.created_by,
               ledger.rfc3339(t.updated_at), t.updated_by, {values}
        FROM {table} AS t
        WHERE t.number > %s::bigint ORDER BY t.number LIMIT %s::bigint
        """
    ).format(values=_kept_values(table), table=target.of_records(table.id))


def row_from(table: Table, row: Sequence[Any]) -> Row:
    """A row of `select_rows`; its links come apart."""
    record_id, number, version, created_at, created_by, updated_at, by, values = row
    items, *more = orjson.loads(f"[{values}]") or [[]]
    for chunk in more:
        items += chunk
    return Row(
        record_id,
        table.id,
        number,
        version,
        dict(zip(table.column_ids, items, strict=True)),
        {},
        created_at,
        created_by,
        updated_at,
        by,
    )


def select_links(target: Target, field: Field, other: Table) -> sql.Composed:
    """Links of records by `%s::uuid[]` through one field: (record, other record, place
    there, the other's place here, its version, how many links it has), in order."""
    own, far, position, there = (
        ("target_id", "record_id", "reverse_position", "position")
        if field.is_reverse
        else ("record_id", "target_id", "position", "reverse_position")
    )
    return sql.SQL(
        """
        SELECT l.{own}, l.{far}, l.{there}, l.{position}, o.version,
               (SELECT count(*) FROM {links} AS s
                WHERE s.field_id = l.field_id AND s.{far} = l.{far})
        FROM {links} AS l
        JOIN {other} AS o ON o.id = l.{far}
        WHERE l.field_id = {field}::uuid AND l.{own} = ANY (%s::uuid[])
        ORDER BY l.{own}, l.{position}, l.{far}
        """
    ).format(
        own=sql.Identifier(own),
        far=sql.Identifier(far),
        there=sql.Identifier(there),
        position=sql.Identifier(position),
        links=target.links,
        other=target.of_records(other.id),
        field=sql.Literal(field.link_key),
    )


def linked_fields(table: Table, catalog: Catalog) -> list[tuple[Field, Table]]:
    """The link fields of a table, deleted ones too, with the tables they lead to."""
    found = []
    for field in table.links:
        other = catalog.tables.get(TableId(str(field.options["linked_table_id"])))
        if other is not None:
            found.append((field, other))
    return found


def group_links(
    rows: Iterable[Sequence[Any]],
) -> tuple[dict[str, list[Link]], dict[str, int], dict[str, int]]:
    """Of `select_links`: links by record, the other records' versions, and how many
    links each of those has."""
    links: dict[str, list[Link]] = {}
    versions: dict[str, int] = {}
    held: dict[str, int] = {}
    for record, other, there, here, version, count in rows:
        links.setdefault(record, []).append(Link(RecordId(other), there, here))
        versions[other] = version
        held[other] = count
    return links, versions, held


def select_versions(target: Target, table_id: str) -> sql.Composed:
    return sql.SQL("SELECT id, version FROM {} WHERE id = ANY (%s::uuid[])").format(
        target.of_records(table_id)
    )


def select_column(target: Target, table: Table, field: Field) -> sql.Composed:
    """(record id, kept value) of one field of every record, in the records' order."""
    if field.column is not None:
        column: sql.Composable = kept(
            sql.Identifier("t", column_name(field.id, field.slot)), field
        )
    elif field.type == "autonumber":
        column = sql.SQL("t.number::text")
    elif field.kind.computed:
        column = sql.SQL("NULL::text")
    else:
        own = "target_id" if field.is_reverse else "record_id"
        column = sql.SQL(
            "(SELECT 'linked' FROM {} AS l WHERE l.field_id = {}::uuid"
            " AND l.{} = t.id LIMIT 1)"
        ).format(target.links, sql.Literal(field.link_key), sql.Identifier(own))
    return sql.SQL("SELECT t.id, {} FROM {} AS t ORDER BY t.number").format(
        column, target.of_records(table.id)
    )


def select_no_values(target: Target, table: Table) -> sql.Composed:
    """(record id, NULL) of every record, as of a field that is about to be made."""
    return sql.SQL("SELECT t.id, NULL::text FROM {} AS t ORDER BY t.number").format(
        target.of_records(table.id)
    )


def column_values(
    connection: psycopg.Connection, target: Target, table: Table, field: Field
) -> list[tuple[str, Value]]:
    return [
        (row[0], row[1])
        for row in connection.execute(select_column(target, table, field))
    ]


def with_links(row: Row, links: Mapping[str, Sequence[Link]]) -> Row:
    """The row with its links by field."""
    return Row(
        row.id,
        row.table_id,
        row.number,
        row.version,
        row.values,
        {name: tuple(found) for name, found in links.items()},
        row.created_at,
        row.created_by,
        row.updated_at,
        row.updated_by,
    )
