"""How PyBase's filters, sorts and pages are read: pure."""

import json
import time
from typing import Any

import pytest

from api.pybase.parse import (
    filter_from,
    read_filter,
    read_page,
    read_sort,
    sort_from,
)
from domain.catalog import Field, Table
from domain.errors import Code, Invalid
from domain.ids import BaseId, FieldId, TableId
from projections.query import (
    EVERYTHING,
    And,
    Condition,
    Not,
    Or,
    Page,
    Sort,
    compare,
    find_field,
)

TABLE_ID = TableId("00000000-0000-8000-8000-000000000001")
RECORD = "11111111-1111-8111-8111-111111111111"


def field(position: int, name: str, kind: str, **options: Any) -> Field:
    return Field(
        id=FieldId(f"00000000-0000-8000-8000-0000000001{position:02}"),
        table_id=TABLE_ID,
        name=name,
        type=kind,
        options=options,
        required=False,
        description=None,
        position=position,
        primary=position == 0,
        created_at="2024-01-01T00:00:00.000000Z",
        updated_at="2024-01-01T00:00:00.000000Z",
    )


def table(*fields: Field) -> Table:
    return Table(
        id=TABLE_ID,
        base_id=BaseId("00000000-0000-8000-8000-000000000002"),
        number=1,
        name="Items",
        description=None,
        position=0,
        created_by="",
        created_at="",
        updated_at="",
        schema_seq=1,
        all_fields={one.id: one for one in fields},
    )


NAME = field(0, "Name", "text")
PRICE = field(1, "Price", "number")
STOCK = field(2, "In Stock", "checkbox")
DAY = field(3, "Day", "date")
AT = field(4, "At", "datetime", timezone="Europe/Berlin")
STATUS = field(5, "Status", "single_select", choices=[{"id": "c1", "name": "Active"}])
PARTS = field(6, "Parts", "linked_record", linked_table_id=TABLE_ID)
SERIAL = field(7, "Serial", "autonumber")
TIMED = field(8, "Timed", "date", include_time=True)
GONE = Field(**{**field(9, "Gone", "text").__dict__, "deleted": True})
TABLE = table(NAME, PRICE, STOCK, DAY, AT, STATUS, PARTS, SERIAL, TIMED, GONE)


def read(value: Any, of: Table = TABLE) -> Any:
    return read_filter(json.dumps(value), of)


def refusal(text: str, of: Table = TABLE) -> Invalid:
    with pytest.raises(Invalid) as caught:
        read_filter(text, of)
    assert caught.value.code is Code.VALIDATION_ERROR
    return caught.value


def told(refused: Invalid) -> str:
    assert refused.detail is not None
    assert len(refused.detail) < 300
    return refused.detail


@pytest.mark.parametrize("text", [None, "", "  ", "{}", "[]", '{"AND": []}'])
def test_no_filter_asks_for_everything(text):
    assert read_filter(text, TABLE) == EVERYTHING


def test_or_of_nothing_is_nothing():
    assert read({"OR": []}) == Or(())
    assert read({"NOT": {}}) == Not(EVERYTHING)


def test_the_dialect_by_field():
    assert read({"Name": {"$contains": "Widget"}}) == Condition(
        NAME, "contains", "Widget"
    )
    assert read({"Name": {"$contains": "x", "$neq": "y"}, "Price": 5}) == And(
        (
            And((Condition(NAME, "contains", "x"), Condition(NAME, "neq", "y"))),
            Condition(PRICE, "eq", "5"),
        )
    )


def test_the_dialect_by_condition():
    assert read(
        {
            "AND": [
                {"field": "Status", "operator": "eq", "value": "Active"},
                {"field": "Price", "operator": "gt", "value": 100},
            ]
        }
    ) == And((Condition(STATUS, "eq", "Active"), Condition(PRICE, "gt", "100")))


def test_an_array_at_the_top_means_all_of_them():
    assert read([{"field": "Name", "operator": "is_empty"}, {"Price": 1}]) == And(
        (Condition(NAME, "is_empty", None), Condition(PRICE, "eq", "1"))
    )


@pytest.mark.parametrize("spelling", ["{}", "${}"])
def test_groups_in_every_spelling_and_both_dialects_within_each_other(spelling):
    either, neither = spelling.format("or"), spelling.format("not")
    assert read(
        {
            "Name": {"$not": {"$starts_with": "a"}},
            either: [
                {"field": "Price", "operator": "lt", "value": 1},
                {neither: {"Price": {"$gte": 9}}},
                {neither: [{"Name": "x"}]},
            ],
        }
    ) == And(
        (
            Not(Condition(NAME, "starts_with", "a")),
            Or(
                (
                    Condition(PRICE, "lt", "1"),
                    Not(Condition(PRICE, "gte", "9")),
                    Not(And((Condition(NAME, "eq", "x"),))),
                )
            ),
        )
    )


@pytest.mark.parametrize(
    ("name", "operator", "value", "kept"),
    [
        ("Name", "eq", "Ada", "Ada"),
        ("Name", "ends_with", "", ""),
        ("Price", "gte", 0.1, "0.1"),
        ("Price", "eq", -0.0, "0"),
        ("Price", "eq", 1e20, "100000000000000000000"),
        ("In Stock", "neq", False, False),
        ("Day", "lte", "2024-02-29", "2024-02-29"),
        ("At", "gt", "2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
        ("At", "gt", "2024-01-31T10:00:00", "2024-01-31T09:00:00Z"),
        ("Timed", "lt", "2024-01-31T10:00:00.5+02:00", "2024-01-31T08:00:00.5Z"),
        ("Status", "not_contains", "act", "act"),
        ("Parts", "contains", RECORD.upper(), RECORD),
        ("Serial", "lt", 7, "7"),
        ("id", "eq", RECORD, RECORD),
        ("created_at", "gte", "2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
    ],
)
def test_a_value_is_read_as_its_field_keeps_it(name, operator, value, kept):
    expected = Condition(find_field(TABLE, name), operator, kept)
    assert read({name: {f"${operator}": value}}) == expected
    assert read({"field": name, "operator": operator, "value": value}) == expected


def test_decimals_are_exact():
    assert read_filter('{"Price": 0.30000000000000000004}', TABLE) == Condition(
        PRICE, "eq", "0.30000000000000000004"
    )


def test_null_and_blank_mean_empty():
    empty, full = (
        Condition(NAME, "is_empty", None),
        Condition(NAME, "is_not_empty", None),
    )
    assert read({"Name": None}) == empty
    assert read({"Name": {"$eq": None}}) == empty
    assert read({"Name": {"$neq": None}}) == full
    assert read({"Name": ""}) == empty
    assert read({"Day": ""}) == Condition(DAY, "is_empty", None)
    assert read({"Parts": None}) == Condition(PARTS, "is_empty", None)


def test_the_value_of_is_empty_is_not_looked_at():
    for value in (None, True, False, {"a": 1}):
        assert read({"Name": {"$is_empty": value}}) == Condition(NAME, "is_empty", None)
    assert read(
        {"field": "Parts", "operator": "is_not_empty", "value": [1]}
    ) == Condition(PARTS, "is_not_empty", None)


def test_a_day_means_the_whole_day_where_a_moment_is_compared():
    start, end = "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z"  # Berlin; 23 hours
    within = And((Condition(AT, "gte", start), Condition(AT, "lt", end)))
    assert compare(AT, "eq", "2024-03-31") == within
    assert compare(AT, "neq", "2024-03-31") == Not(within)
    assert compare(AT, "gt", "2024-03-31") == Condition(AT, "gte", end)
    assert compare(AT, "gte", "2024-03-31") == Condition(AT, "gte", start)
    assert compare(AT, "lt", "2024-03-31") == Condition(AT, "lt", start)
    assert compare(AT, "lte", "2024-03-31") == Condition(AT, "lt", end)


def test_days_at_the_ends_of_the_calendar_have_an_end():
    assert compare(AT, "lte", "9999-12-31") == Condition(
        AT, "lt", "9999-12-31T23:59:59.999999Z"
    )
    assert compare(AT, "gte", "0001-01-01") == Condition(
        AT, "gte", "0001-01-01T00:00:00Z"
    )


def test_a_field_is_found_by_name_then_by_id():
    odd = field(1, NAME.id, "number")
    both = table(NAME, odd)
    assert read({PRICE.id: 1}) == Condition(PRICE, "eq", "1")
    assert read({NAME.id: 1}, both) == Condition(odd, "eq", "1")


def test_a_field_takes_over_the_name_of_what_every_record_has():
    own = field(0, "created_at", "text")
    assert read({"created_at": "x"}, table(own)) == Condition(own, "eq", "x")


def test_fields_with_the_names_of_the_grammar():
    group, one, word = field(0, "AND", "text"), field(1, "field", "text"), NAME
    odd = table(group, one, field(2, "operator", "text"))
    assert read({"field": "AND", "operator": "eq", "value": "x"}, odd) == Condition(
        group, "eq", "x"
    )
    assert read({group.id: "x"}, odd) == Condition(group, "eq", "x")
    assert read({"field": "x"}, odd) == Condition(one, "eq", "x")
    assert read({"field": "field", "operator": "eq", "value": "x"}, odd) == Condition(
        one, "eq", "x"
    )
    assert "array" in told(refusal('{"AND": "x"}', odd))
    assert "operator" in told(refusal('{"field": "Name"}', table(word)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "JSON"),
        ("nope", "JSON"),
        ('{"Name": "a"} x', "JSON"),
        ("null", "object or an array"),
        ('"Name"', "object or an array"),
        ('{"OR": {"Name": "a"}}', "array"),
        ('{"OR": [5]}', "object or an array"),
        ('{"NOT": 5}', "object or an array"),
        ('{"Nope": 1}', "Unknown field 'Nope'"),
        ('{"Gone": "x"}', "Unknown field 'Gone'"),
        ('{"$where": "1"}', "Unknown field '$where'"),
        ('{"__proto__": {}}', "Unknown field"),
        ('{"Name": {}}', "no operator"),
        ('{"Name": {"$like": "x"}}', "Unknown operator 'like'"),
        ('{"Name": {"contains": "x"}}', "Unknown operator 'contains'"),
        ('{"Name": {"$gt": "x"}}', "does not take the operator gt"),
        ('{"Price": {"$contains": 1}}', "does not take the operator contains"),
        ('{"In Stock": {"$lt": true}}', "does not take the operator lt"),
        ('{"Parts": "x"}', "does not take the operator eq"),
        ('{"Parts": {"$contains": "x"}}', "id of a record"),
        ('{"id": "x"}', "id of a record"),
        ('{"Name": 5}', "string"),
        ('{"Name": ["a"]}', "string"),
        ('{"Status": true}', "string"),
        ('{"Price": "5"}', "number"),
        ('{"Price": true}', "number"),
        ('{"Price": {"$gt": null}}', "needs a value"),
        ('{"Name": {"$contains": null}}', "needs a value"),
        ('{"Price": NaN}', "JSON number"),
        ('{"Price": -Infinity}', "JSON number"),
        ('{"Price": 1e999}', "too many digits"),
        ('{"Price": 1e99999999999999999999999}', "JSON"),
        ('{"Price": ' + "9" * 5000 + "}", "JSON"),
        ('{"Price": ' + "9" * 4000 + "}", "too many digits"),
        ('{"In Stock": 1}', "true or false"),
        ('{"Day": "2024-02-30"}', "not a real day"),
        ('{"Day": "2024-W05-3"}', "date"),
        ('{"Day": {"$gt": ""}}', "date"),
        ('{"Day": "0000-00-00"}', "not a real day"),
        ('{"At": "2024-13-01"}', "not a real day"),
        ('{"At": "2024-01- 1"}', "date"),
        ('{"At": "2024-01-01T25:00:00Z"}', "not a real moment"),
        ('{"At": 1706695200}', "date and time"),
        ('{"Name": "a", "Name": "b"}', "'Name' stands twice"),
        ('{"Name": "\\u0000"}', "cannot be stored"),
        ('{"Name": "\\ud800"}', "cannot be stored"),
        ('{"\\ud800": 1}', "Unknown field"),
        ('{"field": "Name", "operator": "eq"}', "no value"),
        ('{"field": "Name"}', "operator"),
        ('{"field": 1, "operator": "eq", "value": 1}', "must be a string"),
        ('{"field": "Name", "operator": 1, "value": 1}', "must be a string"),
        ('{"field": "Name", "operator": "EQ", "value": "x"}', "Unknown operator"),
        ('{"field": "Name", "operator": "eq", "value": "x", "or": 1}', "Unknown key"),
    ],
)
def test_what_a_filter_cannot_say(text, says):
    refused = refusal(text)
    assert says in told(refused)
    assert refused.extra["errors"] == [
        {"loc": ["filter"], "msg": refused.detail, "type": "value_error"}
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10_000,
        "[" * 30_000 + "]" * 30_000,
        '{"AND":[' * 6_000 + "]}" * 6_000,
        '{"Name":{"$not":' * 3_000,
        '{"a":' * 10_000,
        "[" + ",".join(["{}"] * 20_000) + "]",
        "[" + ",".join(['{"Price":1}'] * 5_000) + "]",
        '"' + '\\"' * 30_000,
        "[" * 5_000_000,
        '{"Name": "' + "x" * 70_000 + '"}',
        json.dumps({"x" * 60_000: 1}),
        json.dumps({"Name": {"$" + "x" * 60_000: 1}}),
    ],
    ids=range(12),
)
def test_a_filter_that_is_too_much_is_refused_at_once(text):
    start = time.process_time()
    told(refusal(text))
    assert time.process_time() - start < 0.2


def test_the_bounds_of_a_filter_are_within_it():
    def nested(levels: int) -> str:
        return '{"AND":[' * levels + '{"Price":1}' + "]}" * levels

    def wide(conditions: int) -> str:
        return json.dumps([{"Price": 1}] * conditions)

    read_filter(nested(32), TABLE)
    assert "32 deep" in told(refusal(nested(33)))
    read_filter(wide(499), TABLE)
    assert "500 conditions" in told(refusal(wide(500)))


def test_brackets_in_a_text_are_no_nesting():
    text = '[{"' * 50 + "\\"
    assert read({"Name": text}) == Condition(NAME, "eq", text)


def test_a_filter_of_a_body_reads_the_same():
    assert filter_from(None, TABLE) == EVERYTHING
    assert filter_from({"Price": {"$lt": 0.5}}, TABLE) == Condition(PRICE, "lt", "0.5")
    deep: Any = {}
    for _ in range(500):
        deep = {"NOT": deep}
    with pytest.raises(Invalid):
        filter_from(deep, TABLE)


def test_a_sort_names_fields_and_directions():
    text = '[{"field": "Price", "direction": "DESC"}, {"field": "Name"}]'
    expected = (Sort(PRICE, descending=True), Sort(NAME))
    assert read_sort(text, TABLE) == expected
    assert sort_from(json.loads(text), TABLE) == expected
    assert (
        read_sort(None, TABLE) == read_sort("", TABLE) == read_sort("[]", TABLE) == ()
    )
    assert sort_from(None, TABLE) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Price", "JSON"),
        ('"Price"', "array"),
        ('{"field": "Price"}', "array"),
        ('["Price"]', "name a field"),
        ('[{"direction": "asc"}]', "name a field"),
        ('[{"field": 5}]', "name a field"),
        ('[{"field": "id;drop"}]', "Unknown field 'id;drop'"),
        ('[{"field": "Gone"}]', "Unknown field 'Gone'"),
        ('[{"field": "Parts"}]', "cannot be sorted"),
        ('[{"field": "Price", "direction": "asc,(select 1)"}]', "asc or desc"),
        ('[{"field": "Price", "direction": null}]', "asc or desc"),
        ('[{"field": "Price", "dir": "asc"}]', "Unknown key 'dir'"),
        (json.dumps([{"field": "Price"}] * 11), "at most 10"),
        ("[" * 60_000, "nested"),
    ],
)
def test_what_a_sort_cannot_say(text, says):
    with pytest.raises(Invalid) as caught:
        read_sort(text, TABLE)
    assert says in told(caught.value)
    assert caught.value.extra["errors"] == [
        {"loc": ["sort"], "msg": caught.value.detail, "type": "value_error"}
    ]


@pytest.mark.parametrize(
    ("given", "page"),
    [
        ({}, Page(100, 0)),
        ({"limit": "1"}, Page(1, 0)),
        ({"limit": "1000", "offset": "2147483648"}, Page(1000, 2147483648)),
        ({"page": "3"}, Page(100, 200)),
        ({"page": "2", "page_size": "20"}, Page(20, 20)),
        ({"page": "2", "limit": "20"}, Page(20, 20)),
        ({"page_size": "7", "offset": "3"}, Page(7, 3)),
        ({"limit": "5", "page_size": "5", "page": "1", "offset": "0"}, Page(5, 0)),
        ({"page": "2147483649", "limit": "1"}, Page(1, 2147483648)),
    ],
)
def test_a_page_is_counted_either_way(given, page):
    assert read_page(**given) == page


def test_a_page_knows_its_number():
    assert [Page(10, offset).number for offset in (0, 9, 10, 25)] == [1, 1, 2, 3]


@pytest.mark.parametrize(
    "given",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "1001"},
        {"limit": "1000000000"},
        {"limit": "abc"},
        {"limit": ""},
        {"limit": "1.0"},
        {"limit": "+5"},
        {"limit": " 5"},
        {"limit": "٣"},
        {"limit": "²"},
        {"limit": "9" * 5000},
        {"offset": "-1"},
        {"offset": "9000000000000000000"},
        {"page": "0"},
        {"page": str(2**63)},
        {"page": "2147483648", "limit": "1000"},
        {"page_size": "0"},
        {"page_size": "1001"},
        {"page": "2", "offset": "0"},
        {"limit": "10", "page_size": "20"},
    ],
)
def test_a_page_out_of_range_is_refused(given):
    with pytest.raises(Invalid) as caught:
        read_page(**given)
    told(caught.value)
    assert caught.value.extra["errors"]
