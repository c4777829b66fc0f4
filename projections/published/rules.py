"""What is public: the one place that says so.  Pure.

A workspace that is active, of it the tables that are public, of a table the fields that
are not private, and of its records

    all of them                     where the table has no BOOLEAN `published`
    those where that is true        where it has one; and where it has a DATE or a
                                    DATETIME `publish_date` too, from that moment on

A `publish_date` that is empty holds nothing back; a day begins at midnight UTC.
"""

from collections.abc import Iterator

from domain.catalog import Catalog, Field, Table, Workspace
from domain.ids import TableId
from projections.records.content import public_fields

PUBLISHED, PUBLISH_DATE = "published", "publish_date"
_MOMENTS = ("date", "timestamptz")


def is_active(workspace: Workspace) -> bool:
    return workspace.status == "active" and not workspace.deleted


def is_public(catalog: Catalog, table: Table) -> bool:
    """Whether anybody may read of it."""
    base = catalog.bases.get(table.base_id)
    gone = table.deleted or base is None or base.deleted
    return table.public and not gone


def find_public(catalog: Catalog, slug: str) -> Table | None:
    """The public table of that slug: there is one at most."""
    for table in catalog.tables.values():
        if table.slug == slug and is_public(catalog, table):
            return table
    return None


def published(table: Table) -> Field | None:
    """The field that says whether a record is published, where there is one."""
    found = table.by_api_name.get(PUBLISHED)
    return found if found is not None and found.type == "checkbox" else None


def publish_date(table: Table) -> Field | None:
    """The field that says from when on, where that counts."""
    found = table.by_api_name.get(PUBLISH_DATE)
    if published(table) is None or found is None or found.column not in _MOMENTS:
        return None
    return found


def holds_back(table: Table) -> bool:
    """Whether a record may be there and not be public."""
    return published(table) is not None


def relations(table: Table) -> Iterator[Field]:
    """The public fields that lead to other records."""
    for field in public_fields(table):
        if field.type == "linked_record":
            yield field


def related(catalog: Catalog, field: Field) -> Table | None:
    """The public table that a relation leads to."""
    found = catalog.tables.get(TableId(str(field.options.get("linked_table_id"))))
    return found if found is not None and is_public(catalog, found) else None


def scope(catalog: Catalog, table: Table) -> tuple[Table, ...]:
    """The tables whose records have a say in what is shown of one: its own, those that
    its relations lead to, and those that theirs do."""
    found = {table.id: table}
    nearest = [table]
    for _ in range(2):
        nearest = [
            other
            for one in nearest
            for field in relations(one)
            if (other := related(catalog, field)) is not None
        ]
        found.update((one.id, one) for one in nearest)
    return tuple(found.values())


def showing_media(catalog: Catalog) -> tuple[Table, ...]:
    """The public tables with a public field of files."""
    return tuple(
        table
        for table in catalog.tables.values()
        if is_public(catalog, table) and any(media(table))
    )


def media(table: Table) -> Iterator[Field]:
    """The public fields of files."""
    for field in public_fields(table):
        if field.type == "attachment":
            yield field
