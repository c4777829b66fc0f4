"""Which events are undone: a row a run of positions that some undo covers.

A row holds while its undo is not undone itself.  An undo that covers another one ends
what that one held, and where that was an undo of an undo, the first holds again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from domain.events import Recorded
from domain.history import HistoryUndone
from projections.arrays import text_array
from projections.target import Target


def apply(connection: psycopg.Connection, target: Target, recorded: Recorded) -> None:
    event = recorded.event
    if not isinstance(event, HistoryUndone):
        raise LookupError(f"no event of history: {event.TYPE}")
    values: Mapping[str, Any] = {
        "workspace_id": recorded.workspace_id,
        "by_seq": recorded.seq,
        "firsts": text_array([first for first, _ in event.positions] or [0]),
        "lasts": text_array([last for _, last in event.positions] or [-1]),
    }
    connection.execute(_TURN.format(target.of_catalog("undone")), values)
    connection.execute(_INSERT.format(target.of_catalog("undone")), values)


# an undo without a whole event is one too: a run of nothing tells that it is
_INSERT = sql.SQL(
    "INSERT INTO {} (workspace_id, by_seq, first_seq, last_seq, holds)"
    " SELECT %(workspace_id)s::uuid, %(by_seq)s, first, last, true"
    " FROM unnest(%(firsts)s::bigint[], %(lasts)s::bigint[]) AS n (first, last)"
)
# the undos that are covered, those that they cover, and so on down: each is turned, but
# for those that are covered themselves
_TURN = sql.SQL(
    """
    WITH RECURSIVE covered (by_seq) AS (
        SELECT DISTINCT u.by_seq
        FROM {0} AS u
        JOIN unnest(%(firsts)s::bigint[], %(lasts)s::bigint[]) AS n (first, last)
          ON u.by_seq BETWEEN n.first AND n.last
        WHERE u.workspace_id = %(workspace_id)s::uuid
    ), turned (by_seq, holds) AS (
        SELECT by_seq, false FROM covered
        UNION
        SELECT below.by_seq, NOT t.holds
        FROM turned AS t
        JOIN {0} AS above
          ON above.workspace_id = %(workspace_id)s::uuid AND above.by_seq = t.by_seq
        JOIN {0} AS below
          ON below.workspace_id = %(workspace_id)s::uuid
         AND below.by_seq BETWEEN above.first_seq AND above.last_seq
        WHERE below.by_seq NOT IN (SELECT by_seq FROM covered)
    )
    UPDATE {0} AS u SET holds = t.holds
    FROM turned AS t
    WHERE u.workspace_id = %(workspace_id)s::uuid AND u.by_seq = t.by_seq
    """
)


def covers(rows: Sequence[Sequence[Any]]) -> set[int]:
    """The positions among the rows of `HOLDING`."""
    found: set[int] = set()
    for first, last in rows:
        found.update(range(first, last + 1))
    return found


# by undone_by_seq
HOLDING = b"""
    SELECT greatest(first_seq, %s::bigint), last_seq, by_seq FROM catalog.undone
    WHERE workspace_id = %s::uuid AND last_seq >= %s::bigint AND holds
"""
# (first and last position of its batch, the first one that it covers) of each undo from
# a position on; by batches_by_seq
UNDOS = b"""
    SELECT u.by_seq, b.last_seq, u.covers
    FROM (
        SELECT by_seq, min(first_seq) AS covers FROM catalog.undone
        WHERE workspace_id = %s::uuid AND by_seq >= %s::bigint GROUP BY by_seq
    ) AS u
    CROSS JOIN LATERAL (
        SELECT last_seq FROM ledger.batches
        WHERE workspace_id = %s::uuid AND last_seq >= u.by_seq
          AND first_seq <= u.by_seq AND last_seq >= first_seq
        ORDER BY last_seq LIMIT 1
    ) AS b
    ORDER BY u.by_seq
"""
