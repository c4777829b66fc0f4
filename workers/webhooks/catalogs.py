"""The catalogue of each event's position: kept from page to page, else folded.

A workspace's catalogue is kept as its last page left it, and is good for the next one
where no event of the catalogue came between: as many processes may follow, that is
asked for with each page.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.catalog import Catalog
from domain.decider import catalog_events, grow
from domain.ids import WorkspaceId
from projections.as_of.catalogs import Ask, PastCatalogs, last_event
from projections.log import Envelope

MOST_KEPT = 256  # catalogues, of as many workspaces
_GROWING = frozenset(catalog_events())


@dataclass(frozen=True, slots=True)
class Course:
    """The catalogues of a stretch of positions up to one, oldest first: each is good
    from its own `seq` on."""

    catalogs: Sequence[Catalog]
    upto: int

    def has(self, seq: int) -> bool:
        return self.catalogs[0].seq <= seq <= self.upto

    def after(self, seq: int) -> Catalog:
        place = bisect_right(self.catalogs, seq, key=lambda one: one.seq) - 1
        return self.catalogs[max(place, 0)]

    def before(self, seq: int) -> Catalog:
        place = bisect_left(self.catalogs, seq, key=lambda one: one.seq) - 1
        return self.catalogs[max(place, 0)]

    @property
    def last(self) -> Catalog:
        return self.catalogs[-1]


def along(catalog: Catalog, events: Sequence[Envelope]) -> Course:
    """From a catalogue on."""
    catalogs = [catalog]
    for one in events:
        if one.type in _GROWING:
            catalogs.append(grow(catalogs[-1], one.recorded))
    return Course(catalogs, events[-1].seq)


class Courses:
    """Makes them, page after page."""

    def __init__(self) -> None:
        self._past = PastCatalogs()
        self._kept: OrderedDict[WorkspaceId, Catalog] = OrderedDict()

    async def of(
        self,
        ask: Ask,
        workspace_id: WorkspaceId,
        last: int,
        events: Sequence[Envelope],
    ) -> Course:
        """From right before the first of these events; `last`: the position of the
        last event of the catalogue before them."""
        catalog = self._kept.get(workspace_id)
        if catalog is None or catalog.seq != last:
            catalog = await self._past.at(workspace_id, last, ask)
        course = along(catalog, events)
        self._kept[workspace_id] = course.last
        self._kept.move_to_end(workspace_id)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return course

    async def at(self, ask: Ask, workspace_id: WorkspaceId, position: int) -> Catalog:
        """The one right after any position."""
        (rows,) = await ask([last_event(workspace_id, position)])
        return await self._past.at(workspace_id, rows[0][0] if rows else 0, ask)


async def without_any(
    ask: Ask, workspaces: Sequence[WorkspaceId]
) -> Sequence[WorkspaceId]:
    """Those of them that have no webhook and never had one: what is there now is asked,
    and nothing ever vanishes from it."""
    (rows,) = await ask([(_WITHOUT, ["{" + ",".join(workspaces) + "}"])])
    return [WorkspaceId(row[0]) for row in rows]


async def last_before(
    ask: Ask, befores: Mapping[WorkspaceId, int]
) -> Mapping[WorkspaceId, int]:
    """By workspace, the position of its last event of the catalogue up to another."""
    values = {
        "workspaces": "{" + ",".join(befores) + "}",
        "befores": "{" + ",".join(map(str, befores.values())) + "}",
        "types": catalog_events(),
    }
    (rows,) = await ask([(_LAST, values)])
    return {WorkspaceId(row[0]): row[1] for row in rows}


# by the primary key of webhooks
_WITHOUT = b"""
    SELECT w.workspace_id::text FROM unnest(%s::uuid[]) AS w (workspace_id)
    WHERE NOT EXISTS (
        SELECT FROM catalog.webhooks AS h WHERE h.workspace_id = w.workspace_id
    )
"""
# by events_beside_records
_LAST = b"""
    SELECT w.workspace_id::text, coalesce(l.seq, 0)
    FROM unnest(%(workspaces)s::uuid[], %(befores)s::bigint[])
         AS w (workspace_id, upto)
    LEFT JOIN LATERAL (
        SELECT e.seq FROM ledger.events AS e
        WHERE e.workspace_id = w.workspace_id AND e.seq <= w.upto
          AND left(e.type, 7) <> 'record.' AND e.type = ANY (%(types)s::text[])
        ORDER BY e.seq DESC LIMIT 1
    ) AS l ON TRUE
"""
