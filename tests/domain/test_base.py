"""Bases: made, changed, and gone with their tables."""

import pytest

from domain.base import (
    BaseCreated,
    BaseDeleted,
    BaseRestored,
    BaseUpdated,
    CreateBase,
    DeleteBase,
    RestoreBase,
    UpdateBase,
)
from domain.errors import Conflict, NotFound, VersionMismatch
from domain.field import FieldDeleted
from domain.ids import BaseId
from domain.table import TableCreated, TableDeleted
from tests.domain.library import AUTHORS, BASE, BOOKS, MEMBERS, THE_AUTHORS, link
from tests.scenario import Store, scenario

DELETED = [
    *AUTHORS,
    TableDeleted("authors", "base", "Authors"),
    BaseDeleted("base", "Base"),
]


# creating


def test_a_base_is_created():
    scenario(
        given=MEMBERS,
        when=CreateBase(BASE, "Base", "All of it", "book"),
        then=[BaseCreated("base", "Base", "All of it", "book", "base")],
    )


def test_two_bases_may_have_one_name():
    scenario(
        given=AUTHORS,
        when=CreateBase(BaseId("other"), "Base"),
        then=[BaseCreated("other", "Base", None, None, "base_2")],
    )


@pytest.mark.parametrize("given", [AUTHORS, DELETED], ids=["live", "deleted"])
def test_a_base_is_created_once(given):
    scenario(
        given=given,
        when=CreateBase(BASE, "Again"),
        refused=Conflict,
        detail="The base exists already",
    )


def test_a_base_needs_a_workspace():
    scenario(
        given=[],
        when=CreateBase(BASE, "Base"),
        refused=NotFound,
        detail="Workspace not found",
    )


# changing


def test_an_update_of_a_base_records_what_differs():
    scenario(
        given=AUTHORS,
        when=UpdateBase(BASE, {"name": "Base", "description": "D", "icon": "i"}),
        then=[
            BaseUpdated(
                "base",
                {
                    "description": {"from": None, "to": "D"},
                    "icon": {"from": None, "to": "i"},
                },
            )
        ],
    )


@pytest.mark.parametrize("same", [{}, {"name": "Base"}, {"icon": None}])
def test_a_base_that_stays_as_it_is_fires_nothing(same: dict[str, str | None]):
    scenario(given=AUTHORS, when=UpdateBase(BASE, same), then=[])


@pytest.mark.parametrize(
    "wish",
    [UpdateBase(BASE, {"name": "B"}, if_match=7), DeleteBase(BASE, if_match=7)],
    ids=["update", "delete"],
)
def test_a_base_is_changed_by_those_who_saw_its_version(wish: UpdateBase | DeleteBase):
    scenario(given=AUTHORS, when=wish, refused=VersionMismatch, current_version=1)


@pytest.mark.parametrize("given", [MEMBERS, DELETED], ids=["unknown", "deleted"])
@pytest.mark.parametrize(
    "wish",
    [UpdateBase(BASE, {"name": "B"}), DeleteBase(BASE)],
    ids=["update", "delete"],
)
def test_a_base_that_is_not_there_cannot_change(given, wish: UpdateBase | DeleteBase):
    scenario(given=given, when=wish, refused=NotFound, detail="Base not found")


# deleting


def test_an_empty_base_goes_alone():
    scenario(
        given=[*MEMBERS, BaseCreated("base", "Base", None, None)],
        when=DeleteBase(BASE, if_match=1),
        then=[BaseDeleted("base", "Base")],
    )


def test_the_tables_of_a_base_go_first_and_each_link_once():
    """The first table takes the link field that the second has to it; the second one
    finds it gone, and its own table gone too."""
    scenario(
        given=BOOKS,
        when=DeleteBase(BASE),
        then=[
            FieldDeleted("author", "books", "Author"),
            TableDeleted("authors", "base", "Authors"),
            TableDeleted("books", "base", "Books"),
            BaseDeleted("base", "Base"),
        ],
    )


def test_three_tables_that_link_in_a_ring_go_with_their_base():
    ring = [
        *BOOKS,
        TableCreated("shops", "base", 3, "Shops", None, 2),
        link("stock", "shops", "Stock", to="books", reverse="shop", position=0),
        link(
            "shop",
            "books",
            "Shop",
            to="shops",
            reverse="stock",
            position=3,
            is_reverse=True,
        ),
    ]
    scenario(
        given=ring,
        when=DeleteBase(BASE),
        then=[
            FieldDeleted("author", "books", "Author"),
            TableDeleted("authors", "base", "Authors"),
            FieldDeleted("stock", "shops", "Stock"),
            TableDeleted("books", "base", "Books"),
            TableDeleted("shops", "base", "Shops"),
            BaseDeleted("base", "Base"),
        ],
    )


def test_the_tables_of_other_bases_stay():
    scenario(
        given=[
            *AUTHORS,
            BaseCreated("other", "Other", None, None),
            TableCreated("shops", "other", 3, "Shops", None, 0),
        ],
        when=DeleteBase(BaseId("other")),
        then=[
            TableDeleted("shops", "other", "Shops"),
            BaseDeleted("other", "Other"),
        ],
    )


# bringing back


def test_a_base_comes_back_without_its_tables():
    """Their own events bring those back."""
    scenario(given=DELETED, when=RestoreBase(BASE), then=[BaseRestored("base")])


def test_a_base_that_is_there_need_not_come_back():
    scenario(given=AUTHORS, when=RestoreBase(BASE), then=[])


def test_a_base_that_never_was_cannot_come_back():
    scenario(
        given=MEMBERS,
        when=RestoreBase(BASE),
        refused=NotFound,
        detail="Base not found",
    )


# what becomes of it


def test_a_base_is_as_its_events_say():
    store = Store(AUTHORS)
    store.do(UpdateBase(BASE, {"name": "Books"}))
    changed = store.catalog.live_base(BASE)
    assert (changed.name, changed.version) == ("Books", 2)
    assert changed.created_at == "2024-01-01T00:00:06.000000Z"
    assert changed.updated_at == "2024-01-01T00:00:12.000000Z"

    store.do(DeleteBase(BASE))
    assert store.catalog.bases[BASE].deleted
    assert store.catalog.tables[THE_AUTHORS].deleted
    store.do(RestoreBase(BASE))
    assert not store.catalog.bases[BASE].deleted
    assert store.catalog.version_of("base") == 4
