"""Indexes on demand: made for slow lists, used by them, dropped when nobody does."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from psycopg import sql

from commands.embedded import DatabaseUrls
from commands.schema import NewField
from domain.catalog import Table
from domain.field import DeleteField
from projections.indexes import Index, create, drop, helpful
from projections.lists import by_query
from projections.query import (
    EVERYTHING,
    And,
    Not,
    Or,
    Page,
    Query,
    Where,
    compare,
    find_field,
    sort_by,
)
from projections.target import live
from tests.commands.tenant import LoopedCommitter, Tenant, field_id, problems
from workers import indexes
from workers.indexes import Indexer, existing

DAY = 86_400.0
ROWS = 6_000


@pytest.fixture
def tenant(database: DatabaseUrls, committer: LoopedCommitter) -> Tenant:
    """Its 6,000 rows are held against their events once, where writes go on beside an
    index that is being made."""
    return Tenant(database, committer).settle()


@pytest.fixture
def table(tenant: Tenant) -> Table:
    table = tenant.table(
        "Name",
        NewField("Code", "text", {"max_length": 20}),
        NewField("Price", "number"),
        NewField("Day", "date"),
        NewField("At", "datetime"),
        NewField("Kind", "single_select", {"choices": [{"name": "a"}, {"name": "b"}]}),
        NewField("Done", "checkbox"),
        NewField("Length", "dimension", {"unit": "mm"}),
    )
    for first in range(0, ROWS, 1000):
        rows = [
            {
                "Name": f"Widget {n:05d}%",
                "Code": f"c{n}",
                "Price": n,
                "Day": f"20{n % 90 + 10}-01-{n % 28 + 1:02d}",
                "At": f"2024-01-01T10:{n % 60:02d}:00Z",
                "Kind": "a" if n % 100 == 0 else "b",
                "Length": n,
            }
            for n in range(first, first + 1000)
        ]
        tenant.create(table, *rows)
    return table


def asked(table: Table, where: Where = EVERYTHING, sort: str = "") -> Query:
    name = sort.removeprefix("-")
    descending = sort.startswith("-")
    sorts = (sort_by(find_field(table, name), descending=descending),) if sort else ()
    return Query(table, table.fields, where, sorts)


def on(table: Table, name: str, operator: str, value: Any) -> Where:
    return compare(find_field(table, name), operator, value)


def an_indexer(tenant: Tenant, most: int = 8, now: float = 0.0) -> Indexer:
    return Indexer(tenant.database.app, most=most, clock=lambda: now)


def made(tenant: Tenant) -> list[str]:
    """The names of the workspace's indexes on demand, without the field's id."""
    schema = f"ws_{tenant.workspace_id.replace('-', '')}"
    with tenant.seeing() as connection:
        found = [one for one in existing(connection) if one.schema == schema]
    assert all(one.valid for one in found)
    return [one.name.split("_", 2)[2] for one in found]


def plan_and_rows(tenant: Tenant, query: Query) -> tuple[str, list[Any]]:
    """How the database finds a page, and what it finds."""
    statement, values = by_query(live(tenant.workspace_id), query, Page(50))
    assert isinstance(statement, sql.Composed)
    with tenant.seeing() as connection:
        explained = connection.execute(sql.SQL("EXPLAIN ") + statement, values)
        plan = "\n".join(row[0] for row in explained.fetchall())
        return plan, connection.execute(statement, values).fetchall()


WANTED: list[tuple[Callable[[Table], Query], str]] = [
    (lambda table: asked(table, on(table, "Price", "gt", 5_900)), "compare"),
    (lambda table: asked(table, on(table, "Price", "eq", 77)), "compare"),
    (lambda table: asked(table, on(table, "Kind", "eq", "a")), "compare"),
    (lambda table: asked(table, on(table, "Length", "gt", 5_900)), "compare"),
    (lambda table: asked(table, on(table, "Name", "eq", "Widget 00077%")), "equal"),
    (lambda table: asked(table, on(table, "Name", "contains", "T 00077%")), "search"),
    (lambda table: asked(table, sort="Day"), "order_asc"),
    (lambda table: asked(table, sort="-Day"), "order_desc"),
    (lambda table: asked(table, sort="Code"), "order_asc"),
]


@pytest.mark.parametrize(("make", "kind"), WANTED)
def test_an_index_that_is_demanded_is_made_and_used(
    tenant: Tenant, table: Table, make: Callable[[Table], Query], kind: str
):
    query = make(table)
    _, before = plan_and_rows(tenant, query)

    (index,) = helpful(tenant.workspace_id, query)
    assert index.kind == kind
    assert an_indexer(tenant).make(index)

    plan, after = plan_and_rows(tenant, query)
    assert index.name in plan
    assert after == before
    assert before != []


def test_what_no_index_serves_demands_none(tenant: Tenant, table: Table):
    nothing = [
        asked(table),
        asked(table, on(table, "Done", "eq", True)),
        asked(table, on(table, "Price", "neq", 1)),
        asked(table, on(table, "Name", "contains", "ab")),  # shorter than a trigram
        asked(table, on(table, "Name", "contains", "äbc")),  # matched by translate
        asked(table, Not(on(table, "Price", "eq", 1))),
        asked(table, Or((on(table, "Price", "eq", 1), on(table, "Price", "eq", 2)))),
        asked(table, sort="Name"),  # a text of any length does not fit a btree
        asked(table, sort="Kind"),
        asked(table, on(table, "created_at", "gt", "2020-01-01")),
    ]
    assert [helpful(tenant.workspace_id, query) for query in nothing] == [[]] * 10


def test_every_condition_that_has_to_hold_may_help(tenant: Tenant, table: Table):
    late = on(table, "Day", "gt", "2020-01-01")
    both = And((on(table, "Price", "gt", 1), And((late,))))
    found = helpful(tenant.workspace_id, asked(table, both, sort="-At"))

    assert [(one.field_id, one.kind) for one in found] == [
        (field_id(table, "Price"), "compare"),
        (field_id(table, "Day"), "compare"),
        (field_id(table, "At"), "order_desc"),
    ]


def of(tenant: Tenant, table: Table, name: str, kind: str = "compare") -> Index:
    return Index(tenant.workspace_id, table.id, field_id(table, name), kind)


def test_a_table_gets_no_more_than_its_share(tenant: Tenant, table: Table):
    indexer = an_indexer(tenant, most=2)

    assert indexer.make(of(tenant, table, "Price"))
    assert indexer.make(of(tenant, table, "Day"))
    assert not indexer.make(of(tenant, table, "At"))
    assert indexer.make(of(tenant, table, "Day"))  # which is there
    assert made(tenant) == ["compare", "compare"]


def test_a_small_table_gets_none(tenant: Tenant):
    table = tenant.table(NewField("Price", "number"))
    assert not an_indexer(tenant).make(of(tenant, table, "Price"))
    assert made(tenant) == []


def test_a_deleted_field_gets_none(tenant: Tenant, table: Table):
    tenant.do(DeleteField(field_id(table, "Price")))
    assert not an_indexer(tenant).make(of(tenant, table, "Price"))


def test_an_index_that_was_left_unfinished_is_made_anew(tenant: Tenant, table: Table):
    index = of(tenant, table, "Price")
    indexer = an_indexer(tenant)
    assert indexer.make(index)
    schema = f"ws_{tenant.workspace_id.replace('-', '')}"
    with tenant.seeing() as blocking, tenant.seeing() as connection:
        connection.execute(drop(schema, index.name))
        # an old transaction makes CONCURRENTLY wait; its timeout leaves a torso
        blocking.execute("BEGIN")
        blocking.execute(
            sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(
                sql.Identifier(schema, f"t_{table.id.replace('-', '')}")
            )
        )
        connection.execute("SET statement_timeout = '300ms'")
        with pytest.raises(Exception, match="timeout"):
            connection.execute(create(index, table.by_id[field_id(table, "Price")]))
        blocking.execute("ROLLBACK")
        assert [one.valid for one in existing(connection) if one.schema == schema] == [
            False
        ]
    assert indexer.make(index)
    assert made(tenant) == ["compare"]


def test_an_index_that_nobody_uses_for_a_week_is_dropped(tenant: Tenant, table: Table):
    index = of(tenant, table, "Price")
    assert an_indexer(tenant).make(index)
    for day in (0, 1, 6):
        an_indexer(tenant, now=day * DAY).sweep()
        assert made(tenant) == ["compare"]

    an_indexer(tenant, now=7 * DAY).sweep()
    assert made(tenant) == []


def test_an_index_that_is_used_stays(tenant: Tenant, table: Table):
    query = asked(table, on(table, "Price", "eq", 77))
    index = of(tenant, table, "Price")
    assert an_indexer(tenant).make(index)
    an_indexer(tenant, now=0).sweep()
    plan_and_rows(tenant, query)
    time.sleep(1.2)  # until the backend's statistics are there

    an_indexer(tenant, now=8 * DAY).sweep()
    assert made(tenant) == ["compare"]


def test_slow_lists_get_their_index_while_writes_go_on(
    tenant: Tenant, table: Table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(indexes, "ROUND_SECONDS", 0.05)
    indexer = an_indexer(tenant)
    index = of(tenant, table, "Price")

    async def run() -> None:
        indexer.start()
        for _ in range(indexes.DEMANDS):
            indexer.demand(indexes.SLOW_SECONDS - 0.001, [of(tenant, table, "Day")])
            indexer.demand(indexes.SLOW_SECONDS, [index])
        for number in range(200):
            await asyncio.to_thread(tenant.create, table, {"Price": 10_000 + number})
            if made_names(tenant) == [index.name]:
                break
        await indexer.stop()

    asyncio.run(run())
    assert made(tenant) == ["compare"]
    assert problems(tenant) == []


def made_names(tenant: Tenant) -> list[str]:
    schema = f"ws_{tenant.workspace_id.replace('-', '')}"
    with tenant.seeing() as connection:
        found = existing(connection)
    return [one.name for one in found if one.schema == schema and one.valid]
