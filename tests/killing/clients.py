"""Writers: each notes what it is about to send before it sends it.

A line of the intent file is on the disk before its request leaves, so that what the
clients were promised is known even if they die.
"""

import json
import os
import random
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

PATIENCE = 30.0  # seconds that a request may take in all, retries included


@dataclass
class Intent:
    """One write: sent again with its key until it is answered, unless it gives up."""

    key: str
    method: str
    path: str
    body: dict[str, Any]
    records: int
    patient: bool
    status: int | None = None
    position: int | None = None
    batch_id: str | None = None
    reply: bytes = b""
    made: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        return self.status is not None and self.status < 300


class Load:
    """Clients on one table, writing until they are told to stop.

    `batch`: the most records of one write; `pause`: seconds between two of a client."""

    def __init__(
        self,
        url: str,
        token: str,
        table_id: str,
        intents: Path,
        clients: int,
        seed: int,
        *,
        batch: int = 200,
        pause: float = 0.0,
    ) -> None:
        self._batch, self._pause = batch, pause
        self.url, self.token, self.table_id = url, token, table_id
        self.intents: list[Intent] = []
        self.bad: list[str] = []  # replies that nobody should get
        self.slowest = 0.0
        self._file = intents.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(random.Random(seed + number),))
            for number in range(clients)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE * 2)
        self._file.close()

    def _write(self, choose: random.Random) -> None:
        own: list[str] = []  # records that this client made and nobody else changes
        with httpx2.Client(base_url=f"{self.url}/api/v1", trust_env=False) as client:
            client.headers["authorization"] = f"Bearer {self.token}"
            while not self._stopping.wait(self._pause):
                intent = self._next(choose, own)
                self._note({"intent": intent.key, "body": intent.body})
                with self._lock:
                    self.intents.append(intent)
                self._send(client, intent)
                self._note({"outcome": intent.key, "status": intent.status})
                if intent.acknowledged:
                    own += intent.made

    def _next(self, choose: random.Random, own: list[str]) -> Intent:
        key = str(uuid.UUID(int=choose.getrandbits(128)))
        patient = choose.random() < 0.8
        dice = choose.random()
        if own and dice < 0.2:
            one = own[choose.randrange(len(own))]
            body: dict[str, Any] = {"fields": {"Note": f"changed {key}"}}
            return Intent(key, "PATCH", f"/records/{one}", body, 1, patient)
        if own and dice < 0.3:
            one = own.pop(choose.randrange(len(own)))
            return Intent(key, "DELETE", f"/records/{one}", {}, 1, patient)
        if dice < 0.4:
            count = choose.randint(1, self._batch)
            rows = [{"fields": {"Mark": key, "Nr": nr}} for nr in range(count)]
            body = {"table_id": self.table_id, "records": rows}
            return Intent(key, "POST", "/records/batch", body, count, patient)
        body = {"table_id": self.table_id, "fields": {"Mark": key, "Nr": 0}}
        return Intent(key, "POST", "/records", body, 1, patient)

    def _note(self, line: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(json.dumps(line).encode() + b"\n")
            os.fsync(self._file.fileno())

    def _send(self, client: httpx2.Client, intent: Intent) -> None:
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            try:
                reply = client.request(
                    intent.method,
                    intent.path,
                    content=json.dumps(intent.body) if intent.body else b"",
                    headers={
                        "idempotency-key": intent.key,
                        "content-type": "application/json",
                    },
                    timeout=PATIENCE,
                )
            except httpx2.HTTPError:
                if not intent.patient:
                    break  # nobody will ever ask what became of it
                time.sleep(0.1)
                continue
            if reply.status_code == 503:
                time.sleep(0.1)
                continue
            self._keep(intent, reply)
            break
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _keep(self, intent: Intent, reply: httpx2.Response) -> None:
        intent.status = reply.status_code
        if not intent.acknowledged:
            self.bad.append(f"{intent.method} {intent.path}: {reply.text[:200]}")
            return
        intent.position = int(reply.headers["x-position"])
        intent.batch_id = reply.headers["x-batch-id"]
        intent.reply = reply.content
        if intent.method == "POST":
            shown = reply.json()
            items = shown.get("items", [shown])
            intent.made = [item["id"] for item in items]


def things(client: httpx2.Client) -> tuple[str, str, str, str]:
    """A workspace and a table to write to: (workspace, table, Mark's id, token)."""

    def made(path: str, body: Mapping[str, object]) -> dict[str, object]:
        reply = client.post(path, json=body)
        assert reply.status_code == 201, reply.text
        found: dict[str, object] = reply.json()
        return found

    who = {"email": "ada@example.org", "password": "securepassword"}
    token = str(made("/auth/register", who)["access_token"])
    client.headers["authorization"] = f"Bearer {token}"
    workspace_id = str(made("/workspaces", {"name": "Killed"})["id"])
    base = made("/bases", {"workspace_id": workspace_id, "name": "Base"})
    fields = [
        {"name": "Mark", "type": "text"},
        {"name": "Nr", "type": "number"},
        {"name": "Note", "type": "text"},
    ]
    table = made("/tables", {"base_id": base["id"], "name": "T", "fields": fields})
    shown = table["fields"]
    assert isinstance(shown, list)
    return workspace_id, str(table["id"]), str(shown[0]["id"]), token
