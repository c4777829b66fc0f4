"""What surfaces ask: the catalogue, a record, a page of a list, as of a moment.

Whether the caller may is decided by the membership of now, as for every read; what is
shown is that of then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg import sql

from domain.catalog import Catalog, Field, Table
from domain.errors import Busy, NotFound
from domain.ids import WorkspaceId, table_number_of
from projections.as_of import rows as past_rows
from projections.as_of.catalogs import PastCatalogs, last_event
from projections.as_of.rows import Past, Retypes
from projections.gets import Got
from projections.moments import find, found, read_moment
from projections.reader import Caller, Reader, Rows, Statement
from projections.records.output import record_json
from projections.target import WITHIN_STATEMENT, live

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

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._catalogs = PastCatalogs()

    async def at(
        self,
        caller: Caller,
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

        statements = [find(workspace_id, moment), (_RETYPES, [workspace_id])]
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
        caller: Caller,
        then: Then,
        record_id: str,
        *,
        by_id: bool = False,
        fields: Sequence[Field] | None = None,
    ) -> Got:
        """A record as it was.  Raises NotFound where it was not there."""
        for _ in range(TRIES):
            statements: list[Statement] = [
                (_record(then, record_id, by_id, fields), []),
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


def _always(statements: Sequence[Statement], _: Catalog) -> Sequence[Statement]:
    return statements


def retypes_of(rows: Sequence[Sequence[Any]]) -> Retypes:
    """From the rows of `RETYPES`."""
    by_field: dict[str, list[int]] = {}
    for seq, stream in rows:
        by_field.setdefault(str(stream), []).append(seq)
    return Retypes(by_field)


def _record(
    then: Then, record_id: str, by_id: bool, fields: Sequence[Field] | None
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
    return sql.SQL(
        "WITH {net} AS MATERIALIZED ({net_text}), {rows} AS MATERIALIZED ({rows_text}),"
        " {links} AS MATERIALIZED ({links_text})"
        " SELECT t.id, t.version, {json} FROM {rows} AS t"
    ).format(
        net=into.net,
        net_text=past_rows.net(past),
        rows=into.rows,
        rows_text=past_rows.rows(past),
        links=into.links,
        links_text=past_rows.links(past),
        json=record_json(into, table, by_id=by_id, fields=fields),
    )


_SEQ = b"SELECT catalog_seq FROM ledger.heads WHERE workspace_id = %s::uuid"
# by events_beside_records; the stream of a change of type is its field's
_RETYPES = b"""
    SELECT seq, stream_id FROM ledger.events
    WHERE workspace_id = %s::uuid AND left(type, 7) <> 'record.'
      AND type = 'field.retyped'
"""
