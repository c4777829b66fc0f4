"""Blame: who set each of a record's values, and by which event."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from api.http import Reply, Request, json_reply
from api.pybase.history import table_of
from api.writing import etag
from commands.system import System
from domain.catalog import Catalog, Table
from domain.changes import changes_of, number_of
from domain.errors import NotFound
from domain.ids import WorkspaceId
from projections import history
from projections.log import Envelope
from projections.reader import Found, Statement
from projections.records.output import by_ids
from projections.target import live

PAGE = 500  # events that are read at once

_EXACT = json.JSONDecoder(
    parse_int=lambda text: orjson.Fragment(text.encode()),
    parse_float=lambda text: orjson.Fragment(text.encode()),
)


async def record_blame(system: System, request: Request) -> Reply:
    """A live record's values, each with the newest event that has to do with it."""
    record_id = request.id("id", "record")
    workspace_id = await system.reader.find(request.who, "record", record_id)
    found = await _ask(system, request, workspace_id, record_id, history.FIRST)
    if not found.results[0]:
        raise NotFound("Record not found")
    _, version, text = found.results[0][0]
    table, position = table_of(found.catalog, record_id), found.position
    by: dict[str, Envelope] = {}
    while True:
        envelopes = history.envelopes(found.results[1])
        _attribute(by, envelopes, table, record_id, (version, position))
        ended = len(envelopes) < PAGE or by.keys() >= {one.id for one in table.fields}
        if ended:
            break
        last = envelopes[-1].seq
        found = await _ask(system, request, workspace_id, record_id, last)
    values = _EXACT.decode(text)["fields"]
    shown = {one.name: _one(values[one.name], by.get(one.id)) for one in table.fields}
    return json_reply(shown, headers={"etag": etag(version)})


async def _ask(
    system: System,
    request: Request,
    workspace_id: WorkspaceId,
    record_id: str,
    before: int,
) -> Found:
    def plan(catalog: Catalog) -> Sequence[Statement]:
        table = table_of(catalog, record_id)
        if table.deleted:
            raise NotFound("Record not found")
        return [
            (by_ids(live(workspace_id), table), [f"{{{record_id}}}"]),
            history.of_record(workspace_id, table, record_id, before, PAGE),
        ]

    try:
        return await system.reader.ask(
            request.who, workspace_id, plan, min_position=request.min_position
        )
    except NotFound as error:
        raise NotFound("Record not found") from error


def _attribute(
    by: dict[str, Envelope],
    envelopes: Sequence[Envelope],
    table: Table,
    record_id: str,
    seen: tuple[int, int],
) -> None:
    """Gives each field without an event the newest one that changed it.

    `seen`: the record's version, and the position that was there before it was read;
    what was written between the two readings is passed over.
    """
    version, position = seen
    for one in envelopes:
        own = one.stream == record_id
        if one.version > version if own else one.seq > position:
            continue
        event = one.recorded.event
        for field_id in changes_of(event, record_id):
            by.setdefault(field_id, one)
        if own and number_of(event) is not None:
            for field in table.fields:
                if field.type == "autonumber":
                    by.setdefault(field.id, one)


def _one(value: Any, envelope: Envelope | None) -> Mapping[str, Any]:
    """A value that nobody ever set has no event."""
    return {
        "value": value,
        "set_by": envelope and envelope.actor_id,
        "at": envelope and envelope.recorded_at,
        "position": envelope and envelope.seq,
        "event_id": envelope and envelope.id,
        "batch_id": envelope and envelope.batch_id,
        "via": envelope and envelope.surface,
    }
