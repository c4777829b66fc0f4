"""Where a read model is written: the live schemas, or a copy beside them.

Names of schemas, tables and columns are made here and nowhere else.
"""

from dataclasses import dataclass
from functools import lru_cache

from psycopg import sql

from domain.ids import FieldId, TableId, WorkspaceId


@dataclass(frozen=True)
class Target:
    """The schema of the catalogue's tables and the one of a workspace's records."""

    catalog: str
    records: str

    def of_catalog(self, table: str) -> sql.Identifier:
        return sql.Identifier(self.catalog, table)

    def of_records(self, table_id: str) -> sql.Identifier:
        return sql.Identifier(self.records, table_name(table_id))

    @property
    def links(self) -> sql.Identifier:
        return sql.Identifier(self.records, "links")


@dataclass(frozen=True)
class Beside(Target):
    """One table as it was at a moment, with its links: the tables of a shadow, or what
    a statement makes for itself (in no schema)."""

    name: str

    @property
    def rows(self) -> sql.Identifier:
        return self.part("")

    def of_records(self, table_id: str) -> sql.Identifier:
        return self.rows

    @property
    def links(self) -> sql.Identifier:
        return self.part("_links")

    @property
    def later(self) -> sql.Identifier:
        """Which records something happened to since."""
        return self.part("_later")

    @property
    def net(self) -> sql.Identifier:
        """What became of the records since."""
        return self.part("_net")

    def part(self, suffix: str) -> sql.Identifier:
        name = self.name + suffix
        return (
            sql.Identifier(self.records, name) if self.records else sql.Identifier(name)
        )


SHADOWS = "shadows"


def kept_shadow(name: str) -> Beside:
    return Beside("catalog", SHADOWS, name)


WITHIN_STATEMENT = Beside("catalog", "", "as_of")


@lru_cache(maxsize=4096)
def live(workspace_id: WorkspaceId) -> Target:
    return Target("catalog", f"ws_{workspace_id.replace('-', '')}")


def shadow(workspace_id: WorkspaceId) -> Target:
    """Where a workspace is rebuilt: one schema holds catalogue and records."""
    name = f"shadow_{workspace_id.replace('-', '')}"
    return Target(name, name)


def table_name(table_id: TableId | str) -> str:
    return f"t_{table_id.replace('-', '')}"


@lru_cache(maxsize=65536)
def column_name(field_id: FieldId | str, slot: str = "") -> str:
    """The column of a field's values: a change of type writes into one of another
    slot."""
    name = f"f_{field_id.replace('-', '')}"
    return f"{name}_{slot}" if slot else name
