"""Long reads of one workspace as it was at one moment.

A snapshot is one REPEATABLE READ transaction on a connection of its own, so that it
takes none from the pool however slowly its reader goes on.  Each read runs in a
savepoint that is rolled back: the snapshot stays, the locks that it took are let go,
and a column can be added to a table while the table is exported.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql

from domain.catalog import Catalog
from domain.errors import Busy, NotFound
from domain.ids import WorkspaceId
from projections.catalog import build, load_statements
from projections.postgres import CONNECT, adapt
from projections.reader import Rows
from projections.target import Target, live

IDLE_SECONDS = 60  # a reader that takes nothing for so long loses its snapshot


class Snapshot:
    """The workspace's catalogue and rows, all of one moment."""

    def __init__(
        self,
        connection: psycopg.AsyncConnection[Any],
        catalog: Catalog,
        position: int,
        tables: str | None,
    ) -> None:
        self.catalog, self.position = catalog, position
        self.target = live(catalog.id)
        self._connection, self._tables = connection, tables

    async def rows(
        self,
        statement: bytes | sql.Composed,
        values: Sequence[Any] | dict[str, Any] = (),
    ) -> Rows:
        """What one statement finds.  Raises Busy where the database does not answer."""
        connection = self._connection
        try:
            async with connection.pipeline():
                await connection.execute("SAVEPOINT one_read")
                cursor = await connection.execute(statement, values, prepare=False)
                await connection.execute("ROLLBACK TO SAVEPOINT one_read")
            return await cursor.fetchall()
        except psycopg.OperationalError as error:
            raise Busy("The query took too long, or was cut off") from error

    async def each(
        self, statement: sql.Composed, values: Mapping[str, Any], rows: int
    ) -> AsyncGenerator[Rows, None]:
        """What one statement finds, so many rows at a time; other reads may come in
        between.  Its locks are kept, so it is for the ledger's tables alone.
        """
        try:
            async with self._connection.cursor(name="each") as cursor:
                await cursor.execute(statement, values)
                while found := await cursor.fetchmany(rows):
                    yield found
        except psycopg.OperationalError as error:
            raise Busy("The query took too long, or was cut off") from error

    async def still_there(self) -> None:
        """Raises Busy where a replay has put other tables in the place of these.

        Their rows are none of this snapshot's: they would seem to be empty.
        """
        if await _tables(self._connection, self.target) != self._tables:
            raise Busy("The tables were rebuilt meanwhile; try again")


@asynccontextmanager
async def snapshot(url: str, workspace_id: WorkspaceId) -> AsyncIterator[Snapshot]:
    """The workspace as it is now, for as long as the block lasts.

    Raises Busy where the database does not answer, NotFound for no workspace.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(
            url, autocommit=True, **CONNECT
        )
    except psycopg.OperationalError as error:
        raise Busy("The database does not answer; try again") from error
    async with connection:
        adapt(connection)
        yield await _begun(connection, workspace_id)


async def _begun(
    connection: psycopg.AsyncConnection[Any], workspace_id: WorkspaceId
) -> Snapshot:
    target = live(workspace_id)
    tables = await _tables(connection, target)  # before: they may be replaced meanwhile
    async with connection.pipeline():
        await connection.execute(
            f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
        )
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await connection.execute(_SEE, [f"{{{workspace_id}}}"])
        head = await connection.execute(_HEAD, [workspace_id])
        found = [
            await connection.execute(statement, [workspace_id])
            for statement in load_statements(target)
        ]
    row = await head.fetchone()
    if row is None:
        raise NotFound()
    catalog = build(workspace_id, row[1], [await one.fetchall() for one in found])
    return Snapshot(connection, catalog, row[0], tables)


async def _tables(
    connection: psycopg.AsyncConnection[Any], target: Target
) -> str | None:
    """Tells the workspace's tables from those that replace them: a name is looked up
    as of now, whatever the transaction's snapshot."""
    cursor = await connection.execute(
        "SELECT to_regclass(%s)::oid::text", [f"{target.records}.links"]
    )
    row = await cursor.fetchone()
    return None if row is None else row[0]


_SEE = "SELECT set_config('app.workspaces', %s, true)"
_HEAD = "SELECT seq, catalog_seq FROM ledger.heads WHERE workspace_id = %s::uuid"
