"""What store tests of the read side share with those of the write side."""

from collections.abc import Iterator

import pytest

from commands.system import System
from tests.commands.conftest import committer, tenant
from tests.commands.tenant import LoopedCommitter, Tenant, a_committer

__all__ = ["committer", "here", "tenant"]


@pytest.fixture
def here(system: System, tenant: Tenant) -> Iterator[Tenant]:
    """A workspace that is written by the process whose reads are looked at."""
    committer: LoopedCommitter = a_committer(system.urls.app, catalogs=system.catalogs)
    committer.start()
    yield Tenant(system.urls, committer, tenant.user_id).settle_workspace()
    committer.stop()
