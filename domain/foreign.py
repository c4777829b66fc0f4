"""Events that programs of users bring along: kept, chained and told, never understood.

Pure.  They live in a workspace of their own, `domain.ids.FOREIGN`, which no read model
follows and nobody is a member of.  A program counts the versions of a stream in its own
way: the first may be any number, and each next one is one more, so that what a program
read is what it goes on from.  The ledger's own versions count from 1, as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.catalog import Catalog
from domain.decider import asks, decides, folds
from domain.errors import Conflict
from domain.events import Command, Event, Recorded, event
from domain.facts import Facts, Needs


@event("foreign.appended")
class ForeignAppended(Event):
    """Cannot be taken back: only the program that wrote it knows what would.

    `originator`: the stream's name where that is no UUID and `stream` is made from it.
    `encoding` of `state`: `utf8` as it is, `base64` what is no text.
    """

    stream: str
    originator: str | None
    originator_version: int
    topic: str
    state: str
    encoding: str
    FOLLOWS = False

    def inverse(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class AppendForeign(Command):
    """All of them, or none where one is not the next of its stream."""

    events: Sequence[ForeignAppended]


@asks(AppendForeign)
def _append_needs(command: AppendForeign, _catalog: Catalog, needs: Needs) -> None:
    needs.foreign.update(one.stream for one in command.events)


@decides(AppendForeign, role=None)
def _append(command: AppendForeign, facts: Facts) -> Sequence[Event]:
    last = {
        stream: facts.foreign[stream]
        for stream in {one.stream for one in command.events}
        if stream in facts.foreign
    }
    for index, one in enumerate(command.events):
        expected = last.get(one.stream, one.originator_version - 1) + 1
        if one.originator_version != expected:
            raise Conflict(
                f"Version {one.originator_version} of {one.originator or one.stream}"
                f" is not its next one, which is {expected}",
                index=index,
            )
        last[one.stream] = expected
    return command.events


@folds(ForeignAppended)
def _fold(facts: Facts, recorded: Recorded, event: ForeignAppended) -> None:
    facts.put(facts.versions, event.stream, recorded.version)
    facts.put(facts.foreign, event.stream, event.originator_version)
