"""Rows 20 to 24: what a caller may not see, asked for in a roundabout way.

A role is a workspace's: who may read it reads all of its fields.  What is hidden is
another workspace's, what was deleted, and what a form does not ask for.
"""

import json

import pytest

from tests.api.threats.attack import same_but_for
from tests.client import made, new_id


@pytest.fixture
def own(client):
    """A table whose field "Gone" was deleted, with records that had values in it."""
    return _own(client)


@pytest.fixture(scope="module")
def kept_own(client):
    """The same for attacks, of which none may change it."""
    return _own(client)


def _own(client):
    tags = [{"name": "red"}, {"name": "blue"}]
    table = client.table(
        "Name",
        "Gone",
        {"name": "Price", "type": "number"},
        {"name": "Tags", "type": "multi_select", "options": {"choices": tags}},
    )
    client.records(
        table["id"],
        {"Name": "a", "Gone": "secret", "Price": 1, "Tags": ["red"]},
        {"Name": "b", "Gone": "other"},
    )
    made_away = client.delete(f"/fields/{table['ids']['Gone']}")
    assert made_away.status_code == 204
    return table


def listed(client, table, **query):
    asked = {name: json.dumps(value) for name, value in query.items()}
    reply = client.get("/records", params={"table_id": table["id"], **asked})
    return [one["fields"]["Name"] for one in made(reply)["items"]]


# --------------------------------- row 20: a link to a table that cannot be read


@pytest.fixture
def elsewhere(client):
    """A table of another workspace, of which the caller is a member as well."""
    return client.table("Name", name="Elsewhere")


@pytest.mark.parametrize("of", ["a table", "a base"])
def test_threat_20_a_link_leads_into_no_other_workspace(
    attack, client, own, elsewhere, of
):
    """Not even of somebody who reads both: others who read the one would not."""
    options = {"linked_table_id": elsewhere["id"]}
    field = {"name": "Link", "type": "linked_record", "options": options}

    if of == "a table":
        body = {"table_id": own["id"], **field}
        attack(client, "POST", "/fields", expect=(404, 422), json=body)
    else:
        body = {"base_id": own["base_id"], "name": "T", "fields": [field]}
        attack(client, "POST", "/tables", expect=(404, 422), json=body)

    assert [one["name"] for one in made(client.get(f"/tables/{own['id']}"))["fields"]]
    fields = made(client.get(f"/fields?table_id={elsewhere['id']}"))["items"]
    assert [one["name"] for one in fields] == ["Name"]


@pytest.mark.parametrize("type_", ["lookup", "rollup"])
def test_threat_20_nothing_is_computed_from_another_workspaces_field(
    attack, client, own, elsewhere, victim, type_
):
    options = {"linked_table_id": own["id"]}
    link = client.field(own["id"], "Self", "linked_record", options=options)

    def ask(field_id):
        options = {"linked_field_id": link["id"], f"{type_}_field_id": field_id}
        if type_ == "rollup":
            options["function"] = "MAX"
        body = {"table_id": own["id"], "name": "X", "type": type_, "options": options}
        reply = attack(client, "POST", "/fields", expect=(404, 422), json=body)
        return same_but_for(reply, field_id)

    nothing = ask(new_id())
    assert ask(victim.ids["field"]) == nothing
    assert ask(elsewhere["ids"]["Name"]) == nothing


def test_threat_20_a_value_links_to_no_record_of_another_workspace(
    attack, client, own, elsewhere, victim
):
    options = {"linked_table_id": own["id"]}
    client.field(own["id"], "Self", "linked_record", options=options)
    other = client.record(elsewhere["id"], Name="x")

    def ask(record_id):
        body = {"table_id": own["id"], "fields": {"Self": [record_id]}}
        reply = attack(client, "POST", "/records", expect=409, json=body)
        return same_but_for(reply, record_id)

    nothing = ask(new_id())
    assert ask(victim.ids["record"]) == nothing
    assert ask(other["id"]) == nothing


# ------------------------- row 21: a field that is hidden, by filter, sort, total …


WAYS = {
    "a filter": lambda table, field: (
        "GET",
        "/records",
        {"params": {"filter": json.dumps({field: "secret"})}},
    ),
    "a filter by id": lambda table, field: (
        "GET",
        "/records",
        {
            "params": {
                "filter": json.dumps(
                    {"AND": [{"field_id": field, "operator": "eq", "value": "secret"}]}
                )
            }
        },
    ),
    "a sort": lambda table, field: (
        "GET",
        "/records",
        {"params": {"sort": json.dumps([{"field": field}])}},
    ),
    "fields": lambda table, field: ("GET", "/records", {"params": {"fields": field}}),
    "a cursor": lambda table, field: (
        "GET",
        "/records/cursor",
        {"params": {"sort": json.dumps([{"field": field}])}},
    ),
    "an export": lambda table, field: (
        "GET",
        "/records/export",
        {"params": {"fields": field}},
    ),
    "a view": lambda table, field: (
        "POST",
        "/views",
        {"json": {"name": "V", "filters": {field: {"$contains": "s"}}}},
    ),
    "a form": lambda table, field: (
        "POST",
        "/views",
        {"json": {"name": "V", "type": "form", "config": {"fields": [field]}}},
    ),
    "a formula": lambda table, field: (
        "POST",
        "/fields",
        {
            "json": {
                "name": "X",
                "type": "formula",
                "options": {"formula": f"{{{field}}}"},
            }
        },
    ),
    "a value": lambda table, field: (
        "POST",
        "/records",
        {"json": {"fields": {field: "secret"}}},
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("known_as", ["name", "id", "another tenant's id"])
def test_threat_21_a_field_that_is_hidden_is_as_one_that_never_was(
    attack, client, kept_own, victim, way, known_as
):
    def ask(field):
        method, path, request = WAYS[way](kept_own, field)
        for named in request.values():
            named["table_id"] = kept_own["id"]
        reply = attack(client, method, path, expect=(404, 422), **request)
        return same_but_for(reply, field)

    hidden, never = {
        "name": ("Gone", "Nope"),
        "id": (kept_own["ids"]["Gone"], new_id()),
        "another tenant's id": (victim.ids["field"], new_id()),
    }[known_as]

    assert ask(hidden) == ask(never)


def test_threat_21_what_was_in_a_deleted_field_is_not_found(client, own):
    view = client.view(own["id"])

    body = {"search": "secret"}
    found = made(client.post(f"/views/{view['id']}/data", json=body))

    assert (found["total"], found["records"]) == (0, [])
    text = client.get(f"/records/export?table_id={own['id']}").text
    assert "secret" not in text


def test_threat_21_a_form_takes_and_tells_nothing_beyond_its_fields(
    attack, client, own
):
    """Neither whether a value is taken in a field that the form does not have."""
    client.constraint(own["ids"]["Price"])
    form = client.view(own["id"], "form", config={"fields": [own["ids"]["Name"]]})
    path = f"/views/{form['id']}/submit"

    def ask(fields):
        reply = attack(client, "POST", path, expect=422, json={"fields": fields})
        return same_but_for(reply, *fields)

    assert ask({"Price": 1}) == ask({"Price": 2}) == ask({"Nope!": 1})
    asked = made(client.get(f"/views/{form['id']}/form"))["fields"]
    assert [one["name"] for one in asked] == ["Name"]


# --------------------------------------------- row 22: values of another's field


@pytest.mark.parametrize(
    "path",
    ["/fields/{}", "/fields/{}/constraint", "/constraints?field_id={}"],
)
def test_threat_22_nothing_is_told_of_anothers_field(attack, client, victim, path):
    random = new_id()
    field_id = victim.ids["field"]

    reply = attack(client, "GET", path.format(field_id), expect=404)
    nothing = attack(client, "GET", path.format(random), expect=404)

    assert same_but_for(reply, field_id) == same_but_for(nothing, random)


# ----------------------------------------- row 23: two grants are not one of both


def test_threat_23_a_role_counts_in_its_own_workspace_alone(
    attack, client, newcomer, own, elsewhere
):
    client.add_member(own["workspace_id"], newcomer, "admin")
    client.add_member(elsewhere["workspace_id"], newcomer, "viewer")
    record = client.record(elsewhere["id"], Name="x")
    created = {"table_id": elsewhere["id"], "fields": {"Name": "y"}}
    field = {"table_id": elsewhere["id"], "name": "X", "type": "text"}

    attack(newcomer, "POST", "/records", expect=403, json=created)
    attack(newcomer, "POST", "/fields", expect=403, json=field)
    change = {"fields": {"Name": "z"}}
    attack(newcomer, "PATCH", f"/records/{record['id']}", expect=403, json=change)
    # a table that the caller may write, with a record that it may only read
    both = {
        "table_id": own["id"],
        "updates": [{"record_id": record["id"], **change}],
    }
    attack(newcomer, "PATCH", "/records/batch", expect=404, json=both)
    assert made(client.get(f"/records/{record['id']}"))["fields"]["Name"] == "x"


@pytest.mark.parametrize(
    ("role", "scopes"), [("viewer", ["write", "admin"]), ("admin", ["read"])]
)
def test_threat_23_a_key_has_no_more_than_its_owner_and_its_scopes_both_allow(
    attack, client, newcomer, own, role, scopes
):
    client.add_member(own["workspace_id"], newcomer, role)
    key = made(newcomer.post("/users/me/api-keys", json={"scopes": scopes}))
    del newcomer.headers["authorization"]
    newcomer.headers["x-api-key"] = key["key"]
    body = {"table_id": own["id"], "fields": {"Name": "x"}}

    attack(newcomer, "POST", "/records", expect=403, json=body)
    attack(newcomer, "DELETE", f"/tables/{own['id']}", expect=403)


# ------------------------------------------ row 24: an empty list lets nobody in


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ({"OR": []}, []),
        ({"NOT": {"AND": []}}, []),
        ({"AND": [{"OR": []}, {"Name": "a"}]}, []),
        ({"Name": {"$eq": ""}}, []),
        ({"Price": None}, ["b"]),
        ({"Price": {"$neq": None}}, ["a"]),
        ({"Tags": []}, ["b"]),
        ({"NOT": {"OR": []}}, ["a", "b"]),
    ],
    ids=str,
)
def test_threat_24_what_asks_for_nothing_gets_nothing(client, own, filter_, names):
    view = client.view(own["id"], filters=filter_)

    assert listed(client, own, filter=filter_) == names
    shown = made(client.post(f"/views/{view['id']}/data", json={}))
    assert [one["fields"]["Name"] for one in shown["records"]] == names
    assert shown["total"] == len(names)


@pytest.mark.parametrize(
    "filter_",
    [
        {"Price": {"$gt": None}},
        {"Price": {"$in": []}},
        {"Name": {"$contains": None}},
        {"Name": {}},
        {"AND": None},
        {"OR": {}},
        {"NOT": None},
        None,
    ],
    ids=str,
)
def test_threat_24_what_could_mean_everything_is_refused(attack, client, own, filter_):
    query = {"table_id": own["id"], "filter": json.dumps(filter_)}

    attack(client, "GET", "/records", expect=422, params=query)
