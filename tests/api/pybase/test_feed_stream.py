"""The feed as Server-Sent Events."""

import contextlib
import re
import socket
import time

import pytest

from api import protocol
from api.pybase import stream as streams
from tests.api.pybase.streaming import streaming
from tests.client import ABSENT, made, new_id

SOON = 3.0  # seconds within which a stream ends whose reader was let go


@pytest.fixture
def table(client):
    return client.table("Name")


@pytest.fixture
def head(client, table):
    return client.position(table["workspace_id"])


def ask(client, **query):
    return client.get("/events/stream", params=query)


def test_nobody_reads_a_stream(anonymous):
    assert ask(anonymous, workspace_id=ABSENT).status_code == 401


def test_a_stranger_is_told_that_there_is_none(stranger, table):
    foreign = ask(stranger, workspace_id=table["workspace_id"])
    absent = ask(stranger, workspace_id=ABSENT)

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.content == absent.content


def test_a_stream_is_of_one_workspace(client):
    assert ask(client).status_code == 422


def test_a_stream_begins_with_what_there_is(client, table, head):
    pages = made(client.get("/events", params={"workspace_id": table["workspace_id"]}))
    with streaming(client, table["workspace_id"]) as stream:
        stream.wait(lambda one: len(one.events) == head)

    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.events == pages["items"]
    assert stream.blocks[0] == "retry: 1000\n"


def test_an_event_arrives_as_it_is_committed(client, table, head):
    with streaming(client, table["workspace_id"], after=head) as stream:
        for name in "abc":
            record = client.record(table["id"], Name=name)
            replied = time.monotonic()
            stream.wait(
                lambda one, id=record["id"]: (
                    one.events and one.events[-1]["stream"] == id
                )
            )
            assert stream.arrived[-1] - replied < 1

    assert stream.positions == [head + 1, head + 2, head + 3]


def test_the_header_wins_over_the_query(client, table, head):
    with streaming(
        client, table["workspace_id"], after=1, last_event_id=head - 1
    ) as stream:
        stream.wait(lambda one: one.events)
        client.record(table["id"], Name="x")
        stream.wait(lambda one: len(one.events) == 2)

    assert stream.positions == [head, head + 1]


@pytest.mark.parametrize("told", ["x", "-1", "1.5", "1" * 19])
def test_a_last_event_id_that_is_no_position_is_refused(client, table, told):
    reply = client.get(
        "/events/stream",
        params={"workspace_id": table["workspace_id"]},
        headers={"last-event-id": told},
    )

    assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"after": -1}, {"types": "%"}], ids=str
)
def test_a_stream_that_is_none_is_refused(client, table, query):
    reply = ask(client, workspace_id=table["workspace_id"], **query)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize("behind", ["near the head", "far behind"])
def test_a_stream_is_of_the_types_and_table_asked_for(client, table, head, behind):
    other = client.table("Name", base_id=table["base_id"], name="Other")
    if behind == "far behind":
        client.records(table["id"], *[{} for _ in range(600)])
    wanted = client.record(other["id"], Name="this")
    with streaming(
        client,
        table["workspace_id"],
        after=head,
        types="record.*",
        table_id=other["id"],
    ) as stream:
        stream.wait(lambda one: one.events)
        client.record(table["id"], Name="not this")
        client.patch(f"/records/{wanted['id']}", json={"fields": {"Name": "too"}})
        stream.wait(lambda one: len(one.events) == 2)

    assert [one["type"] for one in stream.events] == [
        "record.created",
        "record.updated",
    ]
    assert {one["stream"] for one in stream.events} == {wanted["id"]}


def test_where_nothing_is_sent_a_comment_is(client, table, head, monkeypatch):
    monkeypatch.setattr(streams, "BEAT_SECONDS", 0.3)
    with streaming(client, table["workspace_id"], after=head) as stream:
        stream.wait(lambda one: len(one.blocks) >= 3)

    assert stream.blocks[1:3] == [":\n", ":\n"]


def test_a_client_is_moved_on_past_what_its_filter_left_out(
    client, table, head, monkeypatch
):
    monkeypatch.setattr(streams, "BEAT_SECONDS", 0.3)
    with streaming(client, table["workspace_id"], after=head, types="view.*") as stream:
        client.record(table["id"], Name="x")
        stream.wait(lambda one: one.last_id == head + 1)

    assert stream.events == []
    assert f":\nid: {head + 1}\n" in stream.blocks


def test_a_large_event_is_one_line(client):
    table = client.table({"name": "Text", "type": "long_text"})
    before = client.position(table["workspace_id"])
    text = "ä\r\n\u2028" * 30_000
    with streaming(client, table["workspace_id"], after=before) as stream:
        client.record(table["id"], Text=text)
        client.record(table["id"], Text="b")
        stream.wait(lambda one: len(one.blocks) >= 3)

    assert stream.positions == [before + 1, before + 2]
    assert list(stream.events[0]["data"]["values"].values()) == [text]


# ------------------------------------------------------------ who may read on


def test_who_is_removed_gets_nothing_more(client, newcomer, table):
    member = client.add_member(table["workspace_id"], newcomer, "viewer")
    head = client.position(table["workspace_id"])
    path = f"/workspaces/{table['workspace_id']}/members/{member['id']}"
    with streaming(newcomer, table["workspace_id"], after=head) as stream:
        client.record(table["id"], Name="seen")
        stream.wait(lambda one: one.events)
        made_nothing = client.delete(path)
        assert made_nothing.status_code == 204
        client.record(table["id"], Name="secret")
        stream.wait(lambda one: one.ended, SOON)

    assert stream.error is None  # an end in order, not a cut
    assert stream.positions == [head + 1]


@pytest.mark.parametrize("quiet", [True, False])
def test_who_logs_out_loses_the_stream(client, newcomer, table, quiet):
    client.add_member(table["workspace_id"], newcomer, "viewer")
    head = client.position(table["workspace_id"])
    with streaming(newcomer, table["workspace_id"], after=head) as stream:
        stream.wait(lambda one: one.blocks)
        assert newcomer.post("/auth/logout").status_code == 204
        if not quiet:
            client.record(table["id"], Name="secret")
        stream.wait(lambda one: one.ended, SOON)

    assert stream.events == []


def test_a_key_that_is_deleted_loses_the_stream(server, client, newcomer, table):
    from tests.client import Client

    client.add_member(table["workspace_id"], newcomer, "viewer")
    head = client.position(table["workspace_id"])
    key = made(newcomer.post("/users/me/api-keys", json={"scopes": ["read"]}))
    with Client(server.url) as machine:
        machine.headers["authorization"] = f"Bearer {key['key']}"
        with streaming(machine, table["workspace_id"], after=head) as stream:
            client.record(table["id"], Name="seen")
            stream.wait(lambda one: one.events)
            newcomer.delete(f"/users/me/api-keys/{key['id']}")
            client.record(table["id"], Name="secret")
            stream.wait(lambda one: one.ended, SOON)

    assert stream.positions == [head + 1]


def test_a_workspace_that_is_deleted_ends_its_streams(client):
    workspace_id = client.workspace("Passing")["id"]
    with streaming(client, workspace_id) as stream:
        stream.wait(lambda one: one.events)
        assert client.delete(f"/workspaces/{workspace_id}").status_code == 204
        stream.wait(lambda one: one.ended, SOON)


def test_one_workspace_hears_nothing_of_another(client, stranger, table, head):
    theirs = stranger.table("Name")
    with streaming(client, table["workspace_id"], after=head) as stream:
        stranger.record(theirs["id"], Name="x")
        client.record(table["id"], Name="y")
        stream.wait(lambda one: one.events)

    assert {one["workspace_id"] for one in stream.events} == {table["workspace_id"]}
    assert stream.positions == [head + 1]


def test_a_table_that_is_anothers_filters_like_one_that_never_was(
    client, stranger, table, head
):
    theirs = stranger.table("Name")
    for table_id in (theirs["id"], new_id()):
        page = client.get(
            "/events",
            params={"workspace_id": table["workspace_id"], "table_id": table_id},
        )
        assert made(page) == {"items": [], "next": head, "head": head}


# ------------------------------------------------------------- slow readers


@contextlib.contextmanager
def unread(client, server, workspace_id):
    """A stream from the start that nobody reads yet: its socket."""
    host, port = server.url.removeprefix("http://").split(":")
    token = client.headers["authorization"]
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(10)
        one.connect((host, int(port)))
        one.sendall(
            f"GET /api/v1/events/stream?workspace_id={workspace_id} HTTP/1.1\r\n"
            f"host: x\r\nauthorization: {token}\r\n\r\n".encode()
        )
        yield one


@pytest.fixture
def large(client):
    """The workspace of 40 events of 300 KB, more than sockets hold, and its head."""
    table = client.table({"name": "Text", "type": "long_text"})
    for _ in range(40):
        client.record(table["id"], Text="x" * 300_000)
    return table["workspace_id"], client.position(table["workspace_id"])


def test_who_reads_slowly_reads_on_from_where_it_stands(client, server, feed, large):
    workspace_id, head = large
    with unread(client, server, workspace_id) as one:
        until(lambda: any(r.position > 5 for r in readers_of(feed, workspace_id)))
        time.sleep(0.5)
        (reader,) = readers_of(feed, workspace_id)
        assert reader.position < head - 10  # the server does not read ahead of it
        with streaming(client, workspace_id) as fast:  # and nobody waits for it
            fast.wait(lambda stream: len(stream.events) == head, 20)
        received = b""
        while f"id: {head}\n".encode() not in received[-400_000:]:
            received += one.recv(1 << 20)

    assert [int(found) for found in re.findall(rb"\nid: (\d+)\nevent", received)] == [
        *range(1, head + 1)
    ]


def test_who_never_reads_is_cut_off(client, server, feed, large, monkeypatch):
    monkeypatch.setattr(protocol, "PATIENCE", 1.0)
    with unread(client, server, large[0]):
        until(lambda: readers_of(feed, large[0]))
        until(lambda: not readers_of(feed, large[0]))


def readers_of(feed, workspace_id):
    watched = feed._watched.get(workspace_id)
    return list(watched.readers) if watched else []


def until(claim, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --------------------------------------------------------------- how many


@pytest.fixture
def feed(server):
    return server.doors.records.pybase.feed


def test_one_user_opens_so_many_and_no_more(client, feed, table, monkeypatch):
    monkeypatch.setattr(feed, "_most_of_user", 2)
    with (
        streaming(client, table["workspace_id"]) as first,
        streaming(client, table["workspace_id"]) as second,
    ):
        reply = ask(client, workspace_id=table["workspace_id"])
        poll = client.get(
            "/events",
            params={
                "workspace_id": table["workspace_id"],
                "after": client.position(table["workspace_id"]),
                "wait": 5,
            },
        )

    assert (first.status, second.status) == (200, 200)
    for one in (reply, poll):
        assert (one.status_code, one.json()["code"]) == (429, "RATE_LIMITED")
        assert one.headers["retry-after"] == "1"


def test_one_workspace_never_takes_more_than_half(
    client, newcomer, feed, table, monkeypatch
):
    other = newcomer.table("Name")
    monkeypatch.setattr(feed, "_most", 2)
    with streaming(client, table["workspace_id"]) as first:
        refused = ask(client, workspace_id=table["workspace_id"])
        with streaming(newcomer, other["workspace_id"]) as second:
            full = ask(client, workspace_id=table["workspace_id"])

    assert (first.status, second.status) == (200, 200)
    assert refused.status_code == 429
    assert (full.status_code, full.json()["code"]) == (503, "SERVICE_UNAVAILABLE")


def test_nothing_is_left_of_a_stream_that_was_closed(client, feed, table, head):
    with streaming(client, table["workspace_id"], after=head) as stream:
        stream.wait(lambda one: one.blocks)
        assert feed.readers >= 1
    until(lambda: feed.readers == 0, 3)
