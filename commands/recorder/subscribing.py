"""A subscription to the log: woken by the seal's notice, correct by polling alone."""

import time
from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any

import psycopg
from eventsourcing.persistence import ApplicationRecorder, ListenNotifySubscription
from psycopg import sql

from commands.seal import CHANNEL
from projections.postgres import connect

if TYPE_CHECKING:
    from commands.recorder.recorders import LedgerRecorder

POLL_SECONDS = 0.2  # also how long stopping takes at most


class FeedSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """The library's, and a thread that listens for it."""

    def __init__(
        self, recorder: "LedgerRecorder", gt: int | None, topics: Sequence[str]
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._url = recorder.urls.follower
        self._listening = Thread(target=self._listen, name="listener", daemon=True)
        self._listening.start()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listening.join()

    def _listen(self) -> None:
        while not self._has_been_stopped:
            try:
                with connect(self._url, autocommit=True) as connection:
                    connection.execute(sql.SQL("LISTEN {}").format(_CHANNEL))
                    self._wait_for_notices(connection)
            except psycopg.Error:  # a restart; what was missed is found by looking
                time.sleep(POLL_SECONDS)

    def _wait_for_notices(self, connection: psycopg.Connection[Any]) -> None:
        while not self._has_been_stopped:
            self._has_been_notified.set()
            for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                pass


_CHANNEL = sql.Identifier(CHANNEL)
