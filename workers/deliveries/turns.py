"""Whose turn it is: which deliveries are due now, fairly.

    due            the head of its stream, its time has come, its webhook does not rest
    under way      told of, or being sent, until `told_until`
    at the most    AT_A_TIME of a webhook and of a workspace's receiver, one of a
                   webhook that fails, OF_WORKSPACE of a workspace

Whoever had no turn for the longest comes first: of webhooks one delivery each, then the
second ones, and so on.  A webhook that has a million deliveries, or whose receiver
takes fifteen seconds for each, so takes its own turns and nobody else's.
"""

from collections.abc import Sequence

from workers.loops import Connection

TOLD_SECONDS = 60  # then it is told again: who was told may be gone
AT_A_TIME = 4
OF_WORKSPACE = 16


async def due(connection: Connection, most: int) -> Sequence[str]:
    """The ids of what is due, `most` at the most; nobody else is told of them for
    a while."""
    values = {
        "most": most,
        "told": TOLD_SECONDS,
        "at_a_time": AT_A_TIME,
        "of_workspace": OF_WORKSPACE,
    }
    found = await connection.execute(_DUE, values)
    return [row[0] for row in await found.fetchall()]


# `waiting` steps from webhook to webhook by deliveries_due, and `heads` takes the first
# few of each by the same index; `busy` by deliveries_under_way.  The rows are locked
# before they are marked, in case two sweeps meet; nobody is waited for.
_DUE = """
    WITH RECURSIVE waiting AS (
        (SELECT webhook_id FROM hooks.deliveries WHERE state = 'waiting' AND head
         ORDER BY webhook_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.webhook_id FROM hooks.deliveries AS d
                WHERE d.state = 'waiting' AND d.head AND d.webhook_id > w.webhook_id
                ORDER BY d.webhook_id LIMIT 1)
        FROM waiting AS w WHERE w.webhook_id IS NOT NULL
    ), busy AS MATERIALIZED (
        SELECT workspace_id, webhook_id, receiver FROM hooks.deliveries
        WHERE state = 'waiting' AND told_until > clock_timestamp()
    ), heads AS (
        SELECT h.*, r.told_at,
               row_number() OVER (PARTITION BY h.webhook_id ORDER BY h.due_at, h.id)
                   + coalesce(busy.count, 0) AS nth,
               CASE WHEN r.failing_since IS NULL THEN %(at_a_time)s ELSE 1 END AS room
        FROM waiting
        JOIN hooks.receivers AS r USING (webhook_id)
        LEFT JOIN (SELECT webhook_id, count(*) FROM busy GROUP BY 1) AS busy
            USING (webhook_id)
        CROSS JOIN LATERAL (
            SELECT d.id, d.workspace_id, d.webhook_id, d.receiver, d.due_at
            FROM hooks.deliveries AS d
            WHERE d.webhook_id = waiting.webhook_id AND d.state = 'waiting' AND d.head
              AND d.due_at <= clock_timestamp()
              AND (d.told_until IS NULL OR d.told_until <= clock_timestamp())
            ORDER BY d.due_at, d.id LIMIT %(at_a_time)s
        ) AS h
        WHERE r.rests_until IS NULL OR r.rests_until <= clock_timestamp()
    ), of_receivers AS (
        SELECT heads.*, row_number() OVER (PARTITION BY workspace_id, receiver
                                           ORDER BY nth, told_at NULLS FIRST, id)
                        + coalesce(busy.count, 0) AS at_receiver
        FROM heads
        LEFT JOIN (SELECT workspace_id, receiver, count(*) FROM busy GROUP BY 1, 2)
            AS busy USING (workspace_id, receiver)
        WHERE nth <= room
    ), of_workspaces AS (
        SELECT of_receivers.*, row_number() OVER (PARTITION BY workspace_id
                                                  ORDER BY nth, told_at NULLS FIRST, id)
                               + coalesce(busy.count, 0) AS turn
        FROM of_receivers
        LEFT JOIN (SELECT workspace_id, count(*) FROM busy GROUP BY 1) AS busy
            USING (workspace_id)
        WHERE at_receiver <= %(at_a_time)s
    ), chosen AS (
        SELECT id, turn FROM of_workspaces WHERE turn <= %(of_workspace)s
        ORDER BY turn, told_at NULLS FIRST, id LIMIT %(most)s
    ), locked AS (
        SELECT d.id, chosen.turn FROM hooks.deliveries AS d JOIN chosen USING (id)
        WHERE d.state = 'waiting'
          AND (d.told_until IS NULL OR d.told_until <= clock_timestamp())
        FOR UPDATE OF d SKIP LOCKED
    ), told AS (
        UPDATE hooks.deliveries AS d
        SET told_until = clock_timestamp() + %(told)s * interval '1 second'
        FROM locked WHERE d.id = locked.id
        RETURNING d.id, d.webhook_id, locked.turn
    ), turned AS (
        UPDATE hooks.receivers SET told_at = clock_timestamp()
        WHERE webhook_id IN (
            SELECT webhook_id FROM hooks.receivers
            WHERE webhook_id IN (SELECT webhook_id FROM told)
            FOR NO KEY UPDATE SKIP LOCKED)
    )
    SELECT id FROM told ORDER BY turn
"""
