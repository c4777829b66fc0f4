"""Putting events into the ledger: their bytes, their chain, one statement a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import psycopg

from commands.unit import Once, Origin, Reply
from domain.events import Recorded
from domain.ids import WorkspaceId, counting, uuid7_number
from projections.arrays import byte_strings, integers, text_array, uuids
from projections.log import chained, data_of

SLICE = 250  # events of one statement: the database is at one while the next is made


@dataclass(slots=True)
class Accepted:
    """An accepted unit on its way into the ledger.

    `to_come`: how many events its stream will add to `events`; `replies` are those of
    its parts.
    """

    batch_id: str
    origin: Origin
    first_seq: int
    events: Sequence[Recorded]
    once: Once | None
    reply: Reply | None
    to_come: int = 0
    replies: Sequence[Reply] = ()

    @property
    def size(self) -> int:
        return len(self.events) + self.to_come

    @property
    def last_seq(self) -> int:
        return self.first_seq + self.size - 1


@dataclass
class Head:
    """A workspace's head row, as it is and as it becomes."""

    workspace_id: WorkspaceId
    seq: int
    catalog_seq: int
    hash: bytes
    recorded_at: str
    random_bits: int = 0  # make ids; count up

    @property
    def milliseconds(self) -> int:
        """The group's moment: with the random bits it makes the events' ids, which
        count up."""
        return int(datetime.fromisoformat(self.recorded_at).timestamp() * 1000)


@dataclass
class _Columns:
    """The columns of the rows of `ledger.events`, from a position on."""

    first_seq: int
    ids: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    schemas: list[int] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)


def append(
    connection: psycopg.Connection[Any],
    head: Head,
    units: Sequence[Accepted],
) -> None:
    """Sends the rows of a group; moves `head.hash` on.  Waits for nothing."""
    columns = _Columns(units[0].first_seq)
    for unit in units:
        for start in range(0, len(unit.events), SLICE):
            if len(columns.ids) + min(SLICE, len(unit.events) - start) > SLICE:
                _insert(connection, head, columns)
                columns = _Columns(unit.first_seq + start)
            events = unit.events[start : start + SLICE]
            _encode(columns, head, unit, events, start)
    if columns.ids:
        _insert(connection, head, columns)
    close(connection, head, units)


def append_slice(
    connection: psycopg.Connection[Any],
    head: Head,
    unit: Accepted,
    events: Sequence[Recorded],
    start: int,
) -> None:
    """Sends some events of one unit, the first at index `start` of its batch.

    The batch itself and the head are left to `close`.
    """
    for at in range(0, len(events), SLICE):
        columns = _Columns(unit.first_seq + start + at)
        some = events[at : at + SLICE]
        _encode(columns, head, unit, some, start + at)
        _insert(connection, head, columns)


def _insert(connection: psycopg.Connection[Any], head: Head, columns: _Columns) -> None:
    connection.execute(
        _EVENTS,
        [
            head.workspace_id,
            columns.first_seq,
            uuids(columns.ids),
            uuids(columns.streams),
            integers(columns.versions),
            text_array(columns.types),
            text_array(columns.schemas),
            byte_strings(columns.data),
            text_array(columns.times),
            byte_strings(columns.hashes),
        ],
        prepare=True,
    )


def _encode(
    columns: _Columns,
    head: Head,
    unit: Accepted,
    events: Sequence[Recorded],
    start: int,
) -> None:
    """A slice of a unit's events, from index `start`.

    The envelope's header is `projections.log.Envelope.header`, made in bulk.
    """
    origin = unit.origin
    size = unit.size
    actor = {"id": origin.actor.id, "kind": origin.actor.kind}
    correlation = origin.correlation_id or unit.batch_id
    previous = head.hash
    ids = counting(uuid7_number(head.milliseconds, head.random_bits), len(events))
    head.random_bits += len(events)
    for index, recorded in enumerate(events, start):
        event = recorded.event
        data = data_of(event)
        event_id = ids[index - start]
        stream = event.stream_id
        header = orjson.dumps(
            [
                event_id,
                event.TYPE,
                event.SCHEMA,
                head.workspace_id,
                recorded.seq,
                stream,
                recorded.version,
                unit.batch_id,
                index,
                size,
                actor,
                origin.surface,
                origin.request_id,
                origin.causation_id,
                correlation,
                recorded.at,
            ]
        )
        previous = chained(previous, header, data)
        columns.ids.append(event_id)
        columns.streams.append(stream)
        columns.versions.append(recorded.version)
        columns.types.append(event.TYPE)
        columns.schemas.append(event.SCHEMA)
        columns.data.append(data)
        columns.times.append(recorded.at)
        columns.hashes.append(previous)
    head.hash = previous


def close(
    connection: psycopg.Connection[Any], head: Head, units: Sequence[Accepted]
) -> None:
    """The batches, the outbox' row and the head, in one statement."""
    connection.execute(
        _CLOSE,
        [
            head.workspace_id,
            units[0].first_seq,
            head.seq,
            head.workspace_id,
            head.recorded_at,
            text_array([unit.batch_id for unit in units]),
            text_array([unit.first_seq for unit in units]),
            text_array([unit.last_seq for unit in units]),
            text_array([unit.origin.actor.kind for unit in units]),
            text_array([unit.origin.actor.id for unit in units]),
            text_array([unit.origin.surface for unit in units]),
            text_array([unit.origin.request_id for unit in units]),
            text_array([unit.origin.causation_id for unit in units]),
            text_array([unit.origin.correlation_id or unit.batch_id for unit in units]),
            text_array([unit.once.key if unit.once else None for unit in units]),
            text_array(
                [unit.once.fingerprint.hex() if unit.once else None for unit in units]
            ),
            text_array([kept_reply(unit.once, unit.reply) for unit in units]),
            text_array([unit.origin.session_id for unit in units]),
            head.seq,
            head.catalog_seq,
            head.hash,
            head.recorded_at,
            head.workspace_id,
        ],
        prepare=True,
    )


def kept_reply(once: Once | None, reply: Reply | None) -> str | None:
    """A reply as it is stored, in hexadecimal: a line of JSON, then its body."""
    if once is None or reply is None:
        return None
    if once.secret_id is not None:
        return orjson.dumps({"secret_id": once.secret_id}).hex()
    line = orjson.dumps({"status": reply.status, "headers": dict(reply.headers)})
    return (line + b"\n" + reply.body).hex()


def read_reply(stored: bytes) -> Reply | str:
    """The stored reply, or the id of the resource whose reply held a secret."""
    line, _, body = bytes(stored).partition(b"\n")
    head = orjson.loads(line)
    if "secret_id" in head:
        return str(head["secret_id"])
    return Reply(head["status"], body, head["headers"])


_EVENTS = """
    INSERT INTO ledger.events
        (workspace_id, seq, id, stream_id, version, type, schema, data, recorded_at,
         hash)
    SELECT %s::uuid, %s::bigint + position - 1, id, stream, version, type, schema,
           data, at, hash
    FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::text[], %s::smallint[],
                %s::bytea[], %s::timestamptz[], %s::bytea[])
         WITH ORDINALITY
         AS n (id, stream, version, type, schema, data, at, hash, position)
"""
# a group without an event has nothing to seal
_CLOSE = """
    WITH sealing AS (
    INSERT INTO ledger.outbox (workspace_id, first_seq, last_seq)
    SELECT workspace_id, first_seq, last_seq
    FROM (VALUES (%s::uuid, %s::bigint, %s::bigint))
         AS o (workspace_id, first_seq, last_seq)
    WHERE last_seq >= first_seq
    ), kept AS (
    INSERT INTO ledger.batches
        (workspace_id, recorded_at, batch_id, first_seq, last_seq, actor_kind, actor,
         surface, request_id, causation_id, correlation_id, key, fingerprint, reply,
         session_id)
    SELECT %s::uuid, %s::timestamptz, batch_id, first_seq, last_seq, actor_kind, actor,
           surface, request_id, causation_id, correlation_id, key,
           decode(fingerprint, 'hex'), decode(reply, 'hex'), session_id
    FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::text[], %s::uuid[],
                %s::text[], %s::text[], %s::uuid[], %s::uuid[], %s::text[], %s::text[],
                %s::text[], %s::uuid[])
         AS n (batch_id, first_seq, last_seq, actor_kind, actor, surface, request_id,
               causation_id, correlation_id, key, fingerprint, reply, session_id)
    )
    UPDATE ledger.heads
    SET seq = %s, catalog_seq = %s, hash = %s, recorded_at = %s::timestamptz
    WHERE workspace_id = %s::uuid
"""
