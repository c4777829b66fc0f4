"""Walks of undo: whatever was done, one step back is the state of before, and one step
forth again that of after.

Each walk does writes of every kind at random, looks at everything after each, goes back
to the beginning with `latest`, and forth again by redoing each undo.
"""

import random

import pytest

from domain.ids import WorkspaceId
from tests.client import made
from tests.commands.tenant import Tenant, problems

STEPS = 14
PASSING = {"version", "updated_at", "last_modified", "updated_by", "schema_version"}


def bare(thing):
    """What is looked at, without what moves on."""
    if isinstance(thing, dict):
        return {name: bare(one) for name, one in thing.items() if name not in PASSING}
    return [bare(one) for one in thing] if isinstance(thing, list) else thing


class Walk:
    """A table that links to itself and to another, and how it is changed at random."""

    def __init__(self, client, seed):
        self.client, self.draw = client, random.Random(seed)
        self.table = client.table("Name", {"name": "Price", "type": "number"})
        self.workspace = self.table["workspace_id"]
        other = client.table("Title", base_id=self.table["base_id"], name="Others")
        self.other = other["id"]
        for name, target in (("Next", self.table["id"]), ("Other", self.other)):
            client.field(
                self.table["id"],
                name,
                "linked_record",
                options={"linked_table_id": target},
            )
        client.records(self.other, {"Title": "a"}, {"Title": "b"}, {"Title": "c"})
        client.records(self.table["id"], *[{"Name": f"n{n}"} for n in range(3)])
        self.made = 0

    def ids(self, table_id=None):
        query = {"table_id": table_id or self.table["id"], "limit": 1000}
        return [
            one["id"]
            for one in made(self.client.get("/records", params=query))["items"]
        ]

    def some(self, items, most=3):
        count = self.draw.randint(0, min(most, len(items)))
        return self.draw.sample(list(items), count)

    def picture(self):
        seen = {}
        tables = made(
            self.client.get("/tables", params={"base_id": self.table["base_id"]})
        )
        for one in tables["items"]:
            query = {"table_id": one["id"], "limit": 1000}
            seen[one["id"]] = {
                kind: bare(made(self.client.get(f"/{kind}", params=query)))
                for kind in ("records", "fields", "constraints", "views")
            } | {"table": bare(made(self.client.get(f"/tables/{one['id']}")))}
        return seen

    # ------------------------------------------------------------------ changes

    def values(self):
        known = self.fields()
        self.made += 1
        values = {"Price": self.draw.randint(1, 9), "Name": f"v{self.made}"}
        if "Next" in known:
            values["Next"] = self.some(self.ids())
        if "Other" in known:
            values["Other"] = self.some(self.ids(self.other))
        types = {name: one["type"] for name, one in known.items()}
        takes = {"Price": "number", "Name": "text"}
        return {
            name: values[name]
            for name in self.some(values, 4)
            if types.get(name) == takes.get(name, "linked_record")
        }

    def fields(self):
        query = {"table_id": self.table["id"]}
        items = made(self.client.get("/fields", params=query))
        items = items["items"] if isinstance(items, dict) else items
        return {one["name"]: one for one in items}

    def step(self):
        """One batch; None where it was refused."""
        client, draw, table_id = self.client, self.draw, self.table["id"]
        self.made += 1
        known = list(self.fields().values())
        match draw.choice(KINDS):
            case "create":
                rows = [{"fields": self.values()} for _ in range(draw.randint(1, 4))]
                body = {"table_id": table_id, "records": rows}
                return client.post("/records/batch", json=body)
            case "update":
                updates = [
                    {"record_id": one, "fields": values}
                    for one in self.some(self.ids())
                    if (values := self.values())
                ]
                body = {"table_id": table_id, "updates": updates}
                return client.patch("/records/batch", json=body)
            case "delete":
                where = draw.choice([table_id, table_id, self.other])
                body = {"table_id": where, "record_ids": self.some(self.ids(where))}
                return client.delete_with("/records/batch", body)
            case "rename":
                path = f"/fields/{draw.choice(known)['id']}"
                return client.patch(path, json={"name": f"Field {self.made}"})
            case "add":
                kind = draw.choice(["text", "number", "checkbox"])
                body = {"table_id": table_id, "name": f"New {self.made}", "type": kind}
                return client.post("/fields", json=body)
            case "drop":
                return client.delete(f"/fields/{draw.choice(known)['id']}")
            case "retype":
                path = f"/fields/{draw.choice(known)['id']}"
                kind = draw.choice(["text", "number", "long_text"])
                return client.patch(path, json={"type": kind, "force": True})
            case "unique":
                body = {"field_id": draw.choice(known)["id"]}
                return client.post("/constraints", json=body)
            case "view":
                body = {"table_id": table_id, "name": f"View {self.made}"}
                return client.post("/views", json=body)
            case "order":
                ids = [one["id"] for one in draw.sample(known, len(known))]
                body = {"table_id": table_id, "field_ids": ids}
                return client.post("/fields/reorder", json=body)
            case other:
                raise AssertionError(other)


KINDS = (
    *("create", "update", "delete") * 3,
    "rename",
    "add",
    "drop",
    "retype",
    "unique",
    "view",
    "order",
)


@pytest.mark.parametrize("seed", range(3))
def test_back_to_the_beginning_and_forth_again(newcomer, database, seed):
    walk = Walk(newcomer, seed)
    pictures = [walk.picture()]
    while len(pictures) <= STEPS:
        position = newcomer.position(walk.workspace)
        reply = walk.step()
        assert reply.status_code < 500, reply.text
        if reply.is_success and newcomer.position(walk.workspace) > position:
            pictures.append(walk.picture())
    latest = {"scope": "latest", "workspace_id": walk.workspace}

    undos = []
    for before in reversed(pictures[:-1]):
        undos.append(made(newcomer.post("/undo", json=latest))["batch_id"])
        assert walk.picture() == before
    for batch, after in zip(reversed(undos), pictures[1:], strict=True):
        made(newcomer.post("/redo", json={"batch_id": batch}))
        assert walk.picture() == after

    workspace_id = WorkspaceId(walk.workspace)
    reading = Tenant(database, None, workspace_id=workspace_id)  # type: ignore[arg-type]
    assert problems(reading) == []
