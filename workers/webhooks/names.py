"""What webhooks call an event, by its type: in two families, of which a webhook takes
names of one.  Of an event that is in neither nobody is told."""

from collections.abc import Mapping

from domain.catalog import Webhook
from domain.webhook import takes

OF_TABLES: Mapping[str, str] = {
    "record.created": "record.created",
    "record.restored": "record.created",
    "record.updated": "record.updated",
    "record.links_changed": "record.updated",
    "record.deleted": "record.deleted",
    "field.created": "field.created",
    "field.restored": "field.created",
    "field.updated": "field.updated",
    "field.retyped": "field.updated",
    "field.deleted": "field.deleted",
    "table.created": "table.created",
    "table.restored": "table.created",
    "table.updated": "table.updated",
    "table.deleted": "table.deleted",
}
OF_CONTENT: Mapping[str, str] = {
    "record.created": "entry.created",
    "record.restored": "entry.created",
    "record.updated": "entry.updated",
    "record.links_changed": "entry.updated",
    "record.deleted": "entry.deleted",
    "table.created": "object_type.created",
    "table.restored": "object_type.created",
    "table.updated": "object_type.updated",
    "field.created": "object_type.updated",
    "field.restored": "object_type.updated",
    "field.updated": "object_type.updated",
    "field.retyped": "object_type.updated",
    "field.deleted": "object_type.updated",
}


def types_for(webhook: Webhook) -> list[str]:
    """The types of the events that it takes."""
    families = (OF_TABLES, OF_CONTENT)
    return [
        type_
        for names in families
        for type_, name in names.items()
        if takes(webhook, name)
    ]
