"""Fields: made, changed, deleted and brought back."""

from collections.abc import Sequence
from typing import Any

import pytest

from domain.constraint import ConstraintDeleted
from domain.errors import (
    Conflict,
    NameTaken,
    NotFound,
    TooManyFields,
    VersionMismatch,
)
from domain.events import Event
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
from domain.ids import FieldId
from domain.table import TableCreated, TableDeleted
from tests.domain.library import (
    ADA,
    AUTHORS,
    BORN,
    MEMBERS,
    THE_AUTHORS,
    author,
    field,
    unique,
)
from tests.scenario import Store, scenario

NEW = FieldId("new")
EMPTY = [*AUTHORS[:6], TableCreated("authors", "base", 1, "Authors", None, 0)]
FULL = [*EMPTY, *(field(f"f{n}", "authors", f"F{n}", "text") for n in range(400))]
DELETED = [*AUTHORS, FieldDeleted("born", "authors", "Born")]
TABLE_DELETED = [*AUTHORS, TableDeleted("authors", "base", "Authors")]


def wish(name: str = "New", type_: str = "text", **options: Any) -> CreateField:
    return CreateField(NEW, THE_AUTHORS, name, type_, options)


def change(field_id: FieldId, **changes: Any) -> UpdateField:
    return UpdateField(field_id, THE_AUTHORS, changes)


# creating


def test_the_first_field_of_a_table_is_its_primary():
    scenario(
        given=EMPTY,
        when=CreateField(
            NEW, THE_AUTHORS, "Name", "text", {"max_length": 9}, True, "Who"
        ),
        then=[
            FieldCreated(
                "new",
                "authors",
                "Name",
                "text",
                {"max_length": 9},
                True,
                "Who",
                0,
                True,
                "name",
            )
        ],
    )


def test_a_later_field_comes_behind_the_others():
    scenario(
        given=AUTHORS,
        when=wish(),
        then=[
            FieldCreated(
                "new", "authors", "New", "text", {}, False, None, 4, False, "new"
            )
        ],
    )


def test_place_and_rank_of_a_deleted_field_are_not_given_again():
    scenario(
        given=[
            *EMPTY,
            field("name", "authors", "Name", "text"),
            FieldDeleted("name", "authors", "Name"),
        ],
        when=wish("Name"),
        then=[
            FieldCreated(
                "new", "authors", "Name", "text", {}, False, None, 1, False, "name_2"
            )
        ],
    )


@pytest.mark.parametrize("name", ["Name", "name", "NAME"])
def test_a_name_is_given_to_one_field_of_a_table(name: str):
    scenario(
        given=AUTHORS,
        when=wish(name),
        refused=NameTaken,
        detail="A field of this name exists already",
        field="name",
    )


@pytest.mark.parametrize("given", [AUTHORS, DELETED], ids=["live", "deleted"])
def test_a_field_is_created_once(given: Sequence[Event]):
    scenario(
        given=given,
        when=CreateField(BORN, THE_AUTHORS, "Again", "text", {}),
        refused=Conflict,
        detail="The field exists already",
    )


@pytest.mark.parametrize("given", [MEMBERS, TABLE_DELETED], ids=["unknown", "deleted"])
def test_a_field_needs_a_table(given: Sequence[Event]):
    scenario(given=given, when=wish(), refused=NotFound, detail="Table not found")


def test_a_table_has_at_most_400_fields():
    scenario(
        given=FULL,
        when=wish(),
        refused=TooManyFields,
        detail="A table holds at most 400 fields",
    )


def test_a_deleted_field_makes_room_for_another():
    scenario(
        given=[*FULL, FieldDeleted("f7", "authors", "F7")],
        when=wish("F7"),
        then=[
            FieldCreated(
                "new", "authors", "F7", "text", {}, False, None, 1, False, "f7_2"
            )
        ],
    )


# changing


def test_an_update_of_a_field_records_what_differs():
    scenario(
        given=AUTHORS,
        when=change(
            BORN, name="Year", description="Of birth", required=False, options={}
        ),
        then=[
            FieldUpdated(
                "born",
                "authors",
                {
                    "name": {"from": "Born", "to": "Year"},
                    "description": {"from": None, "to": "Of birth"},
                },
            )
        ],
    )


@pytest.mark.parametrize(
    "same", [{}, {"name": "Born"}, {"required": False}, {"options": {}}]
)
def test_a_field_that_stays_as_it_is_fires_nothing(same: dict[str, Any]):
    scenario(given=AUTHORS, when=change(BORN, **same), then=[])


def test_a_field_may_change_the_case_of_its_own_name():
    scenario(
        given=AUTHORS,
        when=change(BORN, name="BORN"),
        then=[
            FieldUpdated("born", "authors", {"name": {"from": "Born", "to": "BORN"}})
        ],
    )


def test_a_field_does_not_take_the_name_of_another():
    scenario(
        given=AUTHORS,
        when=change(BORN, name="name"),
        refused=NameTaken,
        detail="A field of this name exists already",
        field="name",
    )


@pytest.mark.parametrize(
    "stale",
    [UpdateField(BORN, THE_AUTHORS, {}, if_match=2), DeleteField(BORN, if_match=2)],
    ids=["update", "delete"],
)
def test_a_field_is_changed_by_those_who_saw_its_version(
    stale: UpdateField | DeleteField,
):
    scenario(given=AUTHORS, when=stale, refused=VersionMismatch, current_version=1)


@pytest.mark.parametrize(
    "given", [EMPTY, DELETED, TABLE_DELETED], ids=["unknown", "deleted", "table"]
)
@pytest.mark.parametrize(
    "late", [change(BORN, name="B"), DeleteField(BORN)], ids=["update", "delete"]
)
def test_a_field_that_is_not_there_cannot_change(
    given: Sequence[Event], late: UpdateField | DeleteField
):
    scenario(given=given, when=late, refused=NotFound, detail="Field not found")


# deleting and bringing back


def test_a_field_goes():
    scenario(
        given=AUTHORS,
        when=DeleteField(BORN, if_match=1),
        then=[FieldDeleted("born", "authors", "Born")],
    )


@pytest.mark.parametrize("status", ["active", "disabled", "pending"])
def test_the_constraint_of_a_field_goes_first(status: str):
    scenario(
        given=[*AUTHORS, unique("born", "authors", status=status)],
        when=DeleteField(BORN),
        then=[
            ConstraintDeleted("unique-born", "authors", "born"),
            FieldDeleted("born", "authors", "Born"),
        ],
    )


def test_a_field_that_is_gone_already_may_be_fine():
    """An inverse finds one end of a link gone with the other."""
    scenario(given=DELETED, when=DeleteField(BORN, if_there=True), then=[])
    scenario(
        given=EMPTY,
        when=DeleteField(BORN, if_there=True),
        refused=NotFound,
        detail="Field not found",
    )


def test_a_field_comes_back_with_its_values():
    scenario(
        given=DELETED,
        when=RestoreField(BORN),
        then=[FieldRestored("born", "authors", "Born")],
    )
    store = Store([*AUTHORS, author(1, born="1815")])
    store.do(DeleteField(BORN))
    assert "born" not in store.catalog.live_table(THE_AUTHORS).by_id
    store.do(RestoreField(BORN))
    assert store.value(ADA, "born") == "1815"


def test_a_field_that_is_there_need_not_come_back():
    scenario(given=AUTHORS, when=RestoreField(BORN), then=[])


def test_a_field_that_never_was_cannot_come_back():
    scenario(
        given=EMPTY,
        when=RestoreField(BORN),
        refused=NotFound,
        detail="Field not found",
    )


def test_a_field_does_not_come_back_into_a_table_that_is_gone():
    scenario(
        given=[*DELETED, TableDeleted("authors", "base", "Authors")],
        when=RestoreField(BORN),
        refused=NotFound,
        detail="Table not found",
    )


def test_a_field_does_not_come_back_where_its_name_was_given_away():
    scenario(
        given=[*DELETED, field("new", "authors", "BORN", "text", position=5)],
        when=RestoreField(BORN),
        refused=NameTaken,
        detail="A field of this name exists already",
        field="name",
    )


def test_a_field_does_not_come_back_into_a_full_table():
    scenario(
        given=[
            *FULL,
            FieldDeleted("f7", "authors", "F7"),
            field("new", "authors", "New", "text", position=400),
        ],
        when=RestoreField(FieldId("f7")),
        refused=TooManyFields,
    )


# what becomes of it


def test_every_change_of_a_field_changes_the_schema_of_its_table():
    store = Store(AUTHORS)
    store.do(change(BORN, name="Year"))
    table = store.catalog.live_table(THE_AUTHORS)
    found = table.by_id[BORN]

    assert (found.name, found.version, table.schema_seq) == ("Year", 2, 12)
    assert table.version == 1
    assert found.updated_at == "2024-01-01T00:00:12.000000Z"
    assert found.created_at == "2024-01-01T00:00:09.000000Z"
    assert [one.name for one in table.fields] == ["Name", "Year", "Genre", "No."]
    assert table.find_field("Year") == table.find_field("born") == found
    assert table.find_field("Born") is None
