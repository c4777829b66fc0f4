"""The one field of a table that holds whatever it has no field for.  Pure.

Every editor's write may need it, so an editor may make it; two that need it at once
make one.  Its keys are merged by `domain/record`.
"""

from collections.abc import Sequence

from domain.access import Role, may
from domain.catalog import Catalog
from domain.decider import asks, decides
from domain.events import Event
from domain.facts import Facts, Needs
from domain.field import (
    DropOther,
    FieldCreated,
    FieldDeleted,
    KeepOther,
    api_name_of,
    free_name,
    next_position,
    room_for,
)

OTHER_DATA = "Other data"


@decides(KeepOther, role=Role.editor)
def _keep_other(command: KeepOther, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.live_table(command.table_id)
    if table.other is not None:
        return []
    room_for(1, table)
    name = free_name(table, OTHER_DATA)
    return [
        FieldCreated(
            command.field_id,
            table.id,
            name,
            "json",
            {"other": True},
            False,
            None,
            next_position(table),
            not table.all_fields,
            api_name_of(name, table),
        )
    ]


@asks(DropOther)
def _drop_needs(command: DropOther, _catalog: Catalog, needs: Needs) -> None:
    needs.few.add((command.table_id, command.field_id))


@decides(DropOther, role=Role.editor)
def _drop_other(command: DropOther, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.table_of_field.get(command.field_id)
    field = None if table is None else table.by_id.get(command.field_id)
    if table is None or field is None or not _may_take_fields(facts):
        return []
    values = facts.few.get(field.id, {})
    if values is None or any(one is not None for one in values.values()):
        return []
    return [FieldDeleted(field.id, table.id, field.name)]


def _may_take_fields(facts: Facts) -> bool:
    if facts.actor.kind == "system":
        return True
    return may(facts.catalog.role_of(facts.actor.id), Role.admin)
