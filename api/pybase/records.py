"""Records, one by one and in batches."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from api.http import Reply, Request, read_id
from api.pybase import moments, present, shapes
from api.pybase.parse import read_by, read_fields, read_filter, read_sort
from api.pybase.workspaces import page_of
from api.writing import committed, etag, write
from commands import records
from commands.system import System
from commands.unit import Outcome
from commands.write import Prepared
from domain.access import Role
from domain.catalog import Catalog, Table
from domain.errors import Code, DomainError, Invalid, Malformed, NotFound, RequiredField
from domain.events import Recorded
from domain.facts import Row
from domain.ids import RecordId, TableId, WorkspaceId, table_number_of
from domain.record import REQUIRED, DeleteRecords, RecordCreated
from projections.lists import Asked, Wanted
from projections.query import Query
from projections.reader import Statement
from projections.records.output import by_ids
from projections.target import live

# ---------------------------------------------------------------- reading


async def get_record(system: System, request: Request) -> Reply:
    record_id = request.id("id", "record")
    workspace_id = await system.reader.find(request.who, "record", record_id)
    if moments.asks_for_past(request):
        return await moments.record(system, request, workspace_id, record_id)
    if request.query_string and request.query.get("fields"):
        return await _get_some(system, request, workspace_id, record_id)
    if request.min_position is not None:
        await system.reader.ask(
            request.who, workspace_id, lambda _: (), min_position=request.min_position
        )
    by = request.query.get("by") if request.query_string else None
    rendition = read_by(by)
    got = await system.gets.get(request.who, workspace_id, record_id, rendition)
    return Reply(200, got.body, {"etag": etag(got.version)})


async def _get_some(
    system: System, request: Request, workspace_id: WorkspaceId, record_id: str
) -> Reply:
    """A record with some of its fields."""

    def plan(catalog: Catalog) -> Sequence[Statement]:
        table = _table_of(catalog, record_id)
        fields = read_fields(request.query.get("fields"), table)
        rendition = read_by(request.query.get("by"))
        statement = by_ids(live(workspace_id), table, rendition, fields)
        return [(statement, [f"{{{record_id}}}"])]

    try:
        found = await system.reader.ask(
            request.who, workspace_id, plan, min_position=request.min_position
        )
    except NotFound as error:
        raise NotFound("Record not found") from error
    if not found.results[0]:
        raise NotFound("Record not found")
    _, version, text = found.results[0][0]
    return Reply(200, text.encode(), {"etag": etag(version)})


async def list_records(system: System, request: Request) -> Reply:
    table_id = request.query_id("table_id", "table")
    if table_id is None:
        raise Invalid(
            errors=[{"loc": ["table_id"], "msg": "Field required", "type": "missing"}]
        )
    workspace_id = await system.reader.find(request.who, "table", table_id)
    spelled = tuple(request.query.get(one) for one in ("filter", "sort", "fields"))
    page = page_of(request)

    def query(catalog: Catalog) -> Query:
        table = catalog.live_table(table_id)
        return Query(
            table,
            read_fields(spelled[2], table) or table.fields,
            read_filter(spelled[0], table),
            read_sort(spelled[1], table),
        )

    if moments.asks_for_past(request):
        return await moments.records(
            system, request, workspace_id, spelled, query, page
        )
    ask = partial(
        system.reader.ask, request.who, workspace_id, min_position=request.min_position
    )
    asked = Asked(workspace_id, table_id, spelled)
    rendition = read_by(request.query.get("by"))

    def want(catalog: Catalog) -> Wanted:
        catalog.live_table(table_id)
        return Wanted(asked, partial(query, catalog), page, rendition)

    try:
        found = await system.lists.page(ask, want)
    except NotFound as error:
        raise NotFound("Table not found") from error
    items = b",".join(found.items)
    return Reply(200, present.page_bytes(items, found.total, page.limit, page.offset))


# ---------------------------------------------------------------- writing


def _text(table: Table, recorded: Recorded, event: RecordCreated) -> bytes:
    at = (recorded.at, recorded.actor.id)
    return present.record_text(table)(
        event.record_id, event.number, event.values, recorded.version, at, at
    )


def created(outcome: Outcome, table_id: str) -> list[bytes]:
    table = outcome.catalog.live_table(table_id)
    return [
        _text(table, one, one.event)
        for one in outcome.events
        if isinstance(one.event, RecordCreated)
    ]


async def create_record(system: System, request: Request) -> Reply:
    body = request.object
    table_id, fields = body.get("table_id"), body.get("fields", body.get("data"))
    if not isinstance(table_id, str) or not isinstance(fields, dict):
        request.shape(shapes.CreateRecord)
        raise Invalid()
    table_id = read_id(table_id, "table")
    workspace_id = await system.reader.find(request.who, "table", table_id)

    def prepare(catalog: Catalog) -> Prepared:
        _, command = records.create(catalog, table_id, [fields])

        def render(outcome: Outcome) -> Reply:
            (text,) = created(outcome, table_id)
            return committed(outcome, 201, text, 1)

        return Prepared([command], render)

    return await as_one(write(system, request, workspace_id, Role.editor, prepare))


async def as_one(writing: Any) -> Reply:
    """A single write's refusal does not speak of a place in a batch."""
    try:
        reply: Reply = await writing
    except DomainError as error:
        error.extra = {
            name: value
            for name, value in error.extra.items()
            if name not in ("index", "record_id")
        }
        raise
    return reply


def _new_records(request: Request) -> tuple[str, list[dict[str, Any]]]:
    """A batch's table and values; the model is asked only what is wrong with it."""
    body = request.object
    given = body.get("records")
    table_id = body.get("table_id")
    if isinstance(table_id, str) and isinstance(given, list):
        values = [
            fields
            for one in given
            if type(one) is dict and type(fields := one.get("fields")) is dict
        ]
        if len(values) == len(given):
            return read_id(table_id, "table"), values
    wanted = request.shape(shapes.CreateRecords)
    return read_id(wanted.table_id, "table"), [one.fields for one in wanted.records]


async def create_records(system: System, request: Request) -> Reply:
    table_id, given = _new_records(request)
    records.check_size(len(given), system.settings.batch_limit)
    workspace_id = await system.reader.find(request.who, "table", table_id)

    def prepare(catalog: Catalog) -> Prepared:
        _, command = records.create(catalog, table_id, given)

        def render(outcome: Outcome) -> Reply:
            return committed(outcome, 201, _batch(created(outcome, table_id)))

        return Prepared([command], render, len(given))

    return await _as_batch(write(system, request, workspace_id, Role.editor, prepare))


def _batch(items: Sequence[bytes]) -> bytes:
    return b'{"items":[%b],"total":%d}' % (b",".join(items), len(items))


async def _as_batch(writing: Any) -> Reply:
    """A batch tells its first required field alone: REQUIRED_FIELD, with the place."""
    try:
        reply: Reply = await writing
    except DomainError as error:
        raise _required(error) from error
    return reply


def _required(error: DomainError) -> DomainError:
    problems = error.extra.get("errors")
    if error.code is not Code.VALIDATION_ERROR or not isinstance(problems, list):
        return error
    first = problems[0]
    if not isinstance(first, dict) or first.get("type") != REQUIRED:
        return error
    place = first["loc"]
    field = place[0] if isinstance(place, list) else place
    told = RequiredField(field=field)
    return told.with_extra(**error.extra)


async def update_record(system: System, request: Request) -> Reply:
    record_id = RecordId(request.id("id", "record"))
    body = request.object
    fields = body.get("fields", body.get("data"))
    if fields is None and "fields" not in body:
        raise Malformed("At least one field is needed: send `fields`")
    if not isinstance(fields, dict):
        request.shape(shapes.UpdateRecord)
        raise Invalid()
    if not fields:
        raise Malformed("`fields` is empty: nothing to change")
    workspace_id = await system.reader.find(request.who, "record", record_id)

    def prepare(catalog: Catalog) -> Prepared:
        table = _table_of(catalog, record_id)
        _, command = records.update(
            catalog, table.id, [(record_id, fields)], request.if_match
        )

        def render(outcome: Outcome) -> Reply:
            (text,) = _after(outcome, [record_id])
            return committed(outcome, 200, text, _row(outcome, record_id).version)

        return Prepared([command], render)

    return await as_one(write(system, request, workspace_id, Role.editor, prepare))


def _table_of(catalog: Catalog, record_id: str) -> Table:
    table = catalog.table_by_number.get(table_number_of(record_id) or 0)
    if table is None or table.deleted:
        raise NotFound("Record not found")
    return table


def _row(outcome: Outcome, record_id: str) -> Row:
    row = outcome.rows[record_id]
    if row is None:
        raise LookupError(f"record {record_id} is gone from its own reply")
    return row


def _after(outcome: Outcome, record_ids: Sequence[str]) -> list[bytes]:
    """The records as they are right after the unit."""
    texts = []
    for record_id in record_ids:
        row = _row(outcome, record_id)
        text = present.record_text(outcome.catalog.live_table(row.table_id))
        values = dict(row.values)
        for name in row.links:
            values[name] = row.value(name)
        texts.append(
            text(
                row.id,
                row.number,
                values,
                row.version,
                (row.created_at, row.created_by),
                (row.updated_at, row.updated_by),
            )
        )
    return texts


async def update_records(system: System, request: Request) -> Reply:
    wanted = request.shape(shapes.UpdateRecords)
    table_id = read_id(wanted.table_id, "table")
    records.check_size(len(wanted.updates), system.settings.batch_limit)
    workspace_id = await system.reader.find(request.who, "table", table_id)
    given = [
        (RecordId(read_id(one.record_id, "record")), one.fields)
        for one in wanted.updates
    ]

    def prepare(catalog: Catalog) -> Prepared:
        _, command = records.update(catalog, table_id, given)

        def render(outcome: Outcome) -> Reply:
            texts = _after(outcome, [one for one, _ in given])
            return committed(outcome, 200, _batch(texts))

        return Prepared([command], render, len(given))

    return await _as_batch(write(system, request, workspace_id, Role.editor, prepare))


async def delete_record(system: System, request: Request) -> Reply:
    record_id = RecordId(request.id("id", "record"))
    workspace_id = await system.reader.find(request.who, "record", record_id)

    def prepare(catalog: Catalog) -> Prepared:
        table = _table_of(catalog, record_id)
        command = DeleteRecords(table.id, [record_id], request.if_match)
        return Prepared([command], lambda outcome: committed(outcome, 204, b""))

    return await as_one(write(system, request, workspace_id, Role.editor, prepare))


async def delete_records(system: System, request: Request) -> Reply:
    """The ids come in the body, or as `?record_ids=` where a proxy strips it."""
    if request.body.strip():
        wanted = request.shape(shapes.DeleteRecords)
        table_id, listed = wanted.table_id, wanted.record_ids
    else:
        table_id = request.query.get("table_id", "")
        listed = [one for one in request.query.get("record_ids", "").split(",") if one]
    table = TableId(read_id(table_id, "table"))
    records.check_size(len(listed), system.settings.batch_limit)
    ids = [RecordId(read_id(one, "record")) for one in listed]
    workspace_id = await system.reader.find(request.who, "table", table)
    prepared = Prepared(
        [DeleteRecords(table, ids)],
        lambda outcome: committed(outcome, 204, b""),
        len(ids),
    )
    return await write(system, request, workspace_id, Role.editor, lambda _: prepared)
