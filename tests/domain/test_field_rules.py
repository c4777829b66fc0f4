"""Rules of a field that records there may stand against: required, its options."""

from typing import Any

from domain.errors import Conflict, Invalid
from domain.field import FieldUpdated, UpdateField
from domain.ids import FieldId
from domain.table import TableCreated
from tests.domain.library import (
    AUTHORS,
    BOB,
    BORN,
    GENRE,
    GENRES,
    NAME,
    THE_AUTHORS,
    author,
    field,
)
from tests.scenario import record, scenario

EMPTY = [*AUTHORS[:6], TableCreated("authors", "base", 1, "Authors", None, 0)]


def change(field_id: FieldId, **changes: Any) -> UpdateField:
    return UpdateField(field_id, THE_AUTHORS, changes)


def test_a_field_becomes_required_when_no_record_lacks_it():
    required = FieldUpdated(
        "born", "authors", {"required": {"from": False, "to": True}}
    )
    scenario(
        given=[*AUTHORS, author(1, born="1815"), author(2, born="0")],
        when=change(BORN, required=True),
        then=[required],
    )
    scenario(
        given=[*AUTHORS, author(1, born="1815"), author(2, name="Bob")],
        when=change(BORN, required=True),
        refused=Invalid,
        detail="1 records have no value for this field",
        records=[BOB],
    )


def test_at_most_twenty_records_are_named():
    scenario(
        given=[*AUTHORS, *(author(n) for n in range(1, 31))],
        when=change(BORN, required=True),
        refused=Invalid,
        detail="30 records have no value for this field",
        records=[record(n) for n in range(1, 21)],
    )


def test_a_field_is_no_longer_required_whatever_is_there():
    scenario(
        given=[
            *EMPTY,
            field("name", "authors", "Name", "text"),
            author(1),
            FieldUpdated("name", "authors", {"required": {"from": False, "to": True}}),
        ],
        when=change(NAME, required=False),
        then=[
            FieldUpdated("name", "authors", {"required": {"from": True, "to": False}})
        ],
    )


def test_a_choice_that_no_record_has_can_go():
    fewer = [GENRES[1], {"id": "opt_new", "name": "New"}]
    scenario(
        given=[*AUTHORS, author(1, genre="opt_prose"), author(2)],
        when=change(GENRE, options={"choices": fewer}),
        then=[
            FieldUpdated(
                "genre",
                "authors",
                {
                    "options": {
                        "from": {
                            "choices": [
                                {"id": "opt_poem", "name": "Poem"},
                                {"id": "opt_prose", "name": "Prose"},
                                {"id": "opt_play", "name": "Play"},
                            ]
                        },
                        "to": {
                            "choices": [
                                {"id": "opt_prose", "name": "Prose"},
                                {"id": "opt_new", "name": "New"},
                            ]
                        },
                    }
                },
            )
        ],
    )


def test_a_choice_that_a_record_has_stays():
    scenario(
        given=[
            *AUTHORS,
            author(1, genre="opt_prose"),
            author(2, genre="opt_poem"),
            author(3, genre="opt_play"),
        ],
        when=change(GENRE, options={"choices": GENRES[2:]}),
        refused=Conflict,
        detail="A choice is in use: Poem",
        choices=["Poem", "Prose"],
        count=2,
        records=[record(1), BOB],
    )


def test_a_date_does_not_become_a_moment():
    scenario(
        given=[*AUTHORS, field("died", "authors", "Died", "date", position=4)],
        when=change(FieldId("died"), options={"include_time": True}),
        refused=Conflict,
        detail="A change of these options is a change of type",
    )


def test_a_date_may_be_shown_otherwise():
    scenario(
        given=[*AUTHORS, field("died", "authors", "Died", "date", position=4)],
        when=change(
            FieldId("died"), options={"include_time": False, "date_format": "YYYY"}
        ),
        then=[
            FieldUpdated(
                "died",
                "authors",
                {
                    "options": {
                        "from": {},
                        "to": {"include_time": False, "date_format": "YYYY"},
                    }
                },
            )
        ],
    )
