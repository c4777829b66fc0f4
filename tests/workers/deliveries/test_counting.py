"""What metrics and `tabellion doctor` tell of deliveries; how long they are kept."""

import pytest

from api.metrics import Metrics
from commands.system import System
from projections import delivered
from projections.postgres import connect
from tests.workers.deliveries.desk import Desk
from tests.workers.receiver import Received, Receiver, Says
from workers.deliveries.tidying import AT_ONCE, tidy

pytestmark = pytest.mark.anyio


def _fails_with_a_body_of_no(asked: Received) -> Says:
    return Says(500 if asked.body == b"no" else 200)


async def test_metrics_tell_what_waits_and_how_attempts_ended(
    desk: Desk, receiver: Receiver, system: System
):
    receiver.says = _fails_with_a_body_of_no
    webhook = desk.webhook(receiver)
    await webhook.add(webhook.delivery(1), webhook.delivery(2, body=b"no"))
    await desk.work()
    await webhook.add(webhook.delivery(3))
    await desk.due()
    await webhook.set("created_at = now() - interval '90 s'")

    told = (await Metrics().text(system)).decode()

    assert "tabellion_webhook_deliveries_waiting 2.0" in told
    assert "tabellion_webhook_deliveries_under_way 1.0" in told
    assert "tabellion_webhook_oldest_waiting_seconds 90." in told
    assert 'tabellion_webhook_attempts_total{outcome="delivered"} 1.0' in told
    assert 'tabellion_webhook_attempts_total{outcome="failed"} 1.0' in told
    assert "tabellion_webhook_turned_off_total 0.0" in told
    assert "# TYPE tabellion_webhook_turned_off_total counter" in told


async def test_the_doctor_counts_them_too(desk: Desk, receiver: Receiver):
    webhook = desk.webhook(receiver)
    await webhook.add(webhook.delivery(1))
    await webhook.set("created_at = now() - interval '90 s'")

    with connect(desk.database.app) as app:
        now = delivered.standing(app)

    assert (now.waiting, now.under_way, int(now.oldest)) == (1, 0, 90)


async def test_what_was_finished_long_ago_goes_a_little_at_a_time(
    desk: Desk, receiver: Receiver
):
    receiver.says = _fails_with_a_body_of_no
    webhook = desk.webhook(receiver)
    await webhook.add(*(webhook.delivery(seq) for seq in range(1, 4)))
    await webhook.add(webhook.delivery(4, body=b"no"))
    await desk.work()
    await webhook.ask(
        "UPDATE hooks.deliveries SET finished_at = now() - interval '30 days 1 s'"
        " WHERE seq < 3"
    )

    await desk.due()

    assert [row["seq"] for row in await webhook.deliveries()] == [3, 4]
    assert len(await webhook.attempts()) == 2
    (left,) = await webhook.ask("SELECT count(*) FROM hooks.contents")
    assert left["count"] == 2


async def test_a_slice_is_small_and_tells_whether_it_was_the_last(
    desk: Desk, receiver: Receiver
):
    webhook = desk.webhook(receiver)
    await webhook.add(*(webhook.delivery(seq) for seq in range(AT_ONCE + 1)))
    await webhook.set("state = 'failed', finished_at = now() - interval '1 day'")

    async with desk.pool.connection() as connection:
        assert [await tidy(connection, 3600) for _ in range(2)] == [False, True]

    assert await webhook.deliveries() == []
