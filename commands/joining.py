"""How the writes of several requests become one unit.

A handler runs as it does alone, but on a system that stands in for the real one: its
reader knows what the operations before it made, and its committer only takes note of
the unit.  What a handler would answer is known by then but for the reply, which is made
at the commit; of a refusal at the commit it is told by being run again.
"""

from dataclasses import replace

from commands.committer import Committer
from commands.parts import in_stages
from commands.rehearsing import Rehearsal
from commands.system import System, now, time_text
from commands.unit import Done, Origin, Part, Reply, Unit
from commands.write import Prepared, Render
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import DomainError, Invalid
from domain.ids import WorkspaceId, table_number_of
from projections.reader import Anybody, Caller, Found, Plan, Reader, allow


class NotJoinable(Invalid):
    """This operation cannot be part of a batch"""


class Joint:
    """The operations of one unit so far, and the system that their handlers run on."""

    def __init__(self, system: System, origin: Origin, catalog: Catalog) -> None:
        self._start = catalog.seq
        self._rehearsal = Rehearsal(catalog, origin.actor, time_text(now()))
        self._reader = _Reader(system.reader, catalog)
        self._committer = _Committer(catalog.id)
        self.system = replace(system, reader=self._reader, committer=self._committer)
        self._parts: list[tuple[Part, Catalog]] = []
        self.size = 0  # in records

    def take(self, reply: Reply) -> str | None:
        """Joins what the handler that gave this reply wrote; gives the id of what it
        makes, or changes, first.

        Raises NotJoinable where it wrote nothing, or answers something else.
        """
        unit = self._committer.taken(reply)
        self._parts.append((Part(unit.commands, unit.render), self._reader.present))
        self.size += unit.size
        first = self._rehearsal.play(unit.commands)
        self._reader.present = self._rehearsal.catalog
        return first

    def back_to(self, part: int, refusal: DomainError) -> None:
        """Stands where the handler of a part was run; its unit is refused now."""
        self._reader.present = self._parts[part][1]
        self._committer.refusal = refusal

    def prepared(self, render: Render) -> Prepared:
        """All of it as one unit; `render` finds the replies in the outcome."""
        parts = in_stages([part for part, _ in self._parts], self._start)
        commands = [command for part, _ in self._parts for command in part.commands]
        return Prepared(commands, render, self.size, parts=parts)


class _Committer(Committer):
    """Takes note of a unit, in the committer's place."""

    def __init__(self, workspace_id: WorkspaceId) -> None:
        self._workspace_id = workspace_id
        self._unit: Unit | None = None
        self.refusal: DomainError | None = None

    async def submit(self, unit: Unit) -> Done:
        if self.refusal is not None:
            raise self.refusal
        if unit.workspace_id != self._workspace_id:
            raise _elsewhere()
        unusual = unit.stream or unit.vault or unit.makes_workspace or unit.retypes
        if unusual or self._unit is not None or not unit.commands:
            raise NotJoinable()
        self._unit = unit
        return Done(None, _UNMADE)

    def taken(self, reply: Reply) -> Unit:
        unit, self._unit = self._unit, None
        if unit is None or reply is not _UNMADE:
            raise NotJoinable()
        return unit


class _Reader(Reader):
    """Reads the catalogue as the operations so far leave it."""

    def __init__(self, reader: Reader, catalog: Catalog) -> None:
        super().__init__(reader.pool, reader.catalogs)
        self.present = catalog

    async def catalog(self, workspace_id: WorkspaceId) -> Catalog:
        if workspace_id != self.present.id:
            raise _elsewhere()
        return self.present

    async def ask(
        self,
        caller: Caller | Anybody,
        workspace_id: WorkspaceId,
        plan: Plan,
        *,
        role: Role = Role.viewer,
        min_position: int | None = None,
    ) -> Found:
        if not isinstance(caller, Caller):
            raise NotJoinable()
        catalog = await self.enter(caller, workspace_id, role)
        if plan(catalog):  # of records: they are not written yet
            raise NotJoinable()
        return Found(catalog, catalog.seq, ())

    async def enter(
        self, caller: Caller | Anybody, workspace_id: WorkspaceId, role: Role
    ) -> Catalog:
        if not isinstance(caller, Caller):
            raise NotJoinable()
        catalog = await self.catalog(workspace_id)
        allow(catalog, caller.user_id, role)
        return catalog

    async def find(self, caller: Caller, kind: str, some_id: str) -> WorkspaceId:
        if _has(self.present, kind, some_id):
            return self.present.id
        found = await super().find(caller, kind, some_id)
        if found != self.present.id:
            raise _elsewhere()
        return found


def _has(catalog: Catalog, kind: str, some_id: str) -> bool:
    if kind == "record":
        return table_number_of(some_id) in catalog.table_by_number
    return catalog.version_of(some_id) > 0


def _elsewhere() -> Invalid:
    return Invalid("The operation is of another workspace than its batch")


_UNMADE = Reply(500, b"")  # the true one is made at the commit
