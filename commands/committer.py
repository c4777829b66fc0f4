"""The committer: the only writer.

A unit is submitted from the event loop and waits in its workspace's queue.  A thread
takes what is waiting for one workspace and commits it as one transaction:

    1  lock the workspace's head row: the total order
    2  load the facts that the units need                        (gather)
    3  decide each unit, folding its events in; a refused one leaves no trace
    4  insert events and batches, apply events to the read tables (append, apply)
    5  COMMIT, then answer every unit at once

A failing statement rolls the group back, and its units run one by one.  A connection
that is lost during COMMIT is never guessed about: the batches are looked up under the
head's lock on a new connection, and the lock waits for a COMMIT still under way.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import psycopg

from commands.transaction import CommitUnknown, Group, Transaction
from commands.unit import Done, Unit
from domain.errors import Busy
from domain.ids import WorkspaceId

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


class Clock(Protocol):
    def __call__(self) -> float:
        """Seconds since the epoch."""


class Waiting:
    """A submitted unit and whom to tell."""

    __slots__ = ("future", "loop", "since", "unit")

    def __init__(self, unit: Unit, loop: asyncio.AbstractEventLoop | None) -> None:
        self.unit = unit
        self.loop = loop
        self.future: Any = loop.create_future() if loop else Future()
        self.since = time.monotonic()


class Committer:
    """Queues by workspace, and the threads that empty them."""

    def __init__(
        self,
        transaction: Callable[[], Transaction],
        *,
        threads: int,
        queue_limit: int,
        committed: Callable[[Group, float], None] = lambda group, seconds: None,
    ) -> None:
        self._make = transaction
        self._limit = queue_limit
        self._committed = committed
        self._queues: dict[WorkspaceId, deque[Waiting]] = {}
        self._ready: deque[WorkspaceId] = deque()
        self._size = 0
        self._stopping = False
        self._condition = threading.Condition()
        self._threads = [
            threading.Thread(target=self._run, name=f"committer-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 8.0) -> None:
        """Lets the threads finish what is queued, then ends them."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def waiting(self) -> int:
        """Units that wait for a thread."""
        return self._size

    async def submit(self, unit: Unit) -> Done:
        """The unit's answer.  Raises DomainError when refused, Busy when full."""
        waiting = Waiting(unit, asyncio.get_running_loop())
        self._put(waiting)
        answer: Done = await waiting.future
        return answer

    def submit_and_wait(self, unit: Unit, timeout: float = 60.0) -> Done:
        """The same from a thread without a loop: for command lines and tests."""
        waiting = Waiting(unit, None)
        self._put(waiting)
        answer: Done = waiting.future.result(timeout)
        return answer

    def _put(self, waiting: Waiting) -> None:
        workspace_id = waiting.unit.workspace_id
        with self._condition:
            if self._stopping:
                raise Busy("The server is stopping; try again")
            if self._size >= self._limit:
                raise Busy("Too many writes are waiting; try again")
            self._size += 1
            queue = self._queues.get(workspace_id)
            if queue is None:
                self._queues[workspace_id] = deque([waiting])
                self._ready.append(workspace_id)
                self._condition.notify()
            else:
                queue.append(waiting)

    # A workspace's queue is in `_queues` while it has units or a thread works on it,
    # so one workspace never keeps two threads busy waiting for the same head.

    def _take(self) -> tuple[WorkspaceId, list[Waiting]] | None:
        with self._condition:
            while not self._ready:
                if self._stopping:
                    return None
                self._condition.wait()
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
        with self._condition:
            queue = self._queues[workspace_id]
            queue.extendleft(reversed(rest))
            self._size += len(rest)
            if queue:
                self._ready.append(workspace_id)
                # this thread takes the next one itself: whom it woke would only
                # compete with it for the interpreter
                if len(self._ready) > 1:
                    self._condition.notify()
            else:
                del self._queues[workspace_id]

    def _run(self) -> None:
        transaction = self._make()
        try:
            while (taken := self._take()) is not None:
                workspace_id, waiting = taken
                rest: Sequence[Waiting] = ()
                try:
                    rest = self._commit(transaction, workspace_id, waiting)
                except BaseException as error:  # a bug: the units must still hear of it
                    log.exception("commit failed", extra={"workspace": workspace_id})
                    _answer(waiting, [error] * len(waiting))
                finally:
                    self._give_back(workspace_id, rest)
        finally:
            transaction.close()

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
        # the future first: whoever waits comes before the statistics
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
                time.sleep(0.1)
            if unknown is not None and time.monotonic() > deadline:
                raise Busy("The database does not answer; the outcome is unknown")


def _answer(waiting: Sequence[Waiting], answers: Sequence[Answer]) -> None:
    """Resolves the futures, with one call into each loop."""
    by_loop: dict[Any, list[tuple[Any, Answer]]] = {}
    for one, answer in zip(waiting, answers, strict=True):
        by_loop.setdefault(one.loop, []).append((one.future, answer))
    for loop, pairs in by_loop.items():
        if loop is None:
            _resolve(pairs)
        else:
            try:
                loop.call_soon_threadsafe(_resolve, pairs)
            except RuntimeError:
                log.warning("%s answers came after the loop had closed", len(pairs))


def _resolve(pairs: Sequence[tuple[Any, Answer]]) -> None:
    for future, answer in pairs:
        if future.done():
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)
