"""Given / when / then for the deciders, and the store that they stand on.

    scenario(given=[event, …], when=command, then=[event, …])
    scenario(given=[event, …], when=command, refused=NotFound, index=1)

`Store` is the read side as dicts: events are folded in by `evolve`, links are kept as
the rows that they are in the database, and each unit gets the facts that its commands
ask for and no others, as the committer loads them.  Ids are arguments; the clock is
the position.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from domain import nouns, user  # noqa: F401 - fill the deciders
from domain.catalog import Catalog, Field, Table
from domain.constraint import unique_digest
from domain.decider import changes_catalog, decide, evolve, needs
from domain.errors import Conflict, DomainError
from domain.events import Actor, Command, Event, Recorded
from domain.facts import Cell, Facts, Link, Needs, Row, Stretch, in_order
from domain.ids import FieldId, RecordId, TableId, WorkspaceId, record_id
from domain.record import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
    links_of,
)
from domain.retype import (
    FieldConverted,
    FieldRetyped,
    RetypeField,
    parts,
    parts_to_come,
)
from domain.values import Value

WORKSPACE = WorkspaceId("11111111-1111-4111-8111-111111111111")
SYSTEM = Actor("system", "")
OWNER = Actor("user", "owner")

_START = datetime(2024, 1, 1, tzinfo=UTC)
# what of the facts is loaded, beside the catalogue
_LOADED = (
    "rows",
    "versions",
    "live",
    "held",
    "taken",
    "counters",
    "columns",
    "few",
    "filled",
    "slugs",
    "emails",
    "usernames",
    "users",
    "api_keys",
    "tokens",
    "files",
    "foreign",
)


STRETCH = 3  # numbers of records that are converted at a time


@dataclass(frozen=True)
class _Near:
    """What says whose links are written."""

    record_id: str
    table_id: str


def moment(position: int) -> str:
    """The time of an event: so many seconds into 2024."""
    at = _START + timedelta(seconds=position)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def record(counter: int, *, table: int = 1) -> RecordId:
    """The id of a record of the table with that number."""
    return record_id(1_700_000_000_000, table, counter)


class Store:
    """One workspace at one position."""

    def __init__(
        self,
        given: Iterable[Event] = (),
        *,
        users: Iterable[str] = (),
        slugs: Iterable[str] = (),
        emails: Iterable[str] = (),
    ):
        """`slugs` are those of other workspaces, `emails` those of other users."""
        self.all = Facts(Catalog(WORKSPACE))
        self.ledger: list[Recorded] = []
        # (forward field, record, target) -> [place in its list, in the other's]
        self.links: dict[tuple[str, str, str], list[int]] = {}
        self._last: dict[str, int] = {}
        self.crowded: set[str] = set()  # fields of tables that take long to look at
        self.all.users.update(dict.fromkeys(users, 1))
        self.all.slugs.update(dict.fromkeys(slugs, "another workspace"))
        self.all.emails.update(dict.fromkeys(emails, "another user"))
        for event in given:
            self._fold(self._recorded(event, SYSTEM))

    def copy(self) -> "Store":
        """Another store at the same position, with a life of its own."""
        other = Store()
        other.all.catalog, other.all.position = self.catalog, self.all.position
        for name in _LOADED:
            getattr(other.all, name).update(getattr(self.all, name))
        other.ledger = list(self.ledger)
        other.links = {key: list(both) for key, both in self.links.items()}
        other._last = dict(self._last)
        return other

    def do(self, *commands: Command, actor: Actor = SYSTEM) -> list[Recorded]:
        """Commits one unit as the committer does.  A refusal changes nothing."""
        unit, _ = self.decide(*commands, actor=actor)
        for one in unit:
            self._fold(one)
        return unit

    def decide(
        self, *commands: Command, actor: Actor = SYSTEM
    ) -> tuple[list[Recorded], Facts]:
        """The events of a unit, and the facts as the unit leaves them."""
        facts = self.facts_for(commands, actor)
        return self.decide_on(facts, *commands), facts

    def decide_on(self, facts: Facts, *commands: Command) -> list[Recorded]:
        """The same on facts that may have seen other commands before."""
        seen = facts.position - len(self.ledger)
        if seen and any(isinstance(one, RetypeField) for one in commands):
            raise Conflict("A change of type commits alone")
        unit: list[Recorded] = []
        for command in commands:
            for event in decide(command, facts):
                unit.append(self._evolve(facts, event))
        to_come = parts_to_come(unit)
        length = len(unit)
        for one in list(unit):
            if isinstance(one.event, FieldRetyped):
                for part in parts(one.event, facts):
                    unit.append(self._evolve(facts, part))
        assert len(unit) == length + to_come
        return unit

    def _evolve(self, facts: Facts, event: Event) -> Recorded:
        stream = event.stream_id
        known = (
            facts.catalog.version_of(stream)
            if changes_catalog(event)
            else facts.versions.get(stream) or facts.users.get(stream, 0)
        )
        seq = facts.position + 1
        recorded = Recorded(WORKSPACE, seq, known + 1, moment(seq), facts.actor, event)
        evolve(facts, recorded)
        return recorded

    def _recorded(self, event: Event, actor: Actor) -> Recorded:
        version = self._last.get(event.stream_id, 0) + 1
        seq = len(self.ledger) + 1
        return Recorded(WORKSPACE, seq, version, moment(seq), actor, event)

    def _fold(self, one: Recorded) -> None:
        expected = self._last.get(one.event.stream_id, 0) + 1
        assert one.version == expected, f"{one.event} has version {one.version}"
        assert one.seq == len(self.ledger) + 1
        self._last[one.event.stream_id] = one.version
        self.ledger.append(one)
        evolve(self.all, one)
        self._keep_links(one.event)

    def _keep_links(self, event: Event) -> None:
        match event:
            case RecordCreated() | RecordRestored():
                for name, linked in links_of(event).items():
                    self._link(
                        event,
                        name,
                        {link.target: link.here for link in linked},
                        event.links[name],
                    )
            case RecordUpdated():
                for name, change in event.changes.items():
                    if "added" in change:
                        for one in change["removed"]:
                            self.links.pop(self._key(event, name, one), None)
                        self._link(event, name, own_list(change), change["added"])
            case RecordDeleted():
                for name, places in event.links.items():
                    for one in places:
                        self.links.pop(self._key(event, name, one), None)
            case FieldRetyped():
                before = event.changes["type"]["from"], event.changes["options"]["from"]
                self._unlink_all(event.field_id, *before)
            case FieldConverted():
                for name, change in event.values.items():
                    if "added" in change:
                        near = _Near(name, event.table_id)
                        order, added = own_list(change), change["added"]
                        self._link(near, event.field_id, order, added)
            case _:
                pass

    def _unlink_all(
        self, field_id: str, type_: str, options: Mapping[str, Any]
    ) -> None:
        if type_ != "linked_record":
            return
        reverse = options.get("is_reverse")
        stored = options["reverse_field_id"] if reverse else field_id
        for key in [one for one in self.links if one[0] == stored]:
            del self.links[key]

    def _link(
        self, event: Any, name: str, order: Mapping[str, int], places: Mapping[str, int]
    ) -> None:
        """The whole order of a record's list is written."""
        near = 1 if self._field(event.table_id, name).is_reverse else 0
        for one, position in order.items():
            key = self._key(event, name, one)
            both = self.links.setdefault(key, [places.get(one, 0)] * 2)
            both[near] = position

    def _key(self, event: Any, name: str, one: str) -> tuple[str, str, str]:
        field = self._field(event.table_id, name)
        if field.is_reverse:
            return field.link_key, one, event.record_id
        return field.link_key, event.record_id, one

    def _field(self, table_id: str, name: str) -> Field:
        return self.all.catalog.tables[TableId(table_id)].all_fields[FieldId(name)]

    @property
    def catalog(self) -> Catalog:
        return self.all.catalog

    def rows(self, table_id: str | None = None) -> list[Row]:
        """The records, with their links in order, by number."""
        live = [row for row in self.all.rows.values() if row is not None]
        found = [row for row in live if table_id in (None, row.table_id)]
        ordered = sorted(found, key=lambda row: (row.table_id, row.number, row.id))
        return [self._with_links(row) for row in ordered]

    def row(self, record: str) -> Row:
        found = self.all.rows[record]
        assert found is not None
        return self._with_links(found)

    def value(self, record: str, field_id: str) -> Value:
        return self.row(record).value(field_id)

    def _with_links(self, row: Row) -> Row:
        table = self.catalog.tables[TableId(row.table_id)]
        links = {one.id: self._list(row.id, one) for one in table.links}
        return replace(
            row,
            values={one.id: row.values.get(one.id) for one in table.columns},
            links={name: tuple(found) for name, found in links.items() if found},
        )

    def _list(self, record: str, field: Field) -> list[Link]:
        near = 1 if field.is_reverse else 0
        return in_order(
            Link(RecordId(key[2 - near]), both[1 - near], both[near])
            for key, both in self.links.items()
            if key[0] == field.link_key and key[1 + near] == record
        )

    def stretches(
        self, table: Table, field: Field, conversion: str | None
    ) -> Iterator[Stretch]:
        """A field's column, `STRETCH` records at a time, as it is at this position."""
        rows = self.rows(table.id)
        before: dict[str, Any] = {}
        ends = {0}
        for one in self.ledger:
            if one.event.stream_id == conversion:
                assert isinstance(one.event, FieldConverted)
                before |= one.event.values
                ends.add(one.event.upto)
        last = rows[-1].number if rows else 0
        ends |= set(range(0, last + STRETCH, STRETCH))
        for after, upto in pairwise(sorted(ends)):
            found = [row for row in rows if after < row.number <= upto]
            if found:
                cells = [self._cell(table, field, row) for row in found]
                yield Stretch(after, upto, cells, before)

    def _cell(self, table: Table, field: Field, row: Row) -> Cell:
        (value,) = [one for name, one in self.column(table, field) if name == row.id]
        if field.type != "linked_record":
            return Cell(row.id, row.number, value)
        links = self._list(row.id, field)
        ids: list[str] = [link.target for link in links]
        return Cell(
            row.id,
            row.number,
            ids or None,
            {one.target: one.there for one in links},
            [one.here for one in links],
        )

    def column(self, table: Table, field: Field) -> list[tuple[str, Value]]:
        rows = self.rows(table.id)
        if field.type == "autonumber":
            return [(row.id, str(row.number)) for row in rows]
        if field.type == "linked_record":
            return [(row.id, "linked" if row.value(field.id) else None) for row in rows]
        return [(row.id, row.value(field.id)) for row in rows]

    def keys(self) -> dict[tuple[str, bytes], str]:
        """The unique keys of every enforced constraint, made anew from the rows."""
        return {
            (constraint.id, digest): row.id
            for table in self.catalog.tables.values()
            for constraint in table.enforced
            for row in self.rows(table.id)
            if (
                digest := unique_digest(
                    row.values.get(constraint.field_id),
                    case_sensitive=constraint.case_sensitive,
                )
            )
        }

    def facts_for(self, commands: Iterable[Command], actor: Actor = SYSTEM) -> Facts:
        """What the committer loads for these commands, and nothing else."""
        found = Needs()
        for command in commands:
            needs(command, self.catalog, found)
        facts = Facts(self.catalog)
        facts.actor = actor
        facts.position = len(self.ledger)
        facts.now = moment(facts.position + 1)
        facts.stretches = self.stretches
        self._load_rows(found, facts)
        for table_id, ids in found.targets.items():
            for row in self.rows(table_id):
                if row.id in ids:
                    self._load_version(row.id, facts)
        facts.foreign.update(_among(self.all.foreign, found.foreign))
        for one in found.gone | found.foreign:
            if one in self._last:
                facts.versions[one] = self._last[one]
        self._load_columns(found, facts)
        facts.counters.update(_among(self.all.counters, found.counters))
        facts.filled.update(_among(self.all.filled, found.filled))
        facts.taken.update(_among(self.keys(), found.keys))
        facts.users.update(_among(self.all.users, found.users))
        facts.emails.update(_among(self.all.emails, found.emails))
        facts.usernames.update(_among(self.all.usernames, found.usernames))
        facts.slugs.update(_among(self._slugs(), found.slugs))
        facts.files.update(_among(self.all.files, found.files))
        keys = self.all.api_keys.items()
        facts.api_keys.update(one for one in keys if one[1] in found.api_keys_of)
        if found.tokens:
            facts.tokens.update(self.all.tokens)
        return facts

    def _slugs(self) -> dict[str, str]:
        """Whose each slug is: a workspace has one, the last that it was given."""
        others = {
            slug: owner
            for slug, owner in self.all.slugs.items()
            if owner != str(WORKSPACE)
        }
        if self.catalog.workspace is None or self.catalog.workspace.deleted:
            return others
        return others | {self.catalog.workspace.slug: str(WORKSPACE)}

    def _load_rows(self, found: Needs, facts: Facts) -> None:
        for table_id, ids in found.records.items():
            if TableId(table_id) not in self.catalog.tables:
                continue
            facts.rows.update(dict.fromkeys(ids))
            for row in self.rows(table_id):
                if row.id not in ids:
                    continue
                facts.rows[row.id] = row
                self._load_version(row.id, facts)
                for name, links in row.links.items():
                    far = self._field(table_id, name).reverse_id or ""
                    for link in links:
                        self._load_version(link.target, facts)
                        held = len(self.row(link.target).links.get(far, ()))
                        facts.held[far, link.target] = held

    def _load_version(self, record: str, facts: Facts) -> None:
        facts.versions[record] = self._last[record]
        facts.live[record] = True

    def _load_columns(self, found: Needs, facts: Facts) -> None:
        for table_id, field_id in found.columns | found.few:
            table = self.catalog.tables.get(TableId(table_id))
            if table is None:
                continue
            field = table.all_fields.get(FieldId(field_id))
            values: dict[str, Value] = {row.id: None for row in self.rows(table_id)}
            if field is not None:
                values.update(self.column(table, field))
            if (table_id, field_id) in found.columns:
                facts.columns[field_id] = dict(values)
            if (table_id, field_id) in found.few:
                crowded = field_id in self.crowded
                facts.few[field_id] = None if crowded else dict(values)


def own_list(change: Mapping[str, Any]) -> dict[str, int]:
    """What a change of links makes of a record's list: its places by record."""
    order = change["to"] or ()
    return dict(zip(order, change["own_places"]["to"], strict=True))


def _among(all_facts: Mapping[Any, Any], wanted: Iterable[Any]) -> dict[Any, Any]:
    return {key: all_facts[key] for key in wanted if key in all_facts}


def everything(facts: Facts) -> dict[str, Any]:
    """A copy of all that facts hold, to compare with later."""
    held = {name: dict(getattr(facts, name)) for name in _LOADED}
    return held | {"catalog": facts.catalog, "position": facts.position}


def scenario(
    *,
    given: Iterable[Event],
    when: Command | Sequence[Command],
    then: Sequence[Event] | None = None,
    refused: type[DomainError] | None = None,
    detail: str | None = None,
    actor: Actor = SYSTEM,
    users: Iterable[str] = (),
    slugs: Iterable[str] = (),
    emails: Iterable[str] = (),
    crowded: Iterable[str] = (),
    filled: Mapping[str, bool] | None = None,
    **extra: Any,
) -> None:
    """Checks what becomes of a unit: its events, or its refusal with what it says.

    `crowded` are fields of large tables, `filled` pending constraints whose values are
    all seen, and whether each was there once.
    `extra` is all that a refusal says beside its detail.  Taken back, a unit leaves the
    facts as they were, be it refused or not.
    """
    store = Store(given, users=users, slugs=slugs, emails=emails)
    store.crowded.update(crowded)
    store.all.filled.update(filled or {})
    unit = (when,) if isinstance(when, Command) else tuple(when)
    facts = store.facts_for(unit, actor)
    before = everything(facts)
    facts.mark()
    if refused is None:
        assert [one.event for one in store.decide_on(facts, *unit)] == then
        store.do(*unit, actor=actor)
    else:
        _refuses(store, facts, unit, refused, detail, extra)
    facts.rollback()
    assert everything(facts) == before


def _refuses(
    store: Store,
    facts: Facts,
    unit: Sequence[Command],
    refused: type[DomainError],
    detail: str | None,
    extra: Mapping[str, Any],
) -> None:
    with pytest.raises(refused) as refusal:
        store.decide_on(facts, *unit)
    assert type(refusal.value) is refused
    if detail is not None:
        assert refusal.value.detail == detail
    assert refusal.value.extra == extra


def other_ends(events: Iterable[Recorded]) -> list[RecordLinksChanged]:
    """What the records at the other ends of links were told."""
    return [one.event for one in events if isinstance(one.event, RecordLinksChanged)]
