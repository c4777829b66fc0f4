"""`POST /undo` and `POST /redo`: what comes back, what stands in the way, who may.

The lines of the promise are the names.  Values, links, order and ids come back;
versions, times of change, last editors and counters move on.
"""

import pytest

from tests.client import ABSENT, made, new_id


def undo(client, batch_id, **more):
    """Undoes a batch."""
    return client.post("/undo", json={"scope": "batch", "id": batch_id, **more})


def batch_of(reply):
    assert reply.is_success, reply.text
    return reply.headers["x-batch-id"]


def update(client, record, **fields):
    """The batch of an update."""
    return batch_of(client.patch(f"/records/{record['id']}", json={"fields": fields}))


def fields_of(client, record):
    return made(client.get(f"/records/{record['id']}"))["fields"]


def listed(client, table, **more):
    """A table's records as they come back: ids, fields, order."""
    query = {"table_id": table["id"], "limit": 1000, **more}
    items = made(client.get("/records", params=query))["items"]
    return [(one["id"], one["fields"]) for one in items]


@pytest.fixture
def table(client):
    return client.table("Name", {"name": "Price", "type": "number"})


# -------------------------------------------------------------------------- who may


def test_nobody_undoes_nothing(anonymous):
    assert undo(anonymous, ABSENT).status_code == 401


def test_another_tenants_batch_is_not_there(client, stranger, table):
    record = client.record(table["id"], Name="Ada")
    batch = update(client, record, Name="Eve")

    reply = undo(stranger, batch)

    assert reply.status_code == 404
    assert reply.json() == {"detail": "Batch not found", "code": "NOT_FOUND"}
    assert reply.json() == undo(stranger, new_id()).json()
    assert undo(stranger, batch, workspace_id=table["workspace_id"]).status_code == 404
    assert fields_of(client, record)["Name"] == "Eve"


# ---------------------------------------------------------------------------- batch


def test_an_undone_update_has_the_values_that_were_there(client, table):
    record = client.record(table["id"], Name="Ada", Price=1)
    batch = update(client, record, Name="Eve")

    reply = undo(client, batch)

    body = made(reply)
    assert fields_of(client, record) == {"Name": "Ada", "Price": 1}
    assert len(body["undone"]) == 1
    assert body["conflicts"] == []
    assert body["irreversible"] == []
    assert reply.headers["x-batch-id"] == body["batch_id"]
    assert reply.headers["x-position"] == str(body["position"])
    assert body["position"] == client.position(table["workspace_id"])


def test_undone_creations_are_gone(client, table):
    body = {"table_id": table["id"], "records": [{"fields": {"Name": "x"}}] * 3}
    batch = batch_of(client.post("/records/batch", json=body))

    assert len(made(undo(client, batch))["undone"]) == 3
    assert listed(client, table) == []


def test_undone_deletions_are_back_with_ids_values_and_order(client, table):
    records = client.records(table["id"], *[{"Name": str(n)} for n in range(5)])
    before = listed(client, table)
    body = {"table_id": table["id"], "record_ids": [one["id"] for one in records[1:4]]}
    batch = batch_of(client.delete_with("/records/batch", body))
    assert len(listed(client, table)) == 2

    made(undo(client, batch))

    assert listed(client, table) == before


def test_a_second_click_does_nothing(client, table):
    record = client.record(table["id"], Name="Ada")
    batch = update(client, record, Name="Eve")
    made(undo(client, batch))
    position = client.position(table["workspace_id"])

    reply = undo(client, batch)

    assert made(reply) == {
        "batch_id": None,
        "position": position,
        "undone": [],
        "conflicts": [],
        "irreversible": [],
    }
    assert client.position(table["workspace_id"]) == position


def test_redo_undoes_an_undo(client, table):
    record = client.record(table["id"], Name="Ada")
    batch = update(client, record, Name="Eve")
    undone = made(undo(client, batch))["batch_id"]

    redone = made(client.post("/redo", json={"batch_id": undone}))

    assert fields_of(client, record)["Name"] == "Eve"
    assert redone["batch_id"]
    made(undo(client, batch))
    assert fields_of(client, record)["Name"] == "Ada"


def test_only_an_undo_is_redone(client, table):
    record = client.record(table["id"], Name="Ada")
    batch = update(client, record, Name="Eve")

    reply = client.post("/redo", json={"batch_id": batch})

    assert reply.status_code == 422
    assert reply.json()["detail"] == "The batch is no undo"


def test_a_later_change_of_the_field_is_a_conflict(client, table, recorded_events):
    record = client.record(table["id"], Name="Ada", Price=1)
    batch = update(client, record, Name="Eve", Price=2)
    update(client, record, Price=3)
    position = client.position(table["workspace_id"])
    undone, later = recorded_events(table["workspace_id"], position - 2)

    reply = undo(client, batch)

    assert reply.status_code == 409
    assert reply.json() == {
        "detail": "What came later stands in the way",
        "code": "UNDO_CONFLICT",
        "conflicts": [
            {"event_id": undone["id"], "field": "Price", "blocked_by": later["id"]}
        ],
    }
    assert client.position(table["workspace_id"]) == position
    assert fields_of(client, record) == {"Name": "Eve", "Price": 3}
