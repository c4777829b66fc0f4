"""The difference of a table between two moments: its net change, record by record.

What was changed and changed back is no difference.  Nothing is held but one page of
records: those that changed are sent as they are found, those that came or went lie in
a file until their turn, and the order is that of the records' ids.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import orjson

from api.http import Request, Streamed
from api.pybase import sheet
from api.pybase.asking import missing
from api.pybase.exports import attachment
from api.pybase.history import names_of_actors, schema_items
from api.pybase.schema_told import streams_of
from api.pybase.told import Telling
from commands.system import System
from domain.access import Role
from domain.catalog import Catalog, Table
from domain.changes import Linked
from domain.errors import Busy, Invalid, NotFound
from domain.ids import TableId, WorkspaceId
from domain.net_change import NetChange
from projections import history, moments
from projections.moments import Moment
from projections.reader import Statement, allow
from projections.snapshot import Snapshot, snapshot
from projections.window import (
    Signed,
    Window,
    net_changes,
    schema_events,
    signed,
    signed_versions,
)

_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8; header=present",
}
MEDIA = ("application/json", "text/csv")
IN_MEMORY = 1 << 20  # bytes of what waits for its turn; what is more lies in a file
_PART = 1 << 18


@dataclass(frozen=True, slots=True)
class _Asked:
    since: Moment
    until: Moment | None  # None: now
    format: str


async def table_diff(system: System, request: Request) -> Streamed:
    table_id = TableId(request.id("id", "table"))
    workspace_id = await system.reader.find(request.who, "table", table_id)
    asked = _read(request)
    until = asked.until

    def plan(catalog: Catalog) -> Sequence[Statement]:
        _table(catalog, table_id)
        return [
            history.made_at(workspace_id, table_id),
            moments.find(workspace_id, asked.since),
            *([moments.find(workspace_id, until)] if until else []),
        ]

    try:
        found = await system.reader.ask(
            request.who, workspace_id, plan, min_position=request.min_position
        )
    except NotFound as error:
        raise NotFound("Table not found") from error
    made_at, since, *rest = found.results
    window = Window(
        workspace_id,
        moments.found(asked.since, since),
        moments.found(until, rest[0]) if until else found.position,
    )
    _check(window, made_at[0][0])
    name = _table(found.catalog, table_id).name
    make = _json if asked.format == "json" else _csv
    headers = {"content-type": _TYPES[asked.format]}
    if asked.format == "csv":
        headers["content-disposition"] = attachment(f"diff_{name}.csv")
    return Streamed(_parts(system, request, table_id, window, make), 200, headers)


def _read(request: Request) -> _Asked:
    query = request.query
    if not query.get("from"):
        raise missing("from")
    kind = query.get("format") or "json"
    if kind not in _TYPES:
        raise Invalid("format must be json or csv", field="format")
    until = query.get("to")
    return _Asked(
        moments.read_moment(query["from"], "from"),
        moments.read_moment(until, "to") if until else None,
        kind,
    )


def _check(window: Window, made_at: int) -> None:
    if window.after > window.upto:
        raise Invalid("from must not be behind to", field="from")
    if window.after < made_at:
        raise NotFound("The table was not there yet", position=window.after)


def _table(catalog: Catalog, table_id: TableId) -> Table:
    """Also a deleted one."""
    table = catalog.tables.get(table_id)
    if table is None:
        raise NotFound("Table not found")
    return table


async def _parts(
    system: System, request: Request, table_id: TableId, window: Window, make: Any
) -> AsyncGenerator[bytes, None]:
    if system.long_reads.locked():
        raise Busy("Too many exports are under way; try again")
    async with (
        system.long_reads,
        snapshot(system.urls.app, window.workspace_id) as seen,
    ):
        allow(seen.catalog, request.who.user_id, Role.viewer)
        difference = await _difference(system, seen, window, table_id)
        async with aclosing(make(difference)) as parts:
            async for part in parts:
                yield part


# -------------------------------------------------------------------- differences


@dataclass(frozen=True, slots=True)
class _Difference:
    """What is known before the records are looked at."""

    seen: Snapshot
    window: Window
    telling: Telling
    schema: Sequence[Mapping[str, Any]]

    async def pages(self) -> AsyncGenerator["_Page", None]:
        """The records that differ, some at a time."""
        table = self.telling.table
        async with aclosing(net_changes(self.seen, self.window, table)) as pages:
            async for page in pages:
                yield await self._page(page)

    async def _page(self, page: Sequence[NetChange]) -> "_Page":
        added = [one for one in page if one.there_after and not one.there_before]
        removed = [one for one in page if one.there_before and not one.there_after]
        both = [one for one in page if one.there_before and one.there_after]
        changed = [(one.record_id, self._changes(one)) for one in both]
        return _Page(
            await self._added(added),
            await self._removed(removed),
            [one for one in changed if one[1]],
        )

    def _changes(self, net: NetChange) -> dict[str, Any]:
        """By name, without what looks the same."""
        found: dict[str, Any] = {}
        telling, window = self.telling, self.window
        for field_id, change in net.changes().items():
            line = telling.timelines.get(field_id)
            if line is None:
                continue
            name = telling.names[field_id]
            if isinstance(change, Linked):
                found[name] = {"added": change.added, "removed": change.removed}
                continue
            before = telling.text(line.at(window.after), change.before)
            after = telling.text(line.at(window.upto), change.after)
            if before != after:
                found[name] = {
                    "from": orjson.Fragment(before),
                    "to": orjson.Fragment(after),
                }
        return found

    async def _added(self, nets: Sequence[NetChange]) -> list[dict[str, Any]]:
        """As they are at the end."""
        wanted = {one.made_at or 0 for one in nets} | {one.last[1] for one in nets}
        by = await _signed(self.seen, self.window, sorted(wanted))
        shown = []
        for one in nets:
            made = by[one.made_at or 0]
            created = one.created or (made.at, made.by)
            values = self._values(one.after, one.number, self.window.upto)
            shown.append(
                self._record(one, values, one.last[0], created, by[one.last[1]])
            )
        return shown

    async def _removed(self, nets: Sequence[NetChange]) -> list[dict[str, Any]]:
        """As they were at the beginning."""
        versions = {one.record_id: (one.first or 1) - 1 for one in nets}
        by: Mapping[str, Signed] = {}
        if nets:
            by = await signed_versions(self.seen, self.window.workspace_id, versions)
        shown = []
        for one in nets:
            created = one.created or ("", "")
            values = self._values(one.before, one.number, self.window.after)
            version = versions[one.record_id]
            shown.append(self._record(one, values, version, created, by[one.record_id]))
        return shown

    def _values(
        self, values: Mapping[str, Any], number: int, position: int
    ) -> dict[str, Any]:
        """Of every live field, and of a deleted one that has a value."""
        telling = self.telling
        found = {}
        for one in telling.table.all_fields.values():
            kept = values.get(one.id)
            if one.deleted and kept is None:
                continue
            form = telling.timelines[one.id].at(position)
            found[telling.names[one.id]] = telling.shown(form, kept, number)
        return found

    def _record(
        self,
        net: NetChange,
        values: Mapping[str, Any],
        version: int,
        created: tuple[str, str],
        updated: Signed,
    ) -> dict[str, Any]:
        return {
            "id": net.record_id,
            "table_id": self.telling.table.id,
            "fields": values,
            "version": version,
            "created_by_id": created[1],
            "last_modified_by_id": updated.by,
            "created_at": created[0],
            "updated_at": updated.at,
        }


@dataclass(frozen=True, slots=True)
class _Page:
    added: Sequence[Mapping[str, Any]]
    removed: Sequence[Mapping[str, Any]]
    changed: Sequence[tuple[str, Mapping[str, Any]]]


async def _signed(
    seen: Snapshot, window: Window, positions: Sequence[int]
) -> Mapping[int, Signed]:
    if not positions:
        return {}
    return await signed(seen, window.workspace_id, positions)


async def _difference(
    system: System, seen: Snapshot, window: Window, table_id: TableId
) -> _Difference:
    table = _table(seen.catalog, table_id)
    workspace_id: WorkspaceId = window.workspace_id
    rows = await seen.rows(*history.field_changes(workspace_id, table))
    telling = Telling(table, history.timelines(table, workspace_id, rows))
    events = await schema_events(seen, window, streams_of(table))
    names = await names_of_actors(system, events)
    schema = [one.json(names) for one in schema_items(events, table)]
    return _Difference(seen, window, telling, schema)


# ------------------------------------------------------------------------ as JSON


async def _json(difference: _Difference) -> AsyncGenerator[bytes, None]:
    window = difference.window
    head = {"from": window.after, "to": window.upto, "schema": difference.schema}
    yield orjson.dumps(head)[:-1] + b',"changed":['
    with ExitStack() as stack:
        added, removed = (stack.enter_context(_waiting()) for _ in range(2))
        between = b""
        async with aclosing(difference.pages()) as pages:
            async for page in pages:
                _append(added, page.added)
                _append(removed, page.removed)
                texts = [
                    orjson.dumps({"record_id": record, "changes": changes})
                    for record, changes in page.changed
                ]
                if texts:
                    yield between + b",\n".join(texts)
                    between = b",\n"
        yield b'],"added":['
        for part in _read_back(added):
            yield part
        yield b'],"removed":['
        for part in _read_back(removed):
            yield part
    yield b"]}\n"


def _waiting() -> SpooledTemporaryFile[bytes]:
    return SpooledTemporaryFile(max_size=IN_MEMORY)


def _append(file: IO[bytes], items: Iterable[Mapping[str, Any]]) -> None:
    for one in items:
        if file.tell():
            file.write(b",\n")
        file.write(orjson.dumps(one))


def _read_back(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while part := file.read(_PART):
        yield part


# ------------------------------------------------------------------------- as CSV

_HEADER = ["change", "id", "field", "from", "to"]


async def _csv(difference: _Difference) -> AsyncGenerator[bytes, None]:
    """A row a value that differs; of the schema a row a property."""
    lines = [_HEADER]
    for item in difference.schema:
        lines += _rows(item["type"], item["resource"]["id"], item["changes"])
    async with aclosing(difference.pages()) as pages:
        async for page in pages:
            for one in page.added:
                lines += _rows("added", one["id"], _made(one["fields"]))
            for one in page.removed:
                lines += _rows("removed", one["id"], _unmade(one["fields"]))
            for record, changes in page.changed:
                lines += _rows("changed", record, changes)
            if lines:
                yield sheet.csv_lines(lines)
            lines = []
    if lines:
        yield sheet.csv_lines(lines)


def _made(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"from": None, "to": one} for name, one in fields.items()}


def _unmade(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"from": one, "to": None} for name, one in fields.items()}


def _rows(change: str, some_id: str, changes: Mapping[str, Any]) -> list[list[str]]:
    """`changes` by name; of links that came and went each is a row of its own kind."""
    rows = []
    for name, one in changes.items():
        field = sheet.harmless(name)
        if "added" in one:
            cells = [_cell(list(one["removed"])), _cell(list(one["added"]))]
            rows.append([f"{change} links", some_id, field, *cells])
            continue
        cells = [_cell(one["from"]), _cell(one["to"])]
        if any(cells):
            rows.append([change, some_id, field, *cells])
    return rows or [[change, some_id, "", "", ""]]


def _cell(value: Any) -> str:
    return sheet.cell(orjson.dumps(value).decode())
