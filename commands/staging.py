"""A unit in stages: what one stage wrote is there when the facts of the next are read.

An operation may make a table, the next one a field of it, and one after those records:
the tables are made, and what is read about them is decisive, within one transaction.
Where anything is refused, all of it is rolled back, tables and columns too.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from commands.append import Head
from commands.deciding import Group, Seen, StageFailed, decide_group
from commands.gather import Gathering
from commands.parts import stage
from commands.unit import Part, Unit
from domain.decider import needs
from domain.events import Recorded
from domain.facts import Facts, Needs
from projections.apply import apply
from projections.target import live


class Stages:
    """Decides and writes one unit, the head's lock being held.

    `facts` are those of its first stage.
    """

    def __init__(self, connection: psycopg.Connection[Any], facts: Facts) -> None:
        self.connection, self.facts = connection, facts
        self.target = live(facts.catalog.id)
        self.catalog = facts.catalog  # as it is written
        self.written = 0

    def decide(
        self, group: Group, head: Head, seen: Seen, unit: Unit, milliseconds: int
    ) -> None:
        """Answers the unit, its events applied.  Raises psycopg.Error."""
        group.between = self._between
        try:
            decide_group(group, head, self.facts, seen, [unit], milliseconds)
        except StageFailed as failed:
            raise failed.error from failed
        for accepted in group.accepted:
            self._write(accepted.events[self.written :])

    def _between(self, events: Sequence[Recorded], rest: Sequence[Part]) -> None:
        try:
            self._write(events)
            self._read(rest)
        except psycopg.Error as error:
            raise StageFailed(error) from error

    def _write(self, events: Sequence[Recorded]) -> None:
        self.catalog = apply(self.connection, self.target, self.catalog, events)
        self.written += len(events)

    def _read(self, rest: Sequence[Part]) -> None:
        found = Needs()
        for command in stage(rest):
            needs(command, self.facts.catalog, found)
        gathering = Gathering(self.connection, self.target)
        gathering.facts(found, self.facts)
        gathering.receive()
