"""A job of the tests' own: rows of a table, each with an effect that can be counted.

The effect is a row that is written apart, as what happens outside of the database is:
so an errand that is cut off after it has its effect once more.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg

from commands.embedded import DatabaseUrls
from commands.system import new_id
from projections.postgres import CONNECT, Pool
from workers.tasks import CHANNEL


@contextmanager
def errands_table(database: DatabaseUrls) -> Iterator[None]:
    with psycopg.connect(database.follower) as connection:
        connection.execute(_TABLES)
    yield
    with psycopg.connect(database.follower) as connection:
        connection.execute("DROP TABLE projected.errands, projected.effects")


async def _nothing(_id: str) -> None: ...


class Errands:
    """`told` and `leased`: seconds, after which who was told, or began, has died.
    `before` and `after` are called around the effect."""

    def __init__(
        self,
        url: str,
        name: str | None = None,
        *,
        told: float = 60.0,
        leased: float = 60.0,
        seconds: float = 0.0,
        who: str = "",
    ) -> None:
        self.name = name or f"errands-{new_id()}"
        self.url, self._who = url, who
        self._told, self._leased, self._seconds = told, leased, seconds
        self.before: Callable[[str], Awaitable[None]] = _nothing
        self.after: Callable[[str], Awaitable[None]] = _nothing
        self.under_way = self.most_under_way = self.asked = 0
        self._pool: Pool | None = None

    def twin(self) -> "Errands":
        """The same job in another process."""
        return Errands(
            self.url,
            self.name,
            told=self._told,
            leased=self._leased,
            seconds=self._seconds,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Errands"]:
        async with Pool(
            self.url,
            kwargs={"autocommit": True, **CONNECT},
            min_size=1,
            max_size=4,
            open=False,
        ) as self._pool:
            yield self

    async def _run(self, statement: str, *values: object) -> list[Any]:
        assert self._pool is not None
        async with self._pool.connection() as connection:
            return await (await connection.execute(statement, values)).fetchall()

    async def overdue(self, most: int) -> Sequence[str]:
        self.asked += 1
        rows = await self._run(_OVERDUE, self._told, self.name, most)
        return [row[0] for row in rows]

    async def perform(self, id: str) -> None:
        lease = new_id()
        if not await self._run(_LEASE, lease, self._leased, id, self.name):
            return
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.before(id)
            await asyncio.sleep(self._seconds)
            await self._run(_EFFECT, id, self._who)
            await self.after(id)
            await self._run(_DONE, id, lease)
        finally:
            self.under_way -= 1

    # ----------------------------------------------------------- for the tests

    def add(self, count: int, endings: Sequence[str] = ()) -> list[str]:
        """So many errands, due now, with these endings of their ids; and the notice
        that goes with them."""
        ids = [f"{new_id()}{ending}" for ending in endings or [""] * count]
        with psycopg.connect(self.url) as connection:
            connection.cursor().executemany(
                "INSERT INTO projected.errands (id, job) VALUES (%s, %s)",
                [(id, self.name) for id in ids],
            )
            connection.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        return ids

    def effects(self, ids: Sequence[str]) -> list[int]:
        """How often each of them had its effect, once it is done; 0 before."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(_EFFECTS, [list(ids)]).fetchall()
        found: dict[str, int] = dict(rows)
        return [found.get(id, 0) for id in ids]

    def shares(self, ids: Sequence[str]) -> dict[str, int]:
        """How many effects are whose."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(_SHARES, [list(ids)]).fetchall()
        return dict(rows)

    async def done(self, ids: Sequence[str], seconds: float = 20.0) -> list[int]:
        """Their effects, as soon as all of them are done."""
        async with asyncio.timeout(seconds):
            while not all(found := self.effects(ids)):
                await asyncio.sleep(0.05)
        return found


_TABLES = """
    CREATE TABLE projected.errands (
        id text PRIMARY KEY,
        job text NOT NULL,
        told_until timestamptz NOT NULL DEFAULT '-infinity',
        lease text,
        leased_until timestamptz NOT NULL DEFAULT '-infinity',
        done bool NOT NULL DEFAULT false
    );
    CREATE TABLE projected.effects (id text, who text)
"""
_OVERDUE = """
    UPDATE projected.errands AS e
    SET told_until = clock_timestamp() + %s * interval '1 second'
    FROM (SELECT id FROM projected.errands
          WHERE job = %s AND NOT done AND told_until < clock_timestamp()
            AND leased_until < clock_timestamp()
          ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) AS due
    WHERE e.id = due.id RETURNING e.id
"""
_LEASE = """
    UPDATE projected.errands
    SET lease = %s, leased_until = clock_timestamp() + %s * interval '1 second'
    WHERE id = %s AND job = %s AND NOT done AND leased_until < clock_timestamp()
    RETURNING id
"""
_EFFECT = "INSERT INTO projected.effects (id, who) VALUES (%s, %s) RETURNING id"
_DONE = """
    UPDATE projected.errands SET done = true WHERE id = %s AND lease = %s RETURNING id
"""
_SHARES = """
    SELECT who, count(*) FROM projected.effects WHERE id = ANY (%s) GROUP BY who
"""
_EFFECTS = """
    SELECT id, count(f.id) FROM projected.errands AS e
    JOIN projected.effects AS f USING (id)
    WHERE e.done AND id = ANY (%s) GROUP BY id
"""
