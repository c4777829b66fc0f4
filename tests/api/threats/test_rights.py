"""Rows 25 to 29: rights that end, move or were never there."""

import threading

import pytest

from tests.client import ABSENT, made, new_email


@pytest.fixture
def mine(client):
    table = client.table("Name", "Secret")
    return table, client.record(table["id"], Name="Ada", Secret="x")


# --------------------------------------------------- row 25: a name that comes back


def test_threat_25_a_field_of_the_same_name_is_another_one(attack, client, mine):
    table, record = mine
    old = table["ids"]["Secret"]
    client.constraint(old)
    client.delete(f"/fields/{old}")
    again = client.field(table["id"], "Secret")

    assert again["id"] != old
    assert again["is_unique"] is False
    shown = made(client.get(f"/records/{record['id']}"))["fields"]
    assert shown == {"Name": "Ada", "Secret": None}
    client.records(table["id"], {"Secret": "x"}, {"Secret": "x"})
    attack(client, "GET", f"/fields/{old}", expect=404)
    attack(client, "GET", f"/fields/{again['id']}/constraint", expect=404)


def test_threat_25_a_workspace_of_the_same_slug_is_another_one(
    attack, client, newcomer
):
    slug = f"again-{new_email('x').split('.')[1].split('@')[0]}"
    body = {"name": "Acme", "slug": slug}
    old = made(newcomer.post("/workspaces", json=body))
    newcomer.add_member(old["id"], client, "admin")
    newcomer.delete(f"/workspaces/{old['id']}")
    new = made(client.post("/workspaces", json=body))

    assert new["slug"] == slug
    attack(newcomer, "GET", f"/workspaces/{new['id']}", expect=404)
    attack(newcomer, "GET", f"/workspaces/{old['id']}", expect=404)


# ------------------------------------------------------ row 26: moved or re-authored


def test_threat_26_a_change_moves_nothing_and_makes_nobody_its_author(
    client, victim, mine
):
    table, record = mine
    forged = {
        "id": ABSENT,
        "workspace_id": victim.ids["workspace"],
        "base_id": victim.ids["base"],
        "table_id": victim.ids["table"],
        "field_id": victim.ids["field"],
        "created_by": victim.ids["user"],
        "created_by_id": victim.ids["user"],
        "owner_id": victim.ids["user"],
        "user_id": victim.ids["user"],
    }
    before = victim.client.position(victim.workspace_id)
    for path, body in (
        (f"/workspaces/{table['workspace_id']}", {"name": "N"}),
        (f"/bases/{table['base_id']}", {"name": "N"}),
        (f"/tables/{table['id']}", {"name": "N"}),
        (f"/fields/{table['ids']['Name']}", {"name": "N"}),
        (f"/records/{record['id']}", {"fields": {"Secret": "y"}}),
    ):
        kept = made(client.get(path))
        reply = client.patch(path, json={**forged, **body})
        assert reply.status_code in (200, 422), path
        after = made(client.get(path))
        for name in forged:
            assert after.get(name) == kept.get(name), (path, name)
    assert victim.client.position(victim.workspace_id) == before


# ------------------------------------------------- row 27: a role lost on the way


def test_threat_27_a_role_lost_while_requests_are_under_way(client, newcomer, ledger):
    """Every write that was acknowledged comes before the loss in the ledger."""
    table = client.table("Name")
    workspace_id = table["workspace_id"]
    added = client.add_member(workspace_id, newcomer, "editor")
    path = f"/workspaces/{workspace_id}/members/{added['id']}"
    statuses, positions = [], []
    body = {"table_id": table["id"], "fields": {}}

    def write():
        while True:
            reply = newcomer.post("/records", json=body)
            statuses.append(reply.status_code)
            if reply.status_code != 201:
                return
            positions.append(int(reply.headers["x-position"]))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for one in writers:
        one.start()
    while len(positions) < 20:
        assert any(one.is_alive() for one in writers)
    lost = int(client.patch(path, json={"role": "viewer"}).headers["x-position"])
    for one in writers:
        one.join(10)

    # a writer may note its last success after another has noted its refusal
    assert statuses.count(403) == 4
    assert statuses.count(201) == len(positions) == len(statuses) - 4
    assert max(positions) < lost
    events = ledger.execute(
        "SELECT count(*) FROM ledger.events WHERE workspace_id = %s AND seq > %s",
        [workspace_id, lost],
    ).fetchone()
    assert events == (0,)


# ------------------------------------------------ row 28: a reader that forgets to say


def test_threat_28_a_pooled_connection_is_left_without_a_workspace(
    server, client, victim
):
    made(victim.client.get(f"/records/{victim.ids['record']}"))
    made(client.get("/workspaces"))
    client.get(f"/records/{victim.ids['record']}")

    async def left():
        pool = server.system.pool
        found = []
        for _ in range(8):
            async with pool.connection() as connection:
                cursor = await connection.execute("SELECT count(*) FROM ledger.events")
                found.append(await cursor.fetchone())
        return found

    assert set(server.run(left())) == {(0,)}


# -------------------------------------------- row 29: who only looks invites nobody


@pytest.mark.parametrize("who", ["viewer", "commenter", "editor", "a key that reads"])
def test_threat_29_who_only_looks_changes_no_member(
    attack, server, client, newcomer, stranger, who
):
    workspace_id = client.workspace()["id"]
    owner = made(client.get(f"/workspaces/{workspace_id}/members"))[0]
    caller = newcomer
    role = who
    if who.startswith("a key"):
        role = "admin"
        key = made(newcomer.post("/users/me/api-keys", json={"scopes": ["read"]}))
        del newcomer.headers["authorization"]
        newcomer.headers["x-api-key"] = key["key"]
    client.add_member(workspace_id, caller, role)
    path = f"/workspaces/{workspace_id}/members"
    body = {"user_id": stranger.user["id"], "role": "viewer"}

    attack(caller, "POST", path, expect=403, json=body)
    one = f"{path}/{owner['id']}"
    attack(caller, "PATCH", one, expect=403, json={"role": "viewer"})
    attack(caller, "DELETE", one, expect=403)
    attack(caller, "DELETE", f"/workspaces/{workspace_id}", expect=403)


def test_threat_29_nobody_invites_nobody(attack, anonymous, victim):
    path = f"/workspaces/{victim.workspace_id}/members"

    attack(anonymous, "POST", path, expect=401, json={"user_id": ABSENT})
    member = f"{path}/{victim.ids['member']}"
    attack(anonymous, "PATCH", member, expect=401, json={"role": "owner"})
    attack(anonymous, "DELETE", member, expect=401)
