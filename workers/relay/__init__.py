"""The Kafka relay: every event of every workspace, at least once and in order.

A follower like any other, whose effect lies outside of the database: its position moves
when Kafka has acknowledged.  Where Kafka is not there the backlog grows and writes go
on.  What Kafka refuses for its size is sent as an address (`Form.address`), so that no
event stands in the way of those behind it.
"""

import logging
from collections.abc import Mapping, Sequence

import orjson

from commands.settings import Settings
from domain import nouns  # noqa: F401 - every noun, so every kind of event
from domain.events import EVENTS
from domain.ids import WorkspaceId
from projections.log import Envelope
from workers.following import Connection, Page, Poison, Reached, Unavailable, first_line
from workers.relay.kafka import BATCH_BYTES, Kafka, Sender, too_large
from workers.relay.messages import Form, Message, kind_of

log = logging.getLogger(__name__)

NAME = "kafka"  # the follower's


class Relay:
    """Follows the feed into Kafka."""

    name = NAME
    from_the_first = True

    def __init__(self, settings: Settings) -> None:
        self._kafka, self._form = Kafka(settings), Form.of(settings)
        self._sender: Sender | None = None
        self._batch_bytes = BATCH_BYTES
        self._refused: set[tuple[str, int]] = set()  # for their size

    async def prepare(self) -> None:
        if self._sender is not None and self._sender.failed:
            await self.close()
        if self._sender is None:
            sender = Sender(self._kafka, batch_bytes=self._batch_bytes)
            try:
                await sender.open(topics(self._form))
            except BaseException:
                await sender.close()
                raise
            self._sender = sender

    async def follow(
        self, connection: Connection, pages: Sequence[Page]
    ) -> Mapping[WorkspaceId, Reached]:
        if self._sender is None:
            raise Unavailable("Kafka: not connected")
        sending: list[Message] = []
        befores = {}
        for page in pages:
            before = befores[page.workspace_id] = await self._before(connection, page)
            sending += self._messages(page.events, dict(before))
        outcome = await self._sender.send(sending)
        self._learn(sending, outcome)
        results = iter(outcome)
        reached: dict[WorkspaceId, Reached] = {}
        for page in pages:
            ended = [next(results) for _ in page.events]
            done = next((n for n, error in enumerate(ended) if error), len(ended))
            if done:
                reached[page.workspace_id] = self._reached(
                    page.events[:done], befores[page.workspace_id]
                )
        if not reached:
            raise Unavailable(f"Kafka: {first_line(_first(outcome))}")
        return reached

    async def close(self) -> None:
        if self._sender is not None:
            sender, self._sender = self._sender, None
            await sender.close()

    def _messages(
        self, events: Sequence[Envelope], before: dict[str, int]
    ) -> list[Message]:
        made = []
        for event in events:
            previous = before.get(kind_of(event.type), 0)
            if (event.workspace_id, event.seq) in self._refused:
                made.append(self._form.address(event, previous))
            else:
                made.append(self._form.message(event, previous))
            before[kind_of(event.type)] = event.seq
        return made

    async def _before(self, connection: Connection, page: Page) -> Mapping[str, int]:
        """The last position of each kind before a page, where anybody is told."""
        if not self._form.per_kind:
            return {}
        if page.note is not None:
            found: dict[str, int] = orjson.loads(page.note)
            return found
        return await last_of_kinds(connection, page.workspace_id, page.events[0].seq)

    def _reached(
        self, events: Sequence[Envelope], before: Mapping[str, int]
    ) -> Reached:
        if not self._form.per_kind:
            return Reached(events[-1].seq)
        after = {**before, **{kind_of(one.type): one.seq for one in events}}
        return Reached(events[-1].seq, orjson.dumps(after).decode())

    def _learn(
        self, messages: Sequence[Message], outcome: Sequence[Exception | None]
    ) -> None:
        """From what was refused: smaller batches next, and at last no data."""
        self._refused -= {
            (one.workspace_id, one.seq)
            for one, error in zip(messages, outcome, strict=True)
            if error is None
        }
        if any(outcome):
            log.info("Kafka did not take everything: %s", first_line(_first(outcome)))
        refused: dict[int, list[Message]] = {}  # by the batch, which has one error
        for one, error in zip(messages, outcome, strict=True):
            if too_large(error):
                refused.setdefault(id(error), []).append(one)
        for batch in refused.values():
            if len(batch) > 1:
                # next time the largest of them goes alone
                largest = max(one.size for one in batch)
                self._batch_bytes = max(min(self._batch_bytes // 2, largest), 1)
                continue
            place = (batch[0].workspace_id, batch[0].seq)
            if place in self._refused:
                raise Poison("Kafka takes not even the address of it")
            self._refused.add(place)


def _first(outcome: Sequence[Exception | None]) -> Exception:
    """The failure that is the reason for the others."""
    failures = [error for error in outcome if error is not None]
    told = [one for one in failures if not isinstance(one, Unavailable)]
    return (told or failures)[0]


def topics(form: Form) -> Sequence[str]:
    """Those that events known to this code go to."""
    return sorted({form.topic_of(type_) for type_ in EVENTS})


async def last_of_kinds(
    connection: Connection, workspace_id: str, seq: int
) -> Mapping[str, int]:
    """The last position of each kind before one: looks through all that was."""
    if seq == 1:
        return {}
    rows = await connection.execute(
        "SELECT split_part(type, '.', 1), max(seq) FROM ledger.events"
        " WHERE workspace_id = %s AND seq < %s GROUP BY 1",
        [workspace_id, seq],
    )
    return dict(await rows.fetchall())
