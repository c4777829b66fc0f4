"""Where histories happen: on Postgres, through the committer; or in a store of dicts,
which is the same to the deciders and a hundred times as fast."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg

from commands.embedded import DatabaseUrls
from commands.system import new_id
from commands.unit import Origin, Unit
from domain.events import Actor, Command, Recorded
from domain.facts import Row
from domain.ids import INSTANCE, UserId, WorkspaceId
from domain.workspace import CreateWorkspace
from projections.postgres import connect
from tests.commands.observed import Observed, live_tables, observe, observed
from tests.commands.tenant import LoopedCommitter, Tenant, plain_reply, problems
from tests.scenario import WORKSPACE, Store
from workers.uniqueness import Filler

SYSTEM = Actor("system", INSTANCE)


class Ground(Protocol):
    workspace_id: WorkspaceId
    users: Sequence[str]  # the owner first; the others are no members yet

    def do(self, unit: Sequence[Command], actor: Actor = SYSTEM) -> Sequence[Recorded]:
        """Commits a unit.  Raises DomainError."""
        ...

    def observe(self) -> Observed: ...

    def position(self) -> int: ...

    def number(self) -> int:
        """The next table's."""
        ...

    def fill(self) -> None:
        """Ends what is pending."""
        ...

    def close(self) -> None:
        """Checks that what is read is what the events say."""
        ...


@dataclass
class OnPostgres:
    """`settle` first."""

    tenant: Tenant
    connection: psycopg.Connection[Any]
    workspace_id: WorkspaceId
    users: Sequence[str]

    @classmethod
    def settle(cls, database: DatabaseUrls, committer: LoopedCommitter) -> "OnPostgres":
        tenant = Tenant(database, committer)
        users = [tenant.user_id, UserId(new_id()), UserId(new_id())]
        for one in users:
            tenant.register(one)
        tenant.settle_workspace()
        connection = connect(database.app, autocommit=True)
        connection.execute(
            "SELECT set_config('app.workspaces', %s, false)",
            [f"{{{tenant.workspace_id}}}"],
        )
        return cls(tenant, connection, tenant.workspace_id, users)

    def do(self, unit: Sequence[Command], actor: Actor = SYSTEM) -> Sequence[Recorded]:
        origin = Origin(actor, "system", "request-1")
        submitted = Unit(self.workspace_id, origin, unit, plain_reply)
        done = self.tenant.committer.submit_and_wait(submitted)
        assert done.outcome is not None
        return done.outcome.events

    def observe(self) -> Observed:
        return observe(self.connection, self.workspace_id)

    def position(self) -> int:
        return self.tenant.position()

    def number(self) -> int:
        found = self.connection.execute(
            "SELECT nextval('ledger.table_numbers')"
        ).fetchone()
        assert found is not None
        return int(found[0])

    def fill(self) -> None:
        async def settle(workspace_id: WorkspaceId, command: Command) -> None:
            assert workspace_id == self.workspace_id
            await asyncio.to_thread(self.do, [command])

        filler = Filler(self.tenant.database.app, settle, rows=3)
        for _ in range(20):
            if not asyncio.run(filler.round()):
                break

    def close(self) -> None:
        try:
            assert problems(self.tenant) == []
        finally:
            self.connection.close()


@dataclass
class InMemory:
    users: Sequence[str] = field(default_factory=lambda: [new_id() for _ in range(3)])
    workspace_id: WorkspaceId = WORKSPACE
    tables: int = 0

    def __post_init__(self) -> None:
        self.store = Store(users=self.users)
        owner = UserId(self.users[0])
        made = CreateWorkspace(WORKSPACE, "Acme", "acme", True, None, owner, new_id())
        self.store.do(made)

    def do(self, unit: Sequence[Command], actor: Actor = SYSTEM) -> Sequence[Recorded]:
        return self.store.do(*unit, actor=actor)

    def observe(self) -> Observed:
        catalog = self.store.catalog
        rows: dict[str, Row] = {
            row.id: row
            for table in live_tables(catalog)
            for row in self.store.rows(table.id)
        }
        return observed(catalog, rows, {})

    def position(self) -> int:
        return len(self.store.ledger)

    def number(self) -> int:
        self.tables += 1
        return self.tables

    def fill(self) -> None:
        pass  # no table is too large

    def close(self) -> None:
        pass
