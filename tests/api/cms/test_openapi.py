"""The CMS's pages for developers: its OpenAPI document, and what shows it."""

import re

import httpx2
import pytest

from tests.client import NOBODY, made

# what anybody may ask
PUBLIC = {
    ("GET", "/"),
    ("GET", "/health"),
    ("POST", "/auth/register"),
    ("POST", "/auth/login"),
    ("POST", "/auth/exchange"),
    ("GET", "/auth/oauth/start"),
    ("GET", "/auth/oauth/callback"),
    ("GET", "/api/{workspace_slug}/{object_type_slug}"),
    ("GET", "/api/{workspace_slug}/{object_type_slug}/{entry_id}"),
    ("GET", "/api/{workspace_slug}/media/{file_id}"),
}


@pytest.fixture
def browser(server):
    with httpx2.Client(
        base_url=server.cms_url, trust_env=False, verify=NOBODY
    ) as browser:
        yield browser


@pytest.fixture
def document(browser):
    reply = browser.get("/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    return made(reply)


@pytest.fixture
def operations(document):
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_every_route_of_the_server_is_in_the_document(server, operations):
    rows = {(row.method, row.path) for row in server.doors.cms.routes.rows}

    assert set(operations) == rows
    assert {one["operationId"] for one in operations.values()} == {
        one["operationId"] for one in operations.values() if one["operationId"]
    }
    assert len({one["operationId"] for one in operations.values()}) == len(rows)


def test_every_operation_but_the_public_ones_says_that_it_needs_a_token(operations):
    open_to_all = {name for name, one in operations.items() if not one.get("security")}

    assert open_to_all == PUBLIC


def test_every_error_is_declared_in_the_documents_shape(document, operations):
    error = {"$ref": "#/components/schemas/Error"}
    shape = document["components"]["schemas"]["Error"]
    assert shape["required"] == ["statusCode", "message", "error", "code"]

    for name, operation in operations.items():
        for status, reply in operation["responses"].items():
            if int(status) >= 400:
                assert reply["content"]["application/json"]["schema"] == error, name


def test_every_operation_declares_what_it_can_answer(operations):
    for (method, path), operation in operations.items():
        declared = {int(status) for status in operation["responses"]}
        missing = {500} - declared
        if (method, path) not in PUBLIC:
            missing |= {401, 429, 503} - declared
        if "{" in path:
            missing |= {404} - declared
        if "requestBody" in operation:
            missing |= {400, 413, 415} - declared
        assert not missing, (method, path)


def test_every_success_but_a_redirect_has_a_body_that_is_declared(operations):
    for name, operation in operations.items():
        for status, reply in operation["responses"].items():
            if status in ("200", "201"):
                assert reply["content"], name
            assert status != "204", name


def test_every_reference_leads_somewhere(document):
    named = set(re.findall(r"#/components/schemas/(\w+)", str(document)))

    assert named <= set(document["components"]["schemas"])


def test_the_page_asks_no_other_host(browser):
    page = browser.get("/docs")

    assert page.status_code == 200
    assert "Tabellion: headless CMS" in page.text
    assert page.headers["x-request-id"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith("/docs/static/")
        assert browser.get(address).status_code == 200


def test_what_is_no_page_is_refused_in_the_documents_shape(browser):
    reply = browser.get("/docs/static/nothing.js")

    assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")


def test_the_front_page_says_what_this_is(browser):
    reply = browser.get("/")

    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert "headless CMS" in reply.text


def test_no_operation_claims_to_be_one_of_a_batch(document):
    for operations in document["paths"].values():
        for operation in operations.values():
            assert "batch" not in operation.get("description", "")
