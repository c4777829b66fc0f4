"""Blame: each value with the event that set it, and what a history adds up to."""

import random

import pytest

from tests.api.pybase.happenings import Happenings
from tests.api.pybase.test_history import walked
from tests.client import ABSENT, made

NOBODY = {
    "set_by": None,
    "at": None,
    "position": None,
    "event_id": None,
    "batch_id": None,
    "via": None,
}


def blame(client, record_id):
    return made(client.get(f"/records/{record_id}/blame"))


def by(client, event):
    """What blame says of a value that this event set."""
    return {
        "set_by": client.user["id"],
        "at": event["recorded_at"],
        "position": event["seq"],
        "event_id": event["id"],
        "batch_id": event["batch_id"],
        "via": "pybase",
    }


def test_nobody_is_told(anonymous, client, things):
    record = client.record(things["id"])
    assert anonymous.get(f"/records/{record['id']}/blame").status_code == 401


def test_another_tenants_record_is_as_one_that_never_was(stranger, client, things):
    record = client.record(things["id"])
    foreign = stranger.get(f"/records/{record['id']}/blame")
    absent = stranger.get(f"/records/{ABSENT}/blame")

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.content == absent.content


def test_each_value_has_the_event_that_set_it(client, member, things, recorded_events):
    editor = member(things["workspace_id"], "editor")
    start = client.position(things["workspace_id"])
    record = client.record(things["id"], Name="Bolt", Price=2.5)
    path = f"/records/{record['id']}"
    editor.patch(path, json={"fields": {"Price": 3}})
    client.patch(path, json={"fields": {"Name": None}})
    created, priced, emptied = recorded_events(things["workspace_id"], start)

    assert blame(editor, record["id"]) == {
        "Name": {"value": None, **by(client, emptied)},
        "Notes": {"value": None, **NOBODY},
        "Price": {"value": 3, **by(editor, priced)},
        "In Stock": {"value": False, **NOBODY},
        "Day": {"value": None, **NOBODY},
        "At": {"value": None, **NOBODY},
        "Status": {"value": None, **NOBODY},
        "No": {"value": 1, **by(client, created)},
    }


def test_numbers_keep_their_digits(client, things):
    digits = "12345678901234567890.123456789"
    body = f'{{"table_id": "{things["id"]}", "fields": {{"Price": {digits}}}}}'
    headers = {"content-type": "application/json"}
    record = made(client.post("/records", content=body, headers=headers))

    for what in ("blame", "history"):
        assert digits in client.get(f"/records/{record['id']}/{what}").text


def test_a_change_of_type_set_the_value(client, things, recorded_events):
    record = client.record(things["id"], Name="7")
    client.patch(f"/fields/{things['ids']['Name']}", json={"type": "number"})
    converted = recorded_events(things["workspace_id"])[-1]

    assert converted["type"] == "field.converted"
    expected = {"value": 7, **by(client, converted)}
    assert blame(client, record["id"])["Name"] == expected


def test_who_linked_set_the_link_at_both_ends(client, recorded_events):
    people = client.table("Name", name="People")
    link = {
        "name": "Who",
        "type": "linked_record",
        "options": {"linked_table_id": people["id"], "reverse_name": "What"},
    }
    tasks = client.table("Name", link, base_id=people["base_id"], name="Tasks")
    ann = client.record(people["id"], Name="Ann")
    task = client.record(tasks["id"], Who=[ann["id"]])
    event = recorded_events(people["workspace_id"])[-1]

    expected = {"value": [task["id"]], **by(client, event)}
    assert blame(client, ann["id"])["What"] == expected


def test_a_long_history_is_read_in_pages(client, things, monkeypatch):
    monkeypatch.setattr("api.pybase.blame.PAGE", 2)
    record = client.record(things["id"], Name="first", Notes="n")
    for number in range(5):
        client.patch(f"/records/{record['id']}", json={"fields": {"Name": f"{number}"}})
    found = blame(client, record["id"])

    assert (found["Name"]["value"], found["Notes"]["value"]) == ("4", "n")
    assert found["Name"]["position"] == found["Notes"]["position"] + 5


def test_a_deleted_record_has_no_values(client, things):
    record = client.record(things["id"])
    client.delete(f"/records/{record['id']}")

    assert client.get(f"/records/{record['id']}/blame").status_code == 404


def test_so_has_one_of_a_deleted_table(client, things):
    record = client.record(things["id"])
    client.delete(f"/tables/{things['id']}")

    assert client.get(f"/records/{record['id']}/blame").status_code == 404


# ------------------------------------------------------------------------ laws


def folded(found):
    """A record's values from its history, given newest first."""
    values = {}
    for one in reversed(found):
        for name, change in one["changes"].items():
            if "to" in change:
                values[name] = change["to"]
                continue
            now = [
                each for each in values.get(name) or [] if each not in change["removed"]
            ]
            values[name] = [*now, *change["added"]] or None
    return values


def comparable(values):
    """Links are a set here: where they stand at one end is written at the other."""
    return {
        name: set(value) if name in ("By", "Books") else value
        for name, value in values.items()
        if value is not None and value is not False
    }


@pytest.mark.parametrize("seed", range(3))
def test_a_history_adds_up_to_the_record_and_blame_is_its_newest_word(client, seed):
    happenings = Happenings(client, random.Random(seed))
    for _ in range(50):
        happenings.step()

    for record_id in happenings.live:
        fields = happenings.record(record_id)["fields"]
        found = walked(client, f"/records/{record_id}", 7)
        assert comparable(folded(found)) == comparable(fields)

        blamed = blame(client, record_id)
        assert {name: one["value"] for name, one in blamed.items()} == fields
        for name, one in blamed.items():
            newest = next((each for each in found if name in each["changes"]), None)
            assert one["event_id"] == (newest and newest["event_id"])
            assert one["position"] == (newest and newest["position"])
    for record_id, _ in happenings.gone:
        found = walked(client, f"/records/{record_id}", 7)
        assert found[0]["type"] == "record.deleted"
        assert comparable(folded(found)) == {}
