"""Writing record changes: every statement set-based, a handful a group.

Pipelined by the caller's connection: nothing here waits for an answer.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
import psycopg
from psycopg import sql

from domain.catalog import Catalog, Field, Table
from domain.events import Recorded
from domain.ids import FieldId, TableId, WorkspaceId
from projections.arrays import text_array
from projections.records.ddl import SYSTEM_COLUMNS
from projections.records.keys import keep_keys
from projections.records.net import Insert, LinkWrite, TableChanges, Update, net
from projections.target import Target, column_name


class Stored(NamedTuple):
    """A field that has a column; `kind` is the column's Postgres type."""

    field_id: str
    column: str
    kind: str


def apply(
    connection: psycopg.Connection,
    target: Target,
    catalog: Catalog,
    events: Iterable[Recorded],
) -> None:
    """Writes a run of record events of one workspace."""
    found = net(events)
    for table_id, changes in found.tables.items():
        table = catalog.tables[TableId(table_id)]
        _delete(connection, target, table, changes)
        _insert(connection, target, table, list(changes.inserts.values()))
        _update(connection, target, table, list(changes.updates.values()))
        keep_keys(connection, target, catalog.id, table, changes)
        _count(connection, target, catalog.id, table, changes.last_number)
    write_links(connection, target, catalog, found.links)


def _delete(
    connection: psycopg.Connection, target: Target, table: Table, changes: TableChanges
) -> None:
    if changes.deletes:
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE id = ANY (%s::uuid[])").format(
                target.of_records(table.id)
            ),
            [text_array(list(changes.deletes))],
        )


@lru_cache(maxsize=1024)
def _insert_statement(
    target: Target, table_id: str, fields: tuple[Stored, ...]
) -> bytes:
    """Rendered once: a Composed is rendered at each execution."""
    names = [*SYSTEM_COLUMNS, *(one.column for one in fields)]
    kinds = [*SYSTEM_COLUMNS.values(), *(one.kind for one in fields)]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    return (
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM unnest({}) AS n ({})")
        .format(
            target.of_records(table_id),
            columns,
            sql.SQL(", ").join(map(_taken, names, kinds)),
            _arrays(kinds),
            columns,
        )
        .as_bytes()
    )


def _arrays(kinds: Iterable[str]) -> sql.Composed:
    """A parameter a column.  An array of arrays would be taken apart by unnest, so
    arrays travel as text."""
    return sql.SQL(", ").join(
        sql.SQL("%s::text[]" if kind.endswith("[]") else f"%s::{kind}[]")
        for kind in kinds
    )


def _taken(name: str, kind: str) -> sql.Composed:
    """A column of `n` in its own type."""
    cast = f"::{kind}" if kind.endswith("[]") else ""
    return sql.SQL("n.{}" + cast).format(sql.Identifier(name))


def sent_values(values: Sequence[Any], kind: str) -> str:
    """The literal of a column's kept values: an array or an object becomes its text;
    any JSON is kept as that."""
    if kind.endswith("[]"):
        values = [None if one is None else text_array(one) for one in values]
    elif kind == "jsonb":
        values = [
            one if one is None or type(one) is str else orjson.dumps(one).decode()
            for one in values
        ]
    return text_array(values)


def _stored(table: Table, names: Iterable[str]) -> tuple[Stored, ...]:
    """The fields among `names` that have a column, by id."""
    found = []
    for name in sorted(names):
        field: Field | None = table.all_fields.get(name)  # type: ignore[call-overload]
        if field is not None and field.column is not None:
            column = column_name(name, field.slot)
            found.append(Stored(name, column, field.column))
    return tuple(found)


def _insert(
    connection: psycopg.Connection,
    target: Target,
    table: Table,
    rows: Sequence[Insert],
) -> None:
    if not rows:
        return
    named: set[str] = set()
    for row in rows:
        named.update(row.values)
    fields = _stored(table, named)
    columns: list[Sequence[str | int]] = [
        [row.id for row in rows],
        [row.number for row in rows],
        [row.version for row in rows],
        [row.created_at for row in rows],
        [row.created_by for row in rows],
        [row.updated_at for row in rows],
        [row.updated_by for row in rows],
    ]
    sent = [text_array(one) for one in columns]
    for one in fields:
        sent.append(
            sent_values([row.values.get(one.field_id) for row in rows], one.kind)
        )
    connection.execute(_insert_statement(target, table.id, fields), sent)


@lru_cache(maxsize=1024)
def _update_statement(
    target: Target, table_id: str, fields: tuple[Stored, ...]
) -> bytes:
    names = ["version", "updated_at", "updated_by", *(one.column for one in fields)]
    kinds = ["uuid", "integer", "timestamptz", "text", *(one.kind for one in fields)]
    return (
        sql.SQL("UPDATE {} AS t SET {} FROM unnest({}) AS n (id, {}) WHERE t.id = n.id")
        .format(
            target.of_records(table_id),
            sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), _taken(name, kind))
                for name, kind in zip(names, kinds[1:], strict=True)
            ),
            _arrays(kinds),
            sql.SQL(", ").join(map(sql.Identifier, names)),
        )
        .as_bytes()
    )


def _update(
    connection: psycopg.Connection,
    target: Target,
    table: Table,
    rows: Sequence[Update],
) -> None:
    """One statement for each set of fields that is written together."""
    by_fields: dict[tuple[Stored, ...], list[Update]] = {}
    for row in rows:
        by_fields.setdefault(_stored(table, row.values), []).append(row)
    for fields, same in by_fields.items():
        columns: list[Sequence[str | int]] = [
            [row.id for row in same],
            [row.version for row in same],
            [row.updated_at for row in same],
            [row.updated_by for row in same],
        ]
        sent = [text_array(one) for one in columns]
        for one in fields:
            sent.append(
                sent_values([row.values[one.field_id] for row in same], one.kind)
            )
        connection.execute(_update_statement(target, table.id, fields), sent)


def write_links(
    connection: psycopg.Connection,
    target: Target,
    catalog: Catalog,
    writes: Sequence[LinkWrite],
) -> None:
    """In the events' order, a statement or two each: links are rare beside values."""
    for write in writes:
        table = catalog.table_of_field[write.field_id]
        field = table.all_fields[FieldId(write.field_id)]
        own, far, position, there = (
            ("target_id", "record_id", "reverse_position", "position")
            if field.is_reverse
            else ("record_id", "target_id", "position", "reverse_position")
        )
        names = {
            "links": target.links,
            "own": sql.Identifier(own),
            "far": sql.Identifier(far),
            "position": sql.Identifier(position),
            "there": sql.Identifier(there),
        }
        if write.removed:
            connection.execute(
                sql.SQL(
                    "DELETE FROM {links} WHERE field_id = %s::uuid"
                    " AND {own} = %s::uuid AND {far} = ANY (%s::uuid[])"
                ).format(**names),
                [field.link_key, write.record_id, text_array(list(write.removed))],
            )
        if write.order:
            connection.execute(
                sql.SQL(
                    """
                    INSERT INTO {links} (field_id, {own}, {far}, {position}, {there})
                    SELECT %s::uuid, %s::uuid, n.*
                    FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS n
                    ON CONFLICT (field_id, record_id, target_id)
                    DO UPDATE SET {position} = EXCLUDED.{position}
                    """
                ).format(**names),
                [
                    field.link_key,
                    write.record_id,
                    text_array(write.order),
                    text_array(write.own_places),
                    text_array([write.added.get(one, 0) for one in write.order]),
                ],
            )


def _count(
    connection: psycopg.Connection,
    target: Target,
    workspace_id: WorkspaceId,
    table: Table,
    number: int,
) -> None:
    if not number:
        return
    counters = target.of_catalog("counters")
    connection.execute(
        sql.SQL(
            "INSERT INTO {0} AS c (workspace_id, table_id, number)"
            " VALUES (%s, %s, %s) ON CONFLICT (workspace_id, table_id)"
            " DO UPDATE SET number = greatest(c.number, EXCLUDED.number)"
        ).format(counters),
        [workspace_id, table.id, number],
    )
