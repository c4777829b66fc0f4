"""The public API: GET alone, and of anybody."""

from typing import Any

from api.cms import schemas
from api.cms.asked import DEFAULT_LIMIT, DEFAULT_SORT, MAX_PAGE, MOST, ORDERS
from api.cms.public.handlers import Public
from api.routes import Handler, Parameter, Route
from domain.file import SERVED

ERRORS = (400, 404, 422, 429, 503)
TYPE = "/api/{workspace_slug}/{object_type_slug}"
AS_OF: Parameter = (
    "as_of",
    "string",
    "A position or an RFC 3339 time: what is public now, as it was then",
)
LIST: tuple[Parameter, ...] = (
    (
        "page",
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 1},
        "The page's number, from 1",
    ),
    (
        "limit",
        {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
        f"Entries on a page; more than {MOST} are {MOST}",
    ),
    (
        "sort",
        {"type": "string", "default": DEFAULT_SORT},
        "created_at, updated_at, id, or the name of a field with an order",
    ),
    (
        "order",
        {"type": "string", "enum": list(ORDERS), "default": "desc"},
        "Entries without a value come last in both",
    ),
    AS_OF,
)


def public_rows(public: Public) -> list[Route]:
    return [
        _read(
            TYPE,
            "Entries that are public, their relations opened",
            public.list_entries,
            schemas.PUBLIC_LIST,
            query=LIST,
        ),
        _read(
            TYPE + "/{entry_id}",
            "One entry that is public, its relations opened",
            public.get_entry,
            schemas.PUBLIC_ENTRY,
            query=(AS_OF,),
        ),
        Route(
            "GET",
            "/api/{workspace_slug}/media/{file_id}",
            "Download a file that a public entry names",
            public.get_medium,
            "public",
            public=True,
            response={"type": "string", "format": "binary"},
            also={206: {}, 304: {}},
            media=SERVED,
            errors=ERRORS,
        ),
    ]


def _read(
    path: str,
    summary: str,
    handler: Handler,
    response: dict[str, Any],
    query: tuple[Parameter, ...] = (),
) -> Route:
    return Route(
        "GET",
        path,
        summary,
        handler,
        "public",
        public=True,
        response=response,
        also={304: {}},
        query=query,
        errors=ERRORS,
        headers=(
            ("If-None-Match", r"^.{1,1000}$", "Tags of replies that the client has"),
        ),
    )
