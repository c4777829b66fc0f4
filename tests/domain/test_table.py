"""Tables: made, changed, and what goes with one when it goes."""

from collections.abc import Sequence

import pytest

from domain.base import BaseCreated, BaseDeleted
from domain.errors import Conflict, NameTaken, NotFound, VersionMismatch
from domain.events import Event
from domain.field import FieldDeleted
from domain.ids import BaseId, TableId
from domain.table import (
    CreateTable,
    DeleteTable,
    RestoreTable,
    TableCreated,
    TableDeleted,
    TableRestored,
    TableUpdated,
    UpdateTable,
)
from tests.domain.histories import SCHEMA
from tests.domain.library import (
    ADA,
    AUTHOR,
    AUTHORS,
    BASE,
    BOOKS,
    EMMA,
    MEMBERS,
    THE_AUTHORS,
    THE_BOOKS,
    WORKS,
    author,
    book,
)
from tests.scenario import Store, scenario

NEW = TableId("shops")
DELETED = [*AUTHORS, TableDeleted("authors", "base", "Authors")]


# creating


def test_a_table_is_created_behind_the_others():
    scenario(
        given=BOOKS,
        when=CreateTable(NEW, BASE, 3, "Shops", "Where"),
        then=[TableCreated("shops", "base", 3, "Shops", "Where", 2, "shops")],
    )


def test_the_first_table_of_a_base_has_position_0():
    scenario(
        given=[*AUTHORS, BaseCreated("other", "Other", None, None)],
        when=CreateTable(NEW, BaseId("other"), 3, "Authors"),
        then=[TableCreated("shops", "other", 3, "Authors", None, 0, "authors")],
    )


def test_the_position_of_a_deleted_table_is_not_given_again():
    scenario(
        given=DELETED,
        when=CreateTable(NEW, BASE, 3, "Shops"),
        then=[TableCreated("shops", "base", 3, "Shops", None, 1, "shops")],
    )


@pytest.mark.parametrize("name", ["Authors", "authors", "AUTHORS"])
def test_a_name_is_given_to_one_table_of_a_base(name: str):
    scenario(
        given=AUTHORS,
        when=CreateTable(NEW, BASE, 3, name),
        refused=NameTaken,
        detail="A table of this name exists already",
        field="name",
    )


def test_two_tables_of_one_unit_cannot_share_a_name():
    scenario(
        given=[*MEMBERS, BaseCreated("base", "Base", None, None)],
        when=[
            CreateTable(NEW, BASE, 3, "Straße"),
            CreateTable(TableId("other"), BASE, 4, "STRASSE"),
        ],
        refused=NameTaken,
        field="name",
    )


def test_the_name_of_a_deleted_table_is_free_but_not_in_urls():
    scenario(
        given=DELETED,
        when=CreateTable(NEW, BASE, 3, "Authors"),
        then=[TableCreated("shops", "base", 3, "Authors", None, 1, "authors_2")],
    )


@pytest.mark.parametrize("given", [AUTHORS, DELETED], ids=["live", "deleted"])
def test_a_table_is_created_once(given: Sequence[Event]):
    scenario(
        given=given,
        when=CreateTable(THE_AUTHORS, BASE, 3, "Again"),
        refused=Conflict,
        detail="The table exists already",
    )


@pytest.mark.parametrize(
    "given",
    [MEMBERS, [*DELETED, BaseDeleted("base", "Base")]],
    ids=["unknown", "deleted"],
)
def test_a_table_needs_a_base(given: Sequence[Event]):
    scenario(
        given=given,
        when=CreateTable(NEW, BASE, 3, "Shops"),
        refused=NotFound,
        detail="Base not found",
    )


# changing


def test_an_update_of_a_table_records_what_differs():
    scenario(
        given=AUTHORS,
        when=UpdateTable(THE_AUTHORS, {"name": "Writers", "description": None}),
        then=[
            TableUpdated("authors", {"name": {"from": "Authors", "to": "Writers"}}),
        ],
    )


@pytest.mark.parametrize("same", [{}, {"name": "Authors"}, {"description": None}])
def test_a_table_that_stays_as_it_is_fires_nothing(same: dict[str, str | None]):
    scenario(given=AUTHORS, when=UpdateTable(THE_AUTHORS, same), then=[])


def test_a_table_may_change_the_case_of_its_own_name():
    scenario(
        given=BOOKS,
        when=UpdateTable(THE_AUTHORS, {"name": "AUTHORS"}),
        then=[TableUpdated("authors", {"name": {"from": "Authors", "to": "AUTHORS"}})],
    )


def test_a_table_does_not_take_the_name_of_another():
    scenario(
        given=BOOKS,
        when=UpdateTable(THE_AUTHORS, {"name": "books"}),
        refused=NameTaken,
        detail="A table of this name exists already",
        field="name",
    )


@pytest.mark.parametrize(
    "wish",
    [
        UpdateTable(THE_AUTHORS, {"name": "Writers"}, if_match=2),
        DeleteTable(THE_AUTHORS, if_match=2),
    ],
    ids=["update", "delete"],
)
def test_a_table_is_changed_by_those_who_saw_its_version(
    wish: UpdateTable | DeleteTable,
):
    scenario(given=AUTHORS, when=wish, refused=VersionMismatch, current_version=1)


@pytest.mark.parametrize("given", [MEMBERS, DELETED], ids=["unknown", "deleted"])
@pytest.mark.parametrize(
    "wish",
    [UpdateTable(THE_AUTHORS, {"name": "B"}), DeleteTable(THE_AUTHORS)],
    ids=["update", "delete"],
)
def test_a_table_that_is_not_there_cannot_change(
    given: Sequence[Event], wish: UpdateTable | DeleteTable
):
    scenario(given=given, when=wish, refused=NotFound, detail="Table not found")


# deleting


def test_a_table_without_links_goes_alone():
    scenario(
        given=AUTHORS,
        when=DeleteTable(THE_AUTHORS, if_match=1),
        then=[TableDeleted("authors", "base", "Authors")],
    )


def test_link_fields_of_other_tables_go_before_the_table_they_lead_to():
    scenario(
        given=BOOKS,
        when=DeleteTable(THE_AUTHORS),
        then=[
            FieldDeleted("author", "books", "Author"),
            TableDeleted("authors", "base", "Authors"),
        ],
    )
    scenario(
        given=BOOKS,
        when=DeleteTable(THE_BOOKS),
        then=[
            FieldDeleted("works", "authors", "Books"),
            TableDeleted("books", "base", "Books"),
        ],
    )


def test_a_link_field_of_a_table_to_itself_goes_with_it():
    scenario(
        given=SCHEMA,
        when=DeleteTable(THE_BOOKS),
        then=[
            FieldDeleted("works", "authors", "Books"),
            TableDeleted("books", "base", "Books"),
        ],
    )


def test_two_tables_of_one_unit_take_a_link_once():
    scenario(
        given=BOOKS,
        when=[DeleteTable(THE_AUTHORS), DeleteTable(THE_BOOKS)],
        then=[
            FieldDeleted("author", "books", "Author"),
            TableDeleted("authors", "base", "Authors"),
            TableDeleted("books", "base", "Books"),
        ],
    )


# bringing back


def test_a_table_comes_back():
    scenario(
        given=DELETED,
        when=RestoreTable(THE_AUTHORS),
        then=[TableRestored("authors", "base", "Authors")],
    )


def test_a_table_that_is_there_need_not_come_back():
    scenario(given=AUTHORS, when=RestoreTable(THE_AUTHORS), then=[])


def test_a_table_that_never_was_cannot_come_back():
    scenario(
        given=MEMBERS,
        when=RestoreTable(THE_AUTHORS),
        refused=NotFound,
        detail="Table not found",
    )


def test_a_table_does_not_come_back_into_a_base_that_is_gone():
    scenario(
        given=[*DELETED, BaseDeleted("base", "Base")],
        when=RestoreTable(THE_AUTHORS),
        refused=NotFound,
        detail="Base not found",
    )


def test_a_table_does_not_come_back_where_its_name_was_given_away():
    scenario(
        given=[*DELETED, TableCreated("other", "base", 2, "AUTHORS", None, 1)],
        when=RestoreTable(THE_AUTHORS),
        refused=NameTaken,
        detail="A table of this name exists already",
        field="name",
    )


def test_the_records_of_a_table_are_hidden_with_it_and_not_erased():
    store = Store(
        [
            *BOOKS,
            author(1, name="Ada"),
            book(1, {"author": {ADA: 1}}, title="Emma", author=[ADA]),
        ]
    )
    unit = store.do(DeleteTable(THE_AUTHORS))
    for one in reversed(unit):
        inverse = one.event.inverse()
        assert inverse is not None
        store.do(inverse)

    assert store.value(ADA, "name") == "Ada"
    assert store.value(ADA, WORKS) == [EMMA]
    assert store.value(EMMA, AUTHOR) == [ADA]


# what becomes of it


def test_every_change_of_a_table_changes_its_schema():
    store = Store(AUTHORS)
    assert store.catalog.live_table(THE_AUTHORS).schema_seq == 11
    store.do(UpdateTable(THE_AUTHORS, {"description": "Who wrote"}))
    changed = store.catalog.live_table(THE_AUTHORS)

    assert (changed.description, changed.version) == ("Who wrote", 2)
    assert changed.schema_seq == 12
    assert changed.created_at == "2024-01-01T00:00:07.000000Z"
    assert changed.updated_at == "2024-01-01T00:00:12.000000Z"
    assert store.catalog.table_by_number[1] == changed
