"""What a reader of the public API has is asked for again, and never stale."""

import re
import threading
import time

import httpx2
import pytest

from api.cms.public.handlers import Public
from api.cms.public.memory import MOST_BYTES, MOST_OF_ONE, Kept, Memory
from api.http import Request
from commands.embedded import DatabaseUrls
from commands.schema import NewField
from commands.settings import Settings
from commands.system import System, now, time_text
from tests.api.cms.site import HTML, Site, to
from tests.client import ABSENT, NOBODY, running_server


def tag_of(site: Site, path: str = "page") -> str:
    reply = site.get(path)
    assert reply.status_code == 200, reply.text
    return reply.headers["etag"]


def asked(site: Site, tag: str, path: str = "page") -> int:
    return site.get(path, headers={"if-none-match": tag}).status_code


def test_a_reply_is_tagged_with_a_position(site: Site):
    page = site.type("page", title="text")
    made = site.entry(page, title="a")

    reply = site.get("page")

    assert reply.headers["etag"] == f'W/"p{site.tenant.position()}"'
    assert reply.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert "vary" not in reply.headers
    assert tag_of(site, f"page/{made}") == reply.headers["etag"]


def test_what_a_client_has_is_not_sent_again(site: Site):
    page = site.type("page", title="text")
    made = site.entry(page, title="a")
    tag = tag_of(site)

    for path in ("page", f"page/{made}", "page?limit=5"):
        for said in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
            reply = site.get(path, headers={"if-none-match": said})
            held = said != tag.removeprefix("W/")  # ours are weak
            assert reply.status_code == (304 if held else 200)
            assert reply.headers["etag"] == tag
            assert reply.headers["cache-control"].startswith("public")
            if held:
                assert reply.content == b""
    head = site.http.head(f"/api/{site.slug}/page", headers={"if-none-match": tag})
    assert head.status_code == 304


def test_no_tag_makes_an_entry_of_what_is_none(site: Site):
    site.type("page", title="text")
    tag = tag_of(site)

    assert asked(site, tag, f"page/{ABSENT}") == 404
    assert asked(site, tag, "page?sort=nothing") == 400
    assert asked(site, "*", f"page/{ABSENT}") == 404


@pytest.mark.parametrize(
    "tag", ['W/"p1"', 'W/"p999999999"', 'W/"p"', '"v1"', "x", 'W/"p1-1"', ""]
)
def test_a_tag_that_is_not_of_what_is_there_counts_for_nothing(
    shared_site: Site, tag: str
):
    assert asked(shared_site, tag, "person") == 200


def test_a_write_to_another_type_changes_no_tag(site: Site):
    page, other = site.type("page", title="text"), site.type("other", title="text")
    site.entry(page, title="a")
    tag = tag_of(site)

    made = site.entry(other, title="b")
    site.write(other, made, title="c")

    assert tag_of(site) == tag
    assert asked(site, tag) == 304
    assert asked(site, f'W/"p{site.tenant.position()}"') == 304  # nothing came since


def test_every_write_that_shows_changes_the_tag(site: Site):
    city = site.type("city", name="text")
    author = site.type("author", name="text", home=to(city))
    page = site.type("page", title="text", author=to(author))
    rome = site.entry(city, name="Rome")
    ada = site.entry(author, name="Ada", home=[rome])
    made = site.entry(page, title="a", author=[ada])
    tag = tag_of(site)

    for write in (
        lambda: site.write(page, made, title="b"),
        lambda: site.write(author, ada, name="Ada L."),
        lambda: site.entry(page, title="c"),
        lambda: site.write(page, made, author=None),
        lambda: site.write(page, made, author=[ada]),
        lambda: site.delete(city, rome),
        lambda: site.change(page, name="Pages"),
        lambda: site.tenant.field(page, NewField("more", "text")),
        lambda: site.delete(author, ada),
        lambda: site.workspace(name="Other"),
    ):
        assert asked(site, tag) == 304
        write()
        assert asked(site, tag) == 200
        before, tag = tag, tag_of(site)
        assert tag != before


def test_time_makes_an_entry_public_and_changes_the_tag(site: Site):
    page = site.type("page", published="checkbox", publish_date="datetime")
    soon = now() + 2.5
    site.entries(
        page,
        {"published": True, "publish_date": "2024-01-01T00:00:00Z"},
        {"published": True, "publish_date": time_text(soon)},
    )
    tag = tag_of(site)
    assert re.fullmatch(r'W/"p\d+-1704067200000000"', tag)
    assert asked(site, tag) == 304
    assert len(site.list("page")) == 1

    time.sleep(max(0.0, soon - now()))

    assert asked(site, tag) == 200
    assert len(site.list("page")) == 2
    assert tag_of(site).startswith(tag.partition("-")[0])


def test_who_wrote_reads_it_while_others_read_the_same_page(site: Site):
    page = site.type("page", title="text")
    made = site.entry(page, title="0")
    path, over = f"/api/{site.slug}/page", threading.Event()

    def read_on() -> None:
        with httpx2.Client(
            base_url=site.http.base_url, trust_env=False, verify=NOBODY
        ) as http:
            while not over.is_set():
                assert http.get(path).status_code == 200

    readers = [threading.Thread(target=read_on) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for number in range(6):
            site.write(page, made, title=f"x{number}")
            assert site.list("page")[0]["data"]["title"] == f"x{number}"
    finally:
        over.set()
        for reader in readers:
            reader.join()


def test_a_minimum_position_is_waited_for(site: Site):
    page = site.type("page", title="text")
    site.entry(page, title="a")

    headers = {"x-min-position": str(site.tenant.position())}
    assert site.get("page", headers=headers).status_code == 200


def test_an_unsigned_in_reply_has_nothing_of_a_session(shared_site: Site):
    reply = shared_site.get("person", headers={"authorization": "Bearer nonsense"})

    assert reply.status_code == 200
    assert "set-cookie" not in reply.headers
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_settings_say_who_may_call_and_whether_html_is_cleaned(
    settings: Settings, database: DatabaseUrls, site: Site
):
    page = site.type("page", content=HTML)
    site.entry(page, content="<script>1</script>")
    origin = "https://blog.example"
    chosen = settings.model_copy(
        update={"cms_sanitize": False, "cors_origins": (origin,)}
    )
    path = f"/api/{site.slug}/page"
    with running_server(chosen, database) as server:
        reply = httpx2.get(server.cms_url + path, trust_env=False)
        from_page = httpx2.get(
            server.cms_url + path, headers={"origin": origin}, trust_env=False
        )

    assert reply.json()["data"][0]["data"]["content"] == "<script>1</script>"
    assert reply.headers["vary"] == "Origin"
    assert from_page.headers["access-control-allow-origin"] == origin
    assert reply.headers["etag"].endswith('-raw"')
    assert asked(site, reply.headers["etag"]) == 200


def request(site: Site, tag: str, **path: str) -> Request:
    names = {"workspace_slug": site.slug, "object_type_slug": "page", **path}
    headers = {b"if-none-match": tag.encode()}
    return Request("GET", "/", names, b"", headers, b"", "r", "cms", "127.0.0.1")


@pytest.mark.anyio
async def test_a_tag_is_good_at_a_process_that_began_since(site: Site, system: System):
    page, other = site.type("page", title="text"), site.type("other", title="text")
    made = site.entry(page, title="a")
    tag = tag_of(site)
    site.entry(other, title="b")

    public = Public.of(system)
    listed = await public.list_entries(system, request(site, tag))
    alone = await public.get_entry(system, request(site, tag, entry_id=made))
    unknown = await public.list_entries(system, request(site, 'W/"p1"'))

    assert (listed.status, listed.headers["etag"]) == (304, tag)
    assert (alone.status, unknown.status) == (304, 200)
    site.write(page, made, title="c")
    assert (await public.list_entries(system, request(site, tag))).status == 200


def a_reply(size: int) -> Kept:
    return Kept(1, 1, (), 1, 2**62, "", b"x" * size)


def test_what_is_kept_has_an_end():
    kept = Memory()

    for number in range(200):
        kept.keep(("a", "b", str(number)), a_reply(MOST_OF_ONE))
    kept.keep(("a", "b", "large"), a_reply(MOST_OF_ONE + 1))
    kept.keep(("a", "b", "199"), a_reply(1))

    assert MOST_BYTES - 2 * MOST_OF_ONE < kept.size <= MOST_BYTES
    assert kept.get(("a", "b", "199")) == a_reply(1)
    assert kept.get(("a", "b", "0")) is None
    assert kept.get(("a", "b", "large")) is None
