"""A table's rows: a page as JSON or CSV, or all of them as CSV."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import orjson

from api import sheet
from api.downloads import attachment
from api.http import Reply, Request, Streamed
from api.tables.errors import (
    BAD_TOKEN,
    NO_WORKSPACE,
    BadParameter,
    TooManyDownloads,
)
from api.tables.parse import Asked, columns_of, query_of, read, wants_everything
from api.tables.target import (
    NoSuchTable,
    OtherDatabase,
    Path,
    Target,
    find,
    has_database,
    no_such_table,
)
from commands.system import System
from domain.access import Role
from domain.catalog import Catalog, Table
from domain.errors import NotFound, Unauthenticated
from domain.ids import WorkspaceId
from projections.lists import Asked as AskedFor
from projections.lists import Listed, Wanted, by_query, found_page
from projections.query import Query
from projections.reader import Found, Plan, Statement, allow
from projections.records.output import Rendition, record_json
from projections.records.walk import walk
from projections.slugs import Slugs
from projections.snapshot import snapshot
from projections.target import Target as Schema

CSV = "text/csv; charset=utf-8; header=present"
MEDIA = ("application/json", "text/csv")


@dataclass(frozen=True, slots=True)
class _Planned:
    """What a request is, once the catalogue has said so."""

    workspace_id: WorkspaceId
    target: Target
    asked: Asked
    query: Query

    @property
    def columns(self) -> list[str]:
        with_record_id = self.asked.with_record_id
        return columns_of(self.target.table, with_record_id=with_record_id)

    @property
    def rendition(self) -> Rendition:
        with_record_id = self.asked.with_record_id
        return Rendition.ROW_WITH_RECORD_ID if with_record_id else Rendition.ROW

    def wanted(self) -> Wanted:
        asked, table = self.asked, self.target.table
        spelling = ("row", asked.sort, str(asked.descending), *chain(*asked.filters))
        of = AskedFor(self.workspace_id, table.id, spelling)
        return Wanted(of, lambda: self.query, self.query.page, self.rendition)

    def statements(self, rows: Schema) -> list[Statement]:
        """The page, of the table as it is in a schema."""
        return [by_query(rows, self.query, self.query.page, self.rendition)]


@dataclass(frozen=True, slots=True)
class _Page:
    """What was found of a page."""

    planned: _Planned
    found: Listed


def _plan(catalog: Catalog, path: Path, request: Request, most: int) -> _Planned:
    """Raises what is refused, in the order that clients rely on."""
    asked: Asked | None = None

    def parameters() -> None:
        nonlocal asked
        asked = read(request.query, most)

    target = find(catalog, path, parameters)
    if asked is None:
        raise RuntimeError("the parameters were not read")
    return _Planned(catalog.id, target, asked, query_of(asked, target.table))


class Tables:
    """The handler, and whose the slugs are that it was asked for."""

    def __init__(self, slugs: Slugs) -> None:
        self._slugs = slugs

    async def read(self, system: System, request: Request) -> Reply | Streamed:
        path = Path.of(request)
        if request.query.get("as_of"):
            page = await self._past(system, request, path)
        else:
            page = await self._present(system, request, path)
        planned = page.planned
        headers = {"x-position": str(page.found.position)}
        if planned.asked.format == "json":
            return Reply(200, _json(path, page), headers)
        name = f"{planned.target.table.slug}.csv"
        headers |= {"content-type": CSV, "content-disposition": attachment(name)}
        if planned.asked.limit is None:
            del headers["x-position"]  # the snapshot is a later one
            parts = _everything(system, request, path, planned)
            return Streamed(parts, headers=headers)
        return Reply(200, _csv(page), headers)

    async def _present(self, system: System, request: Request, path: Path) -> _Page:
        most = system.settings.tables_page_limit
        planned: _Planned | None = None
        ask = partial(self._ask, request, path)

        def want(catalog: Catalog) -> Wanted:
            nonlocal planned
            planned = _plan(catalog, path, request, most)
            return planned.wanted()

        def look(catalog: Catalog) -> Sequence[Statement]:
            want(catalog)
            return ()

        if wants_everything(request.query):
            found = Listed([], 0, (await ask(look)).position)
        else:
            found = await system.lists.page(ask, want)
        if planned is None:
            raise RuntimeError("an answer to what was not asked")
        return _Page(planned, found)

    async def _past(self, system: System, request: Request, path: Path) -> _Page:
        """As of a moment, with the names that there were."""
        now = await self._ask(request, path, lambda _: ())
        moment = request.query["as_of"]
        then = await system.as_of.at(request.who, now.catalog.id, moment)
        most = system.settings.tables_page_limit
        try:
            planned = _plan(then.catalog, path, request, most)
        except OtherDatabase as error:
            if has_database(now.catalog, path):  # since
                raise no_such_table(path) from error
            raise
        if planned.asked.limit is None:
            raise BadParameter(limit=["All rows are those of now: leave as_of out."])
        results = await system.as_of.rows(
            request.who, then, planned.target.table, planned.statements
        )
        return _Page(planned, Listed(*found_page(results[0]), then.position))

    async def _ask(self, request: Request, path: Path, plan: Plan) -> Found:
        try:
            return await self._slugs.ask(
                request.who, path.workspace, plan, min_position=request.min_position
            )
        except Unauthenticated as error:
            raise Unauthenticated(BAD_TOKEN) from error
        except NoSuchTable:
            raise
        except NotFound as error:
            raise NotFound(NO_WORKSPACE) from error


def _json(path: Path, page: _Page) -> bytes:
    found, planned = page.found, page.planned
    asked = planned.asked
    total, limit = found.total, asked.limit or 1
    pages = -(-total // limit)
    rest = orjson.dumps(
        {
            "pagination": {
                "page": asked.page,
                "limit": limit,
                "total_rows": total,
                "total_pages": pages,
                "has_next": asked.page < pages,
                "has_previous": asked.page > 1,
            },
            "columns": planned.columns,
            "table": path.table,
            "workspace": path.workspace,
            "database": path.database,
        }
    )
    return b'{"data":[%b],%b' % (b",".join(found.items), rest[1:])


def _csv(page: _Page) -> bytes:
    any_json = _any_json(page.planned.target.table)
    lines = [sheet.flat_row(row.decode(), any_json) for row in page.found.items]
    return sheet.csv_lines([sheet.header(page.planned.columns), *lines])


def _any_json(table: Table) -> frozenset[str]:
    return frozenset(one.api_name for one in table.fields if one.type == "json")


async def _everything(
    system: System, request: Request, path: Path, planned: _Planned
) -> AsyncGenerator[bytes, None]:
    """Every row as of one moment, a page at a time by key."""
    if system.long_reads.locked():
        raise TooManyDownloads()
    async with (
        system.long_reads,
        snapshot(system.urls.app, planned.workspace_id) as seen,
    ):
        allow(seen.catalog, request.who.user_id, Role.viewer)
        target = find(seen.catalog, path)
        now = replace(
            planned, target=target, query=query_of(planned.asked, target.table)
        )
        shown = record_json(target.rows, target.table, now.rendition)
        any_json = _any_json(target.table)
        lines = [sheet.header(now.columns)]
        async with aclosing(walk(seen, now.query, shown)) as pages:
            async for texts in pages:
                rows = [sheet.flat_row(text, any_json) for text in texts]
                yield sheet.csv_lines(lines + rows)
                lines = []
        if lines:
            yield sheet.csv_lines(lines)
