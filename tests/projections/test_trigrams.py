"""What an index on trigrams is asked for, and that answers do not depend on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from domain.catalog import Table
from projections.indexes import helpful
from projections.lists import by_query
from projections.query import And, Not, Page, Query, Where, compare, find_field
from projections.target import live
from projections.trigrams import (
    ASKING,
    COMMON,
    GOOD_FOR,
    Trigrams,
    common,
    rare_part,
)
from projections.trigrams import statistics as asking
from tests.commands.tenant import Tenant
from workers.indexes import Indexer

NAMES = [f"widget 0000{number:05d}" for number in range(0, 100_000, 997)]
KNOWN = common((name, 1 / len(NAMES)) for name in NAMES)


def test_what_most_texts_have_is_common():
    assert {"wid", "idg", "dge", "get", "000"} <= KNOWN
    assert not KNOWN & {"345", "777"}


def test_shares_count_and_not_texts():
    told = [("abc", COMMON), ("xyz", COMMON / 2), ("xyz", COMMON), ("de", 1.0)]

    assert common(told) == {"xyz"}


@pytest.mark.parametrize(
    ("sought", "part"),
    [
        ("t 000077777", "077777"),
        ("widget 000077777", "077777"),
        ("dget 0000", "dget 0000"),  # nothing of it is rare
        ("a-b c", "a-b c"),
        ("gizmo", "gizmo"),
        ("gizmo widget", "gizmo"),
        ("widgetry", "etry"),
        ("ab\\%cdef", "cdef"),
    ],
)
def test_the_rare_part(sought: str, part: str):
    assert rare_part(sought, KNOWN) == part


@given(st.text("ab1 %_", max_size=20), st.sets(st.text("ab1", min_size=3, max_size=3)))
def test_it_is_always_a_part_of_what_is_sought(sought: str, known: set[str]):
    part = rare_part(sought, known)

    assert part in sought
    if part != sought:
        assert part.isalnum()
        assert not {part[at : at + 3] for at in range(len(part) - 2)} & known


# ------------------------------------------------------------- beside a database

ROWS = 6_000


@pytest.fixture
def table(tenant: Tenant) -> Table:
    table = tenant.table("Name", "Code")
    for first in range(0, ROWS, 1_000):
        numbers = range(first, first + 1_000)
        rows = [{"Name": f"Widget 0000{n:05d}", "Code": f"c{n}"} for n in numbers]
        tenant.create(table, *rows)
    tenant.create(table, {"Name": "gadget 04242 Widget"}, {"Code": "none"})
    return table


class Asking:
    def __init__(self, tenant: Tenant, table: Table) -> None:
        self.tenant, self.table = tenant, table
        self.now = 0.0
        self.trigrams = Trigrams(lambda: self.now)

    def on(self, sought: str, name: str = "Name") -> Where:
        return compare(find_field(self.table, name), "contains", sought)

    def query(self, *items: Where) -> Query:
        return Query(self.table, self.table.fields, And(items))

    def index(self, query: Query) -> None:
        for one in helpful(self.tenant.workspace_id, query):
            url = self.tenant.database.app
            assert Indexer(url, most=8, clock=lambda: 0.0).make(one)

    def learn(self, query: Query) -> None:
        names = self.trigrams.unknown(self.tenant.workspace_id, query)
        statement, values = asking(self.tenant.workspace_id, names)
        with self.tenant.seeing() as connection:
            self.trigrams.learn(names, connection.execute(statement, values).fetchall())

    def found(self, query: Query) -> tuple[str, list[str]]:
        """The plan, and the records that it finds."""
        text, values = by_query(live(self.tenant.workspace_id), query, Page(50))
        assert isinstance(text, sql.Composed)
        with self.tenant.seeing() as connection:
            plan = connection.execute(sql.SQL("EXPLAIN ") + text, values).fetchall()
            rows = connection.execute(text, values).fetchall()
        return "\n".join(row[0] for row in plan), [row[1] for row in rows]

    def narrowed(self, query: Query) -> Query:
        return self.trigrams.narrowed(self.tenant.workspace_id, query)


@pytest.fixture
def ask(tenant: Tenant, table: Table) -> Asking:
    return Asking(tenant, table)


def test_an_index_is_asked_for_the_rare_part_and_all_is_compared(ask: Asking):
    query = ask.query(ask.on("T 000004242"))
    ask.index(query)
    _, before = ask.found(query)
    ask.learn(query)

    plan, after = ask.found(ask.narrowed(query))

    assert "_search" in plan
    assert "~~ '%04242%'" in plan
    assert after == before
    assert len(after) == 1
    assert "Widget 000004242" in after[0]


@pytest.mark.parametrize("sought", ["widget 0000042", "4242", "Widget", "zzz 04242"])
def test_whatever_is_sought_the_answer_is_the_same(ask: Asking, sought: str):
    query = ask.query(ask.on(sought), ask.on("c", "Code"), Not(ask.on("99")))
    ask.index(query)
    ask.learn(query)

    assert ask.found(ask.narrowed(query))[1] == ask.found(query)[1]


def test_without_an_index_nothing_is_known(ask: Asking):
    query = ask.query(ask.on("T 000004242"))
    ask.learn(query)

    assert ask.narrowed(query) == query


def test_it_is_asked_again_after_a_while(ask: Asking, tenant: Tenant):
    query = ask.query(ask.on("T 000004242"))
    ask.learn(query)

    assert not ask.trigrams.unknown(tenant.workspace_id, query)
    ask.now += GOOD_FOR + 1
    assert ask.trigrams.unknown(tenant.workspace_id, query)


def test_only_one_of_those_who_wait_asks(ask: Asking, tenant: Tenant):
    query = ask.query(ask.on("T 000004242"))

    assert ask.trigrams.unknown(tenant.workspace_id, query)
    assert not ask.trigrams.unknown(tenant.workspace_id, query)
    ask.now += ASKING + 1  # whoever asked got no answer
    assert ask.trigrams.unknown(tenant.workspace_id, query)


def test_what_is_known_stays_while_it_is_asked_for_again(ask: Asking, tenant: Tenant):
    query = ask.query(ask.on("T 000004242"))
    ask.index(query)
    ask.learn(query)
    ask.now += GOOD_FOR + 1

    assert ask.trigrams.unknown(tenant.workspace_id, query)
    assert ask.narrowed(query) != query


def test_what_no_index_on_trigrams_serves_is_never_asked_for(
    ask: Asking, tenant: Tenant
):
    query = ask.query(ask.on("ab"), Not(ask.on("abc")), ask.on("größe"))

    assert not ask.trigrams.unknown(tenant.workspace_id, query)
