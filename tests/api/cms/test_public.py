"""The public API: what anybody may read, as the document shows it."""

import httpx2
import pytest

from tests.api.cms.client import CmsClient
from tests.api.cms.site import HTML, Site, new_field, to
from tests.client import made, new_id

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
REFUSED = {"error": "Not Found", "code": "NOT_FOUND", "statusCode": 404}


def test_an_unknown_workspace_type_and_entry_are_told_apart(site: Site):
    site.type("page", title="text")

    for path, message in (
        (f"/api/{new_id()}/page", "Workspace not found"),
        (f"/api/{new_id()}/page/{new_id()}", "Workspace not found"),
        (f"/api/{site.slug}/nothing", "Object type not found"),
        (f"/api/{site.slug}/nothing/{new_id()}", "Object type not found"),
        (f"/api/{site.slug}/page/{new_id()}", "Entry not found"),
        (f"/api/{site.slug}/page/no-uuid", "Entry not found"),
    ):
        reply = site.http.get(path)
        assert (reply.status_code, reply.json()) == (
            404,
            REFUSED | {"message": message},
        )


def test_e_060_a_list_is_as_the_document_shows_it(site: Site):
    author = site.type("author", name="text", email="email")
    tag = site.type("tag", name="text")
    post = site.type(
        "blog-post",
        title="text",
        content=HTML,
        author=to(author, one=True),
        tags=to(tag),
    )
    writer = site.entry(author, name="John Doe", email="john@example.com")
    topic = site.entry(tag, name="Technology")
    made = site.entry(
        post, title="My Blog Post", content="<p>Here</p>", author=[writer], tags=[topic]
    )

    body = site.get("blog-post").json()

    (shown,) = body["data"]
    times = {"created_at": shown["created_at"], "updated_at": shown["updated_at"]}
    workspace = {"id": site.tenant.workspace_id, "name": "Acme", "slug": site.slug}
    author_ref = {"id": author.id, "name": "Author", "slug": "author"}
    assert body["meta"] == {
        "object_type": {"id": post.id, "name": "Blog Post", "slug": "blog-post"},
        "workspace": workspace,
        "pagination": {"page": 1, "limit": 10, "total": 1, "pages": 1},
        "schema": [
            _defined("title", "TEXT"),
            _defined("content", "RICH_TEXT"),
            _defined("author", "RELATION", relation_to=author_ref),
            _defined(
                "tags",
                "RELATION",
                multiple=True,
                relation_to={"id": tag.id, "name": "Tag", "slug": "tag"},
            ),
        ],
    }
    assert shown == {
        "id": made,
        "object_type_id": post.id,
        "data": {
            "title": "My Blog Post",
            "content": "<p>Here</p>",
            "author": _entry(
                shown["data"]["author"],
                writer,
                author.id,
                name="John Doe",
                email="john@example.com",
            ),
            "tags": [
                _entry(shown["data"]["tags"][0], topic, tag.id, name="Technology")
            ],
        },
        **times,
    }


def _defined(name, type_, *, multiple=False, relation_to=None):
    return {
        "name": name,
        "display_name": name,
        "type": type_,
        "required": False,
        "multiple": multiple,
        "relation_to": relation_to,
    }


def _entry(like, id_, type_id, **data):
    """What an entry looks like whose times are those of `like`."""
    assert {"created_at", "updated_at"} <= set(like)
    return like | {"id": id_, "object_type_id": type_id, "data": data}


def test_e_061_one_entry_is_the_same_without_pagination(site: Site):
    page = site.type("page", title="text")
    made = site.entry(page, title="Home")

    listed = site.get("page").json()
    body = site.get(f"page/{made}").json()

    assert body["data"] == listed["data"][0]
    del listed["meta"]["pagination"]
    assert body["meta"] == listed["meta"]
    assert site.get(f"page/{made.upper()}").json() == body


def test_an_entry_of_another_type_is_not_found(site: Site):
    page, _ = site.type("page", title="text"), site.type("note", title="text")
    made = site.entry(page, title="Home")

    assert site.get(f"note/{made}").json()["message"] == "Entry not found"


def test_pages_are_counted_and_at_most_a_hundred_entries_long(site: Site):
    page = site.type("page", title="text", rank="number")
    site.entries(page, *({"title": f"{n:03}", "rank": n} for n in range(120)))

    def asked(query):
        reply = site.get("page", params=query)
        assert reply.status_code == 200, reply.text
        body = reply.json()
        return [one["data"]["title"] for one in body["data"]], body["meta"][
            "pagination"
        ]

    titles, pagination = asked(None)
    assert titles == [f"{n:03}" for n in range(119, 109, -1)]
    assert pagination == {"page": 1, "limit": 10, "total": 120, "pages": 12}
    titles, pagination = asked("limit=1000&page=2")
    assert titles == [f"{n:03}" for n in range(19, -1, -1)]
    assert pagination == {"page": 2, "limit": 100, "total": 120, "pages": 2}
    assert asked("page=999")[0] == []
    assert asked("order=asc&limit=2")[0] == ["000", "001"]
    assert asked("sort=rank&limit=1")[0] == ["119"]
    assert asked("sort=title&order=asc&limit=1")[0] == ["000"]
    assert asked("sort=updated_at&order=asc&limit=1")[0] == ["000"]
    assert asked("sort=id&order=asc&limit=1")[0] == ["000"]
    assert asked("page=&limit=&sort=&order=&unknown=1")[1]["limit"] == 10


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=x",
        "page=1e3",
        "page=9999999999999",
        "limit=0",
        "limit=1.5",
        "order=up",
        "sort=nothing",
        "sort=hidden",
        "sort=friends",
        "sort=title%00",
        "sort=title%20desc",
    ],
)
def test_what_is_no_page_and_no_order_is_refused(shared_site: Site, query: str):
    reply = shared_site.get(f"person?{query}")

    assert reply.status_code in (400, 422), reply.text
    assert set(reply.json()) >= {"statusCode", "message", "error", "code"}


def test_entries_without_a_value_come_last(site: Site):
    page = site.type("page", title="text", rank="number")
    site.entries(
        page, {"title": "none"}, {"title": "b", "rank": 2}, {"title": "a", "rank": 1}
    )

    for order, titles in (("asc", ["a", "b", "none"]), ("desc", ["b", "a", "none"])):
        shown = site.list("page", f"sort=rank&order={order}")
        assert [one["data"]["title"] for one in shown] == titles


def test_e_003_ids_are_uuids_and_keys_snake_case(site: Site):
    page = site.type("page", my_title="text")
    made = site.entry(page, my_title="Home")

    body = site.get("page").json()

    ids = [
        body["data"][0]["id"],
        body["data"][0]["object_type_id"],
        body["meta"]["object_type"]["id"],
        body["meta"]["workspace"]["id"],
    ]
    assert ids == [made, page.id, page.id, site.tenant.workspace_id]
    assert body["data"][0]["data"] == {"my_title": "Home"}
    assert set(body["meta"]) == {"object_type", "workspace", "pagination", "schema"}


def test_e_062_relations_are_opened_one_level_in_stored_order(site: Site):
    city = site.type("city", name="text")
    author = site.type("author", name="text", home=to(city, one=True), seen=to(city))
    post = site.type("post", author=to(author, one=True), readers=to(author))
    paris, rome = site.entry(city, name="Paris"), site.entry(city, name="Rome")
    ada = site.entry(author, name="Ada", home=[rome], seen=[rome, paris])
    bob = site.entry(author, name="Bob")
    made = site.entry(post, author=[ada], readers=[bob, ada])

    data = site.data("post", made)

    assert data["author"]["data"] == {
        "name": "Ada",
        "home": rome,
        "seen": [rome, paris],
    }
    assert [one["id"] for one in data["readers"]] == [bob, ada]
    for one in (data["author"], *data["readers"]):
        assert set(one) == {
            "id",
            "object_type_id",
            "data",
            "created_at",
            "updated_at",
        }
    assert site.list("post")[0]["data"] == data


def test_e_056_relations_are_objects_in_public_and_may_go_round(site: Site):
    person = site.type("person", name="text")
    site.tenant.do(new_field(person.id, "friends", to(person)))
    ada = site.entry(person, name="Ada")
    bob = site.entry(person, name="Bob", friends=[ada])
    site.write(person, ada, friends=[bob, ada])

    shown = site.data("person", ada)["friends"]

    assert [(one["id"], one["data"]) for one in shown] == [
        (bob, {"name": "Bob", "friends": [ada]}),
        (ada, {"name": "Ada", "friends": [bob, ada]}),
    ]


def test_a_relation_to_what_is_gone_shows_nothing(site: Site):
    author = site.type("author", name="text")
    post = site.type("post", author=to(author, one=True), readers=to(author))
    ada, bob = site.entry(author, name="Ada"), site.entry(author, name="Bob")
    made = site.entry(post, author=[ada], readers=[ada, bob])
    assert site.data("post", made)["author"]["id"] == ada

    site.delete(author, ada)

    data = site.data("post", made)
    assert data["author"] is None
    assert [one["id"] for one in data["readers"]] == [bob]


def test_e_063_only_what_is_published_is_public(site: Site):
    post = site.type("post", title="text", published="checkbox")
    told = site.entry(post, title="told", published=True)
    draft = site.entry(post, title="draft", published=False)
    unsaid = site.entry(post, title="unsaid")

    assert [one["id"] for one in site.list("post")] == [told]
    assert site.get("post").json()["meta"]["pagination"]["total"] == 1
    for hidden in (draft, unsaid):
        assert site.get(f"post/{hidden}").json()["message"] == "Entry not found"

    site.write(post, draft, published=True)
    assert [one["id"] for one in site.list("post")] == [draft, told]
    site.write(post, draft, published=None)
    assert [one["id"] for one in site.list("post")] == [told]


@pytest.mark.parametrize(
    ("type_", "past", "future"),
    [
        ("datetime", "2024-01-01T00:00:00Z", "2124-01-01T00:00:00Z"),
        ("date", "2024-01-01", "2124-01-01"),
        (
            ("date", {"include_time": True}),
            "2024-01-01T10:00:00Z",
            "2124-01-01T10:00:00Z",
        ),
    ],
)
def test_an_entry_is_public_from_its_publish_date_on(site: Site, type_, past, future):
    post = site.type("post", published="checkbox", publish_date=type_)
    since = site.entry(post, published=True, publish_date=past)
    later = site.entry(post, published=True, publish_date=future)
    always = site.entry(post, published=True)
    site.entry(post, published=False, publish_date=past)

    assert [one["id"] for one in site.list("post")] == [always, since]
    assert site.get(f"post/{later}").status_code == 404


def test_without_published_every_entry_is_public(site: Site):
    post = site.type("post", publish_date="datetime", title="text")
    made = site.entry(post, title="x", publish_date="2124-01-01T00:00:00Z")

    assert [one["id"] for one in site.list("post")] == [made]


def test_head_has_the_headers_and_no_body(site: Site):
    page = site.type("page", title="text")
    site.entry(page, title="Home")
    path = f"/api/{site.slug}/page"

    got, head = site.http.get(path), site.http.head(path)

    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "cache-control", "content-length", "content-type"):
        assert head.headers[name] == got.headers[name]


def test_what_is_written_at_the_cms_is_public_at_once(
    cms: CmsClient, public_http: httpx2.Client
):
    workspace = cms.workspace("My Blog", slug=f"blog-{new_id()[:8]}")
    tag = cms.object_type("name", workspace_id=workspace["id"], slug="tag", name="Tag")
    post = cms.object_type(
        {"name": "title", "type": "TEXT", "required": True},
        {"name": "views", "type": "NUMBER"},
        {"name": "scores", "type": "NUMBER", "multiple": True},
        {"name": "author_email", "type": "EMAIL", "private": True},
        {
            "name": "tags",
            "type": "RELATION",
            "relation_to_id": tag["id"],
            "multiple": True,
        },
        workspace_id=workspace["id"],
        slug="blog-post",
    )
    topic = cms.entry(tag["id"], name="Technology")
    made_one = cms.entry(
        post["id"],
        title="My First Blog Post",
        views=12,
        scores=[1, 2.5],
        author_email="ada@example.org",
        tags=[topic["id"]],
        published=True,
        publish_date="2024-01-01T00:00:00Z",
        more={"a": [1, {"b": None}]},
    )
    path = f"/api/{workspace['slug']}/blog-post"

    (shown,) = made(public_http.get(path))["data"]

    assert {**shown["data"], "tags": [one["id"] for one in shown["data"]["tags"]]} == {
        "title": "My First Blog Post",
        "views": 12,
        "scores": [1, 2.5],
        "tags": [topic["id"]],
        # no field of the type: as they were given
        "published": True,
        "publish_date": "2024-01-01T00:00:00Z",
        "more": {"a": [1, {"b": None}]},
    }
    assert [one["name"] for one in made(public_http.get(path))["meta"]["schema"]] == [
        "title",
        "views",
        "scores",
        "tags",
    ]
    cms.patch(f"/entries/{made_one['id']}", json={"data": {"title": "New"}})
    assert made(public_http.get(path))["data"][0]["data"]["title"] == "New"
    made(cms.delete(f"/entries/{made_one['id']}"))
    assert made(public_http.get(path))["data"] == []
