"""Whose entries are whose, and what a role may do with them."""

import pytest

from tests.api.cms.client import CmsClient
from tests.client import ABSENT, made

ROLES = ("viewer", "commenter", "editor", "admin", "owner")


@pytest.fixture(scope="module")
def entry(cms, blog):
    return cms.entry(blog.tags, name="Mine")


def calls(blog, entry_id, type_id=None):
    """Every operation on entries, as (method, path, body)."""
    made_of = {"object_type_id": type_id or blog.tags, "data": {"name": "x"}}
    return [
        ("POST", "/entries", made_of),
        ("GET", f"/entries?object_type_id={type_id or blog.tags}", None),
        ("GET", f"/entries/{entry_id}", None),
        ("PATCH", f"/entries/{entry_id}", {"data": {"name": "y"}}),
        ("DELETE", f"/entries/{entry_id}", None),
    ]


def test_another_tenants_entries_answer_as_those_that_never_were(
    cms, blog, entry, cms_stranger
):
    theirs = calls(blog, entry["id"])
    nowhere = calls(blog, ABSENT, ABSENT)

    for (method, path, body), (_, absent, nothing) in zip(theirs, nowhere, strict=True):
        foreign = cms_stranger.request(method, path, json=body)
        unknown = cms_stranger.request(method, absent, json=nothing)
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert made(cms.get(f"/entries/{entry['id']}"))["data"] == {"name": "Mine"}


def test_another_tenants_workspace_is_not_listed(blog, entry, cms_stranger):
    reply = cms_stranger.get(f"/entries?workspace_id={blog.workspace_id}")
    unknown = cms_stranger.get(f"/entries?workspace_id={ABSENT}")

    assert (reply.status_code, reply.content) == (404, unknown.content)
    everything = made(cms_stranger.get("/entries?limit=100"))["entries"]
    assert entry["id"] not in [one["id"] for one in everything]


@pytest.mark.parametrize("role", ROLES)
def test_e_092_a_reader_writes_nothing(server, cms, blog, ada_at_pybase, role):
    writes = role in ("editor", "admin", "owner")
    mine = cms.entry(blog.tags, name="Mine")["id"]
    with CmsClient(server.cms_url) as member:
        member.register(role)
        with member.at_pybase(server.url) as known:
            ada_at_pybase.add_member(blog.workspace_id, known, role)
        found = {
            (method, path.partition("?")[0].replace(mine, "id")): member.request(
                method, path, json=body
            ).status_code
            for method, path, body in calls(blog, mine)
        }

    assert found == {
        ("POST", "/entries"): 201 if writes else 403,
        ("GET", "/entries"): 200,
        ("GET", "/entries/id"): 200,
        ("PATCH", "/entries/id"): 200 if writes else 403,
        ("DELETE", "/entries/id"): 200 if writes else 403,
    }


def test_a_former_member_finds_nothing(server, cms, blog, ada_at_pybase, entry):
    with CmsClient(server.cms_url) as member:
        member.register("Former")
        with member.at_pybase(server.url) as known:
            added = ada_at_pybase.add_member(blog.workspace_id, known, "editor")
        assert member.get(f"/entries/{entry['id']}").status_code == 200
        path = f"/workspaces/{blog.workspace_id}/members/{added['id']}"
        assert ada_at_pybase.delete(path).status_code == 204

        for method, path, body in calls(blog, entry["id"]):
            assert member.request(method, path, json=body).status_code == 404
        assert made(member.get("/entries"))["entries"] == []
