"""A workspace with its owner, and the writes that store tests make of it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from commands import records
from commands.committer import Committer
from commands.deciding import Group
from commands.embedded import DatabaseUrls
from commands.schema import NewField, create_field
from commands.system import new_id, now, random_bits, time_text
from commands.transaction import Transaction
from commands.unit import Done, Once, Origin, Outcome, Reply, Unit, VaultWrite
from domain.base import CreateBase
from domain.catalog import Catalog, Table
from domain.constraint import CreateConstraint
from domain.events import Actor, Command
from domain.ids import (
    INSTANCE,
    BaseId,
    ConstraintId,
    FieldId,
    RecordId,
    TableId,
    UserId,
    WorkspaceId,
)
from domain.record import CreateRecords, DeleteRecords, UpdateRecords
from domain.table import CreateTable
from domain.user import RegisterUser
from domain.workspace import AddMember, CreateWorkspace
from projections import log, rebuild, verify
from projections.catalog import load
from projections.log import Envelope
from projections.postgres import connect
from projections.reader import Catalogs
from projections.target import column_name, live

_SESSION = sql.SQL(
    "INSERT INTO vault.sessions (id, user_id, created_at, expires_at)"
    " VALUES (%s, %s, now(), now() + interval '1 hour')"
)
Answer = Done | BaseException
T = TypeVar("T")
Values = Mapping[str, Any]


def a_committer(
    url: str,
    *,
    catalogs: Catalogs | None = None,
    connections: int = 1,
    queue_limit: int = 4096,
    clock: Callable[[], float] = now,
    committed: Callable[[Group, float], None] = lambda group, seconds: None,
) -> "LoopedCommitter":
    """Wired as `commands.system` wires it; not started."""
    known = Catalogs() if catalogs is None else catalogs
    return LoopedCommitter(
        Committer(
            lambda: Transaction(
                url, clock=clock, bits=random_bits, time_text=time_text, catalogs=known
            ),
            connections=connections,
            queue_limit=queue_limit,
            committed=committed,
        )
    )


class LoopedCommitter:
    """A committer on a loop of its own, in a thread: for callers that have none."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return self._committer.waiting

    def start(self) -> None:
        self._loop.call_soon_threadsafe(self._committer.start)

    def stop(self) -> None:
        self._run(self._committer.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def submit_and_wait(self, unit: Unit, timeout: float = 60.0) -> Done:
        return self._run(self._committer.submit(unit), timeout)

    def together(self, units: Sequence[Unit]) -> list[Answer]:
        """The answers of units that all wait when the committer is started."""

        async def submit() -> list[Answer]:
            submitted = [self._committer.submit(unit) for unit in units]
            waiting = [asyncio.ensure_future(one) for one in submitted]
            await asyncio.sleep(0)
            self._committer.start()
            return await asyncio.gather(*waiting, return_exceptions=True)

        return self._run(submit())

    def _run(self, work: Coroutine[Any, Any, T], timeout: float = 60.0) -> T:
        if self._loop.is_closed():
            return asyncio.run(work)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)


def plain_reply(outcome: Outcome) -> Reply:
    return Reply(201, f"position {outcome.position}".encode())


@dataclass
class Tenant:
    """A user and a workspace of their own, written through one committer."""

    database: DatabaseUrls
    committer: LoopedCommitter
    user_id: UserId = field(default_factory=lambda: UserId(new_id()))
    workspace_id: WorkspaceId = field(default_factory=lambda: WorkspaceId(new_id()))
    base_id: BaseId = field(default_factory=lambda: BaseId(new_id()))

    def settle(self) -> "Tenant":
        """Registers the user and makes the workspace, with one base."""
        self.register(self.user_id)
        self.settle_workspace()
        self.do(CreateBase(self.base_id, "Base"))
        return self

    def settle_workspace(self) -> "Tenant":
        made = CreateWorkspace(
            self.workspace_id,
            "Acme",
            f"acme-{self.workspace_id}",
            True,
            None,
            self.user_id,
            new_id(),
        )
        self.do(made, makes_workspace=True)
        return self

    def register(self, user_id: str) -> None:
        """An account that only the ledger knows; its address is its id."""
        unit = self.unit(RegisterUser(UserId(user_id), f"{user_id}@example.org"))
        instance = Unit(INSTANCE, unit.origin, unit.commands, unit.render)
        self.committer.submit_and_wait(instance)

    def member(self, role: str) -> str:
        """A new user with this role here."""
        user_id = UserId(new_id())
        self.register(user_id)
        self.do(AddMember(new_id(), user_id, role))
        return user_id

    # ---------------------------------------------------------------- writing

    def unit(
        self,
        *commands: Command,
        actor: str | None = None,
        session_id: str | None = None,
        once: Once | None = None,
        vault: Sequence[VaultWrite] = (),
        render: Callable[[Outcome], Reply] = plain_reply,
        size: int | None = None,
        makes_workspace: bool = False,
    ) -> Unit:
        origin = Origin(
            Actor("user", actor or self.user_id), "pybase", "request-1", session_id
        )
        return Unit(
            self.workspace_id,
            origin,
            commands,
            render,
            once,
            vault,
            size or sum(_size(one) for one in commands),
            makes_workspace,
        )

    def do(self, *commands: Command, **more: Any) -> Outcome:
        """Commits the commands as one unit.  Raises DomainError."""
        done = self.committer.submit_and_wait(self.unit(*commands, **more))
        assert done.outcome is not None
        return done.outcome

    def session(self, user_id: str | None = None) -> str:
        """A new one that is alive, of the owner if nobody is named."""
        session_id = new_id()
        user = user_id or self.user_id
        write = VaultWrite(_SESSION, [session_id, user])
        self.do(vault=[write])
        return session_id

    def table(self, *fields: str | NewField, name: str | None = None) -> Table:
        """A new table; a bare name makes a text field."""
        table_id = TableId(new_id())
        number = self.rows("SELECT nextval('ledger.table_numbers')")[0][0]
        wanted = [
            NewField(one, "text") if isinstance(one, str) else one for one in fields
        ]
        self.do(
            CreateTable(table_id, self.base_id, number, name or f"Table {number}"),
            *(create_field(table_id, one) for one in wanted),
        )
        return self.catalog().tables[table_id]

    def field(self, table: Table, wanted: NewField) -> Table:
        """The table with one more field."""
        self.do(create_field(table.id, wanted))
        return self.catalog().tables[table.id]

    def unique(self, table: Table, name: str, *, case_sensitive: bool = True) -> Table:
        """The table with a unique constraint on a field."""
        self.do(
            CreateConstraint(
                ConstraintId(new_id()), table.id, field_id(table, name), case_sensitive
            )
        )
        return self.catalog().tables[table.id]

    def creating(self, table: Table, *rows: Values) -> CreateRecords:
        return records.create(self._catalog_of(table), table.id, rows)[1]

    def updating(
        self, table: Table, changes: Mapping[Any, Values], if_match: int | None = None
    ) -> UpdateRecords:
        given = [(RecordId(one), values) for one, values in changes.items()]
        return records.update(self._catalog_of(table), table.id, given, if_match)[1]

    def deleting(self, table: Table, *record_ids: str) -> DeleteRecords:
        return DeleteRecords(table.id, [RecordId(one) for one in record_ids])

    def create(self, table: Table, *rows: Values) -> list[RecordId]:
        """The ids of new records."""
        command = self.creating(table, *rows)
        self.do(command)
        return [record_id for record_id, _ in command.records]

    def _catalog_of(self, table: Table) -> Catalog:
        return Catalog(self.workspace_id, tables={table.id: table})

    # ---------------------------------------------------------------- reading

    @contextmanager
    def seeing(self, url: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A connection that sees this workspace, as the app."""
        with connect(url or self.database.app, autocommit=True) as connection:
            connection.execute(
                "SELECT set_config('app.workspaces', %s, false)",
                [f"{{{self.workspace_id}}}"],
            )
            yield connection

    def rows(self, statement: str | sql.Composed, *values: Any) -> list[Any]:
        with self.seeing() as connection:
            return connection.execute(statement, values).fetchall()

    def catalog(self) -> Catalog:
        """The catalogue as the tables hold it."""
        with self.seeing() as connection, connection.transaction():
            row = connection.execute(
                "SELECT catalog_seq FROM ledger.heads WHERE workspace_id = %s",
                [self.workspace_id],
            ).fetchone()
            assert row is not None
            return load(connection, live(self.workspace_id), self.workspace_id, row[0])

    def envelopes(self, after: int = 0) -> list[Envelope]:
        """The workspace's events, as the log reads them."""
        with self.seeing() as connection:
            pages = log.read(connection, self.workspace_id, after)
            return [one for page in pages for one in page]

    def position(self) -> int:
        """The head's."""
        seq: int = self.rows("SELECT seq FROM ledger.heads")[0][0]
        return seq

    def column(self, table: Table, name: str) -> list[Any]:
        """The values of one field as Postgres keeps them, in the rows' order."""
        statement = sql.SQL("SELECT {} FROM {} ORDER BY number").format(
            sql.Identifier(column_name(field_id(table, name))),
            live(self.workspace_id).of_records(table.id),
        )
        return [row[0] for row in self.rows(statement)]

    def record_ids(self, table: Table) -> list[str]:
        """Of every live record, in the rows' order."""
        statement = sql.SQL("SELECT id FROM {} ORDER BY number").format(
            live(self.workspace_id).of_records(table.id)
        )
        return [row[0] for row in self.rows(statement)]

    def links(self) -> list[Any]:
        """(field, record, target) of every link, in no order."""
        return self.rows(
            sql.SQL("SELECT field_id, record_id, target_id FROM {}").format(
                live(self.workspace_id).links
            )
        )


def field_id(table: Table, name: str) -> FieldId:
    return table.by_name[name].id


def _size(command: Command) -> int:
    match command:
        case CreateRecords():
            return len(command.records)
        case UpdateRecords():
            return len(command.changes)
        case DeleteRecords():
            return len(command.record_ids)
        case _:
            return 1


def together(committer: LoopedCommitter, units: Sequence[Unit]) -> list[Answer]:
    """The answers of units that all waited when the committer was started.

    Stops it.
    """
    try:
        return committer.together(units)
    finally:
        committer.stop()


def problems(tenant: Tenant) -> list[str]:
    """What `tabellion verify` and `replay --check` would say of the workspace."""
    with tenant.seeing() as connection:
        found = [
            f"{name}: {problem}"
            for name, invariant in verify.INVARIANTS.items()
            for problem in invariant(connection, tenant.workspace_id)
        ]
        return found + [
            str(one) for one in rebuild.check(connection, tenant.workspace_id)
        ]
