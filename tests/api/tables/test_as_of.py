"""Table REST as of a moment: the page that there was, under the names of then."""

from typing import Any

import pytest

from tests.api.tables.conftest import Rest, token_of
from tests.client import Client, Json, Server, made

PETS: list[Json] = [{"name": name} for name in ("Rex", "Minka", "Polly")]
QUERY = {"sort": "name", "direction": "desc", "limit": 2, "name__neq": "Polly"}


@pytest.fixture
def pets(client: Client) -> Json:
    return client.table("name", {"name": "age", "type": "number"})


def grown_older(client: Client, pets: Json) -> None:
    """Three pets; the first gets an age, the second goes, a column comes and goes."""
    first, second, _ = client.records(pets["id"], *PETS)
    made(client.patch(f"/records/{first['id']}", json={"fields": {"age": 7}}))
    client.delete(f"/records/{second['id']}")
    field = client.field(pets["id"], "colour")
    client.records(pets["id"], {"name": "Nemo", "colour": "red"})
    client.delete(f"/fields/{field['id']}")


def test_each_page_of_then_is_given_again(client: Client, pets: Json, rest: Any):
    rows: Rest = rest(client, pets)
    moments: dict[int, Json] = {}

    def keep() -> None:
        moments[client.position(pets["workspace_id"])] = rows.body(QUERY)

    keep()
    for one in PETS:
        client.records(pets["id"], one)
        keep()
    grown_older(client, pets)
    keep()

    for position, body in moments.items():
        reply = rows.ask({**QUERY, "as_of": position})
        assert reply.headers["x-position"] == str(position)
        assert reply.json() == body


def test_the_columns_are_those_of_then(client: Client, pets: Json, rest: Any):
    rows: Rest = rest(client, pets)
    field = client.field(pets["id"], "colour")
    client.records(pets["id"], {"name": "Nemo", "colour": "red"})
    then = client.position(pets["workspace_id"])
    client.delete(f"/fields/{field['id']}")

    assert rows.body()["columns"] == ["id", "name", "age"]
    assert rows.ask({"colour": "red"}).status_code == 400
    before = rows.body({"colour": "red", "as_of": then})
    assert before["columns"] == ["id", "name", "age", "colour"]
    assert before["data"] == [{"id": 1, "name": "Nemo", "age": None, "colour": "red"}]
    lines = rows.lines({"format": "csv", "as_of": then})
    assert lines == [before["columns"], ["1", "Nemo", "", "red"]]


def test_a_deleted_table_is_there_and_one_to_come_is_not(
    client: Client, pets: Json, rest: Any
):
    rows: Rest = rest(client, pets)
    then = client.position(pets["workspace_id"])
    client.delete(f"/tables/{pets['id']}")

    assert rows.ask().status_code == 404
    assert rows.body({"as_of": then})["data"] == []
    assert rows.ask({"as_of": 2}).json()["error"] == f"Table '{pets['slug']}' not found"


def test_a_database_that_was_not_there_yet_is_no_table(
    client: Client, pets: Json, rest: Any
):
    """The workspace is older than the base."""
    rows: Rest = rest(client, pets)

    assert rows.ask({"as_of": 1}).status_code == 404
    rows.path = rows.path.replace("/database/", "/database/other_")
    assert rows.ask({"as_of": 1}).status_code == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"as_of": "yesterday"}, 400),
        ({"as_of": "999999999"}, 400),
        ({"as_of": "@", "format": "csv", "limit": "all"}, 400),
        ({"as_of": "@", "sort": "nothing"}, 400),
        ({"as_of": ""}, 200),
    ],
)
def test_a_moment_that_cannot_be_is_told(
    client: Client, pets: Json, rest: Any, query: Json, status: int
):
    here = str(client.position(pets["workspace_id"]))
    query = {name: here if one == "@" else one for name, one in query.items()}

    reply = rest(client, pets).ask(query)

    assert reply.status_code == status
    assert status == 200 or "error" in reply.json()


def test_the_past_is_nobody_elses(
    client: Client, pets: Json, server: Server, rest: Any
):
    then = client.position(pets["workspace_id"])
    path = rest(client, pets).path
    with Client(server.url) as stranger:
        stranger.register("Stranger")
        other = stranger.table("name")
        token = token_of(stranger, other["workspace_id"])
        with Rest(server.url, path, token) as rows:
            assert rows.ask({"as_of": then}).status_code == 404
    with Rest(server.url, path) as nobody:
        assert nobody.ask({"as_of": then}).status_code == 403
