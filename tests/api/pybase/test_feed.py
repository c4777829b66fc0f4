"""The feed of a workspace's events."""

import pytest

from tests.client import ABSENT, made

ENVELOPE = {
    "id",
    "type",
    "schema",
    "workspace_id",
    "seq",
    "stream",
    "version",
    "batch_id",
    "batch_index",
    "batch_size",
    "actor",
    "surface",
    "request_id",
    "causation_id",
    "correlation_id",
    "recorded_at",
    "data",
    "hash",
}


def ask(client, workspace_id, **query):
    return client.get("/events", params={"workspace_id": workspace_id, **query})


def walk(client, workspace_id, **query):
    """Every event of a walk that asks after `next` until the head."""
    found, after = [], 0
    while True:
        page = made(ask(client, workspace_id, after=after, **query))
        found += page["items"]
        if page["next"] >= page["head"]:
            return found
        assert page["next"] > after
        after = page["next"]


@pytest.fixture
def table(client):
    """A table with three records, one changed and one deleted."""
    return _table(client)


@pytest.fixture(scope="module")
def kept_table(client):
    """The same for tests that only read its events."""
    return _table(client)


def _table(client):
    table = client.table("Name")
    one, two, _ = client.records(table["id"], *[{"Name": name} for name in "abc"])
    client.patch(f"/records/{one['id']}", json={"fields": {"Name": "A"}})
    client.delete(f"/records/{two['id']}")
    return table


def test_nobody_reads_a_feed(anonymous):
    assert ask(anonymous, ABSENT).status_code == 401


def test_a_stranger_is_told_that_there_is_none(stranger, table):
    foreign = ask(stranger, table["workspace_id"])
    absent = ask(stranger, ABSENT)

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.content == absent.content


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor", "admin"])
def test_every_member_reads_it(client, member, table, role):
    one = member(table["workspace_id"], role)

    mine = made(ask(client, table["workspace_id"]))
    assert made(ask(one, table["workspace_id"])) == mine


def test_nobody_reads_the_instances_own(client):
    reply = ask(client, "00000000-0000-0000-0000-000000000000")

    assert reply.status_code == 404


def test_the_feed_is_what_the_ledger_recorded(client, table, recorded_events):
    body = made(ask(client, table["workspace_id"]))

    assert set(body) == {"items", "next", "head"}
    assert body["items"] == recorded_events(table["workspace_id"])
    assert set(body["items"][0]) == ENVELOPE
    assert [one["type"] for one in body["items"]] == [
        "workspace.created",
        "member.added",
        "base.created",
        "table.created",
        "field.created",
        "record.created",
        "record.created",
        "record.created",
        "record.updated",
        "record.deleted",
    ]
    assert [one["seq"] for one in body["items"]] == list(range(1, 11))
    assert (body["next"], body["head"]) == (10, 10)


@pytest.mark.parametrize("limit", [1, 3, 10, 1000])
def test_a_walk_never_skips_and_never_repeats(client, table, limit):
    walked = walk(client, table["workspace_id"], limit=limit)

    assert [one["seq"] for one in walked] == list(range(1, 11))


@pytest.mark.parametrize(
    ("types", "found"),
    [
        ("record.*", [6, 7, 8, 9, 10]),
        ("record.created", [6, 7, 8]),
        ("record.updated,record.deleted", [9, 10]),
        ("field.*,table.*", [4, 5]),
        ("*", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("view.*", []),
        ("record.create_", []),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 500])
def test_a_walk_is_of_the_types_asked_for(client, kept_table, types, found, limit):
    walked = walk(client, kept_table["workspace_id"], types=types, limit=limit)

    assert [one["seq"] for one in walked] == found


def test_a_page_that_a_filter_left_empty_goes_on_from_the_last_one_looked_at(
    client, table
):
    body = made(ask(client, table["workspace_id"], types="view.*"))

    assert (body["items"], body["next"], body["head"]) == ([], 10, 10)


def test_a_walk_is_of_one_table(client, table):
    other = client.table("Name", base_id=table["base_id"], name="Other")
    client.record(other["id"], Name="x")

    walked = walk(client, table["workspace_id"], table_id=other["id"])

    assert [one["type"] for one in walked] == [
        "table.created",
        "field.created",
        "record.created",
    ]
    assert len(walk(client, table["workspace_id"], table_id=table["id"])) == 7
    assert walk(client, table["workspace_id"], table_id=ABSENT) == []


def test_after_the_head_there_is_nothing_yet(client, table):
    at_head = made(ask(client, table["workspace_id"], after=10))
    beyond = made(ask(client, table["workspace_id"], after=10_000))

    assert at_head == {"items": [], "next": 10, "head": 10}
    assert (beyond["items"], beyond["head"]) == ([], 10)


def test_a_page_holds_five_hundred_unless_told(client):
    table = client.table("Name")
    client.records(table["id"], *[{} for _ in range(600)])

    usual = made(ask(client, table["workspace_id"]))
    more = made(ask(client, table["workspace_id"], limit=1000))

    assert (len(usual["items"]), usual["next"], usual["head"]) == (500, 500, 605)
    assert (len(more["items"]), more["next"]) == (605, 605)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "x"},
        {"limit": -1},
        {"after": -1},
        {"after": "x"},
        {"after": 2**63},
        {"after": "1e3"},
        {"types": "record.created; DROP TABLE x"},
        {"types": "%"},
        {"types": "record.**"},
    ],
    ids=str,
)
def test_a_feed_that_is_none_is_refused(client, kept_table, query):
    reply = ask(client, kept_table["workspace_id"], **query)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


def test_a_feed_is_of_one_workspace(client):
    missing = client.get("/events")
    malformed = ask(client, "7")

    assert (missing.status_code, missing.json()["code"]) == (422, "VALIDATION_ERROR")
    assert (malformed.status_code, malformed.json()["code"]) == (400, "BAD_REQUEST")


def test_no_refused_write_is_in_the_feed(client, stranger, table):
    body = {"table_id": table["id"], "fields": {"Nope": 1}}
    client.post("/records", json=body)
    stranger.post("/records", json={**body, "fields": {}})
    client.patch(f"/tables/{table['id']}", json={"name": ""})

    assert made(ask(client, table["workspace_id"]))["head"] == 10
