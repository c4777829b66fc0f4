"""Rows 17 to 19: ids of another tenant, in every place that takes an id."""

import json
import re

import pytest

from tests.api.threats.attack import CANARY, resolved, same_but_for
from tests.client import Json, made, new_id

ID = re.compile(r"(?:^|_)ids?$")


# ----------------------------------------------- row 17: every route, every kind of id


class Slots:
    """An operation's places for an id, and how to fill them."""

    def __init__(self, method, path, operation):
        self.method, self.path = method, path
        self.schemas, self.body = operation["schemas"], operation["body"]
        self.query = [
            one["name"]
            for one in operation["parameters"]
            if one["in"] == "query" and ID.search(one["name"])
        ]

    def __bool__(self):
        """Whether there is any."""
        filled = str(self.filled("<id>"))
        return "<id>" in filled

    def filled(self, given):
        """What `request` takes, with one id in every place."""
        request = {
            "method": self.method,
            "url": re.sub(r"{\w+}", given, self.path),
            "params": dict.fromkeys(self.query, given),
        }
        if self.method != "GET":
            request["json"] = self._value("", self.body, given)
        return request

    def _value(self, name, schema, given):
        schema = resolved(schema, self.schemas)
        kind = schema.get("type")
        if kind == "object" and "properties" not in schema:
            return {"Name": "text"}
        if kind == "object":
            wanted = set(schema.get("required", ()))
            return {
                key: self._value(key, one, given)
                for key, one in schema["properties"].items()
                if key in wanted or ID.search(key)
            }
        if kind == "array":
            return [self._value(name, schema["items"], given)]
        if kind == "string":
            words = schema.get("enum", ["text"])
            return given if ID.search(name) else words[0]
        return {"boolean": True, "integer": 1, "number": 1}.get(kind, {})


@pytest.fixture
def routes(operations):
    found = [
        Slots(method, path, operation)
        for (method, path), operation in operations.items()
    ]
    return [one for one in found if one]


def test_threat_17_the_slots_of_an_operation_are_found(routes):
    filled = {(one.method, one.path): one.filled("X") for one in routes}

    assert len(routes) > 60
    assert filled["PATCH", "/records/batch"]["json"] == {
        "table_id": "X",
        "updates": [{"record_id": "X", "fields": {"Name": "text"}}],
    }
    assert filled["GET", "/constraints"]["params"] == {"table_id": "X", "field_id": "X"}
    assert filled["GET", "/records/{id}"]["url"] == "/records/X"
    assert filled["POST", "/workspaces/{id}/members"]["json"]["user_id"] == "X"


def test_threat_17_an_id_of_anothers_answers_as_a_random_one(
    attack, client, victim, routes
):
    assert len(victim.ids) == 12
    for route in routes:
        never = new_id()
        with attack.nothing_happens():
            nowhere = client.request(**route.filled(never))
            assert nowhere.status_code in (404, 422, 501), (
                f"{route.path} {nowhere.text}"
            )
            for kind, theirs in victim.ids.items():
                there = client.request(**route.filled(theirs))
                attack.shows_nothing(there, sent=theirs)
                assert same_but_for(there, theirs) == same_but_for(nowhere, never), (
                    f"{route.method} {route.path} with the id of a {kind}"
                )


def test_threat_17_a_record_id_of_anothers_table_that_was_never_given_out(
    attack, client, victim, routes
):
    """A record's id names its table: that alone must not be a hint."""
    never, beside = new_id(), victim.ids["record"][:-4] + "ffff"
    for route in routes:
        there, nowhere = (
            client.request(**route.filled(one)) for one in (beside, never)
        )
        attack.shows_nothing(there)
        assert same_but_for(there, beside) == same_but_for(nowhere, never), route.path


def test_threat_17_nothing_of_anothers_is_in_what_is_listed(attack, client, victim):
    table = client.table("Name")
    paths = [
        "/workspaces",
        "/users/me/api-keys",
        "/bases",
        f"/bases?workspace_id={table['workspace_id']}",
        f"/tables?base_id={table['base_id']}",
        f"/fields?table_id={table['id']}",
        f"/records?table_id={table['id']}",
        f"/events?workspace_id={table['workspace_id']}",
        f"/workspaces/{table['workspace_id']}/members",
    ]

    for path in paths:
        reply = attack(client, "GET", path, expect=200)
        assert not [one for one in victim.ids.values() if one in reply.text]


# --------------------------------------------------- row 18: one's own, with another's


@pytest.fixture
def own(client):
    """A table of the attacker's own that links to another one."""
    base = client.base()
    other = client.table("Name", base_id=base["id"], name="Other")
    table = client.table(
        "Name",
        {
            "name": "Links",
            "type": "linked_record",
            "options": {"linked_table_id": other["id"]},
        },
        base_id=base["id"],
    )
    record = client.record(table["id"], Name="a")
    return {**table, "other": other["id"], "record": record["id"]}


def requests(own, theirs):
    """(what, status, method, path, request) with one id that is not one's own."""
    table_id, record = own["id"], own["record"]
    in_table = {"table_id": table_id}
    link = {"linked_table_id": theirs["table"]}
    yield (
        "filter",
        422,
        "GET",
        "/records",
        {"params": {**in_table, "filter": json.dumps({theirs["field"]: "x"})}},
    )
    yield (
        "sort",
        422,
        "GET",
        "/records",
        {"params": {**in_table, "sort": json.dumps([{"field": theirs["field"]}])}},
    )
    yield (
        "value",
        422,
        "POST",
        "/records",
        {"json": {**in_table, "fields": {theirs["field"]: "x"}}},
    )
    yield (
        "change",
        422,
        "PATCH",
        f"/records/{record}",
        {"json": {"fields": {theirs["field"]: "x"}}},
    )
    yield (
        "link",
        409,
        "POST",
        "/records",
        {"json": {**in_table, "fields": {"Links": [theirs["record"]]}}},
    )
    yield (
        "new link",
        409,
        "PATCH",
        f"/records/{record}",
        {"json": {"fields": {"Links": [theirs["record"]]}}},
    )
    yield (
        "filter by link",
        200,
        "GET",
        "/records",
        {
            "params": {
                **in_table,
                "filter": json.dumps({"Links": {"$contains": theirs["record"]}}),
            }
        },
    )
    yield (
        "linked table",
        404,
        "POST",
        "/fields",
        {"json": {**in_table, "name": "L", "type": "linked_record", "options": link}},
    )
    yield (
        "table that links",
        404,
        "POST",
        "/tables",
        {
            "json": {
                "base_id": own["base_id"],
                "name": "T",
                "fields": [{"name": "L", "type": "linked_record", "options": link}],
            }
        },
    )
    yield (
        "table of the link",
        (404, 409, 422),
        "PATCH",
        f"/fields/{own['ids']['Links']}",
        {"json": {"options": link}},
    )
    yield (
        "records of a batch",
        404,
        "PATCH",
        "/records/batch",
        {
            "json": {
                **in_table,
                "updates": [
                    {"record_id": one, "fields": {"Name": "x"}}
                    for one in (record, theirs["record"])
                ],
            }
        },
    )
    yield (
        "records to go",
        404,
        "DELETE",
        "/records/batch",
        {"json": {**in_table, "record_ids": [record, theirs["record"]]}},
    )
    yield (
        "records to go, in the query",
        404,
        "DELETE",
        "/records/batch",
        {"params": {**in_table, "record_ids": f"{record},{theirs['record']}"}},
    )
    yield (
        "constraints",
        404,
        "GET",
        "/constraints",
        {"params": {**in_table, "field_id": theirs["field"]}},
    )
    yield (
        "events",
        200,
        "GET",
        "/events",
        {
            "params": {
                "workspace_id": own["workspace_id"],
                "table_id": theirs["table"],
            }
        },
    )


def test_threat_18_ones_own_with_anothers_answers_as_with_a_random_one(
    attack, client, victim, own
):
    for theirs in (victim.ids, {**victim.ids, "field": victim.ids["link"]}):
        never = {kind: new_id() for kind in theirs}
        for there, nowhere in zip(
            requests(own, theirs), requests(own, never), strict=True
        ):
            replies = []
            for _, status, method, path, request in (there, nowhere):
                replies.append(attack(client, method, path, expect=status, **request))
            assert same_but_for(replies[0], *theirs.values()) == same_but_for(
                replies[1], *never.values()
            ), there[0]


def test_threat_18_a_thing_is_not_moved_to_another_tenant(client, victim, own):
    theirs = {
        "workspace_id": victim.ids["workspace"],
        "base_id": victim.ids["base"],
        "table_id": victim.ids["table"],
        "linked_table_id": victim.ids["table"],
    }
    before = victim.client.position(victim.workspace_id)
    things: dict[str, Json] = {
        f"/bases/{own['base_id']}": {"name": "Moved"},
        f"/tables/{own['id']}": {"name": "Moved"},
        f"/fields/{own['ids']['Name']}": {"name": "Moved"},
        f"/records/{own['record']}": {"fields": {"Name": "Moved"}},
    }

    for path, body in things.items():
        client.patch(path, json={**theirs, **body})
        after = made(client.get(path))
        assert not set(theirs.values()) & set(map(str, after.values())), path
    assert victim.client.position(victim.workspace_id) == before


def test_threat_18_a_key_of_ones_own_opens_nothing_of_anothers(attack, client, victim):
    """An idempotency key that the victim used gives its reply to nobody else."""
    key = {"idempotency-key": f"key-{new_id()}"}
    body = {"table_id": victim.ids["table"], "fields": {}}
    made(victim.client.post("/records", json=body, headers=key))

    attack(client, "POST", "/records", expect=404, json=body, headers=key)


# ----------------------------------------------------- row 19: one in a hundred


@pytest.mark.parametrize("place", [0, 57, 99])
def test_threat_19_a_batch_with_one_link_to_anothers_is_refused_whole(
    attack, client, victim, own, place
):
    mine = client.record(own["other"], Name="x")["id"]
    replies = []
    for id_ in (victim.ids["record"], new_id()):
        rows = [{"fields": {"Links": [mine]}} for _ in range(100)]
        rows[place] = {"fields": {"Links": [mine, id_]}}
        body = {"table_id": own["id"], "records": rows}
        reply = attack(client, "POST", "/records/batch", expect=409, json=body)
        assert reply.json()["index"] == place
        replies.append(same_but_for(reply, id_))

    assert replies[0] == replies[1]


@pytest.mark.parametrize("place", [0, 57, 99])
def test_threat_19_a_batch_with_one_record_of_anothers_is_refused_whole(
    attack, client, victim, own, place
):
    ids = [one["id"] for one in client.records(own["id"], *[{} for _ in range(99)])]
    replies = []
    for id_ in (victim.ids["record"], new_id()):
        given = [*ids[:place], id_, *ids[place:]]
        updates = [{"record_id": one, "fields": {"Name": "x"}} for one in given]
        for method, body in (
            ("PATCH", {"updates": updates}),
            ("DELETE", {"record_ids": given}),
        ):
            body = {"table_id": own["id"], **body}
            reply = attack(client, method, "/records/batch", expect=404, json=body)
            replies.append(same_but_for(reply, id_))

    assert replies[:2] == replies[2:]


def test_the_victim_has_everything_still(victim):
    record = made(victim.client.get(f"/records/{victim.ids['record']}"))

    assert record["fields"][CANARY] == CANARY
    assert record["version"] == 1
