"""Appending for callers in threads: a committer of their own, and their numbers.

What threads append at once is one commit, as everywhere (`commands.committer`), and one
sealing: the first of them seals, the others find their numbers in what it moved.
"""

import asyncio
import threading
import time
from collections.abc import Sequence

import psycopg

from commands.committer import Committer
from commands.recorder.connections import Connection
from commands.recorder.reading import Range, range_of
from commands.seal import seal
from commands.system import new_id, now, random_bits, time_text
from commands.transaction import Transaction
from commands.unit import Origin, Unit, VaultWrite
from commands.write import unread
from domain.errors import Busy
from domain.events import Actor
from domain.foreign import AppendForeign, ForeignAppended
from domain.ids import FOREIGN, INSTANCE
from projections.postgres import connect
from projections.reader import Catalogs

QUEUE_LIMIT = 4096  # units that wait; one more is refused
AGAIN_SECONDS = 0.002  # while another process is sealing
SEALED_WITHIN = 8.0


class Appender:
    """A committer on a loop of its own, in a thread; started by the first append."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._committer: Committer | None = None
        self._numbers = _Numbers(url)

    def append(
        self,
        events: Sequence[ForeignAppended],
        beside: Sequence[VaultWrite] = (),
    ) -> list[int]:
        """Commits the events, all or none, and gives their numbers in the feed.

        `beside` is written in the same transaction.  Raises DomainError, psycopg.Error.
        """
        origin = Origin(Actor("system", INSTANCE), "system", new_id())
        command = AppendForeign(events)
        unit = Unit(FOREIGN, origin, [command], unread, vault=beside, size=len(events))
        loop, committer = self._started()
        submitted = asyncio.run_coroutine_threadsafe(committer.submit(unit), loop)
        outcome = submitted.result().outcome
        assert outcome is not None  # there was no idempotency key
        last = self._numbers.number(outcome.position)
        return list(range(last - len(events) + 1, last + 1))

    def _started(self) -> tuple[asyncio.AbstractEventLoop, Committer]:
        with self._starting:
            if self._loop is None or self._committer is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="appender", daemon=True
                )
                self._thread.start()
                self._committer = _committer(self._url)
                self._loop.call_soon_threadsafe(self._committer.start)
            return self._loop, self._committer

    def close(self) -> None:
        """Lets what is queued be committed."""
        with self._starting:
            loop, committer, thread = self._loop, self._committer, self._thread
            self._loop = self._committer = self._thread = None
        if loop is not None and committer is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(committer.stop(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
        self._numbers.close()


def _committer(url: str) -> Committer:
    catalogs = Catalogs()
    return Committer(
        lambda: Transaction(
            url, clock=now, bits=random_bits, time_text=time_text, catalogs=catalogs
        ),
        connections=1,  # there is one workspace
        queue_limit=QUEUE_LIMIT,
    )


class _Numbers:
    """Seals what was committed and tells its numbers."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._one_at_a_time = threading.Lock()
        self._connection: Connection | None = None
        self._last: Range | None = None  # those who were committed together are in it

    def number(self, seq: int) -> int:
        """Raises Busy where the event was committed and could not be sealed yet."""
        deadline = time.monotonic() + SEALED_WITHIN
        while time.monotonic() < deadline:
            with self._one_at_a_time:
                number = self._found(seq)
            if number is not None:
                return number
            time.sleep(AGAIN_SECONDS)
        raise Busy("The events were recorded; their numbers are not known yet")

    def _found(self, seq: int) -> int | None:
        if self._last is None or seq not in self._last:
            try:
                self._last = self._sealed(self._connected(), seq)
            except psycopg.OperationalError:
                self.close()
                return None
        return self._last.number(seq) if self._last is not None else None

    def _sealed(self, connection: Connection, seq: int) -> Range | None:
        found = range_of(connection, FOREIGN, seq)
        if found is None and seal(connection):
            found = range_of(connection, FOREIGN, seq)
        return found

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, autocommit=True)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
