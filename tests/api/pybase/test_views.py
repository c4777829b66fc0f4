"""Views: what is kept of them, the records they show, what outlives their fields."""

import json

import pytest

from tests.client import ABSENT, made

VIEW = {
    "id",
    "table_id",
    "name",
    "type",
    "config",
    "filters",
    "sorts",
    "position",
    "created_by",
    "created_at",
    "updated_at",
}
NOT_FOUND = {"detail": "View not found", "code": "NOT_FOUND"}
TYPES = ["grid", "kanban", "calendar", "gallery", "form", "gantt", "timeline"]


ITEMS = [
    {"Name": "Bolt", "Price": 5, "Status": "Open", "Day": "2024-01-31"},
    {"Name": "Nut", "Price": 2.5, "Status": "Closed", "Notes": "for a BOLT"},
    {"Name": "Saw", "Price": 40, "Status": "Open"},
]


@pytest.fixture
def items(client, things):
    """Three records of the wide table."""
    client.records(things["id"], *ITEMS)
    return things


@pytest.fixture(scope="module")
def kept_items(client, kept_things):
    """The same for tests that change neither the table nor its records."""
    client.records(kept_things["id"], *ITEMS)
    return kept_things


def data(client, view, **body):
    return made(client.post(f"/views/{view['id']}/data", json=body))


def names(client, view, **body):
    return [one["fields"]["Name"] for one in data(client, view, **body)["items"]]


def condition(table, name, operator, value):
    """As a view shows it."""
    field_id = table["ids"][name]
    return {"field": name, "field_id": field_id, "operator": operator, "value": value}


# ------------------------------------------------------ who is nobody, or may not


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/views?table_id={ABSENT}"),
        ("POST", "/views"),
        ("GET", f"/views/default?table_id={ABSENT}"),
        ("POST", "/views/reorder"),
        ("GET", f"/views/{ABSENT}"),
        ("PATCH", f"/views/{ABSENT}"),
        ("DELETE", f"/views/{ABSENT}"),
        ("POST", f"/views/{ABSENT}/duplicate"),
        ("POST", f"/views/{ABSENT}/data"),
    ],
)
def test_nobody_sees_or_makes_a_view(anonymous, method, path):
    assert anonymous.request(method, path, json={}).status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter"])
def test_who_reads_changes_no_view(client, member, happened, items, role):
    view = client.view(items["id"])
    one = member(items["workspace_id"], role)
    before = happened(items["workspace_id"])
    path = f"/views/{view['id']}"

    refused = [
        one.post("/views", json={"table_id": items["id"], "name": "x"}),
        one.patch(path, json={"name": "x"}),
        one.delete(path),
        one.post(f"{path}/duplicate"),
        one.post(
            "/views/reorder", json={"table_id": items["id"], "view_ids": [view["id"]]}
        ),
    ]

    assert [reply.status_code for reply in refused] == [403] * 5
    assert happened(items["workspace_id"]) == before
    assert one.get(path).json() == view
    assert names(one, view) == ["Bolt", "Nut", "Saw"]


def test_an_editor_writes_views(client, member, items):
    editor = member(items["workspace_id"], "editor")
    view = editor.view(items["id"])

    assert made(editor.patch(f"/views/{view['id']}", json={"name": "x"}))["name"] == "x"
    assert editor.delete(f"/views/{view['id']}").status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/views/{id}", None),
        ("PATCH", "/views/{id}", {"name": "x"}),
        ("DELETE", "/views/{id}", None),
        ("POST", "/views/{id}/duplicate", {}),
        ("POST", "/views/{id}/data", {}),
        ("GET", "/views/{id}/form", None),
        ("POST", "/views/{id}/submit", {"fields": {}}),
    ],
)
@pytest.mark.parametrize("of", ["view", "table"])
def test_anothers_view_is_not_there(
    client, stranger, happened, kept_items, method, path, body, of
):
    view = client.view(kept_items["id"], "form")
    before = happened(kept_items["workspace_id"])
    theirs = view["id"] if of == "view" else kept_items["id"]

    there = stranger.request(method, path.format(id=theirs), json=body)
    nowhere = stranger.request(method, path.format(id=ABSENT), json=body)

    assert (there.status_code, there.json()) == (404, NOT_FOUND)
    assert (nowhere.status_code, nowhere.json()) == (404, NOT_FOUND)
    assert happened(kept_items["workspace_id"]) == before


# --------------------------------------------------- one by one


def test_A_201_a_view_is_made(client, happened, items):
    before = client.position(items["workspace_id"])
    body = {
        "table_id": items["id"],
        "name": "Open ones",
        "type": "kanban",
        "config": {"group_field_id": items["ids"]["Status"]},
        "filters": [{"field": "Price", "operator": "gt", "value": 2.5}],
        "sorts": [{"field": "Name", "direction": "desc"}],
    }

    reply = client.post("/views", json=body)

    assert reply.status_code == 201
    view = reply.json()
    assert set(view) >= VIEW
    assert {name: view[name] for name in ("table_id", "name", "type", "config")} == {
        name: body[name] for name in ("table_id", "name", "type", "config")
    }
    assert view["filters"] == [condition(items, "Price", "gt", 2.5)]
    assert view["sorts"] == [
        {"field": "Name", "field_id": items["ids"]["Name"], "direction": "desc"}
    ]
    assert (view["unusable"], view["position"], view["is_default"]) == ([], 0, True)
    assert view["created_by"] == client.user["id"]
    ((name, kept),) = happened(items["workspace_id"], before)
    assert name == "view.created"
    price = items["ids"]["Price"]
    assert kept["filters"] == [
        {"field": price, "operator": "gt", "value": {"number": "2.5"}}
    ]
    assert reply.headers["x-position"] == str(before + 1)
    assert reply.headers["etag"] == '"v1"'


def test_a_view_is_a_grid_unless_told(client, things):
    view = made(client.post("/views", json={"table_id": things["id"], "name": "All"}))

    assert (view["type"], view["view_type"]) == ("grid", "grid")
    assert (view["config"], view["filters"], view["sorts"]) == ({}, [], [])


@pytest.mark.parametrize("type_", TYPES)
def test_A_201_every_type_is_made_without_a_configuration(client, things, type_):
    view = client.view(things["id"], type_)

    assert made(client.get(f"/views/{view['id']}")) == view
    assert (view["type"], view["config"]) == (type_, {})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"table_id": "7", "name": "x"}, 400),
        ({"table_id": ABSENT, "name": "x"}, 404),
        ({"name": "x"}, 422),
        ({"table_id": "own"}, 422),
        ({"table_id": "own", "name": ""}, 422),
        ({"table_id": "own", "name": "x" * 256}, 422),
        ({"table_id": "own", "name": "x", "type": "map"}, 422),
        ({"table_id": "own", "name": "x", "config": []}, 422),
        ({"table_id": "own", "name": "x", "config": {"colour": "red"}}, 422),
        ({"table_id": "own", "name": "x", "filters": "Name"}, 422),
        ({"table_id": "own", "name": "x", "filters": [{"field": "Nope"}]}, 422),
        ({"table_id": "own", "name": "x", "filters": {"Price": {"$gt": "1"}}}, 422),
        ({"table_id": "own", "name": "x", "filters": {"Name": {"$gt": "1"}}}, 422),
        ({"table_id": "own", "name": "x", "filters": {"Name": "x" * 65_536}}, 422),
        ({"table_id": "own", "name": "x", "sorts": {"field": "Name"}}, 422),
        ({"table_id": "own", "name": "x", "sorts": [{"field": "Nope"}]}, 422),
        ({"table_id": "own", "name": "x", "sorts": [{"field": "Name"}] * 11}, 422),
    ],
    ids=lambda value: str(value)[:70],
)
def test_a_view_that_is_none_is_refused(client, happened, kept_things, body, status):
    before = client.position(kept_things["workspace_id"])
    if body.get("table_id") == "own":
        body = {**body, "table_id": kept_things["id"]}

    reply = client.post("/views", json=body)

    assert reply.status_code == status
    assert happened(kept_things["workspace_id"], before) == []


def test_A_200_views_of_a_table_are_listed_in_their_order(client, things):
    views = [client.view(things["id"], type_) for type_ in TYPES]
    other = client.table("Name", base_id=things["base_id"], name="Other")
    client.view(other["id"])

    page = made(client.get(f"/views?table_id={things['id']}&limit=2&offset=1"))

    assert page["items"] == views[1:3]
    assert (page["total"], page["limit"], page["offset"]) == (7, 2, 1)
    assert client.get("/views").status_code == 422
    assert client.get("/views?table_id=7").status_code == 400
    assert client.get(f"/views?table_id={ABSENT}").status_code == 404


def test_A_202_a_view_is_shown(client, things):
    view = client.view(things["id"])

    reply = client.get(f"/views/{view['id']}")

    assert (reply.status_code, reply.json()) == (200, view)
    assert reply.headers["etag"] == '"v1"'
    assert client.get("/views/7").json() == {
        "detail": "Invalid view ID format",
        "code": "BAD_REQUEST",
    }


def test_A_203_a_view_is_changed(client, happened, items):
    view = client.view(items["id"], filters={"Name": {"$contains": "b"}})
    before = client.position(items["workspace_id"])
    path = f"/views/{view['id']}"

    reply = client.patch(path, json={"name": "Mine", "filters": None})

    assert reply.status_code == 200
    assert (reply.json()["name"], reply.json()["filters"]) == ("Mine", [])
    assert reply.headers["etag"] == '"v2"'
    ((name, kept),) = happened(items["workspace_id"], before)
    assert name == "view.updated"
    assert set(kept["changes"]) == {"name", "filters"}
    assert made(client.patch(path, json={"name": "Mine"})) == reply.json()
    assert client.position(items["workspace_id"]) == before + 1


@pytest.mark.parametrize(
    "body",
    [
        {"name": None},
        {"type": None},
        {"type": "map"},
        {"config": {"group_field_id": ABSENT}},
        {"filters": [{"field": "Nope", "operator": "eq", "value": 1}]},
        {"filters": [{"field_id": ABSENT, "operator": "eq", "value": 1}]},
        {"sorts": [{"field": "Nope"}]},
        {"name": "New", "sorts": [{"field": "Nope"}]},
    ],
)
def test_a_change_that_is_none_changes_nothing(client, happened, kept_things, body):
    view = client.view(kept_things["id"])
    before = client.position(kept_things["workspace_id"])

    assert client.patch(f"/views/{view['id']}", json=body).status_code == 422
    assert happened(kept_things["workspace_id"], before) == []


def test_a_stale_version_is_told_what_came_since(client, things):
    path = f"/views/{client.view(things['id'])['id']}"
    made(client.patch(path, json={"name": "Second"}))

    reply = client.patch(path, json={"name": "x"}, headers={"if-match": '"v1"'})

    assert (reply.status_code, reply.json()["code"]) == (412, "VERSION_MISMATCH")
    assert [one["type"] for one in reply.json()["changes"]] == ["view.updated"]
    assert client.delete(path, headers={"if-match": '"v1"'}).status_code == 412
    assert client.delete(path, headers={"if-match": '"v2"'}).status_code == 204


def test_A_204_a_deleted_view_is_gone(client, happened, items):
    view = client.view(items["id"], "form")
    before = client.position(items["workspace_id"])
    path = f"/views/{view['id']}"

    reply = client.delete(path)

    assert (reply.status_code, reply.content) == (204, b"")
    assert [name for name, _ in happened(items["workspace_id"], before)] == [
        "view.deleted"
    ]
    gone = [
        client.get(path),
        client.patch(path, json={"name": "x"}),
        client.delete(path),
        client.post(f"{path}/data", json={}),
        client.post(f"{path}/duplicate"),
        client.get(f"{path}/form"),
        client.post(f"{path}/submit", json={"fields": {"Name": "x"}}),
    ]
    assert [(one.status_code, one.json()) for one in gone] == [(404, NOT_FOUND)] * 7
    assert made(client.get(f"/views?table_id={items['id']}"))["total"] == 0


def test_views_go_with_their_table(client, items):
    view = client.view(items["id"])
    client.delete(f"/tables/{items['id']}")

    assert client.get(f"/views/{view['id']}").json() == NOT_FOUND
    assert client.post(f"/views/{view['id']}/data", json={}).json() == NOT_FOUND
    reply = client.get(f"/views/default?table_id={items['id']}")
    assert reply.json() == {"detail": "Table not found", "code": "NOT_FOUND"}


def test_a_repeated_request_has_one_effect(client, happened, things):
    before = client.position(things["workspace_id"])
    body = {"table_id": things["id"], "name": "Once"}
    headers = {"idempotency-key": "view-once"}

    first, again = (client.post("/views", json=body, headers=headers) for _ in "12")

    assert first.json() == again.json()
    assert len(happened(things["workspace_id"], before)) == 1


# ------------------------------------------------- the default view


def test_A_205_a_view_is_duplicated_with_all_it_keeps(client, items):
    view = client.view(
        items["id"],
        "calendar",
        config={"date_field_id": items["ids"]["Day"]},
        filters={"Status": "Open"},
        sorts=[{"field": "Price"}],
    )

    reply = client.post(f"/views/{view['id']}/duplicate")

    assert reply.status_code == 201
    copy = reply.json()
    assert copy["id"] != view["id"]
    assert copy["name"] == "Calendar (copy)"
    same = ("table_id", "type", "config", "filters", "sorts")
    assert {name: copy[name] for name in same} == {name: view[name] for name in same}
    assert copy["position"] == 1
    named = client.post(f"/views/{view['id']}/duplicate", json={"name": "Mine"})
    assert made(named)["name"] == "Mine"
    client.delete(f"/views/{view['id']}")
    assert names(client, copy) == ["Bolt", "Saw"]


def test_the_copy_of_a_long_name_is_no_longer(client, things):
    view = client.view(things["id"], name="x" * 255)

    copy = made(client.post(f"/views/{view['id']}/duplicate", json={}))

    assert copy["name"] == "x" * 248 + " (copy)"


def test_A_206_views_are_put_in_order(client, happened, things):
    one, two, three = (client.view(things["id"]) for _ in range(3))
    before = client.position(things["workspace_id"])
    body = {"table_id": things["id"], "view_ids": [three["id"]]}

    reply = client.post("/views/reorder", json=body)

    ids = [three["id"], one["id"], two["id"]]
    assert reply.status_code == 200
    assert [one["id"] for one in reply.json()] == ids
    assert [one["position"] for one in reply.json()] == [0, 1, 2]
    listed = made(client.get(f"/views?table_id={things['id']}"))["items"]
    assert listed == reply.json()
    assert [name for name, _ in happened(things["workspace_id"], before)] == [
        "view.updated"
    ] * 3
    assert client.view(things["id"])["position"] == 3


def test_an_order_that_is_none_is_refused(client, happened, things):
    view = client.view(things["id"])
    other = client.table("Name", base_id=things["base_id"], name="Other")
    others = client.view(other["id"])
    before = client.position(things["workspace_id"])

    def status(**body):
        return client.post("/views/reorder", json=body).status_code

    own = {"table_id": things["id"]}
    assert status(**own, view_ids=[view["id"], view["id"]]) == 422
    assert status(**own, view_ids=[others["id"]]) == 404
    assert status(**own, view_ids=[ABSENT]) == 404
    assert status(**own, view_ids=["7"]) == 400
    assert status(**own) == 422
    assert status(table_id=ABSENT, view_ids=[]) == 404
    assert happened(things["workspace_id"], before) == []


def test_the_default_view_is_the_first(client, things):
    first, second = client.view(things["id"]), client.view(things["id"], "form")
    path = f"/views/default?table_id={things['id']}"

    assert made(client.get(path)) == first
    body = {"table_id": things["id"], "view_ids": [second["id"]]}
    made(client.post("/views/reorder", json=body))
    assert made(client.get(path))["id"] == second["id"]
    assert client.get("/views/default").status_code == 422
    assert client.get(f"/views/default?table_id={ABSENT}").status_code == 404


def test_a_table_without_views_has_a_default_grid_all_the_same(client, items):
    before = client.position(items["workspace_id"])
    view = made(client.get(f"/views/default?table_id={items['id']}"))

    assert (view["id"], view["type"]) == (items["id"], "grid")
    assert names(client, view) == ["Bolt", "Nut", "Saw"]
    assert made(client.get(f"/views/{view['id']}")) == view
    assert client.position(items["workspace_id"]) == before
    assert made(client.get(f"/views?table_id={items['id']}"))["total"] == 0
    path = f"/views/{view['id']}"
    assert client.patch(path, json={"name": "x"}).json() == NOT_FOUND
    assert client.delete(path).json() == NOT_FOUND
    copy = made(client.post(f"{path}/duplicate", json={"name": "Real"}))
    assert copy["id"] != items["id"]
    assert client.get(path).json() == NOT_FOUND  # now there is one


# -------------------------------------------------------------- records


def test_A_207_a_view_shows_its_records(client, items):
    view = client.view(
        items["id"],
        filters={"AND": [{"field": "Price", "operator": "gte", "value": 5}]},
        sorts=[{"field": "Price", "direction": "desc"}],
    )
    before = client.position(items["workspace_id"])

    reply = client.post(f"/views/{view['id']}/data", json={})

    assert reply.status_code == 200
    page = reply.json()
    filter_ = json.dumps({"Price": {"$gte": 5}})
    sort = json.dumps([{"field": "Price", "direction": "desc"}])
    query = {"table_id": items["id"], "filter": filter_, "sort": sort}
    assert page["items"] == made(client.get("/records", params=query))["items"]
    assert [one["fields"]["Name"] for one in page["items"]] == ["Saw", "Bolt"]
    counted = ("total", "limit", "offset", "page", "page_size", "has_more")
    assert [page[name] for name in counted] == [2, 100, 0, 1, 100, False]
    assert (page["view_id"], page["records"]) == (view["id"], page["items"])
    assert client.position(items["workspace_id"]) == before
    assert client.post(f"/views/{view['id']}/data").json() == page


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, ["Saw", "Bolt"]),
        ({"filter": {}}, ["Saw", "Nut", "Bolt"]),
        ({"filters": {"Name": "Nut"}}, ["Nut"]),
        (
            {"override_filters": [{"field": "Name", "operator": "eq", "value": "Nut"}]},
            ["Nut"],
        ),
        ({"filter": None}, ["Saw", "Bolt"]),
        ({"sort": []}, ["Bolt", "Saw"]),
        ({"sorts": [{"field": "Price"}]}, ["Bolt", "Saw"]),
        ({"override_sorts": [{"field": "Name"}], "filter": []}, ["Bolt", "Nut", "Saw"]),
        ({"search": "SAW"}, ["Saw"]),
        ({"search": "bolt"}, ["Bolt"]),
        ({"search": "bolt", "filter": {}}, ["Nut", "Bolt"]),
        ({"search": "open", "filter": {}}, ["Saw", "Bolt"]),
        ({"search": "5", "filter": {}}, []),
        ({"search": ""}, ["Saw", "Bolt"]),
        ({"limit": 1}, ["Saw"]),
        ({"limit": 1, "offset": 1}, ["Bolt"]),
        ({"page": 2, "page_size": 1}, ["Bolt"]),
    ],
    ids=str,
)
def test_what_the_body_says_comes_before_what_the_view_keeps(
    client, kept_items, body, found
):
    view = client.view(
        kept_items["id"],
        filters={"Status": "Open"},
        sorts=[{"field": "Name", "direction": "desc"}],
    )

    for _ in range(3):  # a list that is asked for again is answered by its order
        assert names(client, view, **body) == found


def test_only_the_fields_that_are_named_are_shown(client, items):
    view = client.view(items["id"])

    page = data(client, view, fields=["Price", items["ids"]["Name"]], limit=1)

    assert page["items"][0]["fields"] == {"Price": 5, "Name": "Bolt"}
    assert (page["total"], page["has_more"]) == (3, True)
    by_id = client.post(f"/views/{view['id']}/data?by=id", json={"fields": ["Price"]})
    assert made(by_id)["items"][0]["data"] == {items["ids"]["Price"]: 5}


@pytest.mark.parametrize(
    "body",
    [
        {"filter": {"Nope": 1}},
        {"filter": "Name"},
        {"filter": {"Name": "x" * 140_000}},
        {"sort": [{"field": "Nope"}]},
        {"sort": "Name"},
        {"fields": ["Nope"]},
        {"fields": "Name"},
        {"search": 7},
        {"search": "x" * 1001},
        {"search": "\x00"},
        {"limit": 0},
        {"limit": 1001},
        {"limit": "10"},
        {"offset": -1},
        {"page": 0},
        {"limit": 10, "page_size": 20},
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_question_that_is_none_is_refused(client, kept_items, body):
    view = client.view(kept_items["id"])

    reply = client.post(f"/views/{view['id']}/data", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")


def test_what_is_written_is_shown_at_once(client, items):
    view = client.view(items["id"], filters={"Status": "Open"})
    for _ in range(3):
        assert names(client, view) == ["Bolt", "Saw"]

    client.record(items["id"], Name="Axe", Status="Open")
    assert names(client, view) == ["Bolt", "Saw", "Axe"]
    for _ in range(3):
        names(client, view)
    made(client.patch(f"/views/{view['id']}", json={"filters": {"Status": "Closed"}}))
    assert names(client, view) == ["Nut"]


# ------------------------------------------------- how filters and sorts are spelled


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"Name": {"$contains": "o"}}, ["Bolt"]),
        ({"OR": [{"Name": "Nut"}, {"Price": {"$gt": 30}}]}, ["Nut", "Saw"]),
        ({"NOT": {"Name": "Nut"}}, ["Bolt", "Saw"]),
        ({"Price": {"$gt": 2, "$lt": 10}}, ["Bolt", "Nut"]),
        ({"Day": {"$is_empty": "whatever"}}, ["Nut", "Saw"]),
        ({"Name": {"$neq": None}}, ["Bolt", "Nut", "Saw"]),
        ({"created_at": {"$gt": "2020-01-01"}}, ["Bolt", "Nut", "Saw"]),
        ({"OR": []}, []),
        ([{"OR": [{"Name": "Nut"}]}, {"Price": 2.5}], ["Nut"]),
        (
            [{"field_id": "Price", "operator": "eq", "value": 5, "conjunction": "or"}],
            ["Bolt"],
        ),
        (
            [
                {"field_id": "Price", "operator": "eq", "value": 5},
                {
                    "field_id": "Name",
                    "operator": "eq",
                    "value": "Nut",
                    "conjunction": "or",
                },
                {
                    "field_id": "Name",
                    "operator": "eq",
                    "value": "Saw",
                    "conjunction": "OR",
                },
            ],
            ["Bolt", "Nut", "Saw"],
        ),
        (
            [
                {"field_id": "Price", "operator": "eq", "value": 5},
                {
                    "field_id": "Name",
                    "operator": "eq",
                    "value": "Nut",
                    "conjunction": "or",
                },
                {
                    "field_id": "Status",
                    "operator": "eq",
                    "value": "Closed",
                    "conjunction": "and",
                },
            ],
            ["Nut"],
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_filter_is_kept_in_either_dialect_and_can_be_sent_back(
    client, kept_items, filters, found
):
    view = client.view(kept_items["id"], filters=filters)

    assert names(client, view) == found
    assert names(client, view, filter=filters) == found
    back = made(client.patch(f"/views/{view['id']}", json={"filters": view["filters"]}))
    assert back == view  # not even a new version


def test_a_conjunction_is_and_or_or(client, items):
    bad = {"field_id": "Name", "operator": "eq", "value": "x", "conjunction": "xor"}
    body = {"table_id": items["id"], "name": "x", "filters": [bad]}

    assert client.post("/views", json=body).status_code == 422


def test_other_spellings_of_a_view_are_taken(client, things):
    number = things["ids"]["Price"]
    body = {
        "table_id": things["id"],
        "name": "x",
        "view_type": "gallery",
        "gallery_config": {"card_fields": [number]},
        "sorts": [{"field_id": number, "direction": "desc"}],
    }

    view = made(client.post("/views", json=body))

    assert (view["type"], view["config"]) == ("gallery", {"card_fields": [number]})
    assert view["type_config"] == view["config"]
    assert view["sorts"][0]["field"] == "Price"


def test_numbers_of_a_filter_are_exact(client, items):
    client.record(items["id"], Name="Exact", Price=0.1)
    text = '{"filters": {"Price": 0.1000000000000000000000000000001}}'
    view = client.view(items["id"])

    reply = client.patch(f"/views/{view['id']}", content=text)

    assert "0.1000000000000000000000000000001" in reply.text
    assert names(client, view) == []


# ------------------------------------------------- the seven types


def test_A_210_to_A_216_each_type_takes_its_keys(client, things):
    ids = things["ids"]
    other = client.table("Name", base_id=things["base_id"], name="Other")
    link = client.field(
        things["id"],
        "Needs",
        "linked_record",
        options={"linked_table_id": other["id"]},
    )["id"]
    configs = {
        "grid": {"row_height": "tall", "frozen_columns": 1},
        "kanban": {"group_field_id": ids["Status"], "stack_field_id": ids["In Stock"]},
        "calendar": {"date_field_id": ids["Day"], "end_date_field_id": ids["At"]},
        "gallery": {"card_fields": [ids["Name"], ids["No"]]},
        "form": {"fields": [ids["Name"]], "submit_text": "Send"},
        "gantt": {
            "start_field_id": ids["Day"],
            "end_field_id": ids["At"],
            "dependency_field_id": link,
        },
        "timeline": {"date_field_id": ids["At"], "group_field_id": ids["Status"]},
    }
    for type_, config in configs.items():
        view = client.view(things["id"], type_, config=config)
        assert view["config"] == config
        for key in config:
            without = client.view(things["id"], type_, config={**config, key: None})
            assert without["config"] == {
                name: value for name, value in config.items() if name != key
            }


@pytest.mark.parametrize(
    ("type_", "key", "field"),
    [
        ("kanban", "group_field_id", "Name"),
        ("kanban", "stack_field_id", "Price"),
        ("calendar", "date_field_id", "Name"),
        ("calendar", "end_date_field_id", "No"),
        ("gallery", "cover_field_id", "Name"),
        ("gantt", "start_field_id", "Status"),
        ("gantt", "end_field_id", "Status"),
        ("gantt", "dependency_field_id", "Name"),
        ("timeline", "date_field_id", "Notes"),
        ("timeline", "group_field_id", "Day"),
        ("grid", "group_field_id", "Status"),
    ],
)
def test_a_key_that_does_not_fit_is_refused(client, kept_things, type_, key, field):
    body = {
        "table_id": kept_things["id"],
        "name": "x",
        "type": type_,
        "config": {key: kept_things["ids"][field]},
    }

    reply = client.post("/views", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert [one["loc"] for one in reply.json()["errors"]] == [["config", key]]


def test_another_tables_field_is_no_field(client, things):
    other = client.table(
        {"name": "Day", "type": "date"}, base_id=things["base_id"], name="Other"
    )
    config = {"date_field_id": other["ids"]["Day"]}
    body = {"table_id": things["id"], "name": "x", "type": "calendar"}

    reply = client.post("/views", json={**body, "config": config})

    assert reply.status_code == 422


# ------------------------------------------------- fields that change or go


def test_a_renamed_field_changes_nothing_but_its_name(client, items):
    view = client.view(
        items["id"],
        filters={"Status": "Open", "Name": {"$contains": "o"}},
        sorts=[{"field": "Name"}],
    )
    ids = items["ids"]
    made(client.patch(f"/fields/{ids['Name']}", json={"name": "Title"}))
    # the old name is another field's now
    made(client.patch(f"/fields/{ids['Notes']}", json={"name": "Name"}))

    page = data(client, view)

    assert [one["fields"]["Title"] for one in page["items"]] == ["Bolt"]
    shown = made(client.get(f"/views/{view['id']}"))
    assert [one["field"] for one in shown["filters"]] == ["Status", "Title"]
    assert [one["field"] for one in shown["sorts"]] == ["Title"]


def test_a_renamed_choice_keeps_its_place_in_a_filter(client, items):
    view = client.view(items["id"], filters={"Status": "Open"})
    field_id = items["ids"]["Status"]
    choices = made(client.get(f"/fields/{field_id}"))["options"]["choices"]
    choices[0]["name"] = "Begun"
    made(client.patch(f"/fields/{field_id}", json={"options": {"choices": choices}}))

    assert names(client, view) == ["Bolt", "Saw"]
    shown = made(client.get(f"/views/{view['id']}"))
    assert shown["filters"] == [condition(items, "Status", "eq", "Begun")]


def test_a_deleted_field_is_done_without_and_told(client, happened, items):
    ids = items["ids"]
    view = client.view(
        items["id"],
        "timeline",
        config={"date_field_id": ids["Day"], "group_field_id": ids["Status"]},
        filters=[
            {"Status": "Open"},
            {"OR": [{"Name": "Saw"}, {"Status": "Closed"}]},
            {"NOT": {"Status": "Closed"}},
        ],
        sorts=[{"field": "Status"}, {"field": "Name"}],
    )
    before = client.position(items["workspace_id"])
    client.delete(f"/fields/{ids['Status']}")

    shown = made(client.get(f"/views/{view['id']}"))

    assert names(client, view) == ["Saw"]
    assert shown["config"] == {"date_field_id": ids["Day"]}
    assert shown["filters"] == [{"OR": [condition(items, "Name", "eq", "Saw")]}]
    assert [one["field"] for one in shown["sorts"]] == ["Name"]
    assert [(one["place"], one["reason"]) for one in shown["unusable"]] == [
        ("config.group_field_id", "is no field of the table"),
        ("filters", "The field is deleted"),
        ("filters", "The field is deleted"),
        ("filters", "The field is deleted"),
        ("sorts", "The field is deleted"),
    ]
    events = [name for name, _ in happened(items["workspace_id"], before)]
    assert events == ["field.deleted"]


def test_a_view_of_which_all_is_gone_shows_everything(client, items):
    view = client.view(
        items["id"],
        filters={"OR": [{"Price": {"$gt": 30}}]},
        sorts=[{"field": "Price", "direction": "desc"}],
    )
    client.delete(f"/fields/{items['ids']['Price']}")

    assert names(client, view) == ["Bolt", "Nut", "Saw"]
    shown = made(client.get(f"/views/{view['id']}"))
    assert (shown["filters"], shown["sorts"]) == ([], [])
    assert shown["unusable"][0]["value"] == {
        "field": items["ids"]["Price"],
        "operator": "gt",
        "value": 30,
    }


# ------------------------------------------------- fields of the other types


@pytest.fixture
def parts(client):
    tags = {"choices": ["Red", "Blue"]}
    return client.table(
        "Name",
        {"name": "Tags", "type": "multi_select", "options": tags},
        {"name": "Photo", "type": "url"},
        {"name": "Owner", "type": "user"},
        {"name": "Stars", "type": "rating"},
        {"name": "Length", "type": "dimension", "options": {"unit": "mm"}},
        {"name": "Mail", "type": "email"},
    )


def test_filters_on_fields_of_every_kind_are_kept(client, parts):
    client.records(
        parts["id"],
        {"Name": "a", "Tags": ["Red"], "Owner": client.user["id"], "Stars": 3},
        {"Name": "b", "Tags": ["Red", "Blue"], "Length": 2.5, "Mail": "b@example.org"},
    )
    for filters, found in [
        ({"Tags": ["Blue", "Red"]}, ["b"]),
        ({"Tags": {"$contains": "Red"}}, ["a", "b"]),
        ({"Owner": client.user["id"]}, ["a"]),
        ({"Stars": {"$gte": 3}}, ["a"]),
        ({"Length": {"$lt": 2.6}}, ["b"]),
        ({"Mail": {"$ends_with": ".ORG"}}, ["b"]),
    ]:
        view = client.view(parts["id"], filters=filters)
        assert names(client, view) == found
        path = f"/views/{view['id']}"
        back = made(client.patch(path, json={"filters": view["filters"]}))
        assert back == view
    assert names(client, client.view(parts["id"]), search="EXAMPLE") == ["b"]


def test_renamed_choices_keep_their_place_among_several(client, parts):
    client.record(parts["id"], Name="a", Tags=["Red"])
    view = client.view(parts["id"], filters={"Tags": {"$contains": ["Red"]}})
    path = f"/fields/{parts['ids']['Tags']}"
    choices = made(client.get(path))["options"]["choices"]
    choices[0]["name"] = "Rouge"
    made(client.patch(path, json={"options": {"choices": choices}}))

    assert names(client, view) == ["a"]
    shown = made(client.get(f"/views/{view['id']}"))
    assert shown["filters"] == [condition(parts, "Tags", "contains", ["Rouge"])]


def test_boards_and_covers_of_the_other_types(client, parts):
    ids = parts["ids"]
    for key in ("Tags", "Owner", "Stars"):
        config = {"group_field_id": ids[key]}
        assert client.view(parts["id"], "kanban", config=config)["config"] == config
    config = {"cover_field_id": ids["Photo"]}
    assert client.view(parts["id"], "gallery", config=config)["config"] == config
