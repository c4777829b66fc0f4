"""What the catalogue becomes by commands that are not committed yet.

What is prepared behind them is prepared on it: a field that an operation makes is named
by the next one.  Pure.  Facts beyond the catalogue are not known here, so the commands
are tried on those that stand in no way: an empty table, a free name, a user who is
there.  Whether they do is decided under the head's lock, like everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from commands.parts import REHEARSED
from commands.unit import shares
from domain import nouns  # noqa: F401 - fills the deciders
from domain.catalog import Catalog
from domain.decider import decide, evolve, needs
from domain.events import Actor, Command, Event, Recorded
from domain.facts import Facts, Needs
from domain.record import CreateRecords


@dataclass
class Rehearsal:
    """A catalogue that commands move on; `changes` are how many events did so far."""

    catalog: Catalog
    actor: Actor
    now: str
    changes: int = 0

    def play(self, commands: Sequence[Command]) -> str | None:
        """Moves the catalogue on; gives the stream that the first command's first
        event begins or changes.  Raises DomainError where it is refused already."""
        first: str | None = None
        for command in commands:
            if isinstance(command, CreateRecords):
                first = first or next((one for one, _ in command.records), None)
            elif not shares(command):
                events = self._play(command)
                first = first or next((one.stream_id for one in events), None)
        return first

    def _play(self, command: Command) -> Sequence[Event]:
        facts = Facts(self.catalog)
        facts.actor, facts.now = self.actor, self.now
        _imagine(command, facts)
        events = decide(command, facts)
        for event in events:
            version = facts.catalog.version_of(event.stream_id) + 1
            seq = REHEARSED + self.changes
            recorded = Recorded(
                facts.catalog.id, seq, version, self.now, self.actor, event
            )
            evolve(facts, recorded)
            self.changes += 1
        self.catalog = facts.catalog
        return events


def _imagine(command: Command, facts: Facts) -> None:
    found = Needs()
    needs(command, facts.catalog, found)
    facts.columns = {field_id: {} for _, field_id in found.columns}
    facts.few = {field_id: {} for _, field_id in found.few}
    facts.users = dict.fromkeys(found.users, 1)
