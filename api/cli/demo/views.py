"""Views: what is kept of how a table is looked at, and a form that fills it."""

from collections.abc import Mapping
from typing import Any

from api.cli.demo.visit import Loaded, Visit

Tables = Mapping[str, Loaded]
HOT = 30  # degrees
WINDY = 4


def views(visit: Visit, tables: Tables) -> None:
    visit.chapter("Views: a grid with a filter, a board, a form")
    days = tables["Seattle weather"]
    grid = _make(
        visit,
        days,
        "Hot days",
        "grid",
        config={"frozen_columns": 1},
        filters=[{"field": "Highest", "operator": "gte", "value": HOT}],
        sorts=[{"field": "Highest", "direction": "desc"}, {"field": "Date"}],
    )
    _look(visit, days, grid)
    board = _make(
        visit,
        days,
        "By weather",
        "kanban",
        config={"group_field_id": days.fields["Weather"]},
    )
    visit.holds(
        "both are there, in the order in which they were made",
        [grid["id"], board["id"]],
        [one["id"] for one in visit.read("/views", table_id=days.id)["items"]],
    )
    _fill_in(visit, tables["Stocks"])


def _make(
    visit: Visit, table: Loaded, name: str, type: str, **more: object
) -> dict[str, Any]:
    body = {"table_id": table.id, "name": name, "type": type, **more}
    made: dict[str, Any] = visit.write("POST", "/views", body).json
    return made


def _look(visit: Visit, days: Loaded, view: Mapping[str, Any]) -> None:
    """The view's own filter and order; then a filter for this one look."""
    rows = dict(zip(days.records, days.prepared.rows, strict=True))

    def expected(least: float) -> list[str]:
        found = [
            one
            for one, row in rows.items()
            if float(row.get("Highest") or 0) >= HOT
            and float(row.get("Wind") or 0) >= least
        ]
        return sorted(
            found,
            key=lambda one: (-float(rows[one]["Highest"] or 0), rows[one]["Date"]),
        )

    path = f"/views/{view['id']}/data"
    shown = visit.look(path, limit=1000)["items"]
    visit.holds(
        f'"{view["name"]}" shows {len(shown)} days, the hottest first',
        expected(0),
        [one["id"] for one in shown],
    )
    overridden = [
        *view["filters"],
        {"field": "Wind", "operator": "gte", "value": WINDY},
    ]
    windy = visit.look(path, limit=1000, filters=overridden)["items"]
    visit.holds(
        f"with a filter for one look alone it shows the {len(windy)} windy ones",
        expected(WINDY),
        [one["id"] for one in windy],
    )


def _fill_in(visit: Visit, stocks: Loaded) -> None:
    form = _make(visit, stocks, "A price", "form")
    asked = [one["name"] for one in visit.read(f"/views/{form['id']}/form")["fields"]]
    visit.holds(
        "the form asks for each field that somebody can fill in",
        list(stocks.fields),
        asked,
    )
    before = visit.count(stocks)
    entry = {"Symbol": "MSFT", "Month": "2010-04-01", "Price": 29.35}
    path = f"/views/{form['id']}/form/submit"
    made = visit.write("POST", path, {"fields": entry}).json
    visit.created += 1
    visit.holds(
        "what is filled in is a record like any other",
        (entry, before + 1),
        (
            {name: made["fields"][name] for name in entry},
            visit.count(stocks),
        ),
    )
