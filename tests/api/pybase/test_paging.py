"""Pages: the document's limit and offset, and page with page_size."""

import pytest

from tests.client import made


@pytest.fixture(scope="module")
def _kept():
    return {}


@pytest.fixture
def table(client, _kept):
    """A table of seven records, made once: these tests only read it."""
    if "table" not in _kept:
        made_one = client.table({"name": "N", "type": "number"})
        client.records(made_one["id"], *[{"N": number} for number in range(7)])
        _kept["table"] = made_one
    return _kept["table"]


def ask(client, table, **query):
    return client.get("/records", params={"table_id": table["id"], **query})


@pytest.mark.parametrize(
    ("query", "numbers", "shown"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6], (100, 0, 1, 100)),
        ({"limit": 3}, [0, 1, 2], (3, 0, 1, 3)),
        ({"limit": 3, "offset": 3}, [3, 4, 5], (3, 3, 2, 3)),
        ({"limit": 3, "offset": 6}, [6], (3, 6, 3, 3)),
        ({"limit": 3, "offset": 7}, [], (3, 7, 3, 3)),
        ({"limit": 1000, "offset": 1000}, [], (1000, 1000, 2, 1000)),
        ({"offset": 5}, [5, 6], (100, 5, 1, 100)),
        ({"page": 2, "page_size": 3}, [3, 4, 5], (3, 3, 2, 3)),
        ({"page": 1}, [0, 1, 2, 3, 4, 5, 6], (100, 0, 1, 100)),
        ({"page_size": 2}, [0, 1], (2, 0, 1, 2)),
        ({"page": 2, "limit": 5}, [5, 6], (5, 5, 2, 5)),
        ({"limit": 1, "page_size": 1}, [0], (1, 0, 1, 1)),
    ],
    ids=str,
)
def test_a_page_says_what_it_is_of(client, table, query, numbers, shown):
    body = made(ask(client, table, **query))

    assert set(body) == {"items", "total", "limit", "offset", "page", "page_size"}
    assert [one["fields"]["N"] for one in body["items"]] == numbers
    assert body["total"] == 7
    assert (body["limit"], body["offset"], body["page"], body["page_size"]) == shown


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": 1001},
        {"limit": 10**9},
        {"limit": "abc"},
        {"limit": ""},
        {"limit": 1.5},
        {"limit": "٣"},
        {"limit": "1e2"},
        {"offset": -1},
        {"offset": 9 * 10**18},
        {"offset": "x"},
        {"page": 0},
        {"page": -1},
        {"page": 2**63},
        {"page": "x"},
        {"page_size": 0},
        {"page_size": 1001},
        {"limit": 3, "page_size": 4},
        {"offset": 3, "page": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/records", "/workspaces", "/tables", "/fields"])
def test_a_page_that_is_none_is_refused(client, table, path, query):
    parent = {"table_id": table["id"], "base_id": table["base_id"]}

    reply = client.get(path, params={**parent, **query})

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


def test_pages_together_are_the_whole_without_gap_or_repetition(client, table):
    seen = [
        one["id"]
        for offset in range(0, 8, 2)
        for one in made(ask(client, table, limit=2, offset=offset))["items"]
    ]

    whole = [one["id"] for one in made(ask(client, table))["items"]]
    assert seen == whole


def test_lists_of_every_kind_page_alike(newcomer):
    tables = [newcomer.table("One", "Two", "Three")]
    base_id, workspace_id = tables[0]["base_id"], tables[0]["workspace_id"]
    for name in ("B", "C"):
        tables.append(newcomer.table(base_id=base_id, name=name))
        newcomer.base(workspace_id)
        newcomer.workspace(name)
    for name in ("One", "Two", "Three"):
        newcomer.constraint(tables[0]["ids"][name])

    for path, query in [
        ("/workspaces", {}),
        ("/bases", {}),
        ("/bases", {"workspace_id": workspace_id}),
        ("/tables", {"base_id": base_id}),
        ("/fields", {"table_id": tables[0]["id"]}),
        ("/constraints", {"table_id": tables[0]["id"]}),
    ]:
        whole = made(newcomer.get(path, params=query))
        second = made(newcomer.get(path, params={**query, "limit": 1, "offset": 1}))
        assert whole["total"] == second["total"] == 3, path
        assert second["items"] == whole["items"][1:2], path
        assert (second["limit"], second["offset"], second["page"]) == (1, 1, 2)
