"""History: who did what to a record, a table, a field, newest first."""

import pytest

from tests.client import ABSENT, Json, made


def history(client, path, **query):
    return made(client.get(f"{path}/history", params=query))


def items(client, path, **query):
    return history(client, path, **query)["items"]


def brief(found):
    """(type, changes) of each item."""
    return [(one["type"], one["changes"]) for one in found]


def walked(client, path, limit, **query):
    """Every item of a walk by pages."""
    found: list[Json] = []
    after: Json = {}
    while True:
        page = history(client, path, limit=limit, **after, **query)
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


@pytest.fixture
def record(client, things):
    """A record that was changed twice."""
    record = client.record(things["id"], Name="Bolt", Price=2.50, Status="Open")
    path = f"/records/{record['id']}"
    made(client.patch(path, json={"fields": {"Price": 3, "In Stock": True}}))
    made(client.patch(path, json={"fields": {"Status": "Closed", "Name": None}}))
    return record


# ------------------------------------------------------------------ who may


def test_nobody_reads_a_history(anonymous, record):
    assert anonymous.get(f"/records/{record['id']}/history").status_code == 401


def test_another_tenants_history_is_as_one_that_never_was(stranger, record, things):
    for path, kind in [("records", record), ("tables", things)]:
        foreign = stranger.get(f"/{path}/{kind['id']}/history")
        absent = stranger.get(f"/{path}/{ABSENT}/history")
        assert (foreign.status_code, absent.status_code) == (404, 404)
        assert foreign.content == absent.content


def test_a_viewer_reads_it(client, member, record, things):
    viewer = member(things["workspace_id"], "viewer")
    path = f"/records/{record['id']}"

    assert items(viewer, path) == items(client, path)


# ---------------------------------------------------------------- of a record


def test_a_records_history_is_newest_first(client, record):
    found = items(client, f"/records/{record['id']}")

    assert brief(found) == [
        (
            "record.updated",
            {
                "Status": {"from": "Open", "to": "Closed"},
                "Name": {"from": "Bolt", "to": None},
            },
        ),
        (
            "record.updated",
            {"Price": {"from": 2.5, "to": 3}, "In Stock": {"from": False, "to": True}},
        ),
        (
            "record.created",
            {
                "Name": {"from": None, "to": "Bolt"},
                "Price": {"from": None, "to": 2.5},
                "Status": {"from": None, "to": "Open"},
                "No": {"from": None, "to": 1},
            },
        ),
    ]


def test_an_item_says_who_when_and_through_which_surface(
    client, things, record, recorded_events
):
    newest = items(client, f"/records/{record['id']}")[0]
    event = recorded_events(things["workspace_id"])[-1]

    assert newest == {
        "position": event["seq"],
        "event_id": event["id"],
        "type": "record.updated",
        "at": event["recorded_at"],
        "actor": {"kind": "user", "id": client.user["id"], "name": "Ada"},
        "surface": "pybase",
        "batch_id": event["batch_id"],
        "version": 3,
        "resource": {"kind": "record", "id": record["id"], "name": None},
        "changes": newest["changes"],
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_pages_are_the_whole_in_order(client, record, limit):
    path = f"/records/{record['id']}"

    assert walked(client, path, limit) == items(client, path)


def test_the_last_page_has_no_next(client, record):
    assert history(client, f"/records/{record['id']}", limit=3)["next"] is None


def test_what_is_written_meanwhile_moves_no_page(client, record):
    path = f"/records/{record['id']}"
    whole = items(client, path)
    first = history(client, path, limit=1)
    made(client.patch(path, json={"fields": {"Name": "Nut"}}))
    rest = history(client, path, after=first["next"])

    assert first["items"] + rest["items"] == whole


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_history_of_one_field(client, things, record, limit):
    path = f"/records/{record['id']}"
    by_name = walked(client, path, limit, field="Price")

    assert brief(by_name) == [
        ("record.updated", {"Price": {"from": 2.5, "to": 3}}),
        ("record.created", {"Price": {"from": None, "to": 2.5}}),
    ]
    assert walked(client, path, limit, field=things["ids"]["Price"]) == by_name


def test_a_field_that_a_page_does_not_reach_is_found_behind_it(
    client, record, monkeypatch
):
    monkeypatch.setattr("api.pybase.history.LOOK_AT", 1)
    first = history(client, f"/records/{record['id']}", field="Price")

    assert (first["items"], first["next"] is None) == ([], False)
    assert len(walked(client, f"/records/{record['id']}", 5, field="Price")) == 2


@pytest.mark.parametrize(
    "query",
    [
        {"field": "Nope"},
        {"limit": 0},
        {"limit": 1001},
        {"limit": "x"},
        {"after": -1},
        {"after": "x"},
    ],
    ids=str,
)
def test_a_history_that_is_none_is_refused(client, record, query):
    reply = client.get(f"/records/{record['id']}/history", params=query)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


def test_a_deleted_record_has_a_history(client, record):
    path = f"/records/{record['id']}"
    client.delete(path)
    newest = items(client, path)[0]

    assert newest["type"] == "record.deleted"
    assert newest["changes"] == {
        "Price": {"from": 3, "to": None},
        "In Stock": {"from": True, "to": None},
        "Status": {"from": "Closed", "to": None},
        "No": {"from": 1, "to": None},
    }


def test_so_has_one_of_a_deleted_table(client, things, record):
    path = f"/records/{record['id']}"
    before = items(client, path)
    client.delete(f"/tables/{things['id']}")

    assert items(client, path) == before


def test_an_id_that_no_record_has_is_not_found(client, record):
    never = record["id"][:-4] + "ffff"

    assert client.get(f"/records/{never}/history").status_code == 404


def test_names_are_those_of_today(client, things, record):
    client.patch(f"/fields/{things['ids']['Price']}", json={"name": "Cost"})
    changes = items(client, f"/records/{record['id']}")[1]["changes"]

    assert set(changes) == {"Cost", "In Stock"}


def test_a_deleted_field_keeps_its_name_until_another_one_has_it(
    client, things, record
):
    price = things["ids"]["Price"]
    client.delete(f"/fields/{price}")
    path = f"/records/{record['id']}"
    assert items(client, path)[1]["changes"]["Price"] == {"from": 2.5, "to": 3}

    client.field(things["id"], "price")
    assert items(client, path)[1]["changes"][price] == {"from": 2.5, "to": 3}
    assert len(items(client, path, field=price)) == 2


def test_a_choices_name_is_that_of_today(client, things, record):
    field = f"/fields/{things['ids']['Status']}"
    options = made(client.get(field))["options"]
    options["choices"][0]["name"] = "New"
    made(client.patch(field, json={"options": options}))
    changes = items(client, f"/records/{record['id']}")[0]["changes"]

    assert changes["Status"] == {"from": "New", "to": "Closed"}


# ----------------------------------------------------------------------- links


@pytest.fixture
def linked(client):
    """Books and authors; `ids` of the link fields at both ends."""
    authors = client.table("Name", name="Authors")
    link = {
        "name": "Authors",
        "type": "linked_record",
        "options": {"linked_table_id": authors["id"], "reverse_name": "Books"},
    }
    books = client.table("Title", link, base_id=authors["base_id"], name="Books")
    return authors, books


def test_a_link_is_in_the_history_of_both_ends(client, linked):
    authors, books = linked
    ann, bob = client.records(authors["id"], {"Name": "Ann"}, {"Name": "Bob"})
    book = client.record(books["id"], Title="T", Authors=[ann["id"]])
    path = f"/records/{book['id']}"
    made(client.patch(path, json={"fields": {"Authors": [bob["id"], ann["id"]]}}))
    made(client.patch(path, json={"fields": {"Authors": [bob["id"]]}}))

    assert [one["changes"].get("Authors") for one in items(client, path)] == [
        {"from": [bob["id"], ann["id"]], "to": [bob["id"]]},
        {"from": [ann["id"]], "to": [bob["id"], ann["id"]]},
        {"from": None, "to": [ann["id"]]},
    ]
    assert brief(items(client, f"/records/{ann['id']}"))[:2] == [
        ("record.links_changed", {"Books": {"added": [], "removed": [book["id"]]}}),
        ("record.links_changed", {"Books": {"added": [book["id"]], "removed": []}}),
    ]


# --------------------------------------------------------------- types that change


def test_a_change_of_type_is_in_the_history_of_a_record(client, things):
    one, two, three = client.records(things["id"], {"Name": "1.50"}, {}, {"Name": "7"})
    name = things["ids"]["Name"]
    made(client.patch(f"/fields/{name}", json={"type": "number"}))
    made(client.patch(f"/records/{three['id']}", json={"fields": {"Name": 8}}))

    assert brief(items(client, f"/records/{one['id']}")) == [
        ("field.converted", {"Name": {"from": "1.50", "to": 1.5}}),
        (
            "record.created",
            {"Name": {"from": None, "to": "1.50"}, "No": {"from": None, "to": 1}},
        ),
    ]
    assert [one["type"] for one in items(client, f"/records/{two['id']}")] == [
        "record.created"
    ]
    assert [
        change.get("Name")
        for _, change in brief(walked(client, f"/records/{three['id']}", 1))
    ] == [
        {"from": 7, "to": 8},
        {"from": "7", "to": 7},
        {"from": None, "to": "7"},
    ]


def test_a_value_is_read_by_the_type_that_its_field_had(client, things, record):
    status = things["ids"]["Status"]
    made(client.patch(f"/fields/{status}", json={"type": "text"}))

    assert [
        one["changes"]["Status"]
        for one in items(client, f"/records/{record['id']}", field="Status")
    ] == [
        {"from": "Closed", "to": "Closed"},
        {"from": "Open", "to": "Closed"},
        {"from": None, "to": "Open"},
    ]


def test_of_many_parts_a_record_sees_its_own(client):
    table = client.table("Name")
    rows = client.records(table["id"], *[{"Name": str(n)} for n in range(700)])
    made(client.patch(f"/fields/{table['ids']['Name']}", json={"type": "number"}))

    for place in (0, 49, 50, 149, 150, 699):
        path = f"/records/{rows[place]['id']}"
        assert brief(items(client, path))[0] == (
            "field.converted",
            {"Name": {"from": str(place), "to": place}},
        )


# --------------------------------------------------------------- of the schema


def test_a_tables_history_is_of_its_whole_schema(client, things):
    table, name = things["id"], things["ids"]["Name"]
    made(client.patch(f"/tables/{table}", json={"name": "Parts"}))
    made(client.patch(f"/fields/{name}", json={"name": "Title", "required": True}))
    constraint = client.constraint(name)
    view = client.view(table, "grid", name="All")
    client.delete(f"/constraints/{constraint['id']}")
    client.record(table, Title="x")
    client.delete(f"/fields/{things['ids']['Day']}")

    found = items(client, f"/tables/{table}")
    assert [
        (one["type"], one["resource"]["name"], one["changes"]) for one in found[:6]
    ] == [
        ("field.deleted", "Day", {"name": {"from": "Day", "to": None}}),
        ("constraint.deleted", None, {"field": {"from": "Title", "to": None}}),
        (
            "view.created",
            "All",
            {
                "name": {"from": None, "to": "All"},
                "type": {"from": None, "to": "grid"},
                "config": {"from": None, "to": found[2]["changes"]["config"]["to"]},
                "filters": {"from": None, "to": []},
                "sorts": {"from": None, "to": []},
                "position": {"from": None, "to": 0},
            },
        ),
        (
            "constraint.created",
            None,
            {
                "field": {"from": None, "to": "Title"},
                "case_sensitive": {
                    "from": None,
                    "to": found[3]["changes"]["case_sensitive"]["to"],
                },
                "status": {"from": None, "to": "active"},
            },
        ),
        (
            "field.updated",
            "Title",
            {
                "name": {"from": "Name", "to": "Title"},
                "required": {"from": False, "to": True},
            },
        ),
        ("table.updated", "Parts", {"name": {"from": "Things", "to": "Parts"}}),
    ]
    assert found[2]["resource"] == {"kind": "view", "id": view["id"], "name": "All"}
    assert [one["type"] for one in found[6:]] == ["field.created"] * 8 + [
        "table.created"
    ]
    assert found[-1]["changes"] == {
        "name": {"from": None, "to": "Things"},
        "position": {"from": None, "to": 0},
        "slug": {"from": None, "to": "things"},
    }


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_pages_of_a_schemas_history_are_the_whole(client, things, limit):
    path = f"/tables/{things['id']}"

    assert walked(client, path, limit) == items(client, path)


def test_a_deleted_table_has_a_history(client, things):
    client.delete(f"/tables/{things['id']}")
    newest = items(client, f"/tables/{things['id']}")[0]

    assert newest["type"] == "table.deleted"
    assert newest["changes"] == {"name": {"from": "Things", "to": None}}


def test_a_fields_history_is_of_it_and_its_constraints(client, things):
    price = things["ids"]["Price"]
    client.constraint(price)
    body = {"type": "currency", "options": {"currency": "EUR"}}
    made(client.patch(f"/fields/{price}", json=body))
    client.delete(f"/fields/{price}")

    found = items(client, f"/fields/{price}")
    assert [one["type"] for one in found] == [
        "field.deleted",
        "constraint.deleted",
        "field.retyped",
        "constraint.created",
        "field.created",
    ]
    assert found[2]["changes"]["type"] == {"from": "number", "to": "currency"}
    assert set(found[2]["changes"]) == {"type", "options"}


def test_a_formula_is_told_with_names(client, things):
    options = {"formula": "{Price} * 2"}
    field = client.field(things["id"], "Twice", "formula", options=options)
    client.patch(f"/fields/{things['ids']['Price']}", json={"name": "Cost"})

    (created,) = items(client, f"/fields/{field['id']}")
    assert created["changes"]["options"]["to"] == {"formula": "{Cost} * 2"}
