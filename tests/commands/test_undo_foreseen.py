"""A long undo is written while it is decided, as long as nothing of it is refused.

Where something is, all of it is decided anew, and nobody can tell by what comes of it.
"""

import gc
import weakref

import pytest

from commands import loading, streaming
from commands.attempting import Unforeseen
from commands.looking_back import Wanted
from commands.undo import undo
from commands.unit import Once, Reply
from domain.errors import KeyReused, UndoConflict
from domain.facts import Facts
from domain.retype import RetypeField
from domain.undo import TOGETHER
from tests.commands.cutting import Cut
from tests.commands.tenant import field_id, problems
from tests.commands.test_undo import cut_off, desk

__all__ = ["cut_off", "desk"]

pytestmark = pytest.mark.anyio

LONG = 2 * TOGETHER + 7  # records: three steps


@pytest.fixture
def foreseen(monkeypatch):
    """Of each undo that was taken to be refused nothing, whether that was right."""
    right: list[bool] = []
    send = streaming.send_attempt

    def watched(*given):
        try:
            send(*given)
        except Unforeseen:
            right.append(False)
            raise
        right.append(True)

    monkeypatch.setattr(streaming, "send_attempt", watched)
    return right


@pytest.fixture
def table(tenant):
    return tenant.table("name")


@pytest.fixture
def ids(tenant, table):
    return tenant.create(table, *[{"name": f"n{place}"} for place in range(LONG)])


def renaming(tenant, table, ids):
    return tenant.updating(table, {one: {"name": "new"} for one in ids})


def names(tenant, table):
    return tenant.column(table, "name")


NAMES = [f"n{place}" for place in range(LONG)]


async def test_deletions_come_back_in_one_batch(desk, tenant, table, ids, foreseen):
    batch = await desk.do(tenant.deleting(table, *ids))

    came = await desk.undo(batch)

    written = [one for one in tenant.envelopes() if one.batch_id == came.batch_id]
    assert foreseen == [True]
    assert len(came.undone) == LONG
    assert names(tenant, table) == NAMES
    assert [one.batch_index for one in written] == list(range(LONG + 1))
    assert {one.batch_size for one in written} == {LONG + 1}
    assert written[0].type == "history.undone"
    assert came.position == written[-1].seq == tenant.position()
    assert problems(tenant) == []


async def test_an_undo_is_redone_and_what_follows_goes_on(
    desk, tenant, table, ids, foreseen
):
    batch = await desk.do(renaming(tenant, table, ids))
    undone = await desk.undo(batch)
    between = names(tenant, table)
    await desk.undo(undone.batch_id)
    tenant.create(table, {"name": "next"})

    assert foreseen == [True, True]
    assert between == NAMES
    assert names(tenant, table) == ["new"] * LONG + ["next"]
    assert problems(tenant) == []


@pytest.mark.parametrize("place", [0, TOGETHER, LONG - 1])
async def test_one_that_is_refused_leaves_the_others(
    desk, tenant, table, ids, foreseen, place
):
    (batch,) = {one.batch_id for one in tenant.envelopes() if one.stream == ids[0]}
    tenant.do(tenant.deleting(table, ids[place]))

    came = await desk.undo(batch, mode="force")

    assert foreseen == [False]
    assert len(came.undone) == LONG - 1
    assert names(tenant, table) == []
    assert len(came.conflicts) == 1
    assert problems(tenant) == []


async def test_one_of_which_nothing_is_left_to_do_counts_as_undone(
    desk, tenant, table, ids, foreseen
):
    batch = await desk.do(renaming(tenant, table, ids))
    tenant.do(tenant.updating(table, {ids[7]: {"name": "n7"}}))

    came = await desk.undo(batch, mode="force")

    assert foreseen == [False]
    assert len(came.undone) == LONG
    assert names(tenant, table) == NAMES
    assert tenant.position() == came.position
    assert problems(tenant) == []


async def test_a_strict_one_whose_last_step_is_refused_writes_nothing(
    desk, tenant, foreseen
):
    table = tenant.table("name")
    rows = [{"name": "1"}] * (LONG - 1)
    # newest first: what was deleted first is brought back last
    ids = tenant.create(table, {"name": "one"}, *rows)
    batch = await desk.do(tenant.deleting(table, *ids))
    name = field_id(table, "name")
    tenant.do(RetypeField(name, table.id, "number", {}, known=1))
    at = tenant.position()

    with pytest.raises(UndoConflict):
        await desk.undo(batch)

    assert foreseen == [False]  # and not again, when what blocks it was looked up
    assert tenant.position() == at
    assert tenant.record_ids(table) == []
    assert problems(tenant) == []


async def test_a_short_one_is_decided_first(desk, tenant, table, foreseen):
    ids = tenant.create(table, {"name": "Ada"}, {"name": "Bob"})
    batch = await desk.do(tenant.deleting(table, *ids))

    await desk.undo(batch)

    assert foreseen == []
    assert names(tenant, table) == ["Ada", "Bob"]


async def test_records_of_several_tables_come_back(desk, tenant, table, ids, foreseen):
    other = tenant.table("name")
    more = tenant.create(other, *[{"name": f"o{place}"} for place in range(LONG)])
    batch = await desk.do(tenant.deleting(table, *ids), tenant.deleting(other, *more))

    came = await desk.undo(batch)

    assert foreseen == [True]
    assert len(came.undone) == 2 * LONG
    assert names(tenant, table) == NAMES
    assert names(tenant, other) == [f"o{place}" for place in range(LONG)]
    assert problems(tenant) == []


async def test_one_with_a_key_is_written_once(desk, tenant, table, ids, foreseen):
    batch = await desk.do(tenant.deleting(table, *ids))

    first = await undone_with_key(desk, batch, fingerprint=b"1" * 32)
    again = await undone_with_key(desk, batch, fingerprint=b"1" * 32)
    with pytest.raises(KeyReused):
        await undone_with_key(desk, batch, fingerprint=b"2" * 32)

    assert (first.replayed, again.replayed) == (False, True)
    assert again.reply.body == first.reply.body == b"2"
    assert foreseen[0]
    assert names(tenant, table) == NAMES
    assert problems(tenant) == []


async def undone_with_key(desk, batch_id, *, fingerprint):
    wanted = Wanted("batch", batch_id, desk.tenant.workspace_id)
    once = Once("the-key", fingerprint)

    def render(_outcome, came):
        return Reply(200, b"%d" % (len(came.undone) // TOGETHER))

    return await undo(desk.system, desk.caller, desk.origin, wanted, render, once)


@pytest.mark.parametrize("cut", Cut)
async def test_a_long_one_is_done_once_however_its_commit_was_cut(
    cut_off, tenant, table, ids, foreseen, cut
):
    proxy, desk = cut_off
    batch = await desk.do(tenant.deleting(table, *ids))
    proxy.arm(cut)

    came = await desk.undo(batch)

    assert proxy.made == [cut]
    assert foreseen[-1]
    assert names(tenant, table) == NAMES
    assert came.position == tenant.position()
    assert (await desk.undo(batch)).undone == []
    assert problems(tenant) == []


async def test_a_refusal_keeps_nothing_that_was_read(
    desk, tenant, table, ids, monkeypatch
):
    made: list[weakref.ref[Facts]] = []

    def facts(*given):
        one = Facts(*given)
        made.append(weakref.ref(one))
        return one

    (batch,) = {one.batch_id for one in tenant.envelopes() if one.stream == ids[0]}
    tenant.do(tenant.deleting(table, ids[-1]))  # the newest, which is tried first
    monkeypatch.setattr(loading, "Facts", facts)
    gc.disable()
    try:
        await desk.undo(batch, mode="force")
        await desk.do(tenant.creating(table, {"name": "next"}))
        alive = [one for one in made[:-1] if one() is not None]
    finally:
        gc.enable()

    assert len(made) >= 3
    assert alive == []  # the last one's may still be in a frame that waits
