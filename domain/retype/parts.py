"""The events that follow a change of type: what became of the values.  Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from domain.errors import Conflict
from domain.events import Recorded
from domain.facts import Facts, Stretch
from domain.ids import FieldId, TableId
from domain.record import RecordCreated, RecordDeleted, RecordRestored, RecordUpdated
from domain.retype.events import FieldConverted, FieldRetyped
from domain.retype.work import UNKNOWN, Work, work_of
from domain.values import BadValue

_OF_RECORDS = (RecordCreated, RecordUpdated, RecordDeleted, RecordRestored)


def parts_to_come(events: Sequence[Recorded]) -> int:
    """How many events follow those of a unit.

    Raises Conflict where it does other things too: the column that is read is the one
    before the unit.
    """
    found = [one.event for one in events if isinstance(one.event, FieldRetyped)]
    mixed = any(isinstance(one.event, _OF_RECORDS) for one in events)
    if found and (mixed or len(found) > 1):
        raise Conflict("A change of type is not made together with other changes")
    return sum(one.parts for one in found)


def parts(retyped: FieldRetyped, facts: Facts) -> Iterator[FieldConverted]:
    """The events that follow: the column is read once more, as it was.

    Each is to be folded in before the next one is asked for.
    """
    table = facts.catalog.tables[TableId(retyped.table_id)]
    target = table.all_fields[FieldId(retyped.field_id)]
    before = {name: change["from"] for name, change in retyped.changes.items()}
    source = replace(target, **before)
    work = work_of(source, target, retyped.restores, table, facts)
    for stretch in work.stretches():
        values = _converted(work, stretch, facts.position)
        if values:
            yield FieldConverted(
                retyped.conversion_id,
                table.id,
                target.id,
                stretch.after,
                stretch.upto,
                values,
                source.link_key if source.type == "linked_record" else None,
            )


def _converted(work: Work, stretch: Stretch, position: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    source, target = work.turn.source, work.turn.target
    given = 0
    for cell in stretch.cells:
        places = UNKNOWN
        try:
            value, places = work.become(cell, stretch)
        except BadValue:
            value = work.conversion.forced(cell.value, work.turn)
        if cell.value is None and value is None:
            continue
        one: dict[str, Any] = {"from": cell.value, "to": value}
        if "linked_record" in (source.type, target.type):
            one["own_places"] = {"from": list(cell.own_places), "to": []}
        if source.type == "linked_record":
            one["removed"] = dict(cell.places)
        if target.type == "linked_record":
            ids = value if isinstance(value, list) else []
            one["own_places"]["to"] = list(places.own or range(len(ids)))
            one["added"] = {}
            for other in ids:
                given += 1
                behind = ((position + 1) << 20) + given
                one["added"][other] = places.there.get(other, behind)
        values[cell.record_id] = one
    return values
