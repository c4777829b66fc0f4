"""Deliveries of webhooks as the ledger and the vault have them."""

from dataclasses import replace

import pytest
from standardwebhooks import Webhook as Standard

from commands.outbound.signing import new_secret
from commands.sealing import Sealing
from commands.system import System, new_id
from commands.webhooks import Address, Vault
from domain.catalog import Table
from domain.events import Command
from domain.ids import WebhookId
from domain.table import DeleteTable
from domain.webhook import (
    CreateWebhook,
    DeleteWebhook,
    RestoreWebhook,
    Target,
    UpdateWebhook,
    WebhookUpdated,
)
from domain.workspace import DeleteWorkspace
from tests.commands.tenant import Tenant
from tests.workers.deliveries.desk import Desk, Webhook
from tests.workers.receiver import Receiver, Says
from workers.deliveries.job import Deliveries
from workers.deliveries.registry import Registry

pytestmark = pytest.mark.anyio


@pytest.fixture
def table(tenant: Tenant) -> Table:
    return tenant.table("name")


@pytest.fixture
def webhook(
    desk: Desk, system: System, tenant: Tenant, table: Table, receiver: Receiver
) -> Webhook:
    """One of the table, made as a use case makes it."""
    desk.work_with(Deliveries(desk.pool, Registry(system), desk.send, desk.patience))
    made = Webhook(desk.database, tenant.workspace_id, origin=receiver.url)
    vault = Vault(system.sealing, tenant.workspace_id, WebhookId(made.id))
    target_id = new_id()
    address = Address(f"{receiver.url}/orders", {"x-shop": "7"})
    tenant.do(
        CreateWebhook(
            WebhookId(made.id),
            table.id,
            "Orders",
            "outgoing",
            ["record.*"],
            target=Target(target_id, receiver.url),
        ),
        vault=[
            vault.new_target(target_id, address),
            *vault.new_secret(new_id(), made.secret),
        ],
    )
    return made


async def test_it_is_sent_where_the_vault_says_and_signed_with_what_it_has(
    desk: Desk, webhook: Webhook, receiver: Receiver, system: System, tenant: Tenant
):
    vault = Vault(system.sealing, tenant.workspace_id, WebhookId(webhook.id))
    newer = new_secret()
    tenant.do(vault=vault.new_secret(new_id(), newer))
    await webhook.add(webhook.delivery(3, body=b'{"a":1}'))

    await desk.work()

    (sent,) = receiver.received
    assert (sent.path, sent.headers["x-shop"]) == ("/orders", "7")
    # while a secret is rotated, whoever has the old one or the new one is content
    for secret in (webhook.secret, newer):
        assert Standard(secret).verify(sent.body, dict(sent.headers)) == {"a": 1}
    assert await webhook.states() == ["delivered"]


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("webhook deleted", "cancelled", "the webhook is deleted"),
        ("table deleted", "cancelled", "the webhook's table is deleted"),
        ("workspace deleted", "cancelled", "the workspace is deleted"),
        ("turned off", "failed", "the webhook is turned off: enough"),
        ("brought back", "failed", "the webhook needs a new secret"),
    ],
)
async def test_threat_73_what_changed_since_is_seen_at_the_next_try(
    desk: Desk, webhook: Webhook, receiver: Receiver, tenant: Tenant, table: Table,
    name, state, reason,
):  # fmt: skip
    receiver.reply(Says(500))
    await webhook.add(webhook.delivery(3))
    await desk.work()
    webhook_id = WebhookId(webhook.id)
    off = {"enabled": False, "reason": "enough"}
    changes: dict[str, list[Command]] = {
        "webhook deleted": [DeleteWebhook(webhook_id)],
        "table deleted": [DeleteTable(table.id)],
        "workspace deleted": [DeleteWorkspace(tenant.workspace_id)],
        "turned off": [UpdateWebhook(webhook_id, off)],
        "brought back": [DeleteWebhook(webhook_id), RestoreWebhook(webhook_id)],
    }
    for command in changes[name]:
        tenant.do(command)
    await webhook.due_now()

    await desk.work()

    assert len(receiver.received) == 1
    (row,) = await webhook.deliveries()
    assert (row["state"], row["reason"]) == (state, reason)


@pytest.mark.parametrize("last", ["sent", "turned off", "paused", "webhook deleted"])
async def test_the_deletion_of_its_table_is_the_last_that_it_is_told(
    desk: Desk, webhook: Webhook, receiver: Receiver, tenant: Tenant, table: Table, last
):
    own, webhook_id = table.id, WebhookId(webhook.id)
    goodbye = replace(webhook.delivery(6, own, b"goodbye"), event="table.deleted")
    await webhook.add(
        webhook.delivery(3), webhook.delivery(4, own), webhook.delivery(5, own)
    )
    await webhook.set("due_at = now() + interval '1 day'")
    await webhook.add(goodbye)
    before: dict[str, list[Command]] = {
        "turned off": [UpdateWebhook(webhook_id, {"enabled": False})],
        "paused": [UpdateWebhook(webhook_id, {"paused": True})],
        "webhook deleted": [DeleteWebhook(webhook_id)],
    }
    for command in before.get(last, []):
        tenant.do(command)
    tenant.do(DeleteTable(own))
    await webhook.stir(over=True)

    await desk.work()

    assert receiver.bodies == ([b"goodbye"] if last == "sent" else [])
    ended = "delivered" if last == "sent" else "cancelled"
    assert await webhook.states() == ["cancelled"] * 3 + [ended]


async def test_while_the_last_message_is_tried_again_nothing_else_waits(
    desk: Desk, webhook: Webhook, receiver: Receiver, tenant: Tenant, table: Table
):
    receiver.reply(Says(500), Says(200))
    goodbye = replace(webhook.delivery(3, table.id), event="table.deleted")
    await webhook.add(goodbye, webhook.delivery(4))
    tenant.do(DeleteTable(table.id))

    await desk.work()
    assert await webhook.states() == ["waiting", "cancelled"]

    await webhook.due_now()
    await desk.work()
    assert await webhook.states() == ["delivered", "cancelled"]


async def test_410_turns_it_off_by_an_event_of_nobody_in_particular(
    desk: Desk, webhook: Webhook, receiver: Receiver, tenant: Tenant
):
    receiver.reply(Says(410))
    await webhook.add(webhook.delivery(3), webhook.delivery(4))

    await desk.work()

    reason = "the receiver answered 410: it wants nothing more"
    last = tenant.envelopes()[-1]
    assert isinstance(last.recorded.event, WebhookUpdated)
    assert last.recorded.actor.kind == "system"
    (known,) = tenant.catalog().webhooks.values()
    assert (known.enabled, known.reason) == (False, reason)
    assert (await webhook.how_it_goes())["turned_off"] == 1


async def test_a_paused_one_waits(
    desk: Desk, webhook: Webhook, receiver: Receiver, tenant: Tenant
):
    tenant.do(UpdateWebhook(WebhookId(webhook.id), {"paused": True}))
    await webhook.add(webhook.delivery(3))
    await desk.work()
    assert (receiver.received, await webhook.states()) == ([], ["waiting"])

    tenant.do(UpdateWebhook(WebhookId(webhook.id), {"paused": False}))
    await webhook.stir()
    await desk.work()

    assert await webhook.states() == ["delivered"]


async def test_with_another_secret_key_nothing_is_sent_and_nothing_is_lost(
    desk: Desk, webhook: Webhook, receiver: Receiver, system: System
):
    system.sealing = Sealing(["another secret key, of thirty-two letters"])
    await webhook.add(webhook.delivery(3))

    await desk.work()

    assert (receiver.received, await webhook.states()) == ([], ["waiting"])
    (attempt,) = await webhook.attempts()
    assert attempt["error"] == (
        "its address and secret cannot be read: the server's secret key is another"
    )
