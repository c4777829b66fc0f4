"""API keys: what a program shows in place of a token."""

import json
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import psycopg
import pytest

from domain.ids import INSTANCE
from tests.client import ABSENT, PASSWORD, Client, made, running_server

PATH = "/users/me/api-keys"
KEY = {
    "id",
    "name",
    "key_prefix",
    "scopes",
    "is_active",
    "expires_at",
    "last_used_at",
    "created_at",
}
REFUSED = {"detail": "Authentication required", "code": "UNAUTHENTICATED"}


def key_of(client, **body):
    return made(client.post(PATH, json=body))


def soon(**delta):
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()  # noqa: TID251


@pytest.fixture
def holder(server):
    """`holder(key)`: a caller who shows this key and nothing else."""
    clients = []

    def holder(key):
        client = Client(server.url)
        client.headers["x-api-key"] = key["key"]
        clients.append(client)
        return client

    yield holder
    for client in clients:
        client.close()


# ------------------------------------------------------------------- who is nobody


@pytest.mark.parametrize(
    ("method", "path"), [("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/{ABSENT}")]
)
def test_nobody_has_keys(anonymous, method, path):
    assert anonymous.request(method, path, json={}).status_code == 401


@pytest.mark.parametrize(
    "value",
    ["", "x", "tbk_", "tbk_" + "x" * 43, "TBK_" + "x" * 43, "tbk_" + "é" * 43, "a.b.c"],
)
def test_what_is_no_key_lets_nobody_in(anonymous, value):
    reply = anonymous.get("/users/me", headers={"x-api-key": value.encode()})

    assert (reply.status_code, reply.json()) == (401, REFUSED)
    assert reply.headers["www-authenticate"] == "Bearer"


# ---------------------------------------------------------------------- making one


def test_a_key_is_shown_once(newcomer, happened):
    before = len(happened(INSTANCE))

    reply = newcomer.post(PATH, json={"name": "Sensors"})

    assert reply.status_code == 201
    body = reply.json()
    assert set(body) == {*KEY, "key"}
    assert body["key"].startswith("tbk_")
    assert len(body["key"]) == 47
    assert body["key_prefix"] == body["key"][:12]
    assert (body["name"], body["is_active"]) == ("Sensors", True)
    assert (body["expires_at"], body["last_used_at"]) == (None, None)
    assert body["scopes"] == ["read", "write", "admin"]
    assert reply.headers["x-position"] == str(before + 1)
    secret = body.pop("key")
    listed = newcomer.get(PATH)
    assert listed.json() == [body]
    assert secret[12:] not in listed.text
    assert happened(INSTANCE, before) == [
        (
            "key.created",
            {
                "user_id": newcomer.user["id"],
                "scopes": ["admin", "read", "write"],
                "expires_at": None,
            },
        )
    ]


def test_the_vault_keeps_the_prefix_and_the_digest_alone(
    newcomer, database, recorded_events
):
    secret = key_of(newcomer, name="Sensors")["key"]

    with psycopg.connect(database.owner) as connection:
        tables = connection.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables"
            " WHERE schemaname IN ('ledger', 'vault', 'catalog', 'hooks')"
        ).fetchall()
        for (table,) in tables:
            found = connection.execute(
                f"SELECT 1 FROM {table} AS t WHERE t::text LIKE %s",
                [f"%{secret[12:40]}%"],
            ).fetchall()
            assert found == [], table
        digests = connection.execute(
            "SELECT digest FROM vault.api_keys WHERE key_prefix = %s", [secret[:12]]
        ).fetchall()
    assert digests == [(sha256(secret.encode()).digest(),)]
    said = json.dumps(recorded_events(INSTANCE))
    assert secret[:12] not in said
    assert "Sensors" not in said


def test_a_creation_that_is_repeated_does_not_show_the_secret_again(newcomer, happened):
    headers = {"idempotency-key": f"once-{newcomer.user['id']}"}
    first = made(newcomer.post(PATH, json={"name": "One"}, headers=headers))
    before = happened(INSTANCE)

    again = newcomer.post(PATH, json={"name": "One"}, headers=headers)

    assert again.status_code == 409
    assert again.json() == {
        "detail": "The reply held a secret that is shown once",
        "code": "SECRET_ALREADY_SHOWN",
        "id": first["id"],
    }
    assert happened(INSTANCE) == before
    assert len(newcomer.get(PATH).json()) == 1


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"name": 7}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"expires_at": 7}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"scopes": ["root"]}, "scopes"),
    ],
    ids=str,
)
def test_a_key_that_is_none_is_not_made(newcomer, happened, body, where):
    before = happened(INSTANCE)

    reply = newcomer.post(PATH, json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert reply.json()["errors"][0]["loc"][0] == where
    assert newcomer.get(PATH).json() == []
    assert happened(INSTANCE) == before


# ----------------------------------------------------------------------- using one


def test_a_key_is_its_owner(newcomer, holder, recorded_events):
    one = holder(key_of(newcomer))

    assert made(one.get("/users/me")) == newcomer.user
    table = one.table("Name")
    record = one.record(table["id"], Name="Ada")
    assert record["created_by_id"] == newcomer.user["id"]
    assert made(newcomer.get(f"/records/{record['id']}")) == record
    assert made(one.get("/records", params={"table_id": table["id"]}))["total"] == 1
    assert made(one.get("/workspaces")) == made(newcomer.get("/workspaces"))
    actors = [event["actor"] for event in recorded_events(table["workspace_id"])]
    assert {json.dumps(actor) for actor in actors} == {
        json.dumps({"kind": "user", "id": newcomer.user["id"]})
    }


def test_a_batch_tells_by_which_key_or_sign_in_it_came(newcomer, holder, database):
    key = key_of(newcomer)
    workspace_id = holder(key).workspace()["id"]
    newcomer.base(workspace_id)

    with psycopg.connect(database.owner) as connection:
        rows = connection.execute(
            "SELECT session_id::text FROM ledger.batches WHERE workspace_id = %s"
            " ORDER BY last_seq",
            [workspace_id],
        ).fetchall()
    assert rows[0] == (key["id"],)
    assert rows[1] not in ((key["id"],), (None,))


def test_a_key_is_taken_as_a_bearer_token_too(newcomer, anonymous):
    headers = {"authorization": f"Bearer {key_of(newcomer)['key']}"}

    assert anonymous.get("/users/me", headers=headers).json() == newcomer.user


def test_a_token_beside_a_key_wins(newcomer, stranger, client):
    headers = {"x-api-key": key_of(newcomer)["key"]}

    assert client.get("/users/me", headers=headers).json() == client.user
    assert client.get("/users/me", headers={"x-api-key": "nonsense"}).is_success
    headers["authorization"] = "Bearer nonsense"
    assert stranger.get("/users/me", headers=headers).status_code == 401


def test_the_last_use_is_told_and_written_once_a_minute(newcomer, holder):
    key = key_of(newcomer)
    one = holder(key)
    made(one.get("/users/me"))
    (first,) = newcomer.get(PATH).json()
    made(one.get("/users/me"))
    (second,) = newcomer.get(PATH).json()

    assert first["last_used_at"] > first["created_at"]
    assert second == first


# ------------------------------------------------------------------------ its end


def test_a_deleted_key_is_dead_at_once(newcomer, holder, happened):
    key, other = key_of(newcomer), key_of(newcomer)
    one = holder(key)
    table = one.table("Name")
    record = one.record(table["id"])
    before = len(happened(INSTANCE))

    reply = newcomer.delete(f"{PATH}/{key['id']}")

    assert (reply.status_code, reply.content) == (204, b"")
    assert happened(INSTANCE, before) == [
        ("key.deleted", {"user_id": newcomer.user["id"]})
    ]
    attempts = [
        one.get("/users/me"),
        one.get("/workspaces"),
        one.get(PATH),
        one.post("/workspaces", json={"name": "Late"}),
        one.get(f"/records/{record['id']}"),
        one.get("/records", params={"table_id": table["id"]}),
        one.patch(f"/records/{record['id']}", json={"fields": {"Name": "Eve"}}),
        one.delete(f"/tables/{table['id']}"),
    ]
    assert [reply.status_code for reply in attempts] == [401] * len(attempts)
    assert [found["id"] for found in newcomer.get(PATH).json()] == [other["id"]]
    assert holder(other).get("/users/me").status_code == 200
    assert newcomer.delete(f"{PATH}/{key['id']}").status_code == 404


def test_a_key_that_was_deleted_here_is_dead_in_another_process(
    newcomer, holder, settings, database
):
    key = key_of(newcomer)
    with running_server(settings, database) as other:
        here, there = holder(key), Client(other.url)
        there.headers["x-api-key"] = key["key"]
        assert here.get("/users/me").status_code == 200
        table = made(there.get("/users/me")) and here.table("Name")
        record = here.record(table["id"])
        assert there.get(f"/records/{record['id']}").status_code == 200

        newcomer.delete(f"{PATH}/{key['id']}")

        assert there.get("/users/me").status_code == 401
        assert there.get(f"/records/{record['id']}").status_code == 401
        there.close()


def test_a_key_ends_at_its_time(newcomer, holder):
    key = key_of(newcomer, expires_at=soon(seconds=1))
    one = holder(key)
    assert one.get("/users/me").status_code == 200

    time.sleep(1.1)

    assert one.get("/users/me").json() == REFUSED
    (shown,) = newcomer.get(PATH).json()
    assert shown["is_active"] is False
    assert newcomer.delete(f"{PATH}/{key['id']}").status_code == 204


def test_anothers_key_is_not_there(newcomer, client, holder):
    key = key_of(newcomer)

    theirs = client.delete(f"{PATH}/{key['id']}")
    nobodys = client.delete(f"{PATH}/{ABSENT}")

    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json() == nobodys.json()
    assert client.delete(f"{PATH}/7").json() == {
        "detail": "Invalid API key ID format",
        "code": "BAD_REQUEST",
    }
    assert holder(key).get("/users/me").status_code == 200


def test_a_deletion_that_is_repeated_gets_its_first_reply(newcomer):
    key = key_of(newcomer)
    headers = {"idempotency-key": f"gone-{key['id']}"}

    first, again = (
        newcomer.delete(f"{PATH}/{key['id']}", headers=headers) for _ in range(2)
    )

    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["idempotency-replayed"] == "true"


def test_a_log_out_ends_no_key_and_a_key_does_not_log_out(newcomer, holder):
    one = holder(key_of(newcomer))

    refused = one.post("/auth/logout")
    newcomer.post("/auth/logout")

    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert one.get("/users/me").status_code == 200
    body = {"email": newcomer.user["email"], "password": PASSWORD}
    assert one.post("/auth/login", json=body).status_code == 200


# -------------------------------------------------------------------------- scopes


def test_a_key_does_what_its_scopes_say(newcomer, holder):
    table = newcomer.table("Name")
    record = newcomer.record(table["id"], Name="Ada")
    path = f"/records/{record['id']}"
    change = {"fields": {"Name": "Eve"}}
    expected = [
        (["read"], (200, 403, 403)),
        (["write"], (403, 200, 403)),
        (["read", "write"], (200, 200, 403)),
        (["admin"], (403, 403, 200)),
    ]

    for scopes, statuses in expected:
        one = holder(key_of(newcomer, scopes=scopes))
        replies = [
            one.get(path),
            one.patch(path, json=change),
            one.patch(f"/tables/{table['id']}", json={"name": f"T {scopes}"}),
        ]
        assert tuple(reply.status_code for reply in replies) == statuses, scopes
        refused = next(reply for reply in replies if reply.status_code == 403)
        assert refused.json() == {
            "detail": "The API key's scopes do not allow this",
            "code": "FORBIDDEN",
        }


def test_a_scope_gives_no_role(client, newcomer, holder):
    workspace = client.workspace()
    client.add_member(workspace["id"], newcomer, "viewer")
    one = holder(key_of(newcomer, scopes=["admin"]))

    reply = one.patch(f"/workspaces/{workspace['id']}", json={"name": "Mine"})

    assert reply.status_code == 403


def test_a_key_makes_none_that_is_more_than_itself(newcomer, holder):
    narrow = holder(key_of(newcomer, scopes=["read", "admin"]))
    short = holder(key_of(newcomer, expires_at=soon(hours=1)))

    assert narrow.post(PATH, json={}).status_code == 403
    assert narrow.post(PATH, json={"scopes": ["read", "write"]}).status_code == 403
    assert narrow.post(PATH, json={"scopes": ["read"]}).status_code == 201
    assert short.post(PATH, json={}).status_code == 403
    assert short.post(PATH, json={"expires_at": soon(hours=2)}).status_code == 403
    assert short.post(PATH, json={"expires_at": soon(minutes=30)}).status_code == 201
