"""What an outgoing webhook tells, received: each message once, however often it comes.

    WEBHOOK_SECRET=whsec_… .venv/bin/python -m examples.receiving FILE [--port 8099]

FILE is an SQLite database.  A message's id and what is made of it (here: a row) are
written in one transaction, so it can be killed at any moment.  A message that is there
already is answered like the first one; one that is not genuine is answered 401 and
leaves nothing.  While the secret changes, WEBHOOK_SECRET may hold both, parted by a
blank; with one that is no secret it does not start.

It knows nothing of Tabellion but docs/webhooks.md: only the standard library is used.
"""

import argparse
import hmac
import json
import os
import sqlite3
import sys
import time
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGEST = 2 * 1024 * 1024  # bytes of a message
TOLERANCE = 300  # seconds that a message may be old, or clocks differ
STILL = 10.0  # seconds without a byte


def is_genuine(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
    """Whether one of `secrets` signed exactly this, not long ago."""
    id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (sent.isascii() and sent.isdigit() and len(sent) < 12) or "." in id:
        return False
    if abs(time.time() - int(sent)) > TOLERANCE:
        return False
    signed = f"{id}.{sent}.".encode() + body
    given = headers.get("webhook-signature", "").split(" ")
    for secret in secrets:
        key = b64decode(secret.removeprefix("whsec_"))
        made = "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()
        if any(hmac.compare_digest(made.encode(), one.encode()) for one in given):
            return True
    return False


class Inbox:
    """The messages that came, each once: one file."""

    def __init__(self, path: str) -> None:
        self._path = path
        database = self._open()
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS messages"
            " (id TEXT PRIMARY KEY, type TEXT, happened TEXT, body TEXT)"
        )
        database.close()

    def take(self, id: str, message: Mapping[str, Any]) -> bool:
        """Whether it is new."""
        row = (id, type_of(message), message.get("timestamp"), json.dumps(message))
        database = self._open()
        try:
            with database:  # the id and the effect: both, or neither
                made = database.execute(
                    "INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?)", row
                )
                return made.rowcount == 1
        finally:
            database.close()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=5)


def type_of(message: Mapping[str, Any]) -> str:
    """What happened: messages about entries have it under a name of their own."""
    return str(message.get("type", message.get("event")))


class Receiver(ThreadingHTTPServer):
    """Listens at 127.0.0.1; port 0 is one that is free."""

    daemon_threads = True

    def __init__(self, inbox: Inbox, secrets: Sequence[str], port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.inbox, self.secrets = inbox, secrets


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver
    timeout = STILL

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            self._answer(411)
            return
        if int(length) > LARGEST:
            self._answer(413)
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not is_genuine(headers, body, self.server.secrets):
            self._answer(401)
            return
        # what it is named in is only believed now
        message = json.loads(body)
        new = self.server.inbox.take(headers["webhook-id"], message)
        print(type_of(message) if new else "again", headers["webhook-id"], flush=True)
        self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")  # whose body was not read
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """A line a message is enough."""


def is_secret(text: str) -> bool:
    """Whether it can be a webhook's: `whsec_` and the base64 of 24 to 64 bytes."""
    try:
        key = b64decode(text.removeprefix("whsec_"), validate=True)
    except (NotBase64, ValueError):  # also where it is not ASCII
        return False
    return text.startswith("whsec_") and 24 <= len(key) <= 64


def main() -> None:
    asked = argparse.ArgumentParser(description="Receives a webhook's messages")
    asked.add_argument("file", help="an SQLite database")
    asked.add_argument("--port", type=int, default=8099)
    told = asked.parse_args()
    secrets = os.environ.get("WEBHOOK_SECRET", "").split()
    if not secrets:
        sys.exit("WEBHOOK_SECRET is not set: what a webhook's secret is was said once")
    if not all(map(is_secret, secrets)):
        sys.exit("WEBHOOK_SECRET is no secret of a webhook: whsec_ and 44 characters")
    receiver = Receiver(Inbox(told.file), secrets, told.port)
    print(f"http://127.0.0.1:{receiver.server_address[1]}/", flush=True)
    try:
        receiver.serve_forever()
    except KeyboardInterrupt:
        receiver.server_close()


if __name__ == "__main__":
    main()
