"""The public data sets that ship inside the `vega_datasets` package, as tables.

Only its data files are read: the package's own code would want pandas, which is not
installed, and would fetch from the web what it lists but does not ship.
"""

import csv
import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.cli.demo.columns import Prepared, Raw, RawRow, keys, prepare, unused
from api.cli.demo.tables import FILES_PASSED_OVER, LINKED, SOURCES, TABLES


@dataclass(frozen=True)
class PassedOver:
    """Something of a file that is in no table, and why."""

    file: str
    what: str
    reason: str


@dataclass(frozen=True)
class Shipped:
    """Every table, those that are linked to first.  `listed` is how many data sets the
    package knows of, `files` how many it ships, `used` how many of those are here."""

    tables: Sequence[Prepared]
    passed_over: Sequence[PassedOver]
    listed: int
    files: int
    used: int

    @property
    def rows(self) -> int:
        return sum(len(one.rows) for one in self.tables)


class NotShipped(Exception):
    """The package vega_datasets, or a data file in it, is not installed"""


def package_folder() -> Path:
    """Where the package is.  Raises NotShipped."""
    found = importlib.util.find_spec("vega_datasets")
    if found is None or not found.submodule_search_locations:
        raise NotShipped("the package vega_datasets is not installed")
    return Path(found.submodule_search_locations[0])


def load(folder: Path) -> Shipped:
    """All tables from the package's folder, cleaned.  Raises NotShipped."""
    made: dict[str, Prepared] = {}
    passed_over = [PassedOver(one, "all", why) for one, why in FILES_PASSED_OVER]
    sources: list[RawRow] = []
    told = _read_json(folder / "dataset_info.json")
    for table in TABLES:
        rows: list[RawRow] = []
        for file, said in table.files.items():
            found = read_file(folder / "_data" / file)
            sources.append(_source(file, told, len(found)))
            passed_over += [
                PassedOver(
                    file,
                    f"column {name}",
                    table.passed_over.get(name, "no field takes it"),
                )
                for name in unused(table.columns, found)
            ]
            rows += [{**row, **said} for row in found]
        made[table.name] = prepare(table.name, table.columns, rows)
    linked = [
        keys(name, column, made[other], linking)
        for name, column, other, linking in LINKED
    ]
    tables = [*linked, *made.values(), prepare("Sources", SOURCES, sources)]
    listed = len(_read_json(folder / "datasets.json"))
    files = len(list((folder / "_data").iterdir()))
    return Shipped(tables, passed_over, listed, files, len(sources))


def read_file(path: Path) -> list[dict[str, Raw]]:
    """The rows of a csv or JSON file.  Raises NotShipped."""
    if path.suffix == ".json":
        rows: list[dict[str, Raw]] = _read_json(path)
        return rows
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [dict(row) for row in csv.DictReader(file, strict=True)]
    except OSError as error:
        raise NotShipped(f"{path.name} is not there: {error.strerror}") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise NotShipped(f"{path.name} is not there: {error.strerror}") from error


def _source(file: str, told: Mapping[str, Mapping[str, object]], rows: int) -> RawRow:
    """What the package itself tells about one of its files."""
    name = Path(file).stem
    about = told.get(name, {})
    references = about.get("references", [])
    return {
        "name": name,
        "file": file,
        "rows": rows,
        "description": str(about.get("description", "")),
        "references": "\n".join(references) if isinstance(references, list) else "",
    }
