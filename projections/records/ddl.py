"""The tables of records: made, and given columns; never is a column's type changed."""

from collections.abc import Sequence

import psycopg
from psycopg import sql

from domain.catalog import Field, Table
from projections.target import Target, column_name

# what every record has, and its Postgres type
SYSTEM_COLUMNS = {
    "id": "uuid",
    "number": "bigint",
    "version": "integer",
    "created_at": "timestamptz",
    "created_by": "text",
    "updated_at": "timestamptz",
    "updated_by": "text",
}


def create_schema(connection: psycopg.Connection, target: Target) -> None:
    """The schema of a workspace's records, with the links between them."""
    connection.execute(
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(target.records))
    )
    connection.execute(
        sql.SQL(
            """
            CREATE TABLE {} (
                field_id uuid NOT NULL,
                record_id uuid NOT NULL,
                target_id uuid NOT NULL,
                position bigint NOT NULL,
                reverse_position bigint NOT NULL,
                PRIMARY KEY (field_id, record_id, target_id)
            )
            """
        ).format(target.links)
    )
    connection.execute(
        sql.SQL("CREATE INDEX ON {} (field_id, target_id)").format(target.links)
    )


def create_table(connection: psycopg.Connection, target: Target, table: Table) -> None:
    columns = [
        sql.SQL("{} {} NOT NULL").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in SYSTEM_COLUMNS.items()
    ]
    # the order of a list without a sort is the number's
    connection.execute(
        sql.SQL(
            "CREATE TABLE {} ({}, PRIMARY KEY (id), UNIQUE (number))"
            " WITH (fillfactor = 90)"
        ).format(target.of_records(table.id), sql.SQL(", ").join(columns))
    )


def add_column(
    connection: psycopg.Connection, target: Target, table: Table, field: Field
) -> None:
    if field.column is None:
        return
    connection.execute(
        sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
            target.of_records(table.id),
            sql.Identifier(column_name(field.id, field.slot)),
            sql.SQL(field.column),
        )
    )


def empty_column(
    connection: psycopg.Connection, target: Target, table: Table, field: Field
) -> None:
    """The column that a change of type writes into: made where it is not there yet,
    emptied where it was used before.

    A column that is there is not altered: that would keep every reader waiting.
    """
    if field.column is None:
        return
    if not has_column(connection, target, field):
        add_column(connection, target, table, field)
        return
    name = sql.Identifier(column_name(field.id, field.slot))
    connection.execute(
        sql.SQL("UPDATE {} SET {} = NULL WHERE {} IS NOT NULL").format(
            target.of_records(table.id), name, name
        )
    )


def has_column(connection: psycopg.Connection, target: Target, field: Field) -> bool:
    found = connection.execute(
        "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s)"
        " AND attname = %s AND NOT attisdropped",
        [
            target.of_records(field.table_id).as_string(),
            column_name(field.id, field.slot),
        ],
    ).fetchone()
    return found is not None


def add_columns(
    connection: psycopg.Connection, target: Target, fields: Sequence[Field]
) -> None:
    """Columns of fields of one table that are going to be made; a second time does
    nothing."""
    parts = [
        sql.SQL("ADD COLUMN IF NOT EXISTS {} {}").format(
            sql.Identifier(column_name(one.id, one.slot)), sql.SQL(one.column)
        )
        for one in fields
        if one.column is not None
    ]
    _alter(connection, target, fields, parts)


def drop_columns(
    connection: psycopg.Connection, target: Target, fields: Sequence[Field]
) -> None:
    """Takes back what `add_columns` did for fields that were never made."""
    parts = [
        sql.SQL("DROP COLUMN IF EXISTS {}").format(
            sql.Identifier(column_name(one.id, one.slot))
        )
        for one in fields
        if one.column is not None
    ]
    _alter(connection, target, fields, parts)


def _alter(
    connection: psycopg.Connection,
    target: Target,
    fields: Sequence[Field],
    parts: Sequence[sql.Composed],
) -> None:
    if parts:
        connection.execute(
            sql.SQL("ALTER TABLE {} {}").format(
                target.of_records(fields[0].table_id), sql.SQL(", ").join(parts)
            )
        )


def stored_columns(table: Table) -> Sequence[tuple[Field, str, str]]:
    """(field, column name, Postgres type) of every field with a column."""
    return [
        (field, column_name(field.id, field.slot), field.column)
        for field in table.columns
        if field.column is not None
    ]
