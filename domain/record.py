"""Records: reading what a client sends, commands, events, and links of both sides.

Pure.  A link is one row that two records see.  The event of the record that was
written says everything about it; the record at the other end gets a
`record.links_changed`, so that its version, history and readers move on too.

`links` of an event: {field id: {other record's id: place}}, where the place is the
position of this record in the other one's list.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from domain.access import Role
from domain.catalog import Catalog, Constraint, Field, Table
from domain.constraint import duplicate_of, unique_digest
from domain.decider import asks, decides, folds
from domain.errors import (
    Conflict,
    ConstraintPending,
    DuplicateValue,
    ForeignKeyViolation,
    Invalid,
    Json,
    NotFound,
    StaleSchema,
)
from domain.events import Command, Event, Inverse, Recorded, event
from domain.facts import Facts, Link, Needs, Row
from domain.ids import RecordId, TableId, table_number_of
from domain.values import BadValue, Value
from domain.workspace import expect_version

REQUIRED = "value_error.required"


def read_values(
    table: Table, given: Mapping[str, Any], *, creating: bool
) -> dict[str, Value]:
    """The values of a write by field id, checked; `given` is by name or id.

    Empty values are None when updating and left out when creating.  Raises Invalid
    with every problem in `errors`: [{loc: [name], msg, type}].
    """
    values: dict[str, Value] = {}
    errors: list[Json] = []
    for name, value in given.items():
        target = table.by_name.get(name) or table.by_id.get(name)
        if target is None:
            errors.append(_item(name[:255], "Unknown field", "value_error.unknown"))
            continue
        try:
            kept = None if value is None else target.kind.read(value, target)
        except BadValue as error:
            errors.append(_item(target.name, str(error), error.kind))
            continue
        if value is None and not target.kind.writable:
            errors.append(_item(target.name, "Field is read-only", "value_error"))
        elif kept is not None or not creating:
            values[target.id] = kept
    for one in table.required:
        missing = creating and one.id not in values
        if missing or (one.id in values and values[one.id] is None):
            if not any(item["loc"] == [one.name] for item in errors):  # type: ignore
                errors.append(_item(one.name, "Field is required", REQUIRED))
    if errors:
        raise Invalid(errors=errors)
    return values


def _item(name: str, message: str, kind: str) -> dict[str, Json]:
    return {"loc": [name], "msg": message, "type": kind}


@dataclass(frozen=True, slots=True)
class CreateRecords(Command):
    """`records` are (id, values); `schema_seq` is what the values were read against."""

    table_id: TableId
    schema_seq: int
    records: Sequence[tuple[RecordId, Mapping[str, Value]]]


@dataclass(frozen=True, slots=True)
class Change:
    """New values of one record.  `places` puts links back: {field: {record: place}}."""

    record_id: RecordId
    values: Mapping[str, Value]
    if_match: int | None = None
    places: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpdateRecords(Command):
    """`schema_seq` None: the values are known to fit (they are an inverse's)."""

    table_id: TableId
    schema_seq: int | None
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class DeleteRecords(Command):
    table_id: TableId
    record_ids: Sequence[RecordId]
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class RestoreRecord(Command):
    """Brings a deleted record back with its id, number, values, links and author."""

    record_id: RecordId
    table_id: TableId
    number: int
    values: Mapping[str, Value]
    links: Mapping[str, Mapping[str, int]]
    created_at: str
    created_by: str


@event("record.created")
class RecordCreated(Event):
    record_id: str
    table_id: str
    number: int
    values: dict[str, Any]
    links: dict[str, dict[str, int]]

    def inverse(self) -> Inverse:
        return DeleteRecords(TableId(self.table_id), [RecordId(self.record_id)])


@event("record.updated")
class RecordUpdated(Event):
    """`changes`: {field id: {from, to}}; of a link field also {added, removed}, the
    other records with their places."""

    record_id: str
    table_id: str
    changes: dict[str, Any]

    def inverse(self) -> Inverse:
        change = Change(
            RecordId(self.record_id),
            {name: one["from"] for name, one in self.changes.items()},
            places={
                name: one["removed"]
                for name, one in self.changes.items()
                if "removed" in one
            },
        )
        return UpdateRecords(TableId(self.table_id), None, [change])


@event("record.links_changed")
class RecordLinksChanged(Event):
    """The other end of a link: [[record id, its place in this record's list], …].

    No inverse of its own: it follows the event of the record that was written.
    """

    record_id: str
    table_id: str
    field_id: str
    added: list[Any]
    removed: list[Any]

    def inverse(self) -> None:
        return None


@event("record.deleted")
class RecordDeleted(Event):
    """Carries the whole row and its links of both sides."""

    record_id: str
    table_id: str
    number: int
    values: dict[str, Any]
    links: dict[str, dict[str, int]]
    created_at: str
    created_by: str

    def inverse(self) -> Inverse:
        return RestoreRecord(
            RecordId(self.record_id),
            TableId(self.table_id),
            self.number,
            self.values,
            self.links,
            self.created_at,
            self.created_by,
        )


@event("record.restored")
class RecordRestored(Event):
    record_id: str
    table_id: str
    number: int
    values: dict[str, Any]
    links: dict[str, dict[str, int]]
    created_at: str
    created_by: str

    def inverse(self) -> Inverse:
        return DeleteRecords(TableId(self.table_id), [RecordId(self.record_id)])


# ---------------------------------------------------------------- which facts


def _keys_of(table: Table, values: Mapping[str, Value]) -> Iterable[tuple[str, bytes]]:
    for constraint in table.enforced:
        value = values.get(constraint.field_id)
        digest = unique_digest(value, case_sensitive=constraint.case_sensitive)
        if digest is not None:
            yield constraint.id, digest


def _need_targets(
    table: Table, values: Mapping[str, Value], catalog: Catalog, needs: Needs
) -> None:
    for one in table.links:
        value = values.get(one.id)
        other = catalog.tables.get(TableId(str(one.options["linked_table_id"])))
        if not isinstance(value, list) or other is None:
            continue
        ids = [item for item in value if table_number_of(item) == other.number]
        if _single(catalog, one.reverse_id):
            needs.whole(other.id, ids)
        else:
            needs.target(other.id, ids)


def _single(catalog: Catalog, field_id: str | None) -> bool:
    """Whether the field may hold one link only."""
    table = catalog.table_of_field.get(field_id or "")
    found = None if table is None or field_id is None else table.by_id.get(field_id)
    return found is not None and found.option("allow_multiple", True) is False


@asks(CreateRecords)
def _create_needs(command: CreateRecords, catalog: Catalog, needs: Needs) -> None:
    needs.counters.add(command.table_id)
    table = catalog.tables.get(command.table_id)
    if table is None or not (table.enforced or table.links):
        return
    for _, values in command.records:
        needs.keys.update(_keys_of(table, values))
        _need_targets(table, values, catalog, needs)


@asks(UpdateRecords)
def _update_needs(command: UpdateRecords, catalog: Catalog, needs: Needs) -> None:
    needs.whole(command.table_id, (change.record_id for change in command.changes))
    table = catalog.tables.get(command.table_id)
    if table is None or not (table.enforced or table.links):
        return
    for change in command.changes:
        needs.keys.update(_keys_of(table, change.values))
        _need_targets(table, change.values, catalog, needs)


@asks(DeleteRecords)
def _delete_needs(command: DeleteRecords, _catalog: Catalog, needs: Needs) -> None:
    needs.whole(command.table_id, command.record_ids)


@asks(RestoreRecord)
def _restore_needs(command: RestoreRecord, catalog: Catalog, needs: Needs) -> None:
    needs.counters.add(command.table_id)
    needs.whole(command.table_id, [command.record_id])
    needs.gone.add(command.record_id)
    table = catalog.tables.get(command.table_id)
    if table is not None:
        needs.keys.update(_keys_of(table, command.values))
        _need_targets(table, command.values, catalog, needs)


# ---------------------------------------------------------------- deciding


def _table(facts: Facts, table_id: str, schema_seq: int | None) -> Table:
    table = facts.catalog.live_table(table_id)
    if schema_seq is not None and table.schema_seq != schema_seq:
        raise StaleSchema()
    return table


def _live_row(facts: Facts, table: Table, record_id: str) -> Row:
    row = facts.rows.get(record_id)
    if row is None or row.table_id != table.id:
        raise NotFound("Record not found", record_id=record_id)
    return row


def _pending(table: Table, values: Mapping[str, Value]) -> None:
    for constraint in table.constraints:
        if constraint.status == "pending" and constraint.field_id in values:
            raise ConstraintPending(field=table.by_id[constraint.field_id].name)


def _shown(target: Field, value: Value) -> Json:
    if target.type == "single_select":
        return target.choice_names.get(str(value))
    if target.type == "number" and isinstance(value, str):
        return float(value) if "." in value else int(value)
    return value if not isinstance(value, list) else list(value)


class _Keys:
    """The unique keys taken, as this command sees and takes them."""

    def __init__(self, table: Table, facts: Facts) -> None:
        self.table, self.facts = table, facts
        self.mine: dict[tuple[str, bytes], str | None] = {}

    def _digest(self, constraint: Constraint, value: Value) -> bytes | None:
        return unique_digest(value, case_sensitive=constraint.case_sensitive)

    def free(self, values: Mapping[str, Value]) -> None:
        for constraint in self.table.enforced:
            if constraint.field_id in values:
                digest = self._digest(constraint, values[constraint.field_id])
                if digest is not None:
                    self.mine[constraint.id, digest] = None

    def take(self, record_id: str, values: Mapping[str, Value]) -> None:
        """Raises DuplicateValue where another record has the value."""
        for constraint in self.table.enforced:
            value = values.get(constraint.field_id)
            digest = self._digest(constraint, value)
            if digest is None:
                continue
            key = (constraint.id, digest)
            holder = self.mine[key] if key in self.mine else self.facts.taken.get(key)
            if holder is not None and holder != record_id:
                target = self.table.all_fields[constraint.field_id]
                raise duplicate_of(constraint, target.name, _shown(target, value))
            self.mine[key] = record_id


class _Ends:
    """The other ends of the links that a command makes and breaks."""

    def __init__(self, table: Table, facts: Facts) -> None:
        self.table, self.facts = table, facts
        self.made = 0

    def _other(self, target: Field) -> Table | None:
        return self.facts.catalog.tables.get(
            TableId(str(target.options["linked_table_id"]))
        )

    def place(self) -> int:
        """A place behind every one that was given so far."""
        self.made += 1
        return ((self.facts.position + 1) << 20) + self.made

    def check(self, target: Field, record_id: str, ids: Iterable[str]) -> None:
        other = self._other(target)
        single = _single(self.facts.catalog, target.reverse_id)
        for one in ids:
            known = (
                other is not None
                and table_number_of(one) == other.number
                and not other.deleted
                and self.facts.is_live(one)
            )
            if not known:
                raise ForeignKeyViolation(field=target.name, value=one)
            row = self.facts.rows.get(one) if single else None
            taken = row.links.get(target.reverse_id or "", ()) if row else ()
            if any(link.target != record_id for link in taken):
                raise Conflict(
                    f"Record {one} links to another record already",
                    field=target.name,
                    value=one,
                )

    def events(
        self,
        target: Field,
        record_id: str,
        added: Sequence[tuple[str, int]],
        removed: Sequence[tuple[str, int]],
    ) -> Iterable[Event]:
        other = self._other(target)
        if other is None or target.reverse_id is None:
            return
        for one, place in removed:
            yield RecordLinksChanged(
                one, other.id, target.reverse_id, [], [[record_id, place]]
            )
        for one, place in added:
            yield RecordLinksChanged(
                one, other.id, target.reverse_id, [[record_id, place]], []
            )


def _new_links(
    table: Table, record_id: str, values: Mapping[str, Value], ends: _Ends
) -> dict[str, dict[str, int]]:
    """The places of a new record in the lists of those it links to."""
    links: dict[str, dict[str, int]] = {}
    for one in table.links:
        value = values.get(one.id)
        if isinstance(value, list):
            ends.check(one, record_id, value)
            links[one.id] = {item: ends.place() for item in value}
    return links


@decides(CreateRecords, role=Role.editor)
def _create(command: CreateRecords, facts: Facts) -> Sequence[Event]:
    table = _table(facts, command.table_id, command.schema_seq)
    number = facts.counters.get(table.id, 0)
    keys = _Keys(table, facts) if table.enforced else None
    ends = _Ends(table, facts) if table.links else None
    pending = any(one.status == "pending" for one in table.constraints)
    events: list[Event] = []
    for index, (record_id, values) in enumerate(command.records):
        try:
            if pending:
                _pending(table, values)
            if keys is not None:
                keys.take(record_id, values)
            links = _new_links(table, record_id, values, ends) if ends else {}
        except (DuplicateValue, ForeignKeyViolation, Conflict) as error:
            raise error.with_extra(index=index) from None
        number += 1
        events.append(RecordCreated(record_id, table.id, number, dict(values), links))
        if ends is not None:
            for name, places in links.items():
                events += ends.events(
                    table.all_fields[name],  # type: ignore[index]
                    record_id,
                    list(places.items()),
                    [],
                )
    return events


@decides(UpdateRecords, role=Role.editor)
def _update(command: UpdateRecords, facts: Facts) -> Sequence[Event]:
    table = _table(facts, command.table_id, command.schema_seq)
    rows = _rows_to_change(command, table, facts)
    keys = _Keys(table, facts)
    ends = _Ends(table, facts)
    for change, row in rows:
        keys.free({name: row.values.get(name) for name in change.values})
    events: list[Event] = []
    for index, (change, row) in enumerate(rows):
        try:
            _pending(table, change.values)
            keys.take(row.id, change.values)
            events += _updated(table, change, row, ends)
        except Conflict as error:
            raise error.with_extra(record_id=row.id, index=index) from None
    return events


def _rows_to_change(
    command: UpdateRecords, table: Table, facts: Facts
) -> list[tuple[Change, Row]]:
    rows: list[tuple[Change, Row]] = []
    seen: set[str] = set()
    for index, change in enumerate(command.changes):
        try:
            row = _live_row(facts, table, change.record_id)
        except NotFound as error:
            raise error.with_extra(index=index) from None
        expect_version(row.version, change.if_match)
        if row.id in seen:
            raise Invalid(
                "The record is in the batch twice", record_id=row.id, index=index
            )
        seen.add(row.id)
        rows.append((change, row))
    return rows


def _updated(table: Table, change: Change, row: Row, ends: _Ends) -> Sequence[Event]:
    changes: dict[str, Any] = {}
    others: list[Event] = []
    for name, value in change.values.items():
        before = row.value(name)
        if before == value:
            continue
        target = table.all_fields[name]  # type: ignore[index]
        changes[name] = {"from": before, "to": value}
        if target.type == "linked_record":
            added, removed = _relinked(target, change, row, ends)
            changes[name] |= {"added": dict(added), "removed": dict(removed)}
            others += ends.events(target, row.id, added, removed)
    if not changes:
        return []
    return [RecordUpdated(row.id, table.id, changes), *others]


def _relinked(
    target: Field, change: Change, row: Row, ends: _Ends
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    had = {link.target: link.there for link in row.links.get(target.id, ())}
    wanted = change.values[target.id]
    ids = wanted if isinstance(wanted, list) else []
    fresh = [one for one in ids if one not in had]
    ends.check(target, row.id, fresh)
    places = change.places.get(target.id, {})
    added = [(one, places[one] if one in places else ends.place()) for one in fresh]
    removed = [(one, there) for one, there in had.items() if one not in ids]
    return added, removed


@decides(DeleteRecords, role=Role.editor)
def _delete(command: DeleteRecords, facts: Facts) -> Sequence[Event]:
    table = _table(facts, command.table_id, None)
    going = dict.fromkeys(command.record_ids)
    gone: set[str] = set()
    ends = _Ends(table, facts)
    events: list[Event] = []
    for index, record_id in enumerate(going):
        try:
            row = _live_row(facts, table, record_id)
            expect_version(row.version, command.if_match)
            _not_required_elsewhere(table, row, facts, going)
        except (NotFound, Conflict) as error:
            raise error.with_extra(record_id=record_id, index=index) from None
        events += _deleted(table, row, ends, gone)
        gone.add(record_id)
    return events


def _not_required_elsewhere(
    table: Table, row: Row, facts: Facts, going: Mapping[str, None]
) -> None:
    """A record that a required link field of another points to stays."""
    for name, links in row.links.items():
        reverse_id = table.all_fields[name].reverse_id  # type: ignore[index]
        other = facts.catalog.table_of_field.get(reverse_id or "")
        reverse = other.by_id.get(reverse_id or "") if other is not None else None
        if reverse is None or not reverse.required or other is None or other.deleted:
            continue
        for link in links:
            if link.target not in going:
                raise ForeignKeyViolation(
                    f"Another record needs this one in its field {reverse.name}",
                    field=reverse.name,
                    value=link.target,
                )


def _deleted(
    table: Table, row: Row, ends: _Ends, gone: AbstractSet[str]
) -> Iterable[Event]:
    """`gone`: what this command deleted before; those links went with it."""
    values = {name: value for name, value in row.values.items() if value is not None}
    links: dict[str, dict[str, int]] = {}
    for name, all_links in row.links.items():
        linked = [link for link in all_links if link.target not in gone]
        if linked:
            values[name] = [link.target for link in linked]
            links[name] = {link.target: link.there for link in linked}
    yield RecordDeleted(
        row.id, table.id, row.number, values, links, row.created_at, row.created_by
    )
    for name, places in links.items():
        target = table.all_fields[name]  # type: ignore[index]
        yield from ends.events(target, row.id, [], list(places.items()))


@decides(RestoreRecord, role=Role.editor)
def _restore(command: RestoreRecord, facts: Facts) -> Sequence[Event]:
    table = _table(facts, command.table_id, None)
    if facts.rows.get(command.record_id) is not None:
        return []
    if command.record_id not in facts.versions:
        raise NotFound("Record not found", record_id=command.record_id)
    _Keys(table, facts).take(command.record_id, command.values)
    ends = _Ends(table, facts)
    events: list[Event] = [
        RecordRestored(
            command.record_id,
            table.id,
            command.number,
            dict(command.values),
            {name: dict(places) for name, places in command.links.items()},
            command.created_at,
            command.created_by,
        )
    ]
    for name, places in command.links.items():
        target = table.all_fields[name]  # type: ignore[index]
        ends.check(target, command.record_id, places)
        events += ends.events(target, command.record_id, list(places.items()), [])
    return events


# ---------------------------------------------------------------- folding


def _put_keys(
    facts: Facts, record_id: str, values: Mapping[str, Value], table: Table
) -> None:
    for key in _keys_of(table, values):
        facts.put(facts.taken, key, record_id)


def _drop_keys(facts: Facts, values: Mapping[str, Value], table: Table) -> None:
    for key in _keys_of(table, values):
        facts.drop(facts.taken, key)


def _row_links(
    values: Mapping[str, Any], links: Mapping[str, Mapping[str, int]]
) -> dict[str, tuple[Link, ...]]:
    return {
        name: tuple(Link(RecordId(one), places[one]) for one in values[name])
        for name, places in links.items()
    }


@folds(RecordCreated, RecordRestored)
def _fold_created(
    facts: Facts, recorded: Recorded, event: RecordCreated | RecordRestored
) -> None:
    if event.number > facts.counters.get(event.table_id, 0):
        facts.put(facts.counters, event.table_id, event.number)
    old = isinstance(event, RecordRestored)
    row = Row(
        RecordId(event.record_id),
        event.table_id,
        event.number,
        recorded.version,
        {name: one for name, one in event.values.items() if name not in event.links}
        if event.links
        else event.values,
        _row_links(event.values, event.links) if event.links else {},
        event.created_at if old else recorded.at,
        event.created_by if old else recorded.actor.id,
        recorded.at,
        recorded.actor.id,
    )
    facts.put(facts.rows, row.id, row)
    facts.put(facts.versions, row.id, recorded.version)
    facts.put(facts.live, row.id, True)
    table = facts.catalog.tables[TableId(event.table_id)]
    if table.enforced:
        _put_keys(facts, row.id, event.values, table)


@folds(RecordUpdated)
def _fold_updated(facts: Facts, recorded: Recorded, event: RecordUpdated) -> None:
    row = facts.rows[event.record_id]
    values, links = dict(row.values), dict(row.links)
    for name, change in event.changes.items():
        if "added" in change:
            had = {link.target: link.there for link in links.get(name, ())}
            places = had | change["added"]
            links[name] = tuple(Link(one, places[one]) for one in change["to"] or ())
        else:
            values[name] = change["to"]
    facts.put(facts.rows, row.id, _moved(row, recorded, values, links))
    facts.put(facts.versions, row.id, recorded.version)
    table = facts.catalog.tables[TableId(event.table_id)]
    if table.enforced:
        before = {name: one["from"] for name, one in event.changes.items()}
        after = {name: one["to"] for name, one in event.changes.items()}
        for key in _keys_of(table, before):
            if facts.taken.get(key) == row.id:
                facts.drop(facts.taken, key)
        _put_keys(facts, row.id, after, table)


def _moved(
    row: Row,
    recorded: Recorded,
    values: Mapping[str, Value],
    links: Mapping[str, tuple[Link, ...]],
) -> Row:
    return Row(
        row.id,
        row.table_id,
        row.number,
        recorded.version,
        values,
        links,
        row.created_at,
        row.created_by,
        recorded.at,
        recorded.actor.id,
    )


@folds(RecordLinksChanged)
def _fold_links(facts: Facts, recorded: Recorded, event: RecordLinksChanged) -> None:
    facts.put(facts.versions, event.record_id, recorded.version)
    row = facts.rows.get(event.record_id)
    if row is None:
        return
    gone = {one for one, _ in event.removed}
    kept = [link for link in row.links.get(event.field_id, ()) if link.target not in gone]
    # places are read again before they are needed: a unit that links ends its group
    kept += [Link(RecordId(one), 0) for one, _ in event.added]
    links = {**row.links, event.field_id: tuple(kept)}
    facts.put(facts.rows, row.id, _moved(row, recorded, row.values, links))


@folds(RecordDeleted)
def _fold_deleted(facts: Facts, recorded: Recorded, event: RecordDeleted) -> None:
    facts.put(facts.rows, event.record_id, None)
    facts.put(facts.live, event.record_id, False)
    facts.put(facts.versions, event.record_id, recorded.version)
    table = facts.catalog.tables[TableId(event.table_id)]
    if table.enforced:
        _drop_keys(facts, event.values, table)
