"""Lists of entries: of a type, of a workspace, of all the caller's workspaces."""

import math

import pytest

from projections import entries
from tests.api.cms.blog import refused
from tests.api.cms.client import CmsClient
from tests.client import ABSENT, Client, made


@pytest.fixture(scope="module")
def reader(server):
    """A user with two workspaces and three types, each with entries in turn."""
    with CmsClient(server.cms_url) as cms:
        yield cms.register("Linus")


@pytest.fixture(scope="module")
def there(server, reader):
    """(workspace, type, type) twice, and the ids of all entries as they were made."""
    with reader.at_pybase(server.url) as client:
        found = [_two_types(client) for _ in range(2)]
        types = [one for _, *two in found for one in two]
        ids = []
        for turn in range(3):
            for place, one in enumerate(types):
                values = {"Name": f"n{turn}", "Rank": (turn * 7 + place) % 5}
                ids.append(client.record(one, **values)["id"])
    return found, ids


def _two_types(client: Client):
    base = client.base()
    tables = [
        client.table(
            "Name",
            {"name": "Rank", "type": "number"},
            {"name": "Free", "type": "json"},
            base_id=base["id"],
            name=name,
        )
        for name in ("One", "Two")
    ]
    return base["workspace_id"], *(one["id"] for one in tables)


def listed(cms, **query):
    return made(cms.get("/entries", params=query))


def ids_of(page):
    return [one["id"] for one in page["entries"]]


# --------------------------------------------------------------------------- of a type


def test_e_051_a_page_of_a_type_is_as_the_document_says(cms, blog):
    for number in range(3):
        cms.entry(blog.authors, name=f"a{number}")

    page = listed(cms, object_type_id=blog.authors, limit=2)

    assert list(page) == ["entries", "pagination"]
    total = page["pagination"]["total"]
    assert page["pagination"] == {
        "page": 1,
        "limit": 2,
        "total": total,
        "pages": math.ceil(total / 2),
    }
    first = page["entries"][0]
    assert list(first) == [
        "id",
        "object_type_id",
        "data",
        "created_at",
        "updated_at",
        "object_type",
        "creator",
    ]
    assert first["data"] == {"name": "a2"}
    assert list(first["object_type"]) == ["id", "name", "slug", "workspace"]
    assert list(first["object_type"]["workspace"]) == ["id", "name", "slug"]
    assert first["creator"]["email"] == cms.user["email"]


def test_e_051_ten_newest_first_unless_told(cms_newcomer, server):
    with cms_newcomer.at_pybase(server.url) as client:
        table = client.table("Name")
        rows = [{"Name": str(n)} for n in range(12)]
        ids = [one["id"] for one in client.records(table["id"], *rows)]

    page = listed(cms_newcomer, object_type_id=table["id"])
    assert ids_of(page) == ids[::-1][:10]
    assert page["pagination"] == {"page": 1, "limit": 10, "total": 12, "pages": 2}
    rest = listed(cms_newcomer, object_type_id=table["id"], page=2)
    assert ids_of(rest) == ids[::-1][10:]
    assert ids_of(listed(cms_newcomer, page=2, limit=5)) == ids[::-1][5:10]
    beyond = listed(cms_newcomer, object_type_id=table["id"], page=9)
    assert (ids_of(beyond), beyond["pagination"]["total"]) == ([], 12)
    oldest = listed(cms_newcomer, object_type_id=table["id"], order="asc", limit=101)
    assert ids_of(oldest) == ids
    assert oldest["pagination"]["limit"] == 100


def test_e_051_a_list_is_sorted_by_what_is_asked(reader, there):
    ((_, one, _), _), _ = there

    by_rank = listed(reader, object_type_id=one, sort="rank", order="asc")
    assert [entry["data"]["rank"] for entry in by_rank["entries"]] == [0, 2, 4]
    down = listed(reader, object_type_id=one, sort="rank")
    assert ids_of(down) == ids_of(by_rank)[::-1]
    last = ids_of(listed(reader, object_type_id=one))[-1]
    made(reader.patch(f"/entries/{last}", json={"data": {"name": "touched"}}))
    assert ids_of(listed(reader, object_type_id=one, sort="updated_at"))[0] == last


@pytest.mark.parametrize("sort", ["nothing", "free", "id; DROP", "Name", "x" * 5000])
def test_e_051_an_unknown_order_is_400(reader, there, sort):
    ((_, one, _), _), _ = there

    for query in ({"object_type_id": one}, {}):
        reply = reader.get("/entries", params={"sort": sort, **query})
        assert (reply.status_code, reply.json()["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "query",
    [
        {"order": "up"},
        {"page": "0"},
        {"limit": "0"},
        {"limit": "-1"},
        {"page": "x"},
        {"page": "9" * 30},
        {"object_type_id": "x"},
        {"workspace_id": "x"},
        {"sort": "rank"},  # of several types no field is meant
    ],
)
def test_e_051_what_cannot_be_read_is_400(reader, query):
    assert reader.get("/entries", params=query).status_code == 400


# ------------------------------------------------------------------------ of many types


def test_e_051_without_a_type_a_workspace_is_listed_whole(reader, there):
    ((workspace_id, *types), _), ids = there
    mine = [one for place, one in enumerate(ids) if place % 4 < 2]

    page = listed(reader, workspace_id=workspace_id, order="asc")

    assert ids_of(page) == mine
    assert {one["object_type_id"] for one in page["entries"]} == set(types)
    assert page["pagination"]["total"] == 6


def test_e_051_without_anything_all_the_callers_workspaces_are(reader, there):
    _, ids = there

    assert ids_of(listed(reader, order="asc", limit=100)) == ids
    pages = [listed(reader, limit=5, page=number) for number in (1, 2, 3, 4)]
    assert [one for page in pages for one in ids_of(page)] == ids[::-1]
    assert pages[0]["pagination"] == {"page": 1, "limit": 5, "total": 12, "pages": 3}
    sites = {one["object_type"]["workspace"]["id"] for one in pages[0]["entries"]}
    assert len(sites) == 2
    by_update = listed(reader, sort="updated_at", order="asc", limit=100)
    times = [one["updated_at"] for one in by_update["entries"]]
    assert times == sorted(times)


def test_what_is_made_at_once_stays_in_one_order(cms_newcomer, server):
    with cms_newcomer.at_pybase(server.url) as client:
        for _ in range(2):
            table = client.table("Name")
            client.records(table["id"], *({"Name": str(n)} for n in range(7)))

    whole = ids_of(listed(cms_newcomer, limit=100))
    pages = [ids_of(listed(cms_newcomer, limit=3, page=n)) for n in range(1, 6)]

    assert len(whole) == 14
    assert [one for page in pages for one in page] == whole


def test_many_types_are_looked_at_some_at_a_time(reader, there, monkeypatch):
    _, ids = there
    monkeypatch.setattr(entries, "TYPES_AT_ONCE", 3)
    monkeypatch.setattr(entries, "DEEPEST", 12)

    pages = [listed(reader, limit=5, page=number) for number in (1, 2)]

    assert [one for page in pages for one in ids_of(page)] == ids[::-1][:10]
    assert pages[1]["pagination"]["total"] == 12
    deep = reader.get("/entries", params={"limit": 5, "page": 3})
    refused(deep, 400, "The page lies too deep: name an object_type_id")


def test_e_055_what_is_deleted_is_in_no_list(cms_newcomer, server):
    with cms_newcomer.at_pybase(server.url) as client:
        table = client.table("Name")
        gone, stays = (client.record(table["id"], Name=one)["id"] for one in "ab")
        other = client.table("Name", base_id=table["base_id"], name="Other")
        client.record(other["id"], Name="c")
        client.delete(f"/tables/{other['id']}")
        elsewhere = client.table("Name")
        client.record(elsewhere["id"], Name="d")
        client.delete(f"/workspaces/{elsewhere['workspace_id']}")
    made(cms_newcomer.delete(f"/entries/{gone}"))

    for query in (
        {},
        {"workspace_id": table["workspace_id"]},
        {"object_type_id": table["id"]},
    ):
        page = listed(cms_newcomer, **query)
        assert (ids_of(page), page["pagination"]["total"]) == ([stays], 1)


def test_a_user_without_a_workspace_has_no_entries(cms_newcomer):
    assert listed(cms_newcomer) == {
        "entries": [],
        "pagination": {"page": 1, "limit": 10, "total": 0, "pages": 0},
    }


def test_a_type_is_looked_for_in_the_workspace_that_is_named(reader, there):
    ((_, one, _), (other, _, _)), _ = there
    query = {"object_type_id": one, "workspace_id": other}

    refused(reader.get("/entries", params=query), 404, "Object type not found")
    for name, message in (
        ("object_type_id", "Object type not found"),
        ("workspace_id", "Workspace not found"),
    ):
        reply = reader.get("/entries", params={name: ABSENT})
        refused(reply, 404, message)
