"""Copying a base: A-065."""

from dataclasses import replace

import pytest

from domain.base import BaseCreated, BaseDeleted, RestoreBase
from domain.catalog import Table
from domain.copy import CopyBase, CopyLinks, CopyRecords
from domain.errors import Conflict, NotFound
from domain.ids import BaseId, FieldId, RecordId, TableId, moved_to
from domain.record import RecordCreated, RecordLinksChanged, RecordUpdated
from domain.table import RestoreTable, TableDeleted
from domain.values import Value
from domain.view import ViewCreated, ViewDeleted
from tests.domain.histories import differs, picture, taking_back
from tests.domain.library import BOOKS, unique, view
from tests.scenario import Store, record

SCHEMA = [*BOOKS, unique("title", "books")]
COPY = BaseId("copy")
AUTHORS, BOOKS_COPY = TableId("authors+"), TableId("books+")


def tables(store: Store) -> list[Table]:
    return list(store.catalog.tables_of("base"))


def copy_of(store: Store) -> CopyBase:
    """New ids are the old ones with a plus."""
    found = tables(store)
    ids = {
        one: f"{one}+"
        for table in found
        for one in (
            table.id,
            *table.all_fields,
            *table.all_constraints,
            *table.all_views,
        )
    }
    numbers = {str(table.id): table.number + 10 for table in found}
    return CopyBase(COPY, "Copy", None, None, found, ids, numbers)


def new(counter: int, table: int) -> RecordId:
    return moved_to(record(counter, table=table), table + 10)


def test_a_065_a_copy_begins_as_a_base_that_is_deleted():
    store = Store(SCHEMA)

    unit = store.do(copy_of(store))

    events = [one.event for one in unit]
    assert events[0] == BaseCreated(COPY, "Copy", None, None, "copy")
    assert events[-3:] == [
        TableDeleted(AUTHORS, COPY, "Authors"),
        TableDeleted(BOOKS_COPY, COPY, "Books"),
        BaseDeleted(COPY, "Copy"),
    ]
    with pytest.raises(NotFound):
        store.catalog.live_base(COPY)
    with pytest.raises(NotFound):
        store.catalog.live_field("name+")


def test_a_065_the_copy_has_the_same_fields_under_other_ids():
    store = Store(SCHEMA)
    store.do(copy_of(store))
    store.do(RestoreBase(COPY), RestoreTable(AUTHORS), RestoreTable(BOOKS_COPY))

    for old in tables(store):
        copied = store.catalog.live_table(f"{old.id}+")
        assert (copied.name, copied.position) == (old.name, old.position)
        assert copied.slug == old.slug
        assert list(copied.by_api_name) == list(old.by_api_name)
        for one, other in zip(old.fields, copied.fields, strict=True):
            assert (one.name, one.type, one.position, one.required, one.primary) == (
                other.name,
                other.type,
                other.position,
                other.required,
                other.primary,
            )
    (constraint,) = store.catalog.live_table(BOOKS_COPY).enforced
    assert constraint.field_id == "title+"


def test_a_065_an_option_that_names_an_id_names_the_copys():
    old = "11111111-1111-4111-8111-111111111111"
    kept = "22222222-2222-4222-8222-222222222222"
    store = Store(SCHEMA)
    wish = copy_of(store)
    books = store.catalog.tables[TableId("books")]
    field = replace(
        books.fields[0], options={"a": old, "b": [kept, {"c": f"{{{old}}} + 1"}]}
    )
    books = replace(books, all_fields={field.id: field}, all_constraints={})
    new_id = "33333333-3333-4333-8333-333333333333"

    unit = store.do(replace(wish, tables=[books], ids={**wish.ids, old: new_id}))

    (made,) = [one.event for one in unit if one.event.TYPE == "field.created"]
    assert made.options == {  # type: ignore[attr-defined]
        "a": new_id,
        "b": [kept, {"c": f"{{{new_id}}} + 1"}],
    }


def test_a_065_a_view_of_the_copy_names_the_copys_fields_and_records():
    one, far = record(7, table=2), record(7, table=99)
    shown = view(
        "list",
        "books",
        "form",
        position=3,
        filters=[
            {"field": "author", "operator": "contains", "value": record(5)},
            {
                "OR": [
                    {"field": "title", "operator": "eq", "value": "title"},
                    {"NOT": {"field": "id", "operator": "eq", "value": one}},
                    {"field": "id", "operator": "eq", "value": far},
                    {"field": "gone", "operator": "is_empty", "value": None},
                    {"field": "pages", "operator": "gt", "value": {"number": "5"}},
                ]
            },
        ],
        sorts=[
            {"field": "pages", "direction": "desc"},
            {"field": "created_at", "direction": "asc"},
        ],
        fields=["title", {"field_id": "pages", "label": "pages", "required": True}],
        submit_text="Send",
    )
    store = Store([*SCHEMA, shown])

    unit = store.do(copy_of(store))

    (made,) = [one.event for one in unit if isinstance(one.event, ViewCreated)]
    assert made == ViewCreated(
        "list+",
        "books+",
        "List",
        "form",
        {
            "fields": [
                "title+",
                {"field_id": "pages+", "label": "pages", "required": True},
            ],
            "submit_text": "Send",
        },
        [
            {"field": "author+", "operator": "contains", "value": new(5, 1)},
            {
                "OR": [
                    {"field": "title+", "operator": "eq", "value": "title"},
                    {"NOT": {"field": "id", "operator": "eq", "value": new(7, 2)}},
                    {"field": "id", "operator": "eq", "value": far},
                    {"field": "gone", "operator": "is_empty", "value": None},
                    {"field": "pages+", "operator": "gt", "value": {"number": "5"}},
                ]
            },
        ],
        [
            {"field": "pages+", "direction": "desc"},
            {"field": "created_at", "direction": "asc"},
        ],
        3,
    )


def test_a_065_a_deleted_view_stays_behind():
    store = Store([*SCHEMA, view("all", "books"), ViewDeleted("all", "books", "All")])

    unit = store.do(copy_of(store))

    assert [one for one in unit if isinstance(one.event, ViewCreated)] == []


def test_a_065_beginning_a_copy_can_be_taken_back():
    store = Store(SCHEMA)
    before = picture(store)

    unit = store.do(copy_of(store))
    store.do(*taking_back(unit))

    assert differs(before, picture(store)) == {}


def test_a_065_finishing_a_copy_can_be_taken_back():
    store = Store(SCHEMA)
    store.do(copy_of(store))

    unit = store.do(RestoreBase(COPY), RestoreTable(AUTHORS), RestoreTable(BOOKS_COPY))
    store.do(*taking_back(unit))

    with pytest.raises(NotFound):
        store.catalog.live_base(COPY)
    assert not store.catalog.tables_of(COPY)


def test_a_065_records_and_links_come_with_their_numbers_and_places():
    store = Store(SCHEMA)
    store.do(copy_of(store))
    author, one, two = new(1, 1), new(1, 2), new(2, 2)

    store.do(CopyRecords(AUTHORS, [(author, 7, {"name+": "Ada"})]))
    store.do(CopyRecords(BOOKS_COPY, [(one, 3, {"title+": "B"}), (two, 9, {})]))
    unit = store.do(
        CopyLinks(
            BOOKS_COPY,
            FieldId("author+"),
            [(one, [(author, 5)]), (two, [(author, 4)])],
        )
    )

    assert [type(event.event) for event in unit] == [
        RecordUpdated,
        RecordLinksChanged,
    ] * 2
    assert [event.version for event in unit] == [2, 2, 2, 3]
    assert [row.number for row in store.rows(BOOKS_COPY)] == [3, 9]
    assert store.value(author, "works+") == [two, one]


def test_a_065_a_finished_copy_takes_no_more():
    store = Store(SCHEMA)
    copied: list[tuple[RecordId, int, dict[str, Value]]] = [(new(1, 1), 1, {})]
    with pytest.raises(NotFound):
        store.do(CopyRecords(AUTHORS, copied))
    with pytest.raises(Conflict):
        store.do(CopyRecords(TableId("authors"), copied))
    store.do(copy_of(store))
    (made,) = store.do(CopyRecords(AUTHORS, copied))
    assert made.event == RecordCreated(new(1, 1), AUTHORS, 1, {}, {})

    store.do(RestoreBase(COPY))

    with pytest.raises(Conflict):
        store.do(CopyRecords(AUTHORS, [(new(2, 1), 2, {})]))


def test_a_copys_id_is_the_old_one_with_another_tables_number():
    assert moved_to(record(77, table=5), 9) == record(77, table=9)
