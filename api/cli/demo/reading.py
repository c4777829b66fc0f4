"""Filters, sorts, links and pages: each answer is held against one worked out here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from api.cli.demo.columns import Row
from api.cli.demo.visit import Loaded, Visit

Tables = Mapping[str, Loaded]


@dataclass(frozen=True)
class Question:
    """A filter, and the same said in Python over the prepared rows."""

    words: str
    table: str
    filter: object
    holds: Callable[[Row], bool]


def _above(row: Row, name: str, than: float) -> bool:
    value = row.get(name)
    return isinstance(value, int | float) and value > than


QUESTIONS = (
    Question(
        "Japanese cars that go further than 35 miles on a gallon",
        "Cars",
        {"Origin": "Japan", "Miles per gallon": {"$gt": 35}},
        lambda row: row["Origin"] == "Japan" and _above(row, "Miles per gallon", 35),
    ),
    Question(
        "days with snow in Seattle and some wind",
        "Seattle weather",
        {
            "AND": [
                {"field": "Weather", "operator": "eq", "value": "snow"},
                {"field": "Wind", "operator": "gt", "value": 3.5},
            ]
        },
        lambda row: row["Weather"] == "snow" and _above(row, "Wind", 3.5),
    ),
    Question(
        'airports with "International" in the name, in any case',
        "Airports",
        {"Name": {"$contains": "INTERNATIONAL"}},
        lambda row: "international" in str(row["Name"]).lower(),
    ),
    Question(
        "airports without a city",
        "Airports",
        {"AND": [{"field": "City", "operator": "is_empty"}]},
        lambda row: "City" not in row,
    ),
    Question(
        "hours of July above 65 degrees, not in Seattle",
        "Temperatures",
        {
            "AND": [
                {"field": "At", "operator": "gte", "value": "2010-07-01T08:00:00Z"},
                {"field": "At", "operator": "lt", "value": "2010-08-01T08:00:00Z"},
                {"field": "Fahrenheit", "operator": "gt", "value": 65},
                {"NOT": {"field": "City", "operator": "eq", "value": "Seattle"}},
            ]
        },
        lambda row: (
            "2010-07-01T08" <= str(row["At"]) < "2010-08-01T08"
            and _above(row, "Fahrenheit", 65)
            and row["City"] != "Seattle"
        ),
    ),
    Question(
        "Fords and Chevrolets: both dialects in one filter",
        "Cars",
        {
            "OR": [
                {"Name": {"$starts_with": "ford"}},
                {"field": "Name", "operator": "starts_with", "value": "chevrolet"},
            ]
        },
        lambda row: str(row["Name"]).startswith(("ford", "chevrolet")),
    ),
)


def filters(visit: Visit, tables: Tables) -> None:
    visit.chapter("Filters, in both dialects, against the same said in Python")
    for one in QUESTIONS:
        table = tables[one.table]
        expected = sum(map(one.holds, table.prepared.rows))
        found = visit.count(table, filter=one.filter)
        visit.holds(f"{found:,} {one.words}", expected, found)


def links(visit: Visit, tables: Tables) -> None:
    visit.chapter("A link, seen from its other end")
    airports, states = tables["Airports"], tables["States"]
    code = "TX"
    expected = {
        record
        for record, row in zip(airports.records, airports.prepared.rows, strict=True)
        if row.get("State") == code
    }
    place = [row["Code"] for row in states.prepared.rows].index(code)
    seen = visit.read(f"/records/{states.records[place]}")["fields"][airports.name]
    visit.holds(
        f"{code} has the {len(expected)} airports that name it", expected, set(seen)
    )


def sorting(visit: Visit, tables: Tables) -> None:
    visit.chapter("Sorts by more than one field")
    cars = tables["Cars"]
    order = [
        {"field": "Cylinders", "direction": "desc"},
        {"field": "Weight in lbs", "direction": "asc"},
    ]
    page = visit.read("/records", table_id=cars.id, sort=order, limit=1000)["items"]
    _show(visit, page[:4], ["Name", "Cylinders", "Weight in lbs"])
    rows = dict(zip(cars.records, cars.prepared.rows, strict=True))
    expected = sorted(
        rows,
        key=lambda one: (
            -_number(rows[one], "Cylinders"),
            _number(rows[one], "Weight in lbs"),
            one,
        ),
    )
    visit.holds(
        f"{len(page)} cars by cylinders, the lightest of equals first",
        expected,
        [record["id"] for record in page],
    )


def paging(visit: Visit, tables: Tables) -> None:
    visit.chapter("Pages")
    hours = tables["Temperatures"]
    order = [{"field": "Fahrenheit", "direction": "desc"}, {"field": "At"}]
    found: list[str] = []
    pages = 0
    while len(found) < len(hours.records) and len(found) == pages * 1000:
        pages += 1
        page = visit.read(
            "/records", table_id=hours.id, sort=order, page=pages, page_size=1000
        )
        found += [record["id"] for record in page["items"]]
    rows = dict(zip(hours.records, hours.prepared.rows, strict=True))
    expected = sorted(
        rows, key=lambda one: (-_number(rows[one], "Fahrenheit"), rows[one]["At"], one)
    )
    visit.holds(
        f"{len(found):,} hours, the warmest first, in {pages} pages: each once",
        expected,
        found,
    )


def _number(row: Row, name: str) -> float:
    value = row[name]
    if not isinstance(value, int | float):
        raise TypeError(f"{name} is no number")
    return value


def _show(visit: Visit, records: list[Any], names: list[str]) -> None:
    table = Table(box=None, padding=(0, 2), show_edge=False, header_style="dim")
    for name in names:
        table.add_column(name)
    for record in records:
        table.add_row(*(str(record["fields"][name]) for name in names))
    visit.console.print(table)
