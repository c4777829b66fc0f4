"""The field for whatever a table has no field for: one a table, its keys merged."""

from typing import Any

import pytest

from domain.errors import Conflict, Forbidden, Invalid
from domain.events import Actor
from domain.field import (
    CreateField,
    DropOther,
    FieldCreated,
    FieldDeleted,
    KeepOther,
    RestoreField,
    UpdateField,
)
from domain.ids import FieldId
from domain.record import Change, RecordUpdated, UpdateRecords
from domain.retype import RetypeField
from tests.domain.library import ADA, AUTHORS, BOB, NAME, THE_AUTHORS, author, field
from tests.scenario import Store, scenario

EDITOR, ADMIN, VIEWER = (Actor("user", who) for who in ("editor", "admin", "viewer"))
REST = FieldId("rest")
KEEP = KeepOther(THE_AUTHORS, REST)
MADE = FieldCreated(
    "rest",
    "authors",
    "Other data",
    "json",
    {"other": True},
    False,
    None,
    4,
    False,
    "other_data",
)
GIVEN = [*AUTHORS, MADE]
DROP = DropOther(THE_AUTHORS, REST)


def merging(record: Any, keys: str | None) -> UpdateRecords:
    change = Change(record, {REST: keys}, merged=frozenset([REST]))
    return UpdateRecords(THE_AUTHORS, None, [change])


def test_an_editor_makes_the_field_where_there_is_none():
    scenario(given=AUTHORS, when=KEEP, actor=EDITOR, then=[MADE])


def test_the_second_to_need_it_makes_none():
    scenario(given=GIVEN, when=KeepOther(THE_AUTHORS, FieldId("x")), then=[])


def test_its_name_may_be_taken():
    taken = field("data", "authors", "Other data", "text", position=4)
    (made,) = Store([*AUTHORS, taken]).do(KEEP)

    assert made.event.data()["name"] == "Other data 2"


def test_a_viewer_makes_none():
    scenario(given=AUTHORS, when=KEEP, actor=VIEWER, refused=Forbidden)


def test_there_is_one_a_table():
    again = CreateField(FieldId("x"), THE_AUTHORS, "More", "json", {"other": True})
    detail = "The table has a field for other data already"
    scenario(given=GIVEN, when=again, refused=Conflict, detail=detail, field="other")

    text = RetypeField(NAME, THE_AUTHORS, "json", {"other": True})
    scenario(given=GIVEN, when=text, refused=Conflict, detail=detail, field="other")

    another = FieldCreated(
        "x", "authors", "More", "json", {"other": True}, False, None, 5, False
    )
    back = [*GIVEN, FieldDeleted("rest", "authors", "Other data"), another]
    scenario(
        given=back,
        when=RestoreField(REST),
        refused=Conflict,
        detail=detail,
        field="other",
    )


@pytest.mark.parametrize("options", [{}, {"items": "text"}])
def test_what_it_is_for_does_not_change(options: dict[str, Any]):
    scenario(
        given=GIVEN,
        when=UpdateField(REST, THE_AUTHORS, {"options": options}),
        refused=Invalid,
        detail=f"Option {'items' if options else 'other'} cannot be changed",
    )


# --------------------------------------------------------------------- taking back


def test_what_an_editor_made_stays_where_an_editor_takes_it_back():
    scenario(given=GIVEN, when=DROP, actor=EDITOR, then=[])


def test_who_may_take_fields_away_takes_an_empty_one_away():
    gone = FieldDeleted("rest", "authors", "Other data")
    scenario(given=GIVEN, when=DROP, actor=ADMIN, then=[gone])
    assert MADE.inverse() == DROP


def test_one_that_is_in_use_stays():
    used = [*GIVEN, author(1, rest='{"a": 1}')]
    scenario(given=used, when=DROP, actor=ADMIN, then=[])
    scenario(given=GIVEN, when=DROP, actor=ADMIN, then=[], crowded=["rest"])


# ------------------------------------------------------------------------- merging


def test_keys_are_merged_with_those_that_are_there_when_it_is_decided():
    scenario(
        given=[*GIVEN, author(1, rest='{"a": 1}')],
        when=[merging(ADA, '{"b": 2}'), merging(ADA, '{"a": null, "c": 3}')],
        then=[
            RecordUpdated(
                ADA,
                "authors",
                {"rest": {"from": '{"a": 1}', "to": '{"a": 1, "b": 2}'}},
            ),
            RecordUpdated(
                ADA,
                "authors",
                {"rest": {"from": '{"a": 1, "b": 2}', "to": '{"b": 2, "c": 3}'}},
            ),
        ],
    )


def test_keys_that_are_there_already_change_nothing():
    same = [*GIVEN, author(1, rest='{"a": 1}')]
    scenario(given=same, when=merging(ADA, '{"a": 1}'), then=[])
    scenario(given=same, when=merging(ADA, '{"z": null}'), then=[])


def test_the_last_key_leaves_no_value():
    scenario(
        given=[*GIVEN, author(1, rest='{"a": 1}')],
        when=merging(ADA, '{"a": null}'),
        then=[
            RecordUpdated(ADA, "authors", {"rest": {"from": '{"a": 1}', "to": None}})
        ],
    )


def test_what_becomes_too_large_by_merging_is_refused():
    half = "x" * 600_000
    scenario(
        given=[*GIVEN, author(2, rest=f'{{"a": "{half}"}}')],
        when=merging(BOB, f'{{"b": "{half}"}}'),
        refused=Invalid,
        record_id=BOB,
        index=0,
        errors=[
            {
                "loc": ["Other data"],
                "msg": "Value must have at most 1000000 bytes as JSON",
                "type": "value_error",
            }
        ],
    )
