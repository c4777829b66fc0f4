"""A proxy before Postgres that cuts a connection around its COMMIT.

It reads the frontend's side of the protocol as far as is needed to know which message
asks for COMMIT, prepared or not, and the backend's side to know when it is done.
"""

import socket
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

_HEADER = struct.Struct("!I")


class Cut(Enum):
    """When the client loses its connection, and what becomes of its COMMIT."""

    before = "the server never gets it"
    after = "the server has done it; the reply is lost"
    late = "the server gets it a while after the client has gone"


@dataclass
class Proxy:
    """Listens on a socket of its own; `arm` makes it cut the next COMMIT."""

    url: str
    server: str  # the path of Postgres' own socket
    listening: socket.socket
    cuts: list[Cut] = field(default_factory=list)  # to come, in order
    made: list[Cut] = field(default_factory=list)
    late_seconds: float = 0.4
    down: bool = False
    _open: list[socket.socket] = field(default_factory=list)

    def arm(self, *cuts: Cut) -> None:
        self.cuts += cuts

    def refuse(self) -> None:
        """As a database that is down: what is open ends, nothing new comes through."""
        self.down = True
        for one in self._open:
            _shut(one)

    def take_again(self) -> None:
        self.down = False

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            if self.down:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.server)
            self._open += [client, server]
            link = _Link(self, client, server)
            threading.Thread(target=link.from_client, daemon=True).start()
            threading.Thread(target=link.from_server, daemon=True).start()

    def next_cut(self) -> Cut | None:
        if not self.cuts:
            return None
        cut = self.cuts.pop(0)
        self.made.append(cut)
        return cut

    def close(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for one in self._open:
            _shut(one)
            one.close()


class _Link:
    """One connection through the proxy."""

    def __init__(
        self, proxy: Proxy, client: socket.socket, server: socket.socket
    ) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.statements: dict[bytes, bytes] = {}  # prepared ones, by name
        self.locks_heads = False  # only a committer's connection is cut
        self.cut_at_reply = False

    def from_client(self) -> None:
        with suppress(OSError):
            self.server.sendall(_exactly(self.client, *_startup(self.client)))
            while True:
                message = _message(self.client)
                if not self._asks_to_commit(message):
                    self.server.sendall(message)
                elif not self._forward_commit(message):
                    return
        _shut(self.server)

    def _asks_to_commit(self, message: bytes) -> bool:
        statement = self._statement(message)
        if statement is not None and b"FROM ledger.heads" in statement:
            self.locks_heads = True
        return statement == b"COMMIT" and self.locks_heads

    def _statement(self, message: bytes) -> bytes | None:
        kind, body = message[:1], message[5:]
        if kind == b"Q":
            return body.rstrip(b"\0")
        if kind == b"P":
            name, query = body.split(b"\0")[:2]
            self.statements[name] = query
        if kind == b"B":
            return self.statements.get(body.split(b"\0")[1])
        return None

    def _forward_commit(self, message: bytes) -> bool:
        """Asked to commit: whether the connection goes on."""
        cut = self.proxy.next_cut()
        match cut:
            case None:
                self.server.sendall(message)
                return True
            case Cut.before:
                _shut(self.client)
                _shut(self.server)
            case Cut.after:
                self.cut_at_reply = True
                self.server.sendall(message)
                return True
            case Cut.late:
                rest = _what_has_come(self.client)
                _shut(self.client)
                time.sleep(self.proxy.late_seconds)
                self.cut_at_reply = True
                self.server.sendall(message + rest)
        return False

    def from_server(self) -> None:
        with suppress(OSError):
            while True:
                message = _message(self.server)
                if self.cut_at_reply and message[:1] == b"C" and b"COMMIT" in message:
                    break
                with suppress(OSError):  # who has gone is not told
                    self.client.sendall(message)
        _shut(self.client)


def _startup(client: socket.socket) -> tuple[bytes, int]:
    head = _exactly(client, b"", 4)
    return head, _HEADER.unpack(head)[0] - 4


def _message(source: socket.socket) -> bytes:
    """One message: its type, its length, its body."""
    head = _exactly(source, b"", 5)
    return _exactly(source, head, _HEADER.unpack(head[1:])[0] - 4)


def _exactly(source: socket.socket, start: bytes, size: int) -> bytes:
    read = bytearray(start)
    while size:
        some = source.recv(size)
        if not some:
            raise ConnectionResetError
        read += some
        size -= len(some)
    return bytes(read)


def _what_has_come(client: socket.socket) -> bytes:
    """The rest of the pipeline that COMMIT is a part of."""
    client.settimeout(0.05)
    read = b""
    with suppress(OSError):
        while some := client.recv(65536):
            read += some
    return read


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy_of(url: str) -> Iterator[Proxy]:
    """A proxy to the Postgres of a URL, whose host is a folder with a socket."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    port = query["port"][0]
    server = Path(unquote(query["host"][0])) / f".s.PGSQL.{port}"
    with tempfile.TemporaryDirectory(prefix="cut-") as folder:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(f"{folder}/.s.PGSQL.{port}")
        listening.listen(16)
        place = f"host={quote(folder, safe='')}&port={port}"
        proxy = Proxy(
            f"postgresql://{parts.username}@{parts.path}?{place}",
            str(server),
            listening,
        )
        accepting = threading.Thread(target=proxy.accept, daemon=True)
        accepting.start()
        try:
            yield proxy
        finally:
            proxy.close()
            accepting.join(5)
