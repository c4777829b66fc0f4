"""Each type of field from end to end: made, written, read, compared, refused."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import pytest

from tests.client import Client, Json, made, new_id

CHOICES = {"choices": [{"name": "Red"}, {"name": "Green"}, {"name": "Ärger, no. 3"}]}


class Kind(NamedTuple):
    """`values`: (what is sent, what is read), in ascending order; `bad`: refused."""

    type: str
    options: Json
    values: list[tuple[Any, Any]]
    bad: list[Any]


def same(*values: Any) -> list[tuple[Any, Any]]:
    return [(one, one) for one in values]


def measure(value: Any, plus: Any = None, minus: Any = None, unit: str = "mm") -> Json:
    return {"value": value, "unit": unit, "plus": plus, "minus": minus}


KINDS = [
    Kind(
        "currency",
        {"currency_symbol": "€"},
        same(-3, 0, 1.5, 19.99, 12345678901234.25),
        ["1", 1.999, True, [1], {}],
    ),
    Kind("currency", {"precision": 0}, same(-3, 7), [0.5]),
    Kind("percent", {"precision": 1}, same(0, 12.5, 100), [-1, 100.5, 1.25, "5"]),
    Kind("percent", {"format": "fraction"}, same(0, 0.125, 1), [1.01, -0.1, 50]),
    Kind(
        "duration",
        {"duration_format": "h:mm"},
        [(0, 0), (0.25, 0.25), ("0:05", 300), ("1:30", 5400), ("100:00:01", 360001)],
        [-1, "1:60", "1:5", "90", "1:30:", True, "1:00:00.1234567"],
    ),
    Kind(
        "rating",
        {"max": 7, "icon": "star"},
        [(1, 1), (2.0, 2), (7, 7)],
        [8, -1, 1.5, "3", True, [3]],
    ),
    Kind(
        "url",
        {},
        same(
            "ftp://files.example.org/a",
            "http://[::1]:8080/",
            "https://bücher.example/ä",
            "https://example.org/a?b=c#d",
            "mailto:ada@example.org",
        ),
        ["example.org", "//example.org", "javascript:alert(1)", "http://", 7, "a b"],
    ),
    Kind(
        "email",
        {},
        same("Ada@example.org", "o'neil+tag@sub.example.org", "用户@例子.广告"),
        ["ada", "ada@", "@example.org", "a b@c.de", "a..b@c.de", "a@b", 7],
    ),
    Kind(
        "phone",
        {},
        same("(030) 1234.56", "+49 30 12345-67", "12345"),
        ["1234", "0" * 21, "12345x", "123+45", 12345],
    ),
    Kind("barcode", {}, same("ABC-123", "x" * 200), ["x" * 201, 7]),
    Kind(
        "barcode",
        {"format": "ean13"},
        same("4006381333931"),
        ["4006381333930", "400638133393", "400638133393X"],
    ),
    Kind("barcode", {"format": "EAN-8"}, same("96385074"), ["96385075"]),
    Kind("barcode", {"format": "upca"}, same("036000291452"), ["036000291453"]),
    Kind(
        "multi_select",
        CHOICES,
        same(["Red"], ["Red", "Green"], ["Green", "Red"], ["Ärger, no. 3"]),
        ["Red", ["Blue"], ["Red", "Red"], [7], {}],
    ),
    Kind(
        "dimension",
        {"unit": "mm", "tolerance_type": "bilateral"},
        [
            (-1, measure(-1)),
            ({"value": 0.1, "minus": 0.05}, measure(0.1, None, 0.05)),
            ({"value": 1, "unit": "cm", "plus": 0.1}, measure(10, 1)),
            ({"value": 1, "unit": "in"}, measure(25.4)),
            (1234567890.12, measure(1234567890.12)),
        ],
        [
            "12",
            {},
            {"value": None},
            {"value": "1"},
            {"value": 1, "unit": "kg"},
            {"value": 1, "unit": 7},
            {"value": 1, "plus": -1},
            {"value": 1, "more": 1},
            True,
        ],
    ),
    Kind(
        "gdt",
        {},
        [
            ("Flatness", {"symbol": "flatness"}),
            (
                {
                    "symbol": "⌖",
                    "tolerance": 0.1,
                    "datums": ["A", "B-C"],
                    "modifier": "MMC",
                },
                {
                    "symbol": "position",
                    "tolerance": 0.1,
                    "datums": ["A", "B-C"],
                    "modifier": "MMC",
                },
            ),
            ("profile of a line", {"symbol": "profile_of_a_line"}),
        ],
        [
            "roughness",
            7,
            {},
            {"symbol": 7},
            {"symbol": "position", "tolerance": "0.1"},
            {"symbol": "position", "tolerance": -0.1},
            {"symbol": "position", "datums": "A"},
            {"symbol": "position", "datums": ["A", "A"]},
            {"symbol": "position", "datums": ["A", "B", "C", "D"]},
            {"symbol": "position", "colour": "red"},
        ],
    ),
    Kind(
        "thread",
        {},
        [
            (
                {"designation": "1/4-20 UNC", "standard": "UNC", "class": "2A"},
                {"designation": "1/4-20 UNC", "standard": "UNC", "class": "2A"},
            ),
            ("Bottle neck", {"designation": "Bottle neck"}),
            ("M8 \u00d7 1.25", {"designation": "M8x1.25"}),
        ],
        [7, {}, {"designation": " "}, {"designation": "M8", "standard": "UNC"}],
    ),
    Kind(
        "thread",
        {"standard": "ISO 261"},
        [("M10x1-6g", {"designation": "M10x1-6g"}), ("M8", {"designation": "M8"})],
        ["1/4-20 UNC", "8"],
    ),
    Kind(
        "material",
        {},
        [
            ("Oak", {"name": "Oak"}),
            (
                {"name": "Steel", "standard": "EN 10088", "grade": "1.4301"},
                {"name": "Steel", "standard": "EN 10088", "grade": "1.4301"},
            ),
        ],
        [7, {}, {"name": "  "}, {"name": "Steel", "price": 7}, ["Steel"]],
    ),
]
IDS = [f"{kind.type} {json.dumps(kind.options)[:40]}" for kind in KINDS]
TAKES_BLANK = [
    "url",
    "email",
    "phone",
    "barcode",
    "gdt",
    "thread",
    "material",
    "duration",
]
EMPTY: dict[str, list[Any]] = {
    **{name: [None, ""] for name in TAKES_BLANK},
    "multi_select": [None, []],
    "rating": [None, 0],
}
each_kind = pytest.mark.parametrize("kind", KINDS, ids=IDS)


@pytest.fixture(scope="module")
def client(server):
    """A user of this file alone: who shares theirs does not list all its workspaces."""
    with Client(server.url) as client:
        yield client.register("Types")


@cache
def base_of(client: Client, type_: str) -> str:
    """The base of all tables for a type: a workspace a table would cost more."""
    found: str = client.base(name=type_)["id"]
    return found


def table_of(client: Client, kind: Kind, **more: Any) -> Json:
    field = {"name": "F", "type": kind.type, "options": kind.options, **more}
    return client.table(
        "Name", field, base_id=base_of(client, kind.type), name=new_id()
    )


def found(client: Any, table: Json, filter_: Any = None, **sort: str) -> list[Any]:
    """The names of the records that match, in order."""
    query = {"table_id": table["id"]}
    if filter_ is not None:
        query["filter"] = json.dumps(filter_)
    if sort:
        query["sort"] = json.dumps(
            [{"field": name, "direction": word} for name, word in sort.items()]
        )
    items = made(client.get("/records", params=query))["items"]
    return [one["fields"]["Name"] for one in items]


@pytest.fixture(scope="module")
def filled(client):
    """A table of records named 0, 1, … with a kind's values; the last has none.

    Tests that only read share it."""
    made_already: dict[str, Json] = {}

    def filled(kind: Kind) -> Json:
        if str(kind) not in made_already:
            table = made_already[str(kind)] = table_of(client, kind)
            rows = [
                {"Name": str(place), "F": given}
                for place, (given, _) in enumerate(kind.values)
            ]
            client.records(table["id"], *reversed(rows), {"Name": "none"})
        return made_already[str(kind)]

    return filled


@each_kind
def test_a_value_is_read_as_it_is_documented(client, kind):
    table = table_of(client, kind)
    created = [client.record(table["id"], F=given) for given, _ in kind.values]

    expected = [shown for _, shown in kind.values]
    assert [one["fields"]["F"] for one in created] == expected
    got = [client.get(f"/records/{one['id']}").json() for one in created]
    assert got == created
    listed = client.get("/records", params={"table_id": table["id"], "by": "id"})
    assert [one["fields"]["F"] for one in made(listed)["items"]] == expected
    by_id = [one["data"][table["ids"]["F"]] for one in made(listed)["items"]]
    assert by_id == expected


@each_kind
def test_what_is_read_may_be_written_and_changes_nothing(client, happened, kind):
    table = table_of(client, kind)
    created = [client.record(table["id"], F=given) for given, _ in kind.values]
    before = client.position(table["workspace_id"])

    for one in created:
        path = f"/records/{one['id']}"
        reply = client.patch(path, json={"fields": {"F": one["fields"]["F"]}})
        assert (reply.status_code, reply.json()) == (200, one)

    assert happened(table["workspace_id"], before) == []


@each_kind
def test_a_value_is_changed_and_emptied(client, kind):
    table = table_of(client, kind)
    record = client.record(table["id"])
    path = f"/records/{record['id']}"

    for given, shown in kind.values:
        changed = made(client.patch(path, json={"fields": {"F": given}}))
        assert changed["fields"]["F"] == shown
        assert client.get(path).json() == changed
        for nothing in EMPTY.get(kind.type, [None]):
            emptied = made(client.patch(path, json={"fields": {"F": nothing}}))
            assert emptied["fields"]["F"] is None


@each_kind
def test_a_bad_value_is_told_and_writes_nothing(client, happened, kind):
    table = table_of(client, kind)
    before = client.position(table["workspace_id"])

    for bad in kind.bad:
        body = {"table_id": table["id"], "fields": {"Name": "x", "F": bad}}
        reply = client.post("/records", json=body)

        assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR"), (
            bad
        )
        assert [one["loc"] for one in reply.json()["errors"]] == [["F"]]

    assert happened(table["workspace_id"], before) == []


@each_kind
def test_an_empty_value_is_empty_to_filters(client, filled, kind):
    table = filled(kind)
    full = {str(place) for place in range(len(kind.values))}

    for test in ({"$is_empty": True}, {"$eq": None}, None):
        assert found(client, table, {"F": test}) == ["none"]
    assert set(found(client, table, {"F": {"$is_not_empty": True}})) == full
    for nothing in EMPTY.get(kind.type, [None]):
        assert found(client, table, {"F": {"$eq": nothing}}) == ["none"]
        assert set(found(client, table, {"F": {"$neq": nothing}})) == full


@each_kind
def test_a_value_is_found_by_itself_and_left_out_by_neq(client, filled, kind):
    table = filled(kind)
    names = [*map(str, range(len(kind.values))), "none"]

    for place, (given, shown) in enumerate(kind.values):
        alike = [str(place)]
        value = given
        if kind.type == "multi_select":  # sets: Red and Green is Green and Red
            alike = [
                str(at)
                for at, (one, _) in enumerate(kind.values)
                if set(one) == set(given)
            ]
        elif isinstance(shown, dict) and kind.type != "dimension":
            value = next(iter(shown.values()))
        assert sorted(found(client, table, {"F": {"$eq": value}})) == alike
        left = sorted(found(client, table, {"F": {"$neq": value}}))
        assert left == sorted(set(names) - set(alike))


@each_kind
def test_a_sort_orders_values_and_puts_the_empty_last(client, filled, kind):
    table = filled(kind)
    names = list(map(str, range(len(kind.values))))

    assert found(client, table, F="asc") == [*names, "none"]
    assert found(client, table, F="desc") == [*reversed(names), "none"]


@each_kind
def test_values_are_unique_where_a_constraint_says_so(client, kind):
    table = table_of(client, kind)
    client.constraint(table["ids"]["F"])
    given, shown = kind.values[0]
    client.record(table["id"], F=given)
    client.records(table["id"], {}, {})  # empty values never collide

    body = {"table_id": table["id"], "fields": {"F": shown}}
    again = client.post("/records", json=body)

    assert (again.status_code, again.json()["code"]) == (409, "DUPLICATE_VALUE")
    assert again.json()["value"] == shown
    if len(kind.values) > 1:
        client.record(table["id"], F=kind.values[-1][0])


@each_kind
def test_a_required_field_takes_no_empty_value(client, kind):
    table = table_of(client, kind, required=True)

    for nothing in EMPTY.get(kind.type, [None]):
        body = {"table_id": table["id"], "fields": {"F": nothing}}
        reply = client.post("/records", json=body)
        assert reply.status_code == 422
        assert reply.json()["errors"] == [
            {
                "loc": ["F"],
                "msg": "Field is required",
                "type": "value_error.required",
            }
        ]


# --------------------------------------------------------------- operators

NUMBERS = Kind("currency", {}, same(-1, 2.5, 10), [])
OPERATORS: list[tuple[Kind, str, Any, Sequence[str]]] = [
    (NUMBERS, "gt", 2.5, ["2"]),
    (NUMBERS, "gte", 2.5, ["1", "2"]),
    (NUMBERS, "lt", 2.5, ["0"]),
    (NUMBERS, "lte", 2.5, ["0", "1"]),
    (Kind("rating", {}, same(1, 3, 5), []), "gt", 2.5, ["1", "2"]),
    (Kind("rating", {}, same(1, 3, 5), []), "lte", 10**30, ["0", "1", "2"]),
    (Kind("percent", {}, same(1, 50), []), "gte", 50, ["1"]),
    (Kind("duration", {}, same(60, 5400), []), "gte", "1:30", ["1"]),
    (Kind("duration", {}, same(60, 5400), []), "lt", 5400, ["0"]),
    (Kind("email", {}, same("ada@a.org", "bob@b.org"), []), "ends_with", "B.ORG", "1"),
    (Kind("url", {}, same("ftp://a", "http://b"), []), "starts_with", "FTP:", "0"),
    (Kind("phone", {}, same("12345", "+1 2345"), []), "contains", "123", ["0"]),
    (Kind("barcode", {}, same("AB-1", "CD-2"), []), "not_contains", "ab", "1N"),
    (Kind("dimension", {}, same(1, 30), []), "gt", 25, ["1"]),
    (
        Kind("dimension", {}, same(1, 25.4), []),
        "eq",
        {"value": 1, "unit": "in"},
        ["1"],
    ),
    (Kind("dimension", {"unit": "deg"}, same(45, 90), []), "lte", 45, ["0"]),
    (Kind("gdt", {}, same("position", "symmetry"), []), "starts_with", "POS", ["0"]),
    (Kind("gdt", {}, same("position", "symmetry"), []), "eq", "Position", ["0"]),
    (Kind("gdt", {}, same("position", "symmetry"), []), "eq", "nothing", []),
    (Kind("thread", {}, same("M8x1", "M10"), []), "contains", "m1", ["1"]),
    (Kind("thread", {}, same("M8x1", "M10"), []), "eq", "M8 X 1", ["0"]),
    (Kind("material", {}, same("Oak", "Steel"), []), "ends_with", "EEL", ["1"]),
    (Kind("material", {}, same("Oak", "Steel"), []), "not_contains", "oak", "1N"),
]
SETS = Kind(
    "multi_select", CHOICES, same(["Red"], ["Green", "Red"], ["Ärger, no. 3"]), []
)
OPERATORS += [
    (SETS, "contains", "Red", ["0", "1"]),
    (SETS, "contains", ["Red", "Green"], ["1"]),
    (SETS, "contains", "Blue", []),
    (SETS, "not_contains", "Red", "2N"),
    (SETS, "not_contains", "Blue", "012N"),
    (SETS, "eq", "Red", ["0"]),
    (SETS, "eq", ["Red", "Green"], ["1"]),
    (SETS, "eq", ["Red", "Green", "Red"], ["1"]),
    (SETS, "eq", ["Blue"], []),
    (SETS, "neq", ["Red"], "12N"),
    (SETS, "neq", "Blue", "012N"),
]


@pytest.mark.parametrize(
    ("kind", "operator", "value", "names"),
    OPERATORS,
    ids=[f"{one[0].type} {one[1]} {one[2]}" for one in OPERATORS],
)
def test_an_operator_finds(client, filled, kind, operator, value, names):
    table = filled(kind)

    condition = {"field": "F", "operator": operator, "value": value}

    expected = ["none" if name == "N" else name for name in names]
    assert sorted(found(client, table, condition)) == sorted(expected)


@pytest.mark.parametrize(
    ("type_", "operator", "value"),
    [
        ("currency", "contains", "1"),
        ("rating", "starts_with", "1"),
        ("duration", "gt", "soon"),
        ("duration", "gt", ""),
        ("email", "gt", "a"),
        ("dimension", "contains", "1"),
        ("dimension", "gt", "1"),
        ("dimension", "gt", {"value": 1, "unit": "kg"}),
        ("gdt", "gt", "position"),
        ("gdt", "eq", 7),
        ("thread", "eq", {"designation": "M8"}),
        ("material", "lt", "a"),
        ("multi_select", "gt", "Red"),
        ("multi_select", "starts_with", "Red"),
        ("multi_select", "contains", []),
        ("multi_select", "contains", 7),
        ("user", "contains", "ada"),
        ("user", "starts_with", "a"),
        ("user", "eq", 7),
    ],
)
def test_an_operator_that_is_not_for_the_type_is_refused(
    client, type_, operator, value
):
    table = table_of(client, Kind(type_, {}, [], []))
    filter_ = json.dumps({"field": "F", "operator": operator, "value": value})

    query = {"table_id": table["id"], "filter": filter_}
    reply = client.get("/records", params=query)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert reply.json()["errors"][0]["loc"] == ["filter"]


# ----------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("type_", "options", "kept"),
    [
        ("currency", {"currency_symbol": "€", "precision": 3}, None),
        ("percent", {"precision": 1, "format": "percent"}, None),
        ("duration", {"duration_format": "h:mm:ss"}, None),
        ("rating", {"max": 10, "icon": "heart"}, None),
        ("barcode", {"format": "code128"}, None),
        ("user", {"allow_multiple": True}, None),
        ("dimension", {"unit": "in", "tolerance_type": "symmetric"}, None),
        ("dimension", {}, {"unit": "mm"}),
        ("thread", {"standard": "ISO 965"}, None),
        ("url", {"colour": "red"}, {}),
        ("email", {}, None),
        ("phone", {}, None),
        ("gdt", {}, None),
        ("material", {}, None),
    ],
)
def test_a_type_keeps_its_options(client, type_, options, kept):
    table = client.table(base_id=base_of(client, type_), name=new_id())

    field = client.field(table["id"], "F", type_, options=options)

    assert (field["type"], field["field_type"]) == (type_, type_)
    assert field["options"] == (options if kept is None else kept)
    assert field["is_computed"] is False
    assert client.get(f"/fields/{field['id']}").json() == field


BAD_OPTIONS: list[tuple[str, Json]] = [
    ("currency", {"precision": -1}),
    ("currency", {"precision": "2"}),
    ("currency", {"currency_symbol": 7}),
    ("percent", {"format": "ratio"}),
    ("percent", {"precision": 21}),
    ("duration", {"duration_format": 7}),
    ("rating", {"max": 0}),
    ("rating", {"max": 101}),
    ("rating", {"max": 2.5}),
    ("rating", {"icon": ["star"]}),
    ("barcode", {"format": 13}),
    ("multi_select", {"choices": "Red"}),
    ("multi_select", {"choices": ["Red", "Red"]}),
    ("user", {"allow_multiple": "yes"}),
    ("dimension", {"unit": 7}),
    ("dimension", {"tolerance_type": {}}),
    ("thread", {"standard": 7}),
    ("lookup", {}),
    ("lookup", {"linked_field_id": "x", "lookup_field_id": "y"}),
    ("rollup", {"function": "SUM"}),
    ("formula", {}),
    ("formula", {"formula": 7}),
    ("formula", {"formula": " "}),
    ("formula", {"formula": "{Name"}),
    ("formula", {"formula": "(1"}),
]


@pytest.mark.parametrize(("type_", "options"), BAD_OPTIONS, ids=str)
def test_bad_options_make_no_field(client, happened, type_, options):
    table = client.table(base_id=base_of(client, type_), name=new_id())
    before = client.position(table["workspace_id"])

    body = {"table_id": table["id"], "name": "F", "type": type_, "options": options}
    reply = client.post("/fields", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert reply.json()["errors"][0]["loc"][0] == "options"
    assert happened(table["workspace_id"], before) == []


@pytest.mark.parametrize(
    ("type_", "options", "bad"),
    [
        ("currency", {}, {"precision": -1}),
        ("rating", {"max": 5}, {"max": 0}),
        ("barcode", {}, {"format": 13}),
        ("dimension", {"unit": "mm"}, {"unit": "in"}),
        ("thread", {}, {"standard": 7}),
    ],
)
def test_bad_options_change_no_field(client, happened, type_, options, bad):
    table = table_of(client, Kind(type_, options, [], []))
    before = client.position(table["workspace_id"])

    reply = client.patch(f"/fields/{table['ids']['F']}", json={"options": bad})

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert happened(table["workspace_id"], before) == []


def test_options_are_changed_and_hold_from_then(client):
    field = {"name": "F", "type": "rating", "options": {"max": 3}}
    table = client.table("Name", field)
    body = {"table_id": table["id"], "fields": {"F": 4}}
    assert client.post("/records", json=body).status_code == 422

    path = f"/fields/{table['ids']['F']}"
    changed = made(client.patch(path, json={"options": {"max": 5}}))

    assert changed["options"] == {"max": 5}
    assert client.post("/records", json=body).status_code == 201


def test_the_unit_of_a_dimension_stays_where_it_is_not_named(client):
    field = {"name": "F", "type": "dimension", "options": {"unit": "in"}}
    table = client.table(field)

    path = f"/fields/{table['ids']['F']}"
    changed = made(client.patch(path, json={"options": {"tolerance_type": "none"}}))

    assert changed["options"] == {"unit": "in", "tolerance_type": "none"}


def test_one_of_several_choices_that_is_in_use_is_not_removed(client, happened):
    field = {"name": "F", "type": "multi_select", "options": CHOICES}
    table = client.table("Name", field)
    record = client.record(table["id"], F=["Green", "Red"])
    before = client.position(table["workspace_id"])
    path = f"/fields/{table['ids']['F']}"

    refused = client.patch(path, json={"options": {"choices": ["Red"]}})
    assert (refused.status_code, refused.json()["choices"]) == (409, ["Green"])
    assert happened(table["workspace_id"], before) == []

    red, green, _ = table["fields"][1]["options"]["choices"]
    renamed = [{**red, "name": "Rot"}, green]
    made(client.patch(path, json={"options": {"choices": renamed}}))
    shown = client.get(f"/records/{record['id']}").json()["fields"]["F"]
    assert shown == ["Green", "Rot"]


def test_sets_are_unique_whatever_their_order(client):
    table = table_of(client, SETS)
    client.constraint(table["ids"]["F"])
    client.record(table["id"], F=["Red", "Green"])

    body = {"table_id": table["id"], "fields": {"F": ["Green", "Red"]}}
    reply = client.post("/records", json=body)

    assert (reply.status_code, reply.json()["value"]) == (409, ["Green", "Red"])


def test_a_measure_is_unique_in_any_unit(client):
    table = client.table({"name": "F", "type": "dimension"})
    client.constraint(table["ids"]["F"], error_message="{value} is there")
    client.record(table["id"], F=25.4)

    body = {"table_id": table["id"], "fields": {"F": {"value": 1, "unit": "in"}}}
    reply = client.post("/records", json=body)

    assert (reply.status_code, reply.json()["detail"]) == (409, "25.4 mm is there")


def test_a_number_keeps_all_its_digits(client):
    table = client.table(
        {"name": "C", "type": "currency", "options": {"precision": 20}},
        {"name": "D", "type": "dimension"},
    )
    number = "12345678901234567890.12345678901"
    text = f'{{"table_id":"{table["id"]}","fields":{{"C":{number},"D":{number}}}}}'

    reply = client.post("/records", content=text)

    assert reply.status_code == 201
    listed = client.get("/records", params={"table_id": table["id"]})
    for shown in (reply.text, listed.text):
        assert f'"C":{number}' in shown
        assert f'"value":{number}' in shown


# ------------------------------------------------- dates, moments, numbers


def test_a_date_with_a_time_is_a_moment(client):
    options = {"include_time": True, "date_format": "DD.MM.YYYY"}
    table = client.table("Name", {"name": "F", "type": "date", "options": options})
    client.records(
        table["id"],
        {"Name": "late", "F": "2024-01-31T23:30:00+00:00"},
        {"Name": "early", "F": "2024-01-31T10:00:00.5+02:00"},
        {"Name": "none", "F": ""},
    )

    listed = made(client.get("/records", params={"table_id": table["id"]}))["items"]
    assert [one["fields"]["F"] for one in listed] == [
        "2024-01-31T23:30:00Z",
        "2024-01-31T08:00:00.5Z",
        None,
    ]
    assert found(client, table, F="asc") == ["early", "late", "none"]
    later = {"F": {"$gt": "2024-01-31T08:00:00.5Z"}}
    assert found(client, table, later) == ["late"]
    assert sorted(found(client, table, {"F": "2024-01-31"})) == ["early", "late"]
    day_alone = {"table_id": table["id"], "fields": {"F": "2024-01-31"}}
    assert client.post("/records", json=day_alone).status_code == 422


def test_a_wall_time_is_read_in_the_field_s_zone(client):
    options = {"timezone": "Europe/Berlin", "time_format": "24h"}
    table = client.table({"name": "F", "type": "datetime", "options": options})

    def shown(given):
        return client.record(table["id"], F=given)["fields"]["F"]

    assert shown("2024-07-01T10:00:00") == "2024-07-01T08:00:00Z"
    assert shown("2024-01-01T10:00:00") == "2024-01-01T09:00:00Z"
    assert shown("2024-07-01T10:00:00Z") == "2024-07-01T10:00:00Z"
    skipped = {"table_id": table["id"], "fields": {"F": "2024-03-31T02:30:00"}}
    assert client.post("/records", json=skipped).status_code == 422


def test_an_autonumber_is_compared_by_its_number(client):
    options = {"prefix": "INV-"}
    table = client.table(
        "Name", {"name": "F", "type": "autonumber", "options": options}
    )
    client.records(table["id"], *({"Name": str(n)} for n in range(1, 12)))

    assert found(client, table, {"F": {"$gt": 9}}) == ["10", "11"]
    assert found(client, table, F="desc")[:2] == ["11", "10"]
    listed = made(client.get("/records", params={"table_id": table["id"]}))["items"]
    assert listed[-1]["fields"]["F"] == "INV-11"
