"""What has happened, told again: what failed, or all of it."""

from typing import Any

import pytest

from api.pybase.webhooks import replaying as replay_route
from domain.catalog import Table
from domain.errors import Invalid
from domain.webhook import DeleteWebhook
from tests.client import ABSENT, Client, Json, made
from tests.commands.tenant import Tenant
from tests.workers.webhooks.heard import Hearing
from workers.webhooks import replaying


@pytest.fixture
def table(tenant: Tenant) -> Table:
    return tenant.table("Name")


def end(tenant: Tenant, state: str, *seqs: int) -> None:
    """As if deliveries had ended so; all that wait where none is named."""
    with tenant.seeing() as connection:
        connection.execute(
            "UPDATE hooks.deliveries SET state = %s, finished_at = now(), head = false"
            " WHERE workspace_id = %s AND state = 'waiting'"
            " AND (%s OR seq = ANY (%s::bigint[]))",
            [state, tenant.workspace_id, not seqs, list(seqs)],
        )


def waiting(heard: Hearing, tenant: Tenant, hook: str) -> list[tuple[int, int]]:
    """(position, by which event) of what waits."""
    rows = tenant.rows(
        "SELECT seq, by_seq FROM hooks.deliveries"
        " WHERE webhook_id = %s AND state = 'waiting' ORDER BY by_seq, seq",
        hook,
    )
    return [(row[0], row[1]) for row in rows]


def written(tenant: Tenant, table: Table, count: int) -> list[int]:
    """The positions of so many new records."""
    first = tenant.position() + 1
    tenant.create(table, *({"Name": f"{n}"} for n in range(count)))
    return list(range(first, first + count))


def test_what_failed_or_was_cancelled_waits_again_in_the_same_bytes(
    heard: Hearing, tenant: Tenant, table: Table
):
    hook = heard.hook(tenant, "record.*")
    seqs = written(tenant, table, 6)
    heard.follow()
    end(tenant, "delivered", *seqs[:2])
    end(tenant, "failed", seqs[2], seqs[5])
    end(tenant, "cancelled", seqs[3])
    before = {row[0]: row for row in heard.rows(tenant, hook)}
    at = heard.replay(tenant, hook, seqs[0], seqs[4], "failed")
    heard.follow()

    assert waiting(heard, tenant, hook) == [
        (seqs[4], seqs[4]),
        (seqs[2], at),
        (seqs[3], at),
    ]
    again = [row for row in heard.rows(tenant, hook) if row[1] == at]
    for row in again:  # the message is the same one: its id is the event's
        assert row[2:] == before[row[0]][2:]


def test_what_was_replayed_and_delivered_did_not_fail(
    heard: Hearing, tenant: Tenant, table: Table
):
    hook = heard.hook(tenant, "record.*")
    (seq,) = written(tenant, table, 1)
    heard.follow()
    end(tenant, "failed")
    heard.replay(tenant, hook, seq, seq, "failed")
    heard.follow()
    end(tenant, "delivered")
    heard.replay(tenant, hook, seq, seq, "failed")
    heard.follow()
    assert waiting(heard, tenant, hook) == []


def test_all_of_a_range_is_told_also_what_came_before_the_webhook(
    heard: Hearing, tenant: Tenant, table: Table
):
    (record,) = tenant.create(table, {"Name": "a"})
    first = tenant.position()
    for name in "bcd":
        tenant.do(tenant.updating(table, {record: {"Name": name}}))
    hook = heard.hook(tenant, "record.updated", enabled=False)
    heard.change(tenant, hook, enabled=True)
    heard.replay(tenant, hook, first, first + 2)
    heard.follow()
    assert [
        (one["data"]["before"], one["data"]["after"])
        for one in heard.told(tenant, hook)
    ] == [({"Name": "a"}, {"Name": "b"}), ({"Name": "b"}, {"Name": "c"})]


def test_all_of_a_range_leaves_out_what_still_waits_and_says_the_same_again(
    heard: Hearing, tenant: Tenant, table: Table
):
    hook = heard.hook(tenant, "record.*")
    seqs = written(tenant, table, 4)
    heard.follow()
    end(tenant, "delivered", *seqs[:3])
    at = heard.replay(tenant, hook, 1, tenant.position())
    heard.follow()
    assert waiting(heard, tenant, hook) == [
        (seqs[3], seqs[3]),
        *((seq, at) for seq in seqs[:3]),
    ]
    rows = heard.rows(tenant, hook)
    assert [row[2:] for row in rows[4:]] == [row[2:] for row in rows[:3]]


def test_what_is_replayed_comes_behind_what_was_told_and_before_what_comes(
    heard: Hearing, tenant: Tenant, table: Table
):
    hook = heard.hook(tenant, "record.*")
    (record,) = tenant.create(table, {"Name": "a"})
    first = tenant.position()
    heard.follow()
    end(tenant, "failed")
    tenant.do(tenant.updating(table, {record: {"Name": "b"}}))
    at = heard.replay(tenant, hook, first, first, "failed")
    tenant.do(tenant.updating(table, {record: {"Name": "c"}}))
    heard.follow()
    last = tenant.position()
    found = tenant.rows(
        "SELECT seq, by_seq, head FROM hooks.deliveries"
        " WHERE webhook_id = %s AND state = 'waiting' ORDER BY by_seq, seq",
        hook,
    )
    assert found == [
        (first + 1, first + 1, True),
        (first, at, False),
        (last, last, False),
    ]


def test_a_replay_that_is_followed_twice_is_told_once(
    heard: Hearing,
    tenant: Tenant,
    table: Table,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(replaying, "SLICE", 2)
    hook = heard.hook(tenant, "record.*")
    seqs = written(tenant, table, 5)
    heard.follow()
    end(tenant, "failed")
    heard.replay(tenant, hook, seqs[0], seqs[-1], "failed")
    heard.replay(tenant, hook, seqs[0], seqs[-1])
    heard.follow()
    found = waiting(heard, tenant, hook)
    assert len(found) == 5  # the second one found them waiting
    heard.forget(tenant)
    heard.follow()
    assert waiting(heard, tenant, hook) == found


def test_a_replay_of_a_webhook_that_is_gone_by_then_tells_nothing(
    heard: Hearing, tenant: Tenant, table: Table
):
    hook = heard.hook(tenant, "record.*", enabled=True)
    seqs = written(tenant, table, 2)
    heard.follow()
    end(tenant, "failed")
    heard.replay(tenant, hook, seqs[0], seqs[-1], "failed")
    tenant.do(DeleteWebhook(hook))
    heard.follow()
    # they are there, and closed by who delivers: the webhook is gone
    assert len(waiting(heard, tenant, hook)) == 2
    with pytest.raises(Exception, match="not found"):
        heard.replay(tenant, hook, seqs[0], seqs[-1])


# ------------------------------------------------------------------------ the route


@pytest.fixture
def things(client: Client) -> Json:
    return client.table("Name")


def replay(client: Client, hook: Json, **body: Any) -> Any:
    return client.post(f"/webhooks/{hook['id']}/replay", json=body)


def test_a_viewer_and_an_editor_may_not(client: Client, member: Any, things: Json):
    hook = client.webhook(things["id"])
    for role in ("viewer", "editor"):
        asked = replay(member(things["workspace_id"], role), hook, from_position=1)
        assert asked.status_code == 403


def test_how_many_are_queued_is_told(client: Client, heard: Hearing, things: Json):
    other = client.table("Name", base_id=things["base_id"], name="Others")
    client.record(things["id"], Name="a")
    client.record(other["id"], Name="b")
    hook = client.webhook(things["id"], events=["record.created", "field.*"])
    tenant = heard.of(client, things)

    nothing = replay(client, hook, from_position=1)
    assert (nothing.status_code, nothing.json()) == (202, {"queued": 0})
    everything = replay(client, hook, from_position=1, only="all")
    assert everything.json() == {"queued": 2}  # its field and its record
    heard.follow()
    told = heard.told(tenant, hook["id"])
    assert [one["type"] for one in told] == ["field.created", "record.created"]

    end(tenant, "failed")
    failed = replay(client, hook, from_position=1, only="failed")
    assert failed.json() == {"queued": 2}
    position = int(failed.headers["x-position"])
    event = made(
        client.get(
            "/events", params={"workspace_id": things["workspace_id"], "limit": "1000"}
        )
    )["items"][-1]
    assert (event["type"], event["seq"]) == ("webhook.replayed", position)
    assert event["data"]["only"] == "failed"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "from_position"),
        ({"from_position": 0}, "from_position"),
        ({"from_position": 3, "to_position": 2}, "from_position is above to_position"),
        ({"from_position": 10**6}, "from_position is ahead of the workspace"),
        ({"from_position": 1, "to_position": 10**6}, "to_position is ahead of the"),
        ({"from_position": 1, "to_position": 10**6, "only": "all"}, "to_position"),
        ({"from_position": 1, "only": "some"}, "only"),
    ],
)
def test_a_range_that_is_none_is_422(
    client: Client, things: Json, body: Json, said: str
):
    hook = client.webhook(things["id"])
    reply = replay(client, hook, **body)
    assert reply.status_code == 422, reply.text
    if body.get("only") == "all":
        assert reply.json()["limit"] == 10_000
    else:
        assert said in reply.text


def test_a_range_with_too_many_failures_is_422(
    client: Client,
    heard: Hearing,
    things: Json,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(replay_route, "MOST", 1)
    hook = client.webhook(things["id"])
    client.records(things["id"], {"Name": "a"}, {"Name": "b"})
    heard.follow()
    end(heard.of(client, things), "failed")
    reply = replay(client, hook, from_position=1)
    assert (reply.status_code, reply.json()["limit"]) == (422, 1)


def test_an_incoming_webhook_one_that_is_off_and_nobodys(client: Client, things: Json):
    incoming = client.webhook(things["id"], type="incoming")
    off = client.webhook(things["id"], is_enabled=False)
    assert replay(client, incoming, from_position=1).status_code == 400
    told = replay(client, off, from_position=1)
    assert (told.status_code, told.json()["detail"]) == (
        409,
        "The webhook is turned off: turn it on first",
    )
    dead = client.webhook(things["id"])
    deleted = client.delete(f"/webhooks/{dead['id']}")
    undo = {"scope": "batch", "id": deleted.headers["x-batch-id"]}
    assert client.post("/undo", json=undo).is_success
    told = replay(client, dead, from_position=1)
    assert (told.status_code, told.json()["detail"]) == (
        409,
        "The webhook needs a new secret: rotate it first",
    )
    assert replay(client, {"id": ABSENT}, from_position=1).status_code == 404


def test_positions_are_those_that_there_are(tenant: Tenant, heard: Hearing):
    hook = heard.hook(tenant)
    with pytest.raises(Invalid):
        heard.replay(tenant, hook, 1, tenant.position() + 1)
