"""Unique constraints over large tables: filled beside the writes, and none slips by.

What is large is made small here, so that a table has some slices and not many rows.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from commands import gather
from commands.schema import NewField
from commands.system import new_id
from commands.unit import Origin, Unit
from domain.catalog import Constraint, Table
from domain.constraint import (
    CreateConstraint,
    DeleteConstraint,
    RestoreConstraint,
    UpdateConstraint,
    unique_digest,
)
from domain.errors import ConstraintPending, DuplicateValue
from domain.events import Actor, Command
from domain.ids import INSTANCE, ConstraintId, WorkspaceId
from domain.record import RecordDeleted, RestoreRecord
from domain.table import DeleteTable, RestoreTable
from projections import rebuild
from projections.records import keys as key_rows
from tests.commands.tenant import Tenant, field_id, plain_reply, problems
from workers import uniqueness
from workers.uniqueness import Fill, Filler, existing

FEW = 40  # records that are looked through at once
SLICE = 20
ROWS = 121


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "AT_ONCE", FEW)
    monkeypatch.setattr(key_rows, "AT_ONCE", FEW)
    monkeypatch.setattr(uniqueness, "DELETES", SLICE)
    monkeypatch.setattr(uniqueness, "REST", 0.0)


@pytest.fixture
def table(tenant: Tenant) -> Table:
    """More rows than are looked through at once, each with a code of its own."""
    table = tenant.table("Code", NewField("Count", "number"))
    tenant.create(table, *({"Code": f"C{n}", "Count": n} for n in range(ROWS)))
    return table


def a_filler(tenant: Tenant, rows: int = SLICE) -> Filler:
    async def settle(workspace_id: WorkspaceId, command: Command) -> None:
        origin = Origin(Actor("system", INSTANCE), "system", new_id())
        unit = Unit(workspace_id, origin, [command], plain_reply)
        await asyncio.to_thread(tenant.committer.submit_and_wait, unit)

    return Filler(tenant.database.app, settle, rows=rows)


def fill_of(tenant: Tenant) -> Fill:
    (fill,) = fills(tenant)
    return fill


def fills(tenant: Tenant) -> list[Fill]:
    with tenant.seeing() as connection:
        found = existing(connection)
    return [one for one in found if one.workspace_id == tenant.workspace_id]


def run(tenant: Tenant, filler: Filler | None = None) -> None:
    """Rounds of a worker until it has nothing more to do here."""

    async def rounds() -> None:
        working = filler or a_filler(tenant)
        for _ in range(500):
            await working.round()
            if not fills(tenant):
                return

    asyncio.run(rounds())
    assert fills(tenant) == []


def unique(tenant: Tenant, table: Table, name: str = "Code", **more: Any) -> Constraint:
    wish = CreateConstraint(
        ConstraintId(new_id()), table.id, field_id(table, name), **more
    )
    tenant.do(wish)
    return now(tenant, wish.constraint_id)


def now(tenant: Tenant, constraint_id: ConstraintId) -> Constraint:
    return tenant.catalog().live_constraint(constraint_id)


def change(constraint: Constraint, **changes: Any) -> UpdateConstraint:
    return UpdateConstraint(
        constraint.id, constraint.table_id, constraint.field_id, changes
    )


def events(tenant: Tenant, after: int) -> list[str]:
    return [one.recorded.event.TYPE for one in tenant.envelopes(after)]


def keys(tenant: Tenant, constraint: Constraint) -> int:
    ((count,),) = tenant.rows(
        "SELECT count(*) FROM catalog.unique_keys WHERE constraint_id = %s",
        constraint.id,
    )
    return int(count)


def holder(tenant: Tenant, constraint: Constraint, value: str) -> list[str]:
    digest = unique_digest(value, case_sensitive=constraint.case_sensitive)
    rows = tenant.rows(
        "SELECT record_id FROM catalog.unique_keys"
        " WHERE constraint_id = %s AND digest = %s",
        constraint.id,
        digest,
    )
    return [row[0] for row in rows]


# ------------------------------------------------------------------- becoming


def test_a_constraint_over_a_large_table_is_pending_then_active(
    tenant: Tenant, table: Table
):
    constraint = unique(tenant, table)
    position = tenant.position()
    assert constraint.status == "pending"
    assert (keys(tenant, constraint), fill_of(tenant).phase) == (0, "fill")

    run(tenant)

    assert now(tenant, constraint.id).status == "active"
    assert keys(tenant, constraint) == ROWS
    assert events(tenant, position) == ["constraint.activated"]
    assert tenant.envelopes(position)[0].recorded.actor.kind == "system"
    with pytest.raises(DuplicateValue):
        tenant.create(tenant.catalog().tables[table.id], {"Code": "C17"})


def test_at_the_limit_it_is_active_at_once(tenant: Tenant, table: Table):
    ids = tenant.record_ids(table)
    tenant.do(tenant.deleting(table, *ids[FEW:]))

    constraint = unique(tenant, table)

    assert (constraint.status, keys(tenant, constraint)) == ("active", FEW)
    assert fills(tenant) == []


def test_records_that_share_a_value_end_it_with_the_first_twenty(
    tenant: Tenant, table: Table
):
    again = tenant.create(table, *({"Code": f"c{n}"} for n in range(30)))
    firsts = tenant.record_ids(table)
    constraint = unique(tenant, table, case_sensitive=False)
    position = tenant.position()

    run(tenant)

    ended = now(tenant, constraint.id)
    assert ended.status == "disabled"
    assert ended.failure == {
        "type": "text",
        "examples": [
            {"records": [firsts[n], again[n]], "value": f"c{n}"} for n in range(20)
        ],
    }
    assert events(tenant, position) == ["constraint.failed"]
    assert keys(tenant, constraint) == 0
    assert tenant.create(tenant.catalog().tables[table.id], {"Code": "C17"})


def test_values_that_differ_by_case_stand_against_nothing_where_case_counts(
    tenant: Tenant, table: Table
):
    tenant.create(table, {"Code": "c17"})
    constraint = unique(tenant, table)

    run(tenant)

    assert now(tenant, constraint.id).status == "active"


def test_duplicates_within_one_slice_are_seen(tenant: Tenant, table: Table):
    first, other = tenant.create(table, {"Code": "new"}, {"Code": "new"})
    constraint = unique(tenant, table)

    run(tenant)

    failure = now(tenant, constraint.id).failure
    assert failure is not None
    assert failure["examples"] == [{"records": [first, other], "value": "new"}]


def test_one_that_failed_is_tried_again(tenant: Tenant, table: Table):
    first, other = tenant.create(table, {"Code": "new"}, {"Code": "new"})
    constraint = unique(tenant, table)
    run(tenant)
    tenant.do(tenant.deleting(table, first))

    tenant.do(change(constraint, status="active"))
    assert now(tenant, constraint.id).status == "pending"
    run(tenant)

    assert now(tenant, constraint.id).status == "active"
    assert now(tenant, constraint.id).failure is None
    assert holder(tenant, constraint, "new") == [other]


def test_a_constraint_that_stops_telling_case_apart_is_filled_anew(
    tenant: Tenant, table: Table
):
    constraint = unique(tenant, table)
    run(tenant)

    tenant.do(change(constraint, case_sensitive=False))
    changed = now(tenant, constraint.id)
    assert (changed.status, changed.case_sensitive) == ("pending", False)
    assert fill_of(tenant).phase == "clear"
    run(tenant)

    assert now(tenant, constraint.id).status == "active"
    assert keys(tenant, constraint) == ROWS
    assert len(holder(tenant, changed, "c17")) == 1


@pytest.mark.parametrize("how", ["disable", "delete"])
def test_what_no_longer_holds_leaves_its_keys_to_the_worker(
    tenant: Tenant, table: Table, how: str
):
    constraint = unique(tenant, table)
    run(tenant)

    if how == "disable":
        tenant.do(change(constraint, status="disabled"))
    else:
        tenant.do(DeleteConstraint(constraint.id))

    assert keys(tenant, constraint) == ROWS - FEW
    assert fill_of(tenant).phase == "drop"
    run(tenant)
    assert keys(tenant, constraint) == 0


# ------------------------------------------------------------ while it is pending


def test_other_fields_are_written_meanwhile_and_this_one_is_not(
    tenant: Tenant, table: Table
):
    constraint = unique(tenant, table)
    locked = tenant.catalog().tables[table.id]
    one = tenant.record_ids(table)[0]

    for wish in (
        tenant.creating(locked, {"Code": "new"}),
        tenant.updating(locked, {one: {"Code": "new"}}),
        tenant.updating(locked, {one: {"Code": None}}),
    ):
        with pytest.raises(ConstraintPending):
            tenant.do(wish)
    tenant.create(locked, {"Count": 1})
    tenant.do(tenant.updating(locked, {one: {"Count": 1}}))

    run(tenant)
    assert now(tenant, constraint.id).status == "active"


def test_records_that_go_before_during_and_after_their_slice_leave_no_key(
    tenant: Tenant, table: Table
):
    ids = tenant.record_ids(table)
    constraint = unique(tenant, table)
    filler = a_filler(tenant)
    assert filler.turn(fill_of(tenant), most=1) is not None  # rows 0 to 19

    tenant.do(tenant.deleting(table, ids[5], ids[90]))
    assert holder(tenant, constraint, "C5") == []
    run(tenant, filler)

    assert now(tenant, constraint.id).status == "active"
    assert keys(tenant, constraint) == ROWS - 2
    after = tenant.catalog().tables[table.id]
    tenant.create(after, {"Code": "C5"}, {"Code": "C90"})


def test_a_record_that_goes_between_its_reading_and_its_key_leaves_none(
    tenant: Tenant, table: Table, monkeypatch: pytest.MonkeyPatch
):
    ids = tenant.record_ids(table)
    constraint = unique(tenant, table)
    reading = key_rows.next_values

    def reading_slowly(*arguments: Any) -> Any:
        found = reading(*arguments)
        monkeypatch.setattr(uniqueness, "next_values", reading)
        tenant.do(tenant.deleting(table, ids[7]))  # after the rows were read
        return found

    monkeypatch.setattr(uniqueness, "next_values", reading_slowly)
    run(tenant)

    assert now(tenant, constraint.id).status == "active"
    assert holder(tenant, constraint, "C7") == []


def test_one_of_equal_values_goes_and_the_other_keeps_its_key(
    tenant: Tenant, table: Table
):
    """The later one's key must not be taken along with the earlier record, nor the
    earlier one's with the later record."""
    first = tenant.record_ids(table)[3]
    (twin,) = tenant.create(table, {"Code": "C3"})
    constraint = unique(tenant, table)
    filler = a_filler(tenant)
    filler.turn(fill_of(tenant), most=1)
    assert holder(tenant, constraint, "C3") == [first]

    tenant.do(tenant.deleting(table, twin))
    assert holder(tenant, constraint, "C3") == [first]
    run(tenant, filler)

    assert now(tenant, constraint.id).status == "active"
    with pytest.raises(DuplicateValue):
        tenant.create(tenant.catalog().tables[table.id], {"Code": "C3"})


def test_duplicates_that_are_gone_at_the_end_are_looked_through_again(
    tenant: Tenant, table: Table
):
    first = tenant.record_ids(table)[3]
    (twin,) = tenant.create(table, {"Code": "C3"})
    constraint = unique(tenant, table)
    filler = a_filler(tenant)
    ended = filler.turn(fill_of(tenant))
    assert ended is not None
    assert (ended.phase, ended.pairs) == ("duplicates", ((first, twin),))

    tenant.do(tenant.deleting(table, first))
    run(tenant, filler)

    assert now(tenant, constraint.id).status == "active"
    assert holder(tenant, constraint, "C3") == [twin]


def test_what_was_deleted_comes_back_only_when_the_constraint_is_settled(
    tenant: Tenant, table: Table
):
    constraint = unique(tenant, table)
    outcome = tenant.do(tenant.deleting(table, tenant.record_ids(table)[3]))
    (gone,) = [one.event for one in outcome.events]
    assert isinstance(gone, RecordDeleted)
    back = gone.inverse()
    assert isinstance(back, RestoreRecord)

    with pytest.raises(ConstraintPending):
        tenant.do(back)
    run(tenant)
    assert holder(tenant, constraint, "C3") == []
    tenant.do(back)
    assert holder(tenant, constraint, "C3") == [back.record_id]


def test_a_pending_constraint_is_deleted_in_the_middle(tenant: Tenant, table: Table):
    constraint = unique(tenant, table)
    filler = a_filler(tenant)
    filler.turn(fill_of(tenant), most=1)
    assert keys(tenant, constraint) == SLICE

    tenant.do(DeleteConstraint(constraint.id))

    assert keys(tenant, constraint) == 0
    assert fills(tenant) == []
    tenant.create(tenant.catalog().tables[table.id], {"Code": "C3"})


def test_a_slice_of_a_constraint_that_went_meanwhile_is_taken_back(
    tenant: Tenant, table: Table, monkeypatch: pytest.MonkeyPatch
):
    constraint = unique(tenant, table)
    reading = key_rows.next_values

    def reading_slowly(*arguments: Any) -> Any:
        found = reading(*arguments)
        monkeypatch.setattr(uniqueness, "next_values", reading)
        tenant.do(DeleteConstraint(constraint.id))
        return found

    monkeypatch.setattr(uniqueness, "next_values", reading_slowly)

    assert a_filler(tenant).turn(fill_of(tenant)) is None
    assert keys(tenant, constraint) == 0


def test_it_is_deleted_and_comes_back_and_begins_anew(tenant: Tenant, table: Table):
    constraint = unique(tenant, table)
    filler = a_filler(tenant)
    before = filler.turn(fill_of(tenant), most=2)
    assert before is not None
    tenant.do(DeleteConstraint(constraint.id))
    tenant.do(
        RestoreConstraint(constraint.id, constraint.table_id, constraint.field_id)
    )
    again = fill_of(tenant)

    assert again.since > before.since
    assert (again.phase, again.upto) == ("fill", 0)
    run(tenant, filler)
    assert now(tenant, constraint.id).status == "active"


def test_a_hidden_table_waits(
    tenant: Tenant, table: Table, monkeypatch: pytest.MonkeyPatch
):
    constraint = unique(tenant, table)
    filler = a_filler(tenant)
    filler.turn(fill_of(tenant), most=1)
    tenant.do(DeleteTable(table.id))
    waiting = fill_of(tenant)

    assert filler.turn(waiting) == waiting
    assert asyncio.run(filler.round()) is False
    tenant.do(RestoreTable(table.id))
    run(tenant)
    assert now(tenant, constraint.id).status == "active"


# ------------------------------------------------------------------ many at once


def test_writes_go_on_and_none_slips_through(tenant: Tenant, table: Table):
    """Writers who create, delete and repeat values all the while; afterwards every
    value is there once, and each key is its row's."""
    constraint = unique(tenant, table)
    ids = tenant.record_ids(table)
    stop = threading.Event()
    done: list[str] = []

    def write(number: int) -> None:
        mine, count = ids[number::3], 0
        while not stop.is_set():
            now_ = tenant.catalog().tables[table.id]
            for wish in (
                tenant.deleting(table, mine[count]),
                tenant.creating(now_, {"Count": count}),
                tenant.creating(now_, {"Code": f"C{count}"}),
            ):
                try:
                    tenant.do(wish)
                    done.append("written")
                except (ConstraintPending, DuplicateValue) as error:
                    done.append(type(error).__name__)
                except Exception as error:  # the schema moved on: read anew
                    done.append(type(error).__name__)
            count += 1

    writers = [threading.Thread(target=write, args=[n]) for n in range(3)]
    for one in writers:
        one.start()
    run(tenant, a_filler(tenant, rows=2))
    stop.set()
    for one in writers:
        one.join(30)

    assert now(tenant, constraint.id).status == "active"
    assert done.count("written") > 20
    assert "ConstraintPending" in done
    assert set(done) <= {
        "written",
        "ConstraintPending",
        "DuplicateValue",
        "StaleSchema",
    }
    values = [one for one in tenant.column(table, "Code") if one is not None]
    assert len(set(values)) == len(values) == keys(tenant, constraint)


def test_two_servers_fill_one_constraint(tenant: Tenant, table: Table):
    constraint = unique(tenant, table)
    workers = [a_filler(tenant, rows=4) for _ in range(3)]

    async def both() -> None:
        for _ in range(50):
            await asyncio.gather(*(one.round() for one in workers))
            for one in workers:
                one._resting.clear()
            if not fills(tenant):
                return

    position = tenant.position()
    asyncio.run(both())
    assert now(tenant, constraint.id).status == "active"
    assert events(tenant, position) == ["constraint.activated"]


def test_two_workers_without_the_lock_do_no_harm(
    tenant: Tenant, table: Table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(uniqueness, "_TRY", "SELECT true OR %s = 0 OR %s = ''")
    constraint = unique(tenant, table)
    fill = fill_of(tenant)
    workers = [a_filler(tenant, rows=4) for _ in range(3)]
    threads = [threading.Thread(target=one.turn, args=[fill]) for one in workers]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)

    assert (fill_of(tenant).phase, keys(tenant, constraint)) == ("full", ROWS)
    run(tenant)
    assert now(tenant, constraint.id).status == "active"


class Killed(Exception):
    """Stands for the end of a process."""


@pytest.mark.parametrize("statement", ["_MOVE"])
def test_a_worker_that_is_killed_is_followed_by_one_that_goes_on(
    tenant: Tenant, table: Table, monkeypatch: pytest.MonkeyPatch, statement: str
):
    constraint = unique(tenant, table)
    killed = a_filler(tenant)
    before = killed.turn(fill_of(tenant), most=1)
    assert before is not None
    assert before.upto > 0
    with monkeypatch.context() as patch:
        patch.setattr(uniqueness, statement, "SELECT 1 / 0 -- {table}")
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the database says
            killed.turn(before, most=1)

    assert fill_of(tenant) == before
    assert keys(tenant, constraint) == SLICE
    run(tenant)
    assert now(tenant, constraint.id).status == "active"


# --------------------------------------------------------------------- rebuilding


def test_a_pending_constraint_is_rebuilt_to_be_filled_anew(
    tenant: Tenant, table: Table
):
    constraint = unique(tenant, table)
    filler = a_filler(tenant)
    filler.turn(fill_of(tenant), most=2)
    assert problems(tenant) == []

    with tenant.seeing() as connection:
        rebuild.rebuild(connection, tenant.workspace_id)

    fill = fill_of(tenant)
    assert (fill.phase, fill.upto, keys(tenant, constraint)) == ("fill", 0, 0)
    run(tenant)
    assert now(tenant, constraint.id).status == "active"


@pytest.mark.parametrize("how", ["active", "failed", "dropped"])
def test_what_a_worker_made_is_what_the_events_make(
    tenant: Tenant, table: Table, how: str
):
    if how == "failed":
        tenant.create(table, {"Code": "C3"})
    constraint = unique(tenant, table)
    run(tenant)
    if how == "dropped":
        tenant.do(change(constraint, status="disabled"))

    assert problems(tenant) == []
    with tenant.seeing() as connection:
        rebuild.rebuild(connection, tenant.workspace_id)
    assert (
        keys(tenant, constraint)
        == {"active": ROWS, "failed": 0, "dropped": ROWS - FEW}[how]
    )
    if how == "dropped":
        run(tenant)


@pytest.fixture
def broken(tenant: Tenant, table: Table) -> Iterator[Constraint]:
    constraint = unique(tenant, table)
    run_until_full(tenant)
    yield constraint
    tenant.do(DeleteConstraint(constraint.id))
    run(tenant) if fills(tenant) else None


def run_until_full(tenant: Tenant) -> None:
    fill = a_filler(tenant).turn(fill_of(tenant))
    assert fill is not None
    assert fill.phase == "full"


def test_verify_sees_a_key_that_is_missing_before_it_is_active(
    tenant: Tenant, broken: Constraint
):
    assert problems(tenant) == []
    with tenant.seeing() as connection:
        connection.execute(
            "DELETE FROM catalog.unique_keys WHERE constraint_id = %s AND digest ="
            " (SELECT min(digest) FROM catalog.unique_keys WHERE constraint_id = %s)",
            [broken.id, broken.id],
        )

    said = f"unique_keys_agree: the keys of constraint {broken.id} are not its rows'"
    assert problems(tenant) == [said]


def test_types_of_every_kind_of_column_are_filled(tenant: Tenant):
    table = tenant.table(
        NewField("Count", "number"),
        NewField("At", "datetime"),
        NewField("Length", "dimension", {"unit": "mm"}),
        NewField("Tags", "multi_select", {"choices": [{"name": "a"}, {"name": "b"}]}),
    )
    rows: Sequence[dict[str, Any]] = [
        {
            "Count": n / 10,
            "At": f"2024-01-01T00:{n // 60 % 60:02d}:{n % 60:02d}Z",
            "Length": n,
            "Tags": ["b", "a"] if n == 5 else ["a", "b"] if n == 100 else None,
        }
        for n in range(ROWS)
    ]
    tenant.create(table, *rows)
    made = {
        name: unique(tenant, table, name) for name in ("Count", "At", "Length", "Tags")
    }

    run(tenant)

    catalog = tenant.catalog()
    assert {
        name: catalog.live_constraint(one.id).status for name, one in made.items()
    } == {
        "Count": "active",
        "At": "active",
        "Length": "active",
        "Tags": "disabled",
    }
