"""The OpenAPI document of a surface, from its table of routes."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import models_json_schema

from api.routes import Route

# what the headers of a request look like, as api/http.py reads them
IDEMPOTENCY_KEY = r"^[\x21-\x7e]{1,200}$"
IF_MATCH = r'^(\*|(W/)?"?v[0-9]{1,9}"?)$'
POSITION = r"^[0-9]{1,18}$"

# of which a schema says more than that they are text; of a stream, what an event is
_TOLD = ("application/json", "text/event-stream")
_REFERENCE = "#/components/schemas/{model}"


def document(
    routes: Sequence[Route],
    *,
    title: str,
    version: str,
    description: str,
    prefix: str,
    error: Mapping[str, Any],
    unknown_caller: int = 401,
    mount: str = "",
    batches: bool = False,
    messages: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """OpenAPI 3.1; every operation declares each error it can answer with, and what it
    answers to who is not known.  `mount` is what comes before all of its paths;
    `batches`: whether its writes may be operations of one; `messages`: what it sends,
    as the section `webhooks`."""
    bodies = list(dict.fromkeys(route.body for route in routes if route.body))
    references, definitions = models_json_schema(
        [(body, "validation") for body in bodies], ref_template=_REFERENCE
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        body = references[route.body, "validation"] if route.body else None
        operation = _operation(route, body, unknown_caller)
        if batches and route.joins:
            _add_to(operation, "May be an operation of a batch.")
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        **({"servers": [{"url": mount}]} if mount else {}),
        "paths": paths,
        **({"webhooks": messages} if messages else {}),
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Error": error},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(route: Route, body: Any, unknown_caller: int) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "tags": [route.tag],
        "parameters": _parameters(route),
        "responses": _responses(route, unknown_caller),
    }
    if not route.public:
        operation["security"] = [{"bearer": []}, {"apiKey": []}]
    said = [route.description] if route.description else []
    if route.planned:
        said.append("Not available yet: answers 501.")
    if route.role is not None:
        said.append(f"Needs the role {route.role.name} or higher.")
    if said:
        operation["description"] = " ".join(said)
    if body is not None:
        operation["requestBody"] = {
            "required": route.body_needed,
            "content": {"application/json": {"schema": body, **_examples(route)}},
        }
    if route.form is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": route.form}},
        }
    return operation


def _examples(route: Route) -> dict[str, Any]:
    if not route.examples:
        return {}
    return {"examples": {name: {"value": one} for name, one in route.examples.items()}}


def _add_to(operation: dict[str, Any], sentence: str) -> None:
    said = operation.get("description", "")
    operation["description"] = f"{said} {sentence}".lstrip()


def _operation_id(route: Route) -> str:
    words = route.path.replace("{", "by_").replace("}", "").replace("-", "_")
    return f"{route.method.lower()}{words.replace('/', '_')}"


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _of_path(name)}
        for name in route.parameters
    ]
    found += [
        {
            "name": name,
            "in": "query",
            "description": meaning,
            "schema": {"type": kind} if isinstance(kind, str) else kind,
            **({"required": True} if name in route.needs else {}),
        }
        for name, kind, meaning in route.query
    ]
    found += [
        {"name": name, "in": "header", "description": said, "schema": _text(pattern)}
        for name, pattern, said in _headers(route)
    ]
    return found


def _of_path(name: str) -> dict[str, Any]:
    """What a path's parameter looks like: a UUID, where its name says that it is."""
    if name == "id" or name.endswith("_id"):
        return {"type": "string", "format": "uuid"}
    return {"type": "string"}


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern}


def _headers(route: Route) -> list[tuple[str, str, str]]:
    """The headers that a route reads: name, pattern, meaning."""
    found: list[tuple[str, str, str]] = []
    if route.planned:
        return found
    if route.method in ("POST", "PATCH", "DELETE") and not route.repeats:
        said = "The same key and request: one effect"
        found.append(("Idempotency-Key", IDEMPOTENCY_KEY, said))
    if route.method in ("PATCH", "DELETE") and route.parameters:
        found.append(("If-Match", IF_MATCH, 'The version that is meant, such as "v3"'))
    if route.method == "GET" and not route.public:
        said = "Wait until this position can be read"
        found.append(("X-Min-Position", POSITION, said))
    return [*found, *route.headers]


def _responses(route: Route, unknown_caller: int) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if route.response is not None:
        success["content"] = {
            kind: {"schema": route.response if kind in _TOLD else {"type": "string"}}
            for kind in route.media
        }
    found = {str(route.status): success} if not route.planned else {}
    for status, schema in route.also.items():
        also: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if schema:
            also["content"] = {"application/json": {"schema": schema}}
        found[str(status)] = also
    errors = {*route.errors, 500}
    if route.planned:
        errors.add(501)
    if not route.public:
        errors.add(unknown_caller)
    for status in sorted(errors):
        found[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Error"}}
            },
        }
    return found
