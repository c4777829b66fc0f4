"""Whose turn it is: in order, a few at a time, and nobody waits for the slow."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from commands.system import new_id
from projections import delivered
from projections.postgres import connect
from tests.workers.deliveries.desk import Desk, Webhook
from tests.workers.receiver import Received, Receiver, Says, receiving
from workers.deliveries import outcomes, rows, tidying, turns

pytestmark = pytest.mark.anyio


async def _add(webhook: Webhook, count: int) -> None:
    """So many, each of a record of its own."""
    await webhook.add(*(webhook.delivery(seq) for seq in range(1, count + 1)))


async def _of(desk: Desk, *webhooks: Webhook, most: int = 100) -> list[int]:
    """How many deliveries of each webhook are told now."""
    told = set(await desk.due(most))
    return [
        sum(str(row["id"]) in told for row in await one.deliveries())
        for one in webhooks
    ]


async def test_of_a_record_nothing_is_sent_before_what_came_before(
    desk: Desk, receiver: Receiver
):
    webhook = desk.webhook(receiver)
    fails = True

    def says(asked: Received) -> Says:
        return Says(500 if fails and asked.body == b"one 1" else 200)

    receiver.says = says
    one, other = new_id(), new_id()
    await webhook.add(
        webhook.delivery(1, one, b"one 1"),
        webhook.delivery(2, one, b"one 2"),
        webhook.delivery(3, other, b"other 1"),
        webhook.delivery(4, one, b"one 3"),
        webhook.delivery(5, other, b"other 2"),
    )
    await desk.work()
    assert sorted(receiver.bodies) == [b"one 1", b"other 1", b"other 2"]

    fails = False
    receiver.received.clear()
    await webhook.due_now()
    await desk.work()

    assert receiver.bodies == [b"one 1", b"one 2", b"one 3"]


async def test_who_was_told_is_not_told_again_for_a_while(
    desk: Desk, receiver: Receiver
):
    webhook = desk.webhook(receiver)
    await _add(webhook, 1)

    assert len(await desk.due()) == 1
    assert await desk.due() == []
    await webhook.leases_end()
    assert len(await desk.due()) == 1


async def test_a_few_of_a_receiver_are_under_way_and_one_while_it_fails(
    desk: Desk, receiver: Receiver
):
    webhook = desk.webhook(receiver)
    await _add(webhook, 10)
    assert len(await desk.due()) == 4
    assert await desk.due() == []

    await webhook.leases_end()
    await webhook.ask(
        "UPDATE hooks.receivers SET failing_since = now(), failed_at = now()"
        " WHERE webhook_id = %(webhook)s::uuid"
    )
    assert len(await desk.due()) == 1
    assert await desk.due() == []


async def test_webhooks_of_a_workspace_share_their_receivers_turns(
    desk: Desk, receiver: Receiver
):
    one = desk.webhook(receiver)
    other = desk.webhook(receiver, one.workspace_id)
    await _add(one, 10)
    await _add(other, 10)

    assert await _of(desk, one, other) == [2, 2]


async def test_workspaces_have_their_turns_whoever_has_more_to_send(
    desk: Desk, receiver: Receiver
):
    busy, quiet = desk.webhook(receiver), desk.webhook(receiver)
    await _add(busy, 50)
    await _add(quiet, 1)

    assert await _of(desk, busy, quiet, most=2) == [1, 1]


async def test_who_had_no_turn_for_the_longest_is_next(desk: Desk, receiver: Receiver):
    webhooks = [desk.webhook(receiver) for _ in range(3)]
    for one in webhooks:
        await _add(one, 4)

    turns = [await _of(desk, *webhooks, most=1) for _ in range(6)]

    assert sorted(turns[:3]) == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert turns[3:] == turns[:3]


async def test_a_workspace_has_sixteen_under_way_at_the_most(desk: Desk):
    many = [
        desk.webhook(replace(_NOBODY, url=f"https://{n}.example")) for n in range(6)
    ]
    workspace_id = many[0].workspace_id
    for one in many:
        one.workspace_id = workspace_id
        await _add(one, 10)

    assert len(await desk.due()) == 16


_NOBODY = Receiver("https://example.com")


async def test_f26_a_slow_receiver_delays_nobody_else(desk: Desk, receiver: Receiver):
    answers = asyncio.Event()
    receiver.reply(Says(200, until=answers))
    async with receiving() as quick:
        slow, other = desk.webhook(receiver), desk.webhook(quick)
        await _add(slow, 10)
        await _add(other, 10)
        under_way = []

        while await other.states() != ["delivered"] * 10:
            told = await desk.due()
            under_way += [asyncio.create_task(desk.job.perform(one)) for one in told]
            await asyncio.sleep(0.01)

        assert "delivered" not in await slow.states()
        assert receiver.most == 4
        answers.set()
        await asyncio.gather(*under_way)


async def test_every_question_is_answered_by_an_index(desk: Desk, receiver: Receiver):
    webhook = desk.webhook(receiver)
    await _add(webhook, 1)
    with connect(desk.database.owner, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO hooks.deliveries (id, workspace_id, webhook_id, seq, by_seq,"
            " event_id, event, receiver, stream, head, state, finished_at)"
            " SELECT gen_random_uuid(), workspace_id, gen_random_uuid(), n, n,"
            " event_id, event, receiver, gen_random_uuid(), n % 3 = 0,"
            " CASE WHEN n % 2 = 0 THEN 'waiting' ELSE 'failed' END,"
            " CASE WHEN n % 2 = 1 THEN now() END"
            " FROM hooks.deliveries, generate_series(1, 3000) AS n"
        )
        owner.execute("ANALYZE hooks.deliveries")
    (row,) = await webhook.deliveries()
    some: dict[str, Any] = {
        "most": 1,
        "told": 60,
        "at_a_time": 4,
        "of_workspace": 16,
        "id": row["id"],
        "lease": row["id"],
        "seconds": 30,
        "webhook": webhook.id,
        "streams": f"{{{row['stream']}}}",
        "state": "failed",
        "reason": "",
        "sparing": None,
    }
    page: Any = delivered.listed(
        webhook.workspace_id, webhook.id, delivered.STATES, 10, 0
    )
    with connect(desk.database.app) as app:
        questions: list[tuple[str, Any]] = [
            (turns._DUE, some),
            (outcomes._CLAIM, some),
            (outcomes._PROMOTE, some),
            (outcomes._CLOSE, some),
            (tidying._DELETE, [0.0, 1]),
            (rows._END, [f"{{{webhook.id}}}"]),
            (delivered.STANDING.decode(), []),
            (delivered._NEGLECTED, [60]),
            *[(one.decode(), values) for one, values in page],
        ]
        for question, values in questions:
            plan = app.execute("EXPLAIN " + question, values).fetchall()
            told = "\n".join(line for (line,) in plan)
            assert "Seq Scan on deliveries" not in told, told
