"""Changes of webhooks, their deletion, new secrets and tokens."""

from collections.abc import Callable, Mapping
from typing import Any

from api.http import Reply, Request
from api.pybase import shapes
from api.pybase.webhooks.making import mappings_of, no_address
from api.pybase.webhooks.showing import (
    MASK,
    address_of,
    incoming_url,
    rendered,
    url_of,
)
from api.pybase.workspaces import no_nulls
from api.writing import (
    committed,
    given,
    once,
    once_with_password,
    write,
    write_slowly,
)
from commands.outbound.signing import new_secret
from commands.system import System, new_id
from commands.unit import VaultWrite
from commands.webhooks import (
    Address,
    Vault,
    check_headers,
    check_url,
    make_token,
)
from commands.write import Prepared
from domain.access import Role
from domain.catalog import Catalog, Table, Webhook
from domain.errors import Conflict, Invalid
from domain.ids import WebhookId
from domain.webhook import (
    INCOMING,
    OUTGOING,
    DeleteWebhook,
    RenewWebhook,
    Target,
    UpdateWebhook,
)


def table_of(webhook: Webhook, catalog: Catalog) -> Table | None:
    return None if webhook.table_id is None else catalog.tables[webhook.table_id]


async def update_webhook(system: System, request: Request) -> Reply:
    webhook_id = WebhookId(request.id("id", "webhook"))
    wanted = request.shape(shapes.UpdateWebhook)
    changes = given(wanted.model_dump(), wanted.model_fields_set)
    no_nulls(changes, "name", "url", "events", "is_enabled", "is_paused")
    workspace_id = await system.reader.find(request.who, "webhook", webhook_id)
    vault = Vault(system.sealing, workspace_id, webhook_id)
    kept = once_with_password(system, request)

    async def prepare(catalog: Catalog) -> Prepared:
        webhook = catalog.live_webhook(webhook_id)
        before = await address_of(system, webhook)
        address = _changed(webhook, before, changes)
        if address is not None and "url" in changes:
            check_url(address.url, system.outbound.guard)
        table = table_of(webhook, catalog)
        after = _changes(changes, table)
        rows: list[VaultWrite] = []
        if address is not None and address != before:
            target = Target(new_id(), address.origin)
            after["target"] = target.json()
            rows.append(vault.new_target(target.id, address))
        command = UpdateWebhook(
            webhook_id,
            after,
            request.if_match,
            None if table is None else table.schema_seq,
            webhook.version if rows else None,
        )
        url = url_of(system, webhook, address, whole=kept is None)
        render = rendered(webhook_id, url, address, 200)
        return Prepared([command], render, vault=rows)

    return await write_slowly(system, request, workspace_id, Role.admin, prepare, kept)


def _changed(
    webhook: Webhook, before: Address | None, changes: Mapping[str, Any]
) -> Address | None:
    """The address after a change.  Raises Invalid; Conflict where a part of it is not
    named and cannot be read."""
    if webhook.kind == INCOMING:
        no_address(changes.get("url"), changes.get("headers"))
        return None
    if "url" not in changes and "headers" not in changes:
        return before
    if before is None:
        if "url" not in changes or "headers" not in changes:
            raise Conflict("The address cannot be read any more: name url and headers")
        before = Address("", {})
    headers = before.headers
    if "headers" in changes:
        headers = _headers(changes["headers"] or {}, before.headers)
        check_headers(headers)
    return Address(changes.get("url", before.url), headers)


def _headers(given: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """With the values of before for those that are given as they are shown."""
    kept = {name.lower(): value for name, value in before.items()}
    found = {}
    for name, value in given.items():
        if value == MASK and name.lower() not in kept:
            detail = f"The header {name} has no value that could stay"
            raise Invalid(detail, field="headers")
        found[name] = kept[name.lower()] if value == MASK else value
    return found


# what a change is called here -> in a command
_CHANGES = {
    "name": "name",
    "events": "events",
    "is_enabled": "enabled",
    "is_paused": "paused",
}


def _changes(changes: Mapping[str, Any], table: Table | None) -> dict[str, Any]:
    after = {_CHANGES[name]: one for name, one in changes.items() if name in _CHANGES}
    if "field_mappings" in changes:
        after["mappings"] = mappings_of(changes["field_mappings"], table)
    return after


async def delete_webhook(system: System, request: Request) -> Reply:
    webhook_id = WebhookId(request.id("id", "webhook"))
    workspace_id = await system.reader.find(request.who, "webhook", webhook_id)
    command = DeleteWebhook(webhook_id, request.if_match)
    prepared = Prepared([command], lambda outcome: committed(outcome, 204, b""))
    return await write(system, request, workspace_id, Role.admin, lambda _: prepared)


# ---------------------------------------------------------------- renewing


async def regenerate_token(system: System, request: Request) -> Reply:
    """The only reply with the new token.  The one before it is nobody's from now on."""
    token = make_token()
    url = incoming_url(system, token)

    def rows(vault: Vault) -> list[VaultWrite]:
        return [vault.new_token(token)]

    return await _renew(system, request, INCOMING, rows, url=url, token=token)


async def rotate_secret(system: System, request: Request) -> Reply:
    """The only reply with the new secret."""
    secret = new_secret()

    def rows(vault: Vault) -> list[VaultWrite]:
        return vault.new_secret(new_id(), secret)

    return await _renew(system, request, OUTGOING, rows, secret=secret)


async def _renew(
    system: System,
    request: Request,
    kind: str,
    rows: Callable[[Vault], list[VaultWrite]],
    *,
    url: str | None = None,
    **once_shown: str,
) -> Reply:
    webhook_id = WebhookId(request.id("id", "webhook"))
    workspace_id = await system.reader.find(request.who, "webhook", webhook_id)
    vault = Vault(system.sealing, workspace_id, webhook_id)

    async def prepare(catalog: Catalog) -> Prepared:
        webhook = catalog.live_webhook(webhook_id)
        address = await address_of(system, webhook)
        told = url or url_of(system, webhook, address, whole=True)
        return Prepared(
            [RenewWebhook(webhook_id, kind, request.if_match)],
            rendered(webhook_id, told, address, 200, **once_shown),
            vault=rows(vault),
        )

    kept = once(request, secret_id=webhook_id)
    return await write_slowly(system, request, workspace_id, Role.admin, prepare, kept)
