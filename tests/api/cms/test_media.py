"""MEDIA: files of a workspace, for members, and for anybody while an entry says."""

import io
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.api.cms.client import CmsClient
from tests.client import Client, Json, made, new_id

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20


@dataclass
class Gallery:
    """A site with a public type of pictures."""

    cms: CmsClient
    records: Client
    http: httpx2.Client
    workspace: Json
    type: Json

    @property
    def path(self) -> str:
        return f"/api/{self.workspace['slug']}"

    def upload(self, content: bytes = PNG, name: str = "a.png", **more: Any) -> Json:
        found: Json = made(
            self.cms.post(
                "/media",
                params={"workspace_id": self.workspace["id"]},
                files={"file": (name, io.BytesIO(content), "image/png")},
                **more,
            )
        )
        return found

    def entry(self, **fields: Any) -> str:
        found: str = self.records.record(self.type["id"], **fields)["id"]
        return found

    def change(self, entry_id: str, **fields: Any) -> None:
        made(self.records.patch(f"/records/{entry_id}", json={"fields": fields}))

    def public(self, file_id: str, **more: Any) -> httpx2.Response:
        return self.http.get(f"{self.path}/media/{file_id}", **more)


@pytest.fixture(scope="module")
def gallery(
    cms: CmsClient, ada_at_pybase: Client, public_http: httpx2.Client
) -> Gallery:
    workspace = cms.workspace("Gallery", slug=f"gallery-{new_id()[:8]}")
    type_ = cms.object_type(
        "title",
        {"name": "image", "type": "MEDIA"},
        {"name": "more", "type": "MEDIA", "multiple": True},
        {"name": "source", "type": "MEDIA", "private": True},
        {"name": "published", "type": "BOOLEAN"},
        workspace_id=workspace["id"],
        slug="picture",
    )
    return Gallery(cms, ada_at_pybase, public_http, workspace, type_)


def test_e_07a_media_is_a_file_by_its_id(gallery: Gallery):
    first, second = gallery.upload(), gallery.upload(b"two", "b.bin")
    entry = gallery.entry(
        image=[{"id": first["id"]}],
        more=[{"id": second["id"]}, {"id": first["id"]}],
        published=True,
    )

    shown = made(gallery.http.get(f"{gallery.path}/picture/{entry}"))

    assert shown["data"]["data"]["image"] == first["id"]
    assert shown["data"]["data"]["more"] == [second["id"], first["id"]]
    defined = {one["name"]: one for one in shown["meta"]["schema"]}
    assert (defined["image"]["type"], defined["image"]["multiple"]) == ("MEDIA", False)
    assert (defined["more"]["type"], defined["more"]["multiple"]) == ("MEDIA", True)
    assert "source" not in defined


def test_a_file_is_told_about_and_downloaded_by_members(
    gallery: Gallery, cms_stranger: CmsClient, nobody: CmsClient
):
    made_one = gallery.upload(name="Zoë.png")
    path = f"/media/{made_one['id']}"

    assert gallery.cms.get(path).json() == made_one
    assert made_one["url"] == f"{path}/content"
    assert (made_one["size"], made_one["type"]) == (len(PNG), "image/png")
    got = gallery.cms.get(made_one["url"])
    assert got.content == PNG
    assert got.headers["cache-control"] == "no-store"
    # the same file by the other door
    there = made(gallery.records.get(f"/attachments/{made_one['id']}"))
    assert there["sha256"] == made_one["sha256"]
    for end in (path, f"{path}/content"):
        assert cms_stranger.get(end).status_code == 404
        assert nobody.get(end).status_code == 401
    assert gallery.cms.get(f"/media/{new_id()}").status_code == 404
    assert gallery.cms.get("/media/x").status_code == 400


def test_who_may_not_write_uploads_nothing(
    gallery: Gallery, cms_stranger: CmsClient, nobody: CmsClient
):
    sent: Any = {
        "params": {"workspace_id": gallery.workspace["id"]},
        "files": {"file": ("a", b"x", "text/plain")},
    }

    assert nobody.post("/media", **sent).status_code == 401
    assert cms_stranger.post("/media", **sent).status_code == 404
    assert gallery.cms.post("/media", json={}).status_code == 415


def test_anybody_reads_a_file_while_a_public_entry_names_it(gallery: Gallery):
    one = gallery.upload(name="Zoë <b>.png")
    assert gallery.public(one["id"]).status_code == 404
    entry = gallery.entry(more=[{"id": one["id"]}], published=False)
    assert gallery.public(one["id"]).status_code == 404

    gallery.change(entry, published=True)

    reply = gallery.public(one["id"])
    assert (reply.status_code, reply.content) == (200, PNG)
    assert reply.headers["content-type"] == "image/png"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-disposition"].startswith("attachment; filename=")
    assert reply.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert "sandbox" in reply.headers["content-security-policy"]
    tag = {"if-none-match": reply.headers["etag"]}
    assert gallery.public(one["id"], headers=tag).status_code == 304
    part = gallery.public(one["id"], headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, PNG[:4])

    gallery.change(entry, published=False)
    assert gallery.public(one["id"], headers=tag).json()["message"] == "Media not found"


def test_a_private_field_opens_no_file(gallery: Gallery):
    one = gallery.upload(b"secret", "plan.pdf")
    gallery.entry(source=[{"id": one["id"]}], published=True)

    assert gallery.public(one["id"]).status_code == 404


def test_a_file_of_a_type_that_runs_is_sent_as_bytes(gallery: Gallery):
    one = gallery.upload(b"<svg onload=alert(1)>", "x.svg")
    gallery.entry(image=[{"id": one["id"]}], published=True)

    reply = gallery.public(one["id"])

    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"].startswith("attachment")


def test_a_file_is_found_on_its_own_site_alone(gallery: Gallery):
    one = gallery.upload(b"mine", "a.bin")
    gallery.entry(image=[{"id": one["id"]}], published=True)
    other = gallery.cms.workspace("Other", slug=f"other-{new_id()[:8]}")

    for path in (
        f"/api/{other['slug']}/media/{one['id']}",
        f"{gallery.path}/media/{new_id()}",
        f"{gallery.path}/media/x",
        f"{gallery.path}/media/%00",
    ):
        assert gallery.http.get(path).json()["message"] == "Media not found"
    absent = gallery.http.get(f"/api/{new_id()}/media/{one['id']}")
    assert absent.json()["message"] == "Workspace not found"


def test_media_is_no_slug_of_a_public_type(gallery: Gallery):
    def type_(**more: Any) -> httpx2.Response:
        body = {"workspace_id": gallery.workspace["id"], "field_definitions": []}
        return gallery.cms.post("/object-types", json=body | more)

    assert type_(name="Media", slug="media").status_code == 409
    assert made(type_(name="Media"))["slug"] == "media-2"
