"""Fields of any JSON: what they keep, as which text, and what an array is made of."""

from decimal import Decimal
from typing import Any

import pytest

from domain.errors import Invalid
from domain.values import is_kept_json, json_from, json_of, merged, read_options
from tests.domain.reading import a_field, kept, refusal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "x"]}, '{"a": [true, null, "x"], "b": 1}'),
        ({"long": 1, "z": 2, "é": 3}, '{"z": 2, "é": 3, "long": 1}'),
        (Decimal("1.50"), "1.5"),
        (Decimal("12345678901234567890.125"), "12345678901234567890.125"),
        (1e21, "1000000000000000000000"),
        (-0.0, "0"),
        ('a"\\\n\x01\x7f𝄞', '"a\\"\\\\\\n\\u0001\x7f𝄞"'),
        (False, "false"),
        (0, "0"),
        ({"a": {}}, '{"a": {}}'),
    ],
)
def test_any_json_is_kept_as_one_text(value: Any, text: str):
    assert kept(value, "json") == text
    assert kept(json_of(text), "json") == text


@pytest.mark.parametrize("value", ["", [], {}])
def test_nothing_is_no_value(value: Any):
    assert kept(value, "json") is None


def test_true_and_one_are_two_values():
    assert kept({"a": True}, "json") != kept({"a": 1}, "json")


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (_deep(51), "Value is nested too deeply"),
        ("x" * 1_000_000, "Value must have at most 1000000 bytes as JSON"),
        ({"\x00": 1}, "Value has a character that cannot be stored"),
        (["\ud800"], "Value has a character that cannot be stored"),
        (Decimal("1e401"), "Value has too many digits"),
    ],
)
def test_what_cannot_be_stored_is_refused(value: Any, message: str):
    assert refusal(value, "json")[0] == message
    assert kept(_deep(50), "json") == "[" * 50 + "1" + "]" * 50


@pytest.mark.parametrize(
    ("items", "value", "text"),
    [
        ("text", ["b", "", "a", None], '["b", "a"]'),
        ("number", [Decimal("0.10"), 2, -3.5], "[0.1, 2, -3.5]"),
        ("checkbox", [True, False], "[true, false]"),
        ("email", ["a@b.org"], '["a@b.org"]'),
        ("date", ["2024-01-31"], '["2024-01-31"]'),
        ("datetime", ["2024-01-31T10:00:00+01:00"], '["2024-01-31T09:00:00Z"]'),
        ("long_text", [], None),
        ("number", "", None),
    ],
)
def test_an_array_is_made_of_values_of_its_type(items: str, value: Any, text: Any):
    assert kept(value, "json", items=items) == text


@pytest.mark.parametrize(
    ("options", "value", "message"),
    [
        ({"items": "number"}, ["1"], "Value must be a number"),
        ({"items": "number"}, 1, "Value must be an array"),
        ({"items": "url"}, ["nowhere"], "Value must be an absolute URL of http, https"),
        ({"other": True}, [1], "Value must be an object"),
    ],
)
def test_an_array_or_an_object_takes_nothing_else(
    options: dict[str, Any], value: Any, message: str
):
    assert refusal(value, "json", **options)[0].startswith(message)


def test_options_say_what_the_value_is():
    assert read_options("json", {"items": "url", "x": 1}) == {"items": "url"}
    assert read_options("json", {"other": True}) == {"other": True}
    assert read_options("json", {"other": False}) == {}
    with pytest.raises(Invalid, match="Option items must be one of text, long_text"):
        read_options("json", {"items": "json"})
    with pytest.raises(Invalid, match="Option other does not go with items"):
        read_options("json", {"items": "url", "other": True})


@pytest.mark.parametrize("text", ["", "{", "nan", "[" * 100_000])
def test_a_text_that_is_no_json_is_refused_in_those_words(text: str):
    assert refusal(json_from(text), "json") == (
        "Value must be JSON",
        "value_error.json",
    )
    assert not is_kept_json(text)


def test_a_text_of_another_spelling_is_not_what_is_kept():
    assert is_kept_json('{"a": 1}')
    assert not is_kept_json('{"a":1}')


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        (None, '{"a": 1}', '{"a": 1}'),
        ('{"a": 1}', '{"b": 2}', '{"a": 1, "b": 2}'),
        ('{"a": 1, "b": {"c": 1}}', '{"b": {"d": null}}', '{"a": 1, "b": {"d": null}}'),
        ('{"a": 1}', '{"a": null}', None),
        ('{"a": 1}', '{"b": null}', '{"a": 1}'),
        ("[1]", '{"a": 1}', '{"a": 1}'),
        ('{"a": 1}', None, '{"a": 1}'),
    ],
)
def test_keys_are_put_over_those_that_are_there(before: Any, keys: Any, after: Any):
    assert merged(before, keys) == after


def test_an_attachment_may_be_one_at_most():
    two = [{"url": "https://a.org/1"}, {"url": "https://a.org/2"}]

    assert refusal(two, "attachment", allow_multiple=False)[0] == (
        "This field holds at most one attachment"
    )
    assert kept(two[:1] * 2, "attachment", allow_multiple=False) is not None
    assert read_options("attachment", {"allow_multiple": False}) == {
        "allow_multiple": False
    }
    assert a_field("json", other=True).column == "jsonb"
