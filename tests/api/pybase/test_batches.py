"""Batches of records: all or nothing."""

import pytest

from tests.client import ABSENT, made

REQUIRED_NAME = {"name": "Name", "type": "text", "required": True}


def batch(client, method, **body):
    return client.request(method, "/records/batch", json=body)


def rows(*names):
    return [{"fields": {"Name": name}} for name in names]


# ------------------------------------------------- who is nobody, or may not write


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_nobody_writes_a_batch(anonymous, method):
    assert batch(anonymous, method, table_id=ABSENT).status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter"])
def test_who_only_reads_writes_no_batch(client, member, happened, role):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    one = member(table["workspace_id"], role)
    before = happened(table["workspace_id"])
    updates = [{"record_id": record["id"], "fields": {"Name": "Eve"}}]

    refused = [
        batch(one, "POST", table_id=table["id"], records=rows("Eve")),
        batch(one, "PATCH", table_id=table["id"], updates=updates),
        batch(one, "DELETE", table_id=table["id"], record_ids=[record["id"]]),
    ]

    assert [reply.status_code for reply in refused] == [403, 403, 403]
    assert happened(table["workspace_id"]) == before


# --------------------------------------------------------------------- create


def test_a_batch_creates_in_its_order(client, recorded_events):
    table = client.table("Name", {"name": "No", "type": "autonumber"})
    before = client.position(table["workspace_id"])

    reply = batch(client, "POST", table_id=table["id"], records=rows("a", "b", "c"))

    assert reply.status_code == 201
    body = reply.json()
    assert set(body) == {"items", "total"}
    assert body["total"] == 3
    assert [one["fields"] for one in body["items"]] == [
        {"Name": "a", "No": 1},
        {"Name": "b", "No": 2},
        {"Name": "c", "No": 3},
    ]
    for one in body["items"]:
        assert client.get(f"/records/{one['id']}").json() == one
    events = recorded_events(table["workspace_id"], before)
    assert [one["type"] for one in events] == ["record.created"] * 3
    assert [one["stream"] for one in events] == [one["id"] for one in body["items"]]
    assert {one["batch_id"] for one in events} == {reply.headers["x-batch-id"]}
    assert reply.headers["x-position"] == str(before + 3)
    listed = made(client.get("/records", params={"table_id": table["id"]}))
    assert listed["items"] == body["items"]


def test_the_documents_batch_with_a_duplicate_creates_none(client, happened):
    table = client.table("Name", "Email")
    client.constraint(table["ids"]["Email"])
    client.record(table["id"], Name="First", Email="duplicate@example.com")
    before = client.position(table["workspace_id"])

    reply = client.post(
        "/records/batch",
        json={
            "table_id": table["id"],
            "records": [
                {"fields": {"Name": "Record 1", "Email": "valid@example.com"}},
                {"fields": {"Name": "Record 2", "Email": "duplicate@example.com"}},
                {"fields": {"Name": "Record 3", "Email": "another@example.com"}},
            ],
        },
    )

    assert reply.status_code == 409
    assert reply.json() == {
        "detail": "A record with this value already exists",
        "code": "DUPLICATE_VALUE",
        "field": "Email",
        "index": 1,
        "value": "duplicate@example.com",
    }
    assert happened(table["workspace_id"], before) == []
    assert made(client.get("/records", params={"table_id": table["id"]}))["total"] == 1


def test_a_duplicate_inside_the_batch_creates_none(client, happened):
    table = client.table("Name")
    client.constraint(table["ids"]["Name"])
    before = client.position(table["workspace_id"])

    reply = batch(client, "POST", table_id=table["id"], records=rows("a", "b", "a"))

    assert reply.status_code == 409
    assert reply.json() == {
        "detail": "A record with this value already exists",
        "code": "DUPLICATE_VALUE",
        "field": "Name",
        "index": 2,
        "value": "a",
    }
    assert happened(table["workspace_id"], before) == []


def test_a_required_field_of_a_batch_names_the_place(client, happened):
    table = client.table(REQUIRED_NAME)
    before = client.position(table["workspace_id"])

    reply = batch(
        client, "POST", table_id=table["id"], records=rows("a", "b", "", None)
    )

    assert reply.status_code == 422
    body = reply.json()
    assert {name: body[name] for name in ("detail", "code", "field", "index")} == {
        "detail": "Field is required",
        "code": "REQUIRED_FIELD",
        "field": "Name",
        "index": 2,
    }
    assert happened(table["workspace_id"], before) == []


def test_a_wrong_value_of_a_batch_names_the_place(client, happened):
    table = client.table("Name")
    before = client.position(table["workspace_id"])

    reply = batch(client, "POST", table_id=table["id"], records=rows("a", 7))

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert reply.json()["index"] == 1
    assert [error["loc"] for error in reply.json()["errors"]] == [["Name"]]
    assert happened(table["workspace_id"], before) == []


def test_a_thousand_records_with_one_bad_make_none(client, happened):
    table = client.table(REQUIRED_NAME)
    before = client.position(table["workspace_id"])
    names = [f"n{number}" for number in range(1000)]
    names[500] = ""

    reply = batch(client, "POST", table_id=table["id"], records=rows(*names))

    assert (reply.status_code, reply.json()["index"]) == (422, 500)
    assert happened(table["workspace_id"], before) == []


def test_a_thousand_records_are_one_batch(client, recorded_events):
    table = client.table("Name")
    before = client.position(table["workspace_id"])
    names = [f"n{number}" for number in range(1000)]

    reply = batch(client, "POST", table_id=table["id"], records=rows(*names))

    assert [one["fields"]["Name"] for one in made(reply)["items"]] == names
    events = recorded_events(table["workspace_id"], before)
    assert len(events) == 1000
    assert {one["batch_id"] for one in events} == {reply.headers["x-batch-id"]}
    found = made(client.get("/records", params={"table_id": table["id"], "limit": 1}))
    assert found["total"] == 1000


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_batch_of_more_than_a_thousand_is_too_large(client, happened, method):
    table = client.table("Name")
    before = client.position(table["workspace_id"])
    many = {
        "records": rows("x") * 1001,
        "updates": [{"record_id": ABSENT, "fields": {"Name": "x"}}] * 1001,
        "record_ids": [ABSENT] * 1001,
    }

    reply = batch(client, method, table_id=table["id"], **many)

    assert (reply.status_code, reply.json()["code"]) == (422, "BATCH_TOO_LARGE")
    assert happened(table["workspace_id"], before) == []


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("POST", {"records": []}, 422),
        ("POST", {}, 422),
        ("POST", {"records": "x"}, 422),
        ("POST", {"records": [{}]}, 422),
        ("POST", {"records": [7]}, 422),
        ("POST", {"records": [{"fields": []}]}, 422),
        ("PATCH", {"updates": []}, 422),
        ("PATCH", {}, 422),
        ("PATCH", {"updates": [{"fields": {}}]}, 422),
        ("PATCH", {"updates": [{"record_id": ABSENT}]}, 422),
        ("PATCH", {"updates": [{"record_id": "7", "fields": {"Name": "x"}}]}, 400),
        ("DELETE", {"record_ids": []}, 422),
        ("DELETE", {"record_ids": "x"}, 422),
        ("DELETE", {"record_ids": [7]}, 422),
        ("DELETE", {"record_ids": ["7"]}, 400),
    ],
    ids=str,
)
def test_a_batch_that_is_none_is_refused(
    client, kept_things, happened, method, body, status
):
    before = client.position(kept_things["workspace_id"])

    reply = batch(client, method, table_id=kept_things["id"], **body)

    assert reply.status_code == status
    assert set(reply.json()) >= {"detail", "code"}
    assert happened(kept_things["workspace_id"], before) == []


# --------------------------------------------------------------------- update


def test_a_batch_updates_in_its_order(client, recorded_events):
    table = client.table("Name", "Notes")
    one, other = client.records(table["id"], {"Name": "a"}, {"Name": "b"})
    before = client.position(table["workspace_id"])
    updates = [
        {"record_id": other["id"], "fields": {"Name": "B"}},
        {"record_id": one["id"], "fields": {"Notes": "first"}},
    ]

    reply = batch(client, "PATCH", table_id=table["id"], updates=updates)

    assert reply.status_code == 200
    body = reply.json()
    assert body["total"] == 2
    assert [one["fields"] for one in body["items"]] == [
        {"Name": "B", "Notes": None},
        {"Name": "a", "Notes": "first"},
    ]
    assert [one["version"] for one in body["items"]] == [2, 2]
    events = recorded_events(table["workspace_id"], before)
    assert [one["type"] for one in events] == ["record.updated"] * 2
    assert {one["batch_id"] for one in events} == {reply.headers["x-batch-id"]}
    assert reply.headers["x-position"] == str(before + 2)
    for shown in body["items"]:
        assert client.get(f"/records/{shown['id']}").json() == shown


def test_the_documents_batch_update_changes_none(client, happened):
    table = client.table("Status", {"name": "Email", "type": "text", "required": True})
    one, other = client.records(table["id"], {"Email": "a@b.c"}, {"Email": "d@e.f"})
    before = client.position(table["workspace_id"])

    reply = client.patch(
        "/records/batch",
        json={
            "table_id": table["id"],
            "updates": [
                {"record_id": one["id"], "fields": {"Status": "Active"}},
                {"record_id": other["id"], "fields": {"Email": None}},
            ],
        },
    )

    assert reply.status_code == 422
    body = reply.json()
    assert {name: body[name] for name in ("detail", "code", "field", "record_id")} == {
        "detail": "Field is required",
        "code": "REQUIRED_FIELD",
        "field": "Email",
        "record_id": other["id"],
    }
    assert body["index"] == 1
    assert happened(table["workspace_id"], before) == []
    assert client.get(f"/records/{one['id']}").json() == one


def test_a_duplicate_of_an_update_names_the_record(client, happened):
    table = client.table("Name")
    client.constraint(table["ids"]["Name"])
    one, other = client.records(table["id"], {"Name": "a"}, {"Name": "b"})
    before = client.position(table["workspace_id"])

    updates = [{"record_id": other["id"], "fields": {"Name": "a"}}]
    reply = batch(client, "PATCH", table_id=table["id"], updates=updates)

    assert reply.status_code == 409
    assert reply.json() == {
        "detail": "A record with this value already exists",
        "code": "DUPLICATE_VALUE",
        "field": "Name",
        "value": "a",
        "record_id": other["id"],
        "index": 0,
    }
    assert happened(table["workspace_id"], before) == []
    assert one["fields"] == {"Name": "a"}


def test_a_batch_may_swap_two_unique_values(client):
    table = client.table("Name")
    client.constraint(table["ids"]["Name"])
    one, other = client.records(table["id"], {"Name": "a"}, {"Name": "b"})

    updates = [
        {"record_id": one["id"], "fields": {"Name": "b"}},
        {"record_id": other["id"], "fields": {"Name": "a"}},
    ]
    reply = batch(client, "PATCH", table_id=table["id"], updates=updates)

    assert [record["fields"]["Name"] for record in made(reply)["items"]] == ["b", "a"]
    third = {"table_id": table["id"], "fields": {"Name": "a"}}
    assert client.post("/records", json=third).status_code == 409


def test_a_record_is_in_an_update_once(client, happened):
    table = client.table("Name")
    record = client.record(table["id"], Name="a")
    before = client.position(table["workspace_id"])

    updates = [{"record_id": record["id"], "fields": {"Name": "x"}}] * 2
    reply = batch(client, "PATCH", table_id=table["id"], updates=updates)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert happened(table["workspace_id"], before) == []


def test_one_record_that_is_not_there_stops_an_update(client, happened):
    table = client.table("Name")
    elsewhere = client.record(client.table("Name")["id"], Name="other table")
    record = client.record(table["id"], Name="a")
    before = client.position(table["workspace_id"])

    for other in (ABSENT, elsewhere["id"]):
        updates = [
            {"record_id": record["id"], "fields": {"Name": "x"}},
            {"record_id": other, "fields": {"Name": "x"}},
        ]
        reply = batch(client, "PATCH", table_id=table["id"], updates=updates)
        assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")
        assert (reply.json()["record_id"], reply.json()["index"]) == (other, 1)
    assert happened(table["workspace_id"], before) == []


# --------------------------------------------------------------------- delete


def test_a_batch_deletes(client, recorded_events):
    table = client.table("Name")
    one, other, kept = client.records(table["id"], *[{"Name": name} for name in "abc"])
    before = client.position(table["workspace_id"])

    reply = batch(
        client, "DELETE", table_id=table["id"], record_ids=[other["id"], one["id"]]
    )

    assert (reply.status_code, reply.content) == (204, b"")
    events = recorded_events(table["workspace_id"], before)
    assert [one["type"] for one in events] == ["record.deleted"] * 2
    assert {one["batch_id"] for one in events} == {reply.headers["x-batch-id"]}
    assert reply.headers["x-position"] == str(before + 2)
    listed = made(client.get("/records", params={"table_id": table["id"]}))
    assert [one["id"] for one in listed["items"]] == [kept["id"]]


def test_a_batch_deletes_by_the_query_where_the_body_is_stripped(client):
    table = client.table("Name")
    one, other = client.records(table["id"], {"Name": "a"}, {"Name": "b"})

    reply = client.delete(
        "/records/batch",
        params={"table_id": table["id"], "record_ids": f"{one['id']},{other['id']}"},
    )

    assert reply.status_code == 204
    assert made(client.get("/records", params={"table_id": table["id"]}))["total"] == 0


def test_one_record_that_is_not_there_stops_a_delete(client, happened):
    table = client.table("Name")
    elsewhere = client.record(client.table("Name")["id"], Name="other table")
    record = client.record(table["id"], Name="a")
    before = client.position(table["workspace_id"])

    for other in (ABSENT, elsewhere["id"]):
        ids = [record["id"], other]
        reply = batch(client, "DELETE", table_id=table["id"], record_ids=ids)
        assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")
        assert reply.json()["record_id"] == other
    assert happened(table["workspace_id"], before) == []
    assert client.get(f"/records/{record['id']}").json() == record
