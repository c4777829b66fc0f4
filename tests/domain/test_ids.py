"""Ids: their layout, and what they tell."""

import uuid

import pytest

from domain.ids import (
    INSTANCE,
    canonical,
    counting,
    record_id,
    record_ids,
    table_number_of,
    uuid7,
    uuid7_number,
    uuid_text,
)


def test_a_number_is_spelled_as_a_uuid():
    assert uuid_text(0) == "00000000-0000-0000-0000-000000000000" == INSTANCE
    assert uuid_text(2**128 - 1) == "ffffffff-ffff-ffff-ffff-ffffffffffff"
    assert uuid_text(0x0123456789ABCDEF0123456789ABCDEF) == (
        "01234567-89ab-cdef-0123-456789abcdef"
    )


def test_an_event_id_is_a_uuid7_of_its_moment():
    made = uuid7(1_700_000_000_123, 2**74 - 1)

    assert made == "018bcfe5-687b-7fff-bfff-ffffffffffff"
    assert uuid.UUID(made).version == 7
    assert uuid.UUID(made).variant == uuid.RFC_4122
    assert int(made.replace("-", "")[:12], 16) == 1_700_000_000_123


def test_more_random_bits_than_fit_are_cut_off():
    assert uuid7(0, 2**80) == uuid7(0, 0) == "00000000-0000-7000-8000-000000000000"


def test_event_ids_of_later_milliseconds_sort_later():
    assert uuid7(1, 2**74 - 1) < uuid7(2, 0)


def test_event_ids_count_up_from_the_first():
    first = uuid7_number(1_700_000_000_123, 41)

    assert counting(first, 3) == [
        "018bcfe5-687b-7000-8000-000000000029",
        "018bcfe5-687b-7000-8000-00000000002a",
        "018bcfe5-687b-7000-8000-00000000002b",
    ]
    assert counting(first, 0) == []


def test_counting_carries_over_the_last_group():
    first = 0x0123456789AB7000_8000_FFFFFFFFFFFF

    assert counting(first, 2) == [
        "01234567-89ab-7000-8000-ffffffffffff",
        "01234567-89ab-7000-8001-000000000000",
    ]


def test_counting_up_to_the_end_of_the_last_group_does_not_carry():
    first = 0x0123456789AB7000_8000_FFFFFFFFFFFE

    assert counting(first, 2) == [
        "01234567-89ab-7000-8000-fffffffffffe",
        "01234567-89ab-7000-8000-ffffffffffff",
    ]


@pytest.mark.parametrize("number", [1, 2, 77, 2**20, 2**32 - 1])
@pytest.mark.parametrize("counter", [0, 1, 2**41 - 1, 2**42 - 1])
def test_a_record_id_tells_the_number_of_its_table(number: int, counter: int):
    made = record_id(1_700_000_000_000, number, counter)

    assert table_number_of(made) == number
    assert uuid.UUID(made).version == 8
    assert uuid.UUID(made).variant == uuid.RFC_4122
    assert canonical(made) == made


def test_a_record_id_is_laid_out_as_it_is_documented():
    assert record_id(0x0123456789AB, 0x11223344, 0x2FF_12345678) == (
        "01234567-89ab-8112-88cd-12ff12345678"
    )


@pytest.mark.parametrize("number", [0, -1, 2**32])
def test_a_table_number_that_does_not_fit_is_a_bug(number: int):
    with pytest.raises(ValueError, match="table number out of range"):
        record_id(0, number, 0)
    with pytest.raises(ValueError, match="table number out of range"):
        record_ids(0, number, 0, 1)


def test_the_records_of_a_batch_have_ids_that_count_up():
    made = record_ids(1_700_000_000_000, 7, 5, 1000)

    assert made[0] == record_id(1_700_000_000_000, 7, 5)
    assert made[999] == record_id(1_700_000_000_000, 7, 1004)
    assert made == sorted(made)
    assert len(set(made)) == 1000
    assert {table_number_of(one) for one in made} == {7}


def test_the_highest_first_counter_leaves_room_for_a_batch():
    made = record_ids(1_700_000_000_000, 7, 2**41 - 1, 1000)

    assert {table_number_of(one) for one in made} == {7}


@pytest.mark.parametrize(
    "other",
    [
        "00000000-0000-0000-0000-000000000000",
        "11111111-1111-4111-8111-111111111111",  # version 4
        "018bcfe5-687b-7fff-bfff-ffffffffffff",  # version 7
        "01234567-89ab-8048-0912-02ff12345678",  # version 8 of another variant
        "01234567-89ab-8048-c912-02ff12345678",
    ],
)
def test_another_uuid_tells_no_table(other: str):
    assert table_number_of(other) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "11111111-1111-4111-8111-11111111111a",
            "11111111-1111-4111-8111-11111111111a",
        ),
        (
            "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE",
            "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
        ),
        ("", None),
        ("11111111-1111-4111-8111-11111111111", None),
        ("11111111-1111-4111-8111-11111111111aa", None),
        ("111111111111411181111111111111111111", None),
        ("11111111111141118111111111111111", None),
        ("{1111111-1111-4111-8111-11111111111}", None),
        (" 1111111-1111-4111-8111-111111111111", None),
        ("11111111-1111-4111-8111-11111111111g", None),
        ("11111111-1111-4111-8111-11111111111\n", None),
        ("１1111111-1111-4111-8111-111111111111", None),  # noqa: RUF001 - a wide 1
        ("\x001111111-1111-4111-8111-111111111111", None),
        ("11111111-1111-4111-8111-11111111111\ud800", None),
    ],
)
def test_the_canonical_form_of_an_id_is_lower_case_or_there_is_none(
    text: str, expected: str | None
):
    assert canonical(text) == expected
