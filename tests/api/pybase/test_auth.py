"""Register, log in, refresh, log out: who somebody is."""

import base64
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import jwt
import psycopg
import pytest

from domain.ids import INSTANCE
from tests.client import PASSWORD, Client, made, new_email

REFUSED = {"detail": "Authentication required", "code": "UNAUTHENTICATED"}
NO_ENTRY = {"detail": "Incorrect email or password", "code": "UNAUTHENTICATED"}
TOKENS = {"access_token", "refresh_token", "token_type", "expires_in"}
USER = {"id", "email", "name", "avatar_url", "is_active", "is_verified", "created_at"}


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.fixture
def key(settings):
    """What this surface signs its tokens with."""
    secret = settings.secret_key.get_secret_value()
    return sha256(f"pybase\0{secret}".encode()).digest()


@pytest.fixture
def claims(newcomer, key):
    """The claims of a good token, which `signed` makes into another."""
    token = newcomer.headers["authorization"].removeprefix("Bearer ")
    return jwt.decode(token, key, algorithms=["HS256"], audience="pybase")


def with_token(client, token):
    return client.get("/users/me", headers={"authorization": f"Bearer {token}"})


# ------------------------------------------------------------ who has no token


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer x", "Bearer a.b.c", "Basic YTpi", "x" * 10_000],
)
def test_a_caller_without_a_good_token_is_told_to_bring_one(anonymous, value):
    reply = anonymous.get("/users/me", headers={"authorization": value})

    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.json() == REFUSED


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", ""])
def test_an_unsigned_token_is_no_token(anonymous, claims, algorithm):
    token = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims)}."

    assert with_token(anonymous, token).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"exp": 1},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"aud": "querybase"},
        {"aud": None},
        {"iss": "somebody"},
        {"typ": "refresh"},
        {"typ": "ticket"},
        {"typ": None},
        {"sub": "root"},
        {"sub": 7},
        {"sid": "00000000-0000-7000-8000-000000000000"},
        {"sid": "x"},
        {"sid": None},
    ],
    ids=str,
)
def test_a_token_with_wrong_claims_is_no_token(anonymous, claims, key, change):
    wrong = {k: v for k, v in {**claims, **change}.items() if v is not None}
    try:
        token = jwt.encode(wrong, key, algorithm="HS256")
    except TypeError:  # the library checks some of them already when it makes one
        head = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(wrong)}"
        signature = hmac.digest(key, head.encode(), sha256)
        tail = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        token = f"{head}.{tail}"

    assert with_token(anonymous, token).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"crit": ["x"], "x": 1}, {"kid": "../../dev/null"}, {"jku": "http://127.0.0.1/"}],
    ids=str,
)
def test_a_header_never_says_which_key_to_use(anonymous, claims, headers):
    token = jwt.encode(claims, b"0" * 32, algorithm="HS256", headers=headers)

    assert with_token(anonymous, token).status_code == 401


def test_a_token_of_another_key_is_no_token(anonymous, claims, settings):
    secret = settings.secret_key.get_secret_value()
    for other in (secret.encode(), sha256(f"tables\0{secret}".encode()).digest()):
        token = jwt.encode(claims, other, algorithm="HS256")
        assert with_token(anonymous, token).status_code == 401


def test_a_token_signed_with_the_key_and_good_claims_is_one(anonymous, claims, key):
    token = jwt.encode(claims, key, algorithm="HS256")

    assert with_token(anonymous, token).status_code == 200


def test_a_refresh_token_does_not_let_in(newcomer):
    assert with_token(newcomer, newcomer.refresh_token).status_code == 401


@pytest.mark.parametrize("email", ["nobody@example.org", "not an address", "a" * 900])
def test_an_unknown_address_answers_as_a_wrong_password(anonymous, newcomer, email):
    unknown = anonymous.post("/auth/login", json={"email": email, "password": PASSWORD})
    wrong = anonymous.post(
        "/auth/login", json={"email": newcomer.user["email"], "password": "wrongwrong"}
    )

    assert (unknown.status_code, wrong.status_code) == (401, 401)
    assert unknown.json() == wrong.json() == NO_ENTRY


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 9_000])
def test_what_is_no_refresh_token_is_not_traded(anonymous, token):
    reply = anonymous.post("/auth/refresh", json={"refresh_token": token})

    assert (reply.status_code, reply.json()["code"]) == (401, "UNAUTHENTICATED")


def test_an_access_token_is_not_traded(newcomer):
    token = newcomer.headers["authorization"].removeprefix("Bearer ")

    assert (
        newcomer.post("/auth/refresh", json={"refresh_token": token}).status_code == 401
    )


# ------------------------------------------------------------------- register


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"password": PASSWORD, "name": "Ada"}, 422, "email"),
        ({"email": "ada@example.org", "name": "Ada"}, 422, "password"),
        ({"email": "ada", "password": PASSWORD}, 422, "email"),
        ({"email": "ada@", "password": PASSWORD}, 422, "email"),
        ({"email": 7, "password": PASSWORD}, 422, "email"),
        ({"email": "a@example.org", "password": 12345678}, 422, "password"),
        ({"email": "a@example.org", "password": "short"}, 422, "password"),
        ({"email": "a@example.org", "password": "1234567"}, 422, "password"),
        ({"email": "a@example.org", "password": "x" * 1025}, 422, "password"),
        ({"email": "a@example.org", "password": "null\0null"}, 422, "password"),
        ({"email": "a@example.org", "password": PASSWORD, "name": ""}, 422, "name"),
        ({"email": "a@example.org", "password": PASSWORD, "name": " "}, 422, "name"),
        ({"email": "a@example.org", "password": PASSWORD, "name": 1}, 422, "name"),
        ({"email": "a@example.org", "password": PASSWORD, "name": "\0"}, 422, "name"),
    ],
    ids=str,
)
def test_a_registration_that_is_not_one_is_refused(
    anonymous, happened, body, status, where
):
    before = happened(INSTANCE)

    reply = anonymous.post("/auth/register", json=body)

    assert (reply.status_code, reply.json()["code"]) == (status, "VALIDATION_ERROR")
    assert [error["loc"] for error in reply.json()["errors"]] == [[where]]
    assert happened(INSTANCE) == before


def test_a_lone_surrogate_is_refused(anonymous):
    body = b'{"email": "a@example.org", "password": "\\ud800-long-enough"}'
    headers = {"content-type": "application/json"}

    reply = anonymous.post("/auth/register", content=body, headers=headers)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


def test_the_documents_registration_signs_in(anonymous, happened):
    email = new_email("John")
    before = len(happened(INSTANCE))

    reply = anonymous.post(
        "/auth/register",
        json={"email": email, "password": "securepassword", "name": "John Doe"},
    )

    assert reply.status_code == 201
    body = reply.json()
    assert set(body) == {"user", *TOKENS}
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 1800
    user = body["user"]
    assert set(user) == USER
    assert (user["email"], user["name"]) == (email, "John Doe")
    assert (user["avatar_url"], user["is_active"], user["is_verified"]) == (
        None,
        True,
        False,
    )
    assert with_token(anonymous, body["access_token"]).json() == user
    assert happened(INSTANCE, before) == [("user.registered", {})]
    assert reply.headers["x-position"] == str(before + 1)
    assert reply.headers["x-batch-id"]


def test_no_event_holds_what_is_personal(newcomer, recorded_events):
    text = json.dumps(recorded_events(INSTANCE))

    assert newcomer.user["email"] not in text
    assert newcomer.user["name"] not in text


def test_the_name_is_the_addresss_local_part_unless_given(anonymous):
    email = new_email("hopper")
    body = {"email": email, "password": PASSWORD}

    assert (
        made(anonymous.post("/auth/register", json=body))["user"]["name"]
        == (email.partition("@")[0])
    )


def test_an_address_is_registered_once_in_any_spelling(anonymous, happened):
    email = new_email("Ada")
    made(anonymous.post("/auth/register", json={"email": email, "password": PASSWORD}))
    before = happened(INSTANCE)

    for again in (email, email.upper(), email.title()):
        body = {"email": again, "password": "another password"}
        reply = anonymous.post("/auth/register", json=body)
        assert reply.status_code == 409
        assert reply.json() == {
            "detail": "Email already registered",
            "code": "CONFLICT",
        }
    assert happened(INSTANCE) == before


def test_one_of_twenty_registrations_of_one_address_wins(anonymous):
    body = {"email": new_email("race"), "password": PASSWORD}

    with ThreadPoolExecutor(20) as threads:
        replies = list(
            threads.map(
                lambda _: anonymous.post("/auth/register", json=body).status_code,
                range(20),
            )
        )

    assert sorted(replies) == [201] + [409] * 19


def test_nobody_registers_as_somebody_special(anonymous):
    email = new_email("eve")
    body = {
        "email": email,
        "password": PASSWORD,
        "id": "00000000-0000-7000-8000-000000000000",
        "is_admin": True,
        "is_verified": True,
        "role": "owner",
        "created_at": "1970-01-01T00:00:00Z",
    }

    user = made(anonymous.post("/auth/register", json=body))["user"]

    assert user["id"] != body["id"]
    assert user["is_verified"] is False
    assert not user["created_at"].startswith("1970")
    assert "is_admin" not in user
    assert "role" not in user


# --------------------------------------------------------------------- log in


@pytest.mark.parametrize(
    "body", [{}, {"email": "a@b.c"}, {"password": PASSWORD}], ids=str
)
def test_a_log_in_needs_both(anonymous, body):
    reply = anonymous.post("/auth/login", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


def test_the_documents_log_in_answers_tokens(anonymous, newcomer):
    reply = anonymous.post(
        "/auth/login", json={"email": newcomer.user["email"], "password": PASSWORD}
    )

    assert reply.status_code == 200
    body = reply.json()
    assert set(body) == {"user", *TOKENS}
    assert (body["token_type"], body["user"]) == ("bearer", newcomer.user)
    assert with_token(anonymous, body["access_token"]).status_code == 200


def test_an_address_logs_in_in_any_case(anonymous, newcomer):
    body = {"email": newcomer.user["email"].upper(), "password": PASSWORD}

    assert anonymous.post("/auth/login", json=body).status_code == 200


def test_a_password_is_compared_to_its_last_character(server):
    long = "p" * 72
    with Client(server.url) as client:
        email = new_email()
        body = {"email": email, "password": f"{long}a"}
        made(client.post("/auth/register", json=body))

        other = client.post("/auth/login", json={**body, "password": f"{long}b"})
        same = client.post("/auth/login", json=body)

    assert (other.status_code, same.status_code) == (401, 200)


# -------------------------------------------------------------------- refresh


def trade(client, token):
    return client.post("/auth/refresh", json={"refresh_token": token})


def test_a_refresh_token_is_traded_for_new_tokens(newcomer, anonymous):
    reply = trade(anonymous, newcomer.refresh_token)

    assert reply.status_code == 200
    assert set(reply.json()) == TOKENS
    assert reply.json()["token_type"] == "bearer"
    assert reply.json()["refresh_token"] != newcomer.refresh_token
    assert with_token(anonymous, reply.json()["access_token"]).status_code == 200
    assert trade(anonymous, reply.json()["refresh_token"]).status_code == 200


def test_a_double_click_does_not_end_the_session(newcomer, anonymous):
    first = trade(anonymous, newcomer.refresh_token).json()

    assert trade(anonymous, newcomer.refresh_token).status_code == 401
    assert trade(anonymous, first["refresh_token"]).status_code == 200


def test_a_used_token_that_comes_back_later_ends_the_session(
    newcomer, anonymous, database
):
    newest = trade(anonymous, newcomer.refresh_token).json()
    digest = sha256(newcomer.refresh_token.encode()).digest()
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "UPDATE vault.refresh_tokens SET used_at = used_at - interval '11 seconds'"
            " WHERE digest = %s",
            [digest],
        )

    assert trade(anonymous, newcomer.refresh_token).status_code == 401
    assert trade(anonymous, newest["refresh_token"]).status_code == 401
    assert with_token(anonymous, newest["access_token"]).status_code == 401
    assert newcomer.get("/users/me").status_code == 401


def test_one_of_fifty_trades_of_one_token_wins(newcomer, anonymous):
    with ThreadPoolExecutor(50) as threads:
        replies = list(
            threads.map(
                lambda _: trade(anonymous, newcomer.refresh_token).status_code,
                range(50),
            )
        )

    assert sorted(replies) == [200] + [401] * 49


# -------------------------------------------------------------------- log out


def test_who_is_not_in_cannot_log_out(anonymous):
    assert anonymous.post("/auth/logout").status_code == 401


def test_a_log_out_ends_both_tokens_at_once(newcomer):
    reply = newcomer.post("/auth/logout")

    assert (reply.status_code, reply.content) == (204, b"")
    assert newcomer.get("/users/me").json() == REFUSED
    assert newcomer.get("/workspaces").json() == REFUSED
    assert newcomer.post("/workspaces", json={"name": "Late"}).json() == REFUSED
    assert trade(newcomer, newcomer.refresh_token).status_code == 401
    assert newcomer.post("/auth/logout").status_code == 401


def test_a_log_out_takes_the_refresh_token_in_the_body(newcomer):
    body = {"refresh_token": newcomer.refresh_token}

    assert newcomer.post("/auth/logout", json=body).status_code == 204
    assert trade(newcomer, newcomer.refresh_token).status_code == 401


def test_a_log_out_ends_no_other_session(newcomer, anonymous):
    body = {"email": newcomer.user["email"], "password": PASSWORD}
    other = made(anonymous.post("/auth/login", json=body))

    newcomer.post("/auth/logout")

    assert with_token(anonymous, other["access_token"]).status_code == 200
    assert trade(anonymous, other["refresh_token"]).status_code == 200


def test_nobody_logs_another_user_out(newcomer, client):
    body = {"refresh_token": newcomer.refresh_token}
    with_me = client.post("/auth/logout", json=body)

    assert with_me.status_code == 401
    assert newcomer.get("/users/me").status_code == 200
    assert client.get("/users/me").status_code == 200


def test_a_session_that_ended_no_longer_reads_or_writes_a_table(newcomer):
    table = newcomer.table("Name")
    record = newcomer.record(table["id"], Name="Ada")
    newcomer.post("/auth/logout")

    attempts = [
        newcomer.get(f"/records/{record['id']}"),
        newcomer.get("/records", params={"table_id": table["id"]}),
        newcomer.patch(f"/records/{record['id']}", json={"fields": {"Name": "Eve"}}),
        newcomer.post("/records", json={"table_id": table["id"], "fields": {}}),
        newcomer.delete(f"/records/{record['id']}"),
        newcomer.delete(f"/tables/{table['id']}"),
        newcomer.get("/events", params={"workspace_id": table["workspace_id"]}),
        newcomer.get(f"/workspaces/{table['workspace_id']}/members"),
    ]

    assert [reply.status_code for reply in attempts] == [401] * len(attempts)


# ------------------------------------------------------------ another password

NEW = "another password"


def change(client, current=PASSWORD, new=NEW, **more):
    body = {"current_password": current, "new_password": new}
    return client.post("/auth/change-password", json=body, **more)


def log_in(anonymous, user, password):
    body = {"email": user["email"], "password": password}
    return anonymous.post("/auth/login", json=body)


def test_nobody_has_no_password_to_change(anonymous):
    assert change(anonymous).status_code == 401


def test_a_new_password_takes_the_place_of_the_old(newcomer, anonymous, happened):
    before = len(happened(INSTANCE))

    reply = change(newcomer)

    assert (reply.status_code, reply.content) == (204, b"")
    assert happened(INSTANCE, before) == [("user.password_changed", {})]
    assert log_in(anonymous, newcomer.user, PASSWORD).json() == NO_ENTRY
    assert log_in(anonymous, newcomer.user, NEW).status_code == 200


def test_the_old_one_may_be_called_so(newcomer):
    body = {"old_password": PASSWORD, "new_password": NEW}

    assert newcomer.post("/auth/change-password", json=body).status_code == 204


def test_the_other_sessions_end_and_the_present_one_stays(newcomer, anonymous):
    other = made(log_in(anonymous, newcomer.user, PASSWORD))
    table = newcomer.table("Name")

    change(newcomer)

    assert with_token(anonymous, other["access_token"]).json() == REFUSED
    assert trade(anonymous, other["refresh_token"]).status_code == 401
    headers = {"authorization": f"Bearer {other['access_token']}"}
    body = {"table_id": table["id"], "fields": {}}
    late = anonymous.post("/records", json=body, headers=headers)
    assert late.status_code == 401
    assert newcomer.get("/users/me").status_code == 200
    assert trade(newcomer, newcomer.refresh_token).status_code == 200


def test_a_wrong_password_changes_nothing(newcomer, anonymous, happened):
    before = happened(INSTANCE)

    reply = change(newcomer, current="wrongwrong")

    assert reply.status_code == 400
    assert reply.json() == {
        "detail": "The current password is not right",
        "code": "BAD_REQUEST",
    }
    assert happened(INSTANCE) == before
    assert log_in(anonymous, newcomer.user, PASSWORD).status_code == 200


@pytest.mark.parametrize("new", ["short", "x" * 1025, "null\0null", None, 12345678])
def test_a_new_password_that_is_none_is_refused(newcomer, new):
    reply = change(newcomer, new=new)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert [error["loc"] for error in reply.json()["errors"]] == [["new_password"]]


def test_a_change_that_is_repeated_gets_its_first_reply(newcomer, happened):
    headers = {"idempotency-key": f"pw-{newcomer.user['id']}"}
    before = len(happened(INSTANCE))

    first, again = (change(newcomer, headers=headers) for _ in range(2))

    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(happened(INSTANCE, before)) == 1
    other = change(newcomer, new="a third password", headers=headers)
    assert other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_stored_fingerprint_does_not_help_to_guess_a_password(newcomer, database):
    key = f"pw-{newcomer.user['id']}"
    reply = change(newcomer, headers={"idempotency-key": key})
    guess = b"\0".join(
        [b"POST", b"/api/v1/auth/change-password", b"", reply.request.content]
    )

    with psycopg.connect(database.owner) as connection:
        rows = connection.execute(
            "SELECT fingerprint FROM ledger.batches WHERE key = %s", [key]
        ).fetchall()

    assert len(rows) == 1
    assert rows[0][0] != sha256(guess).digest()


def test_a_log_in_that_meets_the_change_opens_no_session_with_the_old(
    newcomer, anonymous
):
    """Of log-ins under way, those that open a session end with the change."""
    with ThreadPoolExecutor(9) as threads:
        entering = [
            threads.submit(log_in, anonymous, newcomer.user, PASSWORD) for _ in range(8)
        ]
        changing = threads.submit(change, newcomer)
        assert changing.result().status_code == 204
        replies = [one.result() for one in entering]

    for reply in replies:
        assert reply.status_code in (200, 401)
        if reply.status_code == 200:
            token = reply.json()["access_token"]
            assert with_token(anonymous, token).status_code == 401
