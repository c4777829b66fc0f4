"""Columns of every type, compared and shown as SQL would."""

import json

import pytest

from tests.client import made

CHOICES = [{"name": "Open"}, {"name": "Closed"}, {"name": "closed, too"}]
FIELDS = [
    {"name": "Title (short)", "type": "text"},
    {"name": "Price", "type": "currency"},
    {"name": "In Stock", "type": "checkbox"},
    {"name": "Day", "type": "date"},
    {"name": "At", "type": "datetime"},
    {"name": "Lasts", "type": "duration"},
    {"name": "Status", "type": "single_select", "options": {"choices": CHOICES}},
    {"name": "Tags", "type": "multi_select", "options": {"choices": CHOICES}},
    {"name": "Size", "type": "dimension"},
    {"name": "No", "type": "autonumber"},
    {"name": "id", "type": "text"},
    {"name": "日本", "type": "url"},
]
ROWS = [
    {
        "Title (short)": "Ada",
        "Price": 1.50,
        "In Stock": True,
        "Day": "2024-02-29",
        "At": "2024-02-29T08:00:00.250000Z",
        "Lasts": 90,
        "Status": "Open",
        "Tags": ["Open", "closed, too"],
        "Size": {"value": 2, "unit": "mm"},
        "id": "own",
        "日本": "https://example.org/",
    },
    {"Title (short)": "bob", "Price": 20, "Status": "Closed", "Tags": ["Closed"]},
    {"Title (short)": "Cat", "Price": -3, "In Stock": False, "Day": "2024-03-01"},
    {},
]


@pytest.fixture(scope="module")
def wide(teller, rest):
    table = teller.table(*FIELDS, name="Wide")
    teller.records(table["id"], *ROWS)
    return rest(teller, table)


@pytest.fixture
def ids(wide):
    """`ids("price__gt=1")`: the rows that are found."""
    return lambda query: wide.column("id", query)


def test_columns_have_names_of_letters_digits_and_underscores(wide):
    assert wide.body()["columns"] == [
        *("id", "title_short", "price", "in_stock", "day", "at", "lasts", "status"),
        *("tags", "size", "no", "id_2", "field_12"),
    ]


def test_values_are_json_of_their_types(wide):
    assert wide.body("id=1")["data"] == [
        {
            "id": 1,
            "title_short": "Ada",
            "price": 1.5,
            "in_stock": True,
            "day": "2024-02-29",
            "at": "2024-02-29T08:00:00.25Z",
            "lasts": 90,
            "status": "Open",
            "tags": ["Open", "closed, too"],
            "size": {"value": 2, "unit": "mm", "plus": None, "minus": None},
            "no": 1,
            "id_2": "own",
            "field_12": "https://example.org/",
        }
    ]
    empty = wide.body("id=4")["data"][0]
    assert {name for name, value in empty.items() if value is not None} == {
        *("id", "in_stock", "no")
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("id__gte=2&id__lt=4", [2, 3]),
        ("title_short__gt=B", [2, 3]),
        ("title_short__lte=Cat", [1, 3]),
        ("title_short=", []),
        ("title_short__neq=", [1, 2, 3]),
        ("title_short__contains=", [1, 2, 3]),
        ("price=1.50", [1]),
        ("price__lt=0", [3]),
        ("price__gte=1e1", [2]),
        ("in_stock=true", [1]),
        ("in_stock=0", [2, 3, 4]),
        ("in_stock__neq=True", [2, 3, 4]),
        ("day=2024-02-29", [1]),
        ("day__gt=2024-02-29", [3]),
        ("at__gte=2024-02-29", [1]),
        ("at__lte=2024-02-29", []),
        ("at=2024-02-29T08:00:00.25Z", [1]),
        ("at__lt=2024-02-29T10:00:00%2B02:00", []),
        ("lasts__lt=1:30", [1]),
        ("lasts__lt=91", [1]),
        ("status=Open", [1]),
        ("status=open", []),
        ("status__neq=Open", [2]),
        ("status__contains=los", [2]),
        ("status__icontains=CLOS", [2]),
        ("status__startswith=O", [1]),
        ("tags=Closed", [2]),
        ("tags__contains=Open", [1]),
        ("tags__neq=Closed", [1]),
        ("size__gt=1", [1]),
        ("no__lte=2", [1, 2]),
        ("id_2=own", [1]),
        ("field_12__endswith=org/", [1]),
        ("created_at__gt=2024-01-01", [1, 2, 3, 4]),
    ],
)
def test_a_column_is_compared_by_its_type(ids, query, found):
    assert ids(query) == found


@pytest.mark.parametrize(
    "query",
    [
        "price=abc",
        "price=",
        "price=1e99999",
        "price__contains=1",
        "in_stock=maybe",
        "in_stock__gt=1",
        "day=2024-02-30",
        "day=soon",
        "at=2024-13-01T00:00:00Z",
        "status__gt=Open",
        "tags__startswith=Op",
        "size=wide",
        "id=one",
        "record_id=one",
        "record_id__gt=one",
    ],
)
def test_what_is_none_of_the_columns_type_is_400(wide, query):
    reply = wide.ask(query)

    assert reply.status_code == 400
    assert set(reply.json()) == {"error", "detail"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sort=price", [3, 1, 2, 4]),
        ("sort=price&direction=desc", [4, 2, 1, 3]),
        ("sort=title_short", [1, 2, 3, 4]),
        ("sort=status&direction=desc", [3, 4, 2, 1]),
        ("sort=in_stock", [2, 3, 4, 1]),
        ("sort=created_at&direction=desc", [1, 2, 3, 4]),
        ("sort=no&direction=desc", [4, 3, 2, 1]),
        ("", [1, 2, 3, 4]),
    ],
)
def test_empty_values_come_last_and_first_where_it_descends(ids, query, found):
    assert ids(query) == found


def test_of_a_parameter_given_twice_the_last_counts(ids):
    assert ids("title_short=Ada&title_short=bob") == [2]
    assert ids("limit=1&limit=2") == [1, 2]


def test_the_uuid_of_a_record_stands_beside_where_it_is_asked_for(wide):
    body = wide.body("include=record_id&limit=1")
    uuid = body["data"][0]["record_id"]

    assert body["columns"][:3] == ["id", "record_id", "title_short"]
    assert wide.column("id", {"record_id": uuid}) == [1]
    assert wide.lines("include=record_id&limit=1&format=csv")[1][:2] == ["1", uuid]
    assert wide.ask("include=everything").status_code == 400


@pytest.mark.parametrize("page", ["1000000001", "9" * 30, "-1", "1.5", "1e1", "x"])
def test_a_page_is_a_number_within_reason(wide, page):
    assert wide.ask({"page": page}).status_code == 400


def test_a_far_page_is_empty(wide):
    body = wide.body({"page": 1_000_000_000, "limit": 1000})

    assert (body["data"], body["pagination"]["total_rows"]) == ([], 4)


def test_head_is_get_without_its_body(wide):
    reply = wide.head(wide.path)

    assert (reply.status_code, reply.content) == (200, b"")


def test_a_row_is_read_as_soon_as_it_is_written(teller, rest):
    table = teller.table("Name")
    asked = rest(teller, table)
    for number in range(1, 4):
        teller.record(table["id"], Name=f"Row {number}")
        assert asked.column("id") == list(range(1, number + 1))


def test_a_list_that_is_asked_for_again_shows_what_is_written(teller, rest):
    table = teller.table("Name", {"name": "Price", "type": "number"})
    asked = rest(teller, table)
    rows = [teller.record(table["id"], Name=f"Row {n}", Price=n) for n in range(6)]
    dear = {"price__gte": "2", "sort": "price", "direction": "desc", "limit": "2"}

    def prices(**more):
        body = asked.body({**dear, **more})
        found = [one["price"] for one in body["data"]]
        lines = asked.lines({**dear, **more, "format": "csv"})[1:]
        assert lines == [[str(one[name]) for name in one] for one in body["data"]]
        return found, body["pagination"]["total_rows"]

    def price(row, value):
        body = {"fields": {"Price": value}}
        made(teller.patch(f"/records/{row['id']}", json=body))

    for _ in range(3):
        assert prices() == ([5, 4], 4)
        assert prices(page="2") == ([3, 2], 4)
    price(rows[0], 4.5)
    assert prices() == ([5, 4.5], 5)
    assert prices(page="2") == ([4, 3], 5)
    teller.delete(f"/records/{rows[5]['id']}").raise_for_status()
    assert prices() == ([4.5, 4], 4)
    named = asked.body({**dear, "include": "record_id"})["data"]
    assert [one["record_id"] for one in named] == [rows[0]["id"], rows[4]["id"]]
    price(rows[4], 1)
    assert prices() == ([4.5, 3], 3)


def test_links_and_users_are_shown_and_found(teller, rest):
    table = teller.table("Name", {"name": "Who", "type": "user"})
    options = {"linked_table_id": table["id"]}
    teller.field(table["id"], "Next", "linked_record", options=options)
    first = teller.record(table["id"], Name="Ada", Who=teller.user["id"])
    teller.record(table["id"], Name="Bob", Next=[first["id"]])
    asked = rest(teller, table)

    assert asked.column("next") == [None, [first["id"]]]
    assert asked.column("id", {"next__contains": first["id"]}) == [2]
    assert asked.column("id", {"who": teller.user["id"]}) == [1]
    assert asked.ask("sort=next").json()["error"] == "Column 'next' cannot be sorted by"


def test_a_name_stays_while_a_field_is_renamed_deleted_and_restored(teller, rest):
    table = teller.table("Name", "Price")
    asked = rest(teller, table)
    price = table["ids"]["Price"]
    made(teller.patch(f"/fields/{price}", json={"name": "Cost"}))
    assert asked.body()["columns"] == ["id", "name", "price"]
    deleted = teller.delete(f"/fields/{price}")
    assert asked.ask("price=1").status_code == 400
    teller.field(table["id"], "Price")
    assert asked.body()["columns"] == ["id", "name", "price_2"]
    body = {"scope": "batch", "id": deleted.headers["x-batch-id"]}
    made(teller.post("/undo", json=body))
    assert sorted(asked.body()["columns"]) == ["id", "name", "price", "price_2"]


def test_pybase_shows_the_names(teller):
    table = teller.table("Größe", name="Straßen & Wege")
    base = made(teller.get(f"/bases/{table['base_id']}"))
    listed = made(teller.get("/bases?limit=1000"))["items"]

    assert table["slug"] == "strassen_wege"
    assert table["fields"][0]["api_name"] == "grosse"
    assert base["db_name"] == "base"
    assert base in listed
    renamed = made(teller.patch(f"/bases/{base['id']}", json={"name": "Other"}))
    assert renamed["db_name"] == "base"


def test_a_duplicate_has_the_names_of_its_source(teller, rest):
    table = teller.table("Größe", name="Straßen")
    made(teller.patch(f"/tables/{table['id']}", json={"name": "Roads"}))
    teller.record(table["id"], Größe="1")
    path = f"/bases/{table['base_id']}/duplicate"
    copy = made(teller.post(path, json={"name": "Base"}))
    (copied,) = made(teller.get("/tables", params={"base_id": copy["id"]}))["items"]
    asked = rest(teller, {**copied, "workspace_id": table["workspace_id"]})

    assert copy["db_name"] == "base_2"
    assert asked.path.endswith("/database/base_2/table/strassen/")
    assert asked.column("grosse") == ["1"]


def test_the_fields_that_an_import_makes_are_columns(teller, rest):
    table = teller.table("Name")
    mapping = {
        "Weight (kg)": {"new": {"name": "Weight (kg)", "type": "number"}},
        "Limit": {"new": {"name": "Limit", "type": "text"}},
    }
    made(
        teller.post(
            f"/tables/{table['id']}/import",
            files={"file": ("rows.csv", b"Name,Weight (kg),Limit\nGear,1.5,x\n")},
            data={"mapping": json.dumps(mapping)},
        )
    )

    assert rest(teller, table).body()["data"] == [
        {"id": 1, "name": "Gear", "weight_kg": 1.5, "limit_2": "x"}
    ]


def test_undo_and_redo_of_a_table_keep_its_name(teller, rest):
    table = teller.table("Name", name="Shops")
    asked = rest(teller, table)
    deleted = teller.delete(f"/tables/{table['id']}")
    assert asked.ask().json()["error"] == "Table 'shops' not found"
    other = teller.table("Name", base_id=table["base_id"], name="Shops!")

    body = {"scope": "batch", "id": deleted.headers["x-batch-id"]}
    undone = teller.post("/undo", json=body)

    assert made(undone)
    assert other["slug"] == "shops_2"
    assert asked.ask().status_code == 200
    made(teller.post("/redo", json={"batch_id": undone.headers["x-batch-id"]}))
    assert asked.ask().status_code == 404
