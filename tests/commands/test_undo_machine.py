"""Undo after do is the identity, redo after undo too: for every command, from whatever
history, through the committer and as the surfaces read it.

`make test` runs a few histories, the same each time.  TABELLION_LAWS=n runs n others
(`make laws EXAMPLES=n`), of the seed TABELLION_LAWS_SEED or of one that is printed.
"""

import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from commands import gather
from commands.embedded import DatabaseUrls
from commands.schema import NewField, create_field
from commands.system import new_id
from domain.base import CreateBase, RestoreBase
from domain.catalog import Field, Table
from domain.constraint import CreateConstraint
from domain.copy import CopyBase, CopyLinks, CopyRecords
from domain.decider import commands
from domain.errors import ConstraintPending, DomainError
from domain.events import Actor, Command, Recorded
from domain.ids import (
    BaseId,
    ConstraintId,
    FieldId,
    RecordId,
    TableId,
    UserId,
    moved_to,
)
from domain.record import CreateRecords, DeleteRecords, UpdateRecords
from domain.retype import FieldRetyped, RetypeField
from domain.table import CreateTable, RestoreTable
from domain.workspace import (
    AddMember,
    DeleteWorkspace,
    LeaveWorkspace,
    RestoreWorkspace,
)
from tests.commands.grounds import SYSTEM, Ground, InMemory, OnPostgres
from tests.commands.observed import Observed, Seen, differs
from tests.commands.tenant import LoopedCommitter
from tests.commands.wishes import BESIDE, KINDS, WISHES, World
from tests.domain.histories import Draw, pick, taking_back

# now: the fixtures leave no settings in the environment
MANY = int(os.environ.get("TABELLION_LAWS", "0"))
SEED = int(os.environ.get("TABELLION_LAWS_SEED") or random.randrange(10**9))
# of `make test`: histories, and steps of each
IN_MEMORY, STEPS_IN_MEMORY = 40, 14
ON_POSTGRES, STEPS_ON_POSTGRES = 2, 8
AT_ONCE = 7  # records of a table whose constraints are pending first


# what may be in a unit with others, records often; a change of type commits alone
OF_RECORDS = [CreateRecords, UpdateRecords, UpdateRecords, DeleteRecords]
TOGETHER = [
    *(one for one in WISHES if one not in (RetypeField, CopyBase, RestoreWorkspace)),
    *(OF_RECORDS * 5),
]


def drawing(data: st.DataObject) -> Draw:
    """Draws without a word: what is told of a failure are the commands."""
    draw: Draw = data.conjecture_data.draw
    return draw


@dataclass(frozen=True)
class Step:
    """A unit of the past: its events, and what was seen before and after it."""

    events: Sequence[Recorded]
    before: Seen
    after: Seen


class Histories(RuleBasedStateMachine):
    """A workspace with two tables that link to each other and to themselves."""

    def __init__(self, settle: Callable[[], Ground]) -> None:
        super().__init__()
        self.ground = settle()
        self.steps: list[Step] = []
        self.past: list[Recorded] = []
        self.counter = count()

    @initialize(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        self.now = self.ground.observe()
        for role, user in zip(("owner", "editor"), self.ground.users[1:], strict=True):
            self._do([AddMember(new_id(), UserId(user), role)])
        self._make_tables()
        for _ in range(2):
            for kind in ("CreateRecords", "UpdateRecords", "CreateView"):
                self._keep(self._drawn(drawing(data), kind))

    def _table(self, base_id: BaseId, name: str, *fields: NewField) -> TableId:
        table_id = TableId(new_id())
        self._do(
            [
                CreateTable(table_id, base_id, self.ground.number(), name),
                *(create_field(table_id, one) for one in fields),
            ]
        )
        return table_id

    def _field(self, table: TableId, name: str, kind: str, **options: Any) -> None:
        self._do([create_field(table, NewField(name, kind, options))])

    def _make_tables(self) -> None:
        base_id = BaseId(new_id())
        self._do([CreateBase(base_id, "Base")])
        name, born = NewField("Name", "text"), NewField("born", "number")
        kinds = [NewField(name, name, options) for name, options in KINDS.items()]
        people = NewField("users", "user", {"allow_multiple": True})
        books = self._table(base_id, "books", name, *kinds, people)
        authors = self._table(base_id, "authors", name, born)
        self._field(books, "Author", "linked_record", linked_table_id=authors)
        self._field(
            books,
            "Sequel",
            "linked_record",
            linked_table_id=books,
            allow_multiple=False,
        )
        self._field(authors, "Friends", "linked_record", linked_table_id=authors)
        link = self._named(books, "Author")
        seen = self._named(authors, "born")
        self._field(books, "seen", "lookup", linked_field_id=link, lookup_field_id=seen)
        self._field(
            books,
            "rolled",
            "rollup",
            linked_field_id=link,
            rollup_field_id=seen,
            function="SUM",
        )
        unique = self._named(authors, "Name")
        new = ConstraintId(new_id())
        self._do([CreateConstraint(new, authors, unique, case_sensitive=False)])

    def _named(self, table: TableId, name: str) -> FieldId:
        return self.now.catalog.tables[table].by_name[name].id

    def teardown(self) -> None:
        self.ground.close()

    # ------------------------------------------------------------------ doing

    def _drawn(self, draw: Draw, name: str) -> list[Command]:
        ground = self.ground
        world = World(self.now, ground.users, ground.number, self.past, self.counter)
        kind = next(one for one in WISHES if one.__name__ == name)
        wish = WISHES[kind](draw, world)
        return [] if wish is None else [wish]

    def _do(
        self, unit: Sequence[Command], actor: Actor = SYSTEM
    ) -> Sequence[Recorded] | DomainError:
        note(f"    {' + '.join(map(str, unit))}")
        try:
            events = self.ground.do(unit, actor)
        except DomainError as error:
            note(f"    refused: {error!r} {error.extra}")
            return error
        self.past += events
        self.now = self.ground.observe()
        return events

    def _keep(self, unit: Sequence[Command], actor: Actor = SYSTEM) -> None:
        """Does a unit that stays done."""
        before = self.now.seen
        events = self._do(unit, actor) if unit else []
        if not isinstance(events, DomainError) and events:
            self.steps.append(Step(events, before, self.now.seen))

    def _take_back(self, events: Sequence[Recorded]) -> Sequence[Recorded] | None:
        """The events of the undo, or None where it is told why it cannot be now."""
        undone = self._do(taking_back(events))
        if isinstance(undone, ConstraintPending):
            return None  # 423 until the worker is through
        if isinstance(undone, DomainError):
            raise AssertionError("not undone") from undone
        return undone

    def _holds(self, unit: Sequence[Command], actor: Actor, *, stays: bool) -> None:
        """The law: do, undo, redo; and undo again, or not."""
        before = self.now.seen
        position = self.ground.position()
        done = self._do(unit, actor)
        if isinstance(done, DomainError):
            assert self.ground.position() == position
            return
        after = self.now.seen
        undone = self._take_back(done)
        if undone is None:
            self.steps.clear()
            return
        assert differs(before, self.now.seen) == {}, "undo after do"
        redone = self._take_back(undone)
        if redone is None:
            self.steps.clear()
            return
        assert differs(after, self.now.seen) == {}, "redo after undo"
        if stays:
            self.steps.append(Step(redone, before, after))
        elif self._take_back(done) is not None:
            assert differs(before, self.now.seen) == {}, "undo after redo"

    # ------------------------------------------------------------------ rules

    def one(self, kind: type[Command], data: st.DataObject) -> None:
        """A unit of this command, alone or with up to two others."""
        unit = self._drawn(drawing(data), kind.__name__)
        # a change of type commits alone
        alone = kind is RetypeField
        others = drawing(data)(st.sampled_from([0] if alone else [0, 0, 1, 2]))
        for _ in range(others):
            another = pick(drawing(data), [one.__name__ for one in TOGETHER])
            unit += self._drawn(drawing(data), another)
        actor, stays = SYSTEM, drawing(data)(st.booleans())
        if kind is LeaveWorkspace:
            actor = Actor("user", pick(drawing(data), self.ground.users))
        assume(unit)
        if kind is RestoreWorkspace:
            self._do([DeleteWorkspace(self.ground.workspace_id)])
        if any(isinstance(one, DeleteWorkspace | RestoreWorkspace) for one in unit):
            stays = False  # of a deleted one nothing more is allowed
        self._holds(unit, actor, stays=stays)
        workspace = self.now.catalog.workspace
        if workspace is None or workspace.deleted:
            self._do([RestoreWorkspace(self.ground.workspace_id)])

    @rule(data=st.data(), kind=st.sampled_from(OF_RECORDS))
    def records_are_written(self, data: st.DataObject, kind: type[Command]) -> None:
        self.one(kind, data)

    @rule(data=st.data())
    def a_type_is_changed(self, data: st.DataObject) -> None:
        self.one(RetypeField, data)

    @rule(data=st.data())
    def records_are_written_to_stay(self, data: st.DataObject) -> None:
        """So that there is a past which later changes meet."""
        for kind in ("CreateRecords", "UpdateRecords", "UpdateRecords"):
            self._keep(self._drawn(drawing(data), kind))

    @precondition(lambda self: self.steps)
    @rule(most=st.integers(1, 5), at_once=st.booleans())
    def several_are_undone_from_the_newest_back(self, most: int, at_once: bool) -> None:
        chosen = self.steps[-most:]
        del self.steps[-most:]
        retyped = any(
            isinstance(one.event, FieldRetyped)
            for step in chosen
            for one in step.events
        )
        if at_once and not retyped:
            self._take_back([one for step in chosen for one in step.events])
            assert differs(chosen[0].before, self.now.seen) == {}
            return
        for step in reversed(chosen):
            if self._take_back(step.events) is None:
                self.steps.clear()
                return
            assert differs(step.before, self.now.seen) == {}

    @precondition(lambda self: len(self.steps) > 1)
    @rule(data=st.data())
    def one_is_undone_later(self, data: st.DataObject) -> None:
        """Where nothing that it changed was changed since, that is as before, and all
        the rest as now; or it is refused, and nothing happens."""
        place = drawing(data)(st.integers(0, len(self.steps) - 2))
        step, now = self.steps[place], self.now.seen
        changed = differs(step.before, step.after)
        untouched = not changed.keys() & differs(step.after, now).keys()
        undone = self._do(taking_back(step.events))
        if isinstance(undone, DomainError):
            return
        self.steps.clear()
        if untouched:
            expected = {**now, **{name: pair[0] for name, pair in changed.items()}}
            there = {name: one for name, one in expected.items() if one is not None}
            assert differs(there, self.now.seen) == {}

    @rule(data=st.data())
    def a_base_is_copied(self, data: st.DataObject) -> None:
        """What shows the copy is what undo takes back."""
        drawn = self._drawn(drawing(data), "CopyBase")
        before = self.now.seen
        if not drawn:
            return
        (command,) = drawn
        assert isinstance(command, CopyBase)
        for one in [command, *copying(command, self.now)]:
            done = self._do([one])
            assert not isinstance(done, DomainError), done
        assert differs(before, self.now.seen) == {}
        tables = [TableId(command.ids[table.id]) for table in command.tables]
        shown = [RestoreBase(command.base_id), *map(RestoreTable, tables)]
        self._holds(shown, SYSTEM, stays=drawing(data)(st.booleans()))

    @rule()
    def constraints_are_filled(self) -> None:
        """The worker ends what is pending."""

        if any(table.pending for table in self.now.tables()):
            self.ground.fill()
            self.now = self.ground.observe()
            self.steps.clear()


def copying(command: CopyBase, now: Observed) -> Iterator[Command]:
    """The records of a base's tables, then the links between them."""
    numbers = {table.number: command.numbers[table.id] for table in command.tables}

    def moved(record_id: str) -> RecordId:
        number = next(
            number
            for table in command.tables
            for row in now.of(table.id)
            if row.id == record_id
            for number in [numbers[table.number]]
        )
        return moved_to(record_id, number)

    for table in command.tables:
        new = [
            (
                moved(row.id),
                row.number,
                {
                    command.ids[name]: value
                    for name, value in row.values.items()
                    if value is not None and name in command.ids
                },
            )
            for row in now.of(table.id)
        ]
        if new:
            yield CopyRecords(TableId(command.ids[table.id]), new)
    for table in command.tables:
        for field in table.fields:
            if field.type == "linked_record" and not field.is_reverse:
                links = _links(table, field, now, moved)
                if links:
                    ids = command.ids
                    yield CopyLinks(
                        TableId(ids[table.id]), FieldId(ids[field.id]), links
                    )


def _links(
    table: Table, field: Field, now: Observed, moved: Callable[[str], RecordId]
) -> list[tuple[RecordId, list[tuple[RecordId, int]]]]:
    return [
        (moved(row.id), [(moved(link.target), link.there) for link in linked])
        for row in now.of(table.id)
        if (linked := row.links.get(field.id))
    ]


def _rule_of(kind: type[Command]) -> Callable[..., None]:
    def step(self: Histories, data: st.DataObject) -> None:
        self.one(kind, data)

    step.__name__ = kind.__name__
    made: Callable[..., None] = rule(data=st.data())(step)
    return made


for _kind in WISHES:
    setattr(Histories, _kind.__name__, _rule_of(_kind))


def test_every_command_has_a_wish_or_a_reason_why_not():
    assert set(WISHES) | set(BESIDE) == set(commands())
    assert not set(WISHES) & set(BESIDE)


def they_hold(settle: Callable[[], Ground], histories: int, steps: int) -> None:
    """Runs the histories, and says of which seed where they are others each time."""

    def machine() -> Histories:
        return Histories(settle)

    bounds = settings(
        max_examples=MANY or histories,
        stateful_step_count=STEPS_IN_MEMORY if MANY else steps,
        deadline=None,
        database=None,
        derandomize=not MANY,
        print_blob=True,
        report_multiple_bugs=False,
        phases=[Phase.generate],  # to make a failure smaller takes longer than to read
        suppress_health_check=list(HealthCheck),
    )
    if MANY:
        sys.stdout.write(f"TABELLION_LAWS={MANY} TABELLION_LAWS_SEED={SEED}\n")
        seed(SEED)(machine)
    run_state_machine_as_test(machine, settings=bounds)  # type: ignore[arg-type]


@pytest.mark.timeout(300 + 10 * MANY)
def test_undo_and_redo_are_exact_to_the_deciders():
    they_hold(InMemory, IN_MEMORY, STEPS_IN_MEMORY)


@pytest.mark.timeout(300 + 60 * MANY)
def test_undo_and_redo_are_exact_in_the_tables_that_are_read(
    database: DatabaseUrls,
    committer: LoopedCommitter,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(gather, "AT_ONCE", AT_ONCE)
    settle = partial(OnPostgres.settle, database, committer)
    they_hold(settle, ON_POSTGRES, STEPS_ON_POSTGRES)
