"""The only reader of events: their bytes, their chain, their pages.

The bytes are the truth.  `data` is UTF-8 JSON with sorted keys and no spaces.

    hash = SHA-256(prev_hash ‖ header ‖ data)
    header = canonical JSON of [id, type, schema, workspace_id, seq, stream, version,
        batch_id, batch_index, batch_size, actor, surface, request_id, causation_id,
        correlation_id, recorded_at]

`prev_hash` of position 1 is 32 zero bytes.  Times are RFC 3339 with six decimals.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
import psycopg
from psycopg import sql

from domain.errors import Json
from domain.events import Actor, Event, Recorded, decode
from domain.ids import WorkspaceId

ZERO = bytes(32)


def canonical(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def data_of(event: Event) -> bytes:
    return orjson.dumps(event.data(), option=orjson.OPT_SORT_KEYS)


def chained(previous: bytes, header: bytes, data: bytes) -> bytes:
    return sha256(previous + header + data).digest()


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event as it is stored, with what its batch adds; `data` is the very bytes."""

    id: str
    type: str
    schema: int
    workspace_id: str
    seq: int
    stream: str
    version: int
    batch_id: str
    batch_index: int
    batch_size: int
    actor_kind: str
    actor_id: str
    surface: str
    request_id: str
    causation_id: str | None
    correlation_id: str
    recorded_at: str
    data: bytes
    hash: bytes

    @property
    def header(self) -> bytes:
        return orjson.dumps(
            [
                self.id,
                self.type,
                self.schema,
                self.workspace_id,
                self.seq,
                self.stream,
                self.version,
                self.batch_id,
                self.batch_index,
                self.batch_size,
                {"id": self.actor_id, "kind": self.actor_kind},
                self.surface,
                self.request_id,
                self.causation_id,
                self.correlation_id,
                self.recorded_at,
            ]
        )

    @property
    def recorded(self) -> Recorded:
        return Recorded(
            WorkspaceId(self.workspace_id),
            self.seq,
            self.version,
            self.recorded_at,
            Actor(self.actor_kind, self.actor_id),
            decode(self.type, self.schema, self.stream, orjson.loads(self.data)),
        )

    def json(self) -> dict[str, Any]:
        """The envelope as a consumer sees it."""
        return {
            "id": self.id,
            "type": self.type,
            "schema": self.schema,
            "workspace_id": self.workspace_id,
            "seq": self.seq,
            "stream": self.stream,
            "version": self.version,
            "batch_id": self.batch_id,
            "batch_index": self.batch_index,
            "batch_size": self.batch_size,
            "actor": {"kind": self.actor_kind, "id": self.actor_id},
            "surface": self.surface,
            "request_id": self.request_id,
            "causation_id": self.causation_id,
            "correlation_id": self.correlation_id,
            "recorded_at": self.recorded_at,
            "data": orjson.Fragment(self.data),
            "hash": self.hash.hex(),
        }


# served by events' primary key and batches_by_seq
ENVELOPES = sql.SQL(
    """
    SELECT e.id::text, e.type, e.schema, e.workspace_id::text, e.seq,
           e.stream_id::text, e.version, b.batch_id::text,
           (e.seq - b.first_seq)::int, (b.last_seq - b.first_seq + 1)::int,
           b.actor_kind, b.actor::text, b.surface, b.request_id,
           b.causation_id::text, b.correlation_id::text,
           ledger.rfc3339(e.recorded_at), e.data, e.hash
    FROM {window} AS e
    CROSS JOIN LATERAL (
        SELECT * FROM ledger.batches
        WHERE workspace_id = e.workspace_id AND last_seq >= e.seq
          AND first_seq <= e.seq  -- a batch without events has no place among them
        ORDER BY last_seq
        LIMIT 1
    ) AS b
    """
)

_WINDOW = sql.SQL(
    "(SELECT * FROM ledger.events WHERE workspace_id = %(workspace_id)s"
    " AND seq > %(after)s ORDER BY seq LIMIT %(look_at)s)"
)

# a page of a feed: `look_at` events after a position, of which those that match
PAGE = ENVELOPES.format(window=_WINDOW) + sql.SQL(
    """
    WHERE (%(types)s::text[] IS NULL OR e.type LIKE ANY (%(types)s::text[]))
      AND (%(table_id)s::text IS NULL
           OR convert_from(e.data, 'UTF8')::json ->> 'table_id' = %(table_id)s::text
           OR e.stream_id = %(table_id)s::uuid)
    ORDER BY e.seq
    LIMIT %(limit)s
    """
)

HEAD = "SELECT seq FROM ledger.heads WHERE workspace_id = %s"

# the changes of one stream since a version: what a stale `If-Match` is told
SINCE = ENVELOPES.format(
    window=sql.SQL(
        "(SELECT * FROM ledger.events WHERE workspace_id = %(workspace_id)s"
        " AND stream_id = %(stream)s AND version > %(version)s"
        " ORDER BY version LIMIT 100)"
    )
) + sql.SQL("ORDER BY e.version")


# what came after a position: a unit that rests on what was there looks at it
AFTER = b"""
    SELECT stream_id, type, convert_from(data, 'UTF8') FROM ledger.events
    WHERE workspace_id = %s::uuid AND seq > %s::bigint ORDER BY seq
"""


def of_stream(
    connection: psycopg.Connection, workspace_id: str, stream: str, version: int
) -> Event | None:
    """One event of a stream: by events' unique (workspace_id, stream_id, version)."""
    statement = (
        b"SELECT type, schema, data FROM ledger.events WHERE workspace_id = %s::uuid"
        b" AND stream_id = %s::uuid AND version = %s::int"
    )
    values = [workspace_id, stream, version]
    row = connection.execute(statement, values, prepare=False).fetchone()
    if row is None:
        return None
    return decode(row[0], row[1], stream, orjson.loads(bytes(row[2])))


def see(connection: psycopg.Connection, *workspaces: str) -> None:
    """Lets the transaction see these workspaces."""
    connection.execute(
        "SELECT set_config('app.workspaces', %s, true)",
        ["{" + ",".join(workspaces) + "}"],
    )


def read(
    connection: psycopg.Connection,
    workspace_id: WorkspaceId,
    after: int = 0,
    upto: int | None = None,
    page: int = 2000,
) -> Iterator[Sequence[Envelope]]:
    """A workspace's events in order, in pages, to `upto` or its end.

    Each page is its own statement: the caller's transaction decides what it sees.
    """
    while True:
        rows = connection.execute(
            PAGE,
            {
                "workspace_id": workspace_id,
                "after": after,
                "look_at": page if upto is None else min(page, upto - after),
                "types": None,
                "table_id": None,
                "limit": page,
            },
        ).fetchall()
        if not rows:
            return
        found = [Envelope(*row) for row in rows]
        yield found
        after = found[-1].seq
        if upto is not None and after >= upto:
            return
