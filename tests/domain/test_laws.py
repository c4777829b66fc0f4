"""Laws that hold for every history: undo, refusal, units, saying a thing twice."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.decider import evolve
from domain.errors import DomainError
from domain.events import Command, Recorded
from domain.facts import Row
from domain.record import UpdateRecords
from tests.domain.histories import (
    RECORDS,
    STRUCTURE,
    Draw,
    World,
    change_base,
    change_constraint,
    change_workspace,
    differs,
    picture,
    populate,
    reorder_fields,
    some_command,
    taking_back,
    update_field,
    update_records,
    update_table,
    update_view,
)
from tests.scenario import everything

# the same examples on every machine; a slow machine is no failure
LAWS = settings(max_examples=250, deadline=None, derandomize=True, database=None)
EVERYTHING = [*RECORDS, *STRUCTURE]
# what says how a thing shall be, and not what shall happen to it
STATES = [
    update_records,
    update_records,
    update_field,
    reorder_fields,
    update_table,
    change_base,
    change_constraint,
    change_workspace,
    update_view,
]


def a_world(draw: Draw, *, most: int) -> World:
    """A small workspace, and what a few commands made of it."""
    world = World()
    populate(draw, world)
    for _ in range(draw(st.integers(0, most))):
        command = some_command(draw, world, EVERYTHING)
        if command is not None:
            world.try_(command)
    return world


def some_commands(draw: Draw, world: World) -> list[Command]:
    """Up to four commands that know nothing of each other."""
    drawn = [
        some_command(draw, world, EVERYTHING) for _ in range(draw(st.integers(1, 4)))
    ]
    return [one for one in drawn if one is not None]


def commands_in_turn(draw: Draw, world: World) -> tuple[list[Command], World]:
    """Up to three commands on records, each drawn after the one before it was done,
    and the world in which each was a unit of its own."""
    ahead = World(world.store.copy(), world.given)
    done: list[Command] = []
    for _ in range(draw(st.integers(1, 3))):
        command = some_command(draw, ahead, RECORDS)
        if command is not None and not isinstance(ahead.try_(command), DomainError):
            done.append(command)
    return done, ahead


@LAWS
@given(st.data())
def test_undo_after_do_is_the_identity(data: st.DataObject):
    world = a_world(data.draw, most=6)
    before = picture(world.store)
    command = some_command(data.draw, world, EVERYTHING)
    unit = world.try_(*([command] if command is not None else []))
    if not isinstance(unit, DomainError):
        world.store.do(*taking_back(unit))

    assert differs(before, picture(world.store)) == {}


@LAWS
@given(st.data())
def test_redo_after_undo_is_the_identity_on_records(data: st.DataObject):
    world = a_world(data.draw, most=3)
    command = some_command(data.draw, world, RECORDS)
    unit = world.try_(*([command] if command is not None else []))
    if isinstance(unit, DomainError):
        return
    after = picture(world.store)
    undone = world.store.do(*taking_back(unit))
    world.store.do(*taking_back(undone))

    assert differs(after, picture(world.store)) == {}


@LAWS
@given(st.data())
def test_a_unit_of_several_commands_is_taken_back_whole(data: st.DataObject):
    world = a_world(data.draw, most=2)
    unit, _ = commands_in_turn(data.draw, world)
    before = picture(world.store)
    done = world.try_(*unit)
    if not isinstance(done, DomainError):
        world.store.do(*taking_back(done))

    assert differs(before, picture(world.store)) == {}


@LAWS
@given(st.data())
def test_a_unit_that_is_rolled_back_leaves_the_facts_as_they_were(data: st.DataObject):
    world = a_world(data.draw, most=3)
    first, second = (some_commands(data.draw, world) for _ in range(2))
    facts = world.store.facts_for([*first, *second])
    facts.mark()
    try:
        world.store.decide_on(facts, *first)
    except DomainError:
        facts.rollback()
    before = everything(facts)
    facts.mark()
    with suppress(DomainError):
        world.store.decide_on(facts, *second)
    facts.rollback()

    assert everything(facts) == before


@LAWS
@given(st.data())
def test_a_refused_unit_changes_nothing(data: st.DataObject):
    world = a_world(data.draw, most=3)
    ledger, before = list(world.store.ledger), picture(world.store)
    outcome = world.try_(*some_commands(data.draw, world))
    if isinstance(outcome, DomainError):
        assert world.store.ledger == ledger
        assert picture(world.store) == before


@LAWS
@given(st.data())
def test_the_facts_of_a_unit_are_the_fold_of_its_events(data: st.DataObject):
    """What deciders put among the facts, they say in an event."""
    world = a_world(data.draw, most=3)
    commands = some_commands(data.draw, world)
    facts, folded = (world.store.facts_for(commands) for _ in range(2))
    try:
        unit = world.store.decide_on(facts, *commands)
    except DomainError:
        return
    for one in unit:
        evolve(folded, one)

    assert everything(folded) == everything(facts)


@LAWS
@given(st.data())
def test_commands_of_one_unit_do_what_they_do_one_at_a_time(data: st.DataObject):
    world = a_world(data.draw, most=2)
    commands, apart = commands_in_turn(data.draw, world)
    unit, facts = world.store.decide(*commands)
    alone = apart.store.ledger[len(world.store.ledger) :]

    assert _told(unit) == _told(alone)
    world.store.do(*commands)
    assert picture(world.store) == picture(apart.store)
    for name, row in facts.rows.items():
        assert _seen(row) == _seen(_row(apart, name))


def _told(events: Sequence[Recorded]) -> list[tuple[str, int, str]]:
    """What was told to whom; records at the other ends of links in no order."""
    return sorted((one.event.stream_id, one.version, one.event.TYPE) for one in events)


def _row(world: World, name: str) -> Row | None:
    return next((row for row in world.store.rows() if row.id == name), None)


def _seen(row: Row | None) -> object:
    """A row as later commands look at it; the order of links is loaded anew."""
    if row is None:
        return None
    values = {name: one for name, one in row.values.items() if one is not None}
    links = {name: {one.target for one in row.links[name]} for name in row.links}
    kept = {name: targets for name, targets in links.items() if targets}
    return row.version, row.number, values, kept


@LAWS
@given(st.data())
def test_a_state_that_is_wished_twice_is_made_once(data: st.DataObject):
    world = a_world(data.draw, most=3)
    command = some_command(data.draw, world, STATES)
    if isinstance(command, UpdateRecords):  # two records may contradict each other
        command = replace(command, changes=command.changes[:1])
    if command is None or isinstance(world.try_(command), DomainError):
        return
    again = world.try_(command)

    if type(command).__name__.startswith(("Update", "Reorder")):
        assert again == []
    else:  # what is deleted, added or removed is so once
        assert isinstance(again, DomainError)


@LAWS
@given(st.data())
def test_what_was_brought_back_is_brought_back_once(data: st.DataObject):
    world = a_world(data.draw, most=3)
    command = some_command(data.draw, world, EVERYTHING)
    unit = world.try_(*([command] if command is not None else []))
    if isinstance(unit, DomainError):
        return
    back = taking_back(unit)
    world.store.do(*back)
    restoring = [one for one in back if type(one).__name__.startswith("Restore")]

    assert world.try_(*restoring) == []
