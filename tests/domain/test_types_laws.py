"""Laws of every type's values: what is shown reads back as what is kept."""

import json
import string
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.constraint import unique_digest
from domain.values import FIELD_TYPES, BadValue
from domain.values.dimension import METRES
from domain.values.engineering import SYMBOLS
from tests.domain.reading import a_field

Sample = tuple[str, dict[str, Any], Any]  # type, options, what a client sends

numbers = st.decimals(-(10**12), 10**12, allow_nan=False, places=9)
tolerances = st.none() | st.decimals(0, 1000, allow_nan=False, places=6)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
names = texts.filter(str.strip)
ids = st.uuids().map(str)
CHOICES = {
    "choices": [
        {"id": "a", "name": "b"},
        {"id": "b", "name": "a"},
        {"id": "c", "name": "C, c"},
        {"id": "d", "name": '"\\'},
    ]
}
chosen = st.sampled_from(["a", "b", "c", "C, c", "d", '"\\'])


def sent(type_: str, values: st.SearchStrategy[Any], **options: Any) -> Any:
    return values.map(lambda value: (type_, options, value))


def measures() -> st.SearchStrategy[Any]:
    units = st.sampled_from([*METRES, '"', "um"])
    return numbers | st.fixed_dictionaries(
        {"value": numbers},
        optional={"unit": units, "plus": tolerances, "minus": tolerances},
    )


def objects(main: str, *others: str) -> st.SearchStrategy[Any]:
    return names | st.fixed_dictionaries(
        {main: names}, optional=dict.fromkeys(others, texts)
    )


symbols = st.fixed_dictionaries(
    {"symbol": st.sampled_from([*SYMBOLS, *SYMBOLS.values(), "Total Runout"])},
    optional={
        "tolerance": tolerances,
        "datums": st.lists(names, max_size=3, unique=True),
        "modifier": texts,
    },
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
).filter(lambda one: one is not None)
SAMPLES: st.SearchStrategy[Sample] = st.one_of(
    sent("text", texts),
    sent("long_text", texts),
    sent("number", numbers),
    sent("currency", st.decimals(-(10**9), 10**9, places=2)),
    sent("percent", st.decimals(0, 100, places=5)),
    sent("percent", st.decimals(0, 1, places=5), format="fraction"),
    sent("rating", st.integers(0, 9), max=9),
    sent("duration", st.decimals(0, 10**9, places=6)),
    sent("duration", st.from_regex(r"\A[0-9]{1,5}:[0-5][0-9](:[0-5][0-9])?\Z")),
    sent("checkbox", st.booleans()),
    sent("date", st.dates().map(str)),
    sent("datetime", st.datetimes().map(lambda one: one.isoformat(" ") + "Z")),
    sent("single_select", chosen, **CHOICES),
    sent("multi_select", st.lists(chosen, max_size=4), **CHOICES),
    sent("linked_record", st.lists(ids, max_size=4)),
    sent("user", ids),
    sent("user", st.lists(ids, max_size=4), allow_multiple=True),
    sent(
        "url", st.text(string.ascii_letters, min_size=1).map("https://x.org/{}".format)
    ),
    sent("email", st.emails()),
    sent("phone", st.text("0123456789 -().", min_size=5, max_size=20)),
    sent("barcode", texts),
    sent("dimension", measures(), unit="in"),
    sent("dimension", measures(), unit="mm"),
    sent("gdt", symbols),
    sent("thread", objects("designation", "class")),
    sent("material", objects("name", "standard", "grade")),
    sent("json", json_values),
    sent("json", st.lists(numbers | st.none(), max_size=3), items="number"),
    sent("json", st.dictionaries(texts, json_values, max_size=3), other=True),
)


def read(sample: Sample) -> tuple[Any, Any]:
    """The field and the kept value; None where it is refused."""
    type_, options, value = sample
    field = a_field(type_, **options)
    try:
        return field, field.kind.read(value, field)
    except BadValue:
        return field, None


@given(SAMPLES)
def test_what_is_shown_reads_back_as_what_is_kept(sample: Sample):
    field, kept = read(sample)
    if kept is not None:
        shown = field.kind.show(kept, field)
        assert field.kind.read(shown, field) == kept


@given(SAMPLES)
def test_what_is_kept_is_json_that_comes_back_as_it_was(sample: Sample):
    _, kept = read(sample)
    assert json.loads(json.dumps(kept)) == kept


@given(SAMPLES)
def test_equal_values_share_a_digest_however_they_are_stored(sample: Sample):
    """The store may give an object's parts in another order."""
    _, kept = read(sample)
    other = kept
    if isinstance(kept, dict):
        other = dict(reversed(kept.items()))
    if isinstance(kept, list):
        other = kept[::-1]
    for case_sensitive in (True, False):
        assert unique_digest(kept, case_sensitive=case_sensitive) == unique_digest(
            other, case_sensitive=case_sensitive
        )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | numbers | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "unit", "symbol", "name", "designation", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(FIELD_TYPES)), anything)
def test_any_json_is_kept_or_refused(type_: str, value: Any):
    if value is not None:
        read((type_, {"unit": "mm", "choices": []}, value))


@given(numbers, st.sampled_from([*METRES]), st.sampled_from([*METRES]))
def test_a_conversion_is_right_to_fifteen_digits(number: Decimal, one: str, other: str):
    field = a_field("dimension", unit=other)
    kept = field.kind.read({"value": number, "unit": one}, field)
    assert isinstance(kept, dict)

    exact = float(number) * float(METRES[one] / METRES[other])

    assert abs(float(kept["value"]) - exact) <= abs(exact) * 1e-12
