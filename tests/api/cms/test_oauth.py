"""Signing in at another provider: the whole way, by a stand-in over real HTTP."""

import json
import logging
import secrets
from contextlib import contextmanager

import httpx2
import psycopg
import pytest

from commands.oauth.flows import challenge_of
from domain.ids import INSTANCE
from tests.api.cms.client import CmsClient
from tests.api.cms.provider import (
    CLIENT_SECRET,
    page,
    query_of,
    running_provider,
)
from tests.client import PASSWORD, Client, made, new_email, running_server

CALLBACK = "/auth/oauth/callback"


@pytest.fixture(scope="module")
def provider():
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def linked(settings, database, provider):
    """A server that knows the provider."""
    with running_server(provider.settings(settings), database) as server:
        yield server


@pytest.fixture
def browser(linked):
    with CmsClient(linked.cms_url) as browser:
        yield browser


class Way:
    """One sign-in, as a browser makes it.  Its cookies are carried by hand: the address
    of the callback is the public one."""

    def __init__(self, browser, provider):
        self.browser, self.provider = browser, provider
        self.cookie = ""
        self.back = {}

    def start(self, **query):
        """Begins, signs in at the provider, and holds what that sends back."""
        reply = self.browser.get("/auth/oauth/start", params=query)
        assert reply.status_code == 302, reply.text
        self.cookie = reply.headers["set-cookie"].partition(";")[0]
        self.browser.cookies.clear()
        self.back = self.provider.authorized(reply.headers["location"])
        return self

    def end(self, cookie=None, **more):
        headers = {"cookie": self.cookie if cookie is None else cookie}
        query = {k: v for k, v in {**self.back, **more}.items() if v is not None}
        reply = self.browser.get(CALLBACK, params=query, headers=headers)
        self.browser.cookies.clear()
        return reply

    def exchange(self, **body):
        return self.browser.post("/auth/exchange", json=body)


@pytest.fixture
def way(browser, provider):
    return Way(browser, provider)


@pytest.fixture
def nothing_happens(happened):
    """A block in which no event of the instance is recorded."""

    @contextmanager
    def nothing_happens():
        before = len(happened(INSTANCE))
        yield
        assert happened(INSTANCE, before) == []

    return nothing_happens


def profile(reply):
    headers = {"authorization": f"Bearer {reply.json()['token']}"}
    return made(httpx2.get(reply.url.join("/users/profile"), headers=headers))


def refused(reply, status, message=None):
    assert reply.status_code == status, reply.text
    assert reply.json()["statusCode"] == status
    if message is not None:
        assert reply.json()["message"] == message


# --------------------------------------------------------------- not configured


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/oauth/start"),
        ("GET", f"{CALLBACK}?code=x&state=y"),
        ("POST", "/auth/exchange"),
    ],
)
def test_without_a_provider_it_says_so(nobody, method, path):
    reply = nobody.request(method, path, json={"code": "x"})

    refused(reply, 501, "No OAuth provider is configured")


# ---------------------------------------------------------------- the whole way


def test_e_012_the_callback_answers_a_user_and_a_token(way, provider, happened):
    email = new_email("octo")
    provider.somebody(email, name="Octo Cat", picture="https://p.example/o.png")
    before = len(happened(INSTANCE))

    reply = way.start().end()

    assert reply.status_code == 200
    assert set(reply.json()) == {"user", "token"}
    found = profile(reply)
    assert {key: found[key] for key in ("email", "full_name", "avatar")} == {
        "email": email,
        "full_name": "Octo Cat",
        "avatar": "https://p.example/o.png",
    }
    assert found["email_verified"] is True
    assert happened(INSTANCE, before) == [("user.registered", {})]


def test_the_browser_is_sent_with_a_state_a_challenge_and_a_cookie(browser, provider):
    reply = browser.get("/auth/oauth/start")
    browser.cookies.clear()

    assert reply.status_code == 302
    asked = query_of(reply.headers["location"])
    assert reply.headers["location"].startswith(f"{provider.url}/authorize?")
    assert set(asked) == {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
    }
    assert asked["redirect_uri"] == f"http://cms.example.org{CALLBACK}"
    assert len(asked["state"]) == 43
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly; SameSite=Lax" in cookie
    assert f"Path={CALLBACK}" in cookie
    assert reply.headers["cache-control"] == "no-store"


def test_who_comes_again_is_the_same_user_whatever_the_address(way, provider):
    person = provider.somebody(new_email())
    first = way.start().end().json()["user"]
    person["email"] = new_email("renamed")
    person["email_verified"] = False

    assert way.start().end().json()["user"] == first


def test_a_page_trades_a_code_for_the_token(way, provider):
    email = provider.somebody(new_email())["email"]
    verifier = secrets.token_urlsafe(48)
    way.start(
        redirect_uri=page("/in", tab="1"),
        code_challenge=challenge_of(verifier),
        code_challenge_method="S256",
    )

    reply = way.end()

    assert reply.status_code == 302
    address = reply.headers["location"]
    assert address.startswith(page("/in", tab="1") + "&code=")
    code = query_of(address)["code"]
    signed_in = way.exchange(code=code, code_verifier=verifier)
    assert signed_in.status_code == 200
    assert signed_in.json()["user"]["email"] == email
    assert profile(signed_in)["email"] == email


# ------------------------------------------------------------------- threat 99


def test_threat_99_a_state_is_missing_made_up_or_used(way, provider, nothing_happens):
    provider.somebody(new_email())
    with nothing_happens():
        refused(way.start().end(state=None), 400, "The state is missing")
        refused(way.start().end(state=secrets.token_urlsafe(32)), 400)
        refused(way.start().end(state="x" * 5000), 400)
    assert way.start().end().status_code == 200
    with nothing_happens():
        refused(way.end(), 400)


def test_threat_99_a_state_is_of_the_browser_that_began(way, provider, browser):
    provider.somebody(new_email())
    mine = way.start().cookie
    with CmsClient(str(browser.base_url)) as another:
        theirs = Way(another, provider).start()
        for cookie in ("", "tabellion_oauth=", theirs.cookie, "other=1"):
            refused(way.start().end(cookie=cookie), 400)
        # the attacker's code, brought to the browser of somebody else
        refused(theirs.end(cookie=mine), 400)
        refused(theirs.end(), 400)  # and with it the state is used up


def test_threat_99_a_sign_in_that_took_too_long(way, provider, database):
    provider.somebody(new_email())
    way.start()
    with psycopg.connect(database.owner) as connection:
        connection.execute("UPDATE vault.oauth_states SET expires_at = now()")

    refused(way.end(), 400)


def test_threat_99_a_code_of_another_sign_in_does_not_fit(way, provider, browser):
    """The provider holds the challenge of the sign-in that a code was made for."""
    provider.somebody(new_email())
    other = Way(browser, provider).start()
    way.start()

    refused(way.end(code=other.back["code"]), 400)
    refused(way.start().end(code="made-up"), 400)
    refused(way.start().end(code=None), 400, "The code is missing")


def test_a_provider_that_says_no(way, provider, nothing_happens):
    provider.somebody(new_email())
    with nothing_happens():
        refused(way.start().end(code=None, error="access_denied"), 403)
        reply = way.start(redirect_uri=page()).end(code=None, error="access_denied")

    assert reply.headers["location"] == page(error="forbidden")


@pytest.mark.parametrize(
    "failing", ["down", "no json", "endless", "redirect", "no object"]
)
def test_a_provider_that_does_not_answer_as_it_should(
    way, provider, nothing_happens, failing
):
    provider.somebody(new_email())
    provider.failing = failing
    with nothing_happens():
        refused(way.start().end(), 503)
    assert ("/elsewhere", {}) not in provider.asked


# ------------------------------------------------------------------ threat 100


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example",
        "//evil.example",
        "https://app.example.org@evil.example/",
        "https://app.example.org.evil.example/",
        "https://app.example.org\\evil.example",
        "https://app.example.org\\@evil.example",
        "\\evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://app.example.org/#code",
        "https://app.example.org/\r\nset-cookie: a=b",
        "https://app.example.org:444/",
        "http://app.example.org/",
        "https://user@app.example.org/",
        "https://app.example.org%2eevil.example/",
        "https:///app.example.org",
        "https:app.example.org",
        "/in",
        "",
        "https://app.example.org/ä",
        "https://app.example.org/" + "x" * 2000,
        "https://localhost:3000/",
        "http://localhost.evil.example:3000/",
    ],
)
def test_threat_100_a_browser_is_sent_only_to_origins_that_are_named(
    browser, provider, address
):
    reply = browser.get("/auth/oauth/start", params={"redirect_uri": address})

    refused(reply, 400, "The redirect_uri is not one of those that are allowed")
    assert "location" not in reply.headers
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    "address",
    [
        "https://app.example.org",
        "https://APP.example.org:443/in?a=b",
        "http://localhost:5173/in",
        "http://localhost",
    ],
)
def test_an_origin_that_is_named_in_all_its_spellings(browser, address):
    reply = browser.get("/auth/oauth/start", params={"redirect_uri": address})
    browser.cookies.clear()

    assert reply.status_code == 302


def test_threat_100_the_way_back_is_looked_at_again(way, provider, database):
    provider.somebody(new_email())
    way.start(redirect_uri=page())
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "UPDATE vault.oauth_states SET redirect_uri = 'https://evil.example/'"
        )

    reply = way.end()

    refused(reply, 400)
    assert "location" not in reply.headers


@pytest.mark.parametrize(
    "query",
    [
        {"code_challenge": "short"},
        {"code_challenge": "x" * 43, "code_challenge_method": "plain"},
    ],
    ids=str,
)
def test_a_challenge_that_is_none_is_refused(browser, query):
    refused(browser.get("/auth/oauth/start", params=query), 400)


# ------------------------------------------------------------------ threat 101


def test_threat_101_an_address_has_a_code_that_is_good_once(way, provider):
    provider.somebody(new_email())
    address = way.start(redirect_uri=page()).end().headers["location"]
    code = query_of(address)["code"]

    assert set(query_of(address)) == {"code"}
    assert "." not in code  # no token
    assert way.exchange(code=code).status_code == 200
    refused(way.exchange(code=code), 400, "The code is not valid")


@pytest.mark.parametrize("verifier", [None, "", "x" * 43, "short", "é" * 43])
def test_threat_101_a_code_is_of_whoever_has_the_verifier(way, provider, verifier):
    provider.somebody(new_email())
    right = secrets.token_urlsafe(48)
    way.start(redirect_uri=page(), code_challenge=challenge_of(right))
    code = query_of(way.end().headers["location"])["code"]

    refused(way.exchange(code=code, code_verifier=verifier), 400)
    refused(way.exchange(code=code, code_verifier=right), 400)  # it is used up


def test_threat_101_a_code_is_good_for_a_minute(way, provider, database):
    provider.somebody(new_email())
    code = query_of(way.start(redirect_uri=page()).end().headers["location"])["code"]
    with psycopg.connect(database.owner) as connection:
        left = connection.execute(
            "SELECT extract(epoch FROM max(expires_at) - now()) FROM vault.oauth_codes"
        ).fetchall()
        connection.execute("UPDATE vault.oauth_codes SET expires_at = now()")

    assert 0 < left[0][0] <= 60
    refused(way.exchange(code=code), 400)
    for made_up in ("", "x", "x" * 500, 7):
        refused(way.exchange(code=made_up), 400)


# ------------------------------------------------------------------ threat 102


def test_threat_102_an_address_that_is_not_verified_links_nothing(
    way, provider, linked, nothing_happens
):
    with Client(linked.url) as owner:
        email = owner.register().user["email"]
    for unverified in (False, None, "false", "yes", 1, 0):
        provider.somebody(email, email_verified=unverified)
        with nothing_happens():
            refused(way.start().end(), 409)
    provider.somebody(email, email_verified=None, user_metadata={"email_verified": 1})
    refused(way.start().end(), 409)
    reply = way.start(redirect_uri=page()).end()
    assert reply.headers["location"] == page(error="conflict")


def test_threat_102_a_verified_address_links_by_the_accounts_password(
    way, provider, linked, happened
):
    """Who registered with the address first may be somebody else."""
    with Client(linked.url) as owner:
        email = owner.register().user["email"]
    provider.somebody(email.upper())
    reply = way.start().end()
    refused(reply, 409)
    assert "user" not in reply.json()

    link = reply.json()["link_code"]
    refused(way.exchange(code=link), 400)  # without the password it is not used up
    before = len(happened(INSTANCE))
    done = way.exchange(code=link, password=PASSWORD)

    assert done.status_code == 200
    assert done.json()["user"]["id"] == owner.user["id"]
    assert happened(INSTANCE, before) == [
        ("user.profile_changed", {"changed": ["email_verified", "identity"]})
    ]
    assert profile(done)["email_verified"] is True
    assert way.start().end().json()["user"]["id"] == owner.user["id"]
    with CmsClient(linked.cms_url) as known:
        assert known.login(email).user["id"] == owner.user["id"]


def test_threat_102_a_wrong_password_links_nothing(
    way, provider, linked, nothing_happens
):
    with Client(linked.url) as owner:
        email = owner.register().user["email"]
    provider.somebody(email)
    address = way.start(redirect_uri=page()).end().headers["location"]
    told = query_of(address)
    with nothing_happens():
        refused(way.exchange(code=told["code"], password="wrongwrong"), 401)
        refused(way.exchange(code=told["code"], password=PASSWORD), 400)

    assert told["link"] == "password"
    refused(way.start().end(), 409)


def test_threat_102_an_account_without_a_password_is_not_linked_by_one(
    way, provider, nobody
):
    email = provider.somebody(new_email(), email_verified=False)["email"]
    assert way.start().end().status_code == 200
    provider.somebody(email)
    link = way.start().end().json()["link_code"]
    for password in ("", "None", PASSWORD):
        assert way.exchange(code=link, password=password).status_code in (400, 401)
        reply = nobody.post("/auth/login", json={"email": email, "password": password})
        refused(reply, 401)


def test_threat_102_an_account_whose_address_is_verified_is_linked(way, provider):
    """Another provider's id, as after a change of the provider."""
    email = provider.somebody(new_email())["email"]
    first = way.start().end().json()["user"]
    provider.somebody(email)

    assert way.start().end().json()["user"] == first


@pytest.mark.parametrize(
    "told",
    [
        {"email": None},
        {"email": "no address"},
        {"email": ["a@example.org"]},
        {"email": "a\0@example.org"},
        {"sub": None, "id": None},
        {"sub": ""},
        {"sub": True},
        {"sub": {"id": 1}},
        {"sub": "x" * 300},
    ],
    ids=str,
)
def test_somebody_who_is_not_named_does_not_come_in(
    way, provider, nothing_happens, told
):
    provider.somebody(**{"email": new_email(), **told})
    with nothing_happens():
        refused(way.start().end(), 403)


def test_a_picture_that_is_none_is_left_out(way, provider):
    provider.somebody(new_email(), picture="javascript:alert(1)", name=" ")

    found = profile(way.start().end())

    assert found["avatar"] is None
    assert found["full_name"] == found["email"].partition("@")[0]


# --------------------------------------------------------------------- secrets


def test_no_secret_is_logged_or_recorded(
    way, provider, caplog, recorded_events, database
):
    caplog.set_level(logging.DEBUG)
    person = provider.somebody(new_email("canary"), name="Canary Name")
    way.start(redirect_uri=page())
    code = query_of(way.end().headers["location"])["code"]
    token = way.exchange(code=code).json()["token"]
    # the test's own client, and a log that `api/serve.py` turns off
    others = ("httpx2", "httpcore2", "uvicorn.access")
    ours = [record for record in caplog.records if not record.name.startswith(others)]

    said = " ".join(record.getMessage() for record in ours)
    said += json.dumps(recorded_events(INSTANCE))
    with psycopg.connect(database.owner) as connection:
        for table in ("vault.oauth_states", "vault.oauth_codes", "ledger.access_log"):
            said += str(connection.execute(f"SELECT * FROM {table}").fetchall())
    sent = [form for path, form in provider.asked if path == "/token"][-1]
    hidden = [
        CLIENT_SECRET,
        code,
        token,
        way.back["state"],
        way.back["code"],
        way.cookie.partition("=")[2],
        sent["code_verifier"],
        person["sub"],
        person["email"],
        "Canary Name",
        *provider.tokens,
    ]
    assert [one for one in hidden if one in said] == []
