"""The lease of a delivery, and how it ended: what is written, and by whom alone.

    claim    one UPDATE: the row is this attempt's for LEASE_SECONDS
    settle   attempt, outcome, the next one of its stream, its webhook: one transaction,
             and only where the lease is still the row's
    close    of a webhook that will not be told: all that waits, but what is under way
    put_off  of one that is to wait

Whoever finishes a row names the next head of its stream in a statement of its own,
after the row's lock: so it sees what was added meanwhile (`rows.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from commands.system import new_id
from domain.ids import EventId, WorkspaceId
from projections.arrays import text_array
from projections.postgres import Pool
from workers.deliveries.retries import Again, Attempt, Delivered, Verdict

LEASE_SECONDS = 30  # twice of what an attempt takes at the most
CLOSED_AT_ONCE = 1_000

Statement: TypeAlias = "tuple[str, Sequence[Any] | Mapping[str, Any]]"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is this attempt's to make, the `number`th."""

    id: str
    lease: str
    workspace_id: WorkspaceId
    webhook_id: str
    event_id: EventId
    event: str
    stream: str
    number: int


async def claim(pool: Pool, delivery_id: str) -> Claimed | None:
    """None where it is not due, another's, or not there."""
    lease = new_id()
    values = {"id": delivery_id, "lease": lease, "seconds": LEASE_SECONDS}
    _, rows = await _together(pool, _NOT_AT_ONCE, (_CLAIM, values))
    return Claimed(delivery_id, lease, *rows[0]) if rows else None


async def body_of(pool: Pool, claimed: Claimed) -> bytes:
    _, rows = await _together(
        pool, _seeing(claimed.workspace_id), (_BODY, [claimed.id])
    )
    if not rows:
        raise LookupError(f"delivery {claimed.id} has no content")
    return bytes(rows[0][0])


async def settle(
    pool: Pool, claimed: Claimed, attempt: Attempt, verdict: Verdict, forgets: float
) -> float | None:
    """Writes down how an attempt went.

    Gives the seconds since when the webhook has nothing but failures, 0 where it has
    not; None where the lease was lost, and nothing was written.  A webhook that was
    quiet for the seconds `forgets` begins anew.
    """
    values = {
        **_outcome(claimed, attempt, verdict),
        **attempt_values(claimed.id, claimed.workspace_id, claimed.number, attempt),
        "webhook": claimed.webhook_id,
        "streams": text_array([claimed.stream]),
        "forgets": forgets,
    }
    _, _, settled, _, goes = await _together(
        pool,
        _NOT_AT_ONCE,
        _seeing(claimed.workspace_id),
        (_SETTLE, values),
        # of a row that still waits, or is another's, nothing follows
        (_PROMOTE, values),
        # the webhook's row is the last of all locks
        (_WELL if isinstance(verdict, Delivered) else _ILL, values),
    )
    if not settled:
        return None
    return float(goes[0][0]) if goes else 0.0


async def close(
    pool: Pool, claimed: Claimed, state: str, reason: str, sparing: str | None = None
) -> None:
    """Ends all that waits of the webhook, but what is under way, and but the events of
    the name `sparing`."""
    values = {
        "webhook": claimed.webhook_id,
        "id": claimed.id,
        "lease": claimed.lease,
        "state": state,
        "reason": reason,
        "sparing": sparing,
        "most": CLOSED_AT_ONCE,
    }
    closed = CLOSED_AT_ONCE
    while closed == CLOSED_AT_ONCE:
        async with pool.connection() as connection, connection.transaction():
            await connection.execute(*_NOT_AT_ONCE)
            found = await (await connection.execute(_CLOSE, values)).fetchall()
            closed = len(found)
            streams = text_array(sorted({row[0] for row in found}))
            await connection.execute(_PROMOTE, {**values, "streams": streams})


async def put_off(pool: Pool, claimed: Claimed, seconds: float) -> None:
    """Gives the lease back; nobody is told of the webhook for a while."""
    await _together(
        pool,
        _NOT_AT_ONCE,
        (_RELEASE, [claimed.id, claimed.lease]),
        (_REST, [seconds, claimed.webhook_id]),
    )


async def count_turned_off(pool: Pool, webhook_id: str) -> None:
    await _together(pool, (_TURNED_OFF, [webhook_id]))


def attempt_values(
    delivery_id: str, workspace_id: WorkspaceId, number: int, attempt: Attempt
) -> dict[str, Any]:
    """What `WRITE_ATTEMPT` takes."""
    return {
        "id": delivery_id,
        "workspace": workspace_id,
        "number": number,
        "at": attempt.at,
        "took": attempt.seconds,
        "status": attempt.status,
        "error": attempt.error,
        "reply": attempt.reply,
    }


async def _together(pool: Pool, *statements: Statement) -> list[Sequence[Any]]:
    """The rows of statements that are sent together and are one transaction."""
    async with pool.connection() as connection:
        async with connection.pipeline():
            cursors = [await connection.execute(*one) for one in statements]
        return [await one.fetchall() if one.description else [] for one in cursors]


def _seeing(workspace_id: WorkspaceId) -> Statement:
    seeing = "SELECT set_config('app.workspaces', %s, true)"
    return seeing, [f"{{{workspace_id}}}"]


def _outcome(claimed: Claimed, attempt: Attempt, verdict: Verdict) -> dict[str, Any]:
    state = "waiting" if isinstance(verdict, Again) else "failed"
    return {
        "lease": claimed.lease,
        "state": "delivered" if isinstance(verdict, Delivered) else state,
        "seconds": verdict.seconds if isinstance(verdict, Again) else None,
        "rest": verdict.seconds
        if isinstance(verdict, Again) and verdict.rests
        else None,
        "reason": None if isinstance(verdict, Delivered) else verdict.reason,
    }


# what a crash takes back is sent once more, with the same id
_NOT_AT_ONCE: Statement = ("SELECT set_config('synchronous_commit', 'off', true)", [])
_CLAIM = """
    UPDATE hooks.deliveries
    SET lease = %(lease)s::uuid,
        leased_until = clock_timestamp() + %(seconds)s * interval '1 second',
        told_until = clock_timestamp() + %(seconds)s * interval '1 second'
    WHERE id = %(id)s::uuid AND state = 'waiting' AND head
      AND due_at <= clock_timestamp()
      AND (leased_until IS NULL OR leased_until <= clock_timestamp())
    RETURNING workspace_id, webhook_id, event_id, event, stream, attempts + 1
"""
_BODY = "SELECT body FROM hooks.contents WHERE delivery_id = %s::uuid"
WRITE_ATTEMPT = """
    INSERT INTO hooks.attempts
        (delivery_id, workspace_id, number, at, seconds, status, error, reply)
    SELECT %(id)s::uuid, %(workspace)s::uuid, %(number)s::int,
           to_timestamp(%(at)s::float8), %(took)s::float8, %(status)s::smallint,
           %(error)s::text, %(reply)s::bytea
"""
# The lease stays, over: by it what follows in the transaction knows that it is settled.
_SETTLE = (
    """
    WITH settled AS (
        UPDATE hooks.deliveries
        SET attempts = %(number)s, state = %(state)s, status = %(status)s::smallint,
            reason = %(reason)s, leased_until = NULL, told_until = NULL,
            due_at = CASE WHEN %(state)s = 'waiting'
                THEN clock_timestamp() + %(seconds)s::float8 * interval '1 second'
                ELSE due_at END,
            finished_at = CASE WHEN %(state)s <> 'waiting' THEN clock_timestamp() END
        WHERE id = %(id)s::uuid AND state = 'waiting'
          AND lease = %(lease)s::uuid AND leased_until IS NOT NULL
        RETURNING id
    ), written AS ("""
    + WRITE_ATTEMPT
    + """ FROM settled
    )
    SELECT 1 FROM settled
"""
)
_SETTLED = """
    EXISTS (SELECT FROM hooks.deliveries WHERE id = %(id)s::uuid
            AND lease = %(lease)s::uuid AND leased_until IS NULL)
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
_WELL = f"""
    UPDATE hooks.receivers
    SET failing_since = NULL, failed_at = NULL, delivered = delivered + 1
    WHERE webhook_id = %(webhook)s::uuid AND {_SETTLED}
"""
_ILL = f"""
    UPDATE hooks.receivers
    SET failing_since = CASE
            WHEN failed_at > clock_timestamp() - %(forgets)s * interval '1 second'
            THEN coalesce(failing_since, clock_timestamp()) ELSE clock_timestamp() END,
        failed_at = clock_timestamp(), failed = failed + 1,
        rests_until = greatest(rests_until, clock_timestamp()
                               + %(rest)s::float8 * interval '1 second')
    WHERE webhook_id = %(webhook)s::uuid AND {_SETTLED}
    RETURNING extract(epoch FROM clock_timestamp() - failing_since)
"""
# by deliveries_of_webhook; what a follower or a sweep has locked is closed in its turn
_CLOSE = """
    WITH waiting AS (
        SELECT id FROM hooks.deliveries
        WHERE webhook_id = %(webhook)s::uuid AND state = 'waiting'
          AND (leased_until IS NULL OR leased_until <= clock_timestamp()
               OR id = %(id)s::uuid AND lease = %(lease)s::uuid)
          AND event IS DISTINCT FROM %(sparing)s
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
