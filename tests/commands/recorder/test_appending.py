"""What programs append is in a ledger like any other."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import DataError, IntegrityError

from commands.embedded import DatabaseUrls
from commands.recorder import LedgerRecorder
from commands.seal import Sealer
from commands.system import new_id
from domain.ids import FOREIGN
from projections import rebuild, verify
from projections.postgres import connect
from tests.commands.recorder.programs import ORDER, appended, appended_twin
from tests.commands.tenant import Tenant
from tests.sealing import seal_all


@pytest.fixture
def sealing(fresh: DatabaseUrls) -> Iterator[None]:
    """A sealer beside, as a server has one."""
    sealer = Sealer(fresh.app)
    sealer.start()
    yield
    sealer.stop()


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
    seal_all(fresh)

    told = recorder.select_notifications(None, 10_000)
    assert [one.id for one in told] == list(range(1, len(told) + 1))
    theirs = {one.id: one for one in told if one.envelope.workspace_id == FOREIGN}
    assert len(given) == len(theirs) == 40
    for number, order, version in given:
        assert theirs[number].originator_id == order
        assert theirs[number].originator_version == version


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
