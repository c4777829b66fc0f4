"""Unique constraints: made where nothing stands against them, changed, taken away."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from domain.constraint import (
    ConstraintActivated,
    ConstraintCreated,
    ConstraintDeleted,
    ConstraintFailed,
    ConstraintRestored,
    ConstraintUpdated,
    CreateConstraint,
    DeleteConstraint,
    RestoreConstraint,
    SettleConstraint,
    UpdateConstraint,
)
from domain.errors import (
    Conflict,
    ConstraintPending,
    DuplicateValue,
    Invalid,
    NotFound,
    VersionMismatch,
)
from domain.events import Event
from domain.field import FieldDeleted
from domain.ids import ConstraintId, FieldId, RecordId
from domain.table import TableDeleted
from tests.domain.library import (
    ADA,
    AUTHORS,
    BOB,
    BOOKS,
    BORN,
    CAT,
    DAN,
    GENRE,
    MEMBERS,
    NAME,
    NO,
    THE_AUTHORS,
    WORKS,
    author,
    field,
    unique,
)
from tests.scenario import Store, record, scenario

NEW, UNIQUE = ConstraintId("new"), ConstraintId("unique-name")
SAME = [author(1, name="Ada"), author(2, name="ADA"), author(3)]
GONE = ConstraintDeleted("unique-name", "authors", "name")


def wish(field_id: FieldId = NAME, *, case_sensitive: bool = True) -> CreateConstraint:
    return CreateConstraint(NEW, THE_AUTHORS, field_id, case_sensitive)


def change(**changes: Any) -> UpdateConstraint:
    return UpdateConstraint(UNIQUE, THE_AUTHORS, NAME, changes)


def made(
    field_id: str, *, case_sensitive: bool = True, status: str = "active"
) -> ConstraintCreated:
    return ConstraintCreated(
        "new", "authors", field_id, case_sensitive, status, None, "nfc-casefold-1"
    )


def changed(**changes: Any) -> ConstraintUpdated:
    return ConstraintUpdated("unique-name", "authors", "name", changes)


# creating


def test_a_constraint_is_active_at_once():
    scenario(
        given=AUTHORS,
        when=CreateConstraint(NEW, THE_AUTHORS, NAME, False, "{value} is there"),
        then=[
            ConstraintCreated(
                "new",
                "authors",
                "name",
                False,
                "active",
                "{value} is there",
                "nfc-casefold-1",
            )
        ],
    )


def test_equal_values_stand_against_a_constraint():
    scenario(
        given=[*AUTHORS, *SAME],
        when=wish(case_sensitive=False),
        refused=DuplicateValue,
        detail="Existing records share a value",
        field="Name",
        examples=[{"records": [ADA, BOB], "value": "ADA"}],
    )


def test_values_of_another_case_do_not_where_case_counts():
    scenario(given=[*AUTHORS, *SAME], when=wish(), then=[made("name")])


def test_empty_values_stand_against_nothing():
    scenario(given=[*AUTHORS, author(1), author(2)], when=wish(), then=[made("name")])


def test_every_further_record_is_told_beside_the_first():
    scenario(
        given=[
            *AUTHORS,
            author(1, name="x"),
            author(2, name="y"),
            author(3, name="x"),
            author(4, name="x"),
        ],
        when=wish(),
        refused=DuplicateValue,
        field="Name",
        examples=[
            {"records": [ADA, CAT], "value": "x"},
            {"records": [ADA, DAN], "value": "x"},
        ],
    )


def test_at_most_twenty_examples_are_told():
    given = [*AUTHORS, *(author(n, name="x") for n in range(1, 31))]
    scenario(
        given=given,
        when=wish(),
        refused=DuplicateValue,
        field="Name",
        examples=[
            {"records": [record(1), record(n)], "value": "x"} for n in range(2, 22)
        ],
    )


@pytest.mark.parametrize(
    "type_",
    ["text", "long_text", "number", "checkbox", "date", "datetime", "single_select"],
)
def test_fields_of_these_types_can_be_unique(type_: str):
    scenario(
        given=[*AUTHORS, field("more", "authors", "More", type_, position=4)],
        when=wish(FieldId("more")),
        then=[made("more")],
    )


@pytest.mark.parametrize(
    ("field_id", "type_"), [(NO, "autonumber"), (WORKS, "linked_record")]
)
def test_others_cannot(field_id: FieldId, type_: str):
    scenario(
        given=BOOKS,
        when=wish(field_id),
        refused=Invalid,
        detail=f"A field of type {type_} cannot be unique",
    )


@pytest.mark.parametrize("status", ["active", "disabled", "pending"])
def test_a_field_has_one_constraint(status: str):
    scenario(
        given=[*AUTHORS, unique("name", "authors", status=status)],
        when=wish(),
        refused=Conflict,
        detail="The field has a constraint already",
    )


def test_a_field_whose_constraint_was_deleted_may_have_another():
    scenario(
        given=[*AUTHORS, unique("name", "authors"), GONE],
        when=wish(),
        then=[made("name")],
    )


@pytest.mark.parametrize(
    "given",
    [
        MEMBERS,
        [*AUTHORS, FieldDeleted("name", "authors", "Name")],
        [*AUTHORS, TableDeleted("authors", "base", "Authors")],
    ],
    ids=["unknown", "deleted", "table"],
)
def test_a_constraint_needs_a_field(given: Sequence[Event]):
    scenario(given=given, when=wish(), refused=NotFound, detail="Field not found")


# changing


GIVEN = [*AUTHORS, unique("name", "authors")]
DISABLED = [*AUTHORS, unique("name", "authors", status="disabled")]


def test_an_update_of_a_constraint_records_what_differs():
    scenario(
        given=GIVEN,
        when=change(status="disabled", case_sensitive=True, error_message="Taken"),
        then=[
            changed(
                status={"from": "active", "to": "disabled"},
                error_message={"from": None, "to": "Taken"},
            )
        ],
    )


@pytest.mark.parametrize("same", [{}, {"status": "active"}, {"case_sensitive": True}])
def test_a_constraint_that_stays_as_it_is_fires_nothing(same: dict[str, Any]):
    scenario(given=GIVEN, when=change(**same), then=[])


def test_a_constraint_that_takes_hold_again_looks_at_what_came_since():
    scenario(
        given=DISABLED,
        when=change(status="active"),
        then=[changed(status={"from": "disabled", "to": "active"})],
    )
    scenario(
        given=[*DISABLED, author(1, name="Ada"), author(2, name="Ada")],
        when=change(status="active"),
        refused=DuplicateValue,
        detail="Existing records share a value",
        field="Name",
        examples=[{"records": [ADA, BOB], "value": "Ada"}],
    )


def test_a_constraint_that_stops_telling_case_apart_looks_at_what_is_there():
    scenario(
        given=[*GIVEN, *SAME],
        when=change(case_sensitive=False),
        refused=DuplicateValue,
        field="Name",
        examples=[{"records": [ADA, BOB], "value": "ADA"}],
    )
    scenario(
        given=[*GIVEN, author(1, name="Ada"), author(2, name="Bob")],
        when=change(case_sensitive=False),
        then=[changed(case_sensitive={"from": True, "to": False})],
    )


def test_a_disabled_constraint_may_change_its_mind_about_case():
    scenario(
        given=[*DISABLED, *SAME],
        when=change(case_sensitive=False),
        then=[changed(case_sensitive={"from": True, "to": False})],
    )


def test_duplicates_do_not_stop_what_loosens_a_constraint():
    scenario(
        given=[*DISABLED, *SAME],
        when=change(error_message="Taken"),
        then=[changed(error_message={"from": None, "to": "Taken"})],
    )


def test_a_constraint_that_is_being_made_cannot_change():
    scenario(
        given=[*AUTHORS, unique("name", "authors", status="pending")],
        when=change(status="active"),
        refused=ConstraintPending,
        detail="Constraint creation in progress",
    )


@pytest.mark.parametrize(
    "stale",
    [
        UpdateConstraint(UNIQUE, THE_AUTHORS, NAME, {}, if_match=2),
        DeleteConstraint(UNIQUE, if_match=2),
    ],
    ids=["update", "delete"],
)
def test_a_constraint_is_changed_by_those_who_saw_its_version(
    stale: UpdateConstraint | DeleteConstraint,
):
    scenario(given=GIVEN, when=stale, refused=VersionMismatch, current_version=1)


@pytest.mark.parametrize(
    "given",
    [AUTHORS, [*GIVEN, GONE], [*GIVEN, TableDeleted("authors", "base", "Authors")]],
    ids=["unknown", "deleted", "table"],
)
@pytest.mark.parametrize(
    "late",
    [change(status="disabled"), DeleteConstraint(UNIQUE)],
    ids=["update", "delete"],
)
def test_a_constraint_that_is_not_there_cannot_change(
    given: Sequence[Event], late: UpdateConstraint | DeleteConstraint
):
    scenario(given=given, when=late, refused=NotFound, detail="Constraint not found")


# deleting and bringing back


@pytest.mark.parametrize("given", [GIVEN, DISABLED], ids=["active", "disabled"])
def test_a_constraint_goes(given: Sequence[Event]):
    scenario(given=given, when=DeleteConstraint(UNIQUE, if_match=1), then=[GONE])


RESTORE = RestoreConstraint(UNIQUE, THE_AUTHORS, NAME)
BACK = ConstraintRestored("unique-name", "authors", "name")


def test_a_constraint_comes_back():
    scenario(given=[*GIVEN, GONE], when=RESTORE, then=[BACK])


def test_a_constraint_that_is_there_need_not_come_back():
    scenario(given=GIVEN, when=RESTORE, then=[])


def test_a_constraint_does_not_come_back_over_duplicates():
    scenario(
        given=[*GIVEN, GONE, author(1, name="Ada"), author(2, name="Ada")],
        when=RESTORE,
        refused=DuplicateValue,
        field="Name",
        examples=[{"records": [ADA, BOB], "value": "Ada"}],
    )


def test_a_disabled_constraint_comes_back_over_duplicates():
    scenario(
        given=[*DISABLED, GONE, author(1, name="Ada"), author(2, name="Ada")],
        when=RESTORE,
        then=[BACK],
    )


def test_a_constraint_does_not_come_back_beside_another():
    other = ConstraintCreated("new", "authors", "name", True, "disabled", None, "")
    scenario(
        given=[*GIVEN, GONE, other],
        when=RESTORE,
        refused=Conflict,
        detail="The field has another constraint since",
    )


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (AUTHORS, "Constraint not found"),
        (MEMBERS, "Table not found"),
        ([*GIVEN, GONE, TableDeleted("authors", "base", "Authors")], "Table not found"),
        ([*GIVEN, GONE, FieldDeleted("name", "authors", "Name")], "Field not found"),
    ],
    ids=["unknown", "unknown table", "table", "field"],
)
def test_a_constraint_comes_back_where_its_field_is(
    given: Sequence[Event], detail: str
):
    scenario(given=given, when=RESTORE, refused=NotFound, detail=detail)


# over a table that is too large to be looked through at once

PENDING = [*AUTHORS, unique("name", "authors", status="pending")]
OF = ("unique-name", "authors", "name")


def settle(*pairs: tuple[str, str]) -> SettleConstraint:
    named = [(RecordId(first), RecordId(other)) for first, other in pairs]
    return SettleConstraint(UNIQUE, THE_AUTHORS, NAME, named)


def failed(*examples: dict[str, Any], type_: str = "text") -> ConstraintFailed:
    return ConstraintFailed(*OF, type_, list(examples))


def test_over_many_records_a_constraint_is_pending_whatever_they_hold():
    scenario(
        given=[*AUTHORS, *SAME],
        when=wish(case_sensitive=False),
        crowded=["name"],
        then=[made("name", case_sensitive=False, status="pending")],
    )


def test_what_takes_hold_over_many_records_is_pending_first():
    scenario(
        given=DISABLED,
        when=change(status="active"),
        crowded=["name"],
        then=[changed(status={"from": "disabled", "to": "pending"})],
    )
    scenario(
        given=GIVEN,
        when=change(case_sensitive=False),
        crowded=["name"],
        then=[
            changed(
                case_sensitive={"from": True, "to": False},
                status={"from": "active", "to": "pending"},
            )
        ],
    )
    scenario(
        given=[*GIVEN, GONE],
        when=RestoreConstraint(UNIQUE, THE_AUTHORS, NAME),
        crowded=["name"],
        then=[ConstraintRestored(*OF, "pending")],
    )


def test_what_need_not_look_at_values_is_at_once_over_many_too():
    for given, changes, then in (
        (GIVEN, {"status": "disabled"}, {"from": "active", "to": "disabled"}),
        (GIVEN, {"error_message": "Taken"}, {"from": None, "to": "Taken"}),
        (DISABLED, {"case_sensitive": False}, {"from": True, "to": False}),
    ):
        (name,) = changes
        scenario(
            given=given,
            when=change(**changes),
            crowded=["name"],
            then=[changed(**{name: then})],
        )
    scenario(
        given=[*DISABLED, GONE],
        when=RestoreConstraint(UNIQUE, THE_AUTHORS, NAME),
        crowded=["name"],
        then=[ConstraintRestored(*OF, None)],
    )


def test_a_constraint_whose_values_are_all_seen_holds():
    scenario(
        given=PENDING,
        when=settle(),
        filled={"unique-name": True},
        then=[ConstraintActivated(*OF)],
    )


@pytest.mark.parametrize("filled", [{}, {"unique-name": False}], ids=str)
def test_one_whose_values_are_not_all_seen_stays_pending(filled: dict[str, bool]):
    scenario(given=PENDING, when=settle(), filled=filled, then=[])


def test_records_that_share_a_value_end_a_pending_constraint():
    scenario(
        given=[
            *AUTHORS,
            unique("name", "authors", status="pending", case_sensitive=False),
            *SAME,
        ],
        when=settle((ADA, BOB)),
        then=[failed({"records": [ADA, BOB], "value": "ADA"})],
    )


def test_a_number_is_told_as_it_is_kept():
    scenario(
        given=[
            *AUTHORS,
            unique("born", "authors", status="pending"),
            author(1, born="1815.5"),
            author(2, born="1815.5"),
        ],
        when=SettleConstraint(
            ConstraintId("unique-born"), THE_AUTHORS, BORN, [(ADA, BOB)]
        ),
        then=[
            ConstraintFailed(
                "unique-born",
                "authors",
                "born",
                "number",
                [{"records": [ADA, BOB], "value": "1815.5"}],
            )
        ],
    )


def test_records_that_are_gone_stand_against_nothing():
    scenario(
        given=[
            *PENDING,
            author(1, name="Ada"),
            author(3, name="Cat"),
            author(4, name="Cat"),
        ],
        when=settle((ADA, BOB), (CAT, DAN)),
        then=[failed({"records": [CAT, DAN], "value": "Cat"})],
    )
    scenario(
        given=[*PENDING, author(1, name="Ada"), author(3)],
        when=settle((ADA, BOB), (BOB, ADA), (CAT, DAN)),
        filled={"unique-name": False},
        then=[],
    )


@pytest.mark.parametrize("given", [GIVEN, DISABLED], ids=["active", "disabled"])
def test_what_is_not_pending_is_not_settled(given: Sequence[Event]):
    scenario(given=given, when=settle(), filled={"unique-name": True}, then=[])


@pytest.mark.parametrize(
    "given",
    [[*PENDING, GONE], [*PENDING, TableDeleted("authors", "base", "Authors")]],
    ids=["deleted", "table"],
)
def test_what_is_gone_is_not_settled(given: Sequence[Event]):
    scenario(given=given, when=settle(), refused=NotFound)


def test_a_pending_constraint_can_be_deleted_and_not_changed():
    scenario(given=PENDING, when=DeleteConstraint(UNIQUE), then=[GONE])
    for changes in ({"status": "disabled"}, {"error_message": "Taken"}, {}):
        scenario(given=PENDING, when=change(**changes), refused=ConstraintPending)


def test_a_pending_constraint_that_was_deleted_comes_back_to_be_filled():
    back = RestoreConstraint(UNIQUE, THE_AUTHORS, NAME)
    scenario(
        given=[*PENDING, GONE],
        when=back,
        crowded=["name"],
        then=[ConstraintRestored(*OF, None)],
    )
    scenario(
        given=[*PENDING, GONE], when=back, then=[ConstraintRestored(*OF, "active")]
    )


def test_a_failure_is_kept_until_the_constraint_is_tried_again():
    store = Store([*AUTHORS, *SAME])
    store.crowded.add("name")
    store.do(CreateConstraint(UNIQUE, THE_AUTHORS, NAME, False))
    store.do(settle((ADA, BOB)))
    failure = {"type": "text", "examples": [{"records": [ADA, BOB], "value": "ADA"}]}

    def now() -> tuple[str, Any]:
        one = store.catalog.live_constraint(UNIQUE)
        return one.status, one.failure

    assert now() == ("disabled", failure)
    store.do(change(error_message="Taken"))
    store.do(DeleteConstraint(UNIQUE))
    store.do(RestoreConstraint(UNIQUE, THE_AUTHORS, NAME))
    assert now() == ("disabled", failure)
    store.do(change(status="active", case_sensitive=True))
    assert now() == ("pending", None)
    store.all.filled["unique-name"] = True
    store.do(settle())
    assert now() == ("active", None)
    assert store.catalog.version_of("unique-name") == 7


def test_a_failure_comes_back_when_the_new_try_is_undone():
    store = Store([*AUTHORS, *SAME])
    store.crowded.add("name")
    store.do(CreateConstraint(UNIQUE, THE_AUTHORS, NAME, False))
    store.do(settle((ADA, BOB)))
    before = store.catalog.live_constraint(UNIQUE)
    store.crowded.clear()
    [tried] = store.do(change(status="active", case_sensitive=True))
    inverse = tried.event.inverse()
    assert inverse is not None
    store.do(inverse)

    assert replace(store.catalog.live_constraint(UNIQUE), version=0) == replace(
        before, version=0
    )


# what becomes of it


def test_every_change_of_a_constraint_changes_the_schema_of_its_table():
    store = Store(AUTHORS)
    store.do(CreateConstraint(UNIQUE, THE_AUTHORS, NAME))
    store.do(CreateConstraint(ConstraintId("unique-genre"), THE_AUTHORS, GENRE))
    store.do(CreateConstraint(ConstraintId("unique-born"), THE_AUTHORS, BORN))
    store.do(change(status="disabled"))
    store.do(DeleteConstraint(ConstraintId("unique-genre")))
    table = store.catalog.live_table(THE_AUTHORS)

    assert table.schema_seq == 16
    assert [one.id for one in table.constraints] == ["unique-name", "unique-born"]
    assert [one.id for one in table.enforced] == ["unique-born"]
    assert store.catalog.version_of("unique-genre") == 2
    assert store.catalog.live_constraint(UNIQUE).status == "disabled"
