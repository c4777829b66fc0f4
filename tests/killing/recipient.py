"""Who is told by a webhook while everything else is killed: it answers now well and now
ill, and keeps what had an effect, in the order in which it came."""

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

REFUSES = 0.05  # of the requests: 500, without an effect
LOSES_REPLY = 0.05  # of the requests: an effect, and the connection is cut
SLOWEST = 0.03  # seconds that a reply takes


@dataclass(frozen=True)
class Arrival:
    """An effect: what was told under which id."""

    id: str
    body: bytes


class Recipient:
    """Listens from the start; `secrets` are those of the webhooks by their paths."""

    def __init__(self, seed: int) -> None:
        self.arrivals: list[Arrival] = []
        self.forged: list[str] = []
        self.secrets: dict[str, str] = {}
        self._choose = random.Random(seed)
        self._lock = threading.Lock()
        self._server = _Listening(self)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> int | None:
        """The status to be answered; None where the connection is to be cut."""
        with self._lock:
            dice, pause = self._choose.random(), self._choose.uniform(0, SLOWEST)
        time.sleep(pause)
        if dice < REFUSES:
            return 500
        with self._lock:
            self._keep(path, headers, body)
        return None if dice < REFUSES + LOSES_REPLY else 200

    def _keep(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        try:
            Webhook(self.secrets[path]).verify(body, dict(headers), json_parse=False)
        except (KeyError, WebhookVerificationError) as error:
            self.forged.append(f"{path}: {error!r} of {len(body)} bytes, {headers}")
        else:
            self.arrivals.append(Arrival(headers["webhook-id"], body))


class _Listening(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, recipient: Recipient) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.recipient = recipient

    def handle_error(self, *_: Any) -> None:
        """Whoever asks may be killed meanwhile."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listening

    def do_POST(self) -> None:
        self.close_connection = True
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) < length:  # who sent it was killed meanwhile
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.server.recipient.take(self.path, headers, body)
        if status is not None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.send_header("connection", "close")
            self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...
