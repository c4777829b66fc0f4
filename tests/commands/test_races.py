"""Many who want the same at once, through several processes' committers."""

import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from commands.schema import NewField
from commands.system import new_id
from commands.unit import Done, Unit
from domain.catalog import Table
from domain.constraint import CreateConstraint, UpdateConstraint
from domain.errors import (
    DuplicateValue,
    NotFound,
    StaleSchema,
    VersionMismatch,
)
from domain.field import DeleteField
from domain.ids import ConstraintId
from domain.record import UpdateRecords
from domain.workspace import CreateWorkspace
from tests.commands.tenant import Answer, LoopedCommitter, Tenant, a_committer, field_id

Work = Callable[[LoopedCommitter], Answer]


@pytest.fixture
def committers(tenant: Tenant) -> Iterator[list[LoopedCommitter]]:
    """As of two processes with two threads each."""
    made = [a_committer(tenant.database.app, connections=2) for _ in range(2)]
    for one in made:
        one.start()
    yield made
    for one in made:
        one.stop()


def race(committers: list[LoopedCommitter], units: list[Unit]) -> list[Answer]:
    """The answers, in the units' order."""
    start = threading.Barrier(len(units))
    answers: dict[int, Answer] = {}

    def run(number: int) -> None:
        start.wait(10)
        try:
            committer = committers[number % len(committers)]
            answers[number] = committer.submit_and_wait(units[number])
        except Exception as error:
            answers[number] = error

    threads = [threading.Thread(target=run, args=[n]) for n in range(len(units))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return [answers[number] for number in range(len(units))]


def counted(answers: list[Answer]) -> Counter[str]:
    return Counter(type(one).__name__ for one in answers)


# -------------------------------------------------------------- unique values

SPELLINGS: Mapping[str, tuple[str, bool, list[Any], int]] = {
    "the same": ("text", True, ["Ada"] * 4, 1),
    "case where it counts": ("text", True, ["ada", "Ada", "ADA", "aDA"], 4),
    "case where it does not": ("text", False, ["ada", "Ada", "ADA", "aDA"], 1),
    "sharp s where case does not count": ("text", False, ["straße", "STRASSE"] * 2, 1),
    "composed and decomposed": (
        "text",
        True,
        [unicodedata.normalize("NFC", "Zoë"), unicodedata.normalize("NFD", "Zoë")] * 2,
        1,
    ),
    "compatible but not equal": ("text", True, ["ﬁ", "fi", "①", "1"], 4),
    "numbers by value": ("number", True, [1, 1.0, 1.00, 1e0], 1),
    "blanks count": ("text", True, ["a", "a ", " a", "a\t"], 4),
    "a moment in two zones": (
        "datetime",
        True,
        ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00"] * 2,
        1,
    ),
}


@pytest.mark.parametrize("kind", SPELLINGS)
def test_of_a_hundred_equal_values_at_once_one_wins(
    tenant: Tenant, committers: list[LoopedCommitter], kind: str
):
    type_, case_sensitive, spellings, distinct = SPELLINGS[kind]
    table = tenant.table("title", NewField("value", type_))
    table = tenant.unique(table, "value", case_sensitive=case_sensitive)
    units = [
        tenant.unit(tenant.creating(table, {"value": spellings[number % 4]}))
        for number in range(100)
    ]

    answers = race(committers, units)

    assert counted(answers) == {"Done": distinct, "DuplicateValue": 100 - distinct}
    assert len(tenant.column(table, "value")) == distinct


def test_overlapping_batches_land_whole_or_not_at_all(
    tenant: Tenant, committers: list[LoopedCommitter]
):
    table = tenant.unique(tenant.table("name"), "name")
    units = [
        tenant.unit(
            tenant.creating(
                table, *({"name": f"n{n}"} for n in range(start, start + 50))
            )
        )
        for start in range(0, 400, 25)
    ]

    answers = race(committers, units)

    done = [place for place, one in enumerate(answers) if isinstance(one, Done)]
    names = sorted(tenant.column(table, "name"))
    assert names == sorted(
        f"n{n}" for place in done for n in range(place * 25, place * 25 + 50)
    )
    assert len(done) + counted(answers)["DuplicateValue"] == 16
    for place, one in enumerate(answers):
        if isinstance(one, DuplicateValue):
            in_the_way = {place - 1: 0, place + 1: 25}
            assert one.extra["index"] in {
                in_the_way[n] for n in in_the_way if n in done
            }


# -------------------------------------------------------------- the same record


def test_updates_of_different_fields_of_one_record_are_all_kept(
    tenant: Tenant, committers: list[LoopedCommitter]
):
    names = [f"f{number}" for number in range(20)]
    table = tenant.table(*names)
    (record,) = tenant.create(table, {})
    units = [
        tenant.unit(tenant.updating(table, {record: {name: f"new {name}"}}))
        for name in names
    ]

    answers = race(committers, units)

    assert counted(answers) == {"Done": 20}
    assert [tenant.column(table, name) for name in names] == [
        [f"new {name}"] for name in names
    ]
    assert _versions(tenant, table) == [21]


def test_of_many_with_one_version_one_wins(
    tenant: Tenant, committers: list[LoopedCommitter]
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "old"})
    units = [
        tenant.unit(tenant.updating(table, {record: {"name": f"n{n}"}}, if_match=1))
        for n in range(50)
    ]

    answers = race(committers, units)

    assert counted(answers) == {"Done": 1, "VersionMismatch": 49}
    (winner,) = [n for n, one in enumerate(answers) if isinstance(one, Done)]
    assert tenant.column(table, "name") == [f"n{winner}"]
    told = [one for one in answers if isinstance(one, VersionMismatch)]
    assert {one.extra["current_version"] for one in told} == {2}


def test_sixty_four_writers_on_two_records_in_both_orders_all_get_through(
    tenant: Tenant, committers: list[LoopedCommitter]
):
    table = tenant.table("name")
    first, second = tenant.create(table, {"name": "a"}, {"name": "b"})

    def both(number: int) -> UpdateRecords:
        order = (first, second) if number % 2 else (second, first)
        return tenant.updating(table, {one: {"name": f"n{number}"} for one in order})

    answers = race(committers, [tenant.unit(both(number)) for number in range(64)])

    assert counted(answers) == {"Done": 64}
    assert _versions(tenant, table) == [65, 65]
    last, other = tenant.column(table, "name")
    assert last == other  # no writer came between the halves of another


def test_deleting_one_record_many_times_at_once_deletes_it_once(
    tenant: Tenant, committers: list[LoopedCommitter]
):
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "x"})

    answers = race(committers, [tenant.unit(tenant.deleting(table, record))] * 20)

    assert counted(answers) == {"Done": 1, "NotFound": 19}


# -------------------------------------------------------------- numbers


def test_row_numbers_are_unique_and_rise_under_load(
    tenant: Tenant, committers: list[LoopedCommitter]
):
    table = tenant.unique(tenant.table("name", NewField("no", "autonumber")), "name")
    units = [
        tenant.unit(tenant.creating(table, {"name": f"n{number % 70}"}, {}))
        for number in range(100)
    ]

    answers = race(committers, units)

    assert counted(answers) == {"Done": 70, "DuplicateValue": 30}
    created = [one for one in tenant.envelopes() if one.type == "record.created"]
    numbers = [one.recorded.event.data()["number"] for one in created]
    assert numbers == list(range(1, 141))  # refused ones leave no gap


# -------------------------------------------------------------- schema changes


def test_records_and_a_field_that_goes_meanwhile(
    tenant: Tenant, committers: list[LoopedCommitter]
):
    table = tenant.table("name", "more")
    rows = [{"name": "x", "more": "y"}] * 20
    units = [tenant.unit(tenant.creating(table, *rows)) for _ in range(12)]
    units.insert(4, tenant.unit(DeleteField(field_id(table, "more"))))

    answers = race(committers, units)

    assert isinstance(answers.pop(4), Done)
    assert all(isinstance(one, Done | StaleSchema) for one in answers)
    written = sum(isinstance(one, Done) for one in answers)
    assert len(tenant.column(table, "name")) == 20 * written


def test_records_and_a_constraint_that_is_switched_meanwhile(
    tenant: Tenant, committers: list[LoopedCommitter]
):
    """What is committed never has a value twice while the constraint is on."""
    table = tenant.table("name")
    name = field_id(table, "name")
    constraint = ConstraintId(new_id())
    creating = tenant.unit(CreateConstraint(constraint, table.id, name))
    switching = [
        tenant.unit(UpdateConstraint(constraint, table.id, name, {"status": status}))
        for status in ("disabled", "active", "disabled", "active")
    ]
    adding = [
        tenant.unit(tenant.creating(table, {"name": f"n{number % 8}"}))
        for number in range(24)
    ]

    answers = race(committers, [creating, *adding, *switching])

    allowed = (Done, DuplicateValue, StaleSchema, NotFound)
    assert all(isinstance(one, allowed) for one in answers)


def test_many_workspaces_of_one_name_at_once_get_slugs_of_their_own(
    tenant: Tenant, committers: list[LoopedCommitter]
):
    slug = f"slug-{new_id()[-8:]}"

    def made() -> Unit:
        other = Tenant(tenant.database, tenant.committer, tenant.user_id)
        command = CreateWorkspace(
            other.workspace_id, "Acme", slug, False, None, tenant.user_id, new_id()
        )
        return other.unit(command, makes_workspace=True)

    answers = race(committers, [made() for _ in range(6)])

    assert counted(answers) == {"Done": 6}
    slugs = tenant.rows("SELECT slug FROM catalog.slugs WHERE slug LIKE %s", f"{slug}%")
    assert {row[0] for row in slugs} == {slug, *(f"{slug}-{n}" for n in range(2, 7))}


def test_a_slug_that_many_choose_at_once_is_one_workspaces(
    tenant: Tenant, committers: list[LoopedCommitter]
):
    slug = f"slug-{new_id()[-8:]}"

    def made() -> Unit:
        other = Tenant(tenant.database, tenant.committer, tenant.user_id)
        command = CreateWorkspace(
            other.workspace_id, "Acme", slug, True, None, tenant.user_id, new_id()
        )
        return other.unit(command, makes_workspace=True)

    answers = race(committers, [made() for _ in range(6)])

    assert counted(answers) == {"Done": 1, "NameTaken": 5}


def _versions(tenant: Tenant, table: Table) -> list[int]:
    return [
        row[0]
        for row in tenant.rows(
            f"SELECT version FROM ws_{tenant.workspace_id.replace('-', '')}"
            f".t_{table.id.replace('-', '')} ORDER BY number"
        )
    ]
