"""What a run of events comes to for one record: as it was before them and after.  Pure.

Only what the events touch is known of a record that is there at both moments; all of it
is known as soon as an event makes or deletes it.  A list of links that only its other
ends have written is known by what came and went.
"""

from collections.abc import Iterable, Mapping, Sequence
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

    def before(self, after: Mapping[str, int]) -> dict[str, int]:
        return _relisted(after, self.removed, self.added)


@dataclass(slots=True)
class NetChange:
    """A record over a run of events, which `add` takes in their order.

    `before` and `after`: kept values by field id; `before_at` and `after_at` tell by
    which event each is known, for it is read as its field was then: (position, whether
    a change of type found it there).  `made_at` is the position of the
    event that made the record within the run; `created` (at, by) where an event says
    so.  `first` is the version that the run began with, `last` the record's newest one
    with its position.
    """

    record_id: str
    there_before: bool = True
    there_after: bool = True
    before: dict[str, Value] = field(default_factory=dict)
    after: dict[str, Value] = field(default_factory=dict)
    before_at: dict[str, tuple[int, bool]] = field(default_factory=dict)
    after_at: dict[str, int] = field(default_factory=dict)
    number: int = 0
    made_at: int | None = None
    created: tuple[str, str] | None = None
    first: int | None = None
    last: tuple[int, int] = (0, 0)
    _whole: bool = False  # all of it is known: what is missing is empty
    _ends: dict[str, _Ends] = field(default_factory=dict)
    # of the lists in `after`: other record -> its place
    _places: dict[str, dict[str, int]] = field(default_factory=dict)

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
                self._vanish(seq, event)
            case RecordUpdated(changes=changes):
                for name, change in changes.items():
                    self._write(seq, name, change, converted=False)
            case RecordLinksChanged():
                self._link(seq, event)
            case FieldConverted(field_id=field_id, values=values):
                change = values[self.record_id]
                self._write(seq, field_id, change, converted=True)
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
        self.after_at = dict.fromkeys(self.after, seq)
        self._places = {
            name: _placed(event.values[name], _own(event, name)) for name in event.links
        }

    def _vanish(self, seq: int, event: RecordDeleted) -> None:
        values = _full(event.values)
        if not self._whole:
            for name, ends in self._ends.items():
                places = _placed(values.get(name), _own(event, name))
                self.before[name] = _listed(ends.before(places))
            self.before = {**values, **self.before}
            self.before_at = {
                **dict.fromkeys(self.before, (seq, False)),
                **self.before_at,
            }
        self.number = event.number
        self.created = (event.created_at, event.created_by)
        self.there_after, self._whole = False, True
        self.after, self._places, self._ends = {}, {}, {}

    def _write(
        self, seq: int, name: str, change: Mapping[str, Any], *, converted: bool
    ) -> None:
        own: Mapping[str, Any] = change.get("own_places", {})
        if not self._whole and name not in self.before:
            ends = self._ends.pop(name, None)
            before = change["from"]
            if ends is not None:
                before = _listed(ends.before(_placed(before, own.get("from"))))
            self.before[name], self.before_at[name] = before, (seq, converted)
        self.after[name], self.after_at[name] = change["to"], seq
        if "added" in change:
            self._places[name] = _placed(change["to"], own.get("to"))

    def _link(self, seq: int, event: RecordLinksChanged) -> None:
        name = event.field_id
        if self._whole or name in self.after:
            places = self._places.get(name, {})
            added, removed = dict(event.added), dict(event.removed)
            self._places[name] = _relisted(places, added, removed)
            self.after[name] = _listed(self._places[name])
            self.after_at[name] = seq
        else:
            self._ends.setdefault(name, _Ends()).write(event)


def _full(values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value is not None}


def _by_place(ends: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(ends, key=lambda one: ends[one]))


def _own(event: RecordCreated | RecordRestored | RecordDeleted, name: str) -> Any:
    """The places in a list of links; None: numbered from 0."""
    return None if isinstance(event, RecordCreated) else event.own_places.get(name)


def _placed(value: Value, places: Sequence[int] | None) -> dict[str, int]:
    """A list of links with its places."""
    listed = value if isinstance(value, list) else []
    return dict(zip(listed, places or range(len(listed)), strict=False))


def _listed(places: Mapping[str, int]) -> Value:
    """A list of links as records show it."""
    return sorted(places, key=lambda one: (places[one], one)) or None


def _relisted(
    places: Mapping[str, int], added: Mapping[str, int], gone: Iterable[str]
) -> dict[str, int]:
    without = set(gone)
    kept = {one: place for one, place in places.items() if one not in without}
    return kept | dict(added)
