"""A run of record events written at once is the same as each written by itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalog import Catalog, Constraint, Field, Table
from domain.constraint import unique_digest
from domain.errors import DomainError
from domain.events import Recorded
from domain.ids import FieldId, TableId
from domain.record import DeleteRecords, RecordCreated, RecordDeleted, RestoreRecord
from domain.values import Value
from projections.records.net import Changes, Insert, LinkWrite, TableChanges, net
from tests.domain.histories import RECORDS, World, picture, populate, some_command
from tests.domain.library import ADA, AUTHORS, THE_AUTHORS, author, update
from tests.scenario import Store


@dataclass
class ReadTables:
    """The read tables as dicts, written in the order of `projections.records.apply`."""

    catalog: Catalog
    rows: dict[str, Insert] = field(default_factory=dict)
    # (forward field, record, target) -> [place in its list, in the other's]
    links: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    keys: dict[tuple[str, bytes], str] | None = None  # None: they are not kept
    numbers: dict[str, int] = field(default_factory=dict)

    def apply(self, changes: Changes) -> None:
        for table_id, found in changes.tables.items():
            for record in found.deletes:
                del self.rows[record]
            for record, row in found.inserts.items():
                assert record not in self.rows
                self.rows[record] = row
            self._update(found)
            self._keep_keys(self.catalog.tables[TableId(table_id)], found)
            last = max(self.numbers.get(table_id, 0), found.last_number)
            self.numbers[table_id] = last
        for write in changes.links:
            self._link(write)

    def _update(self, found: TableChanges) -> None:
        for record, new in found.updates.items():
            self.rows[record] = replace(
                self.rows[record],
                version=new.version,
                updated_at=new.updated_at,
                updated_by=new.updated_by,
                values={**self.rows[record].values, **new.values},
            )

    def _keep_keys(self, table: Table, found: TableChanges) -> None:
        if self.keys is None:
            return
        for constraint in table.enforced:
            gone: set[bytes] = set()
            taken: dict[bytes, str] = {}
            for record, before, after in found.keys:
                old, new = _digest(constraint, before), _digest(constraint, after)
                if old is not None:
                    gone.add(old)
                    if taken.get(old) == record:
                        del taken[old]
                if new is not None:
                    taken[new] = record
            for digest in gone:
                self.keys.pop((constraint.id, digest), None)
            for digest, record in taken.items():
                assert (constraint.id, digest) not in self.keys
                self.keys[constraint.id, digest] = record

    def _link(self, write: LinkWrite) -> None:
        table = self.catalog.table_of_field[write.field_id]
        one = table.all_fields[FieldId(write.field_id)]
        near = 1 if one.is_reverse else 0
        for other in write.removed:
            self.links.pop(_key(one, write.record_id, other), None)
        for other, position in zip(write.order, write.own_places, strict=True):
            key = _key(one, write.record_id, other)
            both = self.links.setdefault(key, [write.added.get(other, 0)] * 2)
            both[near] = position

    def seen(self) -> dict[str, object]:
        """What a reader finds: an empty value is one that was never written."""
        rows = {
            name: replace(row, values=_filled(row.values))
            for name, row in self.rows.items()
        }
        return {"rows": rows, "links": self.links, "numbers": self.numbers}


def _digest(constraint: Constraint, values: Mapping[str, Value]) -> bytes | None:
    value = values.get(constraint.field_id)
    return unique_digest(value, case_sensitive=constraint.case_sensitive)


def _key(one: Field, record: str, other: str) -> tuple[str, str, str]:
    pair = (other, record) if one.is_reverse else (record, other)
    return one.link_key, *pair


def _filled(values: dict[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value is not None}


def of_records(ledger: Iterable[Recorded]) -> list[Recorded]:
    return [one for one in ledger if one.event.TYPE.startswith("record.")]


def one_by_one(catalog: Catalog, events: Iterable[Recorded]) -> ReadTables:
    tables = ReadTables(catalog)
    for recorded in events:
        tables.apply(net([recorded]))
    return tables


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_a_run_of_events_comes_to_what_they_come_to_one_by_one(data: st.DataObject):
    world = World()
    populate(data.draw, world)
    start, keys = len(world.store.ledger), world.store.keys()
    for _ in range(data.draw(st.integers(1, 5))):
        command = some_command(data.draw, world, RECORDS)
        unit = world.try_(command) if command is not None else []
        if not isinstance(unit, DomainError) and data.draw(st.booleans()):
            # what was deleted comes back in the same run
            for one in reversed(unit):
                inverse = one.event.inverse()
                if isinstance(inverse, RestoreRecord):
                    world.try_(inverse)

    catalog, ledger = world.store.catalog, world.store.ledger
    expected = one_by_one(catalog, of_records(ledger))
    at_once = one_by_one(catalog, of_records(ledger[:start]))
    at_once.keys = keys
    at_once.apply(net(of_records(ledger[start:])))

    assert at_once.seen() == expected.seen()
    assert at_once.links == world.store.links
    assert at_once.keys == world.store.keys()
    assert _as_pictured(at_once) == _without_links(world.store)


def _as_pictured(tables: ReadTables) -> dict[str, object]:
    return {
        name: (row.number, _filled(row.values), row.created_at, row.created_by)
        for name, row in tables.rows.items()
    }


def _without_links(store: Store) -> dict[str, object]:
    seen = picture(store)
    return {row.id: (*seen[row.id][:2], *seen[row.id][3:]) for row in store.rows()}


# a record that a run touches more than once


def run(*commands) -> list[Recorded]:
    store = Store([*AUTHORS, author(1, name="Ada")])
    for command in commands:
        store.do(command)
    return store.ledger[len(AUTHORS) + 1 :]


def test_two_updates_of_a_record_are_one():
    changes = net(
        run(update((ADA, {"name": "Eve", "born": "1"})), update((ADA, {"born": "2"})))
    ).tables["authors"]

    assert list(changes.updates) == [ADA]
    assert changes.updates[ADA].values == {"name": "Eve", "born": "2"}
    assert changes.updates[ADA].version == 3
    assert not changes.inserts
    assert not changes.deletes


def test_a_record_that_comes_and_goes_in_one_run_leaves_its_number():
    made = RecordCreated("new", "authors", 7, {"name": "Eve"}, {})
    gone = RecordDeleted("new", "authors", 7, {"name": "Eve"}, {}, "then", "")
    store = Store([*AUTHORS, made, gone])
    changes = net(store.ledger[-2:]).tables["authors"]

    assert not any([changes.inserts, changes.updates, changes.deletes])
    assert changes.last_number == 7


def test_a_record_that_goes_and_comes_back_is_deleted_and_inserted():
    [deleted] = run(DeleteRecords(THE_AUTHORS, [ADA]))
    inverse = deleted.event.inverse()
    changes = net(run(DeleteRecords(THE_AUTHORS, [ADA]), inverse)).tables["authors"]

    assert list(changes.deletes) == list(changes.inserts) == [ADA]
    assert changes.inserts[ADA].created_at == "2024-01-01T00:00:12.000000Z"
    assert changes.inserts[ADA].updated_at == "2024-01-01T00:00:14.000000Z"


def test_nothing_comes_to_nothing():
    assert net([]) == Changes()
