"""Shadows: built once, bounded, disposable, and never in a writer's way."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from projections.as_of import shadows
from projections.postgres import connect
from projections.rebuild import check
from projections.target import kept_shadow
from tests.client import Client, Json, made


@pytest.fixture
def table(client: Client) -> Json:
    table = client.table("name", {"name": "age", "type": "number"})
    client.records(table["id"], *({"name": f"n{n}", "age": n} for n in range(5)))
    return table


def names(client: Client, table: Json, moment: int, **params: Any) -> list[str]:
    params = {"table_id": table["id"], "as_of": moment, **params}
    items = made(client.get("/records", params=params))["items"]
    return [one["fields"]["name"] for one in items]


def kept(database: Any, table: Json) -> list[int]:
    """The positions of a table's shadows."""
    with connect(database.app, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT position FROM shadows.kept WHERE table_id = %s ORDER BY position",
            [table["id"]],
        )
        return [row[0] for row in rows]


def name_of(connection: Any, table: Json) -> str:
    (name,) = connection.execute(
        "SELECT name FROM shadows.kept WHERE table_id = %s", [table["id"]]
    ).fetchone()
    return str(name)


def tables_there(database: Any) -> set[str]:
    with connect(database.app, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'shadows'::regnamespace AND relname <> 'kept'"
        )
        return {row[0] for row in rows}


def sweep(server: Any) -> None:
    server.run(server.system.as_of.shadows.sweep())


def rename(client: Client, table: Json) -> int:
    """Another name for the first record; the position before."""
    before = client.position(table["workspace_id"])
    params = {"table_id": table["id"], "limit": 1}
    first = made(client.get("/records", params=params))["items"][0]
    name = {"fields": {"name": f"after {before}"}}
    made(client.patch(f"/records/{first['id']}", json=name))
    return before


def test_a_table_to_which_nothing_happened_since_is_its_own_shadow(
    client, database, table
):
    then = client.position(table["workspace_id"])
    client.record(client.table("name", base_id=table["base_id"], name="B")["id"])
    client.patch(f"/fields/{table['ids']['age']}", json={"name": "years"})
    for moment in (then, client.position(table["workspace_id"])):
        assert names(client, table, moment) == [f"n{n}" for n in range(5)]
    sort = '[{"field":"age","direction":"desc"}]'
    assert names(client, table, then, sort=sort) == [f"n{n}" for n in (4, 3, 2, 1, 0)]
    assert kept(database, table) == []


def test_many_other_events_since_do_not_make_a_shadow(
    client, database, table, monkeypatch
):
    monkeypatch.setattr("projections.changed.LOOK_BACK", 3)
    then = client.position(table["workspace_id"])
    other = client.table("name", base_id=table["base_id"], name="B")
    client.records(other["id"], *({"name": "x"} for _ in range(9)))
    for _ in range(3):
        assert names(client, table, then) == [f"n{n}" for n in range(5)]
    assert kept(database, table) == []


def test_readers_of_one_moment_build_it_once(client, server, database, table):
    then = rename(client, table)
    builds: list[Any] = []
    build = shadows._build

    async def counted(*args: Any, **more: Any) -> Any:
        builds.append(args[1])
        return await build(*args, **more)

    shadows._build, start = counted, threading.Barrier(8)
    token = client.headers["authorization"]

    def read(_: int) -> list[str]:
        with Client(server.url) as one:
            one.headers["authorization"] = token
            start.wait()
            return names(one, table, then)

    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(read, range(8)))
    finally:
        shadows._build = build
    assert found == [[f"n{n}" for n in range(5)]] * 8
    assert len(builds) == 1
    assert kept(database, table) == [then]


def test_another_server_finds_what_one_has_built(
    client, server, database, settings, table, monkeypatch
):
    then = rename(client, table)
    assert names(client, table, then)[0] == "n0"
    found = shadows._find_or_build

    async def only_found(connection: Any, key: Any, one: Any) -> Any:
        made, new = await found(connection, key, one)
        assert not new
        return made, new

    monkeypatch.setattr(shadows, "_find_or_build", only_found)
    server.system.as_of._sources.__init__()  # as a server that has just started
    assert names(client, table, then)[0] == "n0"


def test_a_shadow_is_made_from_a_later_one(client, database, table):
    moments = [rename(client, table) for _ in range(3)]
    assert names(client, table, moments[2])[0] == f"after {moments[1]}"
    assert names(client, table, moments[1])[0] == f"after {moments[0]}"
    assert names(client, table, moments[0])[0] == "n0"
    assert kept(database, table) == moments


def test_shadows_are_bounded_in_number_and_the_oldest_read_goes_first(
    client, server, database, table, monkeypatch
):
    monkeypatch.setattr(shadows, "MOST_OF_ONE", 2)
    moments = [rename(client, table) for _ in range(4)]
    for one in moments:
        names(client, table, one)
    sweep(server)
    assert kept(database, table) == moments[2:]
    expected = ["n0", *(f"after {one}" for one in moments[:3])]
    assert [names(client, table, one)[0] for one in moments] == expected


@pytest.mark.parametrize(
    ("limit", "value", "left"),
    [("UNUSED", -1, 0), ("MOST_BYTES", 1, 1), ("MOST", 0, 0)],
)
def test_shadows_are_bounded_in_age_size_and_number(
    client, server, database, table, monkeypatch, limit, value, left
):
    for one in [rename(client, table) for _ in range(2)]:
        names(client, table, one)
    monkeypatch.setattr(shadows, limit, value)
    sweep(server)
    assert len(kept(database, table)) == left
    assert len(tables_there(database)) == 2 * left


def test_a_shadow_that_is_read_is_dropped_another_time(
    client, server, database, table, monkeypatch
):
    then = rename(client, table)
    names(client, table, then)
    monkeypatch.setattr(shadows, "UNUSED", -1)
    with connect(database.app) as reading:
        name = name_of(reading, table)
        reading.execute(
            psycopg.sql.SQL("SELECT FROM {}").format(kept_shadow(name).rows)
        )
        sweep(server)
        assert kept(database, table) == [then]
    sweep(server)
    assert kept(database, table) == []


def test_what_is_not_registered_is_dropped(client, server, database, table):
    """As after a crash, when the registry is empty."""
    then = rename(client, table)
    assert names(client, table, then)[0] == "n0"
    with connect(database.app, autocommit=True) as connection:
        connection.execute("DELETE FROM shadows.kept")
    sweep(server)
    assert tables_there(database) == set()
    assert names(client, table, then)[0] == "n0"


def test_an_empty_shadow_after_a_crash_is_not_read(client, database, table):
    """Unlogged tables are empty then, the registry too."""
    then = rename(client, table)
    assert names(client, table, then)[0] == "n0"
    with connect(database.app, autocommit=True) as connection:
        name = name_of(connection, table)
        connection.execute("DELETE FROM shadows.kept WHERE name = %s", [name])
        connection.execute(
            psycopg.sql.SQL("DELETE FROM {}").format(kept_shadow(name).rows)
        )
    assert names(client, table, then)[0] == "n0"


def test_a_build_that_fails_leaves_nothing(
    client, server, database, table, monkeypatch
):
    then = rename(client, table)
    sweep(server)
    before = tables_there(database)
    monkeypatch.setattr(shadows, "_KEEP", "SELECT 1 / 0, %s, %s, %s, %s, %s, %s")
    params = {"table_id": table["id"], "as_of": then}
    assert client.get("/records", params=params).status_code == 500
    assert tables_there(database) == before
    monkeypatch.undo()
    assert names(client, table, then)[0] == "n0"


def test_a_writer_does_not_wait_for_a_build(client, server, database, table):
    """Nor does a build wait for a writer who holds the head."""
    then = rename(client, table)
    with connect(database.app) as writing:
        writing.execute(
            "SELECT set_config('app.workspaces', %s, true)",
            [f"{{{table['workspace_id']}}}"],
        )
        writing.execute(
            "SELECT 1 FROM ledger.heads WHERE workspace_id = %s FOR UPDATE",
            [table["workspace_id"]],
        )
        assert names(client, table, then)[0] == "n0"


def test_a_list_of_then_is_not_mixed_up_with_the_one_of_now(client, table):
    moments = [rename(client, table) for _ in range(2)]
    for _ in range(4):
        assert names(client, table, moments[0])[0] == "n0"
        assert names(client, table, moments[1])[0] == f"after {moments[0]}"
        now = client.get("/records", params={"table_id": table["id"]}).json()["items"]
        assert now[0]["fields"]["name"] == f"after {moments[1]}"
        assert names(client, table, moments[0], limit=2, offset=3) == ["n3", "n4"]


def test_a_cursor_goes_on_as_of_the_moment(client, table):
    then = rename(client, table)
    client.record(table["id"], name="later")
    params = {"table_id": table["id"], "as_of": str(then), "limit": "2"}
    found: list[str] = []
    cursor: str | None = None
    while True:
        more: Json = {} if cursor is None else {"cursor": cursor}
        page = made(client.get("/records/cursor", params={**params, **more}))
        found += [one["fields"]["name"] for one in page["items"]]
        cursor = page["meta"]["next_cursor"]
        if cursor is None:
            break
    assert found == [f"n{n}" for n in range(5)]


def test_a_replay_knows_nothing_of_shadows(client, server, database, table):
    then = rename(client, table)
    names(client, table, then)

    with connect(database.app, autocommit=True) as connection:
        assert check(connection, table["workspace_id"]) == []
    assert names(client, table, then)[0] == "n0"
