"""How the values of a field are converted, and which facts that takes.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from domain.catalog import Catalog, Field, Table
from domain.conversions import Conversion, Turn, conversion_of, find, out_form
from domain.decider import asks
from domain.errors import Json
from domain.facts import Cell, Facts, Needs, Stretch
from domain.ids import TableId
from domain.retype.events import RetypeField
from domain.values import BadValue, Value

RESTORE = "restore-1"


def _linked_table(options: Mapping[str, Json], catalog: Catalog) -> Table | None:
    return catalog.tables.get(TableId(str(options.get("linked_table_id"))))


def _naming_field(table: Table) -> Field | None:
    """Whose values the records are called by: the primary field's; that of a table
    without fields still tells which records there are."""
    return table.primary or next(iter(table.all_fields.values()), None)


@asks(RetypeField)
def _needs(command: RetypeField, catalog: Catalog, needs: Needs) -> None:
    table = catalog.table_of_field.get(command.field_id)
    options = [command.options]
    if table is not None:
        options.append(table.all_fields[command.field_id].options)
    for one in options:
        other = _linked_table(one, catalog)
        name = _naming_field(other) if other else None
        if other is not None and name is not None:
            needs.columns.add((other.id, name.id))


def _names(turn_of: Sequence[Field], facts: Facts) -> dict[str, str | None]:
    """What the records at the other end of either link are called."""
    for one in turn_of:
        if one.type != "linked_record":
            continue
        other = _linked_table(one.options, facts.catalog)
        name = _naming_field(other) if other else None
        if name is None:
            return {}
        # the field may be the one that is being changed: its column is of before
        name = next((known for known in turn_of if known.id == name.id), name)
        shown = name.type != "linked_record" and not name.kind.computed
        return {
            record: out_form(value, name) if shown else None
            for record, value in facts.columns.get(name.id, {}).items()
        }
    return {}


class Places(NamedTuple):
    """Of links: their record's places in the lists of others, theirs in its own."""

    there: Mapping[str, int]
    own: Sequence[int] | None


UNKNOWN = Places({}, None)


@dataclass(frozen=True)
class Work:
    """How the values of a field are converted."""

    table: Table
    turn: Turn
    conversion: Conversion
    restores: str | None
    stretches: Any  # () -> the column's stretches, anew at each call

    def become(self, cell: Cell, stretch: Stretch) -> tuple[Value, "Places"]:
        """The value, and the places of links where an earlier event knows them.

        Raises BadValue where it does not convert.
        """
        known = stretch.before.get(cell.record_id)
        if known is not None and known["to"] == cell.value:
            self._still_there(known["from"])
            own = known.get("own_places", {}).get("from")
            return known["from"], Places(known.get("removed", {}), own)
        if cell.value is None:
            return None, UNKNOWN
        return self.conversion.convert(cell.value, self.turn), UNKNOWN

    def _still_there(self, value: Any) -> None:
        linked = value if self.turn.target.type == "linked_record" else None
        if linked and not self.turn.names.keys() >= set(linked):
            raise BadValue("A linked record is gone")


def work_of(
    source: Field, target: Field, restores: str | None, table: Table, facts: Facts
) -> Work:
    """The work of a change of type; of one that takes a conversion back, `restores`."""
    if restores is None:
        conversion = conversion_of(source.type, target.type)
    else:
        there = find(source.type, target.type)
        conversion = replace(there, name=RESTORE) if there else _ONLY_RESTORES
    return Work(
        table,
        Turn(source, target, _names((source, target), facts)),
        conversion,
        restores,
        lambda: facts.stretches(table, source, restores),
    )


def _written_since(_value: Any, _turn: Turn) -> Value:
    raise BadValue("Value was written since and does not go back")


_ONLY_RESTORES = Conversion(RESTORE, _written_since)
