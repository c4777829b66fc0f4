"""From events to what webhooks are told of them.

An event is told to a webhook that right after it is there, outgoing, enabled and not in
need of a new secret, whose table is there (or goes with this very event), and that
takes what its surface calls the event.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.catalog import Catalog, Webhook
from domain.events import Event
from domain.history import HistoryUndone
from domain.ids import EventId, TableId, WorkspaceId, table_number_of
from domain.table import TableDeleted
from domain.webhook import OUTGOING, takes, works
from projections.as_of.catalogs import Ask
from projections.log import Envelope
from workers.deliveries import NewDelivery
from workers.webhooks.catalogs import Course, Courses
from workers.webhooks.happened import Happened, Surface
from workers.webhooks.records import Around, Kept, around


@dataclass(frozen=True, slots=True)
class Taker:
    """A webhook that an event is told to, and in which words."""

    webhook: Webhook
    surface: Surface
    name: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Events of one workspace, in order, with the catalogues along them."""

    workspace_id: WorkspaceId
    events: Sequence[Envelope]
    course: Course


class Teller:
    """Makes the deliveries of events.  `again`: of a replay, the webhook as it is, and
    where the replay stands; it alone is told then."""

    def __init__(self, surfaces: Sequence[Surface], courses: Courses) -> None:
        self._surfaces, self._courses, self._kept = surfaces, courses, Kept()
        self._types = frozenset(type_ for one in surfaces for type_ in one.names)

    async def tell(
        self, ask: Ask, stretch: Stretch, again: "Again | None" = None
    ) -> list[NewDelivery]:
        taken = self._taken(stretch, again)
        if not taken:
            return []
        undone = await _undone(ask, stretch)
        read = {one.seq: one.recorded for one in _with_their_records(stretch, taken)}
        known = list(read.values())
        rows = await around(ask, stretch.course, stretch.events, known, self._kept)
        made: list[NewDelivery] = []
        for one in stretch.events:
            if one.seq not in taken:
                continue
            undo, event = one.batch_id in undone, read[one.seq].event
            if one.type.startswith("record."):
                happened = _of_record(stretch, one, event, rows.get(one.seq), undo=undo)
            else:
                happened = await self._of_schema(ask, stretch, one, event, undo=undo)
            if happened is not None:
                made += _deliveries(happened, taken[one.seq], again)
        return made

    def _taken(
        self, stretch: Stretch, again: "Again | None"
    ) -> dict[int, Sequence[Taker]]:
        """By position, of the events that anybody is told."""
        found: dict[int, Sequence[Taker]] = {}
        known: dict[tuple[int, str, str | None], Sequence[Taker]] = {}
        for one in stretch.events:
            if one.type not in self._types:
                continue
            catalog = stretch.course.after(one.seq)
            table_id = table_of(one, catalog)
            key = (catalog.seq, one.type, table_id)
            if key not in known:
                heard = listening(catalog) if again is None else again.listening
                known[key] = self._takers(heard, one.type, table_id, catalog)
            if known[key] and (again is None or one.seq not in again.but):
                found[one.seq] = known[key]
        return found

    def _takers(
        self,
        heard: Iterable[Webhook],
        type_: str,
        table_id: TableId | None,
        catalog: Catalog,
    ) -> Sequence[Taker]:
        if table_id is None:
            return ()
        there = not catalog.tables[table_id].deleted or type_ == TableDeleted.TYPE
        return [
            Taker(webhook, surface, name)
            for webhook in heard
            if there and webhook.table_id in (None, table_id)
            for surface in self._surfaces
            if (name := surface.names.get(type_)) and takes(webhook, name)
        ]

    async def _of_schema(
        self, ask: Ask, stretch: Stretch, one: Envelope, event: Event, *, undo: bool
    ) -> Happened | None:
        before, after = stretch.course.before(one.seq), stretch.course.after(one.seq)
        table_id = table_of(one, after)
        if table_id is None:
            return None
        first = one.seq - one.batch_index
        began = await self._at(ask, stretch, first - 1)
        ended = await self._at(ask, stretch, first + one.batch_size - 1)
        return Happened(
            one, event, undo, table_id, before, after, began=began, ended=ended
        )

    async def _at(self, ask: Ask, stretch: Stretch, seq: int) -> Catalog:
        if stretch.course.has(seq):
            return stretch.course.after(seq)
        return await self._courses.at(ask, stretch.workspace_id, seq)


@dataclass(frozen=True, slots=True)
class Again:
    """A replay: for whom, by which event, and what need not be told.  The webhook is
    taken as it is, whatever it was when things happened."""

    webhook: Webhook
    by_seq: int
    but: Collection[int]

    @property
    def listening(self) -> Sequence[Webhook]:
        return (self.webhook,)


def listening(catalog: Catalog) -> Sequence[Webhook]:
    """Those that are told anything, but for their tables."""
    workspace = catalog.workspace
    if workspace is None or workspace.deleted:
        return ()
    return [
        one
        for one in catalog.webhooks.values()
        if one.kind == OUTGOING and not one.deleted and works(one)
    ]


def table_of(one: Envelope, catalog: Catalog) -> TableId | None:
    """The table that an event of a record, a field or a table concerns."""
    noun = one.type.partition(".")[0]
    if noun == "table":
        return TableId(one.stream)
    if noun == "record":
        table = catalog.table_by_number.get(table_number_of(one.stream) or 0)
    else:
        table = catalog.table_of_field.get(one.stream)
    return None if table is None else table.id


def _of_record(
    stretch: Stretch,
    one: Envelope,
    event: Event,
    around: Around | None,
    *,
    undo: bool,
) -> Happened | None:
    """None where the record was not there any more."""
    catalog = stretch.course.after(one.seq)
    table_id = table_of(one, catalog)
    if table_id is None or around is None:
        return None
    rows = around.before, around.after
    return Happened(one, event, undo, table_id, catalog, catalog, *rows)


def _with_their_records(
    stretch: Stretch, taken: Mapping[int, Sequence[Taker]]
) -> list[Envelope]:
    """What is taken, and all events of each record that any of it concerns."""
    streams = {
        one.stream
        for one in stretch.events
        if one.seq in taken and one.type.startswith("record.")
    }
    return [one for one in stretch.events if one.seq in taken or one.stream in streams]


def _deliveries(
    happened: Happened, takers: Sequence[Taker], again: Again | None
) -> Iterable[NewDelivery]:
    by_surface: dict[int, list[Taker]] = defaultdict(list)
    for taker in takers:
        by_surface[id(taker.surface)].append(taker)
    one = happened.envelope
    for found in by_surface.values():
        body = found[0].surface.tell(happened)
        if body is None:
            continue
        for taker in found:
            yield NewDelivery(
                WorkspaceId(one.workspace_id),
                taker.webhook.id,
                one.seq,
                EventId(one.id),
                taker.name,
                taker.webhook.origin or "",
                one.stream,
                body(taker.webhook.id),
                None if again is None else again.by_seq,
            )


async def _undone(ask: Ask, stretch: Stretch) -> Collection[str]:
    """The batches that take something back, or do it again: each begins with the event
    that says so."""
    found = {
        one.batch_id
        for one in stretch.events
        if one.batch_index == 0 and one.type == HistoryUndone.TYPE
    }
    first = stretch.events[0]
    if first.batch_index:
        values = [stretch.workspace_id, first.seq - first.batch_index]
        (rows,) = await ask([(_TYPE, values)])
        if rows and rows[0][0] == HistoryUndone.TYPE:
            found.add(first.batch_id)
    return found


_TYPE = b"""
    SELECT type FROM ledger.events WHERE workspace_id = %s::uuid AND seq = %s::bigint
"""
