"""Fields that are computed, as deciders see them: what they look at, and circles."""

from typing import Any

import pytest

from domain.computed import shown_options
from domain.errors import Invalid
from domain.field import (
    CreateField,
    FieldCreated,
    FieldDeleted,
    FieldRestored,
    FieldUpdated,
    RestoreField,
    UpdateField,
)
from domain.ids import FieldId
from tests.domain.library import (
    AUTHORS,
    BOOKS,
    BORN,
    THE_AUTHORS,
    THE_BOOKS,
    field,
)
from tests.scenario import Store, scenario

NEW, ONE, TWO = FieldId("new"), FieldId("one"), FieldId("two")
FORMULAS = [
    *AUTHORS,
    field("one", "authors", "One", "formula", position=4, formula="{born}"),
    field("two", "authors", "Two", "formula", position=5, formula="{one}"),
]
CIRCLE = "The field would be computed from itself"
LOOKUP: dict[str, Any] = {"linked_field_id": "author", "lookup_field_id": "born"}


def formula(text: str) -> CreateField:
    return CreateField(NEW, THE_AUTHORS, "New", "formula", {"formula": text})


def change(field_id: FieldId, **options: Any) -> UpdateField:
    return UpdateField(field_id, THE_AUTHORS, {"options": options})


def refusal(message: str, *place: str) -> dict[str, Any]:
    error = {"loc": ["options", *place], "msg": message, "type": "value_error"}
    return {"refused": Invalid, "detail": message, "errors": [error]}


def test_a_formula_is_kept_by_ids():
    scenario(
        given=AUTHORS,
        when=formula("{Born} + {name} + '{Name}'"),
        then=[
            FieldCreated(
                "new",
                "authors",
                "New",
                "formula",
                {"formula": "{born} + {name} + '{Name}'"},
                False,
                None,
                4,
                False,
                "new",
            )
        ],
    )


def test_a_formula_is_shown_by_the_present_names():
    renamed = FieldUpdated("born", "authors", {"name": {"from": "Born", "to": "Year"}})
    gone = FieldDeleted("one", "authors", "One")
    table = Store([*FORMULAS, renamed, gone]).catalog.tables[THE_AUTHORS]

    assert shown_options(table.all_fields[ONE], table) == {"formula": "{Year}"}
    assert shown_options(table.all_fields[TWO], table) == {"formula": "{One}"}
    assert shown_options(table.all_fields[BORN], table) == {}


@pytest.mark.parametrize("text", ["{Nothing}", "{Title}", "{New}", "{two}", "{BORN}"])
def test_a_formula_refers_to_live_fields_of_its_table(text: str):
    gone = FieldDeleted("two", "authors", "Two")
    message = f"Unknown field {text[1:-1]!r} in the formula"
    scenario(
        given=[*FORMULAS, gone],
        when=formula(text),
        **refusal(message, "formula"),
    )


@pytest.mark.parametrize("text", ["{One}", "1 + {Two}", "{Born} & {Two}"])
def test_no_formula_is_computed_from_itself(text: str):
    scenario(given=FORMULAS, when=change(ONE, formula=text), **refusal(CIRCLE))


def test_of_two_halves_of_a_circle_the_second_is_refused():
    store = Store(
        [
            *AUTHORS,
            field("one", "authors", "One", "formula", position=4, formula="1"),
            field("two", "authors", "Two", "formula", position=5, formula="2"),
        ]
    )
    first, second = change(ONE, formula="{Two}"), change(TWO, formula="{One}")

    store.do(first)

    with pytest.raises(Invalid, match=CIRCLE):
        store.do(second)


def test_in_one_unit_the_second_half_refuses_the_whole():
    given = [
        *AUTHORS,
        field("one", "authors", "One", "formula", position=4, formula="1"),
        field("two", "authors", "Two", "formula", position=5, formula="2"),
    ]
    scenario(
        given=given,
        when=[change(ONE, formula="{Two}"), change(TWO, formula="{One}")],
        **refusal(CIRCLE),
    )


def test_a_deleted_field_closes_no_circle_when_it_comes_back():
    """Two looks at One; while Two is away One may not look at what Two leads to."""
    given = [
        *FORMULAS,
        field("three", "authors", "Three", "formula", position=6, formula="{two}"),
        FieldDeleted("two", "authors", "Two"),
    ]
    scenario(given=given, when=change(ONE, formula="{Three}"), **refusal(CIRCLE))
    scenario(
        given=given,
        when=RestoreField(TWO),
        then=[FieldRestored("two", "authors", "Two")],
    )


def test_a_circle_through_a_link_is_one_too():
    given = [
        *BOOKS,
        field("x", "books", "X", "formula", position=3, formula="1"),
        field(
            "y",
            "authors",
            "Y",
            "lookup",
            position=5,
            linked_field_id="works",
            lookup_field_id="x",
        ),
        field(
            "z",
            "books",
            "Z",
            "rollup",
            position=4,
            linked_field_id="author",
            rollup_field_id="y",
            function="SUM",
        ),
    ]
    scenario(
        given=given,
        when=UpdateField(
            FieldId("x"), THE_BOOKS, {"options": {"formula": "{Pages} + {Z}"}}
        ),
        **refusal(CIRCLE),
    )


def test_a_lookup_looks_through_a_link_of_its_table():
    scenario(
        given=BOOKS,
        when=CreateField(NEW, THE_BOOKS, "New", "lookup", LOOKUP),
        then=[
            FieldCreated(
                "new", "books", "New", "lookup", LOOKUP, False, None, 3, False, "new"
            )
        ],
    )


@pytest.mark.parametrize(
    ("options", "message", "place"),
    [
        (
            {"linked_field_id": "pages"},
            "linked_field_id must be a link field of this table",
            "linked_field_id",
        ),
        (
            {"linked_field_id": "works"},
            "linked_field_id must be a link field of this table",
            "linked_field_id",
        ),
        (
            {"lookup_field_id": "pages"},
            "lookup_field_id must be a field of the linked table",
            "lookup_field_id",
        ),
    ],
)
def test_a_lookup_of_what_is_not_there_is_refused(options, message, place):
    scenario(
        given=BOOKS,
        when=CreateField(NEW, THE_BOOKS, "New", "lookup", {**LOOKUP, **options}),
        **refusal(message, place),
    )


def test_a_change_to_the_same_formula_is_none():
    scenario(given=FORMULAS, when=change(ONE, formula="{Born}"), then=[])
