"""The options that a field of any type takes."""

from decimal import Decimal
from typing import Any

import pytest

from domain.errors import Invalid
from domain.values import FIELD_TYPES, read_options, shown_default
from tests.domain.reading import a_field

CHOICES = [{"id": "one", "name": "One"}, {"id": "two", "name": "Two"}]
ID = "11111111-1111-4111-8111-111111111111"
# what a type needs beside
NEEDED: dict[str, dict[str, Any]] = {
    "single_select": {"choices": CHOICES},
    "multi_select": {"choices": CHOICES},
    "linked_record": {"linked_table_id": ID},
    "lookup": {"linked_field_id": ID, "lookup_field_id": ID},
    "rollup": {"linked_field_id": ID, "rollup_field_id": ID, "function": "SUM"},
    "formula": {"formula": "1"},
}


@pytest.mark.parametrize("type_", FIELD_TYPES)
def test_a_field_of_any_type_may_be_private_and_have_a_placeholder(type_: str):
    own = NEEDED.get(type_, {})
    said = {"placeholder": "Enter post title", "private": True}

    found = read_options(type_, {**own, **said})

    assert {name: found[name] for name in said} == said
    assert read_options(type_, found) == found


@pytest.mark.parametrize("type_", FIELD_TYPES)
def test_what_is_not_said_is_not_there(type_: str):
    own = NEEDED.get(type_, {})
    said = {"placeholder": "", "private": False, "default_value": None}

    assert read_options(type_, {**own, **said}) == read_options(type_, own)
    assert read_options(type_, own).keys().isdisjoint(said)


@pytest.mark.parametrize(
    ("type_", "options", "given", "kept"),
    [
        ("text", {}, "Hello", "Hello"),
        ("text", {}, "", None),
        ("number", {}, Decimal("1.50"), 1.5),
        ("number", {}, 5.0, 5),
        ("currency", {}, 19.99, 19.99),
        ("checkbox", {}, False, False),
        ("date", {}, "2024-01-31", "2024-01-31"),
        ("datetime", {}, "2024-01-31T10:00:00+01:00", "2024-01-31T09:00:00Z"),
        ("single_select", NEEDED["single_select"], "One", "one"),
        ("multi_select", NEEDED["multi_select"], ["Two", "one"], ["two", "one"]),
        ("linked_record", NEEDED["linked_record"], ID.upper(), [ID]),
        ("attachment", {}, [{"id": ID.upper()}], [{"id": ID}]),
        ("dimension", {}, 1, {"value": 1, "unit": "mm", "plus": None, "minus": None}),
        ("json", {"items": "number"}, [1, 2.5], [1, 2.5]),
        ("json", {}, {"a": 1}, {"a": 1}),
    ],
)
def test_a_default_is_what_the_field_takes_and_takes_again(
    type_: str, options: dict[str, Any], given: Any, kept: Any
):
    found = read_options(type_, {**options, "default_value": given})

    assert found.get("default_value") == kept
    assert read_options(type_, found) == found


@pytest.mark.parametrize(
    ("type_", "options", "reason"),
    [
        ("number", {"default_value": "5"}, "default_value: Value must be a number"),
        ("email", {"default_value": "x"}, "default_value: Value must be an e-mail add"),
        (
            "single_select",
            {"choices": CHOICES, "default_value": "Three"},
            "default_value: Value must match one of the defined choices",
        ),
        ("autonumber", {"default_value": 1}, "default_value: Field is read-only"),
        (
            "number",
            {"default_value": Decimal("0.12345678901234567890")},
            "default_value has a number with too many digits",
        ),
        ("text", {"placeholder": 1}, "placeholder must be a string"),
        (
            "text",
            {"placeholder": "x" * 1001},
            "placeholder must be a string of at most",
        ),
        ("text", {"private": "yes"}, "private must be true or false"),
    ],
)
def test_what_does_not_fit_is_refused(type_: str, options: dict[str, Any], reason: str):
    with pytest.raises(Invalid) as refused:
        read_options(type_, options)

    assert refused.value.detail.startswith(f"Option {reason}")


def test_a_choice_that_is_a_default_is_shown_by_its_present_name():
    renamed = [{"id": "one", "name": "First"}, {"id": "two", "name": "Two"}]
    one = a_field("single_select", choices=renamed, default_value="one")

    assert shown_default(one) == "First"
    assert shown_default(a_field("number", default_value=5)) == 5
    assert shown_default(a_field("number")) is None
