"""The records of a large unit: decided, encoded and written slice by slice.

    send           what an import or a copy makes
    send_attempt   the steps of an undo that goes as foreseen

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
from collections.abc import Sequence
from typing import Any

import psycopg

from commands.append import SLICE, Accepted, Head, append_slice, close
from commands.attempting import decide_step
from commands.deciding import decide_slice, recorded_events
from commands.gather import Gathering
from commands.unit import Attempt, Stream
from domain.catalog import Catalog
from domain.decider import needs
from domain.errors import DomainError
from domain.facts import Facts, Needs
from domain.ids import WorkspaceId
from domain.undo import Step
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
) -> None:
    """Writes a unit's events and rows, its batch and the head; no COMMIT.

    `before` is the catalogue without the unit's own fields.  Raises DomainError, its
    `index` counting over the whole stream.
    """
    target = live(head.workspace_id)
    made = {one.id for one in stream.fields}
    apply(connection, target, before, unit.events, columns_of=made)
    append_slice(connection, head, unit, unit.events, 0)
    at, records = len(unit.events), 0
    for command in stream.slices():
        try:
            events = decide_slice(command, facts, unit.first_seq + at - 1)
        except DomainError as error:
            raise _placed(error, records) from None
        apply(connection, target, facts.catalog, events)
        append_slice(connection, head, unit, events, at)
        at += len(events)
        records += len(command.records)
        pipeline.sync()
        turns.pause(0)
    if at != unit.size:  # each event says how many there are
        raise RuntimeError(f"a stream of {unit.size} events had {at}")
    close(connection, head, [unit])


def send_attempt(
    connection: psycopg.Connection[Any],
    pipeline: psycopg.Pipeline,
    head: Head,
    facts: Facts,
    before: Catalog,
    unit: Accepted,
    attempt: Attempt,
) -> None:
    """Writes an attempt's events and rows, its batch and the head; no COMMIT.

    While a step is decided and encoded, the database writes the one before it and reads
    what the next one looks at.  Raises Unforeseen.
    """
    target, steps = live(head.workspace_id), attempt.steps

    def ask(place: int) -> Gathering:
        asked = Gathering(connection, target)
        asked.facts(_needs_of(steps[place : place + 1], facts.catalog), facts)
        return asked

    here, ahead = ask(0), ask(1)
    pipeline.sync()
    here.receive()
    apply(connection, target, before, unit.events)
    append_slice(connection, head, unit, unit.events, 0)
    at = len(unit.events)
    for place, step in enumerate(steps):
        events = decide_step(step, facts, unit.first_seq + at - 1, recorded_events)
        turns.pause(0)
        pipeline.sync()  # the step before is written, and the next one's facts are here
        apply(connection, target, before, events)
        for start in range(0, len(events), SLICE):
            some = events[start : start + SLICE]
            append_slice(connection, head, unit, some, at + start)
            turns.pause(0)
        at += len(events)
        here, ahead = ahead, ask(place + 2)
        here.receive()
    close(connection, head, [unit])


def _needs_of(steps: Sequence[Step], catalog: Catalog) -> Needs:
    found = Needs()
    for one in steps:
        needs(one.command, catalog, found)
    return found


def _placed(error: DomainError, before: int) -> DomainError:
    index = error.extra.get("index")
    if isinstance(index, int):
        error.extra = {**error.extra, "index": before + index}
    return error
