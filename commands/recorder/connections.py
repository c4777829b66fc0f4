"""Connections for callers in threads: made when wanted, kept for the next."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias, TypeVar

import psycopg

from projections.postgres import connect

RESTED = 5.0  # seconds after which a connection is asked whether it is still there

Connection: TypeAlias = psycopg.Connection[Any]
T = TypeVar("T")


class Connections:
    """Of one role.  `lasting` False: a commit may be lost with the database's machine,
    whole, which is fine for what is then done again."""

    def __init__(self, url: str, *, lasting: bool = True) -> None:
        self._url = url
        self._lasting = lasting
        self._resting: list[tuple[Connection, float]] = []
        self._closed = False

    def read(self, reading: Callable[[Connection], T]) -> T:
        """What a function reads in one transaction; once more where the connection
        was lost, which reading may be."""
        try:
            return self._read(reading)
        except psycopg.OperationalError:
            self._drop_all()
            return self._read(reading)

    def _read(self, reading: Callable[[Connection], T]) -> T:
        with self.transaction() as connection:
            return reading(connection)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection in a transaction that ends with the block."""
        connection = self._taken()
        try:
            with connection.transaction():
                yield connection
        finally:
            self._give_back(connection)

    def _taken(self) -> Connection:
        with suppress(IndexError):
            connection, since = self._resting.pop()
            if time.monotonic() - since < RESTED or _answers(connection):
                return connection
            connection.close()
        return self._made()

    def _made(self) -> Connection:
        connection = connect(self._url, autocommit=True)
        if not self._lasting:
            connection.execute("SET synchronous_commit = off")
        return connection

    def _give_back(self, connection: Connection) -> None:
        if self._closed:
            connection.close()
        elif not connection.closed:
            self._resting.append((connection, time.monotonic()))

    def _drop_all(self) -> None:
        while True:
            try:
                connection, _ = self._resting.pop()
            except IndexError:
                return
            connection.close()

    def close(self) -> None:
        self._closed = True
        self._drop_all()

    def __del__(self) -> None:
        # the library's runner lets go of a view without a word
        self.close()


def _answers(connection: Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
