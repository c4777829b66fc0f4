"""The read side's way into the database: catalogues that are checked at each use.

A read sends, in one pipeline with its query, the head's `catalog_seq` and whether the
caller's session is alive.  Schema and membership are both part of the catalogue, so one
number vouches for both; where it differs, the catalogue is loaded anew and the read is
planned again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus
from psycopg_pool import PoolTimeout

from domain.access import Role, may
from domain.catalog import Catalog
from domain.errors import Busy, DomainError, Forbidden, NotFound, Unauthenticated
from domain.ids import WorkspaceId, table_number_of
from projections.catalog import build, load_statements
from projections.postgres import Pool
from projections.target import live


class AnyPlan(bytes):
    """A statement whose plan is good for all values: it is made once, by indexes."""


Statement: TypeAlias = "tuple[bytes | sql.Composed, Sequence[Any] | dict[str, Any]]"
Rows: TypeAlias = "list[tuple[Any, ...]]"
Plan: TypeAlias = Callable[[Catalog], Sequence[Statement]]
T = TypeVar("T")

MIN_POSITION_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who reads: a user by a session.

    `scopes` are those of the API key that was shown; None where nobody used a key.
    `workspace_id` is the one that an access token is good for, `since` when it was
    made; None for all others.
    """

    user_id: str
    session_id: str
    scopes: frozenset[str] | None = None
    workspace_id: str | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Anybody:
    """Who reads what is public: nobody in particular, and without a session.  What is
    public is for the plan to say."""


ANYBODY = Anybody()


@dataclass(frozen=True, slots=True)
class Found:
    """What a read saw: the catalogue, the head's position, a result a statement."""

    catalog: Catalog
    position: int
    results: Sequence[Rows]


def see(*workspaces: str) -> Statement:
    """Lets what follows in the pipeline see these workspaces."""
    return (
        b"SELECT set_config('app.workspaces', %s, true)",
        ["{" + ",".join(workspaces) + "}"],
    )


class Catalogs(dict[WorkspaceId, Catalog]):
    """The process's cache of catalogues, and in which workspace an id is.

    Shared by committers and readers; a newer catalogue replaces an older one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._where: dict[str, WorkspaceId] = {}
        self._numbers: dict[int, WorkspaceId] = {}

    def __setitem__(self, workspace_id: WorkspaceId, catalog: Catalog) -> None:
        known = self.get(workspace_id)
        if known is not None and known.seq > catalog.seq:
            return
        super().__setitem__(workspace_id, catalog)
        where = self._where
        for base_id in catalog.bases:
            where[base_id] = workspace_id
        for table in catalog.tables.values():
            where[table.id] = workspace_id
            self._numbers[table.number] = workspace_id
            for field_id in table.all_fields:
                where[field_id] = workspace_id
            for constraint_id in table.all_constraints:
                where[constraint_id] = workspace_id
            for view_id in table.all_views:
                where[view_id] = workspace_id
        for webhook_id in catalog.webhooks:
            where[webhook_id] = workspace_id

    def workspace_of(self, some_id: str) -> WorkspaceId | None:
        """Of a base, table, field, constraint, view or webhook."""
        return self._where.get(some_id)

    def workspace_of_record(self, record_id: str) -> WorkspaceId | None:
        number = table_number_of(record_id)
        return None if number is None else self._numbers.get(number)


class Reader:
    """Async reads over one pool."""

    def __init__(self, pool: Pool, catalogs: Catalogs) -> None:
        self.pool, self.catalogs = pool, catalogs

    async def run(
        self, statements: Sequence[Statement], *, prepare: bool = False
    ) -> list[Rows]:
        """The results of statements sent together, each on its own snapshot.

        What is put together for one request is prepared only where `prepare` says so,
        once a connection has met it a few times.  Raises Busy where the database does
        not answer.
        """
        composed = None if prepare else False
        async with self.connection() as connection:
            async with connection.pipeline():
                cursors = [
                    await connection.execute(
                        statement,
                        values,
                        prepare=isinstance(statement, bytes) or composed,
                    )
                    for statement, values in statements
                ]
            return [
                await cursor.fetchall() if _has_rows(cursor) else []
                for cursor in cursors
            ]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """One of the pool.  Raises Busy where the database does not answer."""
        try:
            async with self.pool.connection(timeout=5) as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            if isinstance(error, psycopg.errors.QueryCanceled):
                raise Busy("The query took too long") from error
            raise Busy("The database does not answer; try again") from error

    async def load(self, workspace_id: WorkspaceId) -> Catalog | None:
        """The catalogue as it is now; None where there is no such workspace."""
        statements: list[Statement] = [
            see(workspace_id),
            (_HEAD, [workspace_id]),
        ]
        selects = load_statements(live(workspace_id))
        for _ in range(5):
            results = await self.run(
                [
                    *statements,
                    *((select, [workspace_id]) for select in selects),
                    (_HEAD, [workspace_id]),
                ]
            )
            before, after = results[1], results[-1]
            if not before:
                return None
            if before[0][1] == after[0][1]:
                catalog = build(workspace_id, before[0][1], results[2:-1])
                self.catalogs[workspace_id] = catalog
                return catalog
        raise Busy("The schema keeps changing; try again")

    async def catalog(self, workspace_id: WorkspaceId) -> Catalog:
        """The cached catalogue, loaded where there is none.  Raises NotFound."""
        catalog = self.catalogs.get(workspace_id) or await self.load(workspace_id)
        if catalog is None:
            raise NotFound()
        return catalog

    async def ask(
        self,
        caller: Caller | Anybody,
        workspace_id: WorkspaceId,
        plan: Plan,
        *,
        role: Role = Role.viewer,
        min_position: int | None = None,
    ) -> Found:
        """Runs what `plan` says for the workspace's catalogue, as the caller.

        A refusal of the plan counts only if the catalogue is the present one.  Raises
        NotFound where the caller is no member, Forbidden where the role is too low.
        """
        session_id = caller.session_id if isinstance(caller, Caller) else None
        visible = "{" + workspace_id + "}"
        deadline = time.monotonic() + MIN_POSITION_SECONDS
        catalog = await self.catalog(workspace_id)
        while True:
            refusal: DomainError | None = None
            statements: Sequence[Statement] = ()
            try:
                if isinstance(caller, Caller):
                    allow(catalog, caller.user_id, role)
                statements = plan(catalog)
            except DomainError as error:
                refusal = error
            plans, scans = _planned([text for text, _ in statements])
            entered = (_ENTER, [session_id, visible, plans, scans, workspace_id])
            ((_, alive, position, catalog_seq),), *results = await self.run(
                [entered, *statements], prepare=True
            )
            if session_id is not None and not alive:
                raise Unauthenticated()
            if position is None:
                raise NotFound()
            if catalog_seq != catalog.seq:
                catalog = await self.load(workspace_id) or catalog
                continue
            if refusal is not None:
                raise refusal
            if min_position is not None and position < min_position:
                await _wait_for_position(deadline)
                continue
            return Found(catalog, position, results)

    async def enter(
        self, caller: Caller | Anybody, workspace_id: WorkspaceId, role: Role
    ) -> Catalog:
        """The catalogue for preparing a write; the committer has the last word.

        The database is asked only where the cached catalogue would refuse.
        """
        if isinstance(caller, Anybody):
            return await self.catalog(workspace_id)
        catalog = self.catalogs.get(workspace_id)
        if catalog is not None and may(catalog.role_of(caller.user_id), role):
            return catalog
        return (await self.ask(caller, workspace_id, lambda _: (), role=role)).catalog

    async def workspaces(self, caller: Caller) -> list[WorkspaceId]:
        """The caller's workspaces.  Raises Unauthenticated for a dead session."""
        _, rows, sessions = await self.run(
            [
                (_AS, [f"{{{caller.user_id}}}"]),
                (_MEMBERSHIPS, [caller.user_id]),
                (SESSION, [caller.session_id]),
            ]
        )
        if not sessions:
            raise Unauthenticated()
        return [row[0] for row in rows]

    async def find(self, caller: Caller, kind: str, some_id: str) -> WorkspaceId:
        """The workspace of a base, table, field, constraint, view, record, file or
        webhook, among the caller's own.

        Raises NotFound: the id may be another tenant's or nobody's.
        """
        if kind == "record":
            known = self.catalogs.workspace_of_record(some_id)
        else:
            known = self.catalogs.workspace_of(some_id)
        # an id that another tenant made known here takes the same way as an unknown one
        catalog = self.catalogs.get(known) if known is not None else None
        if catalog is not None and catalog.role_of(caller.user_id) is not None:
            return catalog.id
        mine = await self.workspaces(caller)
        statement, value = _FIND[kind], some_id
        if kind == "record":
            value = str(table_number_of(some_id) or 0)
        _, rows = await self.run([see(*mine), (statement, [value])])
        if not rows:
            raise NotFound(f"{kind.capitalize()} not found")
        workspace_id = WorkspaceId(rows[0][0])
        kept = self.catalogs.get(workspace_id)
        if kind == "file" and kept and kept.role_of(caller.user_id) is not None:
            return workspace_id  # no catalogue knows files: a new one says no more
        catalog = await self.load(workspace_id)
        if catalog is None or catalog.role_of(caller.user_id) is None:
            raise NotFound(f"{kind.capitalize()} not found")
        return workspace_id


def allow(catalog: Catalog, user_id: str, role: Role) -> None:
    """Raises NotFound for who is no member, Forbidden for a role that is too low."""
    has = catalog.role_of(user_id)
    if has is None:
        raise NotFound()
    if not may(has, role):
        raise Forbidden()


def _planned(texts: Sequence[bytes | sql.Composed]) -> tuple[str, str]:
    """How statements are planned, and whether that may be to read whole tables.

    What a client put together is planned for its values, prepared or not: a plan for
    any values would read the whole table for a number that one record has.  What is
    planned once for all is by the indexes, for a table may grow before the statistics
    hear of it.
    """
    if not all(isinstance(text, bytes) for text in texts):
        return "force_custom_plan", "on"
    if texts and all(isinstance(text, AnyPlan) for text in texts):
        return "force_generic_plan", "off"
    return "auto", "on"


def _has_rows(cursor: psycopg.AsyncCursor[Any]) -> bool:
    """By the result itself: `description` makes an object of each column."""
    result = cursor.pgresult
    return result is not None and result.status == ExecStatus.TUPLES_OK


async def _wait_for_position(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise Busy("The position has not been reached")
    await asyncio.sleep(0.02)


Retried: TypeAlias = Callable[[Catalog], Awaitable[T]]

# by the indexes on id and number; row-level security leaves the caller's own
_FIND = {
    kind: f"SELECT workspace_id FROM catalog.{kind}s WHERE id = %s::uuid".encode()
    for kind in ("base", "table", "field", "constraint", "file", "webhook")
} | {
    "record": b"SELECT workspace_id FROM catalog.tables WHERE number = %s::bigint",
    # a table's id is also its default view's, where it has no other
    "view": b"SELECT workspace_id FROM (SELECT id, workspace_id FROM catalog.views"
    b" UNION ALL SELECT id, workspace_id FROM catalog.tables) AS v WHERE id = %s::uuid",
}
_AS = b"SELECT set_config('app.users', %s, true)"
_HEAD = b"SELECT seq, catalog_seq FROM ledger.heads WHERE workspace_id = %s::uuid"
# served by members_by_user; the policy by_user lets a user see its own memberships
_MEMBERSHIPS = (
    b"SELECT workspace_id FROM catalog.members WHERE user_id = %s::uuid"
    b" AND NOT deleted ORDER BY created_at, workspace_id"
)
# of a row of vault.sessions: that it is good
ALIVE = b"revoked_at IS NULL AND expires_at > clock_timestamp()"
# all that each read asks first, as one statement: it lets what follows in the pipeline
# see the workspace, and tells whether the session is alive and where the ledger is
_ENTER = (
    b"""
    SELECT (v.visible, v.plans, v.scans) IS NOT NULL,
           EXISTS (SELECT FROM vault.sessions WHERE id = %s::uuid AND """
    + ALIVE
    + b"""),
           h.seq, h.catalog_seq
    FROM (
        SELECT set_config('app.workspaces', %s, true),
               set_config('plan_cache_mode', %s, true),
               set_config('enable_seqscan', %s, true) OFFSET 0
    ) AS v (visible, plans, scans)
    LEFT JOIN LATERAL (  -- it is looked for when it has become visible
        SELECT seq, catalog_seq FROM ledger.heads
        WHERE workspace_id = %s::uuid AND v.visible IS NOT NULL OFFSET 0
    ) AS h ON TRUE
"""
)
SESSION = b"SELECT 1 FROM vault.sessions WHERE id = %s::uuid AND " + ALIVE
