"""The feed of a workspace's events: a cursor that never skips."""

import re

import orjson

from api.http import Reply, Request
from commands.system import System
from domain.errors import Invalid
from domain.ids import WorkspaceId
from projections.log import PAGE, Envelope

MOST = 1000
LOOK_AT = 5000  # events a page walks over at the most when a filter leaves few
_TYPE = r"([a-z_]+(\.([a-z_]+|\*))?|\*)"
TYPES = rf"^({_TYPE}(,{_TYPE}){{0,49}})?$"  # at most 50


def _number(request: Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid(f"{name} must be a whole number", field=name)
    number = int(text)
    if not low <= number <= high:
        raise Invalid(f"{name} must be from {low} to {high}", field=name)
    return number


def _types(request: Request) -> str | None:
    """`record.*,field.created` as LIKE patterns, in an array's literal."""
    text = request.query.get("types")
    if not text:
        return None
    if not re.fullmatch(TYPES.rstrip("$"), text):
        raise Invalid("types must be names such as record.*", field="types")
    patterns = [one.replace("_", r"\_").replace("*", "%") for one in text.split(",")]
    return (
        "{" + ",".join('"' + one.replace("\\", "\\\\") + '"' for one in patterns) + "}"
    )


async def list_events(system: System, request: Request) -> Reply:
    found_id = request.query_id("workspace_id", "workspace")
    if found_id is None:
        raise Invalid(
            errors=[
                {"loc": ["workspace_id"], "msg": "Field required", "type": "missing"}
            ]
        )
    workspace_id = WorkspaceId(found_id)
    after = _number(request, "after", 0, 0, 10**18 - 1)
    limit = _number(request, "limit", 500, 1, MOST)
    types, table_id = _types(request), request.query_id("table_id", "table")
    look_at = limit if types is None and table_id is None else LOOK_AT
    found = await system.reader.ask(
        request.who,
        workspace_id,
        lambda _: [
            (
                PAGE,
                {
                    "workspace_id": workspace_id,
                    "after": after,
                    "look_at": look_at,
                    "types": types,
                    "table_id": table_id,
                    "limit": limit,
                },
            )
        ],
        min_position=request.min_position,
    )
    items = [Envelope(*row) for row in found.results[0]]
    # the head was read before the page, so everything to it was looked at
    head = found.position
    if len(items) == limit:
        looked_at = items[-1].seq
    else:
        looked_at = max(after, min(after + look_at, head), *(e.seq for e in items[-1:]))
    return Reply(
        200,
        orjson.dumps(
            {
                "items": [one.json() for one in items],
                "next": looked_at,
                "head": max(head, looked_at if items else 0),
            }
        ),
    )
