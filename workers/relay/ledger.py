"""Reading the ledger beside the relay: what verify and republish compare and send.

As the follower's role, which sees every workspace; where there is one role only, each
transaction names those that it reads.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import psycopg
from psycopg import sql

from projections.arrays import text_array
from projections.log import ENVELOPES, PAGE, Envelope
from projections.postgres import CONNECT, adapt
from workers.following import Connection

EVENTS = 1_000  # of a page


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[Connection]:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, **CONNECT)
    adapt(connection)
    connection.prepare_threshold = 0
    async with connection:
        yield connection


async def see(connection: Connection, workspaces: Sequence[str]) -> None:
    """From now on, in this session."""
    names = "{" + ",".join(workspaces) + "}"
    await connection.execute("SELECT set_config('app.workspaces', %s, false)", [names])


async def relayed(connection: Connection, follower: str) -> Mapping[str, int]:
    """By workspace, the position up to which a follower has had its effect."""
    rows = await connection.execute(
        "SELECT workspace_id, seq FROM ledger.followed WHERE follower = %s"
        " ORDER BY workspace_id",
        [follower],
    )
    return dict(await rows.fetchall())


async def at(
    connection: Connection, places: Sequence[tuple[str, int]]
) -> Mapping[tuple[str, int], Envelope]:
    """The events at some positions, where there are any."""
    values = {
        "workspaces": text_array([workspace_id for workspace_id, _ in places]),
        "seqs": text_array([seq for _, seq in places]),
    }
    rows = await connection.execute(_AT, values)
    return {(row[3], row[4]): Envelope(*row) for row in await rows.fetchall()}


async def between(
    connection: Connection, workspace_id: str, after: int, upto: int
) -> AsyncIterator[Sequence[Envelope]]:
    """A workspace's events behind one position, to another, in pages."""
    while after < upto:
        values = {
            "workspace_id": workspace_id,
            "after": after,
            "look_at": min(EVENTS, upto - after),
            "limit": EVENTS,
            "types": None,
            "table_id": None,
        }
        rows = await (await connection.execute(PAGE, values)).fetchall()
        if not rows:
            return
        yield [Envelope(*row) for row in rows]
        after = rows[-1][4]


async def position_at(
    connection: Connection, workspace_id: str, moment: datetime
) -> int:
    """The last position of a workspace that was recorded by a time, 0 before."""
    rows = await connection.execute(_BY_TIME, [moment, workspace_id])
    row = await rows.fetchone()
    return int(row[0]) if row else 0


_AT = ENVELOPES.format(
    window=sql.SQL(
        "(SELECT e.* FROM unnest(%(workspaces)s::uuid[], %(seqs)s::bigint[])"
        " AS w (workspace_id, seq) JOIN ledger.events AS e USING (workspace_id, seq))"
    )
)
# halving: positions have no gap, and times never fall
_BY_TIME = """
    WITH RECURSIVE half AS (
        SELECT %s::timestamptz AS moment, workspace_id, 0::bigint AS low, seq AS high
        FROM ledger.heads WHERE workspace_id = %s::uuid
        UNION ALL
        SELECT h.moment, h.workspace_id,
               CASE WHEN e.recorded_at <= h.moment THEN e.seq ELSE h.low END,
               CASE WHEN e.recorded_at <= h.moment THEN h.high ELSE e.seq - 1 END
        FROM half AS h
        CROSS JOIN LATERAL (
            SELECT seq, recorded_at FROM ledger.events
            WHERE workspace_id = h.workspace_id AND seq = (h.low + h.high + 1) / 2
        ) AS e
        WHERE h.low < h.high
    )
    SELECT low FROM half WHERE low = high
"""
