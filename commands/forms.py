"""Forms: from what somebody filled in to a command."""

from collections.abc import Mapping, Sequence
from typing import Any

from commands.records import create
from domain.catalog import Catalog, Table, View
from domain.errors import Invalid, Json, NotFound
from domain.events import Command
from domain.layout import FormField, form_fields
from domain.record import REQUIRED
from domain.view import ExpectView


def form(catalog: Catalog, view_id: str) -> tuple[View, Table, Sequence[FormField]]:
    """A view that is a form, with what it asks for.  Raises NotFound."""
    view = catalog.live_view(view_id)
    if view.type != "form":
        raise NotFound("The view is not a form")
    table = catalog.live_table(view.table_id)
    return view, table, form_fields(view, table)


def submit(
    catalog: Catalog, view_id: str, given: Mapping[str, Any]
) -> tuple[Table, list[Command]]:
    """A record of the form's fields, by name or id; the form has to be the one that was
    read.

    Raises Invalid for a field that is not on the form, for an empty one that the form
    or the table requires, and for a value that its field does not take.
    """
    view, table, asked = form(catalog, view_id)
    on_form = {one.field.id for one in asked}
    strange = [
        name
        for name in given
        if name not in table.readers or table.readers[name][0].id not in on_form
    ]
    if strange:
        raise _problems(strange, "Field is not on the form", "value_error.unknown")
    _, command = create(catalog, table.id, [given])
    ((_, values),) = command.records
    empty = [
        one.field.name for one in asked if one.required and one.field.id not in values
    ]
    if empty:
        raise _problems(empty, "Field is required", REQUIRED)
    return table, [ExpectView(view.id, view.version), command]


def _problems(names: Sequence[str], message: str, kind: str) -> Invalid:
    errors: list[Json] = [
        {"loc": [name[:255]], "msg": message, "type": kind} for name in names
    ]
    return Invalid(errors=errors)
