"""Tables, with the fields that they are made with."""

import pytest

from tests.client import ABSENT, made

TABLE = {
    "id",
    "base_id",
    "name",
    "slug",
    "description",
    "primary_field_id",
    "position",
    "created_by",
    "created_at",
    "updated_at",
    "fields",
}
NOT_FOUND = {"detail": "Table not found", "code": "NOT_FOUND"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/tables?base_id={ABSENT}"),
        ("POST", "/tables"),
        ("GET", f"/tables/{ABSENT}"),
        ("PATCH", f"/tables/{ABSENT}"),
        ("DELETE", f"/tables/{ABSENT}"),
    ],
)
def test_nobody_sees_or_makes_a_table(anonymous, method, path):
    assert anonymous.request(method, path, json={}).status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor"])
def test_a_member_below_admin_makes_and_changes_none(client, member, happened, role):
    table = client.table("Name")
    one = member(table["workspace_id"], role)
    before = happened(table["workspace_id"])

    refused = [
        one.post("/tables", json={"base_id": table["base_id"], "name": "x"}),
        one.patch(f"/tables/{table['id']}", json={"name": "x"}),
        one.delete(f"/tables/{table['id']}"),
    ]

    assert [reply.status_code for reply in refused] == [403, 403, 403]
    assert happened(table["workspace_id"]) == before
    assert one.get(f"/tables/{table['id']}").json()["fields"] == table["fields"]


def test_a_new_table_has_no_fields(client, happened):
    base = client.base()
    body = {"base_id": base["id"], "name": "Empty", "description": "Nothing yet"}

    reply = client.post("/tables", json=body)

    assert reply.status_code == 201
    table = reply.json()
    assert set(table) == TABLE
    assert {name: table[name] for name in body} == body
    assert (table["fields"], table["primary_field_id"]) == ([], None)
    assert (table["position"], table["created_by"]) == (0, client.user["id"])
    assert [name for name, _ in happened(base["workspace_id"], 3)] == ["table.created"]
    assert (reply.headers["x-position"], reply.headers["etag"]) == ("4", '"v1"')
    shown = client.get(f"/tables/{table['id']}")
    assert (shown.json(), shown.headers["etag"]) == (table, '"v1"')


def test_a_table_is_made_with_its_fields_in_one_batch(client, recorded_events):
    base = client.base()
    before = client.position(base["workspace_id"])
    body = {
        "base_id": base["id"],
        "name": "Widgets",
        "fields": [
            {"name": "Name", "type": "text", "required": True},
            {"name": "Price", "field_type": "number", "options": {"precision": 2}},
            {"name": "In Stock", "type": "checkbox", "description": "Is there any?"},
        ],
    }

    reply = client.post("/tables", json=body)

    table = made(reply)
    shown = [
        (one["name"], one["type"], one["required"], one["is_primary"], one["position"])
        for one in table["fields"]
    ]
    assert shown == [
        ("Name", "text", True, True, 0),
        ("Price", "number", False, False, 1),
        ("In Stock", "checkbox", False, False, 2),
    ]
    assert table["primary_field_id"] == table["fields"][0]["id"]
    assert client.get(f"/tables/{table['id']}").json() == table
    events = recorded_events(base["workspace_id"], before)
    assert [one["type"] for one in events] == ["table.created"] + ["field.created"] * 3
    assert [(one["batch_index"], one["batch_size"]) for one in events] == [
        (0, 4),
        (1, 4),
        (2, 4),
        (3, 4),
    ]
    assert {one["batch_id"] for one in events} == {reply.headers["x-batch-id"]}
    assert events[1]["data"] == {
        "table_id": table["id"],
        "name": "Name",
        "type": "text",
        "options": {},
        "required": True,
        "description": None,
        "position": 0,
        "primary": True,
        "api_name": "name",
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"base_id": None}, 422),
        ({"base_id": "x"}, 400),
        ({"base_id": ABSENT}, 404),
        ({"name": ""}, 422),
        ({"name": " "}, 422),
        ({"name": "x" * 256}, 422),
        ({"name": None}, 422),
        ({"fields": "Name"}, 422),
        ({"fields": [{"name": "x"}]}, 422),
        ({"fields": [{"type": "text"}]}, 422),
        ({"fields": [{"name": "", "type": "text"}]}, 422),
        ({"fields": [{"name": "x", "type": "novel"}]}, 422),
        ({"fields": [{"name": "x", "type": "text", "options": [1]}]}, 422),
        ({"fields": [{"name": "x", "type": "text", "required": "yes"}]}, 422),
        (
            {"fields": [{"name": "x", "type": "text"}, {"name": "X", "type": "text"}]},
            409,
        ),
        ({"fields": [{"name": f"f{n}", "type": "text"} for n in range(401)]}, 422),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_table_that_is_none_is_refused_whole(client, happened, body, status):
    base = client.base()

    reply = client.post("/tables", json={"base_id": base["id"], "name": "x", **body})

    assert reply.status_code == status
    assert happened(base["workspace_id"], 3) == []
    listed = client.get("/tables", params={"base_id": base["id"]})
    assert listed.json()["total"] == 0


def test_a_table_holds_four_hundred_fields(client):
    base = client.base()
    fields = [{"name": f"f{number}", "type": "checkbox"} for number in range(400)]
    body = {"base_id": base["id"], "name": "Wide", "fields": fields}

    table = made(client.post("/tables", json=body))
    one_more = client.post(
        "/fields", json={"table_id": table["id"], "name": "f400", "type": "text"}
    )

    assert len(table["fields"]) == 400
    assert (one_more.status_code, one_more.json()["code"]) == (422, "TOO_MANY_FIELDS")


def test_a_name_is_taken_once_in_a_base(client):
    table = client.table(name="Things")
    body = {"base_id": table["base_id"], "name": "THINGS"}

    reply = client.post("/tables", json=body)

    assert (reply.status_code, reply.json()["code"]) == (409, "NAME_TAKEN")
    client.delete(f"/tables/{table['id']}")
    assert client.post("/tables", json=body).status_code == 201


# -------------------------------------------------------------------- listing


def test_a_list_needs_its_base(client):
    reply = client.get("/tables")

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert [error["loc"] for error in reply.json()["errors"]] == [["base_id"]]
    assert client.get("/tables", params={"base_id": "7"}).status_code == 400
    assert client.get("/tables", params={"base_id": ABSENT}).status_code == 404


def test_the_list_is_of_one_base_in_the_order_made(client):
    first = client.table("Name", name="B")
    second = client.table(base_id=first["base_id"], name="A")
    client.table(base_id=client.base(first["workspace_id"])["id"], name="Elsewhere")

    listed = made(client.get("/tables", params={"base_id": first["base_id"]}))

    assert [one["id"] for one in listed["items"]] == [first["id"], second["id"]]
    assert {name: listed[name] for name in listed if name != "items"} == {
        "total": 2,
        "limit": 100,
        "offset": 0,
        "page": 1,
        "page_size": 100,
    }


# ------------------------------------------------------- changing and deleting


def test_a_change_says_from_what_to_what(client, happened):
    table = client.table("Name", name="Things")
    before = client.position(table["workspace_id"])

    reply = client.patch(f"/tables/{table['id']}", json={"name": "Stuff"})

    assert reply.status_code == 200
    assert (reply.json()["name"], reply.headers["etag"]) == ("Stuff", '"v2"')
    assert reply.json()["fields"] == table["fields"]
    assert happened(table["workspace_id"], before) == [
        ("table.updated", {"changes": {"name": {"from": "Things", "to": "Stuff"}}})
    ]
    assert reply.headers["x-position"] == str(before + 1)


def test_a_table_keeps_its_name_from_the_others(client):
    one = client.table(name="One")
    other = client.table(base_id=one["base_id"], name="Other")

    reply = client.patch(f"/tables/{other['id']}", json={"name": "ONE"})
    own = client.patch(f"/tables/{other['id']}", json={"name": "OTHER"})

    assert (reply.status_code, reply.json()["code"]) == (409, "NAME_TAKEN")
    assert own.status_code == 200


@pytest.mark.parametrize("body", [{"name": None}, {"name": ""}, {"name": 1}], ids=str)
def test_a_wrong_change_changes_nothing(client, happened, body):
    table = client.table()
    before = client.position(table["workspace_id"])

    assert client.patch(f"/tables/{table['id']}", json=body).status_code == 422
    assert happened(table["workspace_id"], before) == []


def test_a_table_goes_with_its_fields_records_and_constraints(client, happened):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    constraint = client.constraint(table["ids"]["Name"])
    before = client.position(table["workspace_id"])

    reply = client.delete(f"/tables/{table['id']}")

    assert (reply.status_code, reply.content) == (204, b"")
    assert happened(table["workspace_id"], before) == [
        ("table.deleted", {"base_id": table["base_id"], "name": "Things"})
    ]
    assert client.get(f"/tables/{table['id']}").json() == NOT_FOUND
    for path, query in [
        (f"/records/{record['id']}", {}),
        (f"/fields/{table['ids']['Name']}", {}),
        (f"/fields/{table['ids']['Name']}/constraint", {}),
        (f"/constraints/{constraint['id']}", {}),
        ("/records", {"table_id": table["id"]}),
        ("/fields", {"table_id": table["id"]}),
        ("/constraints", {"table_id": table["id"]}),
        ("/constraints", {"field_id": table["ids"]["Name"]}),
    ]:
        assert client.get(path, params=query).status_code == 404, path
    writes = [
        client.patch(f"/tables/{table['id']}", json={"name": "x"}),
        client.delete(f"/tables/{table['id']}"),
        client.post("/records", json={"table_id": table["id"], "fields": {}}),
        client.patch(f"/records/{record['id']}", json={"fields": {"Name": "x"}}),
        client.delete(f"/records/{record['id']}"),
        client.post(
            "/fields", json={"table_id": table["id"], "name": "x", "type": "text"}
        ),
        client.patch(f"/fields/{table['ids']['Name']}", json={"name": "x"}),
        client.delete(f"/fields/{table['ids']['Name']}"),
        client.post("/constraints", json={"field_id": table["ids"]["Name"]}),
        client.patch(f"/constraints/{constraint['id']}", json={"status": "disabled"}),
        client.delete(f"/constraints/{constraint['id']}"),
    ]
    assert [write.status_code for write in writes] == [404] * len(writes)
    assert len(happened(table["workspace_id"], before)) == 1


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_no_id_is_a_bad_request(client, method):
    reply = client.request(method, "/tables/7", json={"name": "x"})

    assert reply.status_code == 400
    assert reply.json() == {"detail": "Invalid table ID format", "code": "BAD_REQUEST"}
