"""Planning an undo: what is joined, what is left out, what came of it."""

from dataclasses import replace

import pytest

from domain.errors import Conflict, StaleSchema
from domain.history import ExpectUnchanged, HistoryUndone, TellUndone, runs
from domain.record import (
    DeleteRecords,
    RecordCreated,
    RecordLinksChanged,
    RecordUpdated,
    UpdateRecords,
)
from domain.undo import Later, Past, plan, verdict
from tests.domain.library import AUTHORS as LIBRARY
from tests.scenario import Store, record, scenario

CATALOG = Store(LIBRARY).catalog
AUTHORS = "authors"


def past(seq, event, version=1):
    return Past(f"event {seq}", seq, version, "", event, (1, 99), event.inverse())


def updated(counter, **changes):
    return RecordUpdated(
        record(counter),
        AUTHORS,
        {name: {"from": before, "to": now} for name, (before, now) in changes.items()},
    )


def planned(events, later=(), mode="strict"):
    came = Later()
    for one in later:
        came.by_stream.setdefault(one.event.stream_id, []).append(one)
    return plan(events, came, CATALOG, set(), mode)


def test_positions_are_told_as_runs():
    assert runs([]) == []
    assert runs([3, 1, 2, 7, 9, 8]) == [[1, 3], [7, 9]]


def test_neighbours_of_one_kind_are_one_command():
    events = [
        past(5, updated(1, name=("a", "b"))),
        past(4, updated(2, name=("a", "b"))),
        past(3, updated(1, name=("x", "a"))),
        past(2, RecordCreated(record(2), AUTHORS, 2, {}, {})),
    ]

    steps = planned(events).steps

    assert [type(one.command) for one in steps] == [
        UpdateRecords,
        UpdateRecords,
        DeleteRecords,
    ]
    assert [len(one.items) for one in steps] == [2, 1, 1]


def test_what_follows_goes_back_with_what_it_follows():
    linked = RecordLinksChanged(record(9), AUTHORS, "books", [[record(1), 1]], [])
    events = [past(6, linked), past(5, updated(1, name=("a", "b"))), past(4, linked)]

    came = verdict(planned(events), {}, {})

    assert came.undone == ["event 5"]
    assert came.positions == [5, 6]  # 4 follows something that is not undone


def test_a_field_that_was_changed_since_is_left_out():
    events = [past(5, updated(1, name=("a", "b"), born=("1", "2")))]
    later = [past(8, updated(1, born=("2", "3")), version=2)]

    skipping = planned(events, later, "skip_conflicts")
    forced = planned(events, later, "force")

    assert [(one.field, one.blocked_by) for one in skipping.clashes] == [
        ("Born", "event 8")
    ]
    (change,) = skipping.steps[0].command.changes
    assert change.values == {"name": "a"}
    assert verdict(skipping, {}, {}).positions == []
    (change,) = forced.steps[0].command.changes
    assert change.values == {"name": "a", "born": "1"}
    assert verdict(forced, {}, {}).positions == [5]


def test_an_undo_stands_in_the_way_only_where_the_value_is_another():
    events = [past(5, updated(1, name=("a", "b")))]
    back = replace(past(9, updated(1, name=("c", "b")), version=3), covers=8)
    other = replace(back, event=updated(1, name=("c", "x")))

    assert planned(events, [back]).clashes == []
    assert [one.blocked_by for one in planned(events, [other]).clashes] == ["event 9"]


def test_what_was_refused_is_told_and_is_not_undone():
    events = [
        past(5, updated(1, name=("a", "b"))),
        past(4, updated(2, name=("a", "b"))),
    ]
    error = Conflict("taken", field="name").because_of("thing")

    came = verdict(planned(events), {(0, 1): error}, {("thing", None): "event 7"})

    assert came.undone == ["event 5"]
    assert [one.json() for one in came.clashes] == [
        {"event_id": "event 4", "field": "name", "blocked_by": "event 7"}
    ]


def test_an_undo_is_covered_when_all_that_it_did_goes_back():
    undone = HistoryUndone("undo", "batch", "strict", [[1, 2]])
    head = replace(past(3, undone), batch=(3, 5))
    events = [
        past(5, updated(1, name=("a", "b"))),
        past(4, updated(2, name=("a", "b"))),
        head,
    ]

    assert verdict(planned(events), {}, {}).positions == [5, 4, 3]
    assert verdict(planned(events), {(0, 0): Conflict()}, {}).positions == [4]


@pytest.mark.parametrize(
    ("streams", "watched", "after", "stale"),
    [
        ({"a"}, set(), ("a", "record.updated", "{}"), True),
        ({"a"}, set(), ("b", "record.updated", "{}"), False),
        ({"a"}, {"t"}, ("b", "record.created", '{"table_id":"t"}'), True),
        (set(), set(), ("b", "history.undone", "{}"), True),
    ],
)
def test_what_an_undo_rests_on_is_expected_to_be_so_still(
    streams, watched, after, stale
):
    store = Store(LIBRARY)
    command = ExpectUnchanged(1, store.catalog.seq, streams, watched)
    facts = store.facts_for([command])
    facts.after = [after]
    if stale:
        with pytest.raises(StaleSchema):
            store.decide_on(facts, command)
    else:
        assert store.decide_on(facts, command) == []


def test_what_went_back_is_an_event():
    scenario(
        given=LIBRARY,
        when=TellUndone("undo", "batch", "force", [[2, 4]]),
        then=[HistoryUndone("undo", "batch", "force", [[2, 4]])],
    )
