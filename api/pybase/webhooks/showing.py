"""How a webhook is shown: its URL whole to those who change it, values of headers to
nobody, a mapping with the name that the field has today."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from api.http import Reply
from api.writing import committed
from commands.system import System
from commands.unit import Outcome
from commands.webhooks import Address, addresses_of
from commands.write import Render
from domain.access import Role, may
from domain.catalog import Catalog, Webhook
from domain.ids import WebhookId
from domain.webhook import INCOMING
from projections.reader import Caller

MASK = "********"  # in the place of a header's value
_HIDDEN = "…"  # in the place of the rest of a URL
_INCOMING = "/api/v1/webhooks/incoming/"


def may_see_urls(who: Caller, catalog: Catalog) -> bool:
    """Those who change webhooks: a URL may be a secret itself."""
    scoped = who.scopes is None or "admin" in who.scopes
    return scoped and may(catalog.role_of(who.user_id), Role.admin)


async def address_of(system: System, webhook: Webhook) -> Address | None:
    if webhook.target_id is None:
        return None
    target_id = webhook.target_id
    found = await addresses_of(system.reader, system.sealing, [target_id])
    return found.get(target_id)


async def all_shown(
    system: System, catalog: Catalog, webhooks: Sequence[Webhook], *, whole: bool
) -> list[dict[str, Any]]:
    targets = [one.target_id for one in webhooks if one.target_id is not None]
    addresses = await addresses_of(system.reader, system.sealing, targets)
    found = [(one, addresses.get(one.target_id or "")) for one in webhooks]
    return [
        shown(one, catalog, url_of(system, one, address, whole=whole), address)
        for one, address in found
    ]


def url_of(
    system: System, webhook: Webhook, address: Address | None, *, whole: bool
) -> str:
    if webhook.kind == INCOMING:
        return incoming_url(system, _HIDDEN)
    if whole and address is not None:
        return address.url
    origin = webhook.origin if address is None else address.origin
    return f"{origin}/{_HIDDEN}"


def incoming_url(system: System, token: str) -> str:
    return f"{system.settings.pybase_url}{_INCOMING}{token}"


def shown(
    webhook: Webhook, catalog: Catalog, url: str, address: Address | None
) -> dict[str, Any]:
    """A webhook with the names that fields have today; a mapping onto a field that is
    gone is not told."""
    fields: Mapping[str, Any] = {}
    if webhook.table_id is not None:
        fields = catalog.tables[webhook.table_id].by_id
    return {
        "id": webhook.id,
        "workspace_id": catalog.id,
        "table_id": webhook.table_id,
        "name": webhook.name,
        "type": webhook.kind,
        "is_enabled": webhook.enabled,
        "is_paused": webhook.paused,
        "disabled_reason": webhook.reason,
        "needs_renewal": not webhook.renewed,
        "events": list(webhook.events),
        "url": url,
        "headers": dict.fromkeys(address.headers, MASK) if address else {},
        "field_mappings": {
            key: fields[field_id].name
            for key, field_id in webhook.mappings.items()
            if field_id in fields
        },
        "created_by": webhook.created_by,
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
        "version": webhook.version,
    }


def rendered(
    webhook_id: WebhookId,
    url: str,
    address: Address | None,
    status: int,
    **once_shown: str,
) -> Render:
    def render(outcome: Outcome) -> Reply:
        one = outcome.catalog.live_webhook(webhook_id)
        body = {**shown(one, outcome.catalog, url, address), **once_shown}
        return committed(outcome, status, orjson.dumps(body), one.version)

    return render
