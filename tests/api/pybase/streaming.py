"""A client of the event stream: what arrives, as it arrives."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.client import Client


@dataclass
class Stream:
    """What came over a stream so far; a thread reads on."""

    status: int = 0
    headers: Any = None
    blocks: list[str] = field(default_factory=list)  # between empty lines
    arrived: list[float] = field(default_factory=list)  # when each block did
    ended: bool = False
    error: Exception | None = None

    @property
    def events(self) -> list[dict[str, Any]]:
        """The envelopes; what stands beside each has to agree with it."""
        found = []
        for block in list(self.blocks):
            lines = dict(
                line.split(": ", 1) for line in block.split("\n") if ": " in line
            )
            if "data" in lines:
                event = json.loads(lines["data"])
                assert lines["id"] == str(event["seq"])
                assert lines["event"] == event["type"]
                found.append(event)
        return found

    @property
    def positions(self) -> list[int]:
        return [event["seq"] for event in self.events]

    @property
    def last_id(self) -> int:
        """The last event id that a client would keep."""
        ids = [
            int(line[4:])
            for block in self.blocks
            for line in block.split("\n")
            if line.startswith("id: ")
        ]
        return ids[-1] if ids else 0

    def wait(self, claim: Any, seconds: float = 5.0) -> None:
        """Until `claim(self)` holds."""
        deadline = time.monotonic() + seconds
        while not claim(self):
            assert time.monotonic() < deadline, (self.blocks[-3:], self.error)
            time.sleep(0.01)


@contextlib.contextmanager
def streaming(client: Client, workspace_id: str, **query: Any) -> Iterator[Stream]:
    """A stream that is open for as long as the block runs."""
    headers = {"authorization": client.headers["authorization"]}
    if "last_event_id" in query:
        headers["last-event-id"] = str(query.pop("last_event_id"))
    stream = Stream()
    began = threading.Event()
    replies: list[httpx2.Response] = []

    def read() -> None:
        rest = b""
        try:
            with httpx2.stream(
                "GET",
                f"{client.base_url}events/stream",
                params={"workspace_id": workspace_id, **query},
                headers=headers,
                timeout=60,
                trust_env=False,
            ) as reply:
                stream.status, stream.headers = reply.status_code, reply.headers
                replies.append(reply)
                began.set()
                for part in reply.iter_raw():
                    *blocks, rest = (rest + part).split(b"\n\n")
                    for block in blocks:
                        stream.arrived.append(time.monotonic())
                        stream.blocks.append(block.decode() + "\n")
        except httpx2.HTTPError as error:
            stream.error = error
        finally:
            stream.ended = True
            began.set()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    began.wait(10)
    try:
        yield stream
    finally:
        for reply in replies:
            _cut(reply)
        thread.join(10)


def _cut(reply: httpx2.Response) -> None:
    """Closes the socket under a thread that reads it."""
    network = reply.extensions.get("network_stream")
    if network is not None:
        found = network.get_extra_info("socket")
        with contextlib.suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)
