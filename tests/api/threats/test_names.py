"""Rows 31 and 33: names and texts that want to be code, or no text at all."""

import json
import re

import pytest

from tests.api.threats.attack import resolved
from tests.client import ABSENT, made, new_email

HOSTILE = [
    '"; DROP TABLE x; --',
    "'; DROP TABLE x; --",
    "x') OR ('1'='1",
    "$where",
    "__proto__",
    "constructor",
    "__class__",
    "id",
    "version",
    "created_at",
    "deleted",
    "AND",
    "$or",
    "field",
    "operator",
    "{{7*7}}",
    "${7*7}",
    "{0.__class__}",
    "%s",
    "%(x)s",
    "%",
    "\\",
    "\\x00",
    "\\u0000",
    "a.b",
    "a,b",
    "{a,b}",
    "->>'a'",
    "$.a",
    "NULL",
    "\u202egnp.exe",
    "\u200b\u2060",
    "=cmd|'/c calc'!A0",
    "<script>alert(1)</script>",
    "a\r\nX-Injected: 1",
    "../../etc/passwd",
    "\U0001f600" * 20,
    "x" * 255,
]
JSON = {"content-type": "application/json"}


# ------------------------------------------------------------------ row 31: names


def test_threat_31_fields_of_any_name_are_columns_like_others(client):
    """Written, read, filtered, sorted, unique and renamed: each by its name."""
    table = client.table(*HOSTILE)
    values = {name: f"{number}" for number, name in enumerate(HOSTILE)}
    record = client.record(table["id"], **values)
    client.records(table["id"], {}, {})

    assert record["fields"] == values
    assert made(client.get(f"/records/{record['id']}")) == record
    for name, field_id in table["ids"].items():
        condition = {"field": name, "operator": "eq", "value": values[name]}
        params = {
            "table_id": table["id"],
            "filter": json.dumps(condition),
            "sort": json.dumps([{"field": name, "direction": "desc"}]),
        }
        assert made(client.get("/records", params=params))["total"] == 1, name
        client.constraint(field_id)
    again = client.post("/records", json={"table_id": table["id"], "fields": values})
    assert again.status_code == 409
    changed = dict.fromkeys(HOSTILE, "changed")
    path = f"/records/{record['id']}"
    assert client.patch(path, json={"fields": changed}).json()["fields"] == changed
    first = table["ids"][HOSTILE[0]]
    assert made(client.patch(f"/fields/{first}", json={"name": "';--"}))
    assert made(client.get(path))["fields"]["';--"] == "changed"


@pytest.mark.parametrize("name", HOSTILE[::2], ids=lambda value: value[:20])
def test_threat_31_any_name_is_text_wherever_a_name_is(client, name):
    workspace = made(client.post("/workspaces", json={"name": name}))
    base = client.base(workspace["id"], name)
    choices = {"choices": [{"name": name, "color": name[:40]}]}
    table = client.table(
        {"name": "F", "type": "single_select", "options": choices},
        {"name": "Text", "type": "text", "description": name},
        base_id=base["id"],
        name=name,
    )
    constraint = client.constraint(table["ids"]["Text"], error_message=name)
    record = client.record(table["id"], F=name, Text=name)

    assert record["fields"] == {"F": name, "Text": name}
    shown = [workspace, base, made(client.get(f"/tables/{table['id']}"))]
    assert [one["name"] for one in shown] == [name] * 3
    assert constraint["error_message"] == name
    body = {"table_id": table["id"], "fields": {"Text": name}}
    refused = client.post("/records", json=body)
    assert (refused.status_code, refused.json()["detail"]) == (409, name)
    for test in ({"F": name}, {"Text": name}, {"Text": {"$contains": name}}):
        params = {"table_id": table["id"], "filter": json.dumps(test)}
        assert made(client.get("/records", params=params))["total"] == 1
    (event,) = made(
        client.get(f"/events?workspace_id={workspace['id']}&types=base.created")
    )["items"]
    assert name in event["data"].values()


@pytest.mark.parametrize("name", ["", " ", "\t", "x" * 256, "x" * 10_000, "a\0b", 7])
def test_threat_31_what_is_no_name(attack, client, name):
    table = client.table("Name")
    for path, body in (
        ("/workspaces", {}),
        ("/bases", {"workspace_id": table["workspace_id"]}),
        ("/tables", {"base_id": table["base_id"]}),
        ("/fields", {"table_id": table["id"], "type": "text"}),
    ):
        attack(client, "POST", path, expect=422, json={**body, "name": name})


def test_threat_31_a_value_under_the_name_of_something_else(attack, client):
    """What a client of JavaScript or Python could mean by these is no field here."""
    table = client.table("Name")
    for name in ("__proto__", "constructor", "__class__", "id", "Name.x", "name", ""):
        body = {"table_id": table["id"], "fields": {name: {"Name": "x"}}}
        attack(client, "POST", "/records", expect=422, json=body)


# ------------------------------------------- row 33: NUL and halves of a character

BAD = {"NUL": "\\u0000", "half": "\\ud800", "other half": "x\\udc00y"}


def leaves(schema, schemas, path=()):
    """The places of a body where its schema has a text."""
    schema = resolved(schema, schemas)
    if schema.get("type") == "object":
        for key, one in schema.get("properties", {}).items():
            yield from leaves(one, schemas, (*path, key))
        if path[-1:] == ("fields",):
            yield (*path, "Name")
    elif schema.get("type") == "array":
        yield from leaves(schema["items"], schemas, (*path, 0))
    elif schema.get("type") == "string" and "enum" not in schema:
        yield path


@pytest.fixture
def own(client, victim):
    table = client.table("Name", "Notes")
    view = {"table_id": table["id"], "name": "All", "type": "form"}
    return {
        "view_id": client.post("/views", json=view).json()["id"],
        "workspace_id": table["workspace_id"],
        "base_id": table["base_id"],
        "table_id": table["id"],
        "field_id": table["ids"]["Notes"],
        "record_id": client.record(table["id"], Name="a")["id"],
        "constraint_id": client.constraint(table["ids"]["Name"])["id"],
        "user_id": victim.ids["user"],
        "type": "text",
        "name": "Fine",
    }


def marked(good, place):
    """A body of good values with "@@" at a place, and without what is beside it."""
    if not place:
        return "@@"
    name, *rest = place
    if name == 0:
        return [marked(good[0] if isinstance(good, list) and good else {}, rest)]
    kept = good if isinstance(good, dict) else {}
    return {**kept, name: marked(kept.get(name), rest)}


def test_threat_33_in_every_text_of_every_body(attack, client, own, operations):
    good = {
        **own,
        "email": new_email(),
        "password": "securepassword",
        "refresh_token": client.refresh_token,
        "records": [],
        "updates": [{"record_id": own["record_id"], "fields": {}}],
        "record_ids": [],
    }
    tried = 0
    for (method, path), operation in operations.items():
        own_path = re.sub(r"{\w+}", own_id(own, path), path)
        for place in leaves(operation["body"], operation["schemas"]):
            known = {
                key: good[key] for key in operation["body"]["properties"] if key in good
            }
            if place == ("email",):
                known.pop("user_id", None)  # which would count instead
            text = json.dumps(marked(known, place))
            for bad in BAD.values():
                attack(
                    client,
                    method,
                    own_path,
                    expect=(400, 401, 422),
                    content=text.replace("@@", bad),
                    headers=JSON,
                )
                tried += 1
    assert tried > 100


def own_id(own, path):
    """The id that stands in a path: `/bases/{id}` has a base's."""
    kind = path.split("/")[1].removesuffix("s")
    return own.get(f"{kind}_id", ABSENT)


@pytest.mark.parametrize(
    ("type_", "options"),
    [
        ("single_select", {"choices": ["@@"]}),
        ("single_select", {"choices": [{"name": "@@"}]}),
        ("single_select", {"choices": [{"name": "a", "color": "@@"}]}),
        ("single_select", {"choices": [{"name": "a", "id": "@@"}]}),
        ("autonumber", {"prefix": "@@"}),
        ("date", {"date_format": "@@"}),
        ("datetime", {"time_format": "@@"}),
        ("datetime", {"timezone": "@@"}),
        ("linked_record", {"linked_table_id": "@@"}),
        ("linked_record", {"linked_table_id": "own", "reverse_name": "@@"}),
    ],
    ids=str,
)
def test_threat_33_in_options(attack, client, own, type_, options):
    body = {"table_id": own["table_id"], "name": "F", "type": type_, "options": options}
    text = json.dumps(body).replace('"own"', f'"{own["table_id"]}"')
    for bad in BAD.values():
        content = text.replace("@@", bad)
        attack(client, "POST", "/fields", expect=422, content=content, headers=JSON)


def test_threat_33_in_the_names_of_values(attack, client, own):
    for bad in BAD.values():
        fields = f'{{"Name{bad}": "x"}}'
        for method, path, body in (
            ("POST", "/records", f'{{"table_id": "{own["table_id"]}", "fields": @}}'),
            ("PATCH", f"/records/{own['record_id']}", '{"fields": @}'),
            (
                "POST",
                "/records/batch",
                f'{{"table_id": "{own["table_id"]}", "records": [{{"fields": @}}]}}',
            ),
        ):
            attack(
                client,
                method,
                path,
                expect=422,
                content=body.replace("@", fields),
                headers=JSON,
            )


@pytest.mark.parametrize("bad", ["%00", "x%00", "%ed%a0%80", "%ff", "%c0%80", "%f8"])
def test_threat_33_in_paths_and_queries(attack, client, operations, bad):
    for (method, path), operation in operations.items():
        if "{" in path:
            attack.raw(
                client,
                method,
                re.sub(r"{\w+}", bad, path),
                expect=(400, 404, 415, 422, 501),
            )
        for one in operation["parameters"]:
            if one["in"] == "query":
                query = f"{re.sub(r'{.*}', ABSENT, path)}?{one['name']}={bad}"
                attack.raw(client, method, query, expect=(400, 404, 422, 501))


@pytest.mark.parametrize("bad", [b"\0", b"x\0y", b"\xff", b"\xed\xa0\x80", b"\x7f"])
def test_threat_33_in_headers(attack, client, own, bad):
    path = f"/records/{own['record_id']}"
    for name in ("idempotency_key", "if_match", "authorization"):
        attack.raw(client, "DELETE", path, expect=(400, 401), **{name: bad})
    attack.raw(client, "GET", path, expect=(400,), x_min_position=bad)
    known = attack.raw(client, "GET", path, expect=(200, 400), x_request_id=bad)
    assert bad not in known.headers.get("x-request-id", "").encode("latin-1")


def test_threat_33_in_filters_and_sorts(attack, client, own):
    for bad in BAD.values():
        for params in (
            {"filter": f'{{"Name": "{bad}"}}'},
            {"filter": f'{{"Name{bad}": "x"}}'},
            {"filter": f'{{"Name": {{"$eq{bad}": "x"}}}}'},
            {"sort": f'[{{"field": "Name{bad}"}}]'},
            {"sort": f'[{{"field": "Name", "direction": "asc{bad}"}}]'},
        ):
            params = {"table_id": own["table_id"], **params}
            attack(client, "GET", "/records", expect=422, params=params)


def test_threat_33_half_a_character_and_its_other_half_are_one(client, own):
    """A pair of surrogates is how JSON says what is beyond 16 bits: that is text."""
    body = (
        f'{{"table_id": "{own["table_id"]}", "fields": {{"Notes": "\\ud83d\\ude00"}}}}'
    )

    record = made(client.post("/records", content=body, headers=JSON))

    assert record["fields"]["Notes"] == "\U0001f600"
