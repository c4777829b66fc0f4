"""Links between records, seen from both sides."""

import pytest

from tests.client import ABSENT, made


@pytest.fixture
def widgets(client):
    return client.table("Name", name="Widgets")


@pytest.fixture
def people(client, widgets):
    """A table whose field Owns links to widgets."""
    return client.table(
        "Name",
        {
            "name": "Owns",
            "type": "linked_record",
            "options": {"linked_table_id": widgets["id"], "reverse_name": "Owners"},
        },
        base_id=widgets["base_id"],
        name="People",
    )


def fields_of(client, record):
    return made(client.get(f"/records/{record['id']}"))["fields"]


def changed(client, record, **fields):
    return client.patch(f"/records/{record['id']}", json={"fields": fields})


# ------------------------------------------------------------- the pair of fields


def test_a_link_makes_its_reverse_in_the_same_batch(client, widgets, recorded_events):
    other = client.table("Name", base_id=widgets["base_id"], name="People")
    before = client.position(widgets["workspace_id"])

    reply = client.post(
        "/fields",
        json={
            "table_id": other["id"],
            "name": "Owns",
            "type": "linked_record",
            "options": {"linked_table_id": widgets["id"]},
        },
    )

    field = made(reply)
    assert field["options"]["linked_table_id"] == widgets["id"]
    reverse = made(client.get(f"/fields/{field['options']['reverse_field_id']}"))
    assert (reverse["table_id"], reverse["name"]) == (widgets["id"], "People")
    assert reverse["type"] == "linked_record"
    assert reverse["options"]["linked_table_id"] == other["id"]
    assert reverse["options"]["reverse_field_id"] == field["id"]
    events = recorded_events(widgets["workspace_id"], before)
    assert [one["type"] for one in events] == ["field.created", "field.created"]
    assert {one["batch_id"] for one in events} == {reply.headers["x-batch-id"]}


def test_a_reverse_name_that_is_taken_gets_a_number(client, widgets):
    other = client.table("Name", base_id=widgets["base_id"], name="name")

    field = client.field(
        other["id"], "Owns", "linked_record", options={"linked_table_id": widgets["id"]}
    )

    reverse = made(client.get(f"/fields/{field['options']['reverse_field_id']}"))
    assert reverse["name"] == "name 2"


def test_a_table_links_to_itself(client):
    table = client.table("Name", name="Tasks")
    field = client.field(
        table["id"],
        "Needs",
        "linked_record",
        options={"linked_table_id": table["id"], "reverse_name": "Needed by"},
    )
    first = client.record(table["id"], Name="first")
    second = client.record(table["id"], Name="second", Needs=[first["id"]])

    assert field["table_id"] == table["id"]
    assert fields_of(client, first)["Needed by"] == [second["id"]]
    assert fields_of(client, second)["Needs"] == [first["id"]]


def test_a_table_in_another_workspace_is_not_linked_to(client, stranger, widgets):
    theirs = stranger.table("Name")
    for linked, status in ((theirs["id"], 404), (ABSENT, 404)):
        reply = client.post(
            "/fields",
            json={
                "table_id": widgets["id"],
                "name": "Theirs",
                "type": "linked_record",
                "options": {"linked_table_id": linked},
            },
        )
        assert reply.status_code == status
    assert len(made(stranger.get(f"/tables/{theirs['id']}"))["fields"]) == 1


def test_both_fields_go_together(client, widgets, people, happened):
    before = client.position(widgets["workspace_id"])

    client.delete(f"/fields/{people['ids']['Owns']}")

    assert {name for name, _ in happened(widgets["workspace_id"], before)} == {
        "field.deleted"
    }
    assert len(happened(widgets["workspace_id"], before)) == 2
    for table in (widgets, people):
        shown = made(client.get(f"/tables/{table['id']}"))["fields"]
        assert [one["name"] for one in shown] == ["Name"]


def test_the_reverse_goes_with_its_table(client, widgets, people, happened):
    widget = client.record(widgets["id"], Name="w")
    person = client.record(people["id"], Name="p", Owns=[widget["id"]])
    before = client.position(widgets["workspace_id"])

    client.delete(f"/tables/{widgets['id']}")

    assert fields_of(client, person) == {"Name": "p"}
    assert [name for name, _ in happened(widgets["workspace_id"], before)] == [
        "field.deleted",
        "table.deleted",
    ]


# ------------------------------------------------------------------- the links


def test_a_link_is_seen_from_both_sides(client, widgets, people, happened):
    one, other = client.records(widgets["id"], {"Name": "w1"}, {"Name": "w2"})
    before = client.position(widgets["workspace_id"])

    person = client.record(people["id"], Name="p", Owns=[other["id"], one["id"]])

    assert person["fields"]["Owns"] == [other["id"], one["id"]]
    assert fields_of(client, person)["Owns"] == [other["id"], one["id"]]
    for widget in (one, other):
        shown = made(client.get(f"/records/{widget['id']}"))
        assert shown["fields"]["Owners"] == [person["id"]]
        assert shown["version"] == 2
    events = [name for name, _ in happened(widgets["workspace_id"], before)]
    assert events == ["record.created", "record.links_changed", "record.links_changed"]


def test_an_empty_link_is_an_empty_array_or_null(client, people):
    person = client.record(people["id"], Name="p")

    assert person["fields"]["Owns"] in ([], None)
    assert fields_of(client, person) == person["fields"]


@pytest.mark.parametrize("as_array", [True, False])
def test_one_id_is_taken_with_or_without_an_array(client, widgets, people, as_array):
    widget = client.record(widgets["id"], Name="w")
    given = [widget["id"]] if as_array else widget["id"]

    person = client.record(people["id"], Owns=given)

    assert person["fields"]["Owns"] == [widget["id"]]


def test_links_are_made_from_the_other_side(client, widgets, people):
    person = client.record(people["id"], Name="p")
    widget = client.record(widgets["id"], Name="w", Owners=[person["id"]])

    assert fields_of(client, person)["Owns"] == [widget["id"]]


def test_a_change_of_links_moves_the_other_sides_on(client, widgets, people):
    one, other = client.records(widgets["id"], {"Name": "w1"}, {"Name": "w2"})
    person = client.record(people["id"], Owns=[one["id"]])

    reply = changed(client, person, Owns=[other["id"]])

    assert made(reply)["fields"]["Owns"] == [other["id"]]
    assert fields_of(client, one)["Owners"] in ([], None)
    assert fields_of(client, other)["Owners"] == [person["id"]]
    emptied = made(changed(client, person, Owns=None))
    assert emptied["fields"]["Owns"] in ([], None)
    assert fields_of(client, other)["Owners"] in ([], None)


@pytest.mark.parametrize(
    "missing", ["absent", "deleted", "of another table", "foreign"]
)
def test_a_record_that_is_not_there_is_not_linked_to(
    client, stranger, widgets, people, happened, missing
):
    gone = client.record(widgets["id"], Name="gone")
    client.delete(f"/records/{gone['id']}")
    ids = {
        "absent": ABSENT,
        "deleted": gone["id"],
        "of another table": client.record(people["id"], Name="q")["id"],
        "foreign": stranger.record(stranger.table("Name")["id"], Name="x")["id"],
    }
    person = client.record(people["id"], Name="p")
    before = client.position(widgets["workspace_id"])

    one = {"table_id": people["id"], "fields": {"Owns": [ids[missing]]}}
    replies = [
        client.post("/records", json=one),
        changed(client, person, Owns=ids[missing]),
    ]

    for reply in replies:
        assert reply.status_code == 409
        assert reply.json() == {
            "detail": "A referenced record does not exist",
            "code": "FOREIGN_KEY_VIOLATION",
            "field": "Owns",
            "value": ids[missing],
        }
    assert happened(widgets["workspace_id"], before) == []


def test_a_batch_with_one_broken_link_makes_none(client, widgets, people, happened):
    widget = client.record(widgets["id"], Name="w")
    before = client.position(widgets["workspace_id"])
    rows = [{"fields": {"Owns": [one]}} for one in (widget["id"], ABSENT)]

    reply = client.post(
        "/records/batch", json={"table_id": people["id"], "records": rows}
    )

    assert (reply.status_code, reply.json()["code"]) == (409, "FOREIGN_KEY_VIOLATION")
    assert (reply.json()["index"], reply.json()["field"]) == (1, "Owns")
    assert happened(widgets["workspace_id"], before) == []
    assert fields_of(client, widget)["Owners"] in ([], None)


@pytest.mark.parametrize("given", [7, [7], "x", ["x"], {}, True, [None]], ids=str)
def test_what_is_no_id_is_no_link(client, people, given):
    body = {"table_id": people["id"], "fields": {"Owns": given}}

    reply = client.post("/records", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert [error["loc"] for error in reply.json()["errors"]] == [["Owns"]]


def test_a_field_for_one_link_holds_one(client, widgets):
    options = {"linked_table_id": widgets["id"], "allow_multiple": False}
    people = client.table(
        {"name": "Owns", "type": "linked_record", "options": options},
        base_id=widgets["base_id"],
        name="People",
    )
    one, other = client.records(widgets["id"], {"Name": "w1"}, {"Name": "w2"})

    both = {"table_id": people["id"], "fields": {"Owns": [one["id"], other["id"]]}}
    reply = client.post("/records", json=both)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert client.record(people["id"], Owns=[one["id"]])["fields"] == {
        "Owns": [one["id"]]
    }


def test_a_record_that_is_deleted_is_unlinked(client, widgets, people, happened):
    widget = client.record(widgets["id"], Name="w")
    person = client.record(people["id"], Name="p", Owns=[widget["id"]])
    before = client.position(widgets["workspace_id"])

    reply = client.delete(f"/records/{widget['id']}")

    assert reply.status_code == 204
    assert fields_of(client, person)["Owns"] in ([], None)
    assert [name for name, _ in happened(widgets["workspace_id"], before)] == [
        "record.deleted",
        "record.links_changed",
    ]
    assert reply.headers["x-position"] == str(before + 2)


def test_a_record_that_a_required_link_needs_stays(client, widgets, happened):
    people = client.table(
        {
            "name": "Owns",
            "type": "linked_record",
            "required": True,
            "options": {"linked_table_id": widgets["id"]},
        },
        base_id=widgets["base_id"],
        name="People",
    )
    widget = client.record(widgets["id"], Name="w")
    person = client.record(people["id"], Owns=[widget["id"]])
    before = client.position(widgets["workspace_id"])

    refused = client.delete(f"/records/{widget['id']}")
    batch = client.delete_with(
        "/records/batch", {"table_id": widgets["id"], "record_ids": [widget["id"]]}
    )

    for reply in (refused, batch):
        assert (reply.status_code, reply.json()["code"]) == (
            409,
            "FOREIGN_KEY_VIOLATION",
        )
    assert happened(widgets["workspace_id"], before) == []
    client.delete(f"/records/{person['id']}")
    assert client.delete(f"/records/{widget['id']}").status_code == 204


def test_a_required_link_is_not_taken_away_from_the_other_side(
    client, widgets, happened
):
    people = client.table(
        {
            "name": "Owns",
            "type": "linked_record",
            "required": True,
            "options": {"linked_table_id": widgets["id"], "reverse_name": "Owners"},
        },
        base_id=widgets["base_id"],
        name="People",
    )
    widget = client.record(widgets["id"], Name="w")
    person = client.record(people["id"], Owns=[widget["id"]])
    before = client.position(widgets["workspace_id"])

    reply = changed(client, widget, Owners=[])

    assert reply.status_code in (409, 422)
    assert happened(widgets["workspace_id"], before) == []
    assert fields_of(client, person)["Owns"] == [widget["id"]]


def test_links_are_filtered_by_what_they_link_to(client, widgets, people):
    one, other = client.records(widgets["id"], {"Name": "w1"}, {"Name": "w2"})
    person = client.record(people["id"], Name="p", Owns=[one["id"]])
    client.record(people["id"], Name="q", Owns=[other["id"]])
    nobody = client.record(people["id"], Name="r")

    def found(operator, value):
        condition = {"field": "Owns", "operator": operator, "value": value}
        query = {"table_id": people["id"], "filter": str(condition).replace("'", '"')}
        return [
            row["id"] for row in made(client.get("/records", params=query))["items"]
        ]

    assert found("contains", one["id"]) == [person["id"]]
    assert found("is_empty", "") == [nobody["id"]]
    assert len(found("not_contains", one["id"])) == 2


def test_a_field_links_to_one_record_where_no_record_has_several(client):
    table = client.table("Name")
    link = client.field(
        table["id"], "To", "linked_record", options={"linked_table_id": table["id"]}
    )
    one, two = client.records(table["id"], {"Name": "1"}, {"Name": "2"})
    both = {"fields": {"To": [one["id"], two["id"]]}}
    made(client.patch(f"/records/{one['id']}", json=both))
    single = {"options": {"allow_multiple": False}}

    refused = client.patch(f"/fields/{link['id']}", json=single)
    made(client.patch(f"/records/{one['id']}", json={"fields": {"To": two["id"]}}))
    taken = client.patch(f"/fields/{link['id']}", json=single)

    assert (refused.status_code, refused.json()["code"]) == (422, "VALIDATION_ERROR")
    assert (refused.json()["count"], refused.json()["records"]) == (1, [one["id"]])
    assert made(taken)["options"]["allow_multiple"] is False
    assert client.patch(f"/records/{one['id']}", json=both).status_code == 422
