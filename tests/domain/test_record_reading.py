"""What a client sends, read as the values of a record."""

from typing import Any

import pytest

from domain.catalog import Table
from domain.errors import Code, Invalid
from domain.field import FieldDeleted
from domain.record import REQUIRED, read_values
from tests.domain.library import ADA, AUTHORS, BOOKS, THE_AUTHORS, THE_BOOKS, field
from tests.scenario import Store

STRICT = [
    *AUTHORS,
    field("mail", "authors", "Mail", "text", position=4, required=True),
    field("alive", "authors", "Alive", "checkbox", position=5, required=True),
]


def authors(given=AUTHORS) -> Table:
    return Store(given).catalog.live_table(THE_AUTHORS)


def problems(table: Table, given: dict[str, Any], *, creating: bool) -> Any:
    with pytest.raises(Invalid) as refused:
        read_values(table, given, creating=creating)
    assert refused.value.code is Code.VALIDATION_ERROR
    return refused.value.extra["errors"]


def item(name: str, message: str, kind: str) -> dict[str, Any]:
    return {"loc": [name], "msg": message, "type": kind}


def test_values_are_given_by_name_or_id_and_kept_by_id():
    given = {"Name": "Ada", "born": 1815, "Genre": "Poem"}
    assert read_values(authors(), given, creating=True) == {
        "name": "Ada",
        "born": "1815",
        "genre": "opt_poem",
    }


def test_a_name_wins_over_an_id():
    clash = [*AUTHORS, field("x", "authors", "born", "text", position=4)]
    read = read_values(authors(clash), {"born": "text"}, creating=True)

    assert read == {"x": "text"}


def test_names_are_exact():
    assert problems(authors(), {"NAME": "Ada"}, creating=True) == [
        item("NAME", "Unknown field", "value_error.unknown")
    ]


def test_a_deleted_field_is_unknown():
    gone = [*AUTHORS, FieldDeleted("born", "authors", "Born")]
    for name in ("Born", "born"):
        assert problems(authors(gone), {name: 1}, creating=False) == [
            item(name, "Unknown field", "value_error.unknown")
        ]


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_value_is_left_out_of_a_new_record_and_empties_an_old_one(empty):
    given = {"Name": empty, "Genre": empty}
    assert read_values(authors(), given, creating=True) == {}
    assert read_values(authors(), given, creating=False) == {
        "name": None,
        "genre": None,
    }


def test_what_is_not_given_is_not_touched():
    assert read_values(authors(), {}, creating=False) == {}
    assert read_values(authors(STRICT), {"Name": "Ada"}, creating=False) == {
        "name": "Ada"
    }


def test_links_are_read_in_order():
    books = Store(BOOKS).catalog.live_table(THE_BOOKS)
    assert read_values(books, {"Author": [ADA]}, creating=True) == {"author": [ADA]}
    assert read_values(books, {"Author": []}, creating=True) == {}
    assert read_values(books, {"Author": []}, creating=False) == {"author": None}


def test_every_problem_is_told_at_once():
    given = {"Name": 1, "Born": "x", "Genre": "Song", "Nothing": 1}
    assert problems(authors(), given, creating=True) == [
        item("Name", "Value must be a string", "type_error.string"),
        item("Born", "Value must be a number", "type_error.number"),
        item("Genre", "Value must match one of the defined choices", "value_error"),
        item("Nothing", "Unknown field", "value_error.unknown"),
    ]


def test_a_problem_names_the_field_also_where_its_id_was_given():
    assert problems(authors(), {"name": 1}, creating=True) == [
        item("Name", "Value must be a string", "type_error.string")
    ]


def test_a_long_unknown_name_is_cut():
    found = problems(authors(), {"x" * 300: 1}, creating=True)

    assert found == [item("x" * 255, "Unknown field", "value_error.unknown")]


def test_an_autonumber_is_never_given():
    assert problems(authors(), {"No.": 1}, creating=True) == [
        item("No.", "Field is read-only", "value_error.read_only")
    ]
    assert problems(authors(), {"No.": None}, creating=False) == [
        item("No.", "Field is read-only", "value_error")
    ]


# required fields


def test_a_new_record_has_a_value_for_each_required_field():
    assert REQUIRED == "value_error.required"
    for given in ({}, {"Mail": None, "Alive": None}, {"Mail": ""}):
        assert problems(authors(STRICT), given, creating=True) == [
            item("Mail", "Field is required", REQUIRED),
            item("Alive", "Field is required", REQUIRED),
        ]


def test_false_is_a_value():
    given = {"Mail": "ada@example.org", "Alive": False}
    assert read_values(authors(STRICT), given, creating=True) == {
        "mail": "ada@example.org",
        "alive": False,
    }


def test_an_update_does_not_empty_a_required_field():
    assert problems(authors(STRICT), {"Mail": ""}, creating=False) == [
        item("Mail", "Field is required", REQUIRED)
    ]


def test_a_required_field_with_a_wrong_value_is_told_once():
    assert problems(authors(STRICT), {"Mail": 1, "Alive": True}, creating=True) == [
        item("Mail", "Value must be a string", "type_error.string")
    ]


def test_a_required_autonumber_asks_for_nothing():
    counted = [*AUTHORS[:7], field("no", "authors", "No.", "autonumber", required=True)]
    assert read_values(authors(counted), {}, creating=True) == {}
