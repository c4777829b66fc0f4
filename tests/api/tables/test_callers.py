"""Access tokens, keys and sessions: what they open, and when they no longer do."""

import logging
import time
from typing import Any

import psycopg
import pytest

from api.sessions import SessionCookies
from commands.unit import Reply
from tests.api.tables.conftest import Rest, path_to, token_of
from tests.client import ABSENT, PASSWORD, Client, made

BAD = (403, "Invalid access token")


@pytest.fixture
def table(client):
    table = client.table("Name")
    client.record(table["id"], Name="Ada")
    return table


@pytest.fixture
def tokens(client, table):
    return f"/workspaces/{table['workspace_id']}/tokens"


@pytest.fixture
def plain(server, client, table):
    """The table's path, called by nobody yet."""
    with Rest(server.url, path_to(client, table)) as plain:
        yield plain


def said(reply):
    return reply.status_code, reply.json().get("error")


def status(rest, token):
    return rest.ask(headers={"authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("Bearer nope", "Invalid access token"),
        ("Bearer wat_" + "x" * 43, "Invalid access token"),
        ("Bearer tbk_" + "x" * 43, "Invalid access token"),
        ("Bearer wat_short", "Invalid access token"),
        ("bearer a.b.c", "Invalid access token"),
        ("Bearer", "Invalid Authorization header format"),
        ("wat_" + "x" * 43, "Invalid Authorization header format"),
        ("Basic YTpi", "Invalid Authorization header format"),
        ("Token abc", "Invalid Authorization header format"),
    ],
)
def test_a_header_that_is_no_good_is_403_whatever_else_there_is(
    plain, client, header, text
):
    plain.cookies.set("tabellion_session", "x")
    reply = plain.ask(headers={"authorization": header})

    assert said(reply) == (403, text)
    assert "www-authenticate" not in reply.headers


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_in_any_case(plain, client, table, scheme):
    token = token_of(client, table["workspace_id"])
    reply = plain.ask(headers={"authorization": f"{scheme} {token}"})

    assert reply.status_code == 200


def test_a_token_of_pybase_and_an_api_key_are_taken_too(plain, client):
    bearer = client.headers["authorization"].removeprefix("Bearer ")
    key = made(client.post("/users/me/api-keys", json={"scopes": ["read"]}))["key"]

    assert status(plain, bearer) == 200
    assert status(plain, key) == 200
    assert plain.ask(headers={"x-api-key": key}).status_code == 200
    assert plain.ask({"token": key}).status_code == 403


def test_a_token_is_shown_once_and_nowhere_else(
    client, table, tokens, database, recorded_events, caplog
):
    caplog.set_level(logging.DEBUG)
    reply = client.post(tokens, json={"name": "Dashboard"})
    body = made(reply)
    secret = body["token"]
    workspace_id = table["workspace_id"]

    assert reply.status_code == 201
    assert set(body) == {
        *("id", "user_id", "name", "token", "token_prefix", "is_active"),
        *("expires_at", "last_used_at", "created_at"),
    }
    assert secret not in client.get(tokens).text
    assert secret not in client.get(f"/events?workspace_id={workspace_id}").text
    event = recorded_events(workspace_id)[-1]
    assert event["type"] == "token.created"
    assert event["data"] == {"user_id": client.user["id"], "expires_at": None}
    assert secret not in caplog.text
    with psycopg.connect(database.owner) as connection:
        rows = connection.execute(
            "SELECT t::text FROM vault.api_keys AS t WHERE id = %s", [body["id"]]
        ).fetchall()
    assert len(rows) == 1
    assert secret not in rows[0][0]


def test_a_token_is_made_again_by_no_repetition(client, tokens):
    once = {"idempotency-key": "made-once"}
    first = client.post(tokens, json={}, headers=once)
    again = client.post(tokens, json={}, headers=once)

    assert first.status_code == 201
    assert (again.status_code, again.json()["code"]) == (409, "SECRET_ALREADY_SHOWN")
    assert len(made(client.get(tokens))) == 1


def test_a_revoked_token_is_dead_at_once(plain, client, table, tokens):
    token = made(client.post(tokens))
    assert status(plain, token["token"]) == 200

    assert client.delete(f"{tokens}/{token['id']}").status_code == 204

    headers = {"authorization": f"Bearer {token['token']}"}
    assert said(plain.ask(headers=headers)) == BAD
    assert made(client.get(tokens)) == []
    assert client.delete(f"{tokens}/{token['id']}").status_code == 404


def test_a_token_ends_when_it_said_it_would(plain, client, tokens):
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    token = made(client.post(tokens, json={"expires_at": end}))["token"]
    assert status(plain, token) == 200

    time.sleep(2.2)

    assert status(plain, token) == 403
    assert made(client.get(tokens))[0]["is_active"] is False
    assert client.post(tokens, json={"expires_at": end}).status_code == 422


def test_a_token_is_good_for_its_own_workspace_alone(server, client, plain, table):
    other = token_of(client, client.workspace("Other")["id"])

    assert said(plain.ask(headers={"authorization": f"Bearer {other}"})) == (
        404,
        "Workspace not found or access denied",
    )
    own = token_of(client, table["workspace_id"])
    assert status(plain, own) == 200
    assert status(plain, other) == 404  # also where the workspace is known by now


def test_a_token_opens_nothing_else(server, client, table):
    token = token_of(client, table["workspace_id"])
    with Client(server.url) as other:
        other.headers["authorization"] = f"Bearer {token}"
        for path in ("/users/me", f"/records?table_id={table['id']}", "/workspaces"):
            assert other.get(path).status_code == 401
        del other.headers["authorization"]
        other.headers["x-api-key"] = token
        assert other.get("/users/me").status_code == 401


def test_who_is_no_member_any_more_reads_no_more(server, client, plain, table):
    with Client(server.url) as leaving:
        leaving.register("Leaving")
        member = client.add_member(table["workspace_id"], leaving, "viewer")
        token = token_of(leaving, table["workspace_id"])
        assert status(plain, token) == 200
        path = f"/workspaces/{table['workspace_id']}/members/{member['id']}"
        assert client.delete(path).status_code == 204
        assert status(plain, token) == 404

        client.add_member(table["workspace_id"], leaving, "viewer")
        assert status(plain, token) == 404  # of a membership that has ended
        assert status(plain, token_of(leaving, table["workspace_id"])) == 200


def test_a_member_sees_and_revokes_their_own_and_an_admin_all(
    client, table, tokens, member
):
    viewer = member(table["workspace_id"], "viewer")
    admin = member(table["workspace_id"], "admin")
    mine = made(viewer.post(tokens))["id"]
    others = made(client.post(tokens))["id"]

    assert [one["id"] for one in made(viewer.get(tokens))] == [mine]
    assert [one["id"] for one in made(admin.get(tokens))] == [mine, others]
    assert viewer.delete(f"{tokens}/{others}").status_code == 404
    assert admin.delete(f"{tokens}/{mine}").status_code == 204
    body = {"user_id": viewer.user["id"]}
    assert viewer.post(tokens, json={"user_id": client.user["id"]}).status_code == 403
    assert admin.post(tokens, json=body).status_code == 201


def test_a_token_of_one_workspace_is_not_revoked_through_another(client, tokens):
    token = made(client.post(tokens))
    other = client.workspace("Other")["id"]

    assert client.delete(f"/workspaces/{other}/tokens/{token['id']}").status_code == 404
    assert made(client.get(tokens))[0]["is_active"] is True


def test_a_key_makes_no_tokens(server, client, tokens):
    key = made(client.post("/users/me/api-keys", json={}))["key"]
    reading = made(client.post("/users/me/api-keys", json={"scopes": ["read"]}))["key"]
    token = made(client.post(tokens))["id"]
    with Client(server.url) as other:
        other.headers["x-api-key"] = key
        assert other.post(tokens).status_code == 403
        other.headers["x-api-key"] = reading
        assert other.delete(f"{tokens}/{token}").status_code == 403


def test_tokens_are_no_api_keys_and_keys_no_tokens(client, tokens):
    token = made(client.post(tokens))
    key = made(client.post("/users/me/api-keys", json={}))

    assert token["id"] not in client.get("/users/me/api-keys").text
    assert key["id"] not in client.get(tokens).text
    assert client.delete(f"/users/me/api-keys/{token['id']}").status_code == 404
    assert client.delete(f"{tokens}/{key['id']}").status_code == 404


# ------------------------------------------------------------------ the session


@pytest.fixture
def browser(server, client, table):
    """Somebody who has signed in and shows nothing but the cookie."""
    with Client(server.url) as browser:
        browser.register("Browser")
        client.add_member(table["workspace_id"], browser, "viewer")
        yield browser


def reads(browser, plain):
    """By the cookie alone."""
    cookies = {one.name: one.value for one in browser.cookies.jar}
    with Rest(str(plain.base_url), plain.path) as fresh:
        for name, value in cookies.items():
            fresh.cookies.set(name, value)
        return fresh.ask()


def test_a_log_in_sets_a_cookie_that_no_script_and_no_other_page_has(server, browser):
    body = {"email": browser.user["email"], "password": PASSWORD}
    cookie = browser.post("/auth/login", json=body).headers["set-cookie"]

    name, *attributes = cookie.split("; ")
    assert name.startswith("tabellion_session=")
    assert {"Path=/api/workspace", "HttpOnly", "SameSite=Lax"} <= set(attributes)
    assert "Secure" not in attributes  # the server's address is plain HTTP


def test_behind_https_the_cookie_goes_nowhere_else(settings):
    safe = settings.model_copy(update={"public_url": "https://tables.example"})
    cookie = SessionCookies(safe).set(Reply(200, b""), ABSENT, ABSENT)

    assert cookie.headers["set-cookie"].endswith("; SameSite=Lax; Secure")


def test_the_session_reads(browser, plain):
    assert reads(browser, plain).status_code == 200


def test_the_session_is_nobody_at_pybase(server, browser):
    (cookie,) = list(browser.cookies.jar)
    with Client(server.url) as other:
        other.headers["cookie"] = f"{cookie.name}={cookie.value}"
        assert other.get("/users/me").status_code == 401
        other.headers["authorization"] = f"Bearer {cookie.value}"
        assert other.get("/users/me").status_code == 401


def test_the_session_is_no_bearer_token(browser, plain):
    (cookie,) = list(browser.cookies.jar)

    assert status(plain, cookie.value) == 403


def test_logging_out_ends_it_and_takes_the_cookie(browser, plain):
    (cookie,) = list(browser.cookies.jar)

    reply = browser.post("/auth/logout")

    assert "Max-Age=0" in reply.headers["set-cookie"]
    headers = {"cookie": f"{cookie.name}={cookie.value}"}
    assert said(plain.ask(headers=headers)) == BAD


def test_a_new_password_ends_the_session_of_another_browser(server, browser, plain):
    body = {"email": browser.user["email"], "password": PASSWORD}
    with Client(server.url) as other:
        made(other.post("/auth/login", json=body))
        assert reads(other, plain).status_code == 200
        passwords = {"current_password": PASSWORD, "new_password": "another secret"}
        assert browser.post("/auth/change-password", json=passwords).status_code == 204

        assert said(reads(other, plain)) == BAD
        assert reads(browser, plain).status_code == 200


@pytest.mark.parametrize("value", ["x", "a.b.c", '"', "é", ""])
def test_a_cookie_that_is_none_of_ours_is_nobody(plain, value):
    header = f"tabellion_session={value}".encode()
    reply = plain.ask(headers={b"cookie": header})

    assert reply.status_code == 403


# ------------------------------------------------------------- what is told of it


def test_metrics_and_the_access_log_tell_the_surface(plain, client, server, database):
    request_id = f"told-{client.user['id'][:8]}"
    plain.ask(headers={"x-request-id": request_id})
    text = client.get("/metrics").text

    path = "/{workspace_slug}/database/{db_name}/table/{table_name}/"
    assert f'route="{path}",status="403",surface="tables"' in text
    deadline = time.monotonic() + 10
    found: list[Any] = []
    while not found and time.monotonic() < deadline:
        time.sleep(0.2)
        with psycopg.connect(database.owner) as connection:
            found = connection.execute(
                "SELECT surface, action, status, code FROM ledger.access_log"
                " WHERE request_id = %s",
                [request_id],
            ).fetchall()
    assert found == [("tables", f"GET {path}", 403, "UNAUTHENTICATED")]
