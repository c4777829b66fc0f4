"""Fields of linked records: two ends that come and go together."""

from typing import Any

import pytest

from domain.base import BaseCreated
from domain.errors import (
    Invalid,
    NameTaken,
    NotFound,
    TooManyFields,
)
from domain.field import (
    CreateField,
    DeleteField,
    FieldCreated,
    FieldDeleted,
    FieldRestored,
    FieldUpdated,
    RestoreField,
    UpdateField,
)
from domain.ids import FieldId, TableId
from domain.table import TableCreated, TableDeleted
from tests.domain.histories import SCHEMA
from tests.domain.library import (
    ADA,
    AUTHOR,
    AUTHORS,
    BOB,
    BOOKS,
    EMMA,
    THE_AUTHORS,
    THE_BOOKS,
    WORKS,
    author,
    book,
    field,
)
from tests.scenario import Store, scenario

NEW, BACK = FieldId("new"), FieldId("back")
SHOPS = [*BOOKS, TableCreated("shops", "base", 3, "Shops", None, 2)]
DELETED = [
    *BOOKS,
    FieldDeleted("works", "authors", "Books"),
    FieldDeleted("author", "books", "Author"),
]


def wish(to: str, *, table: str = "authors", name: str = "New", **options: Any):
    options["linked_table_id"] = to
    return CreateField(
        NEW, TableId(table), name, "linked_record", options, reverse_id=BACK
    )


def end(field_id: str, table: str, name: str, position: int, **options: Any):
    """One end as an event has it; its primary flag is off."""
    return FieldCreated(
        field_id,
        table,
        name,
        "linked_record",
        options,
        False,
        None,
        position,
        False,
        name.lower().replace(" ", "_"),
    )


# creating


def test_a_link_makes_a_field_at_the_other_side_named_after_the_table():
    scenario(
        given=BOOKS,
        when=wish("books", name="Read", allow_multiple=False),
        then=[
            end(
                "new",
                "authors",
                "Read",
                5,
                linked_table_id="books",
                allow_multiple=False,
                reverse_field_id="back",
            ),
            end(
                "back",
                "books",
                "Authors",
                3,
                linked_table_id="authors",
                reverse_field_id="new",
                is_reverse=True,
            ),
        ],
    )


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("Readers", "Readers"),
        ("title", "title 2"),
        ("Pages", "Pages 2"),
        ("", "Authors"),
    ],
)
def test_the_other_side_has_a_chosen_name_or_the_next_free_one(wanted: str, name: str):
    unit = Store(BOOKS).do(wish("books", reverse_name=wanted))

    assert unit[0].event.data()["options"] == {
        "linked_table_id": "books",
        "reverse_field_id": "back",
    }
    assert unit[1].event.data()["name"] == name


def test_names_at_the_other_side_count_on():
    taken = field("other", "books", "TITLE 2", "text", position=3)
    unit = Store([*BOOKS, taken]).do(wish("books", reverse_name="Title"))

    assert unit[1].event.data()["name"] == "Title 3"


def test_both_ends_of_a_link_to_the_same_table_are_fields_of_it():
    scenario(
        given=AUTHORS,
        when=wish("authors", name="Authors"),
        then=[
            end(
                "new",
                "authors",
                "Authors",
                4,
                linked_table_id="authors",
                reverse_field_id="back",
            ),
            end(
                "back",
                "authors",
                "Authors 2",
                5,
                linked_table_id="authors",
                reverse_field_id="new",
                is_reverse=True,
            ),
        ],
    )


def test_the_table_of_a_link_must_be_there():
    gone = [*SHOPS, TableDeleted("shops", "base", "Shops")]
    for given in (BOOKS, gone):
        scenario(
            given=given,
            when=wish("shops"),
            refused=NotFound,
            detail="The linked table is not found",
        )


def test_a_link_stays_within_a_base():
    scenario(
        given=[
            *AUTHORS,
            BaseCreated("other", "Other", None, None),
            TableCreated("shops", "other", 3, "Shops", None, 0),
        ],
        when=wish("shops"),
        refused=Invalid,
        detail="The linked table must be of the same base",
    )


def full(table: str, count: int):
    return [field(f"f{n}", table, f"F{n}", "text", position=n) for n in range(count)]


def test_both_tables_need_room_for_a_link():
    scenario(
        given=[*SHOPS, *full("shops", 400)], when=wish("shops"), refused=TooManyFields
    )
    scenario(
        given=[*SHOPS, *full("shops", 400)],
        when=wish("authors", table="shops"),
        refused=TooManyFields,
    )


def test_a_link_of_a_table_to_itself_needs_room_for_two_fields():
    scenario(
        given=[*SHOPS, *full("shops", 399)],
        when=wish("shops", table="shops"),
        refused=TooManyFields,
    )
    unit = Store([*SHOPS, *full("shops", 398)]).do(wish("shops", table="shops"))
    assert len(unit) == 2


def test_the_first_field_of_an_empty_table_is_its_primary_also_as_an_other_side():
    unit = Store(SHOPS).do(wish("shops"))

    assert unit[0].event.data()["primary"] is False
    assert unit[1].event.data()["primary"] is True


# changing


@pytest.mark.parametrize(
    ("option", "value"),
    [("linked_table_id", "books"), ("reverse_field_id", "other"), ("is_reverse", True)],
)
def test_where_a_link_leads_cannot_change(option: str, value: Any):
    options = {"linked_table_id": "authors", "reverse_field_id": "works"}
    scenario(
        given=BOOKS,
        when=UpdateField(AUTHOR, THE_BOOKS, {"options": options | {option: value}}),
        refused=Invalid,
        detail=f"Option {option} cannot be changed",
    )


def test_a_link_becomes_single_where_no_record_has_several():
    options: dict[str, Any] = {
        "linked_table_id": "authors",
        "reverse_field_id": "works",
    }
    alone = options | {"allow_multiple": False}
    given = [
        *BOOKS,
        author(1),
        author(2),
        book(1, {"author": {ADA: 1, BOB: 1}}, author=[ADA, BOB]),
    ]
    scenario(
        given=given,
        when=UpdateField(AUTHOR, THE_BOOKS, {"options": alone}),
        refused=Invalid,
        detail="1 records have several links in this field",
        count=1,
        records=[EMMA],
    )
    scenario(
        given=[*given[:-1], book(1, {"author": {ADA: 1}}, author=[ADA])],
        when=UpdateField(AUTHOR, THE_BOOKS, {"options": alone}),
        then=[
            FieldUpdated("author", "books", {"options": {"from": options, "to": alone}})
        ],
    )


def test_a_single_link_may_become_many():
    fixed = {"linked_table_id": "books", "reverse_field_id": "prequel"}
    scenario(
        given=SCHEMA,
        when=UpdateField(FieldId("sequel"), THE_BOOKS, {"options": fixed}),
        then=[
            FieldUpdated(
                "sequel",
                "books",
                {
                    "options": {
                        "from": {
                            "linked_table_id": "books",
                            "reverse_field_id": "prequel",
                            "allow_multiple": False,
                        },
                        "to": {
                            "linked_table_id": "books",
                            "reverse_field_id": "prequel",
                        },
                    }
                },
            )
        ],
    )


def test_a_link_becomes_required_when_every_record_has_one():
    required = UpdateField(AUTHOR, THE_BOOKS, {"required": True})
    linked = [*BOOKS, author(1), book(1, {"author": {ADA: 1}}, author=[ADA])]
    scenario(
        given=linked,
        when=required,
        then=[
            FieldUpdated("author", "books", {"required": {"from": False, "to": True}})
        ],
    )
    scenario(
        given=[*BOOKS, author(1), book(1)],
        when=required,
        refused=Invalid,
        detail="1 records have no value for this field",
        records=[EMMA],
    )


# deleting and bringing back


def test_deleting_either_end_takes_both_and_its_own_last():
    scenario(
        given=BOOKS,
        when=DeleteField(AUTHOR),
        then=[
            FieldDeleted("works", "authors", "Books"),
            FieldDeleted("author", "books", "Author"),
        ],
    )
    scenario(
        given=BOOKS,
        when=DeleteField(WORKS),
        then=[
            FieldDeleted("author", "books", "Author"),
            FieldDeleted("works", "authors", "Books"),
        ],
    )


def test_either_end_brings_both_back():
    scenario(
        given=DELETED,
        when=RestoreField(AUTHOR),
        then=[
            FieldRestored("author", "books", "Author"),
            FieldRestored("works", "authors", "Books"),
        ],
    )
    scenario(
        given=DELETED,
        when=[RestoreField(WORKS), RestoreField(AUTHOR)],
        then=[
            FieldRestored("works", "authors", "Books"),
            FieldRestored("author", "books", "Author"),
        ],
    )


def test_links_come_back_with_their_fields_in_order():
    store = Store(
        [
            *BOOKS,
            author(1),
            author(2),
            book(1, {"author": {BOB: 1, ADA: 1}}, author=[BOB, ADA]),
        ]
    )
    store.do(DeleteField(WORKS))
    store.do(RestoreField(WORKS))

    assert store.value(EMMA, AUTHOR) == [BOB, ADA]
    assert store.value(ADA, WORKS) == [EMMA]


def test_a_name_taken_at_the_other_side_keeps_both_away():
    scenario(
        given=[*DELETED, field("new", "authors", "books", "text", position=9)],
        when=RestoreField(AUTHOR),
        refused=NameTaken,
        detail="A field of this name exists already",
        field="name",
    )


def test_a_link_does_not_come_back_without_the_table_at_its_other_side():
    scenario(
        given=[*DELETED, TableDeleted("authors", "base", "Authors")],
        when=RestoreField(AUTHOR),
        refused=NotFound,
        detail="Table not found",
    )


def test_a_link_of_a_table_to_itself_comes_back_where_there_is_room_for_two():
    store = Store([*SHOPS, *full("shops", 397)])
    store.do(wish("shops", table="shops"))
    store.do(DeleteField(NEW))
    extra = [
        CreateField(FieldId(f"x{n}"), TableId("shops"), f"X{n}", "text", {})
        for n in range(2)
    ]
    store.do(*extra)
    with pytest.raises(TooManyFields):
        store.do(RestoreField(NEW))

    store.do(DeleteField(FieldId("x1")))
    assert len(store.do(RestoreField(NEW))) == 2
    assert len(store.catalog.live_table("shops").fields) == 400
    assert store.catalog.live_table(THE_AUTHORS).number == 1
