"""What comes after an attempt: pure."""

import pytest

from workers.deliveries.retries import (
    Again,
    Attempt,
    Dead,
    Delivered,
    seconds_asked,
    verdict,
)

AT = 1_767_261_600.0  # 2026-01-01T10:00:00Z
SCHEDULE = (5.0, 300.0)


def after(status, number=1, *, spread=1.0, retry_after=None):
    attempt = Attempt(AT, 1.0, status, retry_after=retry_after)
    return verdict(attempt, number, SCHEDULE, spread)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_2xx_is_delivered(status):
    assert after(status) == Delivered()


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_anything_else_comes_again_as_the_schedule_has_it(status):
    reason = f"the receiver answered {status}"

    assert after(status) == Again(5.0, reason)
    assert after(status, 2, spread=1.1) == Again(330.0, reason)
    assert after(status, 3) == Dead(f"{reason}, at the last of 3 attempts")


def test_410_wants_nothing_more_at_whatever_attempt():
    reason = "the receiver answered 410: it wants nothing more"

    assert after(410) == after(410, 3) == Dead(reason, gone=True)


def test_no_schedule_is_one_attempt():
    assert verdict(Attempt(AT, 1.0, error="no"), 1, (), 1.0) == Dead(
        "no, at the last of 1 attempts"
    )


def test_only_429_and_503_say_when_to_come_again():
    assert after(429, retry_after="7") == Again(
        7.0, "the receiver answered 429", rests=True
    )
    assert after(500, retry_after="7") == Again(5.0, "the receiver answered 500")
    assert isinstance(after(503, 3, retry_after="7"), Dead)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 1),
        (" 90 ", 90),
        ("1000000000", 3600),
        ("9" * 1000, 3600),
        ("Thu, 01 Jan 2026 10:02:00 GMT", 120),
        ("Thu, 01 Jan 2026 09:00:00 GMT", 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
    ],
)
def test_what_a_receiver_asks_for_is_within_a_second_and_an_hour(header, seconds):
    assert seconds_asked(header, AT) == seconds


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "-5",
        "1e9",
        "1.5",
        "٣",
        "soon",
        "Thu, 99 Jan 2026 10:02:00 GMT",
        "Thu, 01 Foo 2026 10:02:00 GMT",
        "Thu, 01 Jan 2026 99:99:99 GMT",
        "Thu, 01 Jan 2026 10:02:00 +99999999999",
        "," * 60_000,
    ],
)
def test_what_makes_no_sense_asks_for_nothing(header):
    assert seconds_asked(header, AT) is None
