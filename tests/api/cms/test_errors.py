"""Every reply of the CMS has the documented shape: what succeeds, what is refused."""

import json
import logging
import socket
from http import HTTPStatus

import psycopg
import pytest

from tests.client import ABSENT, made

JSON = {"content-type": "application/json"}


def check(reply, status, code, message=None):
    body = reply.json()
    assert (reply.status_code, body["statusCode"]) == (status, status)
    assert body["error"] == HTTPStatus(status).phrase
    assert body["code"] == code
    assert isinstance(body["message"], str)
    assert message in (None, body["message"])
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"]
    for word in ("Traceback", "psycopg", "SELECT", "File ", "vault."):
        assert word not in reply.text
    return body


# ------------------------------------------------------------------- successes


def test_e_001_replies_are_as_the_examples_have_them(cms, nobody):
    """The samples win over the envelope that the document names first: it is the public
    API's alone."""
    workspace = cms.workspace()
    made_type = cms.object_type("title", workspace_id=workspace["id"])
    path = f"/api/{workspace['slug']}/{made_type['slug']}"

    assert isinstance(made(cms.get("/workspaces")), list)
    assert made(cms.get(f"/workspaces/{workspace['id']}"))["id"] == workspace["id"]
    public = made(nobody.get(path))
    assert set(public) == {"data", "meta"}
    assert public["meta"]["pagination"] == {
        "page": 1,
        "limit": 10,
        "total": 0,
        "pages": 0,
    }


@pytest.mark.parametrize("path", ["/users/profile", "/workspaces", "/health"])
def test_one_slash_at_the_end_does_not_matter(cms, path):
    assert cms.get(f"{path}/").status_code == 200


# -------------------------------------------------------------------- refusals


def test_e_002_a_refusal_says_status_message_and_error(cms):
    reply = cms.patch("/users/profile", json={"full_name": 7})

    assert list(check(reply, 400, "VALIDATION_ERROR", "Validation failed"))[:3] == [
        "statusCode",
        "message",
        "error",
    ]
    assert reply.json()["error"] == "Bad Request"


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"", JSON, 400, "VALIDATION_ERROR"),
        (b"{", JSON, 400, "VALIDATION_ERROR"),
        (b"[]", JSON, 400, "VALIDATION_ERROR"),
        (b'{"full_name": NaN}', JSON, 400, "VALIDATION_ERROR"),
        (b"[" * 100_000, JSON, 400, "VALIDATION_ERROR"),
        (b'{"full_name": "\\ud800"}', JSON, 400, "VALIDATION_ERROR"),
        (b"{}", {"content-type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}", JSON | {"content-encoding": "gzip"}, 400, "VALIDATION_ERROR"),
        (b"x" * 11_000_000, JSON, 413, "PAYLOAD_TOO_LARGE"),
        (b"{}", JSON | {"idempotency-key": "a b"}, 400, "VALIDATION_ERROR"),
    ],
    ids=str,
)
def test_threat_106_a_body_that_cannot_be_taken(cms, content, headers, status, code):
    reply = cms.patch("/users/profile", content=content, headers=headers)

    check(reply, status, code)


def test_e_092_a_role_that_does_not_allow_it(server, cms, ada_at_pybase, cms_newcomer):
    workspace = cms.workspace()
    body = {"user_id": cms_newcomer.user["id"], "role": "viewer"}
    made(ada_at_pybase.post(f"/workspaces/{workspace['id']}/members", json=body))

    reply = cms_newcomer.patch(f"/workspaces/{workspace['id']}", json={"name": "Mine"})

    check(reply, 403, "FORBIDDEN", "Your role does not allow this")


def test_e_093_what_is_not_there(cms):
    check(cms.get("/nowhere"), 404, "NOT_FOUND", "There is no such path")
    check(cms.get(f"/workspaces/{ABSENT}"), 404, "NOT_FOUND", "Workspace not found")
    check(cms.get("/workspaces/nonsense"), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/users/profile", "GET, PATCH"),
        ("GET", "/auth/login", "POST"),
        ("POST", "/health", "GET"),
        ("TRACE", "/users/profile", "GET, PATCH"),
        ("OPTIONS", "/users/profile", "GET, PATCH"),
        ("PROPFIND", "/workspaces", "GET, POST"),
    ],
)
def test_threat_107_a_method_that_a_path_does_not_take(
    cms, nobody, method, path, allowed
):
    for caller in (cms, nobody):
        reply = caller.request(method, path)
        check(reply, 405, "METHOD_NOT_ALLOWED")
        assert reply.headers["allow"] == allowed


def test_threat_107_head_asks_who_calls_as_get_does(cms, nobody):
    assert nobody.head("/users/profile").status_code == 401
    reply = cms.head("/users/profile")
    assert (reply.status_code, reply.content) == (200, b"")


def test_threat_107_a_private_reply_is_kept_by_no_cache_and_shown_in_no_page(cms):
    for reply in (cms.get("/users/profile"), cms.get("/nowhere")):
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["x-frame-options"] == "DENY"
        assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"GET /health?" + b"x" * 66_000 + b" HTTP/1.1\r\n", 414, "URI_TOO_LONG"),
        (
            b"GET /health HTTP/1.1\r\nX-Large: " + b"x" * 66_000 + b"\r\n",
            431,
            "HEADERS_TOO_LARGE",
        ),
        (
            b"GET /health HTTP/1.1\r\n" + b"X-Many: x\r\n" * 5_000,
            431,
            "HEADERS_TOO_LARGE",
        ),
        (b"nonsense\r\n", 400, "VALIDATION_ERROR"),
    ],
    ids=["target", "header", "headers", "nonsense"],
)
def test_threat_106_a_head_that_cannot_be_read(server, head, status, code):
    host, port = server.cms_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(head + b"Host: x\r\n\r\n")
        said = b""
        while part := wire.recv(65_536):
            said += part
    first, _, rest = said.partition(b"\r\n\r\n")
    body = json.loads(rest)

    assert first.split()[1] == str(status).encode()
    assert (body["statusCode"], body["code"]) == (status, code)
    assert body["error"] == HTTPStatus(status).phrase


@pytest.fixture
def broken(database):
    """A database in which something is missing."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("ALTER TABLE vault.accounts RENAME TO accounts_elsewhere")
        yield
        connection.execute("ALTER TABLE vault.accounts_elsewhere RENAME TO accounts")


def test_e_096_what_is_our_fault_is_told_without_what_it_was(cms, broken, caplog):
    with caplog.at_level(logging.CRITICAL, logger="api.door"):
        reply = cms.get("/users/profile")

    body = check(reply, 500, "INTERNAL_ERROR", "Internal error")
    assert body["request_id"] == reply.headers["x-request-id"]
    assert set(body) == {"statusCode", "message", "error", "code", "request_id"}


def test_e_097_the_code_is_beside_what_the_sample_has(nobody, cms):
    codes = {
        nobody.get("/users/profile").json()["code"],
        cms.get("/nowhere").json()["code"],
        cms.patch("/users/profile", json={"avatar": 7}).json()["code"],
    }

    assert codes == {"UNAUTHORIZED", "NOT_FOUND", "VALIDATION_ERROR"}
