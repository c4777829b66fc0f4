"""Records behind a cursor, and the fields that a reader chooses.

A-160 is the list; the cursor and `fields` were promised beyond the document.
"""

import json
import random

import pytest

from tests.client import Json, made

CHOICES = [{"name": name} for name in ("Zeta", "Alpha", "Mid")]
FIELDS: list[Json] = [
    {"name": "Name", "type": "text"},
    {"name": "Notes", "type": "long_text"},
    {"name": "Price", "type": "number"},
    {"name": "Done", "type": "checkbox"},
    {"name": "Day", "type": "date"},
    {"name": "At", "type": "datetime"},
    {"name": "Status", "type": "single_select", "options": {"choices": CHOICES}},
    {"name": "No", "type": "autonumber"},
]


@pytest.fixture(scope="module")
def _kept():
    return {}


def some_row(dice):
    """Few values, so that many are equal, and some empty."""
    long = "same start " * 80
    row = {
        "Name": dice.choice(["ada", "Ada", "bob", "Ärger", "", "Zoë", "x"]),
        "Notes": dice.choice(["", "short", long, long + "b", long + "a"]),
        "Price": dice.choice([None, -5, 0, 0.1, 10, 2**60, 99999999999999999.25]),
        "Done": dice.choice([None, True, False]),
        "Day": dice.choice([None, "2024-02-29", "2024-03-01", "0999-01-01"]),
        "At": dice.choice([None, "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z"]),
        "Status": dice.choice([None, "Zeta", "Alpha", "Mid"]),
    }
    return {name: value for name, value in row.items() if value is not None}


@pytest.fixture
def table(client, _kept):
    """A table of ninety records, made once: these tests only read it."""
    if "table" not in _kept:
        dice = random.Random(7)
        made_one = client.table(*FIELDS)
        client.records(made_one["id"], *[some_row(dice) for _ in range(90)])
        _kept["table"] = made_one
    return _kept["table"]


def ask(client, table, **query):
    shown = {
        name: value if isinstance(value, str | int) else json.dumps(value)
        for name, value in query.items()
    }
    return client.get("/records/cursor", params={"table_id": table["id"], **shown})


def walk(client, table, **query):
    """Every page to the end."""
    pages = [made(ask(client, table, **query))]
    while pages[-1]["meta"]["has_next"]:
        cursor = pages[-1]["meta"]["next_cursor"]
        pages.append(made(ask(client, table, **query, cursor=cursor)))
    return pages


def ids(*pages):
    return [one["id"] for page in pages for one in page["items"]]


def whole(client, table, **query):
    shown = {name: json.dumps(value) for name, value in query.items()}
    return made(
        client.get("/records", params={"table_id": table["id"], "limit": 1000, **shown})
    )


def sorts(*names):
    return [
        {"field": name.lstrip("-"), "direction": "desc" if name[0] == "-" else "asc"}
        for name in names
    ]


ORDERS = [
    (),
    ("Name",),
    ("-Name",),
    ("Notes",),
    ("-Notes", "Name"),
    ("Price",),
    ("-Price",),
    ("Done",),
    ("-Done", "-Day"),
    ("Day", "-Price"),
    ("At", "Status"),
    ("-At",),
    ("Status",),
    ("-Status", "Price", "-Name"),
    ("No",),
    ("-No",),
    ("created_at",),
    ("-created_at", "Done"),
    ("-updated_at",),
    ("id",),
    ("-id",),
]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("limit", [7, 45, 90])
def test_a_168_pages_behind_a_cursor_concatenate_to_the_list(
    client, table, order, limit
):
    sort = sorts(*order)
    expected = whole(client, table, sort=sort)["items"]

    pages = walk(client, table, sort=sort, limit=limit)

    assert [one for page in pages for one in page["items"]] == expected


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_168_the_way_back_is_the_way_there(client, table, order):
    sort = sorts(*order)
    there = walk(client, table, sort=sort, limit=20)
    back = [there[-1]]
    while back[0]["meta"]["has_prev"]:
        cursor = back[0]["meta"]["prev_cursor"]
        back.insert(0, made(ask(client, table, sort=sort, limit=20, cursor=cursor)))

    assert ids(*back) == ids(*there)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_168_the_order_is_total_and_the_same_each_time(client, table, order):
    sort = sorts(*order)

    once, again = (whole(client, table, sort=sort)["items"] for _ in range(2))

    assert once == again
    assert len(set(ids({"items": once}))) == 90


FILTERS = [
    {"Name": {"$contains": "A"}},
    {"Name": {"$not_contains": "a"}},
    {"Name": {"$is_empty": None}},
    {"Notes": {"$starts_with": "same"}},
    {"Price": {"$gt": 0}},
    {"Price": {"$neq": 10}},
    {"Done": True},
    {"Day": {"$lte": "2024-02-29"}},
    {"At": {"$gte": "2024-01-01"}},
    {"Status": "Mid"},
    {"No": {"$lt": 40}},
    {"OR": [{"Done": True}, {"NOT": {"Price": {"$lt": 5}}}]},
]


@pytest.mark.parametrize("p", FILTERS, ids=json.dumps)
def test_a_170_a_filter_and_its_opposite_make_the_whole(client, table, p):
    found = ids(*walk(client, table, filter=p, limit=40))
    others = ids(*walk(client, table, filter={"NOT": p}, limit=40))

    assert not set(found) & set(others)
    assert sorted(found + others) == sorted(ids(whole(client, table)))


@pytest.mark.parametrize(
    ("name", "operator", "opposite", "value"),
    [
        ("Name", "eq", "neq", "Ada"),
        ("Name", "contains", "not_contains", "a"),
        ("Price", "lt", "gte", 10),
        ("Price", "gt", "lte", 0),
        ("Day", "lt", "gte", "2024-03-01"),
        ("At", "gt", "lte", "2024-01-01"),
        ("Status", "eq", "neq", "Zeta"),
    ],
)
def test_a_180_p_its_opposite_and_the_empty_make_the_whole(
    client, table, name, operator, opposite, value
):
    """neq and not_contains take the empty ones in, the others leave them out."""

    def count(word, than):
        one = {"field": name, "operator": word, "value": than}
        return made(ask(client, table, filter=one))["meta"]["total_count"]

    taken_in = operator in ("eq", "contains")
    parts = [count(operator, value), count(opposite, value)]
    parts.append(0 if taken_in else count("is_empty", None))

    assert sum(parts) == 90


def test_a_page_says_what_is_around_it(client, table):
    first, second, *_ = walk(client, table, limit=40)
    last = walk(client, table, limit=40)[-1]

    assert set(first) == {"items", "meta"}
    assert set(first["meta"]) == {
        "next_cursor",
        "prev_cursor",
        "has_next",
        "has_prev",
        "limit",
        "total_count",
    }
    flags = [
        (one["meta"]["has_prev"], one["meta"]["has_next"])
        for one in (first, second, last)
    ]
    assert flags == [(False, True), (True, True), (True, False)]
    assert (first["meta"]["prev_cursor"], last["meta"]["next_cursor"]) == (None, None)
    assert (first["meta"]["limit"], first["meta"]["total_count"]) == (40, 90)
    assert first["items"][0] == whole(client, table)["items"][0]


def test_nothing_found_is_a_page_too(client, table):
    page = made(ask(client, table, filter={"Name": "nobody"}))

    assert page == {
        "items": [],
        "meta": {
            "next_cursor": None,
            "prev_cursor": None,
            "has_next": False,
            "has_prev": False,
            "limit": 100,
            "total_count": 0,
        },
    }


def test_records_that_come_and_go_meanwhile_move_no_other(newcomer):
    table = newcomer.table({"name": "N", "type": "number"})
    rows = newcomer.records(table["id"], *[{"N": n} for n in range(10, 30, 2)])
    sort = sorts("N")
    first = made(ask(newcomer, table, sort=sort, limit=4))

    newcomer.records(table["id"], {"N": 1}, {"N": 11}, {"N": 17})
    newcomer.delete(f"/records/{rows[0]['id']}")
    newcomer.delete(f"/records/{rows[3]['id']}")  # the one that the cursor stands at
    cursor = first["meta"]["next_cursor"]
    second = made(ask(newcomer, table, sort=sort, limit=4, cursor=cursor))

    assert [one["fields"]["N"] for one in second["items"]] == [17, 18, 20, 22]


def test_a_cursor_at_a_long_text_ends_when_that_record_changes(newcomer):
    table = newcomer.table({"name": "Text", "type": "long_text"})
    rows = newcomer.records(table["id"], *[{"Text": "x" * 5000 + c} for c in "abcd"])
    sort = sorts("Text")
    first = made(ask(newcomer, table, sort=sort, limit=2))
    cursor = first["meta"]["next_cursor"]
    second = made(ask(newcomer, table, sort=sort, limit=2, cursor=cursor))

    newcomer.patch(f"/records/{rows[1]['id']}", json={"fields": {"Text": "changed"}})
    reply = ask(newcomer, table, sort=sort, limit=2, cursor=cursor)

    assert len(cursor) < 1000
    assert ids(second) == [rows[2]["id"], rows[3]["id"]]
    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


BAD = ["x", "null", "AAAA", "A" * 200, "A" * 20_000, "é", "../..", "' OR 1=1 --"]


@pytest.mark.parametrize("cursor", BAD, ids=lambda text: text[:12])
def test_a_cursor_that_was_made_up_is_refused(client, table, cursor):
    reply = ask(client, table, cursor=cursor)

    assert reply.status_code == 422
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert reply.json()["errors"][0]["loc"] == ["cursor"]


def test_a_cursor_goes_on_only_where_it_came_from(client, table):
    other = client.table(*FIELDS)
    sort = sorts("Name")
    cursor = made(ask(client, table, sort=sort, limit=5))["meta"]["next_cursor"]
    changed = cursor[:-4] + ("AAAA" if cursor[-4:] != "AAAA" else "BBBB")

    for where, query in [
        (table, {"cursor": cursor}),
        (table, {"cursor": cursor, "sort": sorts("-Name")}),
        (table, {"cursor": cursor, "sort": sort, "filter": {"Done": True}}),
        (other, {"cursor": cursor, "sort": sort}),
        (table, {"cursor": changed, "sort": sort}),
    ]:
        assert ask(client, where, **query).status_code == 422, query
    # spaces in what was asked, and another size of page, are no other question
    spaced = json.dumps(sort, indent=2)
    assert ask(client, table, cursor=cursor, sort=spaced, limit=9).status_code == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 0}, 422),
        ({"limit": 1001}, 422),
        ({"limit": "x"}, 422),
        ({"filter": {"Nope": 1}}, 422),
        ({"sort": [{"field": "Nope"}]}, 422),
        ({"fields": "Nope"}, 422),
        ({"table_id": "nope"}, 400),
        ({"table_id": "00000000-0000-7000-8000-000000000000"}, 404),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused(client, table, query, status):
    assert ask(client, table, **query).status_code == status


def test_a_table_has_to_be_named(client):
    reply = client.get("/records/cursor")

    assert (reply.status_code, reply.json()["errors"][0]["loc"]) == (422, ["table_id"])


# ------------------------------------------------------ the fields that are shown


def test_a_160_a_list_shows_the_fields_that_were_asked_for(client, table):
    params = {"table_id": table["id"], "fields": "Price, Name", "limit": 3}
    listed = made(client.get("/records", params=params))["items"]
    behind = made(ask(client, table, fields="Price, Name", limit=3))["items"]

    assert [list(one["fields"]) for one in listed] == [["Price", "Name"]] * 3
    assert listed == behind
    assert "created_at" in listed[0]


def test_a_162_a_record_shows_the_fields_that_were_asked_for(client, table):
    one = whole(client, table)["items"][0]
    by_id = table["ids"]["Name"]

    reply = client.get(f"/records/{one['id']}", params={"fields": f"{by_id},Name,No"})
    twice = client.get(f"/records/{one['id']}", params={"fields": "No", "by": "id"})

    assert reply.json() == {
        **one,
        "fields": {"Name": one["fields"]["Name"], "No": one["fields"]["No"]},
    }
    assert reply.headers["etag"] == '"v1"'
    assert twice.json()["data"] == {table["ids"]["No"]: one["fields"]["No"]}


def test_a_160_a_name_with_a_comma_is_reached_by_its_id(newcomer):
    table = newcomer.table("Last, first", "Other")
    newcomer.record(table["id"], **{"Last, first": "Lovelace, Ada"})
    params = {"table_id": table["id"], "fields": table["ids"]["Last, first"]}

    (one,) = made(newcomer.get("/records", params=params))["items"]

    assert one["fields"] == {"Last, first": "Lovelace, Ada"}


def test_a_160_one_may_sort_and_filter_by_what_is_not_shown(client, table):
    page = made(
        ask(client, table, fields="No", sort=sorts("-Price"), filter={"Done": True})
    )

    assert {tuple(one["fields"]) for one in page["items"]} == {("No",)}


@pytest.mark.parametrize("path", ["/records", "/records/cursor", "/records/{id}"])
def test_a_160_an_unknown_field_is_refused(client, table, path):
    record = whole(client, table)["items"][0]["id"]
    params = {"table_id": table["id"], "fields": "Name,Nope"}

    reply = client.get(path.replace("{id}", record), params=params)

    assert reply.status_code == 422
    assert reply.json()["errors"] == [
        {"loc": ["fields"], "msg": "Unknown field 'Nope'", "type": "value_error"}
    ]


def test_a_160_a_deleted_field_answers_as_one_that_never_was(newcomer):
    table = newcomer.table("Kept", "Gone")
    newcomer.delete(f"/fields/{table['ids']['Gone']}")

    for name in ("Gone", table["ids"]["Gone"], "Never"):
        reply = newcomer.get(
            "/records", params={"table_id": table["id"], "fields": name}
        )
        assert (reply.status_code, reply.json()["detail"]) == (
            422,
            f"Unknown field {name!r}",
        )


@pytest.mark.parametrize("path", ["/records", "/records/cursor"])
def test_a_160_no_name_means_all_fields(client, table, path):
    params = {"table_id": table["id"], "fields": " ", "limit": 1}

    (one,) = made(client.get(path, params=params))["items"]

    assert list(one["fields"]) == [field["name"] for field in FIELDS]
