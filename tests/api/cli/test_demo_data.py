"""What the demo makes of the files: clean values, a word on all it leaves out."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from api.cli.demo import datasets
from api.cli.demo.columns import (
    Column,
    LeftOut,
    Raw,
    RawRow,
    Row,
    Unreadable,
    autonumber,
    checkbox,
    choice,
    day,
    keys,
    link,
    moment,
    number,
    prepare,
    text,
    unused,
)
from api.cli.demo.datasets import NotShipped, PassedOver, Shipped
from api.cli.demo.feed import broken_link
from api.cli.demo.tables import TABLES, corrected, read_maker

PACIFIC = timezone(timedelta(hours=-8))


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    return datasets.load(datasets.package_folder())


def rows_of(column: Column, *raw: Raw) -> tuple[Sequence[Row], Sequence[LeftOut]]:
    """What a table of one column makes of these values."""
    rows: list[RawRow] = [{"given": one} for one in raw]
    made = prepare("Things", [column], rows)
    return made.rows, made.left_out


# --------------------------------------------------------------- one value


def test_a_number_is_read_from_text_and_from_json():
    rows, left_out = rows_of(number("N", "given"), "12", "-1.50", 3, 2.5, " 7 ")
    assert rows == [{"N": 12}, {"N": -1.5}, {"N": 3}, {"N": 2.5}, {"N": 7}]
    assert left_out == []


@pytest.mark.parametrize("given", ["nan", "inf", "1e3", "1,000", "twelve", "--1", "٣"])
def test_what_is_no_plain_number_is_left_out_with_its_reason(given):
    assert rows_of(number("N", "given"), given) == (
        [{}],
        [LeftOut("N", "not a number", 1)],
    )


@pytest.mark.parametrize("given", [None, "", "   "])
def test_an_empty_value_is_left_out_as_empty(given):
    assert rows_of(number("N", "given"), given) == (
        [{}],
        [LeftOut("N", "empty in the source", 1)],
    )


def test_a_column_that_a_row_does_not_have_is_empty():
    made = prepare("Things", [number("N", "given")], [{"other": 1}])
    assert made.left_out == [LeftOut("N", "empty in the source", 1)]


def test_what_the_source_writes_for_nothing_is_left_out():
    assert rows_of(text("City", "given", blanks=["NA"]), "NA", "NAM", "NA") == (
        [{}, {"City": "NAM"}, {}],
        [LeftOut("City", 'the source writes "NA"', 2)],
    )


def test_a_date_is_read_in_the_form_of_its_file():
    column = day("Day", "given", "%b %d %Y")
    assert rows_of(column, "Jan 1 2000", "Feb 29 2004")[0] == [
        {"Day": "2000-01-01"},
        {"Day": "2004-02-29"},
    ]


def test_a_day_that_the_calendar_does_not_have_is_left_out():
    assert rows_of(day("Day", "given"), "2001-02-29", "soon") == (
        [{}, {}],
        [LeftOut("Day", "not a date that the calendar has", 2)],
    )


def test_a_time_of_the_pacific_coast_becomes_utc():
    forms = ["%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"]
    column = moment("At", "given", forms, PACIFIC)
    assert rows_of(column, "2010/03/14 02:00", "2010/12/31 23:00:00")[0] == [
        {"At": "2010-03-14T10:00:00Z"},
        {"At": "2011-01-01T07:00:00Z"},
    ]


def test_a_word_that_is_neither_yes_nor_no_is_left_out():
    column = checkbox("Positive", "given", yes="positive", no="negative")
    assert rows_of(column, "positive", "negative", "unknown") == (
        [{"Positive": True}, {"Positive": False}, {}],
        [LeftOut("Positive", 'neither "positive" nor "negative"', 1)],
    )


def test_an_autonumber_is_left_to_the_server():
    made = prepare("Things", [autonumber("Number"), text("T", "t")], [{"t": "a"}])
    assert made.rows == [{"T": "a"}]
    assert made.left_out == []


# ----------------------------------------------------------- whole tables


def test_a_row_without_what_its_table_requires_is_left_out_and_told():
    columns = [text("Code", "code", required=True), number("N", "n")]
    made = prepare("Things", columns, [{"code": "", "n": 1}, {"code": "a", "n": 2}])
    assert made.rows == [{"Code": "a", "N": 2}]
    assert made.left_out == [
        LeftOut("Code", "empty in the source", 1),
        LeftOut("", "a row needs Code", 1),
    ]


def test_equal_rows_are_all_kept():
    rows, _ = rows_of(text("T", "given"), "a", "a", "a")
    assert len(rows) == 3


def test_the_choices_are_those_that_occur():
    made = prepare("Things", [choice("C", "c")], [{"c": "b"}, {"c": None}, {"c": "a"}])
    assert made.choices(made.columns[0]) == ["b", "a"]


def test_a_linked_table_has_each_value_once():
    states = link("State", "state", "States")
    airports = prepare(
        "Airports", [states], [{"state": s} for s in ("TX", "", "TX", "AK")]
    )
    made = keys("States", "Code", airports, "State")
    assert made.rows == [{"Code": "TX"}, {"Code": "AK"}]


def test_columns_that_no_field_takes_are_found():
    assert unused([text("A", "a")], [{"a": 1}, {"a": 1, "b": 2}]) == ["b"]


@pytest.mark.parametrize(
    ("name", "maker", "after"),
    [
        ("ford pinto", "ford", "ford pinto"),
        ("vw rabbit", "volkswagen", "volkswagen rabbit"),
        ("maxda rx3", "mazda", "mazda rx3"),
        ("toyouta corona mark ii (sw)", "toyota", "toyota corona mark ii (sw)"),
    ],
)
def test_a_maker_is_read_from_a_name_however_it_is_spelt(name, maker, after):
    assert read_maker(name) == maker
    assert corrected(name) == after


@pytest.mark.parametrize("name", ["capri ii", "hi 1200d"])
def test_a_name_that_does_not_begin_with_a_maker_has_none(name):
    with pytest.raises(Unreadable, match="does not begin with a maker"):
        read_maker(name)


# ------------------------------------------------------ the files themselves


def test_the_files_make_more_than_ten_thousand_rows(shipped):
    rows = {one.name: len(one.rows) for one in shipped.tables}
    assert rows["Airports"] == 3376
    assert rows["Cars"] == 406
    assert rows["Seattle weather"] == 1461
    assert rows["Temperatures"] == 17_518
    assert shipped.rows > 24_000


def test_no_row_of_any_file_is_lost(shipped):
    folder = datasets.package_folder() / "_data"
    for table in TABLES:
        of_files = sum(len(datasets.read_file(folder / file)) for file in table.files)
        made = next(one for one in shipped.tables if one.name == table.name)
        assert len(made.rows) == of_files


def test_every_value_that_is_left_out_is_told(shipped):
    told = {
        (table.name, one.column): one.count
        for table in shipped.tables
        for one in table.left_out
    }
    assert told == {
        ("Airports", "City"): 12,
        ("Airports", "State"): 12,
        ("Cars", "Maker"): 2,
        ("Cars", "Miles per gallon"): 8,
        ("Cars", "Horsepower"): 6,
        ("Wheat", "Wages"): 2,
        ("Sources", "References"): 7,
    }


def test_every_file_that_is_shipped_is_used_or_passed_over_with_a_reason(shipped):
    there = {one.name for one in (datasets.package_folder() / "_data").iterdir()}
    used = {file for table in TABLES for file in table.files}
    over = {one.file for one in shipped.passed_over if one.what == "all"}
    assert used | over == there
    assert not used & over
    assert shipped.passed_over == [
        PassedOver("la-riots.csv", "all", "a list of people who were killed"),
        PassedOver("driving.json", "column side", "where a chart put its label"),
    ]


def test_every_link_leads_to_a_table_before_its_own(shipped):
    before: dict[str, set[object]] = {}
    for table in shipped.tables:
        for column in table.columns:
            if column.links_to:
                named = {row[column.name] for row in table.rows if column.name in row}
                assert named <= before[column.links_to]
        primary = table.columns[0].name
        before[table.name] = {row.get(primary) for row in table.rows}


def test_every_type_of_field_that_the_demo_is_about_occurs(shipped):
    types = {column.type for table in shipped.tables for column in table.columns}
    assert types == {
        "text",
        "long_text",
        "number",
        "checkbox",
        "date",
        "datetime",
        "single_select",
        "autonumber",
        "linked_record",
    }


def test_moments_and_days_have_the_form_that_the_api_takes(shipped):
    forms = {
        "date": r"\d{4}-\d\d-\d\d",
        "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    }
    for table in shipped.tables:
        for column in table.columns:
            if column.type in forms:
                form = re.compile(forms[column.type])
                assert all(form.fullmatch(str(r[column.name])) for r in table.rows)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(NotShipped, match=r"movies\.json is not there"):
        datasets.read_file(Path("/nowhere/movies.json"))


# ------------------------------------------------------------ what sees a lie


def test_a_changed_a_missing_and_a_moved_event_break_the_chain():
    events = json.loads((Path(__file__).with_name("feed.json")).read_text("utf-8"))
    assert broken_link(events) is None

    changed = json.loads(json.dumps(events))
    changed[1]["data"]["role"] = "viewer"
    assert broken_link(changed) == 2
    assert broken_link([events[0], *events[2:]]) == 3
    assert broken_link([events[1], events[0], *events[2:]]) == 2
