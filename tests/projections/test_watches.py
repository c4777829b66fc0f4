"""Up to which position tables were written last, as any process may learn it."""

import asyncio
from collections.abc import Sequence

import psycopg
import pytest

from commands.embedded import DatabaseUrls
from commands.system import System
from domain.errors import Busy
from domain.field import UpdateField
from domain.ids import WorkspaceId
from projections.published import watches
from projections.published.watches import Connection, Watch, Watches, mark
from tests.commands.tenant import Tenant, field_id

pytestmark = pytest.mark.anyio


async def now(known: Watches, tenant: Tenant) -> Watch:
    found = await known.of(tenant.workspace_id)
    assert found is not None
    return found


async def test_a_workspace_that_is_not_there_has_none(system: System):
    known = Watches(system.reader)

    assert await known.of("00000000-0000-7000-8000-000000000000") is None  # type: ignore[arg-type]


async def test_each_table_has_its_own_last_position(system: System, tenant: Tenant):
    one, other = tenant.table("name"), tenant.table("name")
    known = Watches(system.reader)
    began = (await now(known, tenant)).seq
    assert began == tenant.position()

    tenant.create(one, {"name": "a"})
    first = tenant.position()
    watch = await now(known, tenant)
    assert (
        watch.position([mark(one)]) == watch.position([mark(one), mark(other)]) == first
    )
    assert watch.position([mark(other)]) == began

    tenant.create(other, {"name": "b"})
    watch = await now(known, tenant)
    assert (watch.position([mark(one)]), watch.position([mark(other)])) == (
        first,
        tenant.position(),
    )

    tenant.do(UpdateField(field_id(one, "name"), one.id, {"name": "title"}))
    watch = await now(known, tenant)
    assert watch.position([mark(one)]) == watch.catalog_seq == tenant.position()


async def test_what_lies_before_the_first_question_can_be_learned(
    system: System, tenant: Tenant
):
    one, other = tenant.table("name"), tenant.table("name")
    made = tenant.position()
    tenant.create(other, {"name": "b"})
    written = tenant.position()
    tenant.create(one, {"name": "a"})
    known = Watches(system.reader)
    watch = await now(known, tenant)
    assert watch.position([mark(other)]) == tenant.position()

    await known.look_back(tenant.workspace_id, made)

    assert watch.floor == made
    assert watch.position([mark(other)]) == written
    assert watch.position([mark(one)]) == tenant.position()


async def test_after_too_many_events_every_table_counts_as_written(
    system: System, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
):
    one, other = tenant.table("name"), tenant.table("name")
    known = Watches(system.reader)
    await now(known, tenant)
    monkeypatch.setattr(watches, "LOOK_BACK", 2)

    tenant.create(one, {}, {}, {})

    watch = await now(known, tenant)
    assert watch.position([mark(other)]) == watch.floor == tenant.position()


async def test_who_asks_at_once_asks_together(
    system: System, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
):
    known = Watches(system.reader)
    asked: list[object] = []
    ask = known._ask

    async def counted(
        connection: Connection, workspaces: Sequence[WorkspaceId]
    ) -> dict[str, Watch]:
        asked.append(workspaces)
        return await ask(connection, workspaces)

    monkeypatch.setattr(known, "_ask", counted)

    found = await asyncio.gather(*(now(known, tenant) for _ in range(50)))

    assert len(set(map(id, found))) == 1
    assert asked == [[tenant.workspace_id]]


async def test_a_gap_in_what_is_known_is_never_taken_for_nothing():
    watch = Watch(10, 1)

    watch.moved(12, 1, 11, [])  # what came at 11 is not known
    assert watch.floor == 12

    watch.moved(14, 1, 12, [("a", 13)])
    watch.moved(13, 1, 12, [("a", 13), ("b", 13)])  # an older answer says nothing new
    assert (watch.seq, watch.floor, watch.lasts) == (14, 12, {"a": 13})


async def test_a_connection_that_is_lost_is_told_and_the_next_one_is_taken(
    system: System, tenant: Tenant, database: DatabaseUrls
):
    known = Watches(system.reader)
    ask = known._ask

    async def cut(
        connection: Connection, workspaces: Sequence[WorkspaceId]
    ) -> dict[str, Watch]:
        known._ask = ask  # type: ignore[method-assign]
        pid = connection.info.backend_pid
        with psycopg.connect(database.app, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return await ask(connection, workspaces)

    known._ask = cut  # type: ignore[method-assign]
    first = asyncio.gather(
        *(now(known, tenant) for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in await first] == [Busy] * 3

    assert (await now(known, tenant)).seq == tenant.position()
