"""Forms: what they ask for, and what somebody filled in."""

from typing import Any

from api.http import Reply, Request, json_reply
from api.pybase import present, shapes
from api.pybase.records import as_one, created
from api.pybase.tables import see
from api.writing import committed, etag, write
from commands import forms
from commands.system import System
from commands.unit import Outcome
from commands.write import Prepared
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import Invalid


async def get_form(system: System, request: Request) -> Reply:
    view_id = request.id("id", "view")
    catalog = await see(system, request, "view", view_id)
    view, table, fields = forms.form(catalog, view_id)
    headers = {"etag": etag(view.version)}
    return json_reply(present.form(view, table, fields), headers=headers)


def _filled_in(request: Request) -> dict[str, Any]:
    """The values, under `fields` or `data` as records have them."""
    body = request.object
    fields = body.get("fields", body.get("data"))
    if not isinstance(fields, dict):
        request.shape(shapes.SubmitForm)
        raise Invalid()
    return fields


async def submit_form(system: System, request: Request) -> Reply:
    view_id = request.id("id", "view")
    given = _filled_in(request)
    workspace_id = await system.reader.find(request.who, "view", view_id)

    def prepare(catalog: Catalog) -> Prepared:
        table, commands = forms.submit(catalog, view_id, given)

        def render(outcome: Outcome) -> Reply:
            (text,) = created(outcome, table.id)
            return committed(outcome, 201, text, 1)

        return Prepared(commands, render)

    return await as_one(write(system, request, workspace_id, Role.editor, prepare))
