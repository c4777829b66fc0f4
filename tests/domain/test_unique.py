"""What two records may not share: values, as a field's constraint compares them."""

from typing import Any

import pytest

from domain.constraint import (
    ConstraintDeleted,
    CreateConstraint,
    DeleteConstraint,
)
from domain.errors import ConstraintPending, DuplicateValue, Invalid
from domain.field import CreateField, UpdateField
from domain.ids import ConstraintId, FieldId
from domain.record import (
    Change,
    DeleteRecords,
    RecordCreated,
    RecordDeleted,
    RecordRestored,
    RecordUpdated,
    RestoreRecord,
    UpdateRecords,
)
from domain.values import Value
from tests.domain.library import (
    ADA,
    AUTHORS,
    BOB,
    BORN,
    CAT,
    GENRE,
    NAME,
    THE_AUTHORS,
    author,
    create,
    field,
    unique,
    update,
)
from tests.scenario import Store, scenario

EXACT = [*AUTHORS, unique("name", "authors")]
FOLDED = [*AUTHORS, unique("name", "authors", case_sensitive=False)]


# creating


def test_a_value_that_is_there_is_not_created_again():
    scenario(
        given=[*EXACT, author(1, name="Ada")],
        when=create(EXACT, (BOB, {"name": "Bob"}), (CAT, {"name": "Ada"})),
        refused=DuplicateValue,
        detail="A record with this value already exists",
        field="Name",
        value="Ada",
        index=1,
    )


def test_case_tells_values_apart_or_not():
    ada = author(1, name="Ada")
    scenario(
        given=[*EXACT, ada],
        when=create(EXACT, (BOB, {"name": "ADA"})),
        then=[RecordCreated(BOB, "authors", 2, {"name": "ADA"}, {})],
    )
    scenario(
        given=[*FOLDED, ada],
        when=create(FOLDED, (BOB, {"name": "ADA"})),
        refused=DuplicateValue,
        field="Name",
        value="ADA",
        index=0,
    )


def test_a_value_is_not_created_twice_by_one_command():
    scenario(
        given=FOLDED,
        when=create(FOLDED, (ADA, {"name": "é"}), (BOB, {"name": "E\u0301"})),
        refused=DuplicateValue,
        field="Name",
        value="E\u0301",
        index=1,
    )


def test_a_value_is_not_created_twice_by_two_commands_of_a_unit():
    scenario(
        given=EXACT,
        when=[
            create(EXACT, (ADA, {"name": "Ada"})),
            create(EXACT, (BOB, {"name": "Ada"})),
        ],
        refused=DuplicateValue,
        field="Name",
        value="Ada",
        index=0,
    )


def test_empty_values_may_be_many():
    scenario(
        given=[*EXACT, author(1)],
        when=create(EXACT, (BOB, {}), (CAT, {})),
        then=[
            RecordCreated(BOB, "authors", 2, {}, {}),
            RecordCreated(CAT, "authors", 3, {}, {}),
        ],
    )


@pytest.mark.parametrize("status", ["disabled", "deleted"])
def test_a_constraint_that_does_not_hold_refuses_nothing(status: str):
    given = [*AUTHORS, unique("name", "authors", status="disabled")]
    if status == "deleted":
        given = [*EXACT, ConstraintDeleted("unique-name", "authors", "name")]
    scenario(
        given=[*given, author(1, name="Ada")],
        when=create(given, (BOB, {"name": "Ada"})),
        then=[RecordCreated(BOB, "authors", 2, {"name": "Ada"}, {})],
    )


PENDING = [*AUTHORS, unique("name", "authors", status="pending")]


def test_a_field_whose_constraint_is_being_made_is_not_written():
    scenario(
        given=PENDING,
        when=create(PENDING, (ADA, {"name": "Ada"})),
        refused=ConstraintPending,
        detail="Constraint creation in progress",
        field="Name",
    )
    scenario(
        given=[*PENDING, author(1)],
        when=update((ADA, {"name": "Ada"})),
        refused=ConstraintPending,
        field="Name",
    )


def test_nor_is_it_emptied_or_given_the_value_that_it_has():
    for value in (None, "Ada"):
        scenario(
            given=[*PENDING, author(1, name="Ada")],
            when=update((ADA, {"name": value})),
            refused=ConstraintPending,
            field="Name",
        )


def test_other_fields_are_written_meanwhile():
    scenario(
        given=PENDING,
        when=create(PENDING, (ADA, {"born": "1815"})),
        then=[RecordCreated(ADA, "authors", 1, {"born": "1815"}, {})],
    )
    scenario(
        given=[*PENDING, author(1, name="Ada")],
        when=update((ADA, {"born": "1815"})),
        then=[RecordUpdated(ADA, "authors", {"born": {"from": None, "to": "1815"}})],
    )


def test_records_go_meanwhile_and_come_back_without_a_value():
    gone = RecordDeleted(ADA, "authors", 1, {"name": "Ada"}, {}, "then", "ada")
    scenario(
        given=[*PENDING, author(1, name="Ada")],
        when=DeleteRecords(THE_AUTHORS, [ADA]),
        then=[
            RecordDeleted(
                ADA,
                "authors",
                1,
                {"name": "Ada"},
                {},
                "2024-01-01T00:00:13.000000Z",
                "",
            )
        ],
    )
    back = gone.inverse()
    assert isinstance(back, RestoreRecord)
    scenario(
        given=[*PENDING, author(1, name="Ada"), gone],
        when=back,
        refused=ConstraintPending,
        field="Name",
    )
    without = RecordDeleted(ADA, "authors", 1, {"born": "1815"}, {}, "then", "ada")
    back = without.inverse()
    assert isinstance(back, RestoreRecord)
    scenario(
        given=[*PENDING, author(1, born="1815"), without],
        when=back,
        then=[RecordRestored(ADA, "authors", 1, {"born": "1815"}, {}, "then", "ada")],
    )


@pytest.mark.parametrize(
    ("field_id", "kept", "shown"),
    [
        (BORN, "1815", 1815),
        (BORN, "0.5", 0.5),
        (GENRE, "opt_poem", "Poem"),
        (FieldId("alive"), True, True),
        (NAME, "1815", "1815"),
    ],
)
def test_the_value_is_told_as_a_client_would_write_it(
    field_id: FieldId, kept: Value, shown: Any
):
    given = [
        *AUTHORS,
        field("alive", "authors", "Alive", "checkbox", position=4),
        unique(field_id, "authors"),
    ]
    names = {"born": "Born", "genre": "Genre", "alive": "Alive", "name": "Name"}
    scenario(
        given=[*given, author(1, None, **{field_id: kept})],
        when=create(given, (BOB, {field_id: kept})),
        refused=DuplicateValue,
        field=names[field_id],
        value=shown,
        index=0,
    )


@pytest.mark.parametrize(
    ("field_id", "kept", "message", "detail"),
    [
        (NAME, "Ada", "Taken", "Taken"),
        (NAME, "Ada", "{field_name} {value}: {value}!", "Name Ada: Ada!"),
        (NAME, "Ada", "{nothing} {} {0}", "{nothing} {} {0}"),
        (BORN, "1815", "{value} is there", "1815 is there"),
        (FieldId("alive"), True, "{value} is there", "true is there"),
        (NAME, "Ada", "", "A record with this value already exists"),
    ],
)
def test_a_constraint_says_it_in_its_own_words(
    field_id: FieldId, kept: Value, message: str, detail: str
):
    given = [
        *AUTHORS,
        field("alive", "authors", "Alive", "checkbox", position=4),
        unique(field_id, "authors", message=message),
    ]
    store = Store([*given, author(1, None, **{field_id: kept})])
    with pytest.raises(DuplicateValue) as refused:
        store.do(create(given, (BOB, {field_id: kept})))

    assert refused.value.detail == detail


# updating


TWO = [*EXACT, author(1, name="Ada"), author(2, name="Bob")]


def test_a_value_of_another_record_is_not_taken_over():
    scenario(
        given=TWO,
        when=update((BOB, {"name": "Ada"})),
        refused=DuplicateValue,
        detail="A record with this value already exists",
        field="Name",
        value="Ada",
        record_id=BOB,
        index=0,
    )


def test_a_record_may_keep_or_respell_its_own_value():
    folded = [*FOLDED, author(1, name="Ada")]
    scenario(given=folded, when=update((ADA, {"name": "Ada"})), then=[])
    scenario(
        given=folded,
        when=update((ADA, {"name": "ADA"})),
        then=[
            RecordUpdated(ADA, "authors", {"name": {"from": "Ada", "to": "ADA"}}),
        ],
    )


def test_two_records_exchange_their_values_in_one_command():
    scenario(
        given=TWO,
        when=update((ADA, {"name": "Bob"}), (BOB, {"name": "Ada"})),
        then=[
            RecordUpdated(ADA, "authors", {"name": {"from": "Ada", "to": "Bob"}}),
            RecordUpdated(BOB, "authors", {"name": {"from": "Bob", "to": "Ada"}}),
        ],
    )


def test_values_that_were_exchanged_are_both_taken_afterwards():
    store = Store(TWO)
    exchange = update((ADA, {"name": "Bob"}), (BOB, {"name": "Ada"}))
    for name in ("Ada", "Bob"):
        facts = store.facts_for([exchange, create(EXACT, (CAT, {"name": name}))])
        store.decide_on(facts, exchange)
        with pytest.raises(DuplicateValue):
            store.decide_on(facts, create(EXACT, (CAT, {"name": name})))


def test_two_records_do_not_exchange_values_one_after_the_other():
    scenario(
        given=TWO,
        when=[update((ADA, {"name": "Bob"})), update((BOB, {"name": "Ada"}))],
        refused=DuplicateValue,
        field="Name",
        value="Bob",
        record_id=ADA,
        index=0,
    )


def test_two_records_of_one_command_do_not_become_equal():
    scenario(
        given=TWO,
        when=update((ADA, {"name": "Cat"}), (BOB, {"name": "Cat"})),
        refused=DuplicateValue,
        field="Name",
        value="Cat",
        record_id=BOB,
        index=1,
    )


def test_a_value_that_a_record_gives_up_is_free_for_the_next():
    given = [*TWO, author(3)]
    moved = [
        RecordUpdated(ADA, "authors", {"name": {"from": "Ada", "to": None}}),
        RecordUpdated(CAT, "authors", {"name": {"from": None, "to": "Ada"}}),
    ]
    scenario(
        given=given,
        when=update((ADA, {"name": None}), (CAT, {"name": "Ada"})),
        then=moved,
    )
    scenario(
        given=given,
        when=[update((ADA, {"name": None})), update((CAT, {"name": "Ada"}))],
        then=moved,
    )


def test_records_outside_of_the_command_keep_theirs():
    """A value is given up by those who are written, and only where it is written."""
    scenario(
        given=TWO,
        when=UpdateRecords(
            THE_AUTHORS,
            None,
            [Change(ADA, {"born": "1"}), Change(BOB, {"name": "Ada"})],
        ),
        refused=DuplicateValue,
        field="Name",
        value="Ada",
        record_id=BOB,
        index=1,
    )


# deleting and bringing back


def test_the_value_of_a_deleted_record_is_free_in_the_same_unit():
    scenario(
        given=[*EXACT, author(1, name="Ada")],
        when=[
            DeleteRecords(THE_AUTHORS, [ADA]),
            create(EXACT, (BOB, {"name": "Ada"})),
        ],
        then=[
            RecordDeleted(
                ADA,
                "authors",
                1,
                {"name": "Ada"},
                {},
                "2024-01-01T00:00:13.000000Z",
                "",
            ),
            RecordCreated(BOB, "authors", 2, {"name": "Ada"}, {}),
        ],
    )


def back(**values: Value) -> RestoreRecord:
    return RestoreRecord(ADA, THE_AUTHORS, 1, values, {}, "then", "eve")


DELETED = RecordDeleted(ADA, "authors", 1, {"name": "Ada"}, {}, "then", "eve")


def test_a_record_does_not_come_back_where_its_value_was_taken():
    scenario(
        given=[*EXACT, author(1, name="Ada"), DELETED, author(2, name="Ada")],
        when=back(name="Ada"),
        refused=DuplicateValue,
        field="Name",
        value="Ada",
    )


def test_a_record_comes_back_with_its_value():
    scenario(
        given=[*EXACT, author(1, name="Ada"), DELETED, author(2, name="ADA")],
        when=back(name="Ada"),
        then=[RecordRestored(ADA, "authors", 1, {"name": "Ada"}, {}, "then", "eve")],
    )


# a unit sees what it did itself


UNIQUE = ConstraintId("unique-name")
TWICE = [*AUTHORS, author(1, name="Ada"), author(2, name="Ada")]


def test_a_constraint_looks_at_the_values_that_its_unit_wrote():
    store = Store(TWICE)
    store.do(
        update((BOB, {"name": "Bob"})),
        CreateConstraint(UNIQUE, THE_AUTHORS, NAME),
    )

    assert [one.status for one in store.catalog.tables[THE_AUTHORS].constraints] == [
        "active"
    ]


def test_a_constraint_does_not_come_to_hold_on_values_that_its_unit_wrote():
    scenario(
        given=[*AUTHORS, author(1, name="Ada"), author(2, name="Bob")],
        when=[
            update((BOB, {"name": "Ada"})),
            CreateConstraint(UNIQUE, THE_AUTHORS, NAME),
        ],
        refused=DuplicateValue,
        field="Name",
        examples=[{"records": [ADA, BOB], "value": "Ada"}],
    )


def test_a_constraint_of_a_unit_holds_for_what_follows_in_it():
    scenario(
        given=[*AUTHORS, author(1, name="Ada"), author(2, name="Bob")],
        when=[
            CreateConstraint(UNIQUE, THE_AUTHORS, NAME),
            update((BOB, {"name": "Ada"})),
        ],
        refused=DuplicateValue,
        field="Name",
        value="Ada",
        record_id=BOB,
        index=0,
    )


def test_a_constraint_comes_back_after_the_value_that_it_did_not_allow_is_gone():
    """What undoes a unit that gave a constraint up and then wrote against it."""
    store = Store([*EXACT, author(1, name="Ada"), author(2, name="Bob")])
    [constraint] = store.catalog.tables[THE_AUTHORS].constraints
    unit = store.do(DeleteConstraint(constraint.id), update((BOB, {"name": "Ada"})))
    back = [one.event.inverse() for one in reversed(unit)]
    store.do(*(one for one in back if one is not None))

    assert store.value(BOB, "name") == "Bob"
    assert not store.catalog.live_constraint(constraint.id).deleted


def test_a_field_is_required_by_a_unit_that_fills_it():
    store = Store([*AUTHORS, author(1), author(2, name="Bob")])
    store.do(
        update((ADA, {"name": "Ada"})),
        UpdateField(FieldId("name"), THE_AUTHORS, {"required": True}),
    )

    assert store.catalog.live_field("name").required


def test_a_new_field_is_not_required_at_once_where_there_are_records():
    new = FieldId("new")
    scenario(
        given=[*AUTHORS, author(1)],
        when=[
            CreateField(new, THE_AUTHORS, "New", "text", {}),
            UpdateField(new, THE_AUTHORS, {"required": True}),
        ],
        refused=Invalid,
        detail="1 records have no value for this field",
        records=[ADA],
    )
