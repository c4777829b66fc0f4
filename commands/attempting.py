"""Deciding an attempt: steps that may be refused without refusing their unit."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from commands.unit import Attempt
from domain.decider import evolve
from domain.errors import DomainError, Forbidden, StaleSchema
from domain.events import Command, Recorded
from domain.facts import Facts
from projections import turns

# the events of a command behind a position, each before it is folded in
Record: TypeAlias = Callable[[Command, Facts, int], Iterator[Recorded]]


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
                refused[place, 0] = error
                continue
            for at, item in enumerate(step.items):
                try:
                    seq = _decide(item.command, facts, seq, record, events, fold)
                except DomainError as one:
                    refused[place, at] = one
        turns.pause(0)
    command = attempt.first(refused)
    if command is None:
        return []
    (head,) = record(command, facts, first)
    evolve(facts, head)
    facts.position = seq
    return [head, *events]


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
