"""Links between records: written at either end, seen at both, in order."""

from typing import Any

import pytest

from domain.errors import ForeignKeyViolation
from domain.ids import RecordId
from domain.record import (
    DeleteRecords,
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordUpdated,
)
from domain.table import TableDeleted
from domain.values import Values
from tests.domain.library import (
    ADA,
    AUTHOR,
    BOB,
    BOOKS,
    CAT,
    DAN,
    ELSEWHERE,
    EMMA,
    FAUST,
    GLAS,
    HIOB,
    NOBODY,
    THE_AUTHORS,
    THE_BOOKS,
    WORKS,
    author,
    book,
    create,
    place,
    update,
)
from tests.scenario import Store, other_ends, scenario


def told_author(who: str, book_id: str, **places: int) -> RecordLinksChanged:
    """What an author is told: `added` or `removed`, the book's place in their list."""
    said = {name: [[book_id, at]] for name, at in places.items()}
    return RecordLinksChanged(
        who, "authors", "works", said.get("added", []), said.get("removed", [])
    )


def told_book(which: str, author_id: str, **places: int) -> RecordLinksChanged:
    said = {name: [[author_id, at]] for name, at in places.items()}
    return RecordLinksChanged(
        which, "books", "author", said.get("added", []), said.get("removed", [])
    )


WRITERS = [*BOOKS, author(1), author(2), author(3)]
# Emma is by Ada and Bob, Faust by Ada; Ada's list is Emma, Faust
GIVEN = [
    *WRITERS,
    book(1, {"author": {ADA: 1, BOB: 2}}, author=[ADA, BOB]),
    told_author(ADA, EMMA, added=1),
    told_author(BOB, EMMA, added=2),
    book(2, {"author": {ADA: 3}}, author=[ADA]),
    told_author(ADA, FAUST, added=3),
]


def new(**values: Any):
    """The wish for one more book."""
    return create(GIVEN, (GLAS, values), table=THE_BOOKS)


def change(book_id: RecordId, *authors: RecordId):
    return update((book_id, {"author": list(authors) or None}), table=THE_BOOKS)


# creating


def test_a_new_record_tells_those_it_links_to_in_its_order():
    first, second = place(GIVEN, 1), place(GIVEN, 2)
    scenario(
        given=GIVEN,
        when=new(title="Glas", author=[BOB, ADA]),
        then=[
            RecordCreated(
                GLAS,
                "books",
                3,
                {"title": "Glas", "author": [BOB, ADA]},
                {"author": {BOB: first, ADA: second}},
            ),
            told_author(BOB, GLAS, added=first),
            told_author(ADA, GLAS, added=second),
        ],
    )


def test_a_new_record_stands_last_in_the_lists_of_those_it_links_to():
    store = Store(GIVEN)
    store.do(new(author=[ADA]))

    assert store.value(ADA, WORKS) == [EMMA, FAUST, GLAS]
    assert store.value(GLAS, AUTHOR) == [ADA]


def test_new_records_of_one_command_stand_in_their_order():
    store = Store(WRITERS)
    linked: Values = {"author": [ADA]}
    store.do(create(WRITERS, (GLAS, linked), (EMMA, linked), table=THE_BOOKS))

    assert store.value(ADA, WORKS) == [GLAS, EMMA]


def test_a_record_may_be_linked_from_the_other_end():
    at = place(GIVEN)
    scenario(
        given=GIVEN,
        when=create(GIVEN, (DAN, {"works": [FAUST]})),
        then=[
            RecordCreated(
                DAN, "authors", 4, {"works": [FAUST]}, {"works": {FAUST: at}}
            ),
            told_book(FAUST, DAN, added=at),
        ],
    )
    store = Store(GIVEN)
    store.do(create(GIVEN, (DAN, {"works": [FAUST]})))
    assert store.value(FAUST, AUTHOR) == [ADA, DAN]


def test_a_record_may_link_to_one_that_the_unit_created():
    store = Store(GIVEN)
    store.do(create(GIVEN, (DAN, {})), new(author=[DAN]))

    assert store.value(DAN, WORKS) == [GLAS]
    assert store.row(DAN).version == 2


@pytest.mark.parametrize(
    "nowhere", [NOBODY, ELSEWHERE, EMMA], ids=["unknown", "no record", "another table"]
)
def test_a_record_links_to_records_of_the_other_table(nowhere: RecordId):
    scenario(
        given=GIVEN,
        when=create(
            GIVEN, (GLAS, {}), (HIOB, {"author": [ADA, nowhere]}), table=THE_BOOKS
        ),
        refused=ForeignKeyViolation,
        detail="A referenced record does not exist",
        field="Author",
        value=nowhere,
        index=1,
    )
    scenario(
        given=GIVEN,
        when=change(EMMA, ADA, nowhere),
        refused=ForeignKeyViolation,
        detail="A referenced record does not exist",
        field="Author",
        value=nowhere,
        record_id=EMMA,
        index=0,
    )


def test_a_record_does_not_link_to_a_deleted_one():
    gone = RecordDeleted(CAT, "authors", 3, {}, {}, "then", "eve")
    scenario(
        given=[*GIVEN, gone],
        when=new(author=[CAT]),
        refused=ForeignKeyViolation,
        field="Author",
        value=CAT,
        index=0,
    )


def test_a_record_does_not_link_to_one_that_the_unit_deleted():
    scenario(
        given=GIVEN,
        when=[DeleteRecords(THE_AUTHORS, [BOB]), new(author=[BOB])],
        refused=ForeignKeyViolation,
        field="Author",
        value=BOB,
        index=0,
    )


def test_a_record_does_not_link_into_a_table_that_is_gone():
    gone = [*GIVEN, TableDeleted("authors", "base", "Authors")]
    scenario(
        given=gone,
        when=change(EMMA, ADA, BOB, CAT),
        refused=ForeignKeyViolation,
        field="Author",
        value=CAT,
        record_id=EMMA,
        index=0,
    )


# changing


def test_an_update_tells_those_who_lost_it_and_then_those_who_gained_it():
    at = place(GIVEN)
    scenario(
        given=GIVEN,
        when=change(EMMA, CAT, BOB),
        then=[
            RecordUpdated(
                EMMA,
                "books",
                {
                    "author": {
                        "from": [ADA, BOB],
                        "to": [CAT, BOB],
                        "added": {CAT: at},
                        "removed": {ADA: 1},
                        "own_places": {"from": [0, 1], "to": [at, at + 1]},
                    }
                },
            ),
            told_author(ADA, EMMA, removed=1),
            told_author(CAT, EMMA, added=at),
        ],
    )


def test_links_in_another_order_concern_one_record_alone():
    at = place(GIVEN)
    scenario(
        given=GIVEN,
        when=change(EMMA, BOB, ADA),
        then=[
            RecordUpdated(
                EMMA,
                "books",
                {
                    "author": {
                        "from": [ADA, BOB],
                        "to": [BOB, ADA],
                        "added": {},
                        "removed": {},
                        "own_places": {"from": [0, 1], "to": [1, at]},
                    }
                },
            )
        ],
    )


def test_the_same_links_in_the_same_order_fire_nothing():
    scenario(given=GIVEN, when=change(EMMA, ADA, BOB), then=[])
    scenario(given=GIVEN, when=update((CAT, {"works": None})), then=[])


def test_links_are_taken_away():
    scenario(
        given=GIVEN,
        when=change(EMMA),
        then=[
            RecordUpdated(
                EMMA,
                "books",
                {
                    "author": {
                        "from": [ADA, BOB],
                        "to": None,
                        "added": {},
                        "removed": {ADA: 1, BOB: 2},
                        "own_places": {"from": [0, 1], "to": []},
                    }
                },
            ),
            told_author(ADA, EMMA, removed=1),
            told_author(BOB, EMMA, removed=2),
        ],
    )


def test_links_are_changed_from_the_other_end():
    at = place(GIVEN)
    scenario(
        given=GIVEN,
        when=update((BOB, {"works": [FAUST]})),
        then=[
            RecordUpdated(
                BOB,
                "authors",
                {
                    "works": {
                        "from": [EMMA],
                        "to": [FAUST],
                        "added": {FAUST: at},
                        "removed": {EMMA: 1},
                        "own_places": {"from": [2], "to": [at]},
                    }
                },
            ),
            told_book(EMMA, BOB, removed=1),
            told_book(FAUST, BOB, added=at),
        ],
    )


def test_each_end_has_an_order_of_its_own():
    store = Store(GIVEN)
    store.do(update((ADA, {"works": [FAUST, EMMA]})))
    assert store.value(ADA, WORKS) == [FAUST, EMMA]
    assert store.value(EMMA, AUTHOR) == [ADA, BOB]

    store.do(change(EMMA, BOB, CAT, ADA))
    assert store.value(EMMA, AUTHOR) == [BOB, CAT, ADA]
    assert store.value(ADA, WORKS) == [FAUST, EMMA]


def test_a_link_that_was_taken_away_and_made_again_stands_last():
    store = Store(GIVEN)
    store.do(change(EMMA, BOB))
    store.do(change(EMMA, BOB, ADA))

    assert store.value(ADA, WORKS) == [FAUST, EMMA]


def test_a_link_that_is_taken_back_returns_to_its_place():
    store = Store(GIVEN)
    [changed, *_] = store.do(change(EMMA, BOB))
    inverse = changed.event.inverse()
    assert inverse is not None
    store.do(inverse)

    assert store.value(EMMA, AUTHOR) == [ADA, BOB]
    assert store.value(ADA, WORKS) == [EMMA, FAUST]


def test_both_ends_in_one_unit_see_each_other():
    """Ada is told first, and then writes what she was told."""
    store = Store(GIVEN)
    unit = store.do(change(EMMA, BOB), update((ADA, {"works": [FAUST]})))

    assert [type(one.event) for one in unit] == [RecordUpdated, RecordLinksChanged]
    assert store.value(ADA, WORKS) == [FAUST]


def test_two_records_of_one_command_may_write_one_list():
    store = Store(GIVEN)
    unit = store.do(update((ADA, {"works": [FAUST]}), (CAT, {"works": [EMMA]})))

    assert store.value(EMMA, AUTHOR) == [BOB, CAT]
    assert [one.record_id for one in other_ends(unit)] == [EMMA, EMMA]
    assert [one.version for one in unit] == [4, 2, 2, 3]


def test_the_other_end_moves_on():
    store = Store(GIVEN)
    store.do(change(FAUST, BOB))

    assert store.row(BOB).version == 3
    assert store.row(BOB).updated_at == "2024-01-01T00:00:27.000000Z"
    assert store.row(ADA).version == 4
