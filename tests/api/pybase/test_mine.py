"""Lists of all one's workspaces and bases: whole, paged, and flat in their number."""

import pytest

from tests.client import Client, made


@pytest.fixture
def statements(server, monkeypatch):
    """How many statements a call sends to the database, beside those of its sign-in."""
    reader, counted = server.system.reader, []
    run = reader.run

    async def counting(sent):
        counted.append(len(sent))
        return await run(sent)

    monkeypatch.setattr(reader, "run", counting)

    def statements(client: Client, path: str) -> tuple[int, int]:
        """Round trips and statements of one GET."""
        counted.clear()
        made(client.get(path))
        return len(counted), sum(counted)

    return statements


@pytest.mark.parametrize("path", ["/workspaces", "/bases", "/bases?limit=5&offset=3"])
def test_a_list_costs_the_same_however_many_workspaces_are_ones_own(
    newcomer, server, statements, path
):
    newcomer.base()
    server.system.catalogs.clear()
    one = statements(newcomer, path)
    for number in range(12):
        newcomer.base(name=f"Base {number}")
    server.system.catalogs.clear()

    assert one == (1, 5)
    assert statements(newcomer, path) == one
    assert len(server.system.catalogs) == 0  # no workspace's catalogue was loaded


def test_each_workspace_is_shown_as_by_itself(newcomer, client, stranger):
    """Owned and joined, with members who left, and one whose maker stepped back."""
    mine = newcomer.workspace("Mine")
    newcomer.add_member(mine["id"], client, "viewer")
    gone = newcomer.add_member(mine["id"], stranger, "editor")
    made_by_other = client.workspace("Joined")
    client.add_member(made_by_other["id"], newcomer, "commenter")
    handed_over = client.workspace("Handed over")
    client.add_member(handed_over["id"], newcomer, "owner")
    members = made(client.get(f"/workspaces/{handed_over['id']}/members"))
    first = next(one for one in members if one["user"]["id"] == client.user["id"])
    path = f"/workspaces/{handed_over['id']}/members/{first['id']}"
    assert client.patch(path, json={"role": "admin"}).status_code == 200
    path = f"/workspaces/{mine['id']}/members/{gone['id']}"
    assert newcomer.delete(path).status_code == 204

    listed = made(newcomer.get("/workspaces"))["items"]

    assert [one["name"] for one in listed] == ["Mine", "Joined", "Handed over"]
    assert [one["role"] for one in listed] == ["owner", "commenter", "owner"]
    assert [one["members_count"] for one in listed] == [2, 2, 2]
    assert listed[2]["owner_id"] == newcomer.user["id"]
    for one in listed:
        assert made(newcomer.get(f"/workspaces/{one['id']}")) == one


def test_each_base_is_shown_as_by_itself(newcomer, client):
    first = newcomer.base(name="First")
    joined = client.workspace("Joined")
    client.add_member(joined["id"], newcomer, "viewer")
    second = client.base(joined["id"], "Second")
    client.table("Name", base_id=second["id"])
    dropped = client.table("Name", base_id=second["id"], name="Dropped")
    assert client.delete(f"/tables/{dropped['id']}").status_code == 204
    third = newcomer.base(first["workspace_id"], "Third")
    gone = newcomer.base(first["workspace_id"], "Gone")
    assert newcomer.delete(f"/bases/{gone['id']}").status_code == 204

    listed = made(newcomer.get("/bases"))

    names = [one["name"] for one in listed["items"]]
    assert (names, listed["total"]) == (["First", "Second", "Third"], 3)
    assert [one["tables_count"] for one in listed["items"]] == [0, 1, 0]
    for one in listed["items"]:
        assert made(newcomer.get(f"/bases/{one['id']}")) == one
    assert third["id"] == listed["items"][2]["id"]


def test_what_one_has_left_and_what_is_deleted_is_not_listed(newcomer, client):
    left = client.base(name="Left")
    member = client.add_member(left["workspace_id"], newcomer, "editor")
    deleted = newcomer.base(name="Deleted")
    stays = newcomer.base(name="Stays")
    path = f"/workspaces/{left['workspace_id']}/members/{member['id']}"
    assert newcomer.delete(path).status_code == 204
    assert newcomer.delete(f"/workspaces/{deleted['workspace_id']}").status_code == 204

    workspaces = made(newcomer.get("/workspaces"))
    bases = made(newcomer.get("/bases"))

    assert [one["id"] for one in workspaces["items"]] == [stays["workspace_id"]]
    assert [one["id"] for one in bases["items"]] == [stays["id"]]
    assert (workspaces["total"], bases["total"]) == (1, 1)


@pytest.mark.parametrize("path", ["/workspaces", "/bases"])
def test_pages_make_the_whole(newcomer, path):
    for number in range(5):
        newcomer.base(name=f"Base {number}")
    whole = made(newcomer.get(path))
    pages = [made(newcomer.get(f"{path}?limit=2&offset={at}")) for at in (0, 2, 4, 6)]
    second = made(newcomer.get(f"{path}?page=2&page_size=2"))

    assert [one["total"] for one in pages] == [5] * 4
    assert [item for one in pages for item in one["items"]] == whole["items"]
    assert second["items"] == pages[1]["items"]


@pytest.mark.parametrize("path", ["/workspaces", "/bases"])
def test_who_has_none_gets_none_and_who_left_no_longer_asks(newcomer, path):
    assert made(newcomer.get(path))["items"] == []
    assert newcomer.post("/auth/logout").status_code == 204
    assert newcomer.get(path).status_code == 401
