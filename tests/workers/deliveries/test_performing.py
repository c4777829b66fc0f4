"""One try after the other: what is sent, when again, and how it ends."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook as Standard

from commands.outbound import Guard, Outbound
from commands.system import new_id, now
from tests.workers.deliveries.desk import SECONDS, Desk, Webhook
from tests.workers.receiver import Receiver, Says
from workers.deliveries.sending import sending
from workers.deliveries.webhooks import Gone, Off, Paused, Ready, Unreadable

pytestmark = pytest.mark.anyio
DAY = 86_400


@pytest.fixture
def webhook(desk: Desk, receiver: Receiver) -> Webhook:
    return desk.webhook(receiver, headers={"x-shop": "7"})


async def test_an_event_is_sent_signed_and_once(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    event = webhook.delivery(3, body=b'{"type":"record.updated"}')
    await webhook.add(event)

    assert await desk.work() == 1

    (sent,) = receiver.received
    assert (sent.path, sent.body) == ("/hook", b'{"type":"record.updated"}')
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["x-shop"] == "7"
    assert sent.id == f"msg_{event.event_id}"
    Standard(webhook.secret).verify(sent.body, dict(sent.headers))
    assert await webhook.states() == ["delivered"]
    (attempt,) = await webhook.attempts()
    assert (attempt["number"], attempt["status"], attempt["reply"]) == (1, 200, b"ok")
    assert await desk.work() == 0


async def test_what_fails_is_tried_again_as_the_schedule_has_it_and_is_dead_at_the_end(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    receiver.reply(Says(500))
    await webhook.add(webhook.delivery(3, body=b"the same"))

    waits = []
    for _ in range(2):
        assert await desk.work() == 1
        (row,) = await webhook.deliveries()
        assert (row["state"], row["reason"]) == ("waiting", "the receiver answered 500")
        waits.append(row["due_in"])
        await webhook.due_now()
    assert await desk.work() == 1

    assert 4 < waits[0] < 5.6
    assert 269 < waits[1] < 331
    (row,) = await webhook.deliveries()
    assert (row["state"], row["attempts"], row["status"]) == ("failed", 3, 500)
    assert row["reason"] == "the receiver answered 500, at the last of 3 attempts"
    assert [one["number"] for one in await webhook.attempts()] == [1, 2, 3]
    assert receiver.bodies == [b"the same"] * 3
    assert len(set(receiver.ids)) == 1


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("60", 59, 60),
        ("1000000000", 3590, 3600),
        (lambda: format_datetime(_from_now(120), usegmt=True), 117, 120),
        (lambda: format_datetime(_from_now(-120), usegmt=True), 0, 1),
        ("soon", 4, 5.6),
    ],
)
async def test_a_receiver_says_when_to_come_again_within_an_hour(
    desk: Desk, receiver: Receiver, webhook: Webhook, header, least, most
):
    said = header if isinstance(header, str) else header()
    receiver.reply(Says(429, {"retry-after": said}))
    await webhook.add(webhook.delivery(3))

    await desk.work()

    (row,) = await webhook.deliveries()
    assert least < row["due_in"] <= most


def _from_now(seconds: float) -> datetime:
    return datetime.fromtimestamp(now(), UTC) + timedelta(seconds=seconds)


async def test_nothing_is_sent_to_a_webhook_that_asked_to_wait(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    receiver.reply(Says(503, {"retry-after": "60"}))
    await webhook.add(webhook.delivery(3))
    await desk.work()

    await webhook.add(webhook.delivery(4))

    assert await desk.work() == 0


async def test_a_redirect_is_a_failure_and_is_not_followed(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    receiver.reply(Says(302, {"location": f"{receiver.url}/elsewhere"}))
    await webhook.add(webhook.delivery(3))

    await desk.work()

    assert [one.path for one in receiver.received] == ["/hook"]
    (row,) = await webhook.deliveries()
    assert row["state"] == "waiting"
    assert row["reason"] == (
        "the receiver answered 302, and redirects are not followed"
    )


async def test_410_turns_the_webhook_off_and_what_waits_fails(
    desk: Desk, receiver: Receiver, webhook: Webhook, caplog
):
    receiver.reply(Says(410))
    stream = new_id()
    await webhook.add(webhook.delivery(3, stream), webhook.delivery(4, stream))

    with caplog.at_level(logging.WARNING):
        await desk.work()

    reason = "the receiver answered 410: it wants nothing more"
    assert desk.known.turned_off == [(webhook.id, reason)]
    assert f"webhook {webhook.id}" in caplog.text
    assert len(receiver.received) == 1
    assert [row["reason"] for row in await webhook.deliveries()] == [reason, reason]
    assert await webhook.states() == ["failed", "failed"]
    assert (await webhook.how_it_goes())["turned_off"] == 1


async def test_five_days_of_nothing_but_failures_turn_a_webhook_off(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    receiver.reply(Says(500))
    await webhook.add(webhook.delivery(3), webhook.delivery(4))
    await _failing(webhook, since=5 * DAY - 60)
    await desk.work()
    assert desk.known.turned_off == []

    await _failing(webhook, since=5 * DAY)
    await webhook.due_now()
    await desk.work()

    assert desk.known.turned_off == [(webhook.id, "nothing but failures for 120 hours")]
    assert await webhook.states() == ["failed", "failed"]


async def test_a_success_or_a_long_silence_has_failures_count_anew(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    receiver.reply(Says(200), Says(500))
    await webhook.add(webhook.delivery(3))
    await _failing(webhook, since=6 * DAY)
    await desk.work()
    assert (await webhook.how_it_goes())["failing_since"] is None

    await webhook.add(webhook.delivery(4))
    await _failing(webhook, since=9 * DAY, last=6 * DAY)
    await desk.work()

    assert desk.known.turned_off == []
    assert await webhook.states() == ["delivered", "waiting"]


async def _failing(webhook: Webhook, since: float, last: float = 3600) -> None:
    await webhook.ask(
        f"UPDATE hooks.receivers SET failing_since = now() - interval '{since} s',"
        f" failed_at = now() - interval '{last} s'"
        " WHERE webhook_id = %(webhook)s::uuid"
    )


async def test_an_address_that_is_not_public_is_called_by_nobody(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    desk.send = sending(Outbound(Guard(ports=None)))
    await webhook.add(webhook.delivery(3))

    await desk.work()

    assert receiver.received == []
    (attempt,) = await webhook.attempts()
    assert attempt["status"] is None
    assert "is not a public address" in attempt["error"]
    assert attempt["reply"] == b""


async def test_a_row_is_performed_by_one_of_those_who_are_told_of_it(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    await webhook.add(webhook.delivery(3))
    (told,) = await desk.due()

    await asyncio.gather(*(desk.job.perform(told) for _ in range(4)))

    assert len(receiver.received) == 1
    assert len(await webhook.attempts()) == 1


async def test_what_is_added_while_a_reply_is_awaited_comes_next(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    replies = asyncio.Event()
    receiver.reply(Says(200, until=replies))
    stream = new_id()
    await webhook.add(webhook.delivery(3, stream))
    (told,) = await desk.due()
    finishing = asyncio.create_task(desk.job.perform(told))
    await receiver.arrived.wait()

    async with webhook.adding([webhook.delivery(4, stream)]):
        replies.set()
        await asyncio.sleep(0.1)
        assert not finishing.done()
    await finishing

    assert await webhook.rows() == [(3, "delivered", True), (4, "waiting", True)]


async def test_threat_66_killed_after_the_reply_it_is_sent_again_with_the_same_id(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    receiver.reply(Says(200, delay=0.2), Says(200))
    await webhook.add(webhook.delivery(3))
    (told,) = await desk.due()
    killed = asyncio.create_task(desk.job.perform(told))
    await receiver.arrived.wait()
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)

    assert await desk.due() == []
    await webhook.leases_end()
    assert await desk.work() == 1

    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1
    assert await webhook.states() == ["delivered"]
    assert len(await webhook.attempts()) == 1


async def test_who_lost_the_lease_writes_nothing(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    receiver.reply(Says(500, delay=0.2), Says(200))
    await webhook.add(webhook.delivery(3))
    (told,) = await desk.due()
    late = asyncio.create_task(desk.job.perform(told))
    await receiver.arrived.wait()
    await webhook.leases_end()
    await desk.work()

    await late

    assert len(set(receiver.ids)) == 1
    assert await webhook.states() == ["delivered"]
    assert [one["status"] for one in await webhook.attempts()] == [200]
    assert (await webhook.how_it_goes())["failed"] == 0


@pytest.mark.parametrize(
    ("standing", "state"),
    [(Gone("the webhook is deleted"), "cancelled"), (Off("turned off"), "failed")],
)
async def test_threat_73_deleted_or_turned_off_while_it_waits_it_is_not_sent(
    desk: Desk, receiver: Receiver, webhook: Webhook, standing, state
):
    receiver.reply(Says(500))
    stream = new_id()
    await webhook.add(webhook.delivery(3, stream), webhook.delivery(4, stream))
    await desk.work()
    desk.known.standings[webhook.id] = standing
    await webhook.due_now()

    await desk.work()

    assert len(receiver.received) == 1
    rows = await webhook.deliveries()
    assert [row["state"] for row in rows] == [state, state]
    assert [row["reason"] for row in rows] == [standing.reason, standing.reason]


async def test_deleted_while_it_is_sent_what_comes_of_that_is_still_written_down(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    receiver.reply(Says(200, delay=0.2))
    await webhook.add(webhook.delivery(3))
    (told,) = await desk.due()
    sending_it = asyncio.create_task(desk.job.perform(told))
    await receiver.arrived.wait()
    desk.known.standings[webhook.id] = Gone("the webhook is deleted")
    await webhook.add(webhook.delivery(4))

    await desk.work()
    await sending_it

    assert await webhook.states() == ["delivered", "cancelled"]


async def test_of_a_webhook_that_is_over_all_that_waits_is_closed_at_once(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    receiver.reply(Says(503, {"retry-after": "3600"}))
    one, other = new_id(), new_id()
    await webhook.add(
        webhook.delivery(3, one), webhook.delivery(4, one), webhook.delivery(5, other)
    )
    await desk.work()
    await webhook.set("due_at = now() + interval '1 day'")
    assert await desk.due() == []

    desk.known.standings[webhook.id] = Off("turned off by somebody")
    await webhook.stir(over=True)

    assert await desk.work() == 1
    assert await webhook.states() == ["failed"] * 3
    reasons = {row["reason"] for row in await webhook.deliveries()}
    assert reasons == {"turned off by somebody"}


async def test_what_was_under_way_when_its_webhook_ended_is_not_tried_again(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    receiver.reply(Says(500, delay=0.2))
    await webhook.add(webhook.delivery(3))
    (told,) = await desk.due()
    sending_it = asyncio.create_task(desk.job.perform(told))
    await receiver.arrived.wait()
    desk.known.standings[webhook.id] = Gone("the webhook is deleted")
    await webhook.stir(over=True)

    await sending_it

    (row,) = await webhook.deliveries()
    assert (row["state"], row["attempts"]) == ("cancelled", 1)
    assert row["reason"] == "the webhook is deleted"


async def test_the_end_of_a_webhook_waits_for_nobody_who_finishes_something(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    await webhook.add(webhook.delivery(3), webhook.delivery(4))
    await webhook.set("due_at = now() + interval '1 day'")
    async with desk.pool.connection() as connection, connection.transaction():
        await connection.execute(
            "SELECT FROM hooks.deliveries WHERE webhook_id = %s::uuid AND seq = 3"
            " FOR UPDATE",
            [webhook.id],
        )
        async with asyncio.timeout(2):
            await webhook.stir(over=True)

    due = {row["seq"]: row["due_in"] for row in await webhook.deliveries()}
    assert due[4] <= 0 < due[3]


async def test_a_paused_webhook_keeps_what_waits(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    ready = desk.known.standings[webhook.id]
    desk.known.standings[webhook.id] = Paused()
    await webhook.add(webhook.delivery(3), webhook.delivery(4))

    assert await desk.work() == 2
    assert await webhook.states() == ["waiting", "waiting"]
    assert await desk.work() == 0

    desk.known.standings[webhook.id] = ready
    await webhook.stir()
    assert await desk.work() == 2
    assert await webhook.states() == ["delivered", "delivered"]
    assert [one["number"] for one in await webhook.attempts()] == [1, 1]


async def test_what_cannot_be_unsealed_is_an_attempt_that_failed(
    desk: Desk, receiver: Receiver, webhook: Webhook
):
    desk.known.standings[webhook.id] = Unreadable("sealed with another key")
    await webhook.add(webhook.delivery(3))

    await desk.work()

    assert await webhook.states() == ["waiting"]
    (attempt,) = await webhook.attempts()
    assert attempt["error"] == "sealed with another key"


# threat 67: what receivers do


@pytest.mark.parametrize(
    ("says", "status", "told"),
    [
        (Says(200, delay=2 * SECONDS), None, "no whole reply within"),
        (Says(200, drip=SECONDS / 4), None, "no whole reply within"),
        (Says(reset=True), None, "The reply was not one of HTTP"),
        (Says(200, headers={"content-length": "-1"}), None, "not one of HTTP"),
        (Says(404), 404, None),
    ],
)
async def test_threat_67_whatever_a_receiver_does_is_a_failure_that_is_told(
    desk: Desk, receiver: Receiver, webhook: Webhook, says, status, told
):
    receiver.reply(says)
    if says.drip:
        receiver.reply(replace(says, body=bytes(100)))
    await webhook.add(webhook.delivery(3))

    await desk.work()

    (attempt,) = await webhook.attempts()
    assert attempt["status"] == status
    if told is None:
        assert attempt["error"] is None
    else:
        assert told in attempt["error"]
    assert await webhook.states() == ["waiting"]


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "gzip"}])
async def test_threat_67_of_a_reply_of_10_gb_the_beginning_is_read(
    desk: Desk, receiver: Receiver, webhook: Webhook, headers
):
    receiver.reply(Says(200, headers=headers, endless=True))
    await webhook.add(webhook.delivery(3))

    await desk.work()

    assert await webhook.states() == ["delivered"]
    assert receiver.sent < 16 * 2**20
    (attempt,) = await webhook.attempts()
    assert attempt["reply"] == bytes(1024)


async def test_what_goes_wrong_here_is_an_attempt_too_and_has_an_end(
    desk: Desk, receiver: Receiver, webhook: Webhook, caplog
):
    known = desk.known.standings[webhook.id]
    assert isinstance(known, Ready)
    desk.known.standings[webhook.id] = replace(known, secrets=["none of ours"])
    await webhook.add(webhook.delivery(3))

    await desk.work()

    assert receiver.received == []
    (attempt,) = await webhook.attempts()
    assert attempt["error"] == "it could not be sent; the server's log says why"
    assert "was not sent" in caplog.text
