"""Field definitions and fields: one thing in the words of two documents.

`TYPES` is what a type of the CMS is kept as, `NEAREST` what a type that only PyBase has
is told as; `docs/surfaces.md` repeats both.  An array of a type whose fields hold one
value is a field of any JSON whose `items` are of that type.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from domain.catalog import Catalog, Field, Table
from domain.errors import Json
from domain.ids import TableId
from domain.values import shown_default


@dataclass(frozen=True, slots=True)
class Kept:
    """How a field of this type is kept, but for an array's."""

    type: str
    options: Mapping[str, Json] = field(default_factory=dict)


_RICH: Final = {"enable_rich_text": True}
TYPES: Final[Mapping[str, Kept]] = {
    "TEXT": Kept("text"),
    "TEXTAREA": Kept("long_text"),
    "RICH_TEXT": Kept("long_text", _RICH),
    "NUMBER": Kept("number"),
    "BOOLEAN": Kept("checkbox"),
    "EMAIL": Kept("email"),
    "URL": Kept("url"),
    "DATE": Kept("date"),
    "DATETIME": Kept("datetime"),
    "RELATION": Kept("linked_record"),
    "MEDIA": Kept("attachment"),
}
# by the type of the field; what is not here, and no type of TYPES, is told as TEXT
NEAREST: Final[Mapping[str, str]] = {
    **{one.type: name for name, one in TYPES.items() if not one.options},
    **dict.fromkeys(
        ("currency", "percent", "rating", "duration", "autonumber"), "NUMBER"
    ),
}
# whose fields hold several values by an option of their own, and whether they do
# where it is not set
SEVERAL: Final[Mapping[str, bool]] = {
    "linked_record": True,
    "attachment": True,
    "user": False,
}


def kept_as(type_: str, *, multiple: bool) -> Kept:
    """The field of a definition."""
    kept = TYPES[type_]
    if kept.type in SEVERAL:
        return Kept(kept.type, {**kept.options, "allow_multiple": multiple})
    if multiple:
        return Kept("json", {**kept.options, "items": kept.type})
    return kept


def type_of(one: Field) -> str:
    """The nearest type of the CMS."""
    inner = str(one.option("items", one.type))
    rich = one.option("enable_rich_text", False)
    if inner == "long_text" and rich:
        return "RICH_TEXT"
    if inner == "date" and one.option("include_time", False):
        return "DATETIME"
    if inner == "autonumber" and one.option("prefix", ""):
        return "TEXT"
    return NEAREST.get(inner, "TEXT")


def is_multiple(one: Field) -> bool:
    """Whether its values are arrays."""
    if one.type in SEVERAL:
        return bool(one.option("allow_multiple", SEVERAL[one.type]))
    return one.type == "multi_select" or "items" in one.options


def is_defined(one: Field) -> bool:
    """Whether a field is a definition: not so the other side of a relation, nor the
    place of whatever has no field."""
    return not one.is_reverse and not one.options.get("other")


def defined(table: Table) -> list[Field]:
    """The fields that are definitions, in their order."""
    return [one for one in table.fields if is_defined(one)]


def schema(catalog: Catalog, one: Field) -> dict[str, Any]:
    """What everybody may know of a field."""
    return {
        "name": one.api_name,
        "display_name": one.name,
        "type": type_of(one),
        "required": one.required,
        "multiple": is_multiple(one),
        "relation_to": _relation_to(catalog, one),
    }


def definition(catalog: Catalog, one: Field) -> dict[str, Any]:
    return {
        "id": one.id,
        **schema(catalog, one),
        **beside(one),
    }


def beside(one: Field) -> dict[str, Any]:
    """What a definition says beside its type."""
    return {
        "placeholder": one.options.get("placeholder"),
        "default_value": shown_default(one),
        "private": bool(one.options.get("private")),
    }


def definitions(catalog: Catalog, table: Table) -> list[dict[str, Any]]:
    return [definition(catalog, one) for one in defined(table)]


def _relation_to(catalog: Catalog, one: Field) -> dict[str, Any] | None:
    if one.type != "linked_record":
        return None
    other = catalog.tables[TableId(str(one.options["linked_table_id"]))]
    return {"id": other.id, "name": other.name, "slug": other.slug}
