"""What tests of the CMS share: callers, and one user at both doors."""

from collections.abc import Iterator

import pytest

from tests.api.cms.client import CmsClient
from tests.client import Client, Server


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
