"""A type's definitions as the public API tells them."""

from typing import Any

from domain.catalog import Catalog, Field, Table
from projections.published import rules
from projections.records.content import is_single, public_fields

_TYPES = {
    "long_text": "TEXTAREA",
    "number": "NUMBER",
    "checkbox": "BOOLEAN",
    "email": "EMAIL",
    "url": "URL",
    "date": "DATE",
    "datetime": "DATETIME",
    "linked_record": "RELATION",
    "attachment": "MEDIA",
}


def schema_of(catalog: Catalog, table: Table) -> list[dict[str, Any]]:
    return [_shown(catalog, one) for one in public_fields(table)]


def _shown(catalog: Catalog, field: Field) -> dict[str, Any]:
    type_ = _TYPES.get(field.type, "TEXT")
    if field.option("enable_rich_text", False):
        type_ = "RICH_TEXT"
    other = rules.related(catalog, field) if type_ == "RELATION" else None
    return {
        "name": field.api_name,
        "display_name": field.name,
        "type": type_,
        "required": field.required,
        "multiple": type_ in ("RELATION", "MEDIA") and not is_single(field),
        "relation_to": None
        if other is None
        else {"id": other.id, "name": other.name, "slug": other.slug},
    }
