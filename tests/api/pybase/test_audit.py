"""The audit's list: who did what, when and through which surface."""

import csv
import io

import pytest

from tests.client import ABSENT, Json, made


def audit(client, workspace_id, **query):
    params = {"workspace_id": workspace_id, **query}
    return made(client.get("/audit", params=params))


def positions(client, workspace_id, **query):
    found = audit(client, workspace_id, **query)["items"]
    return [one["position"] for one in found]


def walked(client, workspace_id, limit, **query):
    found: list[Json] = []
    after: Json = {}
    while True:
        page = audit(client, workspace_id, limit=limit, **after, **query)
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


@pytest.fixture
def story(client, member):
    """What two people did in two tables: 13 events."""
    return _story(client, member)


@pytest.fixture(scope="module")
def kept_story(client, member):
    """The same for tests that only ask."""
    return _story(client, member)


def _story(client, member):
    table = client.table("Name")  # 1 workspace, 2 member, 3 base, 4 table, 5 field
    workspace = table["workspace_id"]
    editor = member(workspace, "editor")  # 6
    other = client.table("Name", base_id=table["base_id"], name="Other")  # 7, 8
    one = client.record(table["id"], Name="a")  # 9
    editor.patch(f"/records/{one['id']}", json={"fields": {"Name": "b"}})  # 10
    rows = editor.records(table["id"], {"Name": "c"}, {"Name": "d"})  # 11, 12
    client.record(other["id"])  # 13
    return {
        "workspace": workspace,
        "table": table,
        "other": other,
        "editor": editor,
        "one": one,
        "rows": rows,
    }


# ------------------------------------------------------------------ who may


def test_nobody_reads_it(anonymous, story):
    query = {"workspace_id": story["workspace"]}
    assert anonymous.get("/audit", params=query).status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor"])
def test_it_is_not_for_every_member(client, member, story, role):
    one = member(client.workspace()["id"], role)
    workspace = client.workspace()["id"]
    client.add_member(workspace, one, role)
    reply = one.get("/audit", params={"workspace_id": workspace})

    assert (reply.status_code, reply.json()["code"]) == (403, "FORBIDDEN")


def test_another_tenants_is_as_one_that_never_was(stranger, story):
    foreign, absent = (
        stranger.get("/audit", params={"workspace_id": one})
        for one in (story["workspace"], ABSENT)
    )

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.content == absent.content


def test_an_admin_reads_what_the_owner_reads(client, member, story):
    admin = member(story["workspace"], "admin")

    assert audit(admin, story["workspace"]) == audit(client, story["workspace"])


# ---------------------------------------------------------------------- rows


def test_a_row_says_who_did_what(client, story, recorded_events):
    event = recorded_events(story["workspace"])[9]
    row = audit(client, story["workspace"])["items"][3]

    assert row == {
        "position": 10,
        "event_id": event["id"],
        "type": "record.updated",
        "at": event["recorded_at"],
        "actor": {
            "kind": "user",
            "id": story["editor"].user["id"],
            "name": "Editor",
        },
        "surface": "pybase",
        "address": None,
        "request_id": event["request_id"],
        "batch_id": event["batch_id"],
        "batch_size": 1,
        "version": 2,
        "resource": {"kind": "record", "id": story["one"]["id"], "name": None},
    }


def test_it_is_the_whole_ledger_newest_first(client, story):
    assert positions(client, story["workspace"]) == list(range(13, 0, -1))


@pytest.mark.parametrize("limit", [1, 5, 13, 1000])
def test_pages_are_the_whole(client, story, limit):
    found = walked(client, story["workspace"], limit)

    assert found == audit(client, story["workspace"])["items"]


def test_by_actor(client, story):
    workspace, editor = story["workspace"], story["editor"].user["id"]

    assert positions(client, workspace, actor=editor) == [12, 11, 10]
    assert positions(client, workspace, actor=ABSENT) == []
    assert [one["position"] for one in walked(client, workspace, 1, actor=editor)] == [
        12,
        11,
        10,
    ]


def test_by_batch_and_by_request(client, story):
    workspace = story["workspace"]
    row = audit(client, workspace)["items"][1]

    assert positions(client, workspace, batch=row["batch_id"]) == [12, 11]
    assert positions(client, workspace, request=row["request_id"]) == [12, 11]
    assert positions(client, workspace, request="nobody's") == []


def test_by_resource(client, story):
    workspace, table = story["workspace"], story["table"]

    assert positions(client, workspace, resource=story["one"]["id"]) == [10, 9]
    assert positions(client, workspace, resource=table["ids"]["Name"]) == [5]
    assert positions(client, workspace, resource=workspace) == [1]
    assert positions(client, workspace, resource=ABSENT) == []


def test_a_table_is_its_schema_and_its_records(client, story):
    workspace, table = story["workspace"], story["table"]

    assert positions(client, workspace, resource=table["id"]) == [12, 11, 10, 9, 5, 4]
    assert positions(client, workspace, resource=story["other"]["id"]) == [13, 8, 7]
    editor = story["editor"].user["id"]
    assert positions(client, workspace, resource=table["id"], actor=editor) == [
        12,
        11,
        10,
    ]


def test_between_moments_both_included(client, story, recorded_events):
    workspace = story["workspace"]
    events = recorded_events(workspace)

    assert positions(client, workspace, **{"from": 9, "to": 11}) == [11, 10, 9]
    times = {"from": events[8]["recorded_at"], "to": events[9]["recorded_at"]}
    assert positions(client, workspace, **times) == [10, 9]
    assert positions(client, workspace, to=0) == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"workspace_id": None}, 422),
        ({"workspace_id": "7"}, 400),
        ({"actor": "7"}, 400),
        ({"resource": "7"}, 400),
        ({"batch": "7"}, 400),
        ({"request": "x" * 201}, 422),
        ({"format": "jsonl"}, 422),
        ({"from": "x"}, 422),
        ({"from": "9", "to": "7"}, 422),
        ({"from": "9999"}, 400),
        ({"to": "9999"}, 400),
        ({"limit": "0"}, 422),
        ({"after": "x"}, 422),
    ],
    ids=str,
)
def test_an_audit_that_is_none_is_refused(client, kept_story, query, status):
    params = {"workspace_id": kept_story["workspace"], **query}
    kept = {name: one for name, one in params.items() if one is not None}
    reply = client.get("/audit", params=kept)

    assert reply.status_code == status
    assert set(reply.json()) >= {"detail", "code"}


# ----------------------------------------------------------------------- CSV


def test_as_csv_it_is_all_of_it(client, story, monkeypatch):
    monkeypatch.setattr("api.pybase.audit.MAX_LIMIT", 5)
    query = {"workspace_id": story["workspace"], "format": "csv"}
    reply = client.get("/audit", params=query)
    header, *rows = csv.reader(io.StringIO(reply.text))

    assert reply.headers["content-type"].startswith("text/csv")
    assert [int(row[0]) for row in rows] == list(range(13, 0, -1))
    assert dict(zip(header, rows[3], strict=True))["actor_name"] == "Editor"


def test_nothing_in_it_is_run_by_a_spreadsheet(client, story):
    headers = {"x-request-id": "=cmd|'/c'!A1"}
    body = {"name": "=evil()"}
    made(client.patch(f"/tables/{story['table']['id']}", json=body, headers=headers))
    query = {"workspace_id": story["workspace"], "format": "csv"}
    text = client.get("/audit", params=query).text
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]

    assert "'=cmd|'/c'!A1" in cells
    assert "'=evil()" in cells
    assert not [one for one in cells if one.startswith("=")]
