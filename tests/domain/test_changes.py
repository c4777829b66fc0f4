"""What an event says of a record, and what a field was when it was written."""

from dataclasses import replace
from typing import Any

from domain.catalog import Field
from domain.changes import Linked, Written, changes_of, number_of
from domain.events import Actor, Event, Recorded
from domain.field import FieldDeleted, FieldUpdated
from domain.ids import FieldId, TableId, WorkspaceId
from domain.record import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
)
from domain.retype import FieldConverted, FieldRetyped
from domain.timeline import timeline

WHEN = "2024-01-31T10:00:00.000000Z"
MADE = ("r1", "t1", 7, {"f1": "Ada", "f2": None, "f3": ["r2"]}, {"f3": {"r2": 4}})


def test_a_record_comes_from_nothing():
    expected = {"f1": Written(None, "Ada"), "f3": Written(None, ["r2"])}

    assert changes_of(RecordCreated(*MADE), "r1") == expected
    assert changes_of(RecordRestored(*MADE, WHEN, "u1"), "r1") == expected


def test_and_goes_to_nothing():
    assert changes_of(RecordDeleted(*MADE, WHEN, "u1"), "r1") == {
        "f1": Written("Ada", None),
        "f3": Written(["r2"], None),
    }


def test_an_update_is_what_it_says():
    event = RecordUpdated("r1", "t1", {"f1": {"from": "Ada", "to": None}})

    assert changes_of(event, "r1") == {"f1": Written("Ada", None)}


def test_the_other_end_of_a_link_knows_what_came_and_went_by_their_places():
    event = RecordLinksChanged("r1", "t1", "f3", [["r9", 30], ["r2", 5]], [["r4", 1]])

    assert changes_of(event, "r1") == {"f3": Linked(("r2", "r9"), ("r4",))}


def test_a_conversion_is_of_the_records_that_it_names():
    values = {"r1": {"from": "7", "to": "7"}}
    event = FieldConverted("c1", "t1", "f1", 0, 500, values, None)

    assert changes_of(event, "r1") == {"f1": Written("7", "7")}
    assert changes_of(event, "r2") == {}


def test_a_record_has_a_number_from_its_beginning_to_its_end():
    gone = RecordDeleted(*MADE, WHEN, "u1")
    changed = RecordUpdated("r1", "t1", {})

    assert [number_of(one) for one in (RecordCreated(*MADE), gone, changed)] == [
        7,
        7,
        None,
    ]


# ---------------------------------------------------------------- what a field was

NOW = Field(
    FieldId("f1"),
    TableId("t1"),
    "Status",
    "text",
    {},
    required=False,
    description=None,
    position=0,
    primary=True,
    created_at=WHEN,
    updated_at=WHEN,
    version=4,
)
RED: dict[str, Any] = {"id": "a", "name": "Red"}
BLUE: dict[str, Any] = {"id": "b", "name": "Blue"}


def at(seq: int, event: Event) -> Recorded:
    return Recorded(WorkspaceId("w"), seq, 2, WHEN, Actor("user", "u1"), event)


Form = tuple[str, dict[str, Any]]


def retyped(seq: int, before: Form, after: Form) -> Recorded:
    changes = {
        "type": {"from": before[0], "to": after[0]},
        "options": {"from": before[1], "to": after[1]},
        "slot": {"from": before[0], "to": after[0]},
    }
    event = FieldRetyped("f1", "t1", changes, "x-1", "c1", 1, 0, None)
    return at(seq, event)


def test_a_field_to_which_nothing_happened_was_always_what_it_is():
    assert timeline(NOW, ()).at(0) is NOW
    assert timeline(NOW, [at(9, FieldDeleted("f1", "t1", "Status"))]).at(3) is NOW


def test_a_field_was_of_another_type_until_it_was_changed():
    was = timeline(
        NOW,
        [
            retyped(
                5, ("number", {"precision": 2}), ("single_select", {"choices": []})
            ),
            retyped(9, ("single_select", {"choices": []}), ("text", {})),
        ],
    )

    assert [was.at(seq).type for seq in (1, 4, 5, 8, 9, 20)] == [
        "number",
        "number",
        "single_select",
        "single_select",
        "text",
        "text",
    ]
    assert was.at(1).options == {"precision": 2}
    # the parts of a conversion stand behind the event that begins it
    assert was.before_conversion(6).type == "number"
    assert was.before_conversion(10).type == "single_select"


def test_other_options_are_no_conversion():
    was = timeline(
        replace(NOW, options={"max_length": 9}),
        [
            retyped(5, ("number", {}), ("text", {})),
            at(
                7,
                FieldUpdated(
                    "f1", "t1", {"options": {"from": {}, "to": {"max_length": 9}}}
                ),
            ),
            at(8, FieldUpdated("f1", "t1", {"name": {"from": "A", "to": "Status"}})),
        ],
    )

    assert [was.at(seq).options for seq in (6, 7)] == [{}, {"max_length": 9}]
    assert was.before_conversion(9).type == "number"
    assert was.at(1).name == "Status"


def test_a_choice_has_its_present_name_while_it_is_there():
    now = replace(NOW, type="single_select", options={"choices": [RED | {"name": "R"}]})
    change: Any = {
        "options": {"from": {"choices": [RED, BLUE]}, "to": dict(now.options)}
    }
    was = timeline(now, [at(5, FieldUpdated("f1", "t1", change))])

    assert was.at(1).choice_names == {"a": "R", "b": "Blue"}
