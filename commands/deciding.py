"""What becomes of a group: each unit decided on the facts that the last one left.

Pure but for the replies, which the units' surfaces make.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from commands.append import Accepted, Head, kept_reply, read_reply
from commands.attempting import Unforeseen, decide_attempt, decide_first
from commands.parts import PartRefused, in_place
from commands.unit import Done, Outcome, Part, Reply, Unit
from domain import nouns  # noqa: F401 - fills the deciders
from domain.catalog import Catalog
from domain.decider import changes_catalog, decide, evolve
from domain.errors import (
    DomainError,
    KeyReused,
    SecretAlreadyShown,
    StaleSchema,
    Unauthenticated,
)
from domain.events import Command, Recorded
from domain.facts import Facts
from domain.ids import INSTANCE, BatchId, WorkspaceId, uuid7
from domain.record import CreateRecords, RecordCreated, RecordLinksChanged, tally
from domain.retype import parts_to_come
from projections import turns

log = logging.getLogger(__name__)

# (actor, idempotency key) -> fingerprint of its request, stored reply
Seen: TypeAlias = dict[tuple[str, str], tuple[bytes, bytes]]
_PARTS_AT_ONCE = 100  # parts of a unit that are decided before others have their turn

# writes what a unit's parts came to and reads the facts of its next stage
Between: TypeAlias = Callable[[Sequence[Recorded], Sequence[Part]], None]


class StageFailed(Exception):
    """A statement between two stages failed."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


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
    between: Between | None = None  # of a unit in stages
    foreseen: bool = False  # its attempt is taken to be refused nothing

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


def decide_group(
    group: Group,
    head: Head,
    facts: Facts,
    seen: Seen,
    units: Sequence[Unit],
    milliseconds: int,
) -> None:
    """Answers units in their order, as many as can share a commit; moves `head` on.

    `facts.now` is the group's `recorded_at`, `milliseconds` when its batches' ids say
    that they were made.
    """
    before = group.before = facts.catalog
    head.recorded_at = facts.now
    for place, unit in enumerate(units, 1):
        facts.mark()
        try:
            _check_session(unit, facts)
            answer: Done | BaseException | None = _replayed(unit, seen)
            if answer is None:
                batch_id = uuid7(milliseconds, head.random_bits)
                head.random_bits += 1
                last = place == len(units)
                answer = _answer(group, head, facts, seen, unit, batch_id, last)
        except (StageFailed, Unforeseen):
            raise
        except Exception as error:  # but for a refusal a bug, of this unit alone
            if not isinstance(error, DomainError):
                log.exception("a unit failed")
            facts.rollback()
            answer = error.with_traceback(None)  # whose frames hold all that was read
        group.answers.append(answer)
        if _links(group.accepted):
            break  # places in lists are read anew for whoever comes next
    if facts.catalog is not before:
        head.catalog_seq = facts.catalog.seq
        group.catalog = facts.catalog


def _answer(
    group: Group,
    head: Head,
    facts: Facts,
    seen: Seen,
    unit: Unit,
    batch_id: str,
    last: bool,
) -> Done:
    """Accepts a unit.  Raises DomainError where it is refused."""
    if unit.parts is None:
        accepted = _decided(group, unit, batch_id, facts, head.seq, last)
    else:
        accepted = _decided_in_parts(group, unit, batch_id, facts, head.seq)
    outcome = Outcome(
        BatchId(batch_id),
        head.seq + accepted.size,
        facts.now,
        accepted.events,
        facts.catalog,
        facts.rows,
        accepted.replies,
    )
    if last and unit.once is None and unit.commands:
        group.last = (unit, outcome)
        answer = Done(outcome, _UNMADE)
    else:
        answer = _done(unit, accepted, outcome, seen)
    head.seq = outcome.position
    group.accepted.append(accepted)
    return answer


def _check_session(unit: Unit, facts: Facts) -> None:
    session_id = unit.origin.session_id
    if session_id is not None and session_id not in facts.sessions:
        raise Unauthenticated()


def _decided(
    group: Group, unit: Unit, batch_id: str, facts: Facts, seq: int, last: bool
) -> Accepted:
    origin = unit.origin
    to_come = 0
    if unit.stream is not None:
        if unit.stream.catalog_seq != facts.catalog.seq:
            raise StaleSchema()
        to_come = unit.stream.events
    facts.actor = origin.actor
    events: list[Recorded] = []
    first = seq + 1
    # nobody comes after the last unit who would look at what it creates
    unseen = RecordCreated if last and len(unit.commands) == 1 else None
    for command in unit.commands:
        for recorded in recorded_events(command, facts, seq):
            seq = recorded.seq
            if type(recorded.event) is not unseen:
                evolve(facts, recorded)
            events.append(recorded)
    if unit.attempt is not None and group.foreseen:
        events += decide_first(unit.attempt, facts, seq, recorded_events)
        to_come = unit.attempt.size
    elif unit.attempt is not None:
        events += decide_attempt(unit.attempt, facts, seq, recorded_events)
    if unit.retypes:
        to_come = parts_to_come(events)
    return Accepted(batch_id, origin, first, events, unit.once, None, to_come)


def _decided_in_parts(
    group: Group, unit: Unit, batch_id: str, facts: Facts, seq: int
) -> Accepted:
    """Raises PartRefused; StaleSchema where the unit has to be prepared anew."""
    if unit.parts is None or unit.parts.catalog_seq != facts.catalog.seq:
        raise StaleSchema()
    facts.actor = unit.origin.actor
    accepted = Accepted(batch_id, unit.origin, seq + 1, [], unit.once, None)
    events: list[Recorded] = []
    replies: list[Reply] = []
    changes: list[int] = []  # positions of the events that changed the catalogue
    written = 0
    for place, part in enumerate(unit.parts.all):
        if part.anew and group.between is not None:
            group.between(events[written:], unit.parts.all[place:])
            written = len(events)
        try:
            made = _part(part, facts, seq + len(events), changes)
        except StaleSchema:
            raise
        except DomainError as error:
            raise PartRefused(place, error) from error
        events += made
        outcome = Outcome(
            BatchId(batch_id),
            seq + len(events),
            facts.now,
            made,
            facts.catalog,
            facts.rows,
        )
        replies.append(part.render(outcome))
        if place % _PARTS_AT_ONCE == _PARTS_AT_ONCE - 1:
            turns.pause(0)
    accepted.events, accepted.replies = events, replies
    return accepted


def _part(part: Part, facts: Facts, seq: int, changes: list[int]) -> list[Recorded]:
    """The events of a part behind position `seq`, folded in."""
    events: list[Recorded] = []
    for command in part.commands:
        for recorded in recorded_events(
            in_place(command, changes), facts, seq + len(events)
        ):
            evolve(facts, recorded)
            events.append(recorded)
            if changes_catalog(recorded.event):
                changes.append(recorded.seq)
    return events


def recorded_events(command: Command, facts: Facts, seq: int) -> Iterator[Recorded]:
    """The events of a command behind position `seq`, each before it is folded in."""
    for event in decide(command, facts):
        seq += 1
        stream = event.stream_id
        version = (
            facts.catalog.version_of(stream)
            if changes_catalog(event)
            else facts.versions.get(stream) or facts.users.get(stream, 0)
        )
        yield Recorded(
            facts.catalog.id, seq, version + 1, facts.now, facts.actor, event
        )


def decide_slice(command: CreateRecords, facts: Facts, seq: int) -> list[Recorded]:
    """The events of some of a stream's records, behind position `seq`, folded in as far
    as the next ones look.  Nothing of it can be taken back: the unit is alone.

    Raises DomainError, `index` counting from the slice's first record.
    """
    facts.mark()
    linked = bool(facts.catalog.live_table(command.table_id).links)
    events = []
    for recorded in recorded_events(command, facts, seq):
        event = recorded.event
        if linked or not isinstance(event, RecordCreated):
            evolve(facts, recorded)
        else:
            tally(facts, recorded, event)
        events.append(recorded)
    return events


def _links(accepted: Sequence[Accepted]) -> bool:
    if not accepted:
        return False
    return any(
        isinstance(one.event, RecordLinksChanged) for one in accepted[-1].events[1:]
    )


def _replayed(unit: Unit, seen: Seen) -> Done | None:
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
    seen: Seen,
) -> Done:
    """The answer of an accepted unit; its reply is made at once, because a later unit
    moves the facts on and an idempotency key keeps it."""
    reply: Reply = unit.render(outcome)
    accepted.reply = reply
    if unit.once is not None:
        stored = bytes.fromhex(kept_reply(unit.once, reply) or "")
        seen[unit.origin.actor.id, unit.once.key] = (unit.once.fingerprint, stored)
    return Done(outcome, reply)


_UNMADE = Reply(500, b"")  # replaced by `Group.finish`
