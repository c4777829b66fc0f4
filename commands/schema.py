"""Tables, fields and workspaces: giving ids, numbers, slugs and choices."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from commands.system import new_id
from domain.catalog import Field
from domain.errors import Invalid, Json
from domain.field import CreateField
from domain.ids import FieldId, TableId
from domain.values import FIELD_TYPES, read_options
from projections.reader import Reader


@dataclass(frozen=True)
class NewField:
    """A field as a client asks for it."""

    name: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    required: bool = False
    description: str | None = None


def create_field(table_id: str, wanted: NewField) -> CreateField:
    """Raises Invalid for an unknown type or wrong options."""
    check_type(wanted.type)
    return CreateField(
        FieldId(new_id()),
        TableId(table_id),
        wanted.name,
        wanted.type,
        read_options(wanted.type, with_choice_ids(wanted.options, None)),
        wanted.required,
        wanted.description,
        FieldId(new_id()) if wanted.type == "linked_record" else None,
    )


def check_type(name: str) -> None:
    if name in FIELD_TYPES:
        return
    known = ", ".join(sorted(FIELD_TYPES))
    raise Invalid(
        "Unknown field type",
        errors=[{"loc": ["type"], "msg": f"must be one of {known}", "type": "enum"}],
    )


def with_choice_ids(
    options: Mapping[str, Any], known: Field | None
) -> Mapping[str, Any]:
    """Options whose choices have ids: the one of the same name, or a new one."""
    choices = options.get("choices")
    if not isinstance(choices, list):
        return options
    by_name = (
        {choice["name"]: choice["id"] for choice in known.choices} if known else {}
    )
    made = []
    for choice in choices:
        one = {"name": choice} if isinstance(choice, str) else choice
        if isinstance(one, dict) and not one.get("id"):
            name = one.get("name")
            kept = by_name.get(name) if isinstance(name, str) else None
            one = {**one, "id": kept or f"opt_{new_id()[-12:]}{new_id()[-4:]}"}
        made.append(one)
    return {**options, "choices": made}


# options that stay where a client does not name them; deciders refuse another value
_FIXED: Mapping[str, Sequence[str]] = {
    "linked_record": ("linked_table_id", "reverse_field_id", "is_reverse"),
    "dimension": ("unit",),
}


def changed_options(known: Field, options: Mapping[str, Any]) -> dict[str, Json]:
    """A field's options as they become; what a client cannot set stays."""
    fixed = {
        name: known.options[name]
        for name in _FIXED.get(known.type, ())
        if name in known.options
    }
    read = read_options(known.type, {**fixed, **with_choice_ids(options, known)})
    return {**read, **{name: fixed[name] for name in fixed if name not in read}}


def self_links(fields: Sequence[NewField], table_id: str) -> list[NewField]:
    """A new table's link to itself is spelled `linked_table_id: "self"`."""
    return [
        NewField(
            one.name,
            one.type,
            {**one.options, "linked_table_id": table_id},
            one.required,
            one.description,
        )
        if one.options.get("linked_table_id") == "self"
        else one
        for one in fields
    ]


async def next_table_number(reader: Reader) -> int:
    """From the instance's sequence: a number is never given twice."""
    (rows,) = await reader.run([(b"SELECT nextval('ledger.table_numbers')", [])])
    return int(rows[0][0])


_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def slug_from(name: str) -> str:
    """A slug of a name: ASCII letters, digits and single hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _NOT_SLUG.sub("-", plain.lower()).strip("-")[:48] or "workspace"


def check_slug(slug: str) -> str:
    if not _SLUG.fullmatch(slug):
        raise Invalid(
            "A slug has 1 to 63 lower-case letters, digits and hyphens",
            errors=[{"loc": ["slug"], "msg": "not a slug", "type": "value_error"}],
        )
    return slug
