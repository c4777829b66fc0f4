"""How a row of PyBase's routes is written, and the errors that each kind declares.

A row without a handler is documented and to come: it answers 501.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from api.routes import Handler, Parameter, Route
from domain.access import Role
from projections.query import MAX_LIMIT, MAX_OFFSET

VIEWER, EDITOR, ADMIN, OWNER = Role.viewer, Role.editor, Role.admin, Role.owner

ID = {"type": "string", "format": "uuid"}
SIZE = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}


def paging(most: int = MAX_LIMIT) -> tuple[Parameter, ...]:
    """`most`: of a page."""
    size = {**SIZE, "maximum": most}
    return (
        ("limit", size, f"Items on a page, 1 to {most:,}; 100 unless told"),
        (
            "offset",
            {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET},
            "Items to pass over",
        ),
        (
            "page",
            {"type": "integer", "minimum": 1, "maximum": MAX_OFFSET + 1},
            "The page's number, from 1: instead of offset",
        ),
        ("page_size", size, "Items on a page: instead of limit"),
    )


PAGING = paging()
AS_OF: Parameter = (
    "as_of",
    "string",
    "A position or an RFC 3339 time: the answer that the same call would have given"
    " then",
)
READ = (400, 401, 403, 404, 422, 429, 503)
WRITE = (400, 401, 403, 404, 409, 412, 413, 415, 422, 423, 429, 503)


def read(
    path: str,
    summary: str,
    handler: Handler | None,
    tag: str,
    response: Any = None,
    *,
    role: Role | None = VIEWER,
    query: Sequence[Parameter] = (),
    needs: Sequence[str] = (),
) -> Route:
    return Route(
        "GET",
        path,
        summary,
        handler,
        tag,
        role=role,
        planned=handler is None,
        response=response,
        query=query,
        needs=needs,
        errors=READ,
    )


def write(
    method: str,
    path: str,
    summary: str,
    handler: Handler | None,
    tag: str,
    role: Role | None,
    *,
    status: int | None = None,
    body: type[BaseModel] | None = None,
    body_needed: bool = True,
    response: Any = None,
    query: Sequence[Parameter] = (),
    errors: Sequence[int] = WRITE,
    alone: bool = False,
    repeats: bool = False,
    description: str = "",
    examples: Mapping[str, Mapping[str, Any]] | None = None,
) -> Route:
    usual = {"POST": 201, "PATCH": 200, "DELETE": 204}[method]
    return Route(
        method,
        path,
        summary,
        handler,
        tag,
        role=role,
        planned=handler is None,
        status=status or usual,
        body=body,
        body_needed=body_needed,
        response=response,
        query=query,
        errors=errors,
        alone=alone,
        repeats=repeats,
        description=description,
        examples=examples or {},
    )


def public(
    method: str,
    path: str,
    summary: str,
    handler: Handler | None,
    tag: str,
    *,
    status: int = 200,
    body: type[BaseModel] | None = None,
    response: Any = None,
) -> Route:
    return Route(
        method,
        path,
        summary,
        handler,
        tag,
        public=True,
        planned=handler is None,
        status=status,
        body=body,
        response=response,
        errors=(400, 401, 409, 413, 415, 422, 429, 503) if body else (503,),
    )


def planned(method: str, path: str, summary: str, tag: str, role: Role) -> Route:
    if method == "GET":
        return read(path, summary, None, tag, role=role)
    return write(method, path, summary, None, tag, role)
