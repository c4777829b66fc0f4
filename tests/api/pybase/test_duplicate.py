"""A-065: a base is duplicated, whole, of one moment, and shown with the last unit."""

import asyncio
import threading

import pytest

from commands import copying
from commands.unit import Origin
from commands.write import Prepared, submit
from domain.events import Actor, decode
from domain.ids import WorkspaceId
from projections import rebuild, verify
from projections.postgres import connect
from tests.client import ABSENT, Json, made

CHOICES = [{"name": "Open"}, {"name": "Closed"}]


@pytest.fixture
def base(newcomer):
    """Two tables that link to each other, and one of them to itself, with records in
    an order of links that was changed from both ends, a constraint and an old field."""
    people = newcomer.table(
        {"name": "Name", "type": "text", "required": True},
        {"name": "Age", "type": "number"},
        {"name": "Status", "type": "single_select", "options": {"choices": CHOICES}},
        {"name": "No", "type": "autonumber", "options": {"prefix": "P-"}},
        "Gone",
        name="People",
    )
    tasks = newcomer.table("Title", base_id=people["base_id"], name="Tasks")
    link = newcomer.field(
        tasks["id"],
        "Who",
        "linked_record",
        required=True,
        options={"linked_table_id": people["id"], "reverse_name": "Tasks"},
    )
    newcomer.field(
        people["id"],
        "Boss",
        "linked_record",
        options={"linked_table_id": people["id"], "reverse_name": "Reports"},
    )
    newcomer.constraint(
        people["ids"]["Name"], case_sensitive=False, error_message="{value} is there"
    )
    gone = newcomer.record(people["id"], Name="Gone", Gone="x")
    ada, bob, eve = newcomer.records(
        people["id"],
        {"Name": "Ada", "Age": 36.5, "Status": "Open", "Gone": "x"},
        {"Name": "Bob", "Status": "Closed"},
        {"Name": "Eve"},
    )
    newcomer.delete(f"/records/{gone['id']}")
    newcomer.delete(f"/fields/{people['ids']['Gone']}")
    one, two, three = newcomer.records(
        tasks["id"],
        {"Title": "One", "Who": [bob["id"], ada["id"]]},
        {"Title": "Two", "Who": [ada["id"]]},
        {"Title": "Three", "Who": [eve["id"], ada["id"], bob["id"]]},
    )
    for record, fields in [
        (ada, {"Tasks": [three["id"], one["id"], two["id"]], "Boss": [ada["id"]]}),
        (bob, {"Boss": [ada["id"], eve["id"]]}),
        (eve, {"Reports": [bob["id"], ada["id"]]}),
    ]:
        made(newcomer.patch(f"/records/{record['id']}", json={"fields": fields}))
    views(newcomer, people, tasks, link, ada)
    return {**people, "id": people["base_id"], "tables": [people, tasks], "link": link}


def views(client, people, tasks, link, ada):
    """A board with a filter and a sort, a view on links to a record, and a form."""
    status = people["ids"]["Status"]
    wanted: list[tuple[Json, Json]] = [
        (
            people,
            {
                "name": "Board",
                "type": "kanban",
                "config": {"group_field_id": status},
                "filters": [
                    {"field": "Status", "operator": "neq", "value": "Closed"},
                    {"field": "Age", "operator": "gt", "value": 5.5},
                ],
                "sorts": [{"field": "Name", "direction": "desc"}],
            },
        ),
        (
            tasks,
            {
                "name": "Ada's",
                "filters": {"NOT": {"Who": {"$not_contains": ada["id"]}}},
            },
        ),
        (
            tasks,
            {
                "name": "Ask",
                "type": "form",
                "config": {
                    "fields": [{"field_id": link["id"], "label": "Who?"}],
                    "submit_text": "Send",
                },
            },
        ),
    ]
    for table, body in wanted:
        made(client.post("/views", json={"table_id": table["id"], **body}))


def duplicate(client, base, body: Json | None = None, **more):
    return client.post(f"/bases/{base['id']}/duplicate", json=body or {}, **more)


def tables_of(client, base_id):
    found = made(client.get("/tables", params={"base_id": base_id}))["items"]
    return {one["name"]: made(client.get(f"/tables/{one['id']}")) for one in found}


def rows_of(client, table):
    params = {"table_id": table["id"], "limit": 1000}
    return made(client.get("/records", params=params))["items"]


def picture(client, base_id):
    """A base without its ids: a record is told by its table and its number there."""
    tables = tables_of(client, base_id)
    rows = {name: rows_of(client, table) for name, table in tables.items()}
    names = {
        one["id"]: f"{name} {number}"
        for name, found in rows.items()
        for number, one in enumerate(found)
    }
    names |= {table["id"]: name for name, table in tables.items()}
    names |= {
        one["id"]: f"view {one['name']}"
        for table in tables.values()
        for one in views_of(client, table)
    }
    names |= {
        field["id"]: f"{table['name']}.{field['name']}"
        for table in tables.values()
        for field in table["fields"]
    }
    return {
        name: {
            "table": _named(table, names, ("name", "description", "position")),
            "fields": [_named(one, names, FIELD) for one in table["fields"]],
            "constraints": [
                _named(one, names, CONSTRAINT)
                for one in made(
                    client.get("/constraints", params={"table_id": table["id"]})
                )["items"]
            ],
            "records": [_named(one["fields"], names) for one in rows[name]],
            "views": [
                _named(one, names, VIEW) | _seen(client, one, names)
                for one in views_of(client, table)
            ],
        }
        for name, table in tables.items()
    }


FIELD = (
    "name",
    "type",
    "options",
    "required",
    "is_unique",
    "is_primary",
    "description",
    "position",
)
VIEW = (
    "name",
    "type",
    "config",
    "filters",
    "sorts",
    "unusable",
    "position",
    *("field", "field_id", "operator", "direction", "value", "AND", "OR", "NOT"),
    *("group_field_id", "fields", "label", "submit_text"),
)


def views_of(client, table):
    return made(client.get("/views", params={"table_id": table["id"]}))["items"]


def _seen(client, view, names):
    """What a view finds."""
    if view["type"] == "form":
        form = made(client.get(f"/views/{view['id']}/form"))
        asked = [(one["name"], one["label"]) for one in form["fields"]]
        return {"form": (form["submit_text"], asked)}
    found = made(client.post(f"/views/{view['id']}/data", json={}))
    return {"data": [_named(one["fields"], names) for one in found["records"]]}


CONSTRAINT = ("field_id", "case_sensitive", "status", "error_message")


def _named(value, names, only=None):
    if isinstance(value, dict):
        return {
            key: _named(item, names)
            for key, item in value.items()
            if only is None or key in only
        }
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def problems(database, workspace_id):
    """What `tabellion verify` and `replay --check` say of the workspace."""
    with connect(database.app, autocommit=True) as connection:
        verify.see(connection, workspace_id)
        found = [
            f"{name}: {problem}"
            for name, invariant in verify.INVARIANTS.items()
            for problem in invariant(connection, WorkspaceId(workspace_id))
        ]
        return found + rebuild.check(connection, WorkspaceId(workspace_id))


def test_a_065_a_copy_is_the_same_but_for_its_ids(newcomer, base, database):
    before = picture(newcomer, base["id"])

    reply = duplicate(newcomer, base, {"name": "Second"})

    copy = made(reply)
    assert reply.status_code == 201
    assert (copy["name"], copy["tables_count"]) == ("Second", 2)
    assert copy["id"] != base["id"]
    assert reply.headers["x-batch-id"]
    assert picture(newcomer, copy["id"]) == before == picture(newcomer, base["id"])
    assert before["People"]["records"][0]["Tasks"] == ["Tasks 2", "Tasks 0", "Tasks 1"]
    assert [one["Name"] for one in before["People"]["views"][0]["data"]] == ["Ada"]
    assert len(before["Tasks"]["views"][0]["data"]) == 3
    assert before["Tasks"]["records"][2]["Who"] == ["People 2", "People 0", "People 1"]
    old, new = (tables_of(newcomer, one) for one in (base["id"], copy["id"]))
    for name in old:
        ids = [
            {one["id"] for one in [*table["fields"], *rows_of(newcomer, table), table]}
            for table in (old[name], new[name])
        ]
        assert not ids[0] & ids[1]
    assert problems(database, base["workspace_id"]) == []


def test_a_065_a_copy_lives_a_life_of_its_own(newcomer, base):
    before = picture(newcomer, base["id"])
    copy = made(duplicate(newcomer, base))
    people, tasks = (tables_of(newcomer, copy["id"])[n] for n in ("People", "Tasks"))
    ada, bob, eve = rows_of(newcomer, people)

    taken = newcomer.post(
        "/records", json={"table_id": people["id"], "fields": {"Name": "ADA"}}
    )
    new = newcomer.record(people["id"], Name="New")
    newcomer.record(tasks["id"], Title="Four", Who=[ada["id"], new["id"]])
    gone = newcomer.delete(f"/records/{eve['id']}")
    after = rows_of(newcomer, people)

    assert copy["name"] == "Base (copy)"
    assert (taken.status_code, taken.json()["detail"]) == (409, "ADA is there")
    assert new["fields"]["No"] == "P-5"
    assert gone.status_code == 204
    assert [one["fields"]["Name"] for one in after] == ["Ada", "Bob", "New"]
    assert len(after[0]["fields"]["Tasks"]) == 4
    assert after[1]["fields"]["Boss"] == [ada["id"]]
    assert bob["id"] == after[1]["id"]
    assert picture(newcomer, base["id"]) == before


def test_a_065_without_records_it_is_empty(newcomer, base):
    copy = made(duplicate(newcomer, base, {"with_records": False}))

    for name, found in picture(newcomer, copy["id"]).items():
        same = picture(newcomer, base["id"])[name]
        assert {**found, "views": 0} == {**same, "records": [], "views": 0}
        assert len(found["views"]) == len(same["views"]) > 0
    people = tables_of(newcomer, copy["id"])["People"]
    assert newcomer.record(people["id"], Name="Ada")["fields"]["No"] == "P-1"


def test_a_065_units_hold_so_many_records_at_the_most(
    newcomer, base, monkeypatch, recorded_events
):
    monkeypatch.setattr(copying, "RECORDS", 2)
    monkeypatch.setattr(copying, "LINKS", 1)
    monkeypatch.setattr(copying, "LINK_ROWS", 2)
    people = base["tables"][0]
    newcomer.records(people["id"], *[{"Name": f"N{n}"} for n in range(50)])
    position = newcomer.position(base["workspace_id"])

    copy = made(duplicate(newcomer, base))

    events = recorded_events(base["workspace_id"], position)
    by_batch: dict[str, list[str]] = {}
    for one in events:
        by_batch.setdefault(one["batch_id"], []).append(one["type"])
    batches = list(by_batch.values())
    assert batches[0][0] == "base.created"
    assert batches[-1] == ["base.restored", "table.restored", "table.restored"]
    for one in batches[1:-1]:
        assert max(one.count("record.created"), one.count("record.updated")) <= 2
    assert len({one["correlation_id"] for one in events}) == 1
    assert picture(newcomer, copy["id"]) == picture(newcomer, base["id"])


def test_a_065_undoing_the_last_batch_takes_it_away(
    newcomer, base, recorded_events, server, database
):
    reply = duplicate(newcomer, base)
    copy = made(reply)
    batch_id = reply.headers["x-batch-id"]
    unit = [
        one
        for one in recorded_events(base["workspace_id"])
        if one["batch_id"] == batch_id
    ]
    commands = [
        decode(one["type"], one["schema"], one["stream"], one["data"]).inverse()
        for one in reversed(unit)
    ]

    _do(server, newcomer, base["workspace_id"], commands)

    assert newcomer.get(f"/bases/{copy['id']}").status_code == 404
    bases = made(newcomer.get("/bases", params={"workspace_id": base["workspace_id"]}))
    assert [one["id"] for one in bases["items"]] == [base["id"]]
    assert problems(database, base["workspace_id"]) == []


def _do(server, client, workspace_id, commands):
    """Commits commands as the system."""
    origin = Origin(Actor("system", ABSENT), "system", "test")
    prepared = Prepared(commands, copying._no_reply)
    server.run(submit(server.system, origin, workspace_id, prepared))


@pytest.mark.parametrize("after", [1, 2, 4, 5])
def test_a_065_what_is_broken_off_midway_is_invisible(
    newcomer, base, monkeypatch, recorded_events, database, after
):
    """A planted fault after so many units, as a crash would leave it."""
    before = picture(newcomer, base["id"])
    position = newcomer.position(base["workspace_id"])
    count = 0

    async def failing(*arguments):
        nonlocal count
        count += 1
        if count > after:
            raise ConnectionError("planted")
        return await submit(*arguments)

    monkeypatch.setattr(copying, "submit", failing)
    reply = duplicate(newcomer, base)
    monkeypatch.undo()

    assert reply.status_code == 500
    left = recorded_events(base["workspace_id"], position)
    assert left
    listed = made(newcomer.get("/bases", params={"workspace_id": base["workspace_id"]}))
    assert [one["id"] for one in listed["items"]] == [base["id"]]
    paths = {"base": "bases", "table": "tables", "field": "fields"}
    paths |= {"constraint": "constraints", "record": "records", "view": "views"}
    for one in left:
        path = f"/{paths[one['type'].partition('.')[0]]}/{one['stream']}"
        assert newcomer.get(path).status_code == 404, path
        assert newcomer.delete(path).status_code == 404, path
        if "table_id" in one["data"]:
            params = {"table_id": one["data"]["table_id"]}
            for lists in ("/records", "/records/cursor", "/records/export", "/fields"):
                assert newcomer.get(lists, params=params).status_code == 404
    assert problems(database, base["workspace_id"]) == []
    assert picture(newcomer, made(duplicate(newcomer, base))["id"]) == before


def test_a_065_a_copy_is_of_one_moment(newcomer, base, monkeypatch, server):
    """What is written while it is copied is not in it."""
    before = picture(newcomer, base["id"])
    people, tasks = base["tables"]
    writing: list[threading.Thread] = []

    async def slowly(*arguments):
        done = await submit(*arguments)
        if not writing:
            writing.append(threading.Thread(target=meanwhile))
            writing[0].start()
            while writing[0].is_alive():
                await asyncio.sleep(0.01)
        return done

    def meanwhile():
        ada, *_ = rows_of(newcomer, people)
        fields = {"Name": "Changed", "Boss": []}
        made(newcomer.patch(f"/records/{ada['id']}", json={"fields": fields}))
        newcomer.record(people["id"], Name="Ada")
        newcomer.field(tasks["id"], "New")
        newcomer.delete(f"/records/{rows_of(newcomer, tasks)[0]['id']}")
        newcomer.patch(f"/tables/{tasks['id']}", json={"name": "Renamed"})

    monkeypatch.setattr(copying, "submit", slowly)
    copy = made(duplicate(newcomer, base))

    assert picture(newcomer, copy["id"]) == before
    assert picture(newcomer, base["id"]) != before


def test_a_065_the_same_key_makes_one_copy(newcomer, base):
    key = {"headers": {"idempotency-key": "once"}}
    first = duplicate(newcomer, base, {"name": "Once"}, **key)
    position = newcomer.position(base["workspace_id"])

    again = duplicate(newcomer, base, {"name": "Once"}, **key)

    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert newcomer.position(base["workspace_id"]) == position
    assert duplicate(newcomer, base, {"name": "Other"}, **key).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": ""}, 422),
        ({"name": "x" * 256}, 422),
        ({"name": 5}, 422),
        ({"with_records": "yes"}, 422),
        ([], 422),
    ],
    ids=str,
)
def test_a_065_what_is_wrong_is_refused_and_copies_nothing(
    newcomer, base, body, status
):
    position = newcomer.position(base["workspace_id"])

    reply = newcomer.post(f"/bases/{base['id']}/duplicate", json=body)

    assert reply.status_code == status
    assert newcomer.position(base["workspace_id"]) == position


def test_a_065_what_is_not_there_is_not_copied(newcomer, base):
    newcomer.delete(f"/bases/{base['id']}")

    assert duplicate(newcomer, base).status_code == 404
    assert duplicate(newcomer, {"id": ABSENT}).status_code == 404
    assert duplicate(newcomer, {"id": "x"}).status_code == 400


def test_a_065_a_body_is_not_needed_and_a_copy_can_be_copied(newcomer, base):
    before = picture(newcomer, base["id"])
    one = made(newcomer.post(f"/bases/{base['id']}/duplicate"))
    two = made(newcomer.post(f"/bases/{one['id']}/duplicate"))

    assert two["name"] == "Base (copy) (copy)"
    assert picture(newcomer, two["id"]) == before
