"""Tables, fields and workspaces: giving ids, numbers, slugs and choices."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from commands.system import new_id
from domain.catalog import Field
from domain.conversions import SELECTS, TEXTS, conversion_of
from domain.errors import Invalid, Json
from domain.events import Command
from domain.field import CreateField, UpdateField, stored_as
from domain.ids import FieldId, TableId
from domain.retype import RetypeField
from domain.values import COMMON_OPTIONS, FIELD_TYPES, read_options
from projections.reader import Reader


@dataclass(frozen=True)
class NewField:
    """A field as a client asks for it."""

    name: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    required: bool = False
    description: str | None = None
    api_name: str | None = None


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
        wanted.api_name,
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
    "json": ("items", "other"),
}


def changed_options(known: Field, options: Mapping[str, Any]) -> dict[str, Json]:
    """A field's options as they become; what a client cannot set stays."""
    fixed = {
        name: known.options[name]
        for name in _FIXED.get(known.type, ())
        if name in known.options
    }
    given = {**fixed, **with_choice_ids(options, known)}
    read = _with_common(known, known.type, given)
    return {**read, **{name: fixed[name] for name in fixed if name not in read}}


def _with_common(known: Field, kind: str, given: Mapping[str, Any]) -> dict[str, Json]:
    """Options read; what fields of every type may say stays where it is not named, so
    that a client that knows nothing of it makes no private field public.  A default
    that the field would not take any more goes."""
    stays = {
        name: known.options[name]
        for name in COMMON_OPTIONS
        if name in known.options and name not in given
    }
    try:
        return read_options(kind, {**stays, **given})
    except Invalid:
        if stays.pop("default_value", None) is None:
            raise
        return read_options(kind, {**stays, **given})


@dataclass(frozen=True)
class Wish:
    """What a change of a field asks for beside its name and the like; `type` and
    `options` None: as they are."""

    type: str | None
    options: Mapping[str, Any] | None
    force: bool = False


# options that mean the same in another type
_CARRIED = ("choices", "precision", "timezone", "date_format")


def change_field(
    known: Field, changes: Mapping[str, Any], wish: Wish, if_match: int | None
) -> list[Command]:
    """The commands of one change.  Raises Invalid for wrong options or a type that it
    cannot become."""
    kind = wish.type or known.type
    if kind != known.type:
        check_type(kind)
        conversion_of(known.type, kind)
        options = _new_options(known, kind, wish.options)
    elif wish.options is not None:
        options = changed_options(known, wish.options)
    else:
        options = dict(known.options)
    if not _converts(known, kind, options, wish):
        after = dict(changes)
        if wish.options is not None:
            after["options"] = options
        return [UpdateField(known.id, known.table_id, after, if_match, known.version)]
    change = RetypeField(
        known.id,
        known.table_id,
        kind,
        options,
        wish.force,
        _makes_choices(known, kind, wish.options),
        FieldId(new_id()) if kind == "linked_record" else None,
    )
    if not changes:
        return [replace(change, known=known.version, if_match=if_match)]
    first = UpdateField(known.id, known.table_id, changes, if_match, known.version)
    return [first, change]


def _converts(known: Field, kind: str, options: Mapping[str, Json], wish: Wish) -> bool:
    """Whether values may have to change: the type, the form of one type, or, where that
    is forced, the choices."""
    if stored_as(kind, options) != stored_as(known.type, known.options):
        return True
    choices: Any = options.get("choices") or ()
    lost = known.choice_names.keys() - {one["id"] for one in choices}
    return wish.force and bool(lost)


def _new_options(
    known: Field, kind: str, given: Mapping[str, Any] | None
) -> dict[str, Json]:
    carried = {name: known.options[name] for name in _CARRIED if name in known.options}
    wanted = {**carried, **with_choice_ids(given or {}, known)}
    (one,) = self_links([NewField(known.name, kind, wanted)], known.table_id)
    return _with_common(known, kind, one.options)


def _makes_choices(known: Field, kind: str, given: Mapping[str, Any] | None) -> bool:
    """Text becomes a select without choices: its values are what there is to choose."""
    return known.type in TEXTS and kind in SELECTS and "choices" not in (given or {})


def self_links(fields: Sequence[NewField], table_id: str) -> list[NewField]:
    """A new table's link to itself is spelled `linked_table_id: "self"`."""
    return [
        replace(one, options={**one.options, "linked_table_id": table_id})
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
