"""Lists that are asked for again: their order is kept, and never a stale one shown."""

import asyncio
import random
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from commands.schema import NewField
from commands.system import System
from domain.catalog import Table
from domain.field import UpdateField
from projections import changed, order
from projections.query import Page
from projections.reader import Caller
from projections.records.output import Rendition
from tests.commands.tenant import Tenant, field_id
from tests.projections.asking import Asking

pytestmark = pytest.mark.anyio


@pytest.fixture
def caller(tenant: Tenant) -> Caller:
    return Caller(tenant.user_id, tenant.session())


@pytest.fixture
def table(tenant: Tenant) -> Table:
    table = tenant.table("name")
    tenant.create(table, *({"name": one} for one in "abcde"))
    return table


@pytest.fixture
def asking(system: System, caller: Caller, tenant: Tenant, table: Table) -> Asking:
    return Asking(system, caller, tenant, table.id)


async def test_a_list_that_is_asked_for_again_answers_alike(asking: Asking):
    pages = [Page(2, 0), Page(2, 2), Page(2, 4), Page(2, 6), Page(100, 0)]
    first = [await asking.names(page) for page in pages]

    assert first[0] == ["a", "b", 5]
    assert first[2:4] == [["e", 5], [5]]
    await asking.until_kept()
    assert [await asking.names(page) for page in pages] == first


async def test_a_write_of_another_process_is_seen_at_once(
    asking: Asking, tenant: Tenant, table: Table
):
    await asking.until_kept()
    (record,) = tenant.create(table, {"name": "0"})

    assert await asking.names(Page(10)) == [*"abcde", "0", 6]
    await asking.until_kept()
    tenant.do(tenant.updating(table, {record: {"name": "f"}}))
    assert await asking.names(Page(10)) == [*"abcdef", 6]
    await asking.until_kept()
    tenant.do(tenant.deleting(table, record))
    assert await asking.names(Page(10)) == [*"abcde", 5]


async def test_a_write_to_another_table_leaves_the_order_kept(
    asking: Asking, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changed, "LOOK_BACK", 20)
    other = tenant.table("name")
    await asking.until_kept()
    for number in range(60):  # more than are looked through, but not at once
        tenant.create(other, {"name": str(number)})
        assert await asking.is_kept()


async def test_too_many_events_to_look_through_drop_the_order(
    asking: Asking, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changed, "LOOK_BACK", 20)
    other = tenant.table("name")
    await asking.until_kept()
    tenant.create(other, *({"name": str(number)} for number in range(21)))

    assert not await asking.is_kept()
    assert await asking.names() == ["a", "b", "c", 5]


async def test_a_link_written_from_the_other_table_is_seen(
    asking: Asking, tenant: Tenant, table: Table
):
    options = {"linked_table_id": table.id, "reverse_name": "Books"}
    books = tenant.table("name", NewField("Author", "linked_record", options))
    await asking.until_kept()
    first = tenant.record_ids(table)[0]
    assert (await asking.shown())[0]["Books"] is None
    (book,) = tenant.create(books, {"name": "b", "Author": [first]})

    assert (await asking.shown())[0]["Books"] == [book]
    assert await asking.is_kept()


async def test_links_that_go_with_the_other_record_are_seen(
    asking: Asking, tenant: Tenant, table: Table
):
    options = {"linked_table_id": table.id, "reverse_name": "Books"}
    books = tenant.table("name", NewField("Author", "linked_record", options))
    first = tenant.record_ids(table)[0]
    (book,) = tenant.create(books, {"name": "b", "Author": [first]})
    await asking.until_kept()
    assert (await asking.shown())[0]["Books"] == [book]
    tenant.do(tenant.deleting(books, book))

    assert (await asking.shown())[0]["Books"] is None


async def test_a_page_that_was_shown_is_not_read_again(asking: Asking):
    await asking.until_kept()
    first = await asking.names(Page(2, 1))
    statements = asking.statements()

    assert await asking.names(Page(2, 1)) == first == ["b", "c", 5]
    assert [len(one) for one in statements] == [1]
    assert await asking.names(Page(2, 2)) == ["c", "d", 5]
    assert [len(one) for one in statements] == [1, 2]


async def test_a_page_by_ids_is_another_page(asking: Asking):
    await asking.until_kept()

    for rendition in (Rendition.RECORD_BY_ID, Rendition.RECORD) * 2:
        await asking.names(rendition=rendition)
        assert (asking.ids == set()) is (rendition is Rendition.RECORD)


async def test_another_schema_is_another_list(
    asking: Asking, tenant: Tenant, table: Table
):
    await asking.until_kept()
    name = field_id(table, "name")
    tenant.do(UpdateField(name, table.id, {"name": "title"}))
    tenant.do(UpdateField(name, table.id, {"name": "name"}))

    assert not await asking.is_kept()
    assert await asking.names() == ["a", "b", "c", 5]
    await asking.until_kept()


async def test_a_list_that_is_too_long_is_never_kept(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order, "MOST_IDS", 4)
    statements = asking.statements()
    for _ in range(8):
        assert not await asking.is_kept()
        assert await asking.names() == ["a", "b", "c", 5]
    assert _wholes(statements) == 0


async def test_what_is_kept_has_a_limit_and_the_oldest_goes(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
):
    await asking.until_kept()
    monkeypatch.setattr(asking.lists._known, "most_bytes", 3_000)
    for number in range(10):
        await asking.names(at_least=str(number))

    assert len(asking.lists._known) <= 6
    assert asking.lists._known.bytes <= 3_000
    assert not await asking.is_kept()


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_written_the_list_is_the_present_one(
    asking: Asking, tenant: Tenant, table: Table, seed: int
):
    choose = random.Random(seed)
    other = tenant.table("name")
    rows = dict(zip(tenant.record_ids(table), "abcde", strict=True))
    for _ in range(60):
        match choose.choice(["ask", "ask", "ask", "ask", "other", "write"]):
            case "other":
                tenant.create(other, {"name": "x"})
            case "write":
                _write(choose, tenant, table, rows)
            case _:
                at_least = choose.choice([None, None, "a", "b"])
                sort = choose.choice([None, "asc", "desc"])
                page = Page(choose.choice([2, 100]), choose.choice([0, 1, 4]))
                wanted = {
                    one: name for one, name in rows.items() if at_least in (None, name)
                }
                found = await asking.names(page, at_least, sort)
                assert found == _expected(wanted, sort, page)


async def test_too_many_changed_records_drop_the_order(
    asking: Asking, tenant: Tenant, table: Table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changed, "MOST_CHANGED", 3)
    await asking.until_kept()
    tenant.create(table, *({"name": one} for one in "fgh"))
    assert await asking.is_kept()
    first, *_ = tenant.record_ids(table)
    for _ in range(5):  # one record, however often
        for name in ("x", "a"):
            tenant.do(tenant.updating(table, {first: {"name": name}}))
    assert await asking.is_kept()
    tenant.create(table, *({"name": one} for one in "ijkl"))

    assert not await asking.is_kept()
    assert await asking.names(Page(20)) == [*"abcdefghijkl", 12]
    await asking.until_kept()


async def test_too_long_a_search_for_what_changed_drops_the_order(
    asking: Asking, tenant: Tenant, table: Table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order, "MOST_STEPS", 6)
    await asking.until_kept()
    tenant.create(table, {"name": "f"})
    assert await asking.is_kept()
    tenant.create(table, {"name": "g"}, {"name": "h"})

    assert not await asking.is_kept()


async def test_a_list_that_is_written_all_the_time_is_kept(
    asking: Asking, tenant: Tenant, table: Table
):
    for number in range(6):
        tenant.create(table, {"name": "n"})
        assert (await asking.names())[-1] == 6 + number

    assert await asking.is_kept()


async def test_what_changed_alone_is_read_again(
    asking: Asking, tenant: Tenant, table: Table
):
    await asking.until_kept()
    first, *_ = tenant.record_ids(table)
    statements = asking.statements()
    tenant.do(tenant.updating(table, {first: {"name": "x"}}))
    assert await asking.names() == ["x", "b", "c", 5]
    tenant.do(tenant.deleting(table, first))  # another comes into the page

    assert await asking.names() == ["b", "c", "d", 4]
    assert [len(one) for one in statements] == [1, 1, 2]


async def test_records_that_were_shown_have_a_limit(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order, "MOST_SHOWN_BYTES", 1_000)
    await asking.until_kept()
    for _ in range(3):
        for start in range(5):
            assert await asking.names(Page(1, start)) == ["abcde"[start], 5]
        kept = asking.kept()
        assert kept._shown_bytes <= 1_500
        assert sum(map(len, kept._shown.values())) <= 3


async def test_an_order_without_its_records_is_given_up(asking: Asking):
    await asking.until_kept()
    kept = asking.kept()
    kept._ids[:16] = bytes(16)  # as no event would leave it
    kept._shown = {}

    assert await asking.names() == ["a", "b", "c", 5]
    assert await asking.names(Page(1)) == ["a", 5]
    await asking.until_kept()


async def test_of_those_who_wait_one_asks_for_the_order(asking: Asking):
    await asking.names()
    await asking.names()
    statements = asking.statements()
    await asyncio.gather(*(asking.names() for _ in range(5)))

    assert _wholes(statements) == 1
    assert await asking.is_kept()


async def test_nobody_else_asks_for_it_until_it_has_come(asking: Asking):
    await asking.names()
    await asking.names()
    delay = [0.3]
    asking.delay_replies(lambda: delay.pop() if delay else 0.0)
    statements = asking.statements()
    async with asyncio.TaskGroup() as group:
        group.create_task(asking.names())
        for _ in range(6):
            await asyncio.sleep(0.02)
            await asking.names()
    assert _wholes(statements) == 1
    assert await asking.is_kept()


async def test_who_is_cut_off_leaves_the_order_to_others(asking: Asking):
    await asking.names()
    await asking.names()
    asking.delay_replies(lambda: 10.0)
    task = asyncio.create_task(asking.names())
    await asyncio.sleep(0.1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    asking.ask = partial(
        asking.system.reader.ask, asking.caller, asking.tenant.workspace_id
    )
    await asking.names()

    assert await asking.is_kept()


async def test_an_order_that_no_page_would_come_of_is_not_asked_for(
    asking: Asking, tenant: Tenant, table: Table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order, "MOST_STEPS", 6)
    statements = asking.statements()
    for number in range(8):
        tenant.create(table, {"name": "x"}, {"name": "y"})
        assert (await asking.names())[-1] == 7 + 2 * number

    assert _wholes(statements) == 0


async def test_a_list_by_long_texts_is_kept_while_nothing_is_written(
    asking: Asking, tenant: Tenant, table: Table
):
    tenant.create(table, {"name": "x" * 300})
    statements = asking.statements()
    for number in range(8):
        tenant.create(table, {"name": "y"})
        assert (await asking.names(sort="asc"))[-1] == 7 + number
    assert _wholes(statements) == 1
    for _ in range(3):
        await asking.names(sort="asc")
    before = asking.read
    assert (await asking.names(sort="desc", page=Page(1)))[-1] == 14
    await asking.names(sort="asc")
    assert asking.read == before + 1


async def test_what_is_mended_without_an_event_is_seen_after_a_while(
    asking: Asking, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
):
    await asking.until_kept()
    statements = asking.statements()
    asking.kept().until = 0.0
    assert await asking.names() == ["a", "b", "c", 5]
    assert await asking.is_kept()

    assert _wholes(statements) == 1
    assert asking.kept().until > 0


async def test_a_kept_order_is_planned_once(asking: Asking):
    await asking.until_kept()
    for _ in range(20):
        await asking.names()
    async with asking.system.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE '%n.matches%'"
        )
        found = await cursor.fetchall()

    assert found
    assert all(custom == 0 < generic for generic, custom in found)


async def test_an_order_that_comes_late_is_kept(asking: Asking):
    await asking.names()
    await asking.names()
    delay = [0.2, 0.0]
    asking.delay_replies(lambda: delay.pop(0) if delay else 0.0)
    await asyncio.gather(asking.names(), asking.names())  # the first asks for it

    assert await asking.is_kept()


@pytest.mark.parametrize("seed", range(4))
async def test_whoever_asks_while_others_write_is_told_a_state_of_that_time(
    asking: Asking, tenant: Tenant, table: Table, seed: int
):
    """Replies come in any order, and writes between a question and its reply."""
    choose = random.Random(seed)
    rows = dict(zip(tenant.record_ids(table), "abcde", strict=True))
    states = [dict(rows)]
    asking.delay_replies(lambda: choose.random() / 100)

    async def ask(sort: str | None, page: Page) -> None:
        first = len(states) - 1
        found = await asking.names(page, None, sort)
        assert found in [_expected(state, sort, page) for state in states[first:]]

    for _ in range(25):
        async with asyncio.TaskGroup() as group:
            for _ in range(choose.randint(1, 4)):
                sort = choose.choice([None, "asc", "desc"])
                page = Page(choose.choice([2, 100]), choose.choice([0, 1, 4]))
                group.create_task(ask(sort, page))
            for _ in range(choose.randint(0, 3)):
                await asyncio.sleep(choose.random() / 200)
                _write(choose, tenant, table, rows)
                states.append(dict(rows))
    assert len(states) > 20
    assert asking.read < asking.asked / 2


def _wholes(statements: list[list[bytes]]) -> int:
    """How often an order was asked for."""
    return sum(b"int8send" in text for one in statements for text in one)


def _expected(rows: dict[Any, str], sort: str | None, page: Page) -> list[Any]:
    names = list(rows.values())
    if sort is not None:
        names.sort(reverse=sort == "desc")
    return [*names[page.offset : page.offset + page.limit], len(names)]


def _write(
    choose: random.Random, tenant: Tenant, table: Table, rows: dict[Any, str]
) -> None:
    name = choose.choice("abcdefgh")
    one = choose.choice(list(rows)) if rows else None
    match choose.choice(["create", "update", "delete"]):
        case "update" if one is not None:
            rows[one] = name
            tenant.do(tenant.updating(table, {one: {"name": name}}))
        case "delete" if one is not None:
            del rows[one]
            tenant.do(tenant.deleting(table, one))
        case _:
            (made,) = tenant.create(table, {"name": name})
            rows[made] = name
