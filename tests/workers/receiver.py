"""A receiver of webhooks on this machine, as well behaved as a test wants it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    """A request: `headers` by names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Says:
    """What is replied, `delay` seconds later, or when `until` something is.

    `drip`: seconds between its bytes.  `endless`: the body never ends.  `reset`: there
    is none, the connection is cut.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    delay: float = 0.0
    until: asyncio.Event | None = None
    drip: float = 0.0
    endless: bool = False
    reset: bool = False


@dataclass
class Receiver:
    """`says` is asked at each request; `most` were answered at the same time."""

    url: str
    received: list[Received] = field(default_factory=list)
    says: Callable[[Received], Says] = lambda _: Says()
    sent: int = 0  # bytes of bodies that the other side took
    at_once: int = 0
    most: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    def reply(self, *replies: Says) -> None:
        """These, one after the other; the last one from then on."""
        waiting = list(replies)
        self.says = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.received]

    @property
    def bodies(self) -> list[bytes]:
        return [one.body for one in self.received]

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            # a task that ends cancelled is an error to the streams of Python 3.11
            with suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                while (asked := await _request(reader)) is not None:
                    await self._take(asked, writer)
        finally:
            writer.transport.abort()

    async def _take(self, asked: Received, writer: asyncio.StreamWriter) -> None:
        self.received.append(asked)
        self.arrived.set()
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self._answer(self.says(asked), writer)
        finally:
            self.at_once -= 1

    async def close(self) -> None:
        left = list(self._serving)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)  # connections are let go of in the loop's next round

    async def _answer(self, reply: Says, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(reply.delay)
        if reply.until is not None:
            await reply.until.wait()
        if reply.reset:
            writer.transport.abort()
            raise ConnectionResetError
        length = "10737418240" if reply.endless else str(len(reply.body))
        headers = {"content-length": length, **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Said", *map(": ".join, headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        if reply.drip:
            for byte in reply.body:
                await self._write(writer, bytes([byte]))
                await asyncio.sleep(reply.drip)
        elif reply.endless:
            while True:
                await self._write(writer, bytes(16 * 1024))
        else:
            await self._write(writer, reply.body)

    async def _write(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        writer.write(piece)
        await writer.drain()
        self.sent += len(piece)


async def _request(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines if line]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(first.split(" ")[1], headers, body)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver("")
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        server.close()
        await receiver.close()
