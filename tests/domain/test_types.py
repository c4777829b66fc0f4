"""What the types beyond text, number, date and choice take, keep and refuse."""

from decimal import Decimal
from typing import Any

import pytest

from domain.values import BadValue
from domain.values.computed import formula_options, rollup_options
from domain.values.dimension import compared_dimension
from domain.values.formats import is_email, is_phone, is_url
from domain.values.formula import references, renamed
from tests.domain.reading import a_field, kept, refusal

ID = "11111111-1111-4111-8111-1111111111aa"


@pytest.mark.parametrize(
    ("value", "type_", "options", "expected"),
    [
        (19.99, "currency", {}, "19.99"),
        (19.999, "currency", {"precision": 3}, "19.999"),
        (100, "percent", {}, "100"),
        (Decimal("0.5"), "percent", {"format": "fraction"}, "0.5"),
        (0, "rating", {}, None),
        (0.0, "rating", {}, None),
        (5, "rating", {}, "5"),
        (10, "rating", {"max": 10}, "10"),
        ("", "duration", {}, None),
        (0, "duration", {}, "0"),
        (1.5, "duration", {}, "1.5"),
        ("0:00", "duration", {}, "0"),
        ("1:30", "duration", {}, "5400"),
        ("12:34:56", "duration", {}, "45296"),
        ("0:00:00.25", "duration", {}, "0.25"),
        ("999999999:59:59", "duration", {}, "3599999999999"),
        (ID.upper(), "user", {}, ID),
        ("", "user", {}, None),
        ([], "user", {"allow_multiple": True}, None),
        ([ID, ID.upper()], "user", {"allow_multiple": True}, [ID]),
        (ID, "user", {"allow_multiple": True}, [ID]),
    ],
)
def test_a_value_is_kept(value: Any, type_: str, options: Any, expected: Any):
    assert kept(value, type_, **options) == expected


@pytest.mark.parametrize(
    ("value", "type_", "options", "reason"),
    [
        (0.001, "currency", {}, "Value must have at most 2 decimals"),
        (100.1, "percent", {}, "Value must be from 0 to 100"),
        (1.1, "percent", {"format": "fraction"}, "Value must be from 0 to 1"),
        (6, "rating", {}, "Value must be from 1 to 5"),
        (-1, "rating", {}, "Value must be from 1 to 5"),
        (0.5, "rating", {}, "Value must be a whole number"),
        (-0.1, "duration", {}, "Value must not be negative"),
        ("1:60", "duration", {}, "Value must be seconds, or a time such as 1:30"),
        ([ID], "user", {}, "Value must be a member's id"),
        ("x", "user", {}, "Value has a malformed user id"),
        ("https://", "url", {}, "Value must be an absolute URL"),
        ("x" * 250 + "@a.org", "email", {}, "Value must have at most 254 characters"),
        ("4006381333932", "barcode", {"format": "ean13"}, "The check digit is wrong"),
        ("12345", "barcode", {"format": "UPC-A"}, "Value must have 12 digits"),
    ],
)
def test_a_value_is_refused(value: Any, type_: str, options: Any, reason: str):
    assert refusal(value, type_, **options)[0].startswith(reason)


# addresses


@pytest.mark.parametrize(
    "text",
    ["a@b.co", "ü@bücher.de", "x@हिन्दी.भारत", "a.b+c@d-e.f.org", "!#$%&'*+/=?@a.org"],
)
def test_an_e_mail_address(text: str):
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "@b.co",
        "a@",
        "a@b",
        ".a@b.co",
        "a.@b.co",
        "a..b@c.de",
        "a@-b.de",
        "a@b-.de",
        "a@b..de",
        "a@b_c.de",
        "a b@c.de",
        "a@b.de\n",
        "<a@b.de>",
        "a@b@c.de,",
        "x" * 65 + "@a.org",
        "a@" + "x" * 64 + ".org",
    ],
)
def test_no_e_mail_address(text: str):
    assert not is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://x",
        "HTTPS://Example.org",
        "https://user:p@h.de:8443/a/b;c?d=[1]#e",
        "https://[2001:db8::1]/",
        "http://my_host/",
        "ftp://files.example.org",
        "mailto:a@b.org",
        "mailto:a@b.org,c@d.org?subject=Hi",
    ],
)
def test_a_url(text: str):
    assert is_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "/a/b",
        "//a.b/c",
        "www.example.org",
        "http:",
        "http://",
        "http:///a",
        "http://a b/",
        "http://a/b c",
        "http://a:99999/",
        "http://a:x/",
        "http://[::1/",
        "http://[x]/",
        "http://-a-.b/",
        "http://a/<b>",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "mailto:",
        "mailto:a",
        " http://a",
    ],
)
def test_no_url(text: str):
    assert not is_url(text)


@pytest.mark.parametrize("text", ["12345", "+49 (30) 123-45.67", "(+1) 23456"])
def test_a_telephone_number(text: str):
    assert is_phone(text)


@pytest.mark.parametrize(
    "text", ["1234", "1" * 21, "12a45", "1+2345", "٣٣٣٣٣", "+-()."]
)
def test_no_telephone_number(text: str):
    assert not is_phone(text)


# measures


def test_a_measure_is_kept_in_the_field_s_unit():
    assert kept(1.50, "dimension", unit="mm") == {
        "value": "1.5",
        "unit": "mm",
        "plus": None,
        "minus": None,
    }
    inch = {"value": 2, "unit": "inch", "plus": 0.5, "minus": 0}
    assert kept(inch, "dimension", unit="mm") == {
        "value": "50.8",
        "unit": "mm",
        "plus": "12.7",
        "minus": "0",
    }


@pytest.mark.parametrize(
    ("value", "unit", "into", "text"),
    [
        (1, "m", "mm", "1000"),
        (1, "µm", "mm", "0.001"),
        (1, "um", "nm", "1000"),
        (1, "ft", "in", "12"),
        (1, "mi", "m", "1609.344"),
        (1, "mil", "mm", "0.0254"),
        (1, "mm", "in", "0.0393700787401575"),
        (-1, "mm", "in", "-0.0393700787401575"),
        (127, "mm", "in", "5"),
        (Decimal("0.00000000000000000001"), "nm", "km", "0." + "0" * 31 + "1"),
    ],
)
def test_lengths_are_converted(value: Any, unit: str, into: str, text: str):
    found = kept({"value": value, "unit": unit}, "dimension", unit=into)
    assert isinstance(found, dict)
    assert found["value"] == text


def test_what_is_no_length_is_not_converted():
    assert kept({"value": 90, "unit": "deg"}, "dimension", unit="deg")
    for unit, into in (("kg", "mm"), ("mm", "kg"), ("MM", "mm")):
        with pytest.raises(BadValue, match="cannot be converted"):
            kept({"value": 1, "unit": unit}, "dimension", unit=into)


def test_a_filter_compares_in_the_field_s_unit():
    field = a_field("dimension", unit="cm")
    assert compared_dimension({"value": 1, "unit": "in"}, field) == "2.54"
    assert compared_dimension(7, field) == "7"


# drawings


@pytest.mark.parametrize(
    ("given", "symbol"),
    [
        ("position", "position"),
        ("True Position", "position"),
        (" FLATNESS ", "flatness"),
        ("profile of a surface", "profile_of_a_surface"),
        ("line-profile", "profile_of_a_line"),
        ("Roundness", "circularity"),
        ("⌭", "cylindricity"),
        ({"symbol": "runout", "datums": [], "modifier": ""}, "circular_runout"),
    ],
)
def test_a_symbol_has_one_name(given: Any, symbol: str):
    assert kept(given, "gdt") == {"symbol": symbol}


@pytest.mark.parametrize(
    ("designation", "standard"),
    [
        ("M8", "ISO 261"),
        ("M8x1.25-6g", "metric"),
        ("M3.5x0.6 LH", "DIN 13"),
        ("1/4-20 UNC-2A", "UNC"),
        ("#10-32 UNF", "ASME B1.1"),
        ("1 1/2-6 UNC", "Unified"),
        (".250-28 UNF", "UNF"),
        ("1/2-14 NPT", "npt"),
        ("G 1/2", "ISO 228"),
        ("R3/4", "ISO 7-1"),
        ("Tr40x7", "DIN 103"),
        ("1-5 ACME", "acme"),
        ("whatever", "House rule 7"),
    ],
)
def test_a_thread_follows_its_standard(designation: str, standard: str):
    given = {"designation": designation, "standard": standard}
    assert kept(given, "thread") == given
    assert kept(designation, "thread", standard=standard) == {
        "designation": designation
    }


@pytest.mark.parametrize(
    ("designation", "standard"),
    [
        ("1/4-20 UNC", "metric"),
        ("8x1.25", "ISO 261"),
        ("M8", "UNC"),
        ("1/4-28 UNF", "UNC"),
        ("1/2 NPT", "npt"),
        ("Tr40", "trapezoidal"),
    ],
)
def test_a_thread_of_another_standard_is_refused(designation: str, standard: str):
    with pytest.raises(BadValue, match="is none of"):
        kept({"designation": designation, "standard": standard}, "thread")


def test_a_designation_has_single_blanks():
    assert kept("  M8 \u00d7\t1.25 ", "thread") == {"designation": "M8x1.25"}


# formulas


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("1 + 2", []),
        ("{A} + {B c} * {A}", ["A", "B c"]),
        ("\"{A}\" & '{B}' & {C}", ["C"]),
        ('"a \\" {B}"', []),
        ("{a \\} \\{ \\\\ b}", ["a } { \\ b"]),
        ("IF({Ä}>=1,{x<>y},'')", ["Ä", "x<>y"]),
    ],
)
def test_the_references_of_a_formula(formula: str, names: list[str]):
    assert references(formula) == names
    assert formula_options({"formula": formula}) == {"formula": formula}
    assert renamed(formula, lambda name: name) == formula


def test_references_are_renamed_and_nothing_else():
    found = renamed("{A}+'{A}' & {B}", {"A": "x}y", "B": "A"}.__getitem__)
    assert found == "{x\\}y}+'{A}' & {A}"
    assert references(found) == ["x}y", "A"]


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("", "Formula is empty"),
        (" \n", "Formula is empty"),
        ("1 + {", "Formula cannot be read at character 5"),
        ("{}", "Formula cannot be read at character 1"),
        ("A}", "Formula cannot be read at character 2"),
        ("'x", "Formula cannot be read at character 1"),
        ("1;2", "Formula cannot be read at character 2"),
        ("(1", "Formula leaves a bracket open"),
        ("1)(", "Formula closes at character 2 what is not open"),
    ],
)
def test_a_formula_that_cannot_be_read(formula: str, reason: str):
    with pytest.raises(BadValue) as refused:
        formula_options({"formula": formula})
    assert str(refused.value) == reason


def test_a_rollup_names_its_function_in_any_case():
    options = {"linked_field_id": ID, "rollup_field_id": ID.upper(), "function": "Sum"}
    assert rollup_options(options) == {
        "linked_field_id": ID,
        "rollup_field_id": ID,
        "function": "SUM",
    }
