"""The unit of a change of type: its events after the first, made and written in parts.

The column is read again, now to be written, a stretch at a time, so memory holds one
stretch however long the table is; whoever else waits for the event loop has its turn in
between.  Nobody sees anything of it before the COMMIT.

A table that gets a column can be read by nobody until the COMMIT.  So the column that
the values go into is there before: added in a transaction of its own, after a rehearsal
that locks nothing has shown that the values convert.  Where they do not after all, an
empty column stays, which the next attempt uses.
"""

from itertools import chain
from typing import Any

import psycopg

from commands.append import Accepted, Head, append_slice, close
from domain.catalog import Catalog, Field
from domain.decider import evolve
from domain.events import Recorded
from domain.facts import Facts
from domain.ids import WorkspaceId
from domain.retype import FieldRetyped, parts
from projections import turns
from projections.apply import apply
from projections.records import ddl
from projections.target import live


def make_column(
    connection: psycopg.Connection[Any], workspace_id: WorkspaceId, field: Field
) -> None:
    """Raises psycopg.errors.LockNotAvailable where the table is in use."""
    target = live(workspace_id)
    with connection.transaction():
        if not ddl.has_column(connection, target, field):
            connection.execute("SET LOCAL lock_timeout = '1s'")
            ddl.add_columns(connection, target, [field])


def send(
    connection: psycopg.Connection[Any],
    head: Head,
    facts: Facts,
    before: Catalog,
    unit: Accepted,
) -> None:
    """Writes a unit's events and rows, its batch and the head; no COMMIT."""
    target = live(head.workspace_id)
    apply(connection, target, before, unit.events)
    append_slice(connection, head, unit, unit.events, 0)
    at = len(unit.events)
    # none where the field is of that type already, or an undo goes without it
    retyped = [one.event for one in unit.events if isinstance(one.event, FieldRetyped)]
    for part in chain.from_iterable(parts(one, facts) for one in retyped):
        version = facts.versions.get(part.stream_id, 0) + 1
        recorded = Recorded(
            head.workspace_id,
            unit.first_seq + at,
            version,
            facts.now,
            unit.origin.actor,
            part,
        )
        evolve(facts, recorded)
        apply(connection, target, facts.catalog, [recorded])
        append_slice(connection, head, unit, [recorded], at)
        turns.pause(0)
        at += 1
    if at != unit.size:  # each event says how many there are
        raise RuntimeError(f"a unit of {unit.size} events had {at}")
    close(connection, head, [unit])
