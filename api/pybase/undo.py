"""Undo and redo: `POST /undo`, `POST /redo`."""

from typing import Annotated, Any

import orjson
from pydantic import ConfigDict, Field

from api.http import Reply, Request, read_id
from api.shapes import Id, Shape
from api.writing import committed, once, reply_of
from commands.looking_back import Scope, Wanted
from commands.system import System
from commands.undo import Undone, undo
from commands.unit import Outcome
from domain.errors import Invalid, Json
from domain.undo import Mode

_POSITION = Annotated[int, Field(ge=0, le=10**18 - 1)]
_TIME = Annotated[str, Field(max_length=100, json_schema_extra={"format": "date-time"})]
Moment = _POSITION | _TIME

# which scopes have to name what
_ID = frozenset({"batch", "event", "actor"})
_WORKSPACE = frozenset({"actor", "range", "latest"})
_MOMENTS = frozenset({"range"})


def _asked(scopes: list[str], **named: str | list[str]) -> dict[str, Any]:
    """What has to be named, and is no null, where the scope is one of these."""
    properties = {name: {"type": kinds} for name, kinds in named.items()}
    return {
        "required": ["scope", *named],
        "properties": {"scope": {"enum": scopes}, **properties},
    }


class Undo(Shape):
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                _asked(["batch", "event"], id="string"),
                _asked(["actor"], id="string", workspace_id="string"),
                _asked(
                    ["range"],
                    workspace_id="string",
                    **{"from": ["integer", "string"], "to": ["integer", "string"]},
                ),
                _asked(["latest"], workspace_id="string"),
            ]
        }
    )
    scope: Scope
    id: Id | None = None
    workspace_id: Id | None = None
    from_: Annotated[Moment | None, Field(validation_alias="from")] = None
    to: Moment | None = None
    mode: Mode = "strict"
    dry_run: bool = False


class Redo(Shape):
    batch_id: Id
    workspace_id: Id | None = None
    mode: Mode = "strict"
    dry_run: bool = False


async def undo_scope(system: System, request: Request) -> Reply:
    given = request.shape(Undo)
    missing = [
        name
        for name, value, scopes in (
            ("id", given.id, _ID),
            ("workspace_id", given.workspace_id, _WORKSPACE),
            ("from", given.from_, _MOMENTS),
            ("to", given.to, _MOMENTS),
        )
        if value is None and given.scope in scopes
    ]
    if missing:
        raise _missing(missing)
    nouns = {"batch": "batch", "event": "event"}
    wanted = Wanted(
        given.scope,
        _id(given.id, nouns.get(given.scope, "actor")),
        _id(given.workspace_id, "workspace"),
        None if given.from_ is None else str(given.from_),
        None if given.to is None else str(given.to),
        given.mode,
        given.dry_run,
    )
    return await _undo(system, request, wanted)


async def redo_batch(system: System, request: Request) -> Reply:
    given = request.shape(Redo)
    wanted = Wanted(
        "batch",
        _id(given.batch_id, "batch"),
        _id(given.workspace_id, "workspace"),
        mode=given.mode,
        dry_run=given.dry_run,
        redo=True,
    )
    return await _undo(system, request, wanted)


async def _undo(system: System, request: Request, wanted: Wanted) -> Reply:
    done = await undo(
        system, request.who, request.origin(), wanted, _told, once(request)
    )
    return reply_of(done)


def _told(outcome: Outcome, came: Undone) -> Reply:
    body: dict[str, Any] = {
        "batch_id": came.batch_id,
        "position": came.position,
        "undone": came.undone,
        "conflicts": [one.json() for one in came.conflicts],
        "irreversible": came.irreversible,
    }
    text = orjson.dumps(body)
    if came.batch_id is None:  # nothing is there to be taken back
        return Reply(200, text, {"x-position": str(came.position)})
    return committed(outcome, 200, text)


def _id(text: str | None, noun: str) -> str | None:
    return None if text is None else read_id(text, noun)


def _missing(names: list[str]) -> Invalid:
    items: list[Json] = [
        {"loc": [name], "msg": "Field required", "type": "missing"} for name in names
    ]
    return Invalid(errors=items)
