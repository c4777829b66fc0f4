"""Records around each of their events: the row before it and the row after it.

An event that makes or deletes a record says all of it, and from there on, or from there
back, the record's own events do.  Of what is only changed in a stretch the row is asked
for, set-based: the present one where its version is still that of the record's last
event in the stretch and its table's schema is still the same, else the one as of the
stretch's end.  Either way it is exact.

A record that came to be linked to itself, or was, is gone through onwards instead, from
the row as of the stretch's beginning: what its links' other end is told then may repeat
what its own event said, which going back cannot tell.

Of records that are written all the time the last row is kept, and is good for their
next event while its version is the one before it and the schema has not changed: so a
long backlog of one record is not gone through again for each stretch of it.

A change of type says of many records at once what became of their values, so a stretch
ends before one.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

from domain.events import Recorded
from domain.facts import Row
from domain.ids import TableId
from domain.record import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
)
from domain.record.alone import back, gone, made, onwards, signed
from domain.retype import FieldRetyped
from projections.arrays import text_array
from projections.as_of.catalogs import Ask
from projections.as_of.whole import present_rows, rows_of_then
from projections.log import Envelope
from workers.following import Poison
from workers.webhooks.catalogs import Course

STRETCH = 250  # events whose rows are held at once
SEVERAL = 3  # events of a record in a stretch: there will be more
MOST_KEPT = 64  # rows


@dataclass(frozen=True, slots=True)
class Around:
    """A record's row before and after an event of it; None where it was not there."""

    before: Row | None
    after: Row | None


def stretches(events: Sequence[Envelope]) -> Iterator[Sequence[Envelope]]:
    """Events in parts that rows can be followed through."""
    start = 0
    for place, one in enumerate(events):
        full = place - start == STRETCH
        if place > start and (full or one.type == FieldRetyped.TYPE):
            yield events[start:place]
            start = place
    yield events[start:]


class Kept:
    """Rows of records that had several events in a stretch, as the last one left them,
    each with the position of its table's schema."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, tuple[Row, int]] = OrderedDict()

    def before(self, first: Recorded, course: Course) -> Row | None:
        """The row before an event, where it is known."""
        row, schema_seq = self._rows.get(first.event.stream_id, (None, 0))
        if row is None or row.version != first.version - 1:
            return None
        table = course.before(first.seq).tables.get(TableId(row.table_id))
        return row if table is not None and table.schema_seq == schema_seq else None

    def keep(self, run: Sequence[Recorded], row: Row | None, course: Course) -> None:
        record_id = run[-1].event.stream_id
        known = self._rows.pop(record_id, None)
        if row is None or (known is None and len(run) < SEVERAL):
            return
        table = course.after(run[-1].seq).tables[TableId(row.table_id)]
        self._rows[record_id] = row, table.schema_seq
        while len(self._rows) > MOST_KEPT:
            self._rows.popitem(last=False)


async def around(
    ask: Ask,
    course: Course,
    stretch: Sequence[Envelope],
    events: Sequence[Recorded],
    kept: Kept,
) -> Mapping[int, Around]:
    """By position, for those of the events that are of records: of each record all
    that the stretch has."""
    events = [one for one in events if one.event.TYPE.startswith("record.")]
    found: dict[int, Around] = {}
    unknown: dict[str, Sequence[Recorded]] = {}
    runs = list(_runs(events))
    for record_id, run in runs:
        row = kept.before(run[0], course)
        known = _known(run) if row is None else _onwards(row, run)
        if known is None:
            unknown[record_id] = run
        else:
            found.update(known)
    for onto_itself, some in _apart(unknown):
        rows = await (_rows_at if onto_itself else _rows)(ask, course, stretch, some)
        for record_id, run in some.items():
            if record_id in rows:
                way = _onwards if onto_itself else _backwards
                found.update(way(rows[record_id], run))
            elif any(isinstance(one.event, RecordUpdated) for one in run):
                raise Poison(f"record {record_id} is not in its table")
    await _sign(ask, events, found)
    for _, run in runs:
        last = found.get(run[-1].seq)
        kept.keep(run, None if last is None else last.after, course)
    return found


def _runs(events: Sequence[Recorded]) -> Iterator[tuple[str, Sequence[Recorded]]]:
    """The events of each record, from one that makes it to one that deletes it; what
    concerns a record while it is not there is left out."""
    by_record: dict[str, list[Recorded]] = {}
    for one in events:
        by_record.setdefault(one.event.stream_id, []).append(one)
    for record_id, own in by_record.items():
        run: list[Recorded] = []
        is_gone = False
        for one in own:
            if isinstance(one.event, RecordCreated | RecordRestored):
                is_gone = False
            if is_gone:
                continue
            run.append(one)
            if isinstance(one.event, RecordDeleted):
                yield record_id, run
                run, is_gone = [], True
        if run:
            yield record_id, run


def _known(run: Sequence[Recorded]) -> dict[int, Around] | None:
    """What the run's own events say; None where they say only what changed."""
    first, last = run[0], run[-1]
    if isinstance(first.event, RecordCreated | RecordRestored):
        row = made(first, first.event)
        return {first.seq: Around(None, row), **_onwards(row, run[1:])}
    if isinstance(last.event, RecordDeleted):
        row = gone(last.event)
        return {last.seq: Around(row, None), **_backwards(row, run[:-1])}
    return None


def _onwards(row: Row, run: Sequence[Recorded]) -> dict[int, Around]:
    """`row`: as it was before the first event."""
    found = {}
    for one in run:
        if isinstance(one.event, RecordUpdated | RecordLinksChanged):
            after = onwards(row, one, one.event)
            found[one.seq] = Around(row, after)
            row = after
        elif isinstance(one.event, RecordDeleted):
            found[one.seq] = Around(row, None)
    return found


def _backwards(row: Row, run: Sequence[Recorded]) -> dict[int, Around]:
    """`row`: as the last event left it.  A row before is unsigned."""
    found = {}
    for one in reversed(run):
        if isinstance(one.event, RecordUpdated | RecordLinksChanged):
            before = back(row, one.event)
            found[one.seq] = Around(before, signed(row, one))
            row = before
    return found


Runs: TypeAlias = Mapping[str, Sequence[Recorded]]


def _apart(runs: Runs) -> Iterator[tuple[bool, Runs]]:
    """Whether they have links of a record to itself, and those that do or do not."""
    own = {record_id: _is_onto_itself(run) for record_id, run in runs.items()}
    for onto_itself in (False, True):
        some = {one: run for one, run in runs.items() if own[one] is onto_itself}
        if some:
            yield onto_itself, some


def _is_onto_itself(run: Sequence[Recorded]) -> bool:
    return any(
        one.event.record_id == end[0]
        for one in run
        if isinstance(one.event, RecordLinksChanged)
        for end in (*one.event.added, *one.event.removed)
    )


async def _rows_at(
    ask: Ask, course: Course, stretch: Sequence[Envelope], runs: Runs
) -> Mapping[str, Row]:
    """Each record's row before the stretch."""
    position = stretch[0].seq - 1
    catalog = course.before(stretch[0].seq)
    found: dict[str, Row] = {}
    for table_id, record_ids in _by_table(runs):
        table = catalog.tables[table_id]
        found |= await rows_of_then(ask, catalog.id, position, table, record_ids)
    return found


async def _rows(
    ask: Ask, course: Course, stretch: Sequence[Envelope], runs: Runs
) -> Mapping[str, Row]:
    """Each record's row as its last event in the stretch left it."""
    upto = stretch[-1].seq
    catalog = course.after(upto)
    found: dict[str, Row] = {}
    for table_id, record_ids in _by_table(runs):
        table = catalog.tables[table_id]
        present = await present_rows(ask, catalog.id, table, record_ids) or {}
        same = {
            one: present[one]
            for one in record_ids
            if one in present and present[one].version == runs[one][-1].version
        }
        found |= same
        others = [one for one in record_ids if one not in same]
        if others:
            found |= await rows_of_then(ask, catalog.id, upto, table, others)
    return found


def _by_table(runs: Runs) -> Iterable[tuple[TableId, list[str]]]:
    def table_of(record_id: str) -> str:
        event = runs[record_id][-1].event
        return str(event.data()["table_id"])

    for table_id, found in groupby(sorted(runs, key=table_of), key=table_of):
        yield TableId(table_id), list(found)


async def _sign(ask: Ask, events: Sequence[Recorded], found: dict[int, Around]) -> None:
    """Says by whom and when deleted records were changed last, where the events before
    their deletion did not."""
    lacking = {
        one.seq: one
        for one in events
        if one.seq in found and isinstance(one.event, RecordDeleted)
    }
    if not lacking:
        return
    values = {
        "workspace": events[0].workspace_id,
        "deletions": text_array(list(lacking)),
        "streams": text_array([one.event.stream_id for one in lacking.values()]),
        "versions": text_array([one.version - 1 for one in lacking.values()]),
    }
    (rows,) = await ask([(_SIGNED, values)])
    for seq, version, at, actor in rows:
        row = found[seq].before
        if row is not None:
            row = replace(row, version=version, updated_at=at, updated_by=actor)
            found[seq] = Around(row, None)


# by events' unique (workspace_id, stream_id, version) and batches_by_seq
_SIGNED = b"""
    SELECT n.deletion, e.version, ledger.rfc3339(e.recorded_at), b.actor::text
    FROM unnest(%(deletions)s::bigint[], %(streams)s::uuid[], %(versions)s::int[])
         AS n (deletion, stream, version)
    JOIN ledger.events AS e ON e.workspace_id = %(workspace)s::uuid
     AND e.stream_id = n.stream AND e.version = n.version
    CROSS JOIN LATERAL (
        SELECT actor FROM ledger.batches
        WHERE workspace_id = e.workspace_id AND last_seq >= e.seq
          AND first_seq <= e.seq
        ORDER BY last_seq LIMIT 1
    ) AS b
"""
