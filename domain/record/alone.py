"""One record along its own events, onwards and back, without the records around it.

    made(recorded)         the row that a creation or a restoration makes
    gone(recorded)         the row that a deletion took away
    onwards(row, recorded) the row after one more event
    back(row, event)       the row before the event that made it what it is

A row that was gone back to is right in values and links; its version, and by whom and
when it was changed last, are the earlier event's to say (`signed`).  What a change of
type did is no event of the record's: nobody goes over one with these.  Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from domain.events import Recorded
from domain.facts import Link, Row, in_order
from domain.ids import RecordId
from domain.record.events import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
    links_of,
)

Whole: TypeAlias = RecordCreated | RecordRestored | RecordDeleted
Changed: TypeAlias = RecordUpdated | RecordLinksChanged


def made(recorded: Recorded, event: RecordCreated | RecordRestored) -> Row:
    created = (recorded.at, recorded.actor.id)
    if isinstance(event, RecordRestored):
        created = (event.created_at, event.created_by)
    return signed(_whole(event, *created), recorded)


def gone(event: RecordDeleted) -> Row:
    """As it was; unsigned."""
    return _whole(event, event.created_at, event.created_by)


def _whole(event: Whole, created_at: str, created_by: str) -> Row:
    return Row(
        RecordId(event.record_id),
        event.table_id,
        event.number,
        0,
        {name: one for name, one in event.values.items() if name not in event.links},
        links_of(event),
        created_at,
        created_by,
        created_at,
        created_by,
    )


def signed(row: Row, recorded: Recorded) -> Row:
    """A row as the event left it that changed it last."""
    return replace(
        row,
        version=recorded.version,
        updated_at=recorded.at,
        updated_by=recorded.actor.id,
    )


def onwards(row: Row, recorded: Recorded, event: Changed) -> Row:
    return signed(_changed(row, event, "from", "to"), recorded)


def back(row: Row, event: Changed) -> Row:
    """Unsigned."""
    return _changed(row, event, "to", "from")


def _changed(row: Row, event: Changed, was: str, becomes: str) -> Row:
    if isinstance(event, RecordLinksChanged):
        ends = {"from": event.removed, "to": event.added}
        links = _relinked(row.links.get(event.field_id, ()), ends[was], ends[becomes])
        return replace(row, links={**row.links, event.field_id: links})
    values, lists = {**row.values}, {**row.links}
    for name, change in event.changes.items():
        if "added" in change:
            lists[name] = _listed(change[becomes] or (), change["own_places"][becomes])
        else:
            values[name] = change[becomes]
    return replace(row, values=values, links=lists)


def _relinked(
    links: Iterable[Link], gone: Iterable[Any], come: Iterable[Any]
) -> tuple[Link, ...]:
    """A list of links without some and with others, [[record, its place], …]."""
    found = {link.target: link for link in links}
    for one, _ in gone:
        found.pop(one, None)
    for one, place in come:
        found.setdefault(one, Link(RecordId(one), 0, place))
    return tuple(in_order(found.values()))


def _listed(ids: Sequence[str], places: Sequence[int] | None) -> tuple[Link, ...]:
    """A whole list; one of unknown places is numbered from 0."""
    return tuple(
        Link(RecordId(one), 0, place)
        for one, place in zip(ids, places or range(len(ids)), strict=True)
    )
