"""Who did what in a workspace: its events newest first, by who, about what, in which
batch or request.

By actor, batch or request the way leads over the batches, which know them; about one
thing, over its stream; about a table or nothing in particular, backwards over the
events.  No index is kept for this, so that a write pays nothing for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from domain.catalog import Catalog
from domain.ids import TableId
from projections.arrays import text_array
from projections.log import ENVELOPES
from projections.of_table import holds_number, number_of
from projections.reader import Statement


@dataclass(frozen=True, slots=True)
class Wanted:
    """Events behind position `after`, up to `upto`; of which each that is not None."""

    after: int
    upto: int
    actor: str | None = None
    batch: str | None = None
    request: str | None = None
    resource: str | None = None

    @property
    def by_batches(self) -> bool:
        return (self.actor, self.batch, self.request) != (None, None, None)


def audited(catalog: Catalog, wanted: Wanted, before: int, limit: int) -> Statement:
    """The envelopes of those before a position, newest first."""
    about, values = _about(catalog, wanted.resource)
    values |= {
        "workspace_id": catalog.id,
        "after": wanted.after,
        "before": min(before, wanted.upto + 1),
        "limit": limit,
        "actor": wanted.actor,
        "batch": wanted.batch,
        "request": wanted.request,
    }
    window: sql.Composable
    if wanted.by_batches:
        window = _BY_BATCHES.format(of=_of_batches(wanted), about=about)
    elif "streams" in values and "number" not in values:
        window = _BY_STREAMS
    else:
        window = _BACKWARDS.format(about=about)
    return ENVELOPES.format(window=window) + sql.SQL("ORDER BY e.seq DESC"), values


def _about(
    catalog: Catalog, resource: str | None
) -> tuple[sql.Composable, dict[str, Any]]:
    """A table is its records too, which its number in their ids tells."""
    if resource is None:
        return sql.SQL("TRUE"), {}
    table = catalog.tables.get(TableId(resource))
    if table is None:
        return _OF_STREAMS, {"streams": text_array([resource])}
    streams: Sequence[str] = [
        table.id,
        *table.all_fields,
        *table.all_constraints,
        *table.all_views,
        *(one.id for one in catalog.webhooks.values() if one.table_id == table.id),
    ]
    return _OF_TABLE, {"streams": text_array(list(streams)), **number_of(table)}


def _of_batches(wanted: Wanted) -> sql.Composable:
    conditions = [
        condition
        for value, condition in (
            (wanted.actor, sql.SQL("c.actor = %(actor)s::uuid")),
            (wanted.batch, sql.SQL("c.batch_id = %(batch)s::uuid")),
            (wanted.request, sql.SQL("c.request_id = %(request)s::text")),
        )
        if value is not None
    ]
    return sql.SQL(" AND ").join(conditions)


_OF_STREAMS = sql.SQL("e.stream_id = ANY (%(streams)s::uuid[])")
_OF_TABLE = sql.SQL("({streams} OR {records})").format(
    streams=_OF_STREAMS, records=holds_number(sql.SQL("uuid_send(e.stream_id)"))
)

# batches do not overlap, so their order is that of their events
_BY_BATCHES = sql.SQL("""(
    SELECT e.* FROM ledger.batches AS c
    JOIN ledger.events AS e ON e.workspace_id = c.workspace_id
     AND e.seq BETWEEN c.first_seq AND c.last_seq
    WHERE c.workspace_id = %(workspace_id)s::uuid AND {of}
      AND c.last_seq > %(after)s::bigint AND c.first_seq < %(before)s::bigint
      AND e.seq > %(after)s::bigint AND e.seq < %(before)s::bigint AND {about}
    ORDER BY c.last_seq DESC, e.seq DESC LIMIT %(limit)s::bigint
)""")

# the positions first: the planner must not walk the whole ledger backwards for them
_BY_STREAMS = sql.SQL("""(
    WITH found AS MATERIALIZED (
        SELECT seq FROM ledger.events
        WHERE workspace_id = %(workspace_id)s::uuid
          AND stream_id = ANY (%(streams)s::uuid[])
          AND seq > %(after)s::bigint AND seq < %(before)s::bigint
    )
    SELECT * FROM ledger.events
    WHERE workspace_id = %(workspace_id)s::uuid AND seq IN (
        SELECT seq FROM found ORDER BY seq DESC LIMIT %(limit)s::bigint)
)""")

_BACKWARDS = sql.SQL("""(
    SELECT e.* FROM ledger.events AS e
    WHERE e.workspace_id = %(workspace_id)s::uuid
      AND e.seq > %(after)s::bigint AND e.seq < %(before)s::bigint AND {about}
    ORDER BY e.seq DESC LIMIT %(limit)s::bigint
)""")
