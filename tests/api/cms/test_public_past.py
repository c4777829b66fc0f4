"""The public API as of a moment: what is public now, as it was then."""

import pytest

from commands.system import now, time_text
from domain.field import DeleteField
from domain.table import DeleteTable
from tests.api.cms.site import HTML, Site, field_id, to


def then(site: Site) -> dict[str, str]:
    return {"as_of": str(site.tenant.position())}


def titles(site: Site, slug: str, query: dict[str, str]) -> list[str | None]:
    return [one["data"].get("title") for one in site.list(slug, query)]


def test_a_list_and_an_entry_are_as_they_were(site: Site):
    author = site.type("author", title="text")
    post = site.type(
        "post", title="text", content=HTML, author=to(author, one=True),
        readers=to(author),
    )  # fmt: skip
    ada, bob = site.entries(author, {"title": "Ada"}, {"title": "Bob"})
    made = site.entry(
        post, title="a", content="<script>1</script>x", author=[ada],
        readers=[bob, ada],
    )  # fmt: skip
    before = then(site)
    listed, alone = site.list("post"), site.data("post", made)
    at = time_text(now())

    site.write(post, made, title="b", author=[bob], readers=None)
    site.write(author, ada, title="Ada L.")
    site.entry(post, title="later")
    site.change(post, name="Articles")

    for query in (before, {"as_of": at}):
        reply = site.get("post", params=query)
        assert reply.json()["data"] == listed
        assert reply.json()["meta"]["object_type"]["name"] == "Post"
        assert reply.json()["meta"]["pagination"]["total"] == 1
        assert site.data("post", made, query) == alone
    assert reply.headers["x-position"] == before["as_of"]
    assert reply.headers["cache-control"] == "no-store"
    assert "etag" not in reply.headers
    assert alone["content"] == "x"
    assert site.data("post", made)["title"] == "b"


def test_what_was_no_entry_then_is_none(site: Site):
    post = site.type("post", title="text", published="checkbox")
    before = then(site)
    made = site.entry(post, title="a")
    draft = then(site)
    site.write(post, made, published=True)

    for query in (before, draft, {"as_of": "0"}):
        assert site.get(f"post/{made}", params=query).status_code == 404
    assert titles(site, "post", before) == titles(site, "post", draft) == []
    assert titles(site, "post", then(site)) == ["a"]


def test_what_is_not_public_any_more_is_found_at_no_moment(site: Site):
    author = site.type("author", title="text", published="checkbox", secret="text")
    post = site.type("post", title="text", author=to(author), gone="text")
    ada, bob = site.entries(
        author,
        {"title": "Ada", "published": True, "secret": "x1"},
        {"title": "Bob", "published": True, "secret": "x2"},
    )
    kept, deleted = site.entries(
        post, {"title": "kept", "author": [ada, bob], "gone": "x3"}, {"title": "x4"}
    )
    before = then(site)
    assert "x1" in site.get("post").text

    site.write(author, bob, published=False)
    site.options(author, "secret", private=True)
    site.delete(post, deleted)
    site.tenant.do(DeleteField(field_id(post, "gone")))

    body = site.get("post", params=before)
    assert [one["id"] for one in body.json()["data"]] == [kept]
    shown = body.json()["data"][0]["data"]
    assert [one["data"] for one in shown["author"]] == [
        {"title": "Ada", "published": True}
    ]
    assert [one["name"] for one in body.json()["meta"]["schema"]] == ["title", "author"]
    for path in (f"post/{deleted}", f"author/{bob}"):
        assert site.get(path, params=before).json()["message"] == "Entry not found"
    for path in ("post", f"post/{kept}", "author", f"author/{ada}"):
        text = site.get(path, params=before).text
        assert not any(one in text for one in ("x1", "x2", "x3", "x4", bob))
    sorted_by = {**before, "sort": "secret"}
    assert site.get("author", params=sorted_by).status_code == 400

    site.change(author, public=False)
    assert site.get("author", params=before).json()["message"] == (
        "Object type not found"
    )
    assert site.data("post", kept, before)["author"] == []


def test_a_type_that_was_not_public_then_or_is_gone_is_not_found(site: Site):
    post = site.type("post", public=False, title="text")
    site.entry(post, title="a")
    before = then(site)
    site.change(post, public=True)
    since = then(site)
    assert site.get("post", params=before).status_code == 404
    assert titles(site, "post", since) == ["a"]

    site.tenant.do(DeleteTable(post.id))
    assert site.get("post", params=since).json()["message"] == "Object type not found"


def test_a_workspace_that_is_not_active_shows_no_moment(site: Site):
    post = site.type("post", title="text")
    site.entry(post, title="a")
    before = then(site)
    site.workspace(status="suspended")
    suspended = then(site)
    assert site.get("post", params=before).json()["message"] == "Workspace not found"

    site.workspace(status="active")
    assert titles(site, "post", before) == ["a"]
    assert site.get("post", params=suspended).status_code == 404


def test_relations_within_a_relation_are_of_what_is_public_now(site: Site):
    city = site.type("city", title="text", published="checkbox")
    author = site.type("author", title="text", home=to(city, one=True), seen=to(city))
    post = site.type("post", author=to(author, one=True))
    rome, atlantis = site.entries(
        city, {"title": "Rome", "published": True}, {"published": True}
    )
    ada = site.entry(author, title="Ada", home=[atlantis], seen=[atlantis, rome])
    made = site.entry(post, author=[ada])
    before = then(site)
    site.write(city, atlantis, published=False)
    site.write(author, ada, title="Other")

    shown = site.data("post", made, before)["author"]["data"]

    assert shown == {"title": "Ada", "seen": [rome]}


@pytest.mark.parametrize("moment", ["999999", "x", "2124-01-01T00:00:00Z", "-1", "1e3"])
def test_what_is_no_moment_is_refused(shared_site: Site, moment: str):
    reply = shared_site.get("person", params={"as_of": moment})

    assert reply.status_code in (400, 422)
    assert set(reply.json()) >= {"statusCode", "message", "error", "code"}


def test_pages_of_then_are_counted(site: Site):
    post = site.type("post", title="text")
    site.entries(post, *({"title": str(n)} for n in range(5)))
    before = then(site)
    site.entries(post, *({"title": "later"} for _ in range(5)))

    query = {**before, "limit": "2", "page": "2", "sort": "title", "order": "asc"}
    body = site.get("post", params=query).json()

    assert [one["data"]["title"] for one in body["data"]] == ["2", "3"]
    assert body["meta"]["pagination"] == {"page": 2, "limit": 2, "total": 5, "pages": 3}
