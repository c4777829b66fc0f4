"""The lease of a delivery, and how it ended: what is written, and by whom alone.

    claim    one UPDATE: the row is this attempt's for LEASE_SECONDS
    settle   attempt, outcome, the next one of its stream, its webhook: one transaction,
             and only where the lease is still the row's
    close    of a webhook that will not be told: all that waits, but what is under way
    put_off  of one that is to wait

Whoever finishes a row names the next head of its stream in a statement of its own,
after the row's lock: so it sees what was added meanwhile (`rows.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from psycopg_pool import AsyncConnectionPool

from commands.system import new_id
from domain.ids import EventId, WorkspaceId
from projections.arrays import text_array
from workers.deliveries.retries import Again, Attempt, Delivered, Verdict
from workers.loops import Connection

LEASE_SECONDS = 30  # twice of what an attempt takes at the most
CLOSED_AT_ONCE = 1_000

Pool: TypeAlias = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is this attempt's to make, the `number`th."""

    id: str
    lease: str
    workspace_id: WorkspaceId
    webhook_id: str
    event_id: EventId
    stream: str
    number: int


async def claim(pool: Pool, delivery_id: str) -> Claimed | None:
    """None where it is not due, another's, or not there."""
    lease = new_id()
    values = {"id": delivery_id, "lease": lease, "seconds": LEASE_SECONDS}
    async with pool.connection() as connection, connection.transaction():
        await _not_at_once(connection)
        row = await (await connection.execute(_CLAIM, values)).fetchone()
    return None if row is None else Claimed(delivery_id, lease, *row)


async def body_of(pool: Pool, claimed: Claimed) -> bytes:
    async with pool.connection() as connection, connection.transaction():
        await see(connection, claimed.workspace_id)
        row = await (await connection.execute(_BODY, [claimed.id])).fetchone()
    if row is None:
        raise LookupError(f"delivery {claimed.id} has no content")
    return bytes(row[0])


async def settle(
    pool: Pool, claimed: Claimed, attempt: Attempt, verdict: Verdict, forgets: float
) -> float | None:
    """Writes down how an attempt went.

    Gives the seconds since when the webhook has nothing but failures, 0 where it has
    not; None where the lease was lost, and nothing was written.  A webhook that was
    quiet for the seconds `forgets` begins anew.
    """
    async with pool.connection() as connection, connection.transaction():
        await _not_at_once(connection)
        values = _outcome(claimed, attempt, verdict)
        if not (await connection.execute(_SETTLE, values)).rowcount:
            return None
        await see(connection, claimed.workspace_id)
        number, workspace_id = claimed.number, claimed.workspace_id
        await write_attempt(connection, claimed.id, workspace_id, number, attempt)
        if not isinstance(verdict, Again):
            await _promote(connection, claimed.webhook_id, [claimed.stream])
        # the webhook's row is the last of all locks
        if isinstance(verdict, Delivered):
            await connection.execute(_WELL, [claimed.webhook_id])
            return 0.0
        rests = isinstance(verdict, Again) and verdict.rests
        failed = {
            "webhook": claimed.webhook_id,
            "rest": values["seconds"] if rests else None,
            "forgets": forgets,
        }
        row = await (await connection.execute(_ILL, failed)).fetchone()
    return float(row[0]) if row else 0.0


async def close(pool: Pool, claimed: Claimed, state: str, reason: str) -> None:
    """Ends all that waits of the webhook, but what is under way."""
    values = {
        "webhook": claimed.webhook_id,
        "id": claimed.id,
        "lease": claimed.lease,
        "state": state,
        "reason": reason,
        "most": CLOSED_AT_ONCE,
    }
    closed = CLOSED_AT_ONCE
    while closed == CLOSED_AT_ONCE:
        async with pool.connection() as connection, connection.transaction():
            await _not_at_once(connection)
            found = await (await connection.execute(_CLOSE, values)).fetchall()
            closed = len(found)
            streams = {row[0] for row in found}
            await _promote(connection, claimed.webhook_id, sorted(streams))


async def put_off(pool: Pool, claimed: Claimed, seconds: float) -> None:
    """Gives the lease back; nobody is told of the webhook for a while."""
    async with pool.connection() as connection, connection.transaction():
        await _not_at_once(connection)
        released = await connection.execute(_RELEASE, [claimed.id, claimed.lease])
        if released.rowcount:
            await connection.execute(_REST, [seconds, claimed.webhook_id])


async def count_turned_off(pool: Pool, webhook_id: str) -> None:
    async with pool.connection() as connection:
        await connection.execute(_TURNED_OFF, [webhook_id])


async def see(connection: Connection, workspace_id: WorkspaceId) -> None:
    await connection.execute(
        "SELECT set_config('app.workspaces', %s, true)", [f"{{{workspace_id}}}"]
    )


async def write_attempt(
    connection: Connection,
    delivery_id: str,
    workspace_id: WorkspaceId,
    number: int,
    attempt: Attempt,
) -> None:
    values = {
        "delivery": delivery_id,
        "workspace": workspace_id,
        "number": number,
        "at": attempt.at,
        "seconds": attempt.seconds,
        "status": attempt.status,
        "error": attempt.error,
        "reply": attempt.reply,
    }
    await connection.execute(_ATTEMPT, values)


async def _promote(
    connection: Connection, webhook_id: str, streams: Sequence[str]
) -> None:
    values = {"webhook": webhook_id, "streams": text_array(streams)}
    await connection.execute(_PROMOTE, values)


async def _not_at_once(connection: Connection) -> None:
    # what a crash takes back is sent once more, with the same id
    await connection.execute("SET LOCAL synchronous_commit = off")


def _outcome(claimed: Claimed, attempt: Attempt, verdict: Verdict) -> dict[str, Any]:
    state = "waiting" if isinstance(verdict, Again) else "failed"
    return {
        "id": claimed.id,
        "lease": claimed.lease,
        "number": claimed.number,
        "state": "delivered" if isinstance(verdict, Delivered) else state,
        "seconds": verdict.seconds if isinstance(verdict, Again) else None,
        "status": attempt.status,
        "reason": None if isinstance(verdict, Delivered) else verdict.reason,
    }


_CLAIM = """
    UPDATE hooks.deliveries
    SET lease = %(lease)s::uuid,
        leased_until = clock_timestamp() + %(seconds)s * interval '1 second',
        told_until = clock_timestamp() + %(seconds)s * interval '1 second'
    WHERE id = %(id)s::uuid AND state = 'waiting' AND head
      AND due_at <= clock_timestamp()
      AND (lease IS NULL OR leased_until <= clock_timestamp())
    RETURNING workspace_id, webhook_id, event_id, stream, attempts + 1
"""
_BODY = "SELECT body FROM hooks.contents WHERE delivery_id = %s::uuid"
_SETTLE = """
    UPDATE hooks.deliveries
    SET attempts = %(number)s, state = %(state)s, status = %(status)s,
        reason = %(reason)s, lease = NULL, leased_until = NULL, told_until = NULL,
        due_at = CASE WHEN %(state)s = 'waiting'
            THEN clock_timestamp() + %(seconds)s::float8 * interval '1 second'
            ELSE due_at END,
        finished_at = CASE WHEN %(state)s <> 'waiting' THEN clock_timestamp() END
    WHERE id = %(id)s::uuid AND lease = %(lease)s::uuid AND state = 'waiting'
"""
_ATTEMPT = """
    INSERT INTO hooks.attempts
        (delivery_id, workspace_id, number, at, seconds, status, error, reply)
    VALUES (%(delivery)s::uuid, %(workspace)s::uuid, %(number)s,
            to_timestamp(%(at)s::float8), %(seconds)s::float8, %(status)s::smallint,
            %(error)s, %(reply)s)
"""
# by deliveries_of_stream
_PROMOTE = """
    UPDATE hooks.deliveries SET head = true
    WHERE id IN (
        SELECT next.id FROM unnest(%(streams)s::uuid[]) AS s (stream)
        CROSS JOIN LATERAL (
            SELECT d.id, d.head FROM hooks.deliveries AS d
            WHERE d.webhook_id = %(webhook)s::uuid AND d.stream = s.stream
              AND d.state = 'waiting'
            ORDER BY d.by_seq, d.seq LIMIT 1
        ) AS next
        WHERE NOT next.head)
"""
_WELL = """
    UPDATE hooks.receivers
    SET failing_since = NULL, failed_at = NULL, delivered = delivered + 1
    WHERE webhook_id = %s::uuid
"""
_ILL = """
    UPDATE hooks.receivers
    SET failing_since = CASE
            WHEN failed_at > clock_timestamp() - %(forgets)s * interval '1 second'
            THEN coalesce(failing_since, clock_timestamp()) ELSE clock_timestamp() END,
        failed_at = clock_timestamp(), failed = failed + 1,
        rests_until = greatest(rests_until, clock_timestamp()
                               + %(rest)s::float8 * interval '1 second')
    WHERE webhook_id = %(webhook)s::uuid
    RETURNING extract(epoch FROM clock_timestamp() - failing_since)
"""
# by deliveries_of_webhook; what a follower or a sweep has locked is closed in its turn
_CLOSE = """
    WITH waiting AS (
        SELECT id FROM hooks.deliveries
        WHERE webhook_id = %(webhook)s::uuid AND state = 'waiting'
          AND (lease IS NULL OR leased_until <= clock_timestamp()
               OR id = %(id)s::uuid AND lease = %(lease)s::uuid)
        ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
    UPDATE hooks.deliveries AS d
    SET state = %(state)s, reason = %(reason)s, finished_at = clock_timestamp(),
        lease = NULL, leased_until = NULL, told_until = NULL
    FROM waiting WHERE d.id = waiting.id
    RETURNING d.stream
"""
_RELEASE = """
    UPDATE hooks.deliveries
    SET lease = NULL, leased_until = NULL, told_until = NULL
    WHERE id = %s::uuid AND lease = %s::uuid AND state = 'waiting'
"""
_REST = """
    UPDATE hooks.receivers
    SET rests_until = greatest(rests_until, clock_timestamp()
                               + %s::float8 * interval '1 second')
    WHERE webhook_id = %s::uuid
"""
_TURNED_OFF = """
    UPDATE hooks.receivers SET turned_off = turned_off + 1 WHERE webhook_id = %s::uuid
"""
