"""Row 9: passwords guessed through the door, with everything rotated that can be."""

from collections import Counter

import pytest

from tests.client import PASSWORD, Client, new_email, running_server

HEADERS = ["x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip", "true-client-ip"]


@pytest.fixture(scope="module")
def limited(settings, database):
    """A server with limits on that believes no proxy."""
    changed = settings.model_copy(update={"rate_limits": True})
    with running_server(changed, database) as server:
        yield server


@pytest.fixture
def guess(limited):
    with Client(limited.url) as client:

        def guess(headers=None, **body):
            return client.post("/auth/login", json=body, headers=headers).status_code

        yield guess


def test_threat_09_what_a_caller_says_of_itself_chooses_no_counter(guess):
    """One address, whatever it calls itself and whichever account it tries."""
    statuses: Counter[int] = Counter()
    for number in range(60):
        spoofed = dict.fromkeys(HEADERS, f"192.0.2.{number}")
        statuses[
            guess(
                spoofed,
                email=new_email(f"user{number}"),
                password="wrongwrong",
                username=f"user{number}",
                ip=f"192.0.2.{number}",
                user_id=str(number),
            )
        ] += 1

    assert statuses == {401: 30, 429: 30}


def test_threat_09_nor_do_unrelated_fields_or_the_right_password(guess):
    email = new_email("known")
    for number in range(10):
        guess(email=email, password=f"guess number {number}", client_id=number)

    assert guess(email=email, password=PASSWORD) == 429
