"""The delivered promises of the PyBase checklist, one by one, by their numbers.

`test_A_031_…` is the checklist's A-031.  What each noun does beyond its promise is
tested in tests/api/pybase.
"""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from commands import gather
from tests.client import ABSENT, PASSWORD, made, new_email
from workers.uniqueness import Filler, settling

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DUPLICATE = "A record with this value already exists"


@pytest.fixture
def table(client):
    return client.table("Name", "Email", {"name": "Price", "type": "number"})


def create(client, table, **fields):
    return client.post("/records", json={"table_id": table["id"], "fields": fields})


def found(client, table, filter_):
    query = {"table_id": table["id"], "filter": json.dumps(filter_)}
    items = made(client.get("/records", params=query))["items"]
    return [one["fields"]["Name"] for one in items]


def field_of(client, type_, **options):
    return client.table({"name": "F", "type": type_, "options": options})


def holds(client, type_, good, bad, **options):
    """A field takes one value and refuses another with VALIDATION_ERROR."""
    table = field_of(client, type_, **options)
    record = made(create(client, table, F=good))
    refused = create(client, table, F=bad)
    assert record["fields"]["F"] == good
    assert (refused.status_code, refused.json()["code"]) == (422, "VALIDATION_ERROR")


# -------------------------------------------------------------------- 1. global


def test_A_001_paths_are_below_api_v1(server, client):
    assert str(client.base_url) == f"{server.url}/api/v1/"
    assert client.get("/users/me").status_code == 200


def test_A_002_a_bearer_token_is_a_jwt(client):
    scheme, _, token = client.headers["authorization"].partition(" ")

    assert scheme == "Bearer"
    assert jwt.get_unverified_header(token)["typ"] == "JWT"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/users/me", None),
        ("GET", "/nowhere", None),
        ("PUT", "/records", None),
        ("GET", "/tables/7", None),
        ("GET", f"/tables/{ABSENT}", None),
        ("POST", "/auth/login", []),
        ("POST", "/auth/register", {"email": "x"}),
    ],
)
def test_A_004_every_error_has_a_detail_and_a_code(anonymous, method, path, body):
    reply = anonymous.request(method, path, json=body)

    assert reply.status_code >= 400
    assert isinstance(reply.json()["detail"], str)
    assert re.fullmatch(r"[A-Z_]+", reply.json()["code"])


def test_A_005_the_general_statuses(client, anonymous, member, table):
    viewer = member(table["workspace_id"], "viewer")

    assert client.get("/tables/7").status_code == 400
    assert anonymous.get("/users/me").status_code == 401
    assert create(viewer, table).status_code == 403
    assert client.get(f"/tables/{ABSENT}").status_code == 404
    assert create(client, table, Nope=1).status_code == 422


def test_A_007_a_page_has_items_total_limit_and_offset(client, table):
    client.records(table["id"], *[{"Name": str(number)} for number in range(3)])

    body = made(client.get(f"/records?table_id={table['id']}&limit=100&offset=0"))

    assert len(body["items"]) == 3
    assert (body["total"], body["limit"], body["offset"]) == (3, 100, 0)


def test_A_011_ids_are_uuids_and_times_are_utc(client, table):
    record = client.record(table["id"], Name="Ada")

    for one in (record["id"], record["table_id"], record["created_by_id"]):
        assert UUID.fullmatch(one)
    for moment in (
        record["created_at"],
        table["created_at"],
        client.user["created_at"],
    ):
        assert TIME.fullmatch(moment)


# ------------------------------------------------------- 2. health  3. auth  4. users


def test_A_020_health(anonymous):
    reply = anonymous.get("/health")

    assert (reply.status_code, reply.json()["status"]) == (200, "healthy")


def test_A_030_register(anonymous):
    body = {"email": new_email(), "password": "securepassword", "name": "John Doe"}

    assert anonymous.post("/auth/register", json=body).status_code == 201


def test_A_031_login_answers_tokens(anonymous, newcomer):
    body = {"email": newcomer.user["email"], "password": PASSWORD}

    reply = anonymous.post("/auth/login", json=body)

    assert reply.status_code == 200
    assert reply.json()["access_token"].count(".") == 2
    assert reply.json()["refresh_token"]
    assert reply.json()["token_type"] == "bearer"


def test_A_032_refresh(newcomer):
    body = {"refresh_token": newcomer.refresh_token}

    assert made(newcomer.post("/auth/refresh", json=body))["access_token"]


def test_A_033_logout_revokes_both_tokens(newcomer):
    assert newcomer.post("/auth/logout").status_code == 204
    assert newcomer.get("/users/me").status_code == 401
    body = {"refresh_token": newcomer.refresh_token}
    assert newcomer.post("/auth/refresh", json=body).status_code == 401


def test_A_040_get_me(client):
    assert made(client.get("/users/me")) == client.user


def test_A_041_patch_me(newcomer):
    changed = made(newcomer.patch("/users/me", json={"name": "Admiral"}))

    assert changed == {**newcomer.user, "name": "Admiral"}


def test_A_003_and_042_to_044_api_keys(newcomer, anonymous):
    key = made(newcomer.post("/users/me/api-keys", json={"name": "Sensors"}))
    path = f"/users/me/api-keys/{key['id']}"
    headers = {"X-API-Key": key["key"]}

    assert made(anonymous.get("/users/me", headers=headers)) == newcomer.user
    (listed,) = made(newcomer.get("/users/me/api-keys"))
    assert (listed["id"], listed["name"]) == (key["id"], "Sensors")
    assert newcomer.delete(path).status_code == 204
    assert anonymous.get("/users/me", headers=headers).status_code == 401


# ------------------------------------------- 5. workspaces  6. bases  7. tables


def test_A_050_to_053_workspaces(newcomer):
    workspace = made(newcomer.post("/workspaces", json={"name": "Acme"}))
    path = f"/workspaces/{workspace['id']}"

    assert made(newcomer.get("/workspaces"))["items"] == [workspace]
    assert made(newcomer.get(path)) == workspace
    assert made(newcomer.patch(path, json={"name": "New"}))["name"] == "New"


def test_A_054_a_workspace_is_deleted_with_all_that_it_has(client):
    table = client.table("Name")
    path = f"/workspaces/{table['workspace_id']}"

    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get(f"/tables/{table['id']}").status_code == 404
    assert create(client, table, Name="a").status_code == 404


def test_A_055_and_056_members(client, newcomer):
    path = f"/workspaces/{client.workspace()['id']}/members"
    body = {"user_id": newcomer.user["id"], "role": "editor"}

    added = made(client.post(path, json=body))

    assert made(client.get(path))[1] == added


def test_A_060_to_064_bases(client):
    workspace = client.workspace()
    body = {"workspace_id": workspace["id"], "name": "Stock"}
    base = made(client.post("/bases", json=body))
    path = f"/bases/{base['id']}"

    listed = made(client.get("/bases", params={"workspace_id": workspace["id"]}))
    assert listed["items"] == [base]
    assert made(client.get(path)) == base
    assert made(client.patch(path, json={"name": "New"}))["name"] == "New"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_A_070_to_074_tables(client):
    base = client.base()
    fields = [{"name": "Name", "type": "text"}]
    body = {"base_id": base["id"], "name": "T", "fields": fields}
    table = made(client.post("/tables", json=body))
    path = f"/tables/{table['id']}"

    (listed,) = made(client.get(f"/tables?base_id={base['id']}"))["items"]
    assert listed["id"] == table["id"]
    assert [one["name"] for one in made(client.get(path))["fields"]] == ["Name"]
    assert made(client.patch(path, json={"name": "New"}))["name"] == "New"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


# ------------------------------------------------------------------- 8. fields


def test_A_080_to_084_fields(client, table):
    body = {"table_id": table["id"], "name": "Extra", "type": "text"}
    field = made(client.post("/fields", json=body))
    path = f"/fields/{field['id']}"

    assert made(client.get(f"/fields?table_id={table['id']}"))["items"][-1] == field
    assert made(client.get(path)) == field
    assert made(client.patch(path, json={"name": "New"}))["name"] == "New"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_A_084_a_field_that_cannot_go_leaves_everything(client, table, member):
    record = client.record(table["id"], Name="Ada")
    client.constraint(table["ids"]["Name"])
    viewer = member(table["workspace_id"], "viewer")

    refused = viewer.delete(f"/fields/{table['ids']['Name']}")
    stale = client.delete(
        f"/fields/{table['ids']['Name']}", headers={"if-match": '"v9"'}
    )

    assert (refused.status_code, stale.status_code) == (403, 412)
    assert client.get(f"/records/{record['id']}").json() == record
    assert client.get(f"/fields/{table['ids']['Name']}/constraint").status_code == 200


def test_A_086_the_constraint_of_a_field(client, table):
    constraint = client.constraint(table["ids"]["Email"])

    shown = made(client.get(f"/fields/{table['ids']['Email']}/constraint"))
    assert shown == constraint


@pytest.mark.parametrize("empty", ["", None])
def test_A_087_a_required_field_is_never_empty(client, empty):
    table = client.table({"name": "Name", "type": "text", "required": True})

    assert create(client, table, Name=empty).status_code == 422
    assert create(client, table, Name="x").status_code == 201


def test_A_100_text_has_a_max_length(client):
    holds(client, "text", "abc", "abcd", max_length=3)


def test_A_101_long_text_keeps_rich_text(client):
    holds(client, "long_text", "<b>a</b>\nb", 7, enable_rich_text=True)


def test_A_102_number_has_a_precision_and_may_be_negative_or_not(client):
    holds(client, "number", 1.25, 1.255, precision=2)
    holds(client, "number", 1, -1, allow_negative=False)


def test_A_103_currency_has_a_symbol_and_a_precision(client):
    holds(client, "currency", 29.99, 29.999, currency_symbol="€")
    holds(client, "currency", 29, 29.5, currency_symbol="¥", precision=0)


def test_A_104_percent_has_a_precision(client):
    holds(client, "percent", 12.5, 12.55, precision=1)


def test_A_105_checkbox(client):
    holds(client, "checkbox", True, "true")


def test_A_106_date_keeps_its_options(client):
    table = field_of(client, "date", date_format="DD.MM.YYYY", include_time=True)

    assert table["fields"][0]["options"] == {
        "date_format": "DD.MM.YYYY",
        "include_time": True,
    }
    record = made(create(client, table, F="2024-01-01T10:00:00Z"))
    assert record["fields"]["F"] == "2024-01-01T10:00:00Z"


def test_A_107_datetime_has_a_timezone(client):
    table = field_of(client, "datetime", time_format="24h", timezone="Asia/Tokyo")

    record = made(create(client, table, F="2024-01-01T10:00:00"))

    assert record["fields"]["F"] == "2024-01-01T01:00:00Z"


def test_A_108_duration_is_seconds_or_a_time(client):
    table = field_of(client, "duration", duration_format="h:mm")

    assert made(create(client, table, F="1:30"))["fields"]["F"] == 5400
    holds(client, "duration", 90, "90 minutes", duration_format="h:mm")


def test_A_109_single_select_has_choices_with_colors(client):
    table = field_of(
        client, "single_select", choices=[{"name": "Open", "color": "red"}]
    )

    (choice,) = table["fields"][0]["options"]["choices"]
    assert (choice["name"], choice["color"]) == ("Open", "red")


def test_A_110_multi_select_has_choices_with_colors(client):
    choices = [{"name": "Red", "color": "red"}, {"name": "Blue", "color": "blue"}]
    table = field_of(client, "multi_select", choices=choices)

    kept = table["fields"][0]["options"]["choices"]
    assert [(one["name"], one["color"]) for one in kept] == [
        ("Red", "red"),
        ("Blue", "blue"),
    ]
    holds(client, "multi_select", ["Blue", "Red"], ["Green"], choices=choices)


def test_A_111_linked_record_links_to_a_table(client, table):
    other = client.table(
        {
            "name": "F",
            "type": "linked_record",
            "options": {"linked_table_id": table["id"], "allow_multiple": False},
        },
        base_id=table["base_id"],
        name="Other",
    )
    one, two = client.records(table["id"], {"Name": "a"}, {"Name": "b"})

    assert create(client, other, F=[one["id"], two["id"]]).status_code == 422
    assert made(create(client, other, F=[one["id"]]))["fields"]["F"] == [one["id"]]


def test_A_112_to_114_what_is_computed_looks_at_fields_that_are_there(client):
    table = client.table("Name", {"name": "Price", "type": "number"})
    link = {"linked_table_id": table["id"]}
    through = client.field(table["id"], "Parts", "linked_record", options=link)["id"]
    looked_up = {"linked_field_id": through, "lookup_field_id": table["ids"]["Price"]}
    rolled_up = {
        "linked_field_id": through,
        "rollup_field_id": table["ids"]["Price"],
        "function": "SUM",
    }
    options = {
        "lookup": looked_up,
        "rollup": rolled_up,
        "formula": {"formula": "{Price} * 2"},
    }

    for type_, wanted in options.items():
        field = client.field(table["id"], type_.title(), type_, options=wanted)
        assert (field["options"], field["is_computed"]) == (wanted, True)
    record = client.record(table["id"], Price=2)
    assert [record["fields"][type_.title()] for type_ in options] == [None] * 3


def test_A_116_url_A_117_email_A_118_phone(client):
    holds(client, "url", "https://example.org/", "example")
    holds(client, "email", "ada@example.org", "ada")
    holds(client, "phone", "+49 30 12345", "call me")


def test_A_119_user_is_a_member_or_several(client):
    me = client.user["id"]
    holds(client, "user", me, ABSENT)
    holds(client, "user", [me], [ABSENT], allow_multiple=True)


def test_A_120_rating_has_a_max_and_an_icon(client):
    holds(client, "rating", 5, 6)
    holds(client, "rating", 10, 11, max=10, icon="heart")


def test_A_121_barcode_has_a_format(client):
    holds(client, "barcode", "4006381333931", "4006381333932", format="ean13")


def test_A_122_autonumber_counts_with_a_prefix(client):
    table = field_of(client, "autonumber", prefix="INV-")

    assert [made(create(client, table))["fields"]["F"] for _ in range(2)] == [
        "INV-1",
        "INV-2",
    ]
    assert create(client, table, F=7).status_code == 422


def test_A_123_dimension_has_a_unit_and_a_type_of_tolerance(client):
    measure = {"value": 12.5, "unit": "mm", "plus": 0.1, "minus": None}
    holds(client, "dimension", measure, "wide", unit="mm", tolerance_type="bilateral")


def test_A_124_gdt_is_a_symbol(client):
    holds(client, "gdt", {"symbol": "position", "tolerance": 0.1}, "roughness")


def test_A_125_thread_follows_its_standard(client):
    holds(client, "thread", {"designation": "M8x1.25"}, "1/4-20 UNC", standard="ISO")


def test_A_126_material_has_a_name(client):
    holds(client, "material", {"name": "Steel", "grade": "1.4301"}, {"grade": "x"})


def test_A_140_text_is_a_string(client):
    holds(client, "text", "abc", 7)


def test_A_141_number_is_numeric(client):
    holds(client, "number", -3.5, "3")


@pytest.mark.parametrize("bad", ["ada", "ada@", "@example.org", "a b@c.de", 7])
def test_A_142_email_is_an_address(client, bad):
    holds(client, "email", "ada@example.org", bad)


@pytest.mark.parametrize("bad", ["example.org", "/a", "javascript:alert(1)", 7])
def test_A_143_url_is_absolute(client, bad):
    holds(client, "url", "https://example.org", bad)


@pytest.mark.parametrize("bad", ["1234", "1" * 21, "12345a", 12345])
def test_A_144_phone_is_a_number(client, bad):
    holds(client, "phone", "+1 (555) 123-4567", bad)


@pytest.mark.parametrize("bad", ["2023-02-29", "today", 7])
def test_A_145_dates_are_real(client, bad):
    holds(client, "date", "2024-02-29", bad)
    holds(client, "datetime", "2024-02-29T00:00:00Z", bad)


def test_A_146_currency_is_numeric_with_a_precision(client):
    holds(client, "currency", 0.01, 0.001)
    holds(client, "currency", 1, "1")


def test_A_147_percent_is_from_0_to_100_or_to_1(client):
    holds(client, "percent", 100, 100.1)
    holds(client, "percent", 0.5, 1.5, format="fraction")


def test_A_148_single_select_is_one_of_its_choices(client):
    holds(client, "single_select", "Open", "Shut", choices=["Open", "Closed"])


def test_A_149_multi_select_is_an_array_of_its_choices(client):
    holds(client, "multi_select", ["Open"], "Open", choices=["Open", "Closed"])


def test_A_150_rating_is_within_its_range(client):
    holds(client, "rating", 1, -1)
    holds(client, "rating", 3, 4, max=3)


# ------------------------------------------------------------------ 9. records


def test_A_160_records_are_listed_by_table(client, table):
    record = client.record(table["id"], Name="Widget A", Price=1)
    client.record(table["id"], Name="Gadget", Price=2)

    body = made(
        client.get(
            f"/records?table_id={table['id']}"
            '&filter={"Name": {"$contains": "Widget"}}'
            '&sort=[{"field": "Price", "direction": "desc"}]&limit=100&offset=0'
        )
    )

    assert body["items"] == [record]


def test_A_161_a_record_is_created_by_field_names(client, table):
    fields = {"Name": "Widget A", "Price": 29.99}

    record = made(create(client, table, **fields))

    assert record["fields"] == {**fields, "Email": None}


def test_A_162_to_164_a_record_is_read_changed_and_deleted(client, table):
    record = client.record(table["id"], Name="a", Price=1)
    path = f"/records/{record['id']}"

    assert made(client.get(path)) == record
    changed = made(client.patch(path, json={"fields": {"Price": 2}}))
    assert changed["fields"] == {"Name": "a", "Email": None, "Price": 2}
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_A_165_to_167_batches(client, table):
    path, table_id = "/records/batch", table["id"]
    rows = [{"fields": {"Name": name}} for name in "abc"]

    reply = client.post(path, json={"table_id": table_id, "records": rows})
    ids = [one["id"] for one in made(reply)["items"]]
    assert reply.status_code == 201
    updates = [{"record_id": one, "fields": {"Price": 1}} for one in ids]
    reply = client.patch(path, json={"table_id": table_id, "updates": updates})
    assert [one["fields"]["Price"] for one in made(reply)["items"]] == [1, 1, 1]
    reply = client.delete_with(path, {"table_id": table_id, "record_ids": ids})
    assert reply.status_code == 204
    assert found(client, table, {}) == []


def test_A_168_sort_has_several_keys(client, table):
    for name, price in [("a", 1), ("b", 2), ("c", 1)]:
        client.record(table["id"], Name=name, Price=price)
    sort = [
        {"field": "Price", "direction": "asc"},
        {"field": "Name", "direction": "desc"},
    ]

    query = {"table_id": table["id"], "sort": json.dumps(sort)}
    items = made(client.get("/records", params=query))["items"]

    assert [one["fields"]["Name"] for one in items] == ["c", "a", "b"]


def test_A_169_and_170_both_filters_and_their_groups(client, table):
    client.records(table["id"], *[{"Name": name} for name in ("Widget A", "Gadget")])
    one = {"field": "Name", "operator": "eq", "value": "Gadget"}

    assert found(client, table, {"Name": {"$contains": "Widget"}}) == ["Widget A"]
    assert found(client, table, {"AND": [one]}) == ["Gadget"]
    assert found(client, table, {"OR": [one, {"Name": "Widget A"}]}) == [
        "Widget A",
        "Gadget",
    ]
    assert found(client, table, {"NOT": one}) == ["Widget A"]


def test_A_171_a_batch_with_a_duplicate_creates_none(client, table):
    client.constraint(table["ids"]["Email"])
    client.record(table["id"], Email="duplicate@example.com")
    records = [
        {"fields": {"Name": "Record 1", "Email": "valid@example.com"}},
        {"fields": {"Name": "Record 2", "Email": "duplicate@example.com"}},
        {"fields": {"Name": "Record 3", "Email": "another@example.com"}},
    ]

    body = {"table_id": table["id"], "records": records}
    reply = client.post("/records/batch", json=body)

    assert reply.status_code == 409
    documented = {
        "detail": DUPLICATE,
        "code": "DUPLICATE_VALUE",
        "field": "Email",
        "index": 1,
    }
    assert reply.json().items() >= documented.items()
    assert len(found(client, table, {})) == 1


def test_A_172_a_batch_that_empties_a_required_field_changes_none(client):
    table = client.table("Status", {"name": "Email", "type": "text", "required": True})
    one, two = client.records(table["id"], {"Email": "a"}, {"Email": "b"})
    updates = [
        {"record_id": one["id"], "fields": {"Status": "Active"}},
        {"record_id": two["id"], "fields": {"Email": None}},
    ]

    body = {"table_id": table["id"], "updates": updates}
    reply = client.patch("/records/batch", json=body)

    assert reply.status_code == 422
    documented = {
        "detail": "Field is required",
        "code": "REQUIRED_FIELD",
        "field": "Email",
        "record_id": two["id"],
    }
    assert reply.json().items() >= documented.items()
    assert client.get(f"/records/{one['id']}").json() == one


def test_A_173_a_batch_with_one_that_cannot_go_deletes_none(client, table):
    record = client.record(table["id"], Name="a")
    body = {"table_id": table["id"], "record_ids": [record["id"], ABSENT]}

    reply = client.delete_with("/records/batch", body)

    assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")
    assert client.get(f"/records/{record['id']}").json() == record


def test_A_174_a_batch_is_never_seen_by_half(client, table):
    """While batches of ten come in, every count that is read is a multiple of ten."""
    path = f"/records?table_id={table['id']}&limit=1"

    with ThreadPoolExecutor(2) as threads:
        writing = threads.submit(
            lambda: [client.records(table["id"], *[{}] * 10) for _ in range(10)]
        )
        totals = []
        while not writing.done():
            totals.append(made(client.get(path))["total"])
        writing.result()

    assert made(client.get(path))["total"] == 100
    assert [total for total in totals if total % 10] == []


def test_A_175_what_touches_several_things_is_one_batch(client, table, recorded_events):
    before = client.position(table["workspace_id"])
    options = {"linked_table_id": table["id"], "reverse_name": "Back"}

    client.table(
        {"name": "Link", "type": "linked_record", "options": options},
        base_id=table["base_id"],
        name="Other",
    )

    events = recorded_events(table["workspace_id"], before)
    assert [one["type"] for one in events] == [
        "table.created",
        "field.created",
        "field.created",
    ]
    assert len({one["batch_id"] for one in events}) == 1


ROWS = [("Widget", 10), ("Gadget", 20), (None, None)]


@pytest.mark.parametrize(
    ("number", "field", "operator", "value", "names"),
    [
        (180, "Price", "eq", 10, ["a"]),
        (181, "Price", "neq", 10, ["b", "c"]),
        (182, "Price", "gt", 10, ["b"]),
        (183, "Price", "gte", 10, ["a", "b"]),
        (184, "Price", "lt", 20, ["a"]),
        (185, "Price", "lte", 20, ["a", "b"]),
        (186, "Email", "contains", "dget", ["a", "b"]),
        (187, "Email", "not_contains", "wid", ["b", "c"]),
        (188, "Email", "starts_with", "Wid", ["a"]),
        (189, "Email", "ends_with", "get", ["a", "b"]),
        (190, "Email", "is_empty", None, ["c"]),
        (191, "Email", "is_not_empty", None, ["a", "b"]),
    ],
)
def test_A_180_to_192_operators(client, table, number, field, operator, value, names):
    rows = [
        {"Name": name, "Email": email, "Price": price}
        for name, (email, price) in zip("abc", ROWS, strict=True)
    ]
    client.records(table["id"], *rows)
    condition = {"field": field, "operator": operator, "value": value}

    assert found(client, table, {"AND": [condition]}) == names
    assert found(client, table, {field: {f"${operator}": value}}) == names


# --------------------------------------------------------------- 14. constraints


def test_A_330_to_335_constraints(client, table):
    body = {
        "field_id": table["ids"]["Email"],
        "case_sensitive": True,
        "error_message": "This value must be unique",
    }
    constraint = made(client.post("/constraints", json=body))
    path = f"/constraints/{constraint['id']}"

    assert constraint.items() >= {**body, "status": "active"}.items()
    assert constraint["created_by"] == client.user["id"]
    assert TIME.fullmatch(constraint["created_at"])
    for query in ({"table_id": table["id"]}, {"field_id": table["ids"]["Email"]}):
        assert made(client.get("/constraints", params=query))["items"] == [constraint]
    assert made(client.get(path)) == constraint
    change = {
        "status": "disabled",
        "case_sensitive": False,
        "error_message": "Custom error message",
    }
    assert made(client.patch(path, json=change)).items() >= change.items()
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_A_337_and_338_an_active_constraint_is_enforced_a_disabled_one_not(
    client, table
):
    constraint = client.constraint(table["ids"]["Email"])
    client.record(table["id"], Email="a")

    assert create(client, table, Email="a").status_code == 409
    client.patch(f"/constraints/{constraint['id']}", json={"status": "disabled"})
    assert create(client, table, Email="a").status_code == 201


def test_A_340_a_constraint_holds_on_create_update_and_in_batches(client, table):
    client.constraint(table["ids"]["Email"])
    client.record(table["id"], Email="a")
    other = client.record(table["id"], Email="b")
    change = {"fields": {"Email": "a"}}
    rows = {"table_id": table["id"], "records": [change]}
    updates = [{"record_id": other["id"], **change}]

    replies = [
        create(client, table, Email="a"),
        client.patch(f"/records/{other['id']}", json=change),
        client.post("/records/batch", json=rows),
        client.patch(
            "/records/batch", json={"table_id": table["id"], "updates": updates}
        ),
    ]

    assert [reply.status_code for reply in replies] == [409] * 4
    assert {reply.json()["code"] for reply in replies} == {"DUPLICATE_VALUE"}


def test_A_341_case_is_ignored_where_asked(client, table):
    client.constraint(table["ids"]["Email"], case_sensitive=False)
    client.record(table["id"], Email="A@x")

    assert create(client, table, Email="a@x").status_code == 409


def test_A_342_a_duplicate_is_told_with_its_field_and_value(client, table):
    client.constraint(table["ids"]["Email"])
    client.record(table["id"], Email="duplicate@example.com")

    reply = create(client, table, Email="duplicate@example.com")

    assert reply.status_code == 409
    assert reply.json() == {
        "detail": DUPLICATE,
        "code": "DUPLICATE_VALUE",
        "field": "Email",
        "value": "duplicate@example.com",
    }


@pytest.fixture
def pending(client, table, monkeypatch):
    """A constraint over a table that is said to be large; nobody fills it yet."""
    monkeypatch.setattr(gather, "AT_ONCE", 1)
    client.records(table["id"], {"Name": "a"}, {"Name": "b"})
    return client.constraint(table["ids"]["Email"])


def test_A_086_and_336_the_constraint_of_a_field(client, table):
    constraint = client.constraint(table["ids"]["Email"])

    assert made(client.get(f"/fields/{table['ids']['Email']}/constraint")) == constraint
    assert client.get(f"/fields/{table['ids']['Name']}/constraint").status_code == 404


def test_A_339_a_constraint_that_is_being_made_is_pending(server, client, pending):
    assert pending["status"] == "pending"

    server.run(Filler(server.system.urls.app, settling(server.system)).round())

    shown = made(client.get(f"/constraints/{pending['id']}"))
    assert shown == {**pending, "status": "active"}


# -------------------------------------------------------------------- 15. errors


def test_A_355_while_a_constraint_is_pending_its_field_is_locked(
    client, table, pending
):
    change = {"error_message": "Taken"}

    replies = [
        create(client, table, Email="a"),
        client.patch(f"/constraints/{pending['id']}", json=change),
    ]

    assert [(one.status_code, one.json()["code"]) for one in replies] == [
        (423, "CONSTRAINT_PENDING")
    ] * 2
    assert create(client, table, Name="c").status_code == 201


def test_A_350_to_353_the_codes_of_integrity(client):
    table = client.table({"name": "Name", "type": "text", "required": True})
    options = {"linked_table_id": table["id"]}
    client.field(table["id"], "Link", "linked_record", options=options)
    client.constraint(table["ids"]["Name"])
    client.record(table["id"], Name="a")
    rows = {"table_id": table["id"], "records": [{"fields": {}}]}

    replies = [
        create(client, table, Name="a"),
        client.post("/records/batch", json=rows),
        create(client, table, Name=7),
        create(client, table, Name="b", Link=[ABSENT]),
    ]

    assert [(one.status_code, one.json()["code"]) for one in replies] == [
        (409, "DUPLICATE_VALUE"),
        (422, "REQUIRED_FIELD"),
        (422, "VALIDATION_ERROR"),
        (409, "FOREIGN_KEY_VIOLATION"),
    ]


def test_A_356_every_required_field_that_is_empty_is_listed(client):
    table = client.table(
        {"name": "Name", "type": "text", "required": True},
        {"name": "Email", "type": "text", "required": True},
    )

    reply = create(client, table, Name="", Email=None)

    assert reply.status_code == 422
    assert reply.json() == {
        "detail": "Validation failed",
        "code": "VALIDATION_ERROR",
        "errors": [
            {
                "loc": ["Name"],
                "msg": "Field is required",
                "type": "value_error.required",
            },
            {
                "loc": ["Email"],
                "msg": "Field is required",
                "type": "value_error.required",
            },
        ],
    }


def test_A_357_a_batch_tells_a_required_field_by_its_own_code(client):
    table = client.table({"name": "Email", "type": "text", "required": True})
    rows = [{"fields": {"Email": "a"}}, {"fields": {"Email": ""}}]

    body = {"table_id": table["id"], "records": rows}
    reply = client.post("/records/batch", json=body)

    assert reply.status_code == 422
    documented = {
        "detail": "Field is required",
        "code": "REQUIRED_FIELD",
        "field": "Email",
        "index": 1,
    }
    assert reply.json().items() >= documented.items()
