"""Files of rows into a table: looked at first, or all of it in one batch."""

import asyncio
import json
import socket
import threading
import time

import psycopg
import pytest

from tests.client import ABSENT, Client, made

CSV = "Name,Price\nGear,12.5\nNut,3\n"


def send(caller, table_id, content, *, query=None, headers=None, **form):
    """Imports a file; `form` holds the other fields of the form."""
    data = content if isinstance(content, bytes) else content.encode()
    fields = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in form.items()
    }
    return caller.post(
        f"/tables/{table_id}/import",
        params=query,
        files={"file": ("rows.csv", data, "text/csv")},
        data=fields,
        headers=headers,
        timeout=100,
    )


def rows(caller, table_id):
    body = made(caller.get("/records", params={"table_id": table_id, "limit": 1000}))
    return [one["fields"] for one in body["items"]]


def problems(reply):
    return [(one["row"], one["column"], one["msg"]) for one in reply.json()["errors"]]


@pytest.fixture
def parts(client):
    """A table of two fields."""
    return client.table("Name", {"name": "Price", "type": "number"})


@pytest.fixture(scope="module")
def kept_parts(client):
    """The same for files of which nothing is taken."""
    return client.table("Name", {"name": "Price", "type": "number"})


# ------------------------------------------------- who is nobody, or may not write


def test_nobody_imports(anonymous):
    assert send(anonymous, ABSENT, CSV).status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter"])
def test_who_only_reads_imports_nothing(client, member, happened, parts, role):
    one = member(parts["workspace_id"], role)
    before = happened(parts["workspace_id"])

    replies = [send(one, parts["id"], CSV), send(one, parts["id"], CSV, preview=True)]

    assert [reply.status_code for reply in replies] == [403, 403]
    assert happened(parts["workspace_id"]) == before


def test_an_editor_imports_and_makes_no_field(client, member, happened, parts):
    one = member(parts["workspace_id"], "editor")
    new = {"Price": {"new": {"name": "Cost", "type": "number"}}}
    before = client.position(parts["workspace_id"])

    refused = send(one, parts["id"], CSV, mapping=new)

    assert refused.status_code == 403
    assert happened(parts["workspace_id"], before) == []
    assert send(one, parts["id"], CSV).status_code == 201


def test_a_strangers_table_is_no_table(stranger, parts):
    there = send(stranger, parts["id"], CSV)
    nowhere = send(stranger, ABSENT, CSV)

    assert there.status_code == nowhere.status_code == 404
    assert there.json() == nowhere.json()


# ---------------------------------------------------------------------- preview


def test_a_preview_tells_what_there_is_and_writes_nothing(client, happened, things):
    content = (
        "name,Amount,Ready,day,Since,Colour,Remark\n"
        + '"Gear, big",1.5,true,2024-01-31,2024-01-31T10:00:00Z,red,"a\nb"\n'
        + "Nut,2,false,2024-02-01,2024-01-31T10:00:00Z,red,\n"
        + "Bolt,,TRUE,2024-02-01,2024-01-31 10:00:00,red,c\n"
    )
    before = happened(things["workspace_id"])

    reply = send(client, things["id"], content, preview=True)

    assert reply.status_code == 200
    assert reply.json() == {
        "dialect": {"delimiter": ",", "quote": '"'},
        "encoding": "utf-8",
        "header": True,
        "columns": [
            column("name", "text", things["ids"]["Name"]),
            column("Amount", "number"),
            column("Ready", "checkbox"),
            column("day", "date", things["ids"]["Day"]),
            column("Since", "datetime"),
            column("Colour", "single_select", choices=[{"name": "red"}]),
            column("Remark", "long_text"),
        ],
        "mapping": {
            "name": "Name",
            "Amount": None,
            "Ready": None,
            "day": "Day",
            "Since": None,
            "Colour": None,
            "Remark": None,
        },
        "rows": [
            [
                "Gear, big",
                "1.5",
                "true",
                "2024-01-31",
                "2024-01-31T10:00:00Z",
                "red",
                "a\nb",
            ],
            ["Nut", "2", "false", "2024-02-01", "2024-01-31T10:00:00Z", "red", ""],
            ["Bolt", "", "TRUE", "2024-02-01", "2024-01-31 10:00:00", "red", "c"],
        ],
    }
    assert happened(things["workspace_id"]) == before
    assert "x-position" not in reply.headers


def column(name, kind, field_id=None, **options):
    return {"name": name, "type": kind, "options": options, "field_id": field_id}


def test_a_preview_may_be_asked_for_in_the_query(client, parts):
    reply = send(client, parts["id"], CSV, query={"preview": "true"})

    assert reply.status_code == 200
    assert rows(client, parts["id"]) == []


@pytest.mark.parametrize(
    ("delimiter", "quote"),
    [(",", '"'), (";", '"'), ("\t", '"'), ("|", '"'), (";", "'")],
)
def test_the_dialect_is_found_out(client, parts, delimiter, quote):
    line = delimiter.join([f"{quote}Gear{delimiter} big{quote}", "12.5"])
    content = f"Name{delimiter}Price\r\n{line}\r\n{line}\r\n"

    seen = made(send(client, parts["id"], content, preview=True))
    made(send(client, parts["id"], content))

    assert seen["dialect"] == {"delimiter": delimiter, "quote": quote}
    gear = {"Name": f"Gear{delimiter} big", "Price": 12.5}
    assert rows(client, parts["id"]) == [gear, gear]


def test_a_file_of_one_column_has_one(client, parts):
    seen = made(send(client, parts["id"], "Name\nGear\nNut\n", preview=True))

    assert [one["name"] for one in seen["columns"]] == ["Name"]
    assert seen["rows"] == [["Gear"], ["Nut"]]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("cp1252", "windows-1252"),
    ],
)
def test_the_encoding_is_found_out(client, parts, encoding, name):
    content = "Name,Price\nZahnrad für €,1\n".encode(encoding)

    seen = made(send(client, parts["id"], content, preview=True))
    made(send(client, parts["id"], content))

    assert seen["encoding"] == name
    assert [one["name"] for one in seen["columns"]] == ["Name", "Price"]
    assert rows(client, parts["id"]) == [{"Name": "Zahnrad für €", "Price": 1}]


def test_big_endian_utf_16_is_read_too(client, parts):
    content = b"\xfe\xff" + CSV.encode("utf-16-be")

    assert made(send(client, parts["id"], content))["imported"] == 2


def test_one_letter_late_in_the_file_makes_it_windows_1252(client, parts):
    plain = "".join(f"Part {number},1\n" for number in range(20_000))
    content = f"Name,Price\n{plain}Schl\u00fcssel,1\n".encode("cp1252")

    seen = made(send(client, parts["id"], content, preview=True))

    assert seen["encoding"] == "windows-1252"


def test_what_is_said_is_not_guessed(client, parts):
    content = "Gear;1\nNut;2\n"

    seen = made(
        send(
            client,
            parts["id"],
            content,
            preview=True,
            header=True,
            delimiter="|",
            encoding="windows-1252",
        )
    )

    assert seen["dialect"]["delimiter"] == "|"
    assert seen["header"] is True
    assert seen["encoding"] == "windows-1252"
    assert [one["name"] for one in seen["columns"]] == ["Gear;1"]


def test_a_file_without_a_header_has_numbered_columns(client, parts):
    content = "Gear,1\nNut,2\n"

    seen = made(send(client, parts["id"], content, preview=True))
    mapping = {"Column 1": "Name", "Column 2": "Price"}
    made(send(client, parts["id"], content, mapping=mapping))

    assert seen["header"] is False
    assert [one["name"] for one in seen["columns"]] == ["Column 1", "Column 2"]
    assert rows(client, parts["id"]) == [
        {"Name": "Gear", "Price": 1},
        {"Name": "Nut", "Price": 2},
    ]


def test_columns_of_one_name_are_told_apart(client, parts):
    seen = made(
        send(client, parts["id"], "Name,,name\na,b,c\n", preview=True, header=True)
    )

    assert [one["name"] for one in seen["columns"]] == ["Name", "Column 2", "name 2"]


def test_numbers_with_leading_zeros_are_taken_for_text(client, parts):
    seen = made(send(client, parts["id"], "Zip\n01234\n90210\n", preview=True))

    assert seen["columns"][0]["type"] == "text"


# ----------------------------------------------------------------------- import


def test_a_file_is_one_batch_in_its_order(client, recorded_events, parts):
    before = client.position(parts["workspace_id"])

    reply = send(client, parts["id"], CSV)

    assert reply.status_code == 201
    body = reply.json()
    assert body == {
        "imported": 2,
        "position": before + 2,
        "batch_id": body["batch_id"],
        "fields_created": [],
    }
    assert reply.headers["x-batch-id"] == body["batch_id"]
    assert reply.headers["x-position"] == str(before + 2)
    events = recorded_events(parts["workspace_id"], before)
    assert [one["type"] for one in events] == ["record.created"] * 2
    assert {one["batch_id"] for one in events} == {body["batch_id"]}
    assert [(one["batch_index"], one["batch_size"]) for one in events] == [
        (0, 2),
        (1, 2),
    ]
    assert rows(client, parts["id"]) == [
        {"Name": "Gear", "Price": 12.5},
        {"Name": "Nut", "Price": 3},
    ]


def test_every_type_is_read_from_its_text(client, things):
    content = (
        "Name,Notes,Price,In Stock,Day,At,Status\n"
        " Gear ,a\u2028b, -0.50 ,YES,2024-02-29,2024-01-31 10:00:00+01:00,Open\n"
        "Nut,,1e3,0,,,\n"
        "Bolt,,12345678901234567890.123,,,2024-01-31T10:00:00.5Z,Closed\n"
    )

    made(send(client, things["id"], content))

    found = rows(client, things["id"])
    assert [one.pop("No") for one in found] == [1, 2, 3]
    assert found[0] == {
        "Name": " Gear ",
        "Notes": "a\u2028b",
        "Price": -0.5,
        "In Stock": True,
        "Day": "2024-02-29",
        "At": "2024-01-31T09:00:00Z",
        "Status": "Open",
    }
    assert found[1] == {
        "Name": "Nut",
        "Notes": None,
        "Price": 1000,
        "In Stock": False,
        "Day": None,
        "At": None,
        "Status": None,
    }
    assert found[2]["At"] == "2024-01-31T10:00:00.5Z"
    listed = client.get("/records", params={"table_id": things["id"]}).text
    assert '"Price":12345678901234567890.123' in listed


def test_names_are_found_in_any_case_and_a_mapping_wins(client, parts):
    content = "NAME,price,Other\nGear,1,2\n"
    mapping = {"price": None, "Other": parts["ids"]["Price"]}

    made(send(client, parts["id"], content, mapping=mapping))

    assert rows(client, parts["id"]) == [{"Name": "Gear", "Price": 2}]


def test_short_rows_and_empty_lines_are_no_harm(client, parts):
    made(send(client, parts["id"], "Name,Price\nGear\n\n\nNut,2,,\n"))

    assert rows(client, parts["id"]) == [
        {"Name": "Gear", "Price": None},
        {"Name": "Nut", "Price": 2},
    ]


def test_a_new_field_is_made_in_the_same_batch(client, recorded_events, parts):
    before = client.position(parts["workspace_id"])
    mapping = {
        "Weight": {"new": {"name": "Kilos", "type": "number"}},
        "Kind": {"new": {"name": "Kind", "type": "single_select"}},
    }

    body = made(
        send(
            client,
            parts["id"],
            "Name,Weight,Kind\nGear,1.5,metal\nNut,,wood\nBolt,2,metal\n",
            mapping=mapping,
        )
    )

    assert [(one["name"], one["type"]) for one in body["fields_created"]] == [
        ("Kilos", "number"),
        ("Kind", "single_select"),
    ]
    choices = body["fields_created"][1]["options"]["choices"]
    assert [one["name"] for one in choices] == ["metal", "wood"]
    events = recorded_events(parts["workspace_id"], before)
    assert [one["type"] for one in events] == [
        *["field.created"] * 2,
        *["record.created"] * 3,
    ]
    assert {one["batch_id"] for one in events} == {body["batch_id"]}
    assert [one["batch_index"] for one in events] == [0, 1, 2, 3, 4]
    assert body["position"] == before + 5
    assert rows(client, parts["id"]) == [
        {"Name": "Gear", "Price": None, "Kilos": 1.5, "Kind": "metal"},
        {"Name": "Nut", "Price": None, "Kilos": None, "Kind": "wood"},
        {"Name": "Bolt", "Price": None, "Kilos": 2, "Kind": "metal"},
    ]


def test_a_first_import_may_make_every_field(client):
    table = client.table()
    mapping = {"Name": {"new": {"name": "Name", "type": "text", "required": True}}}

    made(send(client, table["id"], "Name\nGear\n", mapping=mapping))

    assert rows(client, table["id"]) == [{"Name": "Gear"}]


def test_links_are_made_at_both_ends(client, recorded_events):
    target = client.table("Name", name="Makers")
    makers = client.records(target["id"], {"Name": "a"}, {"Name": "b"})
    table = client.table(
        "Name",
        {
            "name": "Makers",
            "type": "linked_record",
            "options": {"linked_table_id": target["id"], "reverse_name": "Parts"},
        },
        base_id=target["base_id"],
        name="Parts",
    )
    one, two = (maker["id"] for maker in makers)
    before = client.position(table["workspace_id"])

    body = made(
        send(
            client,
            table["id"],
            f'Name,Makers\nGear,"{one}, {two}"\nNut,{two}\nBolt,\n',
        )
    )

    assert body["position"] == before + 6
    events = recorded_events(table["workspace_id"], before)
    assert [one["type"] for one in events] == [
        "record.created",
        "record.links_changed",
        "record.links_changed",
        "record.created",
        "record.links_changed",
        "record.created",
    ]
    gear, nut, bolt = rows(client, table["id"])
    assert gear["Makers"] == [one, two]
    assert nut["Makers"] == [two]
    assert bolt["Makers"] is None
    parts = made(client.get(f"/records/{two}"))
    assert len(parts["fields"]["Parts"]) == 2
    assert parts["version"] == 3


def test_a_link_to_nothing_names_its_row(client, happened):
    target = client.table("Name", name="Makers")
    link = {"linked_table_id": target["id"]}
    table = client.table(
        "Name",
        {"name": "Maker", "type": "linked_record", "options": link},
        base_id=target["base_id"],
    )
    before = client.position(table["workspace_id"])
    many = "".join(f"Part {number},\n" for number in range(600))

    reply = send(client, table["id"], f"Name,Maker\n{many}Gear,{ABSENT}\n")

    assert reply.status_code == 409
    body = reply.json()
    assert (body["code"], body["row"], body["field"]) == (
        "FOREIGN_KEY_VIOLATION",
        602,
        "Maker",
    )
    assert happened(table["workspace_id"], before) == []


# --------------------------------------------------------------------- mappings


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({"Colour": "Name"}, "no such column"),
        ({"Name": "Colour"}, "no such field"),
        ({"Name": "Price"}, "already"),
        ({"Price": {"new": {"name": "Link", "type": "linked_record"}}}, "makes no"),
        ({"Price": {"new": {"name": "No", "type": "autonumber"}}}, "makes no"),
        ({"Name": None, "Price": None}, "No column"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(client, happened, parts, mapping, told):
    before = happened(parts["workspace_id"])

    reply = send(client, parts["id"], CSV, mapping=mapping)

    assert reply.status_code == 422
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert told in reply.json()["errors"][0]["msg"]
    assert reply.json()["errors"][0]["loc"][0] == "mapping"
    assert happened(parts["workspace_id"]) == before


def test_a_column_without_a_field_is_never_dropped_in_silence(client, parts):
    reply = send(client, parts["id"], "Name,Colour\nGear,red\n")

    assert reply.status_code == 422
    assert reply.json()["errors"][0]["loc"] == ["mapping", "Colour"]
    assert made(
        send(client, parts["id"], "Name,Colour\nGear,red\n", mapping={"Colour": None})
    )


def test_a_read_only_field_takes_no_column(client, things):
    seen = made(send(client, things["id"], "Name,No\nGear,1\n", preview=True))
    reply = send(client, things["id"], "Name,No\nGear,1\n", mapping={"No": "No"})

    assert seen["mapping"] == {"Name": "Name", "No": None}
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["msg"] == "The field is read-only"


def test_a_required_field_needs_a_column(client):
    table = client.table("Name", {"name": "Code", "type": "text", "required": True})

    reply = send(client, table["id"], "Name\nGear\n")

    assert reply.status_code == 422
    assert reply.json()["errors"] == [
        {
            "loc": ["mapping"],
            "msg": "No column goes into the required field Code",
            "type": "value_error.required",
        }
    ]


@pytest.mark.parametrize(
    ("mapping", "status"),
    [
        ("{", 400),
        ("[]", 422),
        ('{"Name": 1}', 422),
        ('{"Name": {"new": 1}}', 422),
        ('{"Name": {"new": {"name": "x"}}}', 422),
        ('{"Name": {"new": {"name": "x", "type": "nothing"}}}', 422),
        ('{"Name": {"new": {"name": "Price", "type": "text"}}}', 409),
        ('{"Name": "\\ud800"}', 422),
    ],
)
def test_a_mapping_that_cannot_be_read_is_refused(client, kept_parts, mapping, status):
    reply = send(client, kept_parts["id"], CSV, mapping=mapping)

    assert reply.status_code == status
    assert rows(client, kept_parts["id"]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("preview", "maybe"),
        ("header", "2"),
        ("delimiter", "x"),
        ("encoding", "ebcdic"),
    ],
)
def test_a_word_that_is_none_is_refused(client, parts, name, value):
    reply = send(client, parts["id"], CSV, **{name: value})

    assert reply.status_code == 422
    assert reply.json()["errors"][0]["loc"] == [name]


# --------------------------------------------------------------- rows that are bad


def test_what_is_wrong_is_told_by_row_and_column(client, happened, things):
    before = happened(things["workspace_id"])
    content = (
        "Name,Amount,In Stock,Day,At,Status\n"
        '"two\nlines","1,234.5",maybe,2024-02-30,today,Open\n'
        "\n"
        "Nut,0x10,true,2024-02-01,,Lost\n"
    )

    reply = send(client, things["id"], content, mapping={"Amount": "Price"})

    assert reply.status_code == 422
    body = reply.json()
    assert body["code"] == "VALIDATION_ERROR"
    assert body["total"] == 6
    assert problems(reply) == [
        (2, "Amount", "Value must be a number"),
        (2, "In Stock", "Value must be true or false"),
        (2, "Day", "Value is not a real day"),
        (2, "At", "Value must be a date and time such as 2024-01-31T10:00:00Z"),
        (4, "Amount", "Value must be a number"),
        (4, "Status", "Value must match one of the defined choices"),
    ]
    assert body["errors"][0]["loc"] == [2, "Amount"]
    assert body["errors"][0]["type"] == "type_error.number"
    assert happened(things["workspace_id"]) == before


@pytest.mark.parametrize(
    "text",
    [
        "1,234.5",
        "+1",
        "01",
        ".5",
        "5.",
        "1 000",
        "\u0661",
        "NaN",
        "Infinity",
        "1e999999999999999999999",
        "1" * 500,
        "0x1f",
        "--1",
        "1e",
    ],
)
def test_only_plain_numbers_are_numbers(client, kept_parts, text):
    reply = send(client, kept_parts["id"], f'Name,Price\nGear,"{text}"\n')

    assert reply.status_code == 422
    assert problems(reply)[0][:2] == (2, "Price")


def test_the_first_hundred_are_told_and_all_are_counted(client, parts):
    bad = "".join(f"Part {number},x\n" for number in range(1000))

    reply = send(client, parts["id"], f"Name,Price\n{bad}")

    assert reply.json()["total"] == 1000
    assert reply.json()["detail"] == "1,000 values cannot be imported"
    assert len(reply.json()["errors"]) == 100
    assert problems(reply)[99] == (101, "Price", "Value must be a number")


def test_an_empty_required_cell_is_told_with_its_row(client):
    table = client.table(
        {"name": "Name", "type": "text", "required": True},
        {"name": "Price", "type": "number", "required": True},
    )

    reply = send(client, table["id"], "Name,Price\nGear,1\n,2\nNut,\nBolt,x\n")

    assert reply.status_code == 422
    assert problems(reply) == [
        (3, "Name", "Field is required"),
        (4, "Price", "Field is required"),
        (5, "Price", "Value must be a number"),
    ]
    assert rows(client, table["id"]) == []


def test_a_bad_row_fifty_thousand_writes_nothing(client, happened, parts):
    before = client.position(parts["workspace_id"])
    good = "".join(f"Part {number},{number}\n" for number in range(49_999))

    reply = send(client, parts["id"], f"Name,Price\n{good}Gear,x\n")

    assert reply.status_code == 422
    assert problems(reply) == [(50_001, "Price", "Value must be a number")]
    assert happened(parts["workspace_id"], before) == []
    assert rows(client, parts["id"]) == []


def test_values_that_are_there_already_are_told_with_their_rows(client, happened):
    table = client.table("Name", {"name": "No", "type": "number"})
    client.constraint(
        table["ids"]["Name"],
        case_sensitive=False,
        error_message="{value} is in {field_name} already",
    )
    client.records(table["id"], {"Name": "Gear"}, {"Name": "Nut"})
    before = client.position(table["workspace_id"])

    reply = send(client, table["id"], "Name,No\nBolt,1\nGEAR,2\nbolt,3\nnut,4\n")

    assert reply.status_code == 409
    body = reply.json()
    assert body["code"] == "DUPLICATE_VALUE"
    assert body["total"] == 3
    assert sorted(problems(reply)) == [
        (3, "Name", "GEAR is in Name already"),
        (4, "Name", "bolt is in Name already"),
        (5, "Name", "nut is in Name already"),
    ]
    assert (body["field"], body["value"], body["row"]) == ("Name", "bolt", 4)
    assert happened(table["workspace_id"], before) == []


def test_unique_values_across_many_slices_are_kept_unique(client):
    table = client.table("Name")
    client.constraint(table["ids"]["Name"])
    content = "Name\n" + "".join(f"Part {number}\n" for number in range(3000))

    made(send(client, table["id"], content, header=True))
    again = send(client, table["id"], content, header=True)

    assert again.status_code == 409
    assert again.json()["total"] == 3000
    one = client.post(
        "/records", json={"table_id": table["id"], "fields": {"Name": "Part 2999"}}
    )
    assert one.status_code == 409


def test_a_value_taken_while_the_file_is_read_is_told_by_the_committer(
    client, server, happened
):
    """The look beforehand is a courtesy; under the lock it is decided."""
    table = client.table("Name", {"name": "No", "type": "number"})
    client.constraint(table["ids"]["Name"])
    content = "Name,No\n" + "".join(f"Part {number},1\n" for number in range(5000))
    ask = server.system.reader.ask
    taken: list[bool] = []

    async def ask_and_lose(caller, workspace_id, plan, **more):
        found = await ask(caller, workspace_id, plan, **more)
        if plan(found.catalog) and not taken:
            taken.append(True)
            thread = threading.Thread(target=client_takes)
            thread.start()
            while thread.is_alive():
                await asyncio.sleep(0.01)
        return found

    def client_takes():
        with Client(server.url) as other:
            other.headers["authorization"] = client.headers["authorization"]
            other.record(table["id"], Name="Part 700")

    server.system.reader.ask = ask_and_lose
    try:
        reply = send(client, table["id"], content)
    finally:
        del server.system.reader.ask

    assert taken == [True]
    assert reply.status_code == 409
    assert (reply.json()["code"], reply.json()["row"]) == ("DUPLICATE_VALUE", 702)
    assert len(rows(client, table["id"])) == 1


# -------------------------------------------------------------- files that are none


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\n\n \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"Name,Price\n", "no rows"),
        (b"Name,Price\nGe\0ar,1\n", "NUL"),
        (b"Name,Price\nGe\xed\xa0\x80ar,1\n", "surrogate"),
        (b"\xff\xfeN\x00\x00\xd8a\x00", "UTF-16"),
        (b"\xff\xfeN\x00\x00\x00a\x00", "NUL"),
        (b"\xff\xfeN\x00a", "UTF-16"),
        (b"\xef\xbb\xbfName\nGe\xffar\n", "UTF-8"),
        (b"Name,Price\nGe\x81ar,1\n", "encoding"),
        (b'Name,Price\n"Gear,1\n', "Row 2"),
        (b'Name,Price\n"Gear"x,1\n', "Row 2"),
        (b"Name,Price\nGear,1,2\n", "Row 2"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "NUL"),
        (("Name," * 401).encode() + b"\n1\n", "columns"),
        (b"Name,Price\n" + b"x" * 2_000_001 + b",1\n", "Row 2"),
        (b'Name,Price\n"' + b"x\n" * 1_000_001 + b'",1\n', "Row 2"),
        (b"Name,Price\n" + b"\n" * 200_001 + b"Gear,1\n", "200,000"),
    ],
)
def test_what_is_no_file_of_rows_is_refused(
    client, happened, kept_parts, content, told
):
    before = happened(kept_parts["workspace_id"])

    reply = send(client, kept_parts["id"], content, header=True)

    assert reply.status_code == 422, reply.text
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert told in reply.json()["detail"]
    assert happened(kept_parts["workspace_id"]) == before


def test_two_hundred_thousand_rows_are_the_most(client, parts):
    content = "Name\n" + "x\n" * 200_001

    reply = send(client, parts["id"], content, header=True)

    assert reply.status_code == 422
    assert reply.json()["detail"] == "Row 200002: There are more than 200,000 rows"


# ------------------------------------------------------------------- forms


def raw(caller, table_id, content, boundary="b", **headers):
    return caller.post(
        f"/tables/{table_id}/import",
        content=content,
        headers={
            "content-type": f"multipart/form-data; boundary={boundary}",
            **headers,
        },
    )


PART = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\nName\r\nGear\r\n"
)


def test_a_form_may_be_written_by_hand(client, parts):
    assert raw(client, parts["id"], PART + b"--b--\r\n").status_code == 201
    assert rows(client, parts["id"]) == [{"Name": "Gear", "Price": None}]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"Name\nGear\n", 400),
        (PART, 400),
        (PART + b"--b\r\n", 400),
        (PART.replace(b"form-data", b"attachment") + b"--b--\r\n", 400),
        (PART.replace(b' name="file";', b"") + b"--b--\r\n", 400),
        (PART.replace(b'"file"', b'"other"') + b"--b--\r\n", 422),
        (PART + PART + b"--b--\r\n", 422),
        (PART.replace(b"Content-Type: ", b"X: " + b"x" * 9000) + b"--b--\r\n", 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="mapping"\r\n\r\n\xff\r\n'
            + PART
            + b"--b--\r\n",
            400,
        ),
    ],
)
def test_what_is_no_form_is_refused(client, kept_parts, content, status):
    assert raw(client, kept_parts["id"], content).status_code == status
    assert rows(client, kept_parts["id"]) == []


def test_a_body_of_another_kind_is_not_taken(client, parts):
    path = f"/tables/{parts['id']}/import"

    assert client.post(path, json={"file": "x"}).status_code == 415
    assert client.post(path, data={"file": "x"}).status_code == 415
    assert client.post(path).status_code == 415
    kind = {"content-type": "multipart/form-data"}
    assert client.post(path, content=PART, headers=kind).status_code == 400


def test_a_compressed_form_is_not_taken(client, parts):
    reply = raw(client, parts["id"], PART, **{"content-encoding": "gzip"})

    assert reply.status_code == 422


# ------------------------------------------------------------ once, or not at all


def test_the_same_key_and_file_import_once(client, parts):
    key = {"idempotency-key": f"import-{parts['id']}"}

    first = send(client, parts["id"], CSV, headers=key)
    again = send(client, parts["id"], CSV, headers=key)
    other = send(client, parts["id"], CSV + "Bolt,1\n", headers=key)

    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422
    assert other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert len(rows(client, parts["id"])) == 2


def test_a_client_that_goes_in_the_middle_leaves_nothing(client, happened, parts):
    before = happened(parts["workspace_id"])
    host, port = client.base_url.host, client.base_url.port
    head = (
        f"POST /api/v1/tables/{parts['id']}/import HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: {client.headers['authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n"
        "Content-Length: 1000000\r\n\r\n"
    )
    with socket.create_connection((host, port)) as connection:
        connection.sendall(head.encode() + PART + b"x\n" * 10_000)
        time.sleep(0.2)
    time.sleep(0.2)

    assert happened(parts["workspace_id"]) == before
    assert made(send(client, parts["id"], CSV))["imported"] == 2


def test_a_client_that_goes_before_the_reply_has_all_of_it_or_nothing(
    client, parts, happened
):
    lines = b"".join(b"Part %d\r\n" % number for number in range(5000))
    content = PART + lines + b"\r\n--b--\r\n"
    host, port = client.base_url.host, client.base_url.port
    head = (
        f"POST /api/v1/tables/{parts['id']}/import HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: {client.headers['authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    before = client.position(parts["workspace_id"])
    with socket.create_connection((host, port)) as connection:
        connection.sendall(head.encode() + content)
        time.sleep(0.1)
    deadline = time.monotonic() + 20
    while not (after := client.position(parts["workspace_id"]) - before):
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)

    assert after in (0, 5001)


def test_a_schema_that_moves_on_meanwhile_is_read_again(client, server, parts):
    """The field is renamed between the reading and the lock: ids are what counts."""
    submit = server.system.committer.submit
    moved: list[bool] = []

    async def submit_late(unit):
        if unit.stream is not None and not moved:
            moved.append(True)
            thread = threading.Thread(target=rename)
            thread.start()
            while thread.is_alive():
                await asyncio.sleep(0.01)
        return await submit(unit)

    def rename():
        with Client(server.url) as other:
            other.headers["authorization"] = client.headers["authorization"]
            path = f"/fields/{parts['ids']['Price']}"
            made(other.patch(path, json={"required": True}))

    server.system.committer.submit = submit_late
    try:
        reply = send(client, parts["id"], "Name,Price\nGear,1\nNut,\n")
    finally:
        del server.system.committer.submit

    assert moved == [True]
    assert reply.status_code == 422
    assert problems(reply) == [(3, "Price", "Field is required")]
    assert rows(client, parts["id"]) == []


# ------------------------------------------------------ under way, and in trouble


def columns_of(database, table):
    """How many columns the table itself has."""
    schema = f"ws_{table['workspace_id'].replace('-', '')}"
    with psycopg.connect(database.owner) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = %s",
            [schema, f"t_{table['id'].replace('-', '')}"],
        ).fetchone() or (0,)
    return count


def test_a_refused_import_leaves_no_column_behind(client, database, happened):
    target = client.table("Name", name="Makers")
    link = {"linked_table_id": target["id"]}
    table = client.table(
        {"name": "Maker", "type": "linked_record", "options": link},
        base_id=target["base_id"],
    )
    before = happened(table["workspace_id"])
    columns = columns_of(database, table)
    new = {"Kind": {"new": {"name": "Kind", "type": "text"}}}

    reply = send(client, table["id"], f"Kind,Maker\na,{ABSENT}\n", mapping=new)

    assert reply.status_code == 409
    assert columns_of(database, table) == columns
    assert happened(table["workspace_id"]) == before


def test_a_repetition_with_a_new_field_makes_no_other_one(client, database, parts):
    key = {"idempotency-key": f"fields-{parts['id']}"}
    new = {"Kind": {"new": {"name": "Kind", "type": "text"}}}

    first = send(client, parts["id"], "Kind\na\n", mapping=new, headers=key)
    columns = columns_of(database, parts)
    again = send(client, parts["id"], "Kind\na\n", mapping=new, headers=key)

    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert columns_of(database, parts) == columns
    assert len(rows(client, parts["id"])) == 1


class Importing:
    """An import of many rows in a thread."""

    def __init__(self, client, table_id, count, **form):
        self.reply = None
        self._content = "Name,Price\n" + "".join(
            f"Part {number},{number}\n" for number in range(count)
        )
        self._ask = lambda caller: send(caller, table_id, self._content, **form)
        self._client = client
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        with Client(str(self._client.base_url).removesuffix("/api/v1/")) as one:
            one.headers["authorization"] = self._client.headers["authorization"]
            self.reply = self._ask(one)

    @property
    def going_on(self):
        return self._thread.is_alive()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join(100)


def test_others_go_on_while_a_large_file_is_imported(client, stranger, parts):
    """Their own writes and reads, and reads of the very table."""
    theirs = stranger.table("Name")
    record = client.record(parts["id"], Name="before")
    waited = []

    with Importing(client, parts["id"], 20_000) as importing:
        while importing.going_on:
            started = time.monotonic()
            stranger.record(theirs["id"], Name="x")
            made(client.get(f"/records/{record['id']}"))
            waited.append(time.monotonic() - started)

    assert importing.reply.status_code == 201
    assert len(waited) > 10
    assert max(waited) < 2
    assert len(rows(stranger, theirs["id"])) == len(waited)


def test_writes_to_the_same_table_wait_their_turn(client, parts):
    with Importing(client, parts["id"], 20_000) as importing:
        time.sleep(0.3)
        client.record(parts["id"], Name="meanwhile")

    assert importing.reply.status_code == 201
    body = made(client.get("/records", params={"table_id": parts["id"], "limit": 1}))
    assert body["total"] == 20_001


def test_a_connection_lost_in_the_middle_changes_nothing_or_all(
    client, database, recorded_events, parts
):
    """The committer begins anew: nothing is there twice."""
    before = client.position(parts["workspace_id"])
    lost = 0
    with (
        psycopg.connect(database.app, autocommit=True) as connection,
        Importing(client, parts["id"], 20_000) as importing,
    ):
        while importing.going_on and not lost:
            (lost,) = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE usename = current_user AND pid <> pg_backend_pid()"
                " AND backend_xid IS NOT NULL"
            ).fetchone() or (0,)

    assert lost
    reply = importing.reply
    assert reply.status_code in (201, 503), reply.text
    events = recorded_events(parts["workspace_id"], before)
    assert len(events) == (20_000 if reply.status_code == 201 else 0)
