"""Usernames: what one may be, and what is made of an e-mail address."""

from importlib import resources

import psycopg
import pytest

from commands.usernames import derived, derived_apart, is_username
from tests.client import new_id


@pytest.mark.parametrize("text", ["a", "johndoe", "John.Doe", "a-b_c.9", "x" * 64])
def test_letters_digits_and_a_few_signs_are_a_username(text):
    assert is_username(text)


@pytest.mark.parametrize(
    "text", ["", "a b", "a@b", ".a", "-a", "ä", "a\n", "a\0", "x" * 65, "a/b", "٣"]
)
def test_anything_else_is_none(text):
    assert not is_username(text)


ADDRESSES = {
    "john@example.org": "john",
    "John.Doe+tag@example.org": "john.doe-tag",
    "..a..@example.org": "a",
    "größe@example.org": "gr-e",
    "日本@example.org": "user",
    f"{'x' * 60}@example.org": "x" * 50,
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_one_is_made_of_an_address(address):
    username = derived(address)

    assert is_username(username)
    assert is_username(derived_apart(address, new_id()))
    assert username == ADDRESSES[address]


def test_who_was_there_before_got_the_same(database):
    """What the migration makes of accounts without usernames."""
    text = resources.files("commands").joinpath("migrations/0016_profiles.sql")
    filling = "WITH" + text.read_text().partition("WITH")[2].partition(";")[0]
    twins = {new_id(): "twin@example.org" for _ in range(3)}
    others = {new_id(): address for address in ADDRESSES}
    with psycopg.connect(database.owner) as connection:
        connection.execute("DROP INDEX vault.accounts_by_username")
        connection.execute("DELETE FROM vault.accounts")
        for number, (user_id, address) in enumerate({**twins, **others}.items()):
            connection.execute(
                "INSERT INTO vault.accounts (user_id, email, email_key, name,"
                " created_at, username) VALUES (%s, %s, %s, 'n', now()"
                " + make_interval(secs => %s), '')",
                [user_id, address, user_id, number],
            )
        connection.execute(filling)
        rows = connection.execute("SELECT user_id::text, username FROM vault.accounts")
        found: dict[str, str] = dict(rows.fetchall())
        connection.rollback()

    first, *rest = twins
    assert found[first] == "twin"
    for one in rest:
        assert found[one] == derived_apart("twin@example.org", one)
    for user_id, address in others.items():
        assert found[user_id] == derived(address)
