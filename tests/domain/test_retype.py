"""A change of a field's type: A-083, and the options whose change is one."""

from typing import Any

import pytest

from domain.errors import (
    Conflict,
    ConstraintPending,
    DuplicateValue,
    Invalid,
    NotFound,
    StaleSchema,
    VersionMismatch,
)
from domain.events import Event
from domain.field import DeleteField, FieldCreated, FieldDeleted, UpdateField
from domain.ids import FieldId
from domain.record import CreateRecords, DeleteRecords, RecordDeleted, RecordUpdated
from domain.retype import FieldConverted, FieldRetyped, RetypeField, Undoing
from domain.retype.deciding import _stream
from tests.domain.histories import differs, picture, taking_back
from tests.domain.library import (
    ADA,
    AUTHOR,
    AUTHORS,
    BOB,
    BOOKS,
    BORN,
    CAT,
    DAN,
    EMMA,
    FAUST,
    GENRE,
    GENRES,
    GLAS,
    NAME,
    NO,
    NOBODY,
    THE_AUTHORS,
    THE_BOOKS,
    TITLE,
    WORKS,
    author,
    book,
    field,
    unique,
    update,
)
from tests.scenario import Store, record, scenario

PEOPLE = [*AUTHORS, author(1, name="1.50"), author(2, name="abc"), author(3)]


def retype(field_id: FieldId, type_: str, /, **more: Any) -> RetypeField:
    table = THE_BOOKS if field_id in (AUTHOR, TITLE) else THE_AUTHORS
    options = more.pop("options", {})
    return RetypeField(field_id, table, type_, options, **more)


def stream(given: list[Event], field_id: str, before: int = 0) -> str:
    """The conversion that begins behind these events, and so many of its unit."""
    return _stream(field_id, len(given) + before)


def test_a_083_a_change_of_type_says_what_became_of_each_value():
    given = [*AUTHORS, author(1, name="1.50"), author(2), author(4, name="7e0")]

    scenario(
        given=given,
        when=retype(NAME, "number", options={"precision": 1}),
        then=[
            FieldRetyped(
                "name",
                "authors",
                {
                    "type": {"from": "text", "to": "number"},
                    "options": {"from": {}, "to": {"precision": 1}},
                    "slot": {"from": "", "to": "number"},
                },
                "text-to-number-1",
                stream(given, "name"),
                2,
                0,
                None,
            ),
            FieldConverted(
                stream(given, "name"),
                "authors",
                "name",
                0,
                3,
                {ADA: {"from": "1.50", "to": "1.5"}},
                None,
            ),
            FieldConverted(
                stream(given, "name"),
                "authors",
                "name",
                3,
                6,
                {DAN: {"from": "7e0", "to": "7"}},
                None,
            ),
        ],
    )


def test_a_083_what_does_not_convert_refuses_the_whole_change():
    scenario(
        given=PEOPLE,
        when=retype(NAME, "number"),
        refused=Invalid,
        detail="1 values do not convert to number: force empties them",
        count=1,
        records=[BOB],
        errors=[
            {
                "loc": ["Name"],
                "msg": "Value must be a number",
                "type": "type_error.number",
                "record_id": BOB,
                "value": "abc",
            }
        ],
    )


def test_a_083_the_first_twenty_are_named():
    store = Store([*AUTHORS, *(author(n, name="x" * n) for n in range(1, 301))])

    with pytest.raises(Invalid) as refused:
        store.do(retype(NAME, "checkbox"))

    assert refused.value.extra["count"] == 300
    assert refused.value.extra["records"] == [record(n) for n in range(1, 21)]
    errors: Any = refused.value.extra["errors"]
    assert len(errors) == 20


def test_a_083_force_empties_them_and_undo_brings_them_back():
    store = Store(PEOPLE)
    before = picture(store)

    unit = store.do(retype(NAME, "number", force=True))

    assert [store.value(one, NAME) for one in (ADA, BOB, CAT)] == ["1.5", None, None]
    (first, *_) = unit
    assert isinstance(first.event, FieldRetyped)
    assert first.event.emptied == 1
    undone = store.do(*taking_back(unit))
    assert differs(before, picture(store)) == {}
    again = store.do(*taking_back(undone))
    assert [store.value(one, NAME) for one in (ADA, BOB, CAT)] == ["1.5", None, None]
    store.do(*taking_back(again))
    assert differs(before, picture(store)) == {}


def test_a_083_undo_keeps_what_was_written_since_where_it_goes_back():
    store = Store(PEOPLE)
    unit = store.do(retype(NAME, "number", force=True))
    store.do(update((ADA, {NAME: "2"})))
    store.do(DeleteRecords(THE_AUTHORS, [BOB]))
    table = store.catalog.live_table(THE_AUTHORS)
    store.do(CreateRecords(THE_AUTHORS, table.schema_seq, [(DAN, {NAME: "8"})]))

    store.do(*taking_back(unit))

    assert [store.value(one, NAME) for one in (ADA, CAT, DAN)] == ["2", None, "8"]
    assert store.catalog.live_field(NAME).type == "text"


def test_a_083_undo_overwrites_nothing_that_does_not_go_back():
    store = Store([*AUTHORS, author(1, born="5"), author(2, born="6")])
    unit = store.do(retype(BORN, "text"))
    store.do(update((ADA, {BORN: "five"})))

    with pytest.raises(Conflict) as refused:
        store.do(*taking_back(unit))

    assert refused.value.detail == "1 values do not go back"
    assert refused.value.extra["records"] == [ADA]


def test_a_083_undo_of_a_change_behind_another_one_is_a_conflict():
    store = Store(PEOPLE)
    unit = store.do(retype(NAME, "long_text"))
    store.do(retype(NAME, "number", force=True))

    with pytest.raises(Conflict, match="The field was changed since"):
        store.do(*taking_back(unit))


def test_changes_of_type_are_taken_back_one_after_the_other():
    store = Store([*AUTHORS, *(author(n, name=f"{n}.50") for n in range(1, 8))])
    pictures, units = [picture(store)], []
    for kind in ("long_text", "number", "text", "rating", "number"):
        units.append(store.do(retype(NAME, kind, force=True)))
        pictures.append(picture(store))

    for unit in reversed(units):
        assert differs(pictures.pop(), picture(store)) == {}
        store.do(*taking_back(unit))
    assert differs(pictures.pop(), picture(store)) == {}


def test_the_same_type_and_options_change_nothing():
    scenario(given=PEOPLE, when=retype(NAME, "text"), then=[])


# -------------------------------------------------------------------- selects


def test_a_083_text_without_choices_makes_them():
    given = [
        *AUTHORS,
        author(1, name="Red"),
        author(2, name=" Red "),
        author(3, name="blue, green"),
    ]
    store = Store(given)

    store.do(retype(NAME, "single_select", makes_choices=True))

    found = store.catalog.live_field(NAME)
    assert [one["name"] for one in found.choices] == ["Red", "blue, green"]
    shown = [found.choice_names[str(store.value(one, NAME))] for one in (ADA, BOB, CAT)]
    assert shown == ["Red", "Red", "blue, green"]
    other = Store(given)
    other.do(retype(NAME, "multi_select", makes_choices=True))
    several = other.catalog.live_field(NAME)
    assert [one["name"] for one in several.choices] == ["Red", "blue", "green"]


def test_a_083_more_different_values_than_a_field_has_choices_are_refused(monkeypatch):
    monkeypatch.setattr("domain.retype.deciding.MAX_CHOICES", 2)
    store = Store([*AUTHORS, *(author(n, name=f"{n}") for n in range(1, 4))])

    with pytest.raises(Invalid, match="more than 2 different values"):
        store.do(retype(NAME, "single_select", makes_choices=True))


def test_a_choice_in_use_goes_with_force_and_its_rows_are_emptied():
    given = [*AUTHORS, author(1, genre="opt_poem"), author(2, genre="opt_play")]
    store = Store(given)
    before = picture(store)
    wish = retype(GENRE, "single_select", options={"choices": GENRES[2:]})

    with pytest.raises(Invalid, match="1 values do not convert"):
        store.do(wish)
    unit = store.do(retype(GENRE, "single_select", options=wish.options, force=True))

    assert [store.value(one, GENRE) for one in (ADA, BOB)] == [None, "opt_play"]
    assert store.catalog.live_field(GENRE).slot == ""
    store.do(*taking_back(unit))
    assert differs(before, picture(store)) == {}


# ---------------------------------------------------------- what stands against it


@pytest.mark.parametrize(
    ("field_id", "kind"),
    [(BORN, "date"), (BORN, "checkbox"), (GENRE, "number"), (NO, "number")],
)
def test_a_083_what_is_not_convertible_is_refused(field_id, kind):
    with pytest.raises(Invalid, match="cannot become one of type"):
        Store(PEOPLE).do(retype(field_id, kind, force=True))


def test_a_087_a_required_field_is_not_emptied_even_by_force():
    required = field("code", "authors", "Code", "text", position=4, required=True)
    given = [*AUTHORS, required, author(1, code="1"), author(2, code="x")]

    scenario(
        given=given,
        when=retype(FieldId("code"), "number", force=True),
        refused=Invalid,
        detail="1 records would have no value for this required field",
        count=1,
        records=[BOB],
    )
    store = Store(given)
    freed = UpdateField(FieldId("code"), THE_AUTHORS, {"required": False})
    store.do(freed, retype(FieldId("code"), "number", force=True))
    assert store.value(BOB, "code") is None


def test_a_340_values_that_become_the_same_are_refused_where_they_are_unique():
    given = [
        *AUTHORS,
        unique("name", "authors"),
        author(1, name="1.50"),
        author(2, name="1.5"),
    ]

    scenario(
        given=given,
        when=retype(NAME, "number", force=True),
        refused=DuplicateValue,
        detail="Records would share a value",
        field="Name",
        examples=[{"records": [ADA, BOB], "value": 1.5}],
    )


def test_a_340_a_constraint_holds_for_what_the_values_became():
    given = [*AUTHORS, unique("name", "authors"), author(1, name="1.0")]
    store = Store(given)
    store.do(retype(NAME, "number"))
    table = store.catalog.live_table(THE_AUTHORS)

    with pytest.raises(DuplicateValue):
        store.do(CreateRecords(THE_AUTHORS, table.schema_seq, [(BOB, {NAME: "1"})]))


def test_a_355_a_constraint_that_is_pending_lets_nobody_change_the_type():
    pending = unique("name", "authors", status="pending")

    with pytest.raises(ConstraintPending):
        Store([*AUTHORS, pending]).do(retype(NAME, "number"))


def test_a_unique_field_does_not_become_a_link():
    given = [*BOOKS, unique("title", "books")]
    options = {"linked_table_id": "authors"}

    with pytest.raises(Conflict, match="cannot be unique"):
        Store(given).do(
            retype(TITLE, "linked_record", options=options, reverse_id=FieldId("new"))
        )


def test_a_stale_or_unknown_field_is_told():
    store = Store(PEOPLE)

    with pytest.raises(StaleSchema):
        store.do(retype(NAME, "number", known=7))
    with pytest.raises(VersionMismatch):
        store.do(retype(NAME, "number", if_match=7))
    with pytest.raises(NotFound):
        store.do(retype(FieldId("gone"), "number"))


def test_a_change_of_type_is_made_alone():
    store = Store(PEOPLE)

    for other in (update((ADA, {BORN: "1"})), retype(BORN, "text")):
        with pytest.raises(Conflict, match="together with other changes"):
            store.do(retype(NAME, "long_text"), other)


# ---------------------------------------------------------------------- links


LINKED = [
    *BOOKS,
    author(1, name="Ada"),
    author(2, name="Bob, Jr."),
    author(3),
    book(1, {"author": {BOB: 5, ADA: 9}}, title="Emma", author=[BOB, ADA]),
    book(2, {"author": {ADA: 3}}, title="Faust", author=[ADA]),
    book(3, {"author": {CAT: 1}}, title="Glas", author=[CAT]),
]


def test_a_083_links_become_the_names_they_lead_to():
    store = Store(LINKED)
    before = picture(store)

    unit = store.do(retype(AUTHOR, "text"))

    assert [store.value(one, AUTHOR) for one in (EMMA, FAUST, GLAS)] == [
        '"Bob, Jr.", Ada',
        "Ada",
        CAT,
    ]
    assert isinstance(unit[0].event, FieldDeleted)
    assert unit[0].event.field_id == WORKS
    assert store.links == {}
    undone = store.do(*taking_back(unit))
    assert differs(before, picture(store)) == {}
    assert store.value(ADA, WORKS) == [FAUST, EMMA]
    store.do(*taking_back(undone))
    assert store.value(FAUST, AUTHOR) == "Ada"
    assert store.links == {}


def test_a_083_the_other_end_of_a_link_becomes_text_the_same_way():
    store = Store(LINKED)
    before = picture(store)

    unit = store.do(retype(WORKS, "text"))

    assert store.value(ADA, WORKS) == "Faust, Emma"
    with pytest.raises(NotFound):
        store.catalog.live_field(AUTHOR)
    store.do(*taking_back(unit))
    assert differs(before, picture(store)) == {}


def test_a_083_names_become_links_with_another_end():
    given = [
        *AUTHORS,
        *BOOKS[len(AUTHORS) : len(AUTHORS) + 2],
        author(1, name="Ada"),
        author(2, name="Bob, Jr."),
        book(1, title="Ada"),
        book(2, title='"Bob, Jr.", Ada'),
        book(3),
    ]
    store = Store(given)
    before = picture(store)

    unit = store.do(
        retype(
            TITLE,
            "linked_record",
            options={"linked_table_id": "authors", "reverse_name": "Books"},
            reverse_id=FieldId("end"),
        )
    )

    assert [store.value(one, TITLE) for one in (EMMA, FAUST, GLAS)] == [
        [ADA],
        [BOB, ADA],
        None,
    ]
    assert isinstance(unit[0].event, FieldCreated)
    assert (unit[0].event.field_id, unit[0].event.name) == ("end", "Books")
    assert store.value(ADA, "end") == [EMMA, FAUST]
    undone = store.do(*taking_back(unit))
    assert differs(before, picture(store)) == {}
    assert store.links == {}
    store.do(*taking_back(undone))
    assert store.value(ADA, "end") == [EMMA, FAUST]


def test_a_083_a_link_to_what_is_gone_does_not_come_back():
    store = Store(LINKED)
    unit = store.do(retype(AUTHOR, "text"))
    store.do(DeleteRecords(THE_AUTHORS, [ADA]))

    with pytest.raises(Conflict) as refused:
        store.do(*taking_back(unit))

    assert refused.value.extra["records"] == [EMMA, FAUST]


def test_a_link_whose_other_end_is_another_field_by_now_stays_deleted():
    store = Store(LINKED)
    deleted = store.do(retype(AUTHOR, "text"))
    (gone,) = [one for one in deleted if isinstance(one.event, FieldDeleted)]

    with pytest.raises(Conflict, match="of another type since"):
        store.do(*taking_back([gone]))


def test_a_deleted_field_is_not_retyped():
    store = Store(LINKED)
    store.do(DeleteField(AUTHOR))

    with pytest.raises(NotFound):
        store.do(retype(AUTHOR, "text"))


# ------------------------------------------------------- what was written before


@pytest.mark.parametrize(
    "event",
    [
        RecordUpdated(ADA, "authors", {"name": {"from": "xyz", "to": "1.50"}}),
        RecordDeleted(NOBODY, "authors", 9, {"name": "xyz"}, {}, "now", "owner"),
    ],
    ids=lambda event: event.TYPE,
)
def test_what_was_before_the_change_does_not_come_into_the_new_type(event):
    given = [*PEOPLE, author(9, name="xyz")] if event.record_id == record(9) else PEOPLE
    store = Store(given)
    store.do(retype(NAME, "number", force=True))
    store._last[NOBODY] = 1

    with pytest.raises(Conflict, match="The field is of another type since"):
        store.do(event.inverse())


def test_options_from_before_the_change_do_not_come_into_the_new_type():
    store = Store(PEOPLE)
    unit = store.do(UpdateField(NAME, THE_AUTHORS, {"options": {"max_length": 9}}))
    store.do(UpdateField(NAME, THE_AUTHORS, {"options": {}}))
    again = store.do(UpdateField(NAME, THE_AUTHORS, {"options": {"max_length": 8}}))
    later = store.do(UpdateField(NAME, THE_AUTHORS, {"options": {"max_length": 7}}))
    assert unit
    assert again
    store.do(retype(NAME, "number", force=True))

    with pytest.raises(Conflict, match="The field is of another type since"):
        store.do(*taking_back(later))


def test_an_inverse_knows_what_it_takes_back():
    store = Store(PEOPLE)
    (first, *_) = store.do(retype(NAME, "number", force=True))
    assert isinstance(first.event, FieldRetyped)

    assert first.event.inverse() == RetypeField(
        NAME,
        THE_AUTHORS,
        "text",
        {},
        undoing=Undoing(first.event.conversion_id, "number", {}, ""),
    )
