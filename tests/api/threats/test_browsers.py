"""Row 107: other people's pages, other methods, kinds and parameters than are meant."""

import pytest

from api.browsers import EXPOSED
from tests.client import Client, made, running_server

PAGE = "https://app.example.org"
EVIL = [
    "https://evil.example",
    "null",
    "http://app.example.org",
    "https://app.example.org.evil.example",
    "https://app.example.org:444",
    "https://evilapp.example.org",
    "https://app.example.org/",
    "HTTPS://APP.EXAMPLE.ORG",
    "",
]
REPLY = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


def preflight(client, path, origin=PAGE, method="POST", headers="authorization"):
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": headers,
    }
    return client.options(path, headers=asked)


def cors_of(reply):
    return {
        name.removeprefix("access-control-"): value
        for name, value in reply.headers.items()
        if name.startswith("access-control-")
    }


@pytest.fixture(scope="module")
def opened(settings, database):
    """A server that one page may call, reached by https."""
    changed = {
        "cors_origins": (PAGE, "http://localhost:3000"),
        "public_url": "https://api.example.org",
    }
    with running_server(settings.model_copy(update=changed), database) as server:
        yield server


@pytest.fixture(scope="module")
def caller(opened):
    with Client(opened.url) as client:
        yield client.register()


@pytest.fixture
def anyone(opened):
    with Client(opened.url) as client:
        yield client


# ----------------------------------------------------------------------- CORS


def test_threat_107_no_page_may_call_unless_it_is_named(client):
    reply = client.get("/users/me", headers={"origin": PAGE})
    asked = preflight(client, "/records")

    assert (reply.status_code, cors_of(reply)) == (200, {})
    assert (asked.status_code, cors_of(asked)) == (405, {})


def test_threat_107_a_page_that_is_named_sees_replies_and_their_headers(caller):
    reply = caller.get("/users/me", headers={"origin": PAGE})

    assert cors_of(reply) == {
        "allow-origin": PAGE,
        "allow-credentials": "true",
        "expose-headers": ", ".join(EXPOSED),
    }
    assert reply.headers["vary"] == "Origin"
    for name in ("ETag", "X-Position", "X-Batch-Id", "X-Request-Id", "Retry-After"):
        assert name in EXPOSED


def test_threat_107_it_sees_refusals_and_what_is_streamed_too(caller, anyone):
    table = caller.table("Name")
    stream = f"/records/export?table_id={table['id']}&format=json"
    replies = [
        anyone.get("/users/me", headers={"origin": PAGE}),
        caller.get("/nowhere", headers={"origin": PAGE}),
        caller.put("/users/me", headers={"origin": PAGE}),
        caller.post("/records", content=b"{", headers={"origin": PAGE}),
        caller.get(stream, headers={"origin": PAGE}),
    ]

    assert [one.status_code for one in replies] == [401, 404, 405, 400, 200]
    assert {one.headers["access-control-allow-origin"] for one in replies} == {PAGE}


@pytest.mark.parametrize("origin", EVIL)
def test_threat_107_another_page_is_told_nothing(caller, anyone, origin):
    reply = caller.get("/users/me", headers={"origin": origin})
    asked = preflight(anyone, "/records", origin)

    assert "access-control-allow-origin" not in cors_of(reply)
    assert "access-control-allow-origin" not in cors_of(asked)
    assert asked.status_code == 400
    # a shared cache keeps no page's answer for another
    assert reply.headers["vary"] == "Origin"
    assert "Origin" in asked.headers["vary"]


def test_threat_107_a_page_is_answered_before_it_signs_in(anyone):
    asked = preflight(
        anyone,
        "/records",
        method="PATCH",
        headers="authorization,content-type,if-match,idempotency-key,x-api-key",
    )

    assert asked.status_code == 200
    assert cors_of(asked)["allow-origin"] == PAGE
    assert "PATCH" in cors_of(asked)["allow-methods"]
    assert {**REPLY, **asked.headers} == dict(asked.headers)


@pytest.mark.parametrize("path", ["/nowhere", "/", "/records/x/y", "/zzz/v1"])
def test_threat_107_a_path_that_is_not_there_is_not_found(caller, anyone, path):
    for one in (caller, anyone):
        assert preflight(one, path).status_code == 404


@pytest.mark.parametrize(
    ("method", "headers"), [("TRACE", "authorization"), ("POST", "x-evil"), ("", "")]
)
def test_threat_107_what_nobody_sends_is_not_allowed(anyone, method, headers):
    asked = preflight(anyone, "/records", method=method, headers=headers)

    assert asked.status_code == 400


def test_threat_107_a_plain_options_is_not_a_preflight(anyone):
    assert anyone.options("/records").status_code == 405
    assert anyone.options("/records", headers={"origin": PAGE}).status_code == 405


def test_threat_107_any_page_may_call_without_credentials(settings, database):
    changed = settings.model_copy(update={"cors_origins": ("*",)})
    with running_server(changed, database) as server, Client(server.url) as client:
        reply = client.get("/health", headers={"origin": "https://evil.example"})
        asked = preflight(client, "/records", "null")

    for one in (reply, asked):
        assert cors_of(one)["allow-origin"] == "*"
        assert "allow-credentials" not in cors_of(one)


# ---------------------------------------------------------- headers of every reply


def test_threat_107_every_reply_says_what_may_be_done_with_it(client, anonymous):
    table = client.table("Name")
    root = str(client.base_url).removesuffix("/api/v1/")
    for reply in (
        client.get("/users/me"),
        client.post("/records", json={"table_id": table["id"], "fields": {}}),
        client.get(f"/records/export?table_id={table['id']}"),
        anonymous.get("/users/me"),
        client.get("/nowhere"),
        client.options("/records"),
        client.post("/records", content=b"{"),
        client.get("/health"),
        client.get(f"{root}/nowhere"),
        client.get(f"{root}/openapi.json"),
        client.get(f"{root}/"),
        client.get(f"{root}/metrics"),
        client.get(f"{root}/docs/static/swagger-ui.css"),
    ):
        assert {**REPLY, **reply.headers} == dict(reply.headers), reply.request.url
        assert len(reply.headers.get_list("content-security-policy")) == 1
        assert "strict-transport-security" not in reply.headers


def test_threat_107_a_private_reply_is_kept_by_no_cache(client, anonymous):
    for reply in (client.get("/users/me"), anonymous.get("/users/me")):
        assert reply.headers["cache-control"] == "no-store"


def test_threat_107_the_page_for_developers_runs_its_own_scripts_alone(server):
    with Client(server.url) as caller:
        page = caller.get(f"{server.url}/docs")
    policy = page.headers["content-security-policy"]
    scripts = policy.partition("script-src ")[2].partition(";")[0].split()

    assert scripts[0] == "'self'"
    assert [one[:8] for one in scripts[1:]] == ["'sha256-"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-frame-options"] == "DENY"


def test_threat_107_who_is_reached_by_https_is_never_called_without(opened, anyone):
    for path in ("/users/me", "/nowhere", f"{opened.url}/docs"):
        reply = anyone.get(path)
        assert reply.headers["strict-transport-security"] == "max-age=31536000"


# ------------------------------------------------------ methods, kinds, parameters


@pytest.mark.parametrize(
    "header", ["x-http-method-override", "x-http-method", "x-method-override"]
)
def test_threat_107_a_header_or_parameter_changes_no_method(attack, client, header):
    record = client.record(client.table("Name")["id"], Name="Ada")
    path = f"/records/{record['id']}"

    attack(client, "GET", path, expect=200, headers={header: "DELETE"})
    attack(client, "GET", f"{path}?_method=DELETE", expect=200)

    assert made(client.get(path))["id"] == record["id"]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "OPTIONS"])
def test_threat_107_a_method_of_another_kind_is_not_allowed(
    attack, client, anonymous, method
):
    for caller in (client, anonymous):
        reply = attack(caller, method, "/records", expect=405)
        assert "authorization" not in reply.text.lower()


def test_threat_107_head_asks_who_calls_as_get_does(attack, client, anonymous, victim):
    table = victim.ids["table"]
    attack(anonymous, "HEAD", f"/tables/{table}", expect=401)
    attack(client, "HEAD", f"/tables/{table}", expect=404)
    attack(client, "HEAD", f"/records?table_id={table}", expect=404)


def test_threat_107_of_a_parameter_given_twice_the_last_counts(client, attack, victim):
    mine = client.table("Name")["id"]
    theirs = victim.ids["table"]

    attack(client, "GET", f"/records?table_id={mine}&table_id={theirs}", expect=404)
    attack(client, "GET", f"/records?table_id={theirs}&table_id={mine}", expect=200)
