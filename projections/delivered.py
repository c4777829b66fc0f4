"""What was sent to webhooks, and what waits: `hooks.deliveries` and what is beside it.

Written by `workers/deliveries`; counted for metrics, and listed for a webhook's admins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from domain.ids import WorkspaceId
from projections.arrays import text_array
from projections.reader import Statement

STATES = ("waiting", "delivered", "failed", "cancelled")
SHOWN_BYTES = 64 * 1024  # of a body


@dataclass(frozen=True, slots=True)
class Standing:
    """Of all workspaces.  `oldest`: seconds since the oldest that waits was made;
    `under_way`: told or being sent; `delivered`, `failed`: attempts so far."""

    waiting: int
    under_way: int
    oldest: float
    delivered: int
    failed: int
    turned_off: int


def standing(connection: psycopg.Connection[Any]) -> Standing:
    (row,) = connection.execute(STANDING.decode())
    return Standing(*row)


def neglected(connection: psycopg.Connection[Any], least: float) -> float:
    """For how many seconds a delivery has been due whose webhook had no turn for as
    long: none has where somebody works.  0 where it is not `least`."""
    row = connection.execute(_NEGLECTED, [least]).fetchone()
    return float(row[0]) if row else 0.0


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt, as JSON of `LISTED` has it; no `status`: there was no reply."""

    number: int
    at: str
    seconds: float
    status: int | None
    error: str | None
    reply: str  # hexadecimal


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of `listed`.  `seq` and `by_seq`: see NewDelivery; None of a test."""

    id: str
    event_id: str
    event: str
    seq: int | None
    by_seq: int | None
    state: str
    reason: str | None
    created_at: str
    finished_at: str | None
    due_at: str | None
    body: bytes
    body_bytes: int
    tried: Sequence[Tried]


def listed(
    workspace_id: WorkspaceId,
    webhook_id: str,
    states: Sequence[str],
    limit: int,
    offset: int,
) -> Sequence[Statement]:
    """A page of a webhook's deliveries, newest first, and how many there are."""
    values = {
        "workspace": workspace_id,
        "webhook": webhook_id,
        "states": text_array(states),
        "limit": limit,
        "offset": offset,
        "bytes": SHOWN_BYTES,
    }
    return [(_LISTED, values), (_COUNTED, values)]


def delivery(row: Sequence[Any]) -> Delivery:
    made: Callable[..., Delivery] = Delivery
    tried = [Tried(*one) for one in row[-1]]
    return made(*row[:-3], bytes(row[-3]), row[-2], tried)


# by deliveries_waiting, deliveries_under_way
STANDING = b"""
    SELECT w.count::int, u.count::int, w.oldest, r.delivered, r.failed, r.turned_off
    FROM (
        SELECT count(*), coalesce(extract(epoch FROM clock_timestamp()
                                          - min(created_at)), 0)::float8 AS oldest
        FROM hooks.deliveries WHERE state = 'waiting'
    ) AS w
    CROSS JOIN (
        SELECT count(*) FROM hooks.deliveries
        WHERE state = 'waiting' AND told_until > clock_timestamp()
    ) AS u
    CROSS JOIN (
        SELECT coalesce(sum(delivered), 0)::bigint AS delivered,
               coalesce(sum(failed), 0)::bigint AS failed,
               coalesce(sum(turned_off), 0)::bigint AS turned_off
        FROM hooks.receivers
    ) AS r
"""
# by deliveries_due, of each webhook its first
_NEGLECTED = """
    SELECT coalesce(max(extract(epoch FROM clock_timestamp()
               - greatest(h.due_at, r.rests_until, r.told_at))), 0)::float8
    FROM hooks.receivers AS r
    CROSS JOIN LATERAL (
        SELECT d.due_at FROM hooks.deliveries AS d
        WHERE d.webhook_id = r.webhook_id AND d.state = 'waiting' AND d.head
        ORDER BY d.due_at LIMIT 1
    ) AS h
    WHERE greatest(h.due_at, r.rests_until, r.told_at)
          < clock_timestamp() - %s::float8 * interval '1 second'
"""
# by deliveries_of_webhook, once for each state
_LISTED = b"""
    WITH page AS (
        SELECT d.* FROM unnest(%(states)s::text[]) AS s (state)
        CROSS JOIN LATERAL (
            SELECT * FROM hooks.deliveries
            WHERE webhook_id = %(webhook)s::uuid AND state = s.state
              AND workspace_id = %(workspace)s::uuid
            ORDER BY id DESC LIMIT %(limit)s::bigint + %(offset)s::bigint
        ) AS d
        ORDER BY d.id DESC LIMIT %(limit)s OFFSET %(offset)s
    )
    SELECT page.id, page.event_id, page.event, page.seq, page.by_seq, page.state,
           page.reason, ledger.rfc3339(page.created_at),
           ledger.rfc3339(page.finished_at),
           CASE WHEN page.state = 'waiting' THEN ledger.rfc3339(page.due_at) END,
           substring(c.body FOR %(bytes)s), octet_length(c.body),
           (SELECT coalesce(json_agg(json_build_array(
                       number, ledger.rfc3339(at), seconds, status, error,
                       encode(coalesce(reply, ''), 'hex')) ORDER BY number), '[]')
            FROM hooks.attempts WHERE delivery_id = page.id)
    FROM page JOIN hooks.contents AS c ON c.delivery_id = page.id
    ORDER BY page.id DESC
"""
_COUNTED = b"""
    SELECT count(*) FROM hooks.deliveries
    WHERE webhook_id = %(webhook)s::uuid AND state = ANY (%(states)s::text[])
      AND workspace_id = %(workspace)s::uuid
"""
