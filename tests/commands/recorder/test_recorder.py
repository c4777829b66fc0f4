"""The port's own promises: every workspace is told, in the feed's order, and whatever a
program appends is in a ledger like any other."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    StoredEvent,
    Tracking,
)

from commands.embedded import DatabaseUrls
from commands.migrate import migrate
from commands.recorder import (
    Factory,
    LedgerMapper,
    LedgerProcessRecorder,
    LedgerRecorder,
    LedgerTrackingRecorder,
    PlainMapper,
)
from commands.seal import Sealer, seal
from commands.system import new_id
from domain.events import Recorded
from domain.foreign import ForeignAppended
from domain.ids import FOREIGN
from domain.record import Change, RecordCreated, UpdateRecords
from projections import rebuild, verify
from projections.postgres import connect
from tests.commands.tenant import Tenant, field_id

ORDER = UUID("33333333-3333-4333-8333-333333333333")


def appended(version: int, topic: str = "Ordered", **more: Any) -> StoredEvent:
    return replace(StoredEvent(ORDER, version, topic, b"{}"), **more)


def sealed(urls: DatabaseUrls) -> None:
    with connect(urls.app, autocommit=True) as connection:
        while seal(connection):
            pass


@pytest.fixture
def sealing(fresh: DatabaseUrls) -> Iterator[None]:
    """A sealer beside, as a server has one."""
    sealer = Sealer(fresh.app)
    sealer.start()
    yield
    sealer.stop()


def seen_in_pages(
    recorder: LedgerRecorder, size: int, topics: Sequence[str] = ()
) -> list[int]:
    ids: list[int] = []
    while True:
        after = ids[-1] if ids else 0
        page = recorder.select_notifications(
            after, size, topics=topics, inclusive_of_start=False
        )
        if not page:
            return ids
        assert len(page) <= size
        ids += [one.id for one in page]


# ---------------------------------------------------------------- the whole log


def test_every_event_of_every_workspace_is_told_once_in_the_order_of_the_feed(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    other = Tenant(fresh, its_tenant.committer).settle()
    its_tenant.create(its_tenant.table("name"), {"name": "Ada"}, {"name": "Bob"})
    recorder.insert_events([appended(1)])
    other.table("name")
    sealed(fresh)

    told = recorder.select_notifications(start=None, limit=1000)

    assert [one.id for one in told] == list(range(1, len(told) + 1))
    assert recorder.max_notification_id() == len(told)
    for tenant in (its_tenant, other):
        mine = [one for one in told if one.envelope.workspace_id == tenant.workspace_id]
        expected = tenant.envelopes()
        assert [one.envelope for one in mine] == expected
        assert [one.topic for one in mine] == [one.type for one in expected]
        assert [one.state for one in mine] == [bytes(one.data) for one in expected]
        assert [str(one.originator_id) for one in mine] == [
            one.stream for one in expected
        ]
        assert [one.originator_version for one in mine] == [
            one.version for one in expected
        ]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_pages_of_every_size_leave_nothing_out_and_say_nothing_twice(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder, size: int
):
    table = its_tenant.table("name")
    its_tenant.create(table, *({"name": str(n)} for n in range(20)))
    recorder.insert_events([appended(n) for n in range(5)])
    sealed(fresh)
    last = recorder.max_notification_id()
    assert last is not None

    assert seen_in_pages(recorder, size) == list(range(1, last + 1))


def test_topics_are_our_types_and_the_topics_of_programs(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    table = its_tenant.table("name")
    for number in range(3):
        its_tenant.create(table, {"name": "x"}, {"name": "y"})
        recorder.insert_events([appended(number, "Ordered"), appended_twin(number)])
    sealed(fresh)
    wanted = ["record.created", "Ordered"]

    everything = recorder.select_notifications(None, 1000)
    expected = [one.id for one in everything if one.topic in wanted]

    assert len(expected) == 9
    assert seen_in_pages(recorder, 2, wanted) == expected
    assert seen_in_pages(recorder, 2, ["foreign.appended", "nothing"]) == []


def appended_twin(version: int) -> StoredEvent:
    return appended(version, "Paid", originator_id="order 7")


def test_a_filter_looks_on_where_a_window_has_nothing(
    monkeypatch: pytest.MonkeyPatch, recorder: LedgerRecorder
):
    monkeypatch.setattr("commands.recorder.reading.WINDOW", 3)
    recorder.insert_events([appended(n) for n in range(50)])
    recorder.insert_events([appended(50, "Rare")])

    (found,) = recorder.select_notifications(None, 1, topics=["Rare"])

    assert (found.id, found.originator_version) == (51, 50)


def test_what_is_not_sealed_yet_is_not_told(
    its_tenant: Tenant, recorder: LedgerRecorder
):
    assert its_tenant.position() > 0
    assert recorder.max_notification_id() is None
    assert recorder.select_notifications(None, 10) == []


def test_a_stream_of_ours_is_read_by_its_versions(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    table = its_tenant.table("name")
    record = its_tenant.create(table, {"name": "Ada"})[0]
    for name in ("Eve", "Zoë"):
        change = Change(record, {field_id(table, "name"): name})
        its_tenant.do(UpdateRecords(table.id, table.schema_seq, [change]))
    sealed(fresh)
    mine = [one for one in its_tenant.envelopes() if one.stream == record]

    found = recorder.select_events(UUID(record))

    assert [one.originator_version for one in found] == [1, 2, 3]
    assert [one.state for one in found] == [bytes(one.data) for one in mine]
    newest = recorder.select_events(UUID(record), gt=1, lte=3, desc=True, limit=1)
    assert list(newest) == [found[2]]
    assert recorder.select_events(UUID(new_id())) == []


def test_one_role_for_everything_reads_the_same(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    """Row-level security is forced on it: it sees what it names."""
    table = its_tenant.table("name")
    record = its_tenant.create(table, {"name": "Ada"})[0]
    recorder.insert_events([appended(1)])
    sealed(fresh)
    one_role = DatabaseUrls(fresh.app, fresh.app, fresh.app, embedded=False)
    alone = LedgerRecorder(one_role)

    try:
        assert alone.select_notifications(None, 1000) == recorder.select_notifications(
            None, 1000
        )
        for stream in (ORDER, UUID(record)):
            assert alone.select_events(stream) == recorder.select_events(stream)
            assert len(alone.select_events(stream)) == 1
    finally:
        alone.close()


def test_an_owner_on_its_own_reads_and_appends(fresh: DatabaseUrls):
    urls = DatabaseUrls(fresh.owner, fresh.owner, fresh.owner, embedded=False)
    migrate(urls)
    recorder = LedgerRecorder(urls)
    try:
        assert recorder.insert_events([appended(1)]) == [1]
        assert [one.id for one in recorder.select_notifications(None, 10)] == [1]
        assert list(recorder.select_events(ORDER)) == [appended(1)]
    finally:
        recorder.close()


# ---------------------------------------------------------------- what they mean


def test_our_events_become_our_classes_with_place_time_and_author(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    table = its_tenant.table("name")
    its_tenant.create(table, {"name": "Ada"})
    sealed(fresh)
    told = recorder.select_notifications(None, 100, topics=["record.created"])
    mapper: Any = LedgerMapper(None)  # type: ignore[arg-type]

    (recorded,) = [mapper.to_domain_event(one) for one in told]

    assert isinstance(recorded, Recorded)
    assert isinstance(recorded.event, RecordCreated)
    assert recorded.event.table_id == table.id
    assert recorded.actor.id == its_tenant.user_id
    assert recorded == its_tenant.envelopes()[-1].recorded


def test_a_program_that_knows_none_of_our_classes_gets_plain_dicts(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    table = its_tenant.table("name")
    its_tenant.create(table, {"name": "Ada"})
    sealed(fresh)
    told = recorder.select_notifications(None, 100, topics=["record.created"])
    mapper: Any = PlainMapper(None)  # type: ignore[arg-type]

    (plain,) = [mapper.to_domain_event(one) for one in told]

    assert plain["type"] == "record.created"
    assert plain["data"]["table_id"] == table.id
    assert plain["workspace_id"] == its_tenant.workspace_id
    assert plain["actor"] == {"kind": "user", "id": its_tenant.user_id}


def test_an_event_of_a_class_that_is_not_here_is_told_as_it_was_kept(
    recorder: LedgerRecorder,
):
    recorder.insert_events([appended(1, "no_such_module:Ordered")])
    (told,) = recorder.select_notifications(None, 1)
    mapper: Any = LedgerMapper(None)  # type: ignore[arg-type]

    recorded = mapper.to_domain_event(told)

    assert recorded.event == ForeignAppended(
        str(ORDER), None, 1, "no_such_module:Ordered", "{}", "utf8"
    )


# ---------------------------------------------------------------- appending


@pytest.mark.parametrize(
    "state", [b"", b"{}", "Zoë \u2028 𝄞".encode(), b"a\x00b", bytes(range(256))]
)
def test_a_state_is_read_as_it_was_written(recorder: LedgerRecorder, state: bytes):
    recorder.insert_events([appended(1, state=state)])

    (stored,) = recorder.select_events(ORDER)
    (told,) = recorder.select_notifications(None, 1, topics=["Ordered"])

    assert stored.state == told.state == state
    assert isinstance(stored.state, bytes)


def test_a_text_is_never_taken_for_a_uuid(recorder: LedgerRecorder):
    recorder.insert_events([appended(1), appended(1, originator_id=str(ORDER))])

    assert recorder.select_events(ORDER)[0].originator_id == ORDER
    assert recorder.select_events(str(ORDER))[0].originator_id == str(ORDER)


@pytest.mark.parametrize(
    "wrong",
    [
        {"topic": "a\x00b"},
        {"topic": "\ud800"},
        {"originator_id": "a\x00b"},
        {"originator_version": -1},
        {"originator_version": 2**63},
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(
    recorder: LedgerRecorder, wrong: dict[str, Any]
):
    with pytest.raises(DataError):
        recorder.insert_events([appended(1), appended(2, **wrong)])

    assert recorder.max_notification_id() is None
    assert recorder.select_events(ORDER) == []


@pytest.mark.parametrize("version", [0, 1, 2, 4])
def test_a_version_that_is_not_the_next_is_a_conflict(
    recorder: LedgerRecorder, version: int
):
    recorder.insert_events([appended(1), appended(2)])

    with pytest.raises(IntegrityError):
        recorder.insert_events([appended(version)])

    assert recorder.max_notification_id() == 2


def test_of_many_that_append_the_same_version_one_succeeds(recorder: LedgerRecorder):
    outcomes: list[Any] = []

    def append() -> None:
        try:
            outcomes.append(recorder.insert_events([appended(1)]))
        except IntegrityError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=append) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count([1]) == 1
    assert outcomes.count(IntegrityError) == 7


@pytest.mark.usefixtures("sealing")
def test_numbers_are_right_beside_a_server_that_seals_and_writes(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    table = its_tenant.table("name")
    given: list[tuple[int, UUID, int]] = []

    def append() -> None:
        order = UUID(new_id())
        for version in range(10):
            (number,) = recorder.insert_events([appended(version, originator_id=order)])
            given.append((number, order, version))

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        its_tenant.create(table, {"name": "x"}, {"name": "y"})
    for thread in threads:
        thread.join()
    sealed(fresh)

    told = recorder.select_notifications(None, 10_000)
    assert [one.id for one in told] == list(range(1, len(told) + 1))
    theirs = {one.id: one for one in told if one.envelope.workspace_id == FOREIGN}
    assert len(given) == len(theirs) == 40
    for number, order, version in given:
        assert theirs[number].originator_id == order
        assert theirs[number].originator_version == version


# ---------------------------------------------------------------- the workspace


def test_the_workspace_of_programs_keeps_every_invariant(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    recorder.insert_events([appended(0), appended(1), appended_twin(7)])
    recorder.insert_events([appended(2, state=b"\x00\xff")])

    with connect(fresh.app, autocommit=True) as connection:
        verify.see(connection, FOREIGN)
        assert FOREIGN in rebuild.workspaces(connection)
        for invariant in verify.INVARIANTS.values():
            assert list(invariant(connection, FOREIGN)) == []
        assert rebuild.check(connection, FOREIGN) == []
    with connect(fresh.owner, autocommit=True) as owner:
        for whole in verify.INSTANCE_INVARIANTS.values():
            assert list(whole(owner)) == []
    assert verify_sees_a_change(fresh)


def verify_sees_a_change(urls: DatabaseUrls) -> bool:
    with psycopg.connect(urls.owner) as owner:
        owner.execute("ALTER TABLE ledger.events DISABLE TRIGGER append_only")
        owner.execute(
            "UPDATE ledger.events SET data = convert_to(replace(convert_from(data,"
            " 'UTF8'), 'Paid', 'Lost'), 'UTF8') WHERE workspace_id = %s",
            [FOREIGN],
        )
        return bool([*verify.chain_holds(owner, FOREIGN)])


def test_it_has_no_row_in_any_table_of_the_catalogue(
    fresh: DatabaseUrls, recorder: LedgerRecorder
):
    recorder.insert_events([appended(1)])
    with psycopg.connect(fresh.owner) as owner:
        tables = owner.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = 'catalog' AND column_name = 'workspace_id'"
        ).fetchall()
        assert len(tables) > 5
        for (table,) in tables:
            found = owner.execute(
                psycopg.sql.SQL("SELECT FROM {} WHERE workspace_id = %s").format(
                    psycopg.sql.Identifier("catalog", table)
                ),
                [FOREIGN],
            )
            assert found.fetchall() == [], table


# ---------------------------------------------------------------- positions


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


# ---------------------------------------------------------------- subscriptions


def test_a_subscription_hears_of_what_others_seal_and_survives_a_lost_connection(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    table = its_tenant.table("name")
    sealed(fresh)
    last = recorder.max_notification_id()
    heard: list[str] = []
    with recorder.subscribe(gt=last) as subscription:

        def hear_one() -> str:
            return next(subscription).topic

        its_tenant.create(table, {"name": "Ada"})
        sealed(fresh)
        heard.append(hear_one())
        with psycopg.connect(fresh.follower, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = current_user AND pid <> pg_backend_pid()"
            )
        its_tenant.create(table, {"name": "Bob"})
        sealed(fresh)
        heard.append(hear_one())

    assert heard == ["record.created", "record.created"]
