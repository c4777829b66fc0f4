"""The vault of webhooks: what goes with them, who may look, whose a token is."""

from collections.abc import Sequence

import psycopg
import pytest

from commands.outbound.signing import new_secret
from commands.sealing import Sealing
from commands.system import System, new_id
from commands.unit import VaultWrite
from commands.webhooks import (
    MAX_SECRETS,
    Address,
    Vault,
    addresses_of,
    make_token,
    sending_of,
    webhook_of,
)
from domain.ids import WebhookId
from domain.webhook import INCOMING, OUTGOING, CreateWebhook, DeleteWebhook, Target
from tests.commands.tenant import Tenant

pytestmark = pytest.mark.anyio
ADDRESS = Address("https://example.org/in", {"X-Key": "value"})


def made(tenant: Tenant, kind: str, *rows: VaultWrite, vault: Vault) -> None:
    table = tenant.table("name")
    target = Target(vault.webhook_id, ADDRESS.origin) if kind == OUTGOING else None
    events: Sequence[str] = ["record.*"] if kind == OUTGOING else []
    command = CreateWebhook(
        vault.webhook_id, table.id, "Hook", kind, events, target=target
    )
    tenant.do(command, vault=rows)


def a_vault(tenant: Tenant, system: System) -> Vault:
    return Vault(system.sealing, tenant.workspace_id, WebhookId(new_id()))


async def test_a_message_is_sent_with_what_the_vault_has(
    tenant: Tenant, system: System
):
    vault, secret = a_vault(tenant, system), new_secret()
    hook = vault.webhook_id
    rows = [vault.new_target(hook, ADDRESS), *vault.new_secret(new_id(), secret)]
    made(tenant, OUTGOING, *rows, vault=vault)

    sending = await sending_of(system.reader, system.sealing, hook, hook)

    assert sending is not None
    assert (sending.address, sending.secrets) == (ADDRESS, [secret])
    another = Sealing(["another" * 8])
    assert await addresses_of(system.reader, another, [hook]) == {}
    tenant.do(DeleteWebhook(hook))
    assert await sending_of(system.reader, system.sealing, hook, hook) is None
    kept = await addresses_of(system.reader, system.sealing, [hook])
    assert kept == {hook: ADDRESS}


async def test_each_secret_before_the_newest_ends_by_itself(
    tenant: Tenant, system: System
):
    vault = a_vault(tenant, system)
    hook, secrets = vault.webhook_id, [new_secret() for _ in range(8)]
    first = [vault.new_target(hook, ADDRESS), *vault.new_secret(new_id(), secrets[0])]
    made(tenant, OUTGOING, *first, vault=vault)

    def rotate(secret: str) -> None:
        tenant.do(vault=vault.new_secret(new_id(), secret))

    async def valid() -> Sequence[str]:
        found = await sending_of(system.reader, system.sealing, hook, hook)
        assert found is not None
        return found.secrets

    def ends() -> list[float]:
        """How many hours each goes on, the oldest first; not the newest."""
        rows = tenant.rows(
            "SELECT extract(epoch FROM ends_at - clock_timestamp()) / 3600"
            " FROM vault.webhook_secrets WHERE webhook_id = %s AND ends_at IS NOT NULL"
            " ORDER BY made_at",
            hook,
        )
        return [float(row[0]) for row in rows]

    def pass_by(hours: int) -> None:
        tenant.rows(
            "UPDATE vault.webhook_secrets SET ends_at = ends_at"
            " - make_interval(hours => %s) WHERE webhook_id = %s RETURNING 1",
            hours,
            hook,
        )

    rotate(secrets[1])
    pass_by(10)
    rotate(secrets[2])  # as after a reply that was lost
    assert await valid() == [secrets[2], secrets[1], secrets[0]]
    assert ends() == pytest.approx([14, 24], abs=0.1)
    pass_by(14)
    assert await valid() == [secrets[2], secrets[1]]
    for secret in secrets[3:]:
        rotate(secret)
    assert await valid() == secrets[:2:-1]  # five: the oldest of them ended early
    assert len(ends()) == MAX_SECRETS - 1
    pass_by(24)
    assert await valid() == [secrets[-1]]
    rotate(secrets[0])
    assert await valid() == [secrets[0], secrets[-1]]
    assert len(ends()) == 1  # what is over is not kept


async def test_a_token_finds_its_webhook_until_there_is_another(
    tenant: Tenant, system: System
):
    vault, tokens = a_vault(tenant, system), [make_token() for _ in range(2)]
    made(tenant, INCOMING, vault.new_token(tokens[0]), vault=vault)
    whose = (tenant.workspace_id, vault.webhook_id)

    assert await webhook_of(system.reader, tokens[0]) == whose
    tenant.do(vault=[vault.new_token(tokens[1])])
    assert await webhook_of(system.reader, tokens[0]) is None
    assert await webhook_of(system.reader, tokens[1]) == whose
    tenant.do(DeleteWebhook(vault.webhook_id))
    assert await webhook_of(system.reader, tokens[1]) is None
    for nonsense in ("", "whk_", "whk_" + "é" * 43, make_token()):
        assert await webhook_of(system.reader, nonsense) is None


def test_who_follows_sees_nothing_of_the_vault(tenant: Tenant):
    with psycopg.connect(tenant.database.follower, autocommit=True) as connection:
        for table in ("webhook_targets", "webhook_secrets", "webhook_tokens"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT 1 FROM vault.{table}")
