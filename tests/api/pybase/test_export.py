"""Exports: promised beyond the document; filter, sort and values are A-160 to A-192."""

import csv
import io
import json
import random
import time

import pytest

from projections.records import walk
from tests.client import ABSENT, Json, made, new_id

CHOICES = [{"name": name} for name in ("Open", "=Closed", "a, b")]
FIELDS: list[Json] = [
    {"name": "Name", "type": "text"},
    {"name": "Price", "type": "number"},
    {"name": "Done", "type": "checkbox"},
    {"name": "Day", "type": "date"},
    {"name": "At", "type": "datetime"},
    {"name": "Status", "type": "single_select", "options": {"choices": CHOICES}},
    {"name": "No", "type": "autonumber", "options": {"prefix": "N-"}},
]
TRICKS = [
    "=cmd|'/c calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    "\uff1d1+1",
    " =1",
    '"=1',
    ";=1",
    "a;=1",
    "a\n=1",
    'quote " comma , semicolon ;',
    "line\r\nline",
    "plain",
    "5-3",
    "Ärger 你好 🦄",
]


@pytest.fixture(scope="module")
def _kept():
    return {}


@pytest.fixture
def table(client, _kept):
    """A table of 120 records and links, made once: these tests only read it."""
    if "table" not in _kept:
        dice = random.Random(45)
        made_one = client.table(*FIELDS)
        client.field(
            made_one["id"],
            "Link",
            "linked_record",
            options={"linked_table_id": made_one["id"], "reverse_name": "Back"},
        )
        rows = client.records(made_one["id"], *[some_row(dice) for _ in range(120)])
        linked = [rows[5]["id"], rows[3]["id"]]
        made(
            client.patch(f"/records/{rows[0]['id']}", json={"fields": {"Link": linked}})
        )
        _kept["table"] = made_one
    return _kept["table"]


def some_row(dice):
    row = {
        "Name": dice.choice([None, *TRICKS]),
        "Price": dice.choice([None, -5, 0, 0.00001, 29.99, 123456789012345678.25]),
        "Done": dice.choice([None, True, False]),
        "Day": dice.choice([None, "2024-02-29", "0999-12-31"]),
        "At": dice.choice([None, "2024-01-01T10:00:00Z", "2024-01-01T10:00:00.25Z"]),
        "Status": dice.choice([None, "Open", "=Closed", "a, b"]),
    }
    return {name: value for name, value in row.items() if value is not None}


def export(client, table, **query):
    shown = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in query.items()
    }
    return client.get("/records/export", params={"table_id": table["id"], **shown})


def rows_of(reply):
    """A CSV reply's lines, as RFC 4180 reads them."""
    assert reply.status_code == 200, reply.text
    text = reply.content.decode("utf-8")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def listed(client, table, **query):
    shown = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in query.items()
    }
    params = {"table_id": table["id"], "limit": 1000, **shown}
    return made(client.get("/records", params=params))["items"]


QUERIES: list[Json] = [
    {},
    {"filter": {"Done": True}},
    {"filter": {"Name": {"$contains": "="}}, "fields": "Name"},
    {"sort": [{"field": "Price", "direction": "desc"}]},
    {"sort": [{"field": "Name"}, {"field": "Day", "direction": "desc"}]},
    {"sort": [{"field": "Status"}], "filter": {"Price": {"$gte": 0}}},
    {"fields": "Price,No", "sort": [{"field": "No", "direction": "desc"}]},
    {"filter": {"Name": "nobody"}},
]


@pytest.mark.parametrize("query", QUERIES, ids=json.dumps)
@pytest.mark.parametrize("ids", [7, 20_000])
def test_a_160_json_is_the_whole_list(client, table, query, ids, monkeypatch):
    monkeypatch.setattr(walk, "IDS", ids)

    reply = export(client, table, format="json", **query)

    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == listed(client, table, **query)


@pytest.mark.parametrize("query", QUERIES, ids=json.dumps)
def test_a_160_csv_and_json_agree(client, table, query):
    reply = export(client, table, format="json", **query)
    records = json.loads(reply.content, parse_int=str, parse_float=str)
    names = query.get("fields", "")
    names = (
        names.split(",") if names else [one["name"] for one in _fields(client, table)]
    )

    head, *lines = rows_of(export(client, table, **query))

    assert head == names
    assert [[unguarded(cell) for cell in line] for line in lines] == [
        [shown(one["fields"][name]) for name in names] for one in records
    ]


def _fields(client, table):
    return made(client.get(f"/tables/{table['id']}"))["fields"]


def shown(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else value


def unguarded(cell):
    """Without the apostrophes that keep a text from being run; none was there."""
    return cell.replace("'", "").replace("=cmd|/c calc!", "=cmd|'/c calc'!")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|'/c calc'!A0", "'=cmd|'/c calc'!A0"),
        ("+1", "'+1"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\uff20x", "'\uff20x"),
        ("  =1", "'  =1"),
        ('"=1"', '\'"=1"'),
        (";=1", ";'=1"),
        ("a;=1", "a;'=1"),
        ("a\n=1", "a\n'=1"),
        ("a\t-1", "a\t'-1"),
        ("a, b", "a, b"),
        ('say "x"', 'say "x"'),
        ("5-3=2", "5-3=2"),
        ("'quoted", "'quoted"),
        ("a\r\nb", "a\r\nb"),
    ],
    ids=repr,
)
def test_threat_45_a_text_is_never_a_formula_and_json_has_it_as_it_is(
    client, kept_base, text, cell
):
    table = client.table("Name", base_id=kept_base, name=new_id())
    client.record(table["id"], Name=text)

    assert rows_of(export(client, table)) == [["Name"], [cell]]
    (one,) = export(client, table, format="json").json()
    assert one["fields"] == {"Name": text}


def test_threat_45_numbers_stay_numbers_and_names_are_guarded(newcomer):
    table = newcomer.table(
        {"name": "=Price()", "type": "number"}, {"name": "@x,y", "type": "text"}
    )
    newcomer.record(table["id"], **{"=Price()": -5})

    reply = export(newcomer, table)

    assert reply.content == b"'=Price(),\"'@x,y\"\r\n-5,\r\n"


def test_threat_45_a_long_run_of_what_is_passed_over_takes_no_time(newcomer):
    table = newcomer.table({"name": "Name", "type": "long_text"})
    newcomer.record(table["id"], Name=("\n" + " " * 400) * 2000)
    started = time.monotonic()

    assert export(newcomer, table).status_code == 200
    assert time.monotonic() - started < 5


def test_an_export_is_a_file(newcomer):
    base = newcomer.base()
    for name, plain, encoded in [
        ("Things", "Things", "Things"),
        ('Prüf/..;\r\n "x"', "Pr_f_..___ _x_", "Pr%C3%BCf_..___%20_x_"),
        ("表", "_", "%E8%A1%A8"),
    ]:
        table = newcomer.table("Name", base_id=base["id"], name=name)
        reply = export(newcomer, table)
        assert reply.headers["content-disposition"] == (
            f'attachment; filename="export_{plain}.csv";'
            f" filename*=UTF-8''export_{encoded}.csv"
        )
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["content-type"].startswith("text/csv")


def test_nothing_to_export_is_a_file_too(newcomer):
    table = newcomer.table("A", "B")

    assert export(newcomer, table).content == b"A,B\r\n"
    assert export(newcomer, table, format="json").json() == []
    assert newcomer.head(f"/records/export?table_id={table['id']}").content == b""


def test_a_body_says_the_same_as_a_query(client, table):
    body = {
        "table_id": table["id"],
        "format": "json",
        "filter": {"Done": True},
        "sort": [{"field": "Price", "direction": "desc"}],
        "fields": ["Name", "Price"],
    }
    query = {
        "format": "json",
        "filter": body["filter"],
        "sort": body["sort"],
        "fields": "Name,Price",
    }

    by_body = client.post("/records/export", json=body)
    by_query = client.post(
        "/records/export",
        params={
            "table_id": table["id"],
            **{
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in query.items()
            },
        },
    )

    assert by_body.status_code == by_query.status_code == 200
    assert by_body.json() == by_query.json()
    assert by_body.json() == export(client, table, **query).json() != []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 200),
        ({"format": "xlsx"}, 422),
        ({"filter": '{"Nope":1}'}, 422),
        ({"filter": "{"}, 422),
        ({"sort": '[{"field":"Link"}]'}, 422),
        ({"fields": "Nope"}, 422),
        ({"table_id": "x"}, 400),
        ({"table_id": ABSENT}, 404),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_before_anything_is_sent(
    client, table, method, query, status
):
    params = {"table_id": table["id"], **query}

    reply = client.request(method, "/records/export", params=params)

    assert reply.status_code == status
    assert status == 200 or set(reply.json()) >= {"detail", "code"}


def test_a_table_has_to_be_named(client):
    for reply in (
        client.get("/records/export"),
        client.post("/records/export", json={"format": "csv"}),
    ):
        assert (reply.status_code, reply.json()["errors"][0]["loc"]) == (
            422,
            ["table_id"],
        )


# --------------------------------------------------------------- while it is sent


@pytest.fixture
def broad(newcomer):
    """A table whose export is more than sockets and buffers hold."""
    table = newcomer.table({"name": "Text", "type": "long_text"}, "Other")
    for _ in range(15):
        rows = [{"Text": "x" * 100_000, "Other": "before"} for _ in range(20)]
        newcomer.records(table["id"], *rows)
    return table


def begun(client, table):
    """An export whose first bytes have come, and that waits for its reader."""
    stream = client.stream(
        "GET", "/records/export", params={"table_id": table["id"], "format": "json"}
    )
    reply = stream.__enter__()
    assert reply.status_code == 200
    parts = reply.iter_bytes(1000)
    return stream, next(parts), parts


def test_a_174_an_export_is_of_one_moment_and_holds_nobody_up(newcomer, broad):
    stream, first, parts = begun(newcomer, broad)
    *_, last = listed(newcomer, broad, fields="Other")

    newcomer.record(broad["id"], Other="after")
    newcomer.patch(f"/records/{last['id']}", json={"fields": {"Other": "after"}})
    newcomer.field(broad["id"], "New")  # a table's column is added meanwhile
    made(newcomer.patch(f"/fields/{broad['ids']['Other']}", json={"name": "Renamed"}))
    records = json.loads(first + b"".join(parts))
    stream.__exit__(None, None, None)

    assert len(records) == 300
    assert {one["fields"]["Other"] for one in records} == {"before"}
    assert {tuple(one["fields"]) for one in records} == {("Text", "Other")}


def test_an_export_whose_reader_goes_lets_go_of_everything(newcomer, broad, server):
    before = server.system.long_reads._value
    stream, _, _ = begun(newcomer, broad)
    assert server.system.long_reads._value == before - 1

    stream.__exit__(None, None, None)

    deadline = time.monotonic() + 10
    while server.system.long_reads._value < before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.system.long_reads._value == before


def test_exports_beyond_the_most_are_told_to_come_again(newcomer, broad):
    streams = [begun(newcomer, broad) for _ in range(4)]
    try:
        reply = export(newcomer, broad)
    finally:
        for stream, *_ in streams:
            stream.__exit__(None, None, None)

    assert (reply.status_code, reply.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert reply.headers["retry-after"] == "1"


def test_an_export_that_cannot_be_ended_is_broken_off(newcomer, broad, monkeypatch):
    stream, first, parts = begun(newcomer, broad)

    async def fails(*_):
        raise LookupError("planted")

    monkeypatch.setattr(walk, "_texts", fails)
    with pytest.raises(Exception, match=r"peer|incomplete|closed"):
        json.loads(first + b"".join(parts))
    stream.__exit__(None, None, None)
