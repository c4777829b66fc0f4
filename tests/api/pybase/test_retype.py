"""A field's type is changed: A-083, with every value, or with none."""

import threading
import time

import pytest

from commands.copying import _no_reply
from commands.unit import Origin
from commands.write import Prepared, submit
from domain.events import Actor, decode
from domain.ids import WorkspaceId
from projections.postgres import connect
from projections.records import convert
from tests.api.pybase.test_duplicate import problems
from tests.client import ABSENT, Client, made

CHOICES = [{"name": "Open"}, {"name": "Closed"}]


def change(client, table, name, body, **more):
    return client.patch(f"/fields/{table['ids'][name]}", json=body, **more)


def values(client, table, name):
    params = {"table_id": table["id"], "limit": 1000}
    rows = made(client.get("/records", params=params))["items"]
    return [one["fields"].get(name) for one in rows]


def take_back(server, recorded_events, workspace_id, reply):
    """Undoes a reply's batch, as the system."""
    batch_id = reply.headers["x-batch-id"]
    unit = [one for one in recorded_events(workspace_id) if one["batch_id"] == batch_id]
    decoded = [
        decode(one["type"], one["schema"], one["stream"], one["data"]) for one in unit
    ]
    commands = [one.inverse() for one in reversed(decoded)]
    origin = Origin(Actor("system", ABSENT), "system", "test")
    prepared = Prepared([one for one in commands if one], _no_reply)
    server.run(submit(server.system, origin, WorkspaceId(workspace_id), prepared))


@pytest.fixture
def prices(client):
    """A column of texts, most of which are numbers."""
    table = client.table("Name", "Price")
    client.records(
        table["id"],
        {"Name": "a", "Price": "1.50"},
        {"Name": "b", "Price": "about two"},
        {"Name": "c"},
        {"Name": "d", "Price": " 3 "},
    )
    return table


# ------------------------------------------------------------------ all or none


def test_a_083_texts_become_numbers(client, prices, happened, database):
    client.patch(f"/records/{_ids(client, prices)[1]}", json={"fields": {"Price": "2"}})
    before = client.position(prices["workspace_id"])

    reply = change(
        client, prices, "Price", {"type": "number", "options": {"precision": 2}}
    )

    shown = made(reply)
    assert (shown["type"], shown["field_type"]) == ("number", "number")
    assert shown["options"] == {"precision": 2}
    assert values(client, prices, "Price") == [1.5, 2, None, 3]
    events = happened(prices["workspace_id"], before)
    assert [name for name, _ in events] == ["field.retyped", "field.converted"]
    assert events[0][1]["conversion"] == "text-to-number-1"
    assert reply.headers["x-position"] == str(before + 2)
    got = client.get(f"/fields/{prices['ids']['Price']}")
    assert (got.json(), got.headers["etag"]) == (shown, reply.headers["etag"])
    wrong = {"table_id": prices["id"], "fields": {"Price": "text"}}
    assert client.post("/records", json=wrong).status_code == 422
    found = {"table_id": prices["id"], "filter": '{"Price":{"$gt":1.5}}'}
    assert made(client.get("/records", params=found))["total"] == 2
    assert problems(database, prices["workspace_id"]) == []


def _ids(client, table):
    params = {"table_id": table["id"], "limit": 1000}
    return [one["id"] for one in made(client.get("/records", params=params))["items"]]


def test_a_083_one_value_that_does_not_convert_refuses_them_all(client, prices):
    before = client.position(prices["workspace_id"])

    reply = change(client, prices, "Price", {"type": "number", "name": "Cost"})

    assert reply.status_code == 422
    (record,) = [one for n, one in enumerate(_ids(client, prices)) if n == 1]
    assert reply.json() == {
        "detail": "1 values do not convert to number: force empties them",
        "code": "VALIDATION_ERROR",
        "count": 1,
        "records": [record],
        "errors": [
            {
                "loc": ["Cost"],
                "msg": "Value must be a number",
                "type": "type_error.number",
                "record_id": record,
                "value": "about two",
            }
        ],
    }
    assert client.position(prices["workspace_id"]) == before
    assert values(client, prices, "Price") == ["1.50", "about two", None, " 3 "]


def test_a_083_the_first_twenty_rows_are_named(client):
    table = client.table("Name")
    client.records(table["id"], *[{"Name": f"n{n}"} for n in range(700)])

    reply = change(client, table, "Name", {"type": "date"})

    found = reply.json()
    assert (reply.status_code, found["count"]) == (422, 700)
    assert found["records"] == _ids(client, table)[:20]
    assert [one["value"] for one in found["errors"]] == [f"n{n}" for n in range(20)]


def test_a_083_force_empties_what_does_not_convert_and_undo_has_it_all_back(
    client, prices, server, recorded_events, database
):
    reply = change(client, prices, "Price", {"type": "number", "force": True})

    assert reply.status_code == 200, reply.text
    assert values(client, prices, "Price") == [1.5, None, None, 3]
    take_back(server, recorded_events, prices["workspace_id"], reply)
    assert values(client, prices, "Price") == ["1.50", "about two", None, " 3 "]
    shown = made(client.get(f"/fields/{prices['ids']['Price']}"))
    assert (shown["type"], shown["options"]) == ("text", {})
    assert problems(database, prices["workspace_id"]) == []


def test_a_083_there_and_back_over_many_rows(
    client, server, recorded_events, database, monkeypatch
):
    """In stretches that are cut otherwise each time, with records gone and new."""
    table = client.table("Name", "No")
    rows = client.records(
        table["id"], *[{"Name": f"{n}.50", "No": str(n)} for n in range(400)]
    )
    replies = []
    kinds = ["number", "text", "currency", "long_text", "number"]
    for size, kind in zip((50, 7, 500, 3, 120), kinds, strict=True):
        monkeypatch.setattr(convert, "RECORDS", size)
        replies.append(change(client, table, "Name", {"type": kind}))
        assert replies[-1].status_code == 200, replies[-1].text
    assert values(client, table, "Name")[:3] == [0.5, 1.5, 2.5]
    client.delete_with(
        "/records/batch",
        {"table_id": table["id"], "record_ids": [one["id"] for one in rows[10:20]]},
    )
    client.record(table["id"], Name=7.25)

    for reply in reversed(replies):
        take_back(server, recorded_events, table["workspace_id"], reply)

    kept = [f"{n}.50" for n in range(400) if not 10 <= n < 20]
    assert values(client, table, "Name") == [*kept, "7.25"]
    assert problems(database, table["workspace_id"]) == []


# ---------------------------------------------------------------- types, options


@pytest.mark.parametrize(
    ("field", "value", "body", "expected"),
    [
        ({"type": "number"}, 2.5, {"type": "currency"}, 2.5),
        ({"type": "currency"}, 20, {"type": "percent"}, 20),
        ({"type": "number"}, 4, {"type": "rating"}, 4),
        ({"type": "duration"}, "1:30", {"type": "number"}, 5400),
        ({"type": "number"}, 7, {"type": "text"}, "7"),
        ({"type": "checkbox"}, True, {"type": "text"}, "true"),
        ({"type": "text"}, "no", {"type": "checkbox"}, False),
        ({"type": "text"}, "a@b.org", {"type": "email"}, "a@b.org"),
        ({"type": "email"}, "a@b.org", {"type": "long_text"}, "a@b.org"),
        (
            {"type": "text"},
            "2024-01-31",
            {"type": "datetime"},
            "2024-01-31T00:00:00Z",
        ),
        (
            {"type": "date"},
            "2024-01-31",
            {"type": "datetime", "options": {"timezone": "Europe/Berlin"}},
            "2024-01-30T23:00:00Z",
        ),
        (
            {"type": "date"},
            "2024-01-31",
            {"options": {"include_time": True}},
            "2024-01-31T00:00:00Z",
        ),
        (
            {"type": "date", "options": {"include_time": True}},
            "2024-01-31T10:00:00Z",
            {"options": {}},
            "2024-01-31",
        ),
        (
            {"type": "single_select", "options": {"choices": CHOICES}},
            "Open",
            {"type": "multi_select"},
            ["Open"],
        ),
        (
            {"type": "multi_select", "options": {"choices": CHOICES}},
            ["Open", "Closed"],
            {"type": "text"},
            "Open, Closed",
        ),
        (
            {"type": "material"},
            "Oak",
            {"type": "text"},
            '{"name":"Oak"}',
        ),
        (
            {"type": "dimension"},
            {"value": 1.5, "plus": 0.1},
            {"type": "text"},
            '{"minus":null,"plus":0.1,"unit":"mm","value":1.5}',
        ),
    ],
    ids=str,
)
def test_a_083_a_value_becomes(
    client, server, recorded_events, field, value, body, expected
):
    table = client.table({"name": "It", **field})
    before = client.record(table["id"], It=value)["fields"]["It"]

    reply = change(client, table, "It", body)

    made(reply)
    assert values(client, table, "It") == [expected]
    take_back(server, recorded_events, table["workspace_id"], reply)
    assert values(client, table, "It") == [before]


def test_a_083_one_user_becomes_several_and_one_again(client, database):
    table = client.table({"name": "Who", "type": "user"})
    me = client.user["id"]
    client.record(table["id"], Who=me)

    made(change(client, table, "Who", {"options": {"allow_multiple": True}}))
    assert values(client, table, "Who") == [[me]]
    made(change(client, table, "Who", {"options": {}}))
    assert values(client, table, "Who") == [me]
    made(change(client, table, "Who", {"type": "text"}))
    assert values(client, table, "Who") == [me]
    assert problems(database, table["workspace_id"]) == []


def test_a_083_text_becomes_a_select_of_its_values_or_of_those_that_are_named(client):
    table = client.table("Named", "Made")
    for text in ("Open", "Closed", "Open"):
        client.record(table["id"], Named=text, Made=text)

    named = change(
        client, table, "Named", {"type": "single_select", "options": {"choices": []}}
    )
    made_up = change(client, table, "Made", {"type": "single_select"})

    assert (named.status_code, named.json()["count"]) == (422, 3)
    choices = made(made_up)["options"]["choices"]
    assert [one["name"] for one in choices] == ["Open", "Closed"]
    assert values(client, table, "Made") == ["Open", "Closed", "Open"]


def test_a_083_a_number_of_a_row_becomes_text(client, server, recorded_events):
    table = client.table(
        "Name", {"name": "No", "type": "autonumber", "options": {"prefix": "P-"}}
    )
    client.records(table["id"], {}, {})

    reply = change(client, table, "No", {"type": "text"})

    made(reply)
    client.record(table["id"], No="free")
    assert values(client, table, "No") == ["P-1", "P-2", "free"]


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ({"type": "number"}, {"type": "date"}),
        ({"type": "checkbox"}, {"type": "number", "force": True}),
        ({"type": "text"}, {"type": "autonumber"}),
        ({"type": "text"}, {"type": "user"}),
        ({"type": "text"}, {"type": "novel"}),
        ({"type": "text"}, {"type": "number", "options": {"precision": -1}}),
        ({"type": "text"}, {"type": "number", "force": "yes"}),
        ({"type": "text"}, {"type": None}),
        ({"type": "text"}, {"type": "linked_record"}),
        ({"type": "text"}, {"type": "formula", "options": {"formula": "1"}}),
    ],
    ids=str,
)
def test_a_083_what_cannot_be_is_refused_and_changes_nothing(client, field, body):
    table = client.table({"name": "It", **field})
    before = client.position(table["workspace_id"])

    reply = change(client, table, "It", body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert client.position(table["workspace_id"]) == before


# ---------------------------------------------------------------------- links


@pytest.fixture
def library(client):
    authors = client.table("Name", name="Authors")
    books = client.table("Title", base_id=authors["base_id"], name="Books")
    link = client.field(
        books["id"],
        "By",
        "linked_record",
        options={"linked_table_id": authors["id"], "reverse_name": "Works"},
    )
    ada, bob = client.records(authors["id"], {"Name": "Ada"}, {"Name": "Bob, Jr."})
    one, two = client.records(
        books["id"],
        {"Title": "One", "By": [bob["id"], ada["id"]]},
        {"Title": "Two", "By": [ada["id"]]},
    )
    order = {"fields": {"Works": [two["id"], one["id"]]}}
    made(client.patch(f"/records/{ada['id']}", json=order))
    books["ids"]["By"] = link["id"]
    return authors, books


def test_a_083_links_become_names_and_come_back_in_their_order(
    client, library, server, recorded_events, database
):
    authors, books = library
    far, near = values(client, authors, "Works"), values(client, books, "By")

    reply = change(client, books, "By", {"type": "text"})

    made(reply)
    assert values(client, books, "By") == ['"Bob, Jr.", Ada', "Ada"]
    assert [one["name"] for one in _fields(client, authors)] == ["Name"]
    assert problems(database, books["workspace_id"]) == []
    take_back(server, recorded_events, books["workspace_id"], reply)
    assert values(client, books, "By") == near
    assert values(client, authors, "Works") == far
    assert problems(database, books["workspace_id"]) == []


def test_a_083_names_become_links_with_another_end(
    client, library, server, recorded_events, database
):
    authors, books = library
    near = values(client, books, "By")
    made(change(client, books, "By", {"type": "text"}))

    options = {"linked_table_id": authors["id"], "reverse_name": "Again"}
    reply = change(client, books, "By", {"type": "linked_record", "options": options})

    made(reply)
    assert values(client, books, "By") == near
    assert [one["name"] for one in _fields(client, authors)] == ["Name", "Again"]
    ids = _ids(client, books)
    assert values(client, authors, "Again") == [ids, [ids[0]]]
    assert problems(database, books["workspace_id"]) == []
    take_back(server, recorded_events, books["workspace_id"], reply)
    assert values(client, books, "By") == ['"Bob, Jr.", Ada', "Ada"]
    assert [one["name"] for one in _fields(client, authors)] == ["Name"]
    assert problems(database, books["workspace_id"]) == []


def test_a_083_a_name_that_nobody_has_is_told(client, library):
    _, books = library
    options = {"linked_table_id": library[0]["id"]}

    reply = change(
        client, books, "Title", {"type": "linked_record", "options": options}
    )

    assert reply.status_code == 422
    assert [one["msg"] for one in reply.json()["errors"]] == [
        "No record is called 'One'",
        "No record is called 'Two'",
    ]


def test_a_083_a_link_to_another_tenants_table_is_not_found(client, stranger):
    table, theirs = client.table("Name"), stranger.table("Name")
    options = {"linked_table_id": theirs["id"]}

    reply = change(client, table, "Name", {"type": "linked_record", "options": options})

    assert reply.status_code == 404
    assert theirs["id"] not in reply.text


def _fields(client, table):
    return made(client.get("/fields", params={"table_id": table["id"]}))["items"]


# --------------------------------------------------------------- what refers to it


def test_a_083_a_view_does_without_what_no_longer_fits(client, prices):
    view = client.view(
        prices["id"],
        filters=[{"field": "Price", "operator": "starts_with", "value": "1"}],
        sorts=[{"field": "Price", "direction": "desc"}],
    )

    made(change(client, prices, "Price", {"type": "number", "force": True}))

    shown = made(client.get(f"/views/{view['id']}"))
    assert shown["filters"] == []
    assert [one["place"] for one in shown["unusable"]] == ["filters"]
    found = made(client.post(f"/views/{view['id']}/data", json={}))["records"]
    assert [one["fields"]["Name"] for one in found] == ["d", "a", "b", "c"]


def test_a_340_a_constraint_goes_with_the_field(client, database):
    table = client.table("Code")
    client.records(table["id"], {"Code": "1.0"}, {"Code": "2"})
    client.constraint(table["ids"]["Code"])

    shown = made(change(client, table, "Code", {"type": "number"}))

    assert shown["is_unique"] is True
    same = client.post(
        "/records", json={"table_id": table["id"], "fields": {"Code": 1}}
    )
    assert (same.status_code, same.json()["code"]) == (409, "DUPLICATE_VALUE")
    client.record(table["id"], Code=3)
    assert problems(database, table["workspace_id"]) == []


def test_a_340_values_that_become_equal_are_refused(client):
    table = client.table("Code")
    ids = [
        one["id"]
        for one in client.records(table["id"], {"Code": "1.0"}, {"Code": "1.00"})
    ]
    client.constraint(table["ids"]["Code"])

    reply = change(client, table, "Code", {"type": "number", "force": True})

    assert (reply.status_code, reply.json()["code"]) == (409, "DUPLICATE_VALUE")
    assert reply.json()["examples"] == [{"records": ids, "value": 1}]
    assert values(client, table, "Code") == ["1.0", "1.00"]


def test_a_087_a_required_field_is_not_emptied_unless_it_is_required_no_more(client):
    table = client.table({"name": "Code", "type": "text", "required": True})
    record = client.record(table["id"], Code="x")

    body = {"type": "number", "force": True}
    refused = change(client, table, "Code", body)
    freed = change(client, table, "Code", {**body, "required": False, "name": "No"})

    assert refused.status_code == 422
    assert refused.json()["records"] == [record["id"]]
    shown = made(freed)
    assert (shown["name"], shown["required"], shown["type"]) == ("No", False, "number")


def test_a_142_a_choice_in_use_is_removed_only_by_force(
    client, server, recorded_events, database
):
    options = {"choices": CHOICES}
    table = client.table(
        {"name": "One", "type": "single_select", "options": options},
        {"name": "Many", "type": "multi_select", "options": options},
    )
    rows = client.records(
        table["id"],
        {"One": "Open", "Many": ["Open", "Closed"]},
        {"One": "Closed", "Many": ["Open"]},
    )
    less = {"options": {"choices": ["Closed"]}}

    refused = change(client, table, "One", less)
    one, many = (
        change(client, table, name, {**less, "force": True}) for name in ("One", "Many")
    )

    assert (refused.status_code, refused.json()) == (
        409,
        {
            "detail": "A choice is in use: Open",
            "code": "CONFLICT",
            "choices": ["Open"],
            "count": 1,
            "records": [rows[0]["id"]],
        },
    )
    assert [choice["name"] for choice in made(one)["options"]["choices"]] == ["Closed"]
    assert values(client, table, "One") == [None, "Closed"]
    assert values(client, table, "Many") == [["Closed"], None]
    take_back(server, recorded_events, table["workspace_id"], many)
    take_back(server, recorded_events, table["workspace_id"], one)
    assert values(client, table, "One") == ["Open", "Closed"]
    assert values(client, table, "Many") == [["Open", "Closed"], ["Open"]]
    assert problems(database, table["workspace_id"]) == []


# ---------------------------------------------------------------- keys and others


def test_a_083_an_old_version_is_refused(client, prices):
    old = {"if-match": '"v7"'}

    reply = change(
        client, prices, "Price", {"type": "long_text", "name": "Cost"}, headers=old
    )

    assert (reply.status_code, reply.json()["code"]) == (412, "VERSION_MISMATCH")


def test_a_083_the_same_key_changes_it_once(client, prices):
    key = {"headers": {"idempotency-key": "once"}}
    body = {"type": "number", "force": True}
    first = change(client, prices, "Price", body, **key)
    position = client.position(prices["workspace_id"])

    again = change(client, prices, "Price", body, **key)

    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert client.position(prices["workspace_id"]) == position


def test_a_174_nobody_sees_half_of_it_and_no_write_is_lost(
    client, server, database, monkeypatch
):
    """Readers and writers of the table go on while it changes back and forth."""
    monkeypatch.setattr(convert, "RECORDS", 20)
    table = client.table("Name")
    client.records(table["id"], *[{"Name": str(n)} for n in range(300)])
    seen: list[set[type]] = []
    written: list[int] = []
    over = threading.Event()

    def look():
        with Client(server.url) as other:
            other.headers.update(client.headers)
            while not over.is_set():
                seen.append({type(one) for one in values(other, table, "Name")})

    def write():
        with Client(server.url) as other:
            other.headers.update(client.headers)
            for number in range(300, 340):
                for value in (number, str(number)):
                    body = {"table_id": table["id"], "fields": {"Name": value}}
                    reply = other.post("/records", json=body)
                    assert reply.status_code in (201, 422, 503), reply.text
                    if reply.status_code == 201:
                        written.append(number)
                time.sleep(0.01)

    threads = [threading.Thread(target=one) for one in (look, write)]
    for one in threads:
        one.start()
    for kind in ("number", "text") * 4:
        reply = change(client, table, "Name", {"type": kind})
        assert reply.status_code in (200, 503), reply.text
    threads[1].join()
    over.set()
    threads[0].join()

    assert all(len(one) == 1 for one in seen)
    found = sorted(int(one) for one in values(client, table, "Name"))
    assert found == sorted([*range(300), *written])
    assert problems(database, table["workspace_id"]) == []


def test_a_174_a_table_that_others_hold_answers_503_and_stays_as_it_is(
    client, prices, database
):
    made(change(client, prices, "Price", {"type": "long_text"}))
    before = client.position(prices["workspace_id"])
    with connect(database.app) as other:
        name = f"ws_{prices['workspace_id']}.t_{prices['id']}".replace("-", "")
        other.execute(f"LOCK TABLE {name} IN ROW EXCLUSIVE MODE".encode())
        reply = change(client, prices, "Price", {"type": "number", "force": True})
        other.rollback()

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert client.position(prices["workspace_id"]) == before
    assert values(client, prices, "Price")[0] == "1.50"
    made(change(client, prices, "Price", {"type": "number", "force": True}))
    assert problems(database, prices["workspace_id"]) == []


def test_a_083_an_export_shows_the_moment_it_began(client, prices, monkeypatch):
    """A reader with an older catalogue finds the old column as it was."""
    params = {"table_id": prices["id"], "format": "json"}
    with client.stream("GET", "/records/export", params=params) as reply:
        made(change(client, prices, "Price", {"type": "number", "force": True}))
        text = b"".join(reply.iter_bytes()).decode()

    assert "about two" in text
