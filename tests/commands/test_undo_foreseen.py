"""A long undo is written while it is decided, as long as nothing of it is refused.

Where something is, all of it is decided anew, and nobody can tell by what comes of it.
"""

import pytest

from commands import streaming
from commands.attempting import Unforeseen
from domain.errors import UndoConflict
from domain.retype import RetypeField
from domain.undo import TOGETHER
from projections.verify import INVARIANTS
from tests.commands.tenant import field_id
from tests.commands.test_undo import Desk

pytestmark = pytest.mark.anyio

LONG = 2 * TOGETHER + 7  # records: three steps


@pytest.fixture
def desk(system, tenant):
    return Desk(system, tenant)


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


def problems(tenant):
    with tenant.seeing() as connection:
        return [
            problem
            for invariant in INVARIANTS.values()
            for problem in invariant(connection, tenant.workspace_id)
        ]


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

    assert set(foreseen) == {False}  # again, when what blocks it was looked up
    assert tenant.position() == at
    assert tenant.record_ids(table) == []
    assert problems(tenant) == []
