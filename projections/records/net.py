"""What a run of record events comes to: one change a record.

Pure.  A group's events may touch a record more than once; the tables are written once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.events import Recorded
from domain.facts import Link
from domain.record import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
    links_of,
)
from domain.values import Value


@dataclass(slots=True)
class Insert:
    """A row to be: system columns, then values by field."""

    id: str
    number: int
    version: int
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str
    values: dict[str, Value]


@dataclass(slots=True)
class Update:
    id: str
    version: int
    updated_at: str
    updated_by: str
    values: dict[str, Value]


@dataclass(slots=True)
class LinkWrite:
    """The links of one record through one field, in order, with their places in its
    list, and what is new or gone: other record -> this record's place there."""

    field_id: str
    record_id: str
    order: list[str]
    own_places: Sequence[int]
    added: Mapping[str, int]
    removed: Mapping[str, int]


@dataclass(slots=True)
class TableChanges:
    deletes: dict[str, None] = field(default_factory=dict)
    inserts: dict[str, Insert] = field(default_factory=dict)
    updates: dict[str, Update] = field(default_factory=dict)
    links: list[LinkWrite] = field(default_factory=list)  # `Changes.links`
    # unique keys go by what a record had and has, in the events' order
    keys: list[tuple[str, Mapping[str, Value], Mapping[str, Value]]] = field(
        default_factory=list
    )
    last_number: int = 0


@dataclass(slots=True)
class Changes:
    """By table id; but links in the events' order, for either end may write a link."""

    tables: dict[str, TableChanges] = field(default_factory=dict)
    links: list[LinkWrite] = field(default_factory=list)


def net(events: Iterable[Recorded]) -> Changes:
    found = Changes()
    tables = found.tables
    for recorded in events:
        event: Any = recorded.event
        changes = tables.get(event.table_id)
        if changes is None:
            changes = tables[event.table_id] = TableChanges(links=found.links)
        kind = type(event)
        if kind is RecordCreated:
            _insert(changes, recorded, event, recorded.at, recorded.actor.id)
        elif kind is RecordUpdated:
            _update(changes, recorded, event)
        elif kind is RecordLinksChanged:
            _touch(changes, recorded, event.record_id, {})
        elif kind is RecordDeleted:
            _delete(changes, event)
        elif kind is RecordRestored:
            _insert(changes, recorded, event, event.created_at, event.created_by)
        else:
            raise LookupError(f"no record event: {event.TYPE}")
    return found


def _insert(
    changes: TableChanges,
    recorded: Recorded,
    event: RecordCreated | RecordRestored,
    created_at: str,
    created_by: str,
) -> None:
    values = event.values
    if event.links:
        values = {name: one for name, one in values.items() if name not in event.links}
        for name, linked in links_of(event).items():
            changes.links.append(_all_new(name, event.record_id, linked))
    changes.inserts[event.record_id] = Insert(
        event.record_id,
        event.number,
        recorded.version,
        created_at,
        created_by,
        recorded.at,
        recorded.actor.id,
        values,
    )
    changes.keys.append((event.record_id, {}, values))
    changes.last_number = max(changes.last_number, event.number)


def _all_new(field_id: str, record_id: str, links: Sequence[Link]) -> LinkWrite:
    return LinkWrite(
        field_id,
        record_id,
        [link.target for link in links],
        [link.here for link in links],
        {link.target: link.there for link in links},
        {},
    )


def _update(changes: TableChanges, recorded: Recorded, event: RecordUpdated) -> None:
    values: dict[str, Value] = {}
    before: dict[str, Value] = {}
    for name, change in event.changes.items():
        if "added" in change:
            changes.links.append(
                LinkWrite(
                    name,
                    event.record_id,
                    list(change["to"] or ()),
                    change["own_places"]["to"],
                    change["added"],
                    change["removed"],
                )
            )
        else:
            values[name] = change["to"]
            before[name] = change["from"]
    _touch(changes, recorded, event.record_id, values)
    if values:
        changes.keys.append((event.record_id, before, values))


def _touch(
    changes: TableChanges,
    recorded: Recorded,
    record_id: str,
    values: dict[str, Value],
) -> None:
    known: Insert | Update | None = changes.inserts.get(record_id)
    if known is None:
        known = changes.updates.get(record_id)
    if known is None:
        changes.updates[record_id] = Update(
            record_id, recorded.version, recorded.at, recorded.actor.id, values
        )
        return
    known.version = recorded.version
    known.updated_at, known.updated_by = recorded.at, recorded.actor.id
    known.values = {**known.values, **values}


def _delete(changes: TableChanges, event: RecordDeleted) -> None:
    if changes.inserts.pop(event.record_id, None) is None:
        changes.deletes[event.record_id] = None
    changes.updates.pop(event.record_id, None)
    for name, places in event.links.items():
        changes.links.append(LinkWrite(name, event.record_id, [], [], {}, places))
    changes.keys.append((event.record_id, event.values, {}))
