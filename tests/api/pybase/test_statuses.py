"""A-006, A-176, A-192: statuses, the largest batch, the operator of the example."""

import json

import pytest

from tests.client import Client, made


@pytest.fixture
def table(client):
    return client.table("Name", "Email")


@pytest.fixture
def declared(server):
    """(method, path) → the statuses that the OpenAPI document declares."""
    with Client(server.url) as caller:
        paths = made(caller.get(f"{server.url}/openapi.json"))["paths"]
    return {
        (method.upper(), path.removeprefix("/api/v1")): set(operation["responses"])
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def test_a_006_integrity_has_statuses_of_its_own(client, table, declared):
    """409 happens here; 423 is declared wherever a value is written."""
    client.constraint(table["ids"]["Email"])
    body = {"table_id": table["id"], "fields": {"Email": "a"}}

    assert client.post("/records", json=body).status_code == 201
    reply = client.post("/records", json=body)

    assert (reply.status_code, reply.json()["code"]) == (409, "DUPLICATE_VALUE")
    for method, path in [
        ("POST", "/records"),
        ("PATCH", "/records/{id}"),
        ("POST", "/records/batch"),
        ("PATCH", "/records/batch"),
        ("PATCH", "/constraints/{id}"),
    ]:
        assert {"409", "423"} <= declared[method, path]


@pytest.mark.parametrize(
    ("method", "key", "item"),
    [
        ("POST", "records", {"fields": {}}),
        ("PATCH", "updates", {"record_id": "{id}", "fields": {"Name": "x"}}),
        ("DELETE", "record_ids", "{id}"),
    ],
)
def test_a_176_a_batch_has_at_most_a_thousand_items(client, table, method, key, item):
    record = client.record(table["id"])
    one = json.loads(json.dumps(item).replace("{id}", record["id"]))
    body = {"table_id": table["id"], key: [one] * 1001}

    reply = client.request(method, "/records/batch", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "BATCH_TOO_LARGE")
    page = made(client.get(f"/records?table_id={table['id']}"))
    assert page["items"] == [record]


def test_a_192_the_operator_of_the_example(client, table):
    client.records(table["id"], {"Name": "Widget A"}, {"Name": "Gadget"})
    query = {
        "table_id": table["id"],
        "filter": '{"Name": {"$contains": "Widget"}}',
        "sort": '[{"field": "Name", "direction": "desc"}]',
        "limit": 100,
        "offset": 0,
    }

    page = made(client.get("/records", params=query))

    assert [one["fields"]["Name"] for one in page["items"]] == ["Widget A"]
    assert (page["total"], page["limit"], page["offset"]) == (1, 100, 0)
