"""One group of units as one transaction on one connection.

Two waits for the database: one for the head's row and the facts, one for the COMMIT.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from commands import converting, streaming
from commands.append import Head, append
from commands.attempting import Unforeseen
from commands.deciding import Group, decide_group
from commands.loading import LOCK_HEAD, NEW_HEAD, SEE, loaded
from commands.recording import Recording
from commands.staging import Stages
from commands.unit import Unit
from domain.catalog import Catalog
from domain.errors import Busy, Conflict, NotFound, RowTooLarge, TooManyFields
from domain.facts import Facts
from domain.ids import WorkspaceId
from domain.retype import FieldRetyped
from projections.log import ZERO
from projections.postgres import connect
from projections.records.convert import column_to_come


class CommitUnknown(Exception):
    """The connection was lost while COMMIT was under way."""

    def __init__(self, group: Group) -> None:
        super().__init__("the outcome of a COMMIT is not known")
        self.group = group


class Transaction:
    """A committer's connection, made anew when it is lost.

    `clock` gives seconds since the epoch, `bits` random integers of so many bits;
    `catalogs` is the process's cache, checked against the head at each use.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        bits: Callable[[int], int],
        time_text: Callable[[float], str],
        catalogs: dict[WorkspaceId, Catalog],
    ) -> None:
        self._url = url
        self._clock, self._bits, self._time_text = clock, bits, time_text
        self._catalogs = catalogs
        self._connection: psycopg.Connection[Any] | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, autocommit=True)
        return self._connection

    # ------------------------------------------------------------ committing

    def commit(self, workspace_id: WorkspaceId, units: Sequence[Unit]) -> Group:
        """Commits what is allowed of the units.

        Raises psycopg.Error where a statement failed (nothing is written then), and
        CommitUnknown where it cannot be told.
        """
        stream, attempt = units[0].stream, units[0].attempt
        if units[0].staged:
            return self._commit_in_stages(workspace_id, units[0])
        if units[0].rehearsal:
            return self._rehearse(workspace_id, units)
        if units[0].retypes:
            self._make_room(workspace_id, units)
        if attempt is not None and attempt.foreseen:
            try:
                return self._commit(workspace_id, units, foreseen=True)
            except Unforeseen:
                pass  # nothing was written
        if stream is None or not stream.fields:
            return self._commit(workspace_id, units)
        streaming.make_columns(self._connected(), workspace_id, stream)
        group: Group | None = None
        try:
            group = self._commit(workspace_id, units)
        except CommitUnknown as error:
            group = error.group  # its columns may be in use
            raise
        finally:
            if group is None or not group.accepted:
                streaming.drop_columns(self._connection, workspace_id, stream)
        return group

    def _commit(
        self,
        workspace_id: WorkspaceId,
        units: Sequence[Unit],
        *,
        foreseen: bool = False,
    ) -> Group:
        """`foreseen`: the attempt of the only unit is taken to be refused nothing.
        Raises Unforeseen where that is wrong."""
        connection = self._connected()
        group = Group(workspace_id, [], foreseen=foreseen)
        recording: Recording | None = None
        with self._taken_back(connection, group):
            with connection.pipeline() as pipeline:
                connection.execute("BEGIN")
                found = loaded(
                    connection,
                    pipeline,
                    self._catalogs,
                    workspace_id,
                    units,
                    steps=not foreseen,
                )
                if found.head is None:
                    group.answers = [NotFound() for _ in units]
                else:
                    now = self._begin(found.head, found.facts)
                    decide_group(group, found.head, found.facts, found.seen, units, now)
                if found.head is not None and group.accepted:
                    recording = Recording(
                        connection, found.head, found.facts, units, group
                    )
                    recording.send_in(pipeline)
                elif not units[0].makes_workspace:
                    # nothing was written; at a ROLLBACK psycopg would forget its
                    # prepared statements in the middle of a pipeline
                    connection.execute("COMMIT")
                    return group
            if recording is None:
                connection.execute("ROLLBACK")  # of the new head
            elif not group.committing:
                recording.send()
        if group.catalog is not None:
            self._catalogs[workspace_id] = group.catalog
        return group

    @contextmanager
    def _taken_back(
        self, connection: psycopg.Connection[Any], group: Group
    ) -> Iterator[None]:
        """Rolls back where something fails.  Raises CommitUnknown where it cannot be
        told what that did."""
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if group.committing and _connection_lost(connection, error):
                raise CommitUnknown(group) from error
            self._roll_back(connection)
            raise
        except BaseException:
            self._roll_back(connection)
            raise

    def _commit_in_stages(self, workspace_id: WorkspaceId, unit: Unit) -> Group:
        """A unit whose parts need what earlier ones wrote, tables and columns too: each
        stage is written before the next one is decided, with one COMMIT for all."""
        connection = self._connected()
        group = Group(workspace_id, [])
        with self._taken_back(connection, group):
            # no pipeline from here on: see `Recording`
            with connection.pipeline() as pipeline:
                connection.execute("BEGIN")
                found = loaded(
                    connection, pipeline, self._catalogs, workspace_id, [unit]
                )
            if found.head is None:
                group.answers = [NotFound()]
            else:
                now = self._begin(found.head, found.facts)
                stages = Stages(connection, found.facts)
                stages.decide(group, found.head, found.seen, unit, now)
            if found.head is None or not group.accepted:
                connection.execute("ROLLBACK")
                return group
            append(connection, found.head, group.accepted)
            group.committing = True
            connection.execute("COMMIT")
            group.finish()
        if group.catalog is not None:
            self._catalogs[workspace_id] = group.catalog
        return group

    def _make_room(self, workspace_id: WorkspaceId, units: Sequence[Unit]) -> None:
        """Makes the columns of a change of type, where a rehearsal allows it."""
        group, after = self._rehearsed(workspace_id, units)
        for one in (event for unit in group.accepted for event in unit.events):
            if isinstance(one.event, FieldRetyped):
                field = column_to_come(group.before, after, one.event)
                if field is not None:
                    converting.make_column(self._connected(), workspace_id, field)

    def _rehearse(self, workspace_id: WorkspaceId, units: Sequence[Unit]) -> Group:
        """The answers that the units would have; nothing is written."""
        group, _ = self._rehearsed(workspace_id, units)
        group.finish()
        return Group(workspace_id, group.answers)

    def _rehearsed(
        self, workspace_id: WorkspaceId, units: Sequence[Unit]
    ) -> tuple[Group, Catalog]:
        """The units decided without a lock, and the catalogue after them."""
        connection = self._connected()
        group = Group(workspace_id, [])
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            with connection.pipeline() as pipeline:
                found = loaded(
                    connection,
                    pipeline,
                    self._catalogs,
                    workspace_id,
                    units,
                    lock=False,
                )
                if found.head is None:
                    group.answers = [NotFound() for _ in units]
                else:
                    found.facts.now = found.head.recorded_at
                    decide_group(group, found.head, found.facts, found.seen, units, 0)
        finally:
            self._roll_back(connection)
        return group, found.facts.catalog

    def _roll_back(self, connection: psycopg.Connection[Any]) -> None:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            self.close()

    def _begin(self, head: Head, facts: Facts) -> int:
        """What a group is decided with: its moment, also in milliseconds, and the bits
        that its ids count up from."""
        head.random_bits = self._bits(73)
        now = self._clock()
        facts.now = max(self._time_text(now), head.recorded_at)
        return int(now * 1000)

    # ------------------------------------------------------------- uncertain

    def happened(self, group: Group) -> bool:
        """Whether a group whose COMMIT is unknown was committed.

        The head's lock waits for a COMMIT that is still under way; where the head
        itself is being made, so does the attempt to make it.
        """
        connection = self._connected()
        with connection.transaction(force_rollback=True):
            connection.execute(SEE, [f"{{{group.workspace_id}}}"])
            connection.execute(NEW_HEAD, [group.workspace_id, ZERO])
            connection.execute(LOCK_HEAD, [group.workspace_id])
            found = connection.execute(
                "SELECT 1 FROM ledger.batches"
                " WHERE workspace_id = %s AND batch_id = %s",
                [group.workspace_id, group.accepted[0].batch_id],
            ).fetchone()
        self._catalogs.pop(group.workspace_id, None)
        return found is not None

    def meaning(self, error: Exception) -> Exception:
        """A statement's failure in one unit as a refusal; a bug stays what it is."""
        if isinstance(error, psycopg.errors.ProgramLimitExceeded):
            return RowTooLarge()
        if isinstance(error, psycopg.errors.TooManyColumns):
            return TooManyFields()
        if isinstance(error, psycopg.errors.UniqueViolation):
            return Conflict("Another write was first")
        if isinstance(error, psycopg.OperationalError):
            return Busy()
        return error


def _connection_lost(connection: psycopg.Connection[Any], error: psycopg.Error) -> bool:
    return (
        connection.closed
        or error.sqlstate is None
        or error.sqlstate.startswith(("08", "57P"))
    )
