"""Unique constraints over large tables: their keys are made while writes go on.

What is to do stands in `catalog.fills` (`projections/records/keys.py`), so a worker
that is killed goes on where it was, and several servers share the work.

The field of a pending constraint is not written (423), so a value that has been read
can only go, with its record.  Rows are read and keys are inserted without any lock;
then, in the same transaction, the head is locked for the few statements that make it
right:

    1  a fill that is not where it was (another worker, another event): all taken back
    2  keys of records that were deleted since they were read: taken out again; who
       deletes from here on sees the keys and takes them along
    3  how far it came

So the lock is held for a look-up a key, and never for reading, hashing and inserting.
When all is seen, one command through the committer makes the constraint active, or ends
it with the records that stood against it.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from psycopg import sql

from commands.system import System
from commands.write import submit_by_nobody
from domain.catalog import Constraint, Table
from domain.constraint import MOST_EXAMPLES, SettleConstraint
from domain.errors import DomainError
from domain.events import Command
from domain.ids import ConstraintId, RecordId, WorkspaceId
from projections.arrays import text_array
from projections.catalog import load
from projections.postgres import connect
from projections.records.keys import (
    digest_array,
    digests,
    drop_keys,
    insert_keys,
    next_values,
)
from projections.records.rows import select_versions
from projections.target import live

log = logging.getLogger(__name__)

ROUND_SECONDS = 1.0
TURN_SECONDS = 2.0  # of one constraint, until the others have their turn
ROWS = 2_000  # of one transaction
DELETES = 1_000  # of one transaction: they hold the head
REST = 1.0  # times as long as a slice took, nothing is done: writes go first
SLEEP_SECONDS = 30.0  # before what cannot be done now is tried again
ENDED = ("full", "duplicates")
_LOCK = 0x7AB_0C0  # with a hash of the constraint's id

Pair = tuple[RecordId, RecordId]
Settle = Callable[[WorkspaceId, Command], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fill:
    """A row of `catalog.fills`: what is to do for a constraint."""

    workspace_id: WorkspaceId
    constraint_id: ConstraintId
    since: int
    phase: str
    upto: int
    pairs: Sequence[Pair]


def existing(connection: psycopg.Connection[Any]) -> list[Fill]:
    return [_read(row) for row in connection.execute(_EXISTING)]


def settling(system: System) -> Settle:
    """Commits what ends a fill, as nobody in particular."""

    async def settle(workspace_id: WorkspaceId, command: Command) -> None:
        await submit_by_nobody(system, workspace_id, command)

    return settle


class Filler:
    """Does what fills say, in a thread of its own."""

    def __init__(self, url: str, settle: Settle, *, rows: int = ROWS) -> None:
        self._url = url
        self._settle = settle
        self._rows = rows
        self._resting: dict[ConstraintId, float] = {}
        self._stopping = threading.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            busy = False
            try:
                busy = await self.round()
            except psycopg.Error as error:
                log.warning("constraints are filled later: %s", error)
            except Exception:  # a bug; the other constraints still want their keys
                log.exception("a constraint could not be filled")
            await asyncio.sleep(0 if busy else ROUND_SECONDS)

    async def round(self) -> bool:
        """Gives every fill a turn; whether there is more to do at once."""
        busy = False
        for fill in await asyncio.to_thread(self._waiting):
            now = await asyncio.to_thread(self.turn, fill)
            if now is not None and now.phase in ENDED:
                now = await self._end(now)
            if now == fill:
                self._rest(fill, SLEEP_SECONDS)
            elif now is not None:
                busy = True
        return busy

    def _rest(self, fill: Fill, seconds: float) -> None:
        self._resting[fill.constraint_id] = time.monotonic() + seconds

    def _waiting(self) -> list[Fill]:
        with connect(self._url, autocommit=True) as connection:
            found = existing(connection)
        now = time.monotonic()
        self._resting = {
            one: until for one, until in self._resting.items() if until > now
        }
        return [one for one in found if one.constraint_id not in self._resting]

    async def _end(self, fill: Fill) -> Fill | None:
        """Settles a constraint whose values are all seen."""
        constraint = await asyncio.to_thread(self._constraint, fill)
        if constraint is None:
            return fill
        command = SettleConstraint(
            constraint.id, constraint.table_id, constraint.field_id, fill.pairs
        )
        try:
            await self._settle(fill.workspace_id, command)
        except DomainError as error:
            log.info("a constraint is settled later: %s", error)
            self._rest(fill, ROUND_SECONDS)
            return None
        # where the records that stood against it are gone, it begins anew
        return await asyncio.to_thread(self._begin_anew, fill)

    # ------------------------------------------------------------- in a thread

    def turn(self, fill: Fill, most: int | None = None) -> Fill | None:
        """Works at a fill for a while, or at `most` slices of it.

        Gives where it is then, None when it is gone; the same where nothing can be
        done, because another server is at it or the table is hidden.
        """
        with connect(self._url, autocommit=True) as connection:
            locked = connection.execute(_TRY, [_LOCK, fill.constraint_id]).fetchone()
            if not locked or not locked[0]:
                return fill
            try:
                connection.execute(_SEE, [f"{{{fill.workspace_id}}}"])
                return self._work(connection, fill, most)
            finally:
                connection.execute(_UNLOCK, [_LOCK, fill.constraint_id])

    def _work(
        self, connection: psycopg.Connection[Any], fill: Fill, most: int | None
    ) -> Fill | None:
        until = time.monotonic() + TURN_SECONDS
        found = _find(connection, fill)
        now, slices, cleared = _now(connection, fill), 0, b""
        while now is not None and now.phase not in ENDED and slices != most:
            began = time.monotonic()
            if now.phase in ("drop", "clear"):
                cleared = _clear(connection, now, cleared)
            elif found is not None:
                _fill(connection, now, *found, rows=self._rows)
            else:
                break
            now, slices = _now(connection, fill), slices + 1
            if time.monotonic() > until or self._stopping.is_set():
                break
            self._stopping.wait(REST * (time.monotonic() - began))
        return now

    def _constraint(self, fill: Fill) -> Constraint | None:
        with connect(self._url, autocommit=True) as connection:
            connection.execute(_SEE, [f"{{{fill.workspace_id}}}"])
            found = _find(connection, fill)
        return None if found is None else found[1]

    def _begin_anew(self, fill: Fill) -> Fill | None:
        """Where the fill is still the same."""
        with connect(self._url, autocommit=True) as connection:
            connection.execute(_SEE, [f"{{{fill.workspace_id}}}"])
            with connection.transaction():
                _lock_head(connection, fill)
                connection.execute(_MOVE, _moved(fill, "clear", 0, []))
            return _now(connection, fill)


def _now(connection: psycopg.Connection[Any], fill: Fill) -> Fill | None:
    row = connection.execute(
        _EXISTING + " WHERE workspace_id = %s AND constraint_id = %s",
        [fill.workspace_id, fill.constraint_id],
    ).fetchone()
    return None if row is None else _read(row)


def _read(row: Sequence[Any]) -> Fill:
    workspace_id, constraint_id, since, phase, upto, pairs = row
    shared = tuple((RecordId(first), RecordId(other)) for first, other in pairs)
    return Fill(workspace_id, constraint_id, since, phase, upto, shared)


def _find(
    connection: psycopg.Connection[Any], fill: Fill
) -> tuple[Table, Constraint] | None:
    """A constraint that can be filled: a hidden one waits for its table."""
    target = live(fill.workspace_id)
    catalog = load(connection, target, fill.workspace_id, 0)
    if catalog.workspace is None or catalog.workspace.deleted:
        return None
    for table in catalog.tables.values():
        for one in table.pending:
            if one.id == fill.constraint_id and not table.deleted:
                return table, one
    return None


def _lock_head(connection: psycopg.Connection[Any], fill: Fill) -> None:
    connection.execute(
        "SELECT 1 FROM ledger.heads WHERE workspace_id = %s FOR UPDATE",
        [fill.workspace_id],
    )


def _moved(
    fill: Fill, phase: str, upto: int, pairs: Sequence[Pair]
) -> Mapping[str, Any]:
    return {
        "phase": phase,
        "upto": upto,
        "pairs": orjson.dumps(pairs).decode(),
        "workspace": fill.workspace_id,
        "constraint": fill.constraint_id,
        "since": fill.since,
        "was": fill.phase,
        "at": fill.upto,
    }


def _clear(connection: psycopg.Connection[Any], fill: Fill, after: bytes) -> bytes:
    """Deletes some keys that are of nothing, those after a digest; gives the last one.

    So what has been deleted and is still in the index is not passed over each time.
    When none is left, what comes next is written down.
    """
    with connection.transaction():
        connection.execute(_NOT_AT_ONCE)
        _lock_head(connection, fill)
        if _now(connection, fill) != fill:
            return after
        deleted = connection.execute(
            _CLEAR,
            {
                "workspace": fill.workspace_id,
                "constraint": fill.constraint_id,
                "after": after,
                "most": DELETES,
            },
        ).fetchall()
        if len(deleted) == DELETES:
            return max(bytes(row[0]) for row in deleted)
        if fill.phase == "clear":
            connection.execute(_MOVE, _moved(fill, "fill", 0, []))
        else:
            connection.execute(_DONE, [fill.workspace_id, fill.constraint_id])
        return b""


def _fill(
    connection: psycopg.Connection[Any],
    fill: Fill,
    table: Table,
    constraint: Constraint,
    *,
    rows: int,
) -> None:
    target = live(fill.workspace_id)
    field = table.all_fields[constraint.field_id]
    found = next_values(connection, target, table, field, fill.upto, rows)
    keys = list(digests(constraint, found))
    sent = [text_array([one for one, _ in keys]), text_array([one for _, one in keys])]
    with connection.transaction() as transaction:
        connection.execute(_NOT_AT_ONCE)
        inserting = insert_keys(target, fill.workspace_id, constraint)
        inserted = connection.execute(
            inserting + sql.SQL(" ON CONFLICT DO NOTHING"), sent
        ).rowcount
        pairs = list(fill.pairs)
        if inserted < len(keys):
            pairs += _doubles(connection, fill, keys)
        pairs = pairs[:MOST_EXAMPLES]
        last = len(found) < rows or len(pairs) == MOST_EXAMPLES
        phase = ("duplicates" if pairs else "full") if last else "fill"
        upto = found[-1][0] if found else fill.upto
        _lock_head(connection, fill)
        moved = connection.execute(_MOVE, _moved(fill, phase, upto, pairs)).rowcount
        if not moved:
            raise psycopg.Rollback(transaction)
        there = connection.execute(select_versions(target, table.id), [sent[1]])
        left = {row[0] for row in there}
        gone = [pair for pair in keys if pair[1] not in left]
        if gone:
            drop_keys(connection, target, fill.workspace_id, constraint, gone)


def _doubles(
    connection: psycopg.Connection[Any], fill: Fill, keys: Sequence[tuple[str, str]]
) -> list[Pair]:
    """(who has the key, who has the value too) of the records without a key."""
    rows = connection.execute(
        _HOLDERS, [fill.workspace_id, fill.constraint_id, digest_array(keys)]
    )
    holders = {bytes(digest).hex(): record_id for digest, record_id in rows}
    return [
        (RecordId(holders[digest]), RecordId(record_id))
        for digest, record_id in keys
        if holders.get(digest, record_id) != record_id
    ]


_TRY = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
_UNLOCK = "SELECT pg_advisory_unlock(%s, hashtext(%s))"
_SEE = "SELECT set_config('app.workspaces', %s, false)"
# a crash takes a slice back together with the word of it
_NOT_AT_ONCE = "SET LOCAL synchronous_commit = off"
_EXISTING = (
    "SELECT workspace_id, constraint_id, since, phase, upto, pairs FROM catalog.fills"
)
_MOVE = """
    UPDATE catalog.fills
    SET phase = %(phase)s, upto = %(upto)s, pairs = %(pairs)s
    WHERE workspace_id = %(workspace)s AND constraint_id = %(constraint)s
      AND since = %(since)s AND phase = %(was)s AND upto = %(at)s
"""
_CLEAR = """
    DELETE FROM catalog.unique_keys
    WHERE workspace_id = %(workspace)s::uuid AND constraint_id = %(constraint)s::uuid
      AND digest = ANY (ARRAY (
        SELECT digest FROM catalog.unique_keys
        WHERE workspace_id = %(workspace)s::uuid
          AND constraint_id = %(constraint)s::uuid AND digest > %(after)s::bytea
        ORDER BY digest LIMIT %(most)s))
    RETURNING digest
"""
_DONE = "DELETE FROM catalog.fills WHERE workspace_id = %s AND constraint_id = %s"
# by unique_keys' primary key, whatever is known of the table
_HOLDERS = """
    SELECT digest, record_id FROM catalog.unique_keys
    WHERE workspace_id = %s::uuid AND constraint_id = %s::uuid
      AND digest = ANY (%s::bytea[])
"""
