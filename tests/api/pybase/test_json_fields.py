"""Fields of any JSON at PyBase, and what fields of every type may say."""

import json

import pytest

from tests.client import made

DEEP = {"b": [1.5, None, {"c": "é"}], "aa": True}


@pytest.fixture(scope="module")
def _kept():
    return {}


@pytest.fixture
def table(client, _kept):
    if "table" not in _kept:
        _kept["table"] = client.table(
            "Name",
            {"name": "Any", "type": "json"},
            {"name": "Urls", "type": "json", "options": {"items": "url"}},
        )
    return _kept["table"]


def test_any_json_comes_back_from_writes_reads_and_lists(client, table):
    for value in (DEEP, [1, "a"], "text", 0, False, 12345678901234567890):
        record = client.record(table["id"], Any=value)
        assert record["fields"]["Any"] == value
        assert made(client.get(f"/records/{record['id']}")) == record
    listed = made(client.get("/records", params={"table_id": table["id"]}))
    assert [one["fields"]["Any"] for one in listed["items"]][:2] == [DEEP, [1, "a"]]


def test_what_its_array_is_not_made_of_is_422(client, table):
    body = {"table_id": table["id"], "fields": {"Urls": ["nowhere"]}}

    reply = client.post("/records", json=body)

    assert reply.status_code == 422
    assert reply.json()["errors"][0]["loc"] == ["Urls"]


def test_history_and_blame_show_it_as_json(client, table):
    record = client.record(table["id"], Any=DEEP)
    made(client.patch(f"/records/{record['id']}", json={"fields": {"Any": [1]}}))

    history = made(client.get(f"/records/{record['id']}/history"))["items"]

    change = history[0]["changes"]["Any"]
    assert (change["from"], change["to"]) == (DEEP, [1])


def test_it_is_there_or_not_and_has_no_order(client):
    table = client.table("Name", {"name": "Any", "type": "json"})
    there = client.record(table["id"], Any={"a": 1})["id"]
    client.record(table["id"])

    def found(**query):
        return client.get("/records", params={"table_id": table["id"], **query})

    page = made(found(filter='{"Any": {"$is_not_empty": true}}'))
    assert [one["id"] for one in page["items"]] == [there]
    assert found(filter='{"Any": {"$eq": 1}}').status_code == 422
    assert found(sort='[{"field": "Any"}]').status_code == 422
    unique = client.post("/constraints", json={"field_id": table["ids"]["Any"]})
    assert unique.status_code == 422


def test_csv_has_its_json_and_takes_it_back(client):
    table = client.table("Name", {"name": "Any", "type": "json"})
    values = [DEEP, ["a", "b"], "text", "7", 7, True, [], None]
    client.records(table["id"], *({"Name": "x", "Any": one} for one in values))

    reply = client.get("/records/export", params={"table_id": table["id"]})
    other = client.table("Name", {"name": "Any", "type": "json"})
    path = f"/tables/{other['id']}/import"
    made(client.post(path, files={"file": reply.content}))

    listed = made(client.get("/records", params={"table_id": other["id"]}))["items"]
    assert [one["fields"]["Any"] for one in listed] == [*values[:-2], None, None]
    bad = client.post(path, files={"file": b"Name,Any\r\nx,{broken\r\n"})
    assert (bad.status_code, "Value must be JSON" in bad.text) == (422, True)


def test_text_that_is_json_becomes_it_and_goes_back(client):
    table = client.table("Text")
    rows = ['{"a": [1]}', "7", "", None]
    ids = [
        one["id"] for one in client.records(table["id"], *({"Text": r} for r in rows))
    ]
    field = f"/fields/{table['ids']['Text']}"

    def values():
        records = [made(client.get(f"/records/{one}")) for one in ids]
        return [one["fields"]["Text"] for one in records]

    made(client.patch(field, json={"type": "json"}))
    assert values() == [{"a": [1]}, 7, None, None]
    made(client.patch(field, json={"type": "text"}))
    assert values() == ['{"a": [1]}', "7", None, None]
    client.record(table["id"], Text="no json")
    assert client.patch(field, json={"type": "json"}).status_code == 422


def test_what_was_is_read_as_of_then(client):
    table = client.table("Name", {"name": "Any", "type": "json"})
    record = client.record(table["id"], Any=DEEP)
    then = client.position(table["workspace_id"])
    path = f"/records/{record['id']}"
    made(client.patch(path, json={"fields": {"Any": [1]}}))

    past = made(client.get(path, params={"as_of": str(then)}))
    page = made(
        client.get("/records", params={"table_id": table["id"], "as_of": str(then)})
    )

    assert past == record
    assert page["items"] == [record]


# ------------------------------------------------------- options of every type's fields


def test_a_private_field_stays_private_until_it_is_said(client):
    said = {"private": True, "placeholder": "Who?", "default_value": "Nobody"}
    table = client.table("Name")
    field = client.field(table["id"], "Who", options={"max_length": 50, **said})
    path = f"/fields/{field['id']}"
    assert field["options"] == {"max_length": 50, **said}

    shorter = made(client.patch(path, json={"options": {"max_length": 20}}))
    assert shorter["options"] == {"max_length": 20, **said}
    longer = made(client.patch(path, json={"type": "long_text"}))
    assert longer["options"] == said
    open_ = made(
        client.patch(path, json={"options": {"private": False, "placeholder": None}})
    )
    assert open_["options"] == {"default_value": "Nobody"}
    assert client.record(table["id"])["fields"]["Who"] is None


def test_a_default_that_no_longer_fits_goes_and_a_wrong_one_is_refused(client):
    table = client.table("Name")
    field = client.field(table["id"], "Word", options={"default_value": "seven"})
    path = f"/fields/{field['id']}"

    number = made(client.patch(path, json={"type": "number"}))
    assert number["options"] == {}
    wrong = client.patch(path, json={"options": {"default_value": "seven"}})
    assert wrong.status_code == 422
    right = made(client.patch(path, json={"options": {"default_value": 7}}))
    assert right["options"] == {"default_value": 7}


def test_options_go_back_by_an_undo(client):
    table = client.table("Name")
    field = client.field(table["id"], "Word", options={"default_value": "a"})
    path = f"/fields/{field['id']}"
    reply = client.patch(
        path, json={"options": {"default_value": "b", "private": True}}
    )
    undo = {"scope": "batch", "id": reply.headers["x-batch-id"]}

    assert made(client.post("/undo", json=undo))["conflicts"] == []

    assert made(client.get(path))["options"] == {"default_value": "a"}


def test_an_attachment_of_one_file_alone(client):
    table = client.table(
        {"name": "Files", "type": "attachment", "options": {"allow_multiple": True}}
    )
    urls = [{"url": f"https://example.org/{n}"} for n in range(2)]
    record = client.record(table["id"], Files=urls)
    path = f"/fields/{table['ids']['Files']}"
    one = {"options": {"allow_multiple": False}}

    refused = client.patch(path, json=one)
    assert (refused.status_code, refused.json()["records"]) == (422, [record["id"]])
    client.patch(f"/records/{record['id']}", json={"fields": {"Files": urls[:1]}})
    made(client.patch(path, json=one))
    body = {"table_id": table["id"], "fields": {"Files": urls}}
    assert client.post("/records", json=body).status_code == 422


def test_a_copy_of_a_base_has_its_other_data_and_its_defaults(client):
    table = client.table(
        "Name", {"name": "More", "type": "json", "options": {"other": True}}
    )
    first = client.record(table["id"], Name="first", More={"a": 1})["id"]
    link = {"linked_table_id": table["id"], "default_value": [first]}
    client.field(table["id"], "Next", "linked_record", options=link)

    copy = made(client.post(f"/bases/{table['base_id']}/duplicate", json={}))

    (other,) = made(client.get("/tables", params={"base_id": copy["id"]}))["items"]
    fields = made(client.get("/fields", params={"table_id": other["id"]}))["items"]
    (there,) = made(client.get("/records", params={"table_id": other["id"]}))["items"]
    options = {one["name"]: one["options"] for one in fields}
    assert there["fields"]["More"] == {"a": 1}
    assert options["More"] == {"other": True}
    assert options["Next"]["default_value"] == [there["id"]]
    assert json.dumps(options["Next"]).count(first) == 0
