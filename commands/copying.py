"""Copying a base, in units of at most a thousand records.

The source is read from one snapshot, so the copy is of one moment.  It is written into
a base that is deleted (`domain.copy`) and restored by the last unit, which is therefore
what undo takes back.  A copy that is broken off stays deleted.

A record's new id is its old one with the number of the new table: neither links nor
records need a list of what became of whom, and memory stays flat.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from commands.schema import next_table_number
from commands.system import System, new_id
from commands.unit import Done, Once, Origin, Outcome, Reply
from commands.write import Prepared, Render, submit
from domain.access import Role
from domain.base import RestoreBase
from domain.catalog import Base, Field, Table
from domain.copy import CopyBase, CopyLinks, CopyRecords
from domain.errors import Busy, DomainError
from domain.events import Command
from domain.ids import BaseId, FieldId, RecordId, TableId, WorkspaceId, moved_to
from domain.table import RestoreTable
from domain.values import Value
from projections.reader import Caller, allow
from projections.records.rows import row_from, select_next_rows
from projections.snapshot import Snapshot, snapshot

RECORDS = 1_000  # of a unit, at the most
FIRST_RECORDS = 20  # of the first, while nobody knows how large they are
BYTES = 2 * 1024 * 1024  # of a unit's values, about
LINKS = 2_000  # of a unit, about: a record's own stay together
LINK_ROWS = 5_000  # read at once


@dataclass(frozen=True, slots=True)
class Wanted:
    """`name` None: the source's, as a copy."""

    source_id: str
    name: str | None
    with_records: bool


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is copied, and what becomes of its ids and table numbers."""

    base_id: BaseId
    tables: Sequence[Table]
    ids: Mapping[str, str]
    numbers: Mapping[str, int]


async def copy_base(
    system: System,
    caller: Caller,
    origin: Origin,
    workspace_id: WorkspaceId,
    wanted: Wanted,
    base_id: BaseId,
    render: Render,
    once: Once | None = None,
) -> Done:
    """Copies a base of the workspace as `base_id`; the answer is the last unit's.

    Raises DomainError; Busy where too many long reads are under way.
    """
    first = await _first_answer(system, origin, workspace_id, once)
    if first is not None:
        return first
    if system.long_reads.locked():
        raise Busy("Too many copies and exports are under way; try again")
    # what belongs together is found by it
    origin = replace(origin, correlation_id=new_id())
    async with (
        system.long_reads,
        snapshot(system.urls.app, workspace_id) as seen,
    ):
        allow(seen.catalog, caller.user_id, Role.admin)
        source = seen.catalog.live_base(wanted.source_id)
        copy = await _copy_of(system, seen, source, base_id)
        async for command in _commands(seen, source, copy, wanted):
            prepared = Prepared([command], _no_reply, _size(command))
            await submit(system, origin, workspace_id, prepared)
        await seen.still_there()
    shown = Prepared(
        [
            RestoreBase(base_id),
            *(RestoreTable(TableId(copy.ids[one.id])) for one in copy.tables),
        ],
        render,
    )
    return await submit(system, origin, workspace_id, shown, once)


class _NotYet(DomainError):
    """The key has not been used"""


async def _first_answer(
    system: System, origin: Origin, workspace_id: WorkspaceId, once: Once | None
) -> Done | None:
    """The answer that the key had, looked up before anything is copied again."""
    if once is None:
        return None

    def render(_outcome: Outcome) -> Reply:
        raise _NotYet()

    try:
        return await submit(system, origin, workspace_id, Prepared((), render), once)
    except _NotYet:
        return None


async def _copy_of(
    system: System, seen: Snapshot, source: Base, base_id: BaseId
) -> _Copy:
    tables = seen.catalog.tables_of(source.id)
    old = [
        some_id
        for table in tables
        for some_id in (
            table.id,
            *(one.id for one in table.fields),
            *(one.id for one in table.constraints),
            *(one.id for one in table.views),
        )
    ]
    return _Copy(
        base_id,
        tables,
        {some_id: new_id() for some_id in old},
        {table.id: await next_table_number(system.reader) for table in tables},
    )


async def _commands(
    seen: Snapshot, source: Base, copy: _Copy, wanted: Wanted
) -> AsyncIterator[Command]:
    yield CopyBase(
        copy.base_id,
        wanted.name or f"{source.name[:248]} (copy)",
        source.description,
        source.icon,
        copy.tables,
        copy.ids,
        copy.numbers,
    )
    if not wanted.with_records:
        return
    for table in copy.tables:
        async for command in _records(seen, table, copy):
            yield command
    # of a link both ends have to be there
    for table in copy.tables:
        for field in table.fields:
            if field.type == "linked_record" and not field.is_reverse:
                async for links in _links(seen, table, field, copy):
                    yield links


async def _records(
    seen: Snapshot, table: Table, copy: _Copy
) -> AsyncIterator[CopyRecords]:
    table_id, number = TableId(copy.ids[table.id]), copy.numbers[table.id]
    statement = select_next_rows(seen.target, table)
    size, last = min(FIRST_RECORDS, RECORDS), 0
    while True:
        found = await seen.rows(statement, [last, size])
        if not found:
            return
        rows = [row_from(table, one) for one in found]
        yield CopyRecords(
            table_id,
            [
                (moved_to(row.id, number), row.number, _values(row.values, copy))
                for row in rows
            ],
        )
        last = rows[-1].number
        length = sum(len(one[-1]) for one in found)
        size = max(1, min(RECORDS, 2 * size, size * BYTES // max(1, length)))


def _values(values: Mapping[str, Value], copy: _Copy) -> dict[str, Value]:
    """By the new fields: those of deleted fields stay behind."""
    return {
        copy.ids[name]: value
        for name, value in values.items()
        if value is not None and name in copy.ids
    }


async def _links(
    seen: Snapshot, table: Table, field: Field, copy: _Copy
) -> AsyncIterator[CopyLinks]:
    """The links of a forward field, those of one record in one command."""
    other = copy.numbers[str(field.options["linked_table_id"])]
    own = copy.numbers[table.id]
    waiting: list[tuple[RecordId, list[tuple[RecordId, int]]]] = []
    count = 0

    def command() -> CopyLinks:
        return CopyLinks(
            TableId(copy.ids[table.id]), FieldId(copy.ids[field.id]), list(waiting)
        )

    async for record_id, target_id, there in _link_rows(seen, field):
        moved = moved_to(record_id, own)
        if not waiting or waiting[-1][0] != moved:
            if count >= LINKS or len(waiting) >= RECORDS:
                yield command()
                waiting.clear()
                count = 0
            waiting.append((moved, []))
        waiting[-1][1].append((moved_to(target_id, other), there))
        count += 1
    if waiting:
        yield command()


async def _link_rows(
    seen: Snapshot, field: Field
) -> AsyncIterator[tuple[str, str, int]]:
    """(record, other record, the record's place there), record by record, in the order
    of its list: served by the links' primary key."""
    statement = sql.SQL(
        "SELECT l.record_id, l.target_id, l.reverse_position, l.position"
        " FROM {} AS l WHERE l.field_id = %s::uuid"
        " AND (l.record_id, l.position, l.target_id)"
        " > (%s::uuid, %s::bigint, %s::uuid)"
        " ORDER BY l.record_id, l.position, l.target_id LIMIT %s"
    ).format(seen.target.links)
    nothing = "00000000-0000-0000-0000-000000000000"
    after: tuple[str, int, str] = (nothing, -1, nothing)
    while True:
        rows = await seen.rows(statement, [field.id, *after, LINK_ROWS])
        for record_id, target_id, there, _ in rows:
            yield record_id, target_id, there
        if len(rows) < LINK_ROWS:
            return
        record_id, target_id, _, position = rows[-1]
        after = (record_id, position, target_id)


def _size(command: Command) -> int:
    match command:
        case CopyRecords(records=records):
            return len(records)
        case CopyLinks(links=links):
            return len(links) + sum(len(others) for _, others in links)
        case _:
            return 1


def _no_reply(_outcome: Outcome) -> Reply:
    return Reply(204, b"")
