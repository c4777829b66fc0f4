"""How fast the relay is, and how late an event is in Kafka.

    .venv/bin/python -m benchmarks.relay [EVENTS] [RATE] [SECONDS] [PORT]

A server of its own and a Kafka of its own, both with data that go with them.

EVENTS (50,000 by default) are written while Kafka is down; it is started, and the
time from the first that is relayed to the last is taken.  Then RATE records a second
(1,000) are created for SECONDS (20), ten a request and then one, and a consumer beside
it takes the delay of each: from its `recorded_at` to the moment at which it was read,
by the same clock.  Where one machine has to do all of it, the rate may not be reached
with one record a request; what was is told.
"""

import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import uvloop
from aiokafka import AIOKafkaConsumer

from benchmarks.errors import CannotMeasure
from benchmarks.machine import cpu_seconds
from benchmarks.place import forget_settings
from benchmarks.processes import serving
from benchmarks.rows import row
from benchmarks.subject import Subject
from tools.kafka import Broker, missing

PATIENCE = 120.0  # seconds
CONNECTIONS = 16
AT_ONCE = (10, 1)  # records a request
TOPIC = "bench.events"
_BACKLOG = re.compile(rb'^tabellion_follower_backlog{follower="kafka"} (.+)$', re.M)


@contextmanager
def a_broker(port: int) -> Iterator[Broker]:
    """Not started yet; stopped at the end."""
    lacking = missing()
    if lacking is not None:
        raise CannotMeasure(f"{lacking} is missing, so there is no Kafka")
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(port, room=Path(folder))
        try:
            yield broker
        finally:
            broker.down(wipe=True)


def backlog(port: int) -> int:
    """What waits for the relay; raises CannotMeasure where nothing says."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        found = _BACKLOG.search(reply.read())
    if found is None:
        raise CannotMeasure("the server has no relay")
    return int(float(found[1]))


def drained(port: int, least: int) -> float:
    """Waits until the relay has all; gives its events a second."""
    deadline = time.monotonic() + PATIENCE
    at = began = time.monotonic()
    whole = left = backlog(port)
    if whole < least:
        raise CannotMeasure(f"only {whole} events wait")
    while left:
        if time.monotonic() > deadline:
            raise CannotMeasure(f"{left} events still wait")
        time.sleep(0.05)
        at, left = time.monotonic(), backlog(port)
        if left == whole:
            began = at
    return whole / (at - began)


class Writing:
    """Creates records at a rate, `each` a request, over connections that are kept."""

    def __init__(self, subject: Subject, rate: int, seconds: int, each: int) -> None:
        self._subject, self._rate, self._total = subject, rate, rate * seconds
        self._each, self._next = each, 0
        self.reached = 0.0  # records a second, in the end

    async def run(self) -> None:
        began = time.monotonic()
        writers = [self._write(began) for _ in range(CONNECTIONS)]
        await asyncio.gather(*writers)
        self.reached = self._total / (time.monotonic() - began)

    async def _write(self, began: float) -> None:
        port = self._subject.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while self._next < self._total:
            n, self._next = self._next, self._next + self._each
            due = began + n / self._rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            writer.write(self._request(n))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 201"):
                raise CannotMeasure(head.decode(errors="replace"))
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
        writer.close()

    def _request(self, n: int) -> bytes:
        path = b"/records"
        content: dict[str, Any] = {"fields": row(n)}
        if self._each > 1:
            rows = [{"fields": row(n + place)} for place in range(self._each)]
            path, content = b"/records/batch", {"records": rows}
        body = orjson.dumps({"table_id": self._subject.table_id, **content})
        return (
            b"POST /api/v1%s HTTP/1.1\r\nhost: localhost\r\n"
            b"authorization: Bearer %s\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n"
            % (path, self._subject.token.encode(), len(body))
        ) + body


async def delays(
    subject: Subject, broker: Broker, rate: int, seconds: int, each: int
) -> str:
    """What a consumer sees while records are created at a rate."""
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=broker.address, auto_offset_reset="latest"
    )
    await consumer.start()
    await consumer.seek_to_end()
    for lane in consumer.assignment():
        await consumer.position(lane)
    writing = Writing(subject, rate, seconds, each)
    task = asyncio.create_task(writing.run())
    found: list[float] = []
    deadline = time.monotonic() + seconds + PATIENCE
    while len(found) < rate * seconds:
        if task.done():
            task.result()
        if time.monotonic() > deadline:
            raise CannotMeasure(f"only {len(found)} of {rate * seconds} events came")
        records = await consumer.getmany(timeout_ms=200)
        now = time.time()
        for some in records.values():
            found += [now - _recorded(dict(one.headers)["ce_time"]) for one in some]
    await task
    await consumer.stop()
    cut = statistics.quantiles((one * 1000 for one in found), n=100, method="inclusive")
    return (
        f"{writing.reached:,.0f} records/s ({rate:,} were wanted), {each} a request: in"
        f" Kafka and read after p50 {cut[49]:.0f} ms, p99 {cut[98]:.0f} ms, the slowest"
        f" of {len(found):,} {max(found) * 1000:.0f} ms"
    )


def _recorded(at: bytes) -> float:
    return datetime.fromisoformat(at.decode()).timestamp()


def main(events: int, rate: int, seconds: int, port: int) -> None:
    forget_settings()
    with a_broker(port + 20) as broker:
        os.environ["TABELLION_KAFKA_BOOTSTRAP_SERVERS"] = broker.address
        os.environ["TABELLION_KAFKA_TOPIC"] = TOPIC
        with serving(port) as (_, process):
            subject = Subject(port)
            subject.fill(events)
            time.sleep(1)  # what was written is sealed and noticed
            broker.up()
            used = cpu_seconds(process.pid)
            speed = drained(port, events)
            used = cpu_seconds(process.pid) - used
            print(
                f"{events:,} events that waited: {speed:,.0f} events/s through the"
                f" relay, {used / events * 1e6:.0f} µs of a core each"
            )
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                for each in AT_ONCE:
                    told = delays(subject, broker, rate, seconds, each)
                    print(runner.run(told))
            subject.close()


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    try:
        main(*given, *(50_000, 1_000, 20, 19457)[len(given) :])
    except CannotMeasure as error:
        sys.exit(f"benchmarks: {error}")
