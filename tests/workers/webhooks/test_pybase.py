"""What PyBase's webhooks are told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from domain.values import FIELD_TYPES
from projections.as_of.whole import rows_of_then
from tests.client import Client, Json, made
from tests.commands.tenant import Tenant
from tests.projections.test_types_replayed import READ_ONLY, TYPES, of_every_type
from tests.workers.webhooks.heard import Hearing
from workers.webhooks import records

CHOICES = {"choices": [{"id": "open", "name": "Open"}, {"id": "shut", "name": "Shut"}]}


@pytest.fixture
def things(client: Client) -> Json:
    return client.table(
        "Name",
        {"name": "Price", "type": "number"},
        {"name": "State", "type": "single_select", "options": CHOICES},
    )


@pytest.fixture
def tenant(client: Client, heard: Hearing, things: Json) -> Tenant:
    return heard.of(client, things)


@pytest.fixture
def told(heard: Hearing, tenant: Tenant) -> Callable[..., list[Json]]:
    """`told(webhook)`: what it is told, as soon as all is followed."""

    def told(webhook_id: str) -> list[Json]:
        heard.follow()
        return heard.told(tenant, webhook_id)

    return told


def brief(one: Json) -> tuple[str, Any, Any]:
    return one["type"], one["data"]["before"], one["data"]["after"]


def test_a_370_the_whole_of_a_message(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    hook = heard.hook(tenant, table_id=things["id"])
    record = client.record(things["id"], Name="Bolt", Price=2.50, State="Open")
    path = f"/records/{record['id']}"
    made(client.patch(path, json={"fields": {"Price": 3}}))
    shown = made(client.get(path))
    event = made(
        client.get("/events", params={"workspace_id": things["workspace_id"]})
    )["items"][-1]

    assert told(hook)[-1] == {
        "type": "record.updated",
        "timestamp": event["recorded_at"],
        "data": {
            "webhook_id": hook,
            "workspace_id": things["workspace_id"],
            "base_id": things["base_id"],
            "table_id": things["id"],
            "record_id": record["id"],
            "position": event["seq"],
            "event_id": event["id"],
            "batch_id": event["batch_id"],
            "actor": {"kind": "user", "id": client.user["id"]},
            "surface": "pybase",
            "undo": False,
            "record": shown,
            "before": {"Price": 2.50},
            "after": {"Price": 3},
            "changed_fields": ["Price"],
        },
    }
    (*_, row) = heard.rows(tenant, hook)
    assert row[:6] == (
        event["seq"],
        event["seq"],
        "record.updated",
        record["id"],
        "https://example.com",
        event["id"],
    )
    assert client.user["email"].encode() not in b"".join(heard.bodies(tenant, hook))


def test_a_record_comes_changes_goes_and_comes_back(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    hook = heard.hook(tenant, "record.*")
    record = client.record(things["id"], Name="Bolt", State="Open")
    path = f"/records/{record['id']}"
    made(client.patch(path, json={"fields": {"State": "Shut", "Name": None}}))
    before = made(client.get(path))
    gone = client.delete(path)
    made(
        client.post("/undo", json={"scope": "batch", "id": gone.headers["x-batch-id"]})
    )
    back = made(client.get(path))

    found = told(hook)
    first = {"Name": "Bolt", "Price": None, "State": "Open"}
    last = {"Name": None, "Price": None, "State": "Shut"}
    assert [brief(one) for one in found] == [
        ("record.created", None, first),
        (
            "record.updated",
            {"Name": "Bolt", "State": "Open"},
            {"Name": None, "State": "Shut"},
        ),
        ("record.deleted", last, None),
        ("record.created", None, last),
    ]
    assert [one["data"]["record"] for one in found[2:]] == [before, back]
    assert [one["data"]["undo"] for one in found] == [False, False, False, True]
    assert [one["data"]["changed_fields"] for one in found] == [
        ["Name", "State"],
        ["Name", "State"],
        ["State"],
        ["State"],
    ]


def test_s8_what_is_taken_back_and_done_again_is_marked(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    hook = heard.hook(tenant, "record.*")
    reply = client.post(
        "/records",
        json={"table_id": things["id"], "fields": {"Name": "Bolt"}},
    )
    batch = reply.headers["x-batch-id"]
    for _ in range(3):
        undone = client.post("/undo", json={"scope": "batch", "id": batch})
        assert undone.is_success, undone.text
        batch = undone.headers["x-batch-id"]
    client.record(things["id"], Name="Nut")

    heard.follow(events=1)  # a page may begin within such a batch
    assert [(one["type"], one["data"]["undo"]) for one in told(hook)] == [
        ("record.created", False),
        ("record.deleted", True),
        ("record.created", True),
        ("record.deleted", True),
        ("record.created", False),
    ]


def test_a_change_behind_a_deleted_field_is_told_without_a_changed_field(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    options = {"linked_table_id": things["id"], "reverse_name": "Uses"}
    of = client.field(things["id"], "Of", "linked_record", options=options)
    one = client.record(things["id"], Name="a")
    other = client.record(things["id"], Name="b", Of=[one["id"]])
    hook = heard.hook(tenant, "record.*")
    assert client.delete(f"/fields/{of['id']}").status_code == 204
    assert client.delete(f"/records/{one['id']}").status_code == 204

    found = {each["data"]["record_id"]: each for each in told(hook)}
    data = found[other["id"]]["data"]
    assert (data["before"], data["after"], data["changed_fields"]) == ({}, {}, [])
    assert data["record"] == made(client.get(f"/records/{other['id']}"))
    assert found[one["id"]]["type"] == "record.deleted"


def test_fields_come_change_go_and_come_back(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    hook = heard.hook(tenant, "field.*", table_id=things["id"])
    field = client.field(things["id"], "Size", "number")
    path = f"/fields/{field['id']}"
    renamed = made(client.patch(path, json={"name": "Length"}))
    retyped = made(client.patch(path, json={"type": "text"}))
    gone = client.delete(path)
    made(
        client.post("/undo", json={"scope": "batch", "id": gone.headers["x-batch-id"]})
    )

    found = told(hook)
    assert [one["type"] for one in found] == [
        "field.created",
        "field.updated",
        "field.updated",
        "field.deleted",
        "field.created",
    ]
    created, name, type_, deleted, restored = (one["data"] for one in found)
    assert created["field"] == field
    assert (created["before"], created["after"]) == (None, field)
    assert name["field"] == renamed
    assert (name["before"], name["after"]) == ({"name": "Size"}, {"name": "Length"})
    assert name["changed_fields"] == ["name"]
    assert type_["field"] == retyped
    assert type_["before"]["type"] == "number"
    assert type_["after"]["type"] == "text"
    assert deleted["field"] == deleted["before"]
    assert deleted["field"]["name"] == "Length"
    assert deleted["after"] is None
    assert restored["field"]["name"] == "Length"
    assert restored["undo"] is True
    assert {one["field_id"] for one in (created, name, type_, deleted)} == {field["id"]}


def test_tables_come_change_go_and_come_back(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    hook = heard.hook(tenant, "table.*")
    other = client.table("Name", base_id=things["base_id"], name="Parts")
    path = f"/tables/{other['id']}"
    made(client.patch(path, json={"name": "Pieces"}))
    gone = client.delete(path)
    made(
        client.post("/undo", json={"scope": "batch", "id": gone.headers["x-batch-id"]})
    )

    found = told(hook)
    assert [one["type"] for one in found] == [
        "table.created",
        "table.updated",
        "table.deleted",
        "table.created",
    ]
    created, updated, deleted, restored = (one["data"] for one in found)
    assert created["table"]["name"] == "Parts"
    assert created["table"]["primary_field_id"] is None  # its fields come after it
    assert (updated["before"], updated["after"]) == (
        {"name": "Parts"},
        {"name": "Pieces"},
    )
    assert deleted["before"]["name"] == "Pieces"
    assert restored["table"]["primary_field_id"] == other["primary_field_id"]


def test_views_constraints_and_members_are_not_told(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    hook = heard.hook(tenant)
    client.view(things["id"])
    client.constraint(things["ids"]["Name"])
    assert told(hook) == []


def test_what_changes_nothing_is_not_told(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    record = client.record(things["id"], Name="Bolt")
    hook = heard.hook(tenant)
    path = f"/records/{record['id']}"
    made(client.patch(path, json={"fields": {"Name": "Bolt"}}))
    made(client.patch(f"/tables/{things['id']}", json={"name": things["name"]}))
    assert told(hook) == []


def test_both_ends_of_a_link_are_told(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    options = {"linked_table_id": things["id"], "reverse_name": "Uses"}
    uses = client.table(
        "Name",
        {"name": "Of", "type": "linked_record", "options": options},
        base_id=things["base_id"],
        name="Uses",
    )
    one, other = client.records(things["id"], {"Name": "a"}, {"Name": "b"})
    use = client.record(uses["id"], Name="u", Of=[one["id"]])
    hook = heard.hook(tenant, "record.updated")
    body = {"fields": {"Of": [other["id"]]}}
    made(client.patch(f"/records/{use['id']}", json=body))

    found = {one["data"]["record_id"]: one for one in told(hook)}
    assert {key: brief(each)[1:] for key, each in found.items()} == {
        use["id"]: ({"Of": [one["id"]]}, {"Of": [other["id"]]}),
        one["id"]: ({"Uses": [use["id"]]}, {"Uses": None}),
        other["id"]: ({"Uses": None}, {"Uses": [use["id"]]}),
    }
    for record_id, each in found.items():
        shown = made(client.get(f"/records/{record_id}"))
        assert each["data"]["record"] == shown


def test_names_and_choices_are_those_of_the_moment(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    hook = heard.hook(tenant, "record.*")
    record = client.record(things["id"], Name="Bolt", State="Open")
    path = f"/records/{record['id']}"
    made(client.patch(path, json={"fields": {"State": "Shut"}}))
    choices = [{"id": "open", "name": "Begun"}, {"id": "shut", "name": "Done"}]
    body: Json = {"name": "Stage", "options": {"choices": choices}}
    made(client.patch(f"/fields/{things['ids']['State']}", json=body))
    made(client.delete(path).raise_for_status() and client.get("/users/me"))

    created, updated, deleted = told(hook)
    assert created["data"]["after"]["State"] == "Open"
    assert brief(updated)[1:] == ({"State": "Open"}, {"State": "Shut"})
    assert updated["data"]["record"]["fields"]["State"] == "Shut"
    assert deleted["data"]["before"]["Stage"] == "Done"


def test_a_change_of_type_is_told_once_whatever_became_of_the_values(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    client.records(things["id"], *({"Price": number} for number in range(20)))
    hook = heard.hook(tenant)
    path = f"/fields/{things['ids']['Price']}"
    made(client.patch(path, json={"type": "text"}))
    assert [one["type"] for one in told(hook)] == ["field.updated"]


def test_a_record_that_is_written_all_the_time_is_told_as_it_was_each_time(
    client: Client,
    heard: Hearing,
    tenant: Tenant,
    things: Json,
    monkeypatch: pytest.MonkeyPatch,
):
    looked: list[Any] = []

    async def looking(*asked: Any) -> Any:
        looked.append(asked)
        return await rows_of_then(*asked)

    monkeypatch.setattr(records, "rows_of_then", looking)
    record = client.record(things["id"], Name="Bolt", Price=0)
    hook = heard.hook(tenant, "record.updated")
    path = f"/records/{record['id']}"
    shown = [
        made(client.patch(path, json={"fields": {"Price": price}}))
        for price in range(1, 51)
    ]
    heard.follow(events=4)
    found = heard.told(tenant, hook)
    assert [one["data"]["record"] for one in found] == shown
    assert len(looked) == 1  # what came since is read once
    assert [brief(one)[1:] for one in found] == [
        ({"Price": price - 1}, {"Price": price}) for price in range(1, 51)
    ]


def test_a_thousand_records_are_a_thousand_messages(
    client: Client, heard: Hearing, tenant: Tenant, things: Json, told: Any
):
    hook = heard.hook(tenant, "record.*", table_id=things["id"])
    items = client.records(things["id"], *({"Price": n} for n in range(1_000)))
    updates = [{"record_id": one["id"], "fields": {"Price": None}} for one in items]
    body = {"table_id": things["id"], "updates": updates}
    changed = made(client.patch("/records/batch", json=body))["items"]
    found = told(hook)
    assert [one["data"]["record"] for one in found] == items + changed


def test_values_of_every_type_are_told_as_they_are_read(client: Client, heard: Hearing):
    base = client.base()
    tenant = heard.of(client, base)
    table = of_every_type(tenant)
    assert {one.type for one in table.fields} == set(FIELD_TYPES)
    hook = heard.hook(tenant, "record.*")
    record, other = tenant.create(table, {}, {})
    path = f"/records/{record}"
    steps: list[tuple[str, Any]] = [
        (name, tenant.user_id if value == "me" else value)
        for which in (1, 2)
        for name, row in TYPES.items()
        if name not in READ_ONLY and (value := row[which]) is not None
    ]
    steps += [("linked_record", [other]), ("linked_record", None), ("user", None)]
    shown = [client.get(path).content]
    for name, value in steps:
        tenant.do(tenant.updating(table, {record: {name: value}}))
        shown.append(client.get(path).content)
    heard.follow()

    rows = [row for row in heard.rows(tenant, hook) if row[3] == record]
    own = [digits(bytes(row[-1])) for row in rows]
    read = [digits(one) for one in shown]
    assert [one["data"]["record"] for one in own] == read
    for (name, _), one, before, after in zip(
        steps, own[1:], read[:-1], read[1:], strict=True
    ):
        assert one["data"]["changed_fields"] == [name]
        assert one["data"]["before"] == {name: before["fields"][name]}
        assert one["data"]["after"] == {name: after["fields"][name]}


def digits(body: bytes) -> Any:
    """JSON with its numbers as they are spelled."""
    return json.loads(body, parse_float=str, parse_int=str)
