"""The caller's own account."""

import pytest

from domain.ids import INSTANCE


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/users/me"), ("GET", "/auth/me"), ("PATCH", "/users/me")],
)
def test_nobody_has_no_account(anonymous, method, path):
    assert anonymous.request(method, path, json={}).status_code == 401


@pytest.mark.parametrize("path", ["/users/me", "/auth/me"])
def test_the_caller_is_the_user_who_registered(newcomer, path):
    reply = newcomer.get(path)

    assert reply.status_code == 200
    assert reply.json() == newcomer.user


def test_a_new_name_is_recorded_without_the_name(newcomer, happened):
    before = len(happened(INSTANCE))

    reply = newcomer.patch("/users/me", json={"name": "Rear Admiral Hopper"})

    assert reply.status_code == 200
    assert reply.json() == {**newcomer.user, "name": "Rear Admiral Hopper"}
    assert newcomer.get("/users/me").json() == reply.json()
    assert happened(INSTANCE, before) == [
        ("user.profile_changed", {"changed": ["name"]})
    ]
    assert reply.headers["x-position"] == str(before + 1)


def test_the_same_name_changes_nothing(newcomer, happened):
    before = happened(INSTANCE)

    reply = newcomer.patch("/users/me", json={"name": newcomer.user["name"]})

    assert (reply.status_code, reply.json()) == (200, newcomer.user)
    assert reply.headers["x-position"] == str(len(before))
    assert happened(INSTANCE) == before


@pytest.mark.parametrize("name", ["", " ", "x" * 256, 7, "a\0b"])
def test_a_name_that_is_none_is_refused(newcomer, name):
    reply = newcomer.patch("/users/me", json={"name": name})

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert newcomer.get("/users/me").json() == newcomer.user


@pytest.mark.parametrize(
    "key", ["id", "email", "is_active", "is_verified", "created_at", "is_admin", "role"]
)
def test_the_rest_of_an_account_is_not_the_callers_to_set(newcomer, key):
    reply = newcomer.patch("/users/me", json={key: "x"})

    assert reply.status_code in (200, 422)
    assert newcomer.get("/users/me").json() == newcomer.user
