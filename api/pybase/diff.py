"""The difference of a table between two moments: its net change, record by record.

What was changed and changed back is no difference.  Nothing is held but one page of
records: those that changed are sent as they are found, those that came or went lie in
a file until their turn, and the order is that of the records' ids.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import orjson

from api import sheet
from api.downloads import attachment
from api.http import Request, Streamed
from api.pybase.asking import missing
from api.pybase.difference import Difference, difference_of
from commands.system import System
from domain.access import Role
from domain.catalog import Catalog, Table
from domain.errors import Busy, Invalid, NotFound
from domain.ids import TableId
from projections import history, moments
from projections.moments import Moment
from projections.reader import Statement, allow
from projections.snapshot import snapshot
from projections.window import Window

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
    async with AsyncExitStack() as reading:
        await reading.enter_async_context(system.long_reads)
        url, workspace_id = system.urls.app, window.workspace_id
        seen = await reading.enter_async_context(snapshot(url, workspace_id))
        allow(seen.catalog, request.who.user_id, Role.viewer)
        table = _table(seen.catalog, table_id)
        difference = await difference_of(system, seen, window, table)
        async with aclosing(make(difference, reading)) as parts:
            async for part in parts:
                yield part


# ------------------------------------------------------------------------ as JSON


async def _json(
    difference: Difference, reading: AsyncExitStack
) -> AsyncGenerator[bytes, None]:
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
        await reading.aclose()  # the rest needs no database, however slow its reader
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


async def _csv(
    difference: Difference, _reading: AsyncExitStack
) -> AsyncGenerator[bytes, None]:
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
