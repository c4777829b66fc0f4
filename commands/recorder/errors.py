"""Our errors and the driver's as those that the library's callers know."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from eventsourcing import persistence

from domain.errors import Busy, Conflict, DomainError

# the first that fits: subclasses before their bases
_MEANINGS: tuple[tuple[type[Exception], type[persistence.PersistenceError]], ...] = (
    (Conflict, persistence.IntegrityError),
    (Busy, persistence.OperationalError),
    (DomainError, persistence.DataError),
    # `ledger.positions` takes no null, which is what stands for a step back
    (psycopg.IntegrityError, persistence.IntegrityError),
    (psycopg.OperationalError, persistence.OperationalError),
    (psycopg.DataError, persistence.DataError),
    (psycopg.InternalError, persistence.InternalError),
    (psycopg.ProgrammingError, persistence.ProgrammingError),
    (psycopg.NotSupportedError, persistence.NotSupportedError),
    (psycopg.DatabaseError, persistence.DatabaseError),
    (psycopg.InterfaceError, persistence.InterfaceError),
    (psycopg.Error, persistence.PersistenceError),
)


@contextmanager
def translated() -> Iterator[None]:
    """What the block raises of ours or of the driver's, raised as the library's."""
    try:
        yield
    except (DomainError, psycopg.Error) as error:
        for ours, theirs in _MEANINGS:
            if isinstance(error, ours):
                raise theirs(str(error)) from error
        raise
