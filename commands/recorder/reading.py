"""Reading the log of the whole instance, by the numbers of the sealed feed.

    number of an event = last_global - (last_seq - seq)

The follower's role sees every workspace; where there is one role only, each transaction
names the workspaces that it is about to read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from commands.recorder.connections import Connection
from domain.foreign import ForeignAppended
from domain.ids import FOREIGN
from projections import log
from projections.arrays import text_array
from projections.log import Envelope
from projections.rebuild import workspaces

WINDOW = 500  # numbers that are looked at in one transaction, where a filter is set


@dataclass(frozen=True, slots=True)
class Range:
    """A row of the feed, or a part of one."""

    last_global: int
    workspace_id: str
    first_seq: int
    last_seq: int

    def __contains__(self, seq: int) -> bool:
        return self.first_seq <= seq <= self.last_seq

    def number(self, seq: int) -> int:
        return self.last_global - (self.last_seq - seq)


def last_number(connection: Connection) -> int | None:
    """The number of the last event that is sealed."""
    row = connection.execute("SELECT max(last_global) FROM ledger.feed").fetchone()
    return row[0] if row is not None else None


def range_of(connection: Connection, workspace_id: str, seq: int) -> Range | None:
    """Where an event has its number; None before it is sealed.  By feed_by_seq."""
    row = connection.execute(_RANGE, [workspace_id, seq]).fetchone()
    found = Range(*row) if row is not None else None
    return found if found is not None and seq in found else None


def window(
    connection: Connection, after: int, upto: int, topics: Sequence[str]
) -> list[tuple[int, Envelope]]:
    """The events numbered above `after`, up to `upto`, of these topics or any."""
    rows = connection.execute(_RANGES, [after, upto - after]).fetchall()
    ranges = [_cut(Range(*row), after, upto) for row in rows]
    ranges = [one for one in ranges if one.first_seq <= one.last_seq]
    if not ranges:
        return []
    log.see(connection, *{one.workspace_id for one in ranges})
    wanted = list(topics) or None
    found = connection.execute(
        _ENVELOPES,
        {
            "workspaces": text_array([one.workspace_id for one in ranges]),
            "firsts": text_array([one.first_seq for one in ranges]),
            "lasts": text_array([one.last_seq for one in ranges]),
            "topics": wanted,
            "foreign": ForeignAppended.TYPE,
        },
    )
    envelopes = {(row[3], row[4]): Envelope(*row) for row in found}
    return [
        (one.number(seq), envelopes[one.workspace_id, seq])
        for one in ranges
        for seq in range(one.first_seq, one.last_seq + 1)
        if (one.workspace_id, seq) in envelopes
    ]


def _cut(one: Range, after: int, upto: int) -> Range:
    """What of a range lies above `after`, up to `upto`."""
    offset = one.last_global - one.last_seq
    first = max(one.first_seq, after + 1 - offset)
    last = min(one.last_seq, upto - offset)
    return Range(last + offset, one.workspace_id, first, last)


def stream(
    connection: Connection,
    stream_id: str,
    *,
    after: int | None,
    upto: int | None,
    newest_first: bool,
    limit: int | None,
) -> list[Sequence[Any]]:
    """(stream, version, type, data) of a stream's events, by the versions that its
    program counts: of programs' streams first, else wherever that stream is."""
    log.see(connection, FOREIGN)
    row = connection.execute(_FIRST, [FOREIGN, stream_id]).fetchone()
    offset = row[0] - 1 if row else 0  # their version - ours
    there = [FOREIGN] if row else _everyone(connection)
    log.see(connection, *there)
    statement = sql.SQL(_STREAM).format(
        order=sql.SQL("DESC" if newest_first else "ASC"),
        limit=sql.Literal(limit),
    )
    values = {
        "workspaces": text_array(there),
        "stream": stream_id,
        "after": None if after is None else after - offset,
        "upto": None if upto is None else upto - offset,
    }
    return connection.execute(statement, values).fetchall()


def _everyone(connection: Connection) -> list[str]:
    """Every workspace.  The follower sees all heads; another role has named one, and
    is told of the others by the feed."""
    rows = connection.execute("SELECT workspace_id::text FROM ledger.heads").fetchall()
    return [row[0] for row in rows] if len(rows) > 1 else [*workspaces(connection)]


_RANGE = """
    SELECT last_global, workspace_id::text, first_seq, last_seq FROM ledger.feed
    WHERE workspace_id = %s::uuid AND last_seq >= %s
    ORDER BY last_seq LIMIT 1
"""
# each row has one number at least, so that so many rows are enough
_RANGES = """
    SELECT last_global, workspace_id::text, first_seq, last_seq FROM ledger.feed
    WHERE last_global > %s ORDER BY last_global LIMIT %s
"""
_ENVELOPES = log.ENVELOPES.format(
    window=sql.SQL(
        "(SELECT e.* FROM unnest(%(workspaces)s::uuid[], %(firsts)s::bigint[],"
        " %(lasts)s::bigint[]) AS f (workspace_id, first_seq, last_seq)"
        " CROSS JOIN LATERAL (SELECT * FROM ledger.events"
        " WHERE workspace_id = f.workspace_id"
        " AND seq BETWEEN f.first_seq AND f.last_seq ORDER BY seq OFFSET 0) AS e)"
    )
) + sql.SQL(
    """
    WHERE %(topics)s::text[] IS NULL
       OR CASE WHEN e.type = %(foreign)s
               THEN convert_from(e.data, 'UTF8')::json ->> 'topic'
               ELSE e.type END = ANY (%(topics)s::text[])
    """
)
_FIRST = """
    SELECT (convert_from(data, 'UTF8')::json ->> 'originator_version')::bigint
    FROM ledger.events
    WHERE workspace_id = %s::uuid AND stream_id = %s::uuid AND version = 1
"""
# by events' unique (workspace_id, stream_id, version)
_STREAM = """
    SELECT e.stream_id::text, e.version, e.type, e.data
    FROM ledger.events AS e
    WHERE e.workspace_id = ANY (%(workspaces)s::uuid[])
      AND e.stream_id = %(stream)s::uuid
      AND (%(after)s::bigint IS NULL OR e.version > %(after)s::bigint)
      AND (%(upto)s::bigint IS NULL OR e.version <= %(upto)s::bigint)
    ORDER BY e.version {order}
    LIMIT {limit}
"""
