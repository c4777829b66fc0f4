"""Whether a field becomes another: its values are looked through once.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from domain.access import Role
from domain.catalog import Constraint, Field, Table
from domain.constraint import told, unique_digest
from domain.conversions import TEXTS, items_of
from domain.decider import decides
from domain.errors import (
    Conflict,
    ConstraintPending,
    DuplicateValue,
    Invalid,
    Json,
    NotFound,
    StaleSchema,
)
from domain.events import Event
from domain.facts import Facts
from domain.field import (
    CreateField,
    FieldDeleted,
    FieldRestored,
    api_name_is_free,
    name_is_free,
    one_for_other,
    reverse_field,
    reverse_of,
    room_for,
    stored_as,
)
from domain.ids import FieldId, uuid_text
from domain.retype.events import FieldRetyped, RetypeField
from domain.retype.work import Work, work_of
from domain.values import MAX_CHOICES, BadValue, Value
from domain.workspace import expect_version

MOST_TOLD = 20  # records that a refusal names
MAX_CHOICE_NAME = 255


@decides(RetypeField, role=Role.admin)
def _retype(command: RetypeField, facts: Facts) -> Sequence[Event]:
    source = facts.catalog.live_field(command.field_id)
    table = facts.catalog.live_table(source.table_id)
    expect_version(source.version, command.if_match)
    _as_it_was_known(command, source)
    constraint = table.constraint_of(source.id)
    if constraint is not None and constraint.status == "pending":
        raise ConstraintPending(field=source.name)
    one_for_other(table, command.options, source.id)
    ends, options = _other_end(command, source, table, facts)
    if (command.type, options) == (source.type, dict(source.options)):
        return []
    undoing = command.undoing
    target = replace(
        source,
        type=command.type,
        options=options,
        slot=undoing.slot if undoing else _slot(command, source),
    )
    cannot = target.column is None or not target.kind.unique
    if cannot and constraint is not None:
        raise Conflict(
            f"A field of type {target.type} cannot be unique: remove the constraint"
        )
    restores = undoing.conversion_id if undoing else None
    work = work_of(source, target, restores, table, facts)
    if command.makes_choices:
        target = replace(target, options={**options, "choices": _choices(work)})
        work = work_of(source, target, restores, table, facts)
    enforced = constraint if constraint and constraint.status == "active" else None
    found = _look_through(work, enforced)
    _all_is_well(command, target, found)
    retyped = FieldRetyped(
        source.id,
        table.id,
        {
            "type": {"from": source.type, "to": target.type},
            "options": {"from": dict(source.options), "to": dict(target.options)},
            "slot": {"from": source.slot, "to": target.slot},
        },
        work.conversion.name,
        _stream(source.id, facts.position),
        found.parts,
        found.problems,
        restores,
    )
    return [*ends, retyped]


def _as_it_was_known(command: RetypeField, source: Field) -> None:
    if command.known is not None and command.known != source.version:
        raise StaleSchema()
    now = command.undoing
    if now is not None and (now.type, dict(now.options)) != (
        source.type,
        dict(source.options),
    ):
        raise Conflict("The field was changed since")


def _slot(command: RetypeField, source: Field) -> str:
    """A change of choices alone leaves the values where they are."""
    form = stored_as(command.type, command.options)
    return source.slot if form == stored_as(source.type, source.options) else form


def _stream(field_id: str, position: int) -> str:
    """The id of the conversion that begins at this position: no other has it."""
    digest = sha256(f"{field_id} {position}".encode()).digest()
    number = int.from_bytes(digest[:16])
    return uuid_text(number & ~(0xF << 76) & ~(0x3 << 62) | (0x8 << 76) | (0x2 << 62))


def _other_end(
    command: RetypeField, source: Field, table: Table, facts: Facts
) -> tuple[list[Event], dict[str, Json]]:
    """What becomes of the link's other end, and the options as they are kept.

    It goes with its link and comes back with it; a new link gets a new one.
    """
    options = dict(command.options)
    was, will = source.type == "linked_record", command.type == "linked_record"
    if was == will:
        return [], options
    if was:
        reverse = reverse_field(source, facts.catalog)
        if reverse is None or reverse.deleted:
            return [], options
        return [FieldDeleted(reverse.id, reverse.table_id, reverse.name)], options
    if command.undoing is not None:
        return _end_again(options, facts), options
    wanted = CreateField(
        source.id,
        table.id,
        source.name,
        command.type,
        options,
        reverse_id=command.reverse_id,
    )
    made = reverse_of(wanted, table, facts)
    options.pop("reverse_name", None)
    return [made], {**options, "reverse_field_id": command.reverse_id}


def _end_again(options: Mapping[str, Json], facts: Facts) -> list[Event]:
    reverse_id = FieldId(str(options.get("reverse_field_id")))
    other = facts.catalog.table_of_field.get(reverse_id)
    if other is None or other.deleted:
        raise NotFound("The linked table is not found")
    reverse = other.all_fields[reverse_id]
    if reverse.type != "linked_record":
        raise Conflict("The other end of the link is of another type since")
    if not reverse.deleted:
        return []
    name_is_free(other, reverse.name, reverse.id)
    api_name_is_free(other, reverse.api_name, reverse.id)
    room_for(1, other)
    return [FieldRestored(reverse.id, other.id, reverse.name)]


def _choices(work: Work) -> list[Json]:
    """A choice for each different value."""
    names: dict[str, None] = {}
    several = work.turn.target.type == "multi_select"
    for stretch in work.stretches():
        for cell in stretch.cells:
            if not isinstance(cell.value, str) or work.turn.source.type not in TEXTS:
                continue
            for name in items_of(cell.value) if several else [cell.value.strip()]:
                if 0 < len(name) <= MAX_CHOICE_NAME:
                    names[name] = None
        if len(names) > MAX_CHOICES:
            raise Invalid(
                f"The field has more than {MAX_CHOICES} different values: name choices",
            )
    field_id = work.turn.target.id
    return [{"id": _choice_id(field_id, name), "name": name} for name in names]


def _choice_id(field_id: str, name: str) -> str:
    return f"opt_{sha256(f'{field_id} {name}'.encode()).hexdigest()[:16]}"


@dataclass
class _Found:
    """What the first reading found."""

    parts: int = 0
    problems: int = 0
    bad: list[tuple[str, Value, BadValue]] = field(default_factory=list)
    empty: int = 0
    empties: list[str] = field(default_factory=list)
    seen: dict[bytes, str] = field(default_factory=dict)
    doubles: list[Json] = field(default_factory=list)


def _look_through(work: Work, constraint: Constraint | None) -> _Found:
    found = _Found()
    for stretch in work.stretches():
        writes = False
        for cell in stretch.cells:
            try:
                value, _ = work.become(cell, stretch)
            except BadValue as error:
                found.problems += 1
                if len(found.bad) < MOST_TOLD:
                    found.bad.append((cell.record_id, cell.value, error))
                value = work.conversion.forced(cell.value, work.turn)
            writes = writes or cell.value is not None or value is not None
            if value is None:
                found.empty += 1
                if len(found.empties) < MOST_TOLD:
                    found.empties.append(cell.record_id)
            elif constraint is not None:
                _once(found, cell.record_id, value, constraint, work.turn.target)
        found.parts += writes
    return found


def _once(
    found: _Found, record_id: str, value: Value, constraint: Constraint, target: Field
) -> None:
    digest = unique_digest(value, case_sensitive=constraint.case_sensitive)
    if digest is None:
        return
    holder = found.seen.setdefault(digest, record_id)
    if holder != record_id and len(found.doubles) < MOST_TOLD:
        shown = told(target, value)
        found.doubles.append({"records": [holder, record_id], "value": shown})


def _all_is_well(command: RetypeField, target: Field, found: _Found) -> None:
    if found.problems and not command.force:
        _refuse_values(command, target, found)
    if found.doubles:
        raise DuplicateValue(
            "Records would share a value", field=target.name, examples=found.doubles
        )
    if found.empty and target.required and target.kind.writable:
        raise Invalid(
            f"{found.empty} records would have no value for this required field",
            count=found.empty,
            records=list(found.empties),
        )


def _refuse_values(command: RetypeField, target: Field, found: _Found) -> None:
    records: list[Json] = [record for record, _, _ in found.bad]
    errors: list[Json] = [
        {
            "loc": [target.name],
            "msg": str(error),
            "type": error.kind,
            "record_id": record,
            "value": _shortened(value),
        }
        for record, value, error in found.bad
    ]
    if command.undoing is not None:
        raise Conflict(
            f"{found.problems} values do not go back",
            count=found.problems,
            records=records,
            errors=errors,
        )
    raise Invalid(
        f"{found.problems} values do not convert to {command.type}: force empties them",
        count=found.problems,
        records=records,
        errors=errors,
    )


def _shortened(value: Value) -> Json:
    if isinstance(value, str):
        return value[:200]
    return list(value[:20]) if isinstance(value, list) else value
