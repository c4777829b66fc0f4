"""Webhooks: events told to an address, and records made of what is sent here.

    outgoing   tells `events` to its target, an address with headers
    incoming   makes records of its table; whoever has its token may send

Pure.  Addresses, headers, secrets and tokens are in the vault, written in the same
transaction; an event holds the id of a target, which never changes, and the address's
origin.  A webhook belongs to a table, and is there while it is, or to the workspace.
With its deletion its secrets are gone: brought back, it is dead until it is renewed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.access import Role
from domain.catalog import Catalog, Table, Webhook
from domain.decider import allows, decides, grows
from domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Json,
    Malformed,
    NotFound,
    StaleSchema,
)
from domain.events import Command, Event, Inverse, Recorded, event
from domain.facts import Facts
from domain.ids import TableId, WebhookId
from domain.record import CreateRecords
from domain.workspace import before_of, differences, expect_schema, expect_version

OUTGOING, INCOMING = "outgoing", "incoming"
KINDS = (OUTGOING, INCOMING)
MAX_OF_TABLE, MAX_OF_WORKSPACE = 100, 500  # live ones
MAX_MAPPINGS = 400
MAX_KEY = 255  # characters of a sender's name for a field

# what may be told: of tables and their records, or of entries and their types
_NOUNS: Mapping[str, Sequence[str]] = {
    "record": ("created", "updated", "deleted"),
    "field": ("created", "updated", "deleted"),
    "table": ("created", "updated", "deleted"),
    "entry": ("created", "updated", "deleted"),
    "object_type": ("created", "updated"),
}
_OF_CONTENT = ("entry", "object_type")


def _names(content: bool) -> tuple[str, ...]:
    nouns = [noun for noun in _NOUNS if (noun in _OF_CONTENT) == content]
    each = [f"{noun}.{word}" for noun in nouns for word in _NOUNS[noun]]
    return (*each, *(f"{noun}.*" for noun in nouns))


OF_TABLES, OF_CONTENT = _names(content=False), _names(content=True)


@dataclass(frozen=True, slots=True)
class Target:
    """Where an outgoing webhook tells things: the vault's row, and what of it anybody
    may know, such as https://example.org."""

    id: str
    origin: str

    def json(self) -> dict[str, Json]:
        return {"id": self.id, "origin": self.origin}


@dataclass(frozen=True, slots=True)
class CreateWebhook(Command):
    """`mappings`: a field's id by the sender's name for it.  They are checked against
    the schema at `schema_seq`; None takes them as they are."""

    webhook_id: WebhookId
    table_id: TableId | None
    name: str
    kind: str
    events: Sequence[str] = ()
    mappings: Mapping[str, str] | None = None
    target: Target | None = None
    enabled: bool = True
    paused: bool = False
    schema_seq: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateWebhook(Command):
    """`changes` by name: name, events, mappings (both whole), target ({id, origin}),
    enabled, paused, reason.

    `schema_seq` as in CreateWebhook.  `known`: the version that the changes were
    prepared on, where they rest on what was there.
    """

    webhook_id: WebhookId
    changes: Mapping[str, Any]
    if_match: int | None = None
    schema_seq: int | None = None
    known: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteWebhook(Command):
    webhook_id: WebhookId
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class RestoreWebhook(Command):
    webhook_id: WebhookId


@dataclass(frozen=True, slots=True)
class RenewWebhook(Command):
    """It gets a new secret, or of `incoming` a new token: the vault's row is written
    beside it."""

    webhook_id: WebhookId
    kind: str
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class ReplayWebhook(Command):
    """What happened from one position to another is told again: all of it, or `only`
    what `failed`."""

    webhook_id: WebhookId
    from_position: int
    to_position: int
    only: str | None = None


@dataclass(frozen=True, slots=True)
class ExpectWebhook(Command):
    """What follows in the unit was read by this version of a webhook: changes nothing,
    and is refused as stale where the webhook is another by now."""

    webhook_id: WebhookId
    version: int


@event("webhook.created")
class WebhookCreated(Event):
    webhook_id: str
    table_id: str | None
    name: str
    kind: str
    events: list[str]
    mappings: dict[str, str]
    target: dict[str, Json] | None  # id, origin
    enabled: bool
    paused: bool

    def inverse(self) -> Inverse:
        return DeleteWebhook(WebhookId(self.webhook_id))


@event("webhook.updated")
class WebhookUpdated(Event):
    webhook_id: str
    table_id: str | None
    changes: dict[str, Json]  # name -> {"from", "to"}

    def inverse(self) -> Inverse:
        return UpdateWebhook(WebhookId(self.webhook_id), before_of(self.changes))


@event("webhook.deleted")
class WebhookDeleted(Event):
    """Its secrets are gone: taken back, it is there and dead."""

    webhook_id: str
    table_id: str | None
    name: str

    def inverse(self) -> Inverse:
        return RestoreWebhook(WebhookId(self.webhook_id))


@event("webhook.restored")
class WebhookRestored(Event):
    webhook_id: str
    table_id: str | None
    name: str

    def inverse(self) -> Inverse:
        return DeleteWebhook(WebhookId(self.webhook_id))


@event("webhook.renewed")
class WebhookRenewed(Event):
    """Cannot be taken back: what it had before is gone."""

    webhook_id: str
    table_id: str | None
    FOLLOWS = False

    def inverse(self) -> None:
        return None

    def touched(self) -> frozenset[str]:
        return frozenset({"secret"})


@event("webhook.replayed")
class WebhookReplayed(Event):
    """Cannot be taken back: it was sent."""

    webhook_id: str
    table_id: str | None
    from_position: int
    to_position: int
    only: str | None
    FOLLOWS = False

    def inverse(self) -> None:
        return None

    def touched(self) -> frozenset[str]:
        return frozenset({"replayed"})


def works(webhook: Webhook) -> bool:
    """Whether a live webhook sends or takes anything."""
    return webhook.enabled and webhook.renewed


def takes(webhook: Webhook, name: str) -> bool:
    """Whether it is told of events called so."""
    noun = name.partition(".")[0]
    return name in webhook.events or f"{noun}.*" in webhook.events


# ------------------------------------------------------------------------ checking


def _checked_events(names: Sequence[str], table_id: str | None) -> list[str]:
    """Each once, in their order."""
    found = list(dict.fromkeys(names))
    if not found:
        raise Invalid("A webhook takes one event at least", field="events")
    known = OF_TABLES if table_id is not None else (*OF_TABLES, *OF_CONTENT)
    for one in found:
        if one not in known:
            raise Invalid(f"A webhook's events are {', '.join(known)}", field="events")
    if len({one in OF_CONTENT for one in found}) > 1:
        detail = "Events of tables and of content are not in one webhook"
        raise Invalid(detail, field="events")
    return found


def _checked_mappings(mappings: Mapping[str, str], table: Table) -> dict[str, str]:
    """Raises Invalid for fields that are not there, or take no value."""
    if len(mappings) > MAX_MAPPINGS:
        raise Invalid(f"A webhook maps {MAX_MAPPINGS} keys at most", field=_MAPPINGS)
    for key, field_id in mappings.items():
        if not key or len(key) > MAX_KEY:
            detail = f"A mapping's key has 1 to {MAX_KEY} characters"
            raise Invalid(detail, field=_MAPPINGS)
        field = table.by_id.get(field_id)
        if field is None:
            raise Invalid(f"The field of {key!r} is not there", field=_MAPPINGS)
        if not field.kind.writable:
            raise Invalid(f"{field.name!r} takes no value", field=_MAPPINGS)
    if len(set(mappings.values())) < len(mappings):
        raise Invalid("Two keys are mapped onto one field", field=_MAPPINGS)
    return dict(mappings)


_MAPPINGS = "field_mappings"


def _room_for_one(catalog: Catalog, table_id: str | None) -> None:
    live = catalog.live_webhooks
    if len(live) >= MAX_OF_WORKSPACE:
        raise Conflict(f"A workspace has at most {MAX_OF_WORKSPACE} webhooks")
    if table_id is None:
        return
    if sum(one.table_id == table_id for one in live) >= MAX_OF_TABLE:
        raise Conflict(f"A table has at most {MAX_OF_TABLE} webhooks")


# ------------------------------------------------------------------------ deciding


@allows("webhook")
def _as_webhook(command: Command, facts: Facts) -> None:
    """A webhook makes records of its own table, as an editor would, and nothing else.
    Raises NotFound where it is not live, Forbidden else."""
    if isinstance(command, ExpectWebhook) and command.webhook_id == facts.actor.id:
        return
    webhook = facts.catalog.live_webhook(facts.actor.id)
    makes_own = (
        isinstance(command, CreateRecords) and command.table_id == webhook.table_id
    )
    if not (makes_own and webhook.kind == INCOMING and works(webhook)):
        raise Forbidden("The webhook does not allow this")


@decides(CreateWebhook, role=Role.admin)
def _create(command: CreateWebhook, facts: Facts) -> Sequence[Event]:
    if command.webhook_id in facts.catalog.webhooks:
        raise Conflict("The webhook exists already")
    if command.kind not in KINDS:
        raise Invalid(f"A webhook's type is one of {', '.join(KINDS)}", field="type")
    _room_for_one(facts.catalog, command.table_id)
    made = _create_outgoing if command.kind == OUTGOING else _create_incoming
    return [made(command, facts.catalog)]


def _create_outgoing(command: CreateWebhook, catalog: Catalog) -> WebhookCreated:
    if command.table_id is not None:
        catalog.live_table(command.table_id)
    if command.mappings:
        raise Invalid("An outgoing webhook maps no fields", field=_MAPPINGS)
    if command.target is None:
        raise Invalid("An outgoing webhook has a URL", field="url")
    events = _checked_events(command.events, command.table_id)
    return _created(command, events, {})


def _create_incoming(command: CreateWebhook, catalog: Catalog) -> WebhookCreated:
    if command.table_id is None:
        raise Invalid("An incoming webhook belongs to a table", field="table_id")
    if command.events:
        raise Invalid("An incoming webhook takes no events", field="events")
    if command.target is not None:
        raise Invalid("The URL of an incoming webhook is made here", field="url")
    table = catalog.live_table(command.table_id)
    expect_schema(table, command.schema_seq)
    return _created(command, [], _checked_mappings(command.mappings or {}, table))


def _created(
    command: CreateWebhook, events: list[str], mappings: dict[str, str]
) -> WebhookCreated:
    return WebhookCreated(
        command.webhook_id,
        command.table_id,
        command.name,
        command.kind,
        events,
        mappings,
        None if command.target is None else command.target.json(),
        command.enabled,
        command.paused,
    )


@decides(UpdateWebhook, role=Role.admin)
def _update(command: UpdateWebhook, facts: Facts) -> Sequence[Event]:
    webhook = facts.catalog.live_webhook(command.webhook_id)
    expect_version(webhook.version, command.if_match)
    if command.known is not None and command.known != webhook.version:
        raise StaleSchema()
    wanted = dict(command.changes)
    _settle(wanted, webhook, command, facts.catalog)
    changes = differences(_present(webhook), wanted)
    if not changes:
        return []
    return [WebhookUpdated(webhook.id, webhook.table_id, changes)]


def _settle(
    wanted: dict[str, Any], webhook: Webhook, command: UpdateWebhook, catalog: Catalog
) -> None:
    """Checks what is wanted; a reason is only of what is turned off."""
    outgoing = webhook.kind == OUTGOING
    if outgoing and wanted.get("mappings"):
        raise Invalid("An outgoing webhook maps no fields", field=_MAPPINGS)
    if not outgoing and wanted.get("events"):
        raise Invalid("An incoming webhook takes no events", field="events")
    if not outgoing and wanted.get("target"):
        raise Invalid("The URL of an incoming webhook is made here", field="url")
    if outgoing and "events" in wanted:
        wanted["events"] = _checked_events(wanted["events"], webhook.table_id)
    if webhook.table_id is not None and command.schema_seq is not None:
        table = catalog.live_table(webhook.table_id)
        expect_schema(table, command.schema_seq)
        if "mappings" in wanted:
            wanted["mappings"] = _checked_mappings(wanted["mappings"], table)
    if wanted.get("enabled", webhook.enabled):
        wanted["reason"] = None
    elif "enabled" in wanted:
        wanted.setdefault("reason", None)


def _present(webhook: Webhook) -> dict[str, Json]:
    target: Json = None
    if webhook.target_id is not None:
        target = Target(webhook.target_id, webhook.origin or "").json()
    return {
        "name": webhook.name,
        "events": list(webhook.events),
        "mappings": dict(webhook.mappings),
        "target": target,
        "enabled": webhook.enabled,
        "paused": webhook.paused,
        "reason": webhook.reason,
    }


@decides(DeleteWebhook, role=Role.admin)
def _delete(command: DeleteWebhook, facts: Facts) -> Sequence[Event]:
    webhook = facts.catalog.live_webhook(command.webhook_id)
    expect_version(webhook.version, command.if_match)
    return [WebhookDeleted(webhook.id, webhook.table_id, webhook.name)]


@decides(RestoreWebhook, role=Role.admin)
def _restore(command: RestoreWebhook, facts: Facts) -> Sequence[Event]:
    known = facts.catalog.webhooks.get(command.webhook_id)
    if known is None:
        raise NotFound("Webhook not found")
    if known.table_id is not None:
        facts.catalog.live_table(known.table_id)
    if not known.deleted:
        return []
    _room_for_one(facts.catalog, known.table_id)
    return [WebhookRestored(known.id, known.table_id, known.name)]


@decides(RenewWebhook, role=Role.admin)
def _renew(command: RenewWebhook, facts: Facts) -> Sequence[Event]:
    webhook = facts.catalog.live_webhook(command.webhook_id)
    if webhook.kind != command.kind:
        what = "a token" if command.kind == INCOMING else "a signing secret"
        raise Malformed(f"Only an {command.kind} webhook has {what}")
    expect_version(webhook.version, command.if_match)
    return [WebhookRenewed(webhook.id, webhook.table_id)]


@decides(ReplayWebhook, role=Role.admin)
def _replay(command: ReplayWebhook, facts: Facts) -> Sequence[Event]:
    webhook = facts.catalog.live_webhook(command.webhook_id)
    if webhook.kind != OUTGOING:
        raise Malformed("Only an outgoing webhook sends anything again")
    if not webhook.enabled:
        raise Conflict("The webhook is turned off: turn it on first")
    if not webhook.renewed:
        raise Conflict("The webhook needs a new secret: rotate it first")
    first, last = command.from_position, command.to_position
    if not 1 <= first <= last <= facts.position:
        raise Invalid("Positions are 1 to the present one, and in their order")
    return [WebhookReplayed(webhook.id, webhook.table_id, first, last, command.only)]


@decides(ExpectWebhook, role=Role.editor)
def _expect(command: ExpectWebhook, facts: Facts) -> Sequence[Event]:
    if facts.catalog.version_of(command.webhook_id) != command.version:
        raise StaleSchema()
    return []


# ------------------------------------------------------------------------- growing


@grows(WebhookCreated)
def _grow_created(
    catalog: Catalog, recorded: Recorded, event: WebhookCreated
) -> Catalog:
    webhook = Webhook(
        id=WebhookId(event.webhook_id),
        table_id=None if event.table_id is None else TableId(event.table_id),
        name=event.name,
        kind=event.kind,
        events=event.events,
        mappings=event.mappings,
        **_target(event.target),
        enabled=event.enabled,
        paused=event.paused,
        reason=None,
        renewed=True,
        created_by=recorded.actor.id,
        created_at=recorded.at,
        updated_at=recorded.at,
    )
    return _with_webhook(catalog, recorded, webhook)


def _target(target: Any) -> dict[str, Any]:
    known = target or {"id": None, "origin": None}
    return {"target_id": known["id"], "origin": known["origin"]}


@grows(WebhookUpdated)
def _grow_updated(
    catalog: Catalog, recorded: Recorded, event: WebhookUpdated
) -> Catalog:
    after: dict[str, Any] = {
        name: change["to"]  # type: ignore[call-overload, index]
        for name, change in event.changes.items()
    }
    if "target" in after:
        after |= _target(after.pop("target"))
    changed = replace(_known(catalog, event), **after, updated_at=recorded.at)
    return _with_webhook(catalog, recorded, changed)


@grows(WebhookDeleted, WebhookRestored)
def _grow_gone(
    catalog: Catalog, recorded: Recorded, event: WebhookDeleted | WebhookRestored
) -> Catalog:
    deleted = isinstance(event, WebhookDeleted)
    changed = replace(_known(catalog, event), deleted=deleted, renewed=False)
    return _with_webhook(catalog, recorded, changed)


@grows(WebhookRenewed)
def _grow_renewed(
    catalog: Catalog, recorded: Recorded, event: WebhookRenewed
) -> Catalog:
    changed = replace(_known(catalog, event), renewed=True, updated_at=recorded.at)
    return _with_webhook(catalog, recorded, changed)


@grows(WebhookReplayed)
def _grow_replayed(
    catalog: Catalog, recorded: Recorded, event: WebhookReplayed
) -> Catalog:
    return _with_webhook(catalog, recorded, _known(catalog, event))


def _known(catalog: Catalog, event: Event) -> Webhook:
    return catalog.webhooks[WebhookId(event.stream_id)]


def _with_webhook(catalog: Catalog, recorded: Recorded, webhook: Webhook) -> Catalog:
    changed = replace(webhook, version=recorded.version)
    webhooks = {**catalog.webhooks, changed.id: changed}
    return replace(catalog, seq=recorded.seq, webhooks=webhooks)
