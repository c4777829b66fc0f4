"""One group of units as one transaction on one connection.

Two waits for the database: one for the head's row and the facts, one for the COMMIT.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from commands.append import Accepted, Head, append, kept_reply, read_reply
from commands.gather import Gathering, needed
from commands.unit import Done, Outcome, Reply, Unit
from domain import nouns  # noqa: F401 - fills the deciders
from domain.catalog import Catalog
from domain.decider import changes_catalog, decide, evolve
from domain.errors import (
    Busy,
    Conflict,
    DomainError,
    KeyReused,
    NotFound,
    RowTooLarge,
    SecretAlreadyShown,
    TooManyFields,
    Unauthenticated,
)
from domain.events import Recorded
from domain.facts import Facts
from domain.ids import INSTANCE, BatchId, WorkspaceId, uuid7
from domain.record import RecordCreated, RecordLinksChanged
from projections.apply import apply
from projections.arrays import text_array
from projections.catalog import load
from projections.log import ZERO
from projections.postgres import connect
from projections.target import live

log = logging.getLogger(__name__)


@dataclass
class Group:
    """What a group came to: an answer a unit, for the units that it took."""

    workspace_id: WorkspaceId
    answers: list[Done | BaseException]
    accepted: list[Accepted] = field(default_factory=list)
    before: Catalog = field(default_factory=lambda: Catalog(INSTANCE))
    catalog: Catalog | None = None  # where it changed
    committing: bool = False  # COMMIT has been sent
    last: tuple[Unit, Outcome] | None = None  # whose reply is made meanwhile

    def finish(self) -> None:
        """Makes the last reply, where nothing had to be stored with it.

        COMMIT has been sent: a bug here is told to the caller and takes nothing back.
        """
        if self.last is None:
            return
        (unit, outcome), self.last = self.last, None
        try:
            self.answers[-1] = Done(outcome, unit.render(outcome))
        except Exception as error:
            log.exception("a reply could not be made")
            self.answers[-1] = error


class CommitUnknown(Exception):
    """The connection was lost while COMMIT was under way."""

    def __init__(self, group: Group) -> None:
        super().__init__("the outcome of a COMMIT is not known")
        self.group = group


class Transaction:
    """A connection of one committer's thread, made anew when it is lost.

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
        connection = self._connected()
        group = Group(workspace_id, [])
        try:
            with connection.pipeline() as pipeline:
                head, facts, seen = self._begin(
                    connection, pipeline, workspace_id, units
                )
                if head is None:
                    group.answers = [NotFound() for _ in units]
                else:
                    self._decide(group, head, facts, seen, units)
                if head is None or not group.accepted:
                    # nothing was written; at a ROLLBACK psycopg would forget its
                    # prepared statements in the middle of a pipeline
                    if not units[0].makes_workspace:
                        connection.execute("COMMIT")
                        return group
                elif not units[0].alone:
                    self._write(connection, head, facts, units, group)
                    group.finish()  # while the database commits
            # psycopg forgets its prepared statements at DDL, which a pipeline that has
            # named one already does not survive
            if head is None or not group.accepted:
                connection.execute("ROLLBACK")  # of the new head
            elif units[0].alone:
                self._write(connection, head, facts, units, group)
                group.finish()
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if group.committing and _connection_lost(connection, error):
                raise CommitUnknown(group) from error
            self._roll_back(connection)
            raise
        except BaseException:
            self._roll_back(connection)
            raise
        if group.catalog is not None:
            self._catalogs[workspace_id] = group.catalog
        return group

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
    ) -> tuple[Head | None, Facts, dict[tuple[str, str], tuple[bytes, bytes]]]:
        """Takes the head's lock and loads the facts of the group."""
        target = live(workspace_id)
        catalog = self._catalogs.get(workspace_id) or Catalog(workspace_id)
        seen: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        connection.execute("BEGIN")
        connection.execute(_SEE, [f"{{{workspace_id}}}"], prepare=True)
        if units[0].alone:
            connection.execute("SET LOCAL lock_timeout = '1s'")
        if units[0].makes_workspace:
            connection.execute(_NEW_HEAD, [workspace_id, ZERO])
        locked = connection.execute(_LOCK_HEAD, [workspace_id], prepare=True)
        gathering = Gathering(connection, target)
        facts = Facts(catalog)
        self._ask(gathering, facts, seen, units)
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
            self._ask(gathering, facts, seen, units)
            pipeline.sync()
            gathering.receive()
            self._catalogs[workspace_id] = facts.catalog
        facts.position = head.seq
        return head, facts, seen

    def _ask(
        self,
        gathering: Gathering,
        facts: Facts,
        seen: dict[tuple[str, str], tuple[bytes, bytes]],
        units: Sequence[Unit],
    ) -> None:
        gathering.facts(needed(units, facts.catalog), facts)
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

    # -------------------------------------------------------------- deciding

    def _decide(
        self,
        group: Group,
        head: Head,
        facts: Facts,
        seen: dict[tuple[str, str], tuple[bytes, bytes]],
        units: Sequence[Unit],
    ) -> None:
        # one system call a group: each gives the interpreter away
        bits = self._bits(73)
        milliseconds = int(self._clock() * 1000)
        before = group.before = facts.catalog
        now = max(self._time_text(self._clock()), head.recorded_at)
        head.recorded_at = facts.now = now
        seq = head.seq
        for place, unit in enumerate(units, 1):
            facts.mark()
            try:
                answer: Done | BaseException | None = _replayed(unit, seen)
                if answer is None:
                    batch_id = uuid7(milliseconds, bits)
                    bits += 1
                    last = place == len(units)
                    accepted = self._decide_one(unit, batch_id, facts, seq, now, last)
                    outcome = Outcome(
                        BatchId(batch_id),
                        seq + len(accepted.events),
                        now,
                        accepted.events,
                        facts.catalog,
                        facts.rows,
                    )
                    if last and unit.once is None and unit.commands:
                        group.last = (unit, outcome)
                        answer = Done(outcome, _UNMADE)
                    else:
                        answer = _done(unit, accepted, outcome, seen)
                    seq = outcome.position
                    group.accepted.append(accepted)
            except Exception as error:  # but for a refusal a bug, of this unit alone
                if not isinstance(error, DomainError):
                    log.exception("a unit failed")
                facts.rollback()
                answer = error
            group.answers.append(answer)
            if _links(group.accepted):
                break  # places in lists are read anew for whoever comes next
        head.seq = seq
        if facts.catalog is not before:
            head.catalog_seq = facts.catalog.seq
            group.catalog = facts.catalog
        head.random_bits = bits

    def _decide_one(
        self,
        unit: Unit,
        batch_id: str,
        facts: Facts,
        seq: int,
        now: str,
        last: bool,
    ) -> Accepted:
        origin, workspace_id = unit.origin, unit.workspace_id
        if origin.session_id is not None and origin.session_id not in facts.sessions:
            raise Unauthenticated()
        facts.actor = origin.actor
        events: list[Recorded] = []
        first = seq + 1
        # nobody comes after the last unit who would look at what it creates
        unseen = RecordCreated if last and len(unit.commands) == 1 else None
        for command in unit.commands:
            for event in decide(command, facts):
                seq += 1
                stream = event.stream_id
                version = (
                    facts.catalog.version_of(stream)
                    if changes_catalog(event)
                    else facts.versions.get(stream) or facts.users.get(stream, 0)
                )
                recorded = Recorded(
                    workspace_id, seq, version + 1, now, origin.actor, event
                )
                if type(event) is not unseen:
                    evolve(facts, recorded)
                events.append(recorded)
        return Accepted(batch_id, origin, first, events, unit.once, None)

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
        append(connection, head, group.accepted, _milliseconds(head.recorded_at))
        for unit, answer in zip(units, group.answers, strict=False):
            if isinstance(answer, Done) and not answer.replayed:
                for write in unit.vault:
                    connection.execute(write.statement, write.values)
        events = [one for unit in group.accepted for one in unit.events]
        apply(connection, live(head.workspace_id), group.before, events)
        group.committing = True
        connection.execute("COMMIT")

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


def _connection_lost(connection: psycopg.Connection[Any], error: psycopg.Error) -> bool:
    return (
        connection.closed
        or error.sqlstate is None
        or error.sqlstate.startswith(("08", "57P"))
    )


def _links(accepted: Sequence[Accepted]) -> bool:
    if not accepted:
        return False
    return any(
        isinstance(one.event, RecordLinksChanged) for one in accepted[-1].events[1:]
    )


def _replayed(
    unit: Unit, seen: dict[tuple[str, str], tuple[bytes, bytes]]
) -> Done | None:
    """The first reply of the unit's key, where it has been used."""
    if unit.once is None:
        return None
    known = seen.get((unit.origin.actor.id, unit.once.key))
    if known is None:
        return None
    fingerprint, stored = known
    if fingerprint != unit.once.fingerprint:
        raise KeyReused()
    reply = read_reply(stored)
    if isinstance(reply, str):
        raise SecretAlreadyShown(id=reply)
    return Done(None, reply, replayed=True)


def _done(
    unit: Unit,
    accepted: Accepted,
    outcome: Outcome,
    seen: dict[tuple[str, str], tuple[bytes, bytes]],
) -> Done:
    """The answer of an accepted unit; its reply is made at once, because a later unit
    moves the facts on and an idempotency key keeps it."""
    reply: Reply = unit.render(outcome)
    accepted.reply = reply
    if unit.once is not None:
        stored = bytes.fromhex(kept_reply(unit.once, reply) or "")
        seen[unit.origin.actor.id, unit.once.key] = (unit.once.fingerprint, stored)
    return Done(outcome, reply)


def _milliseconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp() * 1000)


_UNMADE = Reply(500, b"")  # replaced by `Group.finish`

_SEE = "SELECT set_config('app.workspaces', %s, true)"
_NEW_HEAD = (
    "INSERT INTO ledger.heads (workspace_id, seq, catalog_seq, hash, recorded_at)"
    " VALUES (%s, 0, 0, %s, 'epoch') ON CONFLICT DO NOTHING"
)
_LOCK_HEAD = (
    "SELECT seq, catalog_seq, hash, ledger.rfc3339(recorded_at)"
    " FROM ledger.heads WHERE workspace_id = %s::uuid FOR UPDATE"
)
_SESSIONS = (
    b"SELECT id FROM vault.sessions WHERE id = ANY (%s::uuid[])"
    b" AND revoked_at IS NULL AND expires_at > clock_timestamp()"
)
# by batches' unique (workspace_id, actor, key)
_KEYS_SEEN = b"""
    SELECT b.actor, b.key, b.fingerprint, b.reply
    FROM unnest(%s::uuid[], %s::text[]) AS n (actor, key)
    JOIN ledger.batches AS b
      ON b.workspace_id = %s::uuid AND b.actor = n.actor AND b.key = n.key
"""
