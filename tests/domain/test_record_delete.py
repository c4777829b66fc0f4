"""Deleting records and bringing them back, whole."""

from collections.abc import Sequence
from typing import Any

import pytest

from domain.errors import NotFound, VersionMismatch
from domain.events import Event
from domain.ids import RecordId
from domain.record import (
    DeleteRecords,
    RecordCreated,
    RecordDeleted,
    RecordRestored,
    RestoreRecord,
)
from domain.table import TableDeleted
from tests.domain.library import (
    ADA,
    AUTHORS,
    BOB,
    BOOKS,
    EMMA,
    NOBODY,
    THE_AUTHORS,
    author,
    book,
    create,
    update,
)
from tests.scenario import OWNER, Store, scenario

GIVEN = [*AUTHORS, author(1, name="Ada", born="1815"), author(2)]


def gone(number: int, record: RecordId, at: str, **values: Any) -> RecordDeleted:
    return RecordDeleted(record, "authors", number, values, {}, at, "")


ADA_GONE = gone(1, ADA, "2024-01-01T00:00:12.000000Z", name="Ada", born="1815")
BOB_GONE = gone(2, BOB, "2024-01-01T00:00:13.000000Z")


def delete(*records: RecordId, if_match: int | None = None) -> DeleteRecords:
    return DeleteRecords(THE_AUTHORS, records, if_match)


def test_the_event_of_a_deletion_carries_the_record_without_its_empty_values():
    emptied = update((ADA, {"born": None}))
    scenario(given=GIVEN, when=delete(ADA), then=[ADA_GONE])
    scenario(given=GIVEN, when=delete(BOB), then=[BOB_GONE])

    [*_, last] = Store(GIVEN).do(emptied, delete(ADA))
    assert last.event.data()["values"] == {"name": "Ada"}


def test_a_batch_goes_in_its_order():
    scenario(given=GIVEN, when=delete(BOB, ADA), then=[BOB_GONE, ADA_GONE])


def test_a_record_that_is_named_twice_goes_once():
    scenario(given=GIVEN, when=delete(ADA, ADA), then=[ADA_GONE])


def test_no_records_are_no_events():
    scenario(given=GIVEN, when=delete(), then=[])


@pytest.mark.parametrize(
    ("given", "missing"),
    [(GIVEN, NOBODY), ([*GIVEN, BOB_GONE], BOB), ([*BOOKS, author(1), book(1)], EMMA)],
    ids=["unknown", "deleted", "of another table"],
)
def test_a_record_that_is_not_there_keeps_the_others(
    given: Sequence[Event], missing: RecordId
):
    scenario(
        given=given,
        when=delete(ADA, missing),
        refused=NotFound,
        detail="Record not found",
        record_id=missing,
        index=1,
    )


def test_a_record_does_not_go_twice_in_one_unit():
    scenario(
        given=GIVEN,
        when=[delete(ADA), delete(ADA)],
        refused=NotFound,
        record_id=ADA,
        index=0,
    )


def test_a_record_is_deleted_by_those_who_saw_its_version():
    scenario(given=GIVEN, when=delete(ADA, if_match=1), then=[ADA_GONE])
    scenario(
        given=GIVEN,
        when=delete(ADA, if_match=2),
        refused=VersionMismatch,
        detail="The resource has another version",
        current_version=1,
    )


def test_a_table_that_is_gone_keeps_its_records():
    scenario(
        given=[*GIVEN, TableDeleted("authors", "base", "Authors")],
        when=delete(ADA),
        refused=NotFound,
        detail="Table not found",
    )


def test_a_record_goes_that_the_unit_created():
    scenario(
        given=GIVEN,
        when=[create(GIVEN, (NOBODY, {"name": "Eve"})), delete(NOBODY)],
        then=[
            RecordCreated(NOBODY, "authors", 3, {"name": "Eve"}, {}),
            gone(3, NOBODY, "2024-01-01T00:00:14.000000Z", name="Eve"),
        ],
    )


# bringing back


def back(record: RecordId = ADA, **links: dict[str, int]) -> RestoreRecord:
    return RestoreRecord(record, THE_AUTHORS, 1, {"name": "Ada"}, links, "then", "eve")


def test_a_record_comes_back_with_its_number_its_time_and_its_author():
    scenario(
        given=[*GIVEN, ADA_GONE],
        when=back(),
        then=[RecordRestored(ADA, "authors", 1, {"name": "Ada"}, {}, "then", "eve")],
    )


def test_a_record_that_is_there_need_not_come_back():
    scenario(given=GIVEN, when=back(), then=[])


def test_a_record_that_never_was_does_not_come_back():
    scenario(
        given=GIVEN,
        when=back(NOBODY),
        refused=NotFound,
        detail="Record not found",
        record_id=NOBODY,
    )


def test_a_record_does_not_come_back_into_a_table_that_is_gone():
    scenario(
        given=[*GIVEN, ADA_GONE, TableDeleted("authors", "base", "Authors")],
        when=back(),
        refused=NotFound,
        detail="Table not found",
    )


def test_a_record_that_came_back_moves_on_from_its_last_version():
    store = Store(GIVEN)
    before = store.row(ADA)
    [deleted] = store.do(delete(ADA))
    inverse = deleted.event.inverse()
    assert inverse is not None
    store.do(inverse, actor=OWNER)
    row = store.row(ADA)

    assert (row.values, row.number, row.links) == (before.values, 1, {})
    assert (row.created_at, row.created_by) == (before.created_at, "")
    assert (row.version, row.updated_by) == (3, "owner")
    assert row.updated_at == "2024-01-01T00:00:15.000000Z"


def test_a_number_that_came_back_does_not_turn_the_counter_back():
    store = Store([*GIVEN, BOB_GONE])
    store.do(RestoreRecord(BOB, THE_AUTHORS, 2, {}, {}, "then", "eve"))
    [one] = store.do(create(GIVEN, (NOBODY, {})))

    assert one.event.data()["number"] == 3
