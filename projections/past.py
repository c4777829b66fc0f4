"""What an undo looks at: batches, their events, and what came after them.

The statements are sent through `projections.reader`; each is served by a primary key or
by events' unique (workspace_id, stream_id, version).
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, TypeAlias

import orjson

from domain.events import EVENTS, Event, decode
from domain.ids import WorkspaceId
from domain.undo import Past
from projections.arrays import text_array
from projections.reader import Statement

# an undo: the first and the last position of its batch, the first one that it covers
Undo: TypeAlias = tuple[int, int, int]


# (workspace, first, last) of a batch
BATCH = b"""
    SELECT workspace_id, first_seq, last_seq FROM ledger.batches
    WHERE workspace_id = ANY (%s::uuid[]) AND batch_id = %s::uuid
"""

# the batches of a range, all or those of one user or key, oldest first
_BATCHES = b"""
    SELECT first_seq, last_seq FROM ledger.batches
    WHERE workspace_id = %s::uuid AND last_seq >= %s::bigint AND first_seq <= %s::bigint
      AND last_seq >= first_seq
      AND (%s::uuid IS NULL OR actor = %s::uuid OR session_id = %s::uuid)
    ORDER BY last_seq LIMIT %s
"""

# Of a workspace that the statistics do not know yet the planner expects one event, and
# takes any index that begins with the workspace: the whole ledger is read for each row.
# So what is looked up is ordered, and no plan may sort, but where nothing else is left.
BY_INDEX: Statement = (
    b"SELECT set_config('enable_sort', 'off', true),"
    b" set_config('enable_bitmapscan', 'off', true),"
    b" set_config('enable_seqscan', 'off', true)",
    [],
)

_EVENTS = b"""
    SELECT e.id, e.seq, e.stream_id, e.version, e.type, e.schema,
           convert_from(e.data, 'UTF8'), ledger.rfc3339(e.recorded_at)
    FROM unnest(%s::bigint[], %s::bigint[]) AS n (low, high)
    CROSS JOIN LATERAL (
        SELECT * FROM ledger.events
        WHERE workspace_id = %s::uuid AND seq BETWEEN n.low AND n.high
        ORDER BY seq DESC
    ) AS e
    ORDER BY e.seq DESC
"""

# the streams of what came after a position, up to another one
_MOVED_ON = b"""
    SELECT DISTINCT stream_id FROM (
        SELECT stream_id FROM ledger.events
        WHERE workspace_id = %s::uuid AND seq > %s::bigint AND seq <= %s::bigint
        ORDER BY seq
    ) AS later
"""

# what came to streams behind a version, up to a position
_LATER = b"""
    SELECT e.id, e.seq, e.stream_id, e.version, e.type, e.schema,
           convert_from(e.data, 'UTF8'), ledger.rfc3339(e.recorded_at)
    FROM unnest(%s::uuid[], %s::int[]) AS n (stream, version)
    CROSS JOIN LATERAL (
        SELECT * FROM ledger.events
        WHERE workspace_id = %s::uuid AND stream_id = n.stream
          AND version > n.version AND seq <= %s::bigint
        ORDER BY version
    ) AS e
    ORDER BY e.seq
"""

# the newest batch of a user that has an event which could go back and has not
_LATEST = b"""
    SELECT b.first_seq, b.last_seq FROM ledger.batches AS b
    WHERE b.workspace_id = %s::uuid AND b.actor = %s::uuid AND b.actor_kind = 'user'
      AND b.last_seq >= b.first_seq
      AND NOT EXISTS (
        SELECT FROM catalog.undone AS u
        WHERE u.workspace_id = b.workspace_id AND u.by_seq = b.first_seq)
      AND EXISTS (
        SELECT FROM ledger.events AS e
        WHERE e.workspace_id = b.workspace_id
          AND e.seq BETWEEN b.first_seq AND b.last_seq AND e.type <> ALL (%s::text[])
          AND NOT EXISTS (
            SELECT FROM catalog.undone AS u
            WHERE u.workspace_id = e.workspace_id AND u.last_seq >= e.seq
              AND u.first_seq <= e.seq AND u.holds))
    ORDER BY b.last_seq DESC LIMIT 1
"""


def batches(
    workspace_id: WorkspaceId, first: int, last: int, actor: str | None, most: int
) -> Statement:
    return _BATCHES, [workspace_id, first, last, actor, actor, actor, most]


def latest(workspace_id: WorkspaceId, user_id: str) -> Statement:
    fixed = [name for name, one in EVENTS.items() if hasattr(one, "FOLLOWS")]
    return _LATEST, [workspace_id, user_id, text_array(fixed)]


def events(
    workspace_id: WorkspaceId, stretches: Sequence[tuple[int, int]]
) -> Statement:
    """Newest first; behind BY_INDEX."""
    lows = text_array([low for low, _ in stretches])
    highs = text_array([high for _, high in stretches])
    return _EVENTS, [lows, highs, workspace_id]


def moved_on(workspace_id: WorkspaceId, after: int, upto: int) -> Statement:
    """Behind BY_INDEX."""
    return _MOVED_ON, [workspace_id, after, upto]


def later(
    workspace_id: WorkspaceId, streams: Sequence[tuple[str, int]], upto: int
) -> Statement:
    """Oldest first; behind BY_INDEX."""
    names = text_array([stream for stream, _ in streams])
    versions = text_array([version for _, version in streams])
    return _LATER, [names, versions, workspace_id, upto]


def past(row: Sequence[Any], batch: tuple[int, int]) -> Past:
    """An event of `events`, which is to go back."""
    event = _event(row)
    return Past(row[0], row[1], row[3], row[7], event, batch, event.inverse())


def since(row: Sequence[Any], undos: Sequence[Undo] = ()) -> Past:
    """An event of `later`; `undos` by position."""
    place = bisect_right(undos, row[1], key=lambda one: one[0]) - 1
    undo = undos[place] if place >= 0 and row[1] <= undos[place][1] else None
    covers = None if undo is None else undo[2]
    return Past(row[0], row[1], row[3], row[7], _event(row), covers=covers)


def _event(row: Sequence[Any]) -> Event:
    _, _, stream, _, type_, schema, data, _ = row[:8]
    return decode(type_, schema, stream, orjson.loads(data))
