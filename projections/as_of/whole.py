"""Some records as whole rows with their links: as they are, or as of a position.

Set-based, for who goes through many events at once; `reading.py` shows single records
to clients.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from psycopg import sql

from domain.catalog import Table
from domain.errors import Busy
from domain.facts import Link, Row, in_order
from domain.ids import RecordId, WorkspaceId
from projections.arrays import text_array
from projections.as_of import links as past_links
from projections.as_of import rows as past_rows
from projections.as_of.catalogs import Ask
from projections.as_of.past import Past
from projections.as_of.shadows import RETYPES, retypes_of
from projections.records.rows import row_from, select_rows, with_links
from projections.target import WITHIN_STATEMENT, Target, live

TRIES = 5  # where the schema changes meanwhile
_OF_ROW = 8  # columns of `select_rows`


async def present_rows(
    ask: Ask, workspace_id: WorkspaceId, table: Table, record_ids: Sequence[str]
) -> Mapping[str, Row] | None:
    """Those that are there now; None where the table's schema is another one by now."""
    text = sql.SQL(
        "SELECT s.schema_seq, w.* FROM catalog.tables AS s LEFT JOIN ({}) AS w ON TRUE"
        " WHERE s.workspace_id = {}::uuid AND s.id = {}::uuid"
    ).format(
        _whole(live(workspace_id), table),
        sql.Literal(workspace_id),
        sql.Literal(table.id),
    )
    (rows,) = await ask([(text, [text_array(list(record_ids))])])
    if not rows or rows[0][0] != table.schema_seq:
        return None
    return _read(table, [row[1:] for row in rows if row[1] is not None])


async def rows_of_then(
    ask: Ask,
    workspace_id: WorkspaceId,
    position: int,
    table: Table,
    record_ids: Sequence[str],
) -> Mapping[str, Row]:
    """Those that were there right after a position; `table` is that of then.

    Raises Busy where the schema keeps changing.
    """
    for _ in range(TRIES):
        before, retyped = await ask([(_SEQ, [workspace_id]), (RETYPES, [workspace_id])])
        past = Past(
            workspace_id,
            position,
            table,
            live(workspace_id),
            WITHIN_STATEMENT,
            retypes_of(retyped),
            record_ids=tuple(record_ids),
        )
        rows, after = await ask(
            [
                (_of_then(past), [text_array(list(record_ids))]),
                (_SEQ, [workspace_id]),
            ]
        )
        if before == after:
            return _read(table, rows)
    raise Busy("The schema keeps changing; try again")


def _of_then(past: Past) -> sql.Composed:
    return past_rows.within(
        past, past_links.links_seen(past), _whole(past.into, past.table)
    )


def _whole(target: Target, table: Table) -> sql.Composed:
    """The rows of records by `%s::uuid[]`, each with what it is linked by: by the
    links' primary key, and by links (field_id, target_id)."""
    ends = [one for one in table.links if not one.is_reverse]
    others = [one for one in table.links if one.is_reverse]
    return sql.SQL(
        """
        SELECT w.*, (
            SELECT json_agg(json_build_array(e.key, e.back, e.far, e.there, e.here))
            FROM (
                SELECT l.field_id, FALSE, l.target_id, l.reverse_position, l.position
                FROM {links} AS l
                WHERE l.field_id = ANY ({own}::uuid[]) AND l.record_id = w.id
                  AND l.position IS NOT NULL
                UNION ALL
                SELECT l.field_id, TRUE, l.record_id, l.position, l.reverse_position
                FROM {links} AS l
                WHERE l.field_id = ANY ({other}::uuid[]) AND l.target_id = w.id
                  AND l.reverse_position IS NOT NULL
            ) AS e (key, back, far, there, here)
        )::text AS links
        FROM ({rows}) AS w (id, number, version, created_at, created_by, updated_at,
                            updated_by, kept)
        """
    ).format(
        links=target.links,
        own=sql.Literal(text_array([one.link_key for one in ends])),
        other=sql.Literal(text_array([one.link_key for one in others])),
        rows=select_rows(target, table),
    )


def _read(table: Table, rows: Iterable[Sequence[Any]]) -> Mapping[str, Row]:
    fields = {(one.link_key, one.is_reverse): one.id for one in table.links}
    found = {}
    for row in rows:
        links: dict[str, list[Link]] = {}
        for key, is_back, far, there, here in orjson.loads(row[_OF_ROW] or "[]"):
            link = Link(RecordId(far), there or 0, here)
            links.setdefault(fields[key, is_back], []).append(link)
        ordered = {name: in_order(each) for name, each in links.items()}
        one = with_links(row_from(table, row[:_OF_ROW]), ordered)
        found[str(one.id)] = one
    return found


_SEQ = b"SELECT catalog_seq FROM ledger.heads WHERE workspace_id = %s::uuid"
