"""The catalogue of a position, folded from the events that changed it.

Those are few beside the records' and have an index of their own
(`events_beside_records`), so a fold costs what the schema's history is long.  A
catalogue never changes again: the ones that were asked for lately are kept, and a fold
starts at the nearest one before.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from psycopg import sql

from domain import nouns  # noqa: F401 - fills how events change the catalogue
from domain.catalog import Catalog
from domain.decider import catalog_events, grow
from domain.ids import WorkspaceId
from projections.log import ENVELOPES, Envelope
from projections.reader import Rows, Statement

MOST_KEPT = 64  # catalogues, of all workspaces
PAGE = 500  # events that are folded in one turn

Ask = Callable[[Sequence[Statement]], Awaitable[Sequence[Rows]]]


class PastCatalogs:
    """Catalogues by workspace and by the position of their last event."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[WorkspaceId, int], Catalog] = OrderedDict()

    async def at(self, workspace_id: WorkspaceId, seq: int, ask: Ask) -> Catalog:
        """The catalogue whose last event is at `seq`; an empty one for 0."""
        found = self._kept.get((workspace_id, seq))
        if found is None:
            found = await self._fold(workspace_id, seq, ask)
            self._kept[workspace_id, seq] = found
        self._kept.move_to_end((workspace_id, seq))
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return found

    async def _fold(self, workspace_id: WorkspaceId, seq: int, ask: Ask) -> Catalog:
        catalog = self._nearest(workspace_id, seq)
        while catalog.seq < seq:
            (rows,) = await ask([_events(workspace_id, catalog.seq, seq)])
            for row in rows:
                catalog = grow(catalog, Envelope(*row).recorded)
            if not rows:
                raise LookupError(f"no event at {seq} of {workspace_id}")
        return catalog

    def _nearest(self, workspace_id: WorkspaceId, seq: int) -> Catalog:
        before = [
            one
            for (owner, at), one in self._kept.items()
            if owner == workspace_id and at < seq
        ]
        return max(before, key=lambda one: one.seq, default=Catalog(workspace_id))


def last_event(workspace_id: WorkspaceId, position: int) -> Statement:
    """Asks for the position of the last event of the catalogue up to this one."""
    return _LAST, [workspace_id, position, catalog_events()]


def _events(workspace_id: WorkspaceId, after: int, upto: int) -> Statement:
    return _EVENTS, {
        "workspace_id": workspace_id,
        "after": after,
        "upto": upto,
        "types": catalog_events(),
        "page": PAGE,
    }


# both by events_beside_records
_LAST = b"""
    SELECT seq FROM ledger.events
    WHERE workspace_id = %s::uuid AND seq <= %s::bigint
      AND left(type, 7) <> 'record.' AND type = ANY (%s::text[])
    ORDER BY seq DESC LIMIT 1
"""
_EVENTS = (
    ENVELOPES.format(
        window=sql.SQL(
            """(
            SELECT * FROM ledger.events
            WHERE workspace_id = %(workspace_id)s::uuid AND seq > %(after)s::bigint
              AND seq <= %(upto)s::bigint AND left(type, 7) <> 'record.'
              AND type = ANY (%(types)s::text[])
            ORDER BY seq LIMIT %(page)s::bigint)"""
        )
    )
    + sql.SQL("ORDER BY e.seq")
).as_bytes()
