"""What was taken back: the event that an undo begins with, and what it rests on.

    history.undone     the first event of a batch that undoes; the others follow it
    ExpectUnchanged    what an undo saw is still so, or it has to look again

Which events are undone is read from these events alone: one is, while an undo that
covers it is not undone itself.  So a redo is the undo of an undo.  Pure.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from domain.catalog import Catalog
from domain.decider import asks, decides, folds
from domain.errors import StaleSchema
from domain.events import Command, Event, Recorded, event
from domain.facts import Facts, Needs


@dataclass(frozen=True, slots=True)
class TellUndone(Command):
    """`positions` are [first, last] of each run of events that go back."""

    undo_id: str
    scope: str
    mode: str
    positions: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class ExpectUnchanged(Command):
    """What follows in the unit was prepared on the catalogue at `catalog_seq` and on
    the events up to `position`.  Refused as stale where the catalogue is another, or
    where one of `streams` went on since, something in `watched` was named by an event,
    or something was undone."""

    position: int
    catalog_seq: int
    streams: AbstractSet[str]
    watched: AbstractSet[str]


@event("history.undone")
class HistoryUndone(Event):
    """`positions`: the events that went back, [first, last] of each run, ascending.

    No inverse of its own: when the events that follow it in its batch are undone, it is
    undone with them, and what it covered is done again.
    """

    undo_id: str
    scope: str
    mode: str
    positions: list[list[int]]
    FOLLOWS = True

    def inverse(self) -> None:
        return None


def runs(positions: Iterable[int]) -> list[list[int]]:
    """[first, last] of each run of positions, ascending."""
    found: list[list[int]] = []
    for one in sorted(positions):
        if found and found[-1][1] + 1 >= one:
            found[-1][1] = one
        else:
            found.append([one, one])
    return found


@asks(ExpectUnchanged)
def _needs(command: ExpectUnchanged, _catalog: Catalog, needs: Needs) -> None:
    needs.after.append(command.position)


# no roles: neither changes anything, and what they stand beside needs its own
@decides(ExpectUnchanged, role=None)
def _expect(command: ExpectUnchanged, facts: Facts) -> Sequence[Event]:
    if command.catalog_seq != facts.catalog.seq:
        raise StaleSchema()
    for stream, type_, data in facts.after:
        if (
            stream in command.streams
            or type_ == HistoryUndone.TYPE
            or any(one in data or one == stream for one in command.watched)
        ):
            raise StaleSchema("The records keep changing; try again")
    return []


@decides(TellUndone, role=None)
def _tell(command: TellUndone, _facts: Facts) -> Sequence[Event]:
    positions = [list(one) for one in command.positions]
    return [HistoryUndone(command.undo_id, command.scope, command.mode, positions)]


@folds(HistoryUndone)
def _fold(facts: Facts, recorded: Recorded, event: HistoryUndone) -> None:
    facts.put(facts.versions, event.undo_id, recorded.version)
