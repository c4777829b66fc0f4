"""The live end of the feed: whoever waits for a workspace's events is woken together.

A process learns that a head has moved from its own committer, from the NOTIFY of
whoever sealed it, and by asking once a second; the last alone would be enough.  Nothing
of it runs while nobody waits.

Readers that stand at the same position share one read of the page that follows.  Each
read asks anew, after the events and in the same round trip, whether the sessions of the
workspace's readers are alive and who its members are: who was let go gets nothing that
was read after that, and within `ROUND_SECONDS` is told so where nothing happens.

    reader ── waits ──► Watched (a workspace) ── one read a position ──► database
    committer, NOTIFY, a round a second ── a head moved ──► Watched ── wakes readers

Belongs to one event loop.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import psycopg

from commands.seal import CHANNEL
from domain.errors import Busy, Code, DomainError
from domain.ids import WorkspaceId
from projections.feed import TAIL, Page, Wanted, page_of
from projections.log import Envelope
from projections.postgres import CONNECT
from projections.reader import Caller, Reader, Rows, Statement, see

log = logging.getLogger(__name__)

ROUND_SECONDS = 1.0  # how often heads and sessions are asked for, come what may
LINGER_SECONDS = 30.0  # how long we go on listening when the last reader has left
PAUSE_SECONDS = 0.02  # between two wakings of a workspace: commits gather meanwhile
LOOK_PAUSE_SECONDS = 0.05  # between two rounds that a NOTIFY asked for
PAUSE_A_READER = 0.00005  # more for each reader, so that waking is never all we do
READS = 2  # pages that are read at a time, of all workspaces
PAGE_EVENTS = 500
PAGE_BYTES = 64 * 1024  # of data, after which a page ends
LOOK_AT = 5000  # events a filtered page walks over at the most
NEAR = 500  # events behind the head, within which readers share what is unfiltered


class TooManyReaders(DomainError):
    """Too many of your streams and long polls are open"""

    code = Code.RATE_LIMITED


class Ended(Exception):
    """The reader may read no longer, or the server stops"""


class Shared:
    """A page, and what was made of it for one reader: the others take the same."""

    __slots__ = ("_chosen", "page", "texts")

    def __init__(self, page: Page) -> None:
        self.page = page
        self.texts: dict[Wanted, bytes] = {}
        self._chosen: dict[Wanted, Sequence[Envelope]] = {}

    def chosen(self, wanted: Wanted) -> Sequence[Envelope]:
        if wanted.everything:
            return self.page.events
        found = self._chosen.get(wanted)
        if found is None:
            found = [one for one in self.page.events if wanted.matches(one)]
            self._chosen[wanted] = found
        return found


class FeedReader:
    """One reader's place in a workspace's feed."""

    __slots__ = ("_due", "_wake", "_watched", "caller", "ended", "position", "wanted")

    def __init__(
        self, watched: "Watched", caller: Caller, wanted: Wanted, after: int
    ) -> None:
        self._watched = watched
        self.caller, self.wanted = caller, wanted
        self.position = after  # everything up to it was looked at
        self.ended = False
        self._wake: asyncio.Future[Shared | None] | None = None
        self._due = 0.0

    @property
    def sleeps(self) -> bool:
        return self._wake is not None and not self._wake.done()

    async def read(self, within: float) -> Shared | None:
        """The next page with something for this reader; None where there was none for
        about so many seconds.  Moves its position on.

        Can be cancelled: the position is right at any moment.  Raises Ended.
        """
        self._due = time.monotonic() + within
        shared = await self._next()
        if shared is not None:
            self.position = shared.page.upto
        return shared

    async def moves(self) -> None:
        """Returns once there is something for this reader, which it stands before."""
        self._due = float("inf")
        await self._next()

    async def _next(self) -> Shared | None:
        """A page with something for this reader, right after its position."""
        shared: Shared | None
        while not self.ended:
            if self._watched.head > self.position:
                try:
                    shared = await self._watched.read(self)
                except Busy:
                    shared = await self._sleep()
            else:
                shared = await self._sleep()
            if self.ended:
                break
            if shared is not None and self.takes(shared):
                return shared
            if time.monotonic() >= self._due:
                return None
        raise Ended

    def takes(self, shared: Shared) -> bool:
        """Whether a page has something for this reader; if not, it is past it."""
        if shared.page.upto <= self.position:
            return False
        if shared.chosen(self.wanted):
            return True
        self.position = shared.page.upto
        return False

    async def _sleep(self) -> Shared | None:
        self._wake = asyncio.get_running_loop().create_future()
        try:
            return await self._wake
        finally:
            self._wake = None

    def hand(self, shared: Shared) -> None:
        """Wakes a reader that sleeps, if a page has something for it."""
        if self.takes(shared):
            self._rouse(shared)

    def tell_the_time(self, now: float) -> None:
        """Wakes a reader that has slept for as long as it wanted."""
        if now >= self._due:
            self._rouse(None)

    def end(self) -> None:
        self.ended = True
        self._rouse(None)

    def _rouse(self, shared: Shared | None) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(shared)


class Watched:
    """A workspace that somebody reads the feed of."""

    def __init__(self, feed: "Feed", workspace_id: WorkspaceId) -> None:
        self._feed, self.workspace_id = feed, workspace_id
        self.head = 0
        self.readers: set[FeedReader] = set()
        self._reads: dict[tuple[int, Wanted], asyncio.Task[Shared]] = {}
        self._waking: asyncio.TimerHandle | None = None
        self._rested_at = 0.0  # when readers may be woken again

    def moved(self, head: int) -> None:
        """Wakes the readers: at once, or when those before had their turns."""
        if head > self.head:
            self.head = head
            self._wake_soon()

    def _wake_soon(self) -> None:
        if self._waking is None and self.readers:
            loop = asyncio.get_running_loop()
            at = max(self._rested_at, loop.time())
            self._waking = loop.call_at(at, self._wake)

    def _wake(self) -> None:
        """Has each page read that sleepers wait for, once, and handed to them."""
        self._waking = None
        late: dict[tuple[int, Wanted], list[FeedReader]] = {}
        for reader in self.readers:
            if reader.sleeps and reader.position < self.head:
                late.setdefault(self._key(reader), []).append(reader)
        for key, readers in late.items():
            self._reading(key).add_done_callback(partial(self._hand, readers))
        if late:
            pause = PAUSE_SECONDS + PAUSE_A_READER * len(self.readers)
            self._rested_at = asyncio.get_running_loop().time() + pause

    def _hand(
        self, readers: Sequence[FeedReader], done: "asyncio.Task[Shared]"
    ) -> None:
        if done.cancelled() or done.exception() is not None:
            return  # the next round tries again
        shared = done.result()
        for reader in readers:
            if reader.sleeps:
                reader.hand(shared)
        if any(one.sleeps and one.position < self.head for one in readers):
            self._wake_soon()  # a page is not always all there is

    def look_after_sleepers(self, now: float) -> None:
        """Once a second: pages that could not be read, and who has slept enough."""
        if self._waking is None:
            self._wake()
        for reader in self.readers:
            reader.tell_the_time(now)

    def end(self, sessions: frozenset[str]) -> None:
        for reader in list(self.readers):
            if reader.caller.session_id in sessions:
                reader.end()

    def forget(self) -> None:
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None

    async def read(self, reader: FeedReader) -> Shared:
        """The page after the reader's position, read once for all who stand there.

        Raises Busy.
        """
        return await asyncio.shield(self._reading(self._key(reader)))

    def _key(self, reader: FeedReader) -> tuple[int, Wanted]:
        near = self.head - reader.position <= NEAR
        return reader.position, EVERYTHING if near else reader.wanted

    def _reading(self, key: tuple[int, Wanted]) -> "asyncio.Task[Shared]":
        task = self._reads.get(key)
        if task is None:
            task = self._reads[key] = asyncio.create_task(self._read(*key))
            task.add_done_callback(partial(self._forget_read, key))
        return task

    def _forget_read(
        self, key: tuple[int, Wanted], done: "asyncio.Task[Shared]"
    ) -> None:
        del self._reads[key]
        error = None if done.cancelled() else done.exception()
        if error is not None and not isinstance(error, Busy):
            log.error("a page of the feed could not be read", exc_info=error)

    async def _read(self, after: int, wanted: Wanted) -> Shared:
        async with self._feed.reads:
            values = {
                "workspace_id": self.workspace_id,
                "after": after,
                "limit": PAGE_EVENTS,
                "most_bytes": PAGE_BYTES,
                "look_at": PAGE_EVENTS if wanted.everything else LOOK_AT,
                **wanted.values,
            }
            before, rows = await self.ask((_HEAD, [self.workspace_id]), (TAIL, values))
        return Shared(page_of(rows, values, before[0][0] if before else 0))

    async def ask(self, *statements: Statement) -> list[Rows]:
        """Their results; what is asked after them lets go of who may not see them.

        Raises Busy.
        """
        reader = self._feed.reader
        sessions = {one.caller.session_id for one in self.readers}
        _, *results, heads, alive = await reader.run(
            [
                see(self.workspace_id),
                *statements,
                (_HEAD, [self.workspace_id]),
                (_ALIVE, ["{" + ",".join(sessions) + "}"]),
            ]
        )
        self.end(frozenset(sessions - {row[0] for row in alive}))
        if heads:
            self.moved(heads[0][0])
        await self.check_members(heads[0][1] if heads else None)
        return results

    async def check_members(self, catalog_seq: int | None) -> None:
        """Ends who is no member now; all where the workspace is gone.  Raises Busy."""
        reader = self._feed.reader
        catalog = reader.catalogs.get(self.workspace_id)
        if catalog_seq is not None and (catalog is None or catalog.seq < catalog_seq):
            catalog = await reader.load(self.workspace_id)
        for one in list(self.readers):
            if (
                catalog_seq is None
                or catalog is None
                or catalog.role_of(one.caller.user_id) is None
            ):
                one.end()


class Feed:
    """Every workspace that is read in this process.

    At most `most` readers, half of them of one workspace, `most_of_user` of one user.
    """

    def __init__(
        self, reader: Reader, url: str, *, most: int, most_of_user: int
    ) -> None:
        self.reader, self._url = reader, url
        self._most, self._most_of_user = most, most_of_user
        self.reads = asyncio.Semaphore(READS)
        self._watched: dict[WorkspaceId, Watched] = {}
        self._of_user: Counter[str] = Counter()
        self._notified = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._draining = False

    @property
    def readers(self) -> int:
        return self._of_user.total()

    def moved(self, workspace_id: WorkspaceId, position: int) -> None:
        """A commit of this process."""
        watched = self._watched.get(workspace_id)
        if watched is not None:
            watched.moved(position)

    @contextlib.contextmanager
    def reading(
        self,
        caller: Caller,
        workspace_id: WorkspaceId,
        wanted: Wanted,
        after: int,
        head: int,
    ) -> Iterator[FeedReader]:
        """A reader, for as long as the block runs, of a workspace whose head and
        members were asked for just now; from then on they are watched.

        Raises Busy, TooManyReaders.
        """
        watched = self._admit(caller, workspace_id)
        watched.moved(head)
        reader = FeedReader(watched, caller, wanted, after)
        watched.readers.add(reader)
        self._of_user[caller.user_id] += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            yield reader
        finally:
            watched.readers.discard(reader)
            self._of_user[caller.user_id] -= 1
            if not self._of_user[caller.user_id]:
                del self._of_user[caller.user_id]
            if not watched.readers:
                watched.forget()
                self._watched.pop(workspace_id, None)

    def _admit(self, caller: Caller, workspace_id: WorkspaceId) -> Watched:
        if self._draining:
            raise Busy("The server is stopping; try again")
        if self.readers >= self._most:
            raise Busy("Too many streams and long polls are open; try again")
        if self._of_user[caller.user_id] >= self._most_of_user:
            raise TooManyReaders(limit=self._most_of_user)
        watched = self._watched.get(workspace_id)
        if watched is None:
            watched = self._watched[workspace_id] = Watched(self, workspace_id)
            self._notified.set()  # what came since the head was asked for
        elif len(watched.readers) >= (self._most + 1) // 2:
            raise TooManyReaders(
                "Too many streams and long polls of this workspace are open",
                limit=(self._most + 1) // 2,
            )
        return watched

    def drain(self) -> None:
        """Lets go of every reader, and takes no other."""
        self._draining = True
        for watched in self._watched.values():
            for reader in list(watched.readers):
                reader.end()

    async def close(self) -> None:
        self.drain()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # ------------------------------------------------------ how heads are known

    async def _run(self) -> None:
        """Looks at every head when told to and once a second, while anybody reads."""
        listening = asyncio.create_task(self._listen())
        last_used = time.monotonic()
        try:
            while time.monotonic() - last_used < LINGER_SECONDS:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ROUND_SECONDS):
                        await self._notified.wait()
                self._notified.clear()
                if self._watched:
                    last_used = time.monotonic()
                    await self._look_once()
                await asyncio.sleep(LOOK_PAUSE_SECONDS)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _look_once(self) -> None:
        try:
            await self._look()
        except Busy:
            pass  # the next round comes soon
        except Exception:
            log.exception("the heads could not be looked at")

    async def _look(self) -> None:
        """One round trip for all workspaces that are read, and all who read them."""
        watching = dict(self._watched)
        sessions = {
            one.caller.session_id
            for watched in watching.values()
            for one in watched.readers
        }
        ids = "{" + ",".join(watching) + "}"
        _, heads, alive = await self.reader.run(
            [
                see(*watching),
                (_HEADS, [ids]),
                (_ALIVE, ["{" + ",".join(sessions) + "}"]),
            ]
        )
        gone = frozenset(sessions - {row[0] for row in alive})
        seen = {row[0]: row for row in heads}
        for workspace_id, watched in watching.items():
            if gone:
                watched.end(gone)
            _, head, catalog_seq = seen.get(workspace_id, (None, 0, None))
            watched.moved(head)
            watched.look_after_sleepers(time.monotonic())
            await watched.check_members(catalog_seq)

    async def _listen(self) -> None:
        """Hears of what any process has sealed; connects anew when it has to."""
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, **CONNECT
                )
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._notified.set()  # what was sealed before we heard
                    async for _ in connection.notifies():
                        self._notified.set()
            except psycopg.Error as error:
                log.warning("the feed is not heard and asked for instead: %s", error)
            await asyncio.sleep(ROUND_SECONDS)


EVERYTHING = Wanted()

_HEAD = b"SELECT seq, catalog_seq FROM ledger.heads WHERE workspace_id = %s::uuid"
_HEADS = (
    b"SELECT workspace_id, seq, catalog_seq FROM ledger.heads"
    b" WHERE workspace_id = ANY (%s::uuid[])"
)
# by the key of vault.sessions
_ALIVE = (
    b"SELECT id FROM vault.sessions WHERE id = ANY (%s::uuid[])"
    b" AND revoked_at IS NULL AND expires_at > clock_timestamp()"
)
