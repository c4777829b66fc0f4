"""Attacks on Table REST: its paths, its query strings, what its errors give away."""

import re

import pytest

from tests.api.tables.conftest import Rest, path_to, token_of
from tests.client import Client, made

ODD = [
    *("%2e%2e%2e", "%00", "a%00b", ";", "acme;x=1", "%252e%252e", "%25", "*", "%"),
    *("ACME", "%F0%9F%8E%88", "%ED%A0%80", "'--", "%22", "%2F", "x" * 5_000, " "),
]


@pytest.fixture(scope="module")
def place(server, client_of_place):
    client, table = client_of_place
    token = token_of(client, table["workspace_id"])
    with Rest(server.url, path_to(client, table), token) as rest:
        yield rest


@pytest.fixture(scope="module")
def client_of_place(server):

    with Client(server.url) as client:
        client.register("Place")
        table = client.table("Name", {"name": "Price", "type": "number"})
        client.record(table["id"], Name="Ada", Price=1)
        yield client, table


def parts(place):
    return place.path.split("/")  # "", api, workspace, SLUG, database, DB, table, T, ""


def with_part(place, at, text):
    found = parts(place)
    found[at] = text
    return place.get("/".join(found))


@pytest.mark.parametrize("text", ODD)
def test_threat_47_a_path_names_what_is_there_or_nothing(place, text):
    workspace, table = with_part(place, 3, text), with_part(place, 7, text)
    database = with_part(place, 5, text)

    for reply in (workspace, table):
        assert reply.status_code == 404
        assert set(reply.json()) == {"error", "detail"}
    assert database.status_code in (400, 404)
    assert len(table.json()["error"]) < 200


def test_threat_47_a_name_in_another_case_is_another(place):
    slug = parts(place)[3]

    assert with_part(place, 3, slug.upper()).status_code == 404
    assert with_part(place, 7, "THINGS").status_code == 404


LEAKS = re.compile(r"psycopg|postgres|relation|Traceback|\.py|ws_|syntax", re.I)


@pytest.mark.parametrize(
    "query",
    [
        *("price=1e1000", "price__gt=" + "9" * 5_000, "id=99999999999999999999"),
        *("name=%00", "name=%ED%A0%80", "name=%FF", "%FF=1", "page=%00"),
        *("limit=9223372036854775808", "page=9223372036854775808", "record_id=x"),
        *("sort=id%3Bdrop", "sort=%22a%22--", "sort=name)::text", "sort=__class__"),
        *("direction=asc,(select%201)", "name__=x", "__eq=x", "____=x", "=x"),
        *("name__contains=" + "x" * 30_000, "created_at=never", "created_at__gt=9999"),
        *("&".join(f"c{n}=1" for n in range(300)), "name__eq__neq=1"),
        *("format=json%00", "include=*", "price__lt=NaN", "price=Infinity"),
    ],
)
def test_threat_46_nothing_of_what_is_behind_is_told(place, query):
    reply = place.get(f"{place.path}?{query}")

    assert reply.status_code in (200, 400)
    if reply.status_code == 400:
        assert reply.json()["error"] == reply.json()["detail"]
        assert not LEAKS.search(reply.text)
        assert len(reply.text) < 1_000


def test_threat_21_what_is_gone_answers_as_what_never_was(client_of_place, place):
    client, table = client_of_place
    field = client.field(table["id"], "Secret")
    assert place.ask("secret=x").status_code == 200
    assert client.delete(f"/fields/{field['id']}").status_code == 204

    for query in ("{}=x", "{}__contains=x", "sort={}"):
        gone, never = (
            place.ask(query.format("secret")),
            place.ask(query.format("never")),
        )
        assert gone.status_code == never.status_code == 400
        assert gone.text == never.text.replace("never", "secret")
    assert "secret" not in place.ask().text
    assert "secret" not in place.ask("format=csv").text


def test_threat_17_another_workspaces_names_say_nothing(server, stranger, place):
    own = stranger.workspace("Own")
    base = stranger.base(own["id"])
    token = token_of(stranger, own["id"])
    bearer = stranger.headers["authorization"].removeprefix("Bearer ")
    for shown in (token, bearer):
        with Rest(server.url, place.path, shown) as rest:
            there = rest.ask("nope=1&page=0")
            nowhere = with_part(rest, 3, "nowhere")
            other_table = with_part(rest, 7, "nowhere")
        assert there.status_code == 404
        assert there.text == nowhere.text == other_table.text
    assert made(stranger.get(f"/bases/{base['id']}"))["db_name"] == "base"


def test_threat_12_a_token_is_found_by_all_of_it(server, client_of_place, place):
    client, table = client_of_place
    token = token_of(client, table["workspace_id"])
    last = "A" if token[-1] != "A" else "B"
    wrong = [token[:-1] + last, token[:-1], token + "A", token.replace("wat_", "tbk_")]
    for one in [*wrong, token.upper(), "wat_" + "x" * 10_000]:
        with Rest(server.url, place.path, one) as rest:
            assert rest.ask().status_code == 403
    with Rest(server.url, place.path) as rest:
        assert rest.ask({"access_token": token}).status_code == 403
        assert rest.ask({"token": token}).status_code == 403
