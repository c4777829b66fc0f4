"""Exports: every record that matches, as CSV or as JSON, while it is read."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from api import sheet
from api.downloads import attachment
from api.http import Request, Streamed, read_id
from api.pybase import shapes
from api.pybase.parse import (
    fields_from,
    filter_from,
    read_fields,
    read_filter,
    read_sort,
    sort_from,
)
from commands.system import System
from domain.access import Role
from domain.catalog import Catalog, Table
from domain.errors import Busy, Invalid, NotFound
from domain.ids import WorkspaceId
from projections.query import Query
from projections.reader import allow
from projections.records.walk import walk
from projections.snapshot import snapshot

_TYPES = {
    "csv": "text/csv; charset=utf-8; header=present",
    "json": "application/json",
}
MEDIA = ("text/csv", "application/json")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported; `query` reads filter, sort and fields for a table."""

    table_id: str
    format: str
    query: Callable[[Table], Query]


async def export_records(system: System, request: Request) -> Streamed:
    """One format of all that match, as they are at one moment."""
    wanted = _wanted(request)
    workspace_id = await system.reader.find(request.who, "table", wanted.table_id)
    name = ""

    def plan(catalog: Catalog) -> Sequence[Any]:
        nonlocal name
        name = wanted.query(catalog.live_table(wanted.table_id)).table.name
        return ()

    try:
        await system.reader.ask(
            request.who, workspace_id, plan, min_position=request.min_position
        )
    except NotFound as error:
        raise NotFound("Table not found") from error
    return Streamed(
        _parts(system, request, workspace_id, wanted),
        headers={
            "content-type": _TYPES[wanted.format],
            "content-disposition": attachment(f"export_{name}.{wanted.format}"),
        },
    )


def _wanted(request: Request) -> Wanted:
    """From the query, or from a body's keys, which win."""
    asked = request.query
    body = shapes.ExportRecords()
    if request.body.strip():
        body = request.shape(shapes.ExportRecords)
    named = request.query_id("table_id", "table")
    table_id = named if body.table_id is None else body.table_id
    if table_id is None:
        raise _problem("table_id", "Field required", "missing")
    kind = body.format or asked.get("format") or "csv"
    if kind not in _TYPES:
        raise _problem("format", "format must be csv or json", "enum")

    def query(table: Table) -> Query:
        where, sorts, fields = body.filter, body.sort, body.fields
        chosen = (
            fields_from(fields, table)
            if isinstance(fields, list)
            else read_fields(fields or asked.get("fields"), table)
        )
        return Query(
            table,
            chosen or table.fields,
            read_filter(asked.get("filter"), table)
            if where is None
            else filter_from(where, table),
            read_sort(asked.get("sort"), table)
            if sorts is None
            else sort_from(sorts, table),
        )

    return Wanted(read_id(table_id, "table"), kind, query)


def _problem(name: str, message: str, kind: str) -> Invalid:
    return Invalid(errors=[{"loc": [name], "msg": message, "type": kind}])


async def _parts(
    system: System, request: Request, workspace_id: WorkspaceId, wanted: Wanted
) -> AsyncGenerator[bytes, None]:
    if system.long_reads.locked():
        raise Busy("Too many exports are under way; try again")
    async with (
        system.long_reads,
        snapshot(system.urls.app, workspace_id) as seen,
    ):
        allow(seen.catalog, request.who.user_id, Role.viewer)
        query = wanted.query(seen.catalog.live_table(wanted.table_id))
        make = _json if wanted.format == "json" else _csv
        async with aclosing(walk(seen, query)) as pages:
            async for part in make(query, pages):
                yield part


async def _json(
    _query: Query, pages: AsyncIterable[Sequence[str]]
) -> AsyncIterator[bytes]:
    before = b"["
    async for texts in pages:
        yield before + ",\n".join(texts).encode()
        before = b",\n"
    yield b"[]\n" if before == b"[" else b"]\n"


async def _csv(
    query: Query, pages: AsyncIterable[Sequence[str]]
) -> AsyncIterator[bytes]:
    names = [field.name for field in query.fields]
    any_json = {field.name for field in query.fields if field.type == "json"}
    lines = [sheet.header(names)]
    async for texts in pages:
        rows = [sheet.row(text, names, any_json) for text in texts]
        yield sheet.csv_lines(lines + rows)
        lines = []
    if lines:
        yield sheet.csv_lines(lines)
