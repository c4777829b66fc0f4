"""Single records, read together: gets that wait for a connection share one query.

While one round is under way the next gathers, as writes gather for a commit.  A round
asks, in one pipeline, for the heads of the workspaces (their `catalog_seq` vouches for
schema and membership), for the sessions that are alive, and for the records, one
statement a table.
"""

import asyncio
from collections import deque
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from domain.catalog import Table
from domain.errors import Busy, NotFound, Unauthenticated
from domain.ids import WorkspaceId, table_number_of
from projections.arrays import text_array
from projections.reader import ALIVE, Caller, Reader, Statement
from projections.records.output import Rendition, by_ids
from projections.target import live

ROUNDS = 2  # at a time
MOST = 200  # gets in a round


@dataclass(frozen=True, slots=True)
class Got:
    """A record's version and its JSON."""

    version: int
    body: bytes


class _Get:
    __slots__ = ("caller", "future", "record_id", "rendition", "workspace_id")

    def __init__(
        self,
        caller: Caller,
        workspace_id: WorkspaceId,
        record_id: str,
        rendition: Rendition,
    ) -> None:
        self.caller = caller
        self.workspace_id = workspace_id
        self.record_id = record_id
        self.rendition = rendition
        self.future: asyncio.Future[Got] = asyncio.get_running_loop().create_future()


class Gets:
    """The waiting gets, and the tasks that serve them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._waiting: deque[_Get] = deque()
        self._rounds: set[asyncio.Task[None]] = set()

    async def get(
        self,
        caller: Caller,
        workspace_id: WorkspaceId,
        record_id: str,
        rendition: Rendition = Rendition.RECORD,
    ) -> Got:
        """Raises NotFound, Unauthenticated, Busy."""
        one = _Get(caller, workspace_id, record_id, rendition)
        self._waiting.append(one)
        if len(self._rounds) < ROUNDS:
            self._rounds.add(asyncio.create_task(self._serve()))
        return await one.future

    async def _serve(self) -> None:
        try:
            await self._serve_waiting()
        finally:
            # at once: a get that comes before a callback would find nobody to serve it
            self._rounds.discard(asyncio.current_task())

    async def _serve_waiting(self) -> None:
        await asyncio.sleep(0)  # those that came with this turn of the loop join in
        while self._waiting:
            count = min(MOST, len(self._waiting))
            gets = [self._waiting.popleft() for _ in range(count)]
            try:
                await self._round(gets)
            except BaseException as error:
                refusal = error if isinstance(error, Exception) else Busy()
                for one in gets:
                    if not one.future.done():
                        one.future.set_exception(refusal)
                if not isinstance(error, Exception):
                    raise

    async def _round(self, gets: list[_Get]) -> None:
        reader = self._reader
        tables: dict[tuple[str, Rendition], tuple[Table, WorkspaceId, list[_Get]]] = {}
        # what was planned with: a cached catalogue may be replaced meanwhile
        planned: dict[WorkspaceId, int] = {}
        stale = []
        for one in gets:
            catalog = reader.catalogs.get(one.workspace_id)
            table = None
            if catalog is not None and catalog.role_of(one.caller.user_id) is not None:
                table = _table(catalog.table_by_number, one.record_id)
            if table is None or table.deleted:
                stale.append(one)
                continue
            key = (table.id, one.rendition)
            if key not in tables:
                tables[key] = (table, one.workspace_id, [])
                planned[one.workspace_id] = reader.catalogs[one.workspace_id].seq
            tables[key][2].append(one)
        if tables:
            stale += await self._ask(tables, planned)
        for one in stale:
            await self._alone(one)

    async def _ask(
        self,
        tables: dict[tuple[str, Rendition], tuple[Table, WorkspaceId, list[_Get]]],
        planned: dict[WorkspaceId, int],
    ) -> list[_Get]:
        """Answers the gets whose catalogue is the present one; gives the others."""
        reader = self._reader
        workspaces = {workspace_id for _, workspace_id, _ in tables.values()}
        sessions = {
            one.caller.session_id for _, _, gets in tables.values() for one in gets
        }
        visible = "{" + ",".join(workspaces) + "}"
        statements: list[Statement] = [
            (_ENTER, [visible, text_array(list(sessions)), visible])
        ]
        for (_, rendition), (table, workspace_id, gets) in tables.items():
            statement = by_ids(live(workspace_id), table, rendition)
            ids = {one.record_id for one in gets}
            statements.append((statement, ["{" + ",".join(ids) + "}"]))
        ((_, present, alive),), *results = await reader.run(statements)
        living = frozenset(alive or ())
        stale: list[_Get] = []
        for (_, workspace_id, gets), rows in zip(tables.values(), results, strict=True):
            if (present or {}).get(workspace_id) != planned[workspace_id]:
                stale += gets
                continue
            found = {row[0]: row for row in rows}
            for one in gets:
                _answer(one, found.get(one.record_id), living)
        return stale

    async def _alone(self, one: _Get) -> None:
        """The slow way: the catalogue is loaded, the refusal is certain."""
        try:
            seen = await self._reader.ask(
                one.caller,
                one.workspace_id,
                lambda catalog: [
                    (
                        by_ids(
                            live(one.workspace_id),
                            _live(_table(catalog.table_by_number, one.record_id)),
                            one.rendition,
                        ),
                        ["{" + one.record_id + "}"],
                    )
                ],
            )
            row = seen.results[0][0] if seen.results[0] else None
            _answer(one, row, {one.caller.session_id})
        except Exception as error:
            if isinstance(error, NotFound):
                error = NotFound("Record not found")
            if not one.future.done():
                one.future.set_exception(error)


def _table(by_number: Any, record_id: str) -> Table | None:
    found: Table | None = by_number.get(table_number_of(record_id))
    return found


def _live(table: Table | None) -> Table:
    if table is None or table.deleted:
        raise NotFound("Record not found")
    return table


def _answer(one: _Get, row: Any, living: Set[str]) -> None:
    if one.future.done():
        return
    if one.caller.session_id not in living:
        one.future.set_exception(Unauthenticated())
    elif row is None:
        one.future.set_exception(NotFound("Record not found"))
    else:
        one.future.set_result(Got(row[1], row[2].encode()))


# what `reader` asks of each read first, of several: the catalogues' positions and the
# sessions that are alive
_ENTER = (
    b"""
    SELECT v.visible,
           (SELECT json_object_agg(workspace_id, catalog_seq) FROM ledger.heads
            WHERE workspace_id = ANY (%s::uuid[]) AND v.visible IS NOT NULL),
           (SELECT array_agg(id::text) FROM vault.sessions WHERE id = ANY (%s::uuid[])
            AND """
    + ALIVE
    + b""")
    FROM (SELECT set_config('app.workspaces', %s, true) OFFSET 0) AS v (visible)
"""
)
