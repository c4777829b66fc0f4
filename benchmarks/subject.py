"""The measured server as its user sees it: an account, one workspace, one table."""

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from benchmarks.errors import CannotMeasure
from benchmarks.rows import FIELDS, row

RECORDS = "/api/v1/records"
BATCH = 1000
SETTLE_SECONDS = 0.3  # for the writes that wrk no longer waited for


class Subject:
    """The server at `port` over HTTP, with the table that every workload uses."""

    def __init__(self, port: int) -> None:
        self._client = httpx2.Client(
            base_url=f"http://127.0.0.1:{port}/api/v1", timeout=120, trust_env=False
        )
        self.port = port
        self.token = self._register()
        self._client.headers["authorization"] = f"Bearer {self.token}"
        self.workspace_id = self._made("/workspaces", {"name": "Bench"})["id"]
        base = {"workspace_id": self.workspace_id, "name": "Bench"}
        self._base_id: str = self._made("/bases", base)["id"]
        self.table_id = self.make_table("Widgets")
        self._changes = 0  # made beside other work

    def close(self) -> None:
        self._client.close()

    def make_table(self, name: str) -> str:
        """A table of the eight fields; its id."""
        table = {"base_id": self._base_id, "name": name, "fields": FIELDS}
        table_id: str = self._made("/tables", table)["id"]
        return table_id

    def fill(self, records: int, table_id: str | None = None) -> list[str]:
        """Makes that many records (whole batches of them); their ids."""
        ids: list[str] = []
        for first in range(0, records, BATCH):
            rows = [{"fields": row(n)} for n in range(first, first + BATCH)]
            body = {"table_id": table_id or self.table_id, "records": rows}
            made = self._made("/records/batch", body)
            ids += [one["id"] for one in made["items"]]
        return ids

    def create(self, fields: dict[str, Any]) -> tuple[int, float]:
        """Makes a record; its position, and when the reply had come."""
        body = {"table_id": self.table_id, "fields": fields}
        reply = self._client.post("/records", json=body)
        at = time.monotonic()
        if reply.status_code != 201:
            raise CannotMeasure(f"a record gave {reply.status_code}: {reply.text}")
        return int(reply.headers["x-position"]), at

    @contextmanager
    def writing(
        self, rate: int, table_id: str, ids: Sequence[str]
    ) -> Iterator[list[int]]:
        """So many writes a second meanwhile: one gives one of these another day, the
        next makes a record.  Afterwards how many it were."""
        stopping, written = threading.Event(), [0]

        def write() -> None:
            began = time.monotonic()
            while not stopping.is_set():
                self._write(written[0], table_id, ids)
                written[0] += 1
                time.sleep(max(0.0, began + written[0] / rate - time.monotonic()))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            yield written
        finally:
            stopping.set()
            writer.join()

    def _write(self, n: int, table_id: str, ids: Sequence[str]) -> None:
        if n % 2:
            self._made("/records", {"table_id": table_id, "fields": row(200_000 + n)})
            return
        self._changes += 1
        day = f"2025-{self._changes // 28 % 12 + 1:02d}-{self._changes % 28 + 1:02d}"
        path = f"/records/{ids[self._changes * 7919 % len(ids)]}"
        self._read("PATCH", path, 200, json={"fields": {"Day": day}})

    def position(self) -> int:
        """How many events the workspace's ledger has, once the last write is done."""
        time.sleep(SETTLE_SECONDS)
        query: dict[str, str | int] = {"workspace_id": self.workspace_id, "limit": 1}
        head: int = self._got("/events", query)["head"]
        return head

    def count(self) -> int:
        """How many records the table has."""
        time.sleep(SETTLE_SECONDS)
        total: int = self._got("/records", {"table_id": self.table_id, "limit": 1})[
            "total"
        ]
        return total

    def prove(self) -> None:
        """One request of each kind, looked at in full; wrk looks at statuses alone.

        Raises CannotMeasure.
        """
        body = {"table_id": self.table_id, "fields": row(1)}
        made = self._made("/records", body)
        self._expect(made["fields"], row(1))
        path = f"/records/{made['id']}"
        changed = self._read("PATCH", path, 200, json={"fields": {"Qty": 77}})
        self._expect(changed["fields"], {**row(1), "Qty": 77})
        self._expect(self._got(path, {})["fields"], {**row(1), "Qty": 77})
        self._read("GET", path, 401, headers={"authorization": ""})

    def _register(self) -> str:
        account = {
            "email": f"bench-{secrets.token_hex(6)}@example.org",
            "password": secrets.token_urlsafe(18),
            "name": "Bench",
        }
        token: str = self._made("/auth/register", account)["access_token"]
        return token

    def _made(self, path: str, body: object) -> Any:
        return self._read("POST", path, 201, json=body)

    def _got(self, path: str, query: dict[str, str | int]) -> Any:
        return self._read("GET", path, 200, params=query)

    def _read(self, method: str, path: str, status: int, **more: Any) -> Any:
        """The JSON of a reply, which has to have that status."""
        try:
            reply = self._client.request(method, path, **more)
        except httpx2.HTTPError as error:
            raise CannotMeasure(f"{method} {path}: {error!r}") from error
        if reply.status_code != status:
            raise CannotMeasure(
                f"{method} {path} gave {reply.status_code}, not {status}:"
                f" {reply.text[:500]}"
            )
        return reply.json()

    @staticmethod
    def _expect(found: dict[str, Any], wanted: dict[str, Any]) -> None:
        at = found["At"].replace("+00:00", "Z").replace(".000000", "")
        if {**found, "At": at} != wanted:
            raise CannotMeasure(f"a record came back as {found}, not as {wanted}")
