"""The promises of the Table REST checklist, one by one, by their numbers.

`test_b_031_…` is the checklist's B-031.
"""

import re

import psycopg
import pytest
from psycopg import sql

from tests.api.tables.conftest import Rest, path_to, token_of
from tests.client import Client, made, running_server

OPERATORS = (
    *("eq", "neq", "gt", "gte", "lt", "lte"),
    *("contains", "icontains", "startswith", "endswith"),
)


@pytest.fixture
def bare(server, forecast):
    """The table's path, called by nobody."""
    with Rest(server.url, forecast.path) as bare:
        yield bare


@pytest.fixture
def table(client):
    table = client.table("name", "country", name="users")
    client.record(table["id"], name="John Doe", country="Belgium")
    return table


def cities(rest, **query):
    return rest.column("city", query)


# ----------------------------------------------------------------- 1. the endpoint


def test_b_001_one_path_with_and_without_the_slash_at_its_end(forecast):
    pattern = r"/api/workspace/[a-z0-9-]+/database/base/table/weather_forecast/"
    without = forecast.get(forecast.path.rstrip("/"), params={"limit": 2})

    assert re.fullmatch(pattern, forecast.path)
    assert forecast.ask().status_code == 200
    assert (without.status_code, len(without.json()["data"])) == (200, 2)


def test_b_002_it_is_on_the_port_of_pybase(server, client, forecast):
    assert str(client.base_url) == f"{server.url}/api/v1/"
    assert str(forecast.ask().url).startswith(f"{server.url}/api/workspace/")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_b_003_it_is_read_only(forecast, method):
    reply = forecast.request(method, forecast.path)

    assert reply.status_code == 405
    assert reply.headers["allow"] == "GET"
    assert reply.json() == {
        "error": f'Method "{method}" not allowed.',
        "detail": f'Method "{method}" not allowed.',
    }


# ------------------------------------------------------------- 2. authentication


def test_b_010_a_browser_that_has_logged_in_reads_by_its_session(server, client, table):
    path = path_to(client, table)
    with Client(server.url) as browser:
        browser.register("Browser")
        client.add_member(table["workspace_id"], browser, "viewer")
        del browser.headers["authorization"]
        reply = browser.get(f"{server.url}{path}")

    assert reply.json()["data"][0]["name"] == "John Doe"


def test_b_011_an_access_token_of_the_workspace(forecast, teller):
    assert re.fullmatch(r"Bearer wat_[\w-]{43}", forecast.headers["authorization"])
    assert forecast.ask().status_code == 200


def test_b_012_a_member_sees_their_tokens(client, table, member):
    viewer = member(table["workspace_id"], "viewer")
    path = f"/workspaces/{table['workspace_id']}/tokens"
    secret = token_of(viewer, table["workspace_id"], name="Dashboard")

    (listed,) = made(viewer.get(path))
    assert (listed["name"], listed["user_id"]) == ("Dashboard", viewer.user["id"])
    assert listed["token_prefix"] == secret[:12]
    assert secret not in str(listed)


def test_b_013_an_administrator_makes_tokens_for_a_service(
    server, client, table, member
):
    service = member(table["workspace_id"], "viewer")
    admin = member(table["workspace_id"], "admin")
    token = token_of(admin, table["workspace_id"], user_id=service.user["id"])
    with Rest(server.url, path_to(client, table), token) as rest:
        assert rest.ask().status_code == 200


def test_b_014_unauthenticated_is_403(bare):
    reply = bare.ask()

    assert reply.status_code == 403
    assert "www-authenticate" not in reply.headers


# ------------------------------------------------------------------ 3. permissions


def test_b_020_the_caller_has_to_be_a_member(server, stranger, forecast):
    own = stranger.workspace("Own")["id"]
    with Rest(server.url, forecast.path, token_of(stranger, own)) as rest:
        reply = rest.ask()

    assert reply.status_code == 404
    assert reply.json()["error"] == "Workspace not found or access denied"


def may_read(client, table, member, rest, role):
    reply = rest(member(table["workspace_id"], role), table).ask()
    assert reply.status_code == 200
    assert reply.json()["pagination"]["total_rows"] == 1


def test_b_021_a_viewer_can_query(client, table, member, rest):
    may_read(client, table, member, rest, "viewer")


def test_b_022_an_editor_can_query(client, table, member, rest):
    may_read(client, table, member, rest, "editor")


def test_b_023_an_admin_can_query(client, table, member, rest):
    may_read(client, table, member, rest, "admin")


def test_b_024_who_may_not_read_is_told_so(server, client, table):
    """A non-member gets 404, as of no workspace: what is left is such a key."""
    key = made(client.post("/users/me/api-keys", json={"scopes": ["write"]}))["key"]
    with Rest(server.url, path_to(client, table), key) as rest:
        reply = rest.ask()

    assert reply.status_code == 403
    assert reply.json()["error"] == "Permission denied to view database tables"


# ------------------------------------------------------------- 4. query parameters


def test_b_030_page_is_1_unless_told(forecast):
    assert forecast.body()["pagination"]["page"] == 1
    assert forecast.body({"page": 2, "limit": 4})["pagination"]["page"] == 2
    assert forecast.body({"page": ""})["pagination"]["page"] == 1


def test_b_031_limit_is_10_unless_told_and_1000_at_the_most(users):
    assert len(users.body()["data"]) == 10
    assert len(users.body({"limit": 1000})["data"]) == 60
    assert users.body({"limit": ""})["pagination"]["limit"] == 10
    refused = users.ask({"limit": 1001})
    assert refused.status_code == 400
    said = ["Ensure this value is less than or equal to 1000."]
    assert refused.json()["limit"] == said


def test_b_032_sort_is_a_column(forecast):
    assert forecast.column("id", {"sort": "humidity_percent"}) == [6, 2, 4, 1, 3, 5]
    assert forecast.column("id") == [1, 2, 3, 4, 5, 6]


def test_b_033_direction_is_asc_unless_told(forecast):
    by_id = {"sort": "id", "direction": "desc"}

    assert forecast.column("id", {"sort": "id"}) == [1, 2, 3, 4, 5, 6]
    assert forecast.column("id", {**by_id, "direction": "asc"}) == [1, 2, 3, 4, 5, 6]
    assert forecast.column("id", by_id) == [6, 5, 4, 3, 2, 1]


def test_b_034_format_is_json_unless_told(forecast):
    assert forecast.ask().headers["content-type"] == "application/json"
    assert forecast.ask({"format": "json"}).json()["table"] == "weather_forecast"
    assert (
        forecast.ask({"format": "csv"}).headers["content-type"].startswith("text/csv")
    )


def test_b_035_a_column_filters_by_equality(forecast):
    assert forecast.column("id", {"city": "Brussels"}) == [1, 2]
    assert forecast.column("id", {"humidity_percent": "50"}) == [4]


def test_b_036_a_column_and_an_operator(forecast):
    assert forecast.column("id", {"humidity_percent__gt": "50"}) == [1, 3]


def test_b_037_filters_combine_also_on_one_column(forecast):
    within = {"temperature_celsius__gte": 10, "temperature_celsius__lte": 20}

    assert forecast.column("id", within) == [1, 5]
    assert forecast.column("id", {**within, "city": "Ghent"}) == [5]


@pytest.mark.parametrize("name", ["a-b", "ä", "a b", "city;", 'city"--', "t.city"])
def test_b_038_names_are_alphanumeric_with_underscores(forecast, name):
    sorted_by, filtered = forecast.ask({"sort": name}), forecast.ask({name: "x"})

    said = ["Sort column name must be alphanumeric with underscores"]
    assert (sorted_by.status_code, sorted_by.json()["sort"]) == (400, said)
    assert filtered.status_code == 400
    message = filtered.json()["error"]
    assert re.fullmatch(r"Column '[\w?]+' does not exist in table", message)


def test_b_039_everything_in_one_request(forecast):
    query = {"city__startswith": "Bru", "sort": "id", "direction": "desc", "limit": 2}

    assert forecast.column("id", query) == [4, 2]
    assert forecast.column("id", {**query, "page": 2}) == [1]


@pytest.mark.parametrize(
    "text", ["' OR '1'='1", "'; DROP TABLE users; --", "%s", "{}", "\\", "$1", '"']
)
def test_b_03a_what_is_looked_for_is_never_part_of_the_query(forecast, text):
    for operator in ("eq", "contains", "startswith", "icontains", "gt"):
        assert forecast.ask({f"city__{operator}": text}).status_code == 200
    assert forecast.column("id", {"city": text}) == []
    assert forecast.ask({"sort": text}).status_code == 400
    assert len(forecast.body()["data"]) == 6


# -------------------------------------------------------------------- 5. operators


def test_b_040_eq_is_the_default(forecast):
    assert forecast.column("id", {"city__eq": "Brussels"}) == [1, 2]
    assert forecast.column("id", {"city": "Brussels"}) == [1, 2]


def test_b_041_neq_leaves_empty_values_out(forecast):
    assert forecast.column("id", {"weather_condition__neq": "Rainy"}) == [1, 5, 6]
    assert forecast.column("id", {"temperature_celsius__neq": 15}) == [2, 3, 5, 6]


def test_b_042_gt_compares_numbers_as_numbers(forecast):
    assert forecast.column("id", {"temperature_celsius__gt": 9.5}) == [1, 2, 5]


def test_b_043_gte(forecast):
    assert forecast.column("id", {"temperature_celsius__gte": "9.50"}) == [1, 2, 3, 5]


def test_b_044_lt(forecast):
    assert forecast.column("id", {"temperature_celsius__lt": 10}) == [3, 6]


def test_b_045_lte(forecast):
    assert forecast.column("id", {"humidity_percent__lte": 50}) == [2, 4, 6]


def test_b_046_contains_tells_case(forecast):
    assert forecast.column("id", {"city__contains": "Bru"}) == [1, 2, 4]
    assert forecast.column("id", {"city__contains": "rus"}) == [1, 2, 3]


def test_b_047_icontains_ignores_case(forecast):
    assert forecast.column("id", {"city__icontains": "bRU"}) == [1, 2, 3, 4]


def test_b_048_startswith_tells_case(forecast):
    assert forecast.column("id", {"city__startswith": "bru"}) == [3]


def test_b_049_endswith_tells_case(forecast):
    assert forecast.column("id", {"city__endswith": "ssels"}) == [1, 2, 3]
    assert forecast.column("id", {"city__endswith": "SSELS"}) == []


def test_b_04a_equality_tells_case(forecast):
    assert forecast.column("id", {"city": "brussels"}) == [3]
    assert forecast.column("id", {"city__neq": "Brussels"}) == [3, 4, 5, 6]


@pytest.mark.parametrize("operator", ["contains", "icontains"])
def test_b_04b_what_is_looked_for_is_literal(forecast, operator):
    assert forecast.column("id", {f"city__{operator}": "%"}) == [6]
    assert forecast.column("id", {f"city__{operator}": "_"}) == [6]
    assert forecast.column("id", {f"city__{operator}": "0%_G"}) == [6]
    assert forecast.column("id", {f"city__{operator}": "B%s"}) == []


# --------------------------------------------------------------------- 6. the reply


def test_b_050_data_is_an_array_of_rows_by_column(forecast):
    assert forecast.body({"limit": 1})["data"] == [
        {
            "id": 1,
            "city": "Brussels",
            "temperature_celsius": 15,
            "humidity_percent": 80,
            "weather_condition": "Sunny",
            "date": "2024-01-01",
        }
    ]


def pagination(rest, **query):
    return rest.body(query)["pagination"]


def test_b_051_pagination_page(users):
    assert pagination(users, page=3)["page"] == 3


def test_b_052_pagination_limit(users):
    assert pagination(users, limit=7)["limit"] == 7


def test_b_053_pagination_total_rows_counts_after_the_filters(users):
    assert pagination(users)["total_rows"] == 60
    assert pagination(users, country="France")["total_rows"] == 20


def test_b_054_pagination_total_pages(users):
    assert pagination(users)["total_pages"] == 6
    assert pagination(users, limit=7)["total_pages"] == 9
    assert pagination(users, country="Nowhere")["total_pages"] == 0


def test_b_055_pagination_has_next(users):
    assert pagination(users, page=5)["has_next"] is True
    assert pagination(users, page=6)["has_next"] is False
    assert pagination(users, country="Nowhere")["has_next"] is False


def test_b_056_pagination_has_previous(users):
    assert pagination(users)["has_previous"] is False
    assert pagination(users, page=2)["has_previous"] is True
    beyond = users.body({"page": 99})
    assert (beyond["data"], beyond["pagination"]["has_previous"]) == ([], True)


def test_b_057_columns_in_their_order_also_without_rows(users):
    columns = ["id", "name", "country", "status", "created_at"]

    assert users.body()["columns"] == columns
    assert users.body({"name": "Nobody"})["columns"] == columns
    assert list(users.body()["data"][0]) == columns


def test_b_058_table_is_its_name(users):
    assert users.body()["table"] == "users"


def test_b_059_workspace_is_its_slug(users):
    assert users.body()["workspace"] == users.path.split("/")[3]


def test_b_05a_database_is_its_name(users):
    assert users.body()["database"] == users.path.split("/")[5] == "base"


def test_b_05b_id_is_an_integer_and_a_time_ends_in_z(users):
    first = users.body()["data"][0]

    assert first["id"] == 1
    assert first["created_at"] == "2024-01-15T10:30:58Z"


# --------------------------------------------------------------------------- 7. CSV


def test_b_060_csv_is_the_same_page_as_a_file(forecast):
    query = {"city__startswith": "Bru", "sort": "id", "direction": "desc", "limit": 2}
    reply = forecast.ask({**query, "format": "csv"})

    rows = forecast.body(query)["data"]
    shown = [["" if one is None else str(one) for one in row.values()] for row in rows]
    assert forecast.lines({**query, "format": "csv"}) == [
        forecast.body()["columns"],
        *shown,
    ]
    assert reply.headers["content-disposition"].startswith(
        'attachment; filename="weather_forecast.csv"'
    )


# ------------------------------------------------------------------------ 8. errors


def test_b_070_invalid_query_parameters(forecast):
    reply = forecast.ask({"page": 0, "limit": "ten", "direction": "DESC"})

    assert reply.status_code == 400
    assert reply.json() == {
        "error": "Invalid query parameters: page: "
        "Ensure this value is greater than or equal to 1.",
        "detail": "Invalid query parameters: page: "
        "Ensure this value is greater than or equal to 1.",
        "page": ["Ensure this value is greater than or equal to 1."],
        "limit": ["A valid integer is required."],
        "direction": ['"DESC" is not a valid choice.'],
    }


def test_b_071_a_column_that_is_not_there(forecast):
    filtered = forecast.ask({"invalid_column": "x"})
    sorted_by = forecast.ask({"sort": "invalid_column"})

    assert filtered.status_code == sorted_by.status_code == 400
    message = "Column 'invalid_column' does not exist in table"
    assert filtered.json() == {"error": message, "detail": message}
    assert sorted_by.json()["error"] == f"Sort c{message[1:]}"


def test_b_072_a_database_of_another_workspace(forecast):
    reply = forecast.get(forecast.path.replace("/base/", "/other/"))

    assert reply.status_code == 400
    assert reply.json()["error"] == "Database does not belong to this workspace"


def test_b_073_who_is_not_authenticated(bare):
    message = "Authentication credentials were not provided."

    assert bare.ask().status_code == 403
    assert bare.ask().json() == {"error": message, "detail": message}


def test_b_074_who_has_no_permission(server, client, table):
    key = made(client.post("/users/me/api-keys", json={"scopes": ["admin"]}))["key"]
    with Rest(server.url, path_to(client, table), key) as rest:
        reply = rest.ask()

    message = "Permission denied to view database tables"
    assert (reply.status_code, reply.json()["error"]) == (403, message)


def test_b_075_a_workspace_that_is_not_there(forecast):
    slug = forecast.path.split("/")[3]
    reply = forecast.get(forecast.path.replace(f"/{slug}/", "/nowhere-at-all/"))

    assert reply.status_code == 404
    assert reply.json()["error"] == "Workspace not found or access denied"


def test_b_076_a_table_that_is_not_there(forecast):
    path = forecast.path.replace("weather_forecast", "nonexistent_table")
    reply = forecast.get(path)

    assert reply.status_code == 404
    assert reply.json()["error"] == "Table 'nonexistent_table' not found"


def test_b_077_a_database_that_does_not_answer(settings, database, forecast):
    with running_server(settings, database) as other:
        token = forecast.headers["authorization"].removeprefix("Bearer ")
        with Rest(other.url, forecast.path, token) as rest:
            assert rest.ask().status_code == 200
            other.run(other.system.reader.pool.close())
            reply = rest.ask()

    assert reply.status_code == 500
    message = "Database query failed: The database does not answer; try again"
    assert reply.json()["error"] == message


def test_b_078_a_query_that_fails(client, rest, database):
    table = client.table("Name")
    asked = rest(client, table)
    schema = f"ws_{table['workspace_id'].replace('-', '')}"
    with psycopg.connect(database.app, autocommit=True) as connection:
        ((name,),) = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace"
            " AND relname LIKE %s AND relkind = 'r'",
            [schema, f"%{table['id'].replace('-', '')}"],
        ).fetchall()
        move = sql.SQL("ALTER TABLE {} RENAME TO {}")
        there, gone = sql.Identifier(schema, name), sql.Identifier(schema, "gone")
        connection.execute(move.format(there, sql.Identifier("gone")))
        reply = asked.ask()
        connection.execute(move.format(gone, sql.Identifier(name)))

    assert reply.status_code == 500
    pattern = r"Database query failed: internal error, request [\w-]{36}"
    assert re.fullmatch(pattern, reply.json()["error"])
    assert asked.ask().status_code == 200


# ------------------------------------------------------------- 9. the document's own


def test_b_080_basic_query(users):
    body = users.body()

    assert len(body["data"]) == 10
    assert body["pagination"] == {
        "page": 1,
        "limit": 10,
        "total_rows": 60,
        "total_pages": 6,
        "has_next": True,
        "has_previous": False,
    }


def test_b_081_pagination(users):
    body = users.body("page=2&limit=25")

    assert [row["id"] for row in body["data"]] == list(range(26, 51))


def test_b_082_one_column(users):
    assert set(users.column("country", "country=Belgium")) == {"Belgium"}


def test_b_083_several_columns(users):
    body = users.body("country=Belgium&status=active")

    assert body["pagination"]["total_rows"] == 20


def test_b_084_sorted_ascending(users):
    found = users.column("created_at", "sort=created_at&direction=asc")

    assert found[:2] == ["2024-01-15T10:30:00Z", "2024-01-15T10:30:01Z"]


def test_b_085_sorted_descending(users):
    found = users.column("created_at", "sort=created_at&direction=desc")

    assert found[:2] == ["2024-01-15T10:30:59Z", "2024-01-15T10:30:58Z"]


def test_b_086_greater_than_or_equal(forecast):
    assert forecast.column("id", "temperature_celsius__gte=20") == [2, 5]


def test_b_087_less_than(forecast):
    assert forecast.column("id", "humidity_percent__lt=50") == [2, 6]


def test_b_088_a_range(forecast):
    query = "temperature_celsius__gte=10&temperature_celsius__lte=25"

    assert forecast.column("id", query) == [1, 2, 5]


def test_b_089_contains_whatever_the_case(forecast):
    assert forecast.column("id", "city__icontains=bru") == [1, 2, 3, 4]


def test_b_08a_not_equal(forecast):
    assert forecast.column("id", "weather_condition__neq=Rainy") == [1, 5, 6]


def test_b_08b_starts_with(forecast):
    assert forecast.column("id", "city__startswith=Bru") == [1, 2, 4]


def test_b_08c_combined(forecast):
    query = (
        "city=Brussels&temperature_celsius__gte=15&humidity_percent__lte=80"
        "&sort=date&direction=desc&limit=10"
    )

    assert forecast.column("date", query) == ["2024-01-02", "2024-01-01"]


def test_b_08d_csv_export(users):
    header, *rows = users.lines("format=csv")

    assert header == ["id", "name", "country", "status", "created_at"]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 11)]
