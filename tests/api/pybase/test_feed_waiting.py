"""Long polls of the feed: answered when something happens, or when time is over."""

import threading
import time

import pytest

from tests.client import ABSENT, made


def ask(client, workspace_id, **query):
    return client.get("/events", params={"workspace_id": workspace_id, **query})


@pytest.fixture
def table(client):
    return client.table("Name")


@pytest.fixture
def head(client, table):
    return client.position(table["workspace_id"])


def later(seconds, work):
    timer = threading.Timer(seconds, work)
    timer.start()
    return timer


def readers(server):
    return server.doors.records.pybase.feed.readers


def test_what_is_there_is_answered_at_once(client, table, head):
    began = time.monotonic()
    page = made(ask(client, table["workspace_id"], after=head - 1, wait=20))

    assert time.monotonic() - began < 2
    assert [one["seq"] for one in page["items"]] == [head]


def test_it_answers_as_soon_as_something_happens(client, table, head):
    later(0.5, lambda: client.record(table["id"], Name="x"))
    began = time.monotonic()
    page = made(ask(client, table["workspace_id"], after=head, wait=20))

    assert 0.4 < time.monotonic() - began < 3
    assert [one["type"] for one in page["items"]] == ["record.created"]
    assert (page["next"], page["head"]) == (head + 1, head + 1)


def test_it_answers_empty_when_the_time_is_over(client, table, head):
    began = time.monotonic()
    page = made(ask(client, table["workspace_id"], after=head, wait=1))

    assert 0.9 < time.monotonic() - began < 3
    assert page == {"items": [], "next": head, "head": head}


def test_what_a_filter_leaves_out_is_waited_past(client, table, head):
    def write():
        client.record(table["id"], Name="x")
        time.sleep(0.4)
        client.view(table["id"])

    later(0.3, write)
    began = time.monotonic()
    page = made(ask(client, table["workspace_id"], after=head, wait=20, types="view.*"))

    assert 0.6 < time.monotonic() - began < 5
    assert [one["type"] for one in page["items"]] == ["view.created"]


def test_next_has_moved_on_when_filters_left_nothing(client, table, head):
    later(0.2, lambda: client.record(table["id"], Name="x"))
    page = made(ask(client, table["workspace_id"], after=head, wait=1, types="view.*"))

    assert page == {"items": [], "next": head + 1, "head": head + 1}


def test_a_wait_is_of_one_table(client, table, head):
    other = client.table("Name", base_id=table["base_id"], name="Other")
    head = client.position(table["workspace_id"])

    def write():
        client.record(table["id"], Name="not this")
        record = client.record(other["id"], Name="this")
        client.patch(f"/records/{record['id']}", json={"fields": {"Name": "too"}})

    later(0.3, write)
    page = made(
        ask(client, table["workspace_id"], after=head, wait=20, table_id=other["id"])
    )

    assert page["items"]
    assert {one["data"]["table_id"] for one in page["items"]} == {other["id"]}
    assert page["items"][0]["seq"] == head + 2


@pytest.mark.parametrize("wait", ["x", -1, 61, "1.5"])
def test_a_wait_that_is_none_is_refused(client, table, wait):
    reply = ask(client, table["workspace_id"], wait=wait)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


def test_a_stranger_does_not_wait(stranger, table):
    began = time.monotonic()
    foreign = ask(stranger, table["workspace_id"], wait=20)
    absent = ask(stranger, ABSENT, wait=20)

    assert time.monotonic() - began < 2
    assert foreign.status_code == absent.status_code == 404
    assert foreign.content == absent.content


def test_who_is_removed_while_waiting_is_told_so(client, newcomer, table):
    member = client.add_member(table["workspace_id"], newcomer, "viewer")
    head = client.position(table["workspace_id"])
    path = f"/workspaces/{table['workspace_id']}/members/{member['id']}"
    later(0.4, lambda: client.delete(path))
    began = time.monotonic()
    reply = ask(newcomer, table["workspace_id"], after=head, wait=20)

    assert reply.status_code == 404
    assert time.monotonic() - began < 3


def test_who_logs_out_while_waiting_is_told_so(client, newcomer, table):
    client.add_member(table["workspace_id"], newcomer, "viewer")
    head = client.position(table["workspace_id"])
    later(0.4, lambda: newcomer.post("/auth/logout"))
    began = time.monotonic()
    reply = ask(newcomer, table["workspace_id"], after=head, wait=20)

    assert reply.status_code == 401
    assert time.monotonic() - began < 4


def test_nothing_is_left_of_who_went_while_waiting(server, client, table, head):
    from tests.client import Client

    before = readers(server)
    with Client(server.url) as impatient:
        impatient.headers["authorization"] = client.headers["authorization"]
        impatient.timeout = 0.5
        with pytest.raises(Exception, match="timed out"):
            ask(impatient, table["workspace_id"], after=head, wait=30)

    deadline = time.monotonic() + 3
    while readers(server) > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert readers(server) == before
