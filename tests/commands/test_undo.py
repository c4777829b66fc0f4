"""The use case of undo beside other writes, and where a COMMIT is cut off."""

import asyncio
from dataclasses import replace

import pytest

from commands.looking_back import Wanted
from commands.system import build
from commands.undo import undo
from commands.unit import Origin, Reply
from commands.write import Prepared, submit
from domain.errors import UndoConflict
from domain.events import Actor
from projections.reader import Caller
from tests.commands.cutting import Cut, proxy_of
from tests.commands.tenant import field_id, plain_reply

pytestmark = pytest.mark.anyio


class Desk:
    """A system, and somebody who writes through it."""

    def __init__(self, system, tenant):
        self.system, self.tenant = system, tenant
        session = tenant.session()
        self.caller = Caller(tenant.user_id, session)
        actor = Actor("user", tenant.user_id)
        self.origin = Origin(actor, "pybase", "request-1", session)

    async def do(self, *commands):
        prepared = Prepared(commands, plain_reply)
        done = await submit(
            self.system, self.origin, self.tenant.workspace_id, prepared
        )
        assert done.outcome is not None
        return done.outcome.batch_id

    async def undo(self, batch_id, **more):
        """What came of it."""
        found = []

        def render(_outcome, came):
            found.append(came)
            return Reply(200, b"")

        wanted = Wanted("batch", batch_id, self.tenant.workspace_id, **more)
        await undo(self.system, self.caller, self.origin, wanted, render)
        return found[-1]


@pytest.fixture
def desk(system, tenant):
    return Desk(system, tenant)


@pytest.fixture
async def cut_off(settings, database, tenant):
    """The same through a proxy that can cut a COMMIT."""
    with proxy_of(database.app) as proxy:
        system = build(settings, replace(database, app=proxy.url))
        await system.start()
        yield proxy, Desk(system, tenant)
        await system.stop()


@pytest.mark.parametrize("cut", Cut)
async def test_an_undo_is_done_once_however_its_commit_was_cut(cut_off, tenant, cut):
    proxy, desk = cut_off
    table = tenant.table("name")
    ids = tenant.create(table, {"name": "Ada"}, {"name": "Bob"})
    batch = await desk.do(tenant.updating(table, {one: {"name": "Eve"} for one in ids}))
    before = tenant.position()
    proxy.arm(cut)

    came = await desk.undo(batch)

    assert proxy.made == [cut]
    assert tenant.column(table, "name") == ["Ada", "Bob"]
    assert came.position == before + 3 == tenant.position()
    assert (await desk.undo(batch)).undone == []


async def test_two_clicks_at_once_undo_once(desk, tenant):
    table = tenant.table("name")
    ids = tenant.create(table, *[{"name": "Ada"}] * 20)
    batch = await desk.do(tenant.updating(table, {one: {"name": "Eve"} for one in ids}))

    came = await asyncio.gather(*[desk.undo(batch) for _ in range(3)])

    assert sorted(len(one.undone) for one in came) == [0, 0, 20]
    assert set(tenant.column(table, "name")) == {"Ada"}
    undone = [one for one in tenant.envelopes() if one.type == "history.undone"]
    assert len(undone) == 1


async def test_a_write_that_comes_between_is_never_overwritten(desk, tenant):
    table = tenant.table("name")
    refused = 0
    for number in range(12):
        (record,) = tenant.create(table, {"name": "Ada"})
        batch = await desk.do(tenant.updating(table, {record: {"name": "Eve"}}))
        writing = asyncio.create_task(
            desk.do(tenant.updating(table, {record: {"name": f"n{number}"}}))
        )
        await asyncio.sleep(number / 1000)
        undoing = asyncio.create_task(desk.undo(batch))
        await writing
        try:
            await undoing
        except UndoConflict:
            refused += 1
        # the undo was first, or it saw the write
        assert tenant.column(table, "name")[-1] == f"n{number}"
    assert refused


async def test_writers_of_the_same_workspace_do_not_starve_an_undo(desk, tenant):
    table = tenant.table("name")
    ids = tenant.create(table, *[{"name": "Ada"}] * 200)
    batch = await desk.do(tenant.updating(table, {one: {"name": "Eve"} for one in ids}))
    over = False

    async def write_on():
        while not over:
            await desk.do(tenant.creating(table, {"name": "new"}))

    writers = [asyncio.create_task(write_on()) for _ in range(4)]
    await asyncio.sleep(0.1)
    came = await desk.undo(batch)
    over = True
    await asyncio.gather(*writers)

    assert len(came.undone) == 200
    assert set(tenant.column(table, "name")[:200]) == {"Ada"}


async def test_what_went_back_is_known_from_the_events_alone(desk, tenant):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "Ada"})
    batch = await desk.do(tenant.updating(table, {record: {"name": "Eve"}}))
    at = tenant.position()
    first = await desk.undo(batch)
    redone = await desk.undo(first.batch_id)
    await desk.undo(redone.batch_id)

    rows = tenant.rows(
        "SELECT by_seq, first_seq, last_seq, holds FROM catalog.undone ORDER BY by_seq"
    )

    assert rows == [
        (at + 1, at, at, True),  # holds again, for its redo was undone
        (at + 3, at + 1, at + 2, False),
        (at + 5, at + 3, at + 4, True),
    ]
    assert tenant.column(table, "name") == ["Ada"]
    assert field_id(table, "name") in tenant.envelopes()[-1].data.decode()
