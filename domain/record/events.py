"""What is wished of records and what happens to them.

A link is one row that two records see.  The event of the record that was written says
everything about it; the record at the other end gets a `record.links_changed`, so that
its version, history and readers move on too.

`links` of an event: {field id: {other record's id: place}}, where the place is the
position of this record in the other one's list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.events import Command, Event, Inverse, event
from domain.ids import RecordId, TableId
from domain.values import Value


@dataclass(frozen=True, slots=True)
class CreateRecords(Command):
    """`records` are (id, values); `schema_seq` is what the values were read against,
    None where the unit itself says so for all its commands."""

    table_id: TableId
    schema_seq: int | None
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


@dataclass(frozen=True, slots=True)
class RestoreRecords(Command):
    """The same for many records of one table, which may link to one another."""

    table_id: TableId
    records: Sequence[RestoreRecord]


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
    FOLLOWS = True

    def touched(self) -> frozenset[str]:
        return frozenset({self.field_id})

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
