"""What is to be sent: rows that a follower adds in the transaction of its position.

    hooks.deliveries   a row an event and a webhook: whose turn it is, how it ended
    hooks.contents     the bytes that every try sends

Of one webhook and stream the earliest that waits is the *head*, and no other is due.
Who adds and who finishes agree on it by row locks: adding holds the last one that waits
FOR SHARE, so finishing it comes either before, and then what is added is the head, or
after the commit, and then it finds what was added (`promote` in `outcomes.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commands.system import now, random_bits
from domain.ids import EventId, WorkspaceId, counting, uuid7_number
from projections.arrays import text_array
from workers.loops import Connection
from workers.tasks.job import CHANNEL

NAME = "deliveries"


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An event for a webhook.

    `receiver`: the URL's origin.  `stream`: the id of what is told in order.
    `by_seq`: the position of what has it sent, where that is not the event itself but a
    replay; each replay sends an event once more, with the same `webhook-id`.
    """

    workspace_id: WorkspaceId
    webhook_id: str
    seq: int
    event_id: EventId
    event: str
    receiver: str
    stream: str
    body: bytes
    by_seq: int | None = None


async def add(connection: Connection, rows: Sequence[NewDelivery]) -> int:
    """Adds what is not there yet, and has it told at COMMIT; gives how many.

    `rows` are in the order of the feed.  The transaction has to see their workspaces.
    """
    if not rows:
        return 0
    first = uuid7_number(int(now() * 1000), random_bits(74))
    values = {
        "ids": text_array(counting(first, len(rows))),
        "workspaces": text_array([one.workspace_id for one in rows]),
        "webhooks": text_array([one.webhook_id for one in rows]),
        "seqs": text_array([one.seq for one in rows]),
        "by_seqs": text_array([_sent_by(one) for one in rows]),
        "event_ids": text_array([one.event_id for one in rows]),
        "events": text_array([one.event for one in rows]),
        "receivers": text_array([one.receiver for one in rows]),
        "streams": text_array([one.stream for one in rows]),
        "bodies": [one.body for one in rows],
    }
    row = await (await connection.execute(_ADD, values)).fetchone()
    added = int(row[0]) if row else 0
    if added:
        await connection.execute(NOTIFY, [CHANNEL, NAME])
    return added


async def stir(connection: Connection, changed: Mapping[str, bool]) -> None:
    """Has webhooks that changed looked at anew, at COMMIT: a paused one goes on, and of
    one that is over (turned off, or gone with what it belongs to) all that waits is
    closed, also what is to be tried tomorrow.  `changed`: whether each is over.

    For the latter a head comes due now: whoever performs it closes all of them.  What
    is under way, or just being finished, is looked at after its end anyway (`job.py`).

    The last of its transaction: who finishes a delivery locks its row before its
    webhook's, and `add` locks rows.  For none of these rows is waited here.
    """
    if not changed:
        return
    over = text_array(sorted(one for one, ended in changed.items() if ended))
    ending = await connection.execute(_END, [over])
    stirred = await connection.execute(_STIR, [text_array(sorted(changed))])
    if ending.rowcount or stirred.rowcount:
        await connection.execute(NOTIFY, [CHANNEL, NAME])


def _sent_by(one: NewDelivery) -> int:
    return one.seq if one.by_seq is None else one.by_seq


NOTIFY = "SELECT pg_notify(%s, %s)"
# `ahead` by deliveries_of_stream, `fresh` by the unique key: no other may be added
# meanwhile, as a workspace is at one follower at a time
_ADD = """
    WITH new AS (
        SELECT * FROM unnest(
            %(ids)s::uuid[], %(workspaces)s::uuid[], %(webhooks)s::uuid[],
            %(seqs)s::bigint[], %(by_seqs)s::bigint[], %(event_ids)s::uuid[],
            %(events)s::text[], %(receivers)s::text[], %(streams)s::uuid[],
            %(bodies)b::bytea[]
        ) AS n (id, workspace_id, webhook_id, seq, by_seq, event_id, event, receiver,
                stream, body)
    ), fresh AS (
        SELECT * FROM new WHERE NOT EXISTS (
            SELECT FROM hooks.deliveries AS d
            WHERE d.workspace_id = new.workspace_id AND d.webhook_id = new.webhook_id
              AND d.seq = new.seq AND d.by_seq = new.by_seq)
    ), ahead AS MATERIALIZED (
        SELECT streams.* FROM (SELECT DISTINCT webhook_id, stream FROM fresh) AS streams
        CROSS JOIN LATERAL (
            SELECT FROM hooks.deliveries AS d
            WHERE d.webhook_id = streams.webhook_id AND d.stream = streams.stream
              AND d.state = 'waiting'
            ORDER BY d.by_seq DESC, d.seq DESC LIMIT 1 FOR SHARE
        ) AS last
    ), known AS (
        INSERT INTO hooks.receivers (webhook_id, workspace_id)
        SELECT DISTINCT webhook_id, workspace_id FROM fresh
        ON CONFLICT (webhook_id) DO NOTHING
    ), added AS (
        INSERT INTO hooks.deliveries (id, workspace_id, webhook_id, seq, by_seq,
                                      event_id, event, receiver, stream, head)
        SELECT id, workspace_id, webhook_id, seq, by_seq, event_id, event, receiver,
               stream,
               (webhook_id, stream) NOT IN (SELECT webhook_id, stream FROM ahead)
               AND row_number() OVER (PARTITION BY webhook_id, stream
                                      ORDER BY by_seq, seq) = 1
        FROM fresh
        ON CONFLICT (workspace_id, webhook_id, seq, by_seq) DO NOTHING
        RETURNING id, workspace_id
    ), filled AS (
        INSERT INTO hooks.contents (delivery_id, workspace_id, body)
        SELECT id, added.workspace_id, body FROM added JOIN new USING (id)
    )
    SELECT count(*) FROM added
"""
# by deliveries_due; what others have locked they finish, or look at themselves
_END = """
    WITH first AS MATERIALIZED (
        SELECT heads.id FROM unnest(%s::uuid[]) AS w (webhook_id)
        CROSS JOIN LATERAL (
            SELECT d.id FROM hooks.deliveries AS d
            WHERE d.webhook_id = w.webhook_id AND d.state = 'waiting' AND d.head
              AND (d.leased_until IS NULL OR d.leased_until <= clock_timestamp())
            ORDER BY d.due_at, d.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        ) AS heads
    )
    UPDATE hooks.deliveries AS d SET due_at = least(due_at, clock_timestamp())
    FROM first WHERE d.id = first.id
"""
_STIR = """
    UPDATE hooks.receivers SET rests_until = NULL
    WHERE webhook_id = ANY (%s::uuid[]) AND rests_until IS NOT NULL
"""
