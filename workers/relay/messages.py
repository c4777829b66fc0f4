"""What an event is in Kafka: CloudEvents 1.0 in binary mode.

    key      the workspace's id, or the stream's
    headers  ce_specversion, ce_id, ce_source, ce_type, ce_subject, ce_time,
             ce_dataschema, content-type, and of our own ce_workspaceid, ce_seq;
             ce_prevseq where each kind has a topic, ce_dataref where the data are not
             in the message
    value    the envelope of docs/ledger.md as JSON, `data` the very bytes of the ledger

The same event gives the same bytes, whenever and by whomever it is sent: so a duplicate
is known, and a topic can be compared with the ledger.  Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import orjson

from commands.settings import Settings
from projections.log import Envelope

Headers: TypeAlias = Sequence[tuple[str, bytes]]
FRAME_BYTES = 100  # of a message, beside key, headers and value; at the most


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way; `milliseconds` is the event's time."""

    workspace_id: str
    seq: int
    topic: str
    key: bytes
    value: bytes
    headers: Headers
    milliseconds: int

    @property
    def size(self) -> int:
        headers = sum(len(name) + len(value) + 4 for name, value in self.headers)
        return len(self.key) + len(self.value) + headers + FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Form:
    """How events become messages: the settings' say in it."""

    topic: str = "tabellion.events"
    per_kind: bool = False
    key: Literal["workspace", "stream"] = "workspace"
    largest: int = 900 * 1024  # bytes of a message

    @classmethod
    def of(cls, settings: Settings) -> "Form":
        return cls(
            settings.kafka_topic,
            settings.kafka_topic_per_kind,
            settings.kafka_key,
            settings.kafka_max_message_bytes,
        )

    def topic_of(self, type_: str) -> str:
        return f"{self.topic}.{kind_of(type_)}" if self.per_kind else self.topic

    def message(self, event: Envelope, previous: int = 0) -> Message:
        """`previous`: the position of the event before of the same workspace and kind,
        0 before the first; told where each kind has a topic."""
        whole = self.whole(event, previous)
        return self.address(event, previous) if whole.size > self.largest else whole

    def whole(self, event: Envelope, previous: int = 0) -> Message:
        return self._message(event, orjson.dumps(event.json()), self._told(previous))

    def address(self, event: Envelope, previous: int = 0) -> Message:
        """Without the data: where they are."""
        place = f"/api/v1/events/{event.id}"
        value = orjson.dumps({**event.json(), "data": None, "dataref": place})
        headers = [*self._told(previous), ("ce_dataref", place.encode())]
        return self._message(event, value, headers)

    def _told(self, previous: int) -> list[tuple[str, bytes]]:
        return [("ce_prevseq", b"%d" % previous)] if self.per_kind else []

    def _message(self, event: Envelope, value: bytes, more: Headers) -> Message:
        key = event.workspace_id if self.key == "workspace" else event.stream
        return Message(
            event.workspace_id,
            event.seq,
            self.topic_of(event.type),
            key.encode(),
            value,
            [*_headers(event), *more],
            _milliseconds(event.recorded_at),
        )


def kind_of(type_: str) -> str:
    """`record` of `record.updated`."""
    return type_.partition(".")[0]


def schema_of(type_: str, schema: int) -> str:
    """The name of an event's JSON Schema."""
    return f"urn:tabellion:{type_}:{schema}"


def _headers(event: Envelope) -> Headers:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_source", f"/workspaces/{event.workspace_id}".encode()),
        ("ce_type", event.type.encode()),
        ("ce_subject", event.stream.encode()),
        ("ce_time", event.recorded_at.encode()),
        ("ce_dataschema", schema_of(event.type, event.schema).encode()),
        ("content-type", b"application/json"),
        ("ce_workspaceid", event.workspace_id.encode()),
        ("ce_seq", b"%d" % event.seq),
    ]


def _milliseconds(recorded_at: str) -> int:
    return int(datetime.fromisoformat(recorded_at).timestamp() * 1000)
