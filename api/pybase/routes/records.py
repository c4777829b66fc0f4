"""Records, one by one, in batches and in lists."""

from dataclasses import replace

from api.pybase import exports, lists, records, schemas, shapes
from api.pybase.routes.rows import (
    EDITOR,
    PAGING,
    READ,
    VIEWER,
    read,
    write,
)
from api.routes import Route

WHAT = (
    ("table_id", "string", "The table"),
    ("filter", "string", "A filter, as JSON, in either dialect"),
    ("sort", "string", 'A JSON array of {"field", "direction"}'),
)
SHOWN: tuple[tuple[str, str, str], ...] = (
    ("fields", "string", "The fields to show, names or ids by commas; all by default"),
    ("by", "string", "`id`: values by field id too, as `data`"),
)
LIST = (*WHAT, *PAGING, *SHOWN)
CURSOR = (
    *WHAT,
    ("cursor", "string", "Where to go on: next_cursor or prev_cursor of a reply"),
    ("limit", "integer", "Items on a page, 1 to 1,000; 100 unless told"),
    *SHOWN,
)
EXPORT = (
    *WHAT,
    ("fields", "string", "The fields to export, names or ids by commas"),
    ("format", "string", "csv, which is the default, or json"),
)


def export_rows() -> list[Route]:
    handler, tag = exports.export_records, "records"
    said = "Export records as CSV or JSON, streamed"
    response = schemas.array(schemas.RECORD)
    get = read("/records/export", said, handler, tag, response, query=EXPORT)
    post = write(
        "POST",
        "/records/export",
        said,
        handler,
        tag,
        VIEWER,
        status=200,
        body=shapes.ExportRecords,
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
            query=(
                ("table_id", "string", "Where the body is stripped: the table"),
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
        ),
        *export_rows(),
        read("/records/{id}", "A record", r.get_record, tag, one, query=SHOWN),
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
