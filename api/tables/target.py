"""What a path names, found in the catalogue in the order in which it is refused.

A moment in the past (`as_of`) would be found here: it is another catalogue, and other
tables to read the rows from.
"""

from collections.abc import Callable
from dataclasses import dataclass

from api.http import Request
from api.tables.errors import OTHER_DATABASE
from domain.catalog import Base, Catalog, Table
from domain.errors import Malformed, NotFound
from projections import target as schemas

_SHOWN = 100  # characters of a name that a message repeats


class NoSuchTable(NotFound):
    """Table not found"""


@dataclass(frozen=True, slots=True)
class Path:
    workspace: str
    database: str
    table: str

    @classmethod
    def of(cls, request: Request) -> "Path":
        path = request.path
        return cls(path["workspace_slug"], path["db_name"], path["table_name"])


@dataclass(frozen=True, slots=True)
class Target:
    """A table, and where its rows are."""

    table: Table
    rows: schemas.Target


def find(
    catalog: Catalog, path: Path, between: Callable[[], None] = lambda: None
) -> Target:
    """`between` checks what comes after the database and before the table.

    Raises Malformed for a database that is none of the workspace's, NoSuchTable.
    """
    base = _base(catalog, path.database)
    between()
    return Target(_table(catalog, base, path.table), schemas.live(catalog.id))


def _base(catalog: Catalog, name: str) -> Base:
    for base in catalog.bases.values():
        if base.db_name == name and not base.deleted:
            return base
    raise Malformed(OTHER_DATABASE)


def _table(catalog: Catalog, base: Base, name: str) -> Table:
    for table in catalog.tables_of(base.id):
        if table.slug == name:
            return table
    raise NoSuchTable(f"Table '{name[:_SHOWN]}' not found")
