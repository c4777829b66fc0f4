"""Which column goes into which field: as a client says it, and as it is proposed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from commands.importing.sheet import Sheet
from commands.schema import NewField, create_field
from domain import nouns  # noqa: F401 - fills the deciders
from domain.catalog import Catalog, Field, Table
from domain.decider import decide, evolve
from domain.errors import Invalid
from domain.events import Recorded
from domain.facts import Facts
from domain.field import CreateField
from domain.record import REQUIRED
from domain.values import FIELD_TYPES, MAX_CHOICES

# column -> a field's name or id, a field to be made, None to leave the column out
Mapped: TypeAlias = Mapping[str, str | NewField | None]


@dataclass(frozen=True)
class Plan:
    """`table` and `catalog` are as the new fields will have left them; `columns` are
    (place in a row, the column's name, its field)."""

    catalog: Catalog
    table: Table
    new: Sequence[CreateField]
    columns: Sequence[tuple[int, str, Field]]


def proposed(sheet: Sheet, table: Table) -> dict[str, Field | None]:
    """For each column the field of its name, ignoring case, if it can be written."""
    taken: set[str] = set()
    found: dict[str, Field | None] = {}
    for column in sheet.columns:
        one = table.by_folded_name.get(column.casefold())
        usable = one is not None and one.kind.writable and one.id not in taken
        found[column] = one if usable else None
        if one is not None:
            taken.add(one.id)
    return found


async def plan(
    sheet: Sheet, catalog: Catalog, table_id: str, mapped: Mapped | None
) -> Plan:
    """What an import would write where.

    A column that is not named goes into the field of its own name; where there is none
    it has to be left out in so many words.  Raises NotFound, and Invalid with every
    problem: {loc: ["mapping", column], msg, type}.
    """
    table = catalog.live_table(table_id)
    wanted = _wanted(sheet, table, mapped)
    new = {
        column: create_field(table.id, await _with_choices(sheet, column, one))
        for column, one in wanted.items()
        if isinstance(one, NewField)
    }
    after = _grown(catalog, list(new.values()))
    grown = after.live_table(table_id)
    columns = []
    for place, column in enumerate(sheet.columns):
        target = wanted[column]
        if isinstance(target, NewField):
            columns.append((place, column, grown.by_id[new[column].field_id]))
        elif target is not None:
            columns.append((place, column, target))
    _nothing_required_is_missing(grown, columns)
    return Plan(after, grown, list(new.values()), columns)


def _wanted(
    sheet: Sheet, table: Table, mapped: Mapped | None
) -> dict[str, Field | NewField | None]:
    by_name = proposed(sheet, table)
    given = mapped or {}
    problems = [
        _problem(column, "The file has no such column")
        for column in given
        if column not in by_name
    ]
    wanted: dict[str, Field | NewField | None] = {}
    holders: dict[str, str] = {}
    for column in sheet.columns:
        try:
            found = _target(column, by_name[column], given, table)
        except Invalid as error:
            problems.append(_problem(column, error.detail))
            continue
        wanted[column] = found
        if isinstance(found, Field):
            other = holders.setdefault(found.id, column)
            if other != column:
                said = f"The column {other!r} goes into this field already"
                problems.append(_problem(column, said))
    if problems:
        raise Invalid("The mapping cannot be used", errors=problems)
    if not any(wanted.values()):
        raise _refused("*", "No column goes into a field")
    return wanted


def _target(
    column: str, by_name: Field | None, given: Mapped, table: Table
) -> Field | NewField | None:
    if column not in given:
        if by_name is None:
            raise Invalid(
                "No field has this name: name one, make a new one, or say null to"
                " leave the column out"
            )
        return by_name
    target = given[column]
    if isinstance(target, str):
        found = table.find_field(target) or table.by_folded_name.get(target.casefold())
        if found is None:
            raise Invalid("The table has no such field")
        if not found.kind.writable:
            raise Invalid("The field is read-only")
        return found
    if isinstance(target, NewField):
        kind = FIELD_TYPES.get(target.type)
        if target.type == "linked_record" or (kind and not kind.writable):
            raise Invalid(f"An import makes no field of type {target.type}")
    return target


async def _with_choices(sheet: Sheet, column: str, wanted: NewField) -> NewField:
    """A new field with choices that nobody named has those that the column holds."""
    if wanted.type != "single_select" or "choices" in wanted.options:
        return wanted
    place = list(sheet.columns).index(column)
    found = await sheet.different(place, MAX_CHOICES)
    if len(found) > MAX_CHOICES:
        raise _refused(column, f"There are more than {MAX_CHOICES:,} different values")
    options = {**wanted.options, "choices": [{"name": one} for one in found]}
    return NewField(
        wanted.name, wanted.type, options, wanted.required, wanted.description
    )


def _grown(catalog: Catalog, new: Sequence[CreateField]) -> Catalog:
    """The catalogue with the new fields, as the committer will have it."""
    facts = Facts(catalog)
    for command in new:
        for event in decide(command, facts):
            seq = facts.position + 1
            evolve(facts, Recorded(catalog.id, seq, 1, "", facts.actor, event))
    return facts.catalog


def _nothing_required_is_missing(
    table: Table, columns: Sequence[tuple[int, str, Field]]
) -> None:
    there = {one.id for _, _, one in columns}
    missing = [one for one in table.required if one.id not in there]
    if missing:
        items: list[Any] = [
            {
                "loc": ["mapping"],
                "msg": f"No column goes into the required field {one.name}",
                "type": REQUIRED,
            }
            for one in missing
        ]
        raise Invalid("The mapping cannot be used", errors=items)


def _problem(column: str, message: str) -> Any:
    return {"loc": ["mapping", column[:255]], "msg": message, "type": "value_error"}


def _refused(column: str, message: str) -> Invalid:
    return Invalid("The mapping cannot be used", errors=[_problem(column, message)])
