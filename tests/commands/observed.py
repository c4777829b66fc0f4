"""What can be seen of a workspace that undo promises to bring back.

All but versions, times of change, last editors, counters and whether a webhook has
its secrets, which end with its deletion.  Of links the very places
at both ends: an order that is right by accident would not stay so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg

from domain.catalog import Catalog, Constraint, Field, Table, View
from domain.facts import Link, Row
from domain.ids import WorkspaceId
from projections.catalog import load
from projections.records.rows import (
    group_links,
    linked_fields,
    row_from,
    select_links,
    select_next_rows,
    with_links,
)
from projections.target import Target, live

_MOVES_ON = frozenset({"version", "updated_at", "schema_seq", "renewed"})
_PARTS = frozenset({"all_fields", "all_constraints", "all_views"})
_MOST = 10_000

Seen: TypeAlias = Mapping[str, Any]  # by the id of a thing


@dataclass(frozen=True)
class Observed:
    """The catalogue and the live tables' records at one moment."""

    catalog: Catalog
    rows: Mapping[str, Row]
    seen: Seen

    def tables(self) -> list[Table]:
        return live_tables(self.catalog)

    def of(self, table_id: str) -> list[Row]:
        return [row for row in self.rows.values() if row.table_id == table_id]


def live_tables(catalog: Catalog) -> list[Table]:
    """In the order of their making, however the database gave them: what is drawn
    from them is drawn again."""
    live = [
        table
        for table in catalog.tables.values()
        if not table.deleted and not catalog.bases[table.base_id].deleted
    ]
    return sorted(live, key=lambda table: table.number)


def observe(connection: psycopg.Connection[Any], workspace_id: WorkspaceId) -> Observed:
    """Reads it from the tables that the surfaces read."""
    target = live(workspace_id)
    with connection.transaction():
        head = connection.execute(
            "SELECT catalog_seq FROM ledger.heads WHERE workspace_id = %s",
            [workspace_id],
        ).fetchone()
        assert head is not None
        catalog = load(connection, target, workspace_id, head[0])
        rows: dict[str, Row] = {
            row.id: row
            for table in live_tables(catalog)
            for row in _rows(connection, target, catalog, table)
        }
        slugs = connection.execute(
            "SELECT slug FROM catalog.slugs WHERE workspace_id = %s", [workspace_id]
        ).fetchall()
    return observed(catalog, rows, {"slugs": slugs})


def observed(catalog: Catalog, rows: Mapping[str, Row], more: Seen) -> Observed:
    """`rows` of the live tables."""
    seen = dict(_things(catalog)) | dict(more)
    for row in rows.values():
        seen[row.id] = _record(row, catalog)
    return Observed(catalog, rows, seen)


def _rows(
    connection: psycopg.Connection[Any], target: Target, catalog: Catalog, table: Table
) -> Iterator[Row]:
    found = connection.execute(select_next_rows(target, table), [0, _MOST]).fetchall()
    rows = [row_from(table, one) for one in found]
    ids = [row.id for row in rows]
    links: dict[str, dict[str, list[Link]]] = {row.id: {} for row in rows}
    for field, other in linked_fields(table, catalog):
        read = connection.execute(select_links(target, field, other), [ids])
        for record_id, linked in group_links(read)[0].items():
            links[record_id][field.id] = linked
    for row in rows:
        yield with_links(row, links[row.id])


def _things(catalog: Catalog) -> Iterator[tuple[str, Any]]:
    """What is not deleted, nor in anything that is."""
    workspace = catalog.workspace
    if workspace is None or workspace.deleted:
        return
    yield workspace.id, _bare(workspace)
    for member in catalog.members.values():
        if not member.deleted:
            yield member.id, _bare(member)
    for base in catalog.bases.values():
        if not base.deleted:
            yield base.id, _bare(base)
    for table in live_tables(catalog):
        yield table.id, _bare(table)
        parts: list[Field | Constraint | View] = [*table.fields, *table.constraints]
        for part in [*parts, *table.views]:
            yield part.id, _bare(part)
    for webhook in catalog.live_webhooks:
        yield webhook.id, _bare(webhook)


def _record(row: Row, catalog: Catalog) -> Any:
    table = next(one for one in live_tables(catalog) if one.id == row.table_id)
    values = {
        name: value
        for name, value in row.values.items()
        if value is not None and name in table.by_id
    }
    links = {
        name: [tuple(vars_of(link)) for link in linked]
        for name, linked in row.links.items()
        if linked and name in table.by_id
    }
    return row.number, values, links, row.created_at, row.created_by


def vars_of(link: Link) -> tuple[str, int, int]:
    return link.target, link.there, link.here


def _bare(thing: Any) -> dict[str, Any]:
    return {
        name: getattr(thing, name)
        for name in thing.__dataclass_fields__
        if name not in _MOVES_ON | _PARTS
    }


def differs(before: Seen, after: Seen) -> dict[str, Any]:
    """{id: (before, after)} of what is not as it was."""
    return {
        name: (before.get(name), after.get(name))
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }
