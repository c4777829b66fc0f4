"""How often and how much: the rates of the door, the largest page."""

from tests.api.tables.conftest import Rest, path_to
from tests.client import Client, running_server


def test_an_address_that_shows_nothing_good_is_told_to_wait(settings, database):
    limited = settings.model_copy(update={"rate_limits": True})
    path = "/api/workspace/acme/database/base/table/users/"
    with (
        running_server(limited, database) as server,
        Rest(server.url, path, "wat_nope") as rest,
    ):
        statuses = [rest.ask().status_code for _ in range(101)]
        reply = rest.ask()
        with Client(server.url) as pybase:  # which counts by itself
            assert pybase.get("/users/me").status_code == 401

    assert statuses == [403] * 100 + [429]
    assert reply.json() == {
        "error": "Rate limit exceeded",
        "detail": "Rate limit exceeded",
    }
    assert int(reply.headers["retry-after"]) > 0
    assert reply.headers["x-ratelimit-limit"] == "100"


def test_the_largest_page_is_a_setting(settings, database):
    wide = settings.model_copy(update={"tables_page_limit": 10_000})
    with running_server(wide, database) as server, Client(server.url) as client:
        client.register()
        table = client.table("Name")
        token = client.headers["authorization"].removeprefix("Bearer ")
        with Rest(server.url, path_to(client, table), token) as rest:
            assert rest.body({"limit": 10_000})["pagination"]["limit"] == 10_000
            said = rest.ask({"limit": 10_001}).json()["limit"]

    assert said == ["Ensure this value is less than or equal to 10000."]


def test_a_browser_asks_first_where_pages_of_others_may_call(settings, database):
    open_ = settings.model_copy(update={"cors_origins": ("https://a.example",)})
    path = "/api/workspace/acme/database/base/table/users/"
    asking = {
        "origin": "https://a.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
    }
    with running_server(open_, database) as server, Rest(server.url, path) as rest:
        preflight = rest.options(path, headers=asking)
        other = rest.options(path, headers={**asking, "origin": "https://b.example"})

    allowed = "access-control-allow-origin"
    assert (preflight.status_code, preflight.headers[allowed]) == (
        200,
        "https://a.example",
    )
    assert allowed not in other.headers
