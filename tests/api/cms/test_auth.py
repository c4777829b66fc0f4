"""Register and log in: who somebody is, here as at the other doors."""

import jwt
import pytest

from domain.ids import INSTANCE
from tests.api.cms.client import CmsClient
from tests.client import PASSWORD, Client, made, new_email

NO_ENTRY = {
    "statusCode": 401,
    "message": "Incorrect email or password",
    "error": "Unauthorized",
    "code": "UNAUTHORIZED",
}


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


# ------------------------------------------------------------------- register


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"password": PASSWORD}, "email"),
        ({"email": "a@example.org"}, "password"),
        ({"email": "ada", "password": PASSWORD}, "email"),
        ({"email": "a@example.org", "password": "1234567"}, "password"),
        ({"email": "a@example.org", "password": "x" * 1025}, "password"),
        (
            {"email": "a@example.org", "password": PASSWORD, "full_name": " "},
            "full_name",
        ),
        ({"email": "a@example.org", "password": PASSWORD, "username": ""}, "username"),
        (
            {"email": "a@example.org", "password": PASSWORD, "username": "a@b"},
            "username",
        ),
        ({"email": "a@example.org", "password": PASSWORD, "username": 7}, "username"),
    ],
    ids=str,
)
def test_e_090_a_registration_that_is_none_is_refused(nobody, happened, body, where):
    before = len(happened(INSTANCE))

    reply = nobody.post("/auth/register", json=body)

    assert reply.status_code == 400
    told = reply.json()
    assert (told["statusCode"], told["error"], told["code"]) == (
        400,
        "Bad Request",
        "VALIDATION_ERROR",
    )
    assert isinstance(told["message"], str)
    assert [one["loc"] for one in told["errors"]] == [[where]]
    assert happened(INSTANCE, before) == []


def test_e_010_the_documents_registration_signs_in(nobody, happened):
    email = new_email("john")
    username = email.partition("@")[0]
    before = len(happened(INSTANCE))

    reply = nobody.post(
        "/auth/register",
        json={
            "email": email,
            "password": "password123",
            "full_name": "John Doe",
            "username": username,
        },
    )

    assert reply.status_code == 201
    body = reply.json()
    assert set(body) == {"user", "token"}
    assert body["user"] == {
        "id": body["user"]["id"],
        "email": email,
        "full_name": "John Doe",
        "username": username,
    }
    assert claims(body["token"])["sub"] == body["user"]["id"]
    assert happened(INSTANCE, before) == [("user.registered", {})]


def test_names_may_be_left_out(nobody):
    email = new_email("Some+Body")
    body = made(
        nobody.post("/auth/register", json={"email": email, "password": PASSWORD})
    )

    local = email.partition("@")[0]
    assert body["user"]["full_name"] == local
    assert body["user"]["username"] == local.replace("+", "-")


def test_who_comes_second_gets_another_username_unless_it_was_chosen(nobody):
    email = new_email("twin")
    other = email.replace("example.org", "example.net")
    first, second = (
        made(nobody.post("/auth/register", json={"email": one, "password": PASSWORD}))
        for one in (email, other)
    )

    username = first["user"]["username"]
    assert second["user"]["username"].startswith(f"{username}-")
    chosen = {"email": new_email(), "password": PASSWORD, "username": username.upper()}
    reply = nobody.post("/auth/register", json=chosen)
    assert reply.status_code == 409
    assert reply.json() == {
        "statusCode": 409,
        "message": "Username already taken",
        "error": "Conflict",
        "code": "CONFLICT",
    }


def test_e_094_an_address_registers_once_at_all_doors(nobody, server):
    email = new_email()
    with Client(server.url) as client:
        client.register(email=email)
    body = {"email": email.upper(), "password": PASSWORD}

    reply = nobody.post("/auth/register", json=body)

    assert reply.status_code == 409
    assert reply.json() == {
        "statusCode": 409,
        "message": "Email already registered",
        "error": "Conflict",
        "code": "CONFLICT",
    }


# --------------------------------------------------------------------- log in


def test_e_011_who_registered_logs_in(nobody, cms):
    body = {"email": cms.user["email"], "password": PASSWORD}

    reply = nobody.post("/auth/login", json=body)

    assert reply.status_code == 200
    assert set(reply.json()) == {"user", "token"}
    assert reply.json()["user"] == cms.user


def test_one_user_is_known_at_both_doors(server, cms, ada_at_pybase):
    assert ada_at_pybase.user["id"] == cms.user["id"]
    with Client(server.url) as client, CmsClient(server.cms_url) as other:
        client.register("Grace")
        other.login(client.user["email"])
        assert other.user["id"] == client.user["id"]
        assert other.user["full_name"] == "Grace"


def test_e_091_a_wrong_password_and_an_unknown_address_answer_alike(nobody, cms):
    for body in (
        {"email": cms.user["email"], "password": "wrongwrong"},
        {"email": new_email("nobody"), "password": PASSWORD},
        {"email": "no address", "password": PASSWORD},
    ):
        reply = nobody.post("/auth/login", json=body)
        assert (reply.status_code, reply.json()) == (401, NO_ENTRY)


def test_a_token_is_good_for_a_day(cms):
    found = claims(cms.headers["authorization"].removeprefix("Bearer "))

    assert found["aud"] == "cms"
    assert found["exp"] - found["iat"] == 24 * 3600


# -------------------------------------------------------------------- sessions


def profile(caller, token=None, **headers):
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return caller.get("/users/profile", headers=headers)


def token_of(caller):
    return caller.headers["authorization"].removeprefix("Bearer ")


def test_threat_04_a_token_is_of_one_door(server, nobody, cms, ada_at_pybase):
    assert profile(nobody, token_of(ada_at_pybase)).status_code == 401
    assert profile(nobody, ada_at_pybase.refresh_token).status_code == 401
    with Client(server.url) as client:
        headers = {"authorization": cms.headers["authorization"]}
        assert client.get("/users/me", headers=headers).status_code == 401
    assert profile(nobody, token_of(cms)).status_code == 200


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer x", "Bearer a.b.c", "Basic YTpi", "x" * 10_000]
)
def test_threat_01_what_is_no_token_lets_nobody_in(nobody, value):
    reply = profile(nobody, authorization=value)

    assert (reply.status_code, reply.json()["code"]) == (401, "UNAUTHORIZED")


def test_threat_01_nor_does_one_that_is_signed_by_nobody_or_another(
    nobody, cms, settings
):
    found = claims(token_of(cms))
    head, body, _ = token_of(cms).split(".")
    for token in (
        jwt.encode(found, "", algorithm="none"),
        f"{head}.{body}.",
        jwt.encode(found, b"0" * 32, algorithm="HS256"),
        jwt.encode(found, settings.secret_key.get_secret_value(), algorithm="HS256"),
    ):
        assert profile(nobody, token).status_code == 401


def test_threat_07_a_new_password_ends_the_sessions_of_every_door(server, cms_newcomer):
    with cms_newcomer.at_pybase(server.url) as client:
        body = {"current_password": PASSWORD, "new_password": "another password"}
        assert client.post("/auth/change-password", json=body).status_code == 204

    assert profile(cms_newcomer).status_code == 401
    changed = {"full_name": "Late"}
    assert cms_newcomer.patch("/users/profile", json=changed).status_code == 401
    again = cms_newcomer.login(cms_newcomer.user["email"], "another password")
    assert profile(again).status_code == 200


def test_threat_07_after_a_log_out_a_token_is_none(cms_newcomer):
    reply = cms_newcomer.post("/auth/logout")

    assert (reply.status_code, reply.json()) == (200, {"logged_out": True})
    assert profile(cms_newcomer).status_code == 401
    assert cms_newcomer.post("/auth/logout").status_code == 401


def test_an_api_key_is_good_here_and_does_not_log_out(nobody, cms, ada_at_pybase):
    made_key = made(ada_at_pybase.post("/users/me/api-keys", json={}))
    headers = {"x-api-key": made_key["key"]}

    assert made(profile(nobody, **headers))["id"] == cms.user["id"]
    reply = nobody.post("/auth/logout", headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (403, "FORBIDDEN")


def test_the_same_registration_said_twice_makes_one_account(nobody, happened):
    body = {"email": new_email(), "password": PASSWORD}
    headers = {"idempotency-key": new_email()}
    before = len(happened(INSTANCE))
    first = nobody.post("/auth/register", json=body, headers=headers)
    again = nobody.post("/auth/register", json=body, headers=headers)

    assert first.status_code == 201
    assert again.status_code in (201, 409)
    assert len(happened(INSTANCE, before)) == 1
