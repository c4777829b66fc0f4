"""Units of several parts: each has a reply of its own, and the next one builds on it.

They are prepared on rehearsed catalogues (`commands/rehearsing.py`), whose positions
are not known before the commit: the n-th event of the unit that changes the catalogue
stands at `REHEARSED + n` until then.  Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from commands.unit import Part, Parts, shares
from domain.catalog import Catalog
from domain.errors import DomainError, StaleSchema
from domain.events import Command
from domain.ids import TableId
from domain.record import CreateRecords, DeleteRecords, UpdateRecords
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
    the records written before it, and those written behind it look at its keys.  What
    unlinks records needs the links' places in lists, which are read.
    """
    made: list[Part] = []
    linked = changed = False  # so far in the stage
    for part, catalog in parts:
        changes = not all(shares(one) for one in part.commands)
        unlinks = any(_unlinks(one, catalog) for one in part.commands)
        anew = bool(made) and (changes or changed or (linked and unlinks))
        made.append(replace(part, anew=anew))
        changed = changes
        links = unlinks or any(_links(one, catalog) for one in part.commands)
        linked = links or (linked and not anew)
    return Parts(catalog_seq, made)


def _link_fields(command: Command, catalog: Catalog) -> set[str]:
    if not isinstance(command, CreateRecords | UpdateRecords | DeleteRecords):
        return set()
    table = catalog.tables.get(TableId(command.table_id))
    return set() if table is None else {one.id for one in table.links}


def _links(command: Command, catalog: Catalog) -> bool:
    """Whether it makes records with links."""
    if not isinstance(command, CreateRecords):
        return False
    fields = _link_fields(command, catalog)
    return any(not fields.isdisjoint(values) for _, values in command.records)


def _unlinks(command: Command, catalog: Catalog) -> bool:
    """Whether it may end links of records."""
    fields = _link_fields(command, catalog)
    if isinstance(command, UpdateRecords):
        return any(not fields.isdisjoint(one.values) for one in command.changes)
    return isinstance(command, DeleteRecords) and bool(fields)
