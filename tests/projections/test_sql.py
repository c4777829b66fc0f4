"""Filters, sorts and pages against a real database."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from commands.embedded import database
from commands.settings import Settings
from domain.catalog import Field, Table
from domain.ids import BaseId, FieldId, TableId
from projections.postgres import connect
from projections.query import (
    EVERYTHING,
    And,
    Condition,
    Not,
    Or,
    Page,
    Query,
    Sort,
    Where,
    compare,
    find_field,
    sort_by,
)
from projections.records.ddl import add_column, create_schema, create_table
from projections.sql import Clause, count, order_by, where
from projections.target import Target, column_name

TABLE_ID = TableId("00000000-0000-8000-8000-000000000001")
CHOICES = [
    {"id": "c2", "name": "On hold"},
    {"id": "c1", "name": "Active"},
    {"id": "c3", "name": "c1"},  # named as another's id: the name wins
    {"id": "c4", "name": "50% ÄTZEND"},
]


def list_ids(query: Query, target: Target) -> Clause:
    """A whole SELECT: the ids of the page's records, in order."""
    condition, order = where(query, target), order_by(query)
    return Clause(
        sql.SQL(
            """
            SELECT t.id
            FROM {} AS t
            WHERE {}
            ORDER BY {}
            LIMIT %s::bigint OFFSET %s::bigint
            """
        ).format(target.of_records(query.table.id), condition.text, order.text),
        [*condition.values, *order.values, query.page.limit, query.page.offset],
    )


def field_id(position: int) -> FieldId:
    return FieldId(f"00000000-0000-8000-8000-0000000001{position:02}")


def field(position: int, name: str, kind: str, **options: Any) -> Field:
    return Field(
        id=field_id(position),
        table_id=TABLE_ID,
        name=name,
        type=kind,
        options=options,
        required=False,
        description=None,
        position=position,
        primary=position == 0,
        created_at="",
        updated_at="",
    )


FIELDS = (
    field(0, "Name", "text"),
    field(1, "Notes", "long_text"),
    field(2, "Price", "number"),
    field(3, "Stock", "checkbox"),
    field(4, "Day", "date"),
    field(5, "At", "datetime", timezone="America/New_York"),
    field(6, "Status", "single_select", choices=CHOICES),
    field(7, "Parts", "linked_record", linked_table_id=TABLE_ID),
    field(8, "Whole", "linked_record", is_reverse=True, reverse_field_id=field_id(7)),
    field(9, "Serial", "autonumber", prefix="S-"),
)
TABLE = Table(
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
    all_fields={one.id: one for one in FIELDS},
)
BY_NAME = {one.name: one for one in FIELDS}
START = datetime(2024, 1, 31, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Item:
    """A record as a test tells it; links are numbers of records."""

    number: int
    Name: str | None = None
    Notes: str | None = None
    Price: Decimal | None = None
    Stock: bool | None = None
    Day: date | None = None
    At: datetime | None = None
    Status: str | None = None
    Parts: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        # ids in another order than numbers
        return f"11111111-1111-8111-8111-{999 - self.number:012}"


ITEMS = (
    Item(
        1,
        "Widget A",
        "first\nline",
        Decimal("29.99"),
        True,
        date(2024, 1, 31),
        START,
        "c1",
        (2, 3),
    ),
    Item(
        2,
        "widget b",
        None,
        Decimal(5),
        False,
        date(2024, 2, 1),
        datetime(2024, 1, 31, 4, 59, 59, 999999, UTC),
        "c2",
        (3,),
    ),
    Item(
        3,
        "100% wool_x\\y",
        "ÄPFEL und ΣΊΣΥΦΟΣ",
        Decimal("-0.5"),
        None,
        date(1999, 12, 31),
        datetime(2024, 1, 31, 5, tzinfo=UTC),
        "c4",
    ),
    Item(4),
    Item(
        5,
        "Zebra",
        "Straße",
        Decimal("0.1") + Decimal("0.2"),
        True,
        date(2024, 1, 31),
        datetime(2024, 2, 1, 5, tzinfo=UTC),
        "c3",
        (5,),
    ),
    Item(6, "éclair", "Kelvin \u212a", Decimal("1e30"), Status="c1"),
)


class Store:
    """A table of records in a schema of its own, asked through the compiler."""

    def __init__(self, connection: psycopg.Connection, schema: str) -> None:
        self.connection, self.target = connection, Target(schema, schema)

    def make(self, items: Sequence[Item]) -> None:
        self.connection.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(
                sql.Identifier(self.target.records)
            )
        )
        create_schema(self.connection, self.target)
        create_table(self.connection, self.target, TABLE)
        for one in FIELDS:
            add_column(self.connection, self.target, TABLE, one)
        for item in items:
            self._insert(item)
        by_number = {item.number: item for item in items}
        for item in items:
            for place, target in enumerate(item.Parts):
                self.connection.execute(
                    sql.SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, 0)").format(
                        self.target.links
                    ),
                    [field_id(7), item.id, by_number[target].id, place],
                )

    def _insert(self, item: Item) -> None:
        moment = START + timedelta(hours=item.number)
        values: dict[str, Any] = {
            "id": item.id,
            "number": item.number,
            "version": 1,
            "created_at": moment,
            "created_by": "",
            "updated_at": moment,
            "updated_by": "",
        }
        for one in FIELDS:
            if one.column is not None:
                values[column_name(one.id)] = getattr(item, one.name)
        self.connection.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                self.target.of_records(TABLE_ID),
                sql.SQL(", ").join(map(sql.Identifier, values)),
                sql.SQL(", ").join([sql.SQL("%s")] * len(values)),
            ),
            list(values.values()),
        )

    def ask(
        self, *, to: Where = EVERYTHING, sorts: Sequence[Sort] = (), page: Page
    ) -> Any:
        query = Query(TABLE, FIELDS, to, tuple(sorts), page)
        statement, values = list_ids(query, self.target)
        rows = self.connection.execute(statement, values).fetchall()
        return [999 - int(row[0][-12:]) for row in rows]

    def find(self, to: Where, *sorts: Sort) -> list[int]:
        """The numbers of the records that match, in order; as many as are counted."""
        found: list[int] = self.ask(to=to, sorts=sorts, page=Page(1000))
        statement, values = count(Query(TABLE, FIELDS, to), self.target)
        assert self.connection.execute(statement, values).fetchone() == (len(found),)
        return found


@pytest.fixture(scope="module")
def connection(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[psycopg.Connection]:
    """Of the database that the settings name, else of an embedded one."""
    folder = tmp_path_factory.mktemp("database")
    with (
        database(Settings(data_dir=folder)) as urls,
        connect(urls.app, autocommit=True) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def store(connection: psycopg.Connection) -> Store:
    found = Store(connection, "ws_query_cases")
    found.make(ITEMS)
    return found


def asks(name: str, operator: str, value: Any = None) -> Where:
    return compare(find_field(TABLE, name), operator, value)


@pytest.mark.parametrize(
    ("name", "operator", "value", "found"),
    [
        ("Name", "eq", "Widget A", [1]),
        ("Name", "eq", "widget a", []),
        ("Name", "neq", "Widget A", [2, 3, 4, 5, 6]),
        ("Name", "contains", "WIDGET", [1, 2]),
        ("Name", "contains", "%", [3]),
        ("Name", "contains", "_", [3]),
        ("Name", "contains", "\\", [3]),
        ("Name", "contains", "l_x", [3]),
        ("Name", "contains", "%w", []),
        ("Name", "contains", "", [1, 2, 3, 5, 6]),
        ("Name", "contains", "É", [6]),
        ("Name", "contains", "E", [1, 2, 5]),
        ("Name", "contains", "x" * 60_000, []),
        ("Name", "contains", "'; DROP TABLE x; --", []),
        ("Name", "not_contains", "get", [3, 4, 5, 6]),
        ("Name", "starts_with", "wID", [1, 2]),
        ("Name", "starts_with", "100%", [3]),
        ("Name", "ends_with", " B", [2]),
        ("Name", "ends_with", "CLAIR", [6]),
        ("Name", "ends_with", "ÉCLAIR", [6]),
        ("Name", "ends_with", "", [1, 2, 3, 5, 6]),
        ("Name", "is_empty", None, [4]),
        ("Name", "is_not_empty", None, [1, 2, 3, 5, 6]),
        ("Name", "eq", None, [4]),
        ("Notes", "contains", "äpfel", [3]),
        ("Notes", "contains", "σίσυφος", [3]),
        ("Notes", "contains", "Σίσυφοσ", [3]),
        ("Notes", "contains", "straSSe", []),
        ("Notes", "contains", "STRAẞE", [5]),
        ("Notes", "contains", "\u212a", [6]),
        ("Notes", "contains", "k", [6]),
        ("Notes", "eq", "first\nline", [1]),
        ("Notes", "contains", "T\nL", [1]),
        ("Price", "eq", 29.99, [1]),
        ("Price", "eq", Decimal("0.30"), [5]),
        ("Price", "eq", 10**30, [6]),
        ("Price", "neq", 5, [1, 3, 4, 5, 6]),
        ("Price", "gt", 5, [1, 6]),
        ("Price", "gte", 5, [1, 2, 6]),
        ("Price", "lt", Decimal("0.3"), [3]),
        ("Price", "lte", Decimal("0.3"), [3, 5]),
        ("Price", "is_empty", None, [4]),
        ("Stock", "eq", True, [1, 5]),
        ("Stock", "eq", False, [2, 3, 4, 6]),
        ("Stock", "neq", True, [2, 3, 4, 6]),
        ("Stock", "neq", False, [1, 5]),
        ("Stock", "is_empty", None, [3, 4, 6]),
        ("Stock", "is_not_empty", None, [1, 2, 5]),
        ("Day", "eq", "2024-01-31", [1, 5]),
        ("Day", "gt", "2024-01-31", [2]),
        ("Day", "lte", "2000-01-01", [3]),
        ("Day", "neq", "2024-01-31", [2, 3, 4, 6]),
        ("At", "eq", "2024-01-31T05:00:00-05:00", [1]),
        ("At", "lt", "2024-01-31T05:00:00Z", [2]),
        ("At", "lte", "2024-01-31T05:00:00Z", [2, 3]),
        # New York's day: 05:00 UTC to 05:00 UTC
        ("At", "eq", "2024-01-31", [1, 3]),
        ("At", "neq", "2024-01-31", [2, 4, 5, 6]),
        ("At", "gt", "2024-01-31", [5]),
        ("At", "gte", "2024-01-31", [1, 3, 5]),
        ("At", "lt", "2024-01-31", [2]),
        ("At", "lte", "2024-01-31", [1, 2, 3]),
        ("Status", "eq", "Active", [1, 6]),
        ("Status", "eq", "active", []),
        ("Status", "eq", "c2", [2]),
        ("Status", "eq", "c1", [5]),
        ("Status", "eq", "nope", []),
        ("Status", "neq", "nope", [1, 2, 3, 4, 5, 6]),
        ("Status", "neq", "Active", [2, 3, 4, 5]),
        ("Status", "contains", "ON h", [2]),
        ("Status", "contains", "% ätz", [3]),
        ("Status", "not_contains", "a", [2, 3, 4, 5]),
        ("Status", "starts_with", "C", [5]),
        ("Status", "ends_with", "E", [1, 6]),
        ("Status", "is_empty", None, [4]),
        ("Parts", "contains", ITEMS[2].id, [1, 2]),
        ("Parts", "contains", ITEMS[0].id, []),
        ("Parts", "not_contains", ITEMS[2].id, [3, 4, 5, 6]),
        ("Parts", "is_empty", None, [3, 4, 6]),
        ("Parts", "is_not_empty", None, [1, 2, 5]),
        ("Parts", "eq", None, [3, 4, 6]),
        ("Whole", "contains", ITEMS[0].id, [2, 3]),
        ("Whole", "not_contains", ITEMS[0].id, [1, 4, 5, 6]),
        ("Whole", "is_empty", None, [1, 4, 6]),
        ("Serial", "eq", 3, [3]),
        ("Serial", "gt", Decimal("4.5"), [5, 6]),
        ("Serial", "lt", 10**30, [1, 2, 3, 4, 5, 6]),
        ("Serial", "gte", -1, [1, 2, 3, 4, 5, 6]),
        ("Serial", "is_empty", None, []),
        ("id", "eq", ITEMS[3].id, [4]),
        ("id", "neq", ITEMS[3].id, [1, 2, 3, 5, 6]),
        ("created_at", "lt", "2024-01-31T13:00:00Z", [1, 2]),
        ("updated_at", "lte", "2024-01-31", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_what_an_operator_finds(store, name, operator, value, found):
    assert store.find(asks(name, operator, value)) == found
    assert sorted(found + store.find(Not(asks(name, operator, value)))) == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]


def test_groups(store):
    widget, cheap = asks("Name", "contains", "widget"), asks("Price", "lt", 10)
    assert store.find(And(())) == [1, 2, 3, 4, 5, 6]
    assert store.find(Or(())) == []
    assert store.find(Not(Or(()))) == [1, 2, 3, 4, 5, 6]
    assert store.find(And((widget, cheap))) == [2]
    assert store.find(Or((widget, cheap))) == [1, 2, 3, 5]
    assert store.find(Not(Or((widget, cheap)))) == [4, 6]
    assert store.find(And((Or((widget, asks("Name", "is_empty"))), Not(cheap)))) == [
        1,
        4,
    ]


@pytest.mark.parametrize(
    ("sorts", "found"),
    [
        ([], [1, 2, 3, 4, 5, 6]),
        ([("Name", False)], [3, 1, 2, 5, 6, 4]),
        ([("Name", True)], [6, 5, 2, 1, 3, 4]),
        ([("Price", False)], [3, 5, 2, 1, 6, 4]),
        ([("Price", True)], [6, 1, 2, 5, 3, 4]),
        ([("Stock", False)], [2, 3, 4, 6, 1, 5]),
        ([("Stock", True)], [1, 5, 2, 3, 4, 6]),
        ([("Day", True)], [2, 1, 5, 3, 4, 6]),
        ([("At", False)], [2, 3, 1, 5, 4, 6]),
        ([("Status", False)], [2, 1, 6, 5, 3, 4]),
        ([("Status", True)], [3, 5, 1, 6, 2, 4]),
        ([("Stock", True), ("Price", False)], [5, 1, 3, 2, 6, 4]),
        ([("Status", False), ("Status", True)], [2, 1, 6, 5, 3, 4]),
        ([("Serial", True)], [6, 5, 4, 3, 2, 1]),
        ([("id", False)], [6, 5, 4, 3, 2, 1]),
        ([("created_at", True), ("Name", False)], [6, 5, 4, 3, 2, 1]),
    ],
)
def test_what_a_sort_puts_first(store, sorts, found):
    wanted = [
        sort_by(find_field(TABLE, name), descending=descending)
        for name, descending in sorts
    ]
    assert store.find(And(()), *wanted) == found


def test_a_page_is_a_window(store):
    newest = [sort_by(find_field(TABLE, "Serial"), descending=True)]
    assert store.ask(sorts=newest, page=Page(2, 1)) == [5, 4]
    assert store.ask(sorts=newest, page=Page(4, 4)) == [2, 1]
    assert store.ask(page=Page(1, 2**31)) == []


def test_a_clause_is_text_that_a_client_has_no_word_in(store):
    to = Or(
        (
            asks("Name", "contains", "%s Ä'"),
            asks("Status", "eq", "%s"),
            asks("Price", "eq", 1),
        )
    )
    query = Query(TABLE, FIELDS, to, (Sort(BY_NAME["Name"]),))
    text, values = where(query, store.target)
    assert values == [5, "Ä", "ä", r"%\%s ä'%", [], "1"]
    assert text.as_string().count("%s") == len(values)
    assert order_by(query).text.as_string() == (
        f'lower("t"."{column_name(field_id(0))}" COLLATE "C") NULLS LAST, t.number'
    )


@pytest.mark.parametrize(
    ("to", "sorts", "index"),
    [
        (asks("Price", "eq", 5), None, "price"),
        (And((asks("Price", "gte", 5), asks("Price", "lt", 6))), None, "price"),
        (asks("Name", "starts_with", "widget"), None, "name"),
        (asks("Serial", "eq", 5), None, "number_key"),
        (asks("id", "eq", ITEMS[0].id), None, "pkey"),
        (And(()), [Sort(BY_NAME["Name"])], "name"),
        (And(()), [Sort(BY_NAME["Serial"], descending=True)], "number_key"),
        (And(()), [], "number_key"),
    ],
)
def test_an_index_serves(store, to, sorts, index):
    table = store.target.of_records(TABLE_ID)
    name, price = (sql.Identifier(column_name(field_id(n))) for n in (0, 2))
    with store.connection.transaction(force_rollback=True):
        for statement in (
            sql.SQL('CREATE INDEX name ON {} (lower({} COLLATE "C"), number)').format(
                table, name
            ),
            sql.SQL("CREATE INDEX price ON {} ({})").format(table, price),
            # the table is small
            sql.SQL("SET LOCAL enable_seqscan = off"),
            sql.SQL("SET LOCAL enable_bitmapscan = off"),
            sql.SQL("SET LOCAL enable_sort = off"),
        ):
            store.connection.execute(statement)
        query = Query(TABLE, FIELDS, to, tuple(sorts or ()))
        select, values = (count if sorts is None else list_ids)(query, store.target)
        plan = store.connection.execute(sql.SQL("EXPLAIN ") + select, values).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert index in text
    assert ("Index Cond" in text) is (sorts is None)


# Laws, over many rows and any filter


LETTERS = "aAbBäÄжЖς\N{GREEK CAPITAL LETTER SIGMA}%_\\ 1'"
SAME = str.maketrans("ABÄЖ\N{GREEK CAPITAL LETTER SIGMA}", "abäжς")


def many(seed: int) -> list[Item]:
    dice = random.Random(seed)

    def maybe(make: Callable[[], Any]) -> Any:
        return None if dice.random() < 0.3 else make()

    return [
        Item(
            number,
            maybe(lambda: "".join(dice.choices(LETTERS, k=dice.randint(1, 4)))),
            maybe(lambda: "".join(dice.choices("aA%", k=2))),
            maybe(lambda: Decimal(dice.randint(-3, 3)) / 2),
            maybe(lambda: dice.random() < 0.5),
            maybe(lambda: date(2024, 1, dice.randint(1, 4))),
            maybe(lambda: START + timedelta(hours=dice.randint(-30, 30))),
            maybe(lambda: dice.choice(["c1", "c2", "c3", "c4"])),
            tuple(dice.sample(range(1, 61), dice.choice([0, 0, 1, 3]))),
        )
        for number in range(1, 61)
    ]


MANY = many(7)


@pytest.fixture(scope="module")
def crowd(connection: psycopg.Connection) -> Store:
    found = Store(connection, "ws_query_laws")
    found.make(MANY)
    return found


def value_of(item: Item, one: Field) -> Any:
    """What the item has there, comparable with what a condition holds."""
    match one.name:
        case "Serial":
            return Decimal(item.number)
        case "Whole":
            return [other.id for other in MANY if item.number in other.Parts] or None
        case "Parts":
            return [MANY[number - 1].id for number in item.Parts] or None
        case "Status":
            return item.Status and one.choice_names[item.Status]
        case _:
            return getattr(item, one.name)


def operand(condition: Condition) -> Any:
    text = str(condition.value)
    match condition.field.type:
        case "number" | "autonumber":
            return Decimal(text)
        case "date":
            return date.fromisoformat(text)
        case "datetime":
            return datetime.fromisoformat(text.replace("Z", "+00:00"))
        case _:
            return condition.value


def holds(to: Where, item: Item) -> bool:
    """The meaning of the tree, told a second time in Python."""
    match to:
        case And(items):
            return all(holds(each, item) for each in items)
        case Or(items):
            return any(holds(each, item) for each in items)
        case Not(inner):
            return not holds(inner, item)
        case Condition():
            return condition_holds(to, item)


def condition_holds(to: Condition, item: Item) -> bool:
    value = value_of(item, to.field)
    if to.operator in ("is_empty", "is_not_empty"):
        return (value is None) is (to.operator == "is_empty")
    wanted = operand(to)
    if to.field.type == "checkbox":
        return (bool(value) == wanted) is (to.operator == "eq")
    if value is None:
        return to.operator in ("neq", "not_contains")
    if to.operator in ("eq", "neq"):
        return (value == wanted) is (to.operator == "eq")
    if isinstance(value, str):
        value, wanted = value.translate(SAME), wanted.translate(SAME)
    answers: dict[str, Callable[[], bool]] = {
        "gt": lambda: value > wanted,
        "gte": lambda: value >= wanted,
        "lt": lambda: value < wanted,
        "lte": lambda: value <= wanted,
        "contains": lambda: wanted in value,
        "not_contains": lambda: wanted not in value,
        "starts_with": lambda: value.startswith(wanted),
        "ends_with": lambda: value.endswith(wanted),
    }
    return answers[to.operator]()


_ORDERED = ["eq", "neq", "gt", "gte", "lt", "lte"]
_TEXT = ["eq", "neq", "contains", "not_contains", "starts_with", "ends_with"]
_DAYS = st.integers(1, 4).map(lambda day: f"2024-01-{day:02}")
_HOURS = st.integers(-30, 30).map(
    lambda hours: (START + timedelta(hours=hours)).isoformat()
)
_TESTS: dict[str, tuple[list[str], st.SearchStrategy[Any]]] = {
    "Name": (_TEXT, st.text(LETTERS, max_size=3)),
    "Notes": (_TEXT, st.text("aA%", max_size=2)),
    "Price": (_ORDERED, st.integers(-4, 4).map(lambda half: half / 2)),
    "Serial": (_ORDERED, st.one_of(st.integers(-1, 61), st.just(30.5))),
    "Stock": (["eq", "neq"], st.booleans()),
    "Day": (_ORDERED, _DAYS),
    "At": (_ORDERED, st.one_of(_HOURS, _DAYS)),
    "Status": (
        _TEXT,
        st.sampled_from(["Active", "On hold", "c1", "a", "ä", "Z", "", "%"]),
    ),
    "Parts": (
        ["contains", "not_contains"],
        st.integers(1, 60).map(lambda number: MANY[number - 1].id),
    ),
}
_TESTS["Whole"] = _TESTS["Parts"]


@st.composite
def conditions(draw: st.DrawFn) -> Where:
    name = draw(st.sampled_from(sorted(_TESTS)))
    operators, values = _TESTS[name]
    operator = draw(st.sampled_from([*operators, "is_empty", "is_not_empty"]))
    return asks(name, operator, draw(values))


FILTERS: st.SearchStrategy[Where] = st.recursive(
    conditions(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(inner, max_size=3).map(lambda items: Or(tuple(items))),
        inner.map(Not),
    ),
    max_leaves=6,
)
SORTS = st.lists(
    st.builds(
        Sort,
        st.sampled_from([one for one in FIELDS if one.type != "linked_record"]),
        st.booleans(),
    ),
    max_size=3,
)


def rank(one: Field, item: Item) -> Any:
    """What a sort by the field compares; None comes last."""
    value = value_of(item, one)
    match one.type:
        case "checkbox":
            return bool(value)
        case "single_select":
            names = list(one.choice_names.values())
            return None if value is None else names.index(value)
        case "text" | "long_text":
            # A-Z only: the rest by code point
            return value and value.translate(str.maketrans("AB", "ab"))
        case _:
            return value


def in_order(items: Sequence[Item], sorts: Sequence[Sort]) -> list[int]:
    found = sorted(items, key=lambda item: item.number)
    for sort in reversed(sorts):
        full = [item for item in found if rank(sort.field, item) is not None]
        # a stable sort, also when it is turned round
        full.sort(key=lambda item: rank(sort.field, item), reverse=sort.descending)
        found = full + [item for item in found if rank(sort.field, item) is None]
    return [item.number for item in found]


@settings(max_examples=150, deadline=None)
@given(to=FILTERS)
def test_a_filter_finds_what_its_words_mean(crowd, to):
    assert crowd.find(to) == [item.number for item in MANY if holds(to, item)]


@settings(max_examples=50, deadline=None)
@given(to=FILTERS)
def test_a_filter_and_its_opposite_make_up_the_table(crowd, to):
    found, rest = crowd.find(to), crowd.find(Not(to))
    assert sorted(found + rest) == list(range(1, 61))


@settings(max_examples=50, deadline=None)
@given(to=conditions())
def test_an_operator_its_negation_and_the_empty_make_up_the_table(crowd, to):
    if not isinstance(to, Condition) or to.operator not in ("eq", "contains"):
        return
    negation = {"eq": "neq", "contains": "not_contains"}[to.operator]
    found = crowd.find(to)
    assert sorted(found + crowd.find(Condition(to.field, negation, to.value))) == list(
        range(1, 61)
    )


@settings(max_examples=80, deadline=None)
@given(to=FILTERS, sorts=SORTS)
def test_a_sort_is_total(crowd, to, sorts):
    matching = [item for item in MANY if holds(to, item)]
    assert crowd.find(to, *sorts) == in_order(matching, sorts)


@settings(max_examples=30, deadline=None)
@given(to=FILTERS, sorts=SORTS, limit=st.integers(7, 40))
def test_pages_laid_end_to_end_are_the_whole(crowd, to, sorts, limit):
    pages = [
        crowd.ask(to=to, sorts=sorts, page=Page(limit, offset))
        for offset in range(0, 61, limit)
    ]
    assert [number for page in pages for number in page] == crowd.find(to, *sorts)
