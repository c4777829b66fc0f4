"""Unique constraints over large tables: what callers see while they are filled.

What is large is made small; the worker goes a round when a test says so.
"""

import pytest

from commands import gather
from projections.records import keys
from tests.client import made
from workers import uniqueness
from workers.uniqueness import Filler, settling

ROWS = 45
PENDING = {
    "detail": "Constraint creation in progress",
    "code": "CONSTRAINT_PENDING",
    "field": "Email",
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(gather, "AT_ONCE", 40)
    monkeypatch.setattr(keys, "AT_ONCE", 40)
    monkeypatch.setattr(uniqueness, "REST", 0.0)


@pytest.fixture
def work(server):
    """`work()`: the worker does all that is to do."""

    def work():
        filler = Filler(server.system.urls.app, settling(server.system), rows=20)
        while server.run(filler.round()):
            pass

    return work


@pytest.fixture
def emails(client):
    """A table of 45 records; `records` are their ids."""
    table = client.table("Email", {"name": "Price", "type": "number"})
    rows = [{"Email": f"e{n}@example.org", "Price": n} for n in range(ROWS)]
    made_rows = client.records(table["id"], *rows)
    return {**table, "records": [one["id"] for one in made_rows]}


@pytest.fixture
def pending(client, emails):
    return client.constraint(emails["ids"]["Email"])


def now(client, constraint):
    return made(client.get(f"/constraints/{constraint['id']}"))


def test_a_constraint_over_a_large_table_becomes_active(client, happened, emails, work):
    field_id = emails["ids"]["Email"]

    reply = client.post("/constraints", json={"field_id": field_id})

    assert reply.status_code == 201
    constraint = reply.json()
    assert (constraint["status"], constraint["error"]) == ("pending", None)
    assert now(client, constraint) == constraint
    assert made(client.get(f"/fields/{field_id}/constraint")) == constraint
    listed = made(client.get("/constraints", params={"table_id": emails["id"]}))
    assert listed["items"] == [constraint]
    assert made(client.get(f"/fields/{field_id}"))["is_unique"] is False
    before = client.position(emails["workspace_id"])

    work()

    shown = client.get(f"/constraints/{constraint['id']}")
    assert shown.json() == {**constraint, "status": "active"}
    assert shown.headers["etag"] == '"v2"'
    assert made(client.get(f"/fields/{field_id}"))["is_unique"] is True
    assert happened(emails["workspace_id"], before) == [
        ("constraint.activated", {"table_id": emails["id"], "field_id": field_id})
    ]
    row = {"table_id": emails["id"], "fields": {"Email": "e7@example.org"}}
    assert client.post("/records", json=row).status_code == 409


def test_writes_to_its_field_are_locked_meanwhile(
    client, happened, emails, pending, work
):
    one, table_id = emails["records"][0], emails["id"]
    form = client.view(table_id, "form")
    new = {"fields": {"Email": "new@example.org"}}
    before = client.position(emails["workspace_id"])

    replies = [
        client.post("/records", json={"table_id": table_id, **new}),
        client.patch(f"/records/{one}", json=new),
        client.patch(f"/records/{one}", json={"fields": {"Email": None}}),
        client.post("/records/batch", json={"table_id": table_id, "records": [new]}),
        client.patch(
            "/records/batch",
            json={"table_id": table_id, "updates": [{"record_id": one, **new}]},
        ),
        client.post(f"/views/{form['id']}/form/submit", json=new),
        client.post(
            f"/tables/{table_id}/import",
            files={"file": ("a.csv", b"Email\nnew@example.org\n", "text/csv")},
        ),
    ]

    assert [reply.status_code for reply in replies] == [423] * 7
    assert [reply.json() for reply in replies] == [PENDING] * 7
    assert happened(emails["workspace_id"], before) == []
    work()
    assert (
        client.post("/records", json={"table_id": table_id, **new}).status_code == 201
    )


def test_all_other_writes_go_on(client, emails, pending, work):
    one, other, *_ = emails["records"]
    table_id = emails["id"]
    path = f"/records/{one}"

    assert client.record(table_id, Price=7)["fields"]["Email"] is None
    assert client.patch(path, json={"fields": {"Price": 8}}).status_code == 200
    assert client.delete(f"/records/{other}").status_code == 204
    assert client.field(table_id, "More")["name"] == "More"
    content = b"Price\n1\n2\n"
    imported = client.post(
        f"/tables/{table_id}/import", files={"file": ("a.csv", content, "text/csv")}
    )
    assert imported.status_code == 201

    work()
    assert now(client, pending)["status"] == "active"
    assert client.record(table_id, Email="e1@example.org")


@pytest.mark.parametrize(
    "change",
    [
        {"status": "disabled"},
        {"status": "active"},
        {"case_sensitive": False},
        {"error_message": "Taken"},
    ],
    ids=str,
)
def test_it_is_not_changed_while_it_is_pending(client, emails, pending, change):
    reply = client.patch(f"/constraints/{pending['id']}", json=change)

    assert (reply.status_code, reply.json()["code"]) == (423, "CONSTRAINT_PENDING")
    assert now(client, pending) == pending


def test_it_is_deleted_while_it_is_pending(client, emails, pending, work):
    assert client.delete(f"/constraints/{pending['id']}").status_code == 204

    assert client.record(emails["id"], Email="e7@example.org")
    work()
    assert client.get(f"/constraints/{pending['id']}").status_code == 404


def test_its_field_is_deleted_while_it_is_pending(client, emails, pending, work):
    assert client.delete(f"/fields/{emails['ids']['Email']}").status_code == 204

    work()
    assert client.get(f"/constraints/{pending['id']}").status_code == 404


def test_over_duplicates_it_ends_with_examples(client, happened, emails, work):
    field_id = emails["ids"]["Email"]
    (twin,) = client.records(emails["id"], {"Email": "E3@EXAMPLE.ORG"})
    constraint = client.constraint(field_id, case_sensitive=False)
    before = client.position(emails["workspace_id"])

    work()

    error = {
        "detail": "Existing records share a value",
        "code": "DUPLICATE_VALUE",
        "field": "Email",
        "examples": [
            {"records": [emails["records"][3], twin["id"]], "value": "E3@EXAMPLE.ORG"}
        ],
    }
    ended = {**constraint, "status": "disabled", "error": error}
    assert now(client, constraint) == ended
    assert made(client.get(f"/fields/{field_id}/constraint")) == ended
    ((name, _),) = happened(emails["workspace_id"], before)
    assert name == "constraint.failed"
    assert client.record(emails["id"], Email="e3@example.org")


def test_it_is_tried_again_when_the_duplicates_are_gone(client, emails, work):
    (twin,) = client.records(emails["id"], {"Email": "e3@example.org"})
    constraint = client.constraint(emails["ids"]["Email"])
    work()
    assert now(client, constraint)["status"] == "disabled"
    client.delete(f"/records/{twin['id']}")

    path = f"/constraints/{constraint['id']}"
    tried = made(client.patch(path, json={"status": "active"}))

    assert (tried["status"], tried["error"]) == ("pending", None)
    work()
    assert now(client, constraint)["status"] == "active"


def test_numbers_of_examples_are_numbers(client, emails, work):
    client.records(emails["id"], {"Price": 3})
    constraint = client.constraint(emails["ids"]["Price"])

    work()

    assert now(client, constraint)["error"]["examples"][0]["value"] == 3


def test_a_copy_of_the_base_has_it_disabled(client, emails, pending, work):
    copied = made(client.post(f"/bases/{emails['base_id']}/duplicate", json={}))

    (table,) = made(client.get("/tables", params={"base_id": copied["id"]}))["items"]
    listed = made(client.get("/constraints", params={"table_id": table["id"]}))
    assert [one["status"] for one in listed["items"]] == ["disabled"]


def test_metrics_count_what_is_pending(client, server, emails, work):
    def counted():
        text = client.get(f"{server.url}/metrics").text
        (line,) = [
            one
            for one in text.splitlines()
            if one.startswith("tabellion_constraints_pending ")
        ]
        return float(line.split()[1])

    work()  # what tests before left
    before = counted()
    client.constraint(emails["ids"]["Email"])
    assert counted() == before + 1
    work()
    assert counted() == before
