"""One record, every door: written on the CMS's port, read, changed and undone on
PyBase's, filtered through Table REST, shown to everybody without a token."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from api.cli.demo.account import Account, kept_login
from api.cli.demo.facts import answered
from api.cli.demo.visit import Visit
from api.cli.http import Client, Reply, Unreachable

ADA = {"name": "Ada Lovelace", "bio": "<p>Wrote the first <em>programme</em>.</p>"}
NOTES = {
    "title": "Notes on the Analytical Engine",
    "body": "<p>It weaves <strong>algebraic</strong> patterns.</p>"
    "<script>alert(1)</script>",
    "published": True,
}
RENAMED = "Notes by the translator"


@dataclass(frozen=True)
class Content:
    """What the chapter made: object types, an author, an article of hers."""

    visit: Visit
    cms: Client
    site: str  # the workspace's slug
    authors: Any
    articles: Any

    def write(self, method: str, path: str, body: object, status: int) -> Reply:
        """A write through the CMS; its position and batch are noted."""
        reply = answered(self.cms.call(method, path, body), status)
        self.visit.written(reply)
        return reply

    def entry(self, entry_id: str) -> Any:
        return answered(self.cms.call("GET", f"/entries/{entry_id}"), 200).json

    def public(self, entry_id: str) -> Reply:
        path = f"/api/{self.site}/{self.articles['slug']}/{entry_id}"
        return self.cms.call("GET", path)


def doors(visit: Visit, account: Account, cms_url: str) -> None:
    visit.chapter("One record, every door")
    cms = _signed_in(visit, account, cms_url)
    if cms is None:
        return
    content = _types(visit, cms)
    author = content.write(
        "POST", "/entries", {"object_type_id": content.authors["id"], "data": ADA}, 201
    ).json
    data = {**NOTES, "author": author["id"], "mood": "curious"}
    wish = {"object_type_id": content.articles["id"], "data": data}
    article = content.write("POST", "/entries", wish, 201).json
    visit.created += 2
    _listed(content, article["id"])
    _public(content, article["id"], author["id"])
    _fields(content)
    _undone(content, article["id"])
    _history(content, article["id"])
    cms.close()


def _signed_in(visit: Visit, account: Account, cms_url: str) -> Client | None:
    """Who the demo is, at the other door; None where nobody listens there."""
    cms = Client(cms_url, prefix="")
    try:
        reply = cms.call("POST", "/auth/login", kept_login(account))
    except Unreachable:
        visit.say(f"Nobody listens at {cms_url} (--cms-url): this chapter is left out.")
        return None
    login = answered(reply, 200).json
    cms.token = login["token"]
    visit.holds(
        f"the same account is known at {cms_url}", account.email, login["user"]["email"]
    )
    return cms


def _types(visit: Visit, cms: Client) -> Content:
    site = visit.read(f"/workspaces/{visit.workspace_id}")["slug"]
    made: dict[str, Any] = {}
    shapes: dict[str, list[dict[str, Any]]] = {
        "Author": [
            {"name": "name", "display_name": "Name", "type": "TEXT", "required": True},
            {"name": "bio", "display_name": "Biography", "type": "RICH_TEXT"},
        ],
        "Article": [
            {"name": "title", "display_name": "Title", "type": "TEXT"},
            {"name": "body", "display_name": "Body", "type": "RICH_TEXT"},
            {"name": "author", "display_name": "Author", "type": "RELATION"},
            {"name": "published", "display_name": "Published", "type": "BOOLEAN"},
        ],
    }
    for name, fields in shapes.items():
        for one in fields:
            if one["type"] == "RELATION":
                one["relation_to_id"] = made["Author"]["id"]
        wish = {
            "name": name,
            "slug": name.lower() + "s",
            "workspace_id": visit.workspace_id,
            "field_definitions": fields,
        }
        reply = answered(cms.call("POST", "/object-types", wish), 201)
        visit.written(reply)
        made[name] = reply.json
    content = Content(visit, cms, site, made["Author"], made["Article"])
    tables = [
        visit.read(f"/tables/{one['id']}")["name"]
        for one in (content.authors, content.articles)
    ]
    visit.holds(
        "two object types made on the CMS's port are tables of PyBase",
        ["Author", "Article"],
        tables,
    )
    return content


def _listed(content: Content, article_id: str) -> None:
    visit, table_id = content.visit, content.articles["id"]
    page = visit.read("/records", table_id=table_id)
    visit.holds(
        "an entry written there is a record that PyBase lists",
        [(article_id, NOTES["title"])],
        [(one["id"], one["fields"]["Title"]) for one in page["items"]],
    )
    base = visit.read(f"/bases/{visit.read(f'/tables/{table_id}')['base_id']}")
    path = (
        f"/api/workspace/{content.site}/database/{base['db_name']}"
        f"/table/{content.articles['slug']}/?title__icontains=ANALYTICAL"
    )
    rest = Client(visit.client.url, prefix="")
    rest.token = visit.client.token
    rows = answered(rest.call("GET", path), 200).json
    rest.close()
    visit.holds(
        "and a row that Table REST finds by title__icontains=ANALYTICAL",
        [NOTES["title"]],
        [row["title"] for row in rows["data"]],
    )


def _public(content: Content, article_id: str, author_id: str) -> None:
    visit, cms = content.visit, content.cms
    token, cms.token = cms.token, ""
    shown = answered(content.public(article_id), 200).json["data"]["data"]
    visit.holds(
        "without a token everybody reads it, its author opened, no script in it",
        (author_id, ADA["name"], False, "curious"),
        (
            shown["author"]["id"],
            shown["author"]["data"]["name"],
            "<script" in shown["body"],
            shown["mood"],
        ),
    )
    cms.token = token
    content.write(
        "PATCH", f"/entries/{article_id}", {"data": {"published": False}}, 200
    )
    visit.updated += 1
    cms.token = ""
    visit.holds(
        "what is not published is not there", 404, content.public(article_id).status
    )
    cms.token = token


def _fields(content: Content) -> None:
    visit, type_id = content.visit, content.articles["id"]
    wish = {"table_id": type_id, "name": "Price", "type": "currency"}
    visit.write("POST", "/fields", wish)
    found = answered(content.cms.call("GET", f"/object-types/{type_id}"), 200).json
    visit.holds(
        "a currency field made in PyBase is a NUMBER of the object type",
        ("price", "NUMBER"),
        next(
            (one["name"], one["type"])
            for one in found["field_definitions"]
            if one["display_name"] == "Price"
        ),
    )


def _undone(content: Content, article_id: str) -> None:
    visit = content.visit
    change = {"fields": {"Title": RENAMED}}
    visit.write("PATCH", f"/records/{article_id}", change, status=200)
    visit.updated += 1
    visit.holds(
        "a title changed in PyBase is the entry's",
        RENAMED,
        content.entry(article_id)["data"]["title"],
    )
    gone = content.write("DELETE", f"/entries/{article_id}", None, 200)
    visit.deleted += 1
    visit.refused(404, "GET", f"/records/{article_id}")
    wish = {"scope": "batch", "id": gone.headers["x-batch-id"]}
    visit.write("POST", "/undo", wish, status=200)
    visit.holds(
        "deleted on the one port and undone on the other, it is back",
        RENAMED,
        content.entry(article_id)["data"]["title"],
    )


def _history(content: Content, article_id: str) -> None:
    visit = content.visit
    items = visit.read(f"/records/{quote(article_id)}/history")["items"]
    visit.holds(
        "its history says which door each change came through",
        [
            ("record.restored", "pybase"),
            ("record.deleted", "cms"),
            ("record.updated", "pybase"),
            ("record.updated", "cms"),
            ("record.created", "cms"),
        ],
        [(item["type"], item["surface"]) for item in items],
    )
