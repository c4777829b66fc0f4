"""How often anybody may ask the CMS: by the minute and by the hour."""

import asyncio

import pytest

from api.cms.app import RATES
from api.limits import Limits
from api.windows import InProcess
from tests.api.cms.client import CmsClient
from tests.client import Client, from_, made

AT = 1_700_000_000.0


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.now = AT

    def __call__(self):
        return self.now


def asking(limits, count, who=None):
    """The allowances of so many requests, one after the other."""

    async def ask():
        return [await limits.take(who, "192.0.2.1") for _ in range(count)]

    return asyncio.run(ask())


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limits(clock):
    return Limits(InProcess(clock), clock, "cms", RATES)


def test_e_101_a_thousand_an_hour_for_an_address(clock, limits):
    through = 0
    for _ in range(30):  # a hundred every two minutes
        through += sum(one.allowed for one in asking(limits, 100))
        clock.now += 119
    last = asking(limits, 1)[0]

    assert through == 1000
    assert (last.allowed, last.rate.name) == (False, "address-hour")
    assert 0 < last.wait <= 3600
    headers = dict(last.headers)
    assert headers[b"x-ratelimit-limit"] == b"1000"
    assert headers[b"ratelimit-policy"] == b'"address-hour";q=1000;w=3600'


def test_e_102_a_thousand_a_minute_for_a_user(limits):
    answers = asking(limits, 1001, "user")

    assert [one.allowed for one in answers] == [True] * 1000 + [False]
    assert answers[0].rate.name == "user"
    assert answers[0].remaining == 999


def test_e_103_ten_thousand_an_hour_for_a_user(clock, limits):
    through = 0
    for _ in range(12):
        through += sum(one.allowed for one in asking(limits, 1000, "user"))
        clock.now += 121
    last = asking(limits, 1, "user")[0]

    assert through == 10_000
    assert (last.allowed, last.rate.name) == (False, "user-hour")


def test_the_headers_name_the_rate_that_ends_first(clock, limits):
    asking(limits, 100)
    clock.now += 121
    assert asking(limits, 1)[0].rate.name == "address"  # 99 of 100, 899 of 1000
    for _ in range(9):
        asking(limits, 99)
        clock.now += 121
    found = asking(limits, 1)[0]

    assert (found.rate.name, found.allowed) == ("address-hour", True)


def test_who_is_refused_for_the_minute_is_not_counted_for_the_hour(clock, limits):
    asking(limits, 2000)
    clock.now += 121
    found = asking(limits, 100)

    assert all(one.allowed for one in found)


# ----------------------------------------------------------------- over HTTP


def test_e_100_a_hundred_a_minute_for_who_is_not_known(limited):
    with CmsClient(limited.cms_url) as nobody:
        replies = [
            nobody.get("/users/profile", headers=from_("192.0.2.1")) for _ in range(101)
        ]
        other = nobody.get("/users/profile", headers=from_("192.0.2.2"))
        health = nobody.get("/health", headers=from_("192.0.2.1"))

    assert [one.status_code for one in replies] == [401] * 100 + [429]
    first, last = replies[0], replies[-1]
    assert first.headers["x-ratelimit-limit"] == "100"
    assert first.headers["x-ratelimit-remaining"] == "99"
    assert first.headers["ratelimit-policy"] == '"address";q=100;w=60'
    assert last.json() == {
        "statusCode": 429,
        "message": "Rate limit exceeded",
        "error": "Too Many Requests",
        "code": "RATE_LIMITED",
    }
    assert 1 <= int(last.headers["retry-after"]) <= 62
    assert last.headers["x-ratelimit-remaining"] == "0"
    assert (other.status_code, health.status_code) == (401, 200)


def test_who_signed_in_is_counted_by_user(limited):
    with CmsClient(limited.cms_url) as client:
        client.headers.update(from_("192.0.2.10"))
        client.register()
        for _ in range(3):
            reply = client.get("/users/profile")

    assert reply.headers["x-ratelimit-limit"] == "1000"
    assert reply.headers["x-ratelimit-remaining"] == "997"


def test_threat_105_an_ipv6_network_is_one_address(limited):
    with CmsClient(limited.cms_url) as nobody:
        replies = [
            nobody.get("/users/profile", headers=from_(f"2001:db8:1:2::{one:x}"))
            for one in range(101)
        ]

    assert [one.status_code for one in replies] == [401] * 100 + [429]


def test_threat_09_two_doors_are_no_more_guesses_than_one(limited):
    with CmsClient(limited.cms_url) as cms, Client(limited.url) as pybase:
        cms.headers.update(from_("203.0.113.1"))
        email = cms.register().user["email"]
        statuses = []
        for number in range(10):
            for path, client in (("/auth/login", cms), ("/auth/login", pybase)):
                reply = client.post(
                    path,
                    json={"email": email, "password": "wrongwrong"},
                    headers=from_(f"198.51.100.{number}"),
                )
                statuses.append(reply.status_code)
        known = {"email": email, "password": "securepassword"}
        owner = made(cms.post("/auth/login", json=known))

    assert statuses == [401] * 10 + [429] * 10
    assert owner["user"]["email"] == email
