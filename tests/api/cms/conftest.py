"""What tests of the CMS share: callers, and one user at both doors."""

from collections.abc import Iterator

import httpx2
import pytest

from commands.embedded import DatabaseUrls
from tests.api.cms.blog import Blog, a_blog
from tests.api.cms.client import CmsClient
from tests.api.cms.site import Site, to
from tests.client import NOBODY, Client, Server
from tests.commands.conftest import committer
from tests.commands.tenant import LoopedCommitter, Tenant

__all__ = ["committer"]


@pytest.fixture
def nobody(server: Server) -> Iterator[CmsClient]:
    """A caller without a token."""
    with CmsClient(server.cms_url) as nobody:
        yield nobody


@pytest.fixture(scope="session")
def cms(server: Server) -> Iterator[CmsClient]:
    """A signed-in user that tests share; its workspaces are the tests' own."""
    with CmsClient(server.cms_url) as cms:
        yield cms.register("Ada")


@pytest.fixture(scope="session")
def cms_stranger(server: Server) -> Iterator[CmsClient]:
    """Another one, who is a member of none of them."""
    with CmsClient(server.cms_url) as cms:
        yield cms.register("Mallory")


@pytest.fixture
def cms_newcomer(server: Server) -> Iterator[CmsClient]:
    """A user of this test alone, with nothing yet."""
    with CmsClient(server.cms_url) as cms:
        yield cms.register("Grace")


@pytest.fixture(scope="session")
def ada_at_pybase(server: Server, cms: CmsClient) -> Iterator[Client]:
    """The user of `cms` at PyBase's door."""
    with cms.at_pybase(server.url) as client:
        yield client


@pytest.fixture(scope="session")
def public_http(server: Server) -> Iterator[httpx2.Client]:
    """A caller of the public API, whom nobody knows."""
    with httpx2.Client(
        base_url=server.cms_url, timeout=30, trust_env=False, verify=NOBODY
    ) as http:
        yield http


@pytest.fixture
def site(
    database: DatabaseUrls, committer: LoopedCommitter, public_http: httpx2.Client
) -> Site:
    """A workspace of this test alone, and its public API."""
    return Site(Tenant(database, committer).settle(), public_http)


@pytest.fixture(scope="module")
def shared_site(
    database: DatabaseUrls, committer: LoopedCommitter, public_http: httpx2.Client
) -> Site:
    """One that a module's tests share, with a type `person`."""
    site = Site(Tenant(database, committer).settle(), public_http)
    person = site.type("person", title="text", hidden=("text", {"private": True}))
    site.type("group", members=to(person))
    site.entry(person, title="Ada", hidden="secret")
    return site


@pytest.fixture(scope="session")
def blog(ada_at_pybase: Client) -> Blog:
    """A blog of that user's, which tests of entries share."""
    return a_blog(ada_at_pybase)


@pytest.fixture(scope="session")
def author(cms: CmsClient, blog: Blog) -> str:
    return str(cms.entry(blog.authors, name="John Doe")["id"])


@pytest.fixture(scope="session")
def tags(cms: CmsClient, blog: Blog) -> list[str]:
    return [cms.entry(blog.tags, name=name)["id"] for name in ("Technology", "Law")]
