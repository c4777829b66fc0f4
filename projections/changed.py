"""Which records of a table something happened to since a position.

A record's id names its table, so that is one look at the ledger's last events, up to
so many; what there is behind more of them is not looked for.
"""

from typing import Any

from psycopg import sql

from domain.catalog import Table
from domain.ids import WorkspaceId
from projections.of_table import holds_number, is_of, number_of
from projections.query import Query
from projections.reader import AnyPlan, Rows, Statement
from projections.sort_keys import told
from projections.sql import where
from projections.target import live

LOOK_BACK = 5_000  # events that are looked through
MOST_CHANGED = 200  # records that are told
FEW = 20  # of which each is shown, too


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


def changed_rows(
    workspace_id: WorkspaceId, query: Query, shown: sql.Composable
) -> tuple[AnyPlan, list[Any]]:
    """The records that changed since, as they are now, as a query finds and sorts them:

        position, events    up to where, and how many there were
        id                  of a record that changed; NULL in one row where none did
        number, matches     NULL where it is gone
        shown               where it matches and only a few changed
        key, …              one a sort, as `sort_keys.told` tells it

    The values lack the first two: the workspace and the position.
    """
    target = live(workspace_id)
    condition, keys = where(query, target), [told(sort) for sort in query.sorts]
    some = sql.SQL("%s")
    text = _CHANGES.format(
        later=_LATER.format(
            workspace_id=some,
            position=some,
            events=some,
            about_table=is_of(_ID, query.table),
            records=some,
        ),
        shown=shown,
        table=target.of_records(query.table.id),
        where=condition.text,
        names=sql.SQL("").join(
            sql.SQL(", n.{}").format(sql.Identifier(f"k{n}")) for n in range(len(keys))
        ),
        keys=sql.SQL("").join(
            sql.SQL(", {} AS {}").format(key.text, sql.Identifier(f"k{n}"))
            for n, key in enumerate(keys)
        ),
    )
    limits = [LOOK_BACK + 1, MOST_CHANGED + 1]
    values = [*(value for key in keys for value in key.values), *condition.values]
    return AnyPlan(text.as_bytes()), [*limits, workspace_id, FEW, *values]


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
# each by its id, however many the planner takes them for
_CHANGES = sql.SQL("""
    {later}
    SELECT h.seq, (SELECT count(*) FROM later), uuid_send(c.id), n.number, n.matches,
           n.shown{names}
    FROM (SELECT seq FROM ledger.heads WHERE workspace_id = %s::uuid) AS h
    LEFT JOIN changed AS c ON TRUE
    LEFT JOIN LATERAL (
        SELECT t.number, t.matches, CASE WHEN t.matches
                   AND (SELECT count(*) FROM changed) <= %s::bigint THEN {shown} END
                   AS shown{keys}
        FROM (SELECT t.*, {where} AS matches FROM {table} AS t
              WHERE t.id = c.id OFFSET 0) AS t
        OFFSET 0
    ) AS n ON TRUE
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
