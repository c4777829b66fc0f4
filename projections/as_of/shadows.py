"""Shadows: tables as they were, kept for a while so that lists can be read of them.

A shadow is a table of rows and one of links in the schema `shadows`, made from the live
table or from the nearest shadow of a later moment, in one REPEATABLE READ transaction:
the head and the rows that it sees are of one moment, and no writer waits.  The row of
`shadows.kept` is written in the same transaction, so a builder that is killed leaves
nothing.  A build holds an advisory lock of its table: who asks meanwhile, in this or in
another process, waits and finds what was built.

Nothing depends on a shadow.  Each is dropped when it was not read for `UNUSED`, or when
there are more of them, or larger ones, than the limits allow: the one that was read
longest ago goes first.  Who was about to read it builds it again.

After a crash unlogged tables are empty, the registry among them: what lies in the
schema and is not registered is dropped by the next sweep.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import sql

from domain.catalog import Table
from domain.errors import Busy, NotFound
from domain.ids import WorkspaceId
from projections.as_of import links as past_links
from projections.as_of import rows as past_rows
from projections.as_of.past import Past, Retypes
from projections.postgres import CONNECT, adapt
from projections.target import SHADOWS, Beside, Target, kept_shadow, live

log = logging.getLogger(__name__)

MOST = 32  # shadows in the database
MOST_OF_ONE = 8  # of one workspace
MOST_BYTES = 2 * 2**30  # of all of them
UNUSED = 15 * 60  # seconds since one was read
SWEEP_SECONDS = 60.0
BUILDS = 2  # at a time in one process
BUILD_SECONDS = 60  # that one may take, waiting for another included
_SETTINGS = {
    "statement_timeout": f"{BUILD_SECONDS}s",
    "lock_timeout": f"{BUILD_SECONDS}s",
    "idle_in_transaction_session_timeout": "30s",
    "work_mem": "64MB",
    "default_statistics_target": "10",  # enough to tell what is rare
    # what is joined is large; where a table was filled a moment ago, the planner takes
    # it for small
    "enable_nestloop": "off",
    # to read JSON costs more than the planner thinks
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
}
_LOCK = 0x7AB_A50F  # with a hash of the table's id; alone, of the sweep


@dataclass(frozen=True, slots=True)
class Shadow:
    """The name of a kept shadow."""

    name: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing happened to the table until this position: it is its own shadow."""

    upto: int


Made: TypeAlias = Shadow | Unchanged
Key: TypeAlias = tuple[WorkspaceId, str, int]
T = TypeVar("T")
Connection: TypeAlias = "psycopg.AsyncConnection[Any]"


class Shadows:
    """Builds shadows and drops them; which there are, the database knows."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._building: dict[Key, asyncio.Task[Made]] = {}
        self._room = asyncio.Semaphore(BUILDS)
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._sweeping = asyncio.create_task(self._sweep_again())

    async def stop(self) -> None:
        tasks = [*self._building.values()]
        if self._sweeping is not None:
            tasks.append(self._sweeping)  # type: ignore[arg-type]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def of(self, workspace_id: WorkspaceId, table: Table, position: int) -> Made:
        """The shadow of a table, built where there is none.

        `table`: as it was.  Raises Busy where that takes too long.
        """
        key = (workspace_id, str(table.id), position)
        building = self._building.get(key)
        if building is None:
            building = asyncio.create_task(self._built(key, table))
            self._building[key] = building
            building.add_done_callback(partial(self._done, key))
        # a reader who goes away takes nothing from the others
        return await asyncio.shield(building)

    def _done(self, key: Key, building: "asyncio.Task[Made]") -> None:
        self._building.pop(key, None)
        if not building.cancelled():
            building.exception()  # told to those who still wait

    async def _built(self, key: Key, table: Table) -> Made:
        try:
            async with self._room, asyncio.timeout(BUILD_SECONDS):
                made, new = await self._on_connection(
                    lambda connection: _find_or_build(connection, key, table)
                )
                if new:
                    await self.sweep()
                return made
        except (TimeoutError, psycopg.OperationalError) as error:
            raise Busy("The past takes too long to be put together") from error

    async def _on_connection(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, prepare_threshold=None, **CONNECT
        )
        async with connection:
            adapt(connection)
            for name, value in _SETTINGS.items():
                await connection.execute(f"SET {name} = '{value}'")
            return await work(connection)

    async def sweep(self) -> None:
        """Drops what is not to be kept any longer."""
        await self._on_connection(_sweep)

    async def _sweep_again(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            with suppress(psycopg.Error):
                await self.sweep()


async def _find_or_build(
    connection: Connection, key: Key, table: Table
) -> tuple[Made, bool]:
    """What there is, and whether it is new."""
    await connection.execute(
        "SELECT pg_advisory_lock(%s, hashtext(%s))", [_LOCK, key[1]]
    )
    found = await _one(connection, _FIND, list(key))
    if found is not None:
        return Shadow(found[0]), False
    try:
        made = await _build(connection, key, table, from_shadow=True)
    except psycopg.errors.UndefinedTable:
        # the shadow that it was to be made from has just been dropped
        made = await _build(connection, key, table, from_shadow=False)
    return made, isinstance(made, Shadow)


async def _build(
    connection: Connection, key: Key, table: Table, *, from_shadow: bool
) -> Made:
    workspace_id, _, position = key
    name = f"s_{secrets.token_hex(16)}"
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await connection.execute(
            "SELECT set_config('app.workspaces', %s, true)", [f"{{{workspace_id}}}"]
        )
        head = await _one(connection, _HEAD, [workspace_id])
        if head is None:
            raise NotFound()
        base: Target = live(workspace_id)
        upto = int(head[0])
        nearest = await _one(connection, _NEAREST, list(key)) if from_shadow else None
        if nearest is not None:
            base, upto = kept_shadow(nearest[0]), int(nearest[1])
        retyped = await (await connection.execute(RETYPES, [workspace_id])).fetchall()
        past = Past(
            workspace_id,
            position,
            table,
            base,
            kept_shadow(name),
            retypes_of(retyped),
            upto,
        )
        if not await _net(connection, past) and nearest is None:
            await connection.execute(_drop_table(past.into.net))
            return Unchanged(upto)
        await _write(connection, past)
        await connection.execute(
            _KEEP,
            [
                name,
                *key,
                *(one.as_string() for one in (past.into.rows, past.into.links)),
            ],
        )
    return Shadow(name)


async def _net(connection: Connection, past: Past) -> bool:
    """Writes what happened since; whether anything did.

    On its own, before the live table is touched: that is held for the shorter.
    """
    into = past.into
    for statement in (
        _create(into.later, past_rows.later(past)),
        sql.SQL("ANALYZE {}").format(into.later),
        _create(into.net, past_rows.net(past)),
        _drop_table(into.later),
        sql.SQL("ANALYZE {}").format(into.net),
    ):
        await connection.execute(statement)
    found = await _one(
        connection, sql.SQL("SELECT EXISTS (SELECT FROM {})").format(into.net), []
    )
    return bool(found and found[0]) or bool(past.retyped)


async def _write(connection: Connection, past: Past) -> None:
    into = past.into
    statements = [
        _create(into.rows, past_rows.rows(past)),
        sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id), ADD UNIQUE (number)").format(
            into.rows
        ),
        sql.SQL("ANALYZE {}").format(into.rows),
        _create(into.links, past_links.links(past)),
        sql.SQL(
            "ALTER TABLE {} ADD PRIMARY KEY (field_id, record_id, target_id)"
        ).format(into.links),
        sql.SQL("CREATE INDEX ON {} (field_id, target_id)").format(into.links),
        sql.SQL("ANALYZE {}").format(into.links),
        _drop_table(into.net),
    ]
    for statement in statements:
        await connection.execute(statement)


def _create(name: sql.Identifier, text: sql.Composed) -> sql.Composed:
    return sql.SQL("CREATE UNLOGGED TABLE {} AS {}").format(name, text)


def _drop_table(name: sql.Identifier) -> sql.Composed:
    return sql.SQL("DROP TABLE IF EXISTS {}").format(name)


def retypes_of(rows: Any) -> Retypes:
    """From the rows of `RETYPES`."""
    by_field: dict[str, list[int]] = {}
    for seq, stream in rows:
        by_field.setdefault(str(stream), []).append(seq)
    return Retypes(by_field)


# --------------------------------------------------------------------- dropping


async def _sweep(connection: Connection) -> None:
    locked = await _one(connection, "SELECT pg_try_advisory_lock(%s)", [_LOCK])
    if locked is None or not locked[0]:
        return  # somebody is at it
    limits = {
        "most": MOST,
        "of_one": MOST_OF_ONE,
        "bytes": MOST_BYTES,
        "unused": UNUSED,
    }
    await connection.execute("SET lock_timeout = '200ms'")
    for (name,) in await (await connection.execute(_TOO_MANY, limits)).fetchall():
        await _drop(connection, name)
    for (name,) in await (await connection.execute(_LEFT_OVER)).fetchall():
        await _drop(connection, name)


async def _drop(connection: Connection, name: str) -> None:
    """A shadow that is being read is dropped another time: who waits for it would keep
    its next readers waiting."""
    beside: Beside = kept_shadow(name)
    try:
        async with connection.transaction():
            for one in (beside.rows, beside.links, beside.net, beside.later):
                await connection.execute(_drop_table(one))
            await connection.execute("DELETE FROM shadows.kept WHERE name = %s", [name])
    except psycopg.errors.LockNotAvailable:
        return
    except psycopg.Error as error:
        log.warning("a shadow was not dropped: %s", error)


async def _one(connection: Connection, statement: Any, values: Any) -> Any:
    return await (await connection.execute(statement, values)).fetchone()


_FIND = (
    "SELECT name FROM shadows.kept WHERE workspace_id = %s::uuid"
    " AND table_id = %s::uuid AND position = %s::bigint"
)
_HEAD = "SELECT seq FROM ledger.heads WHERE workspace_id = %s::uuid"
_NEAREST = (
    "SELECT name, position FROM shadows.kept WHERE workspace_id = %s::uuid"
    " AND table_id = %s::uuid AND position > %s::bigint ORDER BY position LIMIT 1"
)
# by events_beside_records; the stream of a change of type is its field's
RETYPES = b"""
    SELECT seq, stream_id FROM ledger.events
    WHERE workspace_id = %s::uuid AND left(type, 7) <> 'record.'
      AND type = 'field.retyped'
"""
_KEEP = """
    INSERT INTO shadows.kept (name, workspace_id, table_id, position, bytes)
    SELECT %s, %s::uuid, %s::uuid, %s::bigint,
           pg_total_relation_size(%s::regclass) + pg_total_relation_size(%s::regclass)
"""
# read with the shadow: one that a crash has emptied is not registered any more
KEPT = b"SELECT 1 FROM shadows.kept WHERE name = %s"
USED = b"UPDATE shadows.kept SET used_at = clock_timestamp() WHERE name = %s"
_TOO_MANY = """
    SELECT name FROM (
        SELECT name, used_at,
               row_number() OVER latest AS place,
               row_number() OVER (PARTITION BY workspace_id ORDER BY used_at DESC, name)
                   AS own_place,
               sum(bytes) OVER latest AS together
        FROM shadows.kept
        WINDOW latest AS (ORDER BY used_at DESC, name)
    ) AS k
    WHERE place > %(most)s OR own_place > %(of_one)s
       OR (together > %(bytes)s AND place > 1)
       OR used_at < clock_timestamp() - %(unused)s * interval '1 second'
    ORDER BY used_at
"""
_LEFT_OVER = f"""
    SELECT DISTINCT substring(c.relname FROM '^s_[0-9a-f]{{32}}')
    FROM pg_class AS c
    WHERE c.relnamespace = '{SHADOWS}'::regnamespace AND c.relkind = 'r'
      AND c.relname ~ '^s_[0-9a-f]{{32}}(_links|_net|_later)?$'
      AND NOT EXISTS (
          SELECT FROM shadows.kept AS k
          WHERE k.name = substring(c.relname FROM '^s_[0-9a-f]{{32}}')
      )
"""
