"""Object types at the CMS: E-040 to E-042, and E-080 to E-087 on the side of the
definition."""

import threading

import httpx2
import psycopg
import pytest

from domain.ids import WorkspaceId
from projections.rebuild import check
from tests.api.cms.client import CmsClient
from tests.api.cms.test_workspaces import refused
from tests.client import ABSENT, Json, made, new_id

BODY = {"id", "name", "slug", "workspace_id", "public", "created_at"}


@pytest.fixture(scope="module")
def site(cms: CmsClient) -> Json:
    """A workspace for tests that mind no other types in it."""
    return cms.workspace("Types")


def name_of_its_own() -> str:
    return f"Type {new_id()}"


def defined(cms, site, *fields, **more) -> Json:
    """A new type of the shared workspace."""
    return cms.object_type(
        *fields, workspace_id=site["id"], name=name_of_its_own(), **more
    )


def wanted(site, *fields, **more) -> Json:
    definitions = list(fields)
    return {
        "name": name_of_its_own(),
        "workspace_id": site["id"],
        "field_definitions": definitions,
    } | more


def relation(name: str, to: Json, **more) -> Json:
    return {"name": name, "type": "RELATION", "relation_to_id": to["id"]} | more


# ------------------------------------------------------------------------ making


def test_e_040_the_documents_own_request(cms, happened):
    site = cms.workspace("My Blog")
    author = cms.object_type("name", workspace_id=site["id"], name="Author")
    tag = cms.object_type("name", workspace_id=site["id"], name="Tag")
    at = len(happened(site["id"]))
    body = {
        "name": "Blog Post",
        "slug": "blog-post",
        "workspace_id": site["id"],
        "field_definitions": [
            {
                "name": "title",
                "display_name": "Title",
                "type": "TEXT",
                "required": True,
                "placeholder": "Enter post title",
            },
            {
                "name": "content",
                "display_name": "Content",
                "type": "RICH_TEXT",
                "required": True,
            },
            {
                "name": "author",
                "display_name": "Author",
                "type": "RELATION",
                "relation_to_id": author["id"],
                "required": True,
            },
            {
                "name": "tags",
                "display_name": "Tags",
                "type": "RELATION",
                "relation_to_id": tag["id"],
                "multiple": True,
            },
        ],
    }

    reply = cms.post("/object-types", json=body)

    found = reply.json()
    assert reply.status_code == 201, found
    assert {name: found[name] for name in BODY} == {
        "id": found["id"],
        "name": "Blog Post",
        "slug": "blog-post",
        "workspace_id": site["id"],
        "public": True,
        "created_at": found["created_at"],
    }
    assert found["workspace"] == {name: site[name] for name in ("id", "name", "slug")}
    assert [
        (one["name"], one["type"], one["required"], one["multiple"])
        for one in found["field_definitions"]
    ] == [
        ("title", "TEXT", True, False),
        ("content", "RICH_TEXT", True, False),
        ("author", "RELATION", True, False),
        ("tags", "RELATION", False, True),
    ]
    relations = [one["relation_to"] for one in found["field_definitions"]]
    assert relations == [
        None,
        None,
        {"id": author["id"], "name": "Author", "slug": "author"},
        {"id": tag["id"], "name": "Tag", "slug": "tag"},
    ]
    assert [name for name, _ in happened(site["id"], at)] == [
        "table.created",
        *["field.created"] * 6,  # a relation has two ends
    ]
    assert reply.headers["etag"] == '"v1"'
    assert reply.headers["x-batch-id"]


def test_the_first_type_of_a_workspace_brings_the_base_of_content(
    cms, ada_at_pybase, happened
):
    site = cms.workspace()

    one = cms.object_type("title", workspace_id=site["id"])

    events = [name for name, _ in happened(site["id"])][2:]
    assert events == ["base.created", "table.created", "field.created"]
    table = made(ada_at_pybase.get(f"/tables/{one['id']}"))
    base = made(ada_at_pybase.get(f"/bases/{table['base_id']}"))
    assert (base["name"], base["db_name"]) == ("Content", "content")
    assert (table["name"], table["slug"]) == ("Blog Post", "blog-post")


def test_two_first_types_at_once_find_one_base(cms, server, ada_at_pybase):
    site = cms.workspace()
    statuses: list[int] = []

    def ask(name: str) -> None:
        body = {"name": name, "workspace_id": site["id"]}
        with CmsClient(server.cms_url) as one:
            one.headers.update(cms.headers)
            statuses.append(one.post("/object-types", json=body).status_code)

    threads = [threading.Thread(target=ask, args=[f"T{n}"]) for n in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert statuses == [201] * 6
    found = made(ada_at_pybase.get("/bases", params={"workspace_id": site["id"]}))
    assert [(one["name"], one["tables_count"]) for one in found["items"]] == [
        ("Content", 6)
    ]


def test_a_relation_leads_to_the_base_that_the_type_is_made_in(cms, ada_at_pybase):
    authors = ada_at_pybase.table("Name", name="Authors")
    workspace_id = authors["workspace_id"]

    one = cms.object_type(relation("author", authors), workspace_id=workspace_id)

    table = made(ada_at_pybase.get(f"/tables/{one['id']}"))
    assert table["base_id"] == authors["base_id"]


def test_relations_to_two_bases_are_refused(cms, ada_at_pybase):
    first = ada_at_pybase.table("Name", name="Authors")
    site = {"id": first["workspace_id"]}
    base = ada_at_pybase.base(site["id"])
    other = ada_at_pybase.table("Name", base_id=base["id"], name="Tags")
    body = wanted(site, relation("author", first), relation("tags", other))

    reply = cms.post("/object-types", json=body)

    assert refused(reply, 400) == (
        "Field 'tags': the relations of an object type lead to one base, and this one"
        " leads to another"
    )


def test_a_type_may_lead_to_itself(cms, site):
    body = {"name": "parent", "type": "RELATION", "relation_to_id": "self"}

    one = defined(cms, site, body)

    (field,) = one["field_definitions"]
    assert field["relation_to"]["id"] == one["id"]


def test_e_040_a_slug_is_made_from_the_name_where_none_is_chosen(cms):
    site = cms.workspace()
    first = cms.object_type(workspace_id=site["id"], name="Blog Post")
    second = cms.object_type(workspace_id=site["id"], name="blog  post!")

    assert (first["slug"], second["slug"]) == ("blog-post", "blog-post-2")


def test_a_type_need_not_be_public(cms, site):
    assert defined(cms, site, public=False)["public"] is False


def test_a_type_may_begin_without_fields(cms, site):
    assert defined(cms, site)["field_definitions"] == []


# ------------------------------------------------------- the properties of a field


def test_e_080_a_name_is_the_fields_own_and_of_no_other(cms, site, ada_at_pybase):
    one = defined(cms, site, {"name": "first_name", "display_name": "First"})

    (field,) = made(ada_at_pybase.get(f"/tables/{one['id']}"))["fields"]
    assert (field["api_name"], field["name"]) == ("first_name", "First")


@pytest.mark.parametrize(
    "name",
    ["Title", "first name", "first-name", "a__b", "_a", "a_", "", "é", "a" * 64, "a.b"],
)
def test_e_080_a_name_is_snake_case(cms, site, name):
    reply = cms.post("/object-types", json=wanted(site, {"name": name}))

    told = refused(reply, 400)
    assert told.startswith(f"Field '{name}': a name is snake_case")
    assert reply.json()["errors"][0]["loc"] == ["field_definitions", 0, "name"]


@pytest.mark.parametrize("name", ["id", "page", "sort", "limit"])
def test_e_080_a_name_is_no_word_of_a_query(cms, site, name):
    reply = cms.post("/object-types", json=wanted(site, {"name": name}))

    assert refused(reply, 400) == f"Field '{name}': the name is reserved"


def test_e_081_what_is_displayed_is_the_name_unless_it_is_said(cms, site):
    one = defined(cms, site, "title", {"name": "body", "display_name": "The Text"})

    shown = [field["display_name"] for field in one["field_definitions"]]
    assert shown == ["title", "The Text"]


TYPES = {
    "TEXT": "text",
    "TEXTAREA": "long_text",
    "RICH_TEXT": "long_text",
    "NUMBER": "number",
    "BOOLEAN": "checkbox",
    "EMAIL": "email",
    "URL": "url",
    "DATE": "date",
    "DATETIME": "datetime",
    "RELATION": "linked_record",
    "MEDIA": "attachment",
}


def test_e_082_every_type_is_a_field_of_pybase(cms, site, ada_at_pybase):
    fields = [
        {"name": name.lower(), "type": name}
        | ({"relation_to_id": "self"} if name == "RELATION" else {})
        for name in TYPES
    ]

    one = defined(cms, site, *fields)

    assert [each["type"] for each in one["field_definitions"]] == list(TYPES)
    there = made(ada_at_pybase.get(f"/tables/{one['id']}"))["fields"]
    kept = {each["api_name"]: each for each in there}
    assert {name: kept[name.lower()]["type"] for name in TYPES} == TYPES
    assert kept["rich_text"]["options"] == {"enable_rich_text": True}


def test_e_082_a_type_that_is_not_named_is_text(cms, site):
    (field,) = defined(cms, site, {"name": "title"})["field_definitions"]

    assert field["type"] == "TEXT"


def test_e_083_and_084_are_false_unless_they_are_said(cms, site):
    (field,) = defined(cms, site, {"name": "title"})["field_definitions"]

    assert (field["required"], field["multiple"], field["relation_to"]) == (
        False,
        False,
        None,
    )


@pytest.mark.parametrize("multiple", [True, False])
def test_e_084_a_relation_has_one_or_many(cms, site, ada_at_pybase, multiple):
    body = {"name": "other", "type": "RELATION", "relation_to_id": "self"}

    one = defined(cms, site, body | {"multiple": multiple})

    assert one["field_definitions"][0]["multiple"] is multiple
    field = made(ada_at_pybase.get(f"/tables/{one['id']}"))["fields"][0]
    assert field["options"]["allow_multiple"] is multiple


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"type": "STRING"}, "the type must be one of TEXT, TEXTAREA, RICH_TEXT"),
        ({"type": "text"}, "the type must be one of"),
        ({"type": "RELATION"}, "a RELATION needs a relation_to_id"),
        ({"relation_to_id": ABSENT}, "only a RELATION has a relation_to_id"),
        (
            {"type": "RELATION", "relation_to_id": ABSENT},
            "relation_to_id is no object type of this workspace",
        ),
        (
            {"type": "RELATION", "relation_to_id": "no-uuid"},
            "relation_to_id is no object type of this workspace",
        ),
    ],
)
def test_e_087_what_is_wrong_with_a_field_is_told_by_its_name(cms, site, body, told):
    fields = [{"name": "fine"}, {"name": "broken"} | body]

    reply = cms.post("/object-types", json=wanted(site, *fields))

    assert refused(reply, 400).startswith(f"Field 'broken': {told}")
    assert reply.json()["errors"][0]["loc"][:2] == ["field_definitions", 1]


def test_e_087_another_workspaces_type_is_none(cms, site, cms_stranger):
    theirs = cms_stranger.object_type("title")
    mine = cms.object_type("title")
    for target in (theirs, mine):
        reply = cms.post("/object-types", json=wanted(site, relation("other", target)))
        assert refused(reply, 400) == (
            "Field 'other': relation_to_id is no object type of this workspace"
        )


def test_e_087_a_deleted_type_is_none(cms, site):
    gone = defined(cms, site)
    made(cms.delete(f"/object-types/{gone['id']}"))

    reply = cms.post("/object-types", json=wanted(site, relation("other", gone)))

    assert "no object type" in refused(reply, 400)


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"name": "title"}, "Field 'title': the name stands twice"),
        (
            {"name": "other", "display_name": "TITLE"},
            "Field 'other': the display name stands twice",
        ),
    ],
)
def test_no_two_fields_have_one_name(cms, site, second, told):
    reply = cms.post("/object-types", json=wanted(site, {"name": "title"}, second))

    assert refused(reply, 400) == told


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": None}, "name"),
        ({"workspace_id": None}, "workspace_id"),
        ({"public": "yes"}, "public"),
        ({"slug": 7}, "slug"),
        ({"slug": "Blog Post"}, "slug"),
        ({"slug": "../x"}, "slug"),
        ({"slug": "a--b"}, "slug"),
        ({"slug": ""}, "slug"),
        ({"field_definitions": {}}, "field_definitions"),
        ({"field_definitions": [{}]}, "field_definitions[0].name"),
        (
            {"field_definitions": [{"name": "a"}, {"name": "b", "required": "yes"}]},
            "field_definitions[1].required",
        ),
    ],
)
def test_what_no_type_can_be_is_told_by_its_place(cms, site, body, place):
    reply = cms.post("/object-types", json=wanted(site) | body)

    assert refused(reply, 400).startswith(f"{place}: ")


def test_what_is_refused_leaves_nothing(cms, happened):
    site = cms.workspace()
    fields = [{"name": "fine"}, {"name": "broken", "type": "STRING"}]
    refused(cms.post("/object-types", json=wanted(site, *fields)), 400)
    taken = wanted(site, {"name": "fine"}, slug="fine")
    made(cms.post("/object-types", json=taken))
    at = len(happened(site["id"]))

    refused(cms.post("/object-types", json=taken | {"name": "Other"}), 409)

    assert len(happened(site["id"])) == at


def test_a_key_makes_one_type_however_often_it_is_said(cms, site):
    headers = {"Idempotency-Key": new_id()}
    body = wanted(site, {"name": "title"})

    first, again = (
        cms.post("/object-types", json=body, headers=headers) for _ in range(2)
    )

    assert (first.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"


def test_a_type_goes_as_it_came_by_undo(cms, ada_at_pybase):
    site = cms.workspace()
    body = wanted(site, {"name": "title"}, relation("parent", {"id": "self"}))
    reply = cms.post("/object-types", json=body)
    undo = {
        "workspace_id": site["id"],
        "scope": "batch",
        "id": reply.headers["x-batch-id"],
    }

    made(ada_at_pybase.post("/undo", json=undo))

    of = {"workspace_id": site["id"]}
    assert made(cms.get("/object-types", params=of)) == []
    assert made(ada_at_pybase.get("/bases", params=of))["items"] == []
    again = made(cms.post("/object-types", json=body))
    assert again["slug"].startswith("type-")


def test_rows_are_what_the_events_say(cms, ada_at_pybase, database):
    site = cms.workspace(status="Suspended")
    one = cms.object_type("title", workspace_id=site["id"], slug="news")
    ada_at_pybase.record(one["id"], title="A")
    renamed = {"name": "title", "id": one["field_definitions"][0]["id"]}
    change(
        cms,
        one,
        slug="old-news",
        public=False,
        field_definitions=[renamed | {"name": "headline"}, {"name": "more"}],
    )

    with psycopg.connect(database.app, autocommit=True) as connection:
        assert check(connection, WorkspaceId(site["id"])) == []


# ------------------------------------------------------------------------- slugs


def test_e_094_a_slug_is_one_types_of_its_workspace(cms, ada_at_pybase):
    site = cms.workspace()
    cms.object_type(workspace_id=site["id"], slug="news")
    base = ada_at_pybase.base(site["id"])
    ada_at_pybase.table("Name", base_id=base["id"], name="People")

    for taken in ("news", "people"):
        reply = cms.post("/object-types", json=wanted(site, slug=taken))
        assert refused(reply, 409) == "The slug is already in use"
    assert cms.object_type(slug="news")["slug"] == "news"


def test_e_094_of_many_at_once_one_has_the_slug(cms, server):
    site = cms.workspace()
    statuses: list[int] = []

    def ask() -> None:
        with CmsClient(server.cms_url) as one:
            one.headers.update(cms.headers)
            for _ in range(3):
                body = wanted(site, slug="race")
                statuses.append(one.post("/object-types", json=body).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sorted(statuses) == [201, *[409] * 11]


def test_a_slug_that_a_deleted_type_had_can_be_chosen(cms, ada_at_pybase):
    site = cms.workspace()
    gone = cms.object_type(workspace_id=site["id"], slug="news", name="Old")
    batch = cms.delete(f"/object-types/{gone['id']}").headers["x-batch-id"]

    made(cms.post("/object-types", json=wanted(site, slug="news")))

    body = {"workspace_id": site["id"], "scope": "batch", "id": batch}
    undone = ada_at_pybase.post("/undo", json=body)
    assert undone.status_code == 409
    assert undone.json()["conflicts"][0]["field"] == "slug"


# ----------------------------------------------------------------------- reading


def test_e_041_the_types_of_a_workspace_with_their_entries(cms, ada_at_pybase):
    site = cms.workspace()
    older = cms.object_type("title", workspace_id=site["id"], name="Older")
    newer = cms.object_type("title", workspace_id=site["id"], name="Newer")
    rows = ada_at_pybase.records(older["id"], *[{"title": str(n)} for n in range(3)])
    made_one = ada_at_pybase.delete(f"/records/{rows[0]['id']}")
    assert made_one.status_code == 204

    found = made(cms.get("/object-types", params={"workspace_id": site["id"]}))

    assert found == [
        {
            **{name: one[name] for name in one if name != "workspace"},
            "_count": {"entries": count},
        }
        for one, count in ((newer, 0), (older, 2))
    ]


def test_e_041_tables_of_every_door_are_types(cms, ada_at_pybase):
    table = ada_at_pybase.table(
        "Name", {"name": "Größe", "type": "currency"}, name="People"
    )

    (found,) = made(
        cms.get("/object-types", params={"workspace_id": table["workspace_id"]})
    )

    assert (found["id"], found["slug"], found["public"]) == (
        table["id"],
        "people",
        False,
    )
    assert [
        (one["name"], one["display_name"], one["type"])
        for one in found["field_definitions"]
    ] == [("name", "Name", "TEXT"), ("grosse", "Größe", "NUMBER")]


def test_e_041_a_workspace_without_types_has_none(cms):
    site = cms.workspace()

    assert made(cms.get("/object-types", params={"workspace_id": site["id"]})) == []


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("", 400, "workspace_id: is required"),
        ("?workspace_id=", 400, "Invalid workspace ID format"),
        ("?workspace_id=no-uuid", 400, "Invalid workspace ID format"),
        (f"?workspace_id={ABSENT}", 404, "Workspace not found"),
    ],
)
def test_e_041_a_list_is_of_a_workspace(cms, query, status, told):
    assert refused(cms.get(f"/object-types{query}"), status) == told


def test_e_042_one_type_is_read(cms, site):
    one = defined(cms, site, "title")

    reply = cms.get(f"/object-types/{one['id']}")

    assert made(reply) == {**one, "_count": {"entries": 0}}
    assert reply.headers["etag"] == '"v1"'


def test_the_other_side_of_a_relation_is_no_definition(cms, ada_at_pybase):
    site = cms.workspace()
    author = cms.object_type("name", workspace_id=site["id"], name="Author")
    cms.object_type(relation("author", author), workspace_id=site["id"])

    found = made(cms.get(f"/object-types/{author['id']}"))["field_definitions"]

    assert [one["name"] for one in found] == ["name"]
    there = made(ada_at_pybase.get(f"/tables/{author['id']}"))["fields"]
    assert [one["name"] for one in there] == ["name", "Blog Post"]


def test_a_name_that_the_other_side_of_a_relation_has_is_told(cms):
    site = cms.workspace()
    author = cms.object_type("name", workspace_id=site["id"], name="Author")
    cms.object_type(relation("author", author), workspace_id=site["id"])
    path = f"/object-types/{author['id']}"

    for wish in ({"name": "blog_post"}, {"name": "a", "display_name": "blog post"}):
        reply = cms.patch(path, json={"field_definitions": [wish]})
        assert refused(reply, 409) == (
            f"Field '{wish['name']}': the other side of a relation is called"
            " 'Blog Post'"
        )


# ---------------------------------------------------------------------- changing


def change(cms: CmsClient, one: Json, **body) -> Json:
    found: Json = made(cms.patch(f"/object-types/{one['id']}", json=body))
    return found


def test_a_type_is_renamed_and_closed(cms, site):
    one = defined(cms, site, "title")

    changed = change(cms, one, name=name_of_its_own(), public=False, slug=new_id())

    assert changed == {
        **one,
        **{name: changed[name] for name in ("name", "slug")},
        "public": False,
    }
    assert changed["name"] != one["name"]
    assert change(cms, one, name=None, slug=None, public=None) == changed


def test_fields_are_changed_added_and_taken_away_at_once(cms, site, happened):
    one = defined(cms, site, "title", "body", {"name": "date", "type": "DATE"})
    title, body, _ = one["field_definitions"]
    at = len(happened(site["id"]))

    changed = change(
        cms,
        one,
        field_definitions=[
            {"id": title["id"], "name": "headline", "required": True},
            {"name": "body", "display_name": "Body"},
            {"name": "rating", "type": "NUMBER"},
        ],
        remove_fields=["date"],
    )

    assert [
        (each["name"], each["display_name"], each["type"], each["required"])
        for each in changed["field_definitions"]
    ] == [
        ("headline", "title", "TEXT", True),
        ("body", "Body", "TEXT", False),
        ("rating", "rating", "NUMBER", False),
    ]
    assert changed["field_definitions"][1]["id"] == body["id"]
    assert [name for name, _ in happened(site["id"], at)] == [
        "field.deleted",
        "field.updated",
        "field.updated",
        "field.created",
    ]


def test_fields_that_are_not_named_stay(cms, site):
    one = defined(cms, site, "title", "body")

    changed = change(cms, one, field_definitions=[{"name": "more"}])

    assert changed["field_definitions"][:2] == one["field_definitions"]


def test_what_was_read_can_be_written_back(cms, ada_at_pybase, happened):
    choices = [{"name": "One"}, {"name": "Two"}]
    table = ada_at_pybase.table(
        "Name",
        {"name": "Kind", "type": "single_select", "options": {"choices": choices}},
        {"name": "Size", "type": "dimension", "options": {"unit": "mm"}},
        {"name": "Twice", "type": "formula", "options": {"formula": "{Name}"}},
        {
            "name": "Boss",
            "type": "linked_record",
            "options": {"linked_table_id": "self"},
        },
        name="People",
    )
    one = made(cms.get(f"/object-types/{table['id']}"))
    at = len(happened(one["workspace_id"]))

    changed = change(cms, one, field_definitions=one["field_definitions"])

    assert changed["field_definitions"] == one["field_definitions"]
    assert happened(one["workspace_id"], at) == []


def test_a_text_becomes_rich_and_plain_again(cms, site):
    one = defined(cms, site, {"name": "body", "type": "TEXTAREA"})

    for type_ in ("RICH_TEXT", "TEXTAREA"):
        changed = change(cms, one, field_definitions=[{"name": "body", "type": type_}])
        assert changed["field_definitions"][0]["type"] == type_


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        (
            {"name": "title", "type": "NUMBER"},
            "Field 'title': the type is TEXT, and is not changed here",
        ),
        (
            {"name": "title", "multiple": True},
            "Field 'title': whether it is multiple is not changed here",
        ),
        (
            {"name": "title", "relation_to_id": ABSENT},
            "Field 'title': where a relation leads to is not changed",
        ),
        (
            {"id": ABSENT, "name": "title"},
            "Field 'title': the object type has no such field",
        ),
        ({"type": "NUMBER"}, "Field '': a new field needs a name"),
        ({"name": "New"}, "Field 'New': a name is snake_case"),
        ({"name": "new", "type": "X"}, "Field 'new': the type must be one of"),
    ],
)
def test_what_a_field_cannot_become_is_told_by_its_name(cms, site, definition, told):
    one = defined(cms, site, "title")

    reply = cms.patch(
        f"/object-types/{one['id']}", json={"field_definitions": [definition]}
    )

    assert refused(reply, 400).startswith(told)
    assert (
        made(cms.get(f"/object-types/{one['id']}"))["field_definitions"]
        == (one["field_definitions"])
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"remove_fields": ["nothing"]}, "Field 'nothing': there is no such field"),
        (
            {"field_definitions": [{"name": "title"}], "remove_fields": ["title"]},
            "Field 'title': the field stands twice",
        ),
        (
            {"field_definitions": [{"name": "title"}, {"name": "title"}]},
            "Field 'title': the field stands twice",
        ),
        (
            {"field_definitions": [{"name": "new"}, {"name": "new"}]},
            "Field 'new': the name stands twice",
        ),
    ],
)
def test_a_field_is_named_once(cms, site, body, told):
    one = defined(cms, site, "title")

    reply = cms.patch(f"/object-types/{one['id']}", json=body)

    assert refused(reply, 400).startswith(told)


def test_a_relation_is_added_within_the_base(cms, ada_at_pybase):
    site = cms.workspace()
    one = cms.object_type("title", workspace_id=site["id"], name="Post")
    tag = cms.object_type("name", workspace_id=site["id"], name="Tag")
    base = ada_at_pybase.base(site["id"])
    far = ada_at_pybase.table("Name", base_id=base["id"], name="Far")

    changed = change(cms, one, field_definitions=[relation("tags", tag, multiple=True)])
    reply = cms.patch(
        f"/object-types/{one['id']}",
        json={"field_definitions": [relation("far", far)]},
    )

    assert changed["field_definitions"][1]["relation_to"]["id"] == tag["id"]
    assert refused(reply, 400) == (
        "Field 'far': the object type that relation_to_id names is in another base"
    )


def test_required_is_refused_where_entries_lack_the_value(cms, site, ada_at_pybase):
    one = defined(cms, site, "title", "body")
    ada_at_pybase.record(one["id"], title="A")

    reply = cms.patch(
        f"/object-types/{one['id']}",
        json={"field_definitions": [{"name": "body", "required": True}]},
    )

    assert refused(reply, 400) == "1 records have no value for this field"


def test_a_type_is_changed_by_who_saw_its_version(cms, site):
    one = defined(cms, site, "title")
    path, seen = f"/object-types/{one['id']}", {"If-Match": '"v1"'}

    first = cms.patch(path, json={"public": False}, headers=seen)
    second = cms.patch(
        path, json={"field_definitions": [{"name": "new"}]}, headers=seen
    )

    assert first.headers["etag"] == '"v2"'
    refused(second, 412)
    assert second.json()["current_version"] == 2


def test_only_one_public_type_has_a_slug(cms, ada_at_pybase):
    table = ada_at_pybase.table("Name", name="News")
    copy = made(ada_at_pybase.post(f"/bases/{table['base_id']}/duplicate", json={}))
    tables = made(ada_at_pybase.get("/tables", params={"base_id": copy["id"]}))
    copied = tables["items"][0]
    change(cms, table, public=True)

    reply = cms.patch(f"/object-types/{copied['id']}", json={"public": True})

    assert copied["slug"] == table["slug"]
    assert refused(reply, 409) == "The slug is already in use"
    change(cms, copied, slug="other-news", public=True)


def test_a_copied_type_is_not_public(cms, ada_at_pybase):
    one = cms.object_type("title")
    table = made(ada_at_pybase.get(f"/tables/{one['id']}"))

    made(ada_at_pybase.post(f"/bases/{table['base_id']}/duplicate", json={}))

    found = made(cms.get(f"/object-types?workspace_id={one['workspace_id']}"))
    assert {each["id"] == one["id"]: each["public"] for each in found} == {
        True: True,
        False: False,
    }


# ----------------------------------------------------------------------- deleting


def test_a_type_is_deleted_with_the_relations_to_it(cms):
    site = cms.workspace()
    author = cms.object_type("name", workspace_id=site["id"], name="Author")
    post = cms.object_type("title", relation("author", author), workspace_id=site["id"])
    path = f"/object-types/{author['id']}"

    reply = cms.delete(path)

    told = reply.json()
    assert (reply.status_code, told["is_deleted"]) == (200, True)
    assert {name: told[name] for name in BODY} == {name: author[name] for name in BODY}
    assert refused(cms.get(path), 404) == "Object type not found"
    left = made(cms.get(f"/object-types/{post['id']}"))
    assert [one["name"] for one in left["field_definitions"]] == ["title"]


def test_a_deleted_type_comes_back_by_undo(cms, site, ada_at_pybase):
    one = defined(cms, site, "title")
    batch = cms.delete(f"/object-types/{one['id']}").headers["x-batch-id"]

    body = {"workspace_id": site["id"], "scope": "batch", "id": batch}
    made(ada_at_pybase.post("/undo", json=body))

    assert made(cms.get(f"/object-types/{one['id']}"))["slug"] == one["slug"]


def test_a_change_says_which_door_it_came_through(cms, site, ada_at_pybase):
    one = defined(cms, site, "title")
    change(cms, one, public=False)

    history = made(ada_at_pybase.get(f"/tables/{one['id']}/history"))["items"]

    assert {each["surface"] for each in history} == {"cms"}
    assert history[0]["changes"] == {"public": {"from": True, "to": False}}


# ------------------------------------------------------------------------- rights


OPERATIONS = [
    ("GET", "", None, 200),
    ("PATCH", "", {"public": False}, 200),
    ("DELETE", "", None, 200),
]


@pytest.mark.parametrize(("method", "path", "body", "then"), OPERATIONS)
def test_another_tenants_type_is_as_one_that_never_was(
    cms, site, cms_stranger, nobody, method, path, body, then
):
    one = defined(cms, site)["id"]

    def ask(caller: CmsClient, some_id: str) -> httpx2.Response:
        return caller.request(method, f"/object-types/{some_id}", json=body)

    theirs, none = ask(cms_stranger, one), ask(cms_stranger, ABSENT)
    assert refused(theirs, 404) == "Object type not found"
    assert theirs.content == none.content
    assert refused(ask(cms_stranger, "no"), 400) == "Invalid object type ID format"
    refused(ask(nobody, one), 401)


def test_another_tenants_workspace_takes_no_types(cms, cms_stranger, nobody):
    site = cms.workspace()
    body = wanted(site)
    absent = wanted({"id": ABSENT})
    of = {"workspace_id": site["id"]}

    theirs = cms_stranger.post("/object-types", json=body)

    assert refused(theirs, 404) == "Workspace not found"
    assert theirs.content == cms_stranger.post("/object-types", json=absent).content
    refused(cms_stranger.get("/object-types", params=of), 404)
    refused(nobody.post("/object-types", json=body), 401)
    refused(nobody.get("/object-types", params=of), 401)


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_admins_make_types_and_viewers_read_them(
    cms, ada_at_pybase, cms_stranger, role
):
    one = cms.object_type("title")
    site = {"id": one["workspace_id"]}
    member = {"user_id": cms_stranger.user["id"], "role": role}
    made(ada_at_pybase.post(f"/workspaces/{site['id']}/members", json=member))
    path = f"/object-types/{one['id']}"

    read = (
        cms_stranger.get(path),
        cms_stranger.get("/object-types", params={"workspace_id": site["id"]}),
    )
    written = [
        cms_stranger.post("/object-types", json=wanted(site)),
        cms_stranger.patch(path, json={"public": False}),
        cms_stranger.delete(path),
    ]

    assert [one.status_code for one in read] == [200, 200]
    assert [one.status_code for one in written] == (
        [201, 200, 200] if role == "admin" else [403, 403, 403]
    )
