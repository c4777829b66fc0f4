"""What a link at one end means to the record at the other: it may hold one link only,
it may be the record itself, it may go."""

import pytest

from domain.errors import Conflict, ForeignKeyViolation
from domain.events import Recorded
from domain.ids import RecordId
from domain.record import (
    DeleteRecords,
    RecordCreated,
    RecordDeleted,
    RecordRestored,
    RecordUpdated,
    RestoreRecord,
)
from tests.domain.library import (
    ADA,
    AUTHOR,
    BOB,
    EMMA,
    FAUST,
    GLAS,
    HIOB,
    THE_AUTHORS,
    THE_BOOKS,
    WORKS,
    book,
    create,
    place,
    update,
)
from tests.domain.linked import SERIES, WRITTEN, books, gone, told
from tests.scenario import Store, scenario

# one link only


def test_a_single_link_is_exchanged_by_the_record_that_holds_it():
    at = place(SERIES)
    change = {
        "from": [FAUST],
        "to": [GLAS],
        "added": {GLAS: at},
        "removed": {FAUST: 1},
        "own_places": {"from": [0], "to": [at]},
    }
    scenario(
        given=SERIES,
        when=books((EMMA, {"sequel": [GLAS]})),
        then=[
            RecordUpdated(EMMA, "books", {"sequel": change}),
            told(FAUST, "prequel", removed=[[EMMA, 1]]),
            told(GLAS, "prequel", added=[[EMMA, at]]),
        ],
    )


def test_a_single_link_is_not_stolen_from_the_other_end():
    scenario(
        given=SERIES,
        when=books((GLAS, {"prequel": [EMMA]})),
        refused=Conflict,
        detail=f"Record {EMMA} links to another record already",
        field="Prequel",
        value=EMMA,
        record_id=GLAS,
        index=0,
    )


def test_nor_is_it_by_a_new_record():
    scenario(
        given=SERIES,
        when=create(SERIES, (HIOB, {"prequel": [GLAS, EMMA]}), table=THE_BOOKS),
        refused=Conflict,
        detail=f"Record {EMMA} links to another record already",
        field="Prequel",
        value=EMMA,
        index=0,
    )


def test_two_new_records_do_not_share_a_single_link():
    scenario(
        given=SERIES,
        when=create(
            SERIES,
            (HIOB, {"prequel": [GLAS]}),
            (RecordId(HIOB.replace("4", "5")), {"prequel": [GLAS]}),
            table=THE_BOOKS,
        ),
        refused=Conflict,
        field="Prequel",
        value=GLAS,
        index=1,
    )


def test_a_single_link_that_is_given_up_first_can_be_taken():
    at = place(SERIES)
    given_up = {
        "from": [FAUST],
        "to": None,
        "added": {},
        "removed": {FAUST: 1},
        "own_places": {"from": [0], "to": []},
    }
    taken = {
        "from": None,
        "to": [EMMA],
        "added": {EMMA: at},
        "removed": {},
        "own_places": {"from": [], "to": [at]},
    }
    scenario(
        given=SERIES,
        when=books((EMMA, {"sequel": None}), (GLAS, {"prequel": [EMMA]})),
        then=[
            RecordUpdated(EMMA, "books", {"sequel": given_up}),
            told(FAUST, "prequel", removed=[[EMMA, 1]]),
            RecordUpdated(GLAS, "books", {"prequel": taken}),
            told(EMMA, "sequel", added=[[GLAS, at]]),
        ],
    )


def test_a_single_link_that_is_taken_before_it_is_given_up_is_refused():
    scenario(
        given=SERIES,
        when=books((GLAS, {"prequel": [EMMA]}), (EMMA, {"sequel": None})),
        refused=Conflict,
        field="Prequel",
        value=EMMA,
        record_id=GLAS,
        index=0,
    )


def test_the_many_end_of_a_single_link_holds_many():
    store = Store(SERIES)
    store.do(books((FAUST, {"prequel": [GLAS, EMMA]})))

    assert store.value(FAUST, "prequel") == [GLAS, EMMA]
    assert store.value(GLAS, "sequel") == store.value(EMMA, "sequel") == [FAUST]


# the record itself


def test_a_new_record_may_link_to_itself():
    at = place(SERIES)
    scenario(
        given=SERIES,
        when=create(SERIES, (HIOB, {"sequel": [HIOB]}), table=THE_BOOKS),
        then=[
            RecordCreated(HIOB, "books", 4, {"sequel": [HIOB]}, {"sequel": {HIOB: at}}),
            told(HIOB, "prequel", added=[[HIOB, at]]),
        ],
    )


def test_a_link_to_itself_is_in_both_lists_of_a_record():
    store = Store(SERIES)
    store.do(books((GLAS, {"sequel": [GLAS]})))
    assert store.value(GLAS, "prequel") == [GLAS]
    store.do(books((GLAS, {"prequel": None})))
    assert store.value(GLAS, "sequel") is None
    store.do(books((GLAS, {"sequel": [GLAS], "prequel": [GLAS]})))
    assert store.value(GLAS, "sequel") == store.value(GLAS, "prequel") == [GLAS]


def test_both_ends_of_a_link_to_itself_agree():
    scenario(
        given=SERIES,
        when=books((GLAS, {"sequel": [GLAS], "prequel": None})),
        refused=Conflict,
        detail="The two ends of the record's link to itself disagree",
        field="Sequel",
        record_id=GLAS,
        index=0,
    )


def test_a_record_that_links_to_itself_goes_and_comes_back():
    store = Store(SERIES)
    store.do(books((GLAS, {"sequel": [GLAS]})))
    [gone] = store.do(DeleteRecords(THE_BOOKS, [GLAS]))
    inverse = gone.event.inverse()
    assert inverse is not None
    store.do(inverse)

    assert store.value(GLAS, "sequel") == store.value(GLAS, "prequel") == [GLAS]


# deleting


def test_a_deletion_carries_the_links_and_tells_the_other_ends():
    scenario(
        given=WRITTEN,
        when=DeleteRecords(THE_BOOKS, [EMMA]),
        then=[
            gone(EMMA, 1, "author", {ADA: 1, BOB: 2}, 23, [0, 1]),
            told(ADA, "works", removed=[[EMMA, 1]]),
            told(BOB, "works", removed=[[EMMA, 2]]),
        ],
    )
    scenario(
        given=WRITTEN,
        when=DeleteRecords(THE_AUTHORS, [ADA]),
        then=[
            gone(ADA, 1, "works", {EMMA: 0, FAUST: 0}, 21, [1, 3]),
            told(EMMA, "author", removed=[[ADA, 0]]),
            told(FAUST, "author", removed=[[ADA, 0]]),
        ],
    )


def test_a_link_between_two_records_that_go_together_goes_with_the_first():
    scenario(
        given=SERIES,
        when=DeleteRecords(THE_BOOKS, [EMMA, FAUST]),
        then=[
            gone(EMMA, 1, "sequel", {FAUST: 1}, 22, [0]),
            told(FAUST, "prequel", removed=[[EMMA, 1]]),
            RecordDeleted(FAUST, "books", 2, {}, {}, "2024-01-01T00:00:21.000000Z", ""),
        ],
    )


def test_a_deleted_record_comes_back_to_its_place_in_each_list():
    store = Store(WRITTEN)
    [deleted, *_] = store.do(DeleteRecords(THE_BOOKS, [EMMA]))
    assert store.value(ADA, WORKS) == [FAUST]
    inverse = deleted.event.inverse()
    assert inverse is not None
    store.do(inverse)

    assert store.value(EMMA, AUTHOR) == [ADA, BOB]
    assert store.value(ADA, WORKS) == [EMMA, FAUST]
    assert store.value(BOB, WORKS) == [EMMA]


# bringing back


def back(*authors: RecordId) -> RestoreRecord:
    places = {str(one): at for at, one in enumerate(authors, 5)}
    return RestoreRecord(
        EMMA,
        THE_BOOKS,
        1,
        {"author": [*authors]},
        {"author": places},
        "then",
        "eve",
    )


WITHOUT = [*WRITTEN, RecordDeleted(EMMA, "books", 1, {}, {}, "then", "eve")]


def test_a_record_comes_back_with_its_links():
    scenario(
        given=WITHOUT,
        when=back(BOB, ADA),
        then=[
            RecordRestored(
                EMMA,
                "books",
                1,
                {"author": [BOB, ADA]},
                {"author": {BOB: 5, ADA: 6}},
                "then",
                "eve",
            ),
            told(BOB, "works", added=[[EMMA, 5]]),
            told(ADA, "works", added=[[EMMA, 6]]),
        ],
    )


def test_a_record_does_not_come_back_without_those_it_links_to():
    ada_gone = RecordDeleted(ADA, "authors", 1, {}, {}, "then", "eve")
    scenario(
        given=[*WITHOUT, ada_gone],
        when=back(BOB, ADA),
        refused=ForeignKeyViolation,
        detail="A referenced record does not exist",
        field="Author",
        value=ADA,
    )


def test_a_record_does_not_come_back_where_its_single_link_was_given_away():
    store = Store(SERIES)
    [deleted, *_] = store.do(DeleteRecords(THE_BOOKS, [FAUST]))
    store.do(books((EMMA, {"sequel": [GLAS]})))
    inverse = deleted.event.inverse()
    assert inverse is not None
    with pytest.raises(Conflict) as refused:
        store.do(inverse)

    assert refused.value.detail == f"Record {EMMA} links to another record already"


# several, taken back one by one


def test_two_deletions_that_are_taken_back_one_by_one_restore_the_order():
    store = Store(WRITTEN)
    [book_gone, *_] = store.do(DeleteRecords(THE_BOOKS, [EMMA]))
    [author_gone, *_] = store.do(DeleteRecords(THE_AUTHORS, [ADA]))
    for one in (author_gone, book_gone):
        inverse = one.event.inverse()
        assert inverse is not None
        store.do(inverse)

    assert store.value(ADA, WORKS) == [EMMA, FAUST]


def taken_back(store: Store, unit: list[Recorded]) -> list[Recorded]:
    """What undoes the one event of a unit that can be undone."""
    [inverse] = [one for event in unit if (one := event.event.inverse()) is not None]
    return store.do(inverse)


def test_a_list_that_is_written_whole_comes_back_with_its_places():
    store = Store([*WRITTEN, book(3)])
    deleted = store.do(DeleteRecords(THE_BOOKS, [EMMA]))
    written = store.do(update((ADA, {"works": [GLAS, FAUST]})))
    taken_back(store, written)
    taken_back(store, deleted)

    assert store.value(ADA, WORKS) == [EMMA, FAUST]


def test_a_deletion_that_is_done_again_and_undone_again_keeps_the_order():
    store = Store(WRITTEN)
    unit = store.do(DeleteRecords(THE_AUTHORS, [ADA]))
    for _ in range(2):
        unit = taken_back(store, unit)

    assert store.value(EMMA, AUTHOR) == [BOB]
    taken_back(store, unit)
    assert store.value(EMMA, AUTHOR) == [ADA, BOB]
    assert store.value(ADA, WORKS) == [EMMA, FAUST]


def test_a_record_comes_back_before_those_that_were_appended_since():
    store = Store([*WRITTEN, book(3)])
    deleted = store.do(DeleteRecords(THE_BOOKS, [EMMA]))
    store.do(update((ADA, {"works": [FAUST, GLAS]})))
    taken_back(store, deleted)

    assert store.value(ADA, WORKS) == [EMMA, FAUST, GLAS]


def test_a_list_knows_its_places_within_a_unit():
    """The first command moves Ada in Emma's list, the second deletes her."""
    store = Store(WRITTEN)
    before = store.rows()
    unit = store.do(
        books((EMMA, {"author": [BOB, ADA]})), DeleteRecords(THE_AUTHORS, [ADA])
    )
    back = [one.event.inverse() for one in reversed(unit)]
    store.do(*(one for one in back if one is not None))

    assert [row.links for row in store.rows()] == [row.links for row in before]
