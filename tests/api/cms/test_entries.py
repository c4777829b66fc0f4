"""Entries one by one: made, read, changed and deleted; they are PyBase's records."""

import threading

import pytest

from tests.api.cms.blog import refused
from tests.api.cms.client import CmsClient
from tests.client import ABSENT, made

AT = "2024-01-01T00:00:00Z"


# ------------------------------------------------------------------------- anonymous


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/entries"),
        ("GET", "/entries"),
        ("GET", f"/entries/{ABSENT}"),
        ("PATCH", f"/entries/{ABSENT}"),
        ("DELETE", f"/entries/{ABSENT}"),
    ],
)
def test_e_091_nobody_sees_or_writes_an_entry(nobody, method, path):
    body = {"object_type_id": ABSENT, "data": {}}

    assert nobody.request(method, path, json=body).status_code == 401


# ------------------------------------------------------------------------------ POST


def test_e_050_an_entry_is_made_as_the_document_says(cms, blog, author, tags):
    data = {
        "title": "My First Blog Post",
        "content": "<p>This is the content of my blog post.</p>",
        "author": author,
        "tags": tags,
        "published": True,
        "publish_date": AT,
        "subtitle": "of no field",
    }

    reply = cms.post("/entries", json={"object_type_id": blog.posts, "data": data})

    assert reply.status_code == 201
    entry = reply.json()
    assert list(entry) == [
        "id",
        "object_type_id",
        "data",
        "created_at",
        "updated_at",
        "object_type",
        "creator",
    ]
    assert entry["data"] == data
    assert entry["object_type_id"] == blog.posts
    assert entry["object_type"] == {
        "id": blog.posts,
        "name": "Blog Post",
        "slug": "blog_post",
    }
    assert entry["creator"] == {
        "id": cms.user["id"],
        "email": cms.user["email"],
        "full_name": "Ada",
    }
    assert entry["created_at"] == entry["updated_at"]
    assert reply.headers["etag"] == '"v1"'
    assert int(reply.headers["x-position"]) > 0
    assert reply.headers["x-batch-id"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"object_type_id": ABSENT},
        {"data": {}},
        {"object_type_id": 1, "data": {}},
        {"object_type_id": ABSENT, "data": []},
        {"object_type_id": "no-id", "data": {}},
    ],
)
def test_e_090_a_body_of_another_shape_is_400(cms, body):
    reply = cms.post("/entries", json=body)

    assert (reply.status_code, reply.json()["code"]) == (400, "VALIDATION_ERROR")


def test_e_093_an_unknown_type_is_404(cms):
    reply = cms.post("/entries", json={"object_type_id": ABSENT, "data": {}})

    assert refused(reply, 404, "Object type not found")["code"] == "NOT_FOUND"


def test_a_second_try_with_a_key_gets_the_first_reply(cms, blog):
    body = {"object_type_id": blog.tags, "data": {"name": "Once", "extra": 1}}
    headers = {"idempotency-key": "entry-once"}

    first = cms.post("/entries", json=body, headers=headers)
    again = cms.post("/entries", json=body, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


# ------------------------------------------------------------------------------- GET


def test_e_052_an_entry_comes_with_its_type_and_what_its_fields_are(cms, blog):
    entry = cms.entry(blog.posts, title="Read me")

    reply = cms.get(f"/entries/{entry['id']}")

    shown = made(reply)
    kind = shown.pop("object_type")
    assert shown == {key: one for key, one in entry.items() if key != "object_type"}
    assert list(kind) == ["id", "name", "slug", "workspace", "field_definitions"]
    assert list(kind["workspace"]) == ["id", "name", "slug"]
    assert kind["workspace"]["id"] == blog.workspace_id
    names = [one["name"] for one in kind["field_definitions"]]
    assert names[:3] == ["title", "content", "age"]
    assert reply.headers["etag"] == '"v1"'


def test_e_056_relations_are_ids_to_members(cms, blog, author, tags):
    entry = cms.entry(blog.posts, title="Ids", author=author, tags=tags[::-1])

    shown = made(cms.get(f"/entries/{entry['id']}"))

    assert shown["data"] == {"title": "Ids", "author": author, "tags": tags[::-1]}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_malformed_id_is_400_and_an_unknown_one_404(cms, method):
    bad = cms.request(method, "/entries/nothing", json={"data": {}})
    unknown = cms.request(method, f"/entries/{ABSENT}", json={"data": {}})

    refused(bad, 400, "Invalid entry ID format")
    refused(unknown, 404, "Entry not found")


# ----------------------------------------------------------------------------- PATCH


def test_e_053_a_change_leaves_what_it_does_not_name(cms, blog, author, tags):
    data = {"title": "Before", "author": author, "tags": tags, "mood": "calm"}
    entry = cms.entry(blog.posts, **data)

    reply = cms.patch(
        f"/entries/{entry['id']}",
        json={"data": {"title": "Updated Blog Post Title", "published": False}},
    )

    after = made(reply)
    assert after["data"] == data | {
        "title": "Updated Blog Post Title",
        "published": False,
    }
    assert after["updated_at"] > after["created_at"] == entry["created_at"]
    assert reply.headers["etag"] == '"v2"'
    assert after == made(cms.get(f"/entries/{entry['id']}"))


def test_null_empties_and_arrays_are_put_whole(cms, blog, author, tags):
    entry = cms.entry(blog.posts, title="T", author=author, tags=tags, a=1, b=[2])
    path = f"/entries/{entry['id']}"

    after = made(
        cms.patch(path, json={"data": {"author": None, "tags": tags[:1], "b": None}})
    )

    assert after["data"] == {"title": "T", "tags": tags[:1], "a": 1}
    reply = cms.patch(path, json={"data": {"title": None}})
    assert refused(reply, 422, "Field 'Title' is required")
    assert made(cms.get(path))["data"] == after["data"]


def test_a_change_of_nothing_changes_nothing(cms, blog):
    entry = cms.entry(blog.tags, name="Same")

    reply = cms.patch(f"/entries/{entry['id']}", json={"data": {}})

    assert made(reply)["data"] == {"name": "Same"}
    assert reply.headers["etag"] == '"v1"'


def test_another_version_is_told_what_came_since(cms, blog):
    entry = cms.entry(blog.tags, name="One")
    path = f"/entries/{entry['id']}"
    made(cms.patch(path, json={"data": {"name": "Two"}}, headers={"if-match": '"v1"'}))

    for method in ("PATCH", "DELETE"):
        reply = cms.request(
            method, path, json={"data": {"name": "x"}}, headers={"if-match": '"v1"'}
        )
        assert reply.status_code == 412
        assert [one["type"] for one in reply.json()["changes"]] == ["record.updated"]


def test_two_changes_at_once_of_keys_without_a_field_both_stay(server, cms, blog):
    entry = cms.entry(blog.tags, name="Both")
    path = f"/entries/{entry['id']}"
    at_once = threading.Barrier(6)

    def change(name):
        with CmsClient(server.cms_url) as client:
            client.headers["authorization"] = cms.headers["authorization"]
            at_once.wait()
            made(client.patch(path, json={"data": {name: name}}))

    threads = [threading.Thread(target=change, args=[f"k{n}"]) for n in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    keys = {f"k{n}": f"k{n}" for n in range(6)}
    assert made(cms.get(path))["data"] == {"name": "Both"} | keys


# ---------------------------------------------------------------------------- DELETE


def test_e_054_a_deleted_entry_answers_that_it_is(cms, blog, ada_at_pybase):
    entry = cms.entry(blog.tags, name="Gone")
    path = f"/entries/{entry['id']}"

    reply = cms.delete(path)

    assert (reply.status_code, reply.headers["content-type"]) == (
        200,
        "application/json",
    )
    gone = reply.json()
    assert list(gone) == ["id", "is_deleted", "updated_at"]
    assert (gone["id"], gone["is_deleted"]) == (entry["id"], True)
    assert gone["updated_at"] > entry["updated_at"]
    assert cms.delete(path).status_code == 404


def test_threat_109_a_deleted_entry_is_gone_to_members_and_kept_by_the_audit(
    cms, blog, ada_at_pybase
):
    post = cms.entry(blog.posts, title="Post", author=cms.entry(blog.authors)["id"])
    author = post["data"]["author"]
    made(cms.delete(f"/entries/{author}"))

    for method in ("GET", "PATCH", "DELETE"):
        reply = cms.request(method, f"/entries/{author}", json={"data": {"name": "x"}})
        refused(reply, 404, "Entry not found")
    assert made(cms.get(f"/entries/{post['id']}"))["data"] == {"title": "Post"}
    reply = cms.patch(f"/entries/{post['id']}", json={"data": {"author": author}})
    refused(reply, 422, "Field 'Author' names an entry that does not exist")
    listed = made(cms.get(f"/entries?object_type_id={blog.authors}&limit=100"))
    assert author not in [one["id"] for one in listed["entries"]]
    history = made(ada_at_pybase.get(f"/records/{author}/history"))
    assert history["items"][0]["type"] == "record.deleted"


# ------------------------------------------------------------------- with other doors


def test_e_050_an_entry_is_a_record_at_pybase(cms, blog, ada_at_pybase):
    entry = cms.entry(blog.posts, title="Both doors", age=1.5, note={"a": [1]})

    record = made(ada_at_pybase.get(f"/records/{entry['id']}"))

    assert record["fields"]["Title"] == "Both doors"
    assert record["fields"]["Age"] == 1.5
    assert record["fields"]["Other data"] == {"note": {"a": [1]}}
    found = made(
        ada_at_pybase.get(
            "/records",
            params={
                "table_id": blog.posts,
                "filter": '{"Title": {"$eq": "Both doors"}, "Age": {"$gt": 1}}',
            },
        )
    )
    assert [one["id"] for one in found["items"]] == [entry["id"]]


def test_a_write_of_the_cms_is_undone_at_pybase_and_its_history_says_where_from(
    cms, blog, ada_at_pybase
):
    entry = cms.entry(blog.tags, name="First", a=1)
    path = f"/entries/{entry['id']}"
    changed = cms.patch(path, json={"data": {"name": "Second", "a": None, "b": 2}})
    batch = {"scope": "batch", "id": changed.headers["x-batch-id"]}

    done = made(ada_at_pybase.post("/undo", json=batch))

    assert done["conflicts"] == []
    assert made(cms.get(path))["data"] == {"name": "First", "a": 1}
    items = made(ada_at_pybase.get(f"/records/{entry['id']}/history"))["items"]
    assert [(one["type"], one["surface"]) for one in items] == [
        ("record.updated", "pybase"),
        ("record.updated", "cms"),
        ("record.created", "cms"),
    ]


def test_a_record_of_pybase_is_an_entry(cms, blog, ada_at_pybase):
    record = ada_at_pybase.record(blog.tags, Name="From there")
    path = f"/entries/{record['id']}"

    assert made(cms.get(path))["data"] == {"name": "From there"}
    made(cms.patch(path, json={"data": {"name": "And back"}}))
    changed = made(ada_at_pybase.get(f"/records/{record['id']}"))
    assert changed["fields"]["Name"] == "And back"
