"""Rows 7 and 8: sessions that ended, and what a log-in tells."""

import time

import pytest

from tests.client import PASSWORD, Client, made, new_email

NEW = "another password"


def reads_and_writes(table, record):
    """A request of each kind: (method, path, body)."""
    return [
        ("GET", "/users/me", None),
        ("GET", "/users/me/api-keys", None),
        ("POST", "/users/me/api-keys", {}),
        ("GET", "/workspaces", None),
        ("POST", "/workspaces", {"name": "Late"}),
        ("GET", f"/workspaces/{table['workspace_id']}", None),
        ("GET", f"/records/{record['id']}", None),
        ("GET", f"/records?table_id={table['id']}", None),
        ("POST", "/records", {"table_id": table["id"], "fields": {}}),
        ("PATCH", f"/records/{record['id']}", {"fields": {"Name": "Late"}}),
        ("DELETE", f"/records/{record['id']}", None),
        ("PATCH", f"/tables/{table['id']}", {"name": "Late"}),
        ("GET", f"/events?workspace_id={table['workspace_id']}", None),
        ("POST", "/auth/change-password", {"old_password": NEW, "new_password": NEW}),
    ]


@pytest.fixture
def mine(newcomer):
    table = newcomer.table("Name")
    return table, newcomer.record(table["id"], Name="Ada")


@pytest.fixture
def other(server, newcomer):
    """The newcomer signed in elsewhere."""
    with Client(server.url) as client:
        body = {"email": newcomer.user["email"], "password": PASSWORD}
        signed_in = made(client.post("/auth/login", json=body))
        client.headers["authorization"] = f"Bearer {signed_in['access_token']}"
        client.refresh_token = signed_in["refresh_token"]
        yield client


def dead(attack, caller, mine):
    for method, path, body in reads_and_writes(*mine):
        attack(caller, method, path, expect=401, json=body)
    if caller.refresh_token:
        body = {"refresh_token": caller.refresh_token}
        attack(caller, "POST", "/auth/refresh", expect=401, json=body)


def test_threat_07_after_a_log_out(attack, other, mine):
    assert other.get("/users/me").status_code == 200
    other.post("/auth/logout")

    dead(attack, other, mine)


def test_threat_07_after_a_change_of_password(attack, newcomer, other, mine):
    assert other.get("/users/me").status_code == 200
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert newcomer.post("/auth/change-password", json=body).status_code == 204

    dead(attack, other, mine)
    assert newcomer.get("/users/me").status_code == 200


def test_threat_07_after_a_key_was_deleted(attack, server, newcomer, mine):
    key = made(newcomer.post("/users/me/api-keys", json={}))
    with Client(server.url) as caller:
        caller.headers["x-api-key"] = key["key"]
        assert caller.get("/users/me").status_code == 200
        newcomer.delete(f"/users/me/api-keys/{key['id']}")

        dead(attack, caller, mine)


def test_threat_07_a_dead_session_repeats_nothing(attack, other, mine):
    """What it wrote with an idempotency key is not told again either."""
    table, _ = mine
    headers = {"idempotency-key": f"key-{table['id']}"}
    body = {"table_id": table["id"], "fields": {"Name": "Eve"}}
    made(other.post("/records", json=body, headers=headers))
    other.post("/auth/logout")

    attack(other, "POST", "/records", expect=401, json=body, headers=headers)


@pytest.mark.parametrize("how", ["removed", "below"])
def test_threat_07_after_the_role_was_lost(attack, client, newcomer, how):
    table = client.table("Name")
    record = client.record(table["id"], Name="Ada")
    path = f"/workspaces/{table['workspace_id']}/members"
    added = client.add_member(table["workspace_id"], newcomer, "editor")
    write = {"fields": {"Name": "Late"}}
    made(newcomer.patch(f"/records/{record['id']}", json=write))
    if how == "removed":
        client.delete(f"{path}/{added['id']}")
    else:
        made(client.patch(f"{path}/{added['id']}", json={"role": "viewer"}))

    status = 404 if how == "removed" else 403
    attack(newcomer, "PATCH", f"/records/{record['id']}", expect=status, json=write)
    attack(newcomer, "DELETE", f"/records/{record['id']}", expect=status)
    body = {"table_id": table["id"], "fields": {}}
    attack(newcomer, "POST", "/records", expect=status, json=body)


# ------------------------------------------------------------- row 8: who is there


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_threat_08_a_log_in_does_not_tell_who_is_there(
    attack, anonymous, client, known
):
    email = client.user["email"] if known else new_email()
    body = {"email": email, "password": "wrongwrong"}

    reply = attack(anonymous, "POST", "/auth/login", expect=401, json=body)

    assert reply.json() == {
        "detail": "Incorrect email or password",
        "code": "UNAUTHENTICATED",
    }


def test_threat_08_nor_by_the_time_it_takes(anonymous, client):
    """In turns, so that what else the machine does falls on both alike; the shortest,
    which it delayed least; and where it did delay them, once more: what tells them
    apart would tell every time."""

    def seconds(email):
        started = time.perf_counter()
        body = {"email": email, "password": "wrongwrong"}
        assert anonymous.post("/auth/login", json=body).status_code == 401
        return time.perf_counter() - started

    def difference():
        pairs = [
            (seconds(client.user["email"]), seconds(new_email())) for _ in range(20)
        ]
        known, unknown = (min(one) for one in zip(*pairs, strict=True))
        return abs(known - unknown) / known

    seconds(new_email())  # makes the hash that unknown accounts are compared with
    assert any(difference() < 0.1 for _ in range(8))
