"""Workspaces and their members."""

import pytest

from tests.client import ABSENT, made, new_email

WORKSPACE = {
    "id",
    "name",
    "slug",
    "description",
    "owner_id",
    "members_count",
    "role",
    "created_at",
    "updated_at",
}
NOT_FOUND = {"detail": "Not found", "code": "NOT_FOUND"}


def members(client, workspace_id):
    return made(client.get(f"/workspaces/{workspace_id}/members"))


# ------------------------------------------------- who is nobody, or a stranger


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/workspaces"),
        ("POST", "/workspaces"),
        ("GET", f"/workspaces/{ABSENT}"),
        ("PATCH", f"/workspaces/{ABSENT}"),
        ("GET", f"/workspaces/{ABSENT}/members"),
        ("POST", f"/workspaces/{ABSENT}/members"),
    ],
)
def test_nobody_sees_or_makes_a_workspace(anonymous, method, path):
    assert anonymous.request(method, path, json={"name": "x"}).status_code == 401


def test_a_stranger_is_told_that_it_is_not_there(client, stranger):
    path = f"/workspaces/{client.workspace()['id']}"

    assert stranger.get(path).json() == NOT_FOUND
    assert stranger.get(path).status_code == 404
    assert stranger.patch(path, json={"name": "Mine"}).json() == NOT_FOUND
    assert stranger.get(f"{path}/members").json() == NOT_FOUND
    body = {"user_id": stranger.user["id"], "role": "owner"}
    assert stranger.post(f"{path}/members", json=body).json() == NOT_FOUND


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor"])
def test_a_member_below_admin_changes_nothing(client, member, happened, role):
    workspace = client.workspace()
    one = member(workspace["id"], role)
    before = happened(workspace["id"])
    path = f"/workspaces/{workspace['id']}"

    refused = [
        one.patch(path, json={"name": "Mine"}),
        one.post(f"{path}/members", json={"email": new_email(), "role": "viewer"}),
        one.post(f"{path}/members", json={"user_id": ABSENT, "role": "viewer"}),
    ]

    for reply in refused:
        assert reply.status_code == 403
        assert reply.json() == {
            "detail": "Your role does not allow this",
            "code": "FORBIDDEN",
        }
    assert happened(workspace["id"]) == before


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor", "admin"])
def test_every_member_reads_it_with_the_role_of_its_own(client, member, role):
    workspace = client.workspace()
    one = member(workspace["id"], role)

    shown = made(one.get(f"/workspaces/{workspace['id']}"))

    assert shown == {**workspace, "role": role, "members_count": 2}


# --------------------------------------------------------------------- making


def test_a_workspace_is_made_with_its_maker_as_owner(client, happened):
    body = {"name": "Acme GmbH & Söhne", "description": "Widgets"}

    reply = client.post("/workspaces", json=body)

    assert reply.status_code == 201
    made_one = reply.json()
    assert set(made_one) == WORKSPACE
    assert {name: made_one[name] for name in body} == body
    assert made_one["slug"].startswith("acme-gmbh-sohne")
    assert made_one["owner_id"] == client.user["id"]
    assert (made_one["members_count"], made_one["role"]) == (1, "owner")
    assert made_one["created_at"] == made_one["updated_at"]
    assert made_one["created_at"].endswith("Z")
    events = happened(made_one["id"])
    assert [name for name, _ in events] == ["workspace.created", "member.added"]
    assert events[0][1] == {
        "name": body["name"],
        "slug": made_one["slug"],
        "description": "Widgets",
        "owner_id": client.user["id"],
        "status": "active",
    }
    assert events[1][1] == {
        "user_id": client.user["id"],
        "role": "owner",
        "since": None,
    }
    assert reply.headers["x-position"] == "2"
    assert reply.headers["etag"] == '"v1"'
    assert client.get(f"/workspaces/{made_one['id']}").json() == made_one


def test_workspaces_of_one_name_get_slugs_of_their_own(newcomer):
    first = newcomer.workspace("Twins Ltd")
    second = newcomer.workspace("Twins Ltd")

    assert first["slug"] != second["slug"]
    assert second["slug"].startswith("twins-ltd-")


def test_a_chosen_slug_is_taken_once(client, stranger):
    slug = f"chosen-{new_email('x').split('.')[1].split('@')[0]}"
    body = {"name": "Acme", "slug": slug}

    assert made(client.post("/workspaces", json=body))["slug"] == slug
    reply = stranger.post("/workspaces", json=body)

    assert (reply.status_code, reply.json()["code"]) == (409, "NAME_TAKEN")


@pytest.mark.parametrize(
    "slug",
    [
        "v1",
        "workspace",
        "auth",
        "docs",
        "openapi",
        "health",
        "metrics",
        "admin",
        "events",
        "audit",
    ],
)
def test_a_word_of_the_paths_is_no_slug(client, slug):
    reply = client.post("/workspaces", json={"name": "Acme", "slug": slug})

    assert reply.status_code == 409
    assert client.workspace(slug)["slug"] != slug


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": 7}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "x", "slug": "Not A Slug"}, "slug"),
        ({"name": "x", "slug": ""}, "slug"),
        ({"name": "x", "slug": "../x"}, "slug"),
        ({"name": "x", "description": 7}, "description"),
    ],
    ids=str,
)
def test_a_workspace_that_is_none_is_refused(newcomer, body, where):
    reply = newcomer.post("/workspaces", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert [error["loc"] for error in reply.json()["errors"]] == [[where]]
    assert newcomer.get("/workspaces").json()["total"] == 0


def test_nobody_makes_a_workspace_for_somebody_else(client, stranger):
    body = {
        "name": "x",
        "owner_id": stranger.user["id"],
        "id": ABSENT,
        "role": "viewer",
    }

    made_one = made(client.post("/workspaces", json=body))

    assert made_one["owner_id"] == client.user["id"]
    assert made_one["id"] != ABSENT


# -------------------------------------------------------------------- listing


def test_the_list_is_of_the_callers_own_in_the_order_they_came(newcomer, client):
    client.workspace("Not mine")
    first, second = newcomer.workspace("One"), newcomer.workspace("Two")

    assert made(newcomer.get("/workspaces")) == {
        "items": [first, second],
        "total": 2,
        "limit": 100,
        "offset": 0,
        "page": 1,
        "page_size": 100,
    }


def test_a_workspace_joined_is_in_the_list(client, newcomer):
    workspace = client.workspace()
    client.add_member(workspace["id"], newcomer, "viewer")

    listed = made(newcomer.get("/workspaces"))["items"]

    assert [(one["id"], one["role"]) for one in listed] == [(workspace["id"], "viewer")]


# ------------------------------------------------------------------- changing


def test_a_change_says_from_what_to_what(client, happened):
    workspace = client.workspace("Acme")
    path = f"/workspaces/{workspace['id']}"

    reply = client.patch(path, json={"name": "Acme 2", "description": "New"})

    assert reply.status_code == 200
    assert reply.headers["etag"] == '"v2"'
    assert reply.headers["x-position"] == "3"
    assert reply.json() == {
        **workspace,
        "name": "Acme 2",
        "description": "New",
        "updated_at": reply.json()["updated_at"],
    }
    assert reply.json()["updated_at"] > workspace["updated_at"]
    assert client.get(path).json() == reply.json()
    assert happened(workspace["id"], 2) == [
        (
            "workspace.updated",
            {
                "changes": {
                    "name": {"from": "Acme", "to": "Acme 2"},
                    "description": {"from": None, "to": "New"},
                }
            },
        )
    ]


def test_a_change_to_the_same_is_none(client, happened):
    workspace = client.workspace("Acme")

    reply = client.patch(f"/workspaces/{workspace['id']}", json={"name": "Acme"})

    assert (reply.status_code, reply.json()) == (200, workspace)
    assert reply.headers["x-position"] == "2"
    assert happened(workspace["id"], 2) == []


@pytest.mark.parametrize(
    "body", [{"name": None}, {"name": ""}, {"slug": None}, {"slug": "A B"}], ids=str
)
def test_a_wrong_change_changes_nothing(client, happened, body):
    workspace = client.workspace()

    reply = client.patch(f"/workspaces/{workspace['id']}", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert happened(workspace["id"], 2) == []


def test_the_owner_is_not_changed_by_a_change(client, stranger):
    workspace = client.workspace()

    client.patch(
        f"/workspaces/{workspace['id']}", json={"owner_id": stranger.user["id"]}
    )

    assert client.get(f"/workspaces/{workspace['id']}").json() == workspace


@pytest.mark.parametrize("path", ["/workspaces/7", "/workspaces/7/members"])
def test_what_is_no_id_is_a_bad_request(client, path):
    reply = client.get(path)

    assert reply.status_code == 400
    assert reply.json() == {
        "detail": "Invalid workspace ID format",
        "code": "BAD_REQUEST",
    }


# -------------------------------------------------------------------- members


def test_members_are_a_bare_array_owner_first(client, newcomer):
    workspace = client.workspace()
    client.add_member(workspace["id"], newcomer, "viewer")

    owner, viewer = members(client, workspace["id"])

    assert set(owner) == {"id", "workspace_id", "user", "role", "created_at"}
    assert owner["workspace_id"] == workspace["id"]
    assert owner["user"] == {
        "id": client.user["id"],
        "email": client.user["email"],
        "name": "Ada",
        "full_name": "Ada",
    }
    assert (owner["role"], viewer["role"]) == ("owner", "viewer")
    assert viewer["user"]["id"] == newcomer.user["id"]


def test_a_member_is_added_by_id(client, newcomer, happened):
    workspace = client.workspace()
    body = {"user_id": newcomer.user["id"], "role": "editor"}

    reply = client.post(f"/workspaces/{workspace['id']}/members", json=body)

    assert reply.status_code == 201
    assert reply.json() == members(client, workspace["id"])[1]
    assert happened(workspace["id"], 2) == [("member.added", {**body, "since": None})]
    assert reply.headers["x-position"] == "3"


def test_a_member_is_added_by_address_in_any_case(client, newcomer):
    workspace = client.workspace()
    body = {"email": newcomer.user["email"].upper(), "role": "admin"}

    added = made(client.post(f"/workspaces/{workspace['id']}/members", json=body))

    assert (added["user"]["id"], added["role"]) == (newcomer.user["id"], "admin")


def test_a_member_views_unless_told_otherwise(client, newcomer):
    workspace = client.workspace()
    body = {"user_id": newcomer.user["id"]}

    added = made(client.post(f"/workspaces/{workspace['id']}/members", json=body))

    assert added["role"] == "viewer"


def test_nobody_is_added_twice(client, newcomer, happened):
    workspace = client.workspace()
    client.add_member(workspace["id"], newcomer, "viewer")

    body = {"user_id": newcomer.user["id"], "role": "owner"}
    reply = client.post(f"/workspaces/{workspace['id']}/members", json=body)

    assert (reply.status_code, reply.json()["code"]) == (409, "CONFLICT")
    assert happened(workspace["id"], 3) == []


def test_an_admin_makes_nobody_an_owner(client, member, newcomer, happened):
    workspace = client.workspace()
    admin = member(workspace["id"], "admin")

    body = {"user_id": newcomer.user["id"], "role": "owner"}
    reply = admin.post(f"/workspaces/{workspace['id']}/members", json=body)

    assert (reply.status_code, reply.json()["code"]) == (403, "FORBIDDEN")
    assert happened(workspace["id"], 3) == []


def test_an_owner_makes_another_owner(client, newcomer):
    workspace = client.workspace()

    assert client.add_member(workspace["id"], newcomer, "owner")["role"] == "owner"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"role": "viewer"}, 422),
        ({"user_id": ABSENT, "role": "king"}, 422),
        ({"user_id": ABSENT, "role": None}, 422),
        ({"user_id": 7}, 422),
        ({"user_id": "7"}, 400),
        ({"user_id": ABSENT}, 404),
        ({"email": "nobody@example.org"}, 404),
    ],
    ids=str,
)
def test_who_is_not_there_is_not_added(client, happened, body, status):
    workspace = client.workspace()

    reply = client.post(f"/workspaces/{workspace['id']}/members", json=body)

    assert reply.status_code == status
    assert happened(workspace["id"], 2) == []
