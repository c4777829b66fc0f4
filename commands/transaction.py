"""One group of units as one transaction on one connection.

Two waits for the database: one for the head's row and the facts, one for the COMMIT.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg

from commands import converting, streaming
from commands.append import SLICE, Head, append, append_slice, close
from commands.attempting import Unforeseen
from commands.deciding import Group, Seen, decide_group
from commands.gather import Gathering, needed
from commands.staging import Stages
from commands.unit import Done, Stream, Unit
from domain.catalog import Catalog
from domain.errors import Busy, Conflict, NotFound, RowTooLarge, TooManyFields
from domain.events import Recorded
from domain.facts import Facts
from domain.history import HistoryUndone
from domain.ids import WorkspaceId
from domain.retype import FieldRetyped
from projections import turns
from projections.apply import apply, is_of_records
from projections.arrays import text_array
from projections.catalog import load
from projections.log import ZERO
from projections.postgres import connect
from projections.reader import ALIVE
from projections.records.convert import column_to_come, stretches
from projections.target import live


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
        stream = units[0].stream  # whose unit is alone in its group, for its size
        with self._taken_back(connection, group):
            with connection.pipeline() as pipeline:
                head, facts, seen = self._begin(
                    connection, pipeline, workspace_id, units, steps=not foreseen
                )
                if head is None:
                    group.answers = [NotFound() for _ in units]
                else:
                    # one draw a group: its ids count up from it
                    head.random_bits = self._bits(73)
                    now = self._clock()
                    facts.now = max(self._time_text(now), head.recorded_at)
                    decide_group(group, head, facts, seen, units, int(now * 1000))
                if head is None or not group.accepted:
                    # nothing was written; at a ROLLBACK psycopg would forget its
                    # prepared statements in the middle of a pipeline
                    if not units[0].makes_workspace:
                        connection.execute("COMMIT")
                        return group
                elif stream is not None:
                    self._stream(connection, pipeline, head, facts, stream, group)
                    group.finish()
                elif foreseen:
                    self._stream_attempt(
                        connection, pipeline, head, facts, units, group
                    )
                    group.finish()
                elif not units[0].alone:
                    self._write(connection, head, facts, units, group)
                    group.finish()  # while the database commits
                elif not units[0].retypes and _is_of_records(group):
                    self._write_in_parts(connection, pipeline, head, units, group)
                    group.finish()
            # psycopg forgets its prepared statements at DDL, which a pipeline that has
            # named one already does not survive
            if head is None or not group.accepted:
                connection.execute("ROLLBACK")  # of the new head
            elif not group.committing:
                self._write(connection, head, facts, units, group)
                group.finish()
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
            # no pipeline from here on: see `_commit`
            with connection.pipeline() as pipeline:
                head, facts, seen = self._begin(
                    connection, pipeline, workspace_id, [unit]
                )
            if head is None:
                group.answers = [NotFound()]
            else:
                head.random_bits = self._bits(73)
                now = self._clock()
                facts.now = max(self._time_text(now), head.recorded_at)
                stages = Stages(connection, facts)
                stages.decide(group, head, seen, unit, int(now * 1000))
            if head is None or not group.accepted:
                connection.execute("ROLLBACK")
                return group
            append(connection, head, group.accepted, _milliseconds(head.recorded_at))
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
                head, facts, seen = self._loaded(
                    connection, pipeline, workspace_id, units, _SEE_HEAD
                )
                if head is None:
                    group.answers = [NotFound() for _ in units]
                else:
                    facts.now = head.recorded_at
                    decide_group(group, head, facts, seen, units, 0)
        finally:
            self._roll_back(connection)
        return group, facts.catalog

    def _roll_back(self, connection: psycopg.Connection[Any]) -> None:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            self.close()

    def _begin(
        self,
        connection: psycopg.Connection[Any],
        pipeline: psycopg.Pipeline,
        workspace_id: WorkspaceId,
        units: Sequence[Unit],
        *,
        steps: bool = True,
    ) -> tuple[Head | None, Facts, Seen]:
        """Takes the head's lock and loads the facts of the group; those of attempts'
        steps only with `steps`."""
        connection.execute("BEGIN")
        return self._loaded(
            connection, pipeline, workspace_id, units, _LOCK_HEAD, steps=steps
        )

    def _loaded(
        self,
        connection: psycopg.Connection[Any],
        pipeline: psycopg.Pipeline,
        workspace_id: WorkspaceId,
        units: Sequence[Unit],
        select_head: str,
        *,
        steps: bool = True,
    ) -> tuple[Head | None, Facts, Seen]:
        target = live(workspace_id)
        catalog = self._catalogs.get(workspace_id) or Catalog(workspace_id)
        seen: Seen = {}
        connection.execute(_SEE, [f"{{{workspace_id}}}"], prepare=True)
        if units[0].alone:
            connection.execute("SET LOCAL lock_timeout = '1s'")
        if units[0].makes_workspace:
            connection.execute(_NEW_HEAD, [workspace_id, ZERO])
        locked = connection.execute(select_head, [workspace_id], prepare=True)
        gathering = Gathering(connection, target)
        facts = Facts(catalog)
        self._ask(gathering, facts, seen, units, steps)
        # after a mere flush the backend would count as active, and the timer that
        # frees the head of a stopped process would never fire
        pipeline.sync()
        row = locked.fetchone()
        if row is None:
            return None, facts, seen
        head = Head(workspace_id, row[0], row[1], bytes(row[2]), row[3])
        gathering.receive()
        if head.catalog_seq != catalog.seq:
            facts = Facts(load(connection, target, workspace_id, head.catalog_seq))
            seen.clear()
            self._ask(gathering, facts, seen, units, steps)
            pipeline.sync()
            gathering.receive()
            self._catalogs[workspace_id] = facts.catalog
        facts.position = head.seq
        facts.stretches = stretches(connection, workspace_id)
        return head, facts, seen

    def _ask(
        self,
        gathering: Gathering,
        facts: Facts,
        seen: Seen,
        units: Sequence[Unit],
        steps: bool,
    ) -> None:
        gathering.facts(needed(units, facts.catalog, steps=steps), facts)
        sessions = {one.origin.session_id for one in units if one.origin.session_id}
        if sessions:

            def alive(rows: Sequence[Sequence[Any]]) -> None:
                facts.sessions = {row[0] for row in rows}

            gathering.ask(_SESSIONS, [text_array(list(sessions))], alive)
        keys = [(one.origin.actor.id, one.once.key) for one in units if one.once]
        if keys:

            def known(rows: Sequence[Sequence[Any]]) -> None:
                for actor, key, fingerprint, reply in rows:
                    seen[actor, key] = (bytes(fingerprint), bytes(reply))

            actors, names = zip(*keys, strict=True)
            gathering.ask(
                _KEYS_SEEN,
                [text_array(actors), text_array(names), facts.catalog.id],
                known,
            )

    # --------------------------------------------------------------- writing

    def _write(
        self,
        connection: psycopg.Connection[Any],
        head: Head,
        facts: Facts,
        units: Sequence[Unit],
        group: Group,
    ) -> None:
        """Sends what was decided, and COMMIT."""
        if units[0].retypes:
            at = _milliseconds(head.recorded_at)
            (accepted,) = group.accepted
            converting.send(connection, head, facts, group.before, accepted, at)
            group.committing = True
            connection.execute("COMMIT")
            return
        # the database is at the rows while the events are encoded and chained
        events = [one for unit in group.accepted for one in unit.events]
        catalog = group.before
        for some in _parts_of(events, catalog):
            catalog = apply(connection, live(head.workspace_id), catalog, some)
        append(connection, head, group.accepted, _milliseconds(head.recorded_at))
        self._finish(connection, units, group)

    def _write_in_parts(
        self,
        connection: psycopg.Connection[Any],
        pipeline: psycopg.Pipeline,
        head: Head,
        units: Sequence[Unit],
        group: Group,
    ) -> None:
        """The same of a unit that is alone for its size: what has been sent and not
        answered is a part at the most, and others have their turns between slices."""
        (accepted,) = group.accepted
        at, milliseconds = 0, _milliseconds(head.recorded_at)
        for some in _parts_of(accepted.events, group.before):
            if at:
                pipeline.sync()
            apply(connection, live(head.workspace_id), group.before, some)
            for start in range(0, len(some), SLICE):
                events = some[start : start + SLICE]
                append_slice(
                    connection, head, accepted, events, at + start, milliseconds
                )
                turns.pause(0)
            at += len(some)
        close(connection, head, group.accepted)
        self._finish(connection, units, group)

    def _finish(
        self, connection: psycopg.Connection[Any], units: Sequence[Unit], group: Group
    ) -> None:
        """Sends what units keep in the vault, and COMMIT."""
        for unit, answer in zip(units, group.answers, strict=False):
            if isinstance(answer, Done) and not answer.replayed:
                for write in unit.vault:
                    connection.execute(write.statement, write.values)
        group.committing = True
        connection.execute("COMMIT")

    def _stream(
        self,
        connection: psycopg.Connection[Any],
        pipeline: psycopg.Pipeline,
        head: Head,
        facts: Facts,
        stream: Stream,
        group: Group,
    ) -> None:
        """Decides and sends the records of a large unit, and COMMIT."""
        at = _milliseconds(head.recorded_at)
        (accepted,) = group.accepted
        streaming.send(
            connection, pipeline, head, facts, group.before, accepted, stream, at
        )
        group.committing = True
        connection.execute("COMMIT")

    def _stream_attempt(
        self,
        connection: psycopg.Connection[Any],
        pipeline: psycopg.Pipeline,
        head: Head,
        facts: Facts,
        units: Sequence[Unit],
        group: Group,
    ) -> None:
        """The same of an attempt.  Raises Unforeseen."""
        at, attempt = _milliseconds(head.recorded_at), units[0].attempt
        (accepted,) = group.accepted
        assert attempt is not None
        assert facts.catalog is group.before  # DDL would not survive the pipeline
        streaming.send_attempt(
            connection, pipeline, head, facts, group.before, accepted, attempt, at
        )
        self._finish(connection, units, group)

    # ------------------------------------------------------------- uncertain

    def happened(self, group: Group) -> bool:
        """Whether a group whose COMMIT is unknown was committed.

        The head's lock waits for a COMMIT that is still under way; where the head
        itself is being made, so does the attempt to make it.
        """
        connection = self._connected()
        with connection.transaction(force_rollback=True):
            connection.execute(_SEE, [f"{{{group.workspace_id}}}"])
            connection.execute(_NEW_HEAD, [group.workspace_id, ZERO])
            connection.execute(_LOCK_HEAD, [group.workspace_id])
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


def _is_of_records(group: Group) -> bool:
    """Whether all that was accepted is written to tables that are there: at DDL psycopg
    forgets its prepared statements."""
    return all(
        isinstance(one.event, HistoryUndone) or is_of_records(one)
        for unit in group.accepted
        for one in unit.events
    )


def _parts_of(
    events: Sequence[Recorded], catalog: Catalog
) -> Iterator[Sequence[Recorded]]:
    """A large unit's events part by part, so that others have their turns between.

    Not where values are unique: one record's may be free only by another's event.
    """
    tables = {getattr(one.event, "table_id", None) for one in events}
    depend = any(
        table.enforced for table in catalog.tables.values() if table.id in tables
    )
    most = len(events) if depend else _APPLIED
    for start in range(0, len(events), most or 1):
        yield events[start : start + most]


def _connection_lost(connection: psycopg.Connection[Any], error: psycopg.Error) -> bool:
    return (
        connection.closed
        or error.sqlstate is None
        or error.sqlstate.startswith(("08", "57P"))
    )


def _milliseconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp() * 1000)


_APPLIED = 1_000  # events that are written to the tables at once, at the most

_SEE = "SELECT set_config('app.workspaces', %s, true)"
_NEW_HEAD = (
    "INSERT INTO ledger.heads (workspace_id, seq, catalog_seq, hash, recorded_at)"
    " VALUES (%s, 0, 0, %s, 'epoch') ON CONFLICT DO NOTHING"
)
_LOCK_HEAD = (
    "SELECT seq, catalog_seq, hash, ledger.rfc3339(recorded_at)"
    " FROM ledger.heads WHERE workspace_id = %s::uuid FOR UPDATE"
)
_SEE_HEAD = (
    "SELECT seq, catalog_seq, hash, ledger.rfc3339(recorded_at)"
    " FROM ledger.heads WHERE workspace_id = %s::uuid"
)
_SESSIONS = b"SELECT id FROM vault.sessions WHERE id = ANY (%s::uuid[]) AND " + ALIVE
# by batches' unique (workspace_id, actor, key)
_KEYS_SEEN = b"""
    SELECT b.actor, b.key, b.fingerprint, b.reply
    FROM unnest(%s::uuid[], %s::text[]) AS n (actor, key)
    JOIN ledger.batches AS b
      ON b.workspace_id = %s::uuid AND b.actor = n.actor AND b.key = n.key
"""
