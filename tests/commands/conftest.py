"""What store tests of the write side share."""

from collections.abc import Iterator

import pytest

from commands.embedded import DatabaseUrls
from tests.commands.tenant import LoopedCommitter, Tenant, a_committer, problems


@pytest.fixture(scope="session")
def committer(database: DatabaseUrls) -> Iterator[LoopedCommitter]:
    """One that tests share."""
    committer = a_committer(database.app, connections=2)
    committer.start()
    yield committer
    committer.stop()


@pytest.fixture
def tenant(database: DatabaseUrls, committer: LoopedCommitter) -> Iterator[Tenant]:
    """A workspace of this test alone; afterwards every invariant has to hold in it,
    and its rows have to be those that its events make."""
    tenant = Tenant(database, committer).settle()
    yield tenant
    assert problems(tenant) == []
