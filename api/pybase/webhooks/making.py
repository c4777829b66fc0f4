"""New webhooks, and what both new and changed ones are read by."""

from collections.abc import Callable, Mapping

from api.http import Reply, Request, read_id
from api.pybase import shapes
from api.pybase.asking import missing
from api.pybase.webhooks.looking import one_place
from api.pybase.webhooks.showing import incoming_url, rendered
from api.writing import once_with_password, write_slowly
from commands.outbound.signing import new_secret
from commands.system import System, new_id
from commands.webhooks import (
    Address,
    Vault,
    check_headers,
    check_url,
    make_token,
)
from commands.write import Prepared
from domain.access import Role
from domain.catalog import Catalog, Table
from domain.errors import Invalid
from domain.ids import TableId, WebhookId, WorkspaceId
from domain.webhook import INCOMING, OUTGOING, CreateWebhook, Target


async def create_webhook(system: System, request: Request) -> Reply:
    """Answers the secret or the token; nothing else ever does."""
    wanted = request.shape(shapes.CreateWebhook)
    one_place(wanted.table_id, wanted.workspace_id)
    if wanted.table_id is not None:
        table_id = TableId(read_id(wanted.table_id, "table"))
        workspace_id = await system.reader.find(request.who, "table", table_id)
    else:
        workspace_id = WorkspaceId(read_id(wanted.workspace_id or "", "workspace"))
    webhook_id = WebhookId(new_id())
    vault = Vault(system.sealing, workspace_id, webhook_id)
    making = _outgoing if wanted.type == OUTGOING else _incoming
    prepare = making(system, wanted, vault)
    kept = once_with_password(system, request, secret_id=webhook_id)

    async def at_once(catalog: Catalog) -> Prepared:
        return prepare(catalog)

    return await write_slowly(system, request, workspace_id, Role.admin, at_once, kept)


def _outgoing(
    system: System, wanted: shapes.CreateWebhook, vault: Vault
) -> Callable[[Catalog], Prepared]:
    if wanted.url is None:
        raise missing("url")
    if wanted.field_mappings:
        raise Invalid("An outgoing webhook maps no fields", field="field_mappings")
    address = Address(wanted.url, wanted.headers or {})
    check_url(address.url, system.outbound.guard)
    check_headers(address.headers)
    target, secret = Target(new_id(), address.origin), new_secret()
    command = CreateWebhook(
        vault.webhook_id,
        _table_id(wanted),
        wanted.name,
        OUTGOING,
        wanted.events or (),
        target=target,
        enabled=wanted.is_enabled,
        paused=wanted.is_paused,
    )
    rows = [vault.new_target(target.id, address), *vault.new_secret(new_id(), secret)]
    render = rendered(vault.webhook_id, address.url, address, 201, secret=secret)
    return lambda _catalog: Prepared([command], render, vault=rows)


def _incoming(
    system: System, wanted: shapes.CreateWebhook, vault: Vault
) -> Callable[[Catalog], Prepared]:
    no_address(wanted.url, wanted.headers)
    token = make_token()
    url = incoming_url(system, token)
    render = rendered(vault.webhook_id, url, None, 201, token=token)

    def prepare(catalog: Catalog) -> Prepared:
        table_id = _table_id(wanted)
        table = None if table_id is None else catalog.live_table(table_id)
        command = CreateWebhook(
            vault.webhook_id,
            table_id,
            wanted.name,
            INCOMING,
            wanted.events or (),
            mappings_of(wanted.field_mappings, table),
            enabled=wanted.is_enabled,
            paused=wanted.is_paused,
            schema_seq=None if table is None else table.schema_seq,
        )
        return Prepared([command], render, vault=[vault.new_token(token)])

    return prepare


def _table_id(wanted: shapes.CreateWebhook) -> TableId | None:
    return (
        None if wanted.table_id is None else TableId(read_id(wanted.table_id, "table"))
    )


def no_address(url: str | None, headers: Mapping[str, str] | None) -> None:
    """Of an incoming webhook.  Raises Invalid."""
    if url is not None:
        raise Invalid("The URL of an incoming webhook is made here", field="url")
    if headers:
        raise Invalid("An incoming webhook sends no headers", field="headers")


def mappings_of(named: Mapping[str, str] | None, table: Table | None) -> dict[str, str]:
    """By fields' ids.  Raises Invalid for a field that is not there."""
    found = {}
    for key, name_or_id in (named or {}).items():
        field = None if table is None else table.find_field(name_or_id)
        if field is None:
            detail = f"There is no field {name_or_id!r}"
            raise Invalid(detail, field="field_mappings", key=key)
        found[key] = str(field.id)
    return found
