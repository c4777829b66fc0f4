"""A link that a record needs: the record at the other end cannot take the last one."""

import pytest

from domain.errors import ForeignKeyViolation
from domain.field import FieldUpdated
from domain.record import DeleteRecords
from tests.domain.library import (
    ADA,
    AUTHOR,
    BOB,
    CAT,
    EMMA,
    FAUST,
    GLAS,
    THE_AUTHORS,
    THE_BOOKS,
    author,
    update,
)
from tests.domain.linked import SERIES, WRITTEN, books, gone, told
from tests.scenario import Store, scenario

NEEDED = [
    *WRITTEN,
    FieldUpdated("author", "books", {"required": {"from": False, "to": True}}),
]

NEEDS = "Another record needs this one in its field Author"


def test_a_record_that_another_needs_is_not_deleted():
    scenario(
        given=NEEDED,
        when=DeleteRecords(THE_AUTHORS, [BOB, ADA]),
        refused=ForeignKeyViolation,
        detail=NEEDS,
        field="Author",
        value=EMMA,
        record_id=ADA,
        index=1,
    )


def test_a_record_goes_whose_place_others_take():
    scenario(
        given=NEEDED,
        when=DeleteRecords(THE_AUTHORS, [BOB]),
        then=[
            gone(BOB, 2, "works", {EMMA: 1}, 22, [2]),
            told(EMMA, "author", removed=[[BOB, 1]]),
        ],
    )


def test_a_record_goes_after_those_that_need_it():
    store = Store(NEEDED)
    store.do(
        DeleteRecords(THE_BOOKS, [FAUST, EMMA]), DeleteRecords(THE_AUTHORS, [ADA, BOB])
    )

    assert store.rows() == []


def test_a_needed_link_is_not_taken_away_from_the_other_end():
    scenario(
        given=NEEDED,
        when=update((ADA, {"works": [EMMA]})),
        refused=ForeignKeyViolation,
        detail=NEEDS,
        field="Author",
        value=FAUST,
        record_id=ADA,
        index=0,
    )
    scenario(
        given=NEEDED,
        when=update((ADA, {"works": [FAUST]}), (BOB, {"works": None})),
        refused=ForeignKeyViolation,
        detail=NEEDS,
        field="Author",
        value=EMMA,
        record_id=BOB,
        index=1,
    )


def test_records_that_need_each_other_go_together():
    needed = FieldUpdated("prequel", "books", {"required": {"from": False, "to": True}})
    store = Store([*SERIES, needed])
    store.do(DeleteRecords(THE_BOOKS, [EMMA, FAUST]))

    assert [row.id for row in store.rows()] == [GLAS]


def test_a_unit_counts_the_links_that_it_took_itself():
    store = Store(NEEDED)
    with pytest.raises(ForeignKeyViolation):
        store.do(
            books((EMMA, {"author": [ADA]}), (FAUST, {"author": [BOB]})),
            DeleteRecords(THE_AUTHORS, [ADA]),
        )

    assert store.value(EMMA, AUTHOR) == [ADA, BOB]


def test_a_unit_counts_the_links_that_it_made_itself():
    store = Store([*NEEDED, author(3)])
    store.do(books((EMMA, {"author": [BOB, CAT]})), DeleteRecords(THE_AUTHORS, [BOB]))

    assert store.value(EMMA, AUTHOR) == [CAT]


def test_a_link_is_needed_less_where_another_was_given_before_it():
    store = Store(NEEDED)
    store.do(update((BOB, {"works": [EMMA, FAUST]}), (ADA, {"works": None})))

    assert store.value(EMMA, AUTHOR) == store.value(FAUST, AUTHOR) == [BOB]
