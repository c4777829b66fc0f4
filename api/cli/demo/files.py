"""A file in and a file out: a CSV is imported, refused whole, and exported again."""

import csv
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from api.cli.demo.datasets import package_folder
from api.cli.demo.facts import answered
from api.cli.demo.visit import Visit

FILE = "airports.csv"
NAME = "Airports, imported"
BROKEN = 1000  # the row that is broken on purpose, as a spreadsheet counts
Rows = Sequence[Sequence[str]]


def files(visit: Visit) -> None:
    """Raises NotShipped where the file is missing."""
    visit.chapter(f"{FILE} as it is: imported, and exported again")
    path = package_folder() / "_data" / FILE
    text = path.read_text("utf-8")
    names, *rows = csv.reader(io.StringIO(text, newline=""))
    table_id = _table(visit, names[0])
    with path.open("rb") as file:
        _import(visit, table_id, file, names, rows)
    _break(visit, table_id, names, rows)
    _export(visit, table_id, names, rows)


def _table(visit: Visit, primary: str) -> str:
    fields = [{"name": primary, "type": "text", "required": True}]
    body = {"base_id": visit.base_id, "name": NAME, "fields": fields}
    table_id: str = visit.write("POST", "/tables", body).json["id"]
    return table_id


def _import(
    visit: Visit, table_id: str, file: BinaryIO, names: Sequence[str], rows: Rows
) -> None:
    target = f"/tables/{table_id}/import"
    found = answered(visit.client.upload(target, file, {"preview": "true"}), 200).json
    types = {one["name"]: one["type"] for one in found["columns"]}
    visit.holds(
        "a preview finds " + ", ".join(f"{name} {types[name]}" for name in names),
        {"latitude": "number", "longitude": "number", "name": "text"},
        {name: types[name] for name in ("latitude", "longitude", "name")},
    )
    new = {name: {"new": {"name": name, "type": types[name]}} for name in names[1:]}
    file.seek(0)
    reply = visit.upload(target, file, {"mapping": json.dumps(new)})
    visit.created += len(rows)
    visit.holds(
        f"{len(rows):,} rows and {len(new)} new fields in one batch,"
        f" in {reply.seconds:.1f} s",
        (len(rows), list(new), len(rows)),
        (
            reply.json["imported"],
            [one["name"] for one in reply.json["fields_created"]],
            _count(visit, table_id),
        ),
    )


def _break(visit: Visit, table_id: str, names: Sequence[str], rows: Rows) -> None:
    """The file once more, a single cell of it being wrong."""
    place = names.index("latitude")
    broken = [list(row) for row in rows]
    broken[BROKEN - 2][place] = "north"  # the header is row 1
    text = io.StringIO(newline="")
    csv.writer(text).writerows([names, *broken])
    with tempfile.TemporaryFile() as file:
        file.write(text.getvalue().encode())
        file.seek(0)
        reply = visit.client.upload(f"/tables/{table_id}/import", file, {})
    refusal = answered(reply, 422).json
    said = refusal["errors"][0]
    visit.say(f"422 row {said['row']}, {said['column']}: {said['msg']}")
    visit.holds(
        "one cell of the file is wrong: it is named, and none of the rows is in",
        (1, BROKEN, "latitude", len(rows)),
        (refusal["total"], said["row"], said["column"], _count(visit, table_id)),
    )


def _export(visit: Visit, table_id: str, names: Sequence[str], rows: Rows) -> None:
    reply = visit.get(
        "/records/export",
        {"x-min-position": str(max(visit.positions))},
        table_id=table_id,
        format="csv",
        fields=",".join(names),
    )
    text = reply.body.decode("utf-8-sig")
    heads, *found = csv.reader(io.StringIO(text, newline=""))
    visit.holds(
        f"the export has the file's {len(rows):,} rows, in its order, cell for cell",
        [_cells(names, row) for row in rows],
        [_cells(heads, row, names) for row in found],
    )


def _cells(
    heads: Sequence[str], row: Sequence[str], names: Sequence[str] | None = None
) -> Mapping[str, str | float]:
    """A row's cells by name; numbers as such, for 1.50 and 1.5 are one."""
    cells: dict[str, str | float] = {}
    for name, cell in zip(heads, row, strict=True):
        if names is None or name in names:
            number = name in ("latitude", "longitude")
            cells[name] = float(cell) if number else cell
    return cells


def _count(visit: Visit, table_id: str) -> int:
    total: int = visit.read("/records", table_id=table_id, limit=1)["total"]
    return total
