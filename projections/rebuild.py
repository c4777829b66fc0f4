"""Rebuilding a workspace's read models from its events alone, and comparing.

The events are applied in schemas beside the live ones, by the same functions that a
commit applies them with.  A comparison happens in one snapshot and holds nobody up; a
swap takes the head's lock for its last steps.  No follower runs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from domain import nouns  # noqa: F401 - fills how events change the catalogue
from domain.catalog import Catalog, Table
from domain.ids import INSTANCE, WorkspaceId
from projections import log
from projections.apply import apply
from projections.catalog import OWNED
from projections.records.ddl import SYSTEM_COLUMNS, stored_columns
from projections.target import Target, live, shadow, table_name

PAGE = 2000  # events applied in one transaction
MOST_SHOWN = 20  # differences told of one table

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that only one side has.  `side` is `live` or `replayed`."""

    table: str
    side: str
    row: str


@dataclass
class _Rebuilt:
    catalog: Catalog
    position: int = 0


def workspaces(connection: psycopg.Connection[Any]) -> list[WorkspaceId]:
    """Every workspace with a ledger, the instance's own among them.

    From feed and outbox, which lie outside row-level security: a role without a
    workspace sees no head.
    """
    rows = connection.execute(
        "SELECT workspace_id::text FROM ledger.feed"
        " UNION SELECT workspace_id::text FROM ledger.outbox ORDER BY 1"
    )
    return [WorkspaceId(row[0]) for row in rows]


def check(
    connection: psycopg.Connection[Any],
    workspace_id: WorkspaceId,
    progress: Progress = lambda done, total: None,
) -> list[Difference]:
    """Replays a workspace beside and compares; the live tables stay as they are."""
    beside = shadow(workspace_id)
    rebuilt = _build_beside(connection, workspace_id, beside, progress)
    try:
        with connection.transaction():
            # one snapshot shows the head, the events to it and the rows as of it
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            _apply_rest(connection, workspace_id, beside, rebuilt, progress)
            return list(_differences(connection, workspace_id, beside, rebuilt.catalog))
    finally:
        _drop(connection, beside)


def rebuild(
    connection: psycopg.Connection[Any],
    workspace_id: WorkspaceId,
    progress: Progress = lambda done, total: None,
) -> int:
    """Replays a workspace beside and puts the result in the live tables' place.

    Gives the position it is at.  Writes wait only for the last steps.
    """
    beside = shadow(workspace_id)
    rebuilt = _build_beside(connection, workspace_id, beside, progress)
    try:
        with connection.transaction():
            connection.execute(
                "SELECT 1 FROM ledger.heads WHERE workspace_id = %s FOR UPDATE",
                [workspace_id],
            )
            _apply_rest(connection, workspace_id, beside, rebuilt, progress)
            _swap(connection, workspace_id, beside, rebuilt.catalog)
    finally:
        _drop(connection, beside)
    return rebuilt.position


def _tables(workspace_id: WorkspaceId) -> tuple[str, ...]:
    """The tables of the catalogue that a workspace's events write."""
    return ("users",) if workspace_id == INSTANCE else (*OWNED, "fills")


def _build_beside(
    connection: psycopg.Connection[Any],
    workspace_id: WorkspaceId,
    beside: Target,
    progress: Progress,
) -> _Rebuilt:
    connection.execute(
        "SELECT set_config('app.workspaces', %s, false)", [f"{{{workspace_id}}}"]
    )
    connection.execute("SET statement_timeout = 0")
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    _drop(connection, beside)
    connection.execute(
        sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(beside.catalog))
    )
    for table in _tables(workspace_id):
        connection.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
                beside.of_catalog(table), sql.Identifier("catalog", table)
            )
        )
    rebuilt = _Rebuilt(Catalog(workspace_id))
    total = _head(connection, workspace_id)
    for page in log.read(connection, workspace_id, upto=total, page=PAGE):
        with connection.transaction():
            _apply_page(connection, beside, rebuilt, page)
        progress(rebuilt.position, total)
    return rebuilt


def _head(connection: psycopg.Connection[Any], workspace_id: WorkspaceId) -> int:
    row = connection.execute(log.HEAD, [workspace_id]).fetchone()
    return int(row[0]) if row is not None else 0


def _apply_page(
    connection: psycopg.Connection[Any],
    beside: Target,
    rebuilt: _Rebuilt,
    page: Any,
) -> None:
    events = [envelope.recorded for envelope in page]
    rebuilt.catalog = apply(connection, beside, rebuilt.catalog, events)
    rebuilt.position = events[-1].seq


def _apply_rest(
    connection: psycopg.Connection[Any],
    workspace_id: WorkspaceId,
    beside: Target,
    rebuilt: _Rebuilt,
    progress: Progress,
) -> None:
    total = _head(connection, workspace_id)
    if total > rebuilt.position:
        for page in log.read(
            connection, workspace_id, rebuilt.position, upto=total, page=PAGE
        ):
            _apply_page(connection, beside, rebuilt, page)
    progress(rebuilt.position, total)


_WHOLE: sql.Composable = sql.SQL("t")


def _pairs(
    workspace_id: WorkspaceId, beside: Target, catalog: Catalog
) -> Iterator[tuple[str, sql.Composable, sql.Composable, sql.Composable]]:
    """(name, what is compared, the live rows' table with its condition, the replayed
    one's)."""
    there = live(workspace_id)
    for table in _tables(workspace_id):
        if table == "fills":
            continue  # how far a worker is
        condition: sql.Composable = (
            sql.SQL("")
            if workspace_id == INSTANCE
            else sql.SQL(" WHERE t.workspace_id = {}").format(sql.Literal(workspace_id))
        )
        replayed: sql.Composable = sql.SQL("")
        if table == "unique_keys":
            condition = condition + sql.SQL(" AND") + _settled(there)
            replayed = sql.SQL(" WHERE") + _settled(beside)
        yield (
            f"catalog.{table}",
            _WHOLE,
            sql.SQL("{} AS t{}").format(sql.Identifier("catalog", table), condition),
            sql.SQL("{} AS t{}").format(beside.of_catalog(table), replayed),
        )
    if catalog.workspace is None:
        return
    compared = {table_name(one.id): _columns(one) for one in catalog.tables.values()}
    for name, columns in {"links": _WHOLE, **compared}.items():
        yield (
            f"{there.records}.{name}",
            columns,
            sql.SQL("{} AS t").format(sql.Identifier(there.records, name)),
            sql.SQL("{} AS t").format(sql.Identifier(beside.records, name)),
        )


def _settled(target: Target) -> sql.Composable:
    """Keys that no worker is at, as `t`."""
    return sql.SQL(
        " NOT EXISTS (SELECT FROM {} AS f WHERE f.workspace_id = t.workspace_id"
        " AND f.constraint_id = t.constraint_id)"
    ).format(target.of_catalog("fills"))


def _columns(table: Table) -> sql.Composable:
    """What a table's record consists of, by name: a live table may have its columns in
    another order, and empty ones of a unit that was refused (`commands.streaming`)."""
    names = [*SYSTEM_COLUMNS, *(name for _, name, _ in stored_columns(table))]
    return sql.SQL("ROW({})").format(
        sql.SQL(", ").join(sql.Identifier("t", name) for name in names)
    )


def _differences(
    connection: psycopg.Connection[Any],
    workspace_id: WorkspaceId,
    beside: Target,
    catalog: Catalog,
) -> Iterator[Difference]:
    for name, compared, there, here in _pairs(workspace_id, beside, catalog):
        for side, left, right in (("live", there, here), ("replayed", here, there)):
            rows = connection.execute(
                sql.SQL(
                    "SELECT {0}::text FROM {1} EXCEPT ALL SELECT {0}::text FROM {2}"
                    " LIMIT {3}"
                ).format(compared, left, right, sql.Literal(MOST_SHOWN))
            )
            for row in rows.fetchall():
                yield Difference(name, side, row[0])


def _swap(
    connection: psycopg.Connection[Any],
    workspace_id: WorkspaceId,
    beside: Target,
    catalog: Catalog,
) -> None:
    there = live(workspace_id)
    for table in _tables(workspace_id):
        name = sql.Identifier("catalog", table)
        if workspace_id == INSTANCE:
            connection.execute(sql.SQL("DELETE FROM {}").format(name))
        else:
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE workspace_id = %s").format(name),
                [workspace_id],
            )
        connection.execute(
            sql.SQL("INSERT INTO {} SELECT * FROM {}").format(
                name, beside.of_catalog(table)
            )
        )
        connection.execute(sql.SQL("DROP TABLE {}").format(beside.of_catalog(table)))
    if catalog.workspace is not None:
        connection.execute(
            sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(there.records))
        )
        connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
                sql.Identifier(beside.records), sql.Identifier(there.records)
            )
        )


def _drop(connection: psycopg.Connection[Any], beside: Target) -> None:
    connection.execute("SET client_min_messages = warning")
    connection.execute(
        sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(
            sql.Identifier(beside.catalog)
        )
    )
