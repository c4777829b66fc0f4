"""What is sent to an incoming webhook: a record of its table.

The token in the path is all that a sender has, so what a webhook does not take looks as
if there were none: unknown, turned off, without a token since its deletion, of a table
that is gone.  Of a paused one the sender is told to come again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from commands import records
from commands.system import System
from commands.unit import Done, Once, Origin, Outcome, Reply
from commands.webhooks import webhook_of
from commands.write import Prepared, write
from domain.access import Role
from domain.catalog import Catalog, Table, Webhook
from domain.errors import DomainError, Forbidden, Invalid, NotFound, Paused
from domain.events import Actor
from domain.ids import RecordId, WebhookId, WorkspaceId
from domain.record import CreateRecords
from domain.webhook import INCOMING, ExpectWebhook, works
from projections.reader import ANYBODY

MAX_KEYS_TOLD = 20  # of a body of which none is known


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose token it is."""

    workspace_id: WorkspaceId
    webhook_id: WebhookId


@dataclass(frozen=True, slots=True)
class Message:
    """What was sent, by whom, and under which key it counts once."""

    sender: Sender
    request_id: str
    body: Mapping[str, Any]
    once: Once | None


def unknown() -> NotFound:
    """The one refusal of all that takes nothing."""
    return NotFound("Webhook not found")


async def sender_of(system: System, token: str) -> Sender:
    """Raises NotFound."""
    found = await webhook_of(system.reader, token)
    if found is None:
        raise unknown()
    return Sender(*found)


async def receive(
    system: System, message: Message, render: Callable[[RecordId], Reply]
) -> Done:
    """Makes a record of a message.

    Raises NotFound, Paused, and what a record may be refused for, told with the
    sender's keys.
    """
    workspace_id, webhook_id = message.sender.workspace_id, message.sender.webhook_id
    keys: dict[str, str] = {}

    def prepare(catalog: Catalog) -> Prepared:
        webhook, table = open_to(catalog, webhook_id)
        known = keys_of(webhook, table)
        keys.clear()
        keys.update((table.by_id[id].name, key) for key, id in known.items())
        command = read(catalog, table, known, message.body)
        ((record_id, _),) = command.records

        def rendered(_outcome: Outcome) -> Reply:
            return render(record_id)

        # the last word on whether it is turned on, and on what maps to what
        expected = ExpectWebhook(webhook.id, webhook.version)
        return Prepared([expected, command], rendered)

    origin = Origin(Actor("webhook", webhook_id), "pybase", message.request_id)
    try:
        await _insist(system, message.sender)
        return await write(
            system, ANYBODY, origin, workspace_id, Role.editor, prepare, message.once
        )
    except (NotFound, Forbidden) as error:
        raise unknown() from error
    except DomainError as error:
        raise _told(error, keys) from error


async def _insist(system: System, sender: Sender) -> None:
    """That it takes anything: or a message that is repeated would get its first reply
    from one that is turned off."""
    catalog = await system.reader.catalog(sender.workspace_id)
    try:
        open_to(catalog, sender.webhook_id)
    except DomainError:  # unless the catalogue is an old one

        def plan(present: Catalog) -> tuple[()]:
            open_to(present, sender.webhook_id)
            return ()

        await system.reader.ask(ANYBODY, sender.workspace_id, plan)


def open_to(catalog: Catalog, webhook_id: WebhookId) -> tuple[Webhook, Table]:
    """A webhook that takes records, with their table.  Raises NotFound, Paused."""
    webhook = catalog.live_webhook(webhook_id)
    if webhook.kind != INCOMING or webhook.table_id is None or not works(webhook):
        raise unknown()
    if webhook.paused:
        raise Paused()
    return webhook, catalog.live_table(webhook.table_id)


def keys_of(webhook: Webhook, table: Table) -> Mapping[str, str]:
    """A field's id by the sender's key for it: as mapped, or by the fields' names.  Of
    fields that are gone nothing is taken."""
    if webhook.mappings:
        return {key: id for key, id in webhook.mappings.items() if id in table.by_id}
    return {name: one.id for name, one in table.by_name.items()}


def read(
    catalog: Catalog, table: Table, keys: Mapping[str, str], body: Mapping[str, Any]
) -> CreateRecords:
    """The command that a body is; keys that are no field's are left out.

    Raises Invalid, where none is a field's too.
    """
    given = {keys[key]: value for key, value in body.items() if key in keys}
    if not given:
        raise Invalid("No key of the body is a field's")
    return records.create(catalog, table.id, [given])[1]


def _told(error: DomainError, keys: Mapping[str, str]) -> DomainError:
    """A refusal that speaks of one record, and of what its sender calls the fields."""
    extra = {name: value for name, value in error.extra.items() if name != "index"}
    problems = extra.get("errors")
    if isinstance(problems, list):
        extra["errors"] = [_with_key(one, keys) for one in problems]
    field = extra.get("field")
    if isinstance(field, str) and field in keys:
        extra["key"] = keys[field]
    error.extra = extra
    return error


def _with_key(problem: Any, keys: Mapping[str, str]) -> Any:
    place = problem.get("loc") if isinstance(problem, dict) else None
    name = str(place[0]) if isinstance(place, list) and place else ""
    return {**problem, "key": keys[name]} if name in keys else problem
