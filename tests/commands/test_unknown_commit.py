"""A COMMIT whose reply never comes: looked up, never guessed; not twice, not lost."""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from commands.embedded import DatabaseUrls
from commands.embedded.cluster import Cluster
from commands.schema import NewField, create_field
from commands.settings import Settings
from commands.system import new_id
from commands.unit import Done, Once, Outcome, Reply, VaultWrite
from domain.catalog import Table
from domain.errors import Busy, DuplicateValue
from domain.events import Command
from projections.postgres import connect
from tests.commands.cutting import Cut, Proxy, proxy_of
from tests.commands.tenant import Answer, LoopedCommitter, Tenant, a_committer, together


@pytest.fixture
def proxy(database: DatabaseUrls) -> Iterator[Proxy]:
    with proxy_of(database.app) as proxy:
        yield proxy


@pytest.fixture
def behind(proxy: Proxy, tenant: Tenant) -> Iterator[Tenant]:
    """The tenant, whose writes go through the proxy."""
    committer = a_committer(proxy.url, connections=2)
    committer.start()
    yield replace(tenant, committer=committer)
    committer.stop()


def _names(tenant: Tenant, table: Table) -> list[str]:
    return sorted(tenant.column(table, "name"))


@pytest.mark.parametrize("cut", Cut)
def test_a_unit_is_written_once_however_its_commit_was_cut(
    proxy: Proxy, behind: Tenant, cut: Cut
):
    table = behind.unique(behind.table("name"), "name")
    before = behind.position()
    proxy.arm(cut)

    outcome = behind.do(behind.creating(table, {"name": "Ada"}))

    assert proxy.made == [cut]
    assert outcome.position == before + 1
    assert behind.position() == before + 1
    assert _names(behind, table) == ["Ada"]
    batches = behind.rows("SELECT 1 FROM ledger.batches WHERE last_seq > %s", before)
    assert len(batches) == 1
    (envelope,) = behind.envelopes(after=before)
    assert envelope.batch_id == outcome.batch_id


@pytest.mark.parametrize("cut", Cut)
def test_a_whole_group_is_written_once_however_its_commit_was_cut(
    proxy: Proxy, tenant: Tenant, cut: Cut
):
    table = tenant.unique(tenant.table("name"), "name")
    units = [tenant.unit(tenant.creating(table, {"name": f"n{n}"})) for n in range(40)]
    units[20] = tenant.unit(tenant.creating(table, {"name": "n3"}))
    proxy.arm(cut)

    answers = together(a_committer(proxy.url), units)

    assert proxy.made == [cut]
    assert isinstance(answers[20], DuplicateValue)
    assert sum(isinstance(one, Done) for one in answers) == 39
    replies = [one.reply.body for one in answers if isinstance(one, Done)]
    assert len(set(replies)) == 39  # the last one too has its own
    assert _names(tenant, table) == sorted(f"n{n}" for n in range(40) if n != 20)


@pytest.mark.parametrize("cut", Cut)
def test_a_schema_change_is_made_once_however_its_commit_was_cut(
    proxy: Proxy, behind: Tenant, cut: Cut
):
    table = behind.table("name")
    proxy.arm(cut)

    table = behind.field(table, NewField("age", "number"))

    assert proxy.made == [cut]
    assert [one.name for one in table.fields] == ["name", "age"]
    assert behind.create(table, {"name": "Ada", "age": 36})


@pytest.mark.parametrize("cut", Cut)
def test_a_workspace_is_made_once_however_its_commit_was_cut(
    proxy: Proxy, behind: Tenant, cut: Cut
):
    """Its head is not there yet, so there is no row whose lock could be waited for."""
    other = Tenant(behind.database, behind.committer)
    other.register(other.user_id)
    proxy.made.clear()
    proxy.arm(cut)

    settled = replace(other, user_id=behind.user_id).settle_workspace()

    assert proxy.made == [cut]
    assert settled.position() == 2
    assert [one.type for one in settled.envelopes()] == [
        "workspace.created",
        "member.added",
    ]


def test_a_commit_may_be_cut_many_times_in_a_row(proxy: Proxy, behind: Tenant):
    table = behind.table("name")
    proxy.arm(Cut.before, Cut.before, Cut.after)

    behind.create(table, {"name": "Ada"})

    assert proxy.made == [Cut.before, Cut.before, Cut.after]
    assert _names(behind, table) == ["Ada"]


def test_a_key_keeps_its_reply_over_a_cut(proxy: Proxy, behind: Tenant):
    table = behind.table("name")
    unit = behind.unit(
        behind.creating(table, {"name": "Ada"}), once=Once("key-1", bytes(32))
    )
    proxy.arm(Cut.after)

    first = behind.committer.submit_and_wait(unit)
    second = behind.committer.submit_and_wait(unit)

    assert not first.replayed
    assert second.replayed
    assert second.reply == first.reply
    assert _names(behind, table) == ["Ada"]


def test_the_vault_is_written_with_the_unit_or_not_at_all(proxy: Proxy, behind: Tenant):
    table = behind.table("name")
    for cut in Cut:
        session = new_id()
        write = VaultWrite(
            sql.SQL(
                "INSERT INTO vault.sessions (id, user_id, created_at, expires_at)"
                " VALUES (%s, %s, now(), now())"
            ),
            [session, session],
        )
        proxy.arm(cut)
        behind.do(behind.creating(table, {"name": cut.name}), vault=[write])
        found = behind.rows("SELECT 1 FROM vault.sessions WHERE id = %s", session)
        assert len(found) == 1
    assert _names(behind, table) == ["after", "before", "late"]


def test_a_database_that_does_not_come_back_is_told_as_busy(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("commands.committer.RETRY_SECONDS", 0.5)
    table = tenant.table("name")
    with proxy_of(tenant.database.app) as proxy:
        committer = a_committer(proxy.url)
        committer.start()
        gone = replace(tenant, committer=committer)
        gone.create(table, {"name": "Ada"})
        proxy.refuse()
        began = time.monotonic()
        with pytest.raises(Busy, match="does not answer"):
            gone.create(table, {"name": "Bob"})
        assert time.monotonic() - began < 2
        proxy.take_again()
        gone.create(table, {"name": "Eve"})
        committer.stop()
    assert _names(tenant, table) == ["Ada", "Eve"]


# ------------------------------------------------------------ stopped, ended


@pytest.mark.parametrize("kind", ["records", "a schema change"])
def test_a_stopped_process_does_not_hold_a_head_for_ever(tenant: Tenant, kind: str):
    """As after SIGSTOP between its read and its COMMIT: others go on after the timer,
    and when it wakes its unit is written once."""
    table, other = tenant.table("name"), tenant.table("name")
    commands: list[Command] = [tenant.creating(table, {"name": "stopped"})]
    if kind != "records":
        field = NewField("more", "text")
        commands.append(create_field(other.id, field))
    stopped, wake = threading.Event(), threading.Event()

    def render(outcome: Outcome) -> Reply:
        stopped.set()
        wake.wait(20)
        return Reply(201, b"")

    committer = a_committer(tenant.database.app)
    committer.start()
    unit = tenant.unit(
        *commands,
        once=Once("key", bytes(32)),  # its reply is made under the head's lock
        render=render,
    )
    answers: list[Answer] = []
    waiting = threading.Thread(
        target=lambda: answers.append(committer.submit_and_wait(unit))
    )
    waiting.start()
    assert stopped.wait(5)

    began = time.monotonic()
    tenant.create(table, {"name": "other"})
    assert time.monotonic() - began < 8
    assert tenant.column(table, "name") == ["other"]
    wake.set()
    waiting.join(10)
    committer.stop()

    assert [type(one) for one in answers] == [Done]
    assert tenant.column(table, "name") == ["other", "stopped"]


@pytest.fixture
def superuser(
    settings: Settings, database: DatabaseUrls
) -> Iterator[psycopg.Connection]:
    with psycopg.connect(
        Cluster(settings.data_dir).url("postgres"), autocommit=True
    ) as connection:
        yield connection


def test_backends_ended_at_random_lose_and_double_nothing(
    tenant: Tenant, superuser: psycopg.Connection
):
    table = tenant.unique(tenant.table("name"), "name")
    committers = [a_committer(tenant.database.app, connections=2) for _ in range(2)]
    acknowledged: list[str] = []
    unsure: list[str] = []
    until = time.monotonic() + 4

    def write(committer: LoopedCommitter, number: int) -> None:
        mine = replace(tenant, committer=committer)
        count = 0
        while time.monotonic() < until:
            name = f"{number}-{count}"
            count += 1
            try:
                mine.create(table, {"name": name})
                acknowledged.append(name)
            except Busy:
                unsure.append(name)

    threads = [
        threading.Thread(target=write, args=[committer, 10 * place + number])
        for place, committer in enumerate(committers)
        for number in range(8)
    ]
    for committer in committers:
        committer.start()
    for thread in threads:
        thread.start()
    ended = 0
    while time.monotonic() < until - 0.3:
        time.sleep(random.uniform(0.01, 0.1))
        ended += superuser.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE usename = 'tabellion_app' AND random() < 0.5"
        ).fetchall()[0][0]
    for thread in threads:
        thread.join(20)
    for committer in committers:
        committer.stop()

    assert ended > 20
    assert len(acknowledged) > 100
    found = tenant.column(table, "name")
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found) <= set(acknowledged) | set(unsure)
    with connect(tenant.database.app, autocommit=True) as connection:
        connection.execute("SELECT 1")
