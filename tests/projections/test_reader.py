"""Reads: a cached catalogue counts only while it is the present one."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from commands.embedded import DatabaseUrls
from commands.schema import NewField
from commands.settings import Settings
from commands.system import System, build, new_id
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import Busy, Forbidden, NotFound, Unauthenticated
from domain.field import DeleteField
from domain.ids import UserId, record_id
from domain.table import DeleteTable, UpdateTable
from domain.workspace import RemoveMember
from projections.reader import Caller, Statement
from projections.records.output import by_ids
from projections.target import live
from tests.commands.tenant import Tenant, field_id

pytestmark = pytest.mark.anyio


@pytest.fixture
async def other(settings: Settings, database: DatabaseUrls) -> AsyncIterator[System]:
    """A second process: its own pool and its own catalogues."""
    system = build(settings, database)
    await system.start()
    yield system
    await system.stop()


@pytest.fixture
def caller(tenant: Tenant) -> Caller:
    return Caller(tenant.user_id, tenant.session())


def a_nap(_catalog: Catalog) -> list[Statement]:
    return [(b"SELECT pg_sleep(0.1)", [])]


def nothing(_catalog: Catalog) -> list[Statement]:
    return []


def table_named(name: str) -> Any:
    """A plan that reads the records of a table, as the catalogue has it."""

    def plan(catalog: Catalog) -> list[Statement]:
        found = [one for one in catalog.tables.values() if one.name == name]
        if not found or found[0].deleted:
            raise NotFound("Table not found")
        statement = by_ids(live(catalog.id), found[0])
        return [(statement, ["{" + ",".join(plan.ids) + "}"])]  # type: ignore[attr-defined]

    plan.ids = []  # type: ignore[attr-defined]
    return plan


# ---------------------------------------------------------------- who may not


async def test_a_stranger_finds_nothing(system: System, tenant: Tenant):
    stranger = new_id()
    tenant.register(stranger)
    caller = Caller(stranger, tenant.session(stranger))
    with pytest.raises(NotFound):
        await system.reader.ask(caller, tenant.workspace_id, nothing)
    assert await system.reader.workspaces(caller) == []


async def test_a_workspace_that_is_not_there_is_not_found(
    system: System, caller: Caller
):
    with pytest.raises(NotFound):
        await system.reader.ask(caller, new_id(), nothing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE vault.sessions SET revoked_at = now() WHERE id = %s",
        "UPDATE vault.sessions SET expires_at = now() WHERE id = %s",
        "DELETE FROM vault.sessions WHERE id = %s",
    ],
)
async def test_a_dead_session_is_refused_at_the_next_read(
    system: System, tenant: Tenant, caller: Caller, ended: str
):
    await system.reader.ask(caller, tenant.workspace_id, nothing)
    with psycopg.connect(tenant.database.app) as connection:
        connection.execute(ended, [caller.session_id])

    with pytest.raises(Unauthenticated):
        await system.reader.ask(caller, tenant.workspace_id, nothing)
    with pytest.raises(Unauthenticated):
        await system.reader.workspaces(caller)
    with pytest.raises(Unauthenticated):
        await system.reader.find(caller, "table", new_id())


async def test_a_role_that_is_too_low_is_refused(system: System, tenant: Tenant):
    viewer = tenant.member("viewer")
    caller = Caller(viewer, tenant.session(viewer))
    await system.reader.ask(caller, tenant.workspace_id, nothing, role=Role.viewer)
    with pytest.raises(Forbidden):
        await system.reader.ask(caller, tenant.workspace_id, nothing, role=Role.editor)
    with pytest.raises(Forbidden):
        await system.reader.enter(caller, tenant.workspace_id, Role.admin)


async def test_a_role_that_was_lost_in_another_process_is_lost_at_once(
    system: System, other: System, tenant: Tenant
):
    editor = tenant.member("editor")
    caller = Caller(editor, tenant.session(editor))
    for one in (system, other):
        await one.reader.ask(caller, tenant.workspace_id, nothing, role=Role.editor)

    tenant.do(RemoveMember(UserId(editor)))

    for one in (system, other):
        with pytest.raises(NotFound):
            await one.reader.ask(caller, tenant.workspace_id, nothing)
        assert await one.reader.workspaces(caller) == []


async def test_a_role_that_was_won_in_another_process_counts_at_once(
    system: System, tenant: Tenant
):
    newcomer = new_id()
    tenant.register(newcomer)
    caller = Caller(newcomer, tenant.session(newcomer))
    with pytest.raises(NotFound):
        await system.reader.ask(caller, tenant.workspace_id, nothing)

    member = tenant.member("viewer")
    known = Caller(member, tenant.session(member))

    found = await system.reader.ask(known, tenant.workspace_id, nothing)
    assert found.catalog.role_of(member) is Role.viewer
    assert (await system.reader.enter(known, tenant.workspace_id, Role.viewer)).seq


# ---------------------------------------------------------------- what is stale


async def test_a_field_made_in_another_process_is_there_at_the_next_read(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    plan = table_named(table.name)
    plan.ids = tenant.create(table, {"name": "Ada"})
    before = await system.reader.ask(caller, tenant.workspace_id, plan)
    assert b'"name":"Ada"' in before.results[0][0][2].encode()

    wider = tenant.field(table, NewField("age", "number"))
    tenant.do(tenant.updating(wider, {plan.ids[0]: {"age": 36}}))

    after = await system.reader.ask(caller, tenant.workspace_id, plan)
    assert b'"age":36' in after.results[0][0][2].encode()
    tenant.do(DeleteField(field_id(wider, "name")))
    last = await system.reader.ask(caller, tenant.workspace_id, plan)
    assert b'"fields":{"age":36}' in last.results[0][0][2].encode()


async def test_a_plans_refusal_counts_only_on_the_present_catalogue(
    system: System, tenant: Tenant, caller: Caller
):
    await system.reader.ask(caller, tenant.workspace_id, nothing)
    table = tenant.table("name", name="New")  # unknown to this process
    found = await system.reader.ask(caller, tenant.workspace_id, table_named("New"))
    assert table.id in found.catalog.tables

    tenant.do(UpdateTable(table.id, {"name": "Renamed"}))
    with pytest.raises(NotFound):
        await system.reader.ask(caller, tenant.workspace_id, table_named("New"))
    await system.reader.ask(caller, tenant.workspace_id, table_named("Renamed"))
    tenant.do(DeleteTable(table.id))
    with pytest.raises(NotFound):
        await system.reader.ask(caller, tenant.workspace_id, table_named("Renamed"))


async def test_reads_go_on_while_the_schema_changes(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    plan = table_named(table.name)
    plan.ids = tenant.create(table, {"name": "Ada"})
    stopped = asyncio.Event()

    async def read() -> int:
        count = 0
        while not stopped.is_set():
            found = await system.reader.ask(caller, tenant.workspace_id, plan)
            assert len(found.results[0]) == 1
            count += 1
        return count

    reading = [asyncio.create_task(read()) for _ in range(4)]
    for number in range(15):
        await asyncio.to_thread(tenant.field, table, NewField(f"f{number}", "text"))
    stopped.set()
    counts = await asyncio.gather(*reading)
    assert min(counts) > 3


async def test_a_write_in_this_process_needs_no_reload(system: System, here: Tenant):
    caller = Caller(here.user_id, here.session())
    seen = system.catalogs[here.workspace_id]

    found = await system.reader.ask(caller, here.workspace_id, nothing)

    assert found.catalog is seen
    assert found.position == 2


# ---------------------------------------------------------------- where it is


async def test_an_id_is_found_among_the_callers_own_workspaces(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.unique(tenant.table("name"), "name")
    (record,) = tenant.create(table, {"name": "Ada"})
    (constraint,) = table.constraints
    for kind, some_id in (
        ("base", tenant.base_id),
        ("table", table.id),
        ("field", field_id(table, "name")),
        ("constraint", constraint.id),
        ("record", record),
    ):
        system.catalogs.clear()
        system.catalogs._where.clear()
        system.catalogs._numbers.clear()
        found = await system.reader.find(caller, kind, some_id)
        assert found == tenant.workspace_id
        assert await system.reader.find(caller, kind, some_id) == tenant.workspace_id


@pytest.mark.parametrize("kind", ["base", "table", "field", "constraint", "record"])
async def test_an_id_of_nobody_or_of_another_tenant_is_not_found(
    system: System, tenant: Tenant, caller: Caller, kind: str
):
    stranger = Tenant(tenant.database, tenant.committer).settle()
    table = stranger.unique(stranger.table("name"), "name")
    (record,) = stranger.create(table, {"name": "x"})
    (constraint,) = table.constraints
    theirs = {
        "base": stranger.base_id,
        "table": table.id,
        "field": field_id(table, "name"),
        "constraint": constraint.id,
        "record": record,
    }[kind]
    nobodys = record_id(1, 4_000_000_000, 1) if kind == "record" else new_id()
    for some_id in (theirs, nobodys, new_id()):
        with pytest.raises(NotFound, match=f"{kind.capitalize()} not found"):
            await system.reader.find(caller, kind, some_id)


async def test_the_callers_workspaces_come_in_the_order_of_joining(
    system: System, tenant: Tenant, caller: Caller
):
    more = [
        Tenant(tenant.database, tenant.committer, tenant.user_id).settle_workspace()
        for _ in range(2)
    ]
    assert await system.reader.workspaces(caller) == [
        tenant.workspace_id,
        *(one.workspace_id for one in more),
    ]


# ---------------------------------------------------------------- positions


async def test_a_read_tells_the_position_it_saw(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    for _ in range(3):
        tenant.create(table, {"name": "x"})
        found = await system.reader.ask(caller, tenant.workspace_id, nothing)
        assert found.position == tenant.position()


async def test_a_read_waits_for_a_position_that_is_under_way(
    system: System, tenant: Tenant, caller: Caller
):
    table = tenant.table("name")
    wanted = tenant.position() + 1
    reading = asyncio.create_task(
        system.reader.ask(caller, tenant.workspace_id, nothing, min_position=wanted)
    )
    await asyncio.sleep(0.2)
    assert not reading.done()
    await asyncio.to_thread(tenant.create, table, {"name": "x"})
    assert (await reading).position == wanted


async def test_a_position_that_never_comes_is_busy_after_two_seconds(
    system: System, tenant: Tenant, caller: Caller
):
    began = time.monotonic()
    with pytest.raises(Busy, match="position"):
        await system.reader.ask(
            caller, tenant.workspace_id, nothing, min_position=10**6
        )
    assert 1.9 < time.monotonic() - began < 3


# ---------------------------------------------------------------- trouble


async def test_a_failing_statement_does_not_spoil_the_connection(
    system: System, tenant: Tenant, caller: Caller
):
    """Those that were to be prepared behind it are prepared the next time."""
    for number in range(20):
        later: Statement = (f"SELECT {number}, 'never prepared'".encode(), [])
        with pytest.raises(psycopg.errors.DivisionByZero):
            await system.reader.run([(b"SELECT 1 / %s::int", [0]), later])
        ((row,),) = await system.reader.run([later])
        assert row[0] == number
    assert (await system.reader.ask(caller, tenant.workspace_id, nothing)).position


async def test_a_read_that_takes_too_long_is_busy(
    system: System, tenant: Tenant, caller: Caller
):
    slow: list[Statement] = [
        (b"SET LOCAL statement_timeout = '50ms'", []),
        (b"SELECT pg_sleep(5)", []),
    ]
    with pytest.raises(Busy, match="too long"):
        await system.reader.run(slow)
    assert (await system.reader.ask(caller, tenant.workspace_id, nothing)).position


async def test_a_backend_that_ended_while_it_rested_is_not_used(
    system: System, tenant: Tenant, caller: Caller
):
    async with asyncio.TaskGroup() as several:
        for _ in range(20):
            several.create_task(system.reader.ask(caller, tenant.workspace_id, a_nap))
    with psycopg.connect(tenant.database.app, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        ).fetchall()
    assert len(ended) > 1
    for _ in range(20):
        found = await system.reader.ask(caller, tenant.workspace_id, nothing)
        assert found.position


async def test_no_setting_of_one_read_is_seen_by_the_next(
    system: System, tenant: Tenant, caller: Caller
):
    await system.reader.ask(caller, tenant.workspace_id, nothing)
    for _ in range(10):
        (rows,) = await system.reader.run([(b"SELECT count(*) FROM ledger.events", [])])
        assert rows == [(0,)]
