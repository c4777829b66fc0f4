"""Units of several parts: each has a reply of its own, and the next one builds on it.

They are prepared on rehearsed catalogues (`commands/rehearsing.py`), whose positions
are not known before the commit: the n-th event of the unit that changes the catalogue
stands at `REHEARSED + n` until then.  Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from commands.unit import Part, Parts, shares
from domain.catalog import Catalog, Field
from domain.errors import DomainError, StaleSchema
from domain.events import Command
from domain.ids import TableId
from domain.record import CreateRecords, DeleteRecords, UpdateRecords
from domain.values import Value
from domain.view import CreateView, UpdateView

REHEARSED = 1 << 62  # beyond every position

C = TypeVar("C", bound=Command)
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


def in_stages(parts: Sequence[tuple[Part, Catalog]], catalog_seq: int) -> Parts:
    """The parts of a unit, each with the catalogue that it was prepared on.

    A stage ends before and behind whatever changes the catalogue: a constraint looks at
    the records written before it, and those written behind it look at its keys.
    """
    made: list[Part] = []
    changed = False
    links = _LinksOfStage()
    for part, catalog in parts:
        changes = not all(shares(one) for one in part.commands)
        linking = [
            (one, fields)
            for one in part.commands
            if (fields := _link_fields(one, catalog))
        ]
        stale = any(links.are_stale_for(*one, catalog) for one in linking)
        if made and (changes or changed or stale):
            links = _LinksOfStage()
            part = replace(part, anew=True)
        made.append(part)
        changed = changes
        for command, fields in linking:
            links.note(command, fields)
    return Parts(catalog_seq, made)


@dataclass
class _LinksOfStage:
    """Which links a stage changed so far: folding them in leaves out what can be read
    only (`domain/record/folding.py`).

    `ends` are records that others were linked to: their places in those lists are not
    known.  Where a link field has to have a value, neither is how many links are left.
    """

    ends: set[str] = field(default_factory=set)
    changed: bool = False

    def are_stale_for(
        self, command: Command, fields: Sequence[Field], catalog: Catalog
    ) -> bool:
        if isinstance(command, CreateRecords) or not self.changed:
            return False
        needed = any(_is_needed(one, catalog) for one in fields)
        return needed or not self.ends.isdisjoint(_unlinked(command, fields))

    def note(self, command: Command, fields: Sequence[Field]) -> None:
        linked = [
            ends
            for values in _values(command)
            for one in fields
            if isinstance(ends := values.get(one.id), list)
        ]
        for ends in linked:
            self.ends.update(ends)
        if linked or any(_unlinked(command, fields)):
            self.changed = True


def _link_fields(command: Command, catalog: Catalog) -> Sequence[Field]:
    if not isinstance(command, CreateRecords | UpdateRecords | DeleteRecords):
        return ()
    table = catalog.tables.get(TableId(command.table_id))
    return () if table is None else table.links


def _is_needed(link: Field, catalog: Catalog) -> bool:
    """Whether the field at the link's other end is required."""
    other = catalog.table_of_field.get(link.reverse_id or "")
    end = other.by_id.get(link.reverse_id or "") if other else None
    return end is not None and end.required


def _values(command: Command) -> Iterator[Mapping[str, Value]]:
    if isinstance(command, CreateRecords):
        yield from (values for _, values in command.records)
    elif isinstance(command, UpdateRecords):
        yield from (change.values for change in command.changes)


def _unlinked(command: Command, fields: Sequence[Field]) -> Iterator[str]:
    """The records whose links may end."""
    if isinstance(command, UpdateRecords):
        for change in command.changes:
            if any(one.id in change.values for one in fields):
                yield change.record_id
    elif isinstance(command, DeleteRecords) and fields:
        yield from command.record_ids
