"""Reading a workspace's feed: what is wanted of it, its pages, one event, its chain.

`Wanted` is the same question twice: to the database, which leaves out what a page of
a long walk need not carry, and to an envelope, for whoever shares a page with others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from psycopg import sql

from domain.ids import WorkspaceId, uuid_text
from projections.log import ENVELOPES, Envelope
from projections.reader import Reader, see


@dataclass(frozen=True)
class Wanted:
    """Some types, such as `record.*` (of all where there are none), of one table."""

    types: tuple[str, ...] = ()
    table_id: str | None = None

    @property
    def everything(self) -> bool:
        return not self.types and self.table_id is None

    @cached_property
    def values(self) -> Mapping[str, str | None]:
        """The parameters of `PAGE` and `TAIL`."""
        return {"types": self._patterns(), "table_id": self.table_id}

    def _patterns(self) -> str | None:
        """LIKE patterns, in an array's literal."""
        if not self.types:
            return None
        patterns = [one.replace("_", r"\_").replace("*", "%") for one in self.types]
        quoted = ['"' + one.replace("\\", "\\\\") + '"' for one in patterns]
        return "{" + ",".join(quoted) + "}"

    @cached_property
    def _type(self) -> re.Pattern[str]:
        return re.compile(
            "|".join(re.escape(one).replace(r"\*", ".*") for one in self.types)
        )

    def matches(self, event: Envelope) -> bool:
        if self.types and not self._type.fullmatch(event.type):
            return False
        if self.table_id is None or event.stream == self.table_id:
            return True
        # most events are told apart without reading them
        if self.table_id.encode() not in event.data:
            return False
        return bool(orjson.loads(event.data).get("table_id") == self.table_id)


# what follows a position: at most `limit` events that match, of `look_at`, which end
# once they have `most_bytes` of data; always one, where there is one
TAIL = (
    ENVELOPES.format(
        window=sql.SQL(
            """
        (SELECT *, sum(octet_length(data)) OVER (ORDER BY seq) - octet_length(data)
                   AS bytes_before
         FROM (SELECT * FROM ledger.events
               WHERE workspace_id = %(workspace_id)s AND seq > %(after)s
               ORDER BY seq LIMIT %(look_at)s) AS looked_at
         WHERE (%(types)s::text[] IS NULL OR type LIKE ANY (%(types)s::text[]))
           AND (%(table_id)s::text IS NULL
                OR convert_from(data, 'UTF8')::json ->> 'table_id' = %(table_id)s::text
                OR stream_id = %(table_id)s::uuid)
         ORDER BY seq LIMIT %(limit)s)
        """
        )
    )
    + sql.SQL("WHERE e.bytes_before < %(most_bytes)s ORDER BY e.seq")
).as_bytes()


@dataclass(frozen=True, slots=True)
class Page:
    """What was found after a position; everything to `upto` was looked at."""

    events: Sequence[Envelope]
    upto: int


def page_of(
    rows: Sequence[Sequence[Any]], values: Mapping[str, Any], head: int
) -> Page:
    """A page of `TAIL`; `head` was read before it."""
    events = [Envelope(*row) for row in rows]
    filtered = values["types"] is not None or values["table_id"] is not None
    whole = (
        filtered
        and len(events) < values["limit"]
        and sum(len(one.data) for one in events) < values["most_bytes"]
    )
    last = events[-1].seq if events else values["after"]
    if not whole:
        return Page(events, last)
    return Page(events, max(last, min(values["after"] + values["look_at"], head)))


# ------------------------------------------------------------------ one event

AT = (
    ENVELOPES.format(
        window=sql.SQL(
            "(SELECT * FROM ledger.events"
            " WHERE workspace_id = %(workspace_id)s AND seq = %(seq)s)"
        )
    )
).as_bytes()

# Halving: by workspace, the first position whose event's id is `floor` or more, and
# that of `ceiling`.  The ids' milliseconds rise with the positions, so of two floors of
# milliseconds this is exact, with the primary key alone.
SPANS = b"""
    WITH RECURSIVE half AS (
        SELECT h.workspace_id, b.bound, 1::bigint AS low, h.seq + 1 AS high
        FROM ledger.heads AS h,
             (VALUES (%(floor)s::uuid), (%(ceiling)s::uuid)) AS b (bound)
        WHERE h.workspace_id = ANY (%(workspaces)s::uuid[])
          AND h.recorded_at >= to_timestamp(%(milliseconds)s / 1000.0)
        UNION ALL
        SELECT h.workspace_id, h.bound,
               CASE WHEN e.id < h.bound THEN e.seq + 1 ELSE h.low END,
               CASE WHEN e.id < h.bound THEN h.high ELSE e.seq END
        FROM half AS h
        CROSS JOIN LATERAL (
            SELECT id, seq FROM ledger.events
            WHERE workspace_id = h.workspace_id AND seq = (h.low + h.high) / 2
        ) AS e
        WHERE h.low < h.high
    )
    SELECT workspace_id, min(low), max(low) FROM half WHERE low = high
    GROUP BY workspace_id HAVING min(low) < max(low)
"""
# The position of an id within those of its millisecond.  A batch's ids count up, so the
# batch is known by its first and last, and the event is found in it by halving.
WITHIN = b"""
    WITH RECURSIVE half AS (
        SELECT b.first_seq AS low, b.last_seq AS high
        FROM ledger.batches AS b
        JOIN ledger.events AS f
          ON f.workspace_id = b.workspace_id AND f.seq = b.first_seq
        JOIN ledger.events AS l
          ON l.workspace_id = b.workspace_id AND l.seq = b.last_seq
        WHERE b.workspace_id = %(workspace_id)s::uuid
          AND b.last_seq >= %(low)s AND b.first_seq < %(high)s
          AND f.id <= %(id)s::uuid AND l.id >= %(id)s::uuid
        UNION ALL
        SELECT CASE WHEN e.id < %(id)s::uuid THEN e.seq + 1 ELSE h.low END,
               CASE WHEN e.id < %(id)s::uuid THEN h.high ELSE e.seq END
        FROM half AS h
        CROSS JOIN LATERAL (
            SELECT id, seq FROM ledger.events
            WHERE workspace_id = %(workspace_id)s::uuid AND seq = (h.low + h.high) / 2
        ) AS e
        WHERE h.low < h.high
    )
    SELECT e.seq FROM half JOIN ledger.events AS e
      ON e.workspace_id = %(workspace_id)s::uuid AND e.seq = half.low
    WHERE half.low = half.high AND e.id = %(id)s::uuid
"""


def span_of(event_id: str, workspaces: Sequence[str]) -> dict[str, Any] | None:
    """The values of `SPANS`; None for an id that is no event's."""
    if event_id[14] != "7":
        return None
    milliseconds = int(event_id.replace("-", "")[:12], 16)
    return {
        "workspaces": "{" + ",".join(workspaces) + "}",
        "floor": uuid_text(milliseconds << 80),
        "ceiling": uuid_text(min(milliseconds + 1 << 80, 2**128 - 1)),
        "milliseconds": milliseconds,
    }


async def place_of(
    reader: Reader, event_id: str, workspaces: Sequence[str]
) -> tuple[WorkspaceId, int] | None:
    """The workspace and the position of an event in some workspaces."""
    span = span_of(event_id, workspaces)
    if span is None or not workspaces:
        return None
    visible = see(*workspaces)
    _, spans = await reader.run([visible, (SPANS, span)])
    for workspace_id, low, high in spans:
        values = {
            "workspace_id": workspace_id,
            "id": event_id,
            "low": low,
            "high": high,
        }
        _, rows = await reader.run([visible, (WITHIN, values)])
        if rows:
            return WorkspaceId(workspace_id), rows[0][0]
    return None


# ------------------------------------------------------------------ the chain
# `causation_id` of a batch names what it was caused by: an event, or a whole batch.

# by the primary key
BATCH = b"""
    SELECT first_seq, last_seq, causation_id FROM ledger.batches
    WHERE workspace_id = %s::uuid AND batch_id = %s::uuid
"""

# the last `limit` positions below one, of some ranges that do not overlap
CAUSES = (
    ENVELOPES.format(
        window=sql.SQL(
            """
            (SELECT e.* FROM unnest(%(lows)s::bigint[], %(highs)s::bigint[])
                             AS r (low, high)
             CROSS JOIN LATERAL (
                 SELECT * FROM ledger.events
                 WHERE workspace_id = %(workspace_id)s
                   AND seq BETWEEN r.low AND least(r.high, %(below)s - 1)
                 ORDER BY seq DESC LIMIT %(limit)s
             ) AS e
             ORDER BY e.seq DESC LIMIT %(limit)s)
            """
        )
    )
    + sql.SQL("ORDER BY e.seq DESC")
).as_bytes()

# what some causes led to, and what that led to; by batches_by_cause.  Of the events of
# a batch as causes it is enough to know the first and the last: their ids count up.
EFFECTS = (
    sql.SQL(
        """
        WITH RECURSIVE chain AS (
            SELECT b.batch_id, b.first_seq, b.last_seq, 1 AS depth
            FROM ledger.batches AS b
            WHERE b.workspace_id = %(workspace_id)s
              AND b.causation_id = ANY (%(causes)s::uuid[])
              AND b.first_seq > %(seq)s AND b.last_seq >= b.first_seq
            UNION ALL
            SELECT b.batch_id, b.first_seq, b.last_seq, c.depth + 1
            FROM chain AS c
            JOIN ledger.events AS f
              ON f.workspace_id = %(workspace_id)s AND f.seq = c.first_seq
            JOIN ledger.events AS l
              ON l.workspace_id = %(workspace_id)s AND l.seq = c.last_seq
            CROSS JOIN LATERAL (
                SELECT * FROM ledger.batches
                WHERE workspace_id = %(workspace_id)s AND causation_id = c.batch_id
                UNION ALL
                SELECT * FROM ledger.batches
                WHERE workspace_id = %(workspace_id)s
                  AND causation_id BETWEEN f.id AND l.id
            ) AS b
            WHERE c.depth < %(depth)s
              AND b.first_seq > c.last_seq AND b.last_seq >= b.first_seq
        )
        """
    )
    + ENVELOPES.format(
        window=sql.SQL(
            """
            (SELECT e.* FROM chain AS c
             CROSS JOIN LATERAL (
                 SELECT * FROM ledger.events
                 WHERE workspace_id = %(workspace_id)s
                   AND seq BETWEEN greatest(c.first_seq, %(after)s + 1) AND c.last_seq
                 ORDER BY seq LIMIT %(limit)s
             ) AS e
             ORDER BY e.seq LIMIT %(limit)s)
            """
        )
    )
    + sql.SQL("ORDER BY e.seq")
).as_bytes()
