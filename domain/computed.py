"""Fields that the server computes: what they look at has to be there, and no circle.

Pure, and asked under the head's lock: of two changes that together make a circle the
second one is refused.  A formula names fields as its author does; what is kept names
them by id (`{id}`), so that a rename leaves it right.
"""

from collections.abc import Iterable, Mapping

from domain.catalog import Catalog, Field, Table
from domain.errors import Invalid, Json
from domain.ids import FieldId, TableId
from domain.values import formula

# type -> the option that names the field in the linked table
_LOOKED_UP = {"lookup": "lookup_field_id", "rollup": "rollup_field_id"}


def settled_options(
    type_name: str,
    options: Mapping[str, Json],
    table: Table,
    catalog: Catalog,
    own: str,
) -> dict[str, Json]:
    """A field's options as they are kept.  `own` is the field's id.

    Raises Invalid where a field that it looks at is not there, and for a circle.
    """
    if type_name in _LOOKED_UP:
        _linked(options, _LOOKED_UP[type_name], table, catalog)
    elif type_name == "formula":
        options = {**options, "formula": _by_ids(str(options["formula"]), table)}
    else:
        return dict(options)
    _no_circle(own, _looks_at(type_name, options), catalog)
    return dict(options)


def shown_options(field: Field, table: Table) -> dict[str, Json]:
    """The options as clients read them: a formula with the present names."""
    if field.type != "formula":
        return dict(field.options)

    def name(reference: str) -> str:
        known = table.all_fields.get(FieldId(reference))
        return reference if known is None else known.name

    text = str(field.options["formula"])
    return {**field.options, "formula": formula.renamed(text, name)}


def _refusal(option: str | None, message: str) -> Invalid:
    place: list[Json] = ["options"] if option is None else ["options", option]
    problem: dict[str, Json] = {"loc": place, "msg": message, "type": "value_error"}
    return Invalid(message, errors=[problem])


def _linked(
    options: Mapping[str, Json], option: str, table: Table, catalog: Catalog
) -> None:
    link = table.by_id.get(str(options["linked_field_id"]))
    if link is None or link.type != "linked_record":
        raise _refusal(
            "linked_field_id", "linked_field_id must be a link field of this table"
        )
    other = catalog.tables.get(TableId(str(link.options["linked_table_id"])))
    if other is None or other.deleted or str(options[option]) not in other.by_id:
        raise _refusal(option, f"{option} must be a field of the linked table")


def _by_ids(text: str, table: Table) -> str:
    def found(reference: str) -> str:
        known = table.by_id.get(reference) or table.by_name.get(reference)
        if known is None:
            raise _refusal(
                "formula", f"Unknown field {reference[:80]!r} in the formula"
            )
        return known.id

    return formula.renamed(text, found)


def _looks_at(type_name: str, options: Mapping[str, Json]) -> list[str]:
    """The ids of the fields that a field's values follow from."""
    if type_name == "formula":
        return formula.references(str(options["formula"]))
    if type_name in _LOOKED_UP:
        return [str(options["linked_field_id"]), str(options[_LOOKED_UP[type_name]])]
    return []


def _no_circle(own: str, first: Iterable[str], catalog: Catalog) -> None:
    """Follows deleted fields too, so that none comes back into a circle."""
    seen: set[str] = set()
    waiting = list(first)
    while waiting:
        one = waiting.pop()
        if one == own:
            raise _refusal(None, "The field would be computed from itself")
        table = catalog.table_of_field.get(one)
        if one in seen or table is None:
            continue
        seen.add(one)
        known = table.all_fields[FieldId(one)]
        waiting += _looks_at(known.type, known.options)
