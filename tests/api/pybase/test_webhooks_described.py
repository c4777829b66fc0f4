"""What OpenAPI and docs/webhooks.md say of webhooks is what there is."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from api.pybase.messages import messages
from api.pybase.schemas import RECORD
from commands.outbound.client import OURS
from domain.webhook import OF_CONTENT, OF_TABLES
from projections.delivered import STATES
from tests.client import made

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "webhooks.md").read_text()
INCOMING = "/webhooks/incoming/{token}"


@pytest.fixture(scope="module")
def document(server, client):
    return made(client.get(server.url + "/openapi.json"))


@pytest.fixture
def operation(document):
    def operation(method, path):
        return document["paths"][f"/api/v1{path}"][method]

    return operation


def reply_of(operation, status):
    return operation["responses"][status]["content"]["application/json"]["schema"]


def content_of(operation):
    return operation["requestBody"]["content"]["application/json"]


def test_words_that_are_few_are_enumerated(operation):
    shown = reply_of(operation("get", "/webhooks/{id}"), "200")["properties"]
    delivered = reply_of(operation("get", "/webhooks/{id}/deliveries"), "200")
    delivery = delivered["properties"]["items"]["items"]["properties"]

    assert shown["type"]["enum"] == ["outgoing", "incoming"]
    assert shown["events"]["items"]["enum"] == [*OF_TABLES, *OF_CONTENT]
    assert delivery["state"]["enum"] == list(STATES)


def test_secret_and_token_are_said_to_be_shown_once(operation):
    for path, status in (
        ("/webhooks", "201"),
        ("/webhooks/{id}/rotate-secret", "200"),
        ("/webhooks/{id}/regenerate-token", "200"),
    ):
        shown = reply_of(operation("post", path), status)
        for name in ("secret", "token"):
            assert "n this reply alone" in shown["properties"][name]["description"]
            assert name not in shown["required"]


def test_a_page_of_deliveries_is_said_to_have_100(operation):
    asked = operation("get", "/webhooks/{id}/deliveries")["parameters"]

    most = {one["name"]: one["schema"].get("maximum") for one in asked}
    assert (most["limit"], most["page_size"]) == (100, 100)


def test_what_an_incoming_message_becomes_is_said(operation):
    said = operation("post", INCOMING)["description"]

    for word in ("author", "404", "503", "webhook-id", "Idempotency-Key"):
        assert word in said
    (named,) = [
        one
        for one in operation("post", INCOMING)["parameters"]
        if one["name"] == "webhook-id"
    ]
    assert "Idempotency-Key beside it does not count" in named["description"]


def test_the_bodies_that_are_shown_are_taken(client, document, operation):
    table = client.table("Name", "Email")
    content = content_of(operation("post", "/webhooks"))

    for name in ("outgoing", "incoming"):
        body = content["examples"][name]["value"]
        jsonschema.Draft202012Validator(
            {**content["schema"], "components": document["components"]}
        ).validate(body)
        hook = made(client.post("/webhooks", json=body | {"table_id": table["id"]}))
    sent = content_of(operation("post", INCOMING))["examples"]["mapped"]["value"]
    path = f"/webhooks/incoming/{hook['token']}"
    assert client.post(path, json=sent).is_success


def test_a_key_that_no_body_takes_is_none_of_its_schema(document):
    schemas = document["components"]["schemas"]

    for name in ("CreateWebhook", "UpdateWebhook", "ReplayWebhook"):
        assert schemas[name]["additionalProperties"] is False


def test_every_message_is_in_the_document(document):
    names = [one for one in (*OF_TABLES, *OF_CONTENT) if not one.endswith("*")]

    assert sorted(document["webhooks"]) == sorted([*names, "webhook.test"])


def test_the_docs_name_the_headers_that_are_ours():
    (row,) = re.findall(r"^\| `headers` \|.*$", DOCS, re.M)

    for name in (*OURS, "webhook-id", "webhook-timestamp", "webhook-signature"):
        assert f"`{name}`" in row


def test_the_example_of_the_docs_has_all_keys():
    (example,) = re.findall(r"^```json\n(.*?)^```", DOCS, re.M | re.S)
    message = json.loads(example)

    asked = messages()["record.updated"]["post"]["requestBody"]
    shape = asked["content"]["application/json"]["schema"]
    data = shape["properties"]["data"]
    assert list(message) == shape["required"]
    assert list(message["data"]) == data["required"]
    assert list(message["data"]["record"]) == RECORD["required"]


def test_the_docs_name_the_wildcards():
    for name in (*OF_TABLES, *OF_CONTENT):
        if name.endswith("*"):
            assert f"`{name}`" in DOCS
