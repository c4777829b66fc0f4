"""What a run of events comes to for one record: as it was before them and after.  Pure.

Only what the events touch is known of a record that is there at both moments; all of it
is known as soon as an event makes or deletes it.  A list of links that only its other
ends have written is known by what came and went.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.changes import Change, Linked, Written
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


@dataclass(slots=True)
class _Ends:
    """Other records that came and went, with their places in this one's list."""

    added: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)

    def write(self, event: RecordLinksChanged) -> None:
        for gone, others, items in (
            (self.added, self.removed, event.removed),
            (self.removed, self.added, event.added),
        ):
            for one, place in items:
                if gone.pop(one, None) is None:
                    others[one] = place

    def before(self, after: Value) -> Value:
        return _relisted(after, self.removed, self.added)


@dataclass(slots=True)
class NetChange:
    """A record over a run of events, which `add` takes in their order.

    `before` and `after`: kept values by field id.  `made_at` is the position of the
    event that made the record within the run; `created` (at, by) where an event says
    so.  `first` is the version that the run began with, `last` the record's newest one
    with its position.
    """

    record_id: str
    there_before: bool = True
    there_after: bool = True
    before: dict[str, Value] = field(default_factory=dict)
    after: dict[str, Value] = field(default_factory=dict)
    number: int = 0
    made_at: int | None = None
    created: tuple[str, str] | None = None
    first: int | None = None
    last: tuple[int, int] = (0, 0)
    _whole: bool = False  # all of it is known: what is missing is empty
    _ends: dict[str, _Ends] = field(default_factory=dict)

    def add(self, seq: int, version: int, event: Event) -> None:
        """`version` does not count for an event of another stream."""
        if not isinstance(event, FieldConverted):
            self.last = (version, seq)
            if self.first is None:
                self.first = version
        match event:
            case RecordCreated() | RecordRestored():
                self._appear(seq, event)
            case RecordDeleted():
                self._vanish(event)
            case RecordUpdated(changes=changes):
                for name, change in changes.items():
                    self._write(name, change)
            case RecordLinksChanged():
                self._link(event)
            case FieldConverted(field_id=field_id, values=values):
                self._write(field_id, values[self.record_id])
            case _:
                raise LookupError(f"no event of a record: {event.TYPE}")

    def changes(self) -> Mapping[str, Change]:
        """Of a record that is there at both moments; also what came to the same."""
        names = [*self.before, *(one for one in self.after if one not in self.before)]
        found: dict[str, Change] = {
            name: Written(self.before.get(name), self.after.get(name)) for name in names
        }
        for name, ends in self._ends.items():
            if ends.added or ends.removed:
                found[name] = Linked(_by_place(ends.added), _by_place(ends.removed))
        return found

    def _appear(self, seq: int, event: RecordCreated | RecordRestored) -> None:
        if not self._whole:
            self.there_before = False
        self.there_after = self._whole = True
        self.number = event.number
        self.made_at, self.created = seq, None
        if isinstance(event, RecordRestored):
            self.created = (event.created_at, event.created_by)
        self.after = _full(event.values)

    def _vanish(self, event: RecordDeleted) -> None:
        values = _full(event.values)
        if not self._whole:
            for name, ends in self._ends.items():
                self.before[name] = ends.before(values.get(name))
            self.before = {**values, **self.before}
        self.number = event.number
        self.created = (event.created_at, event.created_by)
        self.there_after, self._whole = False, True
        self.after, self._ends = {}, {}

    def _write(self, name: str, change: Mapping[str, Any]) -> None:
        if not self._whole and name not in self.before:
            ends = self._ends.pop(name, None)
            before = change["from"]
            self.before[name] = before if ends is None else ends.before(before)
        self.after[name] = change["to"]

    def _link(self, event: RecordLinksChanged) -> None:
        name = event.field_id
        if self._whole or name in self.after:
            added, removed = dict(event.added), dict(event.removed)
            self.after[name] = _relisted(self.after.get(name), added, removed)
        else:
            self._ends.setdefault(name, _Ends()).write(event)


def _full(values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value is not None}


def _by_place(ends: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(ends, key=lambda one: ends[one]))


def _relisted(value: Value, added: Mapping[str, int], gone: Iterable[str]) -> Value:
    """A list of links with some more, which stand behind the others, and some less."""
    kept = value if isinstance(value, list) else []
    without = set(gone) | set(added)
    listed = [one for one in kept if one not in without]
    return [*listed, *_by_place(added)] or None
