"""The audit's list: who did what, when, through which surface; for admins and owners.

Its rows are the events themselves, newest first, so nothing can be missing from it.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api import sheet
from api.downloads import attachment
from api.http import Reply, Request, Streamed, json_reply
from api.pybase.asking import missing
from api.pybase.feed import read_number
from api.pybase.history import names_of_actors, who_did_it
from commands.system import System
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import Invalid
from domain.ids import BaseId, FieldId, TableId, WebhookId, WorkspaceId
from projections import moments
from projections.audited import Wanted, audited
from projections.history import FIRST, envelopes
from projections.log import Envelope
from projections.moments import Moment
from projections.query import DEFAULT_LIMIT, MAX_LIMIT
from projections.reader import Found, Statement

MEDIA = ("application/json", "text/csv")
_CSV = "text/csv; charset=utf-8; header=present"
MAX_REQUEST_ID = 200


@dataclass(frozen=True, slots=True)
class _Asked:
    workspace_id: WorkspaceId
    since: Moment | None
    until: Moment | None
    actor: str | None
    batch: str | None
    request: str | None
    resource: str | None
    format: str
    before: int
    limit: int


async def list_audit(system: System, request: Request) -> Reply | Streamed:
    """A page as JSON, or all of it as CSV."""
    asked = _read(request)
    found = await _moments(system, request, asked)
    wanted = _wanted(asked, found)
    if asked.format == "csv":
        # the first page now: what refuses it is answered as a refusal
        rows = await _rows(system, request, asked, wanted, asked.before, MAX_LIMIT)
        headers = {
            "content-type": _CSV,
            "content-disposition": attachment("audit.csv"),
        }
        parts = _csv(system, request, asked, wanted, rows)
        return Streamed(parts, 200, headers)
    limit = asked.limit
    rows = await _rows(system, request, asked, wanted, asked.before, limit + 1)
    further = rows[limit - 1]["position"] if len(rows) > limit else None
    return json_reply({"items": rows[:limit], "next": further})


def _read(request: Request) -> _Asked:
    query = request.query
    workspace_id = request.query_id("workspace_id", "workspace")
    if workspace_id is None:
        raise missing("workspace_id")
    kind = query.get("format") or "json"
    if kind not in ("json", "csv"):
        raise Invalid("format must be json or csv", field="format")
    named = query.get("request") or None
    if named is not None and len(named) > MAX_REQUEST_ID:
        raise Invalid(f"request has more than {MAX_REQUEST_ID} characters")
    since, until = query.get("from"), query.get("to")
    return _Asked(
        WorkspaceId(workspace_id),
        moments.read_moment(since, "from") if since else None,
        moments.read_moment(until, "to") if until else None,
        request.query_id("actor", "actor"),
        request.query_id("batch", "batch"),
        named,
        request.query_id("resource", "resource"),
        kind,
        read_number(request, "after", FIRST, 0, 10**18 - 1),
        read_number(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
    )


async def _moments(system: System, request: Request, asked: _Asked) -> Found:
    """Where the range begins and ends."""
    both = (asked.since, asked.until)
    return await system.reader.ask(
        request.who,
        asked.workspace_id,
        lambda _: [moments.find(asked.workspace_id, one) for one in _asked(*both)],
        role=Role.admin,
        min_position=request.min_position,
    )


def _asked(since: Moment | None, until: Moment | None) -> Sequence[Moment]:
    """`from` is within its own range; whether it is ahead is asked of itself."""
    found = [] if since is None else [since, moments.just_before(since)]
    return found if until is None else [*found, until]


def _wanted(asked: _Asked, found: Found) -> Wanted:
    results = list(found.results)
    after, upto = 0, found.position
    if asked.since is not None:
        moments.found(asked.since, results[0])
        after = moments.found(asked.since, results[1])
    if asked.until is not None:
        upto = moments.found(asked.until, results[-1])
    if asked.since is not None and after > upto:
        raise Invalid("from must not be behind to", field="from")
    return Wanted(after, upto, asked.actor, asked.batch, asked.request, asked.resource)


# --------------------------------------------------------------------------- rows


async def _rows(
    system: System,
    request: Request,
    asked: _Asked,
    wanted: Wanted,
    before: int,
    limit: int,
) -> list[dict[str, Any]]:
    """Whoever is no admin any more gets no further page."""

    def plan(catalog: Catalog) -> Sequence[Statement]:
        return [audited(catalog, wanted, before, limit)]

    found = await system.reader.ask(
        request.who, asked.workspace_id, plan, role=Role.admin
    )
    shown = envelopes(found.results[0])
    names = await names_of_actors(system, shown)
    return [_row(one, names, found.catalog) for one in shown]


def _row(one: Envelope, names: Mapping[str, str], catalog: Catalog) -> dict[str, Any]:
    return {
        **who_did_it(one, names),
        "address": None,  # of a write it is kept nowhere yet
        "request_id": one.request_id,
        "batch_id": one.batch_id,
        "batch_size": one.batch_size,
        "version": one.version,
        "resource": {
            "kind": "conversion"
            if one.type == "field.converted"
            else one.type.partition(".")[0],
            "id": one.stream,
            "name": _name(one.stream, catalog),
        },
    }


def _name(stream: str, catalog: Catalog) -> str | None:
    """What a table, a field, a webhook or a base is called today."""
    table = catalog.table_of_field.get(stream)
    if table is not None:
        return table.all_fields[FieldId(stream)].name
    known = catalog.tables.get(TableId(stream))
    if known is not None:
        return known.name
    found: Any = catalog.bases.get(BaseId(stream))
    found = found or catalog.webhooks.get(WebhookId(stream))
    return None if found is None else found.name


# ------------------------------------------------------------------------- as CSV

_HEADER = [
    "position",
    "at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "surface",
    "address",
    "type",
    "resource_kind",
    "resource_id",
    "resource_name",
    "version",
    "request_id",
    "batch_id",
    "event_id",
]


async def _csv(
    system: System,
    request: Request,
    asked: _Asked,
    wanted: Wanted,
    rows: list[dict[str, Any]],
) -> AsyncGenerator[bytes, None]:
    lines = [_HEADER]
    while True:
        yield sheet.csv_lines([*lines, *map(_cells, rows)])
        lines = []
        if len(rows) < MAX_LIMIT:
            return
        before = rows[-1]["position"]
        rows = await _rows(system, request, asked, wanted, before, MAX_LIMIT)


def _cells(row: Mapping[str, Any]) -> Iterable[str]:
    actor, resource = row["actor"], row["resource"]
    cells = [
        row["position"],
        row["at"],
        actor["kind"],
        actor["id"],
        actor["name"],
        row["surface"],
        row["address"],
        row["type"],
        resource["kind"],
        resource["id"],
        resource["name"],
        row["version"],
        row["request_id"],
        row["batch_id"],
        row["event_id"],
    ]
    return ["" if one is None else sheet.harmless(str(one)) for one in cells]
