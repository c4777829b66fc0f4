"""The relay as a test runs it, and what a topic then holds."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import psycopg

from commands.embedded import DatabaseUrls
from commands.settings import Settings
from projections.followed import Standing, standings
from projections.postgres import connect
from tests.sealing import seal_all
from workers.following import Following
from workers.relay import NAME, Relay
from workers.relay.kafka import Kafka

PATIENCE = 15.0  # seconds


def standing(database: DatabaseUrls) -> Standing:
    with connect(database.app) as connection:
        return next(one for one in standings(connection) if one.follower == NAME)


def begin_anew(database: DatabaseUrls) -> None:
    """As if there had never been a relay."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        for table in ("followed", "positions"):
            owner.execute(f"DELETE FROM ledger.{table} WHERE follower = %s", [NAME])


@asynccontextmanager
async def relaying(settings: Settings, database: DatabaseUrls) -> AsyncIterator[None]:
    """A relay beside the block."""
    following = Following(database.follower, [Relay(settings)])
    following.start()
    try:
        yield
    finally:
        await following.stop()


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(claim):
            await asyncio.sleep(0.05)


async def caught_up(database: DatabaseUrls) -> None:
    """Returns when the relay has all that there is now."""
    await asyncio.to_thread(seal_all, database)
    await asyncio.sleep(0.05)  # a new relay has no standing yet
    await until(lambda: _behind(database) == 0)


def _behind(database: DatabaseUrls) -> int | None:
    with connect(database.app) as connection:
        found = [one for one in standings(connection) if one.follower == NAME]
        return found[0].backlog if found else None


async def relay_all(settings: Settings, database: DatabaseUrls) -> None:
    async with relaying(settings, database):
        await caught_up(database)


async def messages(settings: Settings, *topics: str) -> list[Any]:
    """All that some topics hold, partition by partition."""
    from aiokafka import TopicPartition

    found: list[Any] = []
    there = await Kafka(settings).partitions(topics or [settings.kafka_topic])
    async with Kafka(settings).consumer() as consumer:
        for topic, partitions in there.items():
            for partition in range(partitions):
                lane = TopicPartition(topic, partition)
                consumer.assign([lane])
                (end,) = (await consumer.end_offsets([lane])).values()
                await consumer.seek_to_beginning(lane)
                while await consumer.position(lane) < end:
                    found += (await consumer.getmany(lane, timeout_ms=1000)).get(
                        lane, ()
                    )
    return found


def header(record: Any, name: str) -> str | None:
    value = dict(record.headers).get(name)
    return None if value is None else value.decode()


def of(workspace_id: str, records: Sequence[Any]) -> list[Any]:
    return [one for one in records if header(one, "ce_workspaceid") == workspace_id]


def positions(workspace_id: str, records: Sequence[Any]) -> list[int]:
    return [int(header(one, "ce_seq") or 0) for one in of(workspace_id, records)]


def envelope(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(record.value)
    return found
