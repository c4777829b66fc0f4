"""What happened, as a surface needs it to say so, and what a surface has to be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from domain.catalog import Catalog, Table
from domain.events import Event
from domain.facts import Row
from domain.ids import TableId
from projections.log import Envelope

# the bytes that a webhook is sent, by its id
Body: TypeAlias = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Happened:
    """An event with what was there right before and after it.

    `undo`: its batch takes something back, or does it again.  The rows are those of
    the record, and None where it was not there; where it is not about a record, and
    both are None, `began` and `ended` are the catalogue before and after its batch.
    """

    envelope: Envelope
    event: Event
    undo: bool
    table_id: TableId
    before: Catalog
    after: Catalog
    row_before: Row | None = None
    row_after: Row | None = None
    began: Catalog | None = None
    ended: Catalog | None = None

    @property
    def table(self) -> Table:
        """As it was right after."""
        return self.after.tables[self.table_id]

    @property
    def table_before(self) -> Table | None:
        return self.before.tables.get(self.table_id)


class Surface(Protocol):
    """What webhooks are told in the words of one surface.

    `names`: what it calls an event, by the event's type; of others nobody is told.
    """

    names: Mapping[str, str]

    def tell(self, happened: Happened) -> Body | None:
        """None where nothing happened that the surface shows."""
