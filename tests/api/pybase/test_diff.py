"""Diff: the net change of a table between two moments."""

import csv
import io
import random
import time
from datetime import UTC, datetime

import pytest

from tests.api.pybase.happenings import Happenings
from tests.api.pybase.test_blame import comparable
from tests.client import ABSENT, made


def diff(client, table, since, until=None, **query):
    params = {"from": since, **({} if until is None else {"to": until}), **query}
    return made(client.get(f"/tables/{table['id']}/diff", params=params))


def lines(client, table, since, **query):
    params = {"from": since, "format": "csv", **query}
    reply = client.get(f"/tables/{table['id']}/diff", params=params)
    assert reply.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(reply.content.decode())))


@pytest.fixture
def start(client, things):
    """The position at which the table is made and empty."""
    return client.position(things["workspace_id"])


# ------------------------------------------------------------------ who may


def test_nobody_reads_it(anonymous, things, start):
    reply = anonymous.get(f"/tables/{things['id']}/diff", params={"from": start})
    assert reply.status_code == 401


def test_another_tenants_table_is_as_one_that_never_was(stranger, things, start):
    foreign, absent = (
        stranger.get(f"/tables/{one}/diff", params={"from": start})
        for one in (things["id"], ABSENT)
    )

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.content == absent.content


def test_a_viewer_reads_it(client, member, things, start):
    viewer = member(things["workspace_id"], "viewer")
    client.record(things["id"], Name="x")
    until = client.position(things["workspace_id"])

    assert diff(viewer, things, start, until) == diff(client, things, start, until)


# ------------------------------------------------------------------- records


def test_nothing_happened_between_a_moment_and_itself(client, things, start):
    assert diff(client, things, start, start) == {
        "from": start,
        "to": start,
        "schema": [],
        "changed": [],
        "added": [],
        "removed": [],
    }


def test_what_was_added_is_shown_as_it_is_then(client, things, start):
    record = client.record(things["id"], Name="Bolt", Price=2.5, Status="Open")
    path = f"/records/{record['id']}"
    then = made(client.patch(path, json={"fields": {"Price": 3}}))
    until = client.position(things["workspace_id"])
    client.patch(path, json={"fields": {"Price": 4}})

    found = diff(client, things, start, until)

    assert found["added"] == [then]
    assert (found["removed"], found["changed"], found["schema"]) == ([], [], [])


def test_what_was_removed_is_shown_as_it_was(client, things):
    record = client.record(things["id"], Name="Bolt", Price=2.5, Status="Open")
    path = f"/records/{record['id']}"
    then = made(client.patch(path, json={"fields": {"Price": 3}}))
    since = client.position(things["workspace_id"])
    client.patch(path, json={"fields": {"Price": 4, "Name": None, "In Stock": True}})
    client.delete(path)

    found = diff(client, things, since)

    assert found["removed"] == [then]
    assert (found["added"], found["changed"]) == ([], [])


def test_what_changed_is_the_net_change(client, things):
    record = client.record(things["id"], Name="Bolt", Price=2.5)
    since = client.position(things["workspace_id"])
    for fields in ({"Price": 3}, {"Price": 4, "Name": "Nut"}, {"Name": "Bolt"}):
        path = f"/records/{record['id']}"
        made(client.patch(path, json={"fields": fields}))

    assert diff(client, things, since)["changed"] == [
        {"record_id": record["id"], "changes": {"Price": {"from": 2.5, "to": 4}}}
    ]


def test_what_changed_and_changed_back_is_no_difference(client, things):
    record = client.record(things["id"], Name="Bolt")
    since = client.position(things["workspace_id"])
    for name in ("Nut", "Bolt"):
        path = f"/records/{record['id']}"
        made(client.patch(path, json={"fields": {"Name": name, "In Stock": False}}))
    passing = client.record(things["id"])
    client.delete(f"/records/{passing['id']}")

    found = diff(client, things, since)

    assert (found["added"], found["removed"], found["changed"]) == ([], [], [])


def test_another_tables_records_are_none_of_it(client, things, start):
    other = client.table("Name", base_id=things["base_id"], name="Other")
    client.records(other["id"], *[{"Name": "x"} for _ in range(3)])

    found = diff(client, things, start)

    assert (found["added"], found["schema"]) == ([], [])


def test_links_that_the_other_end_wrote_are_told_by_what_came_and_went(client):
    authors = client.table("Name", name="Authors")
    link = {
        "name": "By",
        "type": "linked_record",
        "options": {"linked_table_id": authors["id"], "reverse_name": "Books"},
    }
    books = client.table("Title", link, base_id=authors["base_id"], name="Books")
    ann = client.record(authors["id"], Name="Ann")
    old = client.record(books["id"], By=[ann["id"]])
    since = client.position(authors["workspace_id"])
    new = client.record(books["id"], By=[ann["id"]])
    made(client.patch(f"/records/{old['id']}", json={"fields": {"By": None}}))
    passing = client.record(books["id"], By=[ann["id"]])
    client.delete(f"/records/{passing['id']}")

    assert diff(client, authors, since)["changed"] == [
        {
            "record_id": ann["id"],
            "changes": {"Books": {"added": [new["id"]], "removed": [old["id"]]}},
        }
    ]


def test_a_change_of_type_changes_what_reads_otherwise(client, things):
    seven, _ = client.records(things["id"], {"Name": "7"}, {"Notes": "no name"})
    since = client.position(things["workspace_id"])
    name = f"/fields/{things['ids']['Name']}"
    made(client.patch(name, json={"type": "number"}))
    between = client.position(things["workspace_id"])
    made(client.patch(name, json={"type": "text"}))

    found = diff(client, things, since, between)
    assert found["changed"] == [
        {"record_id": seven["id"], "changes": {"Name": {"from": "7", "to": 7}}}
    ]
    assert [one["type"] for one in found["schema"]] == ["field.retyped"]
    assert diff(client, things, since)["changed"] == []


def test_a_number_that_is_a_text_by_now_is_shown_as_the_number_it_was(
    client, things, start
):
    client.record(things["id"])
    until = client.position(things["workspace_id"])
    made(client.patch(f"/fields/{things['ids']['No']}", json={"type": "text"}))

    (then,) = diff(client, things, start, until)["added"]
    (now,) = diff(client, things, start)["added"]
    assert (then["fields"]["No"], now["fields"]["No"]) == (1, "1")


def test_every_moment_within_a_change_of_type_can_be_told(client, things):
    """A batch may be stood inside of: between the change and the values it makes."""
    one, two = client.records(things["id"], {"Name": "ab"}, {"Name": "cd"})
    since = client.position(things["workspace_id"])
    body = {"type": "number", "force": True}
    made(client.patch(f"/fields/{things['ids']['Name']}", json=body))
    client.delete(f"/records/{two['id']}")
    until = client.position(things["workspace_id"])

    for after in range(since, until + 1):
        for upto in range(after, until + 1):
            found = diff(client, things, after, upto)
            for each in found["changed"]:
                assert each["changes"]["Name"] in (
                    {"from": "ab", "to": None},
                    {"from": "cd", "to": None},
                )
    assert [each["record_id"] for each in diff(client, things, since)["changed"]] == [
        one["id"]
    ]
    earlier = diff(client, things, since - 2, since + 1)["added"]
    assert [each["fields"]["Name"] for each in earlier] == ["ab", "cd"]


def test_the_schema_is_told_in_order(client, things, start):
    client.field(things["id"], "Extra")
    client.patch(f"/fields/{things['ids']['Day']}", json={"name": "When"})

    found = diff(client, things, start)["schema"]

    assert [(one["type"], one["resource"]["name"]) for one in found] == [
        ("field.created", "Extra"),
        ("field.updated", "When"),
    ]
    assert found[1]["changes"] == {"name": {"from": "Day", "to": "When"}}


# ------------------------------------------------------------------- moments


def test_a_moment_is_a_position_or_a_time(client, things, start):
    time.sleep(0.01)
    since = datetime.now(UTC)  # noqa: TID251 - the clock of the server, and of this test
    time.sleep(0.01)
    record = client.record(things["id"], Name="x")

    found = diff(client, things, since.isoformat())
    assert [one["id"] for one in found["added"]] == [record["id"]]
    assert (found["from"], found["to"]) == (start, start + 1)
    assert diff(client, things, start)["added"] == found["added"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 422),
        ({"from": "x"}, 422),
        ({"from": "{start}", "to": "2024-13-01T00:00:00Z"}, 422),
        ({"from": "{start}", "format": "xml"}, 422),
        ({"from": "{later}", "to": "{start}"}, 422),
        ({"from": "9999"}, 400),
        ({"from": "{start}", "to": "9999"}, 400),
        ({"from": "{start}", "to": "2999-01-01T00:00:00Z"}, 400),
        ({"from": "0"}, 404),
        ({"from": "1999-01-01T00:00:00Z"}, 404),
    ],
    ids=str,
)
def test_a_diff_that_is_none_is_refused(client, things, start, query, status):
    client.record(things["id"])
    filled = {
        name: text.format(start=start, later=start + 1) for name, text in query.items()
    }
    reply = client.get(f"/tables/{things['id']}/diff", params=filled)

    assert reply.status_code == status
    assert set(reply.json()) >= {"detail", "code"}


def test_a_deleted_table_has_differences(client, things, start):
    record = client.record(things["id"])
    client.delete(f"/tables/{things['id']}")

    found = diff(client, things, start)
    assert [one["id"] for one in found["added"]] == [record["id"]]
    assert [one["type"] for one in found["schema"]][-1] == "table.deleted"


# ----------------------------------------------------------------------- CSV


def test_as_csv_it_is_a_row_a_value(client, things):
    one, two = client.records(things["id"], {"Name": "a", "Price": 1}, {"Name": "b"})
    since = client.position(things["workspace_id"])
    made(client.patch(f"/records/{one['id']}", json={"fields": {"Price": 2.5}}))
    client.delete(f"/records/{two['id']}")
    three = client.record(things["id"], Name='"q", r')
    client.patch(f"/fields/{things['ids']['Day']}", json={"name": "When"})

    header, *rows = lines(client, things, since)

    assert header == ["change", "id", "field", "from", "to"]
    assert sorted(rows) == sorted(
        [
            ["field.updated", things["ids"]["Day"], "name", "Day", "When"],
            ["changed", one["id"], "Price", "1", "2.5"],
            ["removed", two["id"], "Name", "b", ""],
            ["removed", two["id"], "In Stock", "false", ""],
            ["removed", two["id"], "No", "2", ""],
            ["added", three["id"], "Name", "", '"q", r'],
            ["added", three["id"], "In Stock", "", "false"],
            ["added", three["id"], "No", "", "3"],
        ]
    )


def test_nothing_in_it_is_run_by_a_spreadsheet(client, things, start):
    client.field(things["id"], "=evil()")
    client.record(things["id"], **{"Name": "=1+1", "=evil()": "@SUM(A1)"})

    cells = [cell for row in lines(client, things, start) for cell in row]

    assert "'=1+1" in cells
    assert "'=evil()" in cells
    assert not [one for one in cells if one[:1] in "=+@-" and one]


def test_nothing_at_all_is_a_header(client, things, start):
    assert lines(client, things, start) == [["change", "id", "field", "from", "to"]]


# ---------------------------------------------------------------------- laws


@pytest.mark.parametrize("seed", range(3))
def test_a_difference_leads_from_what_was_to_what_is(client, seed):
    happenings = Happenings(client, random.Random(seed))
    moments = []
    for _ in range(4):
        states = {
            record: (owner, happenings.record(record))
            for record, owner in happenings.live.items()
        }
        moments.append((client.position(happenings.workspace_id), states))
        for _ in range(15):
            happenings.step()

    for since, before in moments:
        for until, after in moments:
            if since > until:
                continue
            for table in (happenings.authors, happenings.books):
                leads(diff(client, table, since, until), table, before, after)


def leads(found, table, before, after):
    was = {one: body for one, (owner, body) in before.items() if owner == table["id"]}
    now = {one: body for one, (owner, body) in after.items() if owner == table["id"]}
    same_records(found["added"], [now[one] for one in now if one not in was])
    same_records(found["removed"], [was[one] for one in was if one not in now])
    told = {one["record_id"]: one["changes"] for one in found["changed"]}
    for one in set(was) & set(now):
        values, others = (comparable(each[one]["fields"]) for each in (was, now))
        after_all = values | applied(told.pop(one, {}), values)
        assert comparable(after_all) == others
    assert told == {}


def applied(changes, values):
    """What the changed values become; every change has to change something."""
    found = {}
    for name, one in changes.items():
        if "added" in one:
            found[name] = (values.get(name) or set()) - {*one["removed"]}
            found[name] = found[name] | {*one["added"]} or None
            continue
        assert one["from"] != one["to"]
        before, after = (comparable({name: one[side]}) for side in ("from", "to"))
        assert before.get(name) == values.get(name)
        found[name] = after.get(name)
    return found


def same_records(found, expected):
    def keyed(records):
        return {one["id"]: one for one in records}

    assert keyed(found) == keyed(expected)
