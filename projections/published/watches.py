"""Up to which position a workspace's tables were written last: what a page hangs on.

Nothing is trusted that another process may have changed: each reading begins with the
head as it is now.  Those who wait for a connection ask together, one statement for all
workspaces; where a head moved since this process asked last, another one tells what was
written meanwhile, table by table.  So a page that nobody has written since costs its
share of one small question.

Of what lies before the first question (`floor`) only is known that it lies before; who
shows an older position makes us look there too.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

import psycopg

from domain.catalog import Table
from domain.errors import Busy
from domain.ids import WorkspaceId, record_id
from projections.reader import Reader, Rows, Statement, see

KEPT = 10_000  # workspaces
LOOK_BACK = 5_000  # events that are looked through; beyond, every table counts
ROUNDS = 2  # questions at a time
MOST = 200  # workspaces in a question
_NEVER = 2**62

Connection: TypeAlias = psycopg.AsyncConnection[Any]
_Waiting: TypeAlias = "list[asyncio.Future[Watch | None]]"


class Watch:
    """One workspace: its head, the catalogue's, and what was written after `floor`."""

    __slots__ = ("catalog_seq", "floor", "lasts", "seq")

    def __init__(self, seq: int, catalog_seq: int) -> None:
        self.seq, self.catalog_seq, self.floor = seq, catalog_seq, seq
        self.lasts: dict[str, int] = {}

    def position(self, marks: Iterable[str]) -> int:
        """A position after which neither the tables of these marks nor the catalogue
        were written."""
        floor, lasts = self.floor, self.lasts
        last = max((lasts.get(one, floor) for one in marks), default=0)
        return max(last, self.catalog_seq)

    def moved(self, seq: int, catalog_seq: int, since: int, written: Rows) -> None:
        """`written`: the last position of each table behind `since`."""
        if seq <= self.seq:
            return
        if since > self.seq or seq - since > LOOK_BACK:
            self.floor, self.lasts = seq, {}
        else:
            self.lasts.update(written)
        self.seq, self.catalog_seq = seq, catalog_seq

    def lowered(self, floor: int, written: Rows) -> None:
        for marked, last in written:
            self.lasts.setdefault(marked, last)
        self.floor = min(floor, self.floor)


class Watches:
    """The workspaces that were asked about lately; one event loop's."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: OrderedDict[WorkspaceId, Watch] = OrderedDict()
        self._waiting: dict[WorkspaceId, _Waiting] = {}
        self._rounds: set[asyncio.Task[None]] = set()

    async def of(self, workspace_id: WorkspaceId) -> Watch | None:
        """As it is now, or later; None where there is no such workspace.

        Raises Busy.
        """
        future: asyncio.Future[Watch | None]
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace_id, []).append(future)
        if len(self._rounds) < ROUNDS:
            self._rounds.add(asyncio.create_task(self._serve()))
        return await future

    async def look_back(self, workspace_id: WorkspaceId, position: int) -> None:
        """Learns what was written after a position that lies before the floor."""
        watch = self._known.get(workspace_id)
        if watch is None or not watch.floor - LOOK_BACK <= position < watch.floor:
            return
        floor = watch.floor
        _, rows = await self._reader.run(
            [see(workspace_id), (_BETWEEN, [workspace_id, position, floor])]
        )
        if watch.floor == floor:
            watch.lowered(position, rows)

    async def _serve(self) -> None:
        try:
            await asyncio.sleep(0)  # those that came with this turn join in
            while self._waiting:
                await self._rounds_on_a_connection()
        finally:
            # at once: who comes before a callback would find nobody to serve it
            task = asyncio.current_task()
            assert task is not None
            self._rounds.discard(task)

    async def _rounds_on_a_connection(self) -> None:
        """To borrow one, and to send in a pipeline, costs more than the question: it is
        kept for as long as somebody waits."""
        asked: dict[WorkspaceId, _Waiting] = {}
        try:
            async with self._reader.connection() as connection:
                while self._waiting:
                    asked = self._next()
                    found = await self._ask(connection, list(asked))
                    for workspace_id, waiting in asked.items():
                        for future in waiting:
                            if not future.done():  # who asked may have gone
                                future.set_result(found.get(workspace_id))
        except BaseException as error:
            refusal = error if isinstance(error, Exception) else Busy()
            for future in chain(*(asked or self._next()).values()):
                if not future.done():
                    future.set_exception(refusal)
            if not isinstance(error, Exception):
                raise

    def _next(self) -> "dict[WorkspaceId, _Waiting]":
        """Whoever comes from now on waits for the next one: its head is a later one."""
        asked: dict[WorkspaceId, _Waiting] = {}
        while self._waiting and len(asked) < MOST:
            workspace_id = next(iter(self._waiting))
            asked[workspace_id] = self._waiting.pop(workspace_id)
        return asked

    async def _ask(
        self, connection: Connection, workspaces: Sequence[WorkspaceId]
    ) -> dict[str, Watch]:
        ids = "{" + ",".join(workspaces) + "}"
        cursor = await connection.execute(_HEADS, [ids, ids], prepare=True)
        heads = await cursor.fetchall()
        moved: dict[WorkspaceId, int] = {}  # from where on
        for workspace_id, seq, _ in heads:
            watch = self._known.get(workspace_id)
            if watch is not None and 0 < seq - watch.seq <= LOOK_BACK:
                moved[workspace_id] = watch.seq
        written = await self._written(moved, {head[0]: head[1] for head in heads})
        found: dict[str, Watch] = {}
        for workspace_id, seq, catalog_seq in heads:
            watch = self._known.get(workspace_id)
            if watch is None:
                watch = Watch(seq, catalog_seq)
                self._keep(workspace_id, watch)
            else:
                self._known.move_to_end(workspace_id)
                since = moved.get(workspace_id, _NEVER)
                meanwhile = written.get(workspace_id, [])
                watch.moved(seq, catalog_seq, since, meanwhile)
            found[workspace_id] = watch
        return found

    async def _written(
        self, since: Mapping[WorkspaceId, int], upto: Mapping[WorkspaceId, int]
    ) -> dict[WorkspaceId, Rows]:
        """The last position of each table between two of its workspace."""
        if not since:
            return {}
        questions: list[Statement] = [
            (_BETWEEN, [one, position, upto[one]]) for one, position in since.items()
        ]
        _, *results = await self._reader.run([see(*since), *questions])
        return dict(zip(since, results, strict=True))

    def _keep(self, workspace_id: WorkspaceId, watch: Watch) -> None:
        self._known[workspace_id] = watch
        if len(self._known) > KEPT:
            self._known.popitem(last=False)


def mark(table: Table) -> str:
    """What the ids of a table's records have in common, as `_MARK` finds it."""
    text = record_id(0, table.number, 0).replace("-", "")
    return text[12:20] + f"{int(text[20:22], 16) & 252:02x}"


# a record's id holds its table's number in bytes 6 to 9 and in six bits of byte 10
_MARK = b"""
    encode(substring(s.id FROM 7 FOR 4), 'hex')
        || lpad(to_hex(get_byte(s.id, 10) & 252), 2, '0')
"""
# by the primary keys of heads, which are looked for when they have become visible, and
# of events
_HEADS = b"""
    SELECT h.* FROM (SELECT set_config('app.workspaces', %s, true) OFFSET 0)
        AS v (visible)
    CROSS JOIN LATERAL (
        SELECT workspace_id, seq, catalog_seq FROM ledger.heads
        WHERE workspace_id = ANY (%s::uuid[]) AND v.visible IS NOT NULL OFFSET 0
    ) AS h
"""
_BETWEEN = (
    b"SELECT "
    + _MARK
    + b""" AS mark, max(s.seq)
    FROM (
        SELECT uuid_send(stream_id) AS id, seq FROM ledger.events
        WHERE workspace_id = %s::uuid AND seq > %s::bigint AND seq <= %s::bigint
          AND left(type, 7) = 'record.'
    ) AS s
    GROUP BY 1
"""
)
