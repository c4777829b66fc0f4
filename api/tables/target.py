"""What a path names, found in the catalogue in the order in which it is refused."""

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


class OtherDatabase(Malformed):
    """Database does not belong to this workspace"""


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

    Raises OtherDatabase for one that is none of the workspace's, NoSuchTable.
    """
    base = _base(catalog, path.database)
    if base is None:
        raise OtherDatabase(OTHER_DATABASE)
    between()
    for table in catalog.tables_of(base.id):
        if table.slug == path.table:
            return Target(table, schemas.live(catalog.id))
    raise no_such_table(path)


def has_database(catalog: Catalog, path: Path) -> bool:
    return _base(catalog, path.database) is not None


def no_such_table(path: Path) -> NoSuchTable:
    return NoSuchTable(f"Table '{path.table[:_SHOWN]}' not found")


def _base(catalog: Catalog, name: str) -> Base | None:
    for base in catalog.bases.values():
        if base.db_name == name and not base.deleted:
            return base
    return None
