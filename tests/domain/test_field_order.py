"""The order of a table's fields: A-085."""

import pytest

from domain.errors import Invalid, NotFound
from domain.field import FieldDeleted, FieldUpdated, UpdateField
from domain.field_order import ReorderFields
from domain.ids import FieldId, TableId
from tests.domain.library import BOOKS
from tests.scenario import Store, scenario


def reorder(*names: str) -> ReorderFields:
    return ReorderFields(TableId("authors"), [FieldId(name) for name in names])


def moved(name: str, old: int, new: int) -> FieldUpdated:
    return FieldUpdated(name, "authors", {"position": {"from": old, "to": new}})


def order(store: Store) -> list[str]:
    return [one.id for one in store.catalog.tables[TableId("authors")].fields]


def test_a_085_those_named_come_first_and_the_rest_follow_as_they_were():
    store = Store(BOOKS)
    before = order(store)

    store.do(reorder(before[2], before[0]))

    rest = [one for one in before if one not in (before[2], before[0])]
    assert order(store) == [before[2], before[0], *rest]


def test_a_085_only_what_moves_is_recorded():
    before = order(Store(BOOKS))

    scenario(
        given=BOOKS,
        when=reorder(before[1], before[0]),
        then=[moved(before[1], 1, 0), moved(before[0], 0, 1)],
    )


def test_a_085_an_order_that_is_there_already_is_no_event():
    before = order(Store(BOOKS))

    scenario(given=BOOKS, when=reorder(*before), then=[])
    scenario(given=BOOKS, when=reorder(before[0]), then=[])


def test_a_085_the_primary_field_stays_the_first_made():
    store = Store(BOOKS)
    table = store.catalog.tables[TableId("authors")]
    assert table.primary is not None
    last = order(store)[-1]

    store.do(reorder(last))

    after = store.catalog.tables[TableId("authors")]
    assert after.primary is not None
    assert (after.primary.id, after.fields[0].id) == (table.primary.id, last)


def test_a_085_an_order_is_taken_back_field_by_field():
    event = moved("name", 0, 3)

    assert event.inverse() == UpdateField(
        FieldId("name"), TableId("authors"), {"position": 0}
    )


@pytest.mark.parametrize("names", [["nope"], ["title"]])
def test_a_085_a_field_of_no_or_of_another_table_is_not_found(names):
    scenario(given=BOOKS, when=reorder(*names), refused=NotFound)


def test_a_085_a_field_that_is_named_twice_is_refused():
    one = order(Store(BOOKS))[0]

    scenario(given=BOOKS, when=reorder(one, one), refused=Invalid)


def test_a_085_a_deleted_field_comes_back_to_its_position():
    store = Store(BOOKS)
    before = order(store)
    gone = FieldDeleted(before[1], "authors", "x")
    store = Store([*BOOKS, gone])

    scenario(given=[*BOOKS, gone], when=reorder(before[1]), refused=NotFound)
    store.do(reorder(before[2]))

    position = store.catalog.tables[TableId("authors")].all_fields[FieldId(before[1])]
    assert position.position == 1
