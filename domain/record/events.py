"""What is wished of records and what happens to them.

A link is one row that two records see.  The event of the record that was written says
everything about it; the record at the other end gets a `record.links_changed`, so that
its version, history and readers move on too.

`links` of an event: {field id: {other record's id: place}}, where the place is the
position of this record in the other one's list.  `own_places`: {field id: [place, …]},
the positions of the others in this one's list, as they stand in it; a list of which
nothing is said is numbered from 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from domain.events import UPCASTERS, Command, Event, Inverse, event
from domain.facts import Link
from domain.frozen import frozen
from domain.ids import RecordId, TableId
from domain.values import Value


@frozen
class CreateRecords(Command):
    """`records` are (id, values); `schema_seq` is what the values were read against,
    None where the unit itself says so for all its commands."""

    table_id: TableId
    schema_seq: int | None
    records: Sequence[tuple[RecordId, Mapping[str, Value]]]


@frozen
class Change:
    """New values of one record.  `places` and `own_places` put links back, each
    {field: {other record: place}}.  `merged`: fields of any JSON whose value holds keys
    to put over those that are there, null for one to take away."""

    record_id: RecordId
    values: Mapping[str, Value]
    if_match: int | None = None
    places: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    own_places: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    merged: frozenset[str] = frozenset()


@frozen
class UpdateRecords(Command):
    """`schema_seq` None: the values are known to fit (they are an inverse's)."""

    table_id: TableId
    schema_seq: int | None
    changes: Sequence[Change]


@frozen
class DeleteRecords(Command):
    table_id: TableId
    record_ids: Sequence[RecordId]
    if_match: int | None = None


@frozen
class RestoreRecord(Command):
    """Brings a deleted record back with its id, number, values, links and author."""

    record_id: RecordId
    table_id: TableId
    number: int
    values: Mapping[str, Value]
    links: Mapping[str, Mapping[str, int]]
    created_at: str
    created_by: str
    own_places: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@frozen
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


@event("record.updated", schema=2)
class RecordUpdated(Event):
    """`changes`: {field id: {from, to}}; of a link field also {added, removed}, the
    other records with their places, and own_places: {from, to}, where `from` is None
    in what was written before they were kept."""

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
            own_places={
                name: dict(zip(one["from"], one["own_places"]["from"], strict=True))
                for name, one in self.changes.items()
                if "removed" in one and one["own_places"]["from"]
            },
        )
        return UpdateRecords(TableId(self.table_id), None, [change])


def _with_own_places(payload: dict[str, Any]) -> dict[str, Any]:
    """A list that was written was numbered from 0; where it was before is unknown."""
    changes = {
        name: {
            **one,
            "own_places": {"from": None, "to": list(range(len(one["to"] or ())))},
        }
        if "added" in one
        else one
        for name, one in payload["changes"].items()
    }
    return {**payload, "changes": changes}


UPCASTERS["record.updated", 1] = _with_own_places


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


@event("record.deleted", schema=2)
class RecordDeleted(Event):
    """Carries the whole row and its links of both sides."""

    record_id: str
    table_id: str
    number: int
    values: dict[str, Any]
    links: dict[str, dict[str, int]]
    created_at: str
    created_by: str
    own_places: dict[str, list[int]] = field(default_factory=dict)

    def inverse(self) -> Inverse:
        return RestoreRecord(
            RecordId(self.record_id),
            TableId(self.table_id),
            self.number,
            self.values,
            self.links,
            self.created_at,
            self.created_by,
            {
                name: dict(zip(self.values[name], places, strict=True))
                for name, places in self.own_places.items()
            },
        )


UPCASTERS["record.deleted", 1] = lambda payload: {**payload, "own_places": {}}


@event("record.restored", schema=2)
class RecordRestored(Event):
    record_id: str
    table_id: str
    number: int
    values: dict[str, Any]
    links: dict[str, dict[str, int]]
    created_at: str
    created_by: str
    own_places: dict[str, list[int]] = field(default_factory=dict)

    def inverse(self) -> Inverse:
        return DeleteRecords(TableId(self.table_id), [RecordId(self.record_id)])


UPCASTERS["record.restored", 1] = lambda payload: {**payload, "own_places": {}}


def links_of(
    event: RecordCreated | RecordRestored | RecordDeleted,
) -> dict[str, tuple[Link, ...]]:
    """The links of a whole record by field, in order."""
    found: dict[str, tuple[Link, ...]] = {}
    for name, there in event.links.items():
        ids: Sequence[str] = event.values[name]
        own = {} if isinstance(event, RecordCreated) else event.own_places
        here: Sequence[int] = own.get(name, range(len(ids)))
        found[name] = tuple(
            Link(RecordId(one), there[one], place)
            for one, place in zip(ids, here, strict=True)
        )
    return found
