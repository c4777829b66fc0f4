"""Files that were uploaded: what is known of them beside their content."""

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql

from domain.events import Recorded
from domain.file import FileUploaded
from domain.ids import WorkspaceId
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


def contents_of(
    connection: psycopg.Connection, workspace_id: WorkspaceId
) -> Mapping[str, int]:
    """The size of each content that a workspace's files have, by its hash."""
    rows = connection.execute(
        "SELECT DISTINCT sha256, size FROM catalog.files WHERE workspace_id = %s",
        [workspace_id],
    )
    return {row[0]: row[1] for row in rows}


def named(connection: psycopg.Connection, hashes: Sequence[str]) -> set[str]:
    """Those of the hashes that a file of some visible workspace has: by
    files_by_content."""
    rows = connection.execute(
        "SELECT DISTINCT sha256 FROM catalog.files WHERE sha256 = ANY (%s)",
        [list(hashes)],
    )
    return {row[0] for row in rows}
