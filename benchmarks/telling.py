"""How many events a second become deliveries of webhooks, and what passing by costs.

    .venv/bin/python -m benchmarks.telling [EVENTS] [PORT]

A server of its own, with data that go with it, which follows nothing: the follower of
webhooks runs here, over its database.  EVENTS (20,000 by default) of each kind are
written, and the time that it takes for them is told:

    passed by   records made in a workspace that never had a webhook
    made        the same where a webhook takes everything
    changed     each of them once: the rows are still those that the events made
    late        each of them twice: the first change is told as of its moment
    replayed    all that a replay takes, 10,000 events
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx2

from api.hooks import surfaces
from benchmarks.errors import CannotMeasure
from benchmarks.machine import cpu_seconds
from benchmarks.place import forget_settings
from benchmarks.processes import serving
from benchmarks.subject import Subject
from commands.embedded import DatabaseUrls, database
from commands.settings import load_settings
from projections.postgres import connect
from workers.following import Loop
from workers.webhooks import Webhooks

BATCH = 1_000
REPLAYED = 10_000


class Writing:
    """Writes to a subject's table, some records a request."""

    def __init__(self, subject: Subject, events: int) -> None:
        self._subject, self._events = subject, events
        self._ids: list[str] = []
        self._client = httpx2.Client(
            base_url=f"http://127.0.0.1:{subject.port}/api/v1",
            headers={"authorization": f"Bearer {subject.token}"},
            timeout=120,
            trust_env=False,
        )

    def make(self) -> None:
        self._ids = self._subject.fill(self._events)

    def change(self, price: int) -> None:
        for first in range(0, len(self._ids), BATCH):
            updates = [
                {"record_id": one, "fields": {"Price": price}}
                for one in self._ids[first : first + BATCH]
            ]
            body = {"table_id": self._subject.table_id, "updates": updates}
            self._sent("PATCH", "/records/batch", body)

    def hook(self) -> str:
        body = {
            "table_id": self._subject.table_id,
            "name": "Bench",
            "type": "outgoing",
            "url": "https://example.com/",
            "events": ["record.*"],
        }
        found: str = self._sent("POST", "/webhooks", body)["id"]
        return found

    def replay(self, webhook_id: str, last: int) -> None:
        body = {
            "from_position": last - REPLAYED + 1,
            "to_position": last,
            "only": "all",
        }
        self._sent("POST", f"/webhooks/{webhook_id}/replay", body)

    def _sent(self, method: str, path: str, body: Any) -> Any:
        reply = self._client.request(method, path, json=body)
        if not reply.is_success:
            raise CannotMeasure(f"{path} gave {reply.status_code}: {reply.text}")
        return reply.json()


class Following:
    """The follower, round by round."""

    def __init__(self, urls: DatabaseUrls) -> None:
        self._urls = urls
        self._loop = Loop(urls.follower, Webhooks(surfaces()))

    async def drain(self) -> None:
        while await self._loop.round():
            pass

    async def measure(self, what: str, events: int, write: Callable[[], None]) -> None:
        """Prints how long the follower takes for what is written."""
        before = self._told()
        write()
        time.sleep(1)  # what was written is sealed
        began, used = time.monotonic(), cpu_seconds(os.getpid())
        await self.drain()
        seconds, used = time.monotonic() - began, cpu_seconds(os.getpid()) - used
        print(
            f"{what:10} {events:,} events, {self._told() - before:,} deliveries:"
            f" {events / seconds:,.0f} events/s, {used / events * 1e6:.0f} µs of a core"
            " each"
        )

    def _told(self) -> int:
        with connect(self._urls.follower) as connection:
            row = connection.execute("SELECT count(*) FROM hooks.deliveries").fetchone()
        return int(row[0]) if row else 0

    def finish(self) -> None:
        """As if everything had been delivered."""
        with connect(self._urls.app, autocommit=True) as connection:
            connection.execute(
                "UPDATE hooks.deliveries SET state = 'delivered', head = false,"
                " finished_at = clock_timestamp() WHERE state = 'waiting'"
            )


async def measure(port: int, events: int, urls: DatabaseUrls) -> None:
    following = Following(urls)
    await following.drain()
    alone = Writing(Subject(port), events)
    await following.drain()
    await following.measure("passed by", events, alone.make)
    subject = Subject(port)
    told = Writing(subject, events)
    webhook_id = told.hook()
    await following.drain()

    def twice() -> None:
        told.change(2)
        told.change(3)

    await following.measure("made", events, told.make)
    await following.measure("changed", events, lambda: told.change(1))
    await following.measure("late", 2 * events, twice)
    following.finish()
    last, _ = subject.create({"Name": "the last one"})
    await following.drain()
    await following.measure("replayed", REPLAYED, lambda: told.replay(webhook_id, last))


def main(events: int, port: int) -> None:
    forget_settings()
    os.environ["TABELLION_SERVE_WORKS"] = "false"
    with serving(port) as (folder, _):
        os.environ["TABELLION_DATA_DIR"] = str(folder / "data")
        with database(load_settings()) as urls:
            asyncio.run(measure(port, events, urls))


if __name__ == "__main__":
    asked = [int(one) for one in sys.argv[1:]]
    try:
        main(*(asked + [20_000, 29_700][len(asked) :]))
    except CannotMeasure as error:
        sys.exit(f"cannot measure: {error}")
