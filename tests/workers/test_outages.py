"""What does not answer: how often the log has it, and how loud."""

import logging

import pytest

from workers import outages
from workers.outages import Outage, redis_at

GONE = "Redis does not answer: OSError: gone; it goes on"


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(outages, "time", clock)
    return clock


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="workers.outages")
    return caplog


def fail_for(outage: Outage, clock: Clock, seconds: int) -> None:
    """Tried every five seconds."""
    for _ in range(seconds // 5):
        outage.failed(OSError("gone"))
        clock.now += 5


def test_an_outage_is_told_once_and_then_ever_more_rarely(
    clock: Clock, said: pytest.LogCaptureFixture
):
    outage = Outage("Redis", "it goes on")
    fail_for(outage, clock, 60)
    assert said.messages == [GONE]
    fail_for(outage, clock, 600)
    assert said.messages == [GONE] * 4  # after 1, 3 and 7 minutes


def test_its_end_is_told_once_and_is_no_warning(
    clock: Clock, said: pytest.LogCaptureFixture
):
    outage = Outage("Redis", "it goes on")
    outage.answered()
    fail_for(outage, clock, 10)
    outage.answered()
    outage.answered()
    assert [(one.levelname, one.message) for one in said.records] == [
        ("WARNING", GONE),
        ("INFO", "Redis answers again"),
    ]


def test_what_comes_and_goes_is_told_once_a_minute_at_the_most(
    clock: Clock, said: pytest.LogCaptureFixture
):
    outage = Outage("Redis", "it goes on")
    for _ in range(5):
        fail_for(outage, clock, 5)
        outage.answered()
    assert said.messages == [GONE, "Redis answers again"]

    clock.now += 60
    fail_for(outage, clock, 5)
    assert said.messages[2:] == [GONE]


def test_whoever_asks_one_redis_shares_its_outage():
    assert redis_at("redis://one") is redis_at("redis://one")
    assert redis_at("redis://one") is not redis_at("redis://other")
