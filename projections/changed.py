"""Which records of a table something happened to since a position.

A record's id names its table, so that is one look at the ledger's last events, up to
so many; what there is behind more of them is not looked for.
"""

from typing import Any

from psycopg import sql

from domain.catalog import Table
from domain.ids import WorkspaceId
from projections.of_table import holds_number, is_of, number_of
from projections.reader import Rows, Statement

LOOK_BACK = 5_000  # events that are looked through
MOST_CHANGED = 200  # records that are told


def changed_since(workspace_id: WorkspaceId, table: Table, position: int) -> Statement:
    """How many events there were since, and how many of the table's records they are
    about; neither is counted beyond one more than the most."""
    return _HOW_MANY, {
        **number_of(table),
        "workspace_id": workspace_id,
        "position": position,
        "events": LOOK_BACK + 1,
        "records": MOST_CHANGED + 1,
    }


def is_written(rows: Rows) -> bool:
    """Whether there were any, by `changed_since`; also where there are too many events
    to look through."""
    events, changed = rows[0]
    return bool(changed > 0 or events > LOOK_BACK)


def is_little(events: int, changed: int) -> bool:
    """Whether these are all."""
    return events <= LOOK_BACK and changed <= MOST_CHANGED


def changed_records(table: Table) -> tuple[sql.Composed, list[Any]]:
    """What a SELECT begins with that reads `changed (id)` and `later`, all events since
    a position; and its values, but for the first two: the workspace and the position.
    """
    some = sql.SQL("%s")
    text = _LATER.format(
        workspace_id=some,
        position=some,
        events=some,
        about_table=is_of(_ID, table),
        records=some,
    )
    return text, [LOOK_BACK + 1, MOST_CHANGED + 1]


_ID = sql.SQL("uuid_send(id)")
_LATER = sql.SQL("""
    WITH later AS MATERIALIZED (
        SELECT stream_id AS id FROM ledger.events
        WHERE workspace_id = {workspace_id}::uuid AND seq > {position}::bigint
        ORDER BY seq LIMIT {events}::bigint
    ), changed AS MATERIALIZED (
        SELECT DISTINCT id FROM later WHERE {about_table} LIMIT {records}::bigint
    )
""")
_HOW_MANY = (
    sql.SQL("{} SELECT (SELECT count(*) FROM later), (SELECT count(*) FROM changed)")
    .format(
        _LATER.format(
            workspace_id=sql.SQL("%(workspace_id)s"),
            position=sql.SQL("%(position)s"),
            events=sql.SQL("%(events)s"),
            about_table=holds_number(_ID),
            records=sql.SQL("%(records)s"),
        )
    )
    .as_bytes()
)
