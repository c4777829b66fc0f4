"""What surfaces ask: the catalogue, a record, a page of a list, as of a moment.

Whether the caller may is decided by the membership of now, as for every read; what is
shown is that of then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql

from domain.catalog import Catalog, Field, Table
from domain.errors import Busy, NotFound
from domain.ids import WorkspaceId, table_number_of
from projections.as_of import links as past_links
from projections.as_of import rows as past_rows
from projections.as_of.catalogs import PastCatalogs, last_event
from projections.as_of.orders import Orders, Sources, listed, plan
from projections.as_of.past import Past, Retypes
from projections.as_of.shadows import (
    KEPT,
    RETYPES,
    USED,
    Key,
    Shadow,
    Shadows,
    Unchanged,
    retypes_of,
)
from projections.changed import changed_since, is_written
from projections.gets import Got
from projections.lists import Listed, found_page
from projections.moments import find, found, read_moment
from projections.query import Page, Query
from projections.reader import Anybody, Caller, Reader, Rows, Statement
from projections.records.output import Rendition, record_json
from projections.target import WITHIN_STATEMENT, Target, kept_shadow, live

TRIES = 5  # where the schema changes meanwhile


@dataclass(frozen=True, slots=True)
class Then:
    """A workspace at a position.  `now_seq`: the catalogue of now that `retypes`, which
    has those to come too, was read under."""

    workspace_id: WorkspaceId
    position: int
    catalog: Catalog
    retypes: Retypes
    now_seq: int

    def table_of(self, record_id: str) -> Table:
        """The live table that a record is of.  Raises NotFound."""
        table = self.catalog.table_by_number.get(table_number_of(record_id) or 0)
        if table is None or table.deleted:
            raise NotFound("Record not found")
        return table


class AsOf:
    """Reads of the past; one a process."""

    def __init__(self, reader: Reader, url: str) -> None:
        self._reader = reader
        self._catalogs = PastCatalogs()
        self._sources = Sources()
        self._orders = Orders()
        self.shadows = Shadows(url)

    async def at(
        self,
        caller: Caller | Anybody,
        workspace_id: WorkspaceId,
        text: str,
        *,
        min_position: int | None = None,
    ) -> Then:
        """The workspace as of what a client calls a moment.

        Raises Invalid for what is none, Malformed where it is ahead of the head, and
        what `Reader.ask` raises.
        """
        moment = read_moment(text, "as_of")

        async def ask(
            statements: Sequence[Statement], least: int | None = None
        ) -> tuple[Sequence[Rows], Catalog]:
            answer = await self._reader.ask(
                caller, workspace_id, lambda _: statements, min_position=least
            )
            return answer.results, answer.catalog

        statements = [find(workspace_id, moment), (RETYPES, [workspace_id])]
        if moment.position is not None:
            statements.append(last_event(workspace_id, moment.position))
        (place, retyped, *last), now = await ask(statements, min_position)
        position = found(moment, place)
        if not last:
            last, _ = await ask([last_event(workspace_id, position)])  # type: ignore[assignment]
        seq = last[0][0][0] if last[0] else 0
        if seq == now.seq:
            catalog = now
        else:

            async def more(statements: Sequence[Statement]) -> Sequence[Rows]:
                return (await ask(statements))[0]

            catalog = await self._catalogs.at(workspace_id, seq, more)
        return Then(workspace_id, position, catalog, retypes_of(retyped), now.seq)

    async def record(
        self,
        caller: Caller | Anybody,
        then: Then,
        record_id: str,
        rendition: Rendition = Rendition.RECORD,
        fields: Sequence[Field] | None = None,
    ) -> Got:
        """A record as it was.  Raises NotFound where it was not there."""
        for _ in range(TRIES):
            statements: list[Statement] = [
                (_record(then, record_id, rendition, fields), []),
                (_SEQ, [then.workspace_id]),
            ]
            answer = await self._reader.ask(
                caller, then.workspace_id, partial(_always, statements)
            )
            record, after = answer.results
            if not answer.catalog.seq == then.now_seq == after[0][0]:
                then = await self.at(caller, then.workspace_id, str(then.position))
                continue
            if not record:
                raise NotFound("Record not found")
            return Got(record[0][1], record[0][2].encode())
        raise Busy("The schema keeps changing; try again")

    async def page(
        self,
        caller: Caller | Anybody,
        then: Then,
        spelling: tuple[str | None, ...],
        query: Query,
        page: Page,
        rendition: Rendition = Rendition.RECORD,
    ) -> Listed:
        """One page of a list as it was; the page of `query` is not looked at.

        `query` was read against the table of then; `spelling` tells it from others.
        """
        asked = (then.workspace_id, str(query.table.id), then.position, spelling)
        order = self._orders.of(asked)
        results = await self.rows(
            caller, then, query.table, partial(plan, query, page, order, rendition)
        )
        if order is not None and order.ids is not None:
            return listed(order.ids, page, results[0], then.position)
        self._orders.learn(asked, order, results)
        return Listed(*found_page(results[0]), then.position)

    async def rows(
        self,
        caller: Caller | Anybody,
        then: Then,
        table: Table,
        plan: Callable[[Target], Sequence[Statement]],
    ) -> Sequence[Rows]:
        """What statements find in a table as it was: in a shadow, or in the live table
        where nothing happened to it since."""
        key = (then.workspace_id, str(table.id), then.position)
        for _ in range(TRIES):
            source = self._sources.get(key) or Unchanged(then.position)
            if isinstance(source, Shadow):
                results = await self._of_shadow(caller, key, source, plan)
            else:
                results = await self._of_live(caller, key, table, source.upto, plan)
            if results is not None:
                return results
            self._sources.put(key, await self.shadows.of(key[0], table, key[2]))
        raise Busy("The past is dropped faster than it is read; try again")

    async def _of_shadow(
        self,
        caller: Caller | Anybody,
        key: Key,
        shadow: Shadow,
        plan: Callable[[Target], Sequence[Statement]],
    ) -> Sequence[Rows] | None:
        """None where it was dropped meanwhile."""
        asked = list(plan(kept_shadow(shadow.name)))
        statements = [*asked, (KEPT, [shadow.name])]
        if self._sources.is_long_unsaid(key):
            statements.append((USED, [shadow.name]))
        try:
            answer = await self._reader.ask(
                caller, key[0], partial(_always, statements)
            )
        except psycopg.errors.UndefinedTable:
            return None
        if not answer.results[len(asked)]:
            return None
        return answer.results[: len(asked)]

    async def _of_live(
        self,
        caller: Caller | Anybody,
        key: Key,
        table: Table,
        upto: int,
        plan: Callable[[Target], Sequence[Statement]],
    ) -> Sequence[Rows] | None:
        """None where the table is not any more as it was.

        The question comes last: where nothing was written until then, the rows before
        it are those of then.
        """
        statements = [
            *plan(live(key[0])),
            changed_since(key[0], table, upto),
            (RETYPES, [key[0]]),
        ]
        answer = await self._reader.ask(caller, key[0], partial(_always, statements))
        *results, written, retyped = answer.results
        if is_written(written) or retypes_of(retyped).after(key[2], None):
            return None
        self._sources.put(key, Unchanged(max(upto, answer.position)))
        return results


def _always(statements: Sequence[Statement], _: Catalog) -> Sequence[Statement]:
    return statements


def _record(
    then: Then, record_id: str, rendition: Rendition, fields: Sequence[Field] | None
) -> sql.Composed:
    table, into = then.table_of(record_id), WITHIN_STATEMENT
    past = Past(
        then.workspace_id,
        then.position,
        table,
        live(then.workspace_id),
        into,
        then.retypes,
        record_ids=(record_id,),
    )
    shown = sql.SQL("SELECT t.id, t.version, {json} FROM {rows} AS t").format(
        json=record_json(into, table, rendition, fields), rows=into.rows
    )
    return past_rows.within(past, past_links.links(past), shown)


_SEQ = b"SELECT catalog_seq FROM ledger.heads WHERE workspace_id = %s::uuid"
