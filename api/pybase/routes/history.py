"""What happened: history, blame, differences, the audit's list."""

from api.pybase import audit, blame, diff, history, schemas
from api.pybase.routes.rows import ADMIN, ID, READ, SIZE, VIEWER, read
from api.routes import Parameter, Route

POSITION = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
PAGE: tuple[Parameter, ...] = (
    ("after", POSITION, "Go on from a page's `next`: events before this position"),
    ("limit", SIZE, "Events on a page, 1 to 1,000; 100 unless told"),
)
FIELD: tuple[Parameter, ...] = (
    ("field", "string", "Only what changed this field: its name, or its id"),
)


MOMENT = {"type": "string", "pattern": r"^(\d{1,18}|\d{4}-\d\d-\d\d[Tt ].+)$"}
DIFF: tuple[Parameter, ...] = (
    ("from", MOMENT, "The earlier moment: a position, or an RFC 3339 time"),
    ("to", MOMENT, "The later one; now unless told"),
    ("format", {"type": "string", "enum": ["json", "csv"]}, "json unless told"),
)

AUDIT: tuple[Parameter, ...] = (
    ("workspace_id", ID, "The workspace"),
    ("actor", ID, "Only what this user did"),
    ("resource", ID, "Only what happened to this; to a table: to its records too"),
    ("batch", ID, "Only this batch"),
    ("request", {"type": "string", "maxLength": 200}, "Only this request's"),
    ("from", MOMENT, "From this moment on: a position, or an RFC 3339 time"),
    ("to", MOMENT, "Up to this moment, itself included; now unless told"),
    (
        "format",
        {"type": "string", "enum": ["json", "csv"]},
        "json, a page, unless told; csv is all of it",
    ),
)


def history_rows() -> list[Route]:
    return [
        read(
            "/records/{id}/history",
            "What happened to a record, newest first",
            history.record_history,
            "history",
            schemas.HISTORY,
            query=(*FIELD, *PAGE),
        ),
        read(
            "/records/{id}/blame",
            "Who set each of a record's values",
            blame.record_blame,
            "history",
            schemas.BLAME,
        ),
        read(
            "/tables/{id}/history",
            "What happened to a table's schema, newest first",
            history.table_history,
            "history",
            schemas.HISTORY,
            query=PAGE,
        ),
        read(
            "/fields/{id}/history",
            "What happened to a field, newest first",
            history.field_history,
            "history",
            schemas.HISTORY,
            query=PAGE,
        ),
        Route(
            "GET",
            "/tables/{id}/diff",
            "The difference of a table between two moments",
            diff.table_diff,
            "history",
            role=VIEWER,
            response=schemas.DIFF,
            query=DIFF,
            needs=("from",),
            errors=READ,
            media=diff.MEDIA,
        ),
        Route(
            "GET",
            "/audit",
            "Who did what, newest first",
            audit.list_audit,
            "history",
            role=ADMIN,
            response=schemas.AUDIT,
            query=(*AUDIT, *PAGE),
            needs=("workspace_id",),
            errors=READ,
            media=audit.MEDIA,
        ),
    ]
