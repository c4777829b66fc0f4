"""A workspace with every type of field: what events rebuild is what is there."""

from typing import Any

import pytest

from commands.schema import NewField
from domain.catalog import Table
from domain.conversions import PLAIN_TEXTS
from domain.facts import File
from domain.field import DeleteField, RestoreField
from domain.file import UploadFile
from domain.ids import UserId
from domain.retype import RetypeField
from domain.values import FIELD_TYPES
from domain.workspace import RemoveMember
from projections import rebuild
from tests.commands.tenant import Tenant, field_id, problems

CHOICES = {"choices": [{"id": "one", "name": "One"}, {"id": "two", "name": "Two"}]}
# type -> options, what is written first, what is written then
TYPES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "text": ({}, 'Zoë "\\"', "\x01"),
    "long_text": ({"enable_rich_text": True}, "<b>x</b>\n" * 100, "y"),
    "url": ({}, "https://example.org/", "mailto:a@b.org"),
    "email": ({}, "ada@example.org", "用户@例子.广告"),
    "phone": ({}, "+49 30 12345", "12345"),
    "barcode": ({"format": "ean13"}, "4006381333931", None),
    "number": ({}, 0.1, 1e300),
    "currency": ({"precision": 4}, -19.1234, 0),
    "percent": ({"format": "fraction"}, 0.5, 1),
    "duration": ({}, "1:30:00.5", 7),
    "rating": ({"max": 9}, 9, 0),
    "checkbox": ({}, True, False),
    "date": ({"include_time": True}, "2024-01-31T10:00:00.25Z", None),
    "datetime": ({"timezone": "Asia/Tokyo"}, "2024-01-31T10:00:00", None),
    "single_select": (CHOICES, "One", "Two"),
    "multi_select": (CHOICES, ["Two", "One"], ["One"]),
    "user": ({}, "me", None),
    "autonumber": ({"prefix": "A-"}, None, None),
    "dimension": ({}, {"value": 1, "unit": "in", "plus": 0.01}, 3),
    "gdt": ({}, {"symbol": "position", "tolerance": 0.1, "datums": ["A"]}, "○"),
    "thread": ({"standard": "ISO 261"}, "M8x1.25", {"designation": "M8", "class": "6"}),
    "material": ({}, {"name": "Steel", "grade": "1.4301"}, "Oak"),
    "attachment": (
        {"max_size": 99},
        [{"url": "https://example.org/a.pdf", "name": "Zoë.pdf"}],
        [{"url": "https://example.org/b"}],
    ),
    "json": ({}, {"b": [1.5, None], "aa": 'é\x01"'}, [12345678901234567890, "x"]),
    "formula": ({"formula": "{text} & {number}"}, None, None),
}
_NOT_UNIQUE = {"checkbox", "attachment", "json"}
READ_ONLY = {"autonumber", "formula"}


def rows(tenant: Tenant, which: int) -> dict[str, Any]:
    found = {
        name: row[which] for name, row in TYPES.items() if name not in READ_ONLY
    } | {"several": [tenant.user_id] if which == 1 else None}
    return found | {"user": tenant.user_id if which == 1 else None}


def of_every_type(tenant: Tenant, *more: NewField) -> Table:
    """A table with a field of every type, links to itself among them."""
    fields = [NewField(name, name, row[0]) for name, row in TYPES.items()]
    table = tenant.table(*fields, *more)
    link = NewField("linked_record", "linked_record", {"linked_table_id": table.id})
    table = tenant.field(table, link)
    seen = {
        "linked_field_id": field_id(table, "linked_record"),
        "lookup_field_id": field_id(table, "number"),
    }
    table = tenant.field(table, NewField("lookup", "lookup", seen))
    rolled = {
        "linked_field_id": field_id(table, "linked_record"),
        "rollup_field_id": field_id(table, "number"),
        "function": "SUM",
    }
    return tenant.field(table, NewField("rollup", "rollup", rolled))


@pytest.fixture
def table(tenant: Tenant) -> Table:
    return of_every_type(tenant, NewField("several", "user", {"allow_multiple": True}))


def test_every_type_is_in_the_table(table: Table):
    assert {one.type for one in table.fields} == set(FIELD_TYPES)


def test_rows_of_every_type_are_rebuilt_as_they_are(tenant: Tenant, table: Table):
    for one in table.fields:
        if one.column is not None and one.type not in _NOT_UNIQUE:
            table = tenant.unique(table, one.name, case_sensitive=False)
    first, second, third = tenant.create(table, rows(tenant, 1), {}, {})
    assert problems(tenant) == []

    link = {"linked_record": [first, third]}
    tenant.do(tenant.updating(table, {second: rows(tenant, 2) | link, third: link}))
    gone = tenant.do(tenant.deleting(table, first, third))
    tenant.do(*_taken_back(gone.events))
    assert problems(tenant) == []

    with tenant.seeing() as connection:
        position = rebuild.rebuild(connection, tenant.workspace_id)
    assert position == tenant.position()
    assert problems(tenant) == []


def test_a_field_of_every_type_goes_and_comes_back_with_its_values(
    tenant: Tenant, table: Table
):
    tenant.create(table, rows(tenant, 1), rows(tenant, 2))
    stored = [one for one in table.fields if one.column is not None]
    before = {one.id: tenant.column(table, one.name) for one in stored}

    for one in table.fields:
        tenant.do(DeleteField(one.id, if_there=True))
        tenant.do(RestoreField(one.id))

    assert {one.id: tenant.column(table, one.name) for one in stored} == before
    assert problems(tenant) == []


def test_an_update_is_taken_back_to_the_same_values(tenant: Tenant, table: Table):
    (record,) = tenant.create(table, rows(tenant, 1))
    stored = [one.name for one in table.fields if one.column is not None]
    before = {name: tenant.column(table, name) for name in stored}
    done = tenant.do(tenant.updating(table, {record: rows(tenant, 2)}))
    assert {name: tenant.column(table, name) for name in stored} != before

    tenant.do(*_taken_back(done.events))

    assert {name: tenant.column(table, name) for name in stored} == before
    assert problems(tenant) == []


def test_a_former_member_stays_where_they_are_named(tenant: Tenant, table: Table):
    other = tenant.member("editor")
    (record,) = tenant.create(table, {"user": other, "several": [other]})
    gone = tenant.do(tenant.updating(table, {record: {"user": None, "several": None}}))
    tenant.do(RemoveMember(UserId(other)))

    tenant.do(*_taken_back(gone.events))
    assert tenant.column(table, "user") == [other]

    more = {"user": other, "several": [tenant.user_id, other]}
    tenant.do(tenant.updating(table, {record: more}))
    assert tenant.column(table, "several") == [[tenant.user_id, other]]
    assert problems(tenant) == []


def test_files_are_rebuilt_and_found_again_by_what_is_taken_back(
    tenant: Tenant, table: Table
):
    files = [
        File(f"{n:08}-1111-4111-8111-111111111111", f"{n}.txt", "text/plain", n, "ab")
        for n in (1, 2)
    ]
    tenant.do(*(UploadFile(one) for one in files))
    named: list[Any] = [[{"id": one.id}] for one in files]
    (record,) = tenant.create(table, {"attachment": named[0]})
    first = tenant.column(table, "attachment")
    done = tenant.do(tenant.updating(table, {record: {"attachment": named[1]}}))
    gone = tenant.do(tenant.deleting(table, record))

    tenant.do(*_taken_back([*done.events, *gone.events]))

    assert tenant.column(table, "attachment") == first
    assert problems(tenant) == []
    with tenant.seeing() as connection:
        rebuild.rebuild(connection, tenant.workspace_id)
    assert tenant.column(table, "attachment") == first
    assert len(tenant.rows("SELECT 1 FROM catalog.files WHERE sha256 = 'ab'")) == 2
    assert problems(tenant) == []


def test_a_file_that_is_not_there_is_told(tenant: Tenant, table: Table):
    one = File("00000009-1111-4111-8111-111111111111", "a", "text/plain", 1, "cd")
    tenant.do(UploadFile(one))
    (record,) = tenant.create(table, {"attachment": [{"id": one.id}]})
    with tenant.seeing() as connection:
        connection.execute("UPDATE catalog.files SET size = 2 WHERE sha256 = 'cd'")

    told = [one for one in problems(tenant) if one.startswith("attachments_are_files")]
    with tenant.seeing() as connection:
        connection.execute("UPDATE catalog.files SET size = 1 WHERE sha256 = 'cd'")

    assert told == [
        f"attachments_are_files: record {record} names file {one.id},"
        " which is not that one"
    ]


def _taken_back(events: Any) -> list[Any]:
    found = [recorded.event.inverse() for recorded in reversed(events)]
    return [one for one in found if one is not None]


def test_a_field_that_is_of_the_type_already_stays_without_an_event(
    tenant: Tenant, table: Table
):
    one = table.by_name["number"]

    done = tenant.do(RetypeField(one.id, table.id, "number", {}, known=one.version))

    assert done.events == []
    assert problems(tenant) == []


def test_every_type_becomes_text_and_goes_back_with_its_values(
    tenant: Tenant, table: Table
):
    first, *_ = tenant.create(table, rows(tenant, 1), rows(tenant, 2), {})
    tenant.do(tenant.updating(table, {first: {"linked_record": [first]}}))
    columns = [one for one in table.fields if one.type not in PLAIN_TEXTS]
    stored = [one.name for one in columns if one.column is not None]
    before = {name: tenant.column(table, name) for name in stored}

    for place, one in enumerate(columns):
        done = tenant.do(RetypeField(one.id, table.id, "text", {}))
        if place % 5 == 0:  # of all types together: a second each
            assert problems(tenant) == []
        for _ in range(3):  # undo, redo, undo
            done = tenant.do(*_taken_back(done.events))
        assert tenant.catalog().live_field(one.id).type == one.type

    assert {name: tenant.column(table, name) for name in stored} == before
    assert problems(tenant) == []
    with tenant.seeing() as connection:
        rebuild.rebuild(connection, tenant.workspace_id)
    assert problems(tenant) == []
