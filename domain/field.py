"""Fields: commands, events, and the pair that a link between two tables is.  Pure."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from domain.access import Role
from domain.catalog import MAX_FIELDS, Catalog, Field, Table
from domain.computed import settled_options
from domain.constraint import ConstraintDeleted
from domain.decider import asks, decides, grows
from domain.errors import (
    Conflict,
    Invalid,
    Json,
    NameTaken,
    NotFound,
    StaleSchema,
    TooManyFields,
)
from domain.events import (
    UPCASTERS,
    Command,
    Event,
    Inverse,
    Recorded,
    event,
)
from domain.facts import Facts, Needs
from domain.ids import FieldId, TableId
from domain.naming import RESERVED_COLUMNS, url_name
from domain.values import Value, read_options
from domain.workspace import differences, expect_version


@dataclass(frozen=True, slots=True)
class CreateField(Command):
    """`options` are checked; `reverse_id` names the field at the other side of a
    linked_record.  `api_name`: as chosen."""

    field_id: FieldId
    table_id: TableId
    name: str
    type: str
    options: Mapping[str, Json]
    required: bool = False
    description: str | None = None
    reverse_id: FieldId | None = None
    api_name: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateField(Command):
    """`changes` by name: name, api_name, description, required, options (whole,
    checked), and, from the inverse of a new order, position.  `known`: the version of
    the field that the options were read against."""

    field_id: FieldId
    table_id: TableId
    changes: Mapping[str, Any]
    if_match: int | None = None
    known: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteField(Command):
    """`if_there`: nothing to do where it is gone already, as an inverse finds the one
    end of a link when the other was deleted before."""

    field_id: FieldId
    if_match: int | None = None
    if_there: bool = False


@dataclass(frozen=True, slots=True)
class RestoreField(Command):
    field_id: FieldId


@dataclass(frozen=True, slots=True)
class KeepOther(Command):
    """Gives a table its field for other data, named `field_id`, where it has none:
    what an editor's write may bring along."""

    table_id: TableId
    field_id: FieldId


@dataclass(frozen=True, slots=True)
class DropOther(Command):
    """Takes such a field away again where nothing is in it and the caller may take
    fields away; else it stays: others' data does not hinder an undo, nor does it ask
    for more than the write did."""

    table_id: TableId
    field_id: FieldId


@event("field.created", schema=2)
class FieldCreated(Event):
    """`api_name` None, as in schema 1: by url-name-1."""

    field_id: str
    table_id: str
    name: str
    type: str
    options: dict[str, Json]
    required: bool
    description: str | None
    position: int
    primary: bool
    api_name: str | None = None

    def inverse(self) -> Inverse:
        if self.options.get("other"):
            return DropOther(TableId(self.table_id), FieldId(self.field_id))
        return DeleteField(FieldId(self.field_id), if_there=True)


UPCASTERS["field.created", 1] = lambda payload: {**payload, "api_name": None}


@event("field.updated")
class FieldUpdated(Event):
    field_id: str
    table_id: str
    changes: dict[str, Json]

    def inverse(self) -> Inverse:
        before: dict[str, Any] = {
            name: change["from"]
            for name, change in self.changes.items()
            if isinstance(change, dict)
        }
        return UpdateField(FieldId(self.field_id), TableId(self.table_id), before)


@event("field.deleted")
class FieldDeleted(Event):
    """The field is hidden with its values; both sides of a link go together."""

    field_id: str
    table_id: str
    name: str

    def inverse(self) -> Inverse:
        return RestoreField(FieldId(self.field_id))


@event("field.restored")
class FieldRestored(Event):
    field_id: str
    table_id: str
    name: str

    def inverse(self) -> Inverse:
        return DeleteField(FieldId(self.field_id), if_there=True)


def name_is_free(table: Table, name: str, but: str = "") -> None:
    other = table.by_folded_name.get(name.casefold())
    if other is not None and other.id != but:
        taken = NameTaken("A field of this name exists already", field="name")
        raise taken.because_of(other.id, "name")


def api_name_is_free(table: Table, name: str, but: str = "") -> None:
    """Of a name that was chosen, or of one that comes back."""
    other = table.by_api_name.get(name)
    if other is not None and other.id != but:
        taken = NameTaken(f"The name '{name}' is already in use", field="api_name")
        raise taken.because_of(other.id, "api_name")
    if name in RESERVED_COLUMNS:
        raise NameTaken(f"The name '{name}' is reserved", field="api_name")


def room_for(count: int, table: Table) -> None:
    if len(table.fields) + count > MAX_FIELDS:
        raise TooManyFields()


def next_position(table: Table) -> int:
    return max((one.position for one in table.all_fields.values()), default=-1) + 1


def api_name_of(name: str, table: Table, beside: Sequence[str] = ()) -> str:
    """What a new field is called in URLs; `beside` are made at the same time."""
    taken = {*beside, *(one.api_name for one in table.all_fields.values())}
    return url_name("field", name, taken, len(taken))


def free_name(table: Table, wanted: str, taken: Sequence[str] = ()) -> str:
    used = set(table.by_folded_name) | {name.casefold() for name in taken}
    if wanted.casefold() not in used:
        return wanted
    number = 2
    while f"{wanted} {number}".casefold() in used:
        number += 1
    return f"{wanted} {number}"


def one_for_other(table: Table, options: Mapping[str, Json], but: str = "") -> None:
    """Whatever a table has no field for goes into one place."""
    other = table.other
    if options.get("other") and other is not None and other.id != but:
        taken = Conflict("The table has a field for other data already", field="other")
        raise taken.because_of(other.id)


@decides(CreateField, role=Role.admin)
def _create(command: CreateField, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.live_table(command.table_id)
    if command.field_id in table.all_fields:
        raise Conflict("The field exists already")
    name_is_free(table, command.name)
    room_for(1, table)
    one_for_other(table, command.options)
    options = settled_options(
        command.type, command.options, table, facts.catalog, command.field_id
    )
    made: list[Event] = []
    if command.api_name is not None:
        api_name_is_free(table, command.api_name)
    api_name = command.api_name or api_name_of(command.name, table)
    if command.type == "linked_record":
        made = [reverse_of(command, table, facts, api_name)]
        options["reverse_field_id"] = command.reverse_id
        options.pop("reverse_name", None)
    own = FieldCreated(
        command.field_id,
        table.id,
        command.name,
        command.type,
        options,
        command.required,
        command.description,
        next_position(table),
        not table.all_fields,
        api_name,
    )
    return [own, *made]


def reverse_of(
    command: CreateField, table: Table, facts: Facts, api_name: str | None = None
) -> FieldCreated:
    """The other end of a new link, or of a field that becomes one; `api_name` is a
    new one's."""
    try:
        other = facts.catalog.live_table(str(command.options["linked_table_id"]))
    except NotFound as error:
        raise NotFound("The linked table is not found") from error
    if other.base_id != table.base_id:
        raise Invalid("The linked table must be of the same base")
    same = other.id == table.id
    room_for(2 if same else 1, other)
    wanted = str(command.options.get("reverse_name") or table.name)
    name = free_name(other, wanted, [command.name] if same else [])
    return FieldCreated(
        str(command.reverse_id),
        other.id,
        name,
        "linked_record",
        {
            "linked_table_id": table.id,
            "reverse_field_id": command.field_id,
            "is_reverse": True,
        },
        False,
        None,
        next_position(other) + (1 if same else 0),
        not other.all_fields and not same,
        api_name_of(name, other, [api_name] if same and api_name else []),
    )


@asks(UpdateField)
def _update_needs(command: UpdateField, _catalog: Catalog, needs: Needs) -> None:
    if command.changes.get("required") or "options" in command.changes:
        needs.columns.add((command.table_id, command.field_id))


@decides(UpdateField, role=Role.admin)
def _update(command: UpdateField, facts: Facts) -> Sequence[Event]:
    field = facts.catalog.live_field(command.field_id)
    table = facts.catalog.live_table(field.table_id)
    expect_version(field.version, command.if_match)
    if command.known is not None and command.known != field.version:
        raise StaleSchema()
    now: dict[str, Json] = {
        "name": field.name,
        "api_name": field.api_name,
        "description": field.description,
        "required": field.required,
        "options": dict(field.options),
        "position": field.position,
    }
    wanted = dict(command.changes)
    if "options" in wanted:
        _of_this_type(field, wanted["options"])
        wanted["options"] = settled_options(
            field.type, wanted["options"], table, facts.catalog, field.id
        )
    changes = differences(now, wanted)
    if "name" in changes:
        name_is_free(table, command.changes["name"], field.id)
    if "api_name" in changes:
        api_name_is_free(table, command.changes["api_name"], field.id)
    if "options" in changes:
        _options_fit(field, wanted["options"], facts)
    if changes.get("required") and command.changes["required"]:
        _nothing_is_empty(field, facts)
    return [FieldUpdated(field.id, table.id, changes)] if changes else []


def _of_this_type(field: Field, options: Mapping[str, Any]) -> None:
    """Refuses options from before a change of type, which an inverse may have."""
    if field.type == "linked_record":
        fits = "linked_table_id" in options
    else:
        try:
            fits = read_options(field.type, options).keys() >= set(options)
        except Invalid:
            fits = False
    if not fits:
        raise Conflict("The field is of another type since")


def _options_fit(field: Field, options: Mapping[str, Any], facts: Facts) -> None:
    if stored_as(field.type, options) != stored_as(field.type, field.options):
        raise Conflict("A change of these options is a change of type")
    if field.type == "dimension" and options.get("unit") != field.options.get("unit"):
        raise Invalid("Option unit cannot be changed")
    if field.type == "linked_record":
        for fixed in ("linked_table_id", "reverse_field_id", "is_reverse"):
            if options.get(fixed) != field.options.get(fixed):
                raise Invalid(f"Option {fixed} cannot be changed")
        if options.get("allow_multiple") is False:
            _at_most_one_link(field, facts)
    if field.type == "json":
        for fixed in ("items", "other"):
            if options.get(fixed) != field.options.get(fixed):
                raise Invalid(f"Option {fixed} cannot be changed")
    if field.type == "attachment" and options.get("allow_multiple") is False:
        _at_most_one_file(field, facts)
    if field.type in ("single_select", "multi_select"):
        kept = {choice["id"] for choice in options.get("choices", ())}
        lost = set(field.choice_names) - kept
        _nobody_uses(lost, field, facts)


def _at_most_one_link(field: Field, facts: Facts) -> None:
    table = facts.catalog.tables[field.table_id]
    many = [
        cell.record_id
        for stretch in facts.stretches(table, field, None)
        for cell in stretch.cells
        if isinstance(cell.value, list) and len(cell.value) > 1
    ]
    _nobody_has_several("links", many)


def _at_most_one_file(field: Field, facts: Facts) -> None:
    column = facts.columns.get(field.id, {})
    many = [
        record
        for record, value in column.items()
        if isinstance(value, list) and len(value) > 1
    ]
    _nobody_has_several("attachments", many)


def _nobody_has_several(what: str, many: Sequence[str]) -> None:
    if many:
        raise Invalid(
            f"{len(many)} records have several {what} in this field",
            count=len(many),
            records=list(many[:20]),
        )


def stored_as(type_: str, options: Mapping[str, Any]) -> str:
    """What tells the forms apart that one type keeps its values in."""
    if type_ == "date" and options.get("include_time"):
        return "date_time"
    if type_ == "user" and options.get("allow_multiple"):
        return "users"
    return type_


def _nobody_uses(lost: AbstractSet[str], field: Field, facts: Facts) -> None:
    if not lost:
        return
    holders = [
        (record, used)
        for record, value in facts.columns.get(field.id, {}).items()
        if (used := lost & set(_chosen(value)))
    ]
    if holders:
        names = sorted({field.choice_names[one] for _, used in holders for one in used})
        raise Conflict(
            f"A choice is in use: {names[0]}",
            choices=list(names),
            count=len(holders),
            records=[record for record, _ in holders[:20]],
        )


def _chosen(value: Value) -> Sequence[str]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str) else []


def _nothing_is_empty(field: Field, facts: Facts) -> None:
    column = facts.columns.get(field.id, {})
    empty = [record for record, value in column.items() if value is None]
    if empty:
        raise Invalid(
            f"{len(empty)} records have no value for this field",
            records=list(empty[:20]),
        )


@decides(DeleteField, role=Role.admin)
def _delete(command: DeleteField, facts: Facts) -> Sequence[Event]:
    known = facts.catalog.table_of_field.get(command.field_id)
    if command.if_there and known and known.all_fields[command.field_id].deleted:
        return []
    field = facts.catalog.live_field(command.field_id)
    expect_version(field.version, command.if_match)
    table = facts.catalog.tables[field.table_id]
    events: list[Event] = [
        ConstraintDeleted(one.id, table.id, field.id)
        for one in table.constraints
        if one.field_id == field.id
    ]
    reverse = reverse_field(field, facts.catalog)
    if reverse is not None and not reverse.deleted:
        events.append(FieldDeleted(reverse.id, reverse.table_id, reverse.name))
    return [*events, FieldDeleted(field.id, table.id, field.name)]


def reverse_field(field: Field, catalog: Catalog) -> Field | None:
    other = catalog.table_of_field.get(field.reverse_id or "")
    if other is None or field.reverse_id is None:
        return None
    return other.all_fields.get(field.reverse_id)


def ends_agree(field: Field, catalog: Catalog) -> bool:
    """Whether a link's other end is one."""
    other = reverse_field(field, catalog)
    return other is None or other.reverse_id == field.id


@decides(RestoreField, role=Role.admin)
def _restore(command: RestoreField, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.table_of_field.get(command.field_id)
    if table is None:
        raise NotFound("Field not found")
    facts.catalog.live_table(table.id)
    field = table.all_fields[command.field_id]
    if not field.deleted:
        return []
    restored = [field]
    reverse = reverse_field(field, facts.catalog)
    if reverse is not None and reverse.deleted:
        facts.catalog.live_table(reverse.table_id)
        restored.append(reverse)
    for one in restored:
        owner = facts.catalog.tables[one.table_id]
        if one.type == "linked_record" and not ends_agree(one, facts.catalog):
            raise Conflict("The other end of the link is of another type since")
        name_is_free(owner, one.name, one.id)
        one_for_other(owner, one.options, one.id)
        api_name_is_free(owner, one.api_name, one.id)
        room_for(sum(end.table_id == owner.id for end in restored), owner)
    return [FieldRestored(one.id, one.table_id, one.name) for one in restored]


@grows(FieldCreated)
def _grow_created(catalog: Catalog, recorded: Recorded, event: FieldCreated) -> Catalog:
    field = Field(
        id=FieldId(event.field_id),
        table_id=TableId(event.table_id),
        name=event.name,
        type=event.type,
        options=event.options,
        required=event.required,
        description=event.description,
        position=event.position,
        primary=event.primary,
        created_at=recorded.at,
        updated_at=recorded.at,
        api_name=event.api_name
        or api_name_of(event.name, catalog.tables[TableId(event.table_id)]),
    )
    return _with_field(catalog, recorded, field)


@grows(FieldUpdated)
def _grow_updated(catalog: Catalog, recorded: Recorded, event: FieldUpdated) -> Catalog:
    after = {name: change["to"] for name, change in event.changes.items()}  # type: ignore[call-overload, index]
    field = catalog.tables[TableId(event.table_id)].all_fields[FieldId(event.field_id)]
    changed = replace(field, **after, updated_at=recorded.at)  # type: ignore[arg-type]
    return _with_field(catalog, recorded, changed)


@grows(FieldDeleted, FieldRestored)
def _grow_gone(
    catalog: Catalog, recorded: Recorded, event: FieldDeleted | FieldRestored
) -> Catalog:
    field = catalog.tables[TableId(event.table_id)].all_fields[FieldId(event.field_id)]
    deleted = isinstance(event, FieldDeleted)
    return _with_field(catalog, recorded, replace(field, deleted=deleted))


def _with_field(catalog: Catalog, recorded: Recorded, field: Field) -> Catalog:
    changed = replace(field, version=recorded.version)
    return replace(catalog.with_field(changed, recorded.seq), seq=recorded.seq)
