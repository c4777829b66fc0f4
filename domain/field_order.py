"""The order of a table's fields.  Pure.

An order is kept as the fields' positions, so it is changed by what changes a field and
taken back the same way.  Deleted fields keep their positions and come back to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.access import Role
from domain.catalog import Field
from domain.decider import decides
from domain.errors import Invalid, NotFound
from domain.events import Command, Event
from domain.facts import Facts
from domain.field import FieldUpdated
from domain.ids import FieldId, TableId


@dataclass(frozen=True, slots=True)
class ReorderFields(Command):
    """Those named come first, in this order; the rest follow as they were."""

    table_id: TableId
    field_ids: Sequence[FieldId]


@decides(ReorderFields, role=Role.admin)
def _reorder(command: ReorderFields, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.live_table(command.table_id)
    named = list(command.field_ids)
    if len(set(named)) < len(named):
        raise Invalid("A field is named twice")
    if any(one not in table.by_id for one in named):
        raise NotFound("Field not found")
    rest = [one for one in table.fields if one.id not in named]
    wanted = [table.by_id[one] for one in named] + rest
    return [
        FieldUpdated(
            one.id, table.id, {"position": {"from": one.position, "to": position}}
        )
        for one, position in zip(wanted, _positions(table.fields), strict=True)
        if one.position != position
    ]


def _positions(fields: Sequence[Field]) -> list[int]:
    """The positions that the fields have, made to rise where two are the same."""
    found: list[int] = []
    for one in fields:
        found.append(max(one.position, found[-1] + 1) if found else one.position)
    return found
