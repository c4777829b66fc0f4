"""The whole log as the library's notifications, and what they mean."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest

from commands.embedded import DatabaseUrls
from commands.migrate import migrate
from commands.recorder import LedgerMapper, LedgerRecorder, PlainMapper
from commands.system import new_id
from domain.events import Recorded
from domain.foreign import ForeignAppended
from domain.record import Change, RecordCreated, UpdateRecords
from tests.commands.recorder.programs import ORDER, appended, appended_twin
from tests.commands.tenant import Tenant, field_id
from tests.sealing import seal_all


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


def test_every_event_of_every_workspace_is_told_once_in_the_order_of_the_feed(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    other = Tenant(fresh, its_tenant.committer).settle()
    its_tenant.create(its_tenant.table("name"), {"name": "Ada"}, {"name": "Bob"})
    recorder.insert_events([appended(1)])
    other.table("name")
    seal_all(fresh)

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
    seal_all(fresh)
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
    seal_all(fresh)
    wanted = ["record.created", "Ordered"]

    everything = recorder.select_notifications(None, 1000)
    expected = [one.id for one in everything if one.topic in wanted]

    assert len(expected) == 9
    assert seen_in_pages(recorder, 2, wanted) == expected
    assert seen_in_pages(recorder, 2, ["foreign.appended", "nothing"]) == []


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
    seal_all(fresh)
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
    seal_all(fresh)
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


def test_our_events_become_our_classes_with_place_time_and_author(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    table = its_tenant.table("name")
    its_tenant.create(table, {"name": "Ada"})
    seal_all(fresh)
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
    seal_all(fresh)
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


def test_a_subscription_hears_of_what_others_seal_and_survives_a_lost_connection(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    table = its_tenant.table("name")
    seal_all(fresh)
    last = recorder.max_notification_id()
    heard: list[str] = []
    with recorder.subscribe(gt=last) as subscription:

        def hear_one() -> str:
            return next(subscription).topic

        its_tenant.create(table, {"name": "Ada"})
        seal_all(fresh)
        heard.append(hear_one())
        with psycopg.connect(fresh.follower, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = current_user AND pid <> pg_backend_pid()"
            )
        its_tenant.create(table, {"name": "Bob"})
        seal_all(fresh)
        heard.append(hear_one())

    assert heard == ["record.created", "record.created"]
