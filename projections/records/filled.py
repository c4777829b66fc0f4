"""What has been put into a table, or into a field, since a time."""

from collections.abc import Sequence

from psycopg import sql

from domain.catalog import Field, Table
from projections.arrays import text_array
from projections.reader import Statement
from projections.target import Target, column_name

MOST = 50  # records that are looked at


def filled_since(
    target: Target, table: Table, at: str, but: Sequence[str]
) -> Statement:
    """Records that were written since, but for those named."""
    statement = sql.SQL(
        "SELECT t.id FROM {} AS t WHERE t.updated_at >= %s::timestamptz"
        " AND t.id <> ALL (%s::uuid[]) LIMIT {}"
    ).format(target.of_records(table.id), sql.Literal(MOST))
    return statement, [at, text_array(list(but))]


def values_since(
    target: Target, field: Field, at: str, but: Sequence[str]
) -> "Statement | None":
    """The same of those that have a value in the field; None where nobody gives it
    one."""
    table = target.of_records(field.table_id)
    if field.type == "linked_record":
        own = sql.Identifier("target_id" if field.is_reverse else "record_id")
        has = sql.SQL(
            "EXISTS (SELECT FROM {} AS l WHERE l.field_id = {}::uuid AND l.{} = t.id)"
        ).format(target.links, sql.Literal(field.link_key), own)
    elif field.column is not None and field.kind.writable:
        column = sql.Identifier("t", column_name(field.id, field.slot))
        has = sql.SQL("{} IS NOT NULL").format(column)
    else:
        return None
    statement = sql.SQL(
        "SELECT t.id FROM {} AS t WHERE t.updated_at >= %s::timestamptz"
        " AND t.id <> ALL (%s::uuid[]) AND {} LIMIT {}"
    ).format(table, has, sql.Literal(MOST))
    return statement, [at, text_array(list(but))]
