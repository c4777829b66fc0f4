"""Unique constraints: what they compare, and when they hold."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.client import ABSENT, made

CONSTRAINT = {
    "id",
    "field_id",
    "case_sensitive",
    "status",
    "error_message",
    "created_by",
    "created_at",
}
NOT_FOUND = {"detail": "Constraint not found", "code": "NOT_FOUND"}


def create(client, table, value):
    body = {"table_id": table["id"], "fields": {"Email": value}}
    return client.post("/records", json=body)


@pytest.fixture
def emails(client):
    """A table with the one field Email."""
    return client.table("Email")


@pytest.fixture
def field_id(emails):
    return emails["ids"]["Email"]


# ------------------------------------------------- who is nobody, or no admin


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/constraints?table_id={ABSENT}"),
        ("POST", "/constraints"),
        ("GET", f"/constraints/{ABSENT}"),
        ("PATCH", f"/constraints/{ABSENT}"),
        ("DELETE", f"/constraints/{ABSENT}"),
    ],
)
def test_nobody_sees_or_makes_a_constraint(anonymous, method, path):
    assert anonymous.request(method, path, json={}).status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor"])
def test_a_member_below_admin_changes_none(client, member, happened, emails, role):
    constraint = client.constraint(emails["ids"]["Email"])
    other = client.field(emails["id"], "Other")
    one = member(emails["workspace_id"], role)
    before = happened(emails["workspace_id"])
    path = f"/constraints/{constraint['id']}"

    refused = [
        one.post("/constraints", json={"field_id": other["id"]}),
        one.patch(path, json={"status": "disabled"}),
        one.delete(path),
    ]

    assert [reply.status_code for reply in refused] == [403, 403, 403]
    assert happened(emails["workspace_id"]) == before
    assert one.get(path).json() == constraint


# --------------------------------------------------------------------- making


def test_the_documents_constraint_is_made(client, happened, emails, field_id):
    before = client.position(emails["workspace_id"])
    body = {
        "field_id": field_id,
        "case_sensitive": True,
        "error_message": "This value must be unique",
    }

    reply = client.post("/constraints", json=body)

    assert reply.status_code == 201
    made_one = reply.json()
    assert set(made_one) >= CONSTRAINT
    assert {name: made_one[name] for name in body} == body
    assert (made_one["status"], made_one["created_by"]) == ("active", client.user["id"])
    assert made_one["created_at"].endswith("Z")
    ((name, data),) = happened(emails["workspace_id"], before)
    assert name == "constraint.created"
    assert {key: data[key] for key in body} == body
    assert reply.headers["x-position"] == str(before + 1)
    assert reply.headers["etag"] == '"v1"'
    for path in (f"/constraints/{made_one['id']}", f"/fields/{field_id}/constraint"):
        shown = client.get(path)
        assert (shown.json(), shown.headers["etag"]) == (made_one, '"v1"')
    assert client.get(f"/fields/{field_id}").json()["is_unique"] is True


def test_a_constraint_minds_case_unless_told(client, field_id):
    constraint = client.constraint(field_id)

    assert (constraint["case_sensitive"], constraint["error_message"]) == (True, None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"field_id": None}, 422),
        ({"field_id": "7"}, 400),
        ({"field_id": ABSENT}, 404),
        ({"field_id": "own", "case_sensitive": "no"}, 422),
        ({"field_id": "own", "case_sensitive": None}, 422),
        ({"field_id": "own", "error_message": 7}, 422),
        ({"field_id": "own", "error_message": "x" * 1001}, 422),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_constraint_that_is_none_is_refused(
    client, happened, emails, field_id, body, status
):
    before = client.position(emails["workspace_id"])
    if body.get("field_id") == "own":
        body = {**body, "field_id": field_id}

    assert client.post("/constraints", json=body).status_code == status
    assert happened(emails["workspace_id"], before) == []


def test_a_field_has_one_constraint(client, field_id):
    client.constraint(field_id)

    reply = client.post("/constraints", json={"field_id": field_id})

    assert (reply.status_code, reply.json()["code"]) == (409, "CONFLICT")


@pytest.mark.parametrize("type_", ["linked_record", "autonumber"])
def test_a_field_without_values_of_its_own_has_none(client, emails, type_):
    options = {"linked_table_id": emails["id"]} if type_ == "linked_record" else {}
    field = client.field(emails["id"], "F", type_, options=options)

    reply = client.post("/constraints", json={"field_id": field["id"]})

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


def test_over_duplicates_no_constraint_is_made(client, happened, emails, field_id):
    client.records(emails["id"], {"Email": "a"}, {"Email": "a"}, {"Email": "b"})
    before = client.position(emails["workspace_id"])

    reply = client.post("/constraints", json={"field_id": field_id})

    assert (reply.status_code, reply.json()["code"]) == (409, "DUPLICATE_VALUE")
    assert reply.json()["field"] == "Email"
    assert happened(emails["workspace_id"], before) == []
    assert client.get(f"/fields/{field_id}/constraint").status_code == 404
    assert create(client, emails, "b").status_code == 201


# ------------------------------------------------------------- what it enforces


def test_the_documents_duplicate_is_refused(client, happened, emails, field_id):
    client.constraint(field_id)
    first = made(create(client, emails, "duplicate@example.com"))
    before = client.position(emails["workspace_id"])

    reply = create(client, emails, "duplicate@example.com")

    assert reply.status_code == 409
    assert reply.json() == {
        "detail": "A record with this value already exists",
        "code": "DUPLICATE_VALUE",
        "field": "Email",
        "value": "duplicate@example.com",
    }
    assert happened(emails["workspace_id"], before) == []
    own = {"fields": {"Email": "duplicate@example.com"}}
    assert client.patch(f"/records/{first['id']}", json=own).status_code == 200


def test_an_update_to_a_value_that_is_taken_is_refused(client, emails, field_id):
    client.constraint(field_id)
    client.record(emails["id"], Email="a")
    other = client.record(emails["id"], Email="b")

    reply = client.patch(f"/records/{other['id']}", json={"fields": {"Email": "a"}})

    assert reply.status_code == 409
    assert reply.json() == {
        "detail": "A record with this value already exists",
        "code": "DUPLICATE_VALUE",
        "field": "Email",
        "value": "a",
    }


def test_a_value_is_free_once_its_record_let_go(client, emails, field_id):
    client.constraint(field_id)
    one = client.record(emails["id"], Email="a")
    client.patch(f"/records/{one['id']}", json={"fields": {"Email": "b"}})
    other = made(create(client, emails, "a"))
    client.delete(f"/records/{other['id']}")

    assert create(client, emails, "a").status_code == 201
    assert create(client, emails, "b").status_code == 409


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_values_never_collide(client, emails, field_id, empty):
    client.constraint(field_id)

    assert create(client, emails, empty).status_code == 201
    assert create(client, emails, empty).status_code == 201


@pytest.mark.parametrize(
    ("case_sensitive", "one", "other", "status"),
    [
        (True, "A@x", "a@x", 201),
        (False, "A@x", "a@x", 409),
        (False, "STRASSE", "straße", 409),
        (True, "e\u0301", "\u00e9", 409),
        (False, "E\u0301", "\u00e9", 409),
        (True, " a", "a", 201),
        (False, "a ", "a", 201),
        (True, "ﬁ", "fi", 201),
    ],
)
def test_what_counts_as_the_same(
    client, emails, field_id, case_sensitive, one, other, status
):
    client.constraint(field_id, case_sensitive=case_sensitive)
    client.record(emails["id"], Email=one)

    assert create(client, emails, other).status_code == status


@pytest.mark.parametrize(
    ("type_", "options", "one", "other", "status"),
    [
        ("number", {}, 1, 1.0, 409),
        ("number", {}, 0.1, 0.10, 409),
        ("number", {}, 0, -0.0, 409),
        ("number", {}, 1, 2, 201),
        ("date", {}, "2024-01-01", "2024-01-01", 409),
        ("datetime", {}, "2024-01-01T10:00:00Z", "2024-01-01T11:00:00+01:00", 409),
        ("single_select", {"choices": ["A", "B"]}, "A", "A", 409),
        ("single_select", {"choices": ["A", "B"]}, "A", "B", 201),
    ],
)
def test_values_of_other_types_compare_by_value(
    client, type_, options, one, other, status
):
    table = client.table({"name": "F", "type": type_, "options": options})
    client.constraint(table["ids"]["F"])
    client.record(table["id"], F=one)

    body = {"table_id": table["id"], "fields": {"F": other}}
    assert client.post("/records", json=body).status_code == status


def test_a_message_of_its_own_is_the_detail(client, emails, field_id):
    client.constraint(
        field_id, error_message="{field_name} {value} already exists in inventory"
    )
    client.record(emails["id"], Email="a@b.c")

    body = create(client, emails, "a@b.c").json()

    assert body == {
        "detail": "Email a@b.c already exists in inventory",
        "code": "DUPLICATE_VALUE",
        "field": "Email",
        "value": "a@b.c",
    }


@pytest.mark.parametrize(
    "message", ["{value.__class__}", "{0}", "%s {", "{value!r:>9}"]
)
def test_a_message_is_text_and_no_program(client, emails, field_id, message):
    client.constraint(field_id, error_message=message)
    client.record(emails["id"], Email="a")

    assert create(client, emails, "a").json()["detail"] == message


def test_one_of_many_equal_values_wins(client, emails, field_id):
    client.constraint(field_id, case_sensitive=False)
    spellings = ["one@x.y", "ONE@x.y", "One@X.y", "one@x.Y"] * 10

    with ThreadPoolExecutor(20) as threads:
        replies = list(
            threads.map(lambda value: create(client, emails, value), spellings)
        )

    statuses = [reply.status_code for reply in replies]
    assert sorted(statuses) == [201] + [409] * 39
    assert {one.json()["code"] for one in replies if one.status_code == 409} == {
        "DUPLICATE_VALUE"
    }


# -------------------------------------------------------- changing and deleting


def test_a_disabled_constraint_is_not_enforced(client, happened, emails, field_id):
    constraint = client.constraint(field_id)
    client.record(emails["id"], Email="a")
    before = client.position(emails["workspace_id"])

    reply = client.patch(
        f"/constraints/{constraint['id']}", json={"status": "disabled"}
    )

    assert reply.status_code == 200
    assert reply.json() == {**constraint, "status": "disabled"}
    assert reply.headers["etag"] == '"v2"'
    assert happened(emails["workspace_id"], before) == [
        (
            "constraint.updated",
            {
                "table_id": emails["id"],
                "field_id": field_id,
                "changes": {"status": {"from": "active", "to": "disabled"}},
            },
        )
    ]
    assert client.get(f"/fields/{field_id}").json()["is_unique"] is False
    assert create(client, emails, "a").status_code == 201


def test_a_constraint_is_enabled_again_where_no_duplicates_came(
    client, emails, field_id
):
    path = f"/constraints/{client.constraint(field_id)['id']}"
    client.patch(path, json={"status": "disabled"})
    client.record(emails["id"], Email="a")
    client.record(emails["id"], Email="b")

    assert made(client.patch(path, json={"status": "active"}))["status"] == "active"
    assert create(client, emails, "a").status_code == 409
    assert create(client, emails, "c").status_code == 201


def test_a_constraint_stays_disabled_over_duplicates(
    client, happened, emails, field_id
):
    path = f"/constraints/{client.constraint(field_id)['id']}"
    client.patch(path, json={"status": "disabled"})
    client.records(emails["id"], {"Email": "a"}, {"Email": "a"})
    before = client.position(emails["workspace_id"])

    reply = client.patch(path, json={"status": "active"})

    assert (reply.status_code, reply.json()["code"]) == (409, "DUPLICATE_VALUE")
    assert client.get(path).json()["status"] == "disabled"
    assert happened(emails["workspace_id"], before) == []


def test_case_is_ignored_only_where_nothing_collides(client, emails, field_id):
    path = f"/constraints/{client.constraint(field_id)['id']}"
    one, _ = client.records(emails["id"], {"Email": "a"}, {"Email": "A"})

    refused = client.patch(path, json={"case_sensitive": False})
    client.delete(f"/records/{one['id']}")
    taken = client.patch(path, json={"case_sensitive": False})

    assert (refused.status_code, refused.json()["code"]) == (409, "DUPLICATE_VALUE")
    assert (taken.status_code, taken.json()["case_sensitive"]) == (200, False)
    assert create(client, emails, "a").status_code == 409


def test_a_message_is_changed_and_taken_back(client, emails, field_id):
    path = f"/constraints/{client.constraint(field_id)['id']}"
    client.record(emails["id"], Email="a")

    client.patch(path, json={"error_message": "Taken"})
    own = create(client, emails, "a").json()["detail"]
    client.patch(path, json={"error_message": None})
    usual = create(client, emails, "a").json()["detail"]

    assert (own, usual) == ("Taken", "A record with this value already exists")


@pytest.mark.parametrize(
    "body",
    [
        {"status": "pending"},
        {"status": "gone"},
        {"status": None},
        {"case_sensitive": None},
        {"case_sensitive": 0},
        {"error_message": []},
    ],
    ids=str,
)
def test_a_wrong_change_changes_nothing(client, happened, emails, field_id, body):
    constraint = client.constraint(field_id)
    before = client.position(emails["workspace_id"])

    reply = client.patch(f"/constraints/{constraint['id']}", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert happened(emails["workspace_id"], before) == []


def test_a_constraint_that_is_deleted_no_longer_holds(
    client, happened, emails, field_id
):
    constraint = client.constraint(field_id)
    client.record(emails["id"], Email="a")
    before = client.position(emails["workspace_id"])

    reply = client.delete(f"/constraints/{constraint['id']}")

    assert (reply.status_code, reply.content) == (204, b"")
    assert happened(emails["workspace_id"], before) == [
        ("constraint.deleted", {"table_id": emails["id"], "field_id": field_id})
    ]
    assert client.get(f"/constraints/{constraint['id']}").json() == NOT_FOUND
    assert client.get(f"/fields/{field_id}/constraint").status_code == 404
    assert client.delete(f"/constraints/{constraint['id']}").status_code == 404
    assert create(client, emails, "a").status_code == 201
    assert client.post("/constraints", json={"field_id": field_id}).status_code == 409


# -------------------------------------------------------------------- listing


def test_a_list_is_by_table_by_field_or_by_both(client):
    table = client.table("One", "Other")
    one = client.constraint(table["ids"]["One"])
    other = client.constraint(table["ids"]["Other"])
    elsewhere = client.table("Name")

    def listed(**query):
        return made(client.get("/constraints", params=query))

    by_table = listed(table_id=table["id"])
    assert by_table == {
        "items": [one, other],
        "total": 2,
        "limit": 100,
        "offset": 0,
        "page": 1,
        "page_size": 100,
    }
    assert listed(field_id=table["ids"]["Other"])["items"] == [other]
    both = listed(table_id=table["id"], field_id=table["ids"]["One"])
    assert both["items"] == [one]
    assert listed(table_id=elsewhere["id"])["items"] == []


def test_a_list_of_nothing_named_is_refused(client):
    reply = client.get("/constraints")

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize("name", ["table_id", "field_id"])
def test_a_list_is_of_what_is_there(client, name):
    assert client.get("/constraints", params={name: ABSENT}).status_code == 404
    assert client.get("/constraints", params={name: "7"}).status_code == 400


def test_a_field_without_a_constraint_has_none(client, field_id):
    reply = client.get(f"/fields/{field_id}/constraint")

    assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_no_id_is_a_bad_request(client, method):
    reply = client.request(method, "/constraints/7", json={"status": "active"})

    assert reply.status_code == 400
    assert reply.json() == {
        "detail": "Invalid constraint ID format",
        "code": "BAD_REQUEST",
    }
