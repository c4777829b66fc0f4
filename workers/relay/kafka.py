"""Speaking to Kafka: how it is reached, its topics, and sending in lanes.

A lane is a partition of a topic.  In a lane one batch is under way at a time, and the
first that fails ends it: so what comes after a failure is never there before it.  All
lanes of a page run side by side.

After any failure the producer is thrown away: its successor begins with numbers of its
own, and sends again what was not acknowledged.
"""

import asyncio
import logging
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import lru_cache
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.partitioner import murmur2

from commands.settings import Settings
from workers.following import Unavailable, first_line
from workers.relay.messages import Message

log = logging.getLogger(__name__)

REQUEST_SECONDS = 5.0
SEND_SECONDS = 20.0  # for a page; less than its transaction may be held
CLOSE_SECONDS = 2.0  # and for the request under way
BATCH_BYTES = 512 * 1024
Lane: TypeAlias = tuple[str, int]  # topic, partition
_ROOM = 64 * 1024  # for a batch's own frame, beside its largest message


class Kafka:
    """How the brokers are reached, as the settings have it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def options(self) -> dict[str, Any]:
        """What every client of aiokafka is made with."""
        settings = self.settings
        options: dict[str, Any] = {
            "bootstrap_servers": list(settings.kafka_bootstrap_servers),
            "client_id": "tabellion",
            "security_protocol": settings.kafka_security_protocol.upper(),
            "request_timeout_ms": int(REQUEST_SECONDS * 1000),
        }
        if settings.kafka_security_protocol.endswith("ssl"):
            options["ssl_context"] = ssl.create_default_context(
                cafile=settings.kafka_ca_file
            )
        if settings.kafka_security_protocol.startswith("sasl"):
            # at DEBUG it logs each request, and with one of them the password
            logging.getLogger("aiokafka.conn").setLevel(logging.INFO)
            assert settings.kafka_password is not None
            options |= {
                "sasl_mechanism": settings.kafka_sasl_mechanism.upper(),
                "sasl_plain_username": settings.kafka_username,
                "sasl_plain_password": settings.kafka_password.get_secret_value(),
            }
        return options

    async def provide_topics(self, names: Iterable[str]) -> None:
        """Makes those that are not there.  Raises Unavailable."""
        settings = self.settings
        hours = settings.kafka_retention_hours
        configuration = {
            "retention.ms": str(hours * 3_600_000 if hours else -1),
            "max.message.bytes": str(settings.kafka_max_message_bytes + _ROOM),
        }
        async with self._admin() as admin:
            there = set(await admin.list_topics())
            wanted = [
                NewTopic(
                    name,
                    settings.kafka_partitions,
                    settings.kafka_replication,
                    topic_configs=configuration,
                )
                for name in names
                if name not in there
            ]
            for name, code, *told in (
                (await admin.create_topics(wanted)).topic_errors if wanted else ()
            ):
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:
                    raise Unavailable(f"topic {name}: {error.__name__} {told}")
                log.warning(
                    "made topic %s with %d partitions; what was relayed earlier is not"
                    " in it (tabellion relay republish)",
                    name,
                    settings.kafka_partitions,
                )

    async def partitions(self, names: Iterable[str]) -> Mapping[str, int]:
        """How many the topics have that are there.  Raises Unavailable."""
        async with self._admin() as admin:
            there = set(await admin.list_topics())
            found = await admin.describe_topics([one for one in names if one in there])
            return {one["topic"]: len(one["partitions"]) for one in found}

    @asynccontextmanager
    async def _admin(self) -> Any:
        with unavailable():
            admin = AIOKafkaAdminClient(**self.options())
            try:
                await admin.start()
                yield admin
            finally:
                await admin.close()

    @asynccontextmanager
    async def consumer(self) -> Any:
        """One that reads what it is told to and keeps no place.

        Raises Unavailable.
        """
        with unavailable():
            consumer = AIOKafkaConsumer(
                enable_auto_commit=False,
                auto_offset_reset="none",
                max_partition_fetch_bytes=8 * 1024 * 1024,
                **self.options(),
            )
            try:
                await consumer.start()
                yield consumer
            finally:
                await consumer.stop()


@contextmanager
def unavailable() -> Iterator[None]:
    """What Kafka refuses, and what does not answer, is not available."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"Kafka: {first_line(error)}") from error


class Sender:
    """Sends messages; lives until the first failure."""

    def __init__(self, kafka: Kafka, *, batch_bytes: int = BATCH_BYTES) -> None:
        self._kafka = kafka
        self._producer: Any = None
        self._partitions: dict[str, int] = {}
        self._batch_bytes = min(batch_bytes, kafka.settings.kafka_max_message_bytes)
        self.failed = False

    async def open(self, topics: Sequence[str]) -> None:
        """Raises Unavailable."""
        await self._kafka.provide_topics(topics)
        with unavailable():
            self._producer = AIOKafkaProducer(
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                max_batch_size=self._batch_bytes,
                **self._kafka.options(),
            )
            await self._producer.start()
            async with asyncio.timeout(SEND_SECONDS):
                for topic in topics:
                    await self._know(topic)

    async def _know(self, topic: str) -> None:
        self._partitions[topic] = len(await self._producer.partitions_for(topic))

    async def send(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
        """What came of each: None where Kafka has it, acknowledged by all who keep it.

        Where something failed, so did all behind it in its lane, and the sender has.
        """
        lanes: dict[Lane, list[int]] = {}
        for index, message in enumerate(messages):
            lanes.setdefault(await self._lane_of(message), []).append(index)
        outcome: list[Exception | None] = [Unavailable("not sent")] * len(messages)
        sending = [
            self._send_lane(lane, messages, indexes, outcome)
            for lane, indexes in lanes.items()
        ]
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await asyncio.gather(*sending)
        except TimeoutError:
            self.failed = True
        self.failed = self.failed or any(outcome)
        return outcome

    async def _lane_of(self, message: Message) -> Lane:
        if message.topic not in self._partitions:  # of a kind that is new
            await self._kafka.provide_topics([message.topic])
            with unavailable():
                await self._know(message.topic)
        count = self._partitions[message.topic]
        return message.topic, partition_of(message.key, count)

    async def _send_lane(
        self,
        lane: Lane,
        messages: Sequence[Message],
        indexes: Sequence[int],
        outcome: list[Exception | None],
    ) -> None:
        topic, partition = lane
        at = 0
        while at < len(indexes):
            batch = self._producer.create_batch()
            first = at
            while at < len(indexes) and _append(batch, messages[indexes[at]]):
                at += 1
            batch.close()
            try:
                sent = await self._producer.send_batch(
                    batch, topic, partition=partition
                )
                await sent
            except (KafkaError, OSError) as error:
                for index in indexes[first:at]:
                    outcome[index] = error
                return
            for index in indexes[first:at]:
                outcome[index] = None

    async def close(self) -> None:
        """Whatever was not acknowledged is not sent any more."""
        if self._producer is None:
            return
        # a producer that is idempotent tries for ever to send what it was given, also
        # while it is stopped: so its sender is ended first
        producer, self._producer = self._producer, None
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS + REQUEST_SECONDS):
                if self.failed:
                    await producer._sender.close()
                await producer.stop()


def _append(batch: Any, message: Message) -> bool:
    """False where the batch has no room for it; an empty one has for any."""
    appended = batch.append(
        timestamp=message.milliseconds,
        key=message.key,
        value=message.value,
        headers=message.headers,
    )
    return appended is not None


def too_large(error: Exception | None) -> bool:
    """Whether the broker refused a batch for its size."""
    return isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError)


@lru_cache(maxsize=16_384)
def partition_of(key: bytes, partitions: int) -> int:
    """As Kafka's own clients choose it."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
