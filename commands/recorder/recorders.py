"""The recorders that the library's applications and projections ask for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
)
from psycopg import sql

from commands.embedded import DatabaseUrls
from commands.recorder import reading
from commands.recorder.appending import Appender
from commands.recorder.connections import Connection, Connections
from commands.recorder.errors import translated
from commands.recorder.mapping import (
    LedgerNotification,
    foreign_from,
    notification_from,
    stored_from,
    stream_of,
)
from commands.recorder.subscribing import FeedSubscription
from commands.unit import VaultWrite

# a step that is none becomes a null, which the column refuses: so that it also fails
# in the midst of a transaction that looks at no result
_MOVE = sql.SQL(
    """
    INSERT INTO ledger.positions AS p (follower, global_seq) VALUES (%s, %s)
    ON CONFLICT (follower) DO UPDATE SET global_seq = CASE
        WHEN excluded.global_seq > p.global_seq THEN excluded.global_seq END
    """
)
_POSITION = "SELECT global_seq FROM ledger.positions WHERE follower = %s"


class LedgerRecorder(ApplicationRecorder):
    """The log of the whole instance; appends go to the workspace of programs."""

    def __init__(self, urls: DatabaseUrls) -> None:
        self.urls = urls
        self._reading = Connections(urls.follower)
        self._appender = Appender(urls.app)

    def close(self) -> None:
        self._appender.close()
        self._reading.close()

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int]:
        """The events' notification ids, one after the other.

        Raises IntegrityError where a version is not its originator's next, and
        OperationalError where it is not known whether they were recorded.
        """
        return self._insert(stored_events)

    def _insert(
        self, stored_events: Sequence[StoredEvent], beside: Sequence[VaultWrite] = ()
    ) -> Sequence[int]:
        if not stored_events:
            return []
        events = [foreign_from(one) for one in stored_events]
        with translated():
            return self._appender.append(events, beside)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """A program's events, or else those of a stream of ours."""
        with translated():
            rows = self._reading.read(
                lambda connection: reading.stream(
                    connection,
                    stream_of(originator_id),
                    after=gt,
                    upto=lte,
                    newest_first=desc,
                    limit=limit,
                )
            )
        return [
            stored_from(one, version, type_, bytes(data))
            for one, version, type_, data in rows
        ]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[LedgerNotification]:
        after = (start or 0) - 1 if inclusive_of_start and start else start or 0
        with translated():
            end = self._reading.read(reading.last_number) or 0
            if stop is not None:
                end = min(end, stop)
            return self._notifications(after, end, limit, topics)

    def _notifications(
        self, after: int, end: int, limit: int, topics: Sequence[str]
    ) -> list[LedgerNotification]:
        """Looks at window after window: a filter may leave little of each."""
        found: list[LedgerNotification] = []
        while len(found) < limit and after < end:
            wide = max(limit, reading.WINDOW) if topics else limit
            upto = min(end, after + wide)
            envelopes = self._reading.read(
                lambda connection, after=after, upto=upto: (  # type: ignore[misc]
                    reading.window(connection, after, upto, topics)
                )
            )
            found += [notification_from(*one) for one in envelopes]
            after = upto
        return found[:limit]

    def max_notification_id(self) -> int | None:
        with translated():
            return self._reading.read(reading.last_number)

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        return FeedSubscription(self, gt=gt, topics=topics)


class LedgerTrackingRecorder(TrackingRecorder):
    """How far a projection is, and its tables: a view of a user is a subclass.

    Positions are rows of `ledger.positions`, named after projection and application.
    `tables` are the statements that make the view's own, in the schema `projected`,
    where they are not there yet.  A method that changes the view does so in `tracked`,
    whose position and effect are one transaction; it may do nothing else that counts.
    Postgres, if it crashes, may lose the last of them, both together: they are followed
    again, and nobody waits for the disk.
    """

    tables: ClassVar[str] = ""

    def __init__(self, urls: DatabaseUrls, name: str) -> None:
        self.urls, self.name = urls, name
        self._following = Connections(urls.follower, lasting=False)
        if self.tables:
            with translated(), self._following.transaction() as connection:
                connection.execute("SET LOCAL client_min_messages = warning")
                connection.execute(sql.SQL(self.tables), prepare=False)

    def close(self) -> None:
        self._following.close()

    def follower(self, application_name: str) -> str:
        return f"eventsourcing:{self.name}:{application_name}"

    @contextmanager
    def tracked(self, tracking: Tracking) -> Iterator[Connection]:
        """A transaction that moves the position.

        Raises IntegrityError where it is there already, before the block runs.
        """
        with translated(), self._following.transaction() as connection:
            self._move(connection, tracking)
            yield connection

    def read(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the view."""
        with translated():
            return self._following.read(
                lambda connection: connection.execute(
                    sql.SQL(statement), values
                ).fetchall()
            )

    def insert_tracking(self, tracking: Tracking) -> None:
        with self.tracked(tracking):
            pass

    def _move(self, connection: Connection, tracking: Tracking) -> None:
        try:
            connection.execute(_MOVE, self._place(tracking))
        except psycopg.errors.NotNullViolation as error:
            raise IntegrityError(
                f"{tracking.application_name} was followed beyond"
                f" {tracking.notification_id} already"
            ) from error

    def _place(self, tracking: Tracking) -> list[Any]:
        return [self.follower(tracking.application_name), tracking.notification_id]

    def max_tracking_id(self, application_name: str) -> int | None:
        rows = self.read(_POSITION, self.follower(application_name))
        return rows[0][0] if rows else None


class LedgerProcessRecorder(LedgerTrackingRecorder, LedgerRecorder, ProcessRecorder):
    """For projections that record events themselves: with their position, or not."""

    def __init__(self, urls: DatabaseUrls, name: str) -> None:
        LedgerRecorder.__init__(self, urls)
        LedgerTrackingRecorder.__init__(self, urls, name)

    def close(self) -> None:
        LedgerRecorder.close(self)
        LedgerTrackingRecorder.close(self)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int]:
        tracking: Tracking | None = kwargs.get("tracking")
        if tracking is None:
            return self._insert(stored_events)
        if not stored_events:
            self.insert_tracking(tracking)
            return []
        return self._insert(stored_events, [VaultWrite(_MOVE, self._place(tracking))])
