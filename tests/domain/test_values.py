"""What each type of field takes, keeps and refuses."""

from decimal import Decimal
from typing import Any

import pytest

from domain.errors import Code, Invalid
from domain.values import (
    FIELD_TYPES,
    MAX_CHOICES,
    MAX_LINKS,
    BadValue,
    decimal_text,
    read_options,
    well_formed,
    zone,
)
from tests.domain.reading import a_field, kept, refusal

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
CHOICES = {
    "choices": [
        {"id": "opt_new", "name": "New", "color": "red"},
        {"id": "opt_old", "name": "Old"},
        {"id": "Old", "name": "opt_new"},
    ]
}


# text


@pytest.mark.parametrize("type_", ["text", "long_text"])
@pytest.mark.parametrize(
    "text",
    [
        "Ada",
        " not trimmed ",
        "line\nfeed\r\n\ttab",
        "\x01\x1f\x7f\x85",
        '"; DROP TABLE x; --',
        "$where __proto__ {{ %s",
        "\u202eright to left\u202c",
        "e\u0301 and é stay what they are",
        "𝄞 \U0010ffff \ufffe",
    ],
)
def test_text_is_kept_as_given(type_: str, text: str):
    assert kept(text, type_) == text


@pytest.mark.parametrize("type_", ["text", "long_text"])
def test_empty_text_is_kept_as_no_value(type_: str):
    assert kept("", type_) is None


@pytest.mark.parametrize("type_", ["text", "long_text"])
@pytest.mark.parametrize("value", [1, 1.5, True, Decimal(1), [], ["a"], {}, {"a": 1}])
def test_text_that_is_no_string_is_refused(type_: str, value: Any):
    assert refusal(value, type_) == ("Value must be a string", "type_error.string")


@pytest.mark.parametrize("type_", ["text", "long_text"])
@pytest.mark.parametrize("text", ["a\x00b", "\x00", "\ud800", "a\udfffb", "é\ud83d"])
def test_a_nul_or_a_lone_surrogate_in_text_is_refused(type_: str, text: str):
    assert refusal(text, type_) == (
        "Value has a character that cannot be stored",
        "value_error",
    )


def test_well_formed_text_has_neither_nul_nor_surrogates():
    assert well_formed("")
    assert well_formed("plain")
    assert well_formed("\ud7ff\ue000𝄞")
    assert not well_formed("\x00")
    assert not well_formed("\ud800")
    assert not well_formed("\udfff")


def test_text_has_at_most_ten_thousand_characters():
    assert kept("𝄞" * 10_000, "text") == "𝄞" * 10_000
    assert refusal("x" * 10_001, "text") == (
        "Value must have at most 10000 characters",
        "value_error",
    )


def test_text_has_at_most_as_many_characters_as_its_field_says():
    assert kept("abc", "text", max_length=3) == "abc"
    assert refusal("abcd", "text", max_length=3) == (
        "Value must have at most 3 characters",
        "value_error",
    )


def test_long_text_has_at_most_a_million_characters():
    assert kept("x" * 1_000_000, "long_text") == "x" * 1_000_000
    assert refusal("x" * 1_000_001, "long_text") == (
        "Value must have at most 1000000 characters",
        "value_error",
    )


def test_rich_text_is_kept_as_given():
    html = "<b onclick='x'>bold</b>"
    assert kept(html, "long_text", enable_rich_text=True) == html


# number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (-7, "-7"),
        (0.0, "0"),
        (-0.0, "0"),
        (Decimal("-0"), "0"),
        (Decimal("-0.00"), "0"),
        (1.0, "1"),
        (-1.50, "-1.5"),
        (29.10, "29.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (Decimal("0.1") + Decimal("0.2"), "0.3"),
        (1e308, "1" + "0" * 308),
        (-1e308, "-1" + "0" * 308),
        (1e16, "10000000000000000"),
        (1e-7, "0.0000001"),
        (-1.5e-10, "-0.00000000015"),
        (2**53 + 1, "9007199254740993"),
        (123456789012345678901234567890, "123456789012345678901234567890"),
        (Decimal("3.14159265358979323846"), "3.14159265358979323846"),
        (Decimal("12345678901234567890.12345"), "12345678901234567890.12345"),
        (Decimal("1E+5"), "100000"),
        (Decimal("1.000E-3"), "0.001"),
        (Decimal("100"), "100"),
        (Decimal("100.00"), "100"),
        (Decimal("1e400"), "1" + "0" * 400),
        (Decimal("0.00000000000000000001"), "0.00000000000000000001"),
    ],
)
def test_a_number_is_kept_as_an_exact_decimal(value: Any, text: str):
    assert kept(value, "number") == text
    assert decimal_text(value) == text


def test_the_smallest_float_keeps_all_its_decimals():
    text = decimal_text(5e-324)
    assert text == "0." + "0" * 323 + "5"


@pytest.mark.parametrize(
    "value",
    [
        float("inf"),
        float("-inf"),
        float("nan"),
        Decimal("Infinity"),
        Decimal("NaN"),
        Decimal("sNaN"),
    ],
)
def test_a_number_that_is_not_finite_is_refused(value: Any):
    assert refusal(value, "number") == (
        "Value must be a finite number",
        "type_error.number",
    )


@pytest.mark.parametrize("value", ["1", "", True, False, [], [1], {}, 1j])
def test_what_is_no_number_is_refused(value: Any):
    assert refusal(value, "number") == ("Value must be a number", "type_error.number")


@pytest.mark.parametrize(
    "value",
    [
        10**400,
        -(10**400),
        Decimal("1e401"),
        Decimal("1e-401"),
        Decimal("1e999999999"),
        Decimal("1e-999999999"),
        Decimal("1" * 401),
        Decimal("0." + "1" * 401),
    ],
)
def test_a_number_of_too_many_digits_is_refused(value: Any):
    assert refusal(value, "number") == ("Value has too many digits", "value_error")


def test_a_number_of_more_digits_than_python_prints_is_refused():
    for value in (10**4400, -(10**4400)):
        with pytest.raises(BadValue, match="too many digits"):
            decimal_text(value)


@pytest.mark.parametrize(
    ("value", "precision", "text"),
    [
        (1.5, 1, "1.5"),
        (Decimal("2.00"), 0, "2"),
        (7, 0, "7"),
        (Decimal("0.12345678901234567890"), 20, "0.1234567890123456789"),
        (Decimal("0.12345678901234567891"), 20, "0.12345678901234567891"),
    ],
)
def test_a_number_with_no_more_decimals_than_allowed_is_kept(
    value: Any, precision: int, text: str
):
    assert kept(value, "number", precision=precision) == text


@pytest.mark.parametrize(
    ("value", "precision"),
    [(1.25, 1), (0.1 + 0.2, 2), (0.5, 0), (Decimal("0.123456789012345678912"), 20)],
)
def test_a_number_with_more_decimals_is_refused_and_never_rounded(
    value: Any, precision: int
):
    assert refusal(value, "number", precision=precision) == (
        f"Value must have at most {precision} decimals",
        "value_error",
    )


def test_a_negative_number_is_refused_where_the_field_says_so():
    assert kept(-1, "number", allow_negative=True) == "-1"
    assert kept(-0.0, "number", allow_negative=False) == "0"
    assert refusal(-0.01, "number", allow_negative=False) == (
        "Value must not be negative",
        "value_error",
    )


# checkbox


@pytest.mark.parametrize("value", [True, False])
def test_a_checkbox_is_true_or_false(value: bool):
    assert kept(value, "checkbox") is value


@pytest.mark.parametrize("value", [0, 1, "true", "", 1.0, [], {}])
def test_anything_else_is_no_checkbox(value: Any):
    assert refusal(value, "checkbox") == (
        "Value must be true or false",
        "type_error.bool",
    )


# date


@pytest.mark.parametrize(
    "day", ["2024-02-29", "0001-01-01", "9999-12-31", "2000-02-29", "1582-10-10"]
)
def test_a_real_day_is_kept_as_given(day: str):
    assert kept(day, "date") == day


def test_an_empty_date_is_no_value():
    assert kept("", "date") is None


@pytest.mark.parametrize(
    "value", ["2023-02-29", "1900-02-29", "2024-13-01", "2024-04-31", "0000-01-01"]
)
def test_a_day_that_never_was_is_refused(value: str):
    assert refusal(value, "date") == ("Value is not a real day", "value_error.date")


@pytest.mark.parametrize(
    "value",
    [
        "2024-1-1",
        "20240101",
        "2024-W01-1",
        "01/02/2024",
        "2024-01-01T00:00:00Z",
        " 2024-01-01",
        "2024-01-01\n",
        "+2024-01-01",
        "-0001-01-01",
        "10000-01-01",
        "٢٠٢٤-01-01",
        "2024-01-01\x00",
        20240101,
        True,
        None,
        ["2024-01-01"],
    ],
)
def test_what_is_not_spelled_as_a_date_is_refused(value: Any):
    assert refusal(value, "date") == (
        "Value must be a date such as 2024-01-31",
        "value_error.date",
    )


def test_a_date_with_time_is_a_moment():
    moment = kept("2024-01-31T10:00:00+02:00", "date", include_time=True)
    assert moment == "2024-01-31T08:00:00Z"
    assert refusal("2024-01-31", "date", include_time=True) == (
        "Value must be a date and time such as 2024-01-31T10:00:00Z",
        "value_error.datetime",
    )


# datetime


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
        ("2024-01-31t10:00:00z", "2024-01-31T10:00:00Z"),
        ("2024-01-31 10:00:00Z", "2024-01-31T10:00:00Z"),
        ("2024-01-31T10:00:00+00:00", "2024-01-31T10:00:00Z"),
        ("2024-01-31T10:00:00-00:00", "2024-01-31T10:00:00Z"),
        ("2024-01-31T10:00:00+05:30", "2024-01-31T04:30:00Z"),
        ("2024-01-01T00:30:00+01:00", "2023-12-31T23:30:00Z"),
        ("2024-01-31T10:00:00.5Z", "2024-01-31T10:00:00.5Z"),
        ("2024-01-31T10:00:00.500Z", "2024-01-31T10:00:00.5Z"),
        ("2024-01-31T10:00:00.000000Z", "2024-01-31T10:00:00Z"),
        ("2024-01-31T10:00:00.123456Z", "2024-01-31T10:00:00.123456Z"),
        ("2024-01-31T10:00:00.000001Z", "2024-01-31T10:00:00.000001Z"),
        ("2024-01-31T10:00:00", "2024-01-31T10:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("", None),
    ],
)
def test_a_moment_is_kept_in_utc(given: str, moment: str | None):
    assert kept(given, "datetime") == moment


@pytest.mark.parametrize(
    ("wall", "moment"),
    [
        ("2024-01-31T10:00:00", "2024-01-31T09:00:00Z"),
        ("2024-07-31T10:00:00", "2024-07-31T08:00:00Z"),
        ("2024-10-27T02:30:00", "2024-10-27T00:30:00Z"),  # twice: the first one
        ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),  # it names its own
        ("2024-01-31T10:00:00-05:00", "2024-01-31T15:00:00Z"),
    ],
)
def test_a_time_without_an_offset_is_read_in_the_field_s_zone(wall: str, moment: str):
    assert kept(wall, "datetime", timezone="Europe/Berlin") == moment


def test_a_time_that_a_clock_change_leaves_out_is_refused():
    gap = "2024-03-31T02:30:00"
    assert refusal(gap, "datetime", timezone="Europe/Berlin") == (
        "There is no such time in Europe/Berlin",
        "value_error.datetime",
    )
    assert kept(gap, "datetime", timezone="UTC") == "2024-03-31T02:30:00Z"


@pytest.mark.parametrize(
    "value",
    [
        "0000-01-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-01-01T25:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2016-12-31T23:59:60Z",  # a leap second: the store has none
        "2016-12-31T23:59:60.5+00:00",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+99:99",
        "0001-01-01T00:00:00+01:00",  # before year 1, in UTC
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00",
    ],
)
def test_a_moment_that_never_is_is_refused(value: str):
    assert refusal(value, "datetime") == (
        "Value is not a real moment",
        "value_error.datetime",
    )


@pytest.mark.parametrize("zone_name", ["Pacific/Auckland", "America/New_York"])
@pytest.mark.parametrize("wall", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_a_wall_time_at_the_end_of_time_is_kept_or_refused(zone_name: str, wall: str):
    """Which of the two depends on the side of Greenwich."""
    beyond = {
        ("Pacific/Auckland", "0001-01-01T00:00:00"),
        ("America/New_York", "9999-12-31T23:59:59"),
    }
    if (zone_name, wall) in beyond:
        message, _ = refusal(wall, "datetime", timezone=zone_name)
        assert message == "Value is not a real moment"
    else:
        assert kept(wall, "datetime", timezone=zone_name) is not None


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-31T10:00:00.1234567Z",  # more than microseconds
        "2024-01-31T10:00:00.Z",
        "2024-01-31",
        "2024-01-31T10:00",
        "2024-01-31T10:00:00+0200",
        "2024-01-31T10:00:00+2",
        "2024-01-31T10:00:00 Europe/Berlin",
        "2024-01-31T10:00:00Z\n",
        "2024-01-31T10:00:00Z\x00",
        "20240131T100000Z",
        "1706695200",
        "now",
        "infinity",
        1706695200,
        True,
        ["2024-01-31T10:00:00Z"],
        {},
    ],
)
def test_what_is_not_spelled_as_a_moment_is_refused(value: Any):
    assert refusal(value, "datetime") == (
        "Value must be a date and time such as 2024-01-31T10:00:00Z",
        "value_error.datetime",
    )


@pytest.mark.parametrize(
    "name",
    [
        "Nowhere/City",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe",
        " ",
        "a\x00b",
        "\ud800",
        "UTC+25",
    ],
)
def test_an_unknown_zone_is_refused(name: str):
    with pytest.raises(BadValue, match="Unknown time zone"):
        zone(name)


# single_select


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ("New", "opt_new"),
        ("opt_old", "opt_old"),
        ("opt_new", "Old"),  # a name wins over an id
        ("Old", "opt_old"),
        ("", None),
    ],
)
def test_a_choice_is_named_by_name_or_id_and_kept_by_id(given: str, choice: str | None):
    assert kept(given, "single_select", **CHOICES) == choice


@pytest.mark.parametrize("value", ["Newer", "new", " New", "\x00", "opt_ne"])
def test_what_is_none_of_the_choices_is_refused(value: str):
    assert refusal(value, "single_select", **CHOICES) == (
        "Value must match one of the defined choices",
        "value_error",
    )


@pytest.mark.parametrize("value", [1, True, ["New"], {"name": "New"}])
def test_a_choice_that_is_no_string_is_refused(value: Any):
    assert refusal(value, "single_select", **CHOICES) == (
        "Value must be the name of a choice",
        "type_error.string",
    )


def test_a_field_without_choices_takes_none():
    assert refusal("New", "single_select") == (
        "Value must match one of the defined choices",
        "value_error",
    )


# linked_record


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ([ONE, TWO], [ONE, TWO]),
        ([TWO, ONE], [TWO, ONE]),
        (ONE, [ONE]),
        ([ONE.upper()], [ONE]),
        ([ONE, TWO, ONE], [ONE, TWO]),
        ([], None),
    ],
)
def test_links_are_kept_in_their_order_and_once(given: Any, ids: list[str] | None):
    assert kept(given, "linked_record") == ids


@pytest.mark.parametrize("value", [1, True, {}, [1], [None], [[ONE]], [{"id": ONE}]])
def test_links_that_are_no_ids_are_refused(value: Any):
    assert refusal(value, "linked_record") == (
        "Value must be an array of record ids",
        "type_error.list",
    )


@pytest.mark.parametrize("value", ["", "x", ["x"], [ONE, ""], [ONE[:-1] + "\x00"]])
def test_a_malformed_link_is_refused(value: Any):
    assert refusal(value, "linked_record") == (
        "Value has a malformed record id",
        "value_error",
    )


def test_a_field_of_one_link_takes_one():
    assert kept([ONE], "linked_record", allow_multiple=False) == [ONE]
    assert kept([ONE, ONE], "linked_record", allow_multiple=False) == [ONE]
    assert refusal([ONE, TWO], "linked_record", allow_multiple=False) == (
        "This field links to at most one record",
        "value_error",
    )


def test_a_record_has_at_most_ten_thousand_links():
    assert kept([ONE] * MAX_LINKS, "linked_record") == [ONE]
    assert refusal([ONE] * (MAX_LINKS + 1), "linked_record") == (
        "Value must have at most 10000 links",
        "value_error",
    )


# autonumber


@pytest.mark.parametrize("value", [1, "1", "", True, []])
def test_an_autonumber_is_never_written(value: Any):
    assert refusal(value, "autonumber") == (
        "Field is read-only",
        "value_error.read_only",
    )


# options


@pytest.mark.parametrize(
    ("type_", "given", "options"),
    [
        ("text", {}, {}),
        ("text", {"max_length": 255}, {"max_length": 255}),
        ("text", {"max_length": None, "unknown": 1}, {}),
        ("long_text", {"enable_rich_text": True}, {"enable_rich_text": True}),
        (
            "number",
            {"precision": 0, "allow_negative": False},
            {"precision": 0, "allow_negative": False},
        ),
        ("number", {"precision": 20}, {"precision": 20}),
        ("checkbox", {"anything": 1}, {}),
        (
            "date",
            {"include_time": True, "date_format": "YYYY", "timezone": "Asia/Tokyo"},
            {"include_time": True, "date_format": "YYYY", "timezone": "Asia/Tokyo"},
        ),
        (
            "datetime",
            {"time_format": "24", "timezone": "Europe/Berlin"},
            {"time_format": "24", "timezone": "Europe/Berlin"},
        ),
        ("single_select", {}, {"choices": []}),
        (
            "single_select",
            {"choices": [{"id": "a", "name": "A", "color": "red", "extra": 1}]},
            {"choices": [{"id": "a", "name": "A", "color": "red"}]},
        ),
        ("linked_record", {"linked_table_id": ONE}, {"linked_table_id": ONE}),
        (
            "linked_record",
            {
                "linked_table_id": TWO.upper(),
                "allow_multiple": False,
                "reverse_name": "Back",
                "reverse_field_id": "never the client's",
                "is_reverse": True,
            },
            {
                "linked_table_id": TWO,
                "allow_multiple": False,
                "reverse_name": "Back",
            },
        ),
        ("autonumber", {"prefix": "INV-"}, {"prefix": "INV-"}),
    ],
)
def test_options_are_kept_where_the_type_knows_them(
    type_: str, given: dict[str, Any], options: dict[str, Any]
):
    assert read_options(type_, given) == options


@pytest.mark.parametrize(
    ("type_", "given", "reason"),
    [
        ("text", {"max_length": 0}, "Option max_length must be from 1 to 10000"),
        ("text", {"max_length": 10_001}, "Option max_length must be from 1 to 10000"),
        ("text", {"max_length": "9"}, "Option max_length must be a whole number"),
        ("text", {"max_length": True}, "Option max_length must be a whole number"),
        ("text", {"max_length": 9.0}, "Option max_length must be a whole number"),
        (
            "long_text",
            {"enable_rich_text": 1},
            "Option enable_rich_text must be true or false",
        ),
        ("number", {"precision": 21}, "Option precision must be from 0 to 20"),
        ("number", {"precision": -1}, "Option precision must be from 0 to 20"),
        (
            "number",
            {"allow_negative": "no"},
            "Option allow_negative must be true or false",
        ),
        (
            "date",
            {"include_time": "yes"},
            "Option include_time must be true or false",
        ),
        ("date", {"timezone": "Mars/Base"}, "Unknown time zone: 'Mars/Base'"),
        (
            "datetime",
            {"timezone": "../../etc/passwd"},
            "Unknown time zone: '../../etc/passwd'",
        ),
        (
            "datetime",
            {"timezone": "a\x00"},
            "Option timezone must be a string of at most 80 characters",
        ),
        (
            "datetime",
            {"date_format": 7},
            "Option date_format must be a string of at most 200 characters",
        ),
        (
            "single_select",
            {"choices": {"a": 1}},
            "Option choices must be an array of at most 1000",
        ),
        (
            "single_select",
            {"choices": [{"id": f"{n}", "name": f"{n}"} for n in range(1001)]},
            "Option choices must be an array of at most 1000",
        ),
        ("single_select", {"choices": [7]}, "A choice must be an object with a name"),
        ("single_select", {"choices": [{"id": "a"}]}, "A choice must have a name"),
        (
            "single_select",
            {"choices": [{"id": "a", "name": ""}]},
            "A choice must have a name",
        ),
        ("single_select", {"choices": [{"name": "A"}]}, "A choice must have an id"),
        (
            "single_select",
            {"choices": [{"id": "a", "name": "A\x00"}]},
            "Option name must be a string of at most 255 characters",
        ),
        (
            "single_select",
            {"choices": [{"id": "a", "name": "A"}, {"id": "a", "name": "B"}]},
            "Option choices has a id twice",
        ),
        (
            "single_select",
            {"choices": [{"id": "a", "name": "A"}, {"id": "b", "name": "A"}]},
            "Option choices has a name twice",
        ),
        ("linked_record", {}, "Option linked_table_id must be the id of a table"),
        (
            "linked_record",
            {"linked_table_id": "books"},
            "Option linked_table_id must be the id of a table",
        ),
        (
            "linked_record",
            {"linked_table_id": ONE, "allow_multiple": 0},
            "Option allow_multiple must be true or false",
        ),
        (
            "linked_record",
            {"linked_table_id": ONE, "reverse_name": "x" * 256},
            "Option reverse_name must be a string of at most 255 characters",
        ),
        (
            "autonumber",
            {"prefix": "x" * 41},
            "Option prefix must be a string of at most 40 characters",
        ),
        (
            "autonumber",
            {"prefix": "\ud800"},
            "Option prefix must be a string of at most 40 characters",
        ),
    ],
)
def test_wrong_options_are_refused_with_the_reason(
    type_: str, given: dict[str, Any], reason: str
):
    with pytest.raises(Invalid) as refused:
        read_options(type_, given)

    assert refused.value.code is Code.VALIDATION_ERROR
    assert refused.value.detail == reason
    assert refused.value.extra == {
        "errors": [{"loc": ["options"], "msg": reason, "type": "value_error"}]
    }


def test_a_select_has_at_most_a_thousand_choices():
    choices = [{"id": f"id{n}", "name": f"name {n}"} for n in range(MAX_CHOICES)]
    assert read_options("single_select", {"choices": choices}) == {"choices": choices}


OURS = {"json"}  # beside the document's


def test_there_are_as_many_types_as_are_documented():
    assert len(FIELD_TYPES.keys() - OURS) == 27
    assert FIELD_TYPES.keys() >= OURS


def test_every_type_has_the_column_that_the_store_keeps():
    columns = {name: one.column for name, one in FIELD_TYPES.items()}

    assert columns == {
        "text": "text",
        "long_text": "text",
        "url": "text",
        "email": "text",
        "phone": "text",
        "barcode": "text",
        "number": "numeric",
        "currency": "numeric",
        "percent": "numeric",
        "duration": "numeric",
        "rating": "integer",
        "checkbox": "boolean",
        "date": "date",
        "datetime": "timestamptz",
        "single_select": "text",
        "multi_select": "text[]",
        "user": "uuid",
        "linked_record": None,
        "autonumber": None,
        "dimension": "jsonb",
        "gdt": "jsonb",
        "thread": "jsonb",
        "material": "jsonb",
        "attachment": "jsonb",
        "json": "jsonb",
        "lookup": None,
        "rollup": None,
        "formula": None,
    }
    assert a_field("date", include_time=True).column == "timestamptz"
    assert a_field("user", allow_multiple=True).column == "uuid[]"
