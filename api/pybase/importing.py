"""Files of rows, looked at or written: `POST /tables/{id}/import`."""

from collections.abc import Mapping
from typing import Any

import orjson

from api.http import Reply, Request, json_reply, read_json, read_shape
from api.pybase import present, shapes
from api.uploads import read_form
from api.writing import committed, once, reply_of
from commands.importing import (
    DELIMITERS,
    ENCODINGS,
    Mapped,
    Sheet,
    import_sheet,
    look_at,
    open_sheet,
    temporary_file,
)
from commands.schema import NewField
from commands.system import System
from commands.unit import Outcome
from domain.access import Role
from domain.catalog import Table
from domain.errors import Invalid, Json
from domain.field import FieldCreated

SHOWN = 10  # rows of a preview

_DELIMITERS = {**{one: one for one in DELIMITERS}, "tab": "\t", "\\t": "\t"}
_SPELLED = {name: word for word, name in ENCODINGS.items()}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


async def import_file(system: System, request: Request) -> Reply:
    """Whoever may not write the table hears so before the file is sent."""
    table_id = request.id("id", "table")
    workspace_id = await system.reader.find(request.who, "table", table_id)
    found = await system.reader.ask(
        request.who, workspace_id, lambda _: (), role=Role.editor
    )
    found.catalog.live_table(table_id)
    limit = system.settings.max_import_bytes
    with temporary_file(system.settings.data_dir) as file:
        form = await read_form(request, "file", file, limit)
        said = {**request.query, **form.fields}
        mapped = _mapping(said.get("mapping"))
        preview = _flag(said, "preview")
        async with system.reading_files:
            sheet = await open_sheet(
                file,
                encoding=_one_of(said, "encoding", {one: one for one in ENCODINGS}),
                delimiter=_one_of(said, "delimiter", _DELIMITERS),
                header=_flag(said, "header"),
            )
            if preview:
                table = found.catalog.live_table(table_id)
                return json_reply(await _preview(sheet, table))
        done = await import_sheet(
            system,
            request.who,
            request.origin(),
            workspace_id,
            table_id,
            sheet,
            mapped,
            _imported,
            once(request),
        )
    return reply_of(done)


def _imported(outcome: Outcome, count: int) -> Reply:
    made = [
        outcome.catalog.live_field(one.event.field_id)
        for one in outcome.events
        if isinstance(one.event, FieldCreated)
    ]
    body = {
        "imported": count,
        "position": outcome.position,
        "batch_id": outcome.batch_id,
        "fields_created": [
            present.field(outcome.catalog.live_table(one.table_id), one) for one in made
        ],
    }
    return committed(outcome, 201, orjson.dumps(body))


async def _preview(sheet: Sheet, table: Table) -> dict[str, Any]:
    columns, rows = await look_at(sheet, table, SHOWN)
    return {
        "dialect": {"delimiter": sheet.delimiter, "quote": sheet.quote},
        "encoding": _SPELLED[sheet.encoding],
        "header": sheet.header,
        "columns": [
            {
                "name": one.name,
                "type": one.guess.type,
                "options": one.guess.options,
                "field_id": None if one.field is None else one.field.id,
            }
            for one in columns
        ],
        "mapping": {
            one.name: None if one.field is None else one.field.name for one in columns
        },
        "rows": rows,
    }


# ------------------------------------------------------------ what is asked


def _mapping(text: str | None) -> Mapped | None:
    """`{column: field's name or id, {"new": {name, type, options}}, or null}`."""
    if text is None or not text.strip():
        return None
    given = read_json(text.encode())
    if not isinstance(given, dict):
        raise _wrong("mapping", "must be an object: a field for each column")
    return {column: _target(column, one) for column, one in given.items()}


def _target(column: str, given: Any) -> str | NewField | None:
    if given is None or isinstance(given, str):
        return given
    new = given.get("new") if isinstance(given, dict) and len(given) == 1 else None
    if not isinstance(new, dict):
        raise _wrong(
            "mapping",
            f"{column[:100]!r} must be a field, null, or"
            ' {"new": {"name", "type", "options"}}',
        )
    wanted = read_shape(new, shapes.TableField)
    return NewField(
        wanted.name,
        wanted.type,
        wanted.options or {},
        wanted.required,
        wanted.description,
    )


def _flag(said: Mapping[str, str], name: str) -> bool | None:
    value = said.get(name)
    if value is None or value == "":
        return None
    found = _FLAGS.get(value.lower())
    if found is None:
        raise _wrong(name, "must be true or false")
    return found


def _one_of(said: Mapping[str, str], name: str, known: Mapping[str, str]) -> str | None:
    value = said.get(name)
    if value is None or value == "":
        return None
    found = known.get(value.lower())
    if found is None:
        raise _wrong(name, f"must be one of {' '.join(known)}")
    return found


def _wrong(name: str, message: str) -> Invalid:
    items: list[Json] = [{"loc": [name], "msg": message, "type": "value_error"}]
    return Invalid(f"{name} {message}", errors=items)
