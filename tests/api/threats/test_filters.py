"""Rows 30, 32 and 34: filters and sorts that want to be more than that."""

import json
from urllib.parse import quote, urlencode

import pytest

from tests.client import made

LONGEST = 65_000  # characters of a path, beyond which the server itself refuses
INJECTIONS = [
    "id; DROP TABLE x",
    '"Name"--',
    "Name)::text",
    "Name' OR '1'='1",
    "Name->>'x'",
    "Name/**/",
    "Name\\",
    "Name,Other",
    "t.Name",
    "*",
    "1",
    "(SELECT 1)",
    "pg_sleep(3)",
    "N\u0430me",  # a Cyrillic letter that looks like an a
    "\uff2eame",
    "Na\u200bme",
    "\u202eemaN",
    " Name",
    "name",
    "__class__",
    "__proto__",
    "constructor",
    "$where",
    "created_by_id",
    "version",
    "deleted",
    "x" * 64,
    "x" * 5000,
    "%s",
    "%(name)s",
    "{0}",
    "",
]
DIRECTIONS = [
    "asc,(SELECT 1)",
    "asc; DROP TABLE x",
    "desc NULLS FIRST",
    "asc--",
    "ascending",
    "",
    "\u0430sc",
    None,
    1,
    True,
    ["asc"],
]
OPERATORS = [
    "like",
    "=",
    "eq; DROP TABLE x",
    "eq OR 1=1",
    "contains' --",
    "$eq",
    "__eq__",
    "regex",
    "where",
    "",
    "x" * 5000,
]


@pytest.fixture(scope="module")
def _kept():
    return {}


@pytest.fixture
def table(client, _kept):
    """A table that these tests only read."""
    if "table" not in _kept:
        choices = {"choices": ["100%", "a_b", "c\\d"]}
        one = client.table(
            "Name",
            "Other",
            {"name": "Price", "type": "number"},
            {"name": "Choice", "type": "single_select", "options": choices},
        )
        client.records(
            one["id"],
            {"Name": "100%", "Choice": "100%", "Price": 1},
            {"Name": "a_b", "Choice": "a_b", "Price": 2},
            {"Name": "c\\d", "Choice": "c\\d", "Price": 3},
            {"Name": "100x axb cd", "Price": 4},
        )
        _kept["table"] = one
    return _kept["table"]


@pytest.fixture
def refused(attack, client, table):
    """`refused(filter=…, sort=…)`: 422, and what is repeated of it is short."""

    def refused(**query):
        said = {
            name: one if isinstance(one, str) else json.dumps(one)
            for name, one in query.items()
        }
        path = "/records?" + urlencode({"table_id": table["id"], **said})
        if len(path) > LONGEST:
            return attack.raw(client, "GET", path, expect=414)
        reply = attack.raw(client, "GET", path, expect=422)
        assert reply.json()["code"] == "VALIDATION_ERROR"
        assert len(reply.text) < 1000
        assert reply.text.isascii() or len(reply.json()["detail"]) < 200
        return reply

    return refused


@pytest.mark.parametrize("name", INJECTIONS, ids=lambda value: value[:20])
def test_threat_30_a_name_that_is_none(refused, name):
    refused(sort=[{"field": name, "direction": "asc"}])
    refused(filter={name: "x"})
    refused(filter={"AND": [{"field": name, "operator": "eq", "value": "x"}]})
    refused(filter={"NOT": {"OR": [{name: {"$eq": "x"}}]}})


@pytest.mark.parametrize("name", ["\u202eemaN", "a\nb", "x\x1b[2J", "<b>x</b>" * 40])
def test_threat_30_a_name_is_repeated_without_what_could_mislead(refused, name):
    for reply in (refused(filter={name: "x"}), refused(sort=[{"field": name}])):
        for detail in (reply.json()["detail"], reply.json()["errors"][0]["msg"]):
            assert detail.isprintable()
            assert len(detail) < 200


@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
def test_threat_30_a_direction_that_is_none(refused, direction):
    refused(sort=[{"field": "Name", "direction": direction}])


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda value: value[:20])
def test_threat_30_an_operator_that_is_none(refused, operator):
    refused(filter={"field": "Name", "operator": operator, "value": "x"})
    refused(filter={"Name": {f"${operator}": "x"}})


def test_threat_30_a_sort_in_the_querys_own_words(refused):
    for sort in (
        "id;drop",
        '"a"--',
        "Name",
        "-Name",
        "Name desc",
        '{"field": "Name"}',
        '[{"field": "Name", "direction": "asc", "using": "<"}]',
        '[["Name", "asc"]]',
    ):
        refused(sort=sort)


def test_threat_30_values_are_values(client, table):
    for value in ("x' OR '1'='1", "'; DROP TABLE x; --", "$1", "%s", "\\'", "x\\"):
        for test in ({"Name": value}, {"Name": {"$contains": value}}):
            params = {"table_id": table["id"], "filter": json.dumps(test)}
            assert made(client.get("/records", params=params))["total"] == 0
    assert made(client.get(f"/records?table_id={table['id']}"))["total"] == 4


def test_threat_30_fields_with_the_words_of_the_query_are_fields(client):
    names = ["page", "limit", "offset", "sort", "filter", "direction", "format", "by"]
    table = client.table(*names)
    client.records(table["id"], *[{one: f"{one}!" for one in names}, {}])

    for name in names:
        params = {
            "table_id": table["id"],
            "filter": json.dumps({name: f"{name}!"}),
            "sort": json.dumps([{"field": name, "direction": "desc"}]),
            "limit": "1",
        }
        page = made(client.get("/records", params=params))
        assert (page["total"], page["items"][0]["fields"][name]) == (1, f"{name}!")


# --------------------------------------------------------- row 32: too much of a filter


MONSTERS = {
    "deep arrays": "[" * 10_000 + "]" * 10_000,
    "deep arrays without an end": "[" * 20_000,
    "deep objects": '{"NOT":' * 9_000 + "{}" + "}" * 9_000,
    "33 deep": '{"NOT":' * 33 + '{"Name":"x"}' + "}" * 33,
    "501 nodes": json.dumps({"OR": [{"Name": "x"}] * 501}),
    "4,000 nodes": json.dumps([{"Name": "x"}] * 4_000),
    "65,537 characters": json.dumps({"Name": "x" * 65_600}),
    "a key twice": '{"Name": "a", "Name": "b"}',
    "a key twice, deep": '{"OR": [{"Name": {"$eq": "a", "$eq": "b"}}]}',
    "NaN": '{"Price": NaN}',
    "Infinity": '{"Price": -Infinity}',
    "1e999": '{"Price": 1e999}',
    "1e999999999999999999999": '{"Price": 1e999999999999999999999}',
    "tiny": '{"Price": 1e-999999}',
    "60,000 digits": '{"Price": ' + "9" * 60_000 + "}",
    "60,000 decimals": '{"Price": 0.' + "1" * 60_000 + "}",
    "a text for a number": '{"Price": "1"}',
    "a number for a text": '{"Name": 1}',
    "an object for a value": '{"Name": {"$eq": {}}}',
    "an array for a value": '{"Name": {"$eq": ["100%"]}}',
    "true for a number": '{"Price": true}',
    "a text": '"Name"',
    "no JSON": "Name = 'x'",
}


@pytest.mark.parametrize("monster", MONSTERS)
def test_threat_32_a_filter_that_is_too_much(refused, monster):
    refused(filter=MONSTERS[monster])


@pytest.mark.parametrize("size", [100_000, 1_000_000, 5_000_000])
@pytest.mark.parametrize("unit", ['{"Name":"x"},', "9", "["])
def test_threat_32_a_query_of_megabytes(attack, client, table, size, unit):
    """Beyond what the server takes for a line of a request, it need not read JSON."""
    text = (quote(unit) * size)[:size]

    attack.raw(
        client,
        "GET",
        f"/records?table_id={table['id']}&filter={text}",
        expect=(400, 413, 414, 422, 431),
    )


def test_threat_32_numbers_of_a_body(attack, client, table):
    for number in ("9" * 100_000, "1e999", "1e-999", "-1e99999", "0." + "1" * 100_000):
        body = f'{{"table_id": "{table["id"]}", "fields": {{"Price": {number}}}}}'
        attack(
            client,
            "POST",
            "/records",
            expect=(400, 422),
            content=body,
            headers={"content-type": "application/json"},
        )


# ------------------------------------------------------------ row 34: LIKE's own words


@pytest.mark.parametrize(
    ("operator", "value", "names"),
    [
        ("contains", "%", ["100%"]),
        ("contains", "_", ["a_b"]),
        ("contains", "\\", ["c\\d"]),
        ("contains", "0%", ["100%"]),
        ("contains", "a_", ["a_b"]),
        ("contains", "\\d", ["c\\d"]),
        ("contains", "%%", []),
        ("contains", "1%0", []),
        ("starts_with", "%", []),
        ("starts_with", "_", []),
        ("starts_with", "a_b", ["a_b"]),
        ("starts_with", "c\\", ["c\\d"]),
        ("ends_with", "%", ["100%"]),
        ("ends_with", "_b", ["a_b"]),
        ("ends_with", "\\", []),
        ("ends_with", "\\d", ["c\\d"]),
        ("not_contains", "%", ["100x axb cd", "a_b", "c\\d"]),
        ("not_contains", "_", ["100%", "100x axb cd", "c\\d"]),
        ("eq", "100_", []),
        ("eq", "a_b", ["a_b"]),
    ],
)
def test_threat_34_the_words_of_like_are_letters(client, table, operator, value, names):
    for field in ("Name", "Choice"):
        test = {field: {f"${operator}": value}}
        params = {"table_id": table["id"], "filter": json.dumps(test)}
        found = made(client.get("/records", params=params))["items"]
        assert sorted(one["fields"]["Name"] for one in found) == names


def test_threat_34_the_words_of_like_in_the_feeds_types(client, table):
    for types in ("record_created", "recor_", "_ecord.created", "record.create_"):
        params = {"workspace_id": table["workspace_id"], "types": types}
        assert made(client.get("/events", params=params))["items"] == []


def test_threat_34_a_value_of_100000_characters(attack, refused, client, table):
    for unit in ("x", "%", "_", "\\"):
        refused(filter={"Name": {"$contains": unit * 100_000}})
        attack(
            client,
            "GET",
            "/records",
            expect=200,
            params={
                "table_id": table["id"],
                "filter": json.dumps({"Name": {"$contains": unit * 5_000}}),
            },
        )
