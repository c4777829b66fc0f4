"""What a run of events comes to for one record."""

from domain.changes import Linked, Written
from domain.events import Event
from domain.net_change import NetChange
from domain.record import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
)
from domain.retype import FieldConverted

WHEN = "2024-01-31T10:00:00.000000Z"


def net(*events: Event) -> NetChange:
    """The events at positions 11, 12, … and versions 4, 5, …"""
    found = NetChange("r1")
    for index, event in enumerate(events):
        found.add(11 + index, 4 + index, event)
    return found


def created(**values: object) -> RecordCreated:
    return RecordCreated("r1", "t1", 7, values, {})


def deleted(**values: object) -> RecordDeleted:
    return RecordDeleted("r1", "t1", 7, values, {}, WHEN, "u1")


def restored(**values: object) -> RecordRestored:
    return RecordRestored("r1", "t1", 7, values, {}, WHEN, "u1")


def updated(**changes: tuple[object, object]) -> RecordUpdated:
    told = {name: {"from": one[0], "to": one[1]} for name, one in changes.items()}
    return RecordUpdated("r1", "t1", told)


def linked(*added: str, removed: tuple[str, ...] = ()) -> RecordLinksChanged:
    """Places are the records' own numbers."""
    return RecordLinksChanged(
        "r1",
        "t1",
        "links",
        [[one, int(one[1:])] for one in added],
        [[one, int(one[1:])] for one in removed],
    )


def test_the_first_before_and_the_last_after():
    found = net(updated(a=("1", "2")), updated(a=("2", "3"), b=(None, "x")))

    assert (found.there_before, found.there_after) == (True, True)
    assert found.changes() == {"a": Written("1", "3"), "b": Written(None, "x")}
    assert (found.first, found.last) == (4, (5, 12))


def test_a_record_that_is_made_is_known_whole():
    found = net(created(a="1", b=None), updated(a=("1", "2")), linked("r9"))

    assert (found.there_before, found.there_after) == (False, True)
    assert found.after == {"a": "2", "links": ["r9"]}
    assert (found.number, found.made_at, found.created) == (7, 11, None)


def test_a_record_that_goes_is_known_as_it_was():
    found = net(updated(a=("1", "2")), deleted(a="2", b="x"))

    assert (found.there_before, found.there_after) == (True, False)
    assert found.before == {"a": "1", "b": "x"}
    assert (found.number, found.first, found.created) == (7, 4, (WHEN, "u1"))


def test_a_record_that_is_made_and_goes_was_never_there():
    found = net(created(a="1"), deleted(a="1"))

    assert (found.there_before, found.there_after) == (False, False)


def test_a_record_that_went_and_came_back_is_what_changed_in_it():
    found = net(updated(a=("1", "2")), deleted(a="2", b="x"), restored(a="2", c="y"))

    assert (found.there_before, found.there_after) == (True, True)
    assert found.changes() == {
        "a": Written("1", "2"),
        "b": Written("x", None),
        "c": Written(None, "y"),
    }


def test_it_may_go_again():
    found = net(restored(a="1"), updated(a=("1", "2")), deleted(a="2"))
    assert (found.there_before, found.there_after) == (False, False)

    again = net(deleted(a="1"), restored(a="2"), deleted(a="2"))
    assert (again.there_before, again.before) == (True, {"a": "1"})


def test_links_written_at_their_other_ends_are_what_came_and_went():
    found = net(linked("r5"), linked("r2"), linked(removed=("r7",)), linked("r8"))
    assert found.changes() == {"links": Linked(("r2", "r5", "r8"), ("r7",))}

    back = net(linked("r5"), linked(removed=("r5",)), linked(removed=("r7",)))
    assert net(linked("r5"), linked(removed=("r5",))).changes() == {}
    assert back.changes() == {"links": Linked((), ("r7",))}


def test_a_list_that_is_known_once_is_known_before_and_after():
    change = {
        "from": ["r1", "r5"],
        "to": ["r1"],
        "added": {},
        "removed": {"r5": 0},
        "own_places": {"from": [1, 5], "to": [0]},
    }
    listed = RecordUpdated("r1", "t1", {"links": change})
    found = net(linked("r5", removed=("r3",)), listed, linked("r9"))

    assert found.changes() == {"links": Written(["r1", "r3"], ["r1", "r9"])}


def test_a_list_is_in_the_order_of_its_places():
    changed = {
        "links": {
            "from": ["r7"],
            "to": ["r7", "r9"],
            "added": {"r9": 0},
            "removed": {},
            "own_places": {"from": [7], "to": [0, 1]},
        }
    }
    found = net(
        linked("r7", removed=("r5",)),
        RecordUpdated("r1", "t1", changed),
        linked("r8", removed=("r7",)),
    )

    assert found.changes() == {"links": Written(["r5"], ["r9", "r8"])}


def test_a_record_that_goes_tells_its_links_as_they_were():
    found = net(linked("r5", removed=("r3",)), deleted(links=["r1", "r5"]))

    assert found.before == {"links": ["r1", "r3"]}


def test_a_conversion_counts_as_a_change_and_not_as_a_version():
    converted = FieldConverted(
        "c1", "t1", "a", 0, 500, {"r1": {"from": "2", "to": None}}, None
    )
    found = net(updated(a=("1", "2")), converted)

    assert found.changes() == {"a": Written("1", None)}
    assert found.last == (4, 11)
