"""The example in `examples/`, as a user runs it: a process of its own."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from commands.embedded import DatabaseUrls
from commands.recorder import LedgerRecorder
from commands.seal import Sealer
from commands.settings import PREFIX
from domain.record import DeleteRecords
from domain.table import DeleteTable
from tests.commands.recorder.programs import appended
from tests.commands.tenant import LoopedCommitter, Tenant
from tests.sealing import seal_all

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "examples.counting"]

Counted = tuple[dict[str, int], dict[str, int]]


def environment(urls: DatabaseUrls) -> dict[str, str]:
    mine = {name: v for name, v in os.environ.items() if not name.startswith(PREFIX)}
    return mine | {
        "TABELLION_DATABASE_URL": urls.app,
        "TABELLION_FOLLOWER_DATABASE_URL": urls.follower,
        "PYTHONPATH": str(ROOT),
    }


def counted_once(urls: DatabaseUrls) -> str:
    """Runs the example to the end of the log; gives what it prints."""
    done = subprocess.run(
        [*COMMAND, "--once"],
        env=environment(urls),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@contextmanager
def counting(urls: DatabaseUrls) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        COMMAND, env=environment(urls), stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def counts(urls: DatabaseUrls) -> Counted:
    """What the projection has: records by table, writes by writer."""
    with psycopg.connect(urls.follower) as connection:
        tables = connection.execute("SELECT table_id, records FROM projected.tables")
        found: dict[str, int] = dict(tables.fetchall())
        writers = connection.execute("SELECT writer, writes FROM projected.writers")
        return found, dict(writers.fetchall())


def truth(urls: DatabaseUrls) -> Counted:
    """The same from the ledger itself, in another way."""
    tables: Counter[str] = Counter()
    writers: Counter[str] = Counter()
    with psycopg.connect(urls.owner) as connection:
        rows = connection.execute(
            """
            SELECT e.type, e.stream_id::text, b.actor::text,
                   convert_from(e.data, 'UTF8')::json ->> 'table_id'
            FROM ledger.events AS e JOIN ledger.batches AS b
              ON b.workspace_id = e.workspace_id
             AND e.seq BETWEEN b.first_seq AND b.last_seq
            """
        )
        for type_, stream, actor, table_id in rows:
            if type_ == "table.created":
                tables[stream] += 0
            elif type_.startswith("record."):
                tables[table_id] += {"record.created": 1, "record.deleted": -1}[type_]
                writers[actor] += 1
    return dict(tables), dict(writers)


def position(urls: DatabaseUrls) -> int:
    with psycopg.connect(urls.follower) as connection:
        row = connection.execute(
            "SELECT global_seq FROM ledger.positions"
            " WHERE follower = 'eventsourcing:counting:tabellion'"
        ).fetchone()
        return row[0] if row is not None else 0


def last_number(urls: DatabaseUrls) -> int:
    with psycopg.connect(urls.follower) as connection:
        row = connection.execute("SELECT max(last_global) FROM ledger.feed").fetchone()
        assert row is not None
        return int(row[0])


def test_it_counts_what_is_there_and_a_second_run_counts_nothing_twice(
    fresh: DatabaseUrls, its_tenant: Tenant
):
    planets = its_tenant.table("name", name="Planets")
    moons = its_tenant.table("name", name="Moons")
    its_tenant.create(planets, *({"name": str(n)} for n in range(8)))
    first, *_ = its_tenant.create(moons, {"name": "Io"}, {"name": "Europa"})
    its_tenant.do(DeleteRecords(moons.id, [first]))
    seal_all(fresh)

    told = counted_once(fresh)

    assert told == (
        "records  table\n"
        "      8  Planets\n"
        "      1  Moons\n"
        "\n"
        " writes  by\n"
        f"     11  {its_tenant.user_id}\n"
    )
    assert counted_once(fresh) == told
    assert position(fresh) == last_number(fresh)


def test_it_goes_on_from_where_it_was_past_what_is_none_of_its_business(
    fresh: DatabaseUrls, its_tenant: Tenant, recorder: LedgerRecorder
):
    table = its_tenant.table("name")
    its_tenant.create(table, {"name": "Ada"})
    seal_all(fresh)
    counted_once(fresh)
    recorder.insert_events([appended(1, "no_such_module:Ordered")])
    its_tenant.create(table, {"name": "Bob"})
    its_tenant.do(DeleteTable(table.id))
    seal_all(fresh)

    counted_once(fresh)

    assert counts(fresh) == truth(fresh) == ({table.id: 2}, {its_tenant.user_id: 2})


@pytest.mark.timeout(240)
def test_killed_again_and_again_under_many_writers_it_misses_none_and_none_is_twice(
    fresh: DatabaseUrls, its_tenant: Tenant, its_committer: LoopedCommitter
):
    tenants = [its_tenant, Tenant(fresh, its_committer).settle()]
    sealer = Sealer(fresh.app)
    sealer.start()
    stopping = threading.Event()

    def write(tenant: Tenant) -> None:
        table = tenant.table("name")
        while not stopping.is_set():
            first, *_ = tenant.create(table, {"name": "x"}, {"name": "y"})
            tenant.do(DeleteRecords(table.id, [first]))
            time.sleep(0.01)

    writers = [threading.Thread(target=write, args=[tenant]) for tenant in tenants * 2]
    for writer in writers:
        writer.start()
    reached = [0]
    for _ in range(3):
        with counting(fresh):
            deadline = time.monotonic() + 40
            while position(fresh) < reached[-1] + 50 and time.monotonic() < deadline:
                time.sleep(0.02)
            reached.append(position(fresh))
    stopping.set()
    for writer in writers:
        writer.join()
    sealer.stop()
    seal_all(fresh)
    between = last_number(fresh) - reached[-1]
    counted_once(fresh)

    assert reached == sorted(set(reached))  # it got on each time
    assert between > 0
    assert counts(fresh) == truth(fresh)
    assert position(fresh) == last_number(fresh)
