"""The test cases that the library ships for whoever writes recorders, unchanged."""

from collections.abc import Callable
from typing import Any

import pytest
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)

from commands.recorder import (
    LedgerProcessRecorder,
    LedgerRecorder,
    LedgerTrackingRecorder,
)

Made = Callable[..., Any]


class TestApplicationRecorder(ApplicationRecorderTestCase[LedgerRecorder]):
    @pytest.fixture(autouse=True)
    def _over_a_fresh_ledger(self, made: Made) -> None:
        self.made = made

    def create_recorder(self) -> LedgerRecorder:
        return self.made(LedgerRecorder)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestOfText(TestApplicationRecorder):
    """The same with originators that are named by texts."""

    def new_originator_id(self) -> str:
        return f"order-{super().new_originator_id()}"


class TestNonInterleavingNotificationIDs(NonInterleavingNotificationIDsBaseCase):
    @pytest.fixture(autouse=True)
    def _over_a_fresh_ledger(self, made: Made) -> None:
        self.made = made

    def create_recorder(self) -> LedgerRecorder:
        return self.made(LedgerRecorder)


class TestTrackingRecorder(TrackingRecorderTestCase):
    @pytest.fixture(autouse=True)
    def _over_a_fresh_ledger(self, made: Made) -> None:
        self.made = made

    def create_recorder(self) -> LedgerTrackingRecorder:
        return self.made(LedgerTrackingRecorder, "a-projection")


class TestProcessRecorder(ProcessRecorderTestCase):
    @pytest.fixture(autouse=True)
    def _over_a_fresh_ledger(self, made: Made) -> None:
        self.made = made

    def create_recorder(self) -> LedgerProcessRecorder:
        return self.made(LedgerProcessRecorder, "a-process")
