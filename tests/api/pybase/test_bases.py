"""Bases."""

import pytest

from tests.client import ABSENT, made

BASE = {
    "id",
    "workspace_id",
    "name",
    "description",
    "icon",
    "db_name",
    "tables_count",
    "created_by",
    "created_at",
    "updated_at",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/bases"),
        ("POST", "/bases"),
        ("GET", f"/bases/{ABSENT}"),
        ("PATCH", f"/bases/{ABSENT}"),
        ("DELETE", f"/bases/{ABSENT}"),
    ],
)
def test_nobody_sees_or_makes_a_base(anonymous, method, path):
    assert anonymous.request(method, path, json={}).status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor"])
def test_a_member_below_admin_makes_and_changes_none(client, member, happened, role):
    base = client.base()
    one = member(base["workspace_id"], role)
    before = happened(base["workspace_id"])

    refused = [
        one.post("/bases", json={"workspace_id": base["workspace_id"], "name": "x"}),
        one.patch(f"/bases/{base['id']}", json={"name": "x"}),
        one.delete(f"/bases/{base['id']}"),
    ]

    assert [reply.status_code for reply in refused] == [403, 403, 403]
    assert happened(base["workspace_id"]) == before
    assert made(one.get(f"/bases/{base['id']}")) == base


def test_a_base_is_made(client, happened):
    workspace = client.workspace()
    body = {
        "workspace_id": workspace["id"],
        "name": "Stock",
        "description": "What there is",
        "icon": "📦",
    }

    reply = client.post("/bases", json=body)

    assert reply.status_code == 201
    base = reply.json()
    assert set(base) == BASE
    assert {name: base[name] for name in body} == body
    assert (base["tables_count"], base["created_by"]) == (0, client.user["id"])
    assert happened(workspace["id"], 2) == [
        (
            "base.created",
            {
                "name": "Stock",
                "description": "What there is",
                "icon": "📦",
                "db_name": "stock",
            },
        )
    ]
    assert (reply.headers["x-position"], reply.headers["etag"]) == ("3", '"v1"')
    shown = client.get(f"/bases/{base['id']}")
    assert (shown.json(), shown.headers["etag"]) == (base, '"v1"')


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"workspace_id": None}, "workspace_id"),
        ({"workspace_id": 7}, "workspace_id"),
        ({"name": ""}, "name"),
        ({"name": "\t"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": None}, "name"),
        ({"icon": "x" * 256}, "icon"),
        ({"description": ["x"]}, "description"),
    ],
    ids=str,
)
def test_a_base_that_is_none_is_refused(client, happened, body, where):
    workspace = client.workspace()
    good = {"workspace_id": workspace["id"], "name": "x"}

    reply = client.post("/bases", json={**good, **body})

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert [error["loc"] for error in reply.json()["errors"]] == [[where]]
    assert happened(workspace["id"], 2) == []


def test_a_base_is_made_in_a_workspace_that_is_there(client):
    absent = client.post("/bases", json={"workspace_id": ABSENT, "name": "x"})
    malformed = client.post("/bases", json={"workspace_id": "x", "name": "x"})

    assert (absent.status_code, malformed.status_code) == (404, 400)
    assert malformed.json()["detail"] == "Invalid workspace ID format"


def test_the_list_is_of_one_workspace_or_of_all_of_them(newcomer):
    one, other = newcomer.base(name="One"), newcomer.base(name="Other")

    every = made(newcomer.get("/bases"))
    first = made(newcomer.get("/bases", params={"workspace_id": one["workspace_id"]}))

    assert every == {
        "items": [one, other],
        "total": 2,
        "limit": 100,
        "offset": 0,
        "page": 1,
        "page_size": 100,
    }
    assert (first["items"], first["total"]) == ([one], 1)


def test_a_change_says_from_what_to_what(client, happened):
    base = client.base(name="Stock")

    reply = client.patch(f"/bases/{base['id']}", json={"name": "Goods", "icon": "x"})

    assert reply.status_code == 200
    assert reply.headers["etag"] == '"v2"'
    assert reply.json()["name"] == "Goods"
    assert client.get(f"/bases/{base['id']}").json() == reply.json()
    assert happened(base["workspace_id"], 3) == [
        (
            "base.updated",
            {
                "changes": {
                    "name": {"from": "Stock", "to": "Goods"},
                    "icon": {"from": None, "to": "x"},
                }
            },
        )
    ]


def test_null_empties_what_may_be_empty(client):
    base = client.base()
    path = f"/bases/{base['id']}"
    client.patch(path, json={"description": "x"})

    assert made(client.patch(path, json={"description": None}))["description"] is None
    assert client.patch(path, json={"name": None}).status_code == 422


def test_a_base_is_not_moved_to_another_workspace(client, newcomer):
    base, other = client.base(), newcomer.workspace()

    client.patch(f"/bases/{base['id']}", json={"workspace_id": other["id"]})

    assert client.get(f"/bases/{base['id']}").json() == base
    assert newcomer.get(f"/bases/{base['id']}").status_code == 404


def test_a_base_goes_with_its_tables_in_one_batch(client, happened, recorded_events):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    before = client.position(table["workspace_id"])

    reply = client.delete(f"/bases/{table['base_id']}")

    assert (reply.status_code, reply.content) == (204, b"")
    events = recorded_events(table["workspace_id"], before)
    assert [one["type"] for one in events] == ["table.deleted", "base.deleted"]
    assert {one["batch_id"] for one in events} == {reply.headers["x-batch-id"]}
    assert reply.headers["x-position"] == str(before + 2)
    for path in (
        f"/bases/{table['base_id']}",
        f"/tables/{table['id']}",
        f"/fields/{table['ids']['Name']}",
        f"/records/{record['id']}",
    ):
        assert client.get(path).status_code == 404
    listed = client.get("/bases", params={"workspace_id": table["workspace_id"]})
    assert listed.json()["total"] == 0
    again = client.delete(f"/bases/{table['base_id']}")
    assert again.status_code == 404
    late = {"table_id": table["id"], "fields": {"Name": "late"}}
    assert client.post("/records", json=late).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_no_id_is_a_bad_request(client, method):
    reply = client.request(method, "/bases/7", json={"name": "x"})

    assert reply.status_code == 400
    assert reply.json() == {"detail": "Invalid base ID format", "code": "BAD_REQUEST"}
