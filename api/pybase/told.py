"""How PyBase tells of what happened: names of today, values as records show them.

A field is called by its present name.  One that is deleted keeps its last name, unless
another field of the table has it: then it goes by its id.  A value is read by the type
that its field had when the event was written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from api.pybase import present
from domain.catalog import Field, Table
from domain.changes import Change, Linked, changes_of, number_of
from domain.errors import Invalid
from domain.events import Event, Recorded
from domain.retype import FieldConverted
from domain.timeline import Timeline

NULL = orjson.Fragment(b"null")
Told = dict[str, Any]


@dataclass(frozen=True)
class Telling:
    """One table as history tells of it."""

    table: Table
    timelines: Mapping[str, Timeline]
    _showers: dict[int, Callable[[Any, int], bytes]] = field(default_factory=dict)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Of every field, by id."""
        return names_of(self.table)

    def field_of(self, name: str) -> Field:
        """A field by its name, else by its id, deleted ones too.  Raises Invalid."""
        found = self.table.find_field(name)
        if found is not None:
            return found
        for one in self.table.all_fields.values():
            if name in (one.id, self.names[one.id]):
                return one
        raise Invalid(f"Unknown field {name[:80]!r}", field="field")

    def changes(self, recorded: Recorded, record_id: str) -> Mapping[str, Told]:
        """What an event did to a record, by field id."""
        event = recorded.event
        found = {
            field_id: self._change(field_id, change, recorded)
            for field_id, change in changes_of(event, record_id).items()
            if field_id in self.table.all_fields
        }
        number = number_of(event)
        if number is None:
            return found
        return {**found, **self._numbers(number, recorded)}

    def _change(self, field_id: str, change: Change, recorded: Recorded) -> Told:
        if isinstance(change, Linked):
            return {"added": change.added, "removed": change.removed}
        after = self.timelines[field_id].at(recorded.seq)
        before = after
        if isinstance(recorded.event, FieldConverted):
            before = self.timelines[field_id].before_conversion(recorded.seq)
        made, unmade = _appearing(recorded.event)
        return {
            "from": NULL if made else self.shown(before, change.before),
            "to": NULL if unmade else self.shown(after, change.after),
        }

    def shown(self, form: Field, kept: Any, number: int = 0) -> orjson.Fragment:
        """A kept value as records show it; `number` is the record's."""
        return orjson.Fragment(self.text(form, kept, number))

    def text(self, form: Field, kept: Any, number: int = 0) -> bytes:
        """The same as JSON.  `form` is one of the timelines', which outlive what is
        kept of them here."""
        show = self._showers.get(id(form))
        if show is None:
            show = self._showers[id(form)] = present.shower(form)
        if form.type == "autonumber" and kept is not None:
            number = int(kept)
        return show(kept, number)

    def _numbers(self, number: int, recorded: Recorded) -> dict[str, Told]:
        """An autonumber is the record's number: it comes and goes with the record."""
        _, unmade = _appearing(recorded.event)
        found: dict[str, Told] = {}
        for one in self.table.all_fields.values():
            form = self.timelines[one.id].at(recorded.seq)
            if one.deleted or form.type != "autonumber":
                continue
            shown = self.shown(form, None, number)
            found[one.id] = (
                {"from": shown, "to": NULL} if unmade else {"from": NULL, "to": shown}
            )
        return found


def _appearing(event: Event) -> tuple[bool, bool]:
    """Whether the event makes the record, and whether it takes it away."""
    made = event.TYPE in ("record.created", "record.restored")
    return made, event.TYPE == "record.deleted"


def names_of(table: Table) -> Mapping[str, str]:
    times: dict[str, int] = {}
    for one in table.all_fields.values():
        key = one.name.casefold()
        times[key] = times.get(key, 0) + 1
    return {
        one.id: one.id if one.deleted and times[one.name.casefold()] > 1 else one.name
        for one in table.all_fields.values()
    }
