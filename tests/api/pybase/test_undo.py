"""`POST /undo` and `POST /redo`: what comes back, what stands in the way, who may.

The lines of the promise are the names.  Values, links, order and ids come back;
versions, times of change, last editors and counters move on.
"""

import pytest

from commands import looking_back
from domain.ids import INSTANCE, WorkspaceId
from tests.client import ABSENT, Client, made, new_id
from tests.commands.tenant import Tenant, problems


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


def told(reply):
    """The conflicts of a refusal: (event, field, what blocks it)."""
    assert reply.status_code == 409, reply.text
    return told_in(reply.json())


def told_in(body):
    found = body["conflicts"]
    return [(one["event_id"], one["field"], one["blocked_by"]) for one in found]


@pytest.fixture
def newest(recorded_events):
    """The ids of the newest events of a workspace, oldest first."""

    def newest(client, workspace_id, count):
        after = client.position(workspace_id) - count
        return [one["id"] for one in recorded_events(workspace_id, after)]

    return newest


@pytest.fixture
def table(client, database):
    """One whose workspace is sound at the end: its rows are what its events make."""
    table = client.table("Name", {"name": "Price", "type": "number"})
    yield table
    workspace_id = WorkspaceId(table["workspace_id"])
    reading = Tenant(database, None, workspace_id=workspace_id)  # type: ignore[arg-type]
    assert problems(reading) == []


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


# ------------------------------------------------------------------- modes, dry runs


def test_skipping_conflicts_leaves_those_fields_and_takes_back_the_others(
    client, table, newest
):
    record = client.record(table["id"], Name="Ada", Price=1)
    batch = update(client, record, Name="Eve", Price=2)
    update(client, record, Price=3)
    undone, later = newest(client, table["workspace_id"], 2)

    body = made(undo(client, batch, mode="skip_conflicts"))

    assert fields_of(client, record) == {"Name": "Ada", "Price": 3}
    assert body["undone"] == [undone]
    assert told_in(body) == [(undone, "Price", later)]


def test_force_overwrites_what_came_later_and_tells_it(client, table, newest):
    record = client.record(table["id"], Name="Ada", Price=1)
    batch = update(client, record, Name="Eve", Price=2)
    update(client, record, Price=3)
    undone, later = newest(client, table["workspace_id"], 2)

    body = made(undo(client, batch, mode="force"))

    assert fields_of(client, record) == {"Name": "Ada", "Price": 1}
    assert told_in(body) == [(undone, "Price", later)]


def test_what_even_force_cannot_do_is_told(client, table, newest):
    one, other = client.records(table["id"], {"Name": "Ada"}, {"Name": "Bob"})
    body = {
        "table_id": table["id"],
        "updates": [
            {"record_id": one["id"], "fields": {"Name": "x"}},
            {"record_id": other["id"], "fields": {"Name": "y"}},
        ],
    }
    batch = batch_of(client.patch("/records/batch", json=body))
    client.delete(f"/records/{one['id']}")
    first, second, deletion = newest(client, table["workspace_id"], 3)

    body = made(undo(client, batch, mode="force"))

    assert body["undone"] == [second]
    assert set(told_in(body)) == {(first, "Name", deletion), (first, None, deletion)}
    assert listed(client, table) == [(other["id"], {"Name": "Bob", "Price": None})]


@pytest.mark.parametrize("mode", ["skip_conflicts", "force"])
def test_a_dry_run_answers_the_same_and_writes_nothing(client, table, mode):
    record = client.record(table["id"], Name="Ada", Price=1)
    batch = update(client, record, Name="Eve", Price=2)
    update(client, record, Price=3)
    position = client.position(table["workspace_id"])

    dry = made(undo(client, batch, mode=mode, dry_run=True))

    assert dry["batch_id"] is None
    assert dry["position"] == position == client.position(table["workspace_id"])
    assert fields_of(client, record) == {"Name": "Eve", "Price": 3}
    done = made(undo(client, batch, mode=mode))
    for part in ("undone", "conflicts", "irreversible"):
        assert dry[part] == done[part]


def test_a_dry_run_of_a_conflict_is_refused_in_the_same_words(client, table):
    record = client.record(table["id"], Name="Ada")
    batch = update(client, record, Name="Eve")
    update(client, record, Name="Zoe")

    dry, done = undo(client, batch, dry_run=True), undo(client, batch)

    assert dry.status_code == done.status_code == 409
    assert dry.json() == done.json()


# --------------------------------------------------------------------------- scopes


def test_one_event_of_a_batch_is_undone_alone(client, table, newest):
    one, other = client.records(table["id"], {"Name": "Ada"}, {"Name": "Bob"})
    first, _ = newest(client, table["workspace_id"], 2)

    body = made(client.post("/undo", json={"scope": "event", "id": first}))

    assert body["undone"] == [first]
    assert listed(client, table) == [(other["id"], {"Name": "Bob", "Price": None})]
    assert one["id"] != other["id"]


def test_another_tenants_event_is_not_there(client, stranger, table, newest):
    client.record(table["id"], Name="Ada")
    (event,) = newest(client, table["workspace_id"], 1)

    for body in ({}, {"workspace_id": table["workspace_id"]}):
        reply = stranger.post("/undo", json={"scope": "event", "id": event, **body})
        assert reply.status_code == 404


@pytest.mark.parametrize(
    "event_id",
    [
        ABSENT,
        "ffffffff-ffff-7fff-bfff-ffffffffffff",  # from beyond the last year there is
        "ffffffff-ffff-4fff-bfff-ffffffffffff",  # tells no time
        "12345678-9abc-4def-8123-456789abcdef",
    ],
)
def test_an_event_that_never_was_is_not_there(client, event_id):
    reply = client.post("/undo", json={"scope": "event", "id": event_id})

    assert reply.status_code == 404
    assert reply.json() == {"detail": "Event not found", "code": "NOT_FOUND"}


def test_everything_that_one_actor_did_is_undone(client, table, member):
    workspace_id = table["workspace_id"]
    editor = member(workspace_id, "editor")
    record = client.record(table["id"], Name="Ada", Price=1)
    update(editor, record, Name="Eve")
    mine = client.record(table["id"], Name="mine")
    update(editor, record, Price=2)
    theirs = editor.record(table["id"], Name="theirs")

    body = made(
        client.post(
            "/undo",
            json={
                "scope": "actor",
                "id": editor.user["id"],
                "workspace_id": workspace_id,
            },
        )
    )

    assert len(body["undone"]) == 3
    assert [one for one, _ in listed(client, table)] == [record["id"], mine["id"]]
    assert fields_of(client, record) == {"Name": "Ada", "Price": 1}
    assert theirs["id"] not in [one for one, _ in listed(client, table)]


def test_what_an_actor_did_is_undone_between_two_moments(client, table):
    workspace_id = table["workspace_id"]
    record = client.record(table["id"], Name="Ada")
    update(client, record, Name="Bob")
    start = client.position(workspace_id) + 1
    update(client, record, Name="Cid")
    update(client, record, Name="Dan")
    actor = {"scope": "actor", "id": client.user["id"], "workspace_id": workspace_id}

    made(client.post("/undo", json={**actor, "from": start, "to": start + 1}))

    assert fields_of(client, record)["Name"] == "Bob"


def test_a_later_change_by_another_blocks_an_actors(client, table, member, newest):
    workspace_id = table["workspace_id"]
    editor = member(workspace_id, "editor")
    record = client.record(table["id"], Name="Ada")
    update(editor, record, Name="Eve")
    update(client, record, Name="Zoe")
    theirs, mine = newest(client, workspace_id, 2)
    actor = {"scope": "actor", "id": editor.user["id"], "workspace_id": workspace_id}

    assert told(client.post("/undo", json=actor)) == [(theirs, "Name", mine)]


def test_a_key_is_an_actor(client, table, server):
    key = made(client.post("/users/me/api-keys", json={}))
    with Client(server.url) as robot:
        robot.headers["authorization"] = f"Bearer {key['key']}"
        record = robot.record(table["id"], Name="by a key")
    mine = client.record(table["id"], Name="by hand")
    actor = {
        "scope": "actor",
        "id": key["id"],
        "workspace_id": table["workspace_id"],
    }

    assert len(made(client.post("/undo", json=actor))["undone"]) == 1
    assert [one for one, _ in listed(client, table)] == [mine["id"]]
    assert record["id"] != mine["id"]


def test_a_range_is_undone_as_a_whole(client, table):
    record = client.record(table["id"], Name="Ada")
    before = listed(client, table)
    start = client.position(table["workspace_id"]) + 1
    update(client, record, Name="Bob")
    batch = update(client, record, Name="Cid")
    made(undo(client, batch))
    client.record(table["id"], Name="new")
    client.delete(f"/records/{record['id']}")
    end = client.position(table["workspace_id"])
    body = {"scope": "range", "workspace_id": table["workspace_id"]}

    made(client.post("/undo", json={**body, "from": start, "to": end}))

    assert listed(client, table) == before
    again = made(client.post("/undo", json={**body, "from": start, "to": end}))
    assert again["undone"] == []


def test_a_range_is_named_by_times_too(client, table, recorded_events):
    record = client.record(table["id"], Name="Ada")
    update(client, record, Name="Bob")
    at = recorded_events(table["workspace_id"])[-1]["recorded_at"]
    body = {"scope": "range", "workspace_id": table["workspace_id"]}

    made(client.post("/undo", json={**body, "from": at, "to": at}))

    assert fields_of(client, record)["Name"] == "Ada"


def test_latest_goes_back_one_by_one(client, table):
    latest = {"scope": "latest", "workspace_id": table["workspace_id"]}
    record = client.record(table["id"], Name="Ada")
    update(client, record, Name="Bob")
    update(client, record, Name="Cid")
    client.upload(table["workspace_id"])  # nothing of it could go back

    first = made(client.post("/undo", json=latest))
    assert fields_of(client, record)["Name"] == "Bob"
    second = made(client.post("/undo", json=latest))
    assert fields_of(client, record)["Name"] == "Ada"
    assert client.post("/redo", json={"batch_id": first["batch_id"]}).status_code == 409
    made(client.post("/redo", json={"batch_id": second["batch_id"]}))
    made(client.post("/redo", json={"batch_id": first["batch_id"]}))
    assert fields_of(client, record)["Name"] == "Cid"
    for _ in range(2):
        made(client.post("/undo", json=latest))
    assert fields_of(client, record)["Name"] == "Ada"
    made(client.post("/undo", json=latest))
    assert listed(client, table) == []


def test_latest_is_the_callers_own(client, table, member):
    editor = member(table["workspace_id"], "editor")
    client.record(table["id"], Name="mine")
    latest = {"scope": "latest", "workspace_id": table["workspace_id"]}

    assert made(editor.post("/undo", json=latest))["undone"] == []
    assert len(listed(client, table)) == 1


# ------------------------------------------------------------------- what blocks it


def test_a_created_record_that_others_filled_is_a_conflict(client, table, newest):
    reply = client.post(
        "/records", json={"table_id": table["id"], "fields": {"Name": "Ada"}}
    )
    update(client, reply.json(), Price=1)
    created, filled = newest(client, table["workspace_id"], 2)

    assert told(undo(client, batch_of(reply))) == [(created, "Price", filled)]


def test_a_created_record_that_others_linked_to_is_a_conflict(client, table, newest):
    other = client.table(
        {
            "name": "Thing",
            "type": "linked_record",
            "options": {"linked_table_id": table["id"]},
        },
        base_id=table["base_id"],
        name="Others",
    )
    reply = client.post(
        "/records", json={"table_id": table["id"], "fields": {"Name": "Ada"}}
    )
    (created,) = newest(client, table["workspace_id"], 1)
    linking = client.record(other["id"], Thing=[reply.json()["id"]])
    _, linked = newest(client, table["workspace_id"], 2)

    ((event, _, by),) = told(undo(client, batch_of(reply)))

    assert (event, by) == (created, linked)
    assert fields_of(client, linking)["Thing"]


def test_a_created_table_with_records_of_others_is_a_conflict(client, table, newest):
    body = {"base_id": table["base_id"], "name": "New", "fields": []}
    body["fields"] = [{"name": "Name", "type": "text"}]
    reply = client.post("/tables", json=body)
    batch = batch_of(reply)
    created, _ = newest(client, table["workspace_id"], 2)
    client.record(reply.json()["id"], Name="Ada")
    (record,) = newest(client, table["workspace_id"], 1)

    conflicts = told(undo(client, batch))

    assert (created, None, record) in conflicts
    made(undo(client, batch, mode="force"))
    assert client.get(f"/tables/{reply.json()['id']}").status_code == 404


def test_a_created_field_with_values_of_others_is_a_conflict(client, table, newest):
    record = client.record(table["id"], Name="Ada")
    body = {"table_id": table["id"], "name": "New", "type": "text"}
    batch = batch_of(client.post("/fields", json=body))
    (created,) = newest(client, table["workspace_id"], 1)
    update(client, record, New="filled")
    (filled,) = newest(client, table["workspace_id"], 1)

    assert told(undo(client, batch)) == [(created, None, filled)]
    update(client, record, New=None)
    made(undo(client, batch))
    assert fields_of(client, record) == {"Name": "Ada", "Price": None}


def test_a_unique_value_taken_since_is_a_conflict(client, table, newest):
    client.constraint(table["ids"]["Name"])
    record = client.record(table["id"], Name="Ada")
    batch = update(client, record, Name="Eve")
    (undone,) = newest(client, table["workspace_id"], 1)
    client.record(table["id"], Name="Ada")
    (taken,) = newest(client, table["workspace_id"], 1)

    assert told(undo(client, batch)) == [(undone, "Name", taken)]


def test_two_records_that_exchanged_a_unique_value_exchange_it_back(client, table):
    client.constraint(table["ids"]["Name"])
    one, other = client.records(table["id"], {"Name": "Ada"}, {"Name": "Bob"})
    body = {
        "table_id": table["id"],
        "updates": [
            {"record_id": one["id"], "fields": {"Name": "Bob"}},
            {"record_id": other["id"], "fields": {"Name": "Ada"}},
        ],
    }
    batch = batch_of(client.patch("/records/batch", json=body))

    made(undo(client, batch))

    assert fields_of(client, one)["Name"] == "Ada"
    assert fields_of(client, other)["Name"] == "Bob"


def test_a_name_taken_since_is_a_conflict(client, table, newest):
    path = f"/tables/{table['id']}"
    batch = batch_of(client.patch(path, json={"name": "Other"}))
    (undone,) = newest(client, table["workspace_id"], 1)
    client.table("Name", base_id=table["base_id"], name="Things")

    *_, taken, _ = newest(client, table["workspace_id"], 2)

    assert told(undo(client, batch)) == [(undone, "name", taken)]


def test_a_parent_that_is_gone_is_a_conflict(client, table, newest):
    record = client.record(table["id"], Name="Ada")
    batch = batch_of(client.delete(f"/records/{record['id']}"))
    (undone,) = newest(client, table["workspace_id"], 1)
    client.delete(f"/tables/{table['id']}")
    (gone,) = newest(client, table["workspace_id"], 1)

    assert told(undo(client, batch)) == [(undone, None, gone)]


def test_a_link_target_that_is_gone_is_a_conflict(client, table, newest):
    field = client.field(
        table["id"], "Next", "linked_record", options={"linked_table_id": table["id"]}
    )
    target = client.record(table["id"], Name="target")
    record = client.record(table["id"], Name="Ada", Next=[target["id"]])
    batch = batch_of(client.delete(f"/records/{record['id']}"))
    undone, _ = newest(client, table["workspace_id"], 2)
    client.delete(f"/records/{target['id']}")
    (gone,) = newest(client, table["workspace_id"], 1)

    assert told(undo(client, batch)) == [(undone, field["name"], gone)]


def test_what_is_undone_already_does_not_block(client, table):
    record = client.record(table["id"], Name="Ada")
    first = update(client, record, Name="Bob")
    second = update(client, record, Name="Cid")

    made(undo(client, second))
    made(undo(client, first))

    assert fields_of(client, record)["Name"] == "Ada"


def test_a_forced_undo_blocks_the_change_that_it_overwrote(client, table, newest):
    record = client.record(table["id"], Name="Ada")
    first = update(client, record, Name="Bob")
    second = update(client, record, Name="Cid")
    (overwritten,) = newest(client, table["workspace_id"], 1)
    made(undo(client, first, mode="force"))
    _, forced = newest(client, table["workspace_id"], 2)

    assert told(undo(client, second)) == [(overwritten, "Name", forced)]


# --------------------------------------------------------------- what comes back


def test_links_of_both_sides_come_back_in_their_order(client, table):
    field = client.field(
        table["id"], "Next", "linked_record", options={"linked_table_id": table["id"]}
    )
    a, b, c = client.records(table["id"], *[{"Name": one} for one in "abc"])
    update(client, a, Next=[c["id"], b["id"]])
    update(client, b, Next=[a["id"], c["id"]])
    before = listed(client, table)
    body = {"table_id": table["id"], "record_ids": [a["id"], b["id"]]}
    batch = batch_of(client.delete_with("/records/batch", body))

    made(undo(client, batch))

    assert listed(client, table) == before
    assert field["name"] == "Next"


def test_a_deleted_field_comes_back_with_its_values(client, table):
    client.constraint(table["ids"]["Price"])
    client.records(table["id"], {"Name": "Ada", "Price": 1}, {"Name": "Bob"})
    before = listed(client, table)
    batch = batch_of(client.delete(f"/fields/{table['ids']['Price']}"))

    undone = made(undo(client, batch))

    assert listed(client, table) == before
    query = {"table_id": table["id"]}
    assert made(client.get("/constraints", params=query))["total"] == 1
    made(client.post("/redo", json={"batch_id": undone["batch_id"]}))
    assert "Price" not in listed(client, table)[0][1]


def test_a_deleted_table_comes_back_with_its_data(client, table):
    client.field(
        table["id"], "Next", "linked_record", options={"linked_table_id": table["id"]}
    )
    view = client.view(table["id"])
    client.records(table["id"], {"Name": "Ada"}, {"Name": "Bob"})
    before = listed(client, table)
    batch = batch_of(client.delete(f"/tables/{table['id']}"))

    made(undo(client, batch))

    assert listed(client, table) == before
    assert made(client.get(f"/views/{view['id']}"))["id"] == view["id"]


def test_a_created_table_goes_and_comes_back(client, table):
    body = {"base_id": table["base_id"], "name": "New"}
    body["fields"] = [{"name": "Name", "type": "text"}, {"name": "N", "type": "number"}]
    reply = client.post("/tables", json=body)
    path = f"/tables/{reply.json()['id']}"

    undone = made(undo(client, batch_of(reply)))
    assert client.get(path).status_code == 404
    made(client.post("/redo", json={"batch_id": undone["batch_id"]}))

    fields = made(client.get(path))["fields"]
    assert [one["name"] for one in fields] == ["Name", "N"]


def test_a_type_change_goes_back_with_the_old_values(client, table):
    client.records(table["id"], {"Name": "1"}, {"Name": "two"}, {"Name": "3.50"})
    before = listed(client, table)
    path = f"/fields/{table['ids']['Name']}"
    change = {"type": "number", "force": True}
    batch = batch_of(client.patch(path, json=change))
    assert [one["Name"] for _, one in listed(client, table)] != ["1", "two", "3.50"]

    undone = made(undo(client, batch))

    assert listed(client, table) == before
    made(client.post("/redo", json={"batch_id": undone["batch_id"]}))
    assert listed(client, table)[1][1]["Name"] is None


def test_a_type_change_is_undone_by_itself(client, table, newest):
    record = client.record(table["id"], Name="1")
    start = client.position(table["workspace_id"]) + 1
    path = f"/fields/{table['ids']['Name']}"
    made(client.patch(path, json={"type": "number"}))
    retyped, _ = newest(client, table["workspace_id"], 2)
    update(client, record, Price=2)
    end = client.position(table["workspace_id"])
    body = {
        "scope": "range",
        "workspace_id": table["workspace_id"],
        "from": start,
        "to": end,
    }

    assert told(client.post("/undo", json=body)) == [(retyped, "type", None)]
    done = made(client.post("/undo", json={**body, "mode": "skip_conflicts"}))
    assert told_in(done) == [(retyped, "type", None)]
    assert fields_of(client, record)["Price"] is None
    made(client.post("/undo", json=body))
    assert fields_of(client, record)["Name"] == "1"


def test_views_constraints_and_members_come_back(client, table, member):
    workspace_id = table["workspace_id"]
    editor = member(workspace_id, "editor")
    view = client.view(table["id"])
    constraint = client.constraint(table["ids"]["Name"])
    start = client.position(workspace_id) + 1
    members = made(client.get(f"/workspaces/{workspace_id}/members"))
    (one,) = [one for one in members if one["user"]["id"] == editor.user["id"]]
    client.patch(f"/views/{view['id']}", json={"name": "Other"})
    client.delete(f"/views/{view['id']}")
    client.patch(f"/constraints/{constraint['id']}", json={"status": "disabled"})
    client.delete(f"/constraints/{constraint['id']}")
    client.patch(
        f"/workspaces/{workspace_id}/members/{one['id']}", json={"role": "viewer"}
    )
    client.delete(f"/workspaces/{workspace_id}/members/{one['id']}")
    body = {
        "scope": "range",
        "workspace_id": workspace_id,
        "from": start,
        "to": client.position(workspace_id),
    }

    assert len(made(client.post("/undo", json=body))["undone"]) == 6

    assert made(client.get(f"/views/{view['id']}"))["name"] == view["name"]
    back = made(client.get(f"/constraints/{constraint['id']}"))
    assert back["status"] == "active"
    assert made(editor.post("/records", json={"table_id": table["id"], "fields": {}}))


# ----------------------------------------------------------------- what never does


def test_what_never_goes_back_is_told(client, table, newest):
    start = client.position(table["workspace_id"]) + 1
    client.upload(table["workspace_id"])
    (uploaded,) = newest(client, table["workspace_id"], 1)
    client.record(table["id"], Name="Ada")
    (created,) = newest(client, table["workspace_id"], 1)
    body = {"scope": "range", "workspace_id": table["workspace_id"]}

    found = made(client.post("/undo", json={**body, "from": start, "to": start + 1}))

    assert found["irreversible"] == [uploaded]
    assert found["undone"] == [created]


# ------------------------------------------------------------------------- rights


def test_a_viewer_undoes_nothing(client, table, member):
    viewer = member(table["workspace_id"], "viewer")
    batch = update(client, client.record(table["id"], Name="Ada"), Name="Eve")

    assert undo(viewer, batch).status_code == 403


def test_an_editor_does_not_undo_what_takes_an_admin(client, table, member):
    editor = member(table["workspace_id"], "editor")
    path = f"/fields/{table['ids']['Name']}"
    batch = batch_of(client.patch(path, json={"name": "Title"}))

    for more in ({}, {"dry_run": True}, {"mode": "force"}):
        assert undo(editor, batch, **more).status_code == 403
    record = client.record(table["id"], Title="Ada")
    made(undo(editor, update(client, record, Title="Eve")))


def test_a_key_undoes_only_what_its_scopes_allow(client, table, server):
    path = f"/fields/{table['ids']['Name']}"
    batch = batch_of(client.patch(path, json={"name": "Title"}))
    record = client.record(table["id"], Title="Ada")
    of_record = update(client, record, Title="Eve")
    key = made(client.post("/users/me/api-keys", json={"scopes": ["read", "write"]}))
    with Client(server.url) as robot:
        robot.headers["authorization"] = f"Bearer {key['key']}"

        assert undo(robot, batch).status_code == 403
        made(undo(robot, of_record))


# ------------------------------------------------------------------ like any write


def test_an_undo_is_a_batch_like_any_other(client, table, recorded_events):
    record = client.record(table["id"], Name="Ada")
    batch = update(client, record, Name="Eve")
    position = client.position(table["workspace_id"])

    body = made(undo(client, batch))

    events = recorded_events(table["workspace_id"], position)
    assert [one["type"] for one in events] == ["history.undone", "record.updated"]
    assert {one["causation_id"] for one in events} == {batch}
    assert {one["batch_id"] for one in events} == {body["batch_id"]}
    assert events[0]["data"] == {
        "scope": "batch",
        "mode": "strict",
        "positions": [[position, position]],
    }


def test_the_same_key_undoes_once(client, table):
    record = client.record(table["id"], Name="Ada")
    batch = update(client, record, Name="Eve")
    body = {"scope": "batch", "id": batch}
    key = {"idempotency-key": new_id()}

    first = client.post("/undo", json=body, headers=key)
    made(first)
    position = client.position(table["workspace_id"])
    again = client.post("/undo", json=body, headers=key)

    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert client.position(table["workspace_id"]) == position


def test_more_events_than_an_undo_holds_are_refused(client, table, monkeypatch):
    monkeypatch.setattr(looking_back, "MOST", 2)
    body = {"table_id": table["id"], "records": [{"fields": {"Name": "x"}}] * 3}
    batch = batch_of(client.post("/records/batch", json=body))

    reply = undo(client, batch)

    assert reply.status_code == 422
    assert reply.json() == {
        "detail": "An undo takes back at most 2 events: undo them range by range",
        "code": "BATCH_TOO_LARGE",
        "limit": 2,
        "events": 3,
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": "batch", "id": "x"}, 400),
        ({"scope": "event", "id": "x"}, 400),
        ({"scope": "batch"}, 422),
        ({"scope": "all", "id": ABSENT}, 422),
        ({"scope": "batch", "id": ABSENT, "mode": "gently"}, 422),
        ({"scope": "batch", "id": ABSENT, "dry_run": "yes"}, 422),
        ({"scope": "latest"}, 422),
        ({"scope": "actor", "id": ABSENT}, 422),
        ({"scope": "range", "workspace_id": ABSENT}, 422),
        ({"scope": "latest", "workspace_id": ABSENT}, 404),
        (
            {"scope": "latest", "workspace_id": INSTANCE},
            404,
        ),
        ({"scope": "range", "workspace_id": ABSENT, "from": True, "to": 1}, 422),
    ],
)
def test_a_body_that_names_nothing_is_refused(client, body, status):
    assert client.post("/undo", json=body).status_code == status


@pytest.mark.parametrize(
    ("moments", "status"),
    [
        ({"from": 2, "to": 1}, 422),
        ({"from": "yesterday", "to": 1}, 422),
        ({"from": 1, "to": 10**17}, 400),
        ({"from": 1, "to": "2999-01-01T00:00:00Z"}, 400),
        ({"from": -1, "to": 1}, 422),
    ],
)
def test_moments_that_are_none_are_refused(client, table, moments, status):
    body = {"scope": "range", "workspace_id": table["workspace_id"], **moments}
    assert client.post("/undo", json=body).status_code == status
