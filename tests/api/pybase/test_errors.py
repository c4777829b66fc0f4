"""Every refusal is `{detail, code}`, whatever it refuses."""

import contextlib
import socket

import pytest

from domain.ids import INSTANCE
from tests.client import ABSENT, PASSWORD, Client, made, new_email

JSON = {"content-type": "application/json"}


def check(reply, status, code):
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/json"
    assert isinstance(reply.json()["detail"], str)
    assert reply.headers["x-request-id"]
    for word in ("Traceback", "psycopg", "SELECT", "/api/", "File "):
        assert word not in reply.text


# ------------------------------------------------------- paths that are not there


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/",
        "",
        "/records/x/y/z",
        "/users",
        "/users/",
        "/tables/x/records",
        "/../../etc/passwd",
        "/%00",
        "//records",
        "/RECORDS",
        "/zzz/v1",
    ],
)
def test_an_unknown_path_is_not_found(client, anonymous, method, path):
    for caller in (client, anonymous):
        reply = caller.request(method, f"{str(caller.base_url).rstrip('/')}{path}")
        check(reply, 404, "NOT_FOUND")
        assert set(reply.json()) == {"detail", "code"}


@pytest.mark.parametrize("path", ["/nowhere", "/api", "/api/v2/users/me", "/admin"])
def test_a_path_outside_the_surface_is_not_found(server, path):
    with Client(server.url) as caller:
        check(caller.get(server.url + path), 404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/users/me", "/workspaces", "/bases"])
def test_one_slash_at_the_end_does_not_matter(client, path):
    assert client.get(path + "/").status_code == 200
    assert client.get(path + "//").status_code in (400, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/users/me", "GET, PATCH"),
        ("POST", "/users/me", "GET, PATCH"),
        ("GET", "/auth/login", "POST"),
        ("DELETE", "/workspaces", "GET, POST"),
        ("PATCH", "/records", "GET, POST"),
        ("PUT", f"/records/{ABSENT}", "DELETE, GET, PATCH"),
        ("POST", "/health", "GET"),
        ("OPTIONS", "/records", "GET, POST"),
        ("TRACE", "/records", "GET, POST"),
        ("PROPFIND", "/records", "GET, POST"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_not_allowed(
    client, anonymous, method, path, allowed
):
    for caller in (client, anonymous):
        reply = caller.request(method, path)
        check(reply, 405, "METHOD_NOT_ALLOWED")
        assert reply.headers["allow"] == allowed


def test_pages_outside_the_surface_refuse_in_its_shape_too(server):
    with Client(server.url) as caller:
        check(caller.post(server.url + "/docs"), 405, "METHOD_NOT_ALLOWED")


def test_head_is_get_without_a_body(client):
    reply = client.head("/users/me")

    assert (reply.status_code, reply.content) == (200, b"")
    assert int(reply.headers["content-length"]) == len(client.get("/users/me").content)


# ------------------------------------------------------------------------ bodies

WRITES = [
    ("POST", "/auth/register"),
    ("POST", "/auth/login"),
    ("POST", "/auth/refresh"),
    ("PATCH", "/users/me"),
    ("POST", "/workspaces"),
    ("PATCH", f"/workspaces/{ABSENT}"),
    ("POST", f"/workspaces/{ABSENT}/members"),
    ("POST", "/bases"),
    ("PATCH", f"/bases/{ABSENT}"),
    ("POST", "/tables"),
    ("PATCH", f"/tables/{ABSENT}"),
    ("POST", "/fields"),
    ("PATCH", f"/fields/{ABSENT}"),
    ("POST", "/constraints"),
    ("PATCH", f"/constraints/{ABSENT}"),
    ("POST", "/records"),
    ("PATCH", f"/records/{ABSENT}"),
    ("POST", "/records/batch"),
    ("PATCH", "/records/batch"),
    ("DELETE", "/records/batch"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"x",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b"\xff\xfe",
        b"\xef\xbb\xbf",
    ],
)
def test_a_body_that_is_no_json_is_a_bad_request(client, method, path, body):
    if method == "DELETE":
        body = body or b" x"  # for an empty one the query may stand in
    reply = client.request(method, path, content=body, headers=JSON)

    check(reply, 400, "BAD_REQUEST")
    assert set(reply.json()) == {"detail", "code"}


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("body", [b"[]", b"7", b'"x"', b"null", b"true"])
def test_json_that_is_no_object_is_invalid(client, method, path, body):
    check(
        client.request(method, path, content=body, headers=JSON),
        422,
        "VALIDATION_ERROR",
    )


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonp",
        "text/plain; application/json",
    ],
)
def test_another_kind_of_body_is_not_taken(client, method, path, kind):
    reply = client.request(method, path, content=b"{}", headers={"content-type": kind})

    check(reply, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"]
)
def test_json_is_taken_in_any_spelling(client, kind):
    reply = client.patch("/users/me", content=b"{}", headers={"content-type": kind})

    assert reply.status_code == 200


@pytest.mark.parametrize("depth", [100, 10_000, 100_000])
def test_a_body_that_is_nested_too_deeply_is_refused(client, depth):
    body = b'{"table_id": "x", "fields": {"F": ' + b"[" * depth + b"]" * depth + b"}}"

    reply = client.post("/records", content=body, headers=JSON)

    assert reply.status_code in (400, 422)
    check(reply, reply.status_code, reply.json()["code"])
    assert reply.elapsed.total_seconds() < 1


def test_a_body_beyond_the_limit_is_too_large(client, settings):
    body = b'{"name": "' + b"x" * settings.max_body_bytes + b'"}'

    reply = client.post("/workspaces", content=body, headers=JSON)

    check(reply, 413, "PAYLOAD_TOO_LARGE")
    assert client.get("/users/me").status_code == 200


def test_a_body_that_does_not_say_its_size_has_the_same_limit(client, settings):
    def chunks():
        for _ in range(settings.max_body_bytes // 65_536 + 2):
            yield b" " * 65_536

    reply = client.post("/workspaces", content=chunks(), headers=JSON)

    check(reply, 413, "PAYLOAD_TOO_LARGE")


def test_a_compressed_body_is_not_taken(client):
    headers = {**JSON, "content-encoding": "gzip"}

    reply = client.post("/workspaces", content=b"x", headers=headers)

    assert reply.status_code in (415, 422)
    check(reply, reply.status_code, reply.json()["code"])


def test_a_client_that_leaves_in_the_middle_harms_nobody(client, server):
    host, port = server.url.removeprefix("http://").split(":")
    with contextlib.closing(socket.create_connection((host, int(port)))) as leaver:
        leaver.sendall(
            b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        )

    assert client.get("/users/me").status_code == 200


# ----------------------------------------------------------------------- queries


@pytest.mark.parametrize(
    "query",
    [
        "table_id=%",
        "table_id=%zz",
        "table_id=%ff",
        "table_id=%00",
        "x=%ed%a0%80",
        "&".join(f"a{n}=1" for n in range(300)),
    ],
    ids=lambda value: value[:20],
)
def test_a_query_that_cannot_be_read_is_refused(client, query):
    reply = client.get(f"{client.base_url}records?{query}")

    assert reply.status_code in (400, 422)
    check(reply, reply.status_code, reply.json()["code"])


# ----------------------------------------------------- what a refusal leaves behind


def test_a_refusal_harms_no_write_after_it(client, anonymous):
    """A refused unit rolls back: the connection has to be as good as before."""
    table = client.table("Name")
    client.constraint(table["ids"]["Name"])
    client.record(table["id"], Name="taken")
    body = {"table_id": table["id"], "fields": {"Name": "taken"}}
    taken = {"email": client.user["email"], "password": PASSWORD}

    for number in range(10):
        assert client.post("/records", json=body).status_code == 409
        assert anonymous.post("/auth/register", json=taken).status_code == 409
        client.record(table["id"], Name=f"free {number}")
        fresh = {**taken, "email": new_email("fresh")}
        made(anonymous.post("/auth/register", json=fresh))
        client.workspace()


def test_refusals_and_sign_ins_are_no_events(client, anonymous, happened):
    before = happened(INSTANCE)
    bad = {"email": client.user["email"], "password": "wrongwrong"}

    anonymous.post("/auth/login", json=bad)
    anonymous.post("/auth/login", json={**bad, "password": PASSWORD})
    anonymous.get("/users/me")
    client.get(f"/tables/{ABSENT}")
    client.post("/auth/register", json=bad)

    assert happened(INSTANCE) == before


def test_a_catalogue_that_the_cache_lost_is_loaded_again(client, server):
    """A committer that is unsure of a COMMIT drops what it knew of the workspace."""
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")

    for path in (f"/tables/{table['id']}", f"/records/{record['id']}"):
        server.system.catalogs.pop(table["workspace_id"], None)
        assert client.get(path).status_code == 200
    server.system.catalogs.pop(table["workspace_id"], None)
    client.record(table["id"], Name="Eve")
