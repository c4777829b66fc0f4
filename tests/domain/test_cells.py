"""The text of a cell, as the JSON value that a client would send; and what a column of
such texts is taken for."""

from decimal import Decimal

import pytest

from domain.catalog import Field
from domain.ids import FieldId, TableId
from domain.record.cells import from_cell
from domain.record.guessing import Guess, guess, looks_typed


def read(kind, text):
    field = Field(
        FieldId("f"), TableId("t"), "F", kind, {}, False, None, 0, False, "", ""
    )
    reader = from_cell(field)
    return text if reader is None else reader(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-0", 0),
        (" 12 ", 12),
        ("0.5", 0.5),
        ("-12.25", -12.25),
        ("1e5", Decimal("1e5")),
        ("1E-3", Decimal("0.001")),
        ("1234567890123456789", Decimal("1234567890123456789")),
        ("0.1234567890123456789", Decimal("0.1234567890123456789")),
        ("", None),
        ("  ", None),
        ("1,234.5", "1,234.5"),
        ("+1", "+1"),
        ("01", "01"),
        (".5", ".5"),
        ("5.", "5."),
        ("1_000", "1_000"),
        ("\u0663", "\u0663"),
        ("NaN", "NaN"),
        ("1e99999999999999999999", "1e99999999999999999999"),
    ],
)
def test_a_number_is_as_json_writes_it(text, value):
    found = read("number", text)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("YES", True),
        ("no", False),
        ("1", True),
        (" 0 ", False),
        ("on", "on"),
        (" ", None),
    ],
)
def test_a_checkbox_is_a_word_or_a_digit(text, value):
    assert read("checkbox", text) is value or read("checkbox", text) == value


@pytest.mark.parametrize("kind", ["text", "long_text", "single_select"])
def test_a_texts_blanks_are_its_own(kind):
    assert read(kind, " a ") == " a "


@pytest.mark.parametrize("kind", ["date", "datetime"])
def test_the_blanks_around_a_moment_are_not(kind):
    assert read(kind, " 2024-01-31 ") == "2024-01-31"
    assert read(kind, " ") is None


def test_links_are_parted_by_commas():
    assert read("linked_record", "a, b,,c") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        ([], "text"),
        (["", " "], "text"),
        (["1", "", "2.5", "-3e2"], "number"),
        (["1", "x"], "text"),
        (["01234", "90210"], "text"),
        (["1", "0"], "number"),
        (["true", "FALSE", "yes"], "checkbox"),
        (["2024-01-31", "2024-02-29"], "date"),
        (["2024-02-30", "2024-02-29"], "text"),
        (["2024-01-31T10:00:00Z", "2024-01-31 10:00:00"], "datetime"),
        (["2024-01-31", "2024-01-31T10:00:00Z"], "text"),
        (["red", "blue"], "text"),
        (["a\nb", "c"], "long_text"),
        (["x" * 256], "long_text"),
        ([str(number) + "x" for number in range(100)], "text"),
    ],
)
def test_a_column_is_taken_for_the_narrowest_type(texts, type_):
    assert guess(texts).type == type_


def test_few_values_again_and_again_are_choices_in_their_order():
    found = guess(["red", "blue", "", "red", "blue", "red", "blue"])

    assert found == Guess(
        "single_select", {"choices": [{"name": "red"}, {"name": "blue"}]}
    )


def test_what_no_column_is_called():
    assert [looks_typed(one) for one in ("12", "2024-01-31", "No", "Name", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
