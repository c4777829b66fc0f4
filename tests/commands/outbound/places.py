"""What calls meet in tests: a canary that nothing may reach, servers that misbehave in
scripted ways, and names that lead where a test says."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from commands.outbound import Guard

Play: TypeAlias = Callable[
    [asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]
]

OPEN = Guard(["127.0.0.0/8"], ports=None)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Names:
    """A name server: each look-up of a host gets its next addresses, the last for
    ever."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(a) for name, a in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        left = self._answers.get(host)
        if left is None:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return left.pop(0) if len(left) > 1 else left[0]


LOCAL: Mapping[str, Sequence[Sequence[str]]] = {"hook_example": [["127.0.0.1"]]}


class Place:
    """A server on this machine.  `heads`: what it was sent before bodies."""

    def __init__(self, port: int, scheme: str) -> None:
        self.port, self.scheme = port, scheme
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"{self.scheme}://hook.example:{self.port}/in"


@asynccontextmanager
async def serving(
    play: Play | bytes = OK,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Place]:
    """A server that hears one request after the other and then plays its part."""
    playing: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place.connections += 1
        task = asyncio.current_task()
        assert task is not None
        playing.add(task)
        try:
            while head := await _head(reader):
                place.heads.append(head)
                place.bodies.append(await reader.readexactly(_length(head)))
                if isinstance(play, bytes):
                    writer.write(play)
                    await writer.drain()
                else:
                    await play(reader, writer)
        except (OSError, asyncio.IncompleteReadError):  # the client has gone
            pass
        finally:
            playing.discard(task)
            if tls is not None:  # nobody waits for the other side's goodbye
                writer.transport.abort()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(meet, host, 0, ssl=tls)
    place = Place(server.sockets[0].getsockname()[1], "https" if tls else "http")
    try:
        yield place
    finally:
        server.close()
        for task in list(playing):
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


@asynccontextmanager
async def canary() -> AsyncIterator[Place]:
    """A listener on every address of this machine, of both families where there are
    two."""
    async with serving(host="0.0.0.0") as place:
        if not socket.has_ipv6:
            yield place
            return

        async def seen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            place.connections += 1
            writer.close()

        try:
            six = await asyncio.start_server(seen, "::1", place.port)
        except OSError:  # a machine without
            yield place
            return
        async with six:
            yield place


def certificate(
    folder: Path, name: str, *, days: int = 1
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side of TLS with a certificate for `name`, and a client's that
    believes it; of negative days it is over."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    until = datetime.now(UTC) + timedelta(days=days)  # noqa: TID251
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=2))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / f"{name}.pem").write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / f"{name}.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=pem.decode())
    return server, client
