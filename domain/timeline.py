"""What a field was when an event was written: its type and options then.  Pure.

A value is kept as its field's type of the day keeps it, so it is read by that type.
The name is always the present one, and so is a choice's where the choice is still
there.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.catalog import Field
from domain.errors import Json
from domain.events import Recorded
from domain.field import FieldUpdated
from domain.retype import FieldRetyped


@dataclass(frozen=True)
class Timeline:
    """A field's forms, oldest first, each with the position that it is there from.

    `retyped`: which of them a change of type made.
    """

    since: tuple[int, ...]
    forms: tuple[Field, ...]
    retyped: frozenset[int]

    def at(self, position: int) -> Field:
        """The field as it was right after a position."""
        return self.forms[max(bisect_right(self.since, position) - 1, 0)]

    def before_conversion(self, position: int) -> Field:
        """What the field was before the change of type that a position belongs to."""
        place = bisect_right(self.since, position) - 1
        while place > 0 and self.since[place] not in self.retyped:
            place -= 1
        return self.forms[max(place - 1, 0)]


def timeline(field: Field, events: Iterable[Recorded]) -> Timeline:
    """`events`: all of the field's own, in order."""
    form, since, forms, retyped = field, [], [field], set()
    for recorded in reversed(list(events)):
        event = recorded.event
        if not isinstance(event, FieldUpdated | FieldRetyped):
            continue
        before = _before(form, event.changes)
        if before is None:
            continue
        if isinstance(event, FieldRetyped):
            retyped.add(recorded.seq)
        form = before
        since.append(recorded.seq)
        forms.append(form)
    named = [_with_present_choices(one, field) for one in reversed(forms)]
    return Timeline((0, *reversed(since)), tuple(named), frozenset(retyped))


def _before(form: Field, changes: Mapping[str, Any]) -> Field | None:
    """The form that a change found; None where it left type and options alone."""
    was = {
        name: changes[name]["from"]
        for name in ("type", "options", "slot")
        if name in changes
    }
    return replace(form, **was) if was else None


def _with_present_choices(form: Field, present: Field) -> Field:
    if form is present or not form.choices or not present.choices:
        return form
    now = {choice["id"]: choice for choice in present.choices}
    choices: list[Json] = [now.get(one["id"], dict(one)) for one in form.choices]
    return replace(form, options={**form.options, "choices": choices})
