"""Pages of lists.  A list that is asked for again keeps its order.

    asked for the first time        the page and the count, by the query itself
    again, little written since     the same, and its order is kept from the next on
    after that                      the page by its order, with what changed since
    that page again                 as it was shown, but for what changed

An order is never trusted by itself, for other processes write too: with each page goes
the question what changed since (`projections/order.py`).  Where that is too much, the
list is asked for anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from domain.catalog import Catalog
from domain.ids import WorkspaceId
from projections.changed import changed_since
from projections.indexes import Index, helpful
from projections.kept import Kept
from projections.order import Order, Outdated, is_followed, most_ids, whole
from projections.query import Page, Query
from projections.reader import Found, Plan, Statement
from projections.records.output import Rendition, record_json
from projections.sql import page_with_total
from projections.target import Target, live
from projections.trigrams import Trigrams, statistics

MOST_BYTES = 48 * 2**20  # of all orders, with the records that they keep as shown
GOOD_FOR = 300.0  # seconds; what is mended without an event is seen after that
TRIES = 5  # that a page's records move while it is read
_ENTRY_BYTES = 500  # of a list of which no order is kept


@dataclass(frozen=True, slots=True)
class Asked:
    """What makes two lists the same one, pages aside: the table, and the filter, the
    sort and the fields as they were spelled."""

    workspace_id: WorkspaceId
    table_id: str
    spelling: tuple[str | None, ...]

    @property
    def size(self) -> int:
        """About how many bytes it takes, with what is read of it."""
        return 4 * sum(len(one or "") for one in self.spelling)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page: its records' JSON in order, and how many match in all."""

    items: Sequence[bytes]
    total: int
    position: int


@dataclass(slots=True)
class _Known:
    """A list that was asked for, as of a position, under one catalogue.

    `calm`: it was asked for twice, and what was written in between is what its order is
    brought up to date for; `pending`: somebody is asking for that order; `goes_on`: not
    where an order of it could not be brought up to date for anything at all.
    """

    catalog_seq: int
    position: int
    calm: bool = False
    pending: bool = False
    goes_on: bool = True

    @property
    def size(self) -> int:
        return _ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page of a list, as a catalogue says what it is.  `query` reads what was asked,
    where that is necessary; its own page is not looked at."""

    asked: Asked
    query: Callable[[], Query]
    page: Page
    rendition: Rendition = Rendition.RECORD


class _Question:
    """One page that is asked for, until it is answered; `plan` is what it asks.

    `known`: what is known of its list as it is asked; `since`: where its order stood
    then, if that serves it; `query`: else; `whole`: where the order is asked for with
    it; `tries`: by orders.
    """

    def __init__(
        self,
        want: Callable[[Catalog], Wanted],
        known: Callable[[Asked, Catalog], _Known | Order | None],
        trigrams: Trigrams,
    ) -> None:
        self._want, self._look_up, self._trigrams = want, known, trigrams
        self.known: _Known | Order | None = None
        self.since = 0
        self.query: Query | None = None
        self.whole = False
        self.unknown: Sequence[str] = ()  # indexes whose statistics are asked for
        self.tries = 0

    def plan(self, catalog: Catalog) -> Sequence[Statement]:
        self.let_go()
        self.wanted = wanted = self._want(catalog)
        self.query, self.known, self.unknown = None, None, ()
        if self.tries < TRIES:
            self.known = self._look_up(wanted.asked, catalog)
        if isinstance(self.known, Order):
            self.since = self.known.position
            return self.known.statements(wanted.page, wanted.rendition)
        self.query = wanted.query()
        return self._by_query(catalog.id, self.query, self.known)

    def _by_query(
        self, workspace_id: WorkspaceId, query: Query, known: _Known | None
    ) -> Sequence[Statement]:
        wanted, target = self.wanted, live(workspace_id)
        self.unknown = self._trigrams.unknown(workspace_id, query)
        narrowed = self._trigrams.narrowed(workspace_id, query)
        statements = [by_query(target, narrowed, wanted.page, wanted.rendition)]
        if known is not None and not known.pending:
            self.whole = known.pending = known.calm
            statements.append(
                whole(target, narrowed)
                if known.calm
                else changed_since(workspace_id, query.table, known.position)
            )
        if self.unknown:
            statements.append(statistics(workspace_id, self.unknown))
        return statements

    def let_go(self) -> None:
        """Somebody else may ask for the order."""
        if self.whole and isinstance(self.known, _Known):
            self.known.pending = False
        self.whole = False


class Lists:
    """Reads pages, and knows the lists that were asked for lately.

    `timed` hears how long a query took that no kept order served, and which indexes it
    could have used.
    """

    def __init__(
        self,
        timed: Callable[[float, Sequence[Index]], None] = lambda seconds, indexes: None,
    ) -> None:
        self._timed = timed
        self._known: Kept[Asked, _Known | Order] = Kept(MOST_BYTES)
        self._trigrams = Trigrams()

    async def page(
        self,
        ask: Callable[[Plan], Awaitable[Found]],
        want: Callable[[Catalog], Wanted],
    ) -> Listed:
        """One page, by what asks for it and what is asked.  Raises what these raise."""
        question = _Question(want, self._look_up, self._trigrams)
        try:
            while True:
                began = time.perf_counter()
                found = await ask(question.plan)
                if question.query is not None:
                    taken = time.perf_counter() - began
                    self._timed(taken, helpful(found.catalog.id, question.query))
                    return await self._by_query(question, question.query, found)
                listed = self._by_order(question, found)
                if listed is not None:
                    return listed
        finally:
            question.let_go()

    async def of_some_fields(
        self,
        ask: Callable[[Plan], Awaitable[Found]],
        query: Callable[[Catalog], Query],
        page: Page,
        rendition: Rendition,
    ) -> Listed:
        """A page that shows the query's fields alone: nothing is kept of it."""
        found = await ask(
            lambda catalog: [
                by_query(live(catalog.id), query(catalog), page, rendition)
            ]
        )
        return Listed(*found_page(found.results[0]), found.position)

    def _look_up(self, asked: Asked, catalog: Catalog) -> _Known | Order | None:
        """What is known of a list under that schema."""
        known = self._known.get(asked)
        if known is None or known.catalog_seq != catalog.seq:
            return None
        if isinstance(known, Order) and known.until < time.monotonic():
            known = _Known(known.catalog_seq, known.position, calm=True)
            self._known.put(asked, known, asked.size)
        return known

    async def _by_query(
        self, question: _Question, query: Query, found: Found
    ) -> Listed:
        """The page that a query found; learns what it found of its list."""
        rows, *more = found.results
        items, total = found_page(rows)
        if question.unknown:
            self._trigrams.learn(question.unknown, more.pop())
        known, seq = question.known, found.catalog.seq
        now: _Known | Order
        if question.whole and more[0][0][0] <= most_ids(query):
            # up to a fifth of a second for the longest, in which others go on
            now = await asyncio.to_thread(
                Order,
                found.catalog.id,
                query,
                seq,
                found.position,
                more[0][0],
                time.monotonic() + GOOD_FOR,
            )
        else:
            now = _Known(seq, found.position)
            if isinstance(known, _Known) and more and not question.whole:
                events, changed = more[0][0]
                now.goes_on = known.goes_on
                now.calm = (
                    total <= most_ids(query)
                    and is_followed(events, changed, total)
                    and (now.goes_on or not changed)
                )
        if more or known is None:
            self._learn(question, now)
        return Listed(items, total, found.position)

    def _by_order(self, question: _Question, found: Found) -> Listed | None:
        """The page by a kept order; None where it has to be asked for again."""
        order, wanted, items = question.known, question.wanted, None
        assert isinstance(order, Order)
        question.tries += 1
        try:
            items = order.take(
                wanted.page, wanted.rendition, question.since, found.results
            )
        except Outdated:
            question.tries = TRIES
        kept: _Known | Order = order  # the order too: it has another size now
        if items is None and question.tries == TRIES:
            seq, position = order.catalog_seq, found.position
            kept = _Known(seq, position, goes_on=order.goes_on)
        self._learn(question, kept)
        return None if items is None else Listed(items, len(order), found.position)

    def _learn(self, question: _Question, now: _Known | Order) -> None:
        """Keeps it, unless somebody has found as much of it meanwhile."""
        asked = question.wanted.asked
        present = self._known.get(asked)
        if (
            present is None
            or present is question.known
            or present.catalog_seq < now.catalog_seq
            or (isinstance(now, Order) and not isinstance(present, Order))
        ):
            self._known.put(asked, now, asked.size)


def by_query(
    target: Target, query: Query, page: Page, rendition: Rendition = Rendition.RECORD
) -> Statement:
    """The JSON of the records on a page, each with how many match: `found_page`."""
    shown = record_json(target, query.table, rendition, query.chosen)
    clause = page_with_total(query, target, page, shown)
    return clause.text, clause.values


def found_page(rows: Sequence[Sequence[Any]]) -> tuple[list[bytes], int]:
    """The records' JSON and the total, of what `by_query` found."""
    return [row[1].encode() for row in rows if row[1] is not None], rows[0][0]
