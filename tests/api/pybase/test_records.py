"""Records, one at a time: values in, values out, what is recorded."""

import json
import re

import pytest

from tests.client import ABSENT, made, new_id

RECORD = {
    "id",
    "table_id",
    "fields",
    "version",
    "created_by_id",
    "last_modified_by_id",
    "created_at",
    "updated_at",
}
NOT_FOUND = {"detail": "Record not found", "code": "NOT_FOUND"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def create(client, table, **fields):
    return client.post("/records", json={"table_id": table["id"], "fields": fields})


# ------------------------------------------------- who is nobody, or may not write


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/records?table_id={ABSENT}"),
        ("POST", "/records"),
        ("GET", f"/records/{ABSENT}"),
        ("PATCH", f"/records/{ABSENT}"),
        ("DELETE", f"/records/{ABSENT}"),
    ],
)
def test_nobody_sees_or_makes_a_record(anonymous, method, path):
    assert anonymous.request(method, path, json={}).status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter"])
def test_who_only_reads_writes_nothing(client, member, happened, role):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    one = member(table["workspace_id"], role)
    before = happened(table["workspace_id"])

    refused = [
        create(one, table, Name="Eve"),
        one.patch(f"/records/{record['id']}", json={"fields": {"Name": "Eve"}}),
        one.delete(f"/records/{record['id']}"),
    ]

    assert [reply.status_code for reply in refused] == [403, 403, 403]
    assert happened(table["workspace_id"]) == before
    assert one.get(f"/records/{record['id']}").json() == record
    listed = one.get("/records", params={"table_id": table["id"]})
    assert listed.json()["items"] == [record]


def test_an_editor_writes_and_is_named_as_who_did(client, member):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    editor = member(table["workspace_id"], "editor")

    changed = made(
        editor.patch(f"/records/{record['id']}", json={"fields": {"Name": "Countess"}})
    )

    assert changed["created_by_id"] == client.user["id"]
    assert changed["last_modified_by_id"] == editor.user["id"]


# ------------------------------------------------------------------- creating


def test_the_documents_record_is_created(client, happened):
    table = client.table(
        "Name",
        {"name": "Price", "type": "number"},
        {"name": "In Stock", "type": "checkbox"},
    )
    before = client.position(table["workspace_id"])
    fields = {"Name": "Widget A", "Price": 29.99, "In Stock": True}

    reply = client.post("/records", json={"table_id": table["id"], "fields": fields})

    assert reply.status_code == 201
    record = reply.json()
    assert set(record) == RECORD
    assert (record["table_id"], record["fields"]) == (table["id"], fields)
    assert record["version"] == 1
    assert record["created_by_id"] == record["last_modified_by_id"] == client.user["id"]
    assert record["created_at"] == record["updated_at"]
    assert TIME.fullmatch(record["created_at"])
    assert (reply.headers["etag"], reply.headers["x-position"]) == (
        '"v1"',
        str(before + 1),
    )
    ids = table["ids"]
    assert happened(table["workspace_id"], before) == [
        (
            "record.created",
            {
                "table_id": table["id"],
                "number": 1,
                "values": {
                    ids["Name"]: "Widget A",
                    ids["Price"]: "29.99",
                    ids["In Stock"]: True,
                },
                "links": {},
            },
        )
    ]
    shown = client.get(f"/records/{record['id']}")
    assert (shown.content, shown.headers["etag"]) == (reply.content, '"v1"')


def test_a_record_holds_every_field_of_its_table(client, things):
    record = client.record(things["id"])

    assert record["fields"] == {
        "Name": None,
        "Notes": None,
        "Price": None,
        "In Stock": False,
        "Day": None,
        "At": None,
        "Status": None,
        "No": 1,
    }


def test_values_are_taken_by_field_id_as_well(client):
    table = client.table("Name")
    by_id = {table["ids"]["Name"]: "Ada"}

    one = client.record(table["id"], **by_id)
    other = made(client.post("/records", json={"table_id": table["id"], "data": by_id}))

    assert one["fields"] == other["fields"] == {"Name": "Ada"}


def test_values_are_shown_by_field_id_where_asked(client):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    data = {table["ids"]["Name"]: "Ada"}

    one = made(client.get(f"/records/{record['id']}", params={"by": "id"}))
    listed = made(client.get("/records", params={"table_id": table["id"], "by": "id"}))[
        "items"
    ]

    assert one == {**record, "data": data}
    assert listed == [{**record, "data": data}]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"fields": {}}, 422),
        ({"table_id": None, "fields": {}}, 422),
        ({"table_id": 7, "fields": {}}, 422),
        ({"table_id": "x", "fields": {}}, 400),
        ({"table_id": "", "fields": {}}, 400),
        ({"table_id": ABSENT, "fields": {}}, 404),
        ({"table_id": "own"}, 422),
        ({"table_id": "own", "fields": None}, 422),
        ({"table_id": "own", "fields": []}, 422),
        ({"table_id": "own", "fields": "Name"}, 422),
        ({"table_id": "own", "fields": {"Nope": 1}}, 422),
        ({"table_id": "own", "fields": {"": 1}}, 422),
        ({"table_id": "own", "fields": {"name": "x"}}, 422),
    ],
    ids=str,
)
def test_a_record_that_is_none_is_refused(client, kept_things, happened, body, status):
    before = client.position(kept_things["workspace_id"])
    if body.get("table_id") == "own":
        body = {**body, "table_id": kept_things["id"]}

    reply = client.post("/records", json=body)

    assert reply.status_code == status
    assert set(reply.json()) >= {"detail", "code"}
    assert happened(kept_things["workspace_id"], before) == []


def test_nobody_chooses_what_the_server_gives(client, stranger):
    table = client.table("Name")
    body = {
        "table_id": table["id"],
        "fields": {"Name": "Ada"},
        "id": ABSENT,
        "version": 9,
        "created_by_id": stranger.user["id"],
        "created_at": "1970-01-01T00:00:00Z",
    }

    record = made(client.post("/records", json=body))

    assert record["id"] != ABSENT
    assert record["version"] == 1
    assert record["created_by_id"] == client.user["id"]
    assert record["created_at"] > "2000"


# ----------------------------------------------------- required and wrong values


def test_every_required_field_that_is_empty_is_named(client, happened):
    table = client.table(
        {"name": "Name", "type": "text", "required": True},
        {"name": "Email", "type": "text", "required": True},
        "Notes",
    )
    before = client.position(table["workspace_id"])

    for fields in ({"Name": "", "Email": None}, {}, {"Name": None}):
        reply = client.post(
            "/records", json={"table_id": table["id"], "fields": fields}
        )
        assert reply.status_code == 422
        assert reply.json() == {
            "detail": "Validation failed",
            "code": "VALIDATION_ERROR",
            "errors": [
                {
                    "loc": ["Name"],
                    "msg": "Field is required",
                    "type": "value_error.required",
                },
                {
                    "loc": ["Email"],
                    "msg": "Field is required",
                    "type": "value_error.required",
                },
            ],
        }
    assert happened(table["workspace_id"], before) == []


def test_a_required_field_is_not_emptied(client, happened):
    table = client.table({"name": "Name", "type": "text", "required": True}, "Notes")
    record = client.record(table["id"], Name="Ada")
    before = client.position(table["workspace_id"])

    for empty in ("", None):
        reply = client.patch(
            f"/records/{record['id']}", json={"fields": {"Name": empty}}
        )
        assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
        assert reply.json()["errors"] == [
            {
                "loc": ["Name"],
                "msg": "Field is required",
                "type": "value_error.required",
            }
        ]
    assert happened(table["workspace_id"], before) == []
    untouched = client.patch(
        f"/records/{record['id']}", json={"fields": {"Notes": "x"}}
    )
    assert untouched.status_code == 200


LONG = "x" * 10_000


@pytest.mark.parametrize(
    ("type_", "options", "given", "shown"),
    [
        ("text", {}, "Ada", "Ada"),
        ("text", {}, " as given ", " as given "),
        ("text", {}, "", None),
        ("text", {}, LONG, LONG),
        ("text", {"max_length": 3}, "äöü", "äöü"),
        ("text", {}, "<script>'\";--%s{{x}}\\", "<script>'\";--%s{{x}}\\"),
        ("text", {}, "e\u0301", "e\u0301"),
        ("text", {}, "👩‍👩‍👧", "👩‍👩‍👧"),
        ("long_text", {}, "a\nb\t\r\n", "a\nb\t\r\n"),
        ("long_text", {"enable_rich_text": True}, "<p>Hi</p>", "<p>Hi</p>"),
        ("number", {}, 0, 0),
        ("number", {}, -0.0, 0),
        ("number", {}, 29.99, 29.99),
        ("number", {}, -7, -7),
        ("number", {}, 1e21, 1000000000000000000000),
        ("number", {}, 9007199254740993, 9007199254740993),
        ("number", {"precision": 2}, 1.25, 1.25),
        ("number", {"precision": 2}, 1.5, 1.5),
        ("number", {"precision": 0}, 3, 3),
        ("number", {"allow_negative": False}, 0, 0),
        ("checkbox", {}, True, True),
        ("checkbox", {}, False, False),
        ("date", {}, "2024-02-29", "2024-02-29"),
        ("date", {}, "", None),
        (
            "date",
            {"include_time": True},
            "2024-01-01T10:00:00Z",
            "2024-01-01T10:00:00Z",
        ),
        ("datetime", {}, "2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("datetime", {}, "2024-01-01T10:00:00.500Z", "2024-01-01T10:00:00.5Z"),
        ("datetime", {}, "2024-01-01T10:00:00+02:00", "2024-01-01T08:00:00Z"),
        ("datetime", {}, "2024-01-01T10:00:00", "2024-01-01T10:00:00Z"),
        (
            "datetime",
            {"timezone": "Europe/Berlin"},
            "2024-07-01T10:00:00",
            "2024-07-01T08:00:00Z",
        ),
        ("single_select", {"choices": ["Open", "Closed"]}, "Open", "Open"),
        ("single_select", {"choices": ["Open"]}, "", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_comes_back_as_documented(
    client, kept_base, type_, options, given, shown
):
    table = client.table(
        {"name": "F", "type": type_, "options": options},
        base_id=kept_base,
        name=new_id(),
    )

    record = client.record(table["id"], F=given)

    assert record["fields"] == {"F": shown}
    assert type(record["fields"]["F"]) is type(shown)
    assert client.get(f"/records/{record['id']}").json() == record
    emptied = client.patch(f"/records/{record['id']}", json={"fields": {"F": None}})
    nothing = False if type_ == "checkbox" else None
    assert emptied.json()["fields"] == {"F": nothing}


def test_a_choice_is_taken_by_its_id(client):
    table = client.table(
        {"name": "F", "type": "single_select", "options": {"choices": ["Open"]}}
    )
    (choice,) = table["fields"][0]["options"]["choices"]

    assert client.record(table["id"], F=choice["id"])["fields"] == {"F": "Open"}


@pytest.mark.parametrize(
    ("type_", "options", "given"),
    [
        ("text", {}, 7),
        ("text", {}, True),
        ("text", {}, ["Ada"]),
        ("text", {}, {"a": 1}),
        ("text", {}, LONG + "x"),
        ("text", {"max_length": 3}, "four"),
        ("text", {}, "a\0b"),
        ("long_text", {}, 7),
        ("long_text", {}, "x" * 1_000_001),
        ("number", {}, "7"),
        ("number", {}, ""),
        ("number", {}, True),
        ("number", {}, [7]),
        ("number", {"precision": 2}, 1.234),
        ("number", {"precision": 0}, 0.5),
        ("number", {"allow_negative": False}, -1),
        ("checkbox", {}, "true"),
        ("checkbox", {}, 1),
        ("checkbox", {}, 0),
        ("date", {}, 20240131),
        ("date", {}, "2023-02-29"),
        ("date", {}, "0000-00-00"),
        ("date", {}, "2024-1-1"),
        ("date", {}, "31.01.2024"),
        ("date", {}, "2024-01-31T00:00:00Z"),
        ("date", {}, "\u0662\u0660\u0662\u0664-\u0660\u0661-\u0660\u0661"),
        ("datetime", {}, 0),
        ("datetime", {}, "2024-01-31"),
        ("datetime", {}, "2024-13-01T00:00:00Z"),
        ("datetime", {}, "2024-01-01T25:00:00Z"),
        ("datetime", {}, "2024-01-01T10:00:00+99:00"),
        ("datetime", {"timezone": "Europe/Berlin"}, "2024-03-31T02:30:00"),
        ("single_select", {"choices": ["Open"]}, "open"),
        ("single_select", {"choices": ["Open"]}, "Shut"),
        ("single_select", {"choices": ["Open"]}, ["Open"]),
        ("single_select", {"choices": []}, "Open"),
        ("autonumber", {}, 7),
        ("autonumber", {}, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_of_another_kind_is_refused(
    client, kept_base, happened, type_, options, given
):
    table = client.table(
        {"name": "F", "type": type_, "options": options},
        base_id=kept_base,
        name=new_id(),
    )
    before = client.position(table["workspace_id"])

    reply = create(client, table, F=given)

    assert reply.status_code == 422
    assert (reply.json()["detail"], reply.json()["code"]) == (
        "Validation failed",
        "VALIDATION_ERROR",
    )
    assert [error["loc"] for error in reply.json()["errors"]] == [["F"]]
    assert set(reply.json()["errors"][0]) == {"loc", "msg", "type"}
    assert happened(table["workspace_id"], before) == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_no_word_for_is_malformed(client, number):
    table = client.table({"name": "F", "type": "number"})
    body = f'{{"table_id": "{table["id"]}", "fields": {{"F": {number}}}}}'
    headers = {"content-type": "application/json"}

    reply = client.post("/records", content=body, headers=headers)

    assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("number", ["1e999", "1e-999", "9" * 5000, "-1e100000"])
def test_a_number_beyond_measure_is_refused(client, number):
    table = client.table({"name": "F", "type": "number"})
    body = f'{{"table_id": "{table["id"]}", "fields": {{"F": {number}}}}}'
    headers = {"content-type": "application/json"}

    reply = client.post("/records", content=body, headers=headers)

    assert reply.status_code in (400, 422)
    assert reply.elapsed.total_seconds() < 1


def test_numbers_are_exact(client):
    table = client.table({"name": "F", "type": "number"})
    digits = "12345678901234567890.123456789012345678"
    body = f'{{"table_id": "{table["id"]}", "fields": {{"F": {digits}}}}}'
    headers = {"content-type": "application/json"}

    reply = client.post("/records", content=body, headers=headers)

    assert f'"F":{digits}' in reply.text
    assert f'"F":{digits}' in client.get(f"/records/{reply.json()['id']}").text


def test_a_lone_surrogate_is_refused(client, happened):
    table = client.table("Name")
    before = client.position(table["workspace_id"])
    body = f'{{"table_id": "{table["id"]}", "fields": {{"Name": "\\ud800"}}}}'
    headers = {"content-type": "application/json"}

    reply = client.post("/records", content=body, headers=headers)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert happened(table["workspace_id"], before) == []


def test_every_wrong_value_is_named_at_once(client, things):
    reply = create(client, things, Name=1, Price="x", Day="x", Nope=1, No=1)

    places = [error["loc"] for error in reply.json()["errors"]]
    assert sorted(places) == [["Day"], ["Name"], ["No"], ["Nope"], ["Price"]]


def test_an_autonumber_counts_up_and_is_never_used_again(client):
    table = client.table(
        "Name", {"name": "No", "type": "autonumber", "options": {"prefix": "INV-"}}
    )
    first = client.record(table["id"], Name="a")
    client.delete(f"/records/{first['id']}")
    second, third = client.records(table["id"], {"Name": "b"}, {"Name": "c"})

    assert [one["fields"]["No"] for one in (first, second, third)] == [
        "INV-1",
        "INV-2",
        "INV-3",
    ]


# ------------------------------------------------------------------- changing


def test_a_change_keeps_what_it_does_not_name(client, happened):
    table = client.table("Name", "Notes", {"name": "Price", "type": "number"})
    record = client.record(table["id"], Name="Ada", Notes="x", Price=1)
    before = client.position(table["workspace_id"])

    reply = client.patch(
        f"/records/{record['id']}", json={"fields": {"Price": 2.5, "Notes": "x"}}
    )

    assert reply.status_code == 200
    changed = reply.json()
    assert changed == {
        **record,
        "fields": {"Name": "Ada", "Notes": "x", "Price": 2.5},
        "version": 2,
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > record["updated_at"]
    assert (reply.headers["etag"], reply.headers["x-position"]) == (
        '"v2"',
        str(before + 1),
    )
    assert happened(table["workspace_id"], before) == [
        (
            "record.updated",
            {
                "table_id": table["id"],
                "changes": {table["ids"]["Price"]: {"from": "1", "to": "2.5"}},
            },
        )
    ]
    assert client.get(f"/records/{record['id']}").content == reply.content


def test_a_change_to_the_same_is_none(client, happened):
    table = client.table("Name", {"name": "Price", "type": "number"})
    record = client.record(table["id"], Name="Ada", Price=1)
    before = client.position(table["workspace_id"])

    reply = client.patch(
        f"/records/{record['id']}", json={"fields": {"Name": "Ada", "Price": 1.0}}
    )

    assert (reply.status_code, reply.json()) == (200, record)
    assert reply.headers["x-position"] == str(before)
    assert reply.headers["x-batch-id"]
    assert happened(table["workspace_id"], before) == []


@pytest.mark.parametrize("body", [{}, {"fields": {}}, {"data": {}}], ids=str)
def test_a_change_of_nothing_is_a_bad_request(client, body):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")

    reply = client.patch(f"/records/{record['id']}", json=body)

    assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "fields",
    [{"Nope": 1}, {"Name": 7}, {"Name": "Eve", "Nope": 1}, None, [], "x"],
    ids=str,
)
def test_a_wrong_change_changes_nothing(client, happened, fields):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    before = client.position(table["workspace_id"])

    reply = client.patch(f"/records/{record['id']}", json={"fields": fields})

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert happened(table["workspace_id"], before) == []
    assert client.get(f"/records/{record['id']}").json() == record


def test_a_refused_single_write_names_no_place_in_a_batch(client):
    table = client.table({"name": "Name", "type": "text", "required": True})
    record = client.record(table["id"], Name="Ada")

    for reply in (
        create(client, table),
        create(client, table, Name=7),
        client.patch(f"/records/{record['id']}", json={"fields": {"Name": ""}}),
    ):
        assert set(reply.json()) == {"detail", "code", "errors"}


def test_a_record_is_not_moved_to_another_table(client):
    table, other = client.table("Name"), client.table("Name")
    record = client.record(table["id"], Name="Ada")
    body = {"table_id": other["id"], "id": ABSENT, "fields": {"Name": "Eve"}}

    changed = made(client.patch(f"/records/{record['id']}", json=body))

    assert (changed["id"], changed["table_id"]) == (record["id"], table["id"])


# ------------------------------------------------------------------- deleting


def test_a_record_is_deleted_with_what_it_held(client, happened):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    before = client.position(table["workspace_id"])

    reply = client.delete(f"/records/{record['id']}")

    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["x-position"] == str(before + 1)
    assert reply.headers["x-batch-id"]
    ((name, data),) = happened(table["workspace_id"], before)
    assert name == "record.deleted"
    assert data["values"] == {table["ids"]["Name"]: "Ada"}
    assert client.get(f"/records/{record['id']}").json() == NOT_FOUND
    assert client.delete(f"/records/{record['id']}").status_code == 404
    patch = client.patch(f"/records/{record['id']}", json={"fields": {"Name": "x"}})
    assert patch.status_code == 404
    assert patch.json() == NOT_FOUND
    listed = client.get("/records", params={"table_id": table["id"]})
    assert listed.json()["total"] == 0
    assert len(happened(table["workspace_id"], before)) == 1


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("record_id", ["7", "batches", "x" * 36, "%00", "..%2f7"])
def test_what_is_no_id_is_a_bad_request(client, method, record_id):
    reply = client.request(
        method, f"/records/{record_id}", json={"fields": {"Name": "x"}}
    )

    assert reply.status_code in (400, 404)
    assert set(reply.json()) == {"detail", "code"}
    if record_id == "7":
        assert reply.json() == {
            "detail": "Invalid record ID format",
            "code": "BAD_REQUEST",
        }


@pytest.mark.parametrize(
    "record_id",
    [
        ABSENT,
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "01900000-0000-8fff-bfff-ffffffffffff",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_record_that_never_was_is_not_found(client, method, record_id):
    reply = client.request(
        method, f"/records/{record_id}", json={"fields": {"Name": "x"}}
    )

    assert (reply.status_code, reply.json()) == (404, NOT_FOUND)


def test_an_id_is_one_in_any_case(client):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")

    assert client.get(f"/records/{record['id'].upper()}").json() == record


def test_a_missing_record_is_not_told_from_another_tables(client):
    body = json.dumps(client.get(f"/records/{ABSENT}").json())

    assert ABSENT not in body
