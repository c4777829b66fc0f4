"""Records, one by one, in batches and in lists."""

from dataclasses import replace

from api.pybase import exports, lists, records, schemas, shapes
from api.pybase.routes.rows import (
    AS_OF,
    EDITOR,
    ID,
    PAGING,
    READ,
    SIZE,
    VIEWER,
    read,
    write,
)
from api.routes import Parameter, Route
from api.schemas import array

JSON = {"type": "string", "contentMediaType": "application/json"}
WHAT: tuple[Parameter, ...] = (
    ("table_id", ID, "The table"),
    ("filter", JSON, "A filter, as JSON, in either dialect"),
    ("sort", JSON, 'A JSON array of {"field", "direction"}'),
)
SHOWN: tuple[Parameter, ...] = (
    ("fields", "string", "The fields to show, names or ids by commas; all by default"),
    ("by", "string", "`id`: values by field id too, as `data`"),
)
LIST = (*WHAT, *PAGING, *SHOWN, AS_OF)
CURSOR: tuple[Parameter, ...] = (
    *WHAT,
    ("cursor", "string", "Where to go on: next_cursor or prev_cursor of a reply"),
    ("limit", SIZE, "Items on a page, 1 to 1,000; 100 unless told"),
    *SHOWN,
    AS_OF,
)
EXPORT: tuple[Parameter, ...] = (
    *WHAT,
    ("fields", "string", "The fields to export, names or ids by commas"),
    ("format", {"enum": ["csv", "json"]}, "csv, which is the default, or json"),
)


def export_rows() -> list[Route]:
    handler, tag = exports.export_records, "records"
    said = "Export records as CSV or JSON, streamed"
    response = array(schemas.RECORD)
    get = read(
        "/records/export",
        said,
        handler,
        tag,
        response,
        query=EXPORT,
        needs=("table_id",),
    )
    post = write(
        "POST",
        "/records/export",
        said,
        handler,
        tag,
        VIEWER,
        status=200,
        body=shapes.ExportRecords,
        body_needed=False,
        response=response,
        query=EXPORT,
        errors=(*READ, 413, 415),
    )
    return [replace(one, media=exports.MEDIA) for one in (get, post)]


def record_rows() -> list[Route]:
    r, one, tag = records, schemas.RECORD, "records"
    return [
        read(
            "/records",
            "Records of a table",
            r.list_records,
            tag,
            schemas.page(one),
            query=LIST,
            needs=("table_id",),
        ),
        write(
            "POST",
            "/records",
            "Create a record",
            r.create_record,
            tag,
            EDITOR,
            body=shapes.CreateRecord,
            response=one,
        ),
        write(
            "POST",
            "/records/batch",
            "Create records, all or none",
            r.create_records,
            tag,
            EDITOR,
            body=shapes.CreateRecords,
            response=schemas.batch(one),
        ),
        write(
            "PATCH",
            "/records/batch",
            "Update records, all or none",
            r.update_records,
            tag,
            EDITOR,
            body=shapes.UpdateRecords,
            response=schemas.batch(one),
        ),
        write(
            "DELETE",
            "/records/batch",
            "Delete records, all or none",
            r.delete_records,
            tag,
            EDITOR,
            body=shapes.DeleteRecords,
            body_needed=False,
            query=(
                ("table_id", ID, "Where the body is stripped: the table"),
                ("record_ids", "string", "Where the body is stripped: ids, by commas"),
            ),
        ),
        read(
            "/records/cursor",
            "Records of a table, page by page behind a cursor",
            lists.list_by_cursor,
            tag,
            schemas.cursor_page(one),
            query=CURSOR,
            needs=("table_id",),
        ),
        *export_rows(),
        read(
            "/records/{id}", "A record", r.get_record, tag, one, query=(*SHOWN, AS_OF)
        ),
        write(
            "PATCH",
            "/records/{id}",
            "Change a record's fields",
            r.update_record,
            tag,
            EDITOR,
            body=shapes.UpdateRecord,
            response=one,
        ),
        write(
            "DELETE", "/records/{id}", "Delete a record", r.delete_record, tag, EDITOR
        ),
    ]
