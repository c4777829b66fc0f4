"""Lists of records that go on behind a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from api.http import Reply, Request
from api.pybase import moments
from api.pybase.cursor import Cursor, bad_cursor, cursor_text, read_cursor
from api.pybase.parse import (
    read_by,
    read_fields,
    read_filter,
    read_page,
    read_sort,
)
from commands.system import System
from domain.catalog import Catalog, Table
from domain.errors import Invalid, NotFound
from domain.ids import WorkspaceId
from projections.keyset import any_left_behind, page, place_of, still_stands
from projections.query import Query
from projections.reader import Statement
from projections.records.output import Rendition, record_json
from projections.sql import Clause, count
from projections.target import Target, live


def table_id_of(request: Request) -> str:
    """The table that the query names.  Raises Invalid where it names none."""
    found = request.query_id("table_id", "table")
    if found is None:
        raise Invalid(
            errors=[{"loc": ["table_id"], "msg": "Field required", "type": "missing"}]
        )
    return found


async def list_by_cursor(system: System, request: Request) -> Reply:
    table_id = table_id_of(request)
    workspace_id = await system.reader.find(request.who, "table", table_id)
    secret = system.settings.secret_key.get_secret_value()
    rendition = read_by(request.query.get("by"))
    if moments.asks_for_past(request):
        return await _of_past(system, request, workspace_id, table_id, secret)
    asked: _Asked | None = None

    def plan(catalog: Catalog) -> Sequence[Statement]:
        nonlocal asked
        asked = _read(request, catalog.live_table(table_id), secret)
        return _statements(asked, live(workspace_id), rendition)

    results = await _results(system, request, workspace_id, plan)
    if asked is None:
        raise RuntimeError("an answer to what was not asked")
    return Reply(200, _body(asked, results, secret))


async def _of_past(
    system: System,
    request: Request,
    workspace_id: WorkspaceId,
    table_id: str,
    secret: str,
) -> Reply:
    moment = await moments.then(system, request, workspace_id, "Table")
    table = moment.catalog.live_table(table_id)
    asked = _read(request, table, secret)
    rendition = read_by(request.query.get("by"))
    results = await system.as_of.rows(
        request.who, moment, table, lambda target: _statements(asked, target, rendition)
    )
    return moments.of(moment, Reply(200, _body(asked, results, secret)))


async def _results(
    system: System, request: Request, workspace_id: WorkspaceId, plan: Any
) -> Sequence[Any]:
    try:
        found = await system.reader.ask(
            request.who, workspace_id, plan, min_position=request.min_position
        )
    except NotFound as error:
        raise NotFound("Table not found") from error
    return found.results


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query and where to go on."""

    query: Query
    cursor: Cursor | None

    @property
    def backwards(self) -> bool:
        return self.cursor is not None and self.cursor.backwards


def _read(request: Request, table: Table, secret: str) -> _Asked:
    asked = request.query
    query = Query(
        table,
        read_fields(asked.get("fields"), table) or table.fields,
        read_filter(asked.get("filter"), table),
        read_sort(asked.get("sort"), table),
        read_page(asked.get("limit"), page_size=asked.get("page_size")),
    )
    return _Asked(query, read_cursor(asked.get("cursor"), query, secret))


def _statements(asked: _Asked, target: Target, rendition: Rendition) -> list[Statement]:
    """How many match, the page, and, on the way, whether there is something behind it
    and whether the cursor's record is as it was."""
    query, cursor = asked.query, asked.cursor
    shown = record_json(target, query.table, rendition, query.fields)
    place, backwards = cursor.place if cursor else None, asked.backwards
    clauses: list[Clause] = [
        count(query, target),
        page(query, target, shown, place, backwards=backwards),
    ]
    if place is not None:
        clauses.append(any_left_behind(query, target, place, backwards=backwards))
        if place.leans_on_its_record:
            clauses.append(still_stands(query, target, place))
    return [(one.text, one.values) for one in clauses]


def _body(asked: _Asked, results: Sequence[Any], secret: str) -> bytes:
    (((total,),), rows, *rest) = results
    if len(rest) > 1 and not rest[1][0][0]:
        raise bad_cursor("The cursor's record has changed since: start again")
    query, limit = asked.query, asked.query.page.limit
    more, left_behind = len(rows) > limit, bool(rest and rest[0][0][0])
    rows = rows[:limit]
    if asked.backwards:
        rows.reverse()
        more, left_behind = left_behind, more
    has_next, has_prev = bool(rows) and more, bool(rows) and left_behind

    def cursor(row: Sequence[Any], *, backwards: bool) -> str:
        return cursor_text(Cursor(place_of(row[1:]), backwards), query, secret)

    meta = {
        "next_cursor": cursor(rows[-1], backwards=False) if has_next else None,
        "prev_cursor": cursor(rows[0], backwards=True) if has_prev else None,
        "has_next": has_next,
        "has_prev": has_prev,
        "limit": limit,
        "total_count": total,
    }
    items = b",".join([row[0].encode() for row in rows])
    return b'{"items":[%b],"meta":%b}' % (items, orjson.dumps(meta))
