"""Sealing: giving committed events their place in the order of the whole instance.

There is no leader.  Whoever wakes takes an advisory lock, moves what is in the outbox
to the feed in one short READ COMMITTED transaction and lets go.  The lock is a
statement of its own before the one that reads, so the reading snapshot is younger than
every earlier sealing; the head's lock makes each snapshot a prefix of every workspace.

    global_seq of an event = last_global - (last_seq - seq)

Polling alone is correct; a commit in this process only wakes the sealer sooner.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

import psycopg

from projections.postgres import connect

log = logging.getLogger(__name__)

CHANNEL = "tabellion_feed"
POLL_SECONDS = 0.5
PAUSE_SECONDS = 0.02  # between two sealings: commits gather meanwhile
_LOCK = 0x7AB_5EA1

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
_MOVE = """
    WITH taken AS (
        DELETE FROM ledger.outbox RETURNING workspace_id, first_seq, last_seq
    ), last AS (
        SELECT coalesce(max(last_global), 0) AS at FROM ledger.feed
    )
    INSERT INTO ledger.feed (last_global, workspace_id, first_seq, last_seq)
    SELECT last.at + sum(last_seq - first_seq + 1)
                     OVER (ORDER BY workspace_id, first_seq),
           workspace_id, first_seq, last_seq
    FROM taken, last
    RETURNING last_global
"""


def seal(connection: psycopg.Connection[Any]) -> int:
    """Seals what has been committed; gives the number of rows moved.

    0 also where another process is at it.
    """
    with connection.transaction():
        row = connection.execute(_TRY_LOCK, [_LOCK]).fetchone()
        if row is None or not row[0]:
            return 0
        moved = connection.execute(_MOVE).fetchall()
        if moved:
            connection.execute(
                "SELECT pg_notify(%s, %s)", [CHANNEL, str(max(one[0] for one in moved))]
            )
        return len(moved)


class Sealer:
    """A thread that seals whenever it is woken, and every half second."""

    def __init__(
        self, url: str, *, sealed: Callable[[int], None] = lambda moved: None
    ) -> None:
        self._url = url
        self._sealed = sealed
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def stop(self, timeout: float = 5.0) -> None:
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while True:
            self._wake.wait(POLL_SECONDS)
            last_round = self._stopping.is_set()
            self._wake.clear()
            try:
                if connection is None or connection.closed:
                    connection = connect(self._url, autocommit=True)
                self._sealed(seal(connection))
            except psycopg.Error as error:
                log.warning("sealing failed and is tried again: %s", error)
                if connection is not None:
                    connection.close()
            if last_round:
                break
            self._stopping.wait(PAUSE_SECONDS)
        if connection is not None:
            connection.close()
