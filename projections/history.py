"""What happened to one thing, newest first: events of streams, by their own index.

A record's history has its own stream's events and, of changes of type, what they made
of its values: these lie in streams of their own, in parts by the records' numbers, and
only the part that has the record is read, and of it only what is the record's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from psycopg import sql

from domain.catalog import Table
from domain.events import Actor, Recorded, decode
from domain.ids import WorkspaceId
from domain.timeline import Timeline, timeline
from projections.arrays import text_array
from projections.log import ENVELOPES, Envelope
from projections.reader import Rows, Statement

FIRST = 2**62  # before which everything is


def of_record(
    workspace_id: WorkspaceId,
    table: Table,
    record_id: str,
    before: int = FIRST,
    limit: int = 100,
) -> Statement:
    """A record's envelopes before a position, newest first.  The `data` of a
    `field.converted` is only what it says of this record."""
    return _OF_RECORD, {
        "workspace_id": workspace_id,
        "record": record_id,
        "before": before,
        "limit": limit,
        "fields": text_array(changed_fields(table)),
    }


def of_streams(
    workspace_id: WorkspaceId,
    streams: Sequence[str],
    before: int = FIRST,
    limit: int = 100,
) -> Statement:
    """The envelopes of several streams before a position, newest first."""
    return _OF_STREAMS, {
        "workspace_id": workspace_id,
        "streams": text_array(list(streams)),
        "before": before,
        "limit": limit,
    }


def has_been(workspace_id: WorkspaceId, stream: str) -> Statement:
    """Whether anything ever happened to it."""
    return _HAS_BEEN, [workspace_id, stream]


def made_at(workspace_id: WorkspaceId, stream: str) -> Statement:
    """The position of a stream's first event."""
    return _MADE_AT, [workspace_id, stream]


def envelopes(rows: Rows) -> list[Envelope]:
    return [Envelope(*row) for row in rows]


# ------------------------------------------------------------ fields as they were


def field_changes(workspace_id: WorkspaceId, table: Table) -> Statement:
    """Asks what `timelines` reads."""
    return _FIELD_CHANGES, [workspace_id, text_array(changed_fields(table))]


def timelines(
    table: Table, workspace_id: WorkspaceId, rows: Rows
) -> Mapping[str, Timeline]:
    """By field id, deleted fields too."""
    events: dict[str, list[Recorded]] = {}
    for seq, version, type_, schema, stream, data in rows:
        event = decode(type_, schema, stream, orjson.loads(bytes(data)))
        recorded = Recorded(workspace_id, seq, version, "", _NOBODY, event)
        events.setdefault(stream, []).append(recorded)
    return {
        field_id: timeline(field, events.get(field_id, ()))
        for field_id, field in table.all_fields.items()
    }


_NOBODY = Actor("system", "")


def changed_fields(table: Table) -> list[Any]:
    """Fields to which more than their creation happened."""
    return [one.id for one in table.all_fields.values() if one.version > 1]


# -------------------------------------------------------------------- statements

# served by events' unique (workspace_id, stream_id, version); a cursor that is an event
# of the record's own tells the version to go on from
_OF_RECORD = (
    sql.SQL("""
    WITH own AS (
        SELECT * FROM ledger.events
        WHERE workspace_id = %(workspace_id)s::uuid AND stream_id = %(record)s::uuid
          AND version <= coalesce((
              SELECT version FROM ledger.events
              WHERE workspace_id = %(workspace_id)s::uuid AND seq = %(before)s::bigint
                AND stream_id = %(record)s::uuid), 2147483647)
          AND seq < %(before)s::bigint
        ORDER BY version DESC LIMIT %(limit)s::bigint
    ), number AS MATERIALIZED (
        SELECT (convert_from(data, 'UTF8')::json ->> 'number')::bigint AS number
        FROM ledger.events
        WHERE workspace_id = %(workspace_id)s::uuid AND stream_id = %(record)s::uuid
          AND version = 1
    ), conversion AS MATERIALIZED (
        SELECT (convert_from(data, 'UTF8')::json ->> 'conversion_id')::uuid AS id
        FROM ledger.events
        WHERE workspace_id = %(workspace_id)s::uuid
          AND stream_id = ANY (%(fields)s::uuid[]) AND type = 'field.retyped'
    ), part AS MATERIALIZED (
        -- what comes before `values` in sorted keys is short and ASCII
        SELECT e.seq, encode(substring(e.data FROM 1 FOR 250), 'escape') AS head
        FROM conversion AS c
        JOIN ledger.events AS e ON e.workspace_id = %(workspace_id)s::uuid
         AND e.stream_id = c.id
        WHERE e.seq < %(before)s::bigint
    ), converted AS (
        SELECT e.*, convert_from(e.data, 'UTF8')::json AS said
        FROM part AS p
        CROSS JOIN number AS n
        JOIN ledger.events AS e ON e.workspace_id = %(workspace_id)s::uuid
         AND e.seq = p.seq
        WHERE substring(p.head FROM '"after":([0-9]+)')::bigint < n.number
          AND substring(p.head FROM '"upto":([0-9]+)')::bigint >= n.number
    ), happened AS (
        SELECT workspace_id, seq, id, stream_id, version, type, schema, data,
               recorded_at, hash
        FROM own
        UNION ALL
        SELECT workspace_id, seq, id, stream_id, version, type, schema,
               convert_to(json_build_object(
                   'after', said -> 'after', 'upto', said -> 'upto',
                   'field_id', said -> 'field_id', 'table_id', said -> 'table_id',
                   'link_key', said -> 'link_key', 'values', json_build_object(
                       %(record)s::text, said -> 'values' -> %(record)s::text
               ))::text, 'UTF8'),
               recorded_at, hash
        FROM converted
        WHERE said -> 'values' -> %(record)s::text IS NOT NULL
    )
    """)
    + ENVELOPES.format(window=sql.SQL("happened"))
    + sql.SQL("ORDER BY e.seq DESC LIMIT %(limit)s::bigint")
).as_bytes()

# the positions first: the planner must not walk the whole ledger backwards for them
_OF_STREAMS = (
    sql.SQL("""
    WITH found AS MATERIALIZED (
        SELECT seq FROM ledger.events
        WHERE workspace_id = %(workspace_id)s::uuid
          AND stream_id = ANY (%(streams)s::uuid[]) AND seq < %(before)s::bigint
    ), happened AS (
        SELECT * FROM ledger.events
        WHERE workspace_id = %(workspace_id)s::uuid AND seq IN (
            SELECT seq FROM found ORDER BY seq DESC LIMIT %(limit)s::bigint)
    )
    """)
    + ENVELOPES.format(window=sql.SQL("happened"))
    + sql.SQL("ORDER BY e.seq DESC")
).as_bytes()

_HAS_BEEN = (
    b"SELECT EXISTS (SELECT FROM ledger.events WHERE workspace_id = %s::uuid"
    b" AND stream_id = %s::uuid AND version = 1)"
)

_MADE_AT = (
    b"SELECT seq FROM ledger.events WHERE workspace_id = %s::uuid"
    b" AND stream_id = %s::uuid AND version = 1"
)

_FIELD_CHANGES = b"""
    SELECT seq, version, type, schema, stream_id::text, data FROM ledger.events
    WHERE workspace_id = %s::uuid AND stream_id = ANY (%s::uuid[])
      AND type IN ('field.updated', 'field.retyped')
    ORDER BY stream_id, version
"""
