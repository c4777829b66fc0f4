"""Taking events back: which commands do it, what stands in their way, what came of it.

    Past       an event that was recorded
    Step       commands of one kind that are decided together, newest event first
    Plan       the steps, and what is known to stand in the way before anything is tried
    verdict    which events went back, after some commands of the steps were refused

Pure, and knows no event by name: each says what it touched and which command takes it
back.  What does not stand in the way of taking an event back:

    what was undone already, or is undone by this undo;
    what an undo did, as long as the field has again what the event left in it;
    what the system added to the event, such as a constraint that came to hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from domain.base import DeleteBase
from domain.catalog import Catalog, Table
from domain.errors import DomainError, Json
from domain.events import Command, Event
from domain.field import DeleteField
from domain.frozen import frozen
from domain.history import HistoryUndone
from domain.ids import BaseId, TableId
from domain.record import (
    Change,
    DeleteRecords,
    RestoreRecord,
    RestoreRecords,
    UpdateRecords,
)
from domain.retype import RetypeField
from domain.table import DeleteTable

Mode = Literal["strict", "skip_conflicts", "force"]
MODES: tuple[Mode, ...] = ("strict", "skip_conflicts", "force")

TOGETHER = 500  # records of a step, where nothing is to be decided across them


@frozen
class Past:
    """An event at its place.  Of what is to go back, `batch`: the first and the last
    position of its batch, and `command`: what takes it back.  Of what came later,
    `covers`: the first position that its batch undoes, where that is an undo."""

    id: str
    seq: int
    version: int
    at: str
    event: Event
    batch: tuple[int, int] = (0, 0)
    command: Command | None = None
    covers: int | None = None

    @property
    def by_undo(self) -> bool:
        return self.covers is not None

    @property
    def by_system(self) -> bool:
        """Whether it only followed, such as a constraint that came to hold."""
        return self.event.touched() is None and getattr(self.event, "FOLLOWS", False)


@frozen
class Clash:
    """What stands in the way of an event, or of one field of it.  `blocked_by`: the
    id of the later event, where it is known."""

    event_id: str
    field: str | None = None
    blocked_by: str | None = None

    def json(self) -> dict[str, Json]:
        return {
            "event_id": self.event_id,
            "field": self.field,
            "blocked_by": self.blocked_by,
        }


@frozen
class Item:
    """One event's command.  `positions`: its own and those that follow from it;
    `whole`: nothing of it is left out; `gone_by`: the later event that may have ended
    the thing.
    """

    past: Past
    command: Command
    positions: Sequence[int]
    whole: bool = True
    gone_by: str | None = None


@frozen
class Step:
    """A command, and the items that it is made of: where it is refused, they are tried
    one by one."""

    command: Command
    items: Sequence[Item]


@dataclass(frozen=True)
class Plan:
    """`heads` are the undos among the events, `done` the positions that were undone
    before."""

    steps: Sequence[Step]
    clashes: Sequence[Clash]
    irreversible: Sequence[str]
    heads: Sequence[Past]
    done: AbstractSet[int]
    independent: bool  # no command looks at what another one did


# (place of the step, place of the item in it) -> why not
Refused = Mapping[tuple[int, int], DomainError]
Cause = tuple[str, str | None]  # a thing that stands in the way, and its field


@dataclass(frozen=True)
class Verdict:
    """`undone`: ids of events, newest first; `positions` of those that went back whole,
    with what follows from them."""

    undone: Sequence[str]
    positions: Sequence[int]
    clashes: Sequence[Clash]


# ------------------------------------------------------------------- what is there


@dataclass
class Later:
    """What came after the events that are undone, by stream, in order."""

    by_stream: dict[str, list[Past]] = field(default_factory=dict)
    # by the id of the event that made something: what others have put into it
    filled: dict[str, list[Clash]] = field(default_factory=dict)

    def concerns(self, past: Past) -> bool:
        return past.event.stream_id in self.by_stream or past.id in self.filled

    def after(self, past: Past) -> Iterable[Past]:
        for one in self.by_stream.get(past.event.stream_id, ()):
            if one.version > past.version:
                yield one


def containers(past: Sequence[Past]) -> list[tuple[Past, Command]]:
    """The events whose undoing takes away a thing that may hold other things."""
    return [
        (one, one.command)
        for one in past
        if isinstance(one.command, DeleteBase | DeleteTable | DeleteField)
    ]


def parts_since(
    past: Past, command: Command, catalog: Catalog, but: AbstractSet[str]
) -> list[str]:
    """The streams of what was put into a base or a table since, but for those named."""
    tables: list[Table] = []
    found: list[str] = []
    if isinstance(command, DeleteBase):
        tables = list(catalog.tables_of(BaseId(command.base_id)))
        found = [one.id for one in tables if one.updated_at >= past.at]
    elif isinstance(command, DeleteTable):
        table = catalog.tables.get(TableId(command.table_id))
        tables = [] if table is None else [table]
    for table in tables:
        found += [one.id for one in table.fields if one.updated_at >= past.at]
        found += [one.id for one in table.constraints if one.created_at >= past.at]
        found += [one.id for one in table.views if one.updated_at >= past.at]
        found += [
            one.id
            for one in catalog.live_webhooks
            if one.table_id == table.id and one.updated_at >= past.at
        ]
    return [one for one in found if one not in but]


# ------------------------------------------------------------------------ planning


def plan(
    past: Sequence[Past],
    later: Later,
    catalog: Catalog,
    done: AbstractSet[int],
    mode: Mode,
) -> Plan:
    """How to take events back that are given newest first."""
    going = {one.seq for one in past}
    items: list[Item] = []
    clashes: list[Clash] = []
    irreversible: list[str] = []
    heads: list[Past] = []
    following: list[int] = []  # of those just passed, that follow from one before
    for one in past:
        command = one.command
        if isinstance(one.event, HistoryUndone):
            heads.append(one)
        elif command is None and one.event.FOLLOWS:
            following.append(one.seq)
            continue
        elif command is None:
            irreversible.append(one.id)
        else:
            item = Item(one, command, _with(one.seq, following))
            left, found = _fitted(item, later, catalog, done, going, mode)
            clashes += found
            if left is not None:
                items.append(left)
        following.clear()
    items, mixed = _types_apart(items)
    return Plan(
        _joined(items, catalog),
        [*clashes, *mixed],
        irreversible,
        heads,
        done,
        _independent(items, catalog),
    )


def _with(seq: int, following: Sequence[int]) -> list[int]:
    """A position, and those directly behind it."""
    found = [seq]
    for one in reversed(following):
        if one != found[-1] + 1:
            break
        found.append(one)
    return found


def _fitted(
    item: Item,
    later: Later,
    catalog: Catalog,
    done: AbstractSet[int],
    going: AbstractSet[int],
    mode: Mode,
) -> tuple[Item | None, list[Clash]]:
    """What is left of an item where something stands in its way, and what does."""
    if not later.concerns(item.past):
        return item, []
    since = list(later.after(item.past))
    open_ = [one for one in since if one.seq not in done and one.seq not in going]
    ended = [one for one in open_ if one.event.touched() is None]
    if ended:
        item = replace(item, gone_by=ended[-1].id)
    blocked = _blocked(item, since, open_)
    clashes = [
        Clash(item.past.id, _name(one, catalog), by) for one, by in blocked.items()
    ]
    clashes += later.filled.get(item.past.id, ())
    if mode == "force" or not clashes:
        return item, clashes
    touched = item.past.event.touched()
    if touched is None or None in blocked or later.filled.get(item.past.id):
        return None, clashes
    rest = _without(item.command, {one for one in blocked if one is not None})
    if rest is None:
        return None, clashes
    return replace(item, command=rest, whole=False), clashes


def _blocked(
    item: Item, since: Sequence[Past], open_: Sequence[Past]
) -> dict[str | None, str]:
    """The first later event in the way, by the field that it is about."""
    touched = item.past.event.touched()
    found: dict[str | None, str] = {}
    for one in open_:
        if touched is None:
            if one.by_undo or one.by_system:
                continue
            for name in one.event.touched() or {None}:
                found.setdefault(name, one.id)
        elif one.event.touched() is None:
            if not one.by_undo and not one.by_system:
                for name in touched:
                    found.setdefault(name, one.id)
        else:
            for name in touched & (one.event.touched() or frozenset()):
                if not one.by_undo or _is_another(item.past.event, since, name):
                    found.setdefault(name, one.id)
    return found


def _is_another(event: Event, since: Sequence[Past], name: str) -> bool:
    """Whether the field has something else than what the event left in it."""
    left = _left_in(event, name)
    for one in reversed(since):
        last = _left_in(one.event, name)
        if last is not None:
            return last != left
    return False


def _left_in(event: Event, name: str) -> tuple[Json] | None:
    """What an event left in a field; None where it says nothing of it."""
    changes = getattr(event, "changes", None)
    if changes is not None:
        return (changes[name]["to"],) if name in changes else None
    values = getattr(event, "values", None)
    return None if values is None else (values.get(name),)


def _name(field_id: str | None, catalog: Catalog) -> str | None:
    """A field as people call it; of other things what changed has its own word."""
    table = catalog.table_of_field.get(field_id or "")
    if table is None or field_id is None:
        return field_id
    return table.all_fields[field_id].name  # type: ignore[index]


def _without(command: Command, names: AbstractSet[str]) -> Command | None:
    """The command but for some fields; None where nothing is left of it."""
    if isinstance(command, UpdateRecords):
        (change,) = command.changes
        values = {one: it for one, it in change.values.items() if one not in names}
        places = {one: it for one, it in change.places.items() if one not in names}
        own = {one: it for one, it in change.own_places.items() if one not in names}
        rest = replace(change, values=values, places=places, own_places=own)
        return replace(command, changes=[rest]) if values else None
    whole: Any = command
    changes = getattr(command, "changes", None)
    if isinstance(changes, Mapping):
        kept = {one: it for one, it in changes.items() if one not in names}
        return replace(whole, changes=kept) if kept else None
    return None


def _types_apart(items: list[Item]) -> tuple[list[Item], list[Clash]]:
    """A change of type reads and writes a whole column: it is undone by itself, or with
    what changes no record."""
    retypes = [one for one in items if isinstance(one.command, RetypeField)]
    records = any(isinstance(one.command, _OF_RECORDS) for one in items)
    if not retypes or (len(retypes) == 1 and not records):
        return items, []
    clashes = [Clash(one.past.id, "type") for one in retypes]
    rest = [one for one in items if not isinstance(one.command, RetypeField)]
    return rest, clashes


_OF_RECORDS = UpdateRecords | DeleteRecords | RestoreRecord


# ------------------------------------------------------------------------- joining


def _joined(items: Sequence[Item], catalog: Catalog) -> list[Step]:
    """Neighbours of one kind on one table are one command.

    Where records depend on each other, by unique values or by links, all of them are:
    two that exchange a value cannot do so one after the other.
    """
    steps: list[Step] = []
    run: list[Item] = []
    seen: set[str] = set()
    most = TOGETHER
    for one in items:
        record = one.past.event.stream_id
        first = run[0].command if run else None
        if (
            first is None
            or not isinstance(one.command, _OF_RECORDS)
            or type(one.command) is not type(first)
            or one.command.table_id != first.table_id
            or record in seen
            or len(run) >= most
        ):
            if run:
                steps.append(_step(run))
            run, seen = [], set()
            most = _at_once(one.command, catalog)
        run.append(one)
        seen.add(record)
    if run:
        steps.append(_step(run))
    return steps


def _at_once(command: Command, catalog: Catalog) -> int:
    return 1 << 30 if _depends(command, catalog) else TOGETHER


def _depends(command: Command, catalog: Catalog) -> bool:
    """Whether records of its table have a say in one another."""
    table = catalog.tables.get(getattr(command, "table_id", TableId("")))
    return table is None or bool(table.enforced or table.links)


def _independent(items: Sequence[Item], catalog: Catalog) -> bool:
    """Whether each command is on another record, of tables where none depends on
    another."""
    commands = {getattr(one.command, "table_id", ""): one.command for one in items}
    return (
        len({one.past.event.stream_id for one in items}) == len(items)
        and all(isinstance(one.command, _OF_RECORDS) for one in items)
        and not any(_depends(one, catalog) for one in commands.values())
    )


def _step(items: Sequence[Item]) -> Step:
    first = items[0].command
    commands = [one.command for one in items]
    if len(items) == 1:
        return Step(first, items)
    match first:
        case UpdateRecords():
            changes: list[Change] = [
                change
                for one in commands
                if isinstance(one, UpdateRecords)
                for change in one.changes
            ]
            return Step(replace(first, changes=changes), items)
        case DeleteRecords():
            ids = [
                record_id
                for one in commands
                if isinstance(one, DeleteRecords)
                for record_id in one.record_ids
            ]
            return Step(replace(first, record_ids=ids), items)
        case RestoreRecord():
            records = [one for one in commands if isinstance(one, RestoreRecord)]
            return Step(RestoreRecords(first.table_id, records), items)
        case _:
            raise TypeError(f"{type(first).__name__} is not joined")


# ------------------------------------------------------------------------- verdict


def causes(refused: Refused) -> set[Cause]:
    """What stood in the way, where it is known."""
    return {one.cause for one in refused.values() if one.cause is not None}


def verdict(
    plan: Plan, refused: Refused, blockers: Mapping[Cause, str | None]
) -> Verdict:
    """`blockers`: the events by which what stands in the way came there."""
    undone: list[str] = []
    positions: list[int] = []
    clashes = list(plan.clashes)
    for place, step in enumerate(plan.steps):
        for at, item in enumerate(step.items):
            error = refused.get((place, at))
            if error is not None:
                clashes.append(_refusal(item, error, blockers))
                continue
            undone.append(item.past.id)
            if item.whole:
                positions += item.positions
    positions += _heads(plan, {*positions, *plan.done})
    # what was forced and then refused is told once
    return Verdict(undone, positions, list(dict.fromkeys(clashes)))


def _refusal(
    item: Item, error: DomainError, blockers: Mapping[Cause, str | None]
) -> Clash:
    name = error.extra.get("field")
    by = None if error.cause is None else blockers.get(error.cause)
    return Clash(
        item.past.id, name if isinstance(name, str) else None, by or item.gone_by
    )


def _heads(plan: Plan, gone: AbstractSet[int]) -> list[int]:
    """An undo is undone when all that it did is."""
    return [
        one.seq
        for one in plan.heads
        if all(seq in gone for seq in range(one.seq + 1, one.batch[1] + 1))
    ]
