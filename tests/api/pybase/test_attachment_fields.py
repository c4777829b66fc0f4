"""Fields of attachments from end to end: written, read, filtered, copied, moved."""

import csv
import io
import json

import pytest

from tests.client import made, new_id

ELSEWHERE = "https://example.org/plan.pdf"
ADDRESS = {"url": "https://example.org/a.png"}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def table(client):
    """A table with a field of files, and one that takes few of them."""
    options = {"allowed_types": ["text/*", ".pdf"], "max_size": 10}
    return client.table(
        "Name",
        {"name": "Files", "type": "attachment"},
        {"name": "Small", "type": "attachment", "options": options},
    )


def shown(one):
    return {name: one[name] for name in ("id", "name", "size", "type", "url")}


def address(name="plan.pdf", type="application/pdf", url=ELSEWHERE):
    return {"id": None, "name": name, "size": None, "type": type, "url": url}


def upload(client, table, content=b"content", name='Zoë "1"\t.txt', type="text/plain"):
    return client.upload(table["workspace_id"], content, name, type)


def fields(client, record):
    return made(client.get(f"/records/{record['id']}"))["fields"]


# ------------------------------------------------------------------ values


def test_a_115_options_of_a_field_of_attachments(client, table):
    field = made(client.get(f"/fields/{table['ids']['Small']}"))
    assert field["type"] == "attachment"
    assert field["options"] == {"allowed_types": ["text/*", ".pdf"], "max_size": 10}
    assert field["is_computed"] is False


def test_a_record_names_files_and_addresses(client, table, happened):
    one, two = upload(client, table), upload(client, table, b"x", "a.bin", "a/b")
    before = client.position(table["workspace_id"])

    given = [{"id": two["id"]}, {"url": ELSEWHERE}, {"id": one["id"]}]
    record = client.record(table["id"], Files=given)

    expected = [shown(two), address(), shown(one)]
    assert record["fields"] == {"Name": None, "Files": expected, "Small": None}
    assert fields(client, record)["Files"] == expected
    listed = made(client.get("/records", params={"table_id": table["id"]}))
    assert listed["items"][0]["fields"]["Files"] == expected
    ((kind, data),) = happened(table["workspace_id"], before)
    assert kind == "record.created"
    assert list(data["values"]) == [table["ids"]["Files"]]


def test_what_is_read_may_be_written_and_changes_nothing(client, table, happened):
    given = [{"id": upload(client, table)["id"]}, {"url": ELSEWHERE, "name": "Plan"}]
    record = client.record(table["id"], Files=given)
    before = client.position(table["workspace_id"])

    path = f"/records/{record['id']}"
    again = made(client.patch(path, json={"fields": record["fields"]}))

    assert again["version"] == record["version"]
    assert happened(table["workspace_id"], before) == []


@pytest.mark.parametrize("empty", [None, []])
def test_a_value_is_emptied(client, table, empty):
    record = client.record(table["id"], Files=[{"url": ELSEWHERE}])
    path = f"/records/{record['id']}"
    changed = made(client.patch(path, json={"fields": {"Files": empty}}))
    assert changed["fields"]["Files"] is None


@pytest.mark.parametrize(
    "value", ["", "x", 7, {}, [7], [{}], [{"id": "x"}], [{"url": "javascript:x"}]]
)
def test_a_bad_value_is_told_and_writes_nothing(client, table, happened, value):
    before = client.position(table["workspace_id"])

    body = {"table_id": table["id"], "fields": {"Files": value}}
    reply = client.post("/records", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert reply.json()["errors"][0]["loc"] == ["Files"]
    assert happened(table["workspace_id"], before) == []


def test_anothers_file_is_refused_as_one_that_never_was(
    client, stranger, table, happened
):
    theirs = stranger.upload(stranger.workspace()["id"])["id"]
    ones_other = client.upload(client.workspace()["id"])["id"]
    own = upload(client, table)["id"]
    before = client.position(table["workspace_id"])

    replies = []
    for file_id in (theirs, ones_other, new_id()):
        rows = [
            {"fields": {"Files": [{"id": own}]}},
            {"fields": {"Files": [{"id": own}, {"id": file_id}]}},
        ]
        body = {"table_id": table["id"], "records": rows}
        replies.append(client.post("/records/batch", json=body))

    assert [one.status_code for one in replies] == [422, 422, 422]
    assert replies[0].json() == replies[1].json() == replies[2].json()
    assert replies[0].json()["index"] == 1
    assert replies[0].json()["errors"] == [
        {
            "loc": ["Files"],
            "msg": "Value must have attachments of the workspace",
            "type": "value_error.attachment",
        }
    ]
    assert happened(table["workspace_id"], before) == []


def test_a_field_takes_files_of_its_types_and_size_alone(client, table):
    text = upload(client, table)
    pdf = upload(client, table, b"x", "a.PDF", "a/b")
    wrong = {
        "value_error.file_size": {"id": upload(client, table, b"x" * 11)["id"]},
        "value_error.file_type": {"id": upload(client, table, PNG, "a.txt")["id"]},
    }

    assert client.record(table["id"], Small=[{"id": text["id"]}, {"id": pdf["id"]}])
    for kind, one in [*wrong.items(), ("value_error.file_type", ADDRESS)]:
        body = {"table_id": table["id"], "fields": {"Small": [one]}}
        reply = client.post("/records", json=body)
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["type"] == kind


def test_a_required_field_takes_no_empty_value(client):
    table = client.table({"name": "F", "type": "attachment", "required": True})
    for value in (None, list[str]()):
        body = {"table_id": table["id"], "fields": {"F": value}}
        assert client.post("/records", json=body).status_code == 422


# ---------------------------------------------------------- lists and rules


def found(client, table, operator, value=None):
    condition = {"field": "Files", "operator": operator, "value": value}
    query = {"table_id": table["id"], "filter": json.dumps({"AND": [condition]})}
    reply = client.get("/records", params=query)
    if reply.status_code != 200:
        return reply.status_code
    return [one["fields"]["Name"] for one in reply.json()["items"]]


def test_a_filter_asks_whether_there_are_any(client, table):
    client.records(
        table["id"], {"Name": "one", "Files": [{"url": ELSEWHERE}]}, {"Name": "none"}
    )

    assert found(client, table, "is_empty") == ["none"]
    assert found(client, table, "is_not_empty") == ["one"]
    assert found(client, table, "eq") == ["none"]
    for operator in ("contains", "eq", "gt", "starts_with"):
        assert found(client, table, operator, "plan") == 422
    query = {"table_id": table["id"], "sort": "Files"}
    assert client.get("/records", params=query).status_code == 422


def test_a_field_of_files_is_not_unique(client, table):
    body = {"field_id": table["ids"]["Files"]}
    assert client.post("/constraints", json=body).status_code == 422


# ------------------------------------------------ what leaves and comes back


def test_exports_agree_and_come_back_by_an_import(client, table):
    one = upload(client, table)
    given = [{"id": one["id"]}, {"url": ELSEWHERE, "name": 'a;"b"'}]
    client.records(table["id"], {"Name": "=1", "Files": given}, {"Name": "none"})
    query = {"table_id": table["id"]}

    as_json = made(client.get("/records/export", params={**query, "format": "json"}))
    text = client.get("/records/export", params={**query, "format": "csv"}).text

    expected = as_json[0]["fields"]["Files"]
    assert expected == [shown(one), address('a;"b"')]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert json.loads(rows[0]["Files"]) == expected
    assert rows[1]["Files"] == ""

    path = f"/tables/{table['id']}/import"
    made(client.post(path, files={"file": text.encode()}))

    items = made(client.get("/records", params=query))["items"]
    assert [each["fields"]["Files"] for each in items] == [expected, None] * 2


def test_an_import_names_files_by_their_ids(client, table, happened):
    one, two = upload(client, table), upload(client, table, b"x")
    path = f"/tables/{table['id']}/import"
    rows = f'Name,Files\na,"{one["id"]}, {two["id"]}"\n'

    made(client.post(path, files={"file": rows.encode()}))
    before = client.position(table["workspace_id"])
    reply = client.post(path, files={"file": f"{rows}b,{new_id()}\n".encode()})

    items = made(client.get("/records", params={"table_id": table["id"]}))["items"]
    assert [each["fields"]["Files"] for each in items] == [[shown(one), shown(two)]]
    assert reply.status_code == 422
    assert reply.json()["row"] == 3
    assert happened(table["workspace_id"], before) == []


def test_a_copy_of_a_base_has_the_same_files(client, table):
    one = upload(client, table)
    client.record(table["id"], Files=[{"id": one["id"]}, {"url": ELSEWHERE}])

    copy = made(client.post(f"/bases/{table['base_id']}/duplicate", json={}))

    (made_anew,) = made(client.get("/tables", params={"base_id": copy["id"]}))["items"]
    query = {"table_id": made_anew["id"]}
    (record,) = made(client.get("/records", params=query))["items"]
    assert record["fields"]["Files"] == [shown(one), address()]
    path = record["fields"]["Files"][0]["url"].removeprefix("/api/v1")
    assert client.get(path).content == b"content"


def test_a_form_takes_files(client, table):
    one = upload(client, table)
    view = client.view(table["id"], "form")
    entry = {"fields": {"Name": "x", "Files": [{"id": one["id"]}]}}
    record = made(client.post(f"/views/{view['id']}/submit", json=entry))
    assert record["fields"]["Files"] == [shown(one)]
