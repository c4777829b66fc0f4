"""The surface's OpenAPI document: valid, whole, and what the server does.

Requests made up from it are in tests/api/conformance.
"""

import re

import jsonschema
import pytest

from tests.client import Client, made

PREFIX = "/api/v1"
METHODS = {"get", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def document(server):
    with Client(server.url) as caller:
        reply = caller.get(server.url + "/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    return made(reply)


@pytest.fixture
def operations(document):
    return {
        (method.upper(), path.removeprefix(PREFIX)): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


# the parts of the OpenAPI 3.1 meta-schema that this document uses
SHAPE = {
    "type": "object",
    "required": ["openapi", "info", "paths", "components"],
    "additionalProperties": False,
    "properties": {
        "openapi": {"pattern": r"^3\.1\.\d+$"},
        "info": {
            "required": ["title", "version"],
            "properties": {"title": {"type": "string"}, "version": {"type": "string"}},
        },
        "servers": {"type": "array"},
        "tags": {"type": "array"},
        "webhooks": {
            "type": "object",
            "additionalProperties": {
                "required": ["post"],
                "additionalProperties": False,
                "properties": {
                    "post": {"required": ["summary", "requestBody", "responses"]}
                },
            },
        },
        "components": {
            "additionalProperties": False,
            "properties": {
                "schemas": {"type": "object"},
                "securitySchemes": {"type": "object"},
            },
        },
        "paths": {
            "patternProperties": {
                r"^/": {
                    "propertyNames": {"enum": sorted(METHODS)},
                    "additionalProperties": {"$ref": "#/$defs/operation"},
                }
            },
            "additionalProperties": False,
        },
    },
    "$defs": {
        "operation": {
            "type": "object",
            "required": ["summary", "operationId", "responses"],
            "additionalProperties": False,
            "properties": {
                "summary": {"type": "string", "minLength": 1},
                "description": {"type": "string"},
                "operationId": {"type": "string", "pattern": r"^\w+$"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "security": {"type": "array", "items": {"type": "object"}},
                "parameters": {
                    "type": "array",
                    "items": {
                        "required": ["name", "in", "schema"],
                        "properties": {
                            "in": {"enum": ["path", "query", "header"]},
                            "required": {"type": "boolean"},
                        },
                        "if": {"properties": {"in": {"const": "path"}}},
                        "then": {
                            "required": ["required"],
                            "properties": {"required": {"const": True}},
                        },
                    },
                },
                "requestBody": {
                    "required": ["content"],
                    "properties": {"content": {"$ref": "#/$defs/content"}},
                },
                "responses": {
                    "type": "object",
                    "minProperties": 1,
                    "patternProperties": {
                        r"^[1-5]\d\d$": {
                            "required": ["description"],
                            "properties": {
                                "description": {"type": "string"},
                                "headers": {"type": "object"},
                                "content": {"$ref": "#/$defs/content"},
                            },
                            "additionalProperties": False,
                        }
                    },
                    "additionalProperties": False,
                },
            },
        },
        "content": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "required": ["schema"],
                "properties": {"schema": {"type": "object"}},
            },
        },
    },
}


def schemas_of(value):
    """Every schema that stands in the document."""
    if isinstance(value, dict):
        if "schema" in value:
            yield value["schema"]
        for item in value.values():
            yield from schemas_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from schemas_of(item)


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_the_document_is_openapi_3_1(document):
    jsonschema.Draft202012Validator(SHAPE).validate(document)


def test_every_schema_in_it_is_one(document):
    found = [
        *schemas_of(document["paths"]),
        *schemas_of(document["webhooks"]),
        *document["components"]["schemas"].values(),
    ]

    assert len(found) > 100
    for schema in found:
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(document):
    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_what_is_sent_again_each_time_takes_no_idempotency_key(document):
    def headers(path):
        operation = document["paths"][path]["post"]
        return [one["name"] for one in operation["parameters"] if one["in"] == "header"]

    (path,) = [one for one in document["paths"] if one.endswith("/webhooks/{id}/test")]
    assert headers(path) == []
    assert "each request sends one" in document["paths"][path]["post"]["summary"]
    assert headers(path.replace("test", "replay")) == ["Idempotency-Key"]


def test_every_operation_has_a_name_of_its_own(operations):
    names = [operation["operationId"] for operation in operations.values()]

    assert len(set(names)) == len(names)


def test_every_parameter_of_a_path_is_declared(operations):
    for (method, path), operation in operations.items():
        named = re.findall(r"{(\w+)}", path)
        declared = [
            one["name"]
            for one in operation.get("parameters", [])
            if one["in"] == "path"
        ]
        assert declared == named, (method, path)


def test_every_route_of_the_server_is_in_the_document(server, operations):
    rows = {(route.method, route.path) for route in server.doors.records.routes.rows}

    assert set(operations) == rows


# JSON, whatever type its sender says that it has
SENT = ("POST", "/webhooks/incoming/{token}")
PUBLIC = {
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/info"),
    ("GET", "/metrics"),
    ("POST", "/auth/register"),
    ("POST", "/auth/login"),
    ("POST", "/auth/refresh"),
    SENT,
}


def test_every_operation_but_the_public_ones_says_that_it_needs_a_token(
    document, operations
):
    schemes = document["components"]["securitySchemes"]
    open_to_all = {name for name, one in operations.items() if not one.get("security")}

    assert open_to_all == PUBLIC
    for operation in operations.values():
        for need in operation.get("security", []):
            assert set(need) <= set(schemes)


def test_every_error_is_declared_in_the_surfaces_shape(document, operations):
    error = {"$ref": "#/components/schemas/Error"}
    assert document["components"]["schemas"]["Error"]["required"] == ["detail", "code"]

    for name, operation in operations.items():
        for status, reply in operation["responses"].items():
            if int(status) >= 400:
                assert reply["content"]["application/json"]["schema"] == error, name


def test_every_operation_declares_what_it_can_answer(operations):
    for (method, path), operation in operations.items():
        declared = {int(status) for status in operation["responses"]}
        missing = {500} - declared
        if (method, path) not in PUBLIC:
            missing |= {401} - declared
        if "{" in path and (method, path) not in PUBLIC:
            missing |= {404} - declared
        if "requestBody" in operation:
            missing |= {400, 413, 422} - declared
        if "requestBody" in operation and (method, path) != SENT:
            missing |= {415} - declared
        if not declared & {200, 201, 202, 204}:
            missing |= {501} - declared
        elif method in ("PATCH", "DELETE"):
            missing |= {412, 503} - declared
        else:
            missing |= {503} - declared
        assert not missing, (method, path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/records", 409),
        ("POST", "/records", 423),
        ("PATCH", "/records/{id}", 409),
        ("PATCH", "/records/{id}", 412),
        ("DELETE", "/records/{id}", 409),
        ("POST", "/records/batch", 413),
        ("POST", "/constraints", 409),
        ("PATCH", "/fields/{id}", 409),
        ("PATCH", "/fields/{id}", 422),
        ("PATCH", "/fields/{id}", 423),
        ("PATCH", "/fields/{id}", 503),
        ("POST", "/auth/register", 409),
        ("POST", "/auth/login", 401),
        ("POST", "/auth/refresh", 401),
        ("GET", "/records", 422),
    ],
)
def test_an_error_that_is_known_to_come_is_declared(operations, method, path, status):
    assert str(status) in operations[method, path]["responses"]


def test_what_the_server_answers_is_what_the_document_says(
    client, document, operations
):
    table = client.table("Name", {"name": "Price", "type": "number"})
    record = client.record(table["id"], Name="Ada", Price=1)
    constraint = client.constraint(table["ids"]["Name"])
    view = client.view(table["id"], "form", sorts=[{"field": "Price"}])
    workspace_id = table["workspace_id"]
    asked = [
        ("/health", "/health", {}),
        ("/ready", "/ready", {}),
        ("/users/me", "/users/me", {}),
        ("/workspaces", "/workspaces", {}),
        ("/workspaces/{id}", f"/workspaces/{workspace_id}", {}),
        ("/workspaces/{id}/members", f"/workspaces/{workspace_id}/members", {}),
        ("/bases", "/bases", {"workspace_id": workspace_id}),
        ("/bases/{id}", f"/bases/{table['base_id']}", {}),
        ("/tables", "/tables", {"base_id": table["base_id"]}),
        ("/tables/{id}", f"/tables/{table['id']}", {}),
        ("/fields", "/fields", {"table_id": table["id"]}),
        ("/fields/{id}", f"/fields/{table['ids']['Name']}", {}),
        ("/fields/{id}/constraint", f"/fields/{table['ids']['Name']}/constraint", {}),
        ("/constraints", "/constraints", {"table_id": table["id"]}),
        ("/constraints/{id}", f"/constraints/{constraint['id']}", {}),
        ("/views", "/views", {"table_id": table["id"]}),
        ("/views/default", "/views/default", {"table_id": table["id"]}),
        ("/views/{id}", f"/views/{view['id']}", {}),
        ("/views/{id}/form", f"/views/{view['id']}/form", {}),
        ("/records", "/records", {"table_id": table["id"]}),
        ("/records/{id}", f"/records/{record['id']}", {}),
        ("/events", "/events", {"workspace_id": workspace_id}),
    ]

    for route, path, query in asked:
        body = made(client.get(path, params=query))
        schema = operations["GET", route]["responses"]["200"]["content"]
        jsonschema.Draft202012Validator(
            {
                **schema["application/json"]["schema"],
                "components": document["components"],
            },
            format_checker=jsonschema.FormatChecker(),
        ).validate(body)
