"""Changes of type: with every value, or not at all."""

import re
from collections.abc import Mapping

from api.cli.demo.columns import Row
from api.cli.demo.visit import Loaded, Visit

Tables = Mapping[str, Loaded]
NAMED = 20  # records that a refusal names
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def retyping(visit: Visit, tables: Tables) -> None:
    visit.chapter("Changes of type: with every value, or not at all")
    _refused(visit, tables["Airports"])
    _there_and_back(visit, tables["Cars"])


def _refused(visit: Visit, airports: Loaded) -> None:
    field_id = airports.fields["City"]
    cities = [row["City"] for row in airports.prepared.rows if "City" in row]
    stuck = sum(_NUMBER.fullmatch(str(city)) is None for city in cities)
    refusal = visit.refused(422, "PATCH", f"/fields/{field_id}", {"type": "number"})
    visit.say(f"422 {refusal['code']}: {refusal['detail']}")
    visit.holds(
        f"{stuck:,} cities are no numbers: the first {NAMED} are named",
        (stuck, NAMED, "text"),
        (
            refusal["count"],
            len(refusal["records"]),
            visit.read(f"/fields/{field_id}")["type"],
        ),
    )


def _there_and_back(visit: Visit, cars: Loaded) -> None:
    path = f"/fields/{cars.fields['Cylinders']}"
    was = visit.read(path)
    visit.write("PATCH", path, {"type": "text"}, status=200)
    visit.check(
        "cylinders as texts",
        [str(row["Cylinders"]) for row in cars.prepared.rows],
        _cylinders(visit, cars),
    )
    eight = visit.count(cars, filter={"Cylinders": {"$starts_with": "8"}})
    visit.holds(
        f'as texts, {eight} numbers of cylinders begin with an "8"',
        sum(row["Cylinders"] == 8 for row in cars.prepared.rows),
        eight,
    )
    body = {"type": "number", "options": was["options"]}
    back = visit.write("PATCH", path, body, status=200).json
    visit.holds(
        f"as numbers again, all {len(cars.records)} are what they were",
        (was["type"], [row["Cylinders"] for row in cars.prepared.rows]),
        (back["type"], _cylinders(visit, cars)),
    )


def _cylinders(visit: Visit, cars: Loaded) -> list[object]:
    """In the order in which the rows were sent."""
    page = visit.read("/records", table_id=cars.id, limit=1000)["items"]
    found: dict[str, Row] = {record["id"]: record["fields"] for record in page}
    return [found[record]["Cylinders"] for record in cars.records]
