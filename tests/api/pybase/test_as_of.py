"""Reads as of a moment: what the same call would have answered then.

Ledger API, "As of".  That it holds for any history is test_as_of_law.py's to tell.
"""

import pytest

from tests.client import ABSENT, Client, Json, made


def as_of(client: Client, path: str, moment: object, **params: str) -> Json:
    found: Json = made(client.get(path, params={"as_of": str(moment), **params}))
    return found


@pytest.fixture
def table(client: Client) -> Json:
    return client.table("name", {"name": "age", "type": "number"})


def at(client: Client, table: Json) -> int:
    return client.position(table["workspace_id"])


# ------------------------------------------------------------------ refusals


def test_nobody_reads_the_past_without_a_token(anonymous: Client, table: Json):
    for path in ("records/{}", "tables/{}", "fields?table_id={}"):
        reply = anonymous.get(path.format(table["id"]), params={"as_of": "1"})
        assert reply.status_code == 401


def test_another_tenant_has_no_past_here(client: Client, stranger: Client, table: Json):
    record = client.record(table["id"], name="Ada")
    head = str(at(client, table))
    for path in (f"/records/{record['id']}", f"/tables/{table['id']}", "/fields"):
        params = {"as_of": head, "table_id": table["id"]}
        assert stranger.get(path, params=params).status_code == 404


def test_a_viewer_reads_the_past_and_a_former_member_does_not(
    client: Client, newcomer: Client, table: Json
):
    record = client.record(table["id"], name="Ada")
    viewer = newcomer
    membership = client.add_member(table["workspace_id"], viewer, "viewer")
    head = at(client, table)
    assert as_of(viewer, f"/records/{record['id']}", head - 1) == record
    gone = f"/workspaces/{table['workspace_id']}/members/{membership['id']}"
    assert client.delete(gone).status_code == 204
    reply = viewer.get(f"/records/{record['id']}", params={"as_of": str(head - 1)})
    assert reply.status_code == 404


@pytest.mark.parametrize("moment", ["", "yesterday", "-1", "1.5", "2024-13-01"])
def test_what_is_no_moment_is_refused(client: Client, table: Json, moment: str):
    reply = client.get(f"/tables/{table['id']}", params={"as_of": moment})
    assert reply.status_code == 422
    assert reply.json()["field"] == "as_of"


@pytest.mark.parametrize("ahead", ["position", "time"])
def test_a_moment_ahead_of_the_head_is_refused(client: Client, table: Json, ahead: str):
    record = client.record(table["id"], name="Ada")
    moment = str(at(client, table) + 1) if ahead == "position" else "2999-01-01T00:00Z"
    moment = moment.replace("00:00Z", "00:00:00Z")
    for path in (f"/records/{record['id']}", f"/tables/{table['id']}", "/fields"):
        params = {"as_of": moment, "table_id": table["id"]}
        reply = client.get(path, params=params)
        assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")


def test_what_did_not_exist_yet_is_not_found(client: Client, table: Json):
    before = at(client, table)
    record = client.record(table["id"], name="Ada")
    later = client.table("name", base_id=table["base_id"], name="Later")
    for path, params in (
        (f"/records/{record['id']}", {}),
        (f"/tables/{later['id']}", {}),
        ("/fields", {"table_id": later["id"]}),
    ):
        reply = client.get(path, params={**params, "as_of": str(before)})
        assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")
    for path in (f"/tables/{table['id']}", f"/records/{record['id']}"):
        assert client.get(path, params={"as_of": "0"}).status_code == 404
        first = {"as_of": "1970-01-01T00:00:00Z"}
        assert client.get(path, params=first).status_code == 404
    assert client.get(f"/tables/{ABSENT}", params={"as_of": "1"}).status_code == 404


# ------------------------------------------------------------------- answers


def test_a_record_is_as_it_was_with_the_names_of_then(client: Client, table: Json):
    record = client.record(table["id"], name="Ada", age=36)
    path, then = f"/records/{record['id']}", at(client, table)
    made(client.patch(path, json={"fields": {"name": "Grace"}}))
    made(client.patch(f"/fields/{table['ids']['age']}", json={"name": "years"}))
    assert client.delete(f"/fields/{table['ids']['name']}").status_code == 204
    client.field(table["id"], "later")
    reply = client.get(path, params={"as_of": str(then)})
    assert reply.json() == record
    assert reply.headers["etag"] == '"v1"'
    assert reply.headers["x-position"] == str(then)
    later = as_of(client, path, then + 2)
    assert later["fields"] == {"name": "Grace", "years": 36}
    assert later["version"] == 2


def test_a_deleted_record_and_a_deleted_table_are_still_read(
    client: Client, table: Json
):
    record = client.record(table["id"], name="Ada", age=36)
    path, then = f"/records/{record['id']}", at(client, table)
    assert client.delete(path).status_code == 204
    assert as_of(client, path, then) == record
    assert client.get(path, params={"as_of": str(then + 1)}).status_code == 404
    shown = made(client.get(f"/tables/{table['id']}"))
    fields = made(client.get("/fields", params={"table_id": table["id"]}))
    assert client.delete(f"/tables/{table['id']}").status_code == 204
    assert as_of(client, path, then) == record
    assert as_of(client, f"/tables/{table['id']}", then) == shown
    assert as_of(client, "/fields", then, table_id=table["id"]) == fields


def test_a_time_between_two_events_is_the_state_after_the_first(
    client: Client, table: Json
):
    record = client.record(table["id"], name="Ada")
    path = f"/records/{record['id']}"
    made(client.patch(path, json={"fields": {"name": "Grace"}}))
    changed = made(client.get(path))
    made(client.patch(path, json={"fields": {"name": "Joan"}}))
    assert as_of(client, path, changed["updated_at"]) == changed
    assert as_of(client, path, record["updated_at"]) == record
    for moment in (record["created_at"], changed["updated_at"]):
        reply = client.get(path, params={"as_of": moment.replace("Z", "+00:00")})
        assert reply.status_code == 200


def test_some_fields_by_id_are_shown_of_then(client: Client, table: Json):
    record = client.record(table["id"], name="Ada", age=36)
    then = at(client, table)
    made(client.patch(f"/fields/{table['ids']['name']}", json={"name": "called"}))
    path = f"/records/{record['id']}"
    found = made(client.get(path, params={"as_of": then, "fields": "name", "by": "id"}))
    assert found["fields"] == {"name": "Ada"}
    assert found["data"] == {table["ids"]["name"]: "Ada"}
    reply = client.get(path, params={"as_of": then, "fields": "called"})
    assert reply.status_code == 422
