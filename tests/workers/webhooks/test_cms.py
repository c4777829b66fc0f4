"""What the CMS's webhooks are told: E-110 to E-116."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.cms.client import CmsClient
from tests.api.cms.conftest import cms
from tests.client import Json, made
from tests.commands.tenant import Tenant
from tests.workers.webhooks.heard import CMS, Hearing

__all__ = ["cms"]
KEYS = ["event", "workspace_id", "object_type_id", "entry_id", "data", "timestamp"]


@pytest.fixture
def posts(cms: CmsClient) -> Json:
    hidden = {"name": "hidden", "type": "TEXT", "private": True}
    return cms.object_type("title", hidden, {"name": "read", "type": "NUMBER"})


@pytest.fixture
def tenant(cms: CmsClient, heard: Hearing, posts: Json) -> Tenant:
    return heard.of(cms, posts)  # type: ignore[arg-type]


@pytest.fixture
def told(heard: Hearing, tenant: Tenant) -> Callable[..., list[Json]]:
    """`told(webhook)`: what it is told, as soon as all is followed."""

    def told(webhook_id: str) -> list[Json]:
        heard.follow()
        return heard.told(tenant, webhook_id)

    return told


def brief(one: Json) -> tuple[str, Json]:
    return one["event"], one["data"]


def test_e_111_and_e_116_a_new_entry_as_the_document_says(
    cms: CmsClient, heard: Hearing, tenant: Tenant, posts: Json, told: Any
):
    hook = heard.hook(tenant, *CMS)
    entry = cms.entry(posts["id"], title="First", hidden="secret", read=1.50, more=[1])

    (one,) = told(hook)

    assert list(one) == KEYS
    assert one == {
        "event": "entry.created",
        "workspace_id": posts["workspace_id"],
        "object_type_id": posts["id"],
        "entry_id": entry["id"],
        "data": entry["data"],
        "timestamp": entry["created_at"],
    }
    assert one["data"] == {
        "title": "First",
        "hidden": "secret",  # it is the workspace's own integration
        "read": 1.50,
        "more": [1],
    }


def test_e_112_and_e_113_an_entry_changes_and_goes(
    cms: CmsClient, heard: Hearing, tenant: Tenant, posts: Json, told: Any
):
    entry = cms.entry(posts["id"], title="First", read=1)
    path = f"/entries/{entry['id']}"
    hook = heard.hook(tenant, *CMS)
    for data in ({"read": 2}, {"title": "Second", "more": "x"}):
        made(cms.patch(path, json={"data": data}))
    made(cms.delete(path))

    found = told(hook)
    last = {"title": "Second", "read": 2, "more": "x"}
    assert [brief(one) for one in found] == [
        ("entry.updated", {"title": "First", "read": 2}),
        ("entry.updated", last),
        ("entry.deleted", last),
    ]
    assert {one["entry_id"] for one in found} == {entry["id"]}


def test_e_112_what_the_cms_does_not_show_is_no_update_of_an_entry(
    cms: CmsClient, heard: Hearing, tenant: Tenant, posts: Json, told: Any
):
    """The other end of a relation, which is the other type's to show."""
    relation = {"name": "post", "type": "RELATION", "relation_to_id": posts["id"]}
    comments = cms.object_type(
        "text", relation, workspace_id=posts["workspace_id"], name="Comment"
    )
    post = cms.entry(posts["id"], title="First")
    hook = heard.hook(tenant, "entry.updated", "entry.created")
    comment = cms.entry(comments["id"], text="yes", post=post["id"])

    found = told(hook)

    assert [(one["event"], one["entry_id"]) for one in found] == [
        ("entry.created", comment["id"])
    ]
    assert found[0]["data"] == {"text": "yes", "post": post["id"]}


def test_e_114_an_object_type_is_told_once_with_its_fields(
    cms: CmsClient, heard: Hearing, tenant: Tenant, posts: Json, told: Any
):
    hook = heard.hook(tenant, *CMS)
    made_type = cms.object_type(
        "text", "by", workspace_id=posts["workspace_id"], name="Comment"
    )

    (one,) = told(hook)

    assert list(one) == KEYS
    assert one == {
        "event": "object_type.created",
        "workspace_id": posts["workspace_id"],
        "object_type_id": made_type["id"],
        "entry_id": None,
        "data": made_type,
        "timestamp": made_type["created_at"],
    }


def test_e_115_changes_of_an_object_type_and_of_its_fields(
    cms: CmsClient, heard: Hearing, tenant: Tenant, posts: Json, told: Any
):
    hook = heard.hook(tenant, *CMS)
    path = f"/object-types/{posts['id']}"
    renamed = made(cms.patch(path, json={"name": "Article"}))
    added = [{"name": "a", "type": "TEXT"}, {"name": "b", "type": "URL"}]
    body = {"field_definitions": added}
    reply = cms.patch(path, json=body)
    assert reply.is_success, reply.text
    tenant_table = tenant.catalog().tables[posts["id"]]
    assert tenant_table.description is None

    found = told(hook)

    assert [one["event"] for one in found] == ["object_type.updated"] * 3
    assert found[0]["data"] == renamed
    assert found[2]["data"] == reply.json()  # one event each, the last one has both
    assert {one["entry_id"] for one in found} == {None}


def test_e_115_what_the_cms_does_not_show_of_a_type_is_no_update_of_it(
    cms: CmsClient, server: Any, heard: Hearing, tenant: Tenant, posts: Json, told: Any
):
    hook = heard.hook(tenant, *CMS)
    with cms.at_pybase(server.url) as pybase:
        made(pybase.patch(f"/tables/{posts['id']}", json={"description": "new"}))
        made(
            pybase.delete(f"/tables/{posts['id']}").raise_for_status()
            and pybase.get("/users/me")
        )
    assert told(hook) == []


def test_e_112_names_of_pybase_and_of_the_cms_are_two_families(
    cms: CmsClient, heard: Hearing, tenant: Tenant, posts: Json, told: Any
):
    of_cms, of_pybase = heard.hook(tenant, *CMS), heard.hook(tenant)
    entry = cms.entry(posts["id"], title="First")
    (first,), (second,) = told(of_cms), told(of_pybase)
    assert (first["event"], first["entry_id"]) == ("entry.created", entry["id"])
    assert (second["type"], second["data"]["record_id"]) == (
        "record.created",
        entry["id"],
    )
