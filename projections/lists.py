"""Pages of lists.  A list that is asked for again keeps its order while nobody writes.

    asked for the first time      the page and the count, by the query itself
    again, nothing written since  the same, and the ids of the whole list are kept
    after that                    the page by its ids
    that page again               as it was shown

An order is never trusted by itself, for other processes write too.  With the page goes
the question whether an event since the order's position is about the table, which the
ids of records tell.  The statements of a pipeline are answered one after the other:
the head first, then the rows, the question last.  Where its answer is no, the order,
the rows and the total are of one state; so is a page that was shown by that order.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sys import getsizeof
from typing import Any

from psycopg import sql

from domain.catalog import Catalog, Field, Table
from domain.ids import TableId, WorkspaceId
from projections.indexes import Index, helpful
from projections.kept import Kept
from projections.of_table import holds_number, number_of
from projections.query import Page, Query
from projections.reader import Caller, Found, Reader, Rows, Statement
from projections.records.output import by_ids, record_json
from projections.sql import order_by, page_with_total, where
from projections.target import Target, live
from projections.trigrams import Trigrams, statistics

MOST_IDS = 200_000  # of one list that is kept
MOST_BYTES = 64 * 2**20  # of all orders that are kept
MOST_PAGE_BYTES = 32 * 2**20  # of all pages that are
LOOK_BACK = 5_000  # events that are looked through for one about the table
_ENTRY_BYTES = 500  # of a list of which no ids are kept


@dataclass(frozen=True, slots=True)
class Asked:
    """What makes two lists the same one, pages aside: the table, and the filter, the
    sort and the fields as they were spelled."""

    workspace_id: WorkspaceId
    table_id: str
    spelling: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A page: its records' JSON in order, and how many match in all."""

    items: Sequence[bytes]
    total: int
    position: int


@dataclass(slots=True)
class _Known:
    """A list as it was at a position, under one catalogue.

    `calm` says that it was asked for twice and nothing was written in between; `ids`
    are all its records' in order, 16 bytes each; `long`, that these are too many.
    """

    catalog_seq: int
    position: int
    fields: tuple[Field, ...] | None = None
    calm: bool = False
    ids: bytes | None = None
    long: bool = False

    @property
    def size(self) -> int:
        return _ENTRY_BYTES + len(self.ids or b"")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A page as it was shown by an order, good for as long as that one is."""

    order: _Known
    items: Sequence[bytes]

    @property
    def size(self) -> int:
        return _ENTRY_BYTES + sum(map(getsizeof, self.items))


class Lists:
    """Reads pages, and knows the lists that were asked for lately.

    `timed` hears how long a query took that no kept order served, and which indexes it
    could have used.
    """

    def __init__(
        self,
        reader: Reader,
        timed: Callable[[float, Sequence[Index]], None] = lambda seconds, indexes: None,
    ) -> None:
        self._reader = reader
        self._timed = timed
        self._known: Kept[Asked, _Known] = Kept(MOST_BYTES)
        self._shown: Kept[tuple[Asked, Page, bool], _Shown] = Kept(MOST_PAGE_BYTES)
        self._trigrams = Trigrams()

    async def page(
        self,
        caller: Caller,
        asked: Asked,
        query: Callable[[Catalog], Query],
        page: Page,
        *,
        by_id: bool = False,
        min_position: int | None = None,
    ) -> Listed:
        """One page.  `query` reads what was asked; its own page is not looked at.

        Raises what `Reader.ask` and `query` raise.
        """
        trying: _Known | None = None
        planned: Query | None = None
        shown: Sequence[bytes] | None = None
        unknown: Sequence[str] = ()  # indexes

        def by_order(catalog: Catalog) -> Sequence[Statement]:
            nonlocal trying, planned, shown, unknown
            trying = self._of(asked, catalog)
            table = catalog.live_table(TableId(asked.table_id))
            shown = None
            if trying is None or trying.ids is None:
                planned = query(catalog)
                unknown = self._trigrams.unknown(asked.workspace_id, planned)
                statements = self._by_query(asked, planned, page, trying, by_id)
                if unknown:
                    statements.append(statistics(asked.workspace_id, unknown))
                return statements
            planned = None
            kept = self._shown.get((asked, page, by_id))
            if kept is not None and kept.order is trying:
                shown = kept.items
                return [written_since(asked.workspace_id, table, trying.position)]
            return [
                (
                    by_ids(
                        live(asked.workspace_id),
                        table,
                        by_id=by_id,
                        fields=trying.fields,
                    ),
                    [ids_literal(slice_of(trying.ids, page))],
                ),
                written_since(asked.workspace_id, table, trying.position),
            ]

        while True:
            began = time.perf_counter()
            found = await self._reader.ask(
                caller, asked.workspace_id, by_order, min_position=min_position
            )
            if planned is not None:
                self._timed(
                    time.perf_counter() - began, helpful(asked.workspace_id, planned)
                )
                results = found.results
                if unknown:
                    *results, told = found.results
                    self._trigrams.learn(unknown, told)
                return self._take(asked, found, results, trying, planned)
            assert trying is not None
            assert trying.ids is not None
            *rows, written = found.results
            if is_written(written):
                self._known.put(asked, _Known(trying.catalog_seq, found.position))
                continue
            trying.position = max(trying.position, found.position)
            if shown is None:
                shown = in_order(slice_of(trying.ids, page), rows[0])
                self._shown.put((asked, page, by_id), _Shown(trying, shown))
            return Listed(shown, len(trying.ids) // 16, found.position)

    async def of_some_fields(
        self,
        caller: Caller,
        workspace_id: WorkspaceId,
        query: Callable[[Catalog], Query],
        page: Page,
        *,
        by_id: bool = False,
        min_position: int | None = None,
    ) -> Listed:
        """A page that shows the query's fields alone: nothing is kept of it."""
        found = await self._reader.ask(
            caller,
            workspace_id,
            lambda catalog: [
                by_query(live(workspace_id), query(catalog), page, by_id=by_id)
            ],
            min_position=min_position,
        )
        return Listed(*found_page(found.results[0]), found.position)

    def _by_query(
        self,
        asked: Asked,
        query: Query,
        page: Page,
        known: _Known | None,
        by_id: bool,
    ) -> list[Statement]:
        """The page with its total; what else is worth knowing follows."""
        query = self._trigrams.narrowed(asked.workspace_id, query)
        statements = [by_query(live(asked.workspace_id), query, page, by_id=by_id)]
        if known is None or known.long:
            return statements
        if known.calm:
            statements.append(all_ids(live(asked.workspace_id), query))
        else:
            statements.append(
                written_since(asked.workspace_id, query.table, known.position)
            )
        return statements

    def _take(
        self,
        asked: Asked,
        found: Found,
        results: Sequence[Rows],
        known: _Known | None,
        query: Query,
    ) -> Listed:
        """The page that a query found, and what is known of its list from now on."""
        rows, *more = results
        now = _Known(found.catalog.seq, found.position)
        if query.fields != query.table.fields:
            now.fields = query.fields
        if known is not None and known.long:
            now.long = True
        elif known is not None and known.calm:
            ids, number = more[0][0]
            now.long = number > MOST_IDS
            now.ids = None if now.long else bytes(ids or b"")
        elif known is not None:
            now.calm = not is_written(more[0])
        self._known.put(asked, now)
        return Listed(*found_page(rows), found.position)

    def _of(self, asked: Asked, catalog: Catalog) -> _Known | None:
        known = self._known.get(asked)
        if known is None or known.catalog_seq != catalog.seq:
            return None
        return known


def by_query(
    target: Target, query: Query, page: Page, *, by_id: bool = False
) -> Statement:
    """The JSON of the records on a page, each with how many match: `found_page`."""
    chosen = None if query.fields is query.table.fields else query.fields
    shown = record_json(target, query.table, by_id=by_id, fields=chosen)
    clause = page_with_total(query, target, page, shown)
    return clause.text, clause.values


def found_page(rows: Sequence[Sequence[Any]]) -> tuple[list[bytes], int]:
    """The records' JSON and the total, of what `by_query` found."""
    return [row[1].encode() for row in rows if row[1] is not None], rows[0][0]


def all_ids(target: Target, query: Query) -> Statement:
    """The ids of a whole list, in order, and how many they are."""
    condition, order = where(query, target), order_by(query)
    ids = sql.SQL(
        "SELECT string_agg(uuid_send(id), ''::bytea), count(*)"
        " FROM (SELECT t.id FROM {table} AS t WHERE {where}"
        " ORDER BY {order} LIMIT %s::bigint) AS t"
    ).format(
        table=target.of_records(query.table.id),
        where=condition.text,
        order=order.text,
    )
    return ids, [*condition.values, *order.values, MOST_IDS + 1]


def slice_of(ids: bytes, page: Page) -> bytes:
    return ids[16 * page.offset : 16 * (page.offset + page.limit)]


def ids_literal(ids: bytes) -> str:
    """An array of uuids; Postgres reads them without hyphens too."""
    text = ids.hex()
    return "{" + ",".join(text[at : at + 32] for at in range(0, len(text), 32)) + "}"


def in_order(ids: bytes, rows: Sequence[Sequence[str]]) -> list[bytes]:
    found = {row[0].replace("-", ""): row[2] for row in rows}
    text = ids.hex()
    each = (text[at : at + 32] for at in range(0, len(text), 32))
    return [found[one].encode() for one in each if one in found]


def written_since(workspace_id: WorkspaceId, table: Table, position: int) -> Statement:
    """Whether an event after `position` is of a record of the table; also true where
    there are too many events to look through."""
    return _WRITTEN, {
        **number_of(table),
        "most": LOOK_BACK,
        "workspace_id": workspace_id,
        "position": position,
    }


def is_written(rows: Sequence[Sequence[Any]]) -> bool:
    return bool(rows[0][0])


_WRITTEN = (
    sql.SQL("""
    SELECT count(*) FILTER (WHERE {about_table}) > 0 OR count(*) > %(most)s::bigint
    FROM (
        SELECT uuid_send(stream_id) AS id FROM ledger.events
        WHERE workspace_id = %(workspace_id)s::uuid AND seq > %(position)s::bigint
        ORDER BY seq LIMIT %(most)s::bigint + 1
    ) AS later
    """)
    .format(about_table=holds_number(sql.SQL("id")))
    .as_bytes()
)
