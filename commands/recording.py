"""What a group has decided, sent to the database: rows, events, and COMMIT.

most groups            in the pipeline that loaded the facts, at once
a unit for its size    there too, part by part, or as it is decided
where there is DDL     behind it: psycopg forgets its prepared statements then,
                       which a pipeline that has named one does not survive
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from commands import converting, streaming
from commands.append import SLICE, Head, append, append_slice, close
from commands.deciding import Group
from commands.unit import Done, Stream, Unit
from domain.catalog import Catalog
from domain.events import Recorded
from domain.facts import Facts
from domain.history import HistoryUndone
from projections import turns
from projections.apply import apply, is_of_records
from projections.target import live

_APPLIED = 1_000  # events that are written to the tables at once, at the most


@dataclass(frozen=True, slots=True)
class Recording:
    """A group of which something was accepted, with its units and what decided them."""

    connection: psycopg.Connection[Any]
    head: Head
    facts: Facts
    units: Sequence[Unit]
    group: Group

    def send_in(self, pipeline: psycopg.Pipeline) -> None:
        """Sends it as a part of the pipeline, where it can be; then its group commits.

        Raises Unforeseen where it was foreseen wrongly.
        """
        first = self.units[0]
        if first.stream is not None:
            self._stream(pipeline, first.stream)
        elif self.group.foreseen:
            self._stream_attempt(pipeline)
        elif not first.alone:
            self._send()
        elif not first.retypes and _is_of_records(self.group):
            self._send_in_parts(pipeline)
        else:
            return
        self.group.finish()  # while the database commits

    def send(self) -> None:
        """Sends it outside of any pipeline."""
        if self.units[0].retypes:
            self._convert()
        else:
            self._send()
        self.group.finish()

    def _send(self) -> None:
        # the database is at the rows while the events are encoded and chained
        events = [one for unit in self.group.accepted for one in unit.events]
        catalog = self.group.before
        for some in _parts_of(events, catalog):
            catalog = apply(
                self.connection, live(self.head.workspace_id), catalog, some
            )
        append(self.connection, self.head, self.group.accepted)
        self._commit()

    def _send_in_parts(self, pipeline: psycopg.Pipeline) -> None:
        """What has been sent and not answered is a part at the most, and others have
        their turns between slices."""
        (accepted,) = self.group.accepted
        head, at = self.head, 0
        for some in _parts_of(accepted.events, self.group.before):
            if at:
                pipeline.sync()
            apply(self.connection, live(head.workspace_id), self.group.before, some)
            for start in range(0, len(some), SLICE):
                events = some[start : start + SLICE]
                append_slice(self.connection, head, accepted, events, at + start)
                turns.pause(0)
            at += len(some)
        close(self.connection, head, self.group.accepted)
        self._commit()

    def _convert(self) -> None:
        (accepted,) = self.group.accepted
        converting.send(
            self.connection, self.head, self.facts, self.group.before, accepted
        )
        self._commit()

    def _stream(self, pipeline: psycopg.Pipeline, stream: Stream) -> None:
        """Decides the records of a large unit as they are sent."""
        (accepted,) = self.group.accepted
        streaming.send(
            self.connection,
            pipeline,
            self.head,
            self.facts,
            self.group.before,
            accepted,
            stream,
        )
        self._commit()

    def _stream_attempt(self, pipeline: psycopg.Pipeline) -> None:
        """The same of the steps of an attempt."""
        (accepted,) = self.group.accepted
        attempt = self.units[0].attempt
        assert attempt is not None
        assert self.facts.catalog is self.group.before  # no DDL
        streaming.send_attempt(
            self.connection,
            pipeline,
            self.head,
            self.facts,
            self.group.before,
            accepted,
            attempt,
        )
        self._commit()

    def _commit(self) -> None:
        """Sends what units keep in the vault, and COMMIT."""
        for unit, answer in zip(self.units, self.group.answers, strict=False):
            if isinstance(answer, Done) and not answer.replayed:
                for write in unit.vault:
                    self.connection.execute(write.statement, write.values)
        self.group.committing = True
        self.connection.execute("COMMIT")


def _is_of_records(group: Group) -> bool:
    """Whether all that was accepted is written to tables that are there: at DDL psycopg
    forgets its prepared statements."""
    return all(
        isinstance(one.event, HistoryUndone) or is_of_records(one)
        for unit in group.accepted
        for one in unit.events
    )


def _parts_of(
    events: Sequence[Recorded], catalog: Catalog
) -> Iterator[Sequence[Recorded]]:
    """A large unit's events part by part, so that others have their turns between.

    Not where values are unique: one record's may be free only by another's event.
    """
    tables = {getattr(one.event, "table_id", None) for one in events}
    depend = any(
        table.enforced for table in catalog.tables.values() if table.id in tables
    )
    most = len(events) if depend else _APPLIED
    for start in range(0, len(events), most or 1):
        yield events[start : start + most]
