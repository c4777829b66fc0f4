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
