"""A change of type: its command, its events, and how it is taken back.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import Json
from domain.events import UPCASTERS, Command, Event, Inverse, event
from domain.ids import FieldId, TableId


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
