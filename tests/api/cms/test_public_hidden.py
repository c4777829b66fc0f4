"""What never leaves by the public API: the private, the unpublished, the deleted."""

import pytest

from domain.field import DeleteField
from domain.table import DeleteTable, RestoreTable
from domain.workspace import DeleteWorkspace
from tests.api.cms.site import Site, field_id, to
from tests.client import new_id

PRIVATE = ("text", {"private": True})


def names(shown):
    return [one["data"].get("name") for one in shown]


def test_a_private_field_never_leaves(site: Site):
    author = site.type("author", name="text", email=PRIVATE)
    post = site.type(
        "post", title="text", notes=PRIVATE, author=to(author), ghost=to(author)
    )
    post = site.options(post, "ghost", private=True)
    ada = site.entry(author, name="Ada", email="ada@example.org")
    made = site.entry(post, title="x", notes="secret", author=[ada], ghost=[ada])

    body = site.get("post")

    assert [one["name"] for one in body.json()["meta"]["schema"]] == ["title", "author"]
    assert set(body.json()["data"][0]["data"]) == {"title", "author"}
    for path in ("post", f"post/{made}", "author", f"author/{ada}"):
        text = site.get(path).text
        assert "secret" not in text
        assert "ada@example.org" not in text
        assert "ghost" not in text


def test_a_field_that_becomes_private_is_gone_at_once_and_so_is_its_order(site: Site):
    post = site.type("post", title="text", notes="text")
    site.entry(post, title="x", notes="secret")
    assert "secret" in site.get("post").text
    assert site.get("post?sort=notes").status_code == 200

    site.options(post, "notes", private=True)

    assert "secret" not in site.get("post").text
    assert site.get("post?sort=notes").status_code == 400


def test_an_order_by_a_private_field_is_refused_as_one_by_no_field(site: Site):
    site.type("post", title="text", notes=PRIVATE)

    private = site.get("post?sort=notes").json()
    unknown = site.get("post?sort=other").json()

    assert private["message"] == unknown["message"].replace("other", "notes")


def test_a_target_that_is_not_published_is_left_out_wherever_it_is_named(site: Site):
    city = site.type("city", name="text", published="checkbox")
    author = site.type(
        "author", name="text", published="checkbox", home=to(city, one=True),
        seen=to(city),
    )  # fmt: skip
    post = site.type("post", author=to(author, one=True), readers=to(author))
    shown, draft = site.entries(
        city, {"name": "Rome", "published": True}, {"name": "Atlantis"}
    )
    ada, ghost = site.entries(
        author,
        {"name": "Ada", "published": True, "home": [draft], "seen": [draft, shown]},
        {"name": "Ghost", "published": False},
    )
    made = site.entry(post, author=[ghost], readers=[ghost, ada])

    data = site.data("post", made)

    assert data["author"] is None
    assert names(data["readers"]) == ["Ada"]
    assert data["readers"][0]["data"] == {
        "name": "Ada",
        "published": True,
        "seen": [shown],
    }
    for path in ("post", f"post/{made}", "author"):
        text = site.get(path).text
        assert draft not in text
        assert ghost not in text


def test_what_is_written_to_a_target_shows_at_once(site: Site):
    author = site.type("author", name="text", published="checkbox")
    post = site.type("post", author=to(author, one=True))
    ada = site.entry(author, name="Ada", published=True)
    made = site.entry(post, author=[ada])
    assert names([site.data("post", made)["author"]]) == ["Ada"]

    site.write(author, ada, name="Ada L.")
    assert names([site.data("post", made)["author"]]) == ["Ada L."]
    site.write(author, ada, published=False)
    assert site.data("post", made)["author"] is None


def test_a_relation_to_a_type_that_is_not_public_shows_nothing_of_it(site: Site):
    staff = site.type("staff", public=False, name="text")
    post = site.type("post", author=to(staff, one=True), readers=to(staff))
    ada = site.entry(staff, name="Ada")
    made = site.entry(post, author=[ada], readers=[ada])

    body = site.get(f"post/{made}")

    assert body.json()["data"]["data"] == {"author": None, "readers": []}
    assert [one["relation_to"] for one in body.json()["meta"]["schema"]] == [None, None]
    for secret in (ada, staff.id, "Staff", "staff"):
        assert secret not in body.text


def test_the_other_end_of_a_relation_is_not_content(site: Site):
    author = site.type("author", name="text")
    post = site.type("post", author=to(author))
    ada = site.entry(author, name="Ada")
    site.entry(post, author=[ada])

    body = site.get(f"author/{ada}").json()

    assert body["data"]["data"] == {"name": "Ada"}
    assert [one["name"] for one in body["meta"]["schema"]] == ["name"]


def test_a_type_that_is_not_public_is_not_found(site: Site):
    staff = site.type("staff", public=False, name="text")
    made = site.entry(staff, name="Ada")

    for path in ("staff", f"staff/{made}"):
        assert site.get(path).json()["message"] == "Object type not found"
    site.change(staff, public=True)
    assert site.list("staff")[0]["id"] == made
    site.change(staff, public=False)
    for path in ("staff", f"staff/{made}"):
        assert site.get(path).json()["message"] == "Object type not found"


def test_e_055_a_deleted_entry_type_and_field_are_gone_at_once(site: Site):
    page = site.type("page", name="text", notes="text")
    kept, gone = site.entries(page, {"name": "a", "notes": "n"}, {"name": "b"})
    assert names(site.list("page")) == ["b", "a"]

    site.delete(page, gone)
    assert names(site.list("page")) == ["a"]
    assert site.get(f"page/{gone}").json()["message"] == "Entry not found"

    site.tenant.do(DeleteField(field_id(page, "notes")))
    assert site.data("page", kept) == {"name": "a"}

    site.tenant.do(DeleteTable(page.id))
    assert site.get("page").json()["message"] == "Object type not found"
    assert site.get(f"page/{kept}").json()["message"] == "Object type not found"
    site.tenant.do(RestoreTable(page.id))
    assert names(site.list("page")) == ["a"]


@pytest.mark.parametrize("status", ["inactive", "suspended"])
def test_a_workspace_that_is_not_active_is_as_if_it_were_not_there(site: Site, status):
    page = site.type("page", name="text")
    made = site.entry(page, name="a")
    absent = site.http.get(f"/api/{new_id()}/page").json()
    tag = site.get("page").headers["etag"]

    site.workspace(status=status)

    for path in ("page", f"page/{made}", "nothing"):
        assert site.get(path).json() == absent
    assert site.get("page", headers={"if-none-match": tag}).json() == absent
    site.workspace(status="active")
    assert names(site.list("page")) == ["a"]


def test_a_deleted_workspace_is_not_there_and_its_slug_may_be_anothers(
    site: Site, shared_site: Site
):
    site.type("person", title="text")
    slug = site.slug
    assert site.http.get(f"/api/{slug}/person").status_code == 200
    site.tenant.do(DeleteWorkspace(site.tenant.workspace_id))
    assert site.http.get(f"/api/{slug}/person").json()["message"] == (
        "Workspace not found"
    )

    before = shared_site.slug
    shared_site.workspace(slug=slug)

    found = site.http.get(f"/api/{slug}/person").json()
    assert found["meta"]["workspace"]["id"] == shared_site.tenant.workspace_id
    assert found["data"][0]["data"] == {"title": "Ada"}
    assert site.http.get(f"/api/{before}/person").status_code == 404


def test_two_tenants_with_the_same_names_are_kept_apart(site: Site, shared_site: Site):
    person = site.type("person", title="text")
    mine = site.entry(person, title="Mine")
    theirs = shared_site.list("person")[0]["id"]

    assert [one["id"] for one in site.list("person")] == [mine]
    assert site.get(f"person/{theirs}").json()["message"] == "Entry not found"
    assert shared_site.get(f"person/{mine}").json()["message"] == "Entry not found"


@pytest.mark.parametrize(
    "path",
    [
        "/api/%2e%2e/person",
        "/api/{slug}/%2e%2e",
        "/api/{slug}%00/person",
        "/api/{slug}/person%00",
        "/api/{slug}/person/%00",
        "/api/{slug};x/person",
        "/api/{SLUG}/person",
        "/api/{slug}/Person",
        "/api/{slug}/PERSON",
        "/api/{slug}/%2570erson",
        "/api/{slug}/person%2F",
        "/api/{slug}/person%20",
        "/api/{slug}%c0%ae/person",
        "/api/{slug}/person/../../x",
        "/api/{slug}/person'--",
        "/api/{slug}/%EF%BD%90erson",
    ],
)
def test_a_path_that_is_spelled_in_another_way_is_not_found(
    shared_site: Site, path: str
):
    slug = shared_site.slug
    asked = path.replace("{slug}", slug).replace("{SLUG}", slug.upper())

    reply = shared_site.http.get(asked)

    if asked.endswith("%2F"):  # the slash at an end, which does not matter
        assert reply.status_code in (200, 404)
    else:
        assert reply.status_code == 404, reply.text
        assert set(reply.json()) == {"statusCode", "message", "error", "code"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_only_get_and_head_are_taken(shared_site: Site, method: str):
    reply = shared_site.http.request(method, f"/api/{shared_site.slug}/person")

    assert reply.status_code == 405
    assert reply.headers["allow"] == "GET"
    assert reply.headers["cache-control"] == "no-store"


def test_a_method_override_is_not_looked_at(shared_site: Site):
    reply = shared_site.get(
        "person?_method=DELETE", headers={"x-http-method-override": "DELETE"}
    )

    assert reply.status_code == 200
    assert len(shared_site.list("person")) == 1
