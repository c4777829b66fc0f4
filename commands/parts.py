"""Units of several parts: each has a reply of its own, and the next one builds on it.

They are prepared on rehearsed catalogues (`commands/rehearsing.py`), whose positions
are not known before the commit: the n-th event of the unit that changes the catalogue
stands at `REHEARSED + n` until then.  Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from commands.unit import Part, Parts, shares
from domain.errors import DomainError, StaleSchema
from domain.events import Command
from domain.record import CreateRecords, UpdateRecords
from domain.view import CreateView, UpdateView

REHEARSED = 1 << 62  # beyond every position

# commands that say which schema their values were read against
_READ = (CreateRecords, UpdateRecords, CreateView, UpdateView)


class PartRefused(DomainError):
    """A part of the unit was refused: `reason` says why, `part` which, from 0."""

    def __init__(self, part: int, reason: DomainError) -> None:
        super().__init__(reason.detail, **reason.extra)
        self.part, self.reason = part, reason


def stage(parts: Sequence[Part]) -> Iterator[Command]:
    """The commands up to where the facts are read anew."""
    for place, part in enumerate(parts):
        if part.anew and place:
            return
        yield from part.commands


def in_place(command: Command, changes: Sequence[int]) -> Command:
    """A command with the true position of the schema that it was prepared on.

    `changes` are the positions of the unit's catalogue events so far.
    """
    if not isinstance(command, _READ):
        return command
    known = command.schema_seq
    if known is None or known < REHEARSED:
        return command
    if known - REHEARSED >= len(changes):
        raise StaleSchema()
    return replace(command, schema_seq=changes[known - REHEARSED])


def in_stages(parts: Sequence[Part], catalog_seq: int) -> Parts:
    """The parts of a unit that was prepared on the catalogue at `catalog_seq`.

    A stage ends before and behind whatever changes the catalogue: a constraint looks at
    the records written before it, and those written behind it look at its keys.
    """
    made: list[Part] = []
    changed = False
    for part in parts:
        changes = not all(shares(one) for one in part.commands)
        if made and (changes or changed):
            part = replace(part, anew=True)
        made.append(part)
        changed = changes
    return Parts(catalog_seq, made)
