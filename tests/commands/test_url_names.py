"""What was made before names stood in events gets the names that a replay gives it."""

import psycopg
import pytest

from commands.url_names import name_what_is_there
from projections.rebuild import check
from tests.client import made


@pytest.fixture
def workspace(client):
    """Bases, tables and fields of one name, deleted and renamed ones, and tokens."""
    workspace = client.workspace()
    for _ in range(2):
        base = client.base(workspace["id"])
        first = client.table("Größe", "日本", "ID", base_id=base["id"], name="Users")
        client.table("Größe", base_id=base["id"], name="USERS!")
        gone = client.table("Größe", base_id=base["id"], name="Gone")
        client.delete(f"/tables/{gone['id']}")
        client.table("Größe", base_id=base["id"], name="Gone")
        client.delete(f"/fields/{first['ids']['Größe']}")
        client.field(first["id"], "größe")
        made(client.patch(f"/tables/{first['id']}", json={"name": "People"}))
        client.record(first["id"], größe="1")
        made(client.post(f"/workspaces/{workspace['id']}/tokens"))
        client.record(first["id"], größe="2")
    return workspace["id"]


NAMES = """
    SELECT 'base', id, db_name FROM catalog.bases WHERE workspace_id = %(id)s
    UNION ALL SELECT 'table', id, slug FROM catalog.tables WHERE workspace_id = %(id)s
    UNION ALL SELECT 'field', id, api_name FROM catalog.fields
    WHERE workspace_id = %(id)s ORDER BY 1, 2
"""


def test_names_of_what_is_there_are_those_of_its_events(database, workspace):
    with psycopg.connect(database.owner) as connection:
        there = connection.execute(NAMES, {"id": workspace}).fetchall()
        for table, column in (
            ("bases", "db_name"),
            ("tables", "slug"),
            ("fields", "api_name"),
        ):
            connection.execute(f"UPDATE catalog.{table} SET {column} = ''")

        name_what_is_there(connection)

        assert connection.execute(NAMES, {"id": workspace}).fetchall() == there
        connection.rollback()
    found = {name for _, _, name in there}
    assert found >= {"base", "base_2", "users", "users_2", "gone", "gone_2"}
    assert found >= {"grosse", "grosse_2", "field_2", "id_2"}


def test_a_replay_gives_the_same_names(database, workspace):
    with psycopg.connect(database.app, autocommit=True) as connection:
        assert check(connection, workspace) == []
