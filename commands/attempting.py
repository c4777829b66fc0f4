"""Deciding an attempt: steps that may be refused without refusing their unit.

Most attempts are refused nothing.  Of a long one whose steps are independent that is
taken for granted, so that what is decided can be written while the next step is
decided, and the event that begins the batch, which tells what was refused, need not
wait for the last one (`commands/streaming.py`).  Where it proves wrong, all of it is
decided anew.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from commands.unit import Attempt
from domain.decider import evolve
from domain.errors import DomainError, Forbidden, StaleSchema
from domain.events import Command, Recorded
from domain.facts import Facts
from domain.undo import Refused, Step
from projections import turns

# the events of a command behind a position, each before it is folded in
Record: TypeAlias = Callable[[Command, Facts, int], Iterator[Recorded]]


class Unforeseen(Exception):
    """A step was refused, or had not one event an item."""


def decide_first(
    attempt: Attempt, facts: Facts, seq: int, record: Record
) -> Sequence[Recorded]:
    """The event behind position `seq` that begins an attempt which is refused nothing.

    Raises DomainError as `decide_attempt` does.
    """
    found = _head(attempt, {}, facts, seq, record)
    if not found:
        raise Unforeseen
    return found


def decide_step(
    step: Step, facts: Facts, seq: int, record: Record
) -> Sequence[Recorded]:
    """The events of an independent step behind position `seq`.  Raises Unforeseen."""
    try:
        events = list(record(step.command, facts, seq))
    except DomainError as error:
        raise Unforeseen from error
    if len(events) != len(step.items):
        raise Unforeseen
    _count(facts, events[-1])
    return events


def decide_attempt(
    attempt: Attempt, facts: Facts, seq: int, record: Record
) -> Sequence[Recorded]:
    """The events behind position `seq`.

    The first event is decided last, at the place that was kept for it.  Raises
    DomainError for what the caller has no right to, or what `attempt.first` does not
    put up with.
    """
    events: list[Recorded] = []
    refused: dict[tuple[int, int], DomainError] = {}
    first, seq = seq, seq + 1
    fold = _count if attempt.independent else evolve
    for place, step in enumerate(attempt.steps):
        try:
            seq = _decide(step.command, facts, seq, record, events, fold)
        except (Forbidden, StaleSchema):
            raise
        except DomainError as error:
            if len(step.items) == 1:
                refused[place, 0] = _by_itself(error)
                continue
            for at, item in enumerate(step.items):
                try:
                    seq = _decide(item.command, facts, seq, record, events, fold)
                except DomainError as one:
                    refused[place, at] = _by_itself(one)
        turns.pause(0)
    head = _head(attempt, refused, facts, first, record)
    if not head:
        return []
    facts.position = seq
    return [*head, *events]


def _head(
    attempt: Attempt, refused: Refused, facts: Facts, seq: int, record: Record
) -> list[Recorded]:
    """The event behind position `seq` that begins the batch; none where none shall."""
    command = attempt.first(refused)
    if command is None:
        return []
    (head,) = record(command, facts, seq)
    evolve(facts, head)
    return [head]


def _by_itself(error: DomainError) -> DomainError:
    """Without the frames that it came through, and all that these hold."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _count(facts: Facts, recorded: Recorded) -> None:
    """All that what comes next looks at, where it is independent."""
    facts.position = recorded.seq


def _decide(
    command: Command,
    facts: Facts,
    seq: int,
    record: Record,
    events: list[Recorded],
    fold: Callable[[Facts, Recorded], None],
) -> int:
    """Adds the events of one command; gives the last position.  A refused one adds
    none: deciding changes nothing."""
    for recorded in record(command, facts, seq):
        fold(facts, recorded)
        events.append(recorded)
        seq = recorded.seq
    return seq
