"""A record along its own events alone is what it is among all the others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DomainError
from domain.events import Actor, Recorded
from domain.facts import Row
from domain.record import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
    RestoreRecord,
)
from domain.record.alone import back, gone, made, onwards
from tests.domain.histories import RECORDS, World, populate, some_command
from tests.domain.library import ADA, EMMA
from tests.scenario import WORKSPACE


def shown(row: Row | None) -> object:
    """What a record looks like: its values, and the lists of its links."""
    if row is None:
        return None
    names = {*row.values, *row.links}
    values = {name: row.value(name) for name in names if row.value(name) is not None}
    signed = row.version, row.created_at, row.created_by, row.updated_at, row.updated_by
    return row.id, row.number, values, signed


def alone(ledger: Sequence[Recorded]) -> Mapping[str, Row]:
    """Each record that is there, from its own events."""
    rows: dict[str, Row] = {}
    for one in ledger:
        match one.event:
            case RecordCreated() | RecordRestored():
                rows[one.event.record_id] = made(one, one.event)
            case RecordDeleted(record_id=record_id):
                assert bare(gone(one.event)) == bare(rows.pop(record_id))
            case RecordUpdated() | RecordLinksChanged() if one.event.record_id in rows:
                row = rows[one.event.record_id]
                rows[row.id] = onwards(row, one, one.event)
    return rows


def bare(row: Row) -> object:
    """Without who changed it last."""
    return shown(replace(row, version=0, updated_at="", updated_by=""))


def a_history(data: st.DataObject) -> World:
    world = World()
    populate(data.draw, world)
    for _ in range(data.draw(st.integers(1, 6))):
        command = some_command(data.draw, world, RECORDS)
        unit = world.try_(command) if command is not None else []
        if not isinstance(unit, DomainError) and data.draw(st.booleans()):
            for one in reversed(unit):
                inverse = one.event.inverse()
                if isinstance(inverse, RestoreRecord):
                    world.try_(inverse)
    return world


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_onwards_each_record_comes_to_what_it_is(data: st.DataObject):
    world = a_history(data)
    rows = alone(world.store.ledger)
    assert {key: shown(row) for key, row in rows.items()} == {
        str(row.id): shown(row) for row in world.store.rows()
    }


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_back_each_record_comes_to_what_it_was(data: st.DataObject):
    world = a_history(data)
    own: dict[str, list[Recorded]] = {}
    for one in world.store.ledger:
        own.setdefault(one.event.stream_id, []).append(one)
    for row in world.store.rows():
        events = own[row.id]
        if any(_onto_itself(one) for one in events):
            continue  # going back cannot tell which end said it first
        for place in range(len(events) - 1, -1, -1):
            event = events[place].event
            if not isinstance(event, RecordUpdated | RecordLinksChanged):
                break
            row = back(row, event)
            assert bare(row) == bare(alone(events[:place])[row.id])


def _onto_itself(one: Recorded) -> bool:
    event = one.event
    return isinstance(event, RecordLinksChanged) and any(
        end[0] == event.record_id for end in (*event.added, *event.removed)
    )


def test_a_link_that_is_taken_out_goes_back_to_its_place():
    changed = RecordLinksChanged(ADA, "authors", "works", [], [[EMMA, 3]])
    row = _with_links([("x", 1), ("y", 5)])
    assert back(row, changed).value("works") == ["x", EMMA, "y"]


def _with_links(links: Sequence[tuple[str, int]]) -> Row:
    event = RecordRestored(
        ADA,
        "authors",
        1,
        {"works": [one for one, _ in links]},
        {"works": {one: 0 for one, _ in links}},
        "then",
        "owner",
        {"works": [place for _, place in links]},
    )
    owner = Actor("user", "owner")
    return made(Recorded(WORKSPACE, 1, 1, "then", owner, event), event)
