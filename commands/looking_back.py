"""What an undo has to know before it is decided: its scope's events, newest first,
which of them are undone already, what came after them and what was put into what they
made."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from domain.access import Role
from domain.catalog import Catalog
from domain.errors import BatchTooLarge, Invalid, NotFound
from domain.events import Command
from domain.field import DeleteField
from domain.history import HistoryUndone
from domain.ids import INSTANCE, TableId, WorkspaceId, table_number_of
from domain.table import DeleteTable
from domain.undo import Cause, Clash, Later, Mode, Past, containers, parts_since
from projections import moments, undone
from projections import past as history
from projections.arrays import text_array
from projections.feed import place_of
from projections.reader import Caller, Reader, Rows, Statement, see
from projections.records.filled import filled_since, values_since
from projections.target import live

Scope = Literal["batch", "event", "actor", "range", "latest"]
Stretch: TypeAlias = tuple[int, int]  # first and last position

MOST = 20_000  # events of one undo
PAGE = 500  # events read at once: others have their turns between
STREAMS = 1_000  # whose later events are read at once
MOST_LATER = 4  # events a stream that are looked through before each is looked up
FOLLOWING = 1_000  # positions behind an event in which those are that follow from it


@dataclass(frozen=True, slots=True)
class Wanted:
    """`start` and `end` are moments as clients spell them.  `redo`: the batch has to be
    an undo."""

    scope: Scope
    id: str | None = None
    workspace_id: str | None = None
    start: str | None = None
    end: str | None = None
    mode: Mode = "strict"
    dry_run: bool = False
    redo: bool = False


@dataclass(frozen=True)
class Seen:
    """What was there at `position`.  `past`: what is to go back, newest first."""

    position: int
    catalog: Catalog
    past: Sequence[Past]
    later: Later
    done: AbstractSet[int]
    streams: AbstractSet[str]
    watched: AbstractSet[str]


@dataclass(frozen=True)
class _Extent:
    """Where a scope's events are: stretches within batches.  `whole`: nothing else lies
    between them."""

    stretches: Sequence[tuple[Stretch, Stretch]] = ()  # (its own, its batch's)
    whole: bool = True
    only: str | None = None  # an event, with those that follow from it


async def workspace_of(reader: Reader, caller: Caller, wanted: Wanted) -> WorkspaceId:
    """The workspace that is named, or that has the batch or event, among the caller's
    own.  Raises NotFound."""
    if wanted.workspace_id is not None:
        return WorkspaceId(wanted.workspace_id)
    mine = await reader.workspaces(caller)
    if wanted.scope == "batch":
        statement = history.BATCH, [text_array(mine), wanted.id]
        _, rows = await reader.run([see(*mine), statement])
        if rows:
            return WorkspaceId(rows[0][0])
        raise NotFound("Batch not found")
    place = await place_of(reader, str(wanted.id), mine)
    if place is None:
        raise NotFound("Event not found")
    return place[0]


async def look(
    reader: Reader, caller: Caller, workspace_id: WorkspaceId, wanted: Wanted
) -> Seen:
    """Raises NotFound, Invalid, BatchTooLarge, and what `Reader.ask` raises."""
    if workspace_id == INSTANCE:
        raise NotFound()
    extent, position, catalog = await _extent(reader, caller, workspace_id, wanted)
    size = sum(last - first + 1 for (first, last), _ in extent.stretches)
    if size > MOST and wanted.scope != "event":
        raise BatchTooLarge(
            f"An undo takes back at most {MOST:,} events: undo them range by range",
            limit=MOST,
            events=size,
        )
    looking = _Looking(reader, workspace_id, position, catalog)
    return await looking.at(extent, wanted)


async def blockers_of(
    reader: Reader, workspace_id: WorkspaceId, causes: AbstractSet[Cause]
) -> dict[Cause, str | None]:
    """The newest event of each thing, or of its field; None where it has none."""
    streams = [(stream, 0) for stream in {stream for stream, _ in causes}]
    statement = history.later(workspace_id, streams, 1 << 60)
    *_, rows = await reader.run([see(workspace_id), history.BY_INDEX, statement])
    found: dict[Cause, str | None] = dict.fromkeys(causes)
    for row in rows:
        one = history.since(row)
        stream, touched = one.event.stream_id, one.event.touched()
        for name in {None, *(touched or ())}:
            if (stream, name) in found:
                found[stream, name] = one.id
        if touched is None:
            found.update((of, one.id) for of in causes if of[0] == stream)
    return found


@dataclass
class _Looking:
    """One look at a workspace."""

    reader: Reader
    workspace_id: WorkspaceId
    position: int
    catalog: Catalog
    done: set[int] = field(default_factory=set)
    undos: Sequence[history.Undo] = ()
    going: set[int] = field(default_factory=set)

    async def at(self, extent: _Extent, wanted: Wanted) -> Seen:
        past: list[Past] = []
        later = Later()
        if extent.stretches:
            await self._marks(extent)
            past = [
                one for one in await self._events(extent) if one.seq not in self.done
            ]
        if wanted.redo and not any(
            isinstance(one.event, HistoryUndone) for one in past
        ):
            await self._refuse_redo(extent)
        self.going = {one.seq for one in past}
        streams = {one.event.stream_id for one in past}
        if past:
            await self._later(past, later, whole=extent.whole)
            await self._filled(past, later, streams)
        return Seen(
            self.position,
            self.catalog,
            past,
            later,
            self.done,
            streams,
            {one.event.stream_id for one, _ in containers(past)},
        )

    async def _run(self, *statements: Statement) -> Sequence[Rows]:
        results = await self.reader.run([see(self.workspace_id), *statements])
        return results[1:]

    async def _one_ahead(self, statements: Iterable[Statement]) -> AsyncIterator[Rows]:
        """The answers in order: while one is looked at, the database is at the next."""
        asking: asyncio.Task[Sequence[Rows]] | None = None
        try:
            for statement in statements:
                before = asking
                asking = asyncio.create_task(self._run(history.BY_INDEX, statement))
                if before is not None:
                    yield (await before)[1]
            if asking is not None:
                yield (await asking)[1]
        finally:
            if asking is not None:
                asking.cancel()

    async def _refuse_redo(self, extent: _Extent) -> None:
        """An undo that was undone is one; anything else is none."""
        known = {one[0] for one in self.undos}
        if not any(batch[0] in known for _, batch in extent.stretches):
            raise Invalid("The batch is no undo", field="batch_id")

    async def _marks(self, extent: _Extent) -> None:
        """Which positions are undone; not those that an undo in the scope covers, for
        that is undone first."""
        first = min(own[0] for own, _ in extent.stretches)
        holding, undos = await self._run(
            (undone.HOLDING, [first, self.workspace_id, first]),
            (undone.UNDOS, [self.workspace_id, first, self.workspace_id]),
        )
        self.undos = [(row[0], row[1], row[2]) for row in undos]
        within = [own for own, _ in extent.stretches]
        self.done = undone.covers(
            [
                (low, high)
                for low, high, by in holding
                if not any(start <= by <= end for start, end in within)
            ]
        )

    async def _events(self, extent: _Extent) -> list[Past]:
        """Newest first."""
        batches = {
            seq: batch
            for own, batch in extent.stretches
            for seq in range(own[0], own[1] + 1)
        }
        found: list[Past] = []
        async for rows in self._one_ahead(
            history.events(self.workspace_id, page)
            for page in _pages([own for own, _ in extent.stretches])
        ):
            found += [history.past(row, batches[row[1]]) for row in rows]
            await asyncio.sleep(0)
        if extent.only is not None:
            return _with_followers(found, extent.only)
        return found

    async def _later(self, past: Sequence[Past], later: Later, *, whole: bool) -> None:
        """What came to the same streams: behind the newest event of each, or behind
        the oldest where others may lie between."""
        versions: dict[str, int] = {}
        for one in past:
            stream = one.event.stream_id
            known = versions.get(stream, one.version)
            versions[stream] = (max if whole else min)(known, one.version)
        if whole:
            await self._leave_unmoved(versions, max(one.seq for one in past))
        for one in await self._behind(list(versions.items())):
            later.by_stream.setdefault(one.event.stream_id, []).append(one)

    async def _leave_unmoved(self, versions: dict[str, int], last: int) -> None:
        """Takes out the streams of which nothing came after a position, where looking
        through all that did is less work than looking each stream up."""
        if self.position - last > MOST_LATER * len(versions):
            return
        moved: AbstractSet[str] = frozenset()
        if self.position > last:
            statement = history.moved_on(self.workspace_id, last, self.position)
            _, rows = await self._run(history.BY_INDEX, statement)
            moved = {row[0] for row in rows}
        for stream in versions.keys() - moved:
            del versions[stream]

    async def _behind(self, streams: Sequence[tuple[str, int]]) -> list[Past]:
        found: list[Past] = []
        async for rows in self._one_ahead(
            history.later(
                self.workspace_id, streams[start : start + STREAMS], self.position
            )
            for start in range(0, len(streams), STREAMS)
        ):
            for place, row in enumerate(rows):
                if place % PAGE == PAGE - 1:
                    await asyncio.sleep(0)
                # what is undone was followed by what undid it, which is among these
                if not self._goes(row[1]):
                    found.append(history.since(row, self.undos))
        return found

    # ------------------------------------------------ what was put into things

    async def _filled(
        self, past: Sequence[Past], later: Later, streams: AbstractSet[str]
    ) -> None:
        for one, command in containers(past):
            parts = parts_since(one, command, self.catalog, streams)
            found = await self._since(one, parts, None)
            found += (await self._put_in(one, command, streams))[-1:]
            if found:
                by = {put.event.stream_id: put.id for put in found}
                later.filled[one.id] = [Clash(one.id, None, put) for put in by.values()]

    async def _put_in(
        self, past: Past, command: Command, streams: AbstractSet[str]
    ) -> list[Past]:
        """The events by which somebody put values or records where they would go."""
        statement, name = self._candidates(past, command, streams)
        if statement is None:
            return []
        (rows,) = await self._run(statement)
        return await self._since(past, [row[0] for row in rows], name)

    async def _since(
        self, past: Past, streams: Sequence[str], name: str | None
    ) -> list[Past]:
        """What happened to these after an event, to one field where it is named; but
        not what was undone and done again since."""
        if not streams:
            return []
        found = []
        for one in await self._behind([(stream, 0) for stream in streams]):
            touched = one.event.touched()
            about = name is None or touched is None or name in touched
            again = one.covers is not None and one.covers > past.seq
            if one.seq > past.seq and about and not again:
                found.append(one)
        return found

    def _goes(self, seq: int) -> bool:
        return seq in self.done or seq in self.going

    def _candidates(
        self, past: Past, command: Command, streams: AbstractSet[str]
    ) -> "tuple[Statement | None, str | None]":
        target = live(self.workspace_id)
        if isinstance(command, DeleteTable):
            table = self.catalog.tables.get(TableId(command.table_id))
            if table is not None and not table.deleted:
                but = _of_table(streams, table.number)
                return filled_since(target, table, past.at, but), None
        elif isinstance(command, DeleteField):
            table = self.catalog.table_of_field.get(command.field_id)
            if table is not None and command.field_id in table.by_id:
                one = table.by_id[command.field_id]
                but = _of_table(streams, table.number)
                return values_since(target, one, past.at, but), one.id
        return None, None


# ------------------------------------------------------------------------ extents


async def _extent(
    reader: Reader, caller: Caller, workspace_id: WorkspaceId, wanted: Wanted
) -> tuple[_Extent, int, Catalog]:
    """Where the scope's events are, the head's position and the catalogue then."""
    statements: list[Statement] = []
    match wanted.scope:
        case "batch":
            statements = [(history.BATCH, [text_array([workspace_id]), wanted.id])]
        case "latest":
            statements = [history.latest(workspace_id, caller.user_id)]
        case _:
            pass
    asked = await reader.ask(
        caller, workspace_id, lambda _: statements, role=Role.editor
    )
    match wanted.scope:
        case "batch":
            if not asked.results[0]:
                raise NotFound("Batch not found")
            extent = _one_batch([row[1:] for row in asked.results[0]])
        case "latest":
            extent = _one_batch(asked.results[0])
        case "event":
            extent = await _of_event(reader, workspace_id, str(wanted.id))
        case "range" | "actor":
            extent = await _between(reader, workspace_id, wanted, asked.position)
    return extent, asked.position, asked.catalog


def _one_batch(rows: Rows) -> _Extent:
    (row, *_) = rows or [(1, 0)]
    whole = (row[0], row[1])
    return _Extent([(whole, whole)] if whole[1] >= whole[0] else [])


async def _of_event(
    reader: Reader, workspace_id: WorkspaceId, event_id: str
) -> _Extent:
    place = await place_of(reader, event_id, [workspace_id])
    if place is None:
        raise NotFound("Event not found")
    _, seq = place
    _, rows = await reader.run(
        [see(workspace_id), history.batches(workspace_id, seq, seq, None, 1)]
    )
    batch = (rows[0][0], rows[0][1])
    own = (seq, min(batch[1], seq + FOLLOWING))
    return _Extent([(own, batch)], only=event_id)


async def _between(
    reader: Reader, workspace_id: WorkspaceId, wanted: Wanted, head: int
) -> _Extent:
    first, last = 1, head
    if wanted.start is not None:
        first = await _moment(reader, workspace_id, wanted.start, "from")
    if wanted.end is not None:
        last = await _moment(reader, workspace_id, wanted.end, "to")
    if first > last:
        raise Invalid("from is after to", field="from")
    actor = wanted.id if wanted.scope == "actor" else None
    _, rows = await reader.run(
        [
            see(workspace_id),
            history.batches(workspace_id, first, last, actor, MOST + 1),
        ]
    )
    stretches = [
        ((max(low, first), min(high, last)), (low, high)) for low, high in rows
    ]
    return _Extent(stretches, whole=actor is None)


async def _moment(
    reader: Reader, workspace_id: WorkspaceId, text: str, name: str
) -> int:
    """The first position at or after a time, or the last one up to it."""
    moment = moments.read_moment(text, name)
    if name == "from" and moment.at is not None:
        moment = moments.just_before(moment)
    _, rows = await reader.run([see(workspace_id), moments.find(workspace_id, moment)])
    at = moments.found(moment, rows)
    return at + 1 if name == "from" and moment.at is not None else at


def _with_followers(found: Sequence[Past], event_id: str) -> list[Past]:
    """An event and those directly behind it that follow from it, newest first."""
    kept: list[Past] = []
    for one in reversed(found):
        if one.id != event_id and not (
            one.event.inverse() is None and one.event.FOLLOWS
        ):
            break
        kept.insert(0, one)
    return kept


def _pages(stretches: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """Stretches of about a page each, newest first."""
    page: list[Stretch] = []
    room = PAGE
    for first, last in sorted(stretches, reverse=True):
        while last >= first:
            start = max(first, last - room + 1)
            page.append((start, last))
            room -= last - start + 1
            last = start - 1
            if room == 0:
                yield page
                page, room = [], PAGE
    if page:
        yield page


def _of_table(streams: AbstractSet[str], number: int) -> list[str]:
    return [one for one in streams if table_number_of(one) == number]
