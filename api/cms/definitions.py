"""From field definitions as clients write them to the commands of fields.

What is wrong is told with the name of the field: `BadDefinition`, 400.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from api.cms import shapes
from api.cms.errors import BadDefinition
from api.cms.fields import (
    SEVERAL,
    TYPES,
    beside,
    defined,
    is_multiple,
    kept_as,
    type_of,
)
from commands.schema import NewField, Wish, change_field, create_field
from domain.catalog import Catalog, Field, Table
from domain.computed import shown_options
from domain.errors import Invalid, NameTaken
from domain.events import Command
from domain.field import CreateField, DeleteField
from domain.ids import BaseId, FieldId, TableId, canonical
from domain.naming import NAME, RESERVED_COLUMNS

MOST = 63  # characters of a name
SELF = "self"  # the relation of a type to itself
_KEPT_BESIDE = ("placeholder", "default_value", "private")
_TEXTS = frozenset({"TEXTAREA", "RICH_TEXT"})  # one type of field, by an option


@dataclass(frozen=True, slots=True)
class New:
    """A definition at its place in the list, of a field that is to be."""

    place: int
    wanted: shapes.FieldDefinition

    def refusal(self, key: str, what: str) -> BadDefinition:
        return BadDefinition(self.wanted.name, self.place, what, key)


# ------------------------------------------------------------------------ new fields


def check_new(wanted: Sequence[shapes.FieldDefinition]) -> list[New]:
    """What can be said of definitions before anybody looks at the workspace."""
    found = [New(place, one) for place, one in enumerate(wanted)]
    names: set[str] = set()
    shown: set[str] = set()
    for one in found:
        _check_name(one.wanted.name, one.place)
        _check_kind(one)
        if one.wanted.name in names:
            raise one.refusal("name", "the name stands twice")
        label = _label(one.wanted).casefold()
        if label in shown:
            raise one.refusal("display_name", "the display name stands twice")
        names.add(one.wanted.name)
        shown.add(label)
    return found


def _label(wanted: shapes.FieldDefinition) -> str:
    return wanted.display_name or wanted.name


def _check_name(name: str, place: int) -> None:
    if not NAME.fullmatch(name) or len(name) > MOST:
        raise BadDefinition(
            name,
            place,
            f"a name is snake_case: 1 to {MOST} lower-case letters, digits and single"
            " underscores",
            "name",
        )
    if name in RESERVED_COLUMNS:
        raise BadDefinition(name, place, "the name is reserved", "name")


def _check_kind(one: New) -> None:
    wanted = one.wanted
    if wanted.type not in TYPES:
        raise one.refusal("type", f"the type must be one of {', '.join(TYPES)}")
    if wanted.type == "RELATION" and not wanted.relation_to_id:
        raise one.refusal("relation_to_id", "a RELATION needs a relation_to_id")
    if wanted.type != "RELATION" and wanted.relation_to_id:
        raise one.refusal("relation_to_id", "only a RELATION has a relation_to_id")


def base_of(new: Sequence[New], catalog: Catalog) -> BaseId | None:
    """The base that the relations of a new type lead to; None where they lead to none,
    or to itself."""
    found: BaseId | None = None
    for one in new:
        if one.wanted.type != "RELATION" or one.wanted.relation_to_id == SELF:
            continue
        base_id = _target(one, catalog).base_id
        if found not in (None, base_id):
            raise one.refusal(
                "relation_to_id",
                "the relations of an object type lead to one base, and this one leads"
                " to another",
            )
        found = base_id
    return found


def _target(one: New, catalog: Catalog) -> Table:
    named = canonical(one.wanted.relation_to_id or "")
    target = catalog.tables.get(TableId(named or ""))
    if target is None or target.deleted:
        what = "relation_to_id is no object type of this workspace"
        raise one.refusal("relation_to_id", what)
    return target


def creation(one: New, table_id: TableId, catalog: Catalog) -> CreateField:
    """The command of a new field."""
    wanted = one.wanted
    kept = kept_as(wanted.type, multiple=bool(wanted.multiple))
    options: dict[str, Any] = {**kept.options, **_beside(wanted)}
    if wanted.type == "RELATION":
        itself = wanted.relation_to_id == SELF
        options["linked_table_id"] = table_id if itself else _target(one, catalog).id
    field = NewField(
        _label(wanted),
        kept.type,
        options,
        bool(wanted.required),
        api_name=wanted.name,
    )
    try:
        return create_field(table_id, field)
    except Invalid as error:
        raise one.refusal("type", error.detail) from error


def _beside(wanted: shapes.Definition) -> dict[str, Any]:
    """The options that every type has, null where they are to go."""
    return {
        name: getattr(wanted, name)
        for name in _KEPT_BESIDE
        if name in wanted.model_fields_set
    }


# ---------------------------------------------------------------------- other fields


def changes(
    table: Table, wanted: shapes.UpdateObjectType, catalog: Catalog
) -> list[Command]:
    """The commands that take fields away, change them and add some, in this order."""
    named = [_named(table, name) for name in wanted.remove_fields]
    gone = {one.id: one for one in named}
    known: list[Command] = []
    new: list[shapes.FieldDefinition] = []
    places: list[int] = []
    seen = set(gone)
    for place, one in enumerate(wanted.field_definitions):
        field = _meant(table, one, place)
        if field is None:
            places.append(place)
            new.append(_whole(one, place))
            continue
        if field.id in seen:
            raise BadDefinition(field.api_name, place, "the field stands twice", "name")
        seen.add(field.id)
        known += _changed(table, field, one, place)
    added = [
        replace(one, place=place)
        for one, place in zip(check_new(new), places, strict=True)
    ]
    for each in added:
        _in_this_base(each, table, catalog)
        _is_free(each, table, gone)
    return [
        *(DeleteField(field_id) for field_id in gone),
        *known,
        *(creation(one, table.id, catalog) for one in added),
    ]


def _named(table: Table, name: str) -> Field:
    for one in defined(table):
        if name in (one.api_name, one.id):
            return one
    raise Invalid(
        f"Field '{name[:80]}': there is no such field to remove",
        errors=[{"loc": ["remove_fields"], "msg": "no field", "type": "value_error"}],
    )


def _meant(table: Table, one: shapes.ChangedDefinition, place: int) -> Field | None:
    """The field that a definition is of; None for a new one."""
    if one.id is None:
        found = table.by_api_name.get(one.name or "")
        return found if found in defined(table) else None
    by_id: dict[str | None, Field] = {field.id: field for field in defined(table)}
    found = by_id.get(canonical(one.id))
    if found is None:
        name = one.name or one.id
        raise BadDefinition(name, place, "the object type has no such field", "id")
    return found


def _whole(one: shapes.ChangedDefinition, place: int) -> shapes.FieldDefinition:
    if one.name is None:
        raise BadDefinition("", place, "a new field needs a name", "name")
    given = {name: getattr(one, name) for name in one.model_fields_set - {"id"}}
    return shapes.FieldDefinition.model_construct(**given)


def _in_this_base(one: New, table: Table, catalog: Catalog) -> None:
    if one.wanted.type != "RELATION" or one.wanted.relation_to_id == SELF:
        return
    if _target(one, catalog).base_id != table.base_id:
        what = "the object type that relation_to_id names is in another base"
        raise one.refusal("relation_to_id", what)


def _is_free(one: New, table: Table, gone: Mapping[FieldId, Field]) -> None:
    """Tells of a name that a field has which is no definition, so that nobody looks
    for it among them."""
    for other in (
        table.by_api_name.get(one.wanted.name),
        table.by_folded_name.get(_label(one.wanted).casefold()),
    ):
        if other is not None and other.id not in gone and other.is_reverse:
            raise NameTaken(
                f"Field '{one.wanted.name}': the other side of a relation is called"
                f" '{other.name}'"
            )


def _changed(
    table: Table, field: Field, one: shapes.ChangedDefinition, place: int
) -> list[Command]:
    """The commands by which a field becomes what its definition says; none where it is
    so already."""
    _stays(field, one, place)
    changes: dict[str, Any] = {}
    if one.name is not None and one.name != field.api_name:
        _check_name(one.name, place)
        changes["api_name"] = one.name
    if one.display_name is not None:
        changes["name"] = one.display_name
    if one.required is not None:
        changes["required"] = one.required
    options = _form(field, one)
    if not changes and not options:
        return []
    whole = {**shown_options(field, table), **options} if options else None
    try:
        return change_field(field, changes, Wish(None, whole), None)
    except Invalid as error:
        raise BadDefinition(field.api_name, place, error.detail, "type") from error


def _stays(field: Field, one: shapes.ChangedDefinition, place: int) -> None:
    """Refuses what would make another field of it."""

    def refuse(key: str, what: str) -> None:
        raise BadDefinition(field.api_name, place, what, key)

    type_ = type_of(field)
    given = one.type if "type" in one.model_fields_set else type_
    if given != type_ and not (field.type == "long_text" and {given, type_} == _TEXTS):
        refuse("type", f"the type is {type_}, and is not changed here")
    if one.multiple not in (None, is_multiple(field)) and field.type not in SEVERAL:
        refuse("multiple", "whether it is multiple is not changed here")
    target = field.options.get("linked_table_id")
    if one.relation_to_id and canonical(one.relation_to_id) != target:
        refuse("relation_to_id", "where a relation leads to is not changed")


def _form(field: Field, one: shapes.ChangedDefinition) -> dict[str, Any]:
    """The options by which it takes the other form of its type, and others that every
    type has."""
    found: dict[str, Any] = {}
    if one.multiple is not None and one.multiple != is_multiple(field):
        found["allow_multiple"] = one.multiple
    if "type" in one.model_fields_set and one.type != type_of(field):
        found["enable_rich_text"] = one.type == "RICH_TEXT"
    now = beside(field)
    for name, value in _beside(one).items():
        if value != now[name] and (name != "private" or value is not None):
            found[name] = value
    return found
