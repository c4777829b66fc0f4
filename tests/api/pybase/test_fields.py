"""Fields: types, options, names, and what goes with them."""

import pytest

from tests.client import ABSENT, made, new_id

FIELD = {
    "id",
    "table_id",
    "name",
    "api_name",
    "type",
    "field_type",
    "options",
    "required",
    "is_required",
    "is_unique",
    "is_primary",
    "is_computed",
    "description",
    "position",
    "created_at",
    "updated_at",
}
NOT_FOUND = {"detail": "Field not found", "code": "NOT_FOUND"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/fields?table_id={ABSENT}"),
        ("POST", "/fields"),
        ("GET", f"/fields/{ABSENT}"),
        ("PATCH", f"/fields/{ABSENT}"),
        ("DELETE", f"/fields/{ABSENT}"),
        ("GET", f"/fields/{ABSENT}/constraint"),
    ],
)
def test_nobody_sees_or_makes_a_field(anonymous, method, path):
    assert anonymous.request(method, path, json={}).status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor"])
def test_a_member_below_admin_makes_and_changes_none(client, member, happened, role):
    table = client.table("Name")
    field_id = table["ids"]["Name"]
    one = member(table["workspace_id"], role)
    before = happened(table["workspace_id"])

    refused = [
        one.post(
            "/fields", json={"table_id": table["id"], "name": "x", "type": "text"}
        ),
        one.patch(f"/fields/{field_id}", json={"name": "x"}),
        one.delete(f"/fields/{field_id}"),
    ]

    assert [reply.status_code for reply in refused] == [403, 403, 403]
    assert happened(table["workspace_id"]) == before
    assert one.get(f"/fields/{field_id}").json() == table["fields"][0]


# --------------------------------------------------------------------- making


def test_a_field_is_made(client, happened):
    table = client.table()
    before = client.position(table["workspace_id"])
    body = {
        "table_id": table["id"],
        "name": "Price",
        "type": "number",
        "options": {"precision": 2, "allow_negative": False},
        "required": True,
        "description": "In euro",
    }

    reply = client.post("/fields", json=body)

    assert reply.status_code == 201
    field = reply.json()
    assert set(field) == FIELD
    assert {name: field[name] for name in body} == body
    assert (field["field_type"], field["is_required"]) == ("number", True)
    assert (field["is_primary"], field["is_computed"], field["is_unique"]) == (
        True,
        False,
        False,
    )
    assert happened(table["workspace_id"], before) == [
        (
            "field.created",
            {
                "table_id": table["id"],
                "name": "Price",
                "type": "number",
                "options": {"precision": 2, "allow_negative": False},
                "required": True,
                "description": "In euro",
                "position": 0,
                "primary": True,
                "api_name": "price",
            },
        )
    ]
    assert reply.headers["x-position"] == str(before + 1)
    assert reply.headers["etag"] == '"v1"'
    shown = client.get(f"/fields/{field['id']}")
    assert (shown.json(), shown.headers["etag"]) == (field, '"v1"')


def test_both_spellings_of_type_and_required_are_taken(client):
    table = client.table()
    body = {"table_id": table["id"], "name": "Day", "field_type": "date"}

    field = made(client.post("/fields", json={**body, "is_required": True}))

    assert (field["type"], field["required"]) == ("date", True)


@pytest.mark.parametrize(
    ("type_", "options"),
    [
        ("text", {"max_length": 20}),
        ("long_text", {"enable_rich_text": True}),
        ("number", {"precision": 2, "allow_negative": True}),
        ("checkbox", {}),
        ("date", {"date_format": "YYYY-MM-DD", "include_time": True}),
        ("datetime", {"time_format": "24h", "timezone": "Europe/Berlin"}),
        ("autonumber", {"prefix": "INV-"}),
    ],
)
def test_a_type_keeps_the_options_documented_for_it(client, type_, options):
    table = client.table()

    field = client.field(table["id"], "F", type_, options=options)

    assert (field["type"], field["options"]) == (type_, options)
    assert client.get(f"/fields/{field['id']}").json() == field


def test_a_choice_has_an_id_a_name_and_a_color(client):
    table = client.table()
    choices = [{"name": "Open", "color": "red"}, {"name": "Closed"}]

    field = client.field(
        table["id"], "Status", "single_select", options={"choices": choices}
    )

    opened, closed = field["options"]["choices"]
    assert (opened["name"], opened["color"]) == ("Open", "red")
    assert closed["name"] == "Closed"
    assert opened["id"]
    assert closed["id"]
    assert opened["id"] != closed["id"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"table_id": None}, 422),
        ({"table_id": "x"}, 400),
        ({"table_id": ABSENT}, 404),
        ({"name": ""}, 422),
        ({"name": None}, 422),
        ({"name": "x" * 256}, 422),
        ({"name": "a\0b"}, 422),
        ({"type": None}, 422),
        ({"type": "novel"}, 422),
        ({"type": "Text"}, 422),
        ({"type": ["text"]}, 422),
        ({"required": 1}, 422),
        ({"options": "x"}, 422),
        ({"options": {"max_length": 0}}, 422),
        ({"options": {"max_length": 10_001}}, 422),
        ({"options": {"max_length": "20"}}, 422),
        ({"options": {"max_length": True}}, 422),
        ({"type": "number", "options": {"precision": -1}}, 422),
        ({"type": "number", "options": {"precision": 1.5}}, 422),
        ({"type": "number", "options": {"allow_negative": "no"}}, 422),
        ({"type": "datetime", "options": {"timezone": "Mars/Olympus"}}, 422),
        ({"type": "datetime", "options": {"timezone": "../../etc/passwd"}}, 422),
        ({"type": "date", "options": {"include_time": 1}}, 422),
        ({"type": "single_select", "options": {"choices": "Open"}}, 422),
        ({"type": "single_select", "options": {"choices": [{}]}}, 422),
        ({"type": "single_select", "options": {"choices": [{"name": ""}]}}, 422),
        ({"type": "single_select", "options": {"choices": ["A", "A"]}}, 422),
        ({"type": "autonumber", "options": {"prefix": 7}}, 422),
        ({"type": "linked_record"}, 422),
        ({"type": "linked_record", "options": {"linked_table_id": 7}}, 422),
        ({"type": "linked_record", "options": {"linked_table_id": ABSENT}}, 404),
    ],
    ids=str,
)
def test_a_field_that_is_none_is_refused(client, kept_things, happened, body, status):
    before = client.position(kept_things["workspace_id"])
    good = {"table_id": kept_things["id"], "name": "F", "type": "text"}

    reply = client.post("/fields", json={**good, **body})

    assert reply.status_code == status
    assert set(reply.json()) >= {"detail", "code"}
    assert happened(kept_things["workspace_id"], before) == []


@pytest.mark.parametrize(
    "name",
    [
        '"; DROP TABLE x; --',
        "$where",
        "__proto__",
        "id",
        "constructor",
        "{{x}}",
        "%s",
        "%(x)s",
        "' OR 1=1",
        "\u202egnp",
        "Zoë",
        "名前",
        "a\nb",
        "x" * 255,
    ],
)
def test_any_text_is_a_name_and_nothing_else(client, kept_base, name):
    table = client.table(name, base_id=kept_base, name=new_id())

    record = client.record(table["id"], **{name: "value"})

    assert record["fields"] == {name: "value"}
    assert client.get(f"/records/{record['id']}").json() == record
    query = {"table_id": table["id"], "filter": f'{{"{table["ids"][name]}": "value"}}'}
    assert made(client.get("/records", params=query))["total"] == 1


def test_a_name_is_taken_once_in_a_table_in_any_case(client):
    table = client.table("Email")

    body = {"table_id": table["id"], "name": "EMAIL", "type": "text"}
    reply = client.post("/fields", json=body)

    assert (reply.status_code, reply.json()["code"]) == (409, "NAME_TAKEN")


# -------------------------------------------------------------------- listing


def test_a_list_needs_its_table(client):
    reply = client.get("/fields")

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert client.get("/fields", params={"table_id": "7"}).status_code == 400
    assert client.get("/fields", params={"table_id": ABSENT}).status_code == 404


def test_the_list_is_of_one_table_in_order(client):
    table = client.table("B", "A", "C")

    listed = made(client.get("/fields", params={"table_id": table["id"]}))

    assert listed == {
        "items": table["fields"],
        "total": 3,
        "limit": 100,
        "offset": 0,
        "page": 1,
        "page_size": 100,
    }
    assert [one["name"] for one in listed["items"]] == ["B", "A", "C"]


# ------------------------------------------------------------------- changing


def test_a_rename_keeps_the_values(client, happened):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    before = client.position(table["workspace_id"])

    reply = client.patch(f"/fields/{table['ids']['Name']}", json={"name": "Who"})

    assert (reply.status_code, reply.headers["etag"]) == (200, '"v2"')
    assert client.get(f"/records/{record['id']}").json()["fields"] == {"Who": "Ada"}
    assert happened(table["workspace_id"], before) == [
        (
            "field.updated",
            {
                "table_id": table["id"],
                "changes": {"name": {"from": "Name", "to": "Who"}},
            },
        )
    ]
    unknown = client.patch(f"/records/{record['id']}", json={"fields": {"Name": "x"}})
    assert unknown.status_code == 422


def test_a_rename_to_a_name_beside_it_is_refused(client):
    table = client.table("One", "Other")

    taken = client.patch(f"/fields/{table['ids']['One']}", json={"name": "OTHER"})
    own = client.patch(f"/fields/{table['ids']['One']}", json={"name": "ONE"})

    assert (taken.status_code, taken.json()["code"]) == (409, "NAME_TAKEN")
    assert (own.status_code, own.json()["name"]) == (200, "ONE")


def test_a_change_to_the_same_is_none(client, happened):
    table = client.table("Name")
    before = client.position(table["workspace_id"])

    reply = client.patch(f"/fields/{table['ids']['Name']}", json={"name": "Name"})

    assert (reply.status_code, reply.json()) == (200, table["fields"][0])
    assert reply.headers["x-position"] == str(before)
    assert happened(table["workspace_id"], before) == []


def test_required_is_not_switched_on_over_empty_rows(client, happened):
    table = client.table("Name", "Mail")
    empty = client.records(table["id"], *[{"Name": f"n{n}"} for n in range(25)])
    before = client.position(table["workspace_id"])

    reply = client.patch(f"/fields/{table['ids']['Mail']}", json={"required": True})

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert len(reply.json()["records"]) == 20
    assert set(reply.json()["records"]) <= {one["id"] for one in empty}
    assert happened(table["workspace_id"], before) == []


def test_required_is_switched_on_over_full_rows_and_holds_then(client):
    table = client.table("Name")
    client.record(table["id"], Name="Ada")

    field = made(
        client.patch(f"/fields/{table['ids']['Name']}", json={"required": True})
    )

    assert (field["required"], field["is_required"]) == (True, True)
    empty = {"table_id": table["id"], "fields": {}}
    assert client.post("/records", json=empty).status_code == 422


def test_a_renamed_choice_keeps_its_rows(client):
    options = {"choices": [{"name": "Open", "color": "red"}]}
    table = client.table(
        {"name": "Status", "type": "single_select", "options": options}
    )
    record = client.record(table["id"], Status="Open")
    (choice,) = table["fields"][0]["options"]["choices"]

    client.patch(
        f"/fields/{table['ids']['Status']}",
        json={"options": {"choices": [{**choice, "name": "Offen"}]}},
    )

    shown = client.get(f"/records/{record['id']}").json()
    assert shown["fields"] == {"Status": "Offen"}


def test_a_choice_in_use_is_not_removed(client, happened):
    options = {"choices": ["Open", "Closed"]}
    table = client.table(
        {"name": "Status", "type": "single_select", "options": options}
    )
    client.record(table["id"], Status="Open")
    before = client.position(table["workspace_id"])
    path = f"/fields/{table['ids']['Status']}"

    refused = client.patch(path, json={"options": {"choices": ["Closed"]}})
    taken = client.patch(path, json={"options": {"choices": ["Open"]}})

    assert refused.status_code == 409
    assert taken.status_code == 200
    assert len(happened(table["workspace_id"], before)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"name": None},
        {"name": ""},
        {"name": "x" * 256},
        {"required": None},
        {"required": "yes"},
        {"options": None},
        {"options": {"max_length": -1}},
        {"type": "novel"},
        {"type": None},
    ],
    ids=str,
)
def test_a_wrong_change_changes_nothing(client, happened, body):
    table = client.table("Name")
    before = client.position(table["workspace_id"])

    reply = client.patch(f"/fields/{table['ids']['Name']}", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert happened(table["workspace_id"], before) == []


def test_a_field_is_not_moved_to_another_table(client):
    table, other = client.table("Name"), client.table()

    client.patch(f"/fields/{table['ids']['Name']}", json={"table_id": other["id"]})

    assert made(client.get("/fields", params={"table_id": other["id"]}))["total"] == 0


# ------------------------------------------------------------------- deleting


def test_a_field_goes_with_its_constraint(client, happened):
    table = client.table("Name", "Mail")
    constraint = client.constraint(table["ids"]["Mail"])
    record = client.record(table["id"], Name="Ada", Mail="a@b.c")
    before = client.position(table["workspace_id"])

    reply = client.delete(f"/fields/{table['ids']['Mail']}")

    assert (reply.status_code, reply.content) == (204, b"")
    assert happened(table["workspace_id"], before) == [
        (
            "constraint.deleted",
            {"table_id": table["id"], "field_id": table["ids"]["Mail"]},
        ),
        ("field.deleted", {"table_id": table["id"], "name": "Mail"}),
    ]
    assert client.get(f"/records/{record['id']}").json()["fields"] == {"Name": "Ada"}
    assert client.get(f"/fields/{table['ids']['Mail']}").json() == NOT_FOUND
    assert client.get(f"/constraints/{constraint['id']}").status_code == 404
    again = client.delete(f"/fields/{table['ids']['Mail']}")
    assert again.status_code == 404
    gone = {"table_id": table["id"], "fields": {"Mail": "x"}}
    assert client.post("/records", json=gone).status_code == 422


def test_a_new_field_of_the_same_name_starts_empty(client):
    table = client.table("Name", "Mail")
    record = client.record(table["id"], Name="Ada", Mail="a@b.c")
    client.delete(f"/fields/{table['ids']['Mail']}")

    client.field(table["id"], "Mail")

    shown = client.get(f"/records/{record['id']}").json()["fields"]
    assert shown == {"Name": "Ada", "Mail": None}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/fields/7"),
        ("PATCH", "/fields/7"),
        ("DELETE", "/fields/7"),
        ("GET", "/fields/7/constraint"),
    ],
)
def test_what_is_no_id_is_a_bad_request(client, method, path):
    reply = client.request(method, path, json={"name": "x"})

    assert reply.status_code == 400
    assert reply.json() == {"detail": "Invalid field ID format", "code": "BAD_REQUEST"}
