"""Laws of lists over fields of every type: whatever is asked, the answers agree.

A-160 (filter, sort, pages), A-168, A-170, A-180 to A-191.  What a filter finds is told
in test_filters.py; here, what two of them find together.
"""

import csv
import io
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.values import FIELD_TYPES
from tests.api.pybase.test_export import shown, unguarded
from tests.client import ABSENT, Json, made

ROWS = 60
CHOICES = {"choices": [{"name": name} for name in ("Zeta", "alpha", "Mid, 50%")]}
EQUALITY = ["eq", "neq"]
TEXT = [*EQUALITY, "contains", "not_contains", "starts_with", "ends_with"]
ORDERED = [*EQUALITY, "gt", "gte", "lt", "lte"]
SETS = [*EQUALITY, "contains", "not_contains"]

# name -> type, options, values that are written, operators, what is compared with
KINDS: dict[str, tuple[str, Json, list[Any], list[str], list[Any]]] = {
    "text": ("text", {}, ["ada", "Ada", "100%_x", "Ärger"], TEXT, ["ada", "%", "ä"]),
    "long_text": ("long_text", {}, ["a\nb", "a", "Σ"], TEXT, ["a", "\n"]),
    "number": ("number", {}, [-1, 0, 0.1, 2**60], ORDERED, [0, 0.1, -7]),
    "currency": ("currency", {}, [-3, 0, 19.99], ORDERED, [0, 19.99]),
    "percent": ("percent", {}, [0, 12.5, 100], ORDERED, [12.5, 50]),
    "checkbox": ("checkbox", {}, [True, False], EQUALITY, [True, False]),
    "date": (
        "date",
        {},
        ["2024-02-29", "0999-12-31", "2024-03-01"],
        ORDERED,
        ["2024-02-29", "2000-01-01"],
    ),
    "datetime": (
        "datetime",
        {"timezone": "America/New_York"},
        ["2024-03-10T06:59:59.5Z", "2024-03-10T07:00:00Z", "2024-01-01T04:59:59Z"],
        ORDERED,
        ["2024-03-10T07:00:00Z", "2024-03-10", "2023-12-31"],
    ),
    "date with time": (
        "date",
        {"include_time": True},
        ["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.25Z"],
        ORDERED,
        ["2024-02-29T10:00:00Z", "2024-02-29"],
    ),
    "duration": ("duration", {}, [0, "1:30", 7.5], ORDERED, [7.5, 5400]),
    "single_select": (
        "single_select",
        CHOICES,
        ["Zeta", "alpha", "Mid, 50%"],
        TEXT,
        ["alpha", "%", "zeta"],
    ),
    "multi_select": (
        "multi_select",
        CHOICES,
        [["Zeta"], ["alpha", "Zeta"], ["Zeta", "alpha"]],
        SETS,
        [["Zeta", "alpha"], "Zeta"],
    ),
    "linked_record": ("linked_record", {}, [], SETS[2:], ["first", ABSENT]),
    "lookup": ("lookup", {}, [], [], []),
    "rollup": ("rollup", {}, [], [], []),
    "formula": ("formula", {"formula": "{text} & {number}"}, [], [], []),
    "url": ("url", {}, ["https://a.org/", "mailto:a@b.org"], TEXT, ["https://a.org/"]),
    "email": ("email", {}, ["Ada@a.org", "bob@a.org"], TEXT, ["ada@a.org", "@"]),
    "phone": ("phone", {}, ["12345", "+49 30 12345"], TEXT, ["12345", "+"]),
    "user": ("user", {}, ["me"], SETS, ["me", ABSENT]),
    "users": ("user", {"allow_multiple": True}, [["me"]], SETS, [["me"], ABSENT]),
    "rating": ("rating", {"max": 7}, [1, 3, 7], ORDERED, [3, 5]),
    "barcode": ("barcode", {}, ["ABC-1", "abc-1"], TEXT, ["abc-1", "1"]),
    "autonumber": ("autonumber", {"prefix": "N-"}, [], ORDERED, [30, 0]),
    "dimension": (
        "dimension",
        {"unit": "mm"},
        [1, {"value": 1, "unit": "in", "plus": 0.1}, -2],
        ORDERED,
        [25.4, 0],
    ),
    "gdt": (
        "gdt",
        {},
        ["flatness", {"symbol": "position", "tolerance": 0.1}],
        TEXT,
        ["flatness", "position"],
    ),
    "thread": ("thread", {}, ["M8x1.25", "1/4-20 UNC"], TEXT, ["M8x1.25", "m8"]),
    "attachment": ("attachment", {}, [], [], []),
    "json": ("json", {}, [{"a": ["b"]}, [True], "x"], [], []),
    "material": ("material", {}, ["Oak", {"name": "Steel"}], TEXT, ["Oak", "steel"]),
}
UNORDERED = {
    "attachment",
    "json",
    "linked_record",
    "lookup",
    "rollup",
    "formula",
    "user",
    "users",
}
ORDERS = sorted(KINDS.keys() - UNORDERED)
CONDITIONS = [
    (name, operator, value)
    for name, (_, _, _, operators, values) in KINDS.items()
    for operator in operators
    for value in values
]
OPPOSITES = {"eq": "neq", "contains": "not_contains"}
BEYOND = {"gt": "lte", "gte": "lt"}


def test_every_type_is_there():
    assert {kind for kind, *_ in KINDS.values()} == set(FIELD_TYPES)


@pytest.fixture(scope="module")
def _kept():
    return {}


@pytest.fixture
def table(client, _kept):
    """Sixty records with values of every type, many equal and many empty, made once."""
    if "table" not in _kept:
        _kept["table"] = a_table(client)
    return _kept["table"]


def a_table(client):
    computed = ("linked_record", "lookup", "rollup")
    fields: list[Json] = [
        {"name": name, "type": kind, "options": options}
        for name, (kind, options, *_) in KINDS.items()
        if kind not in computed
    ]
    table = client.table(*fields)
    ids = dict(table["ids"])
    to = {"linked_table_id": table["id"], "reverse_name": "back"}
    link = client.field(table["id"], "linked_record", "linked_record", options=to)
    seen = {"linked_field_id": link["id"], "lookup_field_id": ids["number"]}
    client.field(table["id"], "lookup", "lookup", options=seen)
    rolled = {"linked_field_id": link["id"], "rollup_field_id": ids["number"]}
    client.field(table["id"], "rollup", "rollup", options={**rolled, "function": "SUM"})
    dice = random.Random(168)
    rows = client.records(table["id"], *[a_row(client, dice) for _ in range(ROWS)])
    for record, others in ((0, (1, 2)), (1, (0,)), (5, (0, 5))):
        linked = {"linked_record": [rows[one]["id"] for one in others]}
        made(client.patch(f"/records/{rows[record]['id']}", json={"fields": linked}))
    return {**table, "first": rows[0]["id"]}


def a_row(client, dice):
    row = {
        name: mine(client, dice.choice(values))
        for name, (_, _, values, *_) in KINDS.items()
        if values and dice.random() < 0.7
    }
    return row if dice.random() < 0.95 else {}


def mine(client, value):
    """The value with the caller's own id in it."""
    if isinstance(value, list):
        return [mine(client, one) for one in value]
    return client.user["id"] if value == "me" else value


def condition(client, table, name, operator, value=None):
    value = table["first"] if value == "first" else mine(client, value)
    return {"field": name, "operator": operator, "value": value}


def ask(client, table, **query):
    shown_ = {
        name: value if isinstance(value, str | int) else json.dumps(value)
        for name, value in query.items()
    }
    return made(client.get("/records", params={"table_id": table["id"], **shown_}))


def found(client, table, where=None, **more):
    """The ids that a filter finds, in order; they are as many as `total` says."""
    query = {"filter": where} if where else {}
    body = ask(client, table, limit=1000, fields="text", **query, **more)
    ids = [one["id"] for one in body["items"]]
    assert body["total"] == len(ids) == len(set(ids))
    return ids


# ------------------------------------------------------------------------ filters


@pytest.mark.parametrize("name", KINDS)
def test_a_180_to_191_what_matches_and_what_does_not_make_the_whole(
    client, table, name
):
    """p and NOT p; neq is NOT eq; of an order the two halves and the empty."""
    whole = found(client, table)
    empty = found(client, table, condition(client, table, name, "is_empty"))
    filled = found(client, table, condition(client, table, name, "is_not_empty"))
    assert together(whole, empty, filled)
    _, _, _, operators, values = KINDS[name]
    for value in values:
        finds = {
            one: found(client, table, condition(client, table, name, one, value))
            for one in operators
        }
        for one, ids in finds.items():
            wish = {"NOT": condition(client, table, name, one, value)}
            assert together(whole, ids, found(client, table, wish)), (one, value)
            if one not in OPPOSITES.values() and name != "checkbox":
                assert not {*ids} & {*empty}, (one, value)
        for one, other in OPPOSITES.items():
            if one in finds:
                assert together(whole, finds[one], finds[other]), (one, value)
        for one, other in BEYOND.items():
            if one in finds:
                assert together(whole, finds[one], finds[other], empty), (one, value)
        if "gte" in finds and str(value)[4:].count("-") != 1:
            assert {*finds["gte"]} - {*finds["gt"]} == {*finds["eq"]}, value


def together(whole, *parts):
    """Whether each of the whole is in one part, and in the whole's order."""
    places = {one: place for place, one in enumerate(whole)}
    ordered = all(
        [places[one] for one in part] == sorted(places[one] for one in part)
        for part in parts
    )
    return ordered and sorted(one for part in parts for one in part) == sorted(whole)


# ------------------------------------------------------------------------- orders


@pytest.mark.parametrize("name", ORDERS)
def test_a_168_an_order_is_total_and_its_opposite_turns_it_round(client, table, name):
    """Equal values stay in the order they were made, empty ones come last; an empty
    checkbox is false."""
    whole = found(client, table)
    none = (
        {"OR": []} if name == "checkbox" else condition(client, table, name, "is_empty")
    )
    empty = found(client, table, none)
    up, down = (
        found(client, table, sort=[{"field": name, "direction": direction}])
        for direction in ("asc", "desc")
    )

    assert sorted(up) == sorted(down) == sorted(whole)
    kept = len(whole) - len(empty)
    assert up[kept:] == down[kept:] == empty
    rising, falling = up[:kept], down[:kept]
    while rising:
        run = rising[rising.index(falling[0]) :]
        assert falling[: len(run)] == run
        assert [one for one in whole if one in run] == run
        rising, falling = rising[: -len(run)], falling[len(run) :]


def test_a_168_an_order_stays_when_other_fields_are_written(client, table):
    names = [name for name in ORDERS if name != "long_text"]
    sorts = [[{"field": name, "direction": "desc"}] for name in names]
    before = [found(client, table, sort=sort) for sort in sorts]

    change = {"fields": {"long_text": "written since"}}
    made(client.patch(f"/records/{table['first']}", json=change))

    assert [found(client, table, sort=sort) for sort in sorts] == before


# ------------------------------------------------------------ pages and exports

LEAVES = st.sampled_from(CONDITIONS)
FILTERS = st.one_of(
    st.none(),
    LEAVES,
    st.tuples(st.sampled_from(["AND", "OR", "NOT"]), LEAVES, LEAVES),
)
SORTS = st.lists(
    st.tuples(st.sampled_from([*ORDERS, "created_at", "id"]), st.booleans()),
    max_size=3,
    unique_by=lambda one: one[0],
)


def spelled(client, table, where):
    if where is None or isinstance(where[1], str):
        return where and condition(client, table, *where)
    group, one, other = where
    items = [condition(client, table, *each) for each in (one, other)]
    return {"NOT": {"OR": items}} if group == "NOT" else {group: items}


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(where=FILTERS, sorts=SORTS, size=st.integers(9, 40))
def test_a_160_pages_laid_end_to_end_are_the_list_and_so_is_an_export(
    client, table, where, sorts, size
):
    query: Json = {}
    if where is not None:
        query["filter"] = spelled(client, table, where)
    if sorts:
        query["sort"] = [
            {"field": name, "direction": "desc" if down else "asc"}
            for name, down in sorts
        ]
    body = ask(client, table, limit=1000, **query)
    whole = body["items"]

    offsets = range(0, max(1, len(whole)), size)
    by_offset = [ask(client, table, limit=size, offset=at, **query) for at in offsets]
    by_number = [
        ask(client, table, page=number, page_size=size, **query)
        for number, _ in enumerate(offsets, 1)
    ]
    for pages in (by_offset, by_number):
        assert [one for page in pages for one in page["items"]] == whole
        assert {page["total"] for page in pages} == {body["total"]} == {len(whole)}
    assert list(behind_cursors(client, table, query, size)) == whole
    assert json.loads(export(client, table, query, "json")) == whole
    agrees_with_csv(client, table, query)


def behind_cursors(client, table, query, size) -> Iterator[Json]:
    more: Json = {}
    while True:
        params = {
            "table_id": table["id"],
            "limit": size,
            **{name: json.dumps(value) for name, value in query.items()},
            **more,
        }
        page = made(client.get("/records/cursor", params=params))
        yield from page["items"]
        if not page["meta"]["has_next"]:
            return
        more = {"cursor": page["meta"]["next_cursor"]}


def export(client, table, query, kind):
    params = {
        "table_id": table["id"],
        "format": kind,
        **{name: json.dumps(value) for name, value in query.items()},
    }
    reply = client.get("/records/export", params=params)
    assert reply.status_code == 200, reply.text
    return reply.content.decode()


def agrees_with_csv(client, table, query):
    """Cell by cell with the JSON of the same export, its numbers as they stand."""
    text = export(client, table, query, "csv")
    head, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    records = json.loads(
        export(client, table, query, "json"), parse_int=str, parse_float=str
    )
    assert [[unguarded(cell) for cell in line] for line in lines] == [
        [cell_of(name, one["fields"][name]) for name in head] for one in records
    ]


def cell_of(name, value):
    if name == "json" and value is not None:
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, dict):
        numbers = {"value", "plus", "minus", "tolerance"}
        parts = (
            f'"{name}":{one if name in numbers and one else json.dumps(one)}'
            for name, one in value.items()
        )
        return f"{{{','.join(parts)}}}"
    return shown(value)
