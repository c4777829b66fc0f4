"""Applying events to the read tables: the one way in, for commits and for rebuilds."""

from collections.abc import Container, Sequence

import psycopg
from psycopg import sql

from domain.catalog import Catalog
from domain.constraint import (
    ConstraintActivated,
    ConstraintCreated,
    ConstraintDeleted,
    ConstraintFailed,
    ConstraintRestored,
    ConstraintUpdated,
)
from domain.decider import changes_catalog, grow
from domain.events import Recorded
from domain.field import FieldCreated
from domain.file import FileUploaded
from domain.foreign import ForeignAppended
from domain.history import HistoryUndone
from domain.ids import ConstraintId, TableId
from domain.key import KeyCreated, KeyDeleted
from domain.retype import FieldConverted, FieldRetyped
from domain.table import TableCreated
from domain.token import TokenCreated, TokenRevoked
from domain.user import (
    AdministrationGranted,
    PasswordChanged,
    ProfileChanged,
    UserRegistered,
)
from domain.workspace import (
    WorkspaceCreated,
    WorkspaceDeleted,
    WorkspaceRestored,
    WorkspaceUpdated,
)
from projections import catalog as catalogue
from projections import files, undone, users
from projections.records import apply as records
from projections.records import convert, ddl
from projections.records.keys import settle_keys
from projections.target import Target

# the vault has keys, a program its own; and no read table
_OF_KEYS = (KeyCreated, KeyDeleted, TokenCreated, TokenRevoked, ForeignAppended)
_OF_USERS = (UserRegistered, ProfileChanged, AdministrationGranted, PasswordChanged)


def apply(
    connection: psycopg.Connection,
    target: Target,
    catalog: Catalog,
    events: Sequence[Recorded],
    columns_of: Container[str] = (),
) -> Catalog:
    """Writes events of one workspace in their order; gives the catalogue after them.

    `catalog` is the one before the first event, `columns_of` are fields whose columns
    are there already.
    """
    start = 0
    while start < len(events):
        event = events[start].event
        if isinstance(event, _OF_USERS):
            users.apply(connection, target, events[start])
            start += 1
        elif isinstance(event, _OF_KEYS):
            start += 1
        elif isinstance(event, FieldConverted):
            convert.converted(connection, target, catalog, event)
            start += 1
        elif isinstance(event, FileUploaded):
            files.apply(connection, target, events[start])
            start += 1
        elif isinstance(event, HistoryUndone):
            undone.apply(connection, target, events[start])
            start += 1
        elif changes_catalog(event):
            catalog = _apply_catalog(
                connection, target, catalog, events[start], columns_of
            )
            start += 1
        else:
            end = start
            while end < len(events) and is_of_records(events[end]):
                end += 1
            records.apply(connection, target, catalog, events[start:end])
            start = end
    return catalog


def is_of_records(recorded: Recorded) -> bool:
    """Whether it is written to a table of records, and needs no other schema."""
    event = recorded.event
    beside = isinstance(event, (FileUploaded, FieldConverted, HistoryUndone, *_OF_KEYS))
    return not beside and not changes_catalog(event)


def _apply_catalog(
    connection: psycopg.Connection,
    target: Target,
    before: Catalog,
    recorded: Recorded,
    columns_of: Container[str],
) -> Catalog:
    after = grow(before, recorded)
    catalogue.write(connection, target, after.id, catalogue.changed(before, after))
    match recorded.event:
        case WorkspaceCreated():
            ddl.create_schema(connection, target)
            _keep_slug(connection, target, after)
        case WorkspaceUpdated() | WorkspaceDeleted() | WorkspaceRestored():
            _keep_slug(connection, target, after)
        case TableCreated(table_id=table_id):
            ddl.create_table(connection, target, after.tables[TableId(table_id)])
        case FieldCreated(field_id=field_id) if field_id in columns_of:
            pass
        case FieldCreated(table_id=table_id, field_id=field_id):
            table = after.tables[TableId(table_id)]
            field = table.all_fields[field_id]  # type: ignore[index]
            ddl.add_column(connection, target, table, field)
        case FieldRetyped():
            convert.retyped(connection, target, before, after, recorded.event)
        case ConstraintUpdated(changes=changes) if set(changes) == {"error_message"}:
            pass
        case (
            ConstraintCreated(table_id=table_id, constraint_id=constraint_id)
            | ConstraintUpdated(table_id=table_id, constraint_id=constraint_id)
            | ConstraintDeleted(table_id=table_id, constraint_id=constraint_id)
            | ConstraintRestored(table_id=table_id, constraint_id=constraint_id)
            | ConstraintActivated(table_id=table_id, constraint_id=constraint_id)
            | ConstraintFailed(table_id=table_id, constraint_id=constraint_id)
        ):
            table = after.tables[TableId(table_id)]
            constraint = table.all_constraints[ConstraintId(constraint_id)]
            settle_keys(connection, target, after.id, table, constraint, recorded.seq)
        case _:
            pass  # the catalogue's rows were all
    return after


def _keep_slug(connection: psycopg.Connection, target: Target, after: Catalog) -> None:
    """A live workspace has its slug; a deleted one leaves it to others."""
    slugs = target.of_catalog("slugs")
    connection.execute(
        sql.SQL("DELETE FROM {} WHERE workspace_id = %s").format(slugs), [after.id]
    )
    workspace = after.workspace
    if workspace is not None and not workspace.deleted:
        connection.execute(
            sql.SQL("INSERT INTO {} (slug, workspace_id) VALUES (%s, %s)").format(
                slugs
            ),
            [workspace.slug, after.id],
        )
