"""Tables made and filled, a thousand rows a batch."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from api.cli.demo.columns import Column, Prepared, Row
from api.cli.demo.visit import Loaded, Visit

BATCH = 1000  # records: the most that one request may hold


class Move(Protocol):
    def __call__(self, name: str, rows: int) -> None: ...


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:7,.0f} rows/s")


@contextmanager
def progress(visit: Visit, total: int) -> Iterator[Move]:
    """A function that moves one bar; without a terminal there is none."""
    with Progress(
        TextColumn("  {task.description:<16}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        console=visit.console,
        transient=True,
        disable=not visit.console.is_terminal,
        speed_estimate_period=10,
    ) as bars:
        bar = bars.add_task("", total=total)

        def move(name: str, rows: int) -> None:
            bars.update(bar, description=name, advance=rows)

        yield move


def load(visit: Visit, tables: Sequence[Prepared], move: Move) -> Iterator[Loaded]:
    """Each table, made and filled; those that others link to have to come first."""
    done: dict[str, Loaded] = {}
    for prepared in tables:
        done[prepared.name] = _load(visit, prepared, done, move)
        yield done[prepared.name]


def _load(
    visit: Visit, prepared: Prepared, done: Mapping[str, Loaded], move: Move
) -> Loaded:
    fields = [_field(prepared, column, done) for column in prepared.columns]
    body = {"base_id": visit.base_id, "name": prepared.name, "fields": fields}
    table = visit.write("POST", "/tables", body).json
    links = {
        column.name: _ids(done[column.links_to])
        for column in prepared.columns
        if column.links_to
    }
    ids: list[str] = []
    seconds = 0.0
    for start in range(0, len(prepared.rows), BATCH):
        rows = [_linked(one, links) for one in prepared.rows[start : start + BATCH]]
        made, took = _send(visit, prepared, table["id"], rows)
        ids += made
        seconds += took
        move(prepared.name, len(rows))
    named = {field["name"]: field["id"] for field in table["fields"]}
    loaded = Loaded(table["id"], prepared, named, ids, seconds)
    visit.check(f"rows in {prepared.name}", len(prepared.rows), visit.count(loaded))
    return loaded


def _field(
    prepared: Prepared, column: Column, done: Mapping[str, Loaded]
) -> dict[str, object]:
    options = dict(column.options)
    if column.type == "single_select":
        options["choices"] = [{"name": one} for one in prepared.choices(column)]
    if column.links_to:
        options["linked_table_id"] = done[column.links_to].id
        options["allow_multiple"] = False
        options["reverse_name"] = prepared.name
    return {
        "name": column.name,
        "type": column.type,
        "required": column.required,
        "options": options,
    }


def _ids(target: Loaded) -> Mapping[object, str]:
    """The records of a table by the value of their primary field."""
    primary = target.prepared.columns[0].name
    rows = target.prepared.rows
    return {row[primary]: one for row, one in zip(rows, target.records, strict=True)}


def _linked(row: Row, links: Mapping[str, Mapping[object, str]]) -> dict[str, Any]:
    """A row with record ids where it names what it links to."""
    return {
        name: [links[name][value]] if name in links else value
        for name, value in row.items()
    }


def _send(
    visit: Visit, prepared: Prepared, table_id: str, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[str], float]:
    """Creates the rows: their ids, and the seconds of the request.  Checks that each
    came back with every value it was sent with and nothing else."""
    body = {"table_id": table_id, "records": [{"fields": row} for row in rows]}
    reply = visit.write("POST", "/records/batch", body)
    items = reply.json["items"]
    visit.check("records of a batch", len(rows), len(items))
    visit.created += len(rows)
    for row, item in zip(rows, items, strict=True):
        visit.check(
            f"a record of {prepared.name}",
            {column.name: _shown(column, row) for column in prepared.columns},
            {**item["fields"], **_numbers(prepared, item["fields"])},
        )
    return [item["id"] for item in items], reply.seconds


def _shown(column: Column, row: Mapping[str, Any]) -> object:
    """A value as it has to come back."""
    match column.type:
        case "checkbox":
            return row.get(column.name, False)
        case _:
            return row.get(column.name)


def _numbers(prepared: Prepared, fields: Mapping[str, Any]) -> dict[str, object]:
    """Of autonumbers only that they are whole numbers is known."""
    return {
        column.name: None if isinstance(fields.get(column.name), int) else "no number"
        for column in prepared.columns
        if column.type == "autonumber"
    }
