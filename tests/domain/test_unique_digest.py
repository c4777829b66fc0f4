"""Which values a unique constraint takes for equal: those that share a digest."""

import pytest

from domain.constraint import unique_digest
from domain.values import Value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "Ada"),
        ("é", "e\u0301"),  # NFC
        ("\u212b", "\u00c5"),  # the sign of the unit, the letter
        (True, True),
        ("29.99", "29.99"),
    ],
)
def test_equal_values_share_a_digest(one: Value, other: Value):
    for case_sensitive in (True, False):
        digest = unique_digest(one, case_sensitive=case_sensitive)
        assert digest is not None
        assert len(digest) == 32
        assert digest == unique_digest(other, case_sensitive=case_sensitive)


@pytest.mark.parametrize(
    ("one", "other"), [("Ada", "ADA"), ("Straße", "STRASSE"), ("É", "e\u0301")]
)
def test_case_is_folded_where_it_does_not_count(one: str, other: str):
    assert unique_digest(one, case_sensitive=False) == unique_digest(
        other, case_sensitive=False
    )
    assert unique_digest(one, case_sensitive=True) != unique_digest(
        other, case_sensitive=True
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("a", "b"), ("a", "a "), (" a", "a"), ("1", "2"), (True, False), ("ﬁ", "f i")],
)
def test_nothing_is_trimmed_and_different_values_differ(one: Value, other: Value):
    for case_sensitive in (True, False):
        assert unique_digest(one, case_sensitive=case_sensitive) != unique_digest(
            other, case_sensitive=case_sensitive
        )


def test_an_empty_value_has_no_digest():
    assert unique_digest(None, case_sensitive=True) is None


def test_digests_are_as_they_were_ever_since():
    """What is kept in the store was made by this very rule, `nfc-casefold-1`."""
    assert unique_digest("Ada", case_sensitive=True) == bytes.fromhex(
        "99a563ab2f6e21e96998f9fddd2a2bab82b70ac019579502b8d7fc0032ff62bb"
    )
    assert unique_digest("Straße", case_sensitive=False) == bytes.fromhex(
        "16d96952087774fee069b7585d3991b24d90c181c09b2129b4908c35baa7f0c0"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a", "b"], ["b", "a"]),
        ({"value": "1", "unit": "mm"}, {"unit": "mm", "value": "1"}),
        ({"value": "1", "plus": None}, {"value": "1"}),
        ({"name": "é"}, {"name": "e\u0301"}),
    ],
)
def test_sets_and_objects_are_equal_by_what_they_hold(one: Value, other: Value):
    assert unique_digest(one, case_sensitive=True) == unique_digest(
        other, case_sensitive=True
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a"], ["a", "b"]),
        (["a", "b"], ["a,b"]),
        (["a"], "a"),
        ({"name": "a"}, {"name": "b"}),
        ({"name": "a"}, {"name": "a", "grade": "a"}),
        # the first datum is not the second
        ({"datums": ["A", "B"]}, {"datums": ["B", "A"]}),
    ],
)
def test_sets_and_objects_that_hold_something_else_differ(one: Value, other: Value):
    for case_sensitive in (True, False):
        assert unique_digest(one, case_sensitive=case_sensitive) != unique_digest(
            other, case_sensitive=case_sensitive
        )


def test_case_is_folded_within_objects_too():
    one, other = {"name": "Steel"}, {"name": "STEEL"}
    assert unique_digest(one, case_sensitive=False) == unique_digest(
        other, case_sensitive=False
    )
    assert unique_digest(one, case_sensitive=True) != unique_digest(
        other, case_sensitive=True
    )
