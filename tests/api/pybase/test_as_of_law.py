"""The law of reading as of a moment: each answer of then is given again, to the byte.

A history is written by chance, with a seed.  After each write the calls are asked and
their answers kept; at the end each position is asked again.  Every position that had no
answer of its own (within a batch) has to be readable too.
"""

import json
import random
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.api.pybase.test_retype import take_back
from tests.client import Client, Json, made

Write = Callable[["World"], "httpx2.Response | None"]

CHOICES = {"choices": [{"name": name} for name in ("Open", "Waiting", "Closed")]}
NAMES = ("Ada", "Grace", "Joan", "émile", "12", "7.5", "2024-02-29", "Open", "")
FIELDS: dict[str, tuple[str, Json]] = {
    "name": ("text", {}),
    "age": ("number", {}),
    "day": ("date", {}),
    "state": ("single_select", CHOICES),
    "tags": ("multi_select", CHOICES),
    "done": ("checkbox", {}),
    "size": ("dimension", {"unit": "mm"}),
    "no": ("autonumber", {}),
}
VALUES: dict[str, list[Any]] = {
    "text": [*NAMES, None],
    "number": [0, 1, 2.5, -3, None],
    "date": ["2024-01-31", "1999-12-31", None],
    "single_select": ["Open", "Closed", None],
    "multi_select": [["Open"], ["Closed", "Open"], None],
    "checkbox": [True, False, None],
    "dimension": [{"value": 12.5, "unit": "mm"}, None],
}
QUESTIONS: list[Json] = [
    {},
    {"sort": '[{"field":"name","direction":"desc"}]', "limit": "3", "offset": "1"},
    {"filter": '{"name":{"$contains":"a"}}'},
    {"filter": '{"age":{"$gte":1}}', "sort": '[{"field":"age","direction":"asc"}]'},
    {"filter": '{"state":{"$neq":"Open"}}', "page": "1", "page_size": "2"},
    {"filter": '{"friends":{"$ne":null}}', "by": "id"},
    {"fields": "name,friends,back"},
]


class World:
    """A base with tables that are linked with each other and with themselves."""

    def __init__(
        self,
        client: Client,
        take: Callable[[str, httpx2.Response], None],
        seed: int,
    ) -> None:
        self.client, self.chance, self.take = client, random.Random(seed), take
        base = client.base()
        self.base_id, self.workspace_id = base["id"], base["workspace_id"]
        self.tables: list[str] = []
        self.records: list[str] = []
        self.batches: list[httpx2.Response] = []
        self.answers: list[tuple[str, Json, int, bytes, Json]] = []
        self.named = 0

    def pick(self, items: list[Any]) -> Any:
        return self.chance.choice(items) if items else None

    def some(self, items: list[Any], most: int = 3) -> list[Any]:
        return self.chance.sample(items, min(len(items), self.chance.randint(0, most)))

    def shown(self) -> list[Json]:
        return [
            one.json()
            for table_id in self.tables
            if (one := self.client.get(f"/tables/{table_id}")).is_success
        ]

    def there(self, table_id: str) -> list[Json]:
        params = {"table_id": table_id, "limit": "1000"}
        items: list[Json] = made(self.client.get("/records", params=params))["items"]
        return items

    def keep_answers(self) -> None:
        """What the calls answer now, whatever it is."""
        head = self.client.position(self.workspace_id)
        for path, params in self.calls():
            reply = self.client.get(path, params=params)
            headers = {"etag": reply.headers.get("etag")}
            self.answers.append(
                (
                    path,
                    {**params, "as_of": head},
                    reply.status_code,
                    reply.content,
                    headers,
                )
            )

    def calls(self) -> list[tuple[str, Json]]:
        calls: list[tuple[str, Json]] = []
        for table_id in self.tables:
            calls.append((f"/tables/{table_id}", {}))
            calls.append(("/fields", {"table_id": table_id}))
            for one in some_questions(self):
                calls.append(("/records", {"table_id": table_id, **one}))
            sort = '[{"field":"name","direction":"asc"}]'
            params = {"table_id": table_id, "sort": sort, "limit": "2"}
            calls.append(("/records/cursor", params))
        calls += [(f"/records/{one}", {}) for one in self.records]
        return calls


def some_questions(world: World) -> list[Json]:
    """The plain list, and some others."""
    return [QUESTIONS[0], *world.chance.sample(QUESTIONS[1:], 2)]


def make_table(world: World) -> httpx2.Response | None:
    if len(world.tables) == 3:
        return None
    names = ["name", *world.some(list(FIELDS)[1:], 5)]
    fields = [
        {"name": name, "type": FIELDS[name][0], "options": FIELDS[name][1]}
        for name in names
    ]
    world.named += 1
    body = {"base_id": world.base_id, "name": f"T{world.named}", "fields": fields}
    reply = world.client.post("/tables", json=body)
    world.tables.append(made(reply)["id"])
    return reply


def link_tables(world: World) -> httpx2.Response | None:
    tables = world.shown()
    if not tables:
        return None
    one, other = world.pick(tables), world.pick(tables)
    body = {
        "table_id": one["id"],
        "name": "friends",
        "type": "linked_record",
        "options": {"linked_table_id": other["id"], "reverse_name": "back"},
    }
    return world.client.post("/fields", json=body)


def values(world: World, table: Json) -> Json:
    found: Json = {}
    for field in table["fields"]:
        if field["type"] == "linked_record" and world.chance.random() < 0.7:
            far = [
                one["id"] for one in world.there(field["options"]["linked_table_id"])
            ]
            found[field["name"]] = world.some(far, 4) or None
        elif field["type"] in VALUES and world.chance.random() < 0.6:
            found[field["name"]] = world.pick(VALUES[field["type"]])
    return found


def create(world: World) -> httpx2.Response | None:
    table = world.pick(world.shown())
    if table is None:
        return None
    rows = [{"fields": values(world, table)} for _ in range(world.chance.randint(1, 3))]
    reply = world.client.post(
        "/records/batch", json={"table_id": table["id"], "records": rows}
    )
    if reply.is_success:
        world.records += [one["id"] for one in reply.json()["items"]]
    return reply


def update(world: World) -> httpx2.Response | None:
    table = world.pick(world.shown())
    rows = world.some(world.there(table["id"])) if table else []
    if not rows:
        return None
    updates = [{"record_id": one["id"], "fields": values(world, table)} for one in rows]
    updates = [one for one in updates if one["fields"]]
    body = {"table_id": table["id"], "updates": updates}
    return world.client.patch("/records/batch", json=body)


def delete(world: World) -> httpx2.Response | None:
    table = world.pick(world.shown())
    rows = world.some(world.there(table["id"]), 2) if table else []
    if not rows:
        return None
    ids = [one["id"] for one in rows]
    body = {"table_id": table["id"], "record_ids": ids}
    return world.client.delete_with("/records/batch", body)


def take_back_one(world: World) -> httpx2.Response | None:
    """Undoes a write, if it can be: deletions of all kinds, and anything else."""
    reply = world.pick(world.batches[-8:])
    made_something = reply is not None and reply.request.method == "POST"
    if reply is not None and not (made_something and world.chance.random() < 0.8):
        try:
            world.take(world.workspace_id, reply)
        except Exception:  # a conflict, told as the domain tells it
            return None
    return None


def field_of(world: World) -> tuple[Json, Json] | None:
    table = world.pick(world.shown())
    if table is None or not table["fields"]:
        return None
    return table, world.pick(table["fields"])


def make_field(world: World) -> httpx2.Response | None:
    table, name = world.pick(world.shown()), world.pick(list(FIELDS))
    if table is None:
        return None
    type_, options = FIELDS[name]
    body = {"table_id": table["id"], "name": name, "type": type_, "options": options}
    return world.client.post("/fields", json=body)


def rename_field(world: World) -> httpx2.Response | None:
    found = field_of(world)
    if found is None:
        return None
    new = world.pick(["age", "years", "friends", "name", "no"])
    return world.client.patch(f"/fields/{found[1]['id']}", json={"name": new})


def delete_field(world: World) -> httpx2.Response | None:
    found = field_of(world)
    if found is None or found[1]["is_primary"]:
        return None
    return world.client.delete(f"/fields/{found[1]['id']}")


def retype_field(world: World) -> httpx2.Response | None:
    found = field_of(world)
    if found is None:
        return None
    _, field = found
    if field["type"] in ("text", "number"):
        type_ = world.pick(["text", "number", "single_select", "linked_record"])
    else:
        type_ = "text"
    body: Json = {"type": type_, "force": True}
    if type_ == "linked_record":
        other = world.pick(world.shown())
        body["options"] = {"linked_table_id": other["id"], "reverse_name": "back"}
    return world.client.patch(f"/fields/{field['id']}", json=body)


def drop_choice(world: World) -> httpx2.Response | None:
    found = field_of(world)
    if found is None or "choices" not in (found[1]["options"] or {}):
        return None
    kept = world.some(found[1]["options"]["choices"], 2)
    body = {"options": {"choices": kept}, "force": True}
    return world.client.patch(f"/fields/{found[1]['id']}", json=body)


def rename_table(world: World) -> httpx2.Response | None:
    world.named += 1
    table = world.pick(world.tables)
    return world.client.patch(f"/tables/{table}", json={"name": f"T{world.named}"})


def delete_table(world: World) -> httpx2.Response | None:
    table = world.pick(world.tables)
    return world.client.delete(f"/tables/{table}")


STEPS_EACH = 14
# what a history is mostly made of
MIXES: dict[str, list[Write]] = {
    "everything": [],
    "links": [create, update, update, update, delete, take_back_one],
    "types": [create, update, update, retype_field, retype_field, take_back_one],
}
STEPS: list[tuple[Write, int]] = [
    (make_table, 2),
    (link_tables, 3),
    (create, 8),
    (update, 10),
    (delete, 4),
    (take_back_one, 5),
    (make_field, 2),
    (rename_field, 2),
    (delete_field, 2),
    (retype_field, 4),
    (drop_choice, 1),
    (rename_table, 1),
    (delete_table, 1),
]


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("seed", range(1))
def test_each_answer_of_then_is_given_again(
    client: Client, server, recorded_events, seed: int, mix: str
):
    def take(workspace_id: str, reply: httpx2.Response) -> None:
        take_back(server, recorded_events, workspace_id, reply)

    world = World(client, take, seed)
    steps: list[Write] = [
        make_table,
        link_tables,
        create,
        make_table,
        link_tables,
        create,
    ]
    weighted = [one for one, weight in STEPS for _ in range(weight)]
    steps += world.chance.choices(MIXES[mix] or weighted, k=STEPS_EACH)
    for step in steps:
        reply = step(world)
        if reply is not None and reply.is_success and "x-batch-id" in reply.headers:
            world.batches.append(reply)
        world.keep_answers()

    # moment by moment, for shadows are few, and the moments in any order
    moments = {
        params["as_of"]: world.chance.random() for _, params, *_ in world.answers
    }
    world.answers.sort(key=lambda one: moments[one[1]["as_of"]])
    for path, params, status, body, headers in world.answers:
        reply = client.get(path, params=params)
        told = f"seed {seed}: {path} {json.dumps(params)}"
        assert reply.status_code == status, f"{told}: {reply.text}"
        assert reply.content == body, told
        if reply.is_success:
            assert reply.headers.get("etag") == headers["etag"], told
            assert reply.headers["x-position"] == str(params["as_of"]), told
