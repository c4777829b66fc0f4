"""What one event says of one record, field by field.  Pure.

    record.created, .restored   from nothing to a value
    record.updated              from a value to a value
    record.deleted              from a value to nothing
    field.converted             what a change of type made of the record's value
    record.links_changed        what came to a list of links and what went

The last one is written at the other end of a link, where nobody holds this record's
list: so it says what changed in it and not how it reads as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from domain.events import Event
from domain.record import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
)
from domain.retype import FieldConverted
from domain.values import Value


@dataclass(frozen=True, slots=True)
class Written:
    """A value before and after, as they are kept; None: empty, or no record."""

    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Linked:
    """Other records that came to a list of links, in their order, and that went."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


Change: TypeAlias = Written | Linked


def changes_of(event: Event, record_id: str) -> Mapping[str, Change]:
    """By field id; nothing for an event that does not concern the record."""
    match event:
        case RecordCreated(values=values) | RecordRestored(values=values):
            return {
                name: Written(None, value)
                for name, value in values.items()
                if value is not None
            }
        case RecordDeleted(values=values):
            return {
                name: Written(value, None)
                for name, value in values.items()
                if value is not None
            }
        case RecordUpdated(changes=changes):
            return {
                name: Written(one["from"], one["to"]) for name, one in changes.items()
            }
        case RecordLinksChanged(field_id=field_id):
            return {field_id: Linked(_in_order(event.added), _in_order(event.removed))}
        case FieldConverted(field_id=field_id, values=values) if record_id in values:
            one = values[record_id]
            return {field_id: Written(one["from"], one["to"])}
        case _:
            return {}


def number_of(event: Event) -> int | None:
    """The record's number, where the event makes, restores or deletes it."""
    match event:
        case (
            RecordCreated(number=number)
            | RecordRestored(number=number)
            | RecordDeleted(number=number)
        ):
            return number
        case _:
            return None


def _in_order(ends: list[Any]) -> tuple[str, ...]:
    """The records of [[record, place], …], by place."""
    return tuple(one for one, _ in sorted(ends, key=lambda end: end[1]))
