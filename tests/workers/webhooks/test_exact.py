"""What is told of a record is what the record was: to the byte, whatever came since."""

import random
from collections.abc import Callable
from typing import Any

import httpx2
import orjson
import pytest

from tests.api.pybase import test_as_of_law as law
from tests.api.pybase.test_retype import take_back
from tests.client import Client, Json, made
from tests.workers.webhooks.heard import Hearing

STEPS_EACH = 10


def a_history(
    client: Client,
    server: Any,
    recorded_events: Any,
    mix: str,
    between: Callable[[law.World], None],
) -> law.World:
    def take(workspace_id: str, reply: httpx2.Response) -> None:
        take_back(server, recorded_events, workspace_id, reply)

    world = law.World(client, take, 7)
    steps = [law.make_table, law.link_tables, law.create] * 2
    weighted = [one for one, weight in law.STEPS for _ in range(weight)]
    steps += world.chance.choices(law.MIXES[mix] or weighted, k=STEPS_EACH)
    between(world)
    for step in steps:
        reply = step(world)
        if reply is not None and reply.is_success and "x-batch-id" in reply.headers:
            world.batches.append(reply)
        between(world)
    return world


def as_of(client: Client, record_id: str, position: int) -> Any:
    reply = client.get(f"/records/{record_id}", params={"as_of": str(position)})
    return without_itself(reply.json()) if reply.is_success else None


def without_itself(shown: Any) -> Any:
    """A link of a record to itself is told in two events of one batch: between them the
    one end has it and the other has not, and no read says where it will stand."""
    for name, value in shown["fields"].items():
        if isinstance(value, list) and shown["id"] in value:
            shown["fields"][name] = [one for one in value if one != shown["id"]] or None
    return shown


@pytest.mark.parametrize(
    ("pace", "mix"),
    [
        ("each", "everything"),  # the rows are still those of now
        ("all", "links"),  # in one go, long after
        ("all", "types"),
        ("few", "everything"),  # in pages that end within batches
        ("few", "links"),
    ],
)
def test_each_record_is_told_as_it_was_then(
    client: Client,
    server: Any,
    recorded_events: Any,
    heard: Hearing,
    pace: str,
    mix: str,
):
    hooks: list[Any] = []

    def between(world: law.World) -> None:
        if not hooks:
            tenant = heard.of(
                client, {"workspace_id": world.workspace_id, "id": world.base_id}
            )
            hooks.extend([tenant, heard.hook(tenant)])
        elif pace == "each":
            heard.follow()

    world = a_history(client, server, recorded_events, mix, between)
    heard.follow(events=5 if pace == "few" else None)

    tenant, webhook_id = hooks
    events = {one["seq"]: one for one in recorded_events(world.workspace_id)}
    told = heard.told(tenant, webhook_id)
    assert {one["data"]["position"] for one in told} == {
        seq for seq, one in events.items() if _is_told(one["type"])
    } - {seq for seq in events if seq < min(_positions(told))}
    for one in told:
        if one["type"].startswith("record."):
            _check(client, one)


def _positions(told: list[Json]) -> list[int]:
    return [one["data"]["position"] for one in told]


def _is_told(type_: str) -> bool:
    noun = type_.partition(".")[0]
    return noun in ("record", "field", "table") and type_ != "field.converted"


def _check(client: Client, one: Json) -> None:
    data = one["data"]
    position, record_id = data["position"], data["record_id"]
    without_itself(data["record"])
    for side in ("before", "after"):
        without_itself({"id": record_id, "fields": data[side] or {}})
    before = as_of(client, record_id, position - 1)
    after = as_of(client, record_id, position)
    if one["type"] == "record.deleted":
        assert data["record"] == before
        assert after is None
        assert data["after"] is None
        assert data["before"] == before["fields"]
        return
    assert data["record"] == after
    if one["type"] == "record.created":
        assert before is None
        assert data["before"] is None
        assert data["after"] == after["fields"]
        return
    changed = {
        name
        for name, value in after["fields"].items()
        if value != before["fields"].get(name)
    }
    assert changed <= set(data["changed_fields"])
    for name in data["changed_fields"]:
        assert data["before"][name] == before["fields"][name]
        assert data["after"][name] == after["fields"][name]


def test_what_is_told_makes_the_table_when_it_is_folded(client: Client, heard: Hearing):
    """Of a history without changes of the schema: from `before` and `after` alone."""
    chance = random.Random(3)
    people = client.table("Name", name="People")
    tasks = client.table(
        "Title",
        {"name": "Left", "type": "number"},
        {
            "name": "Of",
            "type": "linked_record",
            "options": {"linked_table_id": people["id"], "reverse_name": "Tasks"},
        },
        base_id=people["base_id"],
        name="Tasks",
    )
    tenant = heard.of(client, people)
    hook = heard.hook(tenant)
    live: dict[str, list[str]] = {people["id"]: [], tasks["id"]: []}
    batches: list[str] = []
    for _ in range(30):
        table = chance.choice([people, tasks])
        own = live[table["id"]]
        far = live[people["id"]]
        values: Json = {table["fields"][0]["name"]: chance.choice("abc")}
        if table is tasks:
            values |= {
                "Left": chance.randrange(3),
                "Of": chance.sample(far, len(far) // 2),
            }
        kind = chance.choice(["create", "create", "update", "update", "delete", "undo"])
        if kind == "create":
            reply = client.post(
                "/records", json={"table_id": table["id"], "fields": values}
            )
            own.append(made(reply)["id"])
        elif kind == "update" and own:
            reply = client.patch(
                f"/records/{chance.choice(own)}", json={"fields": values}
            )
        elif kind == "delete" and own:
            reply = client.delete(f"/records/{own.pop(chance.randrange(len(own)))}")
        elif batches:
            body = {"scope": "batch", "id": batches.pop()}
            reply = client.post("/undo", json=body)
            for each in live:
                listed = made(client.get("/records", params={"table_id": each}))
                live[each] = [one["id"] for one in listed["items"]]
        else:
            continue
        if reply.is_success and "x-batch-id" in reply.headers:
            batches.append(reply.headers["x-batch-id"])
    heard.follow()

    folded: dict[str, Json] = {}
    for one in heard.told(tenant, hook):
        data = one["data"]
        record_id = data["record_id"]
        if data["before"] is not None:
            known = folded[record_id]
            assert {name: known[name] for name in data["before"]} == data["before"]
        if data["after"] is None:
            del folded[record_id]
        else:
            folded[record_id] = {**folded.get(record_id, {}), **data["after"]}
    listed = {
        one["id"]: one["fields"]
        for each in live
        for one in made(client.get("/records", params={"table_id": each}))["items"]
    }
    assert folded == listed
    assert orjson.dumps(listed) != b"{}"
