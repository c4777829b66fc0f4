"""The records of a large unit: decided, encoded and written slice by slice.

A slice's rows and events are sent, and answered, before the next one is decided.  So
the connection is not idle for longer than a slice takes to be made, what has been sent
is never more than a slice, memory holds one slice, and between two slices whoever else
waits for the event loop has its turn.  A refusal anywhere takes all of it back with the
transaction.

The rows of a table that the same unit gives new fields have to wait for its columns,
and a table that gets a column can be read by nobody until the COMMIT.  There all the
events go first, `Later` keeps the statements of the rows, and what the others wait for
is no more than the database needs for them.
"""

from collections.abc import Sequence
from typing import Any, cast

import psycopg

from commands.append import Accepted, Head, append_slice, close
from commands.deciding import decide_slice
from commands.unit import Stream
from domain.errors import DomainError
from domain.facts import Facts
from projections import turns
from projections.apply import apply
from projections.target import live


class Later:
    """Stands in for a connection: keeps the statements for when they can be run."""

    def __init__(self) -> None:
        self._kept: list[list[tuple[Any, Sequence[Any]]]] = []

    @property
    def as_connection(self) -> psycopg.Connection[Any]:
        """For functions that send statements and look at no answer."""
        return cast("psycopg.Connection[Any]", self)

    def execute(
        self, statement: Any, values: Sequence[Any] = (), **_options: Any
    ) -> None:
        self._kept[-1].append((statement, values))

    def next_slice(self) -> None:
        self._kept.append([])

    def send(
        self, connection: psycopg.Connection[Any], pipeline: psycopg.Pipeline
    ) -> None:
        """Runs what was kept, and forgets it slice by slice."""
        self._kept.reverse()
        while self._kept:
            for statement, values in self._kept.pop():
                connection.execute(statement, values)
            _settle(pipeline)


def send(
    connection: psycopg.Connection[Any],
    pipeline: psycopg.Pipeline,
    head: Head,
    facts: Facts,
    unit: Accepted,
    stream: Stream,
    milliseconds: int,
    later: Later | None = None,
) -> None:
    """Writes a unit's events and rows, its batch and the head; no COMMIT.

    The rows of `unit.events` are the caller's; where `later` is given it gets those of
    the stream.  Raises DomainError, its `index` counting over the whole stream.
    """
    target = live(head.workspace_id)
    append_slice(connection, head, unit, unit.events, 0, milliseconds)
    at, records = len(unit.events), 0
    for command in stream.slices():
        try:
            events = decide_slice(command, facts, unit.first_seq + at - 1)
        except DomainError as error:
            raise _placed(error, records) from None
        rows = connection
        if later is not None:
            later.next_slice()
            rows = later.as_connection
        apply(rows, target, facts.catalog, events)
        append_slice(connection, head, unit, events, at, milliseconds)
        at += len(events)
        records += len(command.records)
        _settle(pipeline)
    if at != unit.size:  # each event says how many there are
        raise RuntimeError(f"a stream of {unit.size} events had {at}")
    close(connection, head, [unit])


def _settle(pipeline: psycopg.Pipeline) -> None:
    """Waits for the slice's answers; then whoever is ready has its turn."""
    pipeline.sync()
    turns.pause(0)


def _placed(error: DomainError, before: int) -> DomainError:
    index = error.extra.get("index")
    if isinstance(index, int):
        error.extra = {**error.extra, "index": before + index}
    return error
