"""The committer: the only writer.

A unit is submitted on the event loop and waits in its workspace's queue.  A worker
takes what is waiting for one workspace and commits it as one transaction:

    1  lock the workspace's head row: the total order
    2  load the facts that the units need                        (gather)
    3  decide each unit, folding its events in; a refused one leaves no trace
    4  insert events and batches, apply events to the read tables (append, apply)
    5  COMMIT, then answer every unit at once

A worker is synchronous code with a connection of its own that shares the loop's thread
and gives its turn away while it waits (`projections.turns`): requests are read and
answered meanwhile, and whatever they ask for is the next group.

A failing statement rolls the group back, and its units run one by one.  A connection
that is lost during COMMIT is never guessed about: the batches are looked up under the
head's lock on a new connection, and the lock waits for a COMMIT still under way.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

import psycopg

from commands.deciding import Group
from commands.transaction import CommitUnknown, Transaction
from commands.unit import Done, Unit
from domain.errors import Busy
from domain.ids import WorkspaceId
from projections import turns

log = logging.getLogger(__name__)

GROUP_EVENTS = 500  # records in one commit of many units
RETRY_SECONDS = 8.0  # how long a lost database is waited for
LOCKED_TRIES = 3  # times a unit asks for a lock that others hold
FENCED_TRIES = 8  # times a unit is decided where a unique index stops it

# the connection is gone or the database in trouble: nothing was written, try again
_GONE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,  # this process was stopped a while
)

Answer = Done | BaseException


class Waiting:
    """A submitted unit and its answer to be."""

    __slots__ = ("answer", "unit")

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.answer: asyncio.Future[Done] = asyncio.get_running_loop().create_future()


class Committer:
    """Queues by workspace, and the workers that empty them.

    Belongs to one event loop: everything but making it is done there.
    """

    def __init__(
        self,
        transaction: Callable[[], Transaction],
        *,
        connections: int,
        queue_limit: int,
        committed: Callable[[Group, float], None] = lambda group, seconds: None,
    ) -> None:
        self._resting = [transaction() for _ in range(connections)]
        self._connections = connections
        self._limit = queue_limit
        self._committed = committed
        # a workspace is here while it has units or a worker is at it, so that two
        # workers never wait for the same head
        self._queues: dict[WorkspaceId, deque[Waiting]] = {}
        self._ready: deque[WorkspaceId] = deque()
        self._size = 0
        self._started = self._stopping = False
        self._idle = asyncio.Event()

    def start(self) -> None:
        self._started = True
        for _ in self._ready:
            self._call_a_worker()

    async def stop(self, timeout: float = 8.0) -> None:
        """Lets the workers finish what is queued, for so many seconds."""
        self._stopping = True
        try:
            async with asyncio.timeout(timeout):
                while self._queues or len(self._resting) < self._connections:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            log.warning("%s units were still waiting at the end", self._size)
        for transaction in self._resting:
            transaction.close()

    @property
    def waiting(self) -> int:
        """Units that wait for a worker."""
        return self._size

    async def submit(self, unit: Unit) -> Done:
        """The unit's answer.  Raises DomainError when refused, Busy when full."""
        if self._stopping:
            raise Busy("The server is stopping; try again")
        if self._size >= self._limit:
            raise Busy("Too many writes are waiting; try again")
        self._size += 1
        waiting = Waiting(unit)
        queue = self._queues.get(unit.workspace_id)
        if queue is not None:
            queue.append(waiting)
        else:
            self._queues[unit.workspace_id] = deque([waiting])
            self._ready.append(unit.workspace_id)
            self._call_a_worker()
        return await waiting.answer

    def _call_a_worker(self) -> None:
        """Not at once: requests that were read together are one group."""
        if self._started:
            asyncio.get_running_loop().call_soon(turns.begin, self._work)

    def _work(self) -> None:
        """A worker's life, until nothing is ready."""
        if not self._resting:
            return  # those who are at work take it up
        transaction = self._resting.pop()
        while self._ready:
            workspace_id, waiting = self._take()
            rest: Sequence[Waiting] = ()
            try:
                rest = self._commit(transaction, workspace_id, waiting)
            except BaseException as error:  # a bug: the units must still hear of it
                log.exception("commit failed", extra={"workspace": workspace_id})
                _answer(waiting, [error] * len(waiting))
            self._give_back(workspace_id, rest)
        self._resting.append(transaction)
        self._idle.set()

    def _take(self) -> tuple[WorkspaceId, list[Waiting]]:
        workspace_id = self._ready.popleft()
        queue = self._queues[workspace_id]
        taken = [queue.popleft()]
        size = taken[0].unit.size
        while queue and not taken[0].unit.alone:
            unit = queue[0].unit
            if unit.alone or size + unit.size > GROUP_EVENTS:
                break
            size += unit.size
            taken.append(queue.popleft())
        self._size -= len(taken)
        return workspace_id, taken

    def _give_back(self, workspace_id: WorkspaceId, rest: Sequence[Waiting]) -> None:
        queue = self._queues[workspace_id]
        queue.extendleft(reversed(rest))
        self._size += len(rest)
        if queue:
            self._ready.append(workspace_id)
        else:
            del self._queues[workspace_id]

    def _commit(
        self,
        transaction: Transaction,
        workspace_id: WorkspaceId,
        waiting: Sequence[Waiting],
    ) -> Sequence[Waiting]:
        """Commits a group; gives back those that have to wait for the next one."""
        started = time.monotonic()
        units = [one.unit for one in waiting]
        try:
            group = self._attempt(transaction, workspace_id, units)
        except Busy as error:
            group = Group(workspace_id, [error] * len(units))
        except Exception as error:
            if len(units) > 1:
                log.info("a fence stopped a group of %s: %s", len(units), error)
                for one in waiting:
                    self._commit(transaction, workspace_id, [one])
                return ()
            group = Group(workspace_id, [transaction.meaning(error)])
        done = len(group.answers)
        _answer(waiting[:done], group.answers)
        self._committed(group, time.monotonic() - started)
        return waiting[done:]

    def _attempt(
        self, transaction: Transaction, workspace_id: WorkspaceId, units: Sequence[Unit]
    ) -> Group:
        """One group through, past lost connections and locks held by others."""
        deadline = time.monotonic() + RETRY_SECONDS
        tries = fenced = 0
        unknown: Group | None = None
        while True:
            try:
                if unknown is not None and transaction.happened(unknown):
                    unknown.finish()
                    return unknown
                unknown = None
                return transaction.commit(workspace_id, units)
            except CommitUnknown as error:
                unknown = error.group
                transaction.close()
                # looked up at least once, however late the connection was lost
                deadline = time.monotonic() + RETRY_SECONDS
            except (
                psycopg.errors.ProgramLimitExceeded,
                psycopg.errors.TooManyColumns,
            ):
                raise  # a row that is too large stays so
            except psycopg.errors.UniqueViolation:
                # what another workspace took meanwhile is seen at the next try
                fenced += 1
                if len(units) > 1 or fenced >= FENCED_TRIES:
                    raise
            except psycopg.errors.LockNotAvailable as error:
                transaction.close()
                tries += 1
                if tries >= LOCKED_TRIES:
                    raise Busy("The table is in use; try again") from error
            except _GONE as error:
                transaction.close()
                if time.monotonic() > deadline:
                    raise Busy("The database does not answer; try again") from error
                turns.pause(0.1)
            if unknown is not None and time.monotonic() > deadline:
                raise Busy("The database does not answer; the outcome is unknown")


def _answer(waiting: Sequence[Waiting], answers: Sequence[Answer]) -> None:
    for one, answer in zip(waiting, answers, strict=True):
        if one.answer.done():
            continue  # who asked has gone
        if isinstance(answer, BaseException):
            one.answer.set_exception(answer)
        else:
            one.answer.set_result(answer)
