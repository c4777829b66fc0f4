"""Fields of type user: members of the workspace, one or several."""

import json

import pytest

from tests.client import Client, made, new_id


@pytest.fixture(scope="module")
def client(server):
    """A user of this file alone: who shares theirs does not list all its workspaces."""
    with Client(server.url) as client:
        yield client.register("Users")


@pytest.fixture
def people(client, team):
    """A table with a field for one and a field for several; ada, bob are members."""
    return _people(client, team)


@pytest.fixture(scope="module")
def kept_people(client, team):
    """The same with records, for tests that only read."""
    people = _people(client, team)
    ada, bob = people["ada"], people["bob"]
    client.records(
        people["id"],
        {"Name": "a", "Owner": ada, "Crew": [ada]},
        {"Name": "b", "Owner": bob, "Crew": [bob, ada]},
        {"Name": "c"},
    )
    return people


def _people(client, team):
    table = client.table(
        "Name",
        {"name": "Owner", "type": "user"},
        {"name": "Crew", "type": "user", "options": {"allow_multiple": True}},
    )
    client.add_member(table["workspace_id"], team["viewer"], "viewer")
    ada, bob = client.user["id"], team["viewer"].user["id"]
    return {**table, "ada": ada, "bob": bob}


def create(client, table, **fields):
    return client.post("/records", json={"table_id": table["id"], "fields": fields})


def found(client, table, filter_):
    query = {"table_id": table["id"], "filter": json.dumps(filter_)}
    items = made(client.get("/records", params=query))["items"]
    return [one["fields"]["Name"] for one in items]


def test_a_member_is_read_as_an_id_and_several_as_an_array(client, people):
    ada, bob = people["ada"], people["bob"]

    record = made(create(client, people, Owner=ada.upper(), Crew=[bob, ada, bob]))

    assert record["fields"] == {"Name": None, "Owner": ada, "Crew": [bob, ada]}
    assert client.get(f"/records/{record['id']}").json() == record
    listed = made(client.get("/records", params={"table_id": people["id"]}))
    assert listed["items"] == [record]
    assert made(create(client, people, Crew=bob))["fields"]["Crew"] == [bob]


def test_nobody_is_an_empty_value(client, people):
    record = made(create(client, people, Owner=people["ada"], Crew=[people["ada"]]))

    for nothing in ({"Owner": None, "Crew": None}, {"Owner": "", "Crew": []}):
        path = f"/records/{record['id']}"
        reply = made(client.patch(path, json={"fields": nothing}))
        assert reply["fields"] == {"Name": None, "Owner": None, "Crew": None}


def test_who_is_no_member_is_refused(client, stranger, people, happened):
    before = client.position(people["workspace_id"])

    for nobody in (stranger.user["id"], new_id()):
        for field, value in (("Owner", nobody), ("Crew", [people["ada"], nobody])):
            reply = create(client, people, **{field: value})
            assert (reply.status_code, reply.json()["code"]) == (
                422,
                "VALIDATION_ERROR",
            )
            assert reply.json()["errors"] == [
                {
                    "loc": [field],
                    "msg": "Value must be a member of the workspace",
                    "type": "value_error.member",
                }
            ]
            assert "index" not in reply.json()

    assert happened(people["workspace_id"], before) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Owner", "ada"),
        ("Owner", 7),
        ("Owner", []),
        ("Owner", {"id": "x"}),
        ("Crew", ["ada"]),
        ("Crew", [7]),
        ("Crew", {}),
    ],
)
def test_what_is_no_id_is_refused(client, people, field, value):
    reply = create(client, people, **{field: value})

    assert reply.status_code == 422
    assert reply.json()["errors"][0]["loc"] == [field]


def test_a_batch_says_where_the_stranger_is(client, stranger, people):
    rows = [{"fields": {"Owner": one}} for one in (people["ada"], stranger.user["id"])]
    body = {"table_id": people["id"], "records": rows}

    reply = client.post("/records/batch", json=body)

    assert (reply.status_code, reply.json()["index"]) == (422, 1)
    listed = made(client.get("/records", params={"table_id": people["id"]}))
    assert listed["total"] == 0


def test_an_update_names_members_too(client, stranger, people):
    record = made(create(client, people, Owner=people["ada"]))
    path = f"/records/{record['id']}"

    refused = client.patch(path, json={"fields": {"Owner": stranger.user["id"]}})
    taken = client.patch(path, json={"fields": {"Owner": people["bob"]}})

    assert (refused.status_code, taken.status_code) == (422, 200)


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ({"Owner": "ada"}, ["a"]),
        ({"Owner": {"$neq": "ada"}}, ["b", "c"]),
        ({"Owner": {"$contains": "ada"}}, ["a"]),
        ({"Owner": {"$not_contains": "ada"}}, ["b", "c"]),
        ({"Owner": {"$is_empty": True}}, ["c"]),
        ({"Owner": {"$eq": ""}}, ["c"]),
        ({"Crew": {"$contains": "ada"}}, ["a", "b"]),
        ({"Crew": {"$contains": ["ada", "bob"]}}, ["b"]),
        ({"Crew": {"$not_contains": "bob"}}, ["a", "c"]),
        ({"Crew": {"$eq": ["ada", "bob"]}}, ["b"]),
        ({"Crew": {"$eq": "ada"}}, ["a"]),
        ({"Crew": {"$neq": ["bob", "ada"]}}, ["a", "c"]),
        ({"Crew": {"$eq": []}}, ["c"]),
        ({"Crew": {"$is_not_empty": True}}, ["a", "b"]),
    ],
    ids=str,
)
def test_what_an_operator_finds(client, kept_people, filter_, names):
    ada, bob = kept_people["ada"], kept_people["bob"]

    text = json.dumps(filter_).replace('"ada"', f'"{ada}"').replace('"bob"', f'"{bob}"')

    assert found(client, kept_people, json.loads(text)) == names


def test_there_is_no_order_of_users(client, people):
    sort = json.dumps([{"field": "Owner"}])

    reply = client.get("/records", params={"table_id": people["id"], "sort": sort})

    assert (reply.status_code, reply.json()["errors"][0]["loc"]) == (422, ["sort"])


def test_a_user_is_unique_where_a_constraint_says_so(client, people):
    client.constraint(people["ids"]["Owner"])
    client.constraint(people["ids"]["Crew"])
    ada, bob = people["ada"], people["bob"]
    made(create(client, people, Owner=ada, Crew=[ada, bob]))

    assert create(client, people, Owner=ada).status_code == 409
    assert create(client, people, Crew=[bob, ada]).status_code == 409
    assert create(client, people, Owner=bob, Crew=[bob]).status_code == 201
