"""How many records each table has, and when it was last written: a consumer of Kafka.

    .venv/bin/python -m examples.consuming FILE           follows, until Ctrl-C
    .venv/bin/python -m examples.consuming FILE --once    to the topic's end, and ends

FILE is an SQLite database with the view and, in the same transactions, how far it is in
each workspace and in each partition.  So it can be killed at any moment and started
again; what Kafka brings a second time is known by its position and left out.

Each event is checked before it counts.  Its position is the next one of its workspace,
else something is missing; its hash is that of the event before, its envelope and its
data, else somebody else wrote it.  What is missing, and data that are not in a message,
is fetched from the server with `--api URL` and a token in the environment (API_TOKEN);
without those the program ends and says what it lacks.

It knows nothing of Tabellion but docs/consumers.md: only aiokafka and orjson are used.
"""

import argparse
import asyncio
import os
import sqlite3
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeAlias

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

Event: TypeAlias = Mapping[str, Any]
# what a hash is of, in this order, with the data behind it
HEADER = (
    *("id", "type", "schema", "workspace_id", "seq", "stream", "version", "batch_id"),
    *("batch_index", "batch_size", "actor", "surface", "request_id", "causation_id"),
    *("correlation_id", "recorded_at"),
)


class Missing(Exception):
    """Something is not in the topic, and cannot be fetched"""


class Forged(Exception):
    """A message that the ledger did not write"""


class View:
    """The tables, and the position in each workspace: one file."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(
            """
            PRAGMA journal_mode = WAL;
            CREATE TABLE IF NOT EXISTS positions
                (workspace_id TEXT PRIMARY KEY, seq INTEGER, hash BLOB);
            CREATE TABLE IF NOT EXISTS offsets
                (lane TEXT PRIMARY KEY, next INTEGER);
            CREATE TABLE IF NOT EXISTS tables
                (id TEXT PRIMARY KEY, name TEXT, records INTEGER, written_at TEXT);
            """
        )

    def close(self) -> None:
        self._database.close()

    def position(self, workspace_id: str) -> tuple[int, bytes]:
        """How far the view is, and the hash of that event."""
        rows = self._database.execute(
            "SELECT seq, hash FROM positions WHERE workspace_id = ?", [workspace_id]
        ).fetchall()
        return rows[0] if rows else (0, bytes(32))

    def next_of(self, lane: TopicPartition) -> int:
        """The offset to go on from."""
        rows = self._database.execute(
            "SELECT next FROM offsets WHERE lane = ?", [_name(lane)]
        ).fetchall()
        return rows[0][0] if rows else 0

    def take(self, records: Sequence[ConsumerRecord], server: "Server") -> int:
        """Adds messages of one partition in one transaction; gives how many were new.

        Raises Missing, Forged: then those before it are in the view all the same.
        """
        new = 0
        self._database.execute("BEGIN")
        try:
            for record in records:
                for event in self._whole(record, server):
                    new += self._take_one(event)
                lane = TopicPartition(record.topic, record.partition)
                self._database.execute(
                    "INSERT OR REPLACE INTO offsets VALUES (?, ?)",
                    [_name(lane), record.offset + 1],
                )
        finally:
            self._database.execute("COMMIT")
        return new

    def _whole(self, record: ConsumerRecord, server: "Server") -> Iterator[Event]:
        """The event of a message with all its data, behind those that are missing."""
        event: Event = orjson.loads(record.value)
        workspace_id, seq = event["workspace_id"], event["seq"]
        position, _ = self.position(workspace_id)
        if seq > position + 1:
            yield from server.between(workspace_id, position, seq)
        if event["data"] is None and seq > position:
            event = {**event, "data": server.event(event["dataref"])["data"]}
        yield event

    def _take_one(self, event: Event) -> bool:
        workspace_id, seq = event["workspace_id"], event["seq"]
        position, previous = self.position(workspace_id)
        if seq <= position:
            return False  # once more what was taken: at least once is promised
        if seq > position + 1:
            raise Missing(f"{position + 1} to {seq - 1} of workspace {workspace_id}")
        hashed = _hash(previous, event)
        if hashed.hex() != event["hash"]:
            raise Forged(f"position {seq} of workspace {workspace_id}")
        self._count(event)
        self._database.execute(
            "INSERT OR REPLACE INTO positions VALUES (?, ?, ?)",
            [workspace_id, seq, hashed],
        )
        return True

    def _count(self, event: Event) -> None:
        data = event["data"]
        match event["type"]:
            case "table.created":
                self._database.execute(
                    "INSERT INTO tables VALUES (?, ?, 0, ?)",
                    [event["stream"], data["name"], event["recorded_at"]],
                )
            case "table.updated" if "name" in data["changes"]:
                self._database.execute(
                    "UPDATE tables SET name = ? WHERE id = ?",
                    [data["changes"]["name"]["to"], event["stream"]],
                )
            case "record.created" | "record.restored":
                self._write(event, 1)
            case "record.deleted":
                self._write(event, -1)
            case "record.updated":
                self._write(event, 0)
            case _:
                pass

    def _write(self, event: Event, more: int) -> None:
        self._database.execute(
            "UPDATE tables SET records = records + ?, written_at = ? WHERE id = ?",
            [more, event["recorded_at"], event["data"]["table_id"]],
        )

    def report(self) -> str:
        rows = self._database.execute(
            "SELECT records, written_at, name FROM tables"
            " ORDER BY records DESC, name LIMIT 10"
        )
        lines = [f"{records:7}  {at:27}  {name}" for records, at, name in rows]
        return "\n".join(["records  last written                 table", *lines])


def _hash(previous: bytes, event: Event) -> bytes:
    header = orjson.dumps(
        [
            dict(sorted(event[name].items())) if name == "actor" else event[name]
            for name in HEADER
        ]
    )
    data = orjson.dumps(event["data"], option=orjson.OPT_SORT_KEYS)
    return sha256(previous + header + data).digest()


def _name(lane: TopicPartition) -> str:
    return f"{lane.topic}/{lane.partition}"


class Server:
    """Where an event can be had that is not in the topic."""

    def __init__(self, url: str | None, token: str | None) -> None:
        self._url, self._token = url, token

    def event(self, dataref: str) -> Event:
        return self._get(dataref)

    def between(self, workspace_id: str, after: int, before: int) -> Iterator[Event]:
        while after < before - 1:
            page = self._get(
                f"/api/v1/events?workspace_id={workspace_id}&after={after}&limit=500"
            )
            for event in page["items"]:
                if event["seq"] < before:
                    yield event
            if page["next"] <= after:
                raise Missing(f"what follows {after} of workspace {workspace_id}")
            after = page["next"]

    def _get(self, path: str) -> dict[str, Any]:
        if self._url is None:
            raise Missing(f"--api, to fetch {path}")
        request = urllib.request.Request(
            self._url + path, headers={"Authorization": f"Bearer {self._token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            found: dict[str, Any] = orjson.loads(reply.read())
        return found


async def consume(
    view: View, server: Server, topic: str, *, once: bool, say: Callable[[str], None]
) -> None:
    """Takes what the topic has, and what comes.  Raises Missing, Forged."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=os.environ["TABELLION_KAFKA_BOOTSTRAP_SERVERS"].split(","),
        group_id=None,  # the place is in the view's own transactions
        auto_offset_reset="earliest",  # where retention took what would be next
    )
    await consumer.start()
    try:
        lanes = consumer.assignment()
        ends = await consumer.end_offsets(lanes)
        for lane in lanes:
            consumer.seek(lane, view.next_of(lane))
        while not (once and await _at(consumer, ends)):
            found = await consumer.getmany(timeout_ms=500, max_records=1_000)
            new = sum(view.take(records, server) for records in found.values())
            if new and not once:
                say(view.report())
    finally:
        await consumer.stop()


async def _at(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    return all([await consumer.position(lane) >= end for lane, end in ends.items()])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", help="the SQLite database of the view")
    parser.add_argument("--once", action="store_true", help="to the topic's end")
    parser.add_argument("--api", help="the server, such as http://127.0.0.1:8000")
    options = parser.parse_args()
    topic = os.environ.get("TABELLION_KAFKA_TOPIC", "tabellion.events")
    view = View(options.file)
    server = Server(options.api, os.environ.get("API_TOKEN"))
    try:
        asyncio.run(consume(view, server, topic, once=options.once, say=print))
        print(view.report())
    except KeyboardInterrupt:
        print(view.report())
    except (Missing, Forged) as error:
        print(f"consuming: {type(error).__name__.lower()}: {error}", file=sys.stderr)
        return 1
    finally:
        view.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
