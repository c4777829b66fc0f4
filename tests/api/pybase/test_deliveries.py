"""What a webhook sent, and trying one out: over HTTP, to a receiver that is there."""

import asyncio
import json
import time

import psycopg
import pytest
from standardwebhooks import Webhook as Standard

from api.working import working
from tests.client import Client, made, running_server
from tests.workers.receiver import Says, receiving
from workers.jobs import jobs

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def calling(settings, database):
    """A server that may call this machine, and that works when it is told to."""
    allowing = {
        "outbound_allow": ("127.0.0.0/8",),
        "outbound_ports": ("*",),
        "webhook_retries": ("5",),
    }
    with running_server(settings.model_copy(update=allowing), database) as server:
        yield server


@pytest.fixture(scope="module")
def owner(calling):
    with Client(calling.url) as client:
        yield client.register("Ada")


@pytest.fixture
async def receiver():
    async with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def table(owner):
    return owner.table("Name")


@pytest.fixture
def webhook(owner, table, receiver):
    secret = {"X-Secret": "canary-header"}
    url = f"{receiver.url}/in?key=canary-query"
    return owner.webhook(table["id"], url=url, headers=secret)


async def call(method, path, **more):
    """A call of the API while the receiver, on this loop, can answer."""
    return await asyncio.to_thread(method, path, **more)


def trial(webhook):
    return f"/webhooks/{webhook['id']}/test"


def deliveries(webhook, query=""):
    return f"/webhooks/{webhook['id']}/deliveries{query}"


async def test_a_366_a_test_is_one_signed_message_sent_at_once(
    owner, receiver, webhook, table
):
    receiver.reply(Says(202, body=b"got it"))
    payload = {"hello": ["world", 1.50]}

    reply = await call(owner.post, trial(webhook), json={"payload": payload})

    assert reply.status_code == 200
    told = reply.json()
    assert told.pop("duration_ms") >= 0
    assert told == {
        "success": True,
        "status_code": 202,
        "response_body": "got it",
        "error": None,
    }
    (sent,) = receiver.received
    message = Standard(webhook["secret"]).verify(sent.body, dict(sent.headers))
    assert message["type"] == "webhook.test"
    assert message["data"] == {
        "webhook_id": webhook["id"],
        "workspace_id": webhook["workspace_id"],
        "table_id": table["id"],
        "payload": payload,
    }
    assert sent.headers["x-secret"] == "canary-header"


async def test_a_test_is_a_delivery_that_is_never_sent_again(
    owner, receiver, webhook, calling
):
    receiver.reply(Says(500, body=b"\xff" + bytes(2000)))

    reply = await call(owner.post, trial(webhook))

    assert reply.json()["success"] is False
    assert reply.json()["error"] == "the receiver answered 500"
    (listed,) = made(await call(owner.get, deliveries(webhook)))["items"]
    assert (listed["event"], listed["state"]) == ("webhook.test", "failed")
    assert (listed["position"], listed["event_id"]) == (None, None)
    assert listed["next_attempt_at"] is None
    (attempt,) = listed["attempts"]
    assert (attempt["number"], attempt["status"]) == (1, 500)
    assert attempt["reply"] == "\ufffd" + "\0" * 1023
    (job,) = jobs(calling.system)
    # of others something may be left
    assert listed["id"] not in calling.run(job.overdue(1000))
    assert len(receiver.received) == 1


async def test_what_was_sent_is_told_without_what_is_secret(owner, receiver, webhook):
    await call(owner.post, trial(webhook))

    page = made(await call(owner.get, deliveries(webhook)))

    assert (page["total"], page["limit"], page["offset"]) == (1, 100, 0)
    (one,) = page["items"]
    (sent,) = receiver.received
    assert one["request"] == {
        "url": webhook["url"],
        "headers": {"X-Secret": "********", "webhook-id": sent.id},
        "body": sent.body.decode(),
        "body_bytes": len(sent.body),
    }
    assert "canary-header" not in json.dumps(page)
    assert webhook["secret"] not in json.dumps(page)


@pytest.fixture
def works(calling, database):
    """What follows the commit, as a process that serves has it."""
    running = calling.run(_started(calling.system))
    with psycopg.connect(database.app, autocommit=True) as connection:
        # a follower begins with what comes after it began
        while not connection.execute(
            "SELECT FROM ledger.positions WHERE follower = 'webhooks'"
        ).rowcount:
            time.sleep(0.01)
    yield
    calling.run(running.stop())


async def _started(system):
    running = working(system)
    running.start()
    return running


async def test_what_happens_to_a_record_is_told_soon(
    owner, receiver, webhook, table, works
):
    came = time.monotonic()
    record = await asyncio.to_thread(owner.record, table["id"], Name="Ada")

    async with asyncio.timeout(10):
        await receiver.arrived.wait()

    assert time.monotonic() - came < 5
    (sent,) = receiver.received
    message = Standard(webhook["secret"]).verify(sent.body, dict(sent.headers))
    assert message["type"] == "record.created"
    assert message["data"]["record_id"] == record["id"]
    assert sent.id == f"msg_{message['data']['event_id']}"
    while True:
        (one,) = made(await call(owner.get, deliveries(webhook)))["items"]
        if one["state"] != "waiting":
            break
    assert (one["state"], one["event"]) == ("delivered", "record.created")
    assert one["position"] == message["data"]["position"]
    assert one["request"]["body"] == sent.body.decode()


async def test_what_waits_for_a_paused_webhook_says_so(
    owner, receiver, webhook, table, works
):
    path = f"/webhooks/{webhook['id']}"
    made(await call(owner.patch, path, json={"is_paused": True}))
    await asyncio.to_thread(owner.record, table["id"], Name="Ada")
    async with asyncio.timeout(10):
        while not (items := made(await call(owner.get, deliveries(webhook)))["items"]):
            await asyncio.sleep(0.02)

    (one,) = items
    assert (one["state"], one["next_attempt_at"]) == ("waiting", None)
    assert one["reason"] == "the webhook is paused"


async def test_what_is_turned_off_fails_soon_and_can_be_replayed(
    owner, receiver, webhook, table, works
):
    path = f"/webhooks/{webhook['id']}"
    receiver.reply(Says(503, {"retry-after": "3600"}))
    for name in ("Ada", "Grace"):
        await asyncio.to_thread(owner.record, table["id"], Name=name)
    async with asyncio.timeout(10):
        await receiver.arrived.wait()
        while not await _ended(owner, webhook, "?state=waiting", 2):
            await asyncio.sleep(0.02)

    made(await call(owner.patch, path, json={"is_enabled": False}))

    async with asyncio.timeout(5):
        while not await _ended(owner, webhook, "?state=failed", 2):
            await asyncio.sleep(0.02)
    changed = made(await call(owner.patch, path, json={"is_enabled": True}))
    wanted = {"from_position": 1, "only": "failed"}
    again = await call(owner.post, f"{path}/replay", json=wanted)
    assert (again.status_code, again.json()["queued"]) == (202, 2)
    now = made(await call(owner.get, path))["version"]
    assert now == changed["version"] + 1


async def _ended(owner, webhook, query, count):
    return made(await call(owner.get, deliveries(webhook, query)))["total"] == count


async def test_the_newest_come_first_a_page_at_a_time(owner, receiver, webhook):
    for status in (200, 500, 200, 500):
        receiver.reply(Says(status))
        await call(owner.post, trial(webhook))

    async def seen(query):
        page = made(await call(owner.get, deliveries(webhook, query)))
        statuses = [one["attempts"][0]["status"] for one in page["items"]]
        return page["total"], statuses

    assert await seen("") == (4, [500, 200, 500, 200])
    assert await seen("?limit=2&offset=1") == (4, [200, 500])
    assert await seen("?state=failed") == (2, [500, 500])
    assert await seen("?state=failed&page=2&page_size=1") == (2, [500])
    assert await seen("?state=waiting") == (0, [])
    for query in ("?state=lost", "?limit=101", "?page_size=101", "?limit=0"):
        wrong = await call(owner.get, deliveries(webhook, query))
        assert wrong.status_code == 422, query


async def test_threat_60_a_test_is_guarded_like_every_call(owner, table, server):
    url = "http://127.0.0.1/latest/meta-data"
    webhook = owner.webhook(table["id"], url=url)
    with Client(server.url) as guarded:
        guarded.headers.update(owner.headers)
        reply = await call(guarded.post, trial(webhook))

    told = reply.json()
    assert (told["success"], told["status_code"]) == (False, None)
    assert told["response_body"] is None
    assert "is not a public address" in told["error"]


async def test_a_redirect_is_told_and_not_followed(owner, receiver, webhook):
    receiver.reply(Says(307, {"location": f"{receiver.url}/elsewhere"}))

    told = (await call(owner.post, trial(webhook))).json()

    assert (told["success"], told["status_code"]) == (False, 307)
    assert [one.path for one in receiver.received] == ["/in?key=canary-query"]


async def test_one_that_is_turned_off_or_paused_is_tried_out_all_the_same(
    owner, receiver, webhook
):
    path = f"/webhooks/{webhook['id']}"
    made(owner.patch(path, json={"is_enabled": False, "is_paused": True}))

    assert (await call(owner.post, trial(webhook))).json()["success"]


async def test_one_that_was_brought_back_has_nothing_to_sign_with(
    owner, receiver, webhook
):
    path = f"/webhooks/{webhook['id']}"
    batch = owner.delete(path).headers["x-batch-id"]
    made(owner.post("/undo", json={"scope": "batch", "id": batch}))

    reply = await call(owner.post, trial(webhook))

    assert (reply.status_code, reply.json()["code"]) == (409, "CONFLICT")
    assert receiver.received == []


def test_an_incoming_one_is_not_tried_out(owner, table):
    webhook = owner.webhook(table["id"], type="incoming")

    assert owner.post(trial(webhook)).status_code == 400
    assert made(owner.get(deliveries(webhook)))["items"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"payload": "' + b"x" * 70_000 + b'"}', 413),
        (b"[]", 422),
        (b"{", 400),
    ],
)
async def test_a_test_that_cannot_be_sent_is_refused(
    owner, receiver, webhook, body, status
):
    reply = await call(owner.post, trial(webhook), content=body)

    assert reply.status_code == status
    assert receiver.received == []


async def test_what_is_secret_is_in_no_row_of_what_was_sent(
    owner, receiver, webhook, database
):
    await call(owner.post, trial(webhook))

    with psycopg.connect(database.owner) as connection:
        for name in ("deliveries", "contents", "attempts", "receivers"):
            found = connection.execute(
                f"SELECT t::text FROM hooks.{name} AS t"
                " WHERE t::text LIKE '%%canary%%' OR t::text LIKE %s",
                [f"%{webhook['secret']}%"],
            ).fetchall()
            assert found == [], name
