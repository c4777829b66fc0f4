"""Comparing the topic with the ledger, event by event, and sending again.

`compare` reads all that the topic has and says what differs:

    missing   an event that was relayed and is not there
    changed   a message that is not what its event gives
    unknown   a message of no event
    order     an event that is there for the first time behind a later one

A duplicate is no difference: the relay promises at least once.  What retention has
dropped is told and is none either: events below the first that a workspace still has,
in topics that begin no more at their beginning.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from commands.settings import Settings
from projections.log import Envelope
from workers.following import Unavailable, first_line
from workers.relay import NAME, last_of_kinds, ledger, topics
from workers.relay.kafka import Kafka, Sender, partition_of
from workers.relay.messages import Form, Headers, kind_of

RECORDS = 1_000  # compared at a time
Progress = Callable[[int], None]
_PREVIOUS = "ce_prevseq"


@dataclass(frozen=True, slots=True)
class Difference:
    """`what`: see above; `where` names the message, where there is one."""

    what: str
    told: str
    where: str = ""


@dataclass
class Report:
    """What was found.  `gone`: events that retention has dropped."""

    messages: int = 0
    events: int = 0
    duplicates: int = 0
    addresses: int = 0
    gone: int = 0
    differences: list[Difference] = field(default_factory=list)

    def differ(
        self, what: str, told: str, record: ConsumerRecord | None = None
    ) -> None:
        where = ""
        if record is not None:
            where = f"{record.topic}[{record.partition}]@{record.offset}"
        self.differences.append(Difference(what, told, where))


async def compare(
    settings: Settings, url: str, progress: Progress = lambda messages: None
) -> Report:
    """Reads the topics as far as they go now.  Raises Unavailable."""
    async with ledger.reading(url) as connection:
        # first how far the relay is: all of that is in the topics by now
        relayed = await ledger.relayed(connection, NAME)
        comparison = _Comparison(Form.of(settings))
        kafka = Kafka(settings)
        partitions = await kafka.partitions(topics(comparison.form))
        async with kafka.consumer() as consumer:
            reading = _Reading(consumer)
            async for records in reading.all(partitions):
                await comparison.compare(connection, partitions, records)
                progress(comparison.report.messages)
        comparison.complete(relayed, cut=reading.cut)
    return comparison.report


class _Reading:
    """All that topics hold now."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.cut = False  # whether a topic begins no more at its beginning

    async def all(
        self, partitions: Mapping[str, int]
    ) -> AsyncIterator[list[ConsumerRecord]]:
        lanes = [
            TopicPartition(topic, one)
            for topic, count in partitions.items()
            for one in range(count)
        ]
        if not lanes:
            return
        self._consumer.assign(lanes)
        begins = await self._consumer.beginning_offsets(lanes)
        ends = await self._consumer.end_offsets(lanes)
        self.cut = any(begins.values())
        for lane in lanes:
            self._consumer.seek(lane, begins[lane])
        waiting = {lane for lane in lanes if begins[lane] < ends[lane]}
        while waiting:
            found = await self._consumer.getmany(
                *waiting, timeout_ms=1000, max_records=RECORDS
            )
            for lane in list(waiting):
                records = [
                    one for one in found.get(lane, ()) if one.offset < ends[lane]
                ]
                if records:
                    yield records
                if await self._consumer.position(lane) >= ends[lane]:
                    waiting.discard(lane)


@dataclass
class _Seen:
    """The positions of a workspace that were there: a bit each."""

    bits: bytearray = field(default_factory=bytearray)

    def add(self, seq: int) -> bool:
        """Whether it is new."""
        if seq >> 3 >= len(self.bits):
            self.bits.extend(bytes(max(1024, (seq >> 3) + 1 - len(self.bits))))
        bit = 1 << (seq & 7)
        new = not self.bits[seq >> 3] & bit
        self.bits[seq >> 3] |= bit
        return new

    def __contains__(self, seq: int) -> bool:
        return seq >> 3 < len(self.bits) and bool(self.bits[seq >> 3] & 1 << (seq & 7))

    def missing(self, upto: int) -> list[tuple[int, int]]:
        """The ranges of 1 to `upto` that were not there."""
        ranges: list[tuple[int, int]] = []
        for seq in range(1, upto + 1):
            if seq in self:
                continue
            if ranges and ranges[-1][1] == seq - 1:
                ranges[-1] = (ranges[-1][0], seq)
            else:
                ranges.append((seq, seq))
        return ranges


class _Comparison:
    def __init__(self, form: Form) -> None:
        self.form, self.report = form, Report()
        self._seen: dict[str, _Seen] = {}
        # by topic, partition and workspace: the last position that was new there
        self._last: dict[tuple[str, int, str], int] = {}

    async def compare(
        self,
        connection: Any,
        partitions: Mapping[str, int],
        records: Sequence[ConsumerRecord],
    ) -> None:
        """Records of one partition, in its order."""
        self.report.messages += len(records)
        named = [(record, _place(record.headers)) for record in records]
        places = [place for _, place in named if place is not None]
        await ledger.see(connection, sorted({one for one, _ in places}))
        events = await ledger.at(connection, places)
        for record, place in named:
            event = None if place is None else events.get(place)
            if event is None:
                self.report.differ("unknown", "of no event of the ledger", record)
            else:
                self._one(record, event, partitions[record.topic])

    def _one(self, record: ConsumerRecord, event: Envelope, partitions: int) -> None:
        told = f"position {event.seq} of workspace {event.workspace_id}"
        wrong = self._wrong(record, event, partitions)
        if wrong:
            self.report.differ("changed", f"{told}: another {', '.join(wrong)}", record)
            return
        if any(name == "ce_dataref" for name, _ in record.headers):
            self.report.addresses += 1
        if not self._seen.setdefault(event.workspace_id, _Seen()).add(event.seq):
            self.report.duplicates += 1
            return
        self.report.events += 1
        lane = (record.topic, record.partition, event.workspace_id)
        last = self._last.get(lane)
        if last is not None and last > event.seq:
            self.report.differ("order", f"{told} comes behind {last}", record)
            return
        self._last[lane] = event.seq
        previous = dict(record.headers).get(_PREVIOUS)
        if previous is None or last is None or self.form.key != "workspace":
            return
        if int(previous) != last:
            was = int(previous)
            self.report.differ("changed", f"{told} names {was} before it", record)

    def _wrong(
        self, record: ConsumerRecord, event: Envelope, partitions: int
    ) -> list[str]:
        """What of a message is not what its event gives."""
        addressed = any(name == "ce_dataref" for name, _ in record.headers)
        made = self.form.address(event) if addressed else self.form.whole(event)
        headers = _without_previous(record.headers)
        return [
            name
            for name, same in (
                ("topic", record.topic == made.topic),
                ("key", record.key == made.key),
                ("partition", record.partition == partition_of(made.key, partitions)),
                ("value", record.value == made.value),
                ("headers", headers == _without_previous(made.headers)),
            )
            if not same
        ]

    def complete(self, relayed: Mapping[str, int], *, cut: bool) -> None:
        """What should be there and was not."""
        for workspace_id, upto in relayed.items():
            seen = self._seen.get(workspace_id, _Seen())
            for first, last in seen.missing(upto):
                if cut and first == 1:
                    self.report.gone += last
                    continue
                span = f"position {first}" if first == last else f"{first} to {last}"
                self.report.differ("missing", f"{span} of workspace {workspace_id}")


def _place(headers: Headers) -> tuple[str, int] | None:
    """The workspace and the position that a message names."""
    named = dict(headers)
    try:
        workspace_id = named["ce_workspaceid"].decode("ascii")
        seq = int(named["ce_seq"].decode("ascii"))
    except (KeyError, ValueError):
        return None
    plain = workspace_id.replace("-", "")
    known = len(workspace_id) == 36 and len(plain) == 32 and 0 < seq < 2**62
    try:
        int(plain, 16)
    except ValueError:
        return None
    return (workspace_id.lower(), seq) if known else None


def _without_previous(headers: Headers) -> list[tuple[str, bytes]]:
    return [(name, value) for name, value in headers if name != _PREVIOUS]


async def republish(
    settings: Settings,
    url: str,
    *,
    workspace_id: str | None,
    begin: str,
    end: str,
    progress: Progress = lambda messages: None,
) -> int:
    """Sends again what was recorded from one moment to another, both included; gives
    how many events.  A moment is a time or, of one workspace, a position.

    Nothing that the relay has not sent yet: that comes in its turn.  Raises
    Unavailable, and ValueError where a moment is none.
    """
    sent = 0
    form, sender = Form.of(settings), Sender(Kafka(settings))
    try:
        await sender.open(topics(form))
        async with ledger.reading(url) as connection:
            relayed = await ledger.relayed(connection, NAME)
            for one, upto in relayed.items():
                if workspace_id not in (None, one):
                    continue
                await ledger.see(connection, [one])
                after = await _position(connection, one, begin, before=True)
                last = min(upto, await _position(connection, one, end, before=False))
                kinds = dict(
                    await last_of_kinds(connection, one, after + 1)
                    if form.per_kind
                    else {}
                )
                async for events in ledger.between(connection, one, after, last):
                    messages = []
                    for event in events:
                        kind = kind_of(event.type)
                        messages.append(form.message(event, kinds.get(kind, 0)))
                        kinds[kind] = event.seq
                    for error in await sender.send(messages):
                        if error is not None:
                            raise Unavailable(f"Kafka: {first_line(error)}")
                    sent += len(events)
                    progress(sent)
    finally:
        await sender.close()
    return sent


async def _position(
    connection: Any, workspace_id: str, moment: str, *, before: bool
) -> int:
    """The position of a moment, or the one before all that is of it."""
    if moment.isascii() and moment.isdigit():
        return max(int(moment) - 1, 0) if before else int(moment)
    at = datetime.fromisoformat(moment)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    # what was recorded at that very time belongs to it
    wanted = at - timedelta(microseconds=1) if before else at
    return await ledger.position_at(connection, workspace_id, wanted)
