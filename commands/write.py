"""The way of a write from a surface to the committer: prepared against the cached
catalogue, decided under the head's lock, prepared anew where the schema moved on."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from commands.system import System, new_id
from commands.unit import (
    Attempt,
    Done,
    Once,
    Origin,
    Outcome,
    Parts,
    Reply,
    Stream,
    Unit,
    VaultWrite,
)
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import Busy, DomainError, NotFound, StaleSchema
from domain.events import Actor, Command
from domain.ids import INSTANCE, WorkspaceId
from projections.reader import Anybody, Caller

Render: TypeAlias = Callable[[Outcome], Reply]
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Prepared:
    """Commands with the reply that they will have; `size` in records."""

    commands: Sequence[Command]
    render: Render
    size: int = 1
    vault: Sequence[VaultWrite] = ()
    stream: Stream | None = None
    parts: Parts | None = None
    attempt: Attempt | None = None
    rehearsal: bool = False
    causation_id: str | None = None


Prepare: TypeAlias = Callable[[Catalog], Prepared]
PrepareSlowly: TypeAlias = Callable[[Catalog], Awaitable[Prepared]]


async def write(
    system: System,
    caller: Caller | Anybody,
    origin: Origin,
    workspace_id: WorkspaceId,
    role: Role,
    prepare: Prepare,
    once: Once | None = None,
) -> Done:
    """Commits what `prepare` makes of the workspace's catalogue.

    Raises DomainError; a refusal while preparing counts only if the catalogue is the
    present one.
    """

    async def at_once(catalog: Catalog) -> Prepared:
        return prepare(catalog)

    return await write_slowly(system, caller, origin, workspace_id, role, at_once, once)


async def write_slowly(
    system: System,
    caller: Caller | Anybody,
    origin: Origin,
    workspace_id: WorkspaceId,
    role: Role,
    prepare: PrepareSlowly,
    once: Once | None = None,
) -> Done:
    """The same where preparing takes so long that others have to get their turns."""
    for _ in range(_TRIES):
        try:
            catalog = await system.reader.enter(caller, workspace_id, role)
        except NotFound as error:
            if once is None:
                raise
            # who left with this key, or deleted the workspace, gets the first reply
            refused = Prepared((), refusing(error))
            return await submit(system, origin, workspace_id, refused, once)
        try:
            prepared = await prepare(catalog)
        except DomainError as error:
            found = await system.reader.ask(caller, workspace_id, lambda _: ())
            if found.catalog.seq != catalog.seq:
                continue
            if once is None:
                raise
            prepared = Prepared((), refusing(error))
        try:
            return await submit(system, origin, workspace_id, prepared, once)
        except StaleSchema:
            await system.reader.load(workspace_id)
    raise Busy("The schema keeps changing; try again")


def refusing(error: DomainError) -> Render:
    """A unit that is refused, unless its key has been used: then its first reply."""

    def render(_outcome: Outcome) -> Reply:
        raise error

    return render


async def submit(
    system: System,
    origin: Origin,
    workspace_id: WorkspaceId,
    prepared: Prepared,
    once: Once | None = None,
    *,
    makes_workspace: bool = False,
) -> Done:
    if prepared.causation_id is not None:
        origin = replace(origin, causation_id=prepared.causation_id)
    return await system.committer.submit(
        Unit(
            workspace_id,
            origin,
            prepared.commands,
            prepared.render,
            once,
            prepared.vault,
            prepared.size,
            makes_workspace,
            prepared.stream,
            prepared.parts,
            prepared.attempt,
            prepared.rehearsal,
        )
    )


async def submit_by_nobody(
    system: System, workspace_id: WorkspaceId, command: Command
) -> None:
    """Commits what the system itself wishes, whose reply nobody reads."""
    origin = Origin(Actor("system", INSTANCE), "system", new_id())
    await submit(system, origin, workspace_id, Prepared([command], unread))


def unread(_outcome: Outcome) -> Reply:
    """The reply to what nobody asked for over HTTP."""
    return Reply(200, b"")


async def submit_to_instance(
    system: System, origin: Origin, prepared: Prepared, once: Once | None = None
) -> Done:
    return await submit(system, origin, INSTANCE, prepared, once)
