"""What becomes of a wish on records: the rules."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from domain.access import Role
from domain.catalog import Field, Table
from domain.decider import decides
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
from domain.events import Event
from domain.facts import Facts, Link, Row
from domain.ids import FieldId, RecordId
from domain.record.attached import with_files
from domain.record.earlier import still_fit
from domain.record.ends import Ends, Keys
from domain.record.events import (
    Change,
    CreateRecords,
    DeleteRecords,
    RecordCreated,
    RecordDeleted,
    RecordRestored,
    RecordUpdated,
    RestoreRecord,
    RestoreRecords,
    UpdateRecords,
    links_of,
)
from domain.values import BadValue, Value, merged, user_ids
from domain.workspace import expect_version

_NOTHING: Mapping[str, Value] = {}


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
    for constraint in table.pending:
        if constraint.field_id in values:
            raise ConstraintPending(field=table.all_fields[constraint.field_id].name)


def _members(
    table: Table,
    values: Mapping[str, Value],
    facts: Facts,
    before: Mapping[str, Value] = _NOTHING,
) -> None:
    """Refuses users who are no members; one who was named `before` may stay."""
    errors: list[Json] = []
    for one in table.users:
        known = user_ids(before.get(one.id))
        for user_id in user_ids(values.get(one.id)):
            if user_id not in known and facts.catalog.role_of(user_id) is None:
                message = "Value must be a member of the workspace"
                errors.append(
                    {"loc": [one.name], "msg": message, "type": "value_error.member"}
                )
    if errors:
        raise Invalid(errors=errors)


def _new_links(
    table: Table, record_id: str, values: Mapping[str, Value], ends: Ends
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
    keys = Keys(table, facts) if table.enforced else None
    ends = Ends(table, facts) if table.links else None
    events: list[Event] = []
    for index, (record_id, values) in enumerate(command.records):
        try:
            if table.pending:
                _pending(table, values)
            if table.users:
                _members(table, values, facts)
            if table.attachments:
                values = with_files(table, values, facts)
            if keys is not None:
                keys.take(record_id, values)
            links = _new_links(table, record_id, values, ends) if ends else {}
        except (DuplicateValue, ForeignKeyViolation, Conflict, Invalid) as error:
            raise error.with_extra(index=index) from None
        number += 1
        events.append(RecordCreated(record_id, table.id, number, dict(values), links))
        if ends is not None:
            for name, places in links.items():
                made = [
                    Link(RecordId(one), place, here)
                    for here, (one, place) in enumerate(places.items())
                ]
                target = table.all_fields[FieldId(name)]
                events += ends.events(target, record_id, made, [])
    return events


@decides(UpdateRecords, role=Role.editor)
def _update(command: UpdateRecords, facts: Facts) -> Sequence[Event]:
    table = _table(facts, command.table_id, command.schema_seq)
    if command.schema_seq is None:
        for change in command.changes:
            still_fit(table, change.values, change.places)
    rows = _rows_to_change(command, table, facts)
    keys = Keys(table, facts)
    ends = Ends(table, facts)
    for change, row in rows:
        keys.free({name: row.values.get(name) for name in change.values})
    events: list[Event] = []
    for index, (change, row) in enumerate(rows):
        try:
            _pending(table, change.values)
            if command.schema_seq is not None:  # what was, may be again
                _members(table, change.values, facts, row.values)
            if table.attachments:
                full = with_files(table, change.values, facts, row.values)
                change = replace(change, values=full)
            if change.merged:
                change = replace(change, values=_merged(table, change, row))
            keys.take(row.id, change.values)
            events += _updated(table, change, row, ends)
        except (Conflict, Invalid) as error:
            raise error.with_extra(record_id=row.id, index=index) from None
    return events


def _merged(table: Table, change: Change, row: Row) -> Mapping[str, Value]:
    """The values with what is there already of those whose keys are merged."""
    values = dict(change.values)
    for name in change.merged & values.keys():
        try:
            values[name] = merged(row.values.get(name), values[name])
        except BadValue as error:
            field = table.all_fields[FieldId(name)]
            place: list[Json] = [field.name]
            told: dict[str, Json] = {"loc": place, "msg": str(error)}
            raise Invalid(errors=[told | {"type": error.kind}]) from error
    return values


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


def _updated(table: Table, change: Change, row: Row, ends: Ends) -> Sequence[Event]:
    _agree(table, change)
    linked = {one.id: ends.links(one.id, row.id) for one in table.links}
    changes: dict[str, Any] = {}
    others: list[Event] = []
    for name, value in change.values.items():
        had = linked.get(name)  # type: ignore[call-overload]
        before = row.values.get(name) if had is None else list(had) or None
        if before == value:
            continue
        changes[name] = {"from": before, "to": value}
        if had is not None:
            target = table.all_fields[FieldId(name)]
            now = _relinked(target, change, had, ends)
            added = [link for link in now if link.target not in had]
            staying = {link.target for link in now}
            removed = [link for one, link in had.items() if one not in staying]
            changes[name] |= _of_links(added, removed, list(had.values()), now)
            others += ends.events(target, row.id, added, removed)
            ends.write(target, row.id, now)
    if not changes:
        return []
    return [RecordUpdated(row.id, table.id, changes), *others]


def _agree(table: Table, change: Change) -> None:
    """A record's link to itself is in both lists, or in none."""
    for one in table.links:
        far = one.reverse_id
        if one.id not in change.values or far is None or far not in change.values:
            continue
        ends = change.values[one.id], change.values[far]
        if len({_holds(end, change.record_id) for end in ends}) > 1:
            raise Conflict(
                "The two ends of the record's link to itself disagree", field=one.name
            )


def _holds(value: Value, record_id: str) -> bool:
    return isinstance(value, list) and record_id in value


def _of_links(
    added: Sequence[Link],
    removed: Sequence[Link],
    had: Sequence[Link],
    now: Sequence[Link],
) -> dict[str, Any]:
    """What an event says of a change of links, beside from and to."""
    return {
        "added": {link.target: link.there for link in added},
        "removed": {link.target: link.there for link in removed},
        "own_places": {
            "from": [link.here for link in had],
            "to": [link.here for link in now],
        },
    }


def _relinked(
    target: Field, change: Change, had: Mapping[str, Link], ends: Ends
) -> list[Link]:
    """The record's whole list; `had` is as the changes before this one in the batch
    left it."""
    wanted = change.values[target.id]
    ids = wanted if isinstance(wanted, list) else []
    # its link to itself, where both ends are written, agrees already
    agreed = change.record_id if target.reverse_id in change.values else None
    fresh = [one for one in ids if one not in had and one != agreed]
    ends.check(target, change.record_id, fresh)
    ends.let_go(target, [link for one, link in had.items() if one not in ids])
    return _placed(target, change, ids, had, ends)


def _placed(
    target: Field,
    change: Change,
    ids: Sequence[str],
    had: Mapping[str, Link],
    ends: Ends,
) -> list[Link]:
    """Links keep their places in the record's list as long as these rise, so that what
    was taken out of it between them can return; from the first that is new, or out of
    order, all get places behind.  What goes back where it was says so."""
    there = change.places.get(target.id, {})
    here = change.own_places.get(target.id, {})
    links: list[Link] = []
    last = -1
    for one in ids:
        known = had.get(one)
        if one in here:
            last = here[one]
        elif known is not None and known.here > last:
            last = known.here
        else:
            last = ends.place()
        place = known.there if known is not None else there.get(one)
        if place is None:
            place = last if one not in here else ends.place()
        links.append(Link(RecordId(one), place, last))
    return links


@decides(DeleteRecords, role=Role.editor)
def _delete(command: DeleteRecords, facts: Facts) -> Sequence[Event]:
    table = _table(facts, command.table_id, None)
    going = dict.fromkeys(command.record_ids)
    gone: set[str] = set()
    ends = Ends(table, facts)
    events: list[Event] = []
    for index, record_id in enumerate(going):
        try:
            row = _live_row(facts, table, record_id)
            expect_version(row.version, command.if_match)
            for name, links in row.links.items():
                ends.let_go(table.all_fields[name], links, going)  # type: ignore[index]
        except (NotFound, Conflict) as error:
            raise error.with_extra(record_id=record_id, index=index) from None
        events += _deleted(table, row, ends, gone)
        gone.add(record_id)
    return events


def _deleted(
    table: Table, row: Row, ends: Ends, gone: AbstractSet[str]
) -> Iterable[Event]:
    """`gone`: what this command deleted before; those links went with it."""
    values = {name: value for name, value in row.values.items() if value is not None}
    links: dict[str, list[Link]] = {}
    for name, all_links in row.links.items():
        linked = [link for link in all_links if link.target not in gone]
        if linked:
            values[name] = [link.target for link in linked]
            links[name] = linked
    yield RecordDeleted(
        row.id,
        table.id,
        row.number,
        values,
        {
            name: {link.target: link.there for link in linked}
            for name, linked in links.items()
        },
        row.created_at,
        row.created_by,
        {name: [link.here for link in linked] for name, linked in links.items()},
    )
    for name, linked in links.items():
        target = table.all_fields[FieldId(name)]
        others = [link for link in linked if link.target != row.id]
        yield from ends.events(target, row.id, [], others)


@decides(RestoreRecord, role=Role.editor)
def _restore(command: RestoreRecord, facts: Facts) -> Sequence[Event]:
    table = _table(facts, command.table_id, None)
    return list(
        _restored(command, table, facts, Keys(table, facts), Ends(table, facts))
    )


@decides(RestoreRecords, role=Role.editor)
def _restore_many(command: RestoreRecords, facts: Facts) -> Sequence[Event]:
    table = _table(facts, command.table_id, None)
    keys, ends = Keys(table, facts), Ends(table, facts)
    events: list[Event] = []
    for index, one in enumerate(command.records):
        try:
            events += _restored(one, table, facts, keys, ends)
        except (NotFound, Conflict, ConstraintPending) as error:
            raise error.with_extra(record_id=one.record_id, index=index) from None
        ends.coming.add(one.record_id)
    return events


def _restored(
    one: RestoreRecord, table: Table, facts: Facts, keys: Keys, ends: Ends
) -> Iterable[Event]:
    if facts.rows.get(one.record_id) is not None or one.record_id in ends.coming:
        return
    if one.record_id not in facts.versions:
        raise NotFound("Record not found", record_id=one.record_id)
    still_fit(table, one.values, one.links)
    _pending(table, one.values)
    keys.take(one.record_id, one.values)
    restored = RecordRestored(
        one.record_id,
        table.id,
        one.number,
        dict(one.values),
        {name: dict(places) for name, places in one.links.items()},
        one.created_at,
        one.created_by,
        {
            name: [places[two] for two in one.values[name]]  # type: ignore[union-attr]
            for name, places in one.own_places.items()
        },
    )
    yield restored
    for name, linked in links_of(restored).items():
        target = table.all_fields[FieldId(name)]
        ends.check(target, one.record_id, [link.target for link in linked])
        others = [link for link in linked if link.target != one.record_id]
        yield from ends.events(target, one.record_id, others, [])
