"""Members who change roles, leave or are removed; workspaces that are deleted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from domain.ids import INSTANCE, WorkspaceId
from projections import rebuild
from projections.postgres import connect
from tests.client import ABSENT, PASSWORD, Client, made, new_email, running_server

NOT_FOUND = {"detail": "Not found", "code": "NOT_FOUND"}


@pytest.fixture
def workspace(client):
    return client.workspace()


def path_of(client, workspace, who):
    """The path of somebody's membership."""
    for one in made(client.get(f"/workspaces/{workspace['id']}/members")):
        if one["user"]["id"] == who.user["id"]:
            return f"/workspaces/{workspace['id']}/members/{one['id']}"
    raise LookupError(who.user)


# --------------------------------------------------------------- who may not


def test_a_stranger_finds_no_membership(client, stranger, workspace):
    path = path_of(client, workspace, client)

    assert stranger.patch(path, json={"role": "viewer"}).json() == NOT_FOUND
    assert stranger.delete(path).json() == NOT_FOUND
    assert stranger.delete(f"/workspaces/{workspace['id']}").json() == NOT_FOUND


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor"])
def test_a_member_below_admin_changes_and_removes_nobody_else(
    client, member, newcomer, workspace, happened, role
):
    one = member(workspace["id"], role)
    client.add_member(workspace["id"], newcomer, "viewer")
    path = path_of(client, workspace, newcomer)
    before = happened(workspace["id"])

    refused = [
        one.patch(path, json={"role": "viewer"}),
        one.patch(path_of(client, workspace, one), json={"role": "admin"}),
        one.delete(path),
        one.delete(f"/workspaces/{workspace['id']}"),
    ]

    assert [reply.status_code for reply in refused] == [403] * 4
    assert happened(workspace["id"]) == before


def test_owners_are_a_matter_of_owners(client, member, newcomer, workspace, happened):
    admin = member(workspace["id"], "admin")
    client.add_member(workspace["id"], newcomer, "owner")
    path = path_of(client, workspace, newcomer)
    before = happened(workspace["id"])

    refused = [
        admin.patch(path, json={"role": "viewer"}),
        admin.delete(path),
        admin.patch(path_of(client, workspace, admin), json={"role": "owner"}),
        admin.delete(f"/workspaces/{workspace['id']}"),
    ]

    assert [reply.status_code for reply in refused] == [403] * 4
    assert refused[0].json() == {
        "detail": "Only an owner makes, changes or removes an owner",
        "code": "FORBIDDEN",
    }
    assert happened(workspace["id"]) == before


# --------------------------------------------------------------------- roles


def test_a_role_changes_at_once(client, newcomer, workspace, happened):
    client.add_member(workspace["id"], newcomer, "viewer")
    path = path_of(client, workspace, newcomer)
    body = {"workspace_id": workspace["id"], "name": "Base"}
    assert newcomer.post("/bases", json=body).status_code == 403
    before = client.position(workspace["id"])

    reply = client.patch(path, json={"role": "admin"})

    assert reply.status_code == 200
    assert (reply.json()["role"], reply.headers["etag"]) == ("admin", '"v2"')
    assert reply.json() == made(client.get(path.rpartition("/")[0]))[1]
    assert happened(workspace["id"], before) == [
        (
            "member.updated",
            {
                "user_id": newcomer.user["id"],
                "changes": {"role": {"from": "viewer", "to": "admin"}},
            },
        )
    ]
    assert newcomer.post("/bases", json=body).status_code == 201
    made(client.patch(path, json={"role": "viewer"}))
    assert newcomer.post("/bases", json=body).status_code == 403


def test_the_same_role_again_changes_nothing(client, newcomer, workspace, happened):
    client.add_member(workspace["id"], newcomer, "viewer")
    before = happened(workspace["id"])

    reply = client.patch(path_of(client, workspace, newcomer), json={"role": "viewer"})

    assert reply.status_code == 200
    assert happened(workspace["id"]) == before


@pytest.mark.parametrize("body", [{}, {"role": None}, {"role": "king"}, {"role": 7}])
def test_a_role_that_is_none_is_refused(client, workspace, body):
    reply = client.patch(path_of(client, workspace, client), json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


def test_the_last_owner_neither_steps_down_nor_leaves(client, workspace, happened):
    path = path_of(client, workspace, client)
    before = happened(workspace["id"])

    for reply in (client.patch(path, json={"role": "admin"}), client.delete(path)):
        assert (reply.status_code, reply.json()["code"]) == (409, "CONFLICT")
    assert happened(workspace["id"]) == before


def test_of_two_owners_who_leave_together_one_stays(client, newcomer, workspace):
    client.add_member(workspace["id"], newcomer, "owner")
    paths = [(one, path_of(client, workspace, one)) for one in (client, newcomer)]

    with ThreadPoolExecutor(2) as threads:
        replies = list(threads.map(lambda pair: pair[0].delete(pair[1]), paths))

    assert sorted(reply.status_code for reply in replies) == [204, 409]


def test_a_workspace_is_handed_over(newcomer, client):
    workspace = newcomer.workspace()
    newcomer.add_member(workspace["id"], client, "admin")
    path = path_of(newcomer, workspace, client)

    made(newcomer.patch(path, json={"role": "owner"}))
    assert client.get(f"/workspaces/{workspace['id']}").json()["role"] == "owner"
    assert newcomer.delete(path_of(newcomer, workspace, newcomer)).status_code == 204

    shown = made(client.get(f"/workspaces/{workspace['id']}"))
    assert shown["owner_id"] == client.user["id"]
    assert newcomer.get(f"/workspaces/{workspace['id']}").json() == NOT_FOUND


def test_a_stale_role_change_is_told_what_came_since(client, newcomer, workspace):
    client.add_member(workspace["id"], newcomer, "viewer")
    path = path_of(client, workspace, newcomer)
    made(client.patch(path, json={"role": "editor"}))

    for method in ("PATCH", "DELETE"):
        reply = client.request(
            method, path, json={"role": "admin"}, headers={"if-match": '"v1"'}
        )
        assert (reply.status_code, reply.json()["current_version"]) == (412, 2)
        (since,) = reply.json()["changes"]
        assert since["type"] == "member.updated"


# ------------------------------------------------------------------- leaving


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor", "admin", "owner"])
def test_a_member_leaves(client, newcomer, workspace, happened, role):
    client.add_member(workspace["id"], newcomer, role)
    path = path_of(client, workspace, newcomer)
    headers = {"idempotency-key": f"leave-{newcomer.user['id']}"}
    before = client.position(workspace["id"])

    reply = newcomer.delete(path, headers=headers)

    assert (reply.status_code, reply.content) == (204, b"")
    ((kind, told),) = happened(workspace["id"], before)
    assert datetime.fromisoformat(told.pop("since"))
    assert (kind, told) == (
        "member.removed",
        {"user_id": newcomer.user["id"], "role": role},
    )
    assert made(newcomer.get("/workspaces"))["total"] == 0
    again = newcomer.delete(path, headers=headers)
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (
        204,
        "true",
    )
    assert newcomer.delete(path).json() == NOT_FOUND


def test_who_was_removed_reads_and_writes_nothing_more_on_any_server(
    client, newcomer, settings, database
):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    workspace = {"id": table["workspace_id"]}
    client.add_member(workspace["id"], newcomer, "admin")
    with running_server(settings, database) as other, Client(other.url) as there:
        there.headers["authorization"] = newcomer.headers["authorization"]
        for one in (newcomer, there):
            assert one.get(f"/records/{record['id']}").status_code == 200

        client.delete(path_of(client, workspace, newcomer))

        for one in (newcomer, there):
            attempts = [
                one.get(f"/records/{record['id']}"),
                one.get("/records", params={"table_id": table["id"]}),
                one.post("/records", json={"table_id": table["id"], "fields": {}}),
                one.patch(f"/records/{record['id']}", json={"fields": {"Name": "x"}}),
                one.delete(f"/tables/{table['id']}"),
                one.get("/events", params={"workspace_id": workspace["id"]}),
                one.get(f"/workspaces/{workspace['id']}"),
            ]
            assert [reply.status_code for reply in attempts] == [404] * len(attempts)


def test_who_was_removed_comes_back_by_being_added(client, newcomer, workspace):
    added = client.add_member(workspace["id"], newcomer, "editor")
    client.delete(path_of(client, workspace, newcomer))

    again = client.add_member(workspace["id"], newcomer, "viewer")

    assert (again["id"], again["role"]) == (added["id"], "viewer")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_who_is_not_there_is_not_changed(client, workspace, method):
    path = f"/workspaces/{workspace['id']}/members"

    absent = client.request(method, f"{path}/{ABSENT}", json={"role": "viewer"})
    wrong = client.request(method, f"{path}/7", json={"role": "viewer"})

    assert absent.json() == {"detail": "Member not found", "code": "NOT_FOUND"}
    assert wrong.json() == {"detail": "Invalid member ID format", "code": "BAD_REQUEST"}


# ------------------------------------------------------ a workspace that is deleted


def test_a_workspace_goes_with_all_that_it_has(
    client, newcomer, happened, settings, database
):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    constraint = client.constraint(table["ids"]["Name"])
    workspace = made(client.get(f"/workspaces/{table['workspace_id']}"))
    client.add_member(workspace["id"], newcomer, "owner")
    path = f"/workspaces/{workspace['id']}"
    before = client.position(workspace["id"])
    with running_server(settings, database) as other, Client(other.url) as there:
        there.headers["authorization"] = client.headers["authorization"]
        assert there.get(f"/records/{record['id']}").status_code == 200

        reply = client.delete(path)

        assert (reply.status_code, reply.content) == (204, b"")
        assert reply.headers["x-position"] == str(before + 1)
        for one in (client, newcomer, there):
            attempts = [
                one.get(path),
                one.patch(path, json={"name": "Late"}),
                one.delete(path),
                one.get(f"{path}/members"),
                one.post(f"{path}/members", json={"email": new_email()}),
                one.get("/bases", params={"workspace_id": workspace["id"]}),
                one.post(
                    "/bases", json={"workspace_id": workspace["id"], "name": "Late"}
                ),
                one.get(f"/bases/{table['base_id']}"),
                one.get("/tables", params={"base_id": table["base_id"]}),
                one.get(f"/tables/{table['id']}"),
                one.get(f"/fields/{table['ids']['Name']}"),
                one.get(f"/constraints/{constraint['id']}"),
                one.get("/records", params={"table_id": table["id"]}),
                one.get(f"/records/{record['id']}"),
                one.post("/records", json={"table_id": table["id"], "fields": {}}),
                one.patch(f"/records/{record['id']}", json={"fields": {"Name": "x"}}),
                one.delete(f"/records/{record['id']}"),
                one.get("/events", params={"workspace_id": workspace["id"]}),
            ]
            assert [one.status_code for one in attempts] == [404] * len(attempts)
            listed = made(one.get("/workspaces", params={"limit": 1000}))["items"]
            assert workspace["id"] not in [found["id"] for found in listed]
    assert happened(workspace["id"], before) == [
        (
            "workspace.deleted",
            {"name": workspace["name"], "slug": workspace["slug"]},
        )
    ]


def test_what_was_deleted_answers_as_what_never_was(newcomer, settings, database):
    table = newcomer.table("Name")
    record = newcomer.record(table["id"], Name="Ada")
    newcomer.delete(f"/workspaces/{table['workspace_id']}")

    with running_server(settings, database) as fresh, Client(fresh.url) as there:
        there.headers["authorization"] = newcomer.headers["authorization"]
        for path in (f"/tables/{table['id']}", f"/records/{record['id']}"):
            gone = there.get(path)
            never = there.get(f"{path.rpartition('/')[0]}/{ABSENT}")
            assert gone.status_code == never.status_code == 404
            assert gone.json() == never.json()


def test_the_slug_of_a_deleted_workspace_is_free(client, stranger):
    slug = f"gone-{new_email('x').split('.')[1].split('@')[0]}"
    body = {"name": "Acme", "slug": slug}
    workspace = made(client.post("/workspaces", json=body))
    assert stranger.post("/workspaces", json=body).status_code == 409

    client.delete(f"/workspaces/{workspace['id']}")

    assert made(stranger.post("/workspaces", json=body))["slug"] == slug


def test_a_deletion_that_is_repeated_gets_its_first_reply(client, workspace):
    path = f"/workspaces/{workspace['id']}"
    headers = {"idempotency-key": f"gone-{workspace['id']}"}

    first, again = (client.delete(path, headers=headers) for _ in range(2))

    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-batch-id"] == first.headers["x-batch-id"]


def test_a_workspace_is_deleted_by_who_saw_its_version(client, workspace):
    path = f"/workspaces/{workspace['id']}"
    made(client.patch(path, json={"name": "New"}))

    stale = client.delete(path, headers={"if-match": '"v1"'})

    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    assert client.delete(path, headers={"if-match": '"v2"'}).status_code == 204


def test_a_replay_finds_the_same(newcomer, client, database):
    """Of a workspace whose members changed and that was deleted, and of its users."""
    table = newcomer.table("Name")
    workspace = {"id": table["workspace_id"]}
    newcomer.record(table["id"], Name="Ada")
    newcomer.add_member(workspace["id"], client, "viewer")
    newcomer.patch(path_of(newcomer, workspace, client), json={"role": "owner"})
    newcomer.delete(path_of(newcomer, workspace, client))
    newcomer.post("/users/me/api-keys", json={})
    body = {"current_password": PASSWORD, "new_password": "another password"}
    assert newcomer.post("/auth/change-password", json=body).status_code == 204
    assert newcomer.delete(f"/workspaces/{workspace['id']}").status_code == 204

    for workspace_id in (WorkspaceId(workspace["id"]), INSTANCE):
        with connect(database.app, autocommit=True) as connection:
            assert rebuild.check(connection, workspace_id) == []
