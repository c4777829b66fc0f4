"""What a value becomes in a field of another type: A-083."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.conversions import (
    MOMENTS,
    NUMBERS,
    PLAIN_TEXTS,
    SELECTS,
    TEXTS,
    Turn,
    conversion_of,
    find,
    items_of,
    line_of,
)
from domain.errors import Invalid
from domain.values import FIELD_TYPES, BadValue, Value
from tests.domain.reading import a_field
from tests.domain.test_types_laws import CHOICES, SAMPLES, Sample, read

FROM_TEXT = {"checkbox", "linked_record", *TEXTS, *NUMBERS, *MOMENTS, *SELECTS}
OTHERS = [NUMBERS, MOMENTS, SELECTS, {"user"}]
NAMES = {
    "11111111-1111-4111-8111-111111111111": "Ada",
    "22222222-2222-4222-8222-222222222222": "Bob, Jr.",
    "33333333-3333-4333-8333-333333333333": "Twin",
    "44444444-4444-4444-8444-444444444444": "Twin",
    "55555555-5555-4555-8555-555555555555": None,
}
ADA, BOB, TWIN, _, NAMELESS = NAMES


def documented(source: str, target: str) -> bool:
    if target in PLAIN_TEXTS:
        return True
    if source in PLAIN_TEXTS and target == "json":
        return True
    if source in TEXTS:
        return target in FROM_TEXT
    return any({source, target} <= set(family) for family in OTHERS)


@pytest.mark.parametrize("source", FIELD_TYPES)
def test_a_083_what_can_become_what_is_as_the_values_page_says(source: str):
    found = {target for target in FIELD_TYPES if find(source, target)}

    assert found == {target for target in FIELD_TYPES if documented(source, target)}


def test_a_083_what_cannot_become_the_type_says_what_it_can_become():
    with pytest.raises(Invalid) as refused:
        conversion_of("user", "number")

    assert (
        refused.value.detail == "A field of type user cannot become one of type number"
    )
    assert refused.value.extra == {
        "errors": [
            {
                "loc": ["type"],
                "msg": "A field of type user cannot become one of type number;"
                " it can become one of text, long_text",
                "type": "enum",
            }
        ]
    }


def turn(source: str, target: str, before: Any = None, after: Any = None) -> Turn:
    return Turn(
        a_field(source, **(before or {})), a_field(target, **(after or {})), NAMES
    )


def becomes(value: Value, made: Turn) -> Value:
    found = find(made.source.type, made.target.type)
    assert found is not None
    return found.convert(value, made)


TIMED = {"include_time": True}
ZONED = {"timezone": "Europe/Berlin"}
MANY = {"allow_multiple": True}
SINGLE = {"allow_multiple": False}


@pytest.mark.parametrize(
    ("source", "before", "value", "target", "after", "expected"),
    [
        ("text", {}, "a", "long_text", {}, "a"),
        ("long_text", {}, "a@b.org", "email", {}, "a@b.org"),
        ("text", {}, "4006381333931", "barcode", {"format": "ean13"}, "4006381333931"),
        ("text", {}, " 1.50 ", "number", {}, "1.5"),
        ("text", {}, "1e3", "currency", {}, "1000"),
        ("text", {}, "12345678901234567.25", "number", {}, "12345678901234567.25"),
        ("text", {}, "  ", "number", {}, None),
        ("text", {}, "0", "rating", {}, None),
        ("text", {}, "1:30", "duration", {}, "5400"),
        ("text", {}, "50", "percent", {}, "50"),
        ("text", {}, "YES", "checkbox", {}, True),
        ("text", {}, "0", "checkbox", {}, False),
        ("text", {}, "2024-02-29", "date", {}, "2024-02-29"),
        ("text", {}, "2024-01-31", "date", TIMED, "2024-01-31T00:00:00Z"),
        ("text", {}, "2024-01-31", "datetime", ZONED, "2024-01-30T23:00:00Z"),
        ("text", {}, "2024-01-31 10:00:00", "datetime", {}, "2024-01-31T10:00:00Z"),
        ("text", {}, "b", "single_select", CHOICES, "a"),
        ("text", {}, " C, c ", "single_select", CHOICES, "c"),
        ("text", {}, "C, c", "multi_select", CHOICES, ["c"]),
        ("text", {}, 'a, "C, c" , a', "multi_select", CHOICES, ["b", "c"]),
        ("text", {}, "Ada", "linked_record", {}, [ADA]),
        ("text", {}, " Bob, Jr. ", "linked_record", {}, [BOB]),
        ("text", {}, 'Ada,"Bob, Jr.", Ada', "linked_record", {}, [ADA, BOB]),
        ("text", {}, NAMELESS.upper(), "linked_record", {}, [NAMELESS]),
        ("text", {}, " , ", "linked_record", {}, None),
        ("number", {}, "2.50", "currency", {}, "2.5"),
        ("duration", {}, "90", "number", {}, "90"),
        ("number", {}, "0", "rating", {}, None),
        ("percent", {"format": "fraction"}, "0.5", "percent", {}, "0.5"),
        ("date", {}, "2024-01-31", "datetime", {}, "2024-01-31T00:00:00Z"),
        ("date", {}, "2024-07-01", "datetime", ZONED, "2024-06-30T22:00:00Z"),
        # Beirut had no midnight on that day
        (
            "date",
            {},
            "2021-03-28",
            "datetime",
            {"timezone": "Asia/Beirut"},
            "2021-03-27T22:00:00Z",
        ),
        ("datetime", ZONED, "2024-06-30T22:00:00Z", "date", {}, "2024-07-01"),
        ("datetime", {}, "2024-06-30T22:00:00Z", "date", ZONED, "2024-06-30"),
        ("date", TIMED, "2024-06-30T22:00:00Z", "date", {}, "2024-06-30"),
        ("date", {}, "2024-06-30", "date", TIMED, "2024-06-30T00:00:00Z"),
        ("single_select", CHOICES, "c", "multi_select", CHOICES, ["c"]),
        ("multi_select", CHOICES, ["c"], "single_select", CHOICES, "c"),
        ("user", {}, ADA, "user", MANY, [ADA]),
        ("user", MANY, [ADA], "user", {}, ADA),
        ("number", {}, "-0.25", "text", {}, "-0.25"),
        ("checkbox", {}, False, "text", {}, "false"),
        ("checkbox", {}, True, "long_text", {}, "true"),
        ("date", {}, "2024-01-31", "text", {}, "2024-01-31"),
        ("single_select", CHOICES, "c", "text", {}, "C, c"),
        ("single_select", CHOICES, "gone", "text", {}, None),
        ("multi_select", CHOICES, ["a", "c", "d"], "text", {}, 'b, "C, c", """\\"'),
        ("multi_select", CHOICES, ["c"], "text", {}, "C, c"),
        ("user", MANY, [ADA, BOB], "text", {}, f"{ADA}, {BOB}"),
        ("autonumber", {"prefix": "P-"}, "7", "text", {}, "P-7"),
        ("formula", {"formula": "1"}, None, "text", {}, None),
        ("linked_record", {}, [ADA], "text", {}, "Ada"),
        ("linked_record", {}, [BOB], "text", {}, "Bob, Jr."),
        ("linked_record", {}, [BOB, NAMELESS], "text", {}, f'"Bob, Jr.", {NAMELESS}'),
        ("material", {}, {"name": "Oak"}, "text", {}, '{"name":"Oak"}'),
        (
            "dimension",
            {},
            {"unit": "mm", "value": "1.50", "plus": "0.1", "minus": None},
            "text",
            {},
            '{"minus":null,"plus":0.1,"unit":"mm","value":1.50}',
        ),
    ],
)
def test_a_083_a_value_becomes(source, before, value, target, after, expected):
    made = turn(source, target, before, after)

    assert (None if value is None else becomes(value, made)) == expected


@pytest.mark.parametrize(
    ("source", "before", "value", "target", "after", "reason"),
    [
        ("text", {}, "abc", "number", {}, "Value must be a number"),
        ("text", {}, "1,000", "number", {}, "Value must be a number"),
        ("text", {}, "1.234", "currency", {}, "Value must have at most 2 decimals"),
        ("text", {}, "6", "rating", {}, "Value must be from 1 to 5"),
        ("text", {}, "on", "checkbox", {}, "Value must be true or false"),
        ("text", {}, "2023-02-29", "date", {}, "Value is not a real day"),
        (
            "text",
            {},
            "2024-01-31T10:00:00Z",
            "date",
            {},
            "Value must be a date such as 2024-01-31",
        ),
        (
            "text",
            {},
            "31.1.2024",
            "datetime",
            {},
            "Value must be a date and time such as 2024-01-31T10:00:00Z",
        ),
        (
            "text",
            {},
            "x",
            "single_select",
            CHOICES,
            "Value must match one of the defined choices",
        ),
        (
            "text",
            {},
            "a, x",
            "multi_select",
            CHOICES,
            "Value must be of the defined choices",
        ),
        ("text", {}, "Eve", "linked_record", {}, "No record is called 'Eve'"),
        ("text", {}, "Twin", "linked_record", {}, "Several records are called 'Twin'"),
        (
            "text",
            {},
            'Ada, "Bob, Jr."',
            "linked_record",
            SINGLE,
            "This field links to at most one record",
        ),
        (
            "long_text",
            {},
            "x" * 10_001,
            "text",
            {},
            "Value must have at most 10000 characters",
        ),
        ("number", {}, "101", "percent", {}, "Value must be from 0 to 100"),
        ("number", {}, "2.5", "rating", {}, "Value must be a whole number"),
        ("number", {}, "-1", "duration", {}, "Value must not be negative"),
        ("date", {}, "0001-01-01", "datetime", ZONED, "Value is beyond the calendar"),
        (
            "multi_select",
            CHOICES,
            ["a", "b"],
            "single_select",
            CHOICES,
            "Value has several choices",
        ),
        (
            "single_select",
            CHOICES,
            "a",
            "multi_select",
            {"choices": []},
            "The choice 'b' is not there",
        ),
        ("user", MANY, [ADA, BOB], "user", {}, "Value has several users"),
    ],
)
def test_a_083_a_value_that_does_not_convert_says_why(
    source, before, value, target, after, reason
):
    with pytest.raises(BadValue) as refused:
        becomes(value, turn(source, target, before, after))

    assert str(refused.value) == reason


def test_a_choice_keeps_its_id_or_is_found_by_its_name():
    again = {"choices": [{"id": "new", "name": "b"}, {"id": "c", "name": "Renamed"}]}

    made = turn("multi_select", "multi_select", CHOICES, again)

    assert becomes(["a", "c"], made) == ["new", "c"]


@pytest.mark.parametrize(
    ("source", "value", "target", "left"),
    [
        ("multi_select", ["a", "c", "b"], "multi_select", ["c"]),
        ("multi_select", ["a", "b"], "multi_select", None),
        ("multi_select", ["a", "c"], "single_select", None),
        ("single_select", "a", "single_select", None),
        ("single_select", "a", "multi_select", None),
    ],
)
def test_force_takes_the_removed_choices_and_leaves_the_others(
    source, value, target, left
):
    found = conversion_of(source, target)
    kept = {"choices": [{"id": "c", "name": "C, c"}]}

    assert found.forced(value, turn(source, target, CHOICES, kept)) == left


OPTIONS = st.sampled_from(
    [{}, CHOICES, MANY, SINGLE, ZONED, TIMED, {"precision": 0}, {"max_length": 3}]
)


# what is sent of a value, and a type that a field of its type can become
TURNS = SAMPLES.flatmap(
    lambda sample: st.tuples(
        st.just(sample),
        st.sampled_from([one for one in sorted(FIELD_TYPES) if find(sample[0], one)]),
    )
)


@given(TURNS, OPTIONS)
def test_every_conversion_gives_what_its_field_takes_or_says_why_not(
    sampled: tuple[Sample, str], options: dict[str, Any]
):
    sample, target = sampled
    source, kept = read(sample)
    assume(kept is not None)
    found = conversion_of(source.type, target)
    after = (
        a_field(target, **FIELD_TYPES[target].options({**source.options, **options}))
        if target != "linked_record"
        else a_field(target, **options)
    )
    made = Turn(source, after, NAMES)
    try:
        value = found.convert(kept, made)
    except BadValue:
        value = found.forced(kept, made)
    if value is not None:
        shown = after.kind.show(value, after)
        assert after.kind.read(shown, after) == value


@given(SAMPLES, st.sampled_from(sorted(PLAIN_TEXTS)))
def test_what_came_from_a_number_a_day_or_a_choice_goes_back(sample: Sample, text: str):
    """The text of a value is one that its type reads."""
    source, kept = read(sample)
    there, back = find(source.type, text), find(text, source.type)
    assume(there is not None and back is not None and kept is not None)
    assert there is not None
    assert back is not None
    middle = a_field(text)
    spelled = there.convert(kept, Turn(source, middle))

    if spelled is not None:
        found = back.convert(
            spelled,
            Turn(
                middle,
                source,
                dict.fromkeys(kept) if source.type == "linked_record" else {},
            ),
        )
        assert found == (kept if isinstance(kept, bool | list) else (str(kept) or None))


@given(st.lists(st.text(min_size=1).map(str.strip).filter(bool)))
def test_a_list_of_names_is_one_line_that_reads_back(names: list[str]):
    names = [one.replace("\r", "").strip() for one in names]
    names = [one for one in names if one and "\0" not in one]

    assert items_of(line_of(names)) == names
