"""Indexes on demand: what lists were slow without is made, what nobody uses is dropped.

Demands are counted in memory, a server's own; what exists is read from the database, so
several servers agree.  An index is made CONCURRENTLY: writes go on, a change of the
table's fields waits for it or is answered 503.  Nothing here is part of any state: an
index changes how long an answer takes and never what it is.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from domain.ids import FieldId, TableId
from projections.catalog import load
from projections.indexes import SEARCH_SCHEMA, Index, create, drop, is_ours
from projections.postgres import connect
from projections.target import live, table_name

log = logging.getLogger(__name__)

SLOW_SECONDS = 0.03  # a list that took longer asks for its indexes
DEMANDS = 5  # slow lists before an index is made
FORGET_SECONDS = 600.0  # after which demands count no more
LEAST_ROWS = 5_000  # of a table that is worth an index
ROUND_SECONDS = 2.0
SWEEP_SECONDS = 3600.0
UNUSED = timedelta(days=7)
_LOCK = 0x7AB_1DE5  # with a hash of the index's name


@dataclass(frozen=True, slots=True)
class Made:
    """An index on demand, as the database knows it."""

    schema: str
    table: str
    name: str
    valid: bool
    scans: int
    bytes: int
    note: str | None


def existing(connection: psycopg.Connection[Any]) -> list[Made]:
    rows = connection.execute(_EXISTING).fetchall()
    return [one for one in (Made(*row) for row in rows) if is_ours(one.name)]


class Indexer:
    """Counts demands, and makes and drops indexes in a thread of its own."""

    def __init__(self, url: str, *, most: int, clock: Callable[[], float]) -> None:
        self._url = url
        self._clock = clock
        self._most = most
        self._demands: Counter[Index] = Counter()
        self._since = time.monotonic()
        self._refused: set[Index] = set()
        self._task: asyncio.Task[None] | None = None

    def demand(self, seconds: float, indexes: Iterable[Index]) -> None:
        """A list took so long and could have used these."""
        if self._most and seconds >= SLOW_SECONDS:
            self._demands.update(one for one in indexes if one not in self._refused)

    def start(self) -> None:
        if self._most:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        swept = time.monotonic()
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            wanted = [one for one, times in self._demands.items() if times >= DEMANDS]
            if time.monotonic() - self._since > FORGET_SECONDS:
                self._demands.clear()
                self._refused.clear()
                self._since = time.monotonic()
            try:
                for index in wanted:
                    del self._demands[index]
                    if not await asyncio.to_thread(self.make, index):
                        self._refused.add(index)
                if time.monotonic() - swept > SWEEP_SECONDS:
                    swept = time.monotonic()
                    await asyncio.to_thread(self.sweep)
            except psycopg.Error as error:
                log.warning("indexes are tried again later: %s", error)

    def make(self, index: Index) -> bool:
        """Makes an index where it is missing; False where there shall be none."""
        schema = live(index.workspace_id).records
        with connect(self._url, autocommit=True) as connection:
            connection.execute("SET statement_timeout = '10min'")
            if not _locked(connection, index.name):
                return True  # another server is at it
            there = [
                one
                for one in existing(connection)
                if (one.schema, one.table) == (schema, table_name(index.table_id))
            ]
            known = next((one for one in there if one.name == index.name), None)
            if known is not None and known.valid:
                return True
            if known is not None:
                connection.execute(drop(schema, index.name))
            if len(there) >= self._most or _rows(connection, index) < LEAST_ROWS:
                return False
            return _make(connection, index)

    def sweep(self) -> int:
        """Drops what nobody used for a week; notes down how far the others are used."""
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        dropped = 0
        with connect(self._url, autocommit=True) as connection:
            for one in existing(connection):
                scans, _, since = (one.note or "").partition(" scans by ")
                if scans != str(one.scans):
                    _note(connection, one, f"{one.scans} scans by {today}")
                elif today - date.fromisoformat(since) >= UNUSED:
                    connection.execute(drop(one.schema, one.name))
                    log.info("an index that nobody used was dropped: %s", one.name)
                    dropped += 1
        return dropped


def _locked(connection: psycopg.Connection[Any], name: str) -> bool:
    row = connection.execute(
        "SELECT pg_try_advisory_lock(%s, hashtext(%s))", [_LOCK, name]
    ).fetchone()
    return bool(row and row[0])


def _rows(connection: psycopg.Connection[Any], index: Index) -> int:
    row = connection.execute(
        sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT %s) AS t").format(
            live(index.workspace_id).of_records(index.table_id)
        ),
        [LEAST_ROWS],
    ).fetchone()
    return int(row[0]) if row else 0


def _make(connection: psycopg.Connection[Any], index: Index) -> bool:
    connection.execute(
        "SELECT set_config('app.workspaces', %s, false)", [f"{{{index.workspace_id}}}"]
    )
    target = live(index.workspace_id)
    catalog = load(connection, target, index.workspace_id, 0)
    table = catalog.tables.get(TableId(index.table_id))
    field = table.by_id.get(FieldId(index.field_id)) if table else None
    if table is None or table.deleted or field is None:
        return False
    began = time.monotonic()
    try:
        if index.kind == "search":
            _have_trigrams(connection)
        connection.execute(create(index, field))
        connection.execute(
            sql.SQL("ANALYZE {}").format(target.of_records(index.table_id))
        )
    except psycopg.Error as error:
        log.warning("an index could not be made: %s", error)
        connection.execute(drop(target.records, index.name))
        return False
    log.info(
        "an index was made on demand",
        extra={"index": index.name, "seconds": round(time.monotonic() - began, 2)},
    )
    return True


def _have_trigrams(connection: psycopg.Connection[Any]) -> None:
    schema = sql.Identifier(SEARCH_SCHEMA)
    for statement in (
        "CREATE SCHEMA IF NOT EXISTS {}",
        "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA {}",
    ):
        connection.execute(sql.SQL(statement).format(schema))


def _note(connection: psycopg.Connection[Any], one: Made, note: str) -> None:
    connection.execute(
        sql.SQL("COMMENT ON INDEX {} IS {}").format(
            sql.Identifier(one.schema, one.name), sql.Literal(note)
        )
    )


_EXISTING = """
    SELECT n.nspname, t.relname, i.relname, x.indisvalid,
           coalesce(s.idx_scan, 0), pg_relation_size(i.oid),
           obj_description(i.oid, 'pg_class')
    FROM pg_index AS x
    JOIN pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_class AS t ON t.oid = x.indrelid
    JOIN pg_namespace AS n ON n.oid = i.relnamespace
    LEFT JOIN pg_stat_all_indexes AS s ON s.indexrelid = i.oid
    WHERE n.nspname LIKE 'ws\\_%' AND i.relname LIKE 'demand\\_%'
    ORDER BY n.nspname, t.relname, i.relname
"""
