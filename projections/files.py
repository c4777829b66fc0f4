"""Files that were uploaded: what is known of them beside their content."""

import psycopg
from psycopg import sql

from domain.events import Recorded
from domain.file import FileUploaded
from projections.target import Target


def apply(connection: psycopg.Connection, target: Target, recorded: Recorded) -> None:
    event = recorded.event
    if not isinstance(event, FileUploaded):
        raise LookupError(f"no event of files: {event.TYPE}")
    connection.execute(
        _INSERT.format(target.of_catalog("files")),
        [
            recorded.workspace_id,
            event.file_id,
            event.name,
            event.type,
            event.size,
            event.sha256,
            recorded.actor.id,
            recorded.at,
            recorded.version,
        ],
    )


_INSERT = sql.SQL(
    "INSERT INTO {} (workspace_id, id, name, type, size, sha256, created_by,"
    " created_at, version) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
# by files' primary key
ONE = (
    b"SELECT id, name, type, size, sha256, created_by, ledger.rfc3339(created_at),"
    b" version FROM catalog.files WHERE workspace_id = %s::uuid AND id = %s::uuid"
)
