"""Idempotency keys: one effect, one reply, however often and wherever it is said."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from commands.system import new_id
from commands.unit import Done, Once, Outcome, Reply, Unit
from domain.catalog import Table
from domain.errors import (
    Conflict,
    DomainError,
    DuplicateValue,
    KeyReused,
    SecretAlreadyShown,
)
from domain.field import CreateField
from domain.ids import FieldId
from tests.commands.tenant import Answer, LoopedCommitter, Tenant, a_committer, together

FINGERPRINT = bytes(range(32))


@pytest.fixture
def table(tenant: Tenant) -> Table:
    return tenant.unique(tenant.table("name"), "name")


@pytest.fixture
def committers(tenant: Tenant) -> Iterator[list[LoopedCommitter]]:
    """As of three processes."""
    made = [a_committer(tenant.database.app, connections=2) for _ in range(3)]
    for one in made:
        one.start()
    yield made
    for one in made:
        one.stop()


def keyed(key: str = "key", fingerprint: bytes = FINGERPRINT) -> Once:
    return Once(key, fingerprint)


def adding(tenant: Tenant, table: Table, name: str, once: Once | None = None) -> Unit:
    return tenant.unit(tenant.creating(table, {"name": name}), once=once or keyed())


def answered(committer: LoopedCommitter, unit: Unit) -> Answer:
    try:
        return committer.submit_and_wait(unit)
    except DomainError as error:
        return error


def at_once(calls: list[Callable[[], Answer]]) -> list[Answer]:
    """The answers of calls that are made together."""
    start = threading.Barrier(len(calls))
    answers: list[Answer] = []

    def run(call: Callable[[], Answer]) -> None:
        start.wait(10)
        answers.append(call())

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == len(calls)
    return answers


# ------------------------------------------------------------- refused first


def test_a_key_with_another_request_is_refused_and_does_nothing(
    tenant: Tenant, table: Table
):
    tenant.committer.submit_and_wait(adding(tenant, table, "Ada"))
    other = adding(tenant, table, "Bob", keyed(fingerprint=bytes(32)))

    with pytest.raises(KeyReused):
        tenant.committer.submit_and_wait(other)

    assert tenant.column(table, "name") == ["Ada"]


def test_two_requests_with_one_key_in_one_group_are_told_apart(
    tenant: Tenant, table: Table
):
    units = [
        adding(tenant, table, "Ada"),
        adding(tenant, table, "Bob", keyed(fingerprint=bytes(32))),
        adding(tenant, table, "Ada"),
    ]

    answers = together(a_committer(tenant.database.app), units)

    assert [type(one) for one in answers] == [Done, KeyReused, Done]
    assert [one.replayed for one in answers if isinstance(one, Done)] == [False, True]
    assert tenant.column(table, "name") == ["Ada"]


def test_a_refusal_is_not_kept_but_decided_anew(tenant: Tenant, table: Table):
    (ada,) = tenant.create(table, {"name": "Ada"})
    unit = adding(tenant, table, "Ada")
    for _ in range(2):
        with pytest.raises(DuplicateValue):
            tenant.committer.submit_and_wait(unit)
    tenant.do(tenant.deleting(table, ada))

    done = tenant.committer.submit_and_wait(unit)

    assert not done.replayed
    assert tenant.column(table, "name") == ["Ada"]


def test_a_reply_that_showed_a_secret_is_not_shown_again(tenant: Tenant, table: Table):
    shown = new_id()
    once = Once("key", FINGERPRINT, secret_id=shown)
    unit = replace(
        adding(tenant, table, "Ada", once), render=lambda _: Reply(201, b"the secret")
    )

    assert tenant.committer.submit_and_wait(unit).reply.body == b"the secret"
    with pytest.raises(SecretAlreadyShown) as refusal:
        tenant.committer.submit_and_wait(unit)

    assert refusal.value.extra == {"id": shown}
    kept = tenant.rows("SELECT reply FROM ledger.batches WHERE key = 'key'")
    assert b"the secret" not in bytes(kept[0][0])


# ------------------------------------------------------------- one effect


def test_the_first_reply_comes_again_byte_for_byte(tenant: Tenant, table: Table):
    def render(outcome: Outcome) -> Reply:
        body = bytes(range(256)) + b"\n\nposition %d" % outcome.position
        return Reply(418, body, {"X-Position": str(outcome.position), "ETag": '"v1"'})

    unit = replace(adding(tenant, table, "Ada"), render=render)

    first = tenant.committer.submit_and_wait(unit)
    later = replace(unit, render=lambda _: Reply(200, b"another"))
    second = tenant.committer.submit_and_wait(later)

    assert (first.replayed, second.replayed) == (False, True)
    assert second.reply == first.reply
    assert second.outcome is None


@pytest.mark.parametrize("body", [b"", b"\n", b"{}\n{}", "ß".encode("latin-1")])
def test_any_body_is_kept(tenant: Tenant, table: Table, body: bytes):
    unit = replace(adding(tenant, table, "Ada"), render=lambda _: Reply(204, body))
    tenant.committer.submit_and_wait(unit)
    assert tenant.committer.submit_and_wait(unit).reply == Reply(204, body, {})


def test_twenty_at_once_through_three_processes_have_one_effect(
    tenant: Tenant, table: Table, committers: list[LoopedCommitter]
):
    unit = adding(tenant, table, "Ada")

    answers = at_once(
        [
            lambda committer=committers[number % 3]: answered(committer, unit)  # type: ignore[misc]
            for number in range(20)
        ]
    )

    done = [one for one in answers if isinstance(one, Done)]
    assert len(done) == 20
    assert sum(not one.replayed for one in done) == 1
    assert len({(one.reply.status, one.reply.body) for one in done}) == 1
    assert tenant.column(table, "name") == ["Ada"]


def test_one_key_with_twenty_requests_at_once_lets_one_through(
    tenant: Tenant, table: Table, committers: list[LoopedCommitter]
):
    units = [
        adding(tenant, table, f"n{number}", keyed(fingerprint=bytes([number]) * 32))
        for number in range(20)
    ]

    answers = at_once(
        [
            lambda at=number: answered(committers[at % 3], units[at])  # type: ignore[misc]
            for number in range(20)
        ]
    )

    assert sum(isinstance(one, Done) for one in answers) == 1
    assert sum(isinstance(one, KeyReused) for one in answers) == 19
    assert len(tenant.column(table, "name")) == 1


def test_a_request_that_changed_nothing_is_remembered_too(tenant: Tenant, table: Table):
    (ada,) = tenant.create(table, {"name": "Ada"})
    nothing = tenant.unit(tenant.updating(table, {ada: {"name": "Ada"}}), once=keyed())
    first = tenant.committer.submit_and_wait(nothing)
    tenant.do(tenant.updating(table, {ada: {"name": "Bob"}}))

    second = tenant.committer.submit_and_wait(nothing)

    assert second.replayed
    assert second.reply == first.reply
    assert tenant.column(table, "name") == ["Bob"]


def test_a_schema_change_is_made_once(tenant: Tenant, table: Table):
    field = CreateField(FieldId(new_id()), table.id, "more", "text", {})
    unit = tenant.unit(field, once=keyed())
    first = tenant.committer.submit_and_wait(unit)

    assert tenant.committer.submit_and_wait(unit).reply == first.reply
    assert len(tenant.catalog().tables[table.id].fields) == 2


def test_a_group_that_was_taken_apart_keeps_its_keys(tenant: Tenant, table: Table):
    units = [adding(tenant, table, f"n{n}", keyed(f"key-{n}")) for n in range(5)]
    command = tenant.creating(table, {"name": "twin"})
    (ada,) = tenant.create(table, {"name": "Ada"})
    twin = replace(command, records=[(ada, command.records[0][1])])
    units.insert(2, tenant.unit(twin, once=keyed("key-twin")))

    answers = together(a_committer(tenant.database.app), units)

    assert [type(one) for one in answers] == [Done, Done, Conflict, Done, Done, Done]
    again = together(a_committer(tenant.database.app), units)
    assert [one.replayed for one in again if isinstance(one, Done)] == [True] * 5
    assert len(tenant.column(table, "name")) == 6


# ------------------------------------------------------------- whose key it is


def test_another_users_key_is_another_key(tenant: Tenant, table: Table):
    editor = tenant.member("editor")
    mine = adding(tenant, table, "Ada")
    theirs = tenant.unit(
        tenant.creating(table, {"name": "Bob"}),
        once=keyed(fingerprint=bytes(32)),
        actor=editor,
    )

    assert not tenant.committer.submit_and_wait(mine).replayed
    assert not tenant.committer.submit_and_wait(theirs).replayed
    assert tenant.committer.submit_and_wait(theirs).replayed
    assert tenant.column(table, "name") == ["Ada", "Bob"]


def test_the_same_key_in_another_workspace_is_another_key(tenant: Tenant, table: Table):
    other = Tenant(tenant.database, tenant.committer, tenant.user_id).settle_workspace()
    tenant.committer.submit_and_wait(adding(tenant, table, "Ada"))

    unit = other.unit(once=keyed(fingerprint=bytes(32)))

    assert not tenant.committer.submit_and_wait(unit).replayed
