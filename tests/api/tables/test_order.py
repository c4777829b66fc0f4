"""What is refused first: the order that clients rely on."""

import pytest

from tests.api.tables.conftest import Rest, path_to
from tests.client import made

ALL_WRONG = {"page": 0, "nope": 1, "city__foo": 1, "sort": "nowhere"}


@pytest.fixture
def wrong(forecast):
    """A path whose every part is wrong; each in turn is put right."""
    return {"workspace": "nowhere", "database": "nope", "table": "nope"}


def ask(rest, names, query):
    parts = "/workspace/{workspace}/database/{database}/table/{table}/"
    return rest.get("/api" + parts.format(**names), params=query)


def said(reply):
    return reply.status_code, reply.json()["error"]


def test_who_calls_comes_first_then_the_path_then_the_query(server, forecast, wrong):
    slug = forecast.path.split("/")[3]
    query = dict(ALL_WRONG)
    with Rest(server.url, "", "nobody") as nobody:
        assert said(ask(nobody, wrong, query)) == (403, "Invalid access token")
    assert said(ask(forecast, wrong, query)) == (
        404,
        "Workspace not found or access denied",
    )
    wrong["workspace"] = slug
    assert said(ask(forecast, wrong, query)) == (
        400,
        "Database does not belong to this workspace",
    )
    wrong["database"] = "base"
    reply = ask(forecast, wrong, query)
    assert (reply.status_code, list(reply.json())) == (400, ["error", "detail", "page"])
    del query["page"]
    assert said(ask(forecast, wrong, query)) == (404, "Table 'nope' not found")
    wrong["table"] = "weather_forecast"
    assert said(ask(forecast, wrong, query)) == (
        400,
        "Column 'nope' does not exist in table",
    )
    del query["nope"]
    assert said(ask(forecast, wrong, query))[1].startswith("Invalid operator 'foo'. Su")
    del query["city__foo"]
    assert said(ask(forecast, wrong, query)) == (
        400,
        "Sort column 'nowhere' does not exist in table",
    )
    del query["sort"]
    assert ask(forecast, wrong, query).status_code == 200


def test_a_session_that_has_ended_comes_before_all_else(server, client, wrong):
    tokens = f"/workspaces/{client.workspace()['id']}/tokens"
    token = made(client.post(tokens, json={}))["token"]
    (one,) = client.get(tokens).json()
    with Rest(server.url, "", token) as rest:
        assert ask(rest, wrong, ALL_WRONG).status_code == 404
        client.delete(f"{tokens}/{one['id']}")
        assert said(ask(rest, wrong, ALL_WRONG)) == (403, "Invalid access token")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/workspace/", 404),
        ("/api/workspace/acme/", 404),
        ("/api/workspace/acme/database/base/", 404),
        ("/api/workspace/acme/database/base/table/users/more/", 404),
        ("/api/workspace/openapi.json", 200),
    ],
)
def test_there_is_no_other_path(forecast, path, status):
    reply = forecast.get(path)

    assert reply.status_code == status
    if status == 404:
        assert reply.json()["error"] == reply.json()["detail"]
        assert "code" not in reply.json()


def test_names_are_looked_for_exactly(client, rest):
    table = client.table("Name", name="Users")
    asked = rest(client, table)

    assert asked.ask().status_code == 200
    for before, after in (("/users/", "/Users/"), ("/base/", "/BASE/")):
        assert asked.get(asked.path.replace(before, after)).status_code in (400, 404)
    assert asked.ask({"Name": "x"}).status_code == 400
    assert path_to(client, table) == asked.path
