"""The events of one table between two positions: of its schema, and of its records.

A record's id holds its table's number, so the window is walked once by the primary key
and nothing beyond it is read.  The events come record by record, sorted by the
database, so that whoever folds them holds one record at a time, however many there are.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg import sql

from domain.catalog import Table
from domain.events import decode
from domain.ids import WorkspaceId
from domain.net_change import NetChange
from projections.arrays import text_array
from projections.history import changed_fields
from projections.log import ENVELOPES, Envelope
from projections.of_table import holds_number, number_of
from projections.snapshot import Snapshot

ROWS = 1_000  # events that are fetched at once


@dataclass(frozen=True, slots=True)
class Window:
    """The events behind position `after`, up to `upto`."""

    workspace_id: WorkspaceId
    after: int
    upto: int


async def schema_events(
    snapshot: Snapshot, window: Window, streams: Sequence[str]
) -> list[Envelope]:
    """In order."""
    values = [
        window.workspace_id,
        text_array(list(streams)),
        window.after,
        window.upto,
        window.workspace_id,
    ]
    rows = await snapshot.rows(_OF_SCHEMA, values)
    return [Envelope(*row) for row in rows]


async def net_changes(
    snapshot: Snapshot, window: Window, table: Table
) -> AsyncGenerator[Sequence[NetChange], None]:
    """What the window's events come to, record by record, by id; some at a time."""
    current: NetChange | None = None
    steps = snapshot.each(_OF_RECORDS, _values(window, table), ROWS)
    async with aclosing(steps) as pages:
        async for rows in pages:
            done: list[NetChange] = []
            for record, seq, version, type_, schema, data in rows:
                if current is None or current.record_id != record:
                    if current is not None:
                        done.append(current)
                    current = NetChange(record)
                event = decode(type_, schema, record, orjson.loads(data))
                current.add(seq, version, event)
            yield done
    if current is not None:
        yield [current]


def _values(window: Window, table: Table) -> Mapping[str, Any]:
    return {
        "workspace_id": window.workspace_id,
        "after": window.after,
        "upto": window.upto,
        **number_of(table),
        "fields": text_array(changed_fields(table)),
    }


@dataclass(frozen=True, slots=True)
class Signed:
    """When an event was recorded, and by whom."""

    at: str
    by: str


async def signed(
    snapshot: Snapshot, workspace_id: WorkspaceId, positions: Sequence[int]
) -> Mapping[int, Signed]:
    values = [text_array(list(positions)), workspace_id]
    rows = await snapshot.rows(_SIGNED, values)
    return {row[0]: Signed(row[1], row[2]) for row in rows}


async def signed_versions(
    snapshot: Snapshot,
    workspace_id: WorkspaceId,
    versions: Mapping[str, int],
) -> Mapping[str, Signed]:
    """Of streams, each at a version."""
    streams, numbers = list(versions), list(versions.values())
    values = [text_array(streams), text_array(numbers), workspace_id]
    rows = await snapshot.rows(_SIGNED_VERSIONS, values)
    return {row[0]: Signed(row[1], row[2]) for row in rows}


_OF_SCHEMA = (
    sql.SQL("""
    WITH found AS MATERIALIZED (
        SELECT seq FROM ledger.events
        WHERE workspace_id = %s::uuid AND stream_id = ANY (%s::uuid[])
          AND seq > %s::bigint AND seq <= %s::bigint
    ), happened AS (
        SELECT * FROM ledger.events
        WHERE workspace_id = %s::uuid AND seq IN (SELECT seq FROM found)
    )
    """)
    + ENVELOPES.format(window=sql.SQL("happened"))
    + sql.SQL("ORDER BY e.seq")
)

_OF_RECORDS = sql.SQL("""
    WITH own AS (
        SELECT stream_id AS record, seq, version, type, schema, data
        FROM ledger.events
        WHERE workspace_id = %(workspace_id)s::uuid
          AND seq > %(after)s::bigint AND seq <= %(upto)s::bigint
          AND {of_table}
    ), conversion AS MATERIALIZED (
        SELECT (convert_from(data, 'UTF8')::json ->> 'conversion_id')::uuid AS id
        FROM ledger.events
        WHERE workspace_id = %(workspace_id)s::uuid
          AND stream_id = ANY (%(fields)s::uuid[]) AND type = 'field.retyped'
    ), converted AS (
        SELECT e.*, convert_from(e.data, 'UTF8')::json AS said
        FROM conversion AS c
        JOIN ledger.events AS e ON e.workspace_id = %(workspace_id)s::uuid
         AND e.stream_id = c.id
        WHERE e.seq > %(after)s::bigint AND e.seq <= %(upto)s::bigint
    ), step AS (
        SELECT * FROM own
        UNION ALL
        SELECT v.key::uuid, e.seq, e.version, e.type, e.schema,
               convert_to(json_build_object(
                   'after', said -> 'after', 'upto', said -> 'upto',
                   'field_id', said -> 'field_id', 'table_id', said -> 'table_id',
                   'link_key', said -> 'link_key',
                   'values', json_build_object(v.key, v.value))::text, 'UTF8')
        FROM converted AS e
        CROSS JOIN LATERAL json_each(e.said -> 'values') AS v
    )
    SELECT s.record::text, s.seq, s.version, s.type, s.schema, s.data
    FROM step AS s ORDER BY s.record, s.seq
""").format(of_table=holds_number(sql.SQL("uuid_send(stream_id)")))

_BATCH = sql.SQL("""
    CROSS JOIN LATERAL (
        SELECT actor FROM ledger.batches
        WHERE workspace_id = e.workspace_id AND last_seq >= e.seq
          AND first_seq <= e.seq
        ORDER BY last_seq LIMIT 1
    ) AS b
""")

_SIGNED = (
    sql.SQL("""
    SELECT e.seq, ledger.rfc3339(e.recorded_at), b.actor::text
    FROM unnest(%s::bigint[]) AS n (seq)
    JOIN ledger.events AS e ON e.workspace_id = %s::uuid AND e.seq = n.seq
    """)
    + _BATCH
)

_SIGNED_VERSIONS = (
    sql.SQL("""
    SELECT e.stream_id::text, ledger.rfc3339(e.recorded_at), b.actor::text
    FROM unnest(%s::uuid[], %s::integer[]) AS n (stream_id, version)
    JOIN ledger.events AS e ON e.workspace_id = %s::uuid
     AND e.stream_id = n.stream_id AND e.version = n.version
    """)
    + _BATCH
)
