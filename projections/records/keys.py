"""The keys that unique constraints have taken: a digest a value, and whose it is.

    no fill      the keys of a constraint that is active are those of its rows, exactly
    drop         it is not enforced, and what is left of its keys is of nothing
    clear        it is pending, and has keys of before
    fill         it is pending, and keys as far as row `upto`
    full         it is pending, and its keys are those of its rows
    duplicates   it is pending, and the records of `pairs` stood against it

A fill is a row that says what `workers/uniqueness.py` still has to do.  It is no part
of a workspace's state: rebuilt, a constraint is filled from the beginning.  `since` is
the position of the event that asked for it, so that a worker notices another one.
"""

from collections.abc import Iterator, Mapping, Sequence

import psycopg
from psycopg import sql

from domain.catalog import Constraint, Field, Table
from domain.constraint import AT_ONCE, unique_digest
from domain.ids import WorkspaceId
from domain.values import Value
from projections.arrays import text_array
from projections.records.net import TableChanges
from projections.records.rows import kept
from projections.target import Target, column_name

SLICE = 10_000  # rows at a time while keys are made anew


def keep_keys(
    connection: psycopg.Connection,
    target: Target,
    workspace_id: WorkspaceId,
    table: Table,
    changes: TableChanges,
) -> None:
    """Brings the keys along with what records had and have."""
    for constraint in table.enforced:
        gone: dict[str, None] = {}
        taken: dict[str, str] = {}
        for record_id, before, after in changes.keys:
            old, new = (
                hex_digest(constraint, before),
                hex_digest(constraint, after),
            )
            if old is not None:
                gone[old] = None
                if taken.get(old) == record_id:
                    del taken[old]
            if new is not None:
                taken[new] = record_id
        write_keys(connection, target, workspace_id, constraint, gone, taken)
    for constraint in table.pending:
        # values only go; another record may have an equal one that is seen later
        pairs = [
            (old, record_id)
            for record_id, before, _ in changes.keys
            if (old := hex_digest(constraint, before)) is not None
        ]
        if pairs:
            drop_keys(connection, target, workspace_id, constraint, pairs)


def hex_digest(constraint: Constraint, values: Mapping[str, object]) -> str | None:
    value = values.get(constraint.field_id)
    digest = unique_digest(
        value,  # type: ignore[arg-type]
        case_sensitive=constraint.case_sensitive,
    )
    return None if digest is None else digest.hex()


def drop_keys(
    connection: psycopg.Connection,
    target: Target,
    workspace_id: WorkspaceId,
    constraint: Constraint,
    pairs: Sequence[tuple[str, str]],
) -> None:
    """Deletes keys by (digest, record id).  Arrays and no join: what is known of a
    table that has just been filled would mislead the planner for seconds."""
    connection.execute(
        sql.SQL(
            "DELETE FROM {} WHERE workspace_id = %s::uuid AND constraint_id = %s::uuid"
            " AND digest = ANY (%s::bytea[]) AND record_id = ANY (%s::uuid[])"
        ).format(target.of_catalog("unique_keys")),
        [
            workspace_id,
            constraint.id,
            digest_array(pairs),
            text_array([record_id for _, record_id in pairs]),
        ],
    )


def digest_array(pairs: Sequence[tuple[str, str]]) -> str:
    """The literal of the digests among (digest as hex, record id)."""
    return text_array([f"\\x{digest}" for digest, _ in pairs])


def write_keys(
    connection: psycopg.Connection,
    target: Target,
    workspace_id: WorkspaceId,
    constraint: Constraint,
    gone: Mapping[str, None],
    taken: Mapping[str, str],
) -> None:
    keys = target.of_catalog("unique_keys")
    if gone:
        connection.execute(
            sql.SQL(
                "DELETE FROM {} WHERE workspace_id = %s::uuid"
                " AND constraint_id = %s::uuid AND digest IN"
                " (SELECT decode(d, 'hex') FROM unnest(%s::text[]) AS d)"
            ).format(keys),
            [workspace_id, constraint.id, text_array(list(gone))],
        )
    if taken:
        # the primary key is the fence: a digest that is there fails the group
        connection.execute(
            insert_keys(target, workspace_id, constraint),
            [text_array(list(taken)), text_array(list(taken.values()))],
        )


def insert_keys(
    target: Target, workspace_id: WorkspaceId, constraint: Constraint
) -> sql.Composed:
    """Takes the digests as hex and the records' ids, as arrays."""
    return sql.SQL(
        "INSERT INTO {} (workspace_id, constraint_id, digest, record_id)"
        " SELECT {}::uuid, {}::uuid, decode(d, 'hex'), r"
        " FROM unnest(%s::text[], %s::uuid[]) AS n (d, r)"
    ).format(
        target.of_catalog("unique_keys"),
        sql.Literal(workspace_id),
        sql.Literal(constraint.id),
    )


def settle_keys(
    connection: psycopg.Connection,
    target: Target,
    workspace_id: WorkspaceId,
    table: Table,
    constraint: Constraint,
    seq: int,
) -> None:
    """After the event at `seq` changed a constraint: its keys, or what there is to do.

    Many keys that are of nothing any more are left to the worker: to delete a million
    takes seconds, and the head is locked.
    """
    values = [workspace_id, constraint.id]
    fill = connection.execute(
        sql.SQL(
            "DELETE FROM {} WHERE workspace_id = %s::uuid AND constraint_id = %s::uuid"
            " RETURNING phase"
        ).format(target.of_catalog("fills")),
        values,
    ).fetchone()
    holds = constraint.status == "active" and not constraint.deleted
    if holds and fill is not None and fill[0] == "full":
        return
    deleted = connection.execute(
        sql.SQL(
            "DELETE FROM {0} WHERE ctid = ANY (ARRAY (SELECT ctid FROM {0}"
            " WHERE workspace_id = %s::uuid AND constraint_id = %s::uuid LIMIT {1}))"
        ).format(
            target.of_catalog("unique_keys"),
            sql.SQL("ALL" if holds else str(AT_ONCE)),
        ),
        values,
    ).rowcount
    if holds:
        for some in key_slices(connection, target, table, constraint):
            write_keys(connection, target, workspace_id, constraint, {}, some)
        return
    pending = constraint.status == "pending" and not constraint.deleted
    left = deleted == AT_ONCE
    if pending or left:
        phase = ("clear" if left else "fill") if pending else "drop"
        connection.execute(
            sql.SQL(
                "INSERT INTO {} (workspace_id, constraint_id, since, phase)"
                " VALUES (%s::uuid, %s::uuid, %s, %s)"
            ).format(target.of_catalog("fills")),
            [*values, seq, phase],
        )


def key_slices(
    connection: psycopg.Connection, target: Target, table: Table, constraint: Constraint
) -> Iterator[dict[str, str]]:
    """Record ids by digest, of every row with a value."""
    field, upto = table.all_fields[constraint.field_id], 0
    while rows := next_values(connection, target, table, field, upto, SLICE):
        upto = rows[-1][0]
        yield dict(digests(constraint, rows))


def digests(
    constraint: Constraint, rows: Sequence[tuple[int, str, Value]]
) -> Iterator[tuple[str, str]]:
    """(digest as hex, record id) of rows of `next_values`."""
    for _, record_id, value in rows:
        digest = unique_digest(value, case_sensitive=constraint.case_sensitive)
        if digest is not None:
            yield digest.hex(), record_id


def next_values(
    connection: psycopg.Connection,
    target: Target,
    table: Table,
    field: Field,
    after: int,
    most: int,
) -> list[tuple[int, str, Value]]:
    """(number, record id, kept value) of the next so many rows with a value."""
    column = sql.Identifier("t", column_name(field.id, field.slot))
    return connection.execute(
        sql.SQL(
            "SELECT t.number, t.id, {value} FROM {table} AS t"
            " WHERE t.number > {after} AND {column} IS NOT NULL"
            " ORDER BY t.number LIMIT {most}"
        ).format(
            value=kept(column, field),
            table=target.of_records(table.id),
            after=sql.Literal(after),
            column=column,
            most=sql.Literal(most),
        )
    ).fetchall()
