"""Every record that matches, in order, page by page, by key: memory stays flat however
many there are."""

from collections.abc import AsyncGenerator, Sequence

from psycopg import sql

from projections.arrays import text_array
from projections.keyset import Place, beyond, columns, place_of
from projections.query import Query
from projections.records.output import record_json
from projections.snapshot import Snapshot
from projections.sql import Clause, order_by, where

IDS = 20_000  # of records that one statement puts in order
FIRST_ROWS = 20  # of the first page, while nobody knows how large they are
ROWS = 2_000  # of a page, at the most
BYTES = 256 * 1024  # of a page, about


async def walk(
    snapshot: Snapshot, query: Query, shown: sql.Composable | None = None
) -> AsyncGenerator[Sequence[str], None]:
    """Pages of the records' JSON with `query.fields`, or of what `shown` says of `t`;
    passes over `query.page`.

    Ids are put in order many at a time, because a sort without an index costs as much
    for few; what is large is read by id, in pages of about as many bytes.
    """
    size, place = FIRST_ROWS, None
    if shown is None:
        shown = record_json(snapshot.target, query.table, fields=query.fields)
    while True:
        ids = await _ids(snapshot, query, place)
        at = 0
        while at < len(ids):
            texts = await _texts(snapshot, query, shown, ids[at : at + size])
            at += len(texts)
            yield texts
            size = _next_size(size, sum(map(len, texts)))
        if len(ids) < IDS:
            break
        place = await _place(snapshot, query, ids[-1])
    await snapshot.still_there()


def _next_size(size: int, length: int) -> int:
    """Rows of the next page, after one of `size` rows and so many characters."""
    return max(1, min(ROWS, 2 * size, size * BYTES // max(1, length)))


async def _ids(snapshot: Snapshot, query: Query, place: Place | None) -> list[str]:
    target = snapshot.target
    condition, order = where(query, target), order_by(query)
    past = Clause(sql.Composed([sql.SQL("TRUE")]), [])
    if place is not None:
        past = beyond(query, place, target)
    statement = sql.SQL(
        "SELECT t.id FROM {} AS t WHERE {} AND {} ORDER BY {} LIMIT {}"
    ).format(
        target.of_records(query.table.id),
        condition.text,
        past.text,
        order.text,
        sql.Literal(IDS),
    )
    values = [*condition.values, *past.values, *order.values]
    return [row[0] for row in await snapshot.rows(statement, values)]


async def _texts(
    snapshot: Snapshot, query: Query, shown: sql.Composable, ids: Sequence[str]
) -> list[str]:
    target = snapshot.target
    statement = sql.SQL(
        "SELECT {} FROM unnest(%s::uuid[]) WITH ORDINALITY AS n (id, place)"
        " JOIN {} AS t ON t.id = n.id ORDER BY n.place"
    ).format(
        shown,
        target.of_records(query.table.id),
    )
    rows = await snapshot.rows(statement, [text_array(ids)])
    if len(rows) < len(ids):
        await snapshot.still_there()
        raise LookupError("a snapshot has lost records")
    return [row[0] for row in rows]


async def _place(snapshot: Snapshot, query: Query, record_id: str) -> Place:
    shown = columns(query)
    statement = sql.SQL("SELECT {} FROM {} AS t WHERE t.id = %s::uuid").format(
        shown.text, snapshot.target.of_records(query.table.id)
    )
    rows = await snapshot.rows(statement, [*shown.values, record_id])
    return place_of(rows[0])
