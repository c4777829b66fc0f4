"""What the ledger adds to every surface: positions, versions, keys, request ids."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.ids import INSTANCE
from tests.client import ABSENT, PASSWORD, made, new_email

UUID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)


def create(client, table, key=None, **fields):
    headers = {} if key is None else {"idempotency-key": key}
    body = {"table_id": table["id"], "fields": fields}
    return client.post("/records", json=body, headers=headers)


@pytest.fixture
def table(client):
    return client.table("Name", "Notes")


# ------------------------------------------------------ X-Position, X-Batch-Id


def test_every_write_says_its_position_and_batch(client, newcomer, recorded_events):
    workspace = client.workspace()
    before = client.position(workspace["id"])
    replies = []

    def write(method, path, body=None):
        reply = client.request(method, path, json=body)
        assert reply.is_success, reply.text
        replies.append(reply)
        return reply.json() if reply.content else {}

    write("PATCH", f"/workspaces/{workspace['id']}", {"name": "New"})
    write(
        "POST",
        f"/workspaces/{workspace['id']}/members",
        {"email": newcomer.user["email"]},
    )
    base = write("POST", "/bases", {"workspace_id": workspace["id"], "name": "B"})
    write("PATCH", f"/bases/{base['id']}", {"name": "C"})
    table = write("POST", "/tables", {"base_id": base["id"], "name": "T"})
    write("PATCH", f"/tables/{table['id']}", {"name": "U"})
    field = {"table_id": table["id"], "name": "F", "type": "text"}
    field = write("POST", "/fields", field)
    write("PATCH", f"/fields/{field['id']}", {"name": "G"})
    constraint = write("POST", "/constraints", {"field_id": field["id"]})
    write("PATCH", f"/constraints/{constraint['id']}", {"status": "disabled"})
    write("DELETE", f"/constraints/{constraint['id']}")
    record = {"table_id": table["id"], "fields": {"G": "x"}}
    record = write("POST", "/records", record)
    write("PATCH", f"/records/{record['id']}", {"fields": {"G": "y"}})
    write("DELETE", f"/records/{record['id']}")
    rows = {"table_id": table["id"], "records": [{"fields": {}}, {"fields": {}}]}
    items = write("POST", "/records/batch", rows)["items"]
    ids = [one["id"] for one in items]
    updates = [{"record_id": one, "fields": {"G": one}} for one in ids]
    write("PATCH", "/records/batch", {"table_id": table["id"], "updates": updates})
    write("DELETE", "/records/batch", {"table_id": table["id"], "record_ids": ids})
    write("DELETE", f"/fields/{field['id']}")
    write("DELETE", f"/tables/{table['id']}")
    write("DELETE", f"/bases/{base['id']}")

    events = recorded_events(workspace["id"], before)
    last_of_batch = {one["batch_id"]: one["seq"] for one in events}
    assert list(last_of_batch) == [reply.headers["x-batch-id"] for reply in replies]
    assert [str(seq) for seq in last_of_batch.values()] == [
        reply.headers["x-position"] for reply in replies
    ]
    assert [one["seq"] for one in events] == list(
        range(before + 1, before + 1 + len(events))
    )
    assert all(UUID.fullmatch(batch_id) for batch_id in last_of_batch)


def test_a_no_op_has_the_present_position_and_a_batch_of_its_own(client, table):
    record = client.record(table["id"], Name="Ada")
    position = client.position(table["workspace_id"])
    same = {"fields": {"Name": "Ada"}}

    one = client.patch(f"/records/{record['id']}", json=same)
    other = client.patch(f"/records/{record['id']}", json=same)

    assert one.headers["x-position"] == other.headers["x-position"] == str(position)
    assert one.headers["x-batch-id"] != other.headers["x-batch-id"]


def test_a_read_and_a_refusal_have_no_position(client, table):
    for reply in (
        client.get(f"/tables/{table['id']}"),
        create(client, table, Nope=1),
        client.get(f"/tables/{ABSENT}"),
    ):
        assert "x-position" not in reply.headers
        assert "x-batch-id" not in reply.headers


# --------------------------------------------------------------- X-Request-Id


def test_a_request_id_is_taken_and_kept_with_the_event(client, table, recorded_events):
    before = client.position(table["workspace_id"])
    headers = {"x-request-id": "order-4711/a"}

    body = {"table_id": table["id"], "fields": {}}
    reply = client.post("/records", json=body, headers=headers)

    assert reply.headers["x-request-id"] == "order-4711/a"
    (event,) = recorded_events(table["workspace_id"], before)
    assert event["request_id"] == "order-4711/a"
    assert event["actor"] == {"kind": "user", "id": client.user["id"]}
    assert event["surface"] == "pybase"


@pytest.mark.parametrize("given", ["", "x" * 201, "two words", "tab\there", "é"])
def test_a_request_id_that_cannot_be_kept_is_replaced(client, given):
    headers = {"x-request-id": given.encode("latin-1")}

    reply = client.get("/users/me", headers=headers)

    assert UUID.fullmatch(reply.headers["x-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/users/me", 401),
        ("GET", "/nowhere", 404),
        ("PUT", "/users/me", 405),
        ("POST", "/auth/login", 400),
    ],
)
def test_every_reply_has_a_request_id(anonymous, method, path, status):
    one, other = (anonymous.request(method, path, content=b"") for _ in range(2))

    assert (one.status_code, other.status_code) == (status, status)
    assert one.headers["x-request-id"] != other.headers["x-request-id"]


# -------------------------------------------------------------- ETag, If-Match


@pytest.fixture
def resources(client, table):
    """(path, body of a change) of one of each kind that has a version."""
    return _resources(client, table)


@pytest.fixture(scope="module")
def kept_resources(client):
    """The same for tests in which nothing is changed."""
    return _resources(client, client.table("Name", "Notes"))


def _resources(client, table):
    record = client.record(table["id"], Name="Ada")
    constraint = client.constraint(table["ids"]["Name"])
    return {
        "workspace": (f"/workspaces/{table['workspace_id']}", {"name": "Changed"}),
        "base": (f"/bases/{table['base_id']}", {"name": "Changed"}),
        "table": (f"/tables/{table['id']}", {"name": "Changed"}),
        "field": (f"/fields/{table['ids']['Name']}", {"name": "Changed"}),
        "constraint": (f"/constraints/{constraint['id']}", {"status": "disabled"}),
        "record": (f"/records/{record['id']}", {"fields": {"Name": "Changed"}}),
    }


KINDS = ["workspace", "base", "table", "field", "constraint", "record"]
DELETED = KINDS[1:]  # a workspace's deletion is to come


@pytest.mark.parametrize("kind", KINDS)
def test_a_version_counts_up(client, resources, kind):
    path, change = resources[kind]

    first = client.get(path).headers["etag"]
    changed = client.patch(path, json=change).headers["etag"]

    assert (first, changed) == ('"v1"', '"v2"')
    assert client.get(path).headers["etag"] == '"v2"'


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", ['"v1"', "v1", 'W/"v1"', "*"])
def test_a_change_of_the_version_that_is_meant_is_made(client, resources, kind, given):
    path, change = resources[kind]

    reply = client.patch(path, json=change, headers={"if-match": given})

    assert (reply.status_code, reply.headers["etag"]) == (200, '"v2"')


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_another_version_is_told_what_came_since(
    client, resources, kind, recorded_events, table
):
    path, change = resources[kind]
    client.patch(path, json=change)
    position = client.position(table["workspace_id"])
    (event,) = recorded_events(table["workspace_id"], position - 1)

    reply = client.patch(path, json=change, headers={"if-match": '"v1"'})

    assert reply.status_code == 412
    body = reply.json()
    assert set(body) == {"detail", "code", "current_version", "changes"}
    assert (body["code"], body["current_version"]) == ("VERSION_MISMATCH", 2)
    assert body["changes"] == [
        {
            "position": position,
            "version": 2,
            "type": f"{kind}.updated",
            "at": event["recorded_at"],
            "actor": {"kind": "user", "id": client.user["id"]},
            "data": event["data"],
        }
    ]
    assert client.position(table["workspace_id"]) == position


@pytest.mark.parametrize("kind", DELETED)
def test_a_deletion_of_another_version_is_refused(client, resources, kind, table):
    path, change = resources[kind]
    client.patch(path, json=change)
    position = client.position(table["workspace_id"])

    stale = client.delete(path, headers={"if-match": '"v1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    assert len(stale.json()["changes"]) == 1
    assert client.position(table["workspace_id"]) == position
    assert client.delete(path, headers={"if-match": '"v2"'}).status_code == 204


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", ["", "7", '"7"', "v", "v-1", '"v1", "v2"', "x" * 300])
def test_a_version_that_is_none_is_a_bad_request(client, kept_resources, kind, given):
    path, change = kept_resources[kind]

    reply = client.patch(path, json=change, headers={"if-match": given})

    assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")
    assert client.get(path).headers["etag"] == '"v1"'


def test_one_of_twenty_changes_of_one_version_is_made(client, table):
    record = client.record(table["id"], Name="0")

    def change(number):
        return client.patch(
            f"/records/{record['id']}",
            json={"fields": {"Name": str(number + 1)}},
            headers={"if-match": '"v1"'},
        ).status_code

    with ThreadPoolExecutor(20) as threads:
        replies = list(threads.map(change, range(20)))

    assert sorted(replies) == [200] + [412] * 19


def test_changes_of_different_fields_are_all_kept(client, table):
    record = client.record(table["id"])
    path = f"/records/{record['id']}"

    with ThreadPoolExecutor(2) as threads:
        list(
            threads.map(
                lambda name: client.patch(path, json={"fields": {name: name}}),
                ["Name", "Notes"],
            )
        )

    assert client.get(path).json()["fields"] == {"Name": "Name", "Notes": "Notes"}


# ------------------------------------------------------------ Idempotency-Key


def test_the_same_key_again_gets_the_first_reply(client, table, happened):
    before = client.position(table["workspace_id"])

    first = create(client, table, "k1", Name="Ada")
    again = create(client, table, "k1", Name="Ada")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    for name in ("x-position", "x-batch-id", "etag", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert len(happened(table["workspace_id"], before)) == 1


def test_twenty_twins_have_one_effect(client, table, happened):
    before = client.position(table["workspace_id"])
    together = threading.Barrier(20)

    def twin(_):
        together.wait()
        return create(client, table, "twins", Name="Ada")

    with ThreadPoolExecutor(20) as threads:
        replies = list(threads.map(twin, range(20)))

    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    replayed = [reply.headers.get("idempotency-replayed") for reply in replies]
    assert (replayed.count("true"), replayed.count(None)) == (19, 1)
    assert len(happened(table["workspace_id"], before)) == 1


def test_the_same_key_with_another_request_is_refused(client, table, happened):
    record = made(create(client, table, "k2", Name="Ada"))
    before = client.position(table["workspace_id"])
    key = {"idempotency-key": "k2"}

    others = [
        create(client, table, "k2", Name="Eve"),
        client.patch(
            f"/records/{record['id']}", json={"fields": {"Name": "Eve"}}, headers=key
        ),
        client.delete(f"/records/{record['id']}", headers=key),
    ]

    for reply in others:
        assert (reply.status_code, reply.json()["code"]) == (
            422,
            "IDEMPOTENCY_KEY_REUSED",
        )
    assert happened(table["workspace_id"], before) == []


def test_another_users_key_is_another_key(client, member, table, happened):
    editor = member(table["workspace_id"], "editor")
    before = client.position(table["workspace_id"])

    mine = made(create(client, table, "shared", Name="Ada"))
    theirs = made(create(editor, table, "shared", Name="Ada"))

    assert mine["id"] != theirs["id"]
    assert theirs["created_by_id"] == editor.user["id"]
    assert len(happened(table["workspace_id"], before)) == 2


def test_a_refusal_is_not_kept_but_decided_anew(client, table):
    client.constraint(table["ids"]["Name"])
    holder = client.record(table["id"], Name="Ada")

    refused = create(client, table, "again", Name="Ada")
    still = create(client, table, "again", Name="Ada")
    client.delete(f"/records/{holder['id']}")
    taken = create(client, table, "again", Name="Ada")

    assert [one.status_code for one in (refused, still, taken)] == [409, 409, 201]
    assert "idempotency-replayed" not in taken.headers


def test_a_refusal_leaves_the_key_for_another_request(client, table):
    assert create(client, table, "free", Name=7).status_code == 422
    assert create(client, table, "free", Name="Ada").status_code == 201


def test_a_first_reply_comes_again_also_when_the_thing_is_gone(client, table):
    key = {"idempotency-key": "gone"}
    record = made(create(client, table, "made", Name="Ada"))
    path = f"/records/{record['id']}"
    changed = client.patch(path, json={"fields": {"Name": "Eve"}}, headers=key)
    client.delete(f"/tables/{table['id']}")

    assert create(client, table, "made", Name="Ada").json() == record
    again = client.patch(path, json={"fields": {"Name": "Eve"}}, headers=key)
    assert (again.status_code, again.content) == (200, changed.content)


@pytest.mark.parametrize("kind", DELETED)
def test_a_deletion_with_a_key_is_done_once(client, resources, table, kind):
    path, _ = resources[kind]
    key = {"idempotency-key": f"delete {kind}".replace(" ", "-")}

    first = client.delete(path, headers=key)
    position = client.position(table["workspace_id"])
    again = client.delete(path, headers=key)

    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["x-batch-id"] == first.headers["x-batch-id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert client.position(table["workspace_id"]) == position


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_with_a_key_is_made_once(client, resources, table, kind):
    path, change = resources[kind]
    headers = {"idempotency-key": f"change-{kind}", "if-match": '"v1"'}

    first = client.patch(path, json=change, headers=headers)
    again = client.patch(path, json=change, headers=headers)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert client.get(path).headers["etag"] == '"v2"'


@pytest.mark.parametrize("path", ["/bases", "/tables", "/fields", "/constraints"])
def test_a_creation_with_a_key_is_done_once(client, table, path):
    bodies = {
        "/bases": {"workspace_id": table["workspace_id"], "name": "Once"},
        "/tables": {
            "base_id": table["base_id"],
            "name": "Once",
            "fields": [{"name": "N", "type": "autonumber"}],
        },
        "/fields": {"table_id": table["id"], "name": "Once", "type": "text"},
        "/constraints": {"field_id": table["ids"]["Name"]},
    }
    headers = {"idempotency-key": f"make-{path[1:]}"}

    first = client.post(path, json=bodies[path], headers=headers)
    again = client.post(path, json=bodies[path], headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_batch_with_a_key_is_done_once(client, table, method):
    one, other = client.records(table["id"], {"Name": "a"}, {"Name": "b"})
    body = {
        "table_id": table["id"],
        "records": [{"fields": {"Name": "c"}}],
        "updates": [{"record_id": one["id"], "fields": {"Name": "A"}}],
        "record_ids": [one["id"], other["id"]],
    }
    headers = {"idempotency-key": f"batch-{method}"}

    first = client.request(method, "/records/batch", json=body, headers=headers)
    position = client.position(table["workspace_id"])
    again = client.request(method, "/records/batch", json=body, headers=headers)

    assert first.is_success
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert client.position(table["workspace_id"]) == position


def test_a_workspace_with_a_key_is_made_once(newcomer):
    headers = {"idempotency-key": "my-first"}
    body = {"name": "Once", "slug": f"once-{new_email('x')[2:8]}"}

    with ThreadPoolExecutor(10) as threads:
        replies = list(
            threads.map(
                lambda _: newcomer.post("/workspaces", json=body, headers=headers),
                range(10),
            )
        )
    other = newcomer.post("/workspaces", json={"name": "Other"}, headers=headers)

    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert made(newcomer.get("/workspaces"))["total"] == 1
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_a_reply_with_a_secret_is_not_kept(anonymous, happened):
    body = {"email": new_email("once"), "password": PASSWORD, "name": "Once"}
    headers = {"idempotency-key": "register-once"}

    first = anonymous.post("/auth/register", json=body, headers=headers)
    before = happened(INSTANCE)
    again = anonymous.post("/auth/register", json=body, headers=headers)
    other = anonymous.post(
        "/auth/register", json={**body, "name": "Other"}, headers=headers
    )

    assert first.status_code == 201
    assert again.status_code == 409
    assert again.json() == {
        "detail": "The reply held a secret that is shown once",
        "code": "SECRET_ALREADY_SHOWN",
        "id": first.json()["user"]["id"],
    }
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert happened(INSTANCE) == before


def test_a_strangers_registration_may_have_the_same_key(anonymous):
    headers = {"idempotency-key": "the-same"}

    for _ in range(2):
        body = {"email": new_email("same"), "password": PASSWORD}
        reply = anonymous.post("/auth/register", json=body, headers=headers)
        assert reply.status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "x" * 10_000, "two words", "é"])
def test_a_key_that_is_none_is_a_bad_request(client, table, happened, key):
    before = client.position(table["workspace_id"])
    body = {"table_id": table["id"], "fields": {}}

    reply = client.post(
        "/records", json=body, headers={"idempotency-key": key.encode("latin-1")}
    )

    assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")
    assert happened(table["workspace_id"], before) == []


def test_a_key_says_nothing_on_a_read(client, table):
    record = client.record(table["id"], Name="Ada")
    path = f"/records/{record['id']}"
    headers = {"idempotency-key": "read"}

    client.get(path, headers=headers)
    client.patch(path, json={"fields": {"Name": "Eve"}})

    shown = client.get(path, headers=headers)
    assert shown.json()["fields"]["Name"] == "Eve"
    assert "idempotency-replayed" not in shown.headers


# -------------------------------------------------------------- X-Min-Position


def reads(table, record):
    return [
        (f"/records/{record['id']}", {}),
        ("/records", {"table_id": table["id"]}),
        (f"/tables/{table['id']}", {}),
        ("/fields", {"table_id": table["id"]}),
        ("/events", {"workspace_id": table["workspace_id"]}),
        (f"/workspaces/{table['workspace_id']}", {}),
    ]


def test_a_position_that_is_reached_is_no_wait(client, table):
    record = client.record(table["id"], Name="Ada")
    headers = {"x-min-position": str(client.position(table["workspace_id"]))}

    for path, query in reads(table, record):
        reply = client.get(path, params=query, headers=headers)
        assert reply.status_code == 200, path
        assert reply.elapsed.total_seconds() < 1


def test_a_read_waits_until_the_position_is_reached(client, table):
    record = client.record(table["id"], Name="Ada")
    headers = {"x-min-position": str(client.position(table["workspace_id"]) + 1)}

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(
            client.get, f"/records/{record['id']}", headers=headers
        )
        time.sleep(0.2)
        assert not waiting.done()
        client.patch(f"/records/{record['id']}", json={"fields": {"Name": "Eve"}})
        reply = waiting.result(5)

    assert reply.status_code == 200
    assert reply.json()["fields"]["Name"] == "Eve"


def test_a_position_that_is_not_reached_is_told_so(client, table):
    record = client.record(table["id"], Name="Ada")
    headers = {"x-min-position": str(client.position(table["workspace_id"]) + 1000)}

    def ask(read):
        path, query = read
        return path, client.get(path, params=query, headers=headers)

    started = time.monotonic()
    with ThreadPoolExecutor(6) as threads:
        replies = list(threads.map(ask, reads(table, record)))

    for path, reply in replies:
        assert reply.status_code == 503, path
        assert reply.json()["code"] == "SERVICE_UNAVAILABLE"
        assert int(reply.headers["retry-after"]) >= 1
    assert 1.9 < time.monotonic() - started < 5


@pytest.mark.parametrize("given", ["", "x", "-1", "1.5", "٣", "9" * 40])
def test_a_position_that_is_none_is_a_bad_request(client, table, given):
    headers = {"x-min-position": given.encode()}

    reply = client.get(f"/tables/{table['id']}", headers=headers)

    assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")


# --------------------------------------------------------------- other headers


def test_no_reply_is_stored_or_sniffed(client, table):
    for path in (f"/tables/{table['id']}", "/health", "/nowhere", "/users/me"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-type"] == "application/json"
        assert "server" not in headers or "python" not in headers["server"].lower()
