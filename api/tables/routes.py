"""Table REST's routes: one."""

from typing import Any

from api.routes import Parameter, Route
from api.tables.parse import DEFAULT_LIMIT, MAX_PAGE
from api.tables.rows import MEDIA, Tables
from domain.access import Role

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


ERROR = {**_object(error=_TEXT, detail=_TEXT), "additionalProperties": True}
ROWS = _object(
    data={
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"id": {"type": "integer"}},
            "required": ["id"],
        },
    },
    pagination=_object(
        page=_COUNT,
        limit=_COUNT,
        total_rows=_COUNT,
        total_pages=_COUNT,
        has_next={"type": "boolean"},
        has_previous={"type": "boolean"},
    ),
    columns={"type": "array", "items": _TEXT},
    table=_TEXT,
    workspace=_TEXT,
    database=_TEXT,
)


def table_routes(tables: Tables, most: int) -> list[Route]:
    """`most`: rows of a page."""
    query: tuple[Parameter, ...] = (
        (
            "page",
            {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 1},
            "Which page, from 1",
        ),
        (
            "limit",
            {
                "anyOf": [
                    {"type": "integer", "minimum": 1, "maximum": most},
                    {"enum": ["all"]},
                ],
                "default": DEFAULT_LIMIT,
            },
            f"Rows of a page, 1 to {most:,}; all, with format=csv: every row",
        ),
        (
            "sort",
            {"type": "string", "pattern": "^[A-Za-z0-9_]+$"},
            "The column to sort by; empty values last, and first where it descends",
        ),
        (
            "direction",
            {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
            "The direction of the sort",
        ),
        (
            "format",
            {"type": "string", "enum": ["json", "csv"], "default": "json"},
            "The format of the reply",
        ),
        (
            "include",
            {"type": "string", "enum": ["record_id"]},
            "record_id: a second column with the record's UUID",
        ),
        (
            "as_of",
            {"type": "string", "maxLength": 100},
            "A position or an RFC 3339 time: the page that there was then, with the"
            " columns of then",
        ),
    )
    return [
        Route(
            "GET",
            "/{workspace_slug}/database/{db_name}/table/{table_name}/",
            "Rows of a table; every other parameter is a filter,"
            " column=value or column__operator=value",
            tables.read,
            "tables",
            role=Role.viewer,
            response=ROWS,
            query=query,
            errors=(400, 403, 404, 429, 503),
            media=MEDIA,
        )
    ]
