"""The catalogue's tables: loading a workspace's catalogue, writing what changed in it.

A catalogue event is folded in memory first (`domain.decider.grow`) and what differs
afterwards is written through, so the rules of folding exist once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields as attributes
from typing import Any, TypeAlias

import orjson
import psycopg
from psycopg import sql

from domain.access import Role
from domain.catalog import (
    Base,
    Catalog,
    Constraint,
    Field,
    Member,
    Table,
    View,
    Webhook,
    Workspace,
)
from domain.ids import WorkspaceId
from projections.target import Target

Entity: TypeAlias = (
    Workspace | Member | Base | Table | Field | Constraint | View | Webhook
)
Rows: TypeAlias = Sequence[Sequence[Any]]

_TABLES: Mapping[type, str] = {
    Workspace: "workspaces",
    Member: "members",
    Base: "bases",
    Table: "tables",
    Field: "fields",
    Constraint: "constraints",
    View: "views",
    Webhook: "webhooks",
}
_WITHIN = frozenset(
    {"all_fields", "all_constraints", "all_views"}
)  # tables of their own
_COLUMNS = {"primary": "is_primary"}  # where the attribute's name is a reserved word
_KEYS = {"workspaces": ["workspace_id"], "members": ["workspace_id", "user_id"]}
_TIMES = frozenset({"created_at", "updated_at"})


def _names(cls: type) -> list[str]:
    """The attributes of an entity that are columns, in their order."""
    names = [one.name for one in attributes(cls)]
    return [name for name in names if name not in _WITHIN]


def _column(cls: type, name: str) -> str:
    if cls is Workspace and name == "id":
        return "workspace_id"
    return _COLUMNS.get(name, name)


def _select(cls: type, target: Target) -> sql.Composed:
    columns = [
        sql.SQL("ledger.rfc3339({})").format(sql.Identifier(name))
        if name in _TIMES
        else sql.Identifier(_column(cls, name))
        for name in _names(cls)
    ]
    return sql.SQL("SELECT {} FROM {} WHERE workspace_id = %s").format(
        sql.SQL(", ").join(columns), target.of_catalog(_TABLES[cls])
    )


def load_statements(target: Target) -> list[sql.Composed]:
    """What reads a catalogue: each takes the workspace's id; `build` takes the rows."""
    return [_select(cls, target) for cls in _TABLES]


def build(workspace_id: WorkspaceId, seq: int, results: Sequence[Rows]) -> Catalog:
    """A catalogue from the rows of `load_statements`, in that order."""
    workspaces, members, bases, tables, *parts, webhooks = results
    fields, constraints, views = (
        _by_table(cls, rows)
        for cls, rows in zip((Field, Constraint, View), parts, strict=True)
    )
    made = [
        _table(row, *(of.get(row[0], {}) for of in (fields, constraints, views)))
        for row in tables
    ]
    people = [_member(row) for row in members]
    return Catalog(
        workspace_id,
        seq,
        Workspace(*workspaces[0]) if workspaces else None,
        {member.user_id: member for member in people},
        {base.id: base for base in (Base(*row) for row in bases)},
        {table.id: table for table in made},
        {one.id: one for one in (Webhook(*row) for row in webhooks)},
    )


def _by_table(
    cls: Callable[..., Any], rows: Rows
) -> dict[str, dict[str, Field | Constraint | View]]:
    """The parts of tables, by table and id."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = cls(*row)
        found.setdefault(one.table_id, {})[one.id] = one
    return found


def _table(row: Sequence[Any], *parts: Mapping[str, Any]) -> Table:
    made: Callable[..., Table] = Table
    return made(*row, *parts)


def _member(row: Sequence[Any]) -> Member:
    made: Callable[..., Member] = Member
    return made(*row[:2], Role[row[2]], *row[3:])


def load(
    connection: psycopg.Connection, target: Target, workspace_id: WorkspaceId, seq: int
) -> Catalog:
    """The catalogue as the connection's transaction sees it."""
    cursors = [
        connection.execute(statement, [workspace_id])
        for statement in load_statements(target)
    ]
    return build(workspace_id, seq, [cursor.fetchall() for cursor in cursors])


def changed(before: Catalog, after: Catalog) -> Iterable[Entity]:
    """The entities of `after` that are new or not the same as before."""
    if after.workspace is not None and after.workspace is not before.workspace:
        yield after.workspace
    yield from _fresh(before.members, after.members)
    yield from _fresh(before.bases, after.bases)
    for table in _fresh(before.tables, after.tables):
        yield table
        old = before.tables.get(table.id)
        yield from _fresh(old.all_fields if old else {}, table.all_fields)
        yield from _fresh(old.all_constraints if old else {}, table.all_constraints)
        yield from _fresh(old.all_views if old else {}, table.all_views)
    yield from _fresh(before.webhooks, after.webhooks)


def _fresh(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterable[Any]:
    return [one for key, one in after.items() if before.get(key) is not one]


def write(
    connection: psycopg.Connection,
    target: Target,
    workspace_id: WorkspaceId,
    entities: Iterable[Entity],
) -> None:
    """Inserts or replaces the rows of these entities."""
    for entity in entities:
        connection.execute(
            _upsert(type(entity), target), [workspace_id, *_values(entity)]
        )


def _values(entity: Entity) -> list[Any]:
    """The values of an entity's columns but for a workspace's id."""
    return [
        _stored(getattr(entity, name))
        for name in _names(type(entity))
        if _column(type(entity), name) != "workspace_id"
    ]


def _stored(value: Any) -> Any:
    if isinstance(value, Role):
        return value.name
    if isinstance(value, Mapping | list):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return value


def _upsert(cls: type, target: Target) -> sql.Composed:
    table = _TABLES[cls]
    names = [_column(cls, name) for name in _names(cls)]
    names = ["workspace_id", *(name for name in names if name != "workspace_id")]
    key = _KEYS.get(table, ["workspace_id", "id"])
    return sql.SQL(
        "INSERT INTO {table} ({names}) VALUES ({values})"
        " ON CONFLICT ({key}) DO UPDATE SET {sets}"
    ).format(
        table=target.of_catalog(table),
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        values=sql.SQL(", ").join(sql.Placeholder() * len(names)),
        key=sql.SQL(", ").join(map(sql.Identifier, key)),
        sets=sql.SQL(", ").join(
            sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name))
            for name in names
            if name not in key
        ),
    )


# the tables of the catalogue that belong to a workspace: what a rebuild compares
OWNED = (*_TABLES.values(), "counters", "unique_keys", "slugs", "files", "undone")
