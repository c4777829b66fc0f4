"""Filters in both dialects, and sorts."""

import json

import pytest

from tests.client import made

# what each test of operators looks at: row "e" is empty but for its name
ROWS = [
    {
        "Name": "a",
        "Text": "Widget",
        "Price": 10,
        "Done": True,
        "Day": "2024-01-01",
        "At": "2024-01-01T10:00:00Z",
        "Status": "Open",
    },
    {
        "Name": "b",
        "Text": "widget X",
        "Price": 29.99,
        "Done": False,
        "Day": "2024-02-29",
        "At": "2024-01-02T00:00:00Z",
        "Status": "Closed",
    },
    {"Name": "c", "Text": "50% _off\\", "Price": -1, "Status": "Open"},
    {"Name": "d", "Text": "Gadget", "Price": 100, "Day": "1999-12-31"},
    {"Name": "e"},
]


@pytest.fixture(scope="module")
def _kept():
    return {}


@pytest.fixture
def table(client, _kept):
    """The table of ROWS, made once: these tests only read it."""
    if "table" not in _kept:
        choices = {"choices": [{"name": "Open"}, {"name": "Closed"}]}
        made_one = client.table(
            "Name",
            "Text",
            {"name": "Price", "type": "number"},
            {"name": "Done", "type": "checkbox"},
            {"name": "Day", "type": "date"},
            {"name": "At", "type": "datetime"},
            {"name": "Status", "type": "single_select", "options": choices},
            {"name": "No", "type": "autonumber"},
        )
        client.records(made_one["id"], *ROWS)
        _kept["table"] = made_one
    return _kept["table"]


def ask(client, table, filter_=None, sort=None, **more):
    query = {"table_id": table["id"], **more}
    for name, value in (("filter", filter_), ("sort", sort)):
        if value is not None:
            query[name] = value if isinstance(value, str) else json.dumps(value)
    return client.get("/records", params=query)


def names(reply):
    return "".join(one["fields"]["Name"] for one in made(reply)["items"])


# ------------------------------------------------------------------ operators


@pytest.mark.parametrize(
    ("field", "operator", "value", "found"),
    [
        ("Text", "eq", "Widget", "a"),
        ("Text", "neq", "Widget", "bcde"),
        ("Text", "contains", "widget", "ab"),
        ("Text", "contains", "%", "c"),
        ("Text", "contains", "_", "c"),
        ("Text", "contains", "\\", "c"),
        ("Text", "contains", "", "abcd"),
        ("Text", "not_contains", "WIDGET", "cde"),
        ("Text", "starts_with", "wid", "ab"),
        ("Text", "starts_with", "%", ""),
        ("Text", "ends_with", "GET", "ad"),
        ("Text", "is_empty", None, "e"),
        ("Text", "is_not_empty", None, "abcd"),
        ("Price", "eq", 29.99, "b"),
        ("Price", "neq", 10, "bcde"),
        ("Price", "gt", 10, "bd"),
        ("Price", "gte", 10, "abd"),
        ("Price", "lt", 10, "c"),
        ("Price", "lte", 10, "ac"),
        ("Price", "is_empty", True, "e"),
        ("Price", "is_not_empty", None, "abcd"),
        ("Done", "eq", True, "a"),
        ("Done", "eq", False, "bcde"),
        ("Done", "neq", True, "bcde"),
        ("Day", "eq", "2024-02-29", "b"),
        ("Day", "neq", "2024-02-29", "acde"),
        ("Day", "gt", "2024-01-01", "b"),
        ("Day", "gte", "2024-01-01", "ab"),
        ("Day", "lt", "2024-01-01", "d"),
        ("Day", "lte", "2024-01-01", "ad"),
        ("Day", "is_empty", None, "ce"),
        ("At", "eq", "2024-01-01T11:00:00+01:00", "a"),
        ("At", "gt", "2024-01-01T10:00:00Z", "b"),
        ("At", "lte", "2024-01-01T10:00:00Z", "a"),
        ("At", "is_not_empty", None, "ab"),
        ("Status", "eq", "Open", "ac"),
        ("Status", "neq", "Open", "bde"),
        ("Status", "contains", "OS", "b"),
        ("Status", "starts_with", "o", "ac"),
        ("Status", "is_empty", None, "de"),
        ("No", "gt", 3, "de"),
        ("No", "eq", 1, "a"),
    ],
    ids=str,
)
def test_an_operator_finds_the_same_in_both_dialects(
    client, table, field, operator, value, found
):
    by_condition = {"AND": [{"field": field, "operator": operator, "value": value}]}
    by_field = {field: {f"${operator}": value}}

    assert names(ask(client, table, by_condition)) == found
    assert names(ask(client, table, by_field)) == found
    assert ask(client, table, by_field).json()["total"] == len(found)


def test_the_documents_query_finds_widgets(client, table):
    query = (
        f"/records?table_id={table['id']}"
        '&filter={"Text": {"$contains": "Widget"}}'
        '&sort=[{"field": "Price", "direction": "desc"}]&limit=100&offset=0'
    )

    body = made(client.get(query))

    assert [one["fields"]["Name"] for one in body["items"]] == ["b", "a"]
    assert (body["total"], body["limit"], body["offset"]) == (2, 100, 0)


def test_the_documents_filter_takes_all_of_its_conditions(client, table):
    filter_ = {
        "AND": [
            {"field": "Status", "operator": "eq", "value": "Open"},
            {"field": "Price", "operator": "gt", "value": 5},
        ]
    }

    assert names(ask(client, table, filter_)) == "a"


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ("", "abcde"),
        ({}, "abcde"),
        ([], "abcde"),
        ({"AND": []}, "abcde"),
        ({"OR": []}, ""),
        ({"Text": "Widget"}, "a"),
        ({"Text": None}, "e"),
        ({"Text": {"$contains": "widget", "$neq": "Widget"}}, "b"),
        ({"Status": "Open", "Price": {"$lt": 0}}, "c"),
        ({"OR": [{"Name": "a"}, {"Name": "e"}]}, "ae"),
        ({"NOT": {"Name": "a"}}, "bcde"),
        ({"NOT": []}, ""),
        ({"NOT": {"OR": [{"Name": "a"}, {"Name": "b"}]}}, "cde"),
        ({"AND": [{"Status": "Open"}, {"NOT": {"Price": {"$gt": 0}}}]}, "c"),
        (
            {"OR": [{"field": "Name", "operator": "eq", "value": "d"}, {"Name": "c"}]},
            "cd",
        ),
        ([{"Status": "Open"}, {"field": "Price", "operator": "gt", "value": 0}], "a"),
        ({"field": "Name", "operator": "eq", "value": "b"}, "b"),
        ({"NOT": {"Text": {"$is_empty": None}}}, "abcd"),
    ],
    ids=str,
)
def test_conditions_combine(client, table, filter_, found):
    assert names(ask(client, table, filter_)) == found


def test_a_field_is_named_by_its_id_as_well(client, table):
    filter_ = {table["ids"]["Name"]: "b"}

    assert names(ask(client, table, filter_)) == "b"


def test_a_condition_and_its_opposite_are_the_whole_table(client, table):
    for field, operator, value in [
        ("Text", "contains", "widget"),
        ("Price", "gt", 10),
        ("Day", "lte", "2024-01-01"),
        ("Done", "eq", True),
    ]:
        condition = {"field": field, "operator": operator, "value": value}
        one = set(names(ask(client, table, condition)))
        other = set(names(ask(client, table, {"NOT": condition})))
        assert one | other == set("abcde")
        assert not one & other


# ------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "filter_",
    [
        "x",
        "{",
        '"Name"',
        "7",
        "null",
        "true",
        {"Nope": "x"},
        {"name": "x"},
        {"": "x"},
        {"Name; DROP TABLE x": "x"},
        {'"Name"': "x"},
        {"__class__": "x"},
        {"Name": {"$like": "x"}},
        {"Name": {"contains": "x"}},
        {"Name": {}},
        {"Name": ["a"]},
        {"Name": 7},
        {"Price": "10"},
        {"Price": True},
        {"Day": "soon"},
        {"Day": {"$contains": "2024"}},
        {"Done": 1},
        {"Done": {"$gt": False}},
        {"Name": {"$gt": "a"}},
        {"Price": {"$contains": 1}},
        {"AND": {}},
        {"OR": "x"},
        {"NOT": "x"},
        {"AND": ["x"]},
        {"AND": [{"field": "Name"}]},
        {"AND": [{"field": "Name", "operator": "eq"}]},
        {"AND": [{"field": "Name", "operator": "=", "value": "x"}]},
        {"AND": [{"field": "Nope", "operator": "eq", "value": "x"}]},
        {"AND": [{"field": 7, "operator": "eq", "value": "x"}]},
        {"AND": [{"field": "Name", "operator": "eq", "value": "x", "or": 1}]},
        '{"Price": NaN}',
        '{"Price": 1e999}',
        '{"Price": Infinity}',
        '{"Name": "\\u0000"}',
        '{"Name": "\\ud800"}',
        '{"Name": "a", "Name": "b"}',
        '{"Price": ' + "9" * 10_000 + "}",
        "[" * 10_000 + "]" * 10_000,
        '{"NOT":' * 40 + "{}" + "}" * 40,
        '{"OR":[' + ",".join(['{"Name":"a"}'] * 501) + "]}",
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_filter_that_is_none_is_refused(client, table, filter_):
    reply = ask(client, table, filter_)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert reply.elapsed.total_seconds() < 1


@pytest.mark.parametrize(
    "sort",
    [
        "x",
        "Name",
        "{}",
        "7",
        {"field": "Name"},
        ["Name"],
        [{}],
        [{"field": 7}],
        [{"field": "Nope"}],
        [{"field": "Name; DROP TABLE x"}],
        [{"field": "Name", "direction": "up"}],
        [{"field": "Name", "direction": "asc, (SELECT 1)"}],
        [{"field": "Name", "direction": None}],
        [{"field": "Name", "nulls": "first"}],
        [{"field": "Name"}] * 11,
        "[" * 10_000,
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_sort_that_is_none_is_refused(client, table, sort):
    reply = ask(client, table, sort=sort)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


def test_a_deleted_field_answers_as_one_that_never_was(client):
    table = client.table("Name", "Secret")
    client.record(table["id"], Name="a", Secret="x")
    client.delete(f"/fields/{table['ids']['Secret']}")

    for filter_ in ({"Secret": "x"}, {table["ids"]["Secret"]: "x"}):
        (name,) = filter_
        gone, never = ask(client, table, filter_), ask(client, table, {"Nowhere": "x"})
        assert gone.status_code == never.status_code == 422
        assert gone.text.replace(name, "Nowhere") == never.text


def test_a_very_long_value_finds_nothing(client, table):
    reply = ask(client, table, {"Text": {"$contains": "x" * 30_000}})

    assert names(reply) == ""


# ----------------------------------------------------------------------- sort


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ([{"field": "Name", "direction": "desc"}], "edcba"),
        ([{"field": "Name", "direction": "asc"}], "abcde"),
        ([{"field": "Name"}], "abcde"),
        ([{"field": "Price", "direction": "asc"}], "cabde"),
        ([{"field": "Price", "direction": "desc"}], "dbace"),
        ([{"field": "Day", "direction": "asc"}], "dabce"),
        ([{"field": "No", "direction": "desc"}], "edcba"),
        ([{"field": "created_at"}], "abcde"),
        (
            [
                {"field": "Status", "direction": "desc"},
                {"field": "Price", "direction": "asc"},
            ],
            "bcade",  # choices have the order that the field gives them
        ),
        (
            [
                {"field": "Status", "direction": "asc"},
                {"field": "Price", "direction": "desc"},
            ],
            "acbde",
        ),
        ([], "abcde"),
        ("", "abcde"),
    ],
    ids=str,
)
def test_records_come_sorted(client, table, sort, found):
    assert names(ask(client, table, sort=sort)) == found


def test_a_filter_a_sort_and_a_page_go_together(client, table):
    reply = ask(
        client,
        table,
        {"Price": {"$gte": 0}},
        [{"field": "Price", "direction": "desc"}],
        limit=1,
        offset=1,
    )

    assert names(reply) == "b"
    assert reply.json()["total"] == 3
