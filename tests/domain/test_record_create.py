"""Creating records: numbers, values, the schema they were read against."""

from collections.abc import Sequence

import pytest

from domain.errors import NotFound, StaleSchema
from domain.events import Actor, Event
from domain.facts import Row
from domain.record import CreateRecords, RecordCreated, RecordDeleted
from domain.table import TableDeleted
from tests.domain.library import (
    ADA,
    AUTHORS,
    BOB,
    CAT,
    EMMA,
    MEMBERS,
    THE_AUTHORS,
    author,
    create,
    field,
)
from tests.scenario import Store, scenario

EDITOR = Actor("user", "editor")


def test_a_record_is_created_with_its_values():
    scenario(
        given=AUTHORS,
        when=create(AUTHORS, (ADA, {"name": "Ada", "born": "1815"})),
        then=[RecordCreated(ADA, "authors", 1, {"name": "Ada", "born": "1815"}, {})],
    )


def test_a_record_may_be_empty():
    scenario(
        given=AUTHORS,
        when=create(AUTHORS, (ADA, {})),
        then=[RecordCreated(ADA, "authors", 1, {}, {})],
    )


def test_no_records_are_no_events():
    scenario(given=AUTHORS, when=create(AUTHORS), then=[])


def test_records_are_numbered_in_their_order():
    scenario(
        given=[*AUTHORS, author(1)],
        when=[
            create(AUTHORS, (CAT, {"name": "Cat"}), (BOB, {"name": "Bob"})),
            create(AUTHORS, (EMMA, {})),
        ],
        then=[
            RecordCreated(CAT, "authors", 2, {"name": "Cat"}, {}),
            RecordCreated(BOB, "authors", 3, {"name": "Bob"}, {}),
            RecordCreated(EMMA, "authors", 4, {}, {}),
        ],
    )


def test_the_number_of_a_deleted_record_is_not_given_again():
    scenario(
        given=[
            *AUTHORS,
            author(1),
            author(2),
            RecordDeleted(BOB, "authors", 2, {}, {}, "then", "eve"),
        ],
        when=create(AUTHORS, (CAT, {})),
        then=[RecordCreated(CAT, "authors", 3, {}, {})],
    )


def test_equal_values_are_nobody_s_business_without_a_constraint():
    scenario(
        given=[*AUTHORS, author(1, name="Ada")],
        when=create(AUTHORS, (BOB, {"name": "Ada"})),
        then=[RecordCreated(BOB, "authors", 2, {"name": "Ada"}, {})],
    )


@pytest.mark.parametrize(
    "given",
    [MEMBERS, [*AUTHORS, TableDeleted("authors", "base", "Authors")]],
    ids=["unknown", "deleted"],
)
def test_a_record_needs_a_table(given: Sequence[Event]):
    scenario(
        given=given,
        when=CreateRecords(THE_AUTHORS, 11, [(ADA, {})]),
        refused=NotFound,
        detail="Table not found",
    )


@pytest.mark.parametrize("schema_seq", [10, 12])
def test_values_that_were_read_against_another_schema_are_read_anew(schema_seq: int):
    scenario(
        given=AUTHORS,
        when=CreateRecords(THE_AUTHORS, schema_seq, [(ADA, {})]),
        refused=StaleSchema,
        detail="The table changed while the request was read",
    )


def test_a_field_that_came_since_makes_the_values_stale():
    wish = create(AUTHORS, (ADA, {"name": "Ada"}))
    scenario(
        given=[*AUTHORS, field("new", "authors", "New", "text", position=4)],
        when=wish,
        refused=StaleSchema,
    )


def test_the_event_does_not_share_the_values_of_the_wish():
    values = {"name": "Ada"}
    [one] = Store(AUTHORS).do(create(AUTHORS, (ADA, values)))
    values["name"] = "Eve"

    assert one.event == RecordCreated(ADA, "authors", 1, {"name": "Ada"}, {})


def test_a_record_is_as_its_event_says():
    store = Store(AUTHORS)
    store.do(create(AUTHORS, (ADA, {"name": "Ada"})), actor=EDITOR)

    assert store.row(ADA) == Row(
        id=ADA,
        table_id="authors",
        number=1,
        version=1,
        values={"born": None, "genre": None, "name": "Ada"},
        links={},
        created_at="2024-01-01T00:00:12.000000Z",
        created_by="editor",
        updated_at="2024-01-01T00:00:12.000000Z",
        updated_by="editor",
    )
