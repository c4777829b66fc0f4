"""What tests of webhooks share."""

from collections.abc import Iterator

import pytest

from commands.embedded import DatabaseUrls
from tests.commands.tenant import LoopedCommitter
from tests.workers.webhooks.heard import Hearing, hearing


@pytest.fixture
def heard(database: DatabaseUrls, committer: LoopedCommitter) -> Iterator[Hearing]:
    """A follower that begins with what the test does."""
    with hearing(database, committer) as found:
        yield found
