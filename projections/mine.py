"""The workspaces and bases of a caller: each list in one round trip.

They are read from the catalogue's tables and not from catalogues, of which there is one
a workspace: a list costs the same however many workspaces are the caller's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.access import Role
from domain.catalog import Base, Workspace
from domain.errors import Unauthenticated
from projections.query import Page
from projections.reader import SESSION, Caller, Reader, Rows


@dataclass(frozen=True, slots=True)
class Joined:
    """A workspace as a member of it sees it; `owner_id` is `Catalog.owner_id`."""

    workspace: Workspace
    owner_id: str
    members: int
    role: Role


@dataclass(frozen=True, slots=True)
class Site:
    """A workspace, and how many members and tables it has."""

    workspace: Workspace
    members: int
    tables: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A base, and how many tables it has."""

    workspace_id: str
    base: Base
    tables: int


async def workspaces(
    reader: Reader, caller: Caller, page: Page
) -> tuple[list[Joined], int]:
    """One page, in the order of joining, and how many there are.

    Raises Unauthenticated for a dead session.
    """
    rows, total = await _page(reader, caller, _WORKSPACES, _COUNT_WORKSPACES, page)
    return [
        Joined(Workspace(*row[:-3]), row[-3], row[-2], Role[row[-1]]) for row in rows
    ], total


async def sites(reader: Reader, caller: Caller, most: int) -> list[Site]:
    """The caller's workspaces, newest first.  Raises Unauthenticated for a dead
    session."""
    page = Page(limit=most)
    rows, _ = await _page(reader, caller, _SITES, _COUNT_WORKSPACES, page)
    return [Site(Workspace(*row[:-2]), row[-2], row[-1]) for row in rows]


async def bases(reader: Reader, caller: Caller, page: Page) -> tuple[list[Placed], int]:
    """One page of the bases of all the caller's workspaces, oldest first, and how many
    there are.  Raises Unauthenticated for a dead session."""
    rows, total = await _page(reader, caller, _BASES, _COUNT_BASES, page)
    return [Placed(row[0], Base(*row[1:-1]), row[-1]) for row in rows], total


async def tables(reader: Reader, caller: Caller) -> list[tuple[str, str]]:
    """(workspace, table) of all the live tables of the caller's workspaces.

    Raises Unauthenticated for a dead session.
    """
    mine: Sequence[Any] = [caller.user_id]
    _, _, sessions, rows = await reader.run(
        [
            (_AS, [f"{{{caller.user_id}}}"]),
            (_SEE_MINE, mine),
            (SESSION, [caller.session_id]),
            (_TABLES, mine),
        ]
    )
    if not sessions:
        raise Unauthenticated()
    return [(row[0], row[1]) for row in rows]


async def _page(
    reader: Reader, caller: Caller, select: bytes, count: bytes, page: Page
) -> tuple[Rows, int]:
    mine: Sequence[Any] = [caller.user_id]
    _, _, sessions, counted, rows = await reader.run(
        [
            (_AS, [f"{{{caller.user_id}}}"]),
            (_SEE_MINE, mine),
            (SESSION, [caller.session_id]),
            (count, mine),
            (select, [*mine, page.limit, page.offset]),
        ]
    )
    if not sessions:
        raise Unauthenticated()
    return rows, counted[0][0]


_AS = b"SELECT set_config('app.users', %s, true)"
# served by members_by_user, as all below
_SEE_MINE = b"""
    SELECT set_config('app.workspaces', coalesce(
        (SELECT array_agg(workspace_id)::text FROM catalog.members
         WHERE user_id = %s::uuid AND NOT deleted), '{}'), true)
"""
_JOINED = b"""
    FROM catalog.members AS me JOIN catalog.workspaces AS w
      ON w.workspace_id = me.workspace_id
    WHERE me.user_id = %s::uuid AND NOT me.deleted AND NOT w.deleted
"""
_COUNT_WORKSPACES = b"SELECT count(*)" + _JOINED
_WORKSPACE = b"""
    SELECT w.workspace_id, w.name, w.slug, w.description, w.owner_id,
           ledger.rfc3339(w.created_at), ledger.rfc3339(w.updated_at),
           w.version, w.deleted, w.status,
"""
_MEMBERS = b"""
           (SELECT count(*) FROM catalog.members AS m
            WHERE m.workspace_id = w.workspace_id AND NOT m.deleted),
"""
_WORKSPACES = (
    _WORKSPACE
    + b"""
           CASE WHEN EXISTS (
                SELECT FROM catalog.members AS o
                WHERE o.workspace_id = w.workspace_id AND o.user_id = w.owner_id
                  AND o.role = 'owner' AND NOT o.deleted
           ) THEN w.owner_id ELSE coalesce((
                SELECT o.user_id FROM catalog.members AS o
                WHERE o.workspace_id = w.workspace_id AND o.role = 'owner'
                  AND NOT o.deleted
                ORDER BY o.created_at, o.id LIMIT 1
           ), w.owner_id) END,
    """
    + _MEMBERS
    + b" me.role"
    + _JOINED
    + b" ORDER BY me.created_at, me.workspace_id LIMIT %s OFFSET %s"
)
_SITES = (
    _WORKSPACE
    + _MEMBERS
    + b"""
           (SELECT count(*) FROM catalog.tables AS t
            WHERE t.workspace_id = w.workspace_id AND NOT t.deleted)
    """
    + _JOINED
    + b" ORDER BY w.created_at DESC, w.workspace_id DESC LIMIT %s OFFSET %s"
)
_PLACED = (
    b"""
    FROM catalog.bases AS b WHERE NOT b.deleted AND b.workspace_id = ANY (ARRAY(
        SELECT w.workspace_id
"""
    + _JOINED
    + b"))"
)
_COUNT_BASES = b"SELECT count(*)" + _PLACED
_BASES = (
    b"""
    SELECT b.workspace_id, b.id, b.name, b.description, b.icon, b.created_by,
           ledger.rfc3339(b.created_at), ledger.rfc3339(b.updated_at),
           b.version, b.deleted, b.db_name,
           (SELECT count(*) FROM catalog.tables AS t
            WHERE t.workspace_id = b.workspace_id AND t.base_id = b.id
              AND NOT t.deleted)
    """
    + _PLACED
    + b" ORDER BY b.created_at, b.id LIMIT %s OFFSET %s"
)
_TABLES = (
    b"""
    SELECT t.workspace_id, t.id FROM catalog.tables AS t
    WHERE NOT t.deleted AND t.workspace_id = ANY (ARRAY(
        SELECT w.workspace_id
"""
    + _JOINED
    + b")) ORDER BY t.workspace_id, t.id"
)
