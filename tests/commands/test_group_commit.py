"""A group of units: one transaction, and each unit judged on its own."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from commands.committer import GROUP_EVENTS
from commands.deciding import Group
from commands.schema import NewField
from commands.system import new_id
from commands.unit import Done, Once, Outcome, Reply, Unit, VaultWrite
from domain.catalog import Table
from domain.errors import (
    Busy,
    Conflict,
    DuplicateValue,
    Forbidden,
    ForeignKeyViolation,
    KeyReused,
    NotFound,
    RowTooLarge,
    StaleSchema,
    Unauthenticated,
    VersionMismatch,
)
from domain.field import CreateField
from domain.ids import INSTANCE, FieldId, TableId, UserId, WorkspaceId
from domain.user import RegisterUser
from domain.values import Values
from projections.target import column_name, live
from tests.commands.tenant import (
    Answer,
    LoopedCommitter,
    Tenant,
    a_committer,
    field_id,
    together,
)

GONE = "01a1fd39-f15a-7000-8000-058f56904dee"  # an id that nothing has


class Groups(list[int]):
    """The sizes, in units, of the groups that a committer committed."""

    def __call__(self, group: Group, _seconds: float) -> None:
        self.append(len(group.answers))


def committed_together(
    tenant: Tenant, units: Sequence[Unit]
) -> tuple[list[Answer], Groups]:
    groups = Groups()
    committer = a_committer(tenant.database.app, committed=groups)
    return together(committer, units), groups


@dataclass(frozen=True)
class Scene:
    """A table with a unique name, a link to itself, and one record in it."""

    tenant: Tenant
    table: Table
    record_id: str
    viewer: str

    def adding(self, name: str, **more: Any) -> Unit:
        return self.tenant.unit(
            self.tenant.creating(self.table, {"name": name}), **more
        )


@pytest.fixture
def scene(tenant: Tenant) -> Scene:
    table = tenant.table("name")
    link = NewField("friends", "linked_record", {"linked_table_id": table.id})
    table = tenant.unique(tenant.field(table, link), "name")
    (record_id,) = tenant.create(table, {"name": "taken"})
    used = Once("used", bytes(32))
    tenant.do(once=used)
    return Scene(tenant, table, record_id, tenant.member("viewer"))


def refusing(_outcome: Outcome) -> Reply:
    raise Conflict("the surface says no")


def broken(_outcome: Outcome) -> Reply:
    raise ZeroDivisionError("a bug of a surface")


def _a_stale_schema(scene: Scene) -> Unit:
    old = replace(scene.table, schema_seq=scene.table.schema_seq - 1)
    return scene.tenant.unit(scene.tenant.creating(old, {"name": "new"}))


def _an_absent_target(scene: Scene) -> Unit:
    values = {"name": "new", "friends": [GONE]}
    return scene.tenant.unit(scene.tenant.creating(scene.table, values))


def _another_version(scene: Scene) -> Unit:
    changes = {scene.record_id: {"name": "new"}}
    return scene.tenant.unit(scene.tenant.updating(scene.table, changes, if_match=7))


def _half_a_batch(scene: Scene) -> Unit:
    rows = [{"name": "half"}, {"name": "taken"}, {"name": "other half"}]
    return scene.tenant.unit(scene.tenant.creating(scene.table, *rows))


def _a_table_that_is_gone(scene: Scene) -> Unit:
    command = scene.tenant.creating(scene.table, {"name": "new"})
    return scene.tenant.unit(replace(command, table_id=TableId(GONE)))


REFUSED: dict[str, tuple[Callable[[Scene], Unit], type[Exception]]] = {
    "a value that is taken": (lambda s: s.adding("taken"), DuplicateValue),
    "a batch with one bad record": (_half_a_batch, DuplicateValue),
    "a link to nothing": (_an_absent_target, ForeignKeyViolation),
    "a table that is gone": (_a_table_that_is_gone, NotFound),
    "a record that is gone": (
        lambda s: s.tenant.unit(s.tenant.deleting(s.table, GONE)),
        NotFound,
    ),
    "another version": (_another_version, VersionMismatch),
    "a schema that moved on": (_a_stale_schema, StaleSchema),
    "a viewer": (lambda s: s.adding("new", actor=s.viewer), Forbidden),
    "a stranger": (lambda s: s.adding("new", actor=GONE), NotFound),
    "a dead session": (lambda s: s.adding("new", session_id=GONE), Unauthenticated),
    "a key used before": (
        lambda s: s.adding("new", once=Once("used", bytes(31) + b"!")),
        KeyReused,
    ),
    "a surface that refuses": (lambda s: s.tenant.unit(render=refusing), Conflict),
    "a surface with a bug": (
        lambda s: s.adding("new", render=broken),
        ZeroDivisionError,
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_one_refused_unit_in_a_full_group_leaves_its_neighbours_committed(
    scene: Scene, kind: str
):
    bad, refusal = REFUSED[kind]
    tenant, table = scene.tenant, scene.table
    before = tenant.position()
    units = [scene.adding(f"n{number}") for number in range(GROUP_EVENTS)]
    units[GROUP_EVENTS // 2] = bad(scene)

    answers, groups = committed_together(tenant, units)

    assert isinstance(answers[GROUP_EVENTS // 2], refusal)
    good = [one for one in answers if isinstance(one, Done)]
    assert len(good) == GROUP_EVENTS - 1
    assert groups[0] >= GROUP_EVENTS - 2  # units: one group took them all, or nearly
    names = [f"n{number}" for number in range(GROUP_EVENTS)]
    del names[GROUP_EVENTS // 2]
    assert tenant.column(table, "name") == ["taken", *names]
    seqs = [one.seq for one in tenant.envelopes(after=before)]
    assert seqs == list(range(before + 1, before + GROUP_EVENTS))


def test_a_reply_that_fails_after_the_commit_takes_nothing_back(scene: Scene):
    units = [scene.adding("one"), scene.adding("two"), scene.adding("3", render=broken)]

    answers, groups = committed_together(scene.tenant, units)

    assert [type(one) for one in answers] == [Done, Done, ZeroDivisionError]
    assert groups == [3]
    names = scene.tenant.column(scene.table, "name")
    assert names == ["taken", "one", "two", "3"]  # each once


# ------------------------------------------------------------------- fences


def _an_index_behind_our_back(scene: Scene) -> None:
    table = live(scene.tenant.workspace_id).of_records(scene.table.id)
    with scene.tenant.seeing() as connection:
        connection.execute(
            sql.SQL("CREATE UNIQUE INDEX ON {} (upper({}))").format(
                table, sql.Identifier(column_name(field_id(scene.table, "name")))
            )
        )


def _a_check_behind_our_back(scene: Scene) -> None:
    table = live(scene.tenant.workspace_id).of_records(scene.table.id)
    with scene.tenant.seeing() as connection:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD CHECK ({} <> 'TAKEN')").format(
                table, sql.Identifier(column_name(field_id(scene.table, "name")))
            )
        )


def _nothing_behind_our_back(_scene: Scene) -> None:
    pass


def _the_same_id(scene: Scene) -> Unit:
    command = scene.tenant.creating(scene.table, {"name": "twin"})
    taken: Any = scene.record_id
    return scene.tenant.unit(replace(command, records=[(taken, command.records[0][1])]))


def _raw(name: str) -> Callable[[Scene], Unit]:
    """A text that no surface lets through."""

    def unit(scene: Scene) -> Unit:
        command = scene.tenant.creating(scene.table, {"name": "new"})
        values: Values = {field_id(scene.table, "name"): name}
        return scene.tenant.unit(
            replace(command, records=[(command.records[0][0], values)])
        )

    return unit


def _a_vault_that_refuses(scene: Scene) -> Unit:
    twice = (
        "INSERT INTO vault.refresh_tokens VALUES ('x', %s::uuid, now(), now(), NULL)"
    )
    return scene.adding("new", vault=[VaultWrite(sql.SQL(twice), [GONE])])


FENCES: dict[
    str, tuple[Callable[[Scene], None], Callable[[Scene], Unit], type[Exception]]
] = {
    "a unique index": (
        _an_index_behind_our_back,
        lambda s: s.adding("TAKEN"),
        Conflict,
    ),
    "a check": (
        _a_check_behind_our_back,
        lambda s: s.adding("TAKEN"),
        psycopg.errors.CheckViolation,
    ),
    "an id that is there": (_nothing_behind_our_back, _the_same_id, Conflict),
    "a foreign key of the vault": (
        _nothing_behind_our_back,
        _a_vault_that_refuses,
        psycopg.errors.ForeignKeyViolation,
    ),
    "a NUL": (_nothing_behind_our_back, _raw("\0"), psycopg.DataError),
    "half a character": (_nothing_behind_our_back, _raw("\ud800"), Exception),
}


@pytest.mark.parametrize("kind", FENCES)
def test_one_unit_stopped_by_a_fence_leaves_its_neighbours_committed(
    scene: Scene, kind: str
):
    plant, bad, refusal = FENCES[kind]
    plant(scene)
    tenant = scene.tenant
    before = tenant.position()
    units = [scene.adding(f"n{number}") for number in range(40)]
    units[20] = bad(scene)

    answers, groups = committed_together(tenant, units)

    assert isinstance(answers[20], refusal)
    assert sum(isinstance(one, Done) for one in answers) == 39
    assert set(groups) == {1}  # taken apart
    names = [f"n{number}" for number in range(40) if number != 20]
    assert tenant.column(scene.table, "name") == ["taken", *names]
    seqs = [one.seq for one in tenant.envelopes(after=before)]
    assert seqs == list(range(before + 1, before + 40))
    numbers = {one.outcome.position for one in answers if isinstance(one, Done)}  # type: ignore[union-attr]
    assert numbers == set(seqs)


def test_a_full_group_taken_apart_by_a_fence_is_whole(scene: Scene):
    _an_index_behind_our_back(scene)
    units = [scene.adding(f"n{number}") for number in range(GROUP_EVENTS)]
    units[GROUP_EVENTS - 1] = scene.adding("TAKEN")

    answers, _ = committed_together(scene.tenant, units)

    assert sum(isinstance(one, Done) for one in answers) == GROUP_EVENTS - 1
    assert isinstance(answers[-1], Conflict)
    assert len(scene.tenant.column(scene.table, "name")) == GROUP_EVENTS


def test_a_row_that_postgres_cannot_hold_is_refused_and_its_neighbours_stay(
    tenant: Tenant,
):
    wide = tenant.table(*(f"f{number}" for number in range(400)))
    small = tenant.table("name")
    too_large = {f"f{number}": "x" * 22 for number in range(400)}  # stays in the row
    units = [
        tenant.unit(tenant.creating(small, {"name": "before"})),
        tenant.unit(tenant.creating(wide, too_large)),
        tenant.unit(tenant.creating(small, {"name": "after"})),
    ]

    began = time.monotonic()
    answers, _ = committed_together(tenant, units)

    assert isinstance(answers[1], RowTooLarge)
    assert tenant.column(small, "name") == ["before", "after"]
    assert time.monotonic() - began < 2  # nothing was waited for


# ------------------------------------------------------------------- order


def test_a_group_has_consecutive_positions_unit_by_unit(tenant: Tenant):
    table = tenant.table("name")
    before = tenant.position()
    units = [
        tenant.unit(tenant.creating(table, *({"name": f"{size}"} for _ in range(size))))
        for size in (3, 1, 5)
    ]

    answers, groups = committed_together(tenant, units)

    assert groups == [3]
    positions = [one.outcome.position for one in answers if isinstance(one, Done)]  # type: ignore[union-attr]
    assert positions == [before + 3, before + 4, before + 9]
    found = tenant.envelopes(after=before)
    assert [one.seq for one in found] == list(range(before + 1, before + 10))
    assert [(one.batch_index, one.batch_size) for one in found] == [
        (0, 3), (1, 3), (2, 3), (0, 1), (0, 5), (1, 5), (2, 5), (3, 5), (4, 5),
    ]  # fmt: skip
    outcomes = [one.outcome for one in answers if isinstance(one, Done)]
    assert [one.batch_id for one in found] == [
        outcome.batch_id  # type: ignore[union-attr]
        for outcome, size in zip(outcomes, (3, 1, 5), strict=True)
        for _ in range(size)
    ]


def test_a_unit_that_changes_nothing_is_at_the_present_position(tenant: Tenant):
    table = tenant.table("name")
    (one,) = tenant.create(table, {"name": "Ada"})
    before = tenant.position()
    nothing = tenant.unit(tenant.updating(table, {one: {"name": "Ada"}}))
    something = tenant.unit(tenant.updating(table, {one: {"name": "Bob"}}))

    answers, _ = committed_together(tenant, [nothing, something, nothing, nothing])

    positions = [one.outcome.position for one in answers if isinstance(one, Done)]  # type: ignore[union-attr]
    assert positions == [before, before + 1, before + 2, before + 2]
    assert tenant.position() == before + 2


def test_later_units_see_what_earlier_ones_took_and_freed(tenant: Tenant):
    table = tenant.unique(tenant.table("name"), "name")
    ada = tenant.creating(table, {"name": "Ada"})
    ada_id = ada.records[0][0]
    units = [
        tenant.unit(ada),
        tenant.unit(tenant.creating(table, {"name": "Ada"})),
        tenant.unit(tenant.updating(table, {ada_id: {"name": "Bob"}}, if_match=1)),
        tenant.unit(tenant.creating(table, {"name": "Ada"})),
        tenant.unit(tenant.updating(table, {ada_id: {"name": "Eve"}}, if_match=1)),
        tenant.unit(tenant.deleting(table, ada_id)),
        tenant.unit(tenant.updating(table, {ada_id: {"name": "Joe"}})),
        tenant.unit(tenant.creating(table, {"name": "Bob"})),
    ]

    answers, groups = committed_together(tenant, units)

    assert groups == [8]
    assert [type(one) for one in answers] == [
        Done, DuplicateValue, Done, Done, VersionMismatch, Done, NotFound, Done,
    ]  # fmt: skip
    assert tenant.column(table, "name") == ["Ada", "Bob"]


def test_a_unit_refused_half_way_leaves_no_trace_for_later_ones(tenant: Tenant):
    table = tenant.unique(tenant.table("name"), "name")
    (old,) = tenant.create(table, {"name": "old"})
    half = tenant.unit(
        tenant.creating(table, {"name": "Ada"}),
        tenant.updating(table, {old: {"name": "moved"}}),
        tenant.creating(table, {"name": "Ada"}),
    )
    units = [
        half,
        tenant.unit(tenant.creating(table, {"name": "old"})),
        tenant.unit(tenant.creating(table, {"name": "Ada"})),
        tenant.unit(tenant.updating(table, {old: {"name": "older"}}, if_match=1)),
    ]

    answers, groups = committed_together(tenant, units)

    assert groups == [4]
    assert [type(one) for one in answers] == [
        DuplicateValue, DuplicateValue, Done, Done,
    ]  # fmt: skip
    assert tenant.column(table, "name") == ["older", "Ada"]
    assert [row[0] for row in tenant.rows("SELECT number FROM catalog.counters")] == [2]


def test_row_numbers_count_on_through_a_group_past_refused_units(tenant: Tenant):
    table = tenant.unique(tenant.table("name", NewField("no", "autonumber")), "name")
    units = [
        tenant.unit(tenant.creating(table, {"name": "a"}, {"name": "b"})),
        tenant.unit(tenant.creating(table, {"name": "c"}, {"name": "a"})),
        tenant.unit(tenant.creating(table, {"name": "d"})),
    ]

    committed_together(tenant, units)

    created = [one for one in tenant.envelopes() if one.type == "record.created"]
    numbers = [one.recorded.event.data()["number"] for one in created]
    assert numbers == [1, 2, 3]
    assert tenant.create(table, {"name": "e"})
    assert [row[0] for row in tenant.rows("SELECT number FROM catalog.counters")] == [4]


# ------------------------------------------------------------- what is alone


def test_a_unit_that_changes_the_schema_commits_alone(tenant: Tenant):
    other, table = tenant.table("name"), tenant.table("name")

    def adding() -> Unit:
        return tenant.unit(tenant.creating(table, {"name": "x"}))

    field = CreateField(FieldId(new_id()), other.id, "more", "text", {})
    units = [adding(), adding(), tenant.unit(field), adding(), adding(), adding()]

    answers, groups = committed_together(tenant, units)

    assert groups == [2, 1, 3]
    assert all(isinstance(one, Done) for one in answers)
    positions = [one.outcome.position for one in answers if isinstance(one, Done)]  # type: ignore[union-attr]
    assert positions == list(range(positions[0], positions[0] + 6))


def test_values_read_before_a_schema_change_are_refused_after_it(tenant: Tenant):
    table = tenant.table("name")
    field = CreateField(FieldId(new_id()), table.id, "more", "text", {})
    adding = tenant.unit(tenant.creating(table, {"name": "x"}))

    answers, _ = committed_together(tenant, [adding, tenant.unit(field), adding])

    assert [type(one) for one in answers] == [Done, Done, StaleSchema]


def test_units_behind_one_that_links_read_their_facts_anew(tenant: Tenant):
    table = tenant.table("name")
    link = NewField("friends", "linked_record", {"linked_table_id": table.id})
    table = tenant.field(table, link)
    (ada,) = tenant.create(table, {"name": "Ada"})
    linking = [
        tenant.unit(tenant.creating(table, {"name": name, "friends": [ada]}))
        for name in ("Bob", "Eve")
    ]
    units = [*linking, tenant.unit(tenant.deleting(table, ada))]

    answers, groups = committed_together(tenant, units)

    assert all(isinstance(one, Done) for one in answers)
    assert groups == [1, 1, 1]
    assert tenant.links() == []


def test_a_group_holds_five_hundred_records_or_one_larger_unit(tenant: Tenant):
    table = tenant.table("name")

    def adding(count: int) -> Unit:
        rows = [{"name": "x"} for _ in range(count)]
        return tenant.unit(tenant.creating(table, *rows))

    _, groups = committed_together(
        tenant, [adding(size) for size in (300, 200, 1, 1000, 300, 300)]
    )

    assert groups == [2, 1, 1, 1, 1]
    assert len(tenant.column(table, "name")) == 2101


def test_a_schema_change_gives_up_on_a_table_in_use_after_three_tries(tenant: Tenant):
    table, other = tenant.table("name"), tenant.table("name")
    field = CreateField(FieldId(new_id()), table.id, "more", "text", {})
    with tenant.seeing() as reading, reading.transaction():
        reading.execute(
            sql.SQL("SELECT 1 FROM {}").format(
                live(tenant.workspace_id).of_records(table.id)
            )
        )
        began = time.monotonic()
        with pytest.raises(Busy, match="in use"):
            tenant.do(field)
        assert 2.9 < time.monotonic() - began < 4.5
        tenant.create(other, {"name": "writes go on"})
    tenant.do(field)


def test_a_workspace_whose_head_is_held_does_not_hold_up_another(
    tenant: Tenant, committer: LoopedCommitter
):
    other = Tenant(tenant.database, committer).settle()
    table = other.table("name")
    mine = tenant.table("name")
    blocked = threading.Thread(target=tenant.create, args=[mine, {"name": "late"}])
    with tenant.seeing() as connection, connection.transaction():
        connection.execute("SELECT 1 FROM ledger.heads FOR UPDATE")
        blocked.start()
        for _ in range(10):
            other.create(table, {"name": "at once"})
        assert blocked.is_alive()
    blocked.join(5)
    assert tenant.column(mine, "name") == ["late"]


# ------------------------------------------------------------------- clock


def test_the_time_never_falls_even_when_the_clock_goes_back(tenant: Tenant):
    table = tenant.table("name")
    real = time.time()
    clock = iter([real + 100, real - 3600, real + 50, 0.0, real + 200])
    times = []
    for moment in clock:
        committer = a_committer(tenant.database.app, clock=lambda at=moment: at)  # type: ignore[misc]
        (answer,) = together(
            committer, [tenant.unit(tenant.creating(table, {"name": "x"}))]
        )
        assert isinstance(answer, Done)
        times.append(answer.outcome.at)  # type: ignore[union-attr]

    assert times == sorted(times)
    assert len(set(times)) == 2  # real + 100 three times more, then real + 200
    found = tenant.envelopes()
    assert [one.recorded_at for one in found] == sorted(
        one.recorded_at for one in found
    )
    late = found[-5:]
    assert [one.recorded_at for one in late] == times
    assert [one.id[:13] for one in late] == sorted(one.id[:13] for one in late)


# ------------------------------------------------------- queue, start, stop


def test_a_full_queue_refuses_and_a_free_one_takes_again(tenant: Tenant):
    table = tenant.table("name")
    committer = a_committer(tenant.database.app, queue_limit=3)
    units = [tenant.unit(tenant.creating(table, {"name": f"{n}"})) for n in range(5)]

    answers = together(committer, units)

    assert [type(one) for one in answers] == [Done, Done, Done, Busy, Busy]
    assert tenant.column(table, "name") == ["0", "1", "2"]
    assert committer.waiting == 0


def test_stop_lets_what_waits_finish_and_takes_no_more(tenant: Tenant):
    table = tenant.table("name")
    committer = a_committer(tenant.database.app)
    units = [
        tenant.unit(tenant.creating(table, *({"name": "x"} for _ in range(400))))
        for _ in range(12)
    ]
    answers: list[Answer] = []

    def submit(unit: Unit) -> None:
        answers.append(committer.submit_and_wait(unit))

    threads = [threading.Thread(target=submit, args=[unit]) for unit in units]
    for thread in threads:
        thread.start()
    while committer.waiting < 12:
        time.sleep(0.001)
    committer.start()
    committer.stop()
    for thread in threads:
        thread.join(5)

    assert len(answers) == 12
    assert len(tenant.column(table, "name")) == 4800
    with pytest.raises(Busy, match="stopping"):
        committer.submit_and_wait(units[0])


def test_a_unit_for_a_workspace_that_is_not_there_is_not_found(tenant: Tenant):
    table = tenant.table("name")
    unit = tenant.unit(tenant.creating(table, {"name": "x"}))
    nowhere = replace(unit, workspace_id=WorkspaceId(new_id()))

    answers, _ = committed_together(tenant, [nowhere, unit])

    assert [type(one) for one in answers] == [NotFound, Done]


def test_a_workspace_that_is_refused_leaves_no_head(tenant: Tenant):
    """And the committer's connection is as good as before."""
    committer = a_committer(tenant.database.app)
    refused = Tenant(tenant.database, committer, UserId(GONE))  # an unknown owner
    committer.start()
    for _ in range(3):
        with pytest.raises(NotFound, match="User"):
            refused.settle_workspace()
    assert refused.rows("SELECT 1 FROM ledger.heads") == []
    again = replace(refused, user_id=tenant.user_id).settle_workspace()
    assert again.position() == 2
    committer.stop()


def test_a_committer_goes_on_after_any_number_of_refusals(tenant: Tenant):
    """Prepared statements of one transaction are those of the next."""
    table = tenant.unique(tenant.table("name"), "name")
    committer = a_committer(tenant.database.app)
    mine = replace(tenant, committer=committer)
    committer.start()
    for number in range(20):
        mine.create(table, {"name": f"n{number}"})
        with pytest.raises(DuplicateValue):
            mine.create(table, {"name": "n0"})
        with pytest.raises(NotFound):
            mine.do(mine.deleting(table, GONE))
        mine.do()
    committer.stop()
    assert len(tenant.column(table, "name")) == 20


def test_a_committer_serves_more_tables_than_it_keeps_statements_of(tenant: Tenant):
    committer = a_committer(tenant.database.app)
    mine = replace(tenant, committer=committer)
    committer.start()
    tables = [mine.table("name", f"other {number}") for number in range(40)]
    for _ in range(2):
        for table in tables:
            (record,) = mine.create(table, {"name": "x"})
            mine.do(mine.updating(table, {record: {"name": "y"}}))
    committer.stop()
    assert [tenant.column(table, "name") for table in tables] == [["y", "y"]] * 40


def test_two_sign_ups_with_one_address_in_one_group_make_one_account(tenant: Tenant):
    email = f"{new_id()}@example.org"

    def signing_up() -> Unit:
        user_id = UserId(new_id())
        unit = tenant.unit(RegisterUser(user_id, email))
        account = VaultWrite(
            sql.SQL(
                "INSERT INTO vault.accounts VALUES (%s, %s, %s, 'n', 'h', now(), %s)"
            ),
            [user_id, email, email, user_id],
        )
        return replace(unit, workspace_id=INSTANCE, vault=[account])

    answers, groups = committed_together(tenant, [signing_up() for _ in range(5)])

    assert groups == [5]
    assert [type(one) for one in answers] == [Done, *[Conflict] * 4]
    accounts = tenant.rows("SELECT 1 FROM vault.accounts WHERE email_key = %s", email)
    assert len(accounts) == 1


def test_a_batch_is_refused_with_the_index_of_its_first_bad_record(tenant: Tenant):
    table = tenant.unique(tenant.table("name"), "name")
    rows = [{"name": f"n{number}"} for number in range(1000)]
    rows[500] = {"name": "n3"}
    before = tenant.position()

    with pytest.raises(DuplicateValue) as refusal:
        tenant.do(tenant.creating(table, *rows))

    assert refusal.value.extra["index"] == 500
    assert tenant.position() == before
    assert tenant.column(table, "name") == []
