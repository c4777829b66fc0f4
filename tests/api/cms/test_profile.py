"""The caller's own profile, and what of it the ledger is told."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from domain.ids import INSTANCE
from tests.api.cms.client import CmsClient
from tests.client import made, new_email

KEYS = [
    "id",
    "email",
    "username",
    "full_name",
    "avatar",
    "email_verified",
    "workspace_id",
    "created_at",
    "updated_at",
]


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_e_091_nobody_has_no_profile(nobody, method):
    reply = nobody.request(method, "/users/profile", json={})

    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.json() == {
        "statusCode": 401,
        "message": "Authentication required",
        "error": "Unauthorized",
        "code": "UNAUTHORIZED",
    }


def test_e_020_a_profile_has_the_documents_nine_keys(cms_newcomer):
    profile = made(cms_newcomer.get("/users/profile"))

    assert list(profile) == KEYS
    assert {key: profile[key] for key in cms_newcomer.user} == cms_newcomer.user
    assert (profile["avatar"], profile["email_verified"]) == (None, False)
    assert profile["workspace_id"] is None
    assert profile["created_at"] == profile["updated_at"]
    assert profile["created_at"].endswith("Z")


def test_the_workspace_is_the_callers_first_that_is_there(server, cms_newcomer):
    with cms_newcomer.at_pybase(server.url) as client:
        first, second = client.workspace("First"), client.workspace("Second")
        assert made(cms_newcomer.get("/users/profile"))["workspace_id"] == first["id"]
        client.delete(f"/workspaces/{first['id']}")
        assert made(cms_newcomer.get("/users/profile"))["workspace_id"] == second["id"]


def test_e_021_a_change_answers_the_whole_profile(cms_newcomer, happened):
    username = new_email("smith").partition("@")[0]
    before = made(cms_newcomer.get("/users/profile"))
    events = len(happened(INSTANCE))
    body = {
        "full_name": "John Smith",
        "username": username,
        "avatar": "https://example.org/john.png",
    }

    reply = cms_newcomer.patch("/users/profile", json=body)

    assert reply.status_code == 200
    assert reply.json() == {
        **before,
        **body,
        "updated_at": reply.json()["updated_at"],
    }
    assert reply.json()["updated_at"] > before["updated_at"]
    assert made(cms_newcomer.get("/users/profile")) == reply.json()
    assert happened(INSTANCE, events) == [
        ("user.profile_changed", {"changed": ["avatar", "name", "username"]})
    ]
    assert reply.headers["x-position"] == str(events + 1)


def test_one_key_changes_and_the_others_stay(cms_newcomer):
    made(cms_newcomer.patch("/users/profile", json={"avatar": "http://example.org/a"}))

    named = made(cms_newcomer.patch("/users/profile", json={"full_name": "Rear"}))
    bare = made(cms_newcomer.patch("/users/profile", json={"avatar": None}))

    assert (named["full_name"], named["avatar"]) == ("Rear", "http://example.org/a")
    assert (bare["full_name"], bare["avatar"]) == ("Rear", None)
    assert bare["username"] == cms_newcomer.user["username"]


def test_the_name_is_the_one_of_the_other_doors(server, cms_newcomer):
    made(cms_newcomer.patch("/users/profile", json={"avatar": "https://a.example/b"}))
    with cms_newcomer.at_pybase(server.url) as client:
        made(client.patch("/users/me", json={"name": "Hopper"}))
        me = made(client.get("/users/me"))

    assert made(cms_newcomer.get("/users/profile"))["full_name"] == "Hopper"
    assert (me["avatar_url"], me["is_verified"]) == ("https://a.example/b", False)


def test_what_stays_as_it_is_is_no_change(cms_newcomer, happened):
    before = made(cms_newcomer.get("/users/profile"))
    events = len(happened(INSTANCE))
    body = {"full_name": before["full_name"], "username": before["username"]}

    assert made(cms_newcomer.patch("/users/profile", json=body)) == before
    assert made(cms_newcomer.patch("/users/profile", json={})) == before
    assert happened(INSTANCE, events) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("avatar", "picture.png"),
        ("avatar", "javascript:alert(1)"),
        ("avatar", "data:image/png;base64,AAAA"),
        ("avatar", "ftp://example.org/a.png"),
        ("avatar", "https://"),
        ("avatar", "https://a b"),
        ("avatar", "https://example.org/" + "x" * 2000),
        ("avatar", 7),
        ("username", ""),
        ("username", "a@b"),
        ("username", "a b"),
        ("username", ".a"),
        ("username", "ä"),
        ("username", "x" * 65),
        ("full_name", " "),
        ("full_name", "a\0b"),
    ],
)
def test_a_value_that_is_none_is_refused(cms, happened, key, value):
    before = made(cms.get("/users/profile"))
    events = len(happened(INSTANCE))

    reply = cms.patch("/users/profile", json={"full_name": "Else", key: value})

    assert (reply.status_code, reply.json()["code"]) == (400, "VALIDATION_ERROR")
    assert [one["loc"] for one in reply.json()["errors"]] == [[key]]
    assert made(cms.get("/users/profile")) == before
    assert happened(INSTANCE, events) == []


def test_e_094_a_username_is_unique_ignoring_case(cms, cms_newcomer):
    taken = cms.user["username"].upper()

    reply = cms_newcomer.patch("/users/profile", json={"username": taken})

    assert (reply.status_code, reply.json()["code"]) == (409, "CONFLICT")
    own = cms_newcomer.user["username"].upper()
    spelled = made(cms_newcomer.patch("/users/profile", json={"username": own}))
    assert spelled["username"] == own


def test_of_many_who_want_a_username_at_once_one_has_it(server):
    username = new_email("wanted").partition("@")[0]

    def want(caller):
        return caller.patch("/users/profile", json={"username": username}).status_code

    with ExitStack() as stack:
        callers = [
            stack.enter_context(CmsClient(server.cms_url)).register(f"User{one}")
            for one in range(4)
        ]
        with ThreadPoolExecutor(4) as threads:
            statuses = list(threads.map(want, callers))

    assert sorted(statuses) == [200, 409, 409, 409]


@pytest.mark.parametrize(
    "forged",
    [
        {"id": "00000000-0000-7000-8000-000000000000"},
        {"email": "root@example.org"},
        {"email_verified": True},
        {"workspace_id": "00000000-0000-7000-8000-000000000000"},
        {"role": "admin"},
        {"is_admin": True},
        {"password_hash": "x"},
        {"created_at": "1970-01-01T00:00:00Z"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_threat_13_the_rest_of_a_profile_is_not_the_callers_to_set(nobody, cms, forged):
    before = made(cms.get("/users/profile"))

    assert made(cms.patch("/users/profile", json=forged)) == before
    if "email" in forged:
        return
    email = new_email()
    body = {"email": email, "password": "password123", **forged}
    with CmsClient(str(nobody.base_url)) as other:
        other._signed_in(made(other.post("/auth/register", json=body)))
        found = made(other.get("/users/profile"))
    assert found["email_verified"] is False
    assert found["workspace_id"] is None
    assert {key for key, value in forged.items() if found.get(key) == value} == set()


def test_no_event_holds_what_is_personal(cms_newcomer, recorded_events):
    body = {
        "full_name": "Augusta Canary",
        "username": new_email("canary").partition("@")[0],
        "avatar": "https://canary.example/a.png",
    }
    profile = made(cms_newcomer.patch("/users/profile", json=body))

    text = json.dumps(recorded_events(INSTANCE))
    for one in (profile["email"], *body.values()):
        assert one not in text
