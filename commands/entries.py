"""Writes of records with keys that their table has no field for.

Those lie in one field of the table (`domain/other_data.py`).  Where it is not there
yet, the write makes it in its own unit: two that need it at once make one, for the
second is prepared anew on the table as the first one left it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from commands.parts import in_stages
from commands.records import new_ids
from commands.rehearsing import Rehearsal
from commands.system import new_id, now, time_text
from commands.unit import Part, Reply
from commands.write import Prepared, Render
from domain.catalog import Catalog, Table
from domain.events import Actor, Command
from domain.field import KeepOther
from domain.ids import FieldId
from domain.record import Change, CreateRecords, UpdateRecords
from domain.values import Value, json_text

Values = Mapping[str, Value]
_MADE = Reply(200, b"")  # of the field alone: nobody reads it


def create(
    catalog: Catalog, actor: Actor, table: Table, values: Values, other: Any
) -> Callable[[Render], Prepared]:
    """A new record; `other` are its keys without a field.  Raises BadValue where they
    cannot be kept."""
    kept = json_text(other) if other else None

    def made(grown: Table) -> Command:
        (record_id,) = new_ids(grown, 1)
        whole = _with_other(grown, values, kept)
        return CreateRecords(grown.id, grown.schema_seq, [(record_id, whole)])

    return _preparing(catalog, actor, table, made, needed=kept is not None)


def update(
    catalog: Catalog,
    actor: Actor,
    table: Table,
    change: Change,
    other: Mapping[str, Any],
) -> Callable[[Render], Prepared]:
    """A change of a record; the keys of `other` are merged with those that are there,
    null takes one away."""
    kept = json_text(other) if other else None
    adds = any(one is not None for one in other.values())

    def made(grown: Table) -> Command:
        merged = frozenset() if grown.other is None else frozenset([grown.other.id])
        whole = Change(
            change.record_id,
            _with_other(grown, change.values, kept),
            change.if_match,
            merged=merged if kept is not None else frozenset(),
        )
        return UpdateRecords(grown.id, grown.schema_seq, [whole])

    return _preparing(catalog, actor, table, made, needed=adds)


def _with_other(table: Table, values: Values, kept: str | None) -> Values:
    if kept is None or table.other is None:
        return values
    return {**values, table.other.id: kept}


def _preparing(
    catalog: Catalog,
    actor: Actor,
    table: Table,
    made: Callable[[Table], Command],
    *,
    needed: bool,
) -> Callable[[Render], Prepared]:
    """`needed`: whether there has to be a field for other data."""
    if not needed or table.other is not None:
        command = made(table)
        return lambda render: Prepared([command], render)
    keep = KeepOther(table.id, FieldId(new_id()))
    rehearsal = Rehearsal(catalog, actor, time_text(now()))
    rehearsal.play([keep])
    command = made(rehearsal.catalog.live_table(table.id))

    def prepared(render: Render) -> Prepared:
        parts = [Part([keep], lambda _: _MADE), Part([command], render)]
        return Prepared(
            [keep, command],
            lambda outcome: outcome.replies[-1],
            parts=in_stages(parts, catalog.seq),
        )

    return prepared
