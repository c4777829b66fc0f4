"""Workspaces at the CMS: E-030 to E-033, and what the document leaves out."""

import threading

import httpx2
import pytest

from tests.api.cms.client import CmsClient
from tests.client import ABSENT, Client, Json, made, new_id

ADA = {"id", "email", "full_name"}


def refused(reply: httpx2.Response, status: int) -> str:
    """The message of a refusal in the document's shape."""
    told = reply.json()
    assert (reply.status_code, told["statusCode"]) == (status, status), reply.text
    assert {"message", "error", "code"} <= set(told)
    return str(told["message"])


def slug() -> str:
    return f"blog-{new_id()}"


def person(client: CmsClient) -> Json:
    return {name: client.user[name] for name in ("id", "email", "full_name")}


# ------------------------------------------------------------------------ making


def test_e_030_a_workspace_is_made(cms, happened):
    chosen = slug()
    body = {"name": "My Blog", "slug": chosen, "status": "Active"}

    reply = cms.post("/workspaces", json=body)

    found = reply.json()
    assert reply.status_code == 201
    assert found == {
        "id": found["id"],
        "name": "My Blog",
        "slug": chosen,
        "status": "Active",
        "creator_id": cms.user["id"],
        "created_at": found["created_at"],
        "creator": person(cms),
    }
    assert found["created_at"].endswith("Z")
    assert reply.headers["x-position"] == "2"
    assert reply.headers["etag"] == '"v1"'
    assert [name for name, _ in happened(found["id"])] == [
        "workspace.created",
        "member.added",
    ]


def test_e_030_a_slug_is_made_from_the_name_where_none_is_chosen(cms):
    first, second = (cms.workspace(name="Große Blogs!") for _ in range(2))

    assert first["slug"].startswith("groe-blogs")
    assert second["slug"] != first["slug"]
    assert second["status"] == "Active"


@pytest.mark.parametrize("status", ["Active", "Inactive", "Suspended"])
def test_e_033_a_workspace_has_one_of_three_statuses(cms, status):
    one = cms.workspace(status=status)

    assert one["status"] == status
    assert made(cms.get(f"/workspaces/{one['id']}"))["status"] == status


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": 7}, "name"),
        ({"name": "A", "status": "active"}, "status"),
        ({"name": "A", "status": "Archived"}, "status"),
        ({"name": "A", "status": None}, "status"),
        ({"name": "A", "slug": 7}, "slug"),
        ({"name": "A" * 256}, "name"),
        ({"name": "A\0"}, "name"),
    ],
)
def test_e_090_what_no_workspace_can_be_is_told_by_its_place(cms, body, place):
    assert refused(cms.post("/workspaces", json=body), 400).startswith(f"{place}: ")


@pytest.mark.parametrize(
    "bad", ["My-Blog", "my blog", "my..blog", "../x", "-a", "a-", "blög", "a_b", "%00"]
)
def test_threat_108_a_slug_has_letters_digits_and_hyphens(cms, bad):
    reply = cms.post("/workspaces", json={"name": "A", "slug": bad})

    assert "slug" in refused(reply, 400).lower()


def test_e_094_a_slug_is_one_workspaces(cms, cms_stranger):
    taken = cms.workspace(slug=slug())["slug"]

    for caller in (cms, cms_stranger):
        reply = caller.post("/workspaces", json={"name": "A", "slug": taken})
        assert refused(reply, 409) == "The slug is already in use"
        assert reply.json()["code"] == "CONFLICT"


@pytest.mark.parametrize("word", ["api", "auth", "v1", "v17", "workspace", "admin"])
def test_threat_108_a_slug_is_no_part_of_a_path(cms, word):
    reply = cms.post("/workspaces", json={"name": "A", "slug": word})

    assert refused(reply, 409) == "The slug is already in use"


def test_threat_108_of_many_at_once_one_has_the_slug(cms, server):
    wanted = {"name": "Race", "slug": slug()}
    answers: list[int] = []

    def ask() -> None:
        with CmsClient(server.cms_url) as one:
            one.headers.update(cms.headers)
            for _ in range(10):
                answers.append(one.post("/workspaces", json=wanted).status_code)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sorted(answers) == [201, *[409] * 49]


def test_a_key_makes_one_workspace_however_often_it_is_said(cms):
    headers = {"Idempotency-Key": new_id()}
    body = {"name": "Once", "slug": slug()}

    first, again = (
        cms.post("/workspaces", json=body, headers=headers) for _ in range(2)
    )

    assert (first.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"


# ----------------------------------------------------------------------- reading


def test_e_031_the_callers_workspaces_come_newest_first(cms_newcomer):
    older = cms_newcomer.workspace(slug=slug())
    newer = cms_newcomer.workspace(status="Inactive", slug=slug())
    for name in ("One", "Two"):
        cms_newcomer.object_type(workspace_id=newer["id"], name=name)

    found = made(cms_newcomer.get("/workspaces"))

    assert found == [
        {
            "id": one["id"],
            "name": "My Blog",
            "slug": one["slug"],
            "status": one["status"],
            "created_at": one["created_at"],
            "creator": person(cms_newcomer),
            "_count": {"members": 1, "object_types": count},
        }
        for one, count in ((newer, 2), (older, 0))
    ]


def test_a_workspace_of_pybase_is_a_workspace(cms, ada_at_pybase):
    theirs = ada_at_pybase.workspace("From PyBase")

    listed = {one["id"]: one for one in made(cms.get("/workspaces"))}

    assert listed[theirs["id"]]["slug"] == theirs["slug"]
    assert listed[theirs["id"]]["status"] == "Active"
    mine = cms.workspace()
    assert made(ada_at_pybase.get(f"/workspaces/{mine['id']}"))["slug"] == mine["slug"]


def test_e_032_a_workspace_is_read_with_members_and_types(
    cms, ada_at_pybase, cms_stranger
):
    one = cms.workspace(slug=slug())
    body = {"user_id": cms_stranger.user["id"], "role": "editor"}
    made(ada_at_pybase.post(f"/workspaces/{one['id']}/members", json=body))
    first = cms.object_type(workspace_id=one["id"], name="Author")
    second = cms.object_type(workspace_id=one["id"], slug="blog-post")

    reply = cms.get(f"/workspaces/{one['id']}")

    found = reply.json()
    assert reply.headers["etag"] == '"v1"'
    assert found == {
        "id": one["id"],
        "name": "My Blog",
        "slug": one["slug"],
        "status": "Active",
        "creator": person(cms),
        "members": [
            {
                "id": found["members"][place]["id"],
                "role": role,
                "status": "Active",
                "user": person(who),
            }
            for place, (role, who) in enumerate(
                [("Owner", cms), ("Member", cms_stranger)]
            )
        ],
        "object_types": [
            {name: kind[name] for name in ("id", "name", "slug", "created_at")}
            for kind in (second, first)
        ],
    }


@pytest.mark.parametrize(
    ("role", "word"),
    [
        ("owner", "Owner"),
        ("admin", "Admin"),
        ("editor", "Member"),
        ("commenter", "Commenter"),
        ("viewer", "Viewer"),
    ],
)
def test_e_033_a_members_role_has_a_word(cms, ada_at_pybase, cms_stranger, role, word):
    one = cms.workspace()
    body = {"user_id": cms_stranger.user["id"], "role": role}
    made(ada_at_pybase.post(f"/workspaces/{one['id']}/members", json=body))

    found = made(cms_stranger.get(f"/workspaces/{one['id']}"))["members"]

    assert [each["role"] for each in found] == ["Owner", word]
    assert {each["status"] for each in found} == {"Active"}


# ---------------------------------------------------------------------- changing


def test_a_workspace_is_changed(cms):
    one = cms.workspace(slug=slug())
    path = f"/workspaces/{one['id']}"

    changed = made(cms.patch(path, json={"name": "Ours", "status": "Suspended"}))
    renamed = made(cms.patch(path, json={"slug": slug(), "name": None}))

    assert changed == {**one, "name": "Ours", "status": "Suspended"}
    assert renamed == {**changed, "slug": renamed["slug"]}
    assert renamed["slug"] != one["slug"]


def test_e_094_a_workspace_does_not_take_anothers_slug(cms):
    one, other = cms.workspace(slug=slug()), cms.workspace(slug=slug())

    reply = cms.patch(f"/workspaces/{one['id']}", json={"slug": other["slug"]})

    assert refused(reply, 409) == "The slug is already in use"


def test_a_workspace_is_changed_by_who_saw_its_version(cms):
    path = f"/workspaces/{cms.workspace()['id']}"
    seen = {"If-Match": '"v1"'}

    first = cms.patch(path, json={"name": "A"}, headers=seen)
    second = cms.patch(path, json={"name": "B"}, headers=seen)

    assert first.headers["etag"] == '"v2"'
    assert second.json()["current_version"] == 2
    assert [one["version"] for one in second.json()["changes"]] == [2]
    refused(second, 412)


def test_a_workspace_is_deleted_and_the_row_says_so(cms):
    one = cms.workspace(slug=slug())
    path = f"/workspaces/{one['id']}"

    gone = cms.delete(path)

    told = gone.json()
    assert gone.status_code == 200
    assert told == {
        **{name: one[name] for name in one if name != "creator"},
        "updated_at": told["updated_at"],
        "is_deleted": True,
    }
    assert refused(cms.get(path), 404) == "Workspace not found"
    assert one["id"] not in [each["id"] for each in made(cms.get("/workspaces"))]
    assert made(cms.post("/workspaces", json={"name": "A", "slug": one["slug"]}))


def test_the_status_goes_back_by_undo(cms, ada_at_pybase):
    one = cms.workspace()
    path = f"/workspaces/{one['id']}"
    batch = cms.patch(path, json={"status": "Suspended"}).headers["x-batch-id"]

    body = {"workspace_id": one["id"], "scope": "batch", "id": batch}
    made(ada_at_pybase.post("/undo", json=body))

    assert made(cms.get(path))["status"] == "Active"


# ------------------------------------------------------------------------ rights

OPERATIONS = [
    ("GET", None, "viewer"),
    ("PATCH", {"name": "New"}, "admin"),
    ("DELETE", None, "owner"),
]


@pytest.mark.parametrize(("method", "body", "least"), OPERATIONS)
def test_another_tenants_workspace_is_as_one_that_never_was(
    cms, cms_stranger, nobody, method, body, least
):
    one = cms.workspace()["id"]

    def ask(caller, some_id):
        return caller.request(method, f"/workspaces/{some_id}", json=body)

    theirs, none = ask(cms_stranger, one), ask(cms_stranger, ABSENT)
    assert refused(theirs, 404) == "Workspace not found"
    assert theirs.content == none.content
    refused(ask(cms_stranger, "no-uuid"), 400)
    refused(ask(nobody, one), 401)


@pytest.mark.parametrize(("method", "body", "least"), OPERATIONS)
@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_a_member_may_what_the_role_allows(
    cms, ada_at_pybase, cms_stranger, role, method, body, least
):
    ranks = ["viewer", "editor", "admin", "owner"]
    one = cms.workspace()["id"]
    member = {"user_id": cms_stranger.user["id"], "role": role}
    made(ada_at_pybase.post(f"/workspaces/{one}/members", json=member))

    reply = cms_stranger.request(method, f"/workspaces/{one}", json=body)

    allowed = ranks.index(role) >= ranks.index(least)
    assert reply.status_code == (200 if allowed else 403)


def test_nobody_lists_or_makes_workspaces(nobody):
    refused(nobody.get("/workspaces"), 401)
    refused(nobody.post("/workspaces", json={"name": "A"}), 401)


def test_a_key_of_pybase_reads_and_writes_here_by_its_scopes(
    server, cms, ada_at_pybase: Client
):
    one = cms.workspace()["id"]
    body = {"name": "Reader", "scopes": ["read"]}
    key = made(ada_at_pybase.post("/users/me/api-keys", json=body))["key"]
    with CmsClient(server.cms_url) as reader:
        reader.headers["x-api-key"] = key

        assert made(reader.get(f"/workspaces/{one}"))["id"] == one
        refused(reader.patch(f"/workspaces/{one}", json={"name": "A"}), 403)


def test_e_003_ids_are_uuids_and_names_snake_case(cms):
    one = cms.workspace()
    shown = made(cms.get(f"/workspaces/{one['id']}"))

    assert len(one["id"]) == len(shown["members"][0]["id"]) == 36
    assert all(name == name.lower() for name in [*one, *shown])
