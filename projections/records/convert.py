"""Changes of type: a column read in stretches, and what became of it written.

The values go into a column of their own (`Field.slot`), so nothing that is read is
altered and a reader with an older catalogue still finds what it looks for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from psycopg import sql

from domain.catalog import Catalog, Field, Table
from domain.facts import Cell, Stretch, Stretches
from domain.ids import FieldId, RecordId, TableId, WorkspaceId
from domain.retype import FieldConverted, FieldRetyped
from projections import log, turns
from projections.arrays import text_array
from projections.records import ddl
from projections.records.apply import sent_values
from projections.records.keys import hex_digest, write_keys
from projections.records.rows import kept
from projections.target import Target, column_name, live

RECORDS = 500  # of a stretch, at the most
FIRST_RECORDS = 50  # of the first, while nobody knows how large the values are
CHARACTERS = 256 * 1024  # of a stretch's values, about


# -------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class _Column:
    connection: psycopg.Connection[Any]
    statement: sql.Composed
    linked: bool


def stretches(
    connection: psycopg.Connection[Any], workspace_id: WorkspaceId
) -> Stretches:
    """Reads columns in the connection's transaction; others have turns in between."""

    def read(table: Table, field: Field, conversion: str | None) -> Iterator[Stretch]:
        column = _Column(
            connection,
            _select(live(workspace_id), table, field),
            linked=field.type == "linked_record",
        )
        after = 0
        for told in _told(connection, workspace_id, conversion):
            yield from _read(column, after, told.after, {})
            yield from _read(column, told.after, told.upto, told.values)
            after = told.upto
        yield from _read(column, after, None, {})

    return read


def _told(
    connection: psycopg.Connection[Any],
    workspace_id: WorkspaceId,
    conversion: str | None,
) -> Iterator[FieldConverted]:
    version = 0
    while conversion is not None:
        version += 1
        event = log.of_stream(connection, workspace_id, conversion, version)
        if not isinstance(event, FieldConverted):
            return
        yield event


def _select(target: Target, table: Table, field: Field) -> sql.Composed:
    """(record, number, kept value), or of links [[other record, place there, its place
    here], …], of records numbered above one and up to another: by the number's index.
    """
    if field.column is not None:
        name = sql.Identifier("t", column_name(field.id, field.slot))
        value = kept(name, field)
    elif field.type == "autonumber":
        value = sql.SQL("t.number::text")
    elif field.type == "linked_record":
        value = _links(target, field)
    else:
        value = sql.SQL("NULL::text")
    return sql.SQL(
        "SELECT t.id, t.number, {} FROM {} AS t WHERE t.number > %s::bigint"
        " AND (%s::bigint IS NULL OR t.number <= %s::bigint)"
        " ORDER BY t.number LIMIT %s::bigint"
    ).format(value, target.of_records(table.id))


def _links(target: Target, field: Field) -> sql.Composable:
    own, far, position, there = (
        ("target_id", "record_id", "reverse_position", "position")
        if field.is_reverse
        else ("record_id", "target_id", "position", "reverse_position")
    )
    return sql.SQL(
        "(SELECT json_agg(json_build_array(l.{far}, l.{there}, l.{position})"
        " ORDER BY l.{position}, l.{far})::text"
        " FROM {links} AS l WHERE l.field_id = {key}::uuid AND l.{own} = t.id)"
    ).format(
        own=sql.Identifier(own),
        far=sql.Identifier(far),
        position=sql.Identifier(position),
        there=sql.Identifier(there),
        links=target.links,
        key=sql.Literal(field.link_key),
    )


def _read(
    column: _Column, after: int, upto: int | None, before: Mapping[str, Any]
) -> Iterator[Stretch]:
    """The same stretches at each call, as long as nothing is written to the table."""
    linked = column.linked
    size = min(FIRST_RECORDS, RECORDS)
    while upto is None or after < upto:
        rows = _rows(column.connection, column.statement, [after, upto, upto, size])
        if not rows:
            return
        last = int(rows[-1][1])
        yield Stretch(after, last, [_cell(row, linked=linked) for row in rows], before)
        turns.pause(0)
        after = last
        length = sum(len(row[2]) for row in rows if isinstance(row[2], str | list))
        size = max(1, min(RECORDS, 2 * size, size * CHARACTERS // max(1, length)))


def _rows(
    connection: psycopg.Connection[Any], statement: sql.Composed, values: Sequence[Any]
) -> list[Any]:
    if not connection.pgconn.pipeline_status:
        return connection.execute(statement, values, prepare=False).fetchall()
    with connection.pipeline():  # its end is a sync: see `Transaction._begin`
        return connection.execute(statement, values, prepare=False).fetchall()


def _cell(row: Sequence[Any], *, linked: bool) -> Cell:
    record_id, number, value = row
    if not linked or value is None:
        return Cell(RecordId(record_id), int(number), value)
    links = orjson.loads(value)
    there = {other: place for other, place, _ in links}
    here = [place for _, _, place in links]
    return Cell(RecordId(record_id), int(number), list(there), there, here)


# -------------------------------------------------------------------- writing


def column_to_come(
    before: Catalog, after: Catalog, event: FieldRetyped
) -> Field | None:
    """The field as it becomes, where its values are going to have another column."""
    table_id, field_id = TableId(event.table_id), FieldId(event.field_id)
    old = before.tables[table_id].all_fields[field_id]
    new = after.tables[table_id].all_fields[field_id]
    return new if new.slot != old.slot and new.column is not None else None


def retyped(
    connection: psycopg.Connection[Any],
    target: Target,
    before: Catalog,
    after: Catalog,
    event: FieldRetyped,
) -> None:
    """Makes room for the values that the next events have."""
    table = after.tables[TableId(event.table_id)]
    new = column_to_come(before, after, event)
    if new is not None:
        ddl.empty_column(connection, target, table, new)
    constraint = table.constraint_of(event.field_id)
    if constraint is not None:
        connection.execute(
            sql.SQL(
                "DELETE FROM {} WHERE workspace_id = %s::uuid"
                " AND constraint_id = %s::uuid"
            ).format(target.of_catalog("unique_keys")),
            [after.id, constraint.id],
        )


def converted(
    connection: psycopg.Connection[Any],
    target: Target,
    catalog: Catalog,
    event: FieldConverted,
) -> None:
    """Writes what became of some records' values: a handful of statements."""
    table = catalog.tables[TableId(event.table_id)]
    field = table.all_fields[FieldId(event.field_id)]
    if event.link_key is not None:
        _unlink(connection, target, event)
    if field.type == "linked_record":
        _link(connection, target, field, event)
    elif field.column is not None:
        _fill(connection, target, field, field.column, event)
    constraint = table.constraint_of(field.id)
    if constraint is not None and constraint.status == "active":
        taken: dict[str, str] = {}
        for record_id, change in event.values.items():
            digest = hex_digest(constraint, {field.id: change["to"]})
            if digest is not None:
                taken[digest] = record_id
        write_keys(connection, target, catalog.id, constraint, {}, taken)


def _fill(
    connection: psycopg.Connection[Any],
    target: Target,
    field: Field,
    kind: str,
    event: FieldConverted,
) -> None:
    array, cast = ("text[]", f"::{kind}") if kind.endswith("[]") else (f"{kind}[]", "")
    connection.execute(
        sql.SQL(
            "UPDATE {} AS t SET {} = n.value" + cast + " FROM"
            " unnest(%s::uuid[], %s::" + array + ") AS n (id, value)"
            " WHERE t.id = n.id AND t.{} IS DISTINCT FROM n.value" + cast
        ).format(
            target.of_records(field.table_id),
            *[sql.Identifier(column_name(field.id, field.slot))] * 2,
        ),
        [
            text_array(list(event.values)),
            sent_values([one["to"] for one in event.values.values()], kind),
        ],
        prepare=False,
    )


def _unlink(
    connection: psycopg.Connection[Any], target: Target, event: FieldConverted
) -> None:
    own = "record_id" if event.link_key == event.field_id else "target_id"
    connection.execute(
        sql.SQL(
            "DELETE FROM {} WHERE field_id = %s::uuid AND {} = ANY (%s::uuid[])"
        ).format(target.links, sql.Identifier(own)),
        [event.link_key, text_array(list(event.values))],
    )


def _link(
    connection: psycopg.Connection[Any],
    target: Target,
    field: Field,
    event: FieldConverted,
) -> None:
    rows = [
        (record_id, other, position, change["added"][other])
        for record_id, change in event.values.items()
        if change["to"] is not None
        for other, position in zip(
            change["to"], change["own_places"]["to"], strict=True
        )
    ]
    if not rows:
        return
    own, far, position, there = (
        ("target_id", "record_id", "reverse_position", "position")
        if field.is_reverse
        else ("record_id", "target_id", "position", "reverse_position")
    )
    connection.execute(
        sql.SQL(
            "INSERT INTO {} (field_id, {}, {}, {}, {}) SELECT %s::uuid, n.* FROM"
            " unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[]) AS n"
        ).format(target.links, *map(sql.Identifier, (own, far, position, there))),
        [field.link_key, *(text_array(list(one)) for one in zip(*rows, strict=True))],
    )
