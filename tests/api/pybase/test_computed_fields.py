"""Lookups, rollups and formulas: accepted, checked, and null until they compute."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.client import Client, made, new_id


@pytest.fixture(scope="module")
def client(server):
    """A user of this file alone: who shares theirs does not list all its workspaces."""
    with Client(server.url) as client:
        yield client.register("Formulas")


@pytest.fixture
def orders(client):
    """Orders with a link to parts, which have a price."""
    return _orders(client)


@pytest.fixture(scope="module")
def kept_orders(client):
    """The same for requests that are refused."""
    return _orders(client)


def _orders(client):
    parts = client.table("Part", {"name": "Price", "type": "number"}, name="Parts")
    link = {"linked_table_id": parts["id"]}
    orders = client.table(
        "Name",
        {"name": "Amount", "type": "number"},
        {"name": "Parts", "type": "linked_record", "options": link},
        base_id=parts["base_id"],
        name="Orders",
    )
    return {**orders, "parts": parts}


FUNCTIONS = (
    *("SUM", "avg", "Min", "MAX", "COUNT", "COUNTA"),
    *("COUNTALL", "UNIQUE", "CONCAT", "AND", "OR"),
)


def looked_up(orders, **more):
    link, price = orders["ids"]["Parts"], orders["parts"]["ids"]["Price"]
    return {"linked_field_id": link, "lookup_field_id": price, **more}


def rolled_up(orders, **more):
    link, price = orders["ids"]["Parts"], orders["parts"]["ids"]["Price"]
    return {
        "linked_field_id": link,
        "rollup_field_id": price,
        "function": "SUM",
        **more,
    }


def post(client, table, type_, options, name="F"):
    body = {"table_id": table["id"], "name": name, "type": type_, "options": options}
    return client.post("/fields", json=body)


def refused(reply):
    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert reply.json()["errors"][0]["loc"][0] == "options"
    return reply.json()["detail"]


def test_a_computed_field_says_that_it_does_not_compute_yet(client, orders):
    fields = [
        made(post(client, orders, "lookup", looked_up(orders), "L")),
        made(post(client, orders, "rollup", rolled_up(orders, function="sum"), "R")),
        made(post(client, orders, "formula", {"formula": "{Amount} * 2"}, "X")),
    ]

    assert [one["options"] for one in fields] == [
        looked_up(orders),
        rolled_up(orders),
        {"formula": "{Amount} * 2"},
    ]
    assert [(one["is_computed"], one["computes"]) for one in fields] == [
        (True, False)
    ] * 3
    listed = made(client.get("/fields", params={"table_id": orders["id"]}))["items"]
    assert listed[-3:] == fields
    assert "computes" not in listed[0]


@pytest.mark.parametrize("type_", ["lookup", "rollup", "formula"])
def test_it_is_read_as_null_and_never_written(client, orders, happened, type_):
    options = {
        "lookup": looked_up(orders),
        "rollup": rolled_up(orders),
        "formula": {"formula": "{Amount} + 1"},
    }
    made(post(client, orders, type_, options[type_]))
    record = client.record(orders["id"], Name="a", Amount=3)
    before = client.position(orders["workspace_id"])

    assert record["fields"]["F"] is None
    assert client.get(f"/records/{record['id']}").json() == record
    listed = made(client.get("/records", params={"table_id": orders["id"]}))
    assert listed["items"] == [record]
    for value in (1, None, "x"):
        reply = client.patch(f"/records/{record['id']}", json={"fields": {"F": value}})
        assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
        assert reply.json()["errors"][0]["msg"] == "Field is read-only"
    assert happened(orders["workspace_id"], before) == []


def test_it_is_empty_to_filters_and_has_no_order(client, orders):
    made(post(client, orders, "formula", {"formula": "1"}))
    client.record(orders["id"], Name="a")

    def asked(**query):
        return client.get("/records", params={"table_id": orders["id"], **query})

    def total(test):
        return made(asked(filter=json.dumps({"F": test})))["total"]

    assert (total({"$is_empty": True}), total({"$is_not_empty": True})) == (1, 0)
    assert (total({"$eq": None}), total({"$neq": None})) == (1, 0)
    assert asked(filter=json.dumps({"F": 1})).status_code == 422
    assert asked(sort=json.dumps([{"field": "F"}])).status_code == 422
    constraint = client.post("/constraints", json={"field_id": _id(client, orders)})
    assert constraint.status_code == 422


def _id(client, table, name="F"):
    fields = made(client.get("/fields", params={"table_id": table["id"]}))["items"]
    return next(one["id"] for one in fields if one["name"] == name)


def test_a_lookup_needs_a_link_and_a_field_behind_it(client, orders, happened):
    before = client.position(orders["workspace_id"])
    amount, price = orders["ids"]["Amount"], orders["parts"]["ids"]["Price"]
    wrong_link = "linked_field_id must be a link field of this table"
    wrong_field = "lookup_field_id must be a field of the linked table"

    def say(**more):
        return refused(post(client, orders, "lookup", looked_up(orders, **more)))

    assert say(linked_field_id=amount) == wrong_link
    assert say(linked_field_id=price) == wrong_link
    assert say(linked_field_id=new_id()) == wrong_link
    assert say(lookup_field_id=amount) == wrong_field
    assert say(lookup_field_id=new_id()) == wrong_field
    say(linked_field_id="x")
    say(lookup_field_id=None)
    assert happened(orders["workspace_id"], before) == []


def test_a_rollup_needs_a_known_function_too(client, orders):
    for name in FUNCTIONS:
        options = rolled_up(orders, function=name)
        field = made(post(client, orders, "rollup", options, f"R {name}"))
        assert field["options"]["function"] == name.upper()
    for function in ("MEDIAN", "", None, 7):
        refused(post(client, orders, "rollup", rolled_up(orders, function=function)))
    wrong = {"rollup_field_id": orders["ids"]["Amount"]}
    refused(post(client, orders, "rollup", rolled_up(orders, **wrong)))


def test_a_deleted_field_is_not_looked_up(client, orders):
    client.delete(f"/fields/{orders['parts']['ids']['Price']}")

    refused(post(client, orders, "lookup", looked_up(orders)))


@pytest.mark.parametrize(
    "formula",
    [
        "{Nothing} + 1",
        "{amount",
        "Amount}",
        "{} + 1",
        "1 + (2",
        "1)",
        "",
        "  ",
        '"open',
        "{Amount} ; DROP",
        "$x",
        "x" * 10_001,
    ],
)
def test_a_formula_that_cannot_be_read_is_refused(
    client, kept_orders, happened, formula
):
    before = client.position(kept_orders["workspace_id"])

    refused(post(client, kept_orders, "formula", {"formula": formula}))

    assert happened(kept_orders["workspace_id"], before) == []


def test_a_formula_follows_a_rename(client, orders, happened):
    amount = orders["ids"]["Amount"]
    formula = "IF({Amount} >= 2, \"{Amount}\", CONCAT({Name}, 'x'))"
    field = made(post(client, orders, "formula", {"formula": formula}))

    client.patch(f"/fields/{amount}", json={"name": "How {many}"})

    shown = client.get(f"/fields/{field['id']}").json()["options"]["formula"]
    assert shown == formula.replace("{Amount} >=", "{How \\{many\\}} >=")
    path = f"/fields/{field['id']}"
    before = client.position(orders["workspace_id"])
    made(client.patch(path, json={"options": {"formula": shown}}))
    assert happened(orders["workspace_id"], before) == []
    made(client.patch(path, json={"options": {"formula": "{How \\{many\\}} + 1"}}))
    (event,) = happened(orders["workspace_id"], before)
    change = event[1]["changes"]["options"]
    assert change["to"] == {"formula": f"{{{amount}}} + 1"}


def test_no_formula_refers_to_itself(client, orders):
    one = made(post(client, orders, "formula", {"formula": "1"}, "One"))
    two = made(post(client, orders, "formula", {"formula": "{One} + 1"}, "Two"))
    three = made(post(client, orders, "formula", {"formula": "{Two}"}, "Three"))

    def change(field, formula):
        path = f"/fields/{field['id']}"
        return client.patch(path, json={"options": {"formula": formula}})

    for formula in ("{One}", "{Two}", "{Amount} + {Three}"):
        detail = refused(change(one, formula))
        assert detail == "The field would be computed from itself"
    assert change(three, "{One}").status_code == 200
    assert change(two, "{Three}").status_code == 200


def test_no_circle_goes_through_a_link(client, orders):
    parts = orders["parts"]
    reverse = _id(client, parts, "Orders")
    one = made(post(client, orders, "formula", {"formula": "1"}, "One"))
    up = {"linked_field_id": reverse, "lookup_field_id": one["id"]}
    two = made(post(client, parts, "lookup", up, "Two"))
    down = looked_up(orders, lookup_field_id=two["id"])
    made(post(client, orders, "lookup", down, "Three"))

    path = f"/fields/{one['id']}"
    refused(client.patch(path, json={"options": {"formula": "{Three} & 1"}}))


def test_two_halves_of_a_circle_that_come_at_once_make_none(client, orders):
    for attempt in range(5):
        names = f"A{attempt}", f"B{attempt}"
        ids = [
            made(post(client, orders, "formula", {"formula": "1"}, name))["id"]
            for name in names
        ]
        bodies = [{"options": {"formula": f"{{{name}}}"}} for name in reversed(names)]
        with ThreadPoolExecutor(2) as pool:
            replies = list(
                pool.map(
                    lambda one: client.patch(f"/fields/{one[0]}", json=one[1]),
                    zip(ids, bodies, strict=True),
                )
            )

        assert sorted(one.status_code for one in replies) == [200, 422]
