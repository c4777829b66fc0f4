"""Updating records: what differs, and nothing else."""

from collections.abc import Sequence
from typing import Any

import pytest

from domain.errors import Invalid, NotFound, StaleSchema, VersionMismatch
from domain.events import Actor, Event
from domain.record import Change, RecordDeleted, RecordUpdated, UpdateRecords
from domain.table import TableDeleted
from domain.values import Value
from tests.domain.library import (
    ADA,
    AUTHORS,
    BOB,
    BOOKS,
    CAT,
    EMMA,
    NOBODY,
    THE_AUTHORS,
    THE_BOOKS,
    author,
    book,
    field,
    update,
)
from tests.scenario import Store, scenario

GIVEN = [*AUTHORS, author(1, name="Ada", born="1815"), author(2, name="Bob")]
GONE = RecordDeleted(ADA, "authors", 1, {}, {}, "then", "eve")
EDITOR = Actor("user", "editor")


def seen(version: int, **values: Value) -> UpdateRecords:
    return UpdateRecords(THE_AUTHORS, None, [Change(ADA, values, if_match=version)])


def test_an_update_records_what_differs():
    scenario(
        given=GIVEN,
        when=update((ADA, {"name": "Ada", "born": "1816", "genre": "opt_poem"})),
        then=[
            RecordUpdated(
                ADA,
                "authors",
                {
                    "born": {"from": "1815", "to": "1816"},
                    "genre": {"from": None, "to": "opt_poem"},
                },
            )
        ],
    )


def test_a_value_is_emptied():
    scenario(
        given=GIVEN,
        when=update((ADA, {"born": None})),
        then=[RecordUpdated(ADA, "authors", {"born": {"from": "1815", "to": None}})],
    )


@pytest.mark.parametrize(
    "same", [{}, {"name": "Ada"}, {"name": "Ada", "born": "1815"}, {"genre": None}]
)
def test_a_record_that_stays_as_it_is_fires_nothing(same: dict[str, Any]):
    scenario(given=GIVEN, when=update((ADA, same)), then=[])


def test_records_of_a_batch_that_stay_as_they_are_are_left_out():
    scenario(
        given=GIVEN,
        when=update((ADA, {"name": "Ada"}), (BOB, {"name": "Eve"})),
        then=[RecordUpdated(BOB, "authors", {"name": {"from": "Bob", "to": "Eve"}})],
    )


def test_no_changes_are_no_events():
    scenario(given=GIVEN, when=update(), then=[])


def test_a_checkbox_tells_false_from_empty():
    alive = field("alive", "authors", "Alive", "checkbox", position=4)
    given = [*AUTHORS, alive, author(1, alive=False)]
    scenario(given=given, when=update((ADA, {"alive": False})), then=[])
    scenario(
        given=given,
        when=update((ADA, {"alive": None})),
        then=[RecordUpdated(ADA, "authors", {"alive": {"from": False, "to": None}})],
    )


def test_a_later_command_of_a_unit_sees_the_earlier_one():
    scenario(
        given=GIVEN,
        when=[update((ADA, {"name": "Eve"})), update((ADA, {"name": "Ada"}))],
        then=[
            RecordUpdated(ADA, "authors", {"name": {"from": "Ada", "to": "Eve"}}),
            RecordUpdated(ADA, "authors", {"name": {"from": "Eve", "to": "Ada"}}),
        ],
    )


# refusals


def test_a_record_is_changed_by_those_who_saw_its_version():
    changed = RecordUpdated(ADA, "authors", {"name": {"from": "Ada", "to": "Eve"}})
    scenario(
        given=GIVEN,
        when=seen(1, name="Eve"),
        then=[changed],
    )
    scenario(
        given=[*GIVEN, changed],
        when=seen(1, name="Ada"),
        refused=VersionMismatch,
        detail="The resource has another version",
        current_version=2,
    )


def test_a_version_counts_even_where_nothing_would_change():
    scenario(given=GIVEN, when=seen(2), refused=VersionMismatch, current_version=1)


@pytest.mark.parametrize(
    ("given", "missing"),
    [(GIVEN, NOBODY), ([*GIVEN, GONE], ADA), ([*BOOKS, book(1)], EMMA)],
    ids=["unknown", "deleted", "of another table"],
)
def test_a_record_that_is_not_there_is_not_changed(
    given: Sequence[Event], missing: Any
):
    scenario(
        given=[*given, author(3)],
        when=update((CAT, {"name": "Cat"}), (missing, {"name": "Eve"})),
        refused=NotFound,
        detail="Record not found",
        record_id=missing,
        index=1,
    )


def test_a_record_is_in_a_batch_once():
    scenario(
        given=GIVEN,
        when=update((ADA, {"name": "Eve"}), (BOB, {}), (ADA, {"born": "1"})),
        refused=Invalid,
        detail="The record is in the batch twice",
        record_id=ADA,
        index=2,
    )


def test_a_table_that_is_gone_keeps_its_records():
    scenario(
        given=[*GIVEN, TableDeleted("authors", "base", "Authors")],
        when=update((ADA, {"name": "Eve"})),
        refused=NotFound,
        detail="Table not found",
    )


def test_values_that_were_read_against_another_schema_are_read_anew():
    change = [Change(ADA, {"name": "Eve"})]
    scenario(
        given=GIVEN,
        when=UpdateRecords(THE_AUTHORS, 11, change),
        then=[RecordUpdated(ADA, "authors", {"name": {"from": "Ada", "to": "Eve"}})],
    )
    scenario(
        given=GIVEN, when=UpdateRecords(THE_AUTHORS, 10, change), refused=StaleSchema
    )


# what becomes of it


def test_a_record_keeps_its_creator_and_tells_its_last_editor():
    store = Store(GIVEN)
    store.do(update((ADA, {"name": "Eve"})), actor=EDITOR)
    row = store.row(ADA)

    assert row.values == {"name": "Eve", "born": "1815", "genre": None}
    assert (row.version, row.created_by, row.updated_by) == (2, "", "editor")
    assert row.created_at == "2024-01-01T00:00:12.000000Z"
    assert row.updated_at == "2024-01-01T00:00:14.000000Z"


def test_a_write_of_nothing_leaves_the_version():
    store = Store([*BOOKS, book(1, title="Emma")])
    store.do(update((EMMA, {"title": "Emma"}), table=THE_BOOKS), actor=EDITOR)

    assert (store.row(EMMA).version, store.row(EMMA).updated_by) == (1, "")
