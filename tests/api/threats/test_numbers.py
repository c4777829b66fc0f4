"""Rows 41 and 42: numbers, dates and pages at their ends."""

import json

import pytest

from tests.client import made

JSON = {"content-type": "application/json"}


# ------------------------------------------------------------------- row 41: pages


@pytest.fixture(scope="module")
def _kept():
    return {}


@pytest.fixture
def table(client, _kept):
    """A table that these tests only read."""
    if "table" not in _kept:
        _kept["table"] = client.table("Name")
        client.record(_kept["table"]["id"], Name="a")
    return _kept["table"]


@pytest.fixture
def empty(client, _kept):
    """`empty(type, options)`: a table with a field F, for values that are refused."""

    def empty(type_, options=None):
        key = f"{type_} {options}"
        if key not in _kept:
            field = {"name": "F", "type": type_, "options": options or {}}
            _kept[key] = client.table(field)
        return _kept[key]

    return empty


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=1001",
        "limit=1000000000",
        "limit=abc",
        "limit=1;DROP TABLE x",
        "limit=9223372036854775808",
        "limit=" + "9" * 5000,
        "limit=0x10",
        "limit=1_0",
        "limit=%2B1",
        "limit=NULL",
    ],
    ids=lambda value: value[:30],
)
def test_threat_41_a_limit_that_is_none_is_refused_by_every_list(
    attack, client, table, query
):
    for path in (
        "/workspaces?",
        "/bases?",
        f"/tables?base_id={table['base_id']}&",
        f"/fields?table_id={table['id']}&",
        f"/constraints?table_id={table['id']}&",
        f"/records?table_id={table['id']}&",
        f"/events?workspace_id={table['workspace_id']}&",
    ):
        attack(client, "GET", f"{path}{query}", expect=422)


@pytest.mark.parametrize(
    "query",
    [
        "offset=9000000000000000000",
        "offset=9223372036854775807",
        "offset=-1",
        "offset=2147483649",
        "page=9223372036854775808",
        "page=0",
        "page=-1",
        "page=2147483650&page_size=1",
        "page=99999999999&page_size=1000",
        "page=1e3",
        "page_size=0",
        "page_size=1001",
    ],
)
def test_threat_41_a_page_that_is_none_is_refused(attack, client, table, query):
    for path in ("/workspaces?", f"/records?table_id={table['id']}&"):
        attack(client, "GET", f"{path}{query}", expect=422)


@pytest.mark.parametrize(
    "query",
    ["offset=2147483648", "page=2147483649&page_size=1", "page=2147484&limit=1000"],
)
def test_threat_41_the_last_page_of_all_is_empty(attack, client, table, query):
    for path in ("/workspaces?", f"/records?table_id={table['id']}&"):
        assert attack(client, "GET", f"{path}{query}", expect=200).json()["items"] == []


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ("999999999999999999", 200),
        ("1000000000000000000", 422),
        ("9223372036854775807", 422),
        ("-1", 422),
        ("9" * 30, 422),
    ],
)
def test_threat_41_a_feed_beyond_its_end(attack, client, table, after, status):
    for more in ("", "&limit=1000", f"&table_id={table['id']}", "&types=record.*"):
        path = f"/events?workspace_id={table['workspace_id']}&after={after}{more}"
        attack(client, "GET", path, expect=status)


# ------------------------------------------------------------------ row 42: values


def write(table, value):
    """A record whose field F is written as JSON says it."""
    return f'{{"table_id": "{table["id"]}", "fields": {{"F": {value}}}}}'


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0.30000000000000004", "0.30000000000000004"),  # what a float makes of 0.1+0.2
        ("0.1", "0.1"),
        ("0.10000000000000000000000000001", "0.10000000000000000000000000001"),
        ("1e308", "1" + "0" * 308),
        ("-1e308", "-1" + "0" * 308),
        ("5e-324", "0." + "0" * 323 + "5"),
        ("-0.0", "0"),
        ("-0", "0"),
        ("1.10", "1.1"),
        ("100", "100"),
        ("9007199254740993", "9007199254740993"),
        ("123456789012345678901234567890.5", "123456789012345678901234567890.5"),
    ],
    ids=lambda value: value[:24],
)
def test_threat_42_a_number_is_kept_to_its_last_digit(client, given, kept):
    table = client.table({"name": "F", "type": "number"})

    created = client.post("/records", content=write(table, given), headers=JSON)

    assert f'"F":{kept}}}' in created.text
    record = created.json()["id"]
    assert f'"F":{kept}}}' in client.get(f"/records/{record}").text
    equal = f'/records?table_id={table["id"]}&filter={{"F":{kept}}}'
    assert made(client.get(equal))["total"] == 1


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"precision": 20}, "0.000000000000000000001"),
        ({"precision": 0}, "1.5"),
        ({"precision": 2}, "1e-3"),
        ({"precision": 2}, "0.30000000000000004"),
        ({"allow_negative": False}, "-0.01"),
        ({}, "1e401"),
        ({}, "1e-401"),
        ({}, "1" * 1000),
        ({}, '"1"'),
        ({}, '"NaN"'),
        ({}, "[1]"),
    ],
    ids=str,
)
def test_threat_42_a_number_that_its_field_does_not_hold(
    attack, client, empty, options, given
):
    table = empty("number", options)

    attack(
        client,
        "POST",
        "/records",
        expect=422,
        content=write(table, given),
        headers=JSON,
    )


def test_threat_42_twenty_decimals_are_kept_where_they_are_asked_for(client):
    table = client.table({"name": "F", "type": "number", "options": {"precision": 20}})

    body = write(table, "0.12345678901234567891")
    assert (
        '"F":0.12345678901234567891}'
        in client.post("/records", content=body, headers=JSON).text
    )


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        ("date", "0000-00-00"),
        ("date", "0000-01-01"),
        ("date", "10000-01-01"),
        ("date", "-0001-01-01"),
        ("date", "+2024-01-01"),
        ("date", "2023-02-29"),
        ("date", "1900-02-29"),
        ("date", "2024-W01-1"),
        ("date", "20240101"),
        ("date", "infinity"),
        ("date", "today"),
        ("date", "2024-01-01\n"),
        ("datetime", "0000-00-00T00:00:00Z"),
        ("datetime", "2016-12-31T23:59:60Z"),
        ("datetime", "2016-12-31T23:59:60.5+00:00"),
        ("datetime", "2024-01-01T24:00:00Z"),
        ("datetime", "9999-12-31T23:59:59-00:01"),
        ("datetime", "0001-01-01T00:00:00+00:01"),
        ("datetime", "10000-01-01T00:00:00Z"),
        ("datetime", "2024-01-01T00:00:00+24:00"),
        ("datetime", "2024-01-01T00:00:00.0000001Z"),
        ("datetime", "2024-01-01T00:00:00 Europe/Berlin"),
        ("datetime", "now"),
        ("datetime", "infinity"),
        ("datetime", "epoch"),
    ],
)
def test_threat_42_a_day_or_a_moment_that_is_none(attack, client, empty, type_, given):
    table = empty(type_)
    body = {"table_id": table["id"], "fields": {"F": given}}

    attack(client, "POST", "/records", expect=422, json=body)
    for operator in ("eq", "gt", "lte"):
        params = {
            "table_id": table["id"],
            "filter": json.dumps({"F": {f"${operator}": given}}),
        }
        attack(client, "GET", "/records", expect=422, params=params)


@pytest.mark.parametrize(
    ("type_", "given", "kept"),
    [
        ("date", "0001-01-01", "0001-01-01"),
        ("date", "9999-12-31", "9999-12-31"),
        ("date", "2000-02-29", "2000-02-29"),
        ("datetime", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("datetime", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("datetime", "9999-12-31T23:59:59+14:00", "9999-12-31T09:59:59Z"),
    ],
)
def test_threat_42_the_ends_of_the_calendar(client, type_, given, kept):
    table = client.table({"name": "F", "type": type_})

    record = client.record(table["id"], F=given)

    assert record["fields"]["F"] == kept
    for operator, total in (("eq", 1), ("lte", 1), ("gt", 0), ("neq", 0)):
        params = {
            "table_id": table["id"],
            "filter": json.dumps({"F": {f"${operator}": given}}),
        }
        assert made(client.get("/records", params=params))["total"] == total


@pytest.mark.parametrize(
    ("zone", "given"),
    [
        ("Europe/Berlin", "2024-03-31T02:30:00"),
        ("America/New_York", "2024-03-10T02:00:00"),
        ("Pacific/Apia", "2011-12-30T12:00:00"),  # a whole day that never was
        ("Asia/Tokyo", "0001-01-01T00:00:00"),
        ("America/New_York", "9999-12-31T23:59:59"),
    ],
)
def test_threat_42_a_time_that_a_zone_never_had(attack, client, empty, zone, given):
    table = empty("datetime", {"timezone": zone})
    body = {"table_id": table["id"], "fields": {"F": given}}

    attack(client, "POST", "/records", expect=422, json=body)


@pytest.mark.parametrize(
    "zone",
    [
        "../../etc/passwd",
        "/etc/localtime",
        "Europe/../../../etc/passwd",
        "Europe",
        "Europe/",
        ".",
        "europe\\berlin",
        "Europe/Berlin\0",
        "%s",
        "'; SET timezone TO 'x",
        "UTC+1000",
        "x" * 81,
    ],
)
def test_threat_42_a_zone_that_is_none(attack, client, table, zone):
    for type_ in ("date", "datetime"):
        body = {
            "table_id": table["id"],
            "name": "F",
            "type": type_,
            "options": {"timezone": zone},
        }
        attack(client, "POST", "/fields", expect=422, json=body)
