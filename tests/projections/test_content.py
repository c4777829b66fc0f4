"""Records as content: keys by `api_name`, and none without a value."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from psycopg import sql

from commands.schema import NewField
from domain.catalog import Table
from projections.records.content import content_json
from projections.target import live
from tests.commands.tenant import Tenant

CHOICES = {"choices": [{"id": "one", "name": "One"}, {"id": "two", "name": "Two"}]}
MATERIAL = {"name": "Steel", "grade": "1.4301"}
PLACES = [{"url": "https://example.org/a.pdf"}, {"url": "https://example.org/b.pdf"}]
# type -> options, a value as it is given, the same as content shows it
TYPES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "text": ({}, 'null "\\" \x01', 'null "\\" \x01'),
    "long_text": ({"enable_rich_text": True}, "<b>x</b>\n", "<b>x</b>\n"),
    "url": ({}, "https://example.org/", "https://example.org/"),
    "number": ({}, Decimal("12345678901234567890.12"), "12345678901234567890.12"),
    "rating": ({"max": 9}, 9, "9"),
    "checkbox": ({}, False, False),
    "date": ({}, "2024-01-31", "2024-01-31"),
    "datetime": ({}, "2024-01-31T12:00:00.5+02:00", "2024-01-31T10:00:00.5Z"),
    "single_select": (CHOICES, "One", "One"),
    "multi_select": (CHOICES, ["Two", "One"], ["Two", "One"]),
    "dimension": (
        {},
        {"value": 1, "unit": "in"},
        {"value": "25.4", "unit": "mm", "plus": None, "minus": None},
    ),
    "material": ({}, MATERIAL, MATERIAL),
    "attachment": ({}, PLACES, [one["url"] for one in PLACES]),
}


def contents(tenant: Tenant, table: Table, **how: bool) -> list[Any]:
    """Every record's, in the rows' order; numbers as their text."""
    target = live(tenant.workspace_id)
    rows = tenant.rows(
        sql.SQL("SELECT {} FROM {} AS t ORDER BY t.number").format(
            content_json(target, table, **how), target.of_records(table.id)
        )
    )
    return [json.loads(row[0], parse_float=str, parse_int=str) for row in rows]


def given_options(table: Table, **options: Mapping[str, Any]) -> Table:
    """The table with other options of some fields."""
    changed = {
        one.id: replace(one, options={**one.options, **options[one.name]})
        for one in table.fields
        if one.name in options
    }
    return replace(table, all_fields={**table.all_fields, **changed}, schema_seq=0)


def test_every_type_is_shown_as_it_is_given_back(tenant: Tenant):
    table = tenant.table(
        *(NewField(name, name, options) for name, (options, _, _) in TYPES.items()),
        NewField("user", "user"),
        NewField("autonumber", "autonumber", {"prefix": "A-"}),
        NewField("formula", "formula", {"formula": "1"}),
    )
    given = {name: value for name, (_, value, _) in TYPES.items()}
    tenant.create(table, given | {"user": tenant.user_id})

    shown = {name: value for name, (_, _, value) in TYPES.items()}
    assert contents(tenant, table) == [
        shown | {"user": tenant.user_id, "autonumber": "A-1"}
    ]


def test_what_has_no_value_has_no_key(tenant: Tenant):
    table = tenant.table(*(NewField(name, name, row[0]) for name, row in TYPES.items()))
    tenant.create(table, {}, {"text": ""}, {"multi_select": []}, {"checkbox": False})

    assert contents(tenant, table) == [{}, {}, {}, {"checkbox": False}]


def test_keys_are_the_names_in_urls(tenant: Tenant):
    table = tenant.table('My "Title" %s', "100 %")
    tenant.create(table, {'My "Title" %s': "a", "100 %": "b"})

    assert contents(tenant, table) == [{"my_title_s": "a", "100": "b"}]


def test_relations_are_ids_in_stored_order(tenant: Tenant):
    tag = tenant.table("name")
    first, second, third = tenant.create(tag, {}, {}, {})
    several = {"linked_table_id": tag.id}
    table = tenant.table(
        NewField("tags", "linked_record", several),
        NewField("main", "linked_record", several | {"allow_multiple": False}),
    )
    tenant.create(
        table, {"tags": [third, first, second], "main": [second]}, {"tags": [first]}
    )

    assert contents(tenant, table) == [
        {"tags": [third, first, second], "main": second},
        {"tags": [first]},
    ]
    other_end = tenant.catalog().tables[tag.id]
    assert [one.is_reverse for one in other_end.fields] == [False, True, True]
    assert contents(tenant, other_end) == [{}, {}, {}]


def test_a_single_medium_is_one(tenant: Tenant):
    table = tenant.table(NewField("image", "attachment"), "title")
    tenant.create(table, {"image": PLACES[:1]}, {"title": "none"})

    single = given_options(table, image={"allow_multiple": False})
    assert contents(tenant, single) == [
        {"image": "https://example.org/a.pdf"},
        {"title": "none"},
    ]


def test_private_fields_are_left_out_where_that_is_asked(tenant: Tenant):
    table = tenant.table("title", "notes")
    tenant.create(table, {"title": "a", "notes": "b"})

    secretive = given_options(table, notes={"private": True})
    assert contents(tenant, secretive) == [{"title": "a", "notes": "b"}]
    assert contents(tenant, secretive, with_private=False) == [{"title": "a"}]


def test_keys_that_no_field_has_stand_beside_the_fields(tenant: Tenant):
    table = tenant.table("name", NewField("rest", "material"))
    tenant.create(
        table, {"name": "a", "rest": MATERIAL}, {"rest": MATERIAL}, {"name": "c"}
    )

    rest = replace(table.by_name["rest"], type="json", options={"other": True})
    made = replace(table, all_fields={**table.all_fields, rest.id: rest}, schema_seq=0)
    # a field wins, also where it is empty
    assert contents(tenant, made) == [
        {"name": "a", "grade": "1.4301"},
        {"grade": "1.4301"},
        {"name": "c"},
    ]


def test_there_may_be_more_fields_than_a_function_takes(tenant: Tenant):
    table = tenant.table(*(f"f{number}" for number in range(95)))
    tenant.create(table, {"f0": "a", "f90": "b", "f94": "c"}, {})

    assert contents(tenant, table) == [{"f0": "a", "f90": "b", "f94": "c"}, {}]
