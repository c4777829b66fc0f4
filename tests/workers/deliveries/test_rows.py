"""Rows that a follower adds: once each, in the order of their streams."""

import asyncio
from dataclasses import replace

import psycopg
import pytest

from commands.system import new_id
from tests.workers.deliveries.desk import Desk, Webhook, see

pytestmark = pytest.mark.anyio
HELD = 0.2  # seconds, in which what waits for a lock shows that it does


@pytest.fixture
def webhook(desk: Desk) -> Webhook:
    return Webhook(desk.database)


async def test_only_the_first_of_a_stream_that_waits_is_due(webhook: Webhook):
    one, other = new_id(), new_id()

    added = await webhook.add(
        webhook.delivery(3, one), webhook.delivery(4, other), webhook.delivery(5, one)
    )
    await webhook.add(webhook.delivery(6, other), webhook.delivery(7, new_id()))

    assert added == 3
    assert await webhook.rows() == [
        (3, "waiting", True),
        (4, "waiting", True),
        (5, "waiting", False),
        (6, "waiting", False),
        (7, "waiting", True),
    ]


async def test_what_is_added_twice_is_there_once(webhook: Webhook):
    stream = new_id()
    first, second = webhook.delivery(3, stream), webhook.delivery(4, stream)

    assert await webhook.add(first) == 1
    assert await webhook.add(first, second) == 1

    assert await webhook.rows() == [(3, "waiting", True), (4, "waiting", False)]


async def test_a_replay_sends_an_event_once_more_and_behind_what_waits(
    webhook: Webhook,
):
    stream = new_id()
    sent = webhook.delivery(3, stream)
    await webhook.add(sent, webhook.delivery(4, stream))

    again = replace(sent, by_seq=9)
    assert await webhook.add(again) == 1
    assert await webhook.add(again) == 0

    assert await webhook.rows() == [
        (3, "waiting", True),
        (4, "waiting", False),
        (3, "waiting", False),
    ]


async def test_bodies_are_kept_as_they_are_for_who_sees_the_workspace(
    webhook: Webhook,
):
    body = b'{"name": "\\u0000 {\\"}"}\n\xff\x00'
    await webhook.add(webhook.delivery(3, new_id(), body))

    async with await psycopg.AsyncConnection.connect(
        webhook.database.app
    ) as connection:
        query = "SELECT body FROM hooks.contents WHERE workspace_id = %s::uuid"
        found = await connection.execute(query, [webhook.workspace_id])
        assert await found.fetchall() == []
        await see(connection, webhook.workspace_id)
        found = await connection.execute(query, [webhook.workspace_id])
        assert await found.fetchall() == [(body,)]


async def test_who_waits_for_deliveries_is_told_at_the_commit(webhook: Webhook):
    async with await psycopg.AsyncConnection.connect(
        webhook.database.app, autocommit=True
    ) as listening:
        await listening.execute("LISTEN tabellion_due")
        async with webhook.adding([webhook.delivery(3, new_id())]):
            early = [one async for one in listening.notifies(timeout=HELD)]
        told = [one async for one in listening.notifies(timeout=5, stop_after=1)]

    assert early == []
    assert [one.payload for one in told] == ["deliveries"]


async def test_what_is_added_while_the_one_before_is_finished_is_the_head(
    webhook: Webhook,
):
    stream = new_id()
    await webhook.add(webhook.delivery(3, stream))

    async with await psycopg.AsyncConnection.connect(webhook.database.app) as finishing:
        await finishing.execute(
            "UPDATE hooks.deliveries SET state = 'delivered', finished_at = now()"
            " WHERE webhook_id = %s::uuid",
            [webhook.id],
        )
        adding = asyncio.create_task(webhook.add(webhook.delivery(4, stream)))
        await asyncio.sleep(HELD)
        assert not adding.done()
    await adding

    assert await webhook.rows() == [(3, "delivered", True), (4, "waiting", True)]
