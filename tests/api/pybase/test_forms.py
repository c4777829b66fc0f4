"""Forms: what they ask for, and records that are made by filling them in."""

import pytest

from tests.client import ABSENT, made

NO_VIEW = {"detail": "View not found", "code": "NOT_FOUND"}
NO_FORM = {"detail": "The view is not a form", "code": "NOT_FOUND"}
PATHS = ["/views/{}/form/submit", "/views/{}/submit"]


@pytest.fixture
def form(client, things):
    """A form of the wide table: the name has to be filled in."""
    ids = things["ids"]
    fields = [
        {"field_id": ids["Name"], "required": True, "label": "What is it?"},
        ids["Price"],
        ids["Status"],
    ]
    config = {"fields": fields, "submit_text": "Order"}
    return client.view(things["id"], "form", name="Orders", config=config)


def submit(client, form, path=PATHS[0], **fields):
    return client.post(path.format(form["id"]), json={"fields": fields})


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/views/{}/form"), *(("POST", path) for path in PATHS)],
)
def test_nobody_sees_or_fills_in_a_form(anonymous, method, path):
    reply = anonymous.request(method, path.format(ABSENT), json={})

    assert reply.status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter"])
def test_who_reads_sees_a_form_and_fills_in_none(
    client, member, happened, things, form, role
):
    one = member(things["workspace_id"], role)
    before = happened(things["workspace_id"])

    assert one.get(f"/views/{form['id']}/form").status_code == 200
    for path in PATHS:
        assert submit(one, form, path, Name="x").status_code == 403
    assert happened(things["workspace_id"]) == before


def test_A_214_a_form_tells_what_it_asks_for(client, things, form):
    shown = made(client.get(f"/views/{form['id']}/form"))

    assert {name: shown[name] for name in ("view_id", "table_id", "name")} == {
        "view_id": form["id"],
        "table_id": things["id"],
        "name": "Orders",
    }
    assert shown["submit_text"] == "Order"
    assert [
        (one["name"], one["type"], one["required"], one["label"])
        for one in shown["fields"]
    ] == [
        ("Name", "text", True, "What is it?"),
        ("Price", "number", False, None),
        ("Status", "single_select", False, None),
    ]
    assert [one["name"] for one in shown["fields"][2]["options"]["choices"]] == [
        "Open",
        "Closed",
    ]


def test_a_form_that_names_no_fields_asks_for_all_that_can_be_written(client, things):
    view = client.view(things["id"], "form")

    shown = made(client.get(f"/views/{view['id']}/form"))

    names = [one["name"] for one in shown["fields"]]
    assert "No" not in names
    assert names == [one["name"] for one in things["fields"] if one["name"] != "No"]


@pytest.mark.parametrize("path", PATHS)
def test_a_form_that_is_filled_in_makes_a_record(
    client, member, happened, things, form, path
):
    editor = member(things["workspace_id"], "editor")
    before = client.position(things["workspace_id"])

    reply = submit(editor, form, path, Name="Bolt", Price=2.5, Status="Open")

    assert reply.status_code == 201
    record = reply.json()
    assert made(client.get(f"/records/{record['id']}")) == record
    assert record["fields"]["Name"] == "Bolt"
    assert record["created_by_id"] == editor.user["id"]
    ((name, data),) = happened(things["workspace_id"], before)
    assert (name, data["values"][things["ids"]["Price"]]) == ("record.created", "2.5")
    assert reply.headers["x-position"] == str(before + 1)
    assert reply.headers["etag"] == '"v1"'


def test_fields_are_named_by_id_too_and_sent_as_data(client, things, form):
    body = {"data": {things["ids"]["Name"]: "Nut", "Price": 1}}

    record = made(client.post(f"/views/{form['id']}/submit", json=body))

    assert (record["fields"]["Name"], record["fields"]["Price"]) == ("Nut", 1)


@pytest.mark.parametrize("strange", ["Notes", "Nope", "No", "id"])
def test_only_the_forms_fields_are_taken(client, happened, things, form, strange):
    before = client.position(things["workspace_id"])

    reply = submit(client, form, Name="Bolt", **{strange: "x"})

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert reply.json()["errors"] == [
        {
            "loc": [strange],
            "msg": "Field is not on the form",
            "type": "value_error.unknown",
        }
    ]
    assert happened(things["workspace_id"], before) == []


@pytest.mark.parametrize("fields", [{}, {"Price": 1}, {"Name": ""}, {"Name": None}])
def test_what_the_form_requires_has_to_be_there(client, happened, things, form, fields):
    before = client.position(things["workspace_id"])

    reply = submit(client, form, **fields)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert reply.json()["errors"] == [
        {
            "loc": ["Name"],
            "msg": "Field is required",
            "type": "value_error.required",
        }
    ]
    assert happened(things["workspace_id"], before) == []


def test_what_the_table_requires_has_to_be_there_too(client, things, form):
    made(client.patch(f"/fields/{things['ids']['Price']}", json={"required": True}))

    shown = made(client.get(f"/views/{form['id']}/form"))
    reply = submit(client, form, Name="Bolt")

    assert [one["required"] for one in shown["fields"]] == [True, True, False]
    assert [one["loc"] for one in reply.json()["errors"]] == [["Price"]]
    assert submit(client, form, Name="Bolt", Price=0).status_code == 201


def test_a_required_checkbox_may_be_false(client, things):
    ids = things["ids"]
    fields = [{"field_id": ids["In Stock"], "required": True}]
    form = client.view(things["id"], "form", config={"fields": fields})

    assert submit(client, form).status_code == 422
    assert submit(client, form, **{"In Stock": False}).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (None, 400),
        ([], 422),
        ({}, 422),
        ({"fields": None}, 422),
        ({"fields": ["Name"]}, 422),
        ({"fields": {"Name": 7}}, 422),
        ({"fields": {"Name": "x", "Status": "Nope"}}, 422),
    ],
    ids=str,
)
def test_an_entry_that_is_none_is_refused(client, happened, things, form, body, status):
    before = client.position(things["workspace_id"])
    content = {"json": body} if body is not None else {"content": b"{"}

    reply = client.post(f"/views/{form['id']}/submit", **content)

    assert reply.status_code == status
    assert happened(things["workspace_id"], before) == []


def test_a_unique_value_is_taken_once(client, things, form):
    client.constraint(things["ids"]["Name"])
    assert submit(client, form, Name="Bolt").status_code == 201

    reply = submit(client, form, Name="Bolt")

    assert (reply.status_code, reply.json()["code"]) == (409, "DUPLICATE_VALUE")
    assert set(reply.json()) == {"detail", "code", "field", "value"}


def test_a_repeated_entry_has_one_effect(client, things, form):
    body, headers = {"fields": {"Name": "Once"}}, {"idempotency-key": "entry"}
    path = f"/views/{form['id']}/submit"

    first, again = (client.post(path, json=body, headers=headers) for _ in "12")

    assert first.content == again.content
    listed = made(client.get(f"/records?table_id={things['id']}"))
    assert listed["total"] == 1


@pytest.mark.parametrize("type_", ["grid", "gallery"])
def test_another_view_is_no_form(client, things, type_):
    view = client.view(things["id"], type_)

    assert client.get(f"/views/{view['id']}/form").json() == NO_FORM
    assert submit(client, view, Name="x").json() == NO_FORM
    # nor is the grid of a table
    assert client.get(f"/views/{things['id']}/form").json() == NO_VIEW


def test_the_form_of_the_moment_counts(client, things, form):
    ids = things["ids"]
    path = f"/views/{form['id']}"
    made(client.patch(path, json={"config": {"fields": [ids["Notes"]]}}))
    assert submit(client, form, Name="x").status_code == 422
    assert submit(client, form, Notes="x").status_code == 201
    client.delete(f"/fields/{ids['Notes']}")
    shown = made(client.get(f"{path}/form"))
    assert shown["fields"] == []
    assert submit(client, form, Name="x").status_code == 422
    made(client.patch(path, json={"type": "grid"}))
    assert submit(client, form).json() == NO_FORM
    client.delete(path)
    assert submit(client, form).json() == NO_VIEW
