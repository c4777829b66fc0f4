"""How a row of the CMS's routes is written, and the errors that each kind declares.

Every success has a body, of a delete too: clients read JSON whatever they asked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from api.routes import Handler, Parameter, Route
from domain.access import Role

READ = (400, 401, 403, 404, 429, 503)
WRITE = (400, 401, 403, 404, 409, 412, 413, 415, 422, 423, 429, 503)
PUBLIC = (400, 401, 409, 413, 415, 422, 429, 503)


def read(
    path: str,
    summary: str,
    handler: Handler,
    tag: str,
    response: Mapping[str, Any],
    role: Role | None,
    *,
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
        response=response,
        query=query,
        needs=needs,
        errors=READ,
    )


def write(
    method: str,
    path: str,
    summary: str,
    handler: Handler,
    tag: str,
    response: Mapping[str, Any],
    role: Role | None,
    *,
    status: int | None = None,
    body: type[BaseModel] | None = None,
) -> Route:
    return Route(
        method,
        path,
        summary,
        handler,
        tag,
        role=role,
        status=status or (201 if method == "POST" else 200),
        body=body,
        response=response,
        errors=WRITE,
    )


def public(
    method: str,
    path: str,
    summary: str,
    handler: Handler,
    tag: str,
    response: Mapping[str, Any],
    *,
    status: int = 200,
    body: type[BaseModel] | None = None,
    query: Sequence[Parameter] = (),
    needs: Sequence[str] = (),
    errors: Sequence[int] = PUBLIC,
    also: Mapping[int, Mapping[str, Any]] | None = None,
) -> Route:
    return Route(
        method,
        path,
        summary,
        handler,
        tag,
        public=True,
        status=status,
        body=body,
        response=response,
        query=query,
        needs=needs,
        errors=errors,
        also=also or {},
    )
