"""The rows that events make: values of every type, links, keys, numbers."""

import json
import random
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from psycopg import sql

from commands.schema import NewField
from commands.unit import Done, Unit
from domain.catalog import Table
from domain.constraint import DeleteConstraint, UpdateConstraint
from domain.errors import Conflict, DomainError, ForeignKeyViolation
from domain.events import Command
from domain.field import DeleteField, RestoreField
from domain.record import CreateRecords, DeleteRecords, RestoreRecord
from domain.table import DeleteTable, RestoreTable
from projections.log import Envelope
from projections.target import live
from tests.commands.tenant import Tenant, a_committer, field_id, together

# type -> (what a client sends, what Postgres keeps)
VALUES: dict[str, list[tuple[Any, Any]]] = {
    "text": [
        ("plain", "plain"),
        ("", None),
        (None, None),
        ('"quoted" and \\ back\\\\slashed', '"quoted" and \\ back\\\\slashed'),
        ("line\nfeed\ttab\rreturn", "line\nfeed\ttab\rreturn"),
        ("\x01\x1f\x7f", "\x01\x1f\x7f"),
        ("{a,b} null NULL", "{a,b} null NULL"),
        ("null", "null"),
        ("Zoë 𝄞 \u2028 \ufffe", "Zoë 𝄞 \u2028 \ufffe"),
        (" blanks ", " blanks "),
        ("%s %% {} $1", "%s %% {} $1"),
        ("'; DROP TABLE x; --", "'; DROP TABLE x; --"),
    ],
    "long_text": [("x" * 1_000_000, "x" * 1_000_000), ("\\n\n" * 1000, "\\n\n" * 1000)],
    "number": [
        (0, "0"),
        (-0.0, "0"),
        (7, "7"),
        (29.10, "29.1"),
        (0.1, "0.1"),
        (-1.5, "-1.5"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (1e308, "1" + "0" * 308),
        (123456789012345678901234567890, "123456789012345678901234567890"),
        (Decimal("3.14159265358979323846"), "3.14159265358979323846"),
        (None, None),
    ],
    "checkbox": [(True, "true"), (False, "false"), (None, None)],
    "date": [
        ("2024-02-29", "2024-02-29"),
        ("0001-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
        ("", None),
        (None, None),
    ],
    "datetime": [
        ("2024-02-29T10:00:00Z", "2024-02-29 10:00:00+00"),
        ("2024-02-29T10:00:00.123456+02:00", "2024-02-29 08:00:00.123456+00"),
        ("2024-02-29T10:00:00.5Z", "2024-02-29 10:00:00.5+00"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00+00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999+00"),
        (None, None),
    ],
    "single_select": [("new", "opt_new"), ('it\'s "old"', "opt_old"), (None, None)],
    "currency": [(-19.5, "-19.5"), (0, "0"), (None, None)],
    "percent": [(Decimal("99.99"), "99.99"), (None, None)],
    "duration": [("1:30", "5400"), (0.25, "0.25"), ("", None)],
    "rating": [(5, "5"), (0, None), (1, "1")],
    "url": [("https://example.org/%22?a={b}", "https://example.org/%22?a={b}")],
    "email": [("o'neil@example.org", "o'neil@example.org"), ("", None)],
    "phone": [("+49 (30) 12-34", "+49 (30) 12-34"), ("", None)],
    "barcode": [('"\\{}', '"\\{}'), ("", None)],
    "multi_select": [
        (["new"], "{opt_new}"),
        (['it\'s "old"', "new", "a,b"], '{opt_old,opt_new,"{\\"a\\",\\\\b}"}'),
        ([], None),
        (None, None),
    ],
    "dimension": [
        (12.5, '{"plus": null, "unit": "mm", "minus": null, "value": "12.5"}'),
        (
            {"value": 1, "unit": "in", "minus": 0},
            '{"plus": null, "unit": "mm", "minus": "0", "value": "25.4"}',
        ),
        (None, None),
    ],
    "gdt": [
        (
            {"symbol": "position", "tolerance": 0.10, "datums": ['A"', "B\\"]},
            '{"datums": ["A\\"", "B\\\\"], "symbol": "position", "tolerance": "0.1"}',
        ),
        ("", None),
    ],
    "thread": [("M8x1", '{"designation": "M8x1"}'), ("", None)],
    "material": [
        ('Zoë "\\\x01', '{"name": "Zoë \\"\\\\\\u0001"}'),
        ({"name": "null", "grade": ""}, '{"name": "null"}'),
        (None, None),
    ],
}
CHOICES = [
    {"id": "opt_new", "name": "new"},
    {"id": "opt_old", "name": 'it\'s "old"'},
    {"id": '{"a",\\b}', "name": "a,b"},
]


def _field(type_: str) -> NewField:
    options = {"choices": CHOICES} if type_.endswith("_select") else {}
    return NewField("value", type_, options)


def kept(tenant: Tenant, table: Table, name: str = "value") -> list[str | None]:
    """A field's values as Postgres spells them, in the rows' order."""
    statement = sql.SQL("SELECT {}::text FROM {} ORDER BY number").format(
        sql.Identifier(f"f_{field_id(table, name).replace('-', '')}"),
        live(tenant.workspace_id).of_records(table.id),
    )
    return [row[0] for row in tenant.rows(statement)]


@pytest.mark.parametrize("type_", VALUES)
def test_values_of_every_type_are_kept_as_they_were_given(tenant: Tenant, type_: str):
    table = tenant.table("title", _field(type_))
    given = VALUES[type_]

    tenant.create(table, *({"title": "x", "value": value} for value, _ in given))

    assert kept(tenant, table) == [expected for _, expected in given]


@pytest.mark.parametrize("type_", VALUES)
def test_values_of_every_type_change_to_one_another(tenant: Tenant, type_: str):
    table = tenant.table("title", _field(type_))
    given = VALUES[type_]
    ids = tenant.create(table, *({"title": "x"} for _ in given))
    assert kept(tenant, table) == [None] * len(given)

    changes = {
        one: {"value": value} for one, (value, _) in zip(ids, given, strict=True)
    }
    tenant.do(tenant.updating(table, changes))

    assert kept(tenant, table) == [expected for _, expected in given]
    tenant.do(tenant.updating(table, {one: {"value": None} for one in ids}))
    assert kept(tenant, table) == [None] * len(given)


@pytest.mark.parametrize("type_", VALUES)
def test_a_deleted_record_comes_back_as_it_was(tenant: Tenant, type_: str):
    table = tenant.table("title", _field(type_))
    rows = ({"title": "x", "value": value} for value, _ in VALUES[type_])
    ids = tenant.create(table, *rows)
    before = whole_rows(tenant, table)

    deleted = tenant.do(tenant.deleting(table, *ids))
    assert whole_rows(tenant, table) == []
    tenant.do(*(_inverse(one.event) for one in reversed(deleted.events)))

    after = whole_rows(tenant, table)
    assert [_without_movement(row) for row in after] == [
        _without_movement(row) for row in before
    ]
    assert {row["version"] for row in after} == {3}


def _inverse(event: Any) -> Command:
    inverse: Command | None = event.inverse()
    assert inverse is not None
    return inverse


def whole_rows(tenant: Tenant, table: Table) -> list[dict[str, Any]]:
    statement = sql.SQL("SELECT to_json(t)::text FROM {} AS t ORDER BY number").format(
        live(tenant.workspace_id).of_records(table.id)
    )
    return [json.loads(row[0], parse_float=Decimal) for row in tenant.rows(statement)]


def _without_movement(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an undo restores: versions and the last editor move on."""
    moving = ("version", "updated_at", "updated_by")
    return {name: value for name, value in row.items() if name not in moving}


def test_the_columns_of_the_system_say_who_and_when(tenant: Tenant):
    editor = tenant.member("editor")
    table = tenant.table("name")
    created = tenant.do(tenant.creating(table, {"name": "a"}))
    (record,) = tenant.record_ids(table)
    updated = tenant.do(tenant.updating(table, {record: {"name": "b"}}), actor=editor)

    rows = tenant.rows(
        sql.SQL(
            "SELECT number, version, ledger.rfc3339(created_at), created_by,"
            " ledger.rfc3339(updated_at), updated_by FROM {}"
        ).format(live(tenant.workspace_id).of_records(table.id))
    )
    assert rows == [(1, 2, created.at, tenant.user_id, updated.at, editor)]


# ------------------------------------------------------------------- groups


def grouped(tenant: Tenant, *units: Unit) -> list[Any]:
    """Commits the units in one group."""
    sizes: list[int] = []
    committer = a_committer(
        tenant.database.app, committed=lambda group, _: sizes.append(len(group.answers))
    )
    answers = together(committer, units)
    assert sizes == [len(units)]
    assert all(isinstance(one, Done) for one in answers), answers
    return answers


def test_many_changes_of_one_record_in_a_group_come_to_the_last(tenant: Tenant):
    table = tenant.table("name", "more")
    (old,) = tenant.create(table, {"name": "old", "more": "m"})
    creating = tenant.creating(table, {"name": "1"})
    new = creating.records[0][0]

    grouped(
        tenant,
        tenant.unit(creating),
        tenant.unit(tenant.updating(table, {new: {"name": "2"}})),
        tenant.unit(tenant.updating(table, {old: {"name": "2"}, new: {"more": "x"}})),
        tenant.unit(tenant.updating(table, {old: {"more": None}})),
        tenant.unit(tenant.updating(table, {old: {"name": "3"}, new: {"name": "3"}})),
    )

    rows = whole_rows(tenant, table)
    assert [row["version"] for row in rows] == [4, 4]
    assert tenant.column(table, "name") == ["3", "3"]
    assert tenant.column(table, "more") == [None, "x"]


def test_a_record_made_and_deleted_in_one_group_is_gone_and_its_number_used(
    tenant: Tenant,
):
    table = tenant.unique(tenant.table("name"), "name")
    creating = tenant.creating(table, {"name": "a"})
    new = creating.records[0][0]

    grouped(tenant, tenant.unit(creating), tenant.unit(tenant.deleting(table, new)))

    assert tenant.record_ids(table) == []
    assert keys(tenant) == set()
    tenant.create(table, {"name": "b"})
    assert [row["number"] for row in whole_rows(tenant, table)] == [2]


def test_a_record_deleted_restored_changed_and_deleted_in_one_unit(tenant: Tenant):
    table = tenant.unique(tenant.table("name"), "name")
    one, two = tenant.create(table, {"name": "a"}, {"name": "b"})
    gone = tenant.do(tenant.deleting(table, one, two))
    back = [_inverse(recorded.event) for recorded in gone.events]

    tenant.do(
        *back,
        tenant.updating(table, {one: {"name": "c"}}),
        tenant.deleting(table, two),
    )
    assert tenant.column(table, "name") == ["c"]
    assert keys(tenant) == {(_digest("c"), one)}

    tenant.do(
        tenant.updating(table, {one: {"name": "e"}}),
        tenant.deleting(table, one),
        replace_name(tenant, table, back[0], "c"),
    )
    assert tenant.column(table, "name") == ["c"]

    tenant.do(
        tenant.deleting(table, one), back[1], replace_name(tenant, table, back[0], "d")
    )
    assert tenant.column(table, "name") == ["d", "b"]
    assert keys(tenant) == {(_digest("d"), one), (_digest("b"), two)}


def replace_name(tenant: Tenant, table: Table, command: Command, name: str) -> Command:
    assert isinstance(command, RestoreRecord)
    return replace(command, values={field_id(table, "name"): name})


# ------------------------------------------------------------------- keys


def _digest(value: str) -> str:
    return sha256(unicodedata.normalize("NFC", value).encode()).hexdigest()


def keys(tenant: Tenant) -> set[tuple[str, str]]:
    """(digest, record) of every unique key."""
    return {
        (row[0], row[1])
        for row in tenant.rows(
            "SELECT encode(digest, 'hex'), record_id::text FROM catalog.unique_keys"
        )
    }


def test_keys_follow_values_through_swaps_in_one_batch_and_in_one_group(tenant: Tenant):
    table = tenant.unique(tenant.table("name"), "name")
    a, b, c = tenant.create(table, {"name": "a"}, {"name": "b"}, {"name": "c"})

    turned = {a: {"name": "b"}, b: {"name": "c"}, c: {"name": "a"}}
    tenant.do(tenant.updating(table, turned))
    assert keys(tenant) == {(_digest("b"), a), (_digest("c"), b), (_digest("a"), c)}

    grouped(
        tenant,
        tenant.unit(tenant.updating(table, {a: {"name": "x"}})),
        tenant.unit(tenant.updating(table, {b: {"name": "b"}})),
        tenant.unit(tenant.deleting(table, c)),
        tenant.unit(tenant.updating(table, {a: {"name": "a"}})),
        tenant.unit(tenant.updating(table, {b: {"name": None}})),
        tenant.unit(tenant.creating(table, {"name": "b"}, {"name": None}, {})),
    )
    d = tenant.record_ids(table)[2]
    assert keys(tenant) == {(_digest("a"), a), (_digest("b"), d)}


def test_keys_come_and_go_with_their_constraint(tenant: Tenant):
    table = tenant.table("name")
    a, b = tenant.create(table, {"name": "Ada"}, {"name": "ada"})
    table = tenant.unique(table, "name")
    (constraint,) = table.constraints
    both = {(_digest("Ada"), a), (_digest("ada"), b)}
    assert keys(tenant) == both

    def update(**changes: Any) -> None:
        tenant.do(
            UpdateConstraint(constraint.id, table.id, constraint.field_id, changes)
        )

    update(status="disabled")
    assert keys(tenant) == set()
    update(status="active")
    assert keys(tenant) == both
    tenant.do(tenant.deleting(tenant.catalog().tables[table.id], b))
    update(case_sensitive=False)
    assert keys(tenant) == {(_digest("ada"), a)}
    update(error_message="no")
    assert keys(tenant) == {(_digest("ada"), a)}
    deleted = tenant.do(DeleteConstraint(constraint.id))
    assert keys(tenant) == set()
    tenant.do(_inverse(deleted.events[0].event))
    assert keys(tenant) == {(_digest("ada"), a)}


# ------------------------------------------------------------------- links


@pytest.fixture
def linked(tenant: Tenant) -> tuple[Table, Table]:
    """Two tables; `authors` of the first are the `books` of the second."""
    books, people = tenant.table("title"), tenant.table("name")
    link = NewField(
        "authors",
        "linked_record",
        {"linked_table_id": people.id, "reverse_name": "books"},
    )
    books = tenant.field(books, link)
    return books, tenant.catalog().tables[people.id]


def lists(tenant: Tenant, table: Table, name: str) -> dict[str, list[str]]:
    """The links of every record through one field, in the order that it shows."""
    field = table.by_name[name]
    own, far, place = (
        ("target_id", "record_id", "reverse_position")
        if field.is_reverse
        else ("record_id", "target_id", "position")
    )
    rows = tenant.rows(
        sql.SQL("SELECT {}, {} FROM {} WHERE field_id = %s ORDER BY {}, {}").format(
            sql.Identifier(own),
            sql.Identifier(far),
            live(tenant.workspace_id).links,
            sql.Identifier(place),
            sql.Identifier(far),
        ),
        field.link_key,
    )
    found: dict[str, list[str]] = {}
    for record, other in rows:
        found.setdefault(record, []).append(other)
    return found


def test_links_have_an_order_of_their_own_on_each_side(
    tenant: Tenant, linked: tuple[Table, Table]
):
    books, people = linked
    ada, bob, eve = tenant.create(people, *({"name": n} for n in ("ada", "bob", "eve")))
    x, y = tenant.create(
        books, {"title": "x", "authors": [eve, ada]}, {"title": "y", "authors": [ada]}
    )
    assert lists(tenant, books, "authors") == {x: [eve, ada], y: [ada]}
    assert lists(tenant, people, "books") == {eve: [x], ada: [x, y]}

    tenant.do(tenant.updating(books, {x: {"authors": [bob, ada, eve]}}))
    assert lists(tenant, books, "authors") == {x: [bob, ada, eve], y: [ada]}

    tenant.do(tenant.updating(people, {ada: {"books": [y, x]}}))
    assert lists(tenant, people, "books") == {bob: [x], eve: [x], ada: [y, x]}
    assert lists(tenant, books, "authors") == {x: [bob, ada, eve], y: [ada]}

    tenant.do(tenant.updating(people, {bob: {"books": [y]}, eve: {"books": None}}))
    assert lists(tenant, books, "authors") == {x: [ada], y: [ada, bob]}
    assert lists(tenant, people, "books") == {ada: [y, x], bob: [y]}


def test_a_restored_record_stands_where_it_stood_in_every_list(
    tenant: Tenant, linked: tuple[Table, Table]
):
    books, people = linked
    ada, bob = tenant.create(people, {"name": "ada"}, {"name": "bob"})
    x, y, z = tenant.create(
        books, *({"title": t, "authors": [bob, ada]} for t in ("x", "y", "z"))
    )
    before = lists(tenant, books, "authors"), lists(tenant, people, "books")
    assert before[1] == {ada: [x, y, z], bob: [x, y, z]}

    for table, record in ((books, y), (people, ada), (books, x), (people, bob)):
        deleted = tenant.do(tenant.deleting(table, record))
        assert record not in str(lists(tenant, books, "authors"))
        tenant.do(_inverse(deleted.events[0].event))
        after = lists(tenant, books, "authors"), lists(tenant, people, "books")
        assert after == before

    removed = tenant.do(tenant.updating(books, {y: {"authors": [ada]}}))
    tenant.do(_inverse(removed.events[0].event))
    assert (lists(tenant, books, "authors"), lists(tenant, people, "books")) == before


def test_deleting_both_ends_at_once_and_restoring_them_backwards(
    tenant: Tenant, linked: tuple[Table, Table]
):
    books, people = linked
    ada, bob = tenant.create(people, {"name": "ada"}, {"name": "bob"})
    (x,) = tenant.create(books, {"title": "x", "authors": [bob, ada]})
    before = tenant.links()

    deleted = tenant.do(tenant.deleting(books, x), tenant.deleting(people, ada, bob))
    assert tenant.links() == []
    undone = [one.event.inverse() for one in reversed(deleted.events)]
    tenant.do(*(one for one in undone if one is not None))

    assert sorted(tenant.links()) == sorted(before)
    assert lists(tenant, books, "authors") == {x: [bob, ada]}


def test_links_of_a_table_to_itself(tenant: Tenant):
    table = tenant.table("name")
    table = tenant.field(
        table,
        NewField(
            "parents",
            "linked_record",
            {"linked_table_id": table.id, "reverse_name": "children"},
        ),
    )
    a, b = tenant.create(table, {"name": "a"}, {"name": "b"})
    tenant.do(tenant.updating(table, {a: {"parents": [b]}, b: {"parents": [a]}}))
    assert lists(tenant, table, "parents") == {a: [b], b: [a]}
    assert lists(tenant, table, "children") == {a: [b], b: [a]}
    before = sorted(tenant.links())

    deleted = tenant.do(tenant.deleting(table, a, b))
    assert tenant.links() == []
    undone = [one.event.inverse() for one in reversed(deleted.events)]
    tenant.do(*(one for one in undone if one is not None))

    assert sorted(tenant.links()) == before


def test_a_record_that_links_to_itself_is_deleted_and_comes_back(tenant: Tenant):
    table = tenant.table("name")
    table = tenant.field(
        table, NewField("next", "linked_record", {"linked_table_id": table.id})
    )
    (a,) = tenant.create(table, {"name": "a"})
    tenant.do(tenant.updating(table, {a: {"next": [a]}}))
    before = tenant.links()
    assert [(row[1], row[2]) for row in before] == [(a, a)]

    deleted = tenant.do(tenant.deleting(table, a))
    assert tenant.links() == []
    assert tenant.record_ids(table) == []
    tenant.do(_inverse(deleted.events[0].event))

    assert tenant.links() == before
    tenant.do(tenant.updating(table, {a: {"next": None}}))
    assert tenant.links() == []


def test_a_link_to_what_is_not_there_is_refused_also_on_the_way_back(
    tenant: Tenant, linked: tuple[Table, Table]
):
    books, people = linked
    (ada,) = tenant.create(people, {"name": "ada"})
    (x,) = tenant.create(books, {"title": "x", "authors": [ada]})
    gone = tenant.do(tenant.deleting(books, x))
    tenant.do(tenant.deleting(people, ada))

    with pytest.raises(ForeignKeyViolation):
        tenant.do(_inverse(gone.events[0].event))
    with pytest.raises(ForeignKeyViolation):
        tenant.create(books, {"title": "y", "authors": [ada]})
    with pytest.raises(ForeignKeyViolation):
        tenant.create(books, {"title": "y", "authors": [x]})


def test_a_field_for_one_link_holds_one_from_the_other_side_too(tenant: Tenant):
    """Two records of one batch, or one after the other, cannot both take its place."""
    books, people = tenant.table("title"), tenant.table("name")
    only = NewField(
        "author",
        "linked_record",
        {
            "linked_table_id": people.id,
            "allow_multiple": False,
            "reverse_name": "books",
        },
    )
    books = tenant.field(books, only)
    people = tenant.catalog().tables[people.id]
    (x,) = tenant.create(books, {"title": "x"})
    with pytest.raises(Conflict):
        tenant.create(
            people, {"name": "ada", "books": [x]}, {"name": "bob", "books": [x]}
        )
    (ada,) = tenant.create(people, {"name": "ada", "books": [x]})
    with pytest.raises(Conflict):
        tenant.create(people, {"name": "bob", "books": [x]})
    assert lists(tenant, books, "author") == {x: [ada]}


# ------------------------------------------------------------ what is hidden


def test_a_deleted_field_and_table_keep_their_values_until_they_come_back(
    tenant: Tenant,
):
    table = tenant.table("name", "more")
    (one,) = tenant.create(table, {"name": "a", "more": "m"})
    tenant.do(DeleteField(field_id(table, "more")))
    without = tenant.catalog().tables[table.id]
    tenant.do(tenant.updating(without, {one: {"name": "b"}}))
    tenant.create(without, {"name": "c"})
    tenant.do(DeleteTable(table.id))
    tenant.do(RestoreTable(table.id))
    tenant.do(RestoreField(field_id(table, "more")))

    assert tenant.column(table, "more") == ["m", None]
    assert tenant.column(table, "name") == ["b", "c"]


# ------------------------------------------------------------ anything at all


def folded(events: list[Envelope], table: Table) -> dict[str, dict[str, Any]]:
    """A table's records by what the events say, told a second time and plainly."""
    records: dict[str, dict[str, Any]] = {}
    for one in events:
        data = one.recorded.event.data()
        if data.get("table_id") != table.id or not one.type.startswith("record."):
            continue
        match one.type:
            case "record.created" | "record.restored":
                values: Any = data["values"]
                records[one.stream] = {"number": data["number"], **values}
            case "record.updated":
                changes: Any = data["changes"]
                after = {name: change["to"] for name, change in changes.items()}
                records[one.stream].update(after)
            case "record.deleted":
                del records[one.stream]
            case _:
                pass  # the other end of a link moves its version alone
        if one.stream in records:
            records[one.stream]["version"] = one.version
    return records


def some_commands(tenant: Tenant, table: Table, seed: int) -> Iterator[Command]:
    """A long life of a small table, the same for the same seed."""
    choose = random.Random(seed)
    ids: list[Any] = []
    undo: list[Command] = []
    names = ["a", "b", "c", "A", "B", None]
    for _ in range(120):
        some = choose.sample(ids, min(len(ids), choose.randint(1, 3)))
        match choose.choice(["create", "create", "update", "update", "delete", "undo"]):
            case "create":
                rows = [
                    {
                        "name": choose.choice(names),
                        "price": choose.choice([None, 1, 2.5]),
                        "next": choose.sample(ids, min(len(ids), choose.randint(0, 2))),
                    }
                    for _ in range(choose.randint(1, 2))
                ]
                creating = tenant.creating(table, *rows)
                ids += [one for one, _ in creating.records]
                yield creating
            case "update" if some:
                yield tenant.updating(
                    table,
                    {
                        one: choose.choice(
                            [
                                {"name": choose.choice(names)},
                                {"price": choose.choice([None, 3, 4])},
                                {"next": choose.sample(ids, min(len(ids), 2))},
                                {"next": None, "name": None},
                            ]
                        )
                        for one in some
                    },
                )
            case "delete" if some:
                yield tenant.deleting(table, *some)
            case "undo" if undo:
                yield undo.pop()
        events = tenant.envelopes()[-3:]
        undo += [
            inverse
            for event in events
            if event.type.startswith("record.")
            and (inverse := event.recorded.event.inverse()) is not None
        ]


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_what_the_events_say_whatever_was_done(tenant: Tenant, seed: int):
    table = tenant.table("name", NewField("price", "number"))
    link = NewField("next", "linked_record", {"linked_table_id": table.id})
    table = tenant.unique(tenant.field(table, link), "name", case_sensitive=False)
    refused = 0
    done: list[Command] = []
    for command in some_commands(tenant, table, seed):
        try:
            tenant.do(command)
            done.append(command)
        except DomainError:
            refused += 1
    assert refused > 5
    assert len(done) > 15
    kinds = {type(one) for one in done}
    assert {CreateRecords, DeleteRecords} <= kinds

    expected = folded(tenant.envelopes(), table)

    rows = {row["id"]: row for row in whole_rows(tenant, table)}
    assert set(rows) == set(expected)
    nexts = lists(tenant, table, "next")
    name, price, next_ = (field_id(table, one) for one in ("name", "price", "next"))
    assert nexts == {
        one: found[next_] for one, found in expected.items() if found.get(next_)
    }
    for one, found in expected.items():
        row = rows[one]
        assert row["number"] == found["number"]
        assert row["version"] == found["version"]
        assert row[f"f_{name.replace('-', '')}"] == found.get(name)
        kept_price = row[f"f_{price.replace('-', '')}"]
        assert kept_price == (found.get(price) and Decimal(found[price]))
    assert keys(tenant) == {
        (_digest(found[name].casefold()), one)
        for one, found in expected.items()
        if found.get(name)
    }
