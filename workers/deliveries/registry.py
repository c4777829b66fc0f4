"""The webhooks of a system, as deliveries ask for them: catalogue and vault."""

from dataclasses import dataclass

from commands.sealing import Unreadable as Sealed
from commands.system import System
from commands.webhooks import Sending, sending_of
from commands.write import submit_by_nobody
from domain.catalog import Catalog, Webhook
from domain.errors import NotFound
from domain.ids import WebhookId, WorkspaceId
from domain.table import TableDeleted
from domain.webhook import UpdateWebhook, works
from projections.reader import ANYBODY
from workers.deliveries.webhooks import (
    Gone,
    Last,
    Off,
    Paused,
    Ready,
    Standing,
    Unreadable,
)

NEEDS_RENEWAL = "the webhook needs a new secret"
TURNED_OFF = "the webhook is turned off"
UNREADABLE = "its address and secret cannot be read: the server's secret key is another"


@dataclass(frozen=True, slots=True)
class Registry:
    """`workers.deliveries.webhooks.Webhooks` of a system that runs."""

    system: System

    async def standing(
        self, workspace_id: WorkspaceId, webhook_id: str, event: str
    ) -> Standing:
        try:
            catalog = await self._present(workspace_id)
        except NotFound:
            return Gone("the workspace is gone")
        webhook = catalog.webhooks.get(WebhookId(webhook_id))
        if webhook is None or webhook not in catalog.live_webhooks:
            gone = _gone(catalog, webhook)
            if webhook is None or gone.sparing != event:
                return gone
            to = await self._ready(webhook)
            return Last(to, gone.reason) if isinstance(to, Ready) else to
        if not works(webhook):
            return Off(_off(webhook))
        return Paused() if webhook.paused else await self._ready(webhook)

    async def turn_off(
        self, workspace_id: WorkspaceId, webhook_id: str, reason: str
    ) -> bool:
        catalog = await self._present(workspace_id)
        webhook = catalog.live_webhook(webhook_id)
        if not webhook.enabled:
            return False
        command = UpdateWebhook(
            webhook.id, {"enabled": False, "reason": reason}, known=webhook.version
        )
        await submit_by_nobody(self.system, workspace_id, command)
        return True

    async def _present(self, workspace_id: WorkspaceId) -> Catalog:
        """The catalogue as it is now.  Raises NotFound, Busy."""
        found = await self.system.reader.ask(ANYBODY, workspace_id, lambda _: ())
        return found.catalog

    async def _ready(self, webhook: Webhook) -> Standing:
        try:
            found = await self.sending(webhook)
        except Sealed:
            return Unreadable(UNREADABLE)
        if found is None:
            return Off(NEEDS_RENEWAL)
        return Ready(found.address.url, found.address.headers, found.secrets)

    async def sending(self, webhook: Webhook) -> Sending | None:
        """None where its secrets are gone.  Raises `commands.sealing.Unreadable`."""
        if webhook.target_id is None:
            return None
        return await sending_of(
            self.system.reader, self.system.sealing, webhook.id, webhook.target_id
        )


def _gone(catalog: Catalog, webhook: Webhook | None) -> Gone:
    if catalog.workspace is None or catalog.workspace.deleted:
        return Gone("the workspace is deleted")
    if webhook is None or webhook.deleted:
        return Gone("the webhook is deleted")
    # that it is deleted is told still; not by one that nobody can let go on any more
    told = works(webhook) and not webhook.paused
    sparing = TableDeleted.TYPE if told else None
    return Gone("the webhook's table is deleted", sparing)


def _off(webhook: Webhook) -> str:
    if webhook.enabled:
        return NEEDS_RENEWAL
    return f"{TURNED_OFF}: {webhook.reason}" if webhook.reason else TURNED_OFF
