"""What tests of the port share: a ledger of their own, and recorders over it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from eventsourcing import cryptography

from commands.embedded import DatabaseUrls
from commands.embedded import database as embedded
from commands.recorder import (
    LedgerProcessRecorder,
    LedgerRecorder,
    LedgerTrackingRecorder,
)
from commands.settings import Settings
from tests.commands.fresh_ledger import FreshLedgers
from tests.commands.tenant import LoopedCommitter, Tenant, a_committer

# the module of the library's test cases imports its older cipher, which wants a package
# that we do not have; its newer one has the same name and is not used by our cases
sys.modules.setdefault("eventsourcing.cipher", cryptography)


@pytest.fixture(scope="session")
def ledgers(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreshLedgers]:
    folder = tmp_path_factory.mktemp("fresh")
    with embedded(settings.model_copy(update={"data_dir": folder})) as urls:
        yield FreshLedgers(folder, urls)


@pytest.fixture
def fresh(ledgers: FreshLedgers) -> Iterator[DatabaseUrls]:
    """A ledger of this test alone, in which nothing has happened."""
    with ledgers.one() as urls:
        yield urls


@pytest.fixture
def made(fresh: DatabaseUrls) -> Iterator[Callable[..., Any]]:
    """`made(LedgerRecorder)`: a recorder over it that is closed at the end."""
    with ExitStack() as closing:

        def made(kind: type[Any], *name: str) -> Any:
            recorder = kind(fresh, *name)
            closing.callback(recorder.close)
            return recorder

        yield made


@pytest.fixture
def recorder(made: Callable[..., Any]) -> LedgerRecorder:
    return made(LedgerRecorder)


@pytest.fixture
def tracking(made: Callable[..., Any]) -> LedgerTrackingRecorder:
    return made(LedgerTrackingRecorder, "a-projection")


@pytest.fixture
def process(made: Callable[..., Any]) -> LedgerProcessRecorder:
    return made(LedgerProcessRecorder, "a-process")


@pytest.fixture
def its_committer(fresh: DatabaseUrls) -> Iterator[LoopedCommitter]:
    committer = a_committer(fresh.app, connections=2)
    committer.start()
    yield committer
    committer.stop()


@pytest.fixture
def its_tenant(fresh: DatabaseUrls, its_committer: LoopedCommitter) -> Tenant:
    """A workspace in that ledger."""
    return Tenant(fresh, its_committer).settle()
