"""Single records that share a query: each caller gets its own answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import psycopg
import pytest

from commands.embedded import DatabaseUrls
from commands.schema import NewField
from commands.settings import Settings
from commands.system import System, build, new_id
from domain.base import CreateBase
from domain.catalog import Table
from domain.errors import Busy, NotFound, Unauthenticated
from domain.field import DeleteField
from domain.ids import BaseId, UserId, WorkspaceId, record_id
from domain.table import DeleteTable
from domain.workspace import RemoveMember
from projections.gets import Gets, Got
from projections.reader import Caller, Reader, Rows, Statement
from projections.records.output import Rendition
from tests.commands.tenant import Tenant, field_id

pytestmark = pytest.mark.anyio


@pytest.fixture
def caller(tenant: Tenant) -> Caller:
    return Caller(tenant.user_id, tenant.session())


@pytest.fixture
async def other(settings: Settings, database: DatabaseUrls) -> AsyncIterator[System]:
    system = build(settings, database)
    await system.start()
    yield system
    await system.stop()


def fields_of(got: Got) -> Any:
    return json.loads(got.body)["fields"]


async def answers(*gets: Awaitable[Got]) -> list[Got | BaseException]:
    return await asyncio.gather(*gets, return_exceptions=True)


# ---------------------------------------------------------------- who gets none


async def test_a_dead_session_among_live_ones_is_refused_alone(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "Ada"})
    dead = Caller(tenant.user_id, new_id())
    workspace = tenant.workspace_id
    await system.gets.get(caller, workspace, record)  # from now on a round is shared

    found = await answers(
        *(
            system.gets.get(who, workspace, record)
            for who in (caller, dead, caller, dead, caller)
        )
    )

    assert [type(one) for one in found] == [
        Got,
        Unauthenticated,
        Got,
        Unauthenticated,
        Got,
    ]


async def test_a_stranger_gets_nothing_even_beside_a_member(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "Ada"})
    user = new_id()
    tenant.register(user)
    stranger = Caller(user, tenant.session(user))
    await system.gets.get(caller, tenant.workspace_id, record)

    found = await answers(
        *(
            system.gets.get(who, tenant.workspace_id, record)
            for who in (caller, stranger, caller)
        )
    )

    assert [type(one) for one in found] == [Got, NotFound, Got]
    assert str(found[1]) == "Record not found"


async def test_what_is_missing_is_not_found(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    here, gone = tenant.create(table, {"name": "a"}, {"name": "b"})
    tenant.do(tenant.deleting(table, gone))
    other = Tenant(tenant.database, tenant.committer).settle()
    (theirs,) = other.create(other.table("name"), {"name": "x"})
    ids = [
        here,
        gone,
        record_id(1, table.number, 5),  # of this table, never made
        record_id(1, 4_000_000_000, 5),  # of no table
        theirs,  # of another tenant's
        new_id(),  # not a record's id at all
    ]

    found = await answers(
        *(system.gets.get(caller, tenant.workspace_id, one) for one in ids)
    )

    assert [type(one) for one in found] == [Got, *[NotFound] * 5]
    assert {str(one) for one in found[1:]} == {"Record not found"}


async def test_a_record_of_a_deleted_table_is_not_found(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "a"})
    await system.gets.get(caller, tenant.workspace_id, record)
    tenant.do(DeleteTable(table.id))

    with pytest.raises(NotFound):
        await system.gets.get(caller, tenant.workspace_id, record)


async def test_a_member_who_was_removed_in_another_process_gets_nothing(
    system: System, tenant: Tenant
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "a"})
    user = tenant.member("viewer")
    viewer = Caller(user, tenant.session(user))
    await system.gets.get(viewer, tenant.workspace_id, record)

    tenant.do(RemoveMember(UserId(user)))

    with pytest.raises(NotFound):
        await system.gets.get(viewer, tenant.workspace_id, record)


class Interrupted(Reader):
    """A reader in which something happens between a round's plan and its query."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader.pool, reader.catalogs)
        self.meanwhile: Callable[[], object] | None = None

    async def run(
        self, statements: Sequence[Statement], *, prepare: bool = False
    ) -> list[Rows]:
        happening, self.meanwhile = self.meanwhile, None
        if happening is not None:
            happening()
        return await super().run(statements, prepare=prepare)


async def test_a_member_removed_between_plan_and_query_gets_nothing(
    system: System, here: Tenant
):
    """Even where this process itself has the new catalogue by then."""
    table = _table_in(here)
    (record,) = here.create(table, {"name": "a"})
    user = here.member("viewer")
    viewer = Caller(user, here.session(user))
    reader = Interrupted(system.reader)
    gets = Gets(reader)
    await gets.get(viewer, here.workspace_id, record)
    reader.meanwhile = lambda: here.do(RemoveMember(UserId(user)))

    with pytest.raises(NotFound):
        await gets.get(viewer, here.workspace_id, record)


async def test_a_field_deleted_between_plan_and_query_is_not_shown(
    system: System, here: Tenant
):
    table = _table_in(here)
    (record,) = here.create(table, {"name": "a", "secret": "s"})
    caller = Caller(here.user_id, here.session())
    reader = Interrupted(system.reader)
    gets = Gets(reader)
    assert fields_of(await gets.get(caller, here.workspace_id, record)) == {
        "name": "a",
        "secret": "s",
    }
    reader.meanwhile = lambda: here.do(DeleteField(field_id(table, "secret"))) and None

    got = await gets.get(caller, here.workspace_id, record)

    assert fields_of(got) == {"name": "a"}


def _table_in(tenant: Tenant) -> Table:
    tenant.base_id = BaseId(new_id())
    tenant.do(CreateBase(tenant.base_id, "Base"))
    return tenant.table("name", "secret")


# ---------------------------------------------------------------- who gets which


async def test_many_tables_and_callers_share_a_round_and_none_gets_anothers(
    system: System, tenant: Tenant
):
    tenants = [
        tenant,
        Tenant(tenant.database, tenant.committer).settle(),
        Tenant(tenant.database, tenant.committer).settle(),
    ]
    wanted: list[tuple[Caller, WorkspaceId, str, str]] = []
    for place, one in enumerate(tenants):
        who = Caller(one.user_id, one.session())
        for number in range(3):
            table = one.table("name")
            rows = [{"name": f"{place}-{number}-{row}"} for row in range(10)]
            ids = one.create(table, *rows)
            wanted += [
                (who, one.workspace_id, record, row["name"])
                for record, row in zip(ids, rows, strict=True)
            ]

    for _ in range(3):  # the first time every catalogue has to be loaded
        found = await answers(
            *(
                system.gets.get(who, workspace, record)
                for who, workspace, record, _ in wanted
            )
        )
        assert [fields_of(one)["name"] for one in found if isinstance(one, Got)] == [
            name for *_, name in wanted
        ]
    crossed = await answers(
        *(
            system.gets.get(wanted[-1][0], workspace, record)
            for _, workspace, record, _ in wanted[:60]
        )
    )
    assert {type(one) for one in crossed} == {NotFound}


async def test_one_record_asked_for_a_thousand_times_at_once(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "Ada"})
    found = await answers(
        *(system.gets.get(caller, tenant.workspace_id, record) for _ in range(1000))
    )
    assert len({one.body for one in found if isinstance(one, Got)}) == 1
    assert all(isinstance(one, Got) for one in found)


async def test_by_name_and_by_id_are_two_forms_of_one_record(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "Ada"})
    plain, both = await asyncio.gather(
        system.gets.get(caller, tenant.workspace_id, record),
        system.gets.get(caller, tenant.workspace_id, record, Rendition.RECORD_BY_ID),
    )
    assert "data" not in json.loads(plain.body)
    shown = json.loads(both.body)
    assert shown["fields"] == {"name": "Ada"}
    assert shown["data"] == {field_id(table, "name"): "Ada"}
    assert (plain.version, both.version) == (1, 1)


async def test_a_get_sees_what_was_written_before_it_in_any_process(
    system: System, other: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "0"})
    for number in range(1, 20):
        tenant.do(tenant.updating(table, {record: {"name": str(number)}}))
        for one in (system, other):
            got = await one.gets.get(caller, tenant.workspace_id, record)
            assert fields_of(got) == {"name": str(number)}
            assert got.version == number + 1


async def test_a_stale_catalogue_is_noticed_in_the_same_get(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "Ada"})
    await system.gets.get(caller, tenant.workspace_id, record)
    wider = tenant.field(table, NewField("age", "number"))
    tenant.do(tenant.updating(wider, {record: {"age": 36}}))

    found = await answers(
        *(system.gets.get(caller, tenant.workspace_id, record) for _ in range(5))
    )

    assert [fields_of(one) for one in found if isinstance(one, Got)] == [
        {"name": "Ada", "age": 36}
    ] * 5


async def test_a_caller_who_gave_up_does_not_disturb_the_others(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "Ada"})
    gets = [
        asyncio.ensure_future(system.gets.get(caller, tenant.workspace_id, record))
        for _ in range(10)
    ]
    await asyncio.sleep(0)
    for one in gets[::2]:
        one.cancel()
    found = await asyncio.gather(*gets, return_exceptions=True)
    assert [type(one) for one in found[1::2]] == [Got] * 5
    assert [type(one) for one in found[::2]] == [asyncio.CancelledError] * 5


async def test_a_database_that_ends_connections_makes_gets_busy_not_wrong(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "Ada"})
    await system.gets.get(caller, tenant.workspace_id, record)
    with psycopg.connect(tenant.database.app, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )
    found: list[Got | BaseException] = []
    for _ in range(20):
        found += await answers(
            *(system.gets.get(caller, tenant.workspace_id, record) for _ in range(5))
        )
        await asyncio.sleep(0.02)
    assert all(isinstance(one, Got | Busy) for one in found)
    assert isinstance(found[-1], Got)


class Held(Reader):
    """A reader that keeps what it found until it is let go."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader.pool, reader.catalogs)
        self.let_go = asyncio.Event()
        self.found = 0

    async def run(
        self, statements: Sequence[Statement], *, prepare: bool = False
    ) -> list[Rows]:
        rows = await super().run(statements, prepare=prepare)
        self.found += 1
        await self.let_go.wait()
        return rows


async def test_a_get_that_comes_as_every_round_ends_has_one_of_its_own(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "Ada"})
    await system.gets.get(caller, tenant.workspace_id, record)
    reader = Held(system.reader)
    gets = Gets(reader)

    async def twice() -> Got:
        await gets.get(caller, tenant.workspace_id, record)
        return await gets.get(caller, tenant.workspace_id, record)

    first = asyncio.ensure_future(twice())
    await asyncio.sleep(0.05)
    second = asyncio.ensure_future(gets.get(caller, tenant.workspace_id, record))
    while reader.found < 2:
        await asyncio.sleep(0.01)
    reader.let_go.set()  # both rounds end in one turn of the loop

    found = await asyncio.wait_for(asyncio.gather(first, second), 5)

    assert [fields_of(one) for one in found] == [{"name": "Ada"}] * 2
