"""What idle readers of the event stream cost, and how soon a change reaches them.

    .venv/bin/python -m benchmarks.feed [READERS] [CHANGES] [PORT]

A server of its own with a data directory that goes with it, READERS streams (1,000 by
default) of one workspace, by one user; then CHANGES records (100) one after the other,
each created when the last one has reached everybody, and as many at 20 a second.  A
delay is from the moment that the commit's reply was read to that at which an event has
been read whole, by the same clock; what arrives before the reply counts as 0.
"""

import asyncio
import os
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.errors import CannotMeasure
from benchmarks.machine import cpu_seconds, memory_mb
from benchmarks.processes import serving
from benchmarks.rows import row
from benchmarks.subject import Subject

RATE = 20  # changes a second, of the second round
AT_A_TIME = 50  # streams that are opened together
PATIENCE = 30.0  # seconds
_SEQ = re.compile(rb"^id: (\d+)\nevent: ", re.MULTILINE)


@dataclass
class Readers:
    """Open streams, and when each position came in."""

    subject: Subject
    after: int
    arrived: dict[int, list[float]] = field(default_factory=dict)
    open: int = 0
    error: str | None = None
    closing: bool = False
    transports: list[asyncio.BaseTransport] = field(default_factory=list)

    async def add(self, count: int) -> None:
        for _ in range(0, count, AT_A_TIME):
            wanted = min(self.open + AT_A_TIME, count)
            for _ in range(wanted - self.open):
                await self._read()
            await self._until(partial(self._are_open, wanted))

    async def everybody_has(self, position: int) -> None:
        await self._until(lambda: len(self.arrived.get(position, ())) >= self.open)

    def _are_open(self, count: int) -> bool:
        return self.open >= count

    async def close(self) -> None:
        self.closing = True
        for transport in self.transports:
            transport.close()

    async def _until(self, claim: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not claim():
            if self.error is not None or time.monotonic() > deadline:
                raise CannotMeasure(self.error or "the readers do not get on")
            await asyncio.sleep(0.002)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(
            lambda: _Reader(self), "127.0.0.1", self.subject.port
        )


class _Reader(asyncio.Protocol):
    """One stream.  As little as can be: the server is to be measured, not this."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._head: bytes | None = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        subject = self._readers.subject
        cast(asyncio.WriteTransport, transport).write(
            f"GET /api/v1/events/stream?workspace_id={subject.workspace_id}"
            f"&after={self._readers.after} HTTP/1.1\r\nhost: localhost\r\n"
            f"authorization: Bearer {subject.token}\r\n\r\n".encode()
        )
        self._readers.transports.append(transport)

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
        if self._head is not None:
            self._head += data
            if b"retry: " in self._head:
                self._head = None
                self._readers.open += 1
            elif not self._head.startswith(b"HTTP/1.1 200"):
                self._readers.error = self._head.decode(errors="replace")
        # a part of a stream is some whole events: they are smaller than a segment
        for found in _SEQ.finditer(data):
            self._readers.arrived.setdefault(int(found[1]), []).append(at)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._readers.closing:
            self._readers.error = f"a stream ended: {exc}"


async def change(subject: Subject, n: int) -> tuple[int, float]:
    """The position of a new record, and when its reply was read."""
    return await asyncio.to_thread(subject.create, row(n))


async def one_by_one(readers: Readers, changes: int) -> dict[int, float]:
    replied: dict[int, float] = {}
    for n in range(changes):
        position, at = await change(readers.subject, n)
        replied[position] = at
        await readers.everybody_has(position)
    return replied


async def at_a_rate(readers: Readers, changes: int) -> dict[int, float]:
    replied: dict[int, float] = {}
    began = time.monotonic()
    for n in range(changes):
        await asyncio.sleep(max(0.0, began + n / RATE - time.monotonic()))
        position, at = await change(readers.subject, n)
        replied[position] = at
    await readers.everybody_has(max(replied))
    return replied


def told(readers: Readers, replied: dict[int, float]) -> str:
    delays = sorted(
        max(0.0, at - replied[position])
        for position in replied
        for at in readers.arrived[position]
    )
    cut = statistics.quantiles(delays, n=100, method="inclusive")
    return (
        f"p50 {cut[49] * 1000:.0f} ms, p99 {cut[98] * 1000:.0f} ms,"
        f" the slowest of {len(delays):,} {delays[-1] * 1000:.0f} ms"
    )


def proportional_mb(pid: int) -> float:
    """What a process has of memory that it shares with others, in part (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def measure(subject: Subject, pid: int, count: int, changes: int) -> None:
    for n in range(20):
        await change(subject, n)  # what a first request makes is no reader's cost
    readers = Readers(subject, subject.position())
    await readers.add(1)
    before, share_before = memory_mb(pid), proportional_mb(pid)
    await readers.add(count)
    await asyncio.sleep(2)
    resident = memory_mb(pid) - before
    share = proportional_mb(pid) - share_before
    print(
        f"{count:,} idle readers: {resident:.1f} MB more resident (PSS {share:.1f}),"
        f" {resident * 1024 / count:.1f} KB each; {before:.0f} MB before"
    )
    began, used = time.monotonic(), cpu_seconds(pid)
    await asyncio.sleep(10)
    used = (cpu_seconds(pid) - used) / (time.monotonic() - began)
    print(f"idle, they use {used:.1%} of a core")
    for said, work in (("one by one", one_by_one), (f"{RATE} a second", at_a_rate)):
        used = cpu_seconds(pid)
        replied = await work(readers, changes)
        used = (cpu_seconds(pid) - used) / changes
        print(
            f"{said}: {told(readers, replied)}; {used * 1000:.0f} ms of a core a change"
        )
    print(f"{memory_mb(pid) - before:.1f} MB more resident afterwards")
    await readers.close()


def main(count: int, changes: int, port: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.environ["TABELLION_STREAMS_PER_USER"] = str(2 * count)
    with serving(port) as (_, process):
        subject = Subject(port)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(subject, process.pid, count, changes))
        subject.close()


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*given, *(1000, 100, 19357)[len(given) :])
