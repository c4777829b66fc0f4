"""Undo and redo: what a scope holds, taken back as one new batch.

Prepared beside the writes: the scope's events are read newest first, and what came
after them (`commands/looking_back.py`).  Decided under the head's lock, where the unit
begins with the expectation that what was seen is still so; else it is prepared anew.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeAlias

from commands.looking_back import Seen, Wanted, blockers_of, look, workspace_of
from commands.system import System, new_id
from commands.unit import Attempt, Done, Once, Origin, Outcome, Reply
from commands.write import Prepared, write_slowly
from domain.access import Role
from domain.catalog import Catalog
from domain.decider import commands as known_commands
from domain.errors import DomainError, Forbidden, Json, UndoConflict
from domain.events import Command
from domain.history import ExpectUnchanged, TellUndone, runs
from domain.undo import Cause, Clash, Plan, Refused, Verdict, causes, plan, verdict
from projections.reader import Caller

# the scope that an API key needs for the writes of a role
_SCOPES = {Role.editor: "write"}
_MOST_NAMED = 1_000  # blocking events that are looked up


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of it.  `batch_id`: None where nothing was written."""

    batch_id: str | None
    position: int
    undone: Sequence[str]
    conflicts: Sequence[Clash]
    irreversible: Sequence[str]


Render: TypeAlias = Callable[[Outcome, Undone], Reply]


async def undo(
    system: System,
    caller: Caller,
    origin: Origin,
    wanted: Wanted,
    render: Render,
    once: Once | None = None,
) -> Done:
    """Takes back what `wanted` names, all in one batch.

    Raises NotFound for what is no event or batch of the caller's own workspaces,
    UndoConflict in the mode `strict`, Forbidden where the caller may not write what
    would be written, BatchTooLarge for more events than an undo may hold.
    """
    workspace_id = await workspace_of(system.reader, caller, wanted)
    blockers: dict[Cause, str | None] = {}

    async def prepare(_catalog: Catalog) -> Prepared:
        seen = await look(system.reader, caller, workspace_id, wanted)
        # in a thread: of many events it takes longer than others should wait
        planned = await asyncio.to_thread(
            plan, seen.past, seen.later, seen.catalog, seen.done, wanted.mode
        )
        _check_scopes(caller, planned)
        return _prepared(seen, planned, wanted, render, blockers)

    while True:
        try:
            return await write_slowly(
                system,
                caller,
                origin,
                workspace_id,
                Role.editor,
                prepare,
                None if wanted.dry_run else once,
            )
        except _Blocked as error:
            some = await blockers_of(system.reader, workspace_id, error.causes)
            blockers.update(some)


class _Blocked(DomainError):
    """By what events it is blocked has to be looked up; then it is tried again"""

    def __init__(self, causes: AbstractSet[Cause]) -> None:
        super().__init__()
        self.causes = causes


def _prepared(
    seen: Seen,
    planned: Plan,
    wanted: Wanted,
    render: Render,
    blockers: Mapping[Cause, str | None],
) -> Prepared:
    undo_id = new_id()
    # one step has nothing to be written beside; what was in the way will be again
    foreseen = planned.independent and len(planned.steps) > 1 and not blockers
    verdicts: list[Verdict] = []  # of the attempt that is under way, the last one

    def first(refused: Refused) -> Command | None:
        unknown = causes(refused) - blockers.keys()
        if unknown and len(blockers) < _MOST_NAMED:
            raise _Blocked(unknown)
        came = verdict(planned, refused, blockers)
        verdicts[:] = [came]
        if wanted.mode == "strict" and came.clashes:
            raise _conflict(came)
        if not came.undone and not came.positions:
            return None
        return TellUndone(undo_id, wanted.scope, wanted.mode, runs(came.positions))

    def answer(outcome: Outcome) -> Reply:
        (came,) = verdicts
        written = bool(outcome.events) and not wanted.dry_run
        batch_id = outcome.batch_id if written else None
        position = seen.position if wanted.dry_run else outcome.position
        return render(
            outcome,
            Undone(batch_id, position, came.undone, came.clashes, planned.irreversible),
        )

    expected = ExpectUnchanged(
        seen.position, seen.catalog.seq, seen.streams, seen.watched
    )
    return Prepared(
        [expected],
        answer,
        max(1, len(seen.past)),
        attempt=Attempt(planned.steps, first, planned.independent, foreseen),
        # what is refused in any case needs nobody to wait
        rehearsal=wanted.dry_run or (wanted.mode == "strict" and bool(planned.clashes)),
        causation_id=_cause(wanted, seen),
    )


def _cause(wanted: Wanted, seen: Seen) -> str | None:
    """The batch that is taken back, where it is one; else the first of the events."""
    if wanted.scope == "batch":
        return wanted.id
    return seen.past[-1].id if seen.past else None


def _conflict(came: Verdict) -> UndoConflict:
    conflicts: list[Json] = [dict(one.json()) for one in came.clashes]
    return UndoConflict(conflicts=conflicts)


def _check_scopes(caller: Caller, planned: Plan) -> None:
    """An API key has to be good for the writes that are undone, one by one."""
    if caller.scopes is None:
        return
    roles = known_commands()
    for one in planned.steps:
        if _SCOPES.get(roles[type(one.command)] or Role.owner, "admin") not in (
            caller.scopes
        ):
            raise Forbidden("The API key's scopes do not allow this")
