"""How PyBase tells of what happened to a table's schema: to the table itself, its
fields, its constraints, its views and its webhooks.

A change names what the event names: `name`, `type`, `options`, `status`, …  Formulas
are shown with the present names; views keep fields by id, and are shown as kept.  Of a
webhook's address all that is told is its origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.catalog import Catalog, Field, Table, View
from domain.computed import shown_options
from domain.events import Event
from domain.ids import WebhookId

Told = dict[str, Any]

# what says where a thing is, and not what it is like
_PLACES = frozenset({"table_id", "base_id", "field_id", "number", "parts", "slot"})
_INNER = frozenset({"conversion", "conversion_id", "restores", "emptied", "folding"})
# what a worker found of a pending constraint -> the status that it has from then on
_ENDS_OF_PENDING = {"activated": "active", "failed": "disabled"}


@dataclass(frozen=True, slots=True)
class Resource:
    """What an event is about, by its present name; None where it has none."""

    kind: str
    id: str
    name: str | None

    def json(self) -> Told:
        return {"kind": self.kind, "id": self.id, "name": self.name}


def streams_of(table: Table) -> list[str]:
    """Of the table and of all that ever was in its schema."""
    return [
        table.id,
        *table.all_fields,
        *table.all_constraints,
        *table.all_views,
    ]


def streams_of_webhooks(catalog: Catalog, table: Table) -> list[str]:
    """Of all that ever were the table's."""
    return [one.id for one in catalog.webhooks.values() if one.table_id == table.id]


def streams_of_field(table: Table, field_id: str) -> list[str]:
    """Of a field and of its constraints."""
    constraints = table.all_constraints.values()
    return [field_id, *(one.id for one in constraints if one.field_id == field_id)]


def resource_of(event: Event, table: Table, catalog: Catalog) -> Resource:
    kind, stream = event.TYPE.partition(".")[0], event.stream_id
    if kind == "table":
        return Resource(kind, stream, table.name)
    if kind == "webhook":
        return Resource(kind, stream, catalog.webhooks[WebhookId(stream)].name)
    fields: Mapping[str, Field | View] = table.all_fields  # type: ignore[assignment]
    views: Mapping[str, Field | View] = table.all_views  # type: ignore[assignment]
    known = fields.get(stream) or views.get(stream)
    return Resource(kind, stream, None if known is None else known.name)


def schema_changes(event: Event, table: Table) -> dict[str, Told]:
    """What the event did, by property."""
    noun, _, happened = event.TYPE.partition(".")
    data: Mapping[str, Any] = event.data()
    if happened in _ENDS_OF_PENDING:
        return {"status": {"from": "pending", "to": _ENDS_OF_PENDING[happened]}}
    changes: Mapping[str, Any] | None = data.get("changes")
    if changes is not None:
        found = {
            name: {"from": one["from"], "to": one["to"]}
            for name, one in changes.items()
            if name not in _PLACES
        }
    else:
        found = {
            name: _one(one, appears=happened != "deleted")
            for name, one in data.items()
            if name not in _PLACES | _INNER and _says_something(name, one)
        }
    if noun == "webhook":
        return _of_webhook(found, table)
    if noun == "constraint" and changes is None:
        found |= _of_field(data["field_id"], table, appears=happened != "deleted")
    if noun == "field":
        _by_names(found, event.stream_id, table)
    return found


def _says_something(name: str, value: Any) -> bool:
    """A table that is not public is as every table was before any could be."""
    return value is not None and (name, value) != ("public", False)


def _one(value: Any, *, appears: bool) -> Told:
    return {"from": None, "to": value} if appears else {"from": value, "to": None}


def _of_field(field_id: str, table: Table, *, appears: bool) -> dict[str, Told]:
    """A constraint is told by the field that it is on."""
    known: Field | None = table.all_fields.get(field_id)  # type: ignore[call-overload]
    return {"field": _one(known.name if known else field_id, appears=appears)}


# as its routes call what the events have: both say of `enabled` whether it is
_OF_WEBHOOK = {
    "kind": "type",
    "mappings": "field_mappings",
    "target": "url",
    "enabled": "is_enabled",
    "paused": "is_paused",
    "reason": "disabled_reason",
}


def _of_webhook(found: Mapping[str, Told], table: Table) -> dict[str, Told]:
    shown = {}
    for name, change in found.items():
        if name == "target":
            told = {side: _origin(one) for side, one in change.items()}
        elif name == "mappings":
            told = {side: _mapped(one, table) for side, one in change.items()}
        else:
            told = change
        shown[_OF_WEBHOOK.get(name, name)] = told
    return shown


def _origin(target: Any) -> str | None:
    return None if target is None else f"{target['origin']}/…"


def _mapped(mappings: Any, table: Table) -> Any:
    """By the fields' present names; by id of one that has none."""
    if mappings is None:
        return None
    fields: Mapping[str, Field] = table.all_fields  # type: ignore[assignment]
    return {
        key: fields[field_id].name if field_id in fields else field_id
        for key, field_id in mappings.items()
    }


def _by_names(found: dict[str, Told], field_id: str, table: Table) -> None:
    """Puts names into the formulas of options."""
    known: Field | None = table.all_fields.get(field_id)  # type: ignore[call-overload]
    if known is None or "options" not in found:
        return
    found["options"] = {
        side: _options(known, options, table)
        for side, options in found["options"].items()
    }


def _options(field: Field, options: Any, table: Table) -> Any:
    if not isinstance(options, dict) or "formula" not in options:
        return options
    return shown_options(replace(field, type="formula", options=options), table)
