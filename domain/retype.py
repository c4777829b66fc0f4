"""A change of a field's type: of every value, in one unit, or of none.  Pure.

    field.retyped     the field becomes another: type, options, where its values are
    field.converted   what became of the values of some records, by number; as many
                      events as `parts` of the first one says, behind the unit's others

The table may be too long to be held at once, so it is read twice, stretch by stretch,
under the head's lock: first to find whether all values convert, then (`parts`) to write
what they become.  Taking it back is a change of type too, which finds the old values in
those events: `restores`.  What was written since becomes what it would at any change.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, NamedTuple

from domain.access import Role
from domain.catalog import Catalog, Constraint, Field, Table
from domain.constraint import told, unique_digest
from domain.conversions import (
    TEXTS,
    Conversion,
    Turn,
    conversion_of,
    find,
    items_of,
    out_form,
)
from domain.decider import asks, decides, folds, grows
from domain.errors import (
    Conflict,
    ConstraintPending,
    DuplicateValue,
    Invalid,
    Json,
    NotFound,
    StaleSchema,
)
from domain.events import UPCASTERS, Command, Event, Inverse, Recorded, event
from domain.facts import Cell, Facts, Link, Needs, Row, Stretch
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
from domain.ids import FieldId, RecordId, TableId, uuid_text
from domain.record import (
    RecordCreated,
    RecordDeleted,
    RecordRestored,
    RecordUpdated,
)
from domain.record.needs import keys_of
from domain.values import MAX_CHOICES, BadValue, Value
from domain.workspace import expect_version

MOST_TOLD = 20  # records that a refusal names
MAX_CHOICE_NAME = 255
RESTORE = "restore-1"


@dataclass(frozen=True, slots=True)
class Undoing:
    """A conversion to take back: what it made of the field, and its old slot."""

    conversion_id: str
    type: str
    options: Mapping[str, Json]
    slot: str


@dataclass(frozen=True, slots=True)
class RetypeField(Command):
    """`options` are checked and were read against the field's version `known`.

    `force`: values that do not convert become empty.  `makes_choices`: the options have
    none, and get them from the values.  `reverse_id` names the other end where the
    field becomes a link.
    """

    field_id: FieldId
    table_id: TableId
    type: str
    options: Mapping[str, Json]
    force: bool = False
    makes_choices: bool = False
    reverse_id: FieldId | None = None
    known: int | None = None
    if_match: int | None = None
    undoing: Undoing | None = None


@event("field.retyped")
class FieldRetyped(Event):
    """`changes`: type, options and slot, each {from, to}.  `conversion` is a name with
    a version, `conversion_id` the stream of the `parts` events with the values,
    `emptied` how many values did not convert, `restores` which conversion it takes
    back."""

    field_id: str
    table_id: str
    changes: dict[str, Any]
    conversion: str
    conversion_id: str
    parts: int
    emptied: int
    restores: str | None

    def inverse(self) -> Inverse:
        now = {name: change["to"] for name, change in self.changes.items()}
        return RetypeField(
            FieldId(self.field_id),
            TableId(self.table_id),
            self.changes["type"]["from"],
            self.changes["options"]["from"],
            undoing=Undoing(
                self.conversion_id,
                now["type"],
                now["options"],
                self.changes["slot"]["from"],
            ),
        )


@event("field.converted", schema=2)
class FieldConverted(Event):
    """What became of the values of the records numbered above `after` up to `upto`, by
    record: {from, to}; of a link also {added} or {removed}, the other records with
    their places, and own_places: {from, to}, as in `record.updated`.  Empty values that
    stay so are left out.  `link_key`: where the values were links, the field that those
    were kept under.

    No inverse of its own: it follows `field.retyped`.
    """

    conversion_id: str
    table_id: str
    field_id: str
    after: int
    upto: int
    values: dict[str, Any]
    link_key: str | None
    FOLLOWS = True

    def inverse(self) -> None:
        return None


def _with_own_places(payload: dict[str, Any]) -> dict[str, Any]:
    """Lists of links were numbered from 0; where they were before is unknown."""
    values = {
        name: {
            **one,
            "own_places": {"from": None, "to": _numbered(one)},
        }
        if "added" in one or "removed" in one
        else one
        for name, one in payload["values"].items()
    }
    return {**payload, "values": values}


def _numbered(change: Mapping[str, Any]) -> list[int]:
    return list(range(len(change.get("added", ()))))


UPCASTERS["field.converted", 1] = _with_own_places


# ---------------------------------------------------------------------- facts


def _linked_table(options: Mapping[str, Json], catalog: Catalog) -> Table | None:
    return catalog.tables.get(TableId(str(options.get("linked_table_id"))))


def _naming_field(table: Table) -> Field | None:
    """Whose values the records are called by: the primary field's; that of a table
    without fields still tells which records there are."""
    return table.primary or next(iter(table.all_fields.values()), None)


@asks(RetypeField)
def _needs(command: RetypeField, catalog: Catalog, needs: Needs) -> None:
    table = catalog.table_of_field.get(command.field_id)
    options = [command.options]
    if table is not None:
        options.append(table.all_fields[command.field_id].options)
    for one in options:
        other = _linked_table(one, catalog)
        name = _naming_field(other) if other else None
        if other is not None and name is not None:
            needs.columns.add((other.id, name.id))


def _names(turn_of: Sequence[Field], facts: Facts) -> dict[str, str | None]:
    """What the records at the other end of either link are called."""
    for one in turn_of:
        if one.type != "linked_record":
            continue
        other = _linked_table(one.options, facts.catalog)
        name = _naming_field(other) if other else None
        if name is None:
            return {}
        # the field may be the one that is being changed: its column is of before
        name = next((known for known in turn_of if known.id == name.id), name)
        shown = name.type != "linked_record" and not name.kind.computed
        return {
            record: out_form(value, name) if shown else None
            for record, value in facts.columns.get(name.id, {}).items()
        }
    return {}


# ----------------------------------------------------------------------- work


class _Places(NamedTuple):
    """Of links: their record's places in the lists of others, theirs in its own."""

    there: Mapping[str, int]
    own: Sequence[int] | None


_UNKNOWN = _Places({}, None)


@dataclass(frozen=True)
class _Work:
    """How the values of a field are converted."""

    table: Table
    turn: Turn
    conversion: Conversion
    restores: str | None
    stretches: Any  # () -> the column's stretches, anew at each call

    def become(self, cell: Cell, stretch: Stretch) -> tuple[Value, "_Places"]:
        """The value, and the places of links where an earlier event knows them.

        Raises BadValue where it does not convert.
        """
        known = stretch.before.get(cell.record_id)
        if known is not None and known["to"] == cell.value:
            self._still_there(known["from"])
            own = known.get("own_places", {}).get("from")
            return known["from"], _Places(known.get("removed", {}), own)
        if cell.value is None:
            return None, _UNKNOWN
        return self.conversion.convert(cell.value, self.turn), _UNKNOWN

    def _still_there(self, value: Any) -> None:
        linked = value if self.turn.target.type == "linked_record" else None
        if linked and not self.turn.names.keys() >= set(linked):
            raise BadValue("A linked record is gone")


def _work(
    source: Field, target: Field, restores: str | None, table: Table, facts: Facts
) -> _Work:
    if restores is None:
        conversion = conversion_of(source.type, target.type)
    else:
        there = find(source.type, target.type)
        conversion = replace(there, name=RESTORE) if there else _ONLY_RESTORES
    return _Work(
        table,
        Turn(source, target, _names((source, target), facts)),
        conversion,
        restores,
        lambda: facts.stretches(table, source, restores),
    )


def _written_since(_value: Any, _turn: Turn) -> Value:
    raise BadValue("Value was written since and does not go back")


_ONLY_RESTORES = Conversion(RESTORE, _written_since)


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


def _look_through(work: _Work, constraint: Constraint | None) -> _Found:
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


_OF_RECORDS = (RecordCreated, RecordUpdated, RecordDeleted, RecordRestored)


def parts_to_come(events: Sequence[Recorded]) -> int:
    """How many events follow those of a unit.

    Raises Conflict where it does other things too: the column that is read is the one
    before the unit.
    """
    found = [one.event for one in events if isinstance(one.event, FieldRetyped)]
    mixed = any(isinstance(one.event, _OF_RECORDS) for one in events)
    if found and (mixed or len(found) > 1):
        raise Conflict("A change of type is not made together with other changes")
    return sum(one.parts for one in found)


def parts(retyped: FieldRetyped, facts: Facts) -> Iterator[FieldConverted]:
    """The events that follow: the column is read once more, as it was.

    Each is to be folded in before the next one is asked for.
    """
    table = facts.catalog.tables[TableId(retyped.table_id)]
    target = table.all_fields[FieldId(retyped.field_id)]
    before = {name: change["from"] for name, change in retyped.changes.items()}
    source = replace(target, **before)
    work = _work(source, target, retyped.restores, table, facts)
    for stretch in work.stretches():
        values = _converted(work, stretch, facts.position)
        if values:
            yield FieldConverted(
                retyped.conversion_id,
                table.id,
                target.id,
                stretch.after,
                stretch.upto,
                values,
                source.link_key if source.type == "linked_record" else None,
            )


def _converted(work: _Work, stretch: Stretch, position: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    source, target = work.turn.source, work.turn.target
    given = 0
    for cell in stretch.cells:
        places = _UNKNOWN
        try:
            value, places = work.become(cell, stretch)
        except BadValue:
            value = work.conversion.forced(cell.value, work.turn)
        if cell.value is None and value is None:
            continue
        one: dict[str, Any] = {"from": cell.value, "to": value}
        if "linked_record" in (source.type, target.type):
            one["own_places"] = {"from": list(cell.own_places), "to": []}
        if source.type == "linked_record":
            one["removed"] = dict(cell.places)
        if target.type == "linked_record":
            ids = value if isinstance(value, list) else []
            one["own_places"]["to"] = list(places.own or range(len(ids)))
            one["added"] = {}
            for other in ids:
                given += 1
                behind = ((position + 1) << 20) + given
                one["added"][other] = places.there.get(other, behind)
        values[cell.record_id] = one
    return values


# -------------------------------------------------------------------- deciding


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
    work = _work(source, target, restores, table, facts)
    if command.makes_choices:
        target = replace(target, options={**options, "choices": _choices(work)})
        work = _work(source, target, restores, table, facts)
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


def _choices(work: _Work) -> list[Json]:
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


# --------------------------------------------------------------------- folding


@grows(FieldRetyped)
def _grow(catalog: Catalog, recorded: Recorded, event: FieldRetyped) -> Catalog:
    known = catalog.tables[TableId(event.table_id)].all_fields[FieldId(event.field_id)]
    after: dict[str, Any] = {
        name: change["to"] for name, change in event.changes.items()
    }
    changed = replace(known, **after, updated_at=recorded.at, version=recorded.version)
    return replace(catalog.with_field(changed, recorded.seq), seq=recorded.seq)


@folds(FieldRetyped)
def _fold_retyped(facts: Facts, _recorded: Recorded, event: FieldRetyped) -> None:
    """In a new place there is no value yet, and no key of one."""
    if event.changes["slot"]["from"] != event.changes["slot"]["to"]:
        for row in list(facts.rows.values()):
            if row is not None and row.table_id == event.table_id:
                _put(facts, row, event.field_id, None, ())
    constraint = facts.catalog.tables[TableId(event.table_id)].constraint_of(
        event.field_id
    )
    for key in [one for one in facts.taken if constraint and one[0] == constraint.id]:
        facts.drop(facts.taken, key)


@folds(FieldConverted)
def _fold_converted(facts: Facts, recorded: Recorded, event: FieldConverted) -> None:
    facts.put(facts.versions, event.conversion_id, recorded.version)
    table = facts.catalog.tables[TableId(event.table_id)]
    for record_id, change in event.values.items():
        row = facts.rows.get(record_id)
        if row is None:
            continue
        value = change["to"]
        links: tuple[Link, ...] = ()
        if "added" in change:
            there, own = change["added"], change["own_places"]["to"]
            links = tuple(
                Link(RecordId(one), there[one], here)
                for one, here in zip(value or (), own, strict=True)
            )
            value = None
        _put(facts, row, event.field_id, value, links)
        for key in keys_of(table, {event.field_id: value}):
            facts.put(facts.taken, key, record_id)


def _put(
    facts: Facts, row: Row, field_id: str, value: Value, links: tuple[Link, ...]
) -> None:
    """A row's value of the field, or its links; its version stays: it is the field that
    has changed."""
    kept = {name: one for name, one in row.links.items() if name != field_id}
    if links:
        kept[field_id] = links
    facts.put(
        facts.rows,
        row.id,
        replace(row, values={**row.values, field_id: value}, links=kept),
    )
