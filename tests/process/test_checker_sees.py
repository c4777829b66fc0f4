"""The checker sees: each fault that is planted in a sound ledger is named.

A superuser plants it, past the grants and the trigger that stop everybody else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from commands import migrate
from commands.embedded import DatabaseUrls, database
from commands.embedded.cluster import Cluster
from commands.settings import Settings
from domain.ids import WorkspaceId
from projections import rebuild
from projections.postgres import connect
from projections.verify import INSTANCE_INVARIANTS, INVARIANTS, see
from tests.client import Client, running_server

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def ledger(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[DatabaseUrls, str, WorkspaceId]]:
    """A ledger of some batches; (its database, the superuser's URL, its workspace)."""
    data_dir = tmp_path_factory.mktemp("seen") / "data"
    settings = Settings(data_dir=data_dir)
    with database(settings) as urls:
        migrate.migrate(urls)
        with running_server(settings, urls) as server:
            workspace_id = _write(Client(server.url))
        yield urls, Cluster(data_dir).url("postgres"), WorkspaceId(workspace_id)


def _write(client: Client) -> str:
    client.register()
    table = client.table("Name", "Note")
    path, body = "/constraints", {"field_id": table["ids"]["Name"]}
    assert client.post(path, json=body).status_code == 201
    for number in range(5):
        rows = [{"fields": {"Name": f"{number}.{nr}"}} for nr in range(10)]
        body = {"table_id": table["id"], "records": rows}
        assert client.post("/records/batch", json=body).status_code == 201
    client.close()
    return str(table["workspace_id"])


@contextmanager
def _planted(url: str, *statements: str) -> Iterator[Connection]:
    """A superuser's transaction with the fault in it, rolled back afterwards."""
    with connect(url) as superuser:
        superuser.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            assert superuser.execute(statement.encode()).rowcount > 0, statement
        yield superuser
        superuser.rollback()


def _problems(connection: Connection, workspace: WorkspaceId) -> set[str]:
    see(connection, workspace)
    found = set()
    for name, invariant in INVARIANTS.items():
        try:
            if list(invariant(connection, workspace)):
                found.add(name)
        except (LookupError, ValueError, TypeError):
            found.add(name)
    for name, whole in INSTANCE_INVARIANTS.items():
        if list(whole(connection)):
            found.add(name)
    return found


LAST = "(SELECT max(seq) FROM ledger.events WHERE {here})"

FAULTS: dict[str, tuple[list[str], str]] = {
    "a dropped event": (
        ["DELETE FROM ledger.events WHERE {here} AND seq = 20"],
        "positions_are_gapless",
    ),
    "half a batch": (
        [
            f"DELETE FROM ledger.events WHERE {{here}} AND seq > {LAST} - 5",
            f"UPDATE ledger.heads SET seq = {LAST}, hash = (SELECT hash FROM"
            f" ledger.events WHERE {{here}} AND seq = {LAST}) WHERE {{here}}",
        ],
        "batches_are_whole",
    ),
    "a skipped position": (
        [
            f"UPDATE ledger.events SET seq = seq + 1 WHERE {{here}} AND seq = {LAST}",
            "UPDATE ledger.heads SET seq = seq + 1 WHERE {here}",
        ],
        "positions_are_gapless",
    ),
    "a flipped byte": (
        [
            "UPDATE ledger.events SET data = set_byte(data, 9, get_byte(data, 9) # 1)"
            " WHERE {here} AND seq = 30"
        ],
        "chain_holds",
    ),
    "a reordered pair": (
        [
            "UPDATE ledger.events SET seq = -1 WHERE {here} AND seq = 30",
            "UPDATE ledger.events SET seq = 30 WHERE {here} AND seq = 31",
            "UPDATE ledger.events SET seq = 31 WHERE {here} AND seq = -1",
        ],
        "chain_holds",
    ),
    "another author": (
        [
            "UPDATE ledger.batches SET actor = gen_random_uuid()"
            " WHERE {here} AND first_seq = 1"
        ],
        "chain_holds",
    ),
    "a changed head": (
        ["UPDATE ledger.heads SET hash = sha256('x') WHERE {here}"],
        "chain_holds",
    ),
    "a head that ran ahead": (
        ["UPDATE ledger.heads SET seq = seq + 1 WHERE {here}"],
        "positions_are_gapless",
    ),
    "a catalogue that looks older": (
        ["UPDATE ledger.heads SET catalog_seq = 1 WHERE {here}"],
        "catalogue_has_its_position",
    ),
    "a version twice": (
        [
            f"UPDATE ledger.events SET version = version + 1 WHERE {{here}}"
            f" AND seq = {LAST}"
        ],
        "streams_are_gapless",
    ),
    "a time that falls": (
        [
            f"UPDATE ledger.events SET recorded_at = recorded_at - interval '1 day'"
            f" WHERE {{here}} AND seq = {LAST}"
        ],
        "times_never_fall",
    ),
    "an unknown event": (
        ["UPDATE ledger.events SET type = 'record.lost' WHERE {here} AND seq = 30"],
        "events_are_known",
    ),
    "a lost commit of the feed": (
        ["DELETE FROM ledger.feed WHERE {here} AND first_seq = 1"],
        "feed_is_whole",
    ),
    "a gap in the global order": (
        [
            "UPDATE ledger.feed SET last_global = last_global + 1000"
            " WHERE last_global = (SELECT max(last_global) FROM ledger.feed)"
        ],
        "global_order_is_gapless",
    ),
    "a follower at what is to come": (
        ["INSERT INTO ledger.positions VALUES ('someone', 999999999)"],
        "followers_are_not_ahead",
    ),
    "a follower beyond a workspace's end": (
        [
            "INSERT INTO ledger.followed (follower, workspace_id, seq, upto)"
            " SELECT 'someone', workspace_id, seq + 1, seq + 1 FROM ledger.heads"
            " WHERE {here}"
        ],
        "followers_are_not_ahead",
    ),
    "a unique key that is gone": (
        [
            "DELETE FROM catalog.unique_keys WHERE {here} AND digest ="
            " (SELECT min(digest) FROM catalog.unique_keys WHERE {here})"
        ],
        "unique_keys_agree",
    ),
    "a counter that went back": (
        ["UPDATE catalog.counters SET number = 3 WHERE {here}"],
        "numbers_are_counted",
    ),
    "a row of another version": (
        ["UPDATE {rows} SET version = 7 WHERE number = 3"],
        "rows_have_their_versions",
    ),
}


def _rows(urls: DatabaseUrls, workspace: WorkspaceId) -> str:
    with connect(urls.app, autocommit=True) as app:
        see(app, workspace)
        found = app.execute("SELECT id FROM catalog.tables").fetchone()
    assert found is not None
    schema, table = workspace.replace("-", ""), str(found[0]).replace("-", "")
    return f"ws_{schema}.t_{table}"


def test_a_sound_ledger_has_no_problem(
    ledger: tuple[DatabaseUrls, str, WorkspaceId],
) -> None:
    _, superuser, workspace = ledger
    with _planted(superuser) as connection:
        assert _problems(connection, workspace) == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named(
    fault: str, ledger: tuple[DatabaseUrls, str, WorkspaceId]
) -> None:
    urls, superuser, workspace = ledger
    statements, name = FAULTS[fault]
    here, rows = f"workspace_id = '{workspace}'", _rows(urls, workspace)
    said = [one.format(here=here, rows=rows) for one in statements]
    with _planted(superuser, *said) as connection:
        assert name in _problems(connection, workspace)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {rows} SET updated_by = 'somebody else' WHERE number = 3",
        "DELETE FROM {rows} WHERE number = 4",
        "UPDATE catalog.fields SET name = 'Nome' WHERE {here} AND name = 'Name'",
        "DELETE FROM catalog.members WHERE {here}",
    ],
)
def test_a_changed_read_model_is_a_difference(
    statement: str, ledger: tuple[DatabaseUrls, str, WorkspaceId]
) -> None:
    urls, superuser, workspace = ledger
    here, rows = f"workspace_id = '{workspace}'", _rows(urls, workspace)
    with connect(urls.app, autocommit=True) as app:
        assert rebuild.check(app, workspace) == []
        with psycopg.connect(superuser, autocommit=True) as planting:
            said = statement.format(here=here, rows=rows)
            assert planting.execute(said.encode()).rowcount > 0
        assert rebuild.check(app, workspace) != []
        rebuild.rebuild(app, workspace)
        assert rebuild.check(app, workspace) == []
