"""Arrays in the binary form: Postgres reads what was written."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.embedded import DatabaseUrls
from projections.arrays import byte_strings, integers, uuids
from projections.postgres import connect


@pytest.fixture(scope="module")
def connection(database: DatabaseUrls) -> Iterator[psycopg.Connection]:
    with connect(database.app, autocommit=True) as made:
        yield made


@given(items=st.lists(st.uuids().map(str)))
def test_ids(connection: psycopg.Connection, items: list[str]):
    row = connection.execute("SELECT %s::uuid[]::text[]", [uuids(items)]).fetchone()

    assert row == (items,)


@given(items=st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_integers(connection: psycopg.Connection, items: list[int]):
    row = connection.execute("SELECT %s::integer[]", [integers(items)]).fetchone()

    assert row == (items,)


@given(items=st.lists(st.binary()))
def test_byte_strings(connection: psycopg.Connection, items: list[bytes]):
    row = connection.execute("SELECT %s::bytea[]", [byte_strings(items)]).fetchone()

    assert row == (items,)


@pytest.mark.parametrize("one", ["", "0", "00000000-0000-4000-8000-00000000000"])
def test_what_is_no_id_is_refused(one: str):
    with pytest.raises(ValueError, match=r"an id is no UUID|non-hexadecimal"):
        uuids(["00000000-0000-4000-8000-000000000000", one])
