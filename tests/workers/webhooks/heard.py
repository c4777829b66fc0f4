"""A follower of webhooks by hand, and what it has told each of them.

Webhooks are made by their commands, as whoever owns the workspace.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg

from api.hooks import surfaces
from commands.embedded import DatabaseUrls
from commands.system import new_id
from domain.ids import BaseId, TableId, UserId, WebhookId, WorkspaceId
from domain.webhook import CreateWebhook, ReplayWebhook, Target, UpdateWebhook
from projections.postgres import connect
from tests.client import Client
from tests.commands.tenant import LoopedCommitter, Tenant
from tests.sealing import seal_all
from workers.following import Loop
from workers.webhooks import Webhooks

Told = dict[str, Any]
PYBASE = ("record.*", "field.*", "table.*")
CMS = ("entry.*", "object_type.*")


@dataclass
class Hearing:
    """What webhooks of a database are told, from now on."""

    database: DatabaseUrls
    committer: LoopedCommitter
    follower: Webhooks = field(default_factory=lambda: Webhooks(surfaces()))

    def __post_init__(self) -> None:
        self.follower.name = f"webhooks-{new_id()}"
        self.follow()

    def follow(self, *, events: int | None = None) -> None:
        """Follows all there is, in one go or so many events at a time."""
        seal_all(self.database)
        asyncio.run(self._drain(events))
        with connect(self.database.follower) as connection:
            failed = connection.execute(
                "SELECT error FROM ledger.followed WHERE follower = %s"
                " AND error IS NOT NULL",
                [self.follower.name],
            ).fetchall()
        assert failed == []

    def forget(self, tenant: Tenant) -> None:
        """Has the follower begin with a workspace's first event again."""
        with connect(self.database.follower, autocommit=True) as connection:
            connection.execute(
                "UPDATE ledger.followed SET seq = 0"
                " WHERE follower = %s AND workspace_id = %s",
                [self.follower.name, tenant.workspace_id],
            )

    async def _drain(self, events: int | None) -> None:
        loop = Loop(self.database.follower, self.follower)
        try:
            await loop._notice()
            while events is not None and await loop._turn(events=events):
                pass
            while await loop.round():
                pass
        finally:
            await loop._let_go()

    def of(self, client: Client, base: Mapping[str, Any]) -> Tenant:
        """A user's workspace, to be written by commands too; `base`: one in it."""
        return Tenant(
            self.database,
            self.committer,
            UserId(client.user["id"]),
            WorkspaceId(base["workspace_id"]),
            BaseId(base.get("base_id") or base["id"]),
        )

    def hook(
        self,
        tenant: Tenant,
        *events: str,
        table_id: str | None = None,
        **more: Any,
    ) -> WebhookId:
        """A new webhook, of the workspace where no table is named."""
        webhook_id = WebhookId(new_id())
        tenant.do(
            CreateWebhook(
                webhook_id,
                None if table_id is None else TableId(table_id),
                "Hook",
                "outgoing",
                events or PYBASE,
                target=Target(new_id(), "https://example.com"),
                **more,
            )
        )
        return webhook_id

    def change(self, tenant: Tenant, webhook_id: str, **changes: Any) -> None:
        tenant.do(UpdateWebhook(WebhookId(webhook_id), changes))

    def replay(
        self, tenant: Tenant, webhook_id: str, first: int, last: int, only: Any = None
    ) -> int:
        """Asks for a replay; gives its position."""
        command = ReplayWebhook(WebhookId(webhook_id), first, last, only)
        return tenant.do(command).position

    def told(self, tenant: Tenant, webhook_id: str) -> list[Told]:
        """The bodies, in their order."""
        return [orjson.loads(one) for one in self.bodies(tenant, webhook_id)]

    def bodies(self, tenant: Tenant, webhook_id: str) -> list[bytes]:
        return [bytes(row[-1]) for row in self.rows(tenant, webhook_id)]

    def rows(self, tenant: Tenant, webhook_id: str) -> Sequence[tuple[Any, ...]]:
        """(seq, by_seq, event, stream, receiver, event id, body)."""
        return tenant.rows(
            "SELECT d.seq, d.by_seq, d.event, d.stream::text, d.receiver,"
            " d.event_id::text, c.body FROM hooks.deliveries AS d"
            " JOIN hooks.contents AS c ON c.delivery_id = d.id"
            " WHERE d.webhook_id = %s ORDER BY d.by_seq, d.seq",
            webhook_id,
        )


@contextmanager
def hearing(database: DatabaseUrls, committer: LoopedCommitter) -> Iterator[Hearing]:
    found = Hearing(database, committer)
    yield found
    with psycopg.connect(database.owner, autocommit=True) as owner:
        for name in ("followed", "positions"):
            owner.execute(
                f"DELETE FROM ledger.{name} WHERE follower = %s",
                [found.follower.name],
            )
