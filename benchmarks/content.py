"""What the CMS's public API costs, beside the SQL that it sends.

    .venv/bin/python -m benchmarks.content [ENTRIES] [PORT] [SECONDS]

A server of its own with a type of ENTRIES entries (1,000 by default), each with HTML,
an author and three tags.  Its list of 10, at 16 connections:

    kept       as nothing is written meanwhile: wanted 1,000/s
    held       so too, by clients that have it (`If-None-Match`): wanted 3,000/s
    written    while up to a hundred entries a second are written to the type
    SQL        the page's own statement, by pgbench with 16 clients
    door       what answers without a database, through the same door
"""

import os
import secrets
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx2

from benchmarks import scripts, yardsticks
from benchmarks.errors import CannotMeasure
from benchmarks.machine import cpu_seconds
from benchmarks.processes import serving
from benchmarks.wrk import Load, put_load, require_wrk
from commands.embedded import database
from commands.settings import Settings
from domain.catalog import Catalog
from domain.ids import TableId, WorkspaceId
from projections.published import statements
from projections.reader import Statement

CONNECTIONS, THREADS = 16, 2
ROUNDS = 3
WRITES = 100  # a second
BATCH = 500
TAGS = 20
LIMIT = 10
_TEXT = (
    "<h2>Heading {n}</h2><p>Some <strong>rich</strong> text with a"
    " <a href='https://example.org/{n}'>link</a>.</p>"
)
_NOW = "2026-01-01T00:00:00Z"


class Site:
    """A site on the server at `port`, its types and their entries."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._cms = _client(f"http://127.0.0.1:{port + 3}")
        self._records = _client(f"http://127.0.0.1:{port}/api/v1")
        account = {
            "email": f"bench-{secrets.token_hex(6)}@example.org",
            "password": secrets.token_urlsafe(18),
        }
        made = _made(self._cms, "/auth/register", {**account, "full_name": "Bench"})
        self._cms.headers["authorization"] = f"Bearer {made['token']}"
        signed_in = self._records.post("/auth/login", json=account).json()
        token = signed_in["access_token"]
        self._records.headers["authorization"] = f"Bearer {token}"
        workspace = _made(self._cms, "/workspaces", {"name": "Bench"})
        self.workspace_id: str = workspace["id"]
        self.author = self._type("author", _text("name"), _text("email"))
        self.tag = self._type("tag", _text("name"))
        self.post = self._type(
            "post",
            _text("title"),
            {"name": "content", "type": "RICH_TEXT"},
            {"name": "views", "type": "NUMBER"},
            {"name": "author", "type": "RELATION", "relation_to_id": self.author},
            {
                "name": "tags",
                "type": "RELATION",
                "relation_to_id": self.tag,
                "multiple": True,
            },
        )
        self.path = f"/api/{workspace['slug']}/post"
        self._authors = self._create(self.author, [_author(n) for n in range(TAGS)])
        self._tags = self._create(self.tag, [{"name": f"Tag {n}"} for n in range(TAGS)])

    def close(self) -> None:
        self._cms.close()
        self._records.close()

    def fill(self, entries: int) -> None:
        for first in range(0, entries, BATCH):
            last = min(first + BATCH, entries)
            self._create(self.post, [self._entry(n) for n in range(first, last)])

    def tagged(self) -> str:
        """The list's tag.  Raises CannotMeasure where it is not what it should be."""
        reply = self._cms.get(self.path)
        shown = reply.json()["data"]
        first = shown[0]["data"]
        opened = first["author"]["data"]["email"], len(first["tags"])
        if len(shown) != LIMIT or opened[1] != 3 or "nofollow" not in first["content"]:
            raise CannotMeasure(f"the list is not as it should be: {first}")
        return str(reply.headers["etag"])

    @contextmanager
    def writing(self, rate: int) -> Iterator[list[int]]:
        """So many entries a second are made meanwhile; how many it were."""
        over, written = Event(), [0]

        def write() -> None:
            while not over.wait(1 / rate):
                self._create(self.post, [self._entry(written[0])])
                written[0] += 1

        writer = Thread(target=write)
        writer.start()
        try:
            yield written
        finally:
            over.set()
            writer.join()

    def statement(self, catalog: Catalog) -> Statement:
        """The one that the server sends for the list."""
        table = catalog.tables[TableId(self.post)]
        order = statements.sort_of(table, "created_at", descending=True)
        return statements.page(catalog, table, order, _NOW, LIMIT, 0)

    def _entry(self, n: int) -> dict[str, Any]:
        return {
            "title": f"Post {n}",
            "content": _TEXT.format(n=n),
            "views": n,
            "author": [self._authors[n % TAGS]],
            "tags": [self._tags[(n + step) % TAGS] for step in range(3)],
        }

    def _type(self, slug: str, *fields: dict[str, Any]) -> str:
        body = {
            "name": slug.title(),
            "slug": slug,
            "workspace_id": self.workspace_id,
            "field_definitions": fields,
        }
        made: str = _made(self._cms, "/object-types", body)["id"]
        return made

    def _create(self, table_id: str, rows: list[dict[str, Any]]) -> list[str]:
        body = {"table_id": table_id, "records": [{"fields": row} for row in rows]}
        made = _made(self._records, "/records/batch", body)
        return [one["id"] for one in made["items"]]


def _client(url: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, timeout=120, trust_env=False)


def _made(client: httpx2.Client, path: str, body: object) -> Any:
    reply = client.post(path, json=body)
    if not reply.is_success:
        raise CannotMeasure(f"{path} gave {reply.status_code}: {reply.text[:500]}")
    return reply.json()


def _text(name: str) -> dict[str, Any]:
    return {"name": name, "type": "TEXT"}


def _author(n: int) -> dict[str, Any]:
    return {"name": f"Author {n}", "email": f"a{n}@example.org"}


# --------------------------------------------------------------------------- loads


@dataclass(frozen=True)
class Bench:
    """What is measured: the site, in turn so that a slow minute is everybody's."""

    site: Site
    url: str
    folder: Path
    process: int
    seconds: int

    def rounds(self) -> None:
        held = f"wrk.headers['If-None-Match'] = '{self.site.tagged()}'"
        found: dict[str, list[tuple[float, float]]] = {}
        for _ in range(ROUNDS):
            self._put(found, "kept", self.site.path)
            self._put(found, "held", self.site.path, held)
            self._put(found, "door", "/health")
            found.setdefault("SQL", []).append((self._sql(), 0.0))
        with self.site.writing(WRITES) as written:
            for _ in range(ROUNDS):
                self._put(found, "written", self.site.path)
        for name, measured in found.items():
            rate, cpu = (
                statistics.median(column) for column in zip(*measured, strict=True)
            )
            print(f"{name:8} {rate:7.0f}/s   {cpu * 1e6:5.0f} us of CPU each")
        rate = written[0] / (ROUNDS * self.seconds)
        print(f"{rate:.0f} writes a second; load {os.getloadavg()[0]:.1f}")

    def _put(
        self,
        found: dict[str, list[tuple[float, float]]],
        name: str,
        path: str,
        headers: str = "",
    ) -> None:
        """(requests a second, the server's own CPU seconds of each)."""
        before = cpu_seconds(self.process)
        load = self._load(path, headers)
        spent = cpu_seconds(self.process) - before
        one = load.requests / load.seconds, spent / load.requests
        found.setdefault(name, []).append(one)

    def _sql(self) -> float:
        return yardsticks.statement_rate(
            self.url,
            self.folder,
            self.seconds,
            WorkspaceId(self.site.workspace_id),
            self.site.statement,
        )

    def _load(self, path: str, headers: str) -> Load:
        script = self.folder / "content.lua"
        script.write_text(
            f'wrk.headers["Host"] = "127.0.0.1"\n{headers}\n'
            f'function request() return wrk.format("GET", "{path}") end\n'
            + scripts.CLOSING
        )
        load = put_load(
            self.site.port + 3,
            script,
            connections=CONNECTIONS,
            threads=THREADS,
            seconds=self.seconds,
        )
        if load.failed or load.broken:
            raise CannotMeasure(f"{load.failed} not 2xx, {load.broken} broken")
        return load


def main(entries: int, port: int, seconds: int) -> None:
    require_wrk()
    with serving(port) as (folder, process):
        site = Site(port)
        site.fill(entries)
        settings = Settings(data_dir=folder / "data", database_url=None, _env_file=None)
        with database(settings) as urls:
            yardsticks.analyze(urls.app)
            Bench(site, urls.app, folder, process.pid, seconds).rounds()
        site.close()


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*given, *(1_000, 19_457, 10)[len(given) :])
