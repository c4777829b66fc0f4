"""A blog to write entries into: its types are made at PyBase, which is one with it."""

from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.client import Client, Json

POST: list[Json] = [
    {"name": "Title", "type": "text", "required": True},
    {"name": "Content", "type": "long_text", "options": {"enable_rich_text": True}},
    {"name": "Age", "type": "number"},
    {"name": "Published", "type": "checkbox"},
    {"name": "E-mail", "type": "email"},
    {"name": "Home", "type": "url"},
    {"name": "Day", "type": "date"},
    {"name": "Publish date", "type": "datetime"},
    {"name": "Cover", "type": "attachment", "options": {"allow_multiple": False}},
    {"name": "Pictures", "type": "attachment"},
    {"name": "Scores", "type": "json", "options": {"items": "number"}},
]


@dataclass(frozen=True)
class Blog:
    """Posts, each by one author and with several tags; `ids` of the posts' fields."""

    workspace_id: str
    posts: str
    authors: str
    tags: str
    ids: Json = field(default_factory=dict)


def a_blog(client: Client, *more: Json) -> Blog:
    base = client.base()
    authors = client.table("Name", base_id=base["id"], name="Author")
    tags = client.table("Name", base_id=base["id"], name="Tag")
    links = [
        _link("Author", authors["id"], allow_multiple=False),
        _link("Tags", tags["id"]),
    ]
    posts = client.table(*POST, *links, *more, base_id=base["id"], name="Blog Post")
    return Blog(
        base["workspace_id"], posts["id"], authors["id"], tags["id"], posts["ids"]
    )


def _link(name: str, to: str, **options: Any) -> Json:
    return {
        "name": name,
        "type": "linked_record",
        "options": {"linked_table_id": to, **options},
    }


def refused(reply: httpx2.Response, status: int, message: str) -> Json:
    """The body of a refusal that says this."""
    body: Json = reply.json()
    assert (reply.status_code, body["statusCode"]) == (status, status)
    assert body["message"] == message
    return body
