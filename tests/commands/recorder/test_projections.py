"""Positions, views, and the library's own parts on our recorders."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

import orjson
import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import (
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    Tracking,
)
from eventsourcing.projection import (
    EventSourcedProjection,
    EventSourcedProjectionRunner,
)

from commands.embedded import DatabaseUrls
from commands.recorder import (
    Factory,
    Ledger,
    LedgerProcessRecorder,
    LedgerRecorder,
    LedgerTrackingRecorder,
)
from tests.commands.recorder.programs import ORDER, appended
from tests.commands.tenant import Tenant
from tests.sealing import seal_all


class Counts(LedgerTrackingRecorder):
    tables = "CREATE TABLE IF NOT EXISTS projected.counts (n bigint NOT NULL)"


def test_a_view_and_its_position_move_together_or_not_at_all(
    made: Callable[..., Any],
):
    view: Counts = made(Counts, "counting")
    with view.tracked(Tracking("tabellion", 1)) as connection:
        connection.execute("INSERT INTO projected.counts VALUES (1)")
    with pytest.raises(IntegrityError), view.tracked(Tracking("tabellion", 1)):
        pytest.fail("an event is not taken twice")
    with pytest.raises(ProgrammingError):
        wrongly(view)

    assert view.read("SELECT n FROM projected.counts") == [(1,)]
    assert view.max_tracking_id("tabellion") == 1


def wrongly(view: Counts) -> None:
    with view.tracked(Tracking("tabellion", 2)) as connection:
        connection.execute("INSERT INTO projected.counts VALUES (2)")
        connection.execute("SELECT nonsense")


def test_two_projections_of_one_log_are_each_where_they_are(made: Callable[..., Any]):
    first, second = (made(LedgerTrackingRecorder, name) for name in ("one", "two"))
    first.insert_tracking(Tracking("tabellion", 5))

    assert second.max_tracking_id("tabellion") is None
    assert made(LedgerTrackingRecorder, "one").max_tracking_id("tabellion") == 5


def test_events_and_the_position_that_they_come_from_are_recorded_together(
    process: LedgerProcessRecorder,
):
    process.insert_events([appended(1)], tracking=Tracking("tabellion", 3))
    with pytest.raises(IntegrityError):
        process.insert_events([appended(2)], tracking=Tracking("tabellion", 3))
    with pytest.raises(IntegrityError):
        process.insert_events([appended(1)], tracking=Tracking("tabellion", 4))

    assert list(process.select_events(ORDER)) == [appended(1)]
    assert process.max_tracking_id("tabellion") == 3


def test_snapshots_are_refused_in_words(fresh: DatabaseUrls):
    factory = Factory({"TABELLION_DATABASE_URL": fresh.app})
    with pytest.raises(NotSupportedError):
        factory.aggregate_recorder(purpose="snapshots")
    factory.close()


# ---------------------------------------------------------------- the library's parts


class Order(Aggregate):
    @event("Opened")
    def __init__(self, name: str) -> None:
        self.name = name
        self.paid = 0

    @event("Paid")
    def pay(self, amount: int) -> None:
        self.paid += amount


class Shop(Application[UUID]):
    env: ClassVar[dict[str, str]] = {"PERSISTENCE_MODULE": "commands.recorder"}


def test_aggregates_of_a_program_are_kept_and_told(fresh: DatabaseUrls):
    with Shop({"TABELLION_DATABASE_URL": fresh.app}) as shop:
        order = Order("Ada")
        order.pay(7)
        recordings = shop.save(order)
        again: Order = shop.repository.get(order.id)
        again.pay(1)
        stale: Order = shop.repository.get(order.id)
        stale.pay(2)
        shop.save(again)

        with pytest.raises(IntegrityError):
            shop.save(stale)
        assert [one.notification.id for one in recordings] == [1, 2]
        kept: Order = shop.repository.get(order.id)
        assert (kept.name, kept.paid, kept.version) == ("Ada", 8, 3)
        assert [one.id for one in shop.notification_log["1,10"].items] == [1, 2, 3]


class Welcome(EventSourcedProjection[UUID]):
    """Opens an order for each record: a projection that records events itself."""

    env: ClassVar[dict[str, str]] = {"PERSISTENCE_MODULE": "commands.recorder"}
    topics = ("record.created",)

    def policy(self, domain_event: Any, processing_event: Any) -> None:
        processing_event.collect_events(Order(domain_event.event.record_id))


def test_a_projection_that_records_events_does_so_once_for_each_that_it_follows(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    env = {
        "PERSISTENCE_MODULE": "commands.recorder",
        "TABELLION_DATABASE_URL": fresh.app,
        "TABELLION_FOLLOWER_DATABASE_URL": fresh.follower,
    }
    table = its_tenant.table("name")
    records = []
    for names in (("Ada", "Bob"), ("Eve",)):  # stopped and started again between
        records += its_tenant.create(table, *({"name": name} for name in names))
        seal_all(fresh)
        (*_, last) = recorder.select_notifications(None, 1000, topics=Welcome.topics)
        with EventSourcedProjectionRunner(
            application_class=Ledger, projection_class=Welcome, env=env
        ) as runner:
            runner.wait(last.id, timeout=20)

    opened = recorder.select_notifications(
        None, 1000, topics=[f"{__name__}:Order.Opened"]
    )
    read = [orjson.loads(one.state)["name"] for one in opened]
    assert read == records
