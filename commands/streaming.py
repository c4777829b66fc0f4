"""The records of a large unit: decided, encoded and written slice by slice.

A slice's rows and events are sent, and answered, before the next one is decided.  So
the connection is not idle for longer than a slice takes to be made, what has been sent
is never more than a slice, memory holds one slice, and between two slices whoever else
waits for the event loop has its turn.  A refusal anywhere takes all of it back with the
transaction.

A table that gets a column can be read by nobody until the COMMIT.  So the columns of
fields that such a unit makes are there before it: added in a transaction of their own,
known to nobody but the unit, and dropped again where it is refused.  Should the process
die in between, an empty column stays that nothing ever looks at.
"""

import logging
from typing import Any

import psycopg

from commands.append import Accepted, Head, append_slice, close
from commands.deciding import decide_slice
from commands.unit import Stream
from domain.catalog import Catalog
from domain.errors import DomainError
from domain.facts import Facts
from domain.ids import WorkspaceId
from projections import turns
from projections.apply import apply
from projections.records import ddl
from projections.target import live

log = logging.getLogger(__name__)


def make_columns(
    connection: psycopg.Connection[Any], workspace_id: WorkspaceId, stream: Stream
) -> None:
    """Raises psycopg.errors.LockNotAvailable where the table is in use."""
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '1s'")
        ddl.add_columns(connection, live(workspace_id), stream.fields)


def drop_columns(
    connection: psycopg.Connection[Any] | None,
    workspace_id: WorkspaceId,
    stream: Stream,
) -> None:
    """Takes the columns back, as far as the database lets it."""
    if connection is None or connection.closed:
        return
    try:
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '1s'")
            ddl.drop_columns(connection, live(workspace_id), stream.fields)
    except psycopg.Error as error:
        log.warning("empty columns stay behind a refused unit: %s", error)


def send(
    connection: psycopg.Connection[Any],
    pipeline: psycopg.Pipeline,
    head: Head,
    facts: Facts,
    before: Catalog,
    unit: Accepted,
    stream: Stream,
    milliseconds: int,
) -> None:
    """Writes a unit's events and rows, its batch and the head; no COMMIT.

    `before` is the catalogue without the unit's own fields.  Raises DomainError, its
    `index` counting over the whole stream.
    """
    target = live(head.workspace_id)
    made = {one.id for one in stream.fields}
    apply(connection, target, before, unit.events, columns_of=made)
    append_slice(connection, head, unit, unit.events, 0, milliseconds)
    at, records = len(unit.events), 0
    for command in stream.slices():
        try:
            events = decide_slice(command, facts, unit.first_seq + at - 1)
        except DomainError as error:
            raise _placed(error, records) from None
        apply(connection, target, facts.catalog, events)
        append_slice(connection, head, unit, events, at, milliseconds)
        at += len(events)
        records += len(command.records)
        pipeline.sync()
        turns.pause(0)
    if at != unit.size:  # each event says how many there are
        raise RuntimeError(f"a stream of {unit.size} events had {at}")
    close(connection, head, [unit])


def _placed(error: DomainError, before: int) -> DomainError:
    index = error.extra.get("index")
    if isinstance(index, int):
        error.extra = {**error.extra, "index": before + index}
    return error
