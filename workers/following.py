"""Following the feed: one loop for all that happens after a commit.

A follower is given each workspace's events once and in order, page by page.  What it
does with them through the connection that it is handed, and how far it came, is one
transaction.

    feed ── notice ──► ledger.followed (a row a workspace: seq, upto)
         ── claim ───► pages of some workspaces, each locked by one process
         ── follow ──► the effect; seq moves; COMMIT

Any number of processes may run the same follower: a workspace is at one of them, by an
advisory lock of the very transaction that moves its position.  So who is killed lets go
of it, and who was stopped for long has lost connection, lock and transaction.  What a
follower does outside of the database (Kafka) may happen twice, and never not at all.

What a page cannot be followed for is told apart: `Unavailable` is nobody's fault and
has the whole follower wait; anything else is some event's.  It is found by taking the
page event by event, tried again, and then the workspace is parked: the others go on,
nothing is skipped, and log, metrics and `tabellion doctor` say so until somebody
resumes it.

A follower may be a `Choosing` one: of workspaces that it passes by no event is read.

Woken by the seal's notice; asking once a second alone would be correct.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from psycopg import sql

from commands.seal import CHANNEL
from domain.ids import WorkspaceId
from projections.arrays import text_array
from projections.log import ENVELOPES, Envelope
from workers.loops import (
    POLL_SECONDS,
    Connection,
    Rounds,
    Unavailable,
    connect,
    first_line,
    listen,
)

__all__ = [
    "Connection",
    "Failed",
    "Follower",
    "Following",
    "Loop",
    "Page",
    "Poison",
    "Reached",
    "Unavailable",
    "first_line",
]

log = logging.getLogger(__name__)

DRAIN_SECONDS = 2.5  # for the round under way, within what stopping may take
CLOSE_SECONDS = 1.0  # for letting go of what was not finished by then
HOLD_SECONDS = 60  # an effect may take so long before its transaction is given up
LONGEST_REST = 300.0  # seconds, before an event that failed is tried again
TRIES = 6  # of one event, before its workspace is parked
WORKSPACES = 64  # of one transaction
EVENTS = 2_000  # of one transaction
BYTES = 8 * 1024 * 1024  # of data, of one transaction
LOOK = 5_000  # rows of the feed that are noticed at a time


class Poison(Exception):
    """An event that will never be followed as it is: nobody need try again"""


@dataclass(frozen=True, slots=True)
class Page:
    """What comes next in a workspace, one event at least; `note`: see `Reached`."""

    workspace_id: WorkspaceId
    events: Sequence[Envelope]
    note: str | None


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a follower came, and what it wants to be told with its next page."""

    seq: int
    note: str | None = None


class Follower(Protocol):
    """What one has to be to follow.  `from_the_first`: a new one begins with the first
    event there is, and not with the next."""

    name: str
    from_the_first: bool

    async def prepare(self) -> None:
        """Called before each page, in no transaction.  Raises Unavailable."""

    async def follow(
        self, connection: Connection, pages: Sequence[Page]
    ) -> Mapping[WorkspaceId, Reached]:
        """Has the effect of the pages, or of the beginnings of some of them.

        What has an effect in the database goes through `connection`.  Raises
        Unavailable where it could do nothing at all, and Poison.
        """

    async def close(self) -> None: ...


@runtime_checkable
class Choosing(Protocol):
    """A follower that need not be given every workspace's events."""

    async def passed_by(
        self, connection: Connection, workspaces: Sequence[WorkspaceId]
    ) -> Collection[WorkspaceId]:
        """Those of them in which nothing that has happened by now concerns it."""


class Following:
    """The followers of one process."""

    def __init__(self, url: str, followers: Sequence[Follower]) -> None:
        self._url = url
        self._loops = [Loop(url, follower) for follower in followers]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        if self._loops:
            self._tasks = [asyncio.create_task(one.run()) for one in self._loops]
            listening = listen(self._url, CHANNEL, self._wake)
            self._tasks.append(asyncio.create_task(listening))

    async def stop(self) -> None:
        """Lets the rounds under way finish, for a while."""
        for one in self._loops:
            one.stop()
        if not self._tasks:
            return
        self._tasks[-1].cancel()
        _, late = await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=CLOSE_SECONDS)

    def _wake(self) -> None:
        for one in self._loops:
            one.wake()


class Loop:
    """One follower, in one process."""

    def __init__(self, url: str, follower: Follower, *, tries: int = TRIES) -> None:
        self._url, self.follower, self._tries = url, follower, tries
        self._rounds = Rounds(follower.name)
        self._connection: Connection | None = None

    def wake(self) -> None:
        self._rounds.wake()

    def stop(self) -> None:
        self._rounds.stop()

    async def run(self) -> None:
        async def turn() -> float:
            return 0.0 if await self.round() else POLL_SECONDS

        try:
            await self._rounds.run(turn)
        finally:
            await self.follower.close()
            await self._let_go()

    async def round(self) -> bool:
        """Follows what there is of some workspaces; whether there may be more.

        Raises Unavailable, psycopg.Error.
        """
        noticed = await self._notice()
        try:
            moved = await self._turn()
        except Failed as failed:
            for page in failed.pages:
                await self._alone(page)
            return True
        return noticed or moved > 0

    # ------------------------------------------------------------- one turn

    async def _notice(self) -> bool:
        """Writes down what the feed has that is new; whether it may have more."""
        connection = await self._connected()
        values = {"follower": self.follower.name, "most": LOOK}
        row = await (await connection.execute(_NOTICE, values)).fetchone()
        return bool(row and row[0] == LOOK)

    async def _turn(
        self, only: WorkspaceId | None = None, *, events: int = EVENTS
    ) -> int:
        """Claims pages, or the one of a workspace, of so many events together, and
        follows them; gives how many events it came on.

        Raises Failed, Unavailable, psycopg.Error.
        """
        await self.follower.prepare()
        async with self._transaction() as connection:
            places = await self._claim(connection, only)
            passed = await self._pass_by(connection, places)
            pages = await self._pages(connection, places, events)
            if not pages:
                return passed
            try:
                reached = await self.follower.follow(connection, pages)
            except Unavailable:
                raise
            except Exception as error:
                if connection.closed:
                    raise
                raise Failed(pages, error) from error
            before = {page.workspace_id: page.events[0].seq - 1 for page in pages}
            return passed + await self._move(connection, before, reached)

    async def _claim(
        self, connection: Connection, only: WorkspaceId | None
    ) -> dict[str, "Place"]:
        name = self.follower.name
        values = {"follower": name, "only": only, "most": WORKSPACES}
        found = await connection.execute(_CLAIM, values)
        claimed = text_array([row[0] for row in await found.fetchall()])
        # a statement of its own, after the locks: where they are by now
        found = await connection.execute(_PLACES, [name, claimed])
        places = {row[0]: Place(*row[1:]) for row in await found.fetchall()}
        if places:
            await connection.execute(_SEE, ["{" + ",".join(places) + "}"])
        return places

    async def _pass_by(self, connection: Connection, places: dict[str, "Place"]) -> int:
        """Takes out the places of workspaces that the follower wants no events of, and
        moves those on."""
        if not places or not isinstance(self.follower, Choosing):
            return 0
        # asked after the places: so there is nothing up to them that it does not see
        wanted = [WorkspaceId(one) for one in places]
        passed = await self.follower.passed_by(connection, wanted)
        moved = {one: places.pop(one) for one in passed}
        return await self._move(
            connection,
            {one: place.seq for one, place in moved.items()},
            {one: Reached(place.upto) for one, place in moved.items()},
        )

    async def _pages(
        self, connection: Connection, places: Mapping[str, "Place"], events: int
    ) -> Sequence[Page]:
        if not places:
            return []
        values = {
            "workspaces": text_array(list(places)),
            "afters": text_array([one.seq for one in places.values()]),
            "uptos": text_array([one.upto for one in places.values()]),
            "events": max(events // len(places), 1),
            "bytes": BYTES // len(places),
        }
        found = await connection.execute(_EVENTS, values)
        pages: dict[str, list[Envelope]] = {}
        for row in await found.fetchall():
            pages.setdefault(row[3], []).append(Envelope(*row))
        return [
            Page(WorkspaceId(one), envelopes, places[one].note)
            for one, envelopes in pages.items()
        ]

    async def _move(
        self,
        connection: Connection,
        before: Mapping[WorkspaceId, int],
        reached: Mapping[WorkspaceId, Reached],
    ) -> int:
        """Writes down how far the follower came, and gives how many events that is."""
        moved = {
            workspace_id: one
            for workspace_id, one in reached.items()
            if one.seq > before[workspace_id]
        }
        if moved:
            values = {
                "follower": self.follower.name,
                "workspaces": text_array(list(moved)),
                "seqs": text_array([one.seq for one in moved.values()]),
                "notes": text_array([one.note for one in moved.values()]),
            }
            await connection.execute(_MOVE, values)
        return sum(one.seq - before[each] for each, one in moved.items())

    # ------------------------------------------------------------- failures

    async def _alone(self, page: Page) -> None:
        """Follows a page that failed beside others, without them; where it is the one,
        event by event, as far as that goes."""
        try:
            await self._turn(page.workspace_id)
        except Failed:
            await self._event_by_event(page)

    async def _event_by_event(self, page: Page) -> None:
        for _ in page.events:
            try:
                moved = await self._turn(page.workspace_id, events=1)
                if not moved or self._rounds.stopping:
                    return
            except Failed as failed:
                await self._note_failure(failed.pages[0], failed.error)
                return

    async def _note_failure(self, page: Page, error: Exception) -> None:
        connection = await self._connected()
        seq = page.events[0].seq
        values = {
            "follower": self.follower.name,
            "workspace": page.workspace_id,
            "seq": seq - 1,
            "error": f"position {seq}: {first_line(error)}",
            "tries": 1 if isinstance(error, Poison) else self._tries,
            "longest": LONGEST_REST,
        }
        row = await (await connection.execute(_FAIL, values)).fetchone()
        parked = bool(row and row[0])
        log.error(
            "%s %s workspace %s at position %d: %s",
            self.follower.name,
            "is parked in" if parked else "failed and tries again in",
            page.workspace_id,
            seq,
            first_line(error),
            # the whole story, of the first time
            exc_info=error if row and row[1] == 1 else None,
        )

    # ----------------------------------------------------------- connection

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        connection = await self._connected()
        async with connection.transaction():
            yield connection

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            await self._let_go()
            connection = self._connection = await connect(self._url)
            # a crash takes the position back together with its effect
            await connection.execute("SET synchronous_commit = off")
            await connection.execute(
                f"SET idle_in_transaction_session_timeout = '{HOLD_SECONDS}s'"
            )
            values = [self.follower.name, self.follower.from_the_first]
            await connection.execute(_BEGIN, values)
        return self._connection

    async def _let_go(self) -> None:
        if self._connection is not None:
            await self._connection.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a follower stands in a workspace, and what there is to follow."""

    seq: int
    upto: int
    note: str | None


class Failed(Exception):
    """Pages of which some event could not be followed"""

    def __init__(self, pages: Sequence[Page], error: Exception) -> None:
        super().__init__()
        self.pages, self.error = pages, error


_BEGIN = """
    INSERT INTO ledger.positions (follower, global_seq)
    SELECT %s, CASE WHEN %s THEN 0 ELSE coalesce(max(last_global), 0) END
    FROM ledger.feed
    ON CONFLICT (follower) DO NOTHING
"""
# One process at a time; the others have nothing to notice then.  A workspace that is
# new begins before the first of its events that was noticed.
_NOTICE = """
    WITH place AS (
        SELECT global_seq FROM ledger.positions WHERE follower = %(follower)s
        FOR UPDATE SKIP LOCKED
    ), news AS (
        SELECT f.last_global, f.workspace_id, f.first_seq, f.last_seq
        FROM place, ledger.feed AS f
        WHERE f.last_global > place.global_seq
        ORDER BY f.last_global LIMIT %(most)s
    ), noticed AS (
        INSERT INTO ledger.followed AS f (follower, workspace_id, seq, upto)
        SELECT %(follower)s, workspace_id, min(first_seq) - 1, max(last_seq)
        FROM news GROUP BY workspace_id ORDER BY workspace_id
        ON CONFLICT (follower, workspace_id)
        DO UPDATE SET upto = greatest(f.upto, excluded.upto)
    ), moved AS (
        UPDATE ledger.positions
        SET global_seq = (SELECT max(last_global) FROM news)
        WHERE follower = %(follower)s AND EXISTS (SELECT FROM news)
    )
    SELECT count(*) FROM news
"""
# By followed_waiting.  OFFSET 0: the locks are tried of what was found, and of no more;
# several times as many are looked at as are taken, as others may hold the first ones.
_CLAIM = """
    SELECT workspace_id FROM (
        SELECT workspace_id FROM ledger.followed
        WHERE follower = %(follower)s AND seq < upto AND NOT parked
          AND CASE WHEN %(only)s::uuid IS NULL THEN due_at <= clock_timestamp()
                   ELSE workspace_id = %(only)s::uuid END
        ORDER BY due_at LIMIT 4 * %(most)s OFFSET 0
    ) AS waiting
    WHERE pg_try_advisory_xact_lock(
        hashtextextended(%(follower)s || workspace_id::text, 17))
    LIMIT %(most)s
"""
_PLACES = """
    SELECT workspace_id, seq, upto, note FROM ledger.followed
    WHERE follower = %s AND workspace_id = ANY (%s::uuid[])
      AND seq < upto AND NOT parked
"""
_SEE = "SELECT set_config('app.workspaces', %s, true)"
# each page begins with the first event, whatever its size
_EVENTS = ENVELOPES.format(
    window=sql.SQL(
        """
        (SELECT e.* FROM unnest(%(workspaces)s::uuid[], %(afters)s::bigint[],
                                %(uptos)s::bigint[]) AS w (workspace_id, after, upto)
         CROSS JOIN LATERAL (
             SELECT *, sum(octet_length(data)) OVER (ORDER BY seq)
                       - octet_length(data) AS bytes_before
             FROM (SELECT * FROM ledger.events
                   WHERE workspace_id = w.workspace_id
                     AND seq > w.after AND seq <= w.upto
                   ORDER BY seq LIMIT %(events)s) AS looked_at
         ) AS e
         WHERE e.bytes_before < %(bytes)s)
        """
    )
) + sql.SQL("ORDER BY e.workspace_id, e.seq")
# the rows in one order, as _NOTICE takes them: or two processes wait for each other
_MOVE = """
    WITH places AS (
        SELECT workspace_id FROM ledger.followed
        WHERE follower = %(follower)s AND workspace_id = ANY (%(workspaces)s::uuid[])
        ORDER BY workspace_id FOR NO KEY UPDATE
    )
    UPDATE ledger.followed AS f
    SET seq = n.seq, note = n.note, due_at = clock_timestamp(), failures = 0,
        error = NULL
    FROM places
    JOIN unnest(%(workspaces)s::uuid[], %(seqs)s::bigint[], %(notes)s::text[])
         AS n (workspace_id, seq, note) USING (workspace_id)
    WHERE f.follower = %(follower)s AND f.workspace_id = places.workspace_id
"""
# unless it has come on meanwhile
_FAIL = """
    UPDATE ledger.followed
    SET failures = failures + 1, error = %(error)s, parked = failures + 1 >= %(tries)s,
        due_at = clock_timestamp()
                 + least(2.0 ^ (failures - 2), %(longest)s) * interval '1 second'
    WHERE follower = %(follower)s AND workspace_id = %(workspace)s AND seq = %(seq)s
    RETURNING parked, failures
"""
