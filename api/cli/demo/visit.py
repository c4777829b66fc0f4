"""One run of the demo: its client, what it was promised, and how it tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any, BinaryIO

from rich.console import Console
from rich.text import Text

from api.cli.demo.columns import Prepared
from api.cli.demo.facts import answered, expect
from api.cli.http import Client, Reply


@dataclass(frozen=True)
class Loaded:
    """A table as it is on the server: its fields' ids by name, its records' ids in the
    order of the prepared rows, and how long its rows took."""

    id: str
    prepared: Prepared
    fields: Mapping[str, str]
    records: list[str]
    seconds: float

    @property
    def name(self) -> str:
        return self.prepared.name


@dataclass
class Visit:
    """`positions` and `batches` are those that write replies named, for the feed to be
    held against; `created`, `updated`, `deleted` count records."""

    client: Client
    console: Console
    workspace_id: str = ""
    base_id: str = ""
    positions: set[int] = field(default_factory=set)
    batches: set[str] = field(default_factory=set)
    created: int = 0
    updated: int = 0
    deleted: int = 0
    facts: int = 0

    # ------------------------------------------------------------- telling

    def chapter(self, title: str) -> None:
        self.console.print()
        self.console.print(title, style="bold", markup=False)

    def say(self, line: str, mark: str = "") -> None:
        """A line, broken where it has to be, below the mark that it begins with."""
        lead = Text.assemble("  ", (mark and f"{mark} ", "green"))
        room = self.console.width - len(lead)
        for part in wrap(line, room, break_on_hyphens=False, break_long_words=False):
            self.console.print(lead + part, soft_wrap=True)
            lead = Text(" " * len(lead))

    def command(self, line: str) -> None:
        """A line to be copied: it is never broken."""
        self.console.print(f"  {line}", markup=False, soft_wrap=True)

    def holds(self, fact: str, expected: object, found: object) -> None:
        """Tells a fact that holds.  Raises NotAsExpected where it does not."""
        self.check(fact, expected, found)
        self.say(fact, "✓" if self.console.encoding.lower().startswith("utf") else "+")

    def check(self, fact: str, expected: object, found: object) -> None:
        """The same without a line.  Raises NotAsExpected."""
        expect(fact, expected, found)
        self.facts += 1

    # ------------------------------------------------------------- calling

    def write(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        status: int = 201,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """A write that succeeds; its position and batch are noted."""
        reply = self.client.call(method, path, body, headers=headers)
        return self.written(answered(reply, status))

    def upload(self, path: str, file: BinaryIO, form: Mapping[str, str]) -> Reply:
        """A file in a form that writes; its position and batch are noted."""
        return self.written(answered(self.client.upload(path, file, form), 201))

    def written(self, reply: Reply) -> Reply:
        """A write's reply, through whichever door, noted."""
        self.positions.add(int(reply.headers["x-position"]))
        self.batches.add(reply.headers["x-batch-id"])
        return reply

    def refused(
        self,
        status: int,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The body of a call that has to be refused with this status."""
        reply = self.client.call(method, path, body, headers=headers)
        return answered(reply, status).json

    def read(self, path: str, **query: object) -> Any:
        """What a read gives, the run's own writes being in it."""
        seen = {"x-min-position": str(max(self.positions, default=0))}
        return self.get(path, seen, **query).json

    def look(self, path: str, **body: object) -> Any:
        """What a POST that only reads gives, the run's own writes being in it."""
        seen = {"x-min-position": str(max(self.positions, default=0))}
        reply = self.client.call("POST", path, body, headers=seen)
        return answered(reply, 200).json

    def get(self, path: str, headers: Mapping[str, str], **query: object) -> Reply:
        reply = self.client.call("GET", path, query=query, headers=headers)
        return answered(reply, 200)

    def count(self, table: Loaded, **query: object) -> int:
        """How many records match."""
        page = self.read("/records", table_id=table.id, limit=1, **query)
        total: int = page["total"]
        return total
