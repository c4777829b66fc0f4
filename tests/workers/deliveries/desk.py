"""What tests of deliveries share: webhooks that are known here alone, what is added for
them, and a job that performs what is due."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from commands.embedded import DatabaseUrls
from commands.outbound import Guard, Outbound
from commands.outbound.signing import new_secret
from commands.system import new_id
from domain.ids import EventId, WorkspaceId
from projections.postgres import Pool, adapt
from tests.workers.receiver import Receiver
from workers.deliveries import NewDelivery, add, stir
from workers.deliveries.job import Deliveries, Patience
from workers.deliveries.sending import Send, sending
from workers.deliveries.webhooks import Gone, Off, Ready, Standing
from workers.loops import Connection

SCHEDULE = (5.0, 300.0)
SECONDS = 4.0  # that a call may take: more than a busy machine makes it wait
PATIENCE = Patience(SCHEDULE, gives_up=120 * 3600, keeps=30 * 86400)


@dataclass
class Webhook:
    """One that nothing but these rows knows of."""

    database: DatabaseUrls
    workspace_id: WorkspaceId = field(default_factory=lambda: WorkspaceId(new_id()))
    id: str = field(default_factory=new_id)
    origin: str = "https://example.com"
    secret: str = field(default_factory=new_secret)

    def delivery(self, seq: int, stream: str = "", body: bytes = b"{}") -> NewDelivery:
        return NewDelivery(
            self.workspace_id,
            self.id,
            seq,
            EventId(new_id()),
            "record.updated",
            self.origin,
            stream or new_id(),
            body,
        )

    @asynccontextmanager
    async def adding(self, rows: Sequence[NewDelivery]) -> AsyncIterator[int]:
        """Adds in a follower's transaction, which ends with the block."""
        async with await psycopg.AsyncConnection.connect(
            self.database.follower
        ) as connection:
            await see(connection, self.workspace_id)
            yield await add(connection, rows)

    async def add(self, *rows: NewDelivery) -> int:
        async with self.adding(rows) as added:
            return added

    async def stir(self, *, over: bool = False) -> None:
        async with await psycopg.AsyncConnection.connect(
            self.database.follower
        ) as connection:
            await stir(connection, {self.id: over})

    async def rows(self) -> list[tuple[int, str, bool]]:
        """(position, state, whether it is its stream's head), in their order."""
        return [
            (row["seq"], row["state"], row["head"]) for row in await self.deliveries()
        ]

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.deliveries()]

    async def deliveries(self) -> list[Mapping[str, Any]]:
        return await self.ask(
            "SELECT *, extract(epoch FROM due_at - clock_timestamp())::float AS due_in"
            " FROM hooks.deliveries WHERE webhook_id = %(webhook)s::uuid ORDER BY id"
        )

    async def attempts(self) -> list[Mapping[str, Any]]:
        return await self.ask(
            "SELECT a.* FROM hooks.attempts AS a JOIN hooks.deliveries AS d"
            " ON d.id = a.delivery_id WHERE d.webhook_id = %(webhook)s::uuid"
            " ORDER BY d.id, a.number"
        )

    async def how_it_goes(self) -> Mapping[str, Any]:
        (row,) = await self.ask(
            "SELECT *, extract(epoch FROM rests_until - clock_timestamp())::float"
            " AS rests FROM hooks.receivers WHERE webhook_id = %(webhook)s::uuid"
        )
        return row

    async def due_now(self) -> None:
        """As if the time had come, of what waits."""
        await self.set("due_at = clock_timestamp()")
        await self.ask(
            "UPDATE hooks.receivers SET rests_until = NULL"
            " WHERE webhook_id = %(webhook)s::uuid"
        )

    async def leases_end(self) -> None:
        """As if whoever has something under way had been silent for long."""
        await self.set("told_until = now(), leased_until = now()")

    async def set(self, columns: str) -> None:
        await self.ask(
            f"UPDATE hooks.deliveries SET {columns}"
            " WHERE webhook_id = %(webhook)s::uuid AND state = 'waiting'"
        )

    async def ask(self, query: str) -> list[Mapping[str, Any]]:
        async with await psycopg.AsyncConnection.connect(
            self.database.app, row_factory=dict_row
        ) as connection:
            adapt(connection)
            await see(connection, self.workspace_id)
            found = await connection.execute(query, {"webhook": self.id})
            return [*await found.fetchall()] if found.description else []


class Known:
    """Webhooks by their ids: what a delivery is told of them."""

    def __init__(self) -> None:
        self.standings: dict[str, Standing] = {}
        self.turned_off: list[tuple[str, str]] = []

    async def standing(
        self, workspace_id: WorkspaceId, webhook_id: str, event: str
    ) -> Standing:
        return self.standings.get(webhook_id, Gone("not known here"))

    async def turn_off(
        self, workspace_id: WorkspaceId, webhook_id: str, reason: str
    ) -> bool:
        self.turned_off.append((webhook_id, reason))
        was_on = not isinstance(self.standings[webhook_id], Off)
        self.standings[webhook_id] = Off(reason)
        return was_on


@dataclass
class Desk:
    """A job over webhooks that are known here."""

    database: DatabaseUrls
    pool: Pool
    send: Send
    known: Known = field(default_factory=Known)
    patience: Patience = PATIENCE
    _job: Deliveries | None = None

    @property
    def job(self) -> Deliveries:
        known = Deliveries(self.pool, self.known, self.send, self.patience)
        return self._job or known

    def work_with(self, job: Deliveries) -> None:
        self._job = job

    def webhook(
        self,
        receiver: Receiver,
        workspace_id: WorkspaceId | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Webhook:
        """A live one that sends to a receiver."""
        made = Webhook(self.database, workspace_id or WorkspaceId(new_id()))
        made.origin = receiver.url
        self.known.standings[made.id] = Ready(
            f"{receiver.url}/hook", headers or {}, [made.secret]
        )
        return made

    async def due(self, most: int = 100) -> list[str]:
        return list(await self.job.overdue(most))

    async def work(self) -> int:
        """Performs what is due, together, until nothing is; gives how many tries."""
        tries = 0
        while ids := await self.due():
            tries += len(ids)
            await asyncio.gather(*(self.job.perform(one) for one in ids))
        return tries


@asynccontextmanager
async def a_desk(database: DatabaseUrls) -> AsyncIterator[Desk]:
    pool = Pool(
        database.app,
        kwargs={"autocommit": True},
        configure=_configure,
        min_size=1,
        max_size=4,
        open=False,
    )
    await pool.open()
    await _clear(pool)
    out = Outbound(Guard(["127.0.0.0/8"], None), seconds=SECONDS)
    try:
        yield Desk(database, pool, sending(out))
    finally:
        await out.close()
        await _clear(pool)
        await pool.close()


async def _clear(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("DELETE FROM hooks.deliveries")
        await connection.execute("DELETE FROM hooks.receivers")


async def _configure(connection: Connection) -> None:
    adapt(connection)


async def see(connection: Connection, *workspaces: str) -> None:
    await connection.execute(
        "SELECT set_config('app.workspaces', %s, true)",
        ["{" + ",".join(workspaces) + "}"],
    )
