"""Names for URLs of what was created before they stood in events: once, by migration.

The same names, by the same rule and from the same events, as folding them gives
(`domain.naming`): so a replay finds nothing to change.
"""

from collections import defaultdict

import orjson
import psycopg
from psycopg import sql

from domain.naming import Kind, url_name

# (table of the catalogue, the column, what a name is unique in)
_NAMED: tuple[tuple[Kind, str, str, str], ...] = (
    ("base", "bases", "db_name", "workspace_id"),
    ("t", "tables", "slug", "base_id"),
    ("field", "fields", "api_name", "table_id"),
)


def name_what_is_there(connection: psycopg.Connection) -> None:
    for kind, table, column, parent in _NAMED:
        taken: dict[str, set[str]] = defaultdict(set)
        named = []
        rows = connection.execute(_CREATED.format(table=_id(table), parent=_id(parent)))
        for workspace_id, some_id, parent_id, data in rows.fetchall():
            others = taken[str(parent_id)]
            name = url_name(kind, orjson.loads(data)["name"], others, len(others))
            others.add(name)
            named.append((name, workspace_id, some_id))
        statement = _NAME.format(table=_id(table), column=_id(column))
        connection.cursor().executemany(statement, named)


def _id(name: str) -> sql.Identifier:
    return sql.Identifier(name)


# in the order of creation; by events' unique (workspace_id, stream_id, version)
_CREATED = sql.SQL(
    "SELECT c.workspace_id, c.id, c.{parent}, e.data FROM catalog.{table} AS c"
    " JOIN ledger.events AS e ON e.workspace_id = c.workspace_id"
    " AND e.stream_id = c.id AND e.version = 1 ORDER BY e.workspace_id, e.seq"
)
_NAME = sql.SQL(
    "UPDATE catalog.{table} SET {column} = %s WHERE workspace_id = %s AND id = %s"
)
