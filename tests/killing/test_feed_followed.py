"""Whoever follows the feed over HTTP misses nothing and sees nothing twice, whichever
server dies meanwhile; and a server that stops lets go of who waits in time.

    TABELLION_FEED_KILLS   how many kills (4 unless told)
"""

import contextlib
import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.killing.clients import Load
from tests.killing.server import Server, serving

KILLS = int(os.environ.get("TABELLION_FEED_KILLS", "4"))
WRITERS = 16
STREAMS, POLLS = 3, 2


@dataclass
class Place:
    """Where everybody writes to and reads from."""

    servers: list[Server]
    token: str
    workspace_id: str
    table_id: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def head(self) -> int:
        head: int = httpx2.get(
            f"{self.servers[0].url}/api/v1/events",
            params={"workspace_id": self.workspace_id, "limit": 1},
            headers=self.headers,
        ).json()["head"]
        return head


@dataclass
class Follower:
    """Reads on from where it was, at the other server when one is gone."""

    place: Place
    seen: list[int] = field(default_factory=list)
    reconnected: int = -1
    bad: list[str] = field(default_factory=list)
    until: int | None = None  # the position that it ends at

    @property
    def done(self) -> bool:
        return self.until is not None and bool(self.seen) and self.last >= self.until

    @property
    def last(self) -> int:
        return self.seen[-1] if self.seen else 0

    def follow(self, ask: Any) -> None:
        servers = self.place.servers
        which = random.randrange(len(servers))
        with httpx2.Client(trust_env=False, timeout=20) as client:
            client.headers.update(self.place.headers)
            while not self.done:
                self.reconnected += 1
                with contextlib.suppress(httpx2.HTTPError):
                    ask(self, client, f"{servers[which].url}/api/v1/events")
                which = (which + 1) % len(servers)
                time.sleep(0.05)

    def stream(self, client: httpx2.Client, url: str) -> None:
        query = {"workspace_id": self.place.workspace_id}
        told = {"last-event-id": str(self.last)} if self.seen else {}
        with client.stream("GET", f"{url}/stream", params=query, headers=told) as reply:
            if reply.status_code != 200:
                self._refused(reply)
                return
            rest = b""
            for part in reply.iter_raw():
                *blocks, rest = (rest + part).split(b"\n\n")
                for block in blocks:
                    if block.startswith(b"id: "):
                        envelope = json.loads(block.split(b"\ndata: ")[1])
                        self.seen.append(envelope["seq"])
                if self.done:
                    return

    def poll(self, client: httpx2.Client, url: str) -> None:
        after = self.last
        while not self.done:
            reply = client.get(
                url,
                params={
                    "workspace_id": self.place.workspace_id,
                    "after": after,
                    "wait": 10,
                },
            )
            if reply.status_code != 200:
                self._refused(reply)
                return
            self.seen += [one["seq"] for one in reply.json()["items"]]
            after = reply.json()["next"]

    def _refused(self, reply: httpx2.Response) -> None:
        if reply.status_code != 503:
            self.bad.append(f"{reply.status_code} {reply.read().decode()[:200]}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Two servers on one database, with a table to write to; the last test of all
    stops one of them."""
    data = tmp_path_factory.mktemp("followed") / "data"
    with contextlib.ExitStack() as running:
        servers = [running.enter_context(serving(data)) for _ in "12"]
        with httpx2.Client(
            base_url=f"{servers[0].url}/api/v1", trust_env=False, timeout=30
        ) as client:
            yield _settled(servers, client)


def _settled(servers: list[Server], client: httpx2.Client) -> Place:
    def made(path: str, body: object) -> Any:
        reply = client.post(path, json=body)
        assert reply.status_code == 201, reply.text
        return reply.json()

    who = {"email": "ada@example.org", "password": "securepassword"}
    token = made("/auth/register", who)["access_token"]
    client.headers["authorization"] = f"Bearer {token}"
    workspace_id = made("/workspaces", {"name": "Followed"})["id"]
    base = made("/bases", {"workspace_id": workspace_id, "name": "Base"})
    names = {"Mark": "text", "Nr": "number", "Note": "text"}
    fields = [{"name": name, "type": kind} for name, kind in names.items()]
    table = made("/tables", {"base_id": base["id"], "name": "T", "fields": fields})
    return Place(servers, token, workspace_id, table["id"])


@pytest.mark.timeout(180 + KILLS * 60)
def test_followers_miss_nothing_while_servers_are_killed(
    place: Place, tmp_path: Path
) -> None:
    followers = [Follower(place) for _ in range(STREAMS + POLLS)]
    threads = [
        threading.Thread(
            target=one.follow,
            args=(Follower.stream if number < STREAMS else Follower.poll,),
        )
        for number, one in enumerate(followers)
    ]
    loads = [
        Load(
            server.url,
            place.token,
            place.table_id,
            tmp_path / f"intents-{number}",
            WRITERS // 2,
            number * WRITERS,
        )
        for number, server in enumerate(place.servers)
    ]
    for thread in threads:
        thread.start()
    for load in loads:
        load.start()
    try:
        for number in range(KILLS):
            time.sleep(random.uniform(0.5, 1.5))
            server = place.servers[number % 2]
            server.kill_server()
            server.wait(90)
    finally:
        for load in loads:
            load.stop()
        head = place.head()
        for one in followers:
            one.until = head
        # whoever sleeps at the head already has to see that it is done
        for thread in threads:
            thread.join(20)

    everything = list(range(1, head + 1))
    assert head > 20 * KILLS
    for one in followers:
        assert one.bad == []
        assert one.seen == everything  # gapless, in order, none twice
    assert max(one.reconnected for one in followers) >= KILLS // 2
    assert all(load.bad == [] for load in loads)


def test_one_server_tells_what_another_one_wrote(place: Place) -> None:
    """By NOTIFY: sooner than the round of a second, most of the time."""
    reading, writing = place.servers
    follower = Follower(Place([reading], place.token, place.workspace_id, ""))
    follower.seen.append(place.head())  # from now on
    thread = threading.Thread(target=follower.follow, args=(Follower.stream,))
    thread.start()
    delays = []
    for nr in range(8):
        reply = httpx2.post(
            f"{writing.url}/api/v1/records",
            json={"table_id": place.table_id, "fields": {"Nr": nr}},
            headers=place.headers,
        )
        replied, position = time.monotonic(), int(reply.headers["x-position"])
        while follower.last < position:
            assert time.monotonic() < replied + 10
            time.sleep(0.005)
        delays.append(time.monotonic() - replied)
        if nr == 6:
            follower.until = position + 1
    thread.join(10)

    assert sorted(delays)[4] < 0.5


def test_a_server_that_stops_lets_go_of_who_waits(place: Place) -> None:
    server = place.servers[1]
    head = place.head()
    streams = [_waiting(place, server, "/stream", {"after": head}) for _ in range(20)]
    polls = [_waiting(place, server, "", {"after": head, "wait": 60}) for _ in "12345"]
    assert server.process is not None
    began = time.monotonic()
    server.process.terminate()
    assert server.process.wait(10) == 0
    took = time.monotonic() - began

    assert took < 8
    for one in streams:
        assert _rest(one).endswith(b"0\r\n\r\n")  # the end, in order
    for one in polls:
        reply = _rest(one)
        assert reply.startswith(b"HTTP/1.1 200")
        assert b'"items":[],' in reply


def _waiting(
    place: Place, server: Server, path: str, query: dict[str, int]
) -> socket.socket:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    one = socket.create_connection(("127.0.0.1", server.port), 10)
    one.sendall(
        f"GET /api/v1/events{path}?workspace_id={place.workspace_id}&{asked} HTTP/1.1"
        f"\r\nhost: x\r\nauthorization: Bearer {place.token}\r\n\r\n".encode()
    )
    if path:
        while b"retry: " not in one.recv(4096):
            pass
    else:
        time.sleep(0.05)
    return one


def _rest(one: socket.socket) -> bytes:
    with one:
        return b"".join(iter(lambda: one.recv(4096), b""))
