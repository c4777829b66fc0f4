"""A kept order compares as Postgres does: whatever a list is sorted and filtered by,
and whatever is written, it is what the query itself would have found."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from commands.schema import NewField
from commands.system import System
from domain.catalog import Catalog, Table
from projections import changed
from projections.lists import Asked, Lists, Wanted
from projections.order import Order, Outdated
from projections.query import (
    EVERYTHING,
    NUMBER,
    SYSTEM_FIELDS,
    And,
    Not,
    Page,
    Query,
    Sort,
    Where,
    compare,
    family,
    find_field,
    has_order,
)
from projections.reader import Caller
from projections.records.output import Rendition
from projections.sort_keys import LONGEST
from tests.commands.tenant import Tenant

pytestmark = pytest.mark.anyio

RECORD = Rendition.RECORD

CHOICES = {"choices": [{"name": name} for name in ("Zeta", "alpha", "Mid")]}
# of each field: what is written, None among it; ties, and neighbours of all kinds
VALUES: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
    "name": (
        "text",
        {},
        ["a", "A", "b", "Ä", "ä", "ß", "\u212a", "\U0001d4b3", "\ufffd", "~"],
    ),
    "notes": ("long_text", {}, ["a\nb", "a\tb", "=", "a" * 150]),
    "number": ("number", {}, [-1, 0, 0.1, 10**15, 1.10, 1.1, 1e-9]),
    "rating": ("rating", {}, [1, 2, 5]),
    "done": ("checkbox", {}, [True, False]),
    "day": ("date", {}, ["2024-02-29", "0001-01-01", "9999-12-31", "1999-12-31"]),
    "at": (
        "datetime",
        {},
        [
            "2024-01-01T00:00:00.5Z",
            "2024-01-01T00:00:00.500001Z",
            "0999-01-01T00:00:00Z",
        ],
    ),
    "state": ("single_select", CHOICES, ["Zeta", "alpha", "Mid"]),
    "tags": (
        "multi_select",
        CHOICES,
        [["Zeta"], ["Zeta", "alpha"], ["alpha", "Zeta"], ["Mid"]],
    ),
    "width": (
        "dimension",
        {"unit": "mm"},
        [{"value": 1.5, "unit": "mm"}, {"value": 1.50, "unit": "mm"}],
    ),
    "auto": ("autonumber", {}, []),
}
FILTERS = (
    ("number", "gte", 0),
    ("name", "contains", "a"),
    ("state", "neq", "Mid"),
    ("tags", "contains", "Zeta"),
    ("done", "eq", True),
    ("day", "lt", "2000-01-01"),
)


@pytest.fixture
def table(tenant: Tenant) -> Table:
    return tenant.table(
        *(NewField(name, kind, options) for name, (kind, options, _) in VALUES.items())
    )


@pytest.fixture
def caller(tenant: Tenant) -> Caller:
    return Caller(tenant.user_id, tenant.session())


class Both:
    """One list, kept and never kept."""

    def __init__(self, system: System, caller: Caller, asked: Asked) -> None:
        self.caller, self.asked = caller, asked
        self.kept, self.reader = Lists(), system.reader

    async def page(self, query: Callable[[Catalog], Query], page: Page) -> None:
        """Both have to be the same."""
        ask = partial(self.reader.ask, self.caller, self.asked.workspace_id)

        def want(catalog: Catalog) -> Wanted:
            return Wanted(self.asked, partial(query, catalog), page)

        wanted = await Lists().page(ask, want)
        found = await self.kept.page(ask, want)
        assert found == replace(wanted, position=found.position)

    @property
    def order(self) -> Order | None:
        found = self.kept._known.get(self.asked)
        return found if isinstance(found, Order) else None


async def _write(choose: random.Random, tenant: Tenant, table: Table) -> None:
    ids = tenant.record_ids(table)
    match choose.choice(["create", "update", "update", "update", "delete"]):
        case "update" if ids:
            some = choose.sample(ids, min(len(ids), choose.randint(1, 3)))
            name = choose.choice([one for one in VALUES if one != "auto"])
            value = choose.choice([None, *VALUES[name][2]])
            tenant.do(tenant.updating(table, {one: {name: value} for one in some}))
        case "delete" if len(ids) > 3:
            tenant.do(tenant.deleting(table, choose.choice(ids)))
        case _:
            tenant.create(table, _row(choose), _row(choose))


def _row(choose: random.Random) -> dict[str, Any]:
    return {
        name: choose.choice([None, *values])
        for name, (_, _, values) in VALUES.items()
        if values
    }


def _sorts(choose: random.Random, table: Table) -> tuple[Sort, ...]:
    fields = [
        *filter(has_order, table.fields),
        SYSTEM_FIELDS["created_at"],
        SYSTEM_FIELDS["id"],
        NUMBER,
    ]
    return tuple(
        Sort(field, choose.random() < 0.5, choose.random() < 0.5)
        for field in choose.sample(fields, choose.randint(0, 3))
    )


def _where(choose: random.Random, table: Table) -> Where:
    if choose.random() < 0.4:
        return EVERYTHING
    name, operator, value = choose.choice(FILTERS)
    found = compare(find_field(table, name), operator, value)
    return choose.choice([found, Not(found), And((found, EVERYTHING))])


@pytest.mark.parametrize("seed", range(12))
async def test_a_kept_order_is_what_the_query_finds(
    system: System,
    caller: Caller,
    tenant: Tenant,
    table: Table,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
):
    choose = random.Random(seed)
    monkeypatch.setattr(changed, "FEW", choose.choice([0, 1, 20]))
    tenant.create(table, *(_row(choose) for _ in range(12)))
    sorts, where = _sorts(choose, table), _where(choose, table)
    both = Both(system, caller, Asked(tenant.workspace_id, table.id, (str(seed),)))

    def query(catalog: Catalog) -> Query:
        return Query(table, table.fields, where, sorts)

    for _ in range(3):
        await both.page(query, Page(100))
    first = both.order
    assert first is not None
    for _ in range(25):
        for _ in range(choose.randint(0, 2)):
            await _write(choose, tenant, table)
        await both.page(query, Page(choose.choice([3, 100]), choose.choice([0, 2])))
    assert both.order is first


@pytest.mark.parametrize("name", [*VALUES, "created_at", "updated_at", "id"])
@pytest.mark.parametrize("descending", [False, True])
async def test_each_field_that_has_an_order_keeps_one(
    system: System,
    caller: Caller,
    tenant: Tenant,
    table: Table,
    name: str,
    descending: bool,
):
    values = VALUES[name][2] if name in VALUES else []
    both = Both(system, caller, Asked(tenant.workspace_id, table.id, (name,)))
    field = find_field(table, name)
    tenant.create(table, {}, *({name: value} for value in values))

    def query(catalog: Catalog) -> Query:
        return Query(table, table.fields, EVERYTHING, (Sort(field, descending),))

    for _ in range(3):
        await both.page(query, Page())
    first = both.order
    tenant.create(table, {}, *({name: value} for value in values))
    await both.page(query, Page())
    some, *_ = tenant.record_ids(table)
    tenant.do(tenant.updating(table, {some: {"done": True, "notes": "other"}}))
    await both.page(query, Page())

    assert both.order is first
    assert first is not None
    assert len(first) == 2 * (len(values) + 1)


async def test_every_family_that_has_an_order_is_among_these(table: Table):
    sorted_by = {family(one) for one in table.fields if has_order(one)}

    assert sorted_by | {"id"} == {
        "text",
        "number",
        "date",
        "datetime",
        "checkbox",
        "select",
        "choices",
        "id",
    }


def _reply(position: int, *rows: tuple[Any, ...]) -> list[Any]:
    """What the statement of the changes finds: (id, number, JSON) of each."""
    if not rows:
        return [(position, 0, None, None, None, None)]
    return [
        (position, len(rows), one, number, json is not None, json)
        for one, number, json in rows
    ]


async def test_a_reply_that_was_overtaken_takes_nothing_back(
    tenant: Tenant, table: Table
):
    one, two, three = (bytes([n]) * 16 for n in (1, 2, 3))
    numbers = b"".join(n.to_bytes(8, "big") for n in (1, 2))
    query = Query(table, table.fields)
    order = Order(tenant.workspace_id, query, 1, 10, (2, one + two, numbers))
    older = _reply(15, (one, 1, "old"), (three, 3, "gone since"))
    newer = _reply(17, (one, 1, "new"), (two, 2, "2"), (three, None, None))

    assert order.take(Page(), RECORD, 10, [[], newer]) == [b"new", b"2"]
    assert order.take(Page(), RECORD, 10, [[], older]) == [b"new", b"2"]
    assert order.take(Page(), Rendition.ROW, 10, [[], older]) is None
    assert order.position == 17
    assert order.take(Page(), Rendition.ROW, 17, [[], _reply(18)]) is None


async def test_a_database_that_went_back_is_noticed(tenant: Tenant, table: Table):
    order = Order(tenant.workspace_id, Query(table, table.fields), 1, 10, (0, b"", b""))

    with pytest.raises(Outdated):
        order.take(Page(), RECORD, 10, [[], _reply(9)])


async def test_a_record_that_is_not_told_is_asked_for(tenant: Tenant, table: Table):
    """What was read of it may be of before it changed."""
    one = bytes([1]) * 16
    row = (1, one, (1).to_bytes(8, "big"))
    order = Order(tenant.workspace_id, Query(table, table.fields), 1, 10, row)
    read = [(one.hex(), 1, "old")]
    told = [(11, 1, one, 1, True, None)]

    assert order.take(Page(), RECORD, 10, [read, told]) is None
    again = [(one.hex(), 2, "new")]
    assert order.take(Page(), RECORD, 11, [again, _reply(11)]) == [b"new"]


async def test_a_record_that_does_not_match_may_have_any_key(
    system: System, caller: Caller, tenant: Tenant, table: Table
):
    both = Both(system, caller, Asked(tenant.workspace_id, table.id, ("done",)))
    tenant.create(table, {"done": True, "notes": "a"}, {"done": False, "notes": "b"})

    def query(catalog: Catalog) -> Query:
        where = compare(find_field(table, "done"), "eq", True)
        return Query(table, table.fields, where, (Sort(find_field(table, "notes")),))

    for _ in range(3):
        await both.page(query, Page())
    first = both.order
    assert first is not None
    tenant.create(table, {"done": False, "notes": "x" * (LONGEST + 1)})
    await both.page(query, Page())

    assert both.order is first


@pytest.mark.parametrize(
    ("name", "value"),
    [("notes", "x" * 200), ("number", 10**200), ("name", "x" * 200)],
)
async def test_an_order_with_long_keys_does_not_go_on(
    system: System, caller: Caller, tenant: Tenant, table: Table, name: str, value: Any
):
    both = Both(system, caller, Asked(tenant.workspace_id, table.id, (name,)))
    tenant.create(table, {name: value})

    def query(catalog: Catalog) -> Query:
        return Query(table, table.fields, EVERYTHING, (Sort(find_field(table, name)),))

    for _ in range(4):
        await both.page(query, Page())
    assert both.order is not None
    assert not both.order.goes_on


async def test_what_an_order_takes_is_counted(tenant: Tenant, table: Table):
    sort = (Sort(find_field(table, "name")),)
    query = Query(table, table.fields, EVERYTHING, sort)
    ids = b"".join(n.to_bytes(16, "big") for n in range(1000))
    numbers = b"".join(n.to_bytes(8, "big") for n in range(1000))

    def size(texts: list[str]) -> int:
        keys = "\0".join(texts).encode()
        row = (1000, ids, numbers, keys)
        return Order(tenant.workspace_id, query, 1, 10, row).size

    long = size([f"={'x' * 150}{n}" for n in range(1000)])
    assert 1000 * (24 + 8 + 150) < long < 1000 * (24 + 8 + 150 + 100)
    wide = size([f"=\U0001d4b3{'x' * 140}{n}" for n in range(1000)])
    assert wide > 1000 * (24 + 8 + 4 * 140)
    equal = size(["=Open", "=Closed"] * 500)
    assert equal < 1000 * (24 + 8 + 60)
    order = Order(tenant.workspace_id, query, 1, 10, (0, b"", b"", None))
    before = order.size
    order.statements(Page(), RECORD)
    assert order.size - before > 1000


async def test_an_id_is_found_where_one_begins(tenant: Tenant, table: Table):
    first, second = bytes(8) + b"\1" * 8, b"\2" * 8 + bytes(8)
    between = first[8:] + second[:8]
    numbers = b"".join(n.to_bytes(8, "big") for n in (1, 2, 3))
    query = Query(table, table.fields)
    for ids, left in (
        (first + second + between, 2),
        (first + second + bytes(16), 3),
    ):
        order = Order(tenant.workspace_id, query, 1, 10, (3, ids, numbers))
        order.take(Page(1), RECORD, 10, [[], _reply(11, (between, None, None))])
        assert len(order) == left
        assert bytes(order._ids[:32]) == first + second


@pytest.mark.parametrize("longer", [0, 1])
async def test_texts_that_are_too_long_to_go_on_by(
    system: System, caller: Caller, tenant: Tenant, table: Table, longer: int
):
    """The order is kept while nothing is written, and read anew after that."""
    both = Both(system, caller, Asked(tenant.workspace_id, table.id, ("long",)))
    long = "x" * (LONGEST - 1)
    tenant.create(table, *({"notes": f"{long}{one}"} for one in "dbca"))

    def query(catalog: Catalog) -> Query:
        sort = Sort(find_field(table, "notes"))
        return Query(table, table.fields, EVERYTHING, (sort,))

    for _ in range(4):
        await both.page(query, Page())
    first = both.order
    assert first is not None
    tenant.create(table, {"notes": long + "c" + "c" * longer})
    await both.page(query, Page())

    assert (both.order is first) is not longer
    if longer:
        for _ in range(4):  # those that are written now stand in an order of their own
            await both.page(query, Page())
        assert both.order not in (None, first)
        tenant.do(tenant.updating(table, {tenant.record_ids(table)[0]: {"done": True}}))
        await both.page(query, Page())
        assert both.order is None


async def test_links_count_where_they_are_asked_for(
    system: System, caller: Caller, tenant: Tenant, table: Table
):
    one, other = tenant.create(table, {"name": "a"}, {"name": "b"})
    options = {"linked_table_id": table.id, "reverse_name": "Books"}
    books = tenant.table("name", NewField("Author", "linked_record", options))
    both = Both(system, caller, Asked(tenant.workspace_id, table.id, ("linked",)))
    (book,) = tenant.create(books, {"name": "x", "Author": [one]})

    def query(catalog: Catalog) -> Query:
        here = catalog.live_table(table.id)
        where = compare(find_field(here, "Books"), "contains", book)
        return Query(here, here.fields, where)

    for _ in range(3):
        await both.page(query, Page())
    first = both.order
    assert first is not None
    for far in ([other], [one, other], [], [other]):
        tenant.do(tenant.updating(books, {book: {"Author": far}}))
        await both.page(query, Page())
        assert len(first) == len(far)
    tenant.do(tenant.deleting(books, book))
    await both.page(query, Page())
    assert both.order is first
    assert len(first) == 0
